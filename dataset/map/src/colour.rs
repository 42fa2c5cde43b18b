//! Colours as styles write them: `#rrggbb`.

use serde::{Deserialize, Deserializer, de};

/// An opaque colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(pub [u8; 3]);

impl<'de> Deserialize<'de> for Colour {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let digits = text.strip_prefix('#').filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_hexdigit()));
        let number = digits.and_then(|d| u32::from_str_radix(d, 16).ok());
        let [_, r, g, b] = number
            .ok_or_else(|| de::Error::custom(format!("`{text}` is no colour: expected six digits, as \"#f5f3ef\"")))?
            .to_be_bytes();
        Ok(Self([r, g, b]))
    }
}
