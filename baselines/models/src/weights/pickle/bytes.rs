//! Reading a pickle's bytes: every length that the file tells is checked against what is left of it.

/// What is left of a pickle.
pub(super) struct Bytes<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    /// From the beginning.
    pub(super) fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0 }
    }

    /// The place of the next byte.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: u64) -> Result<&'a [u8], String> {
        let taken = usize::try_from(count).ok().and_then(|n| self.all[self.at..].get(..n));
        let taken = taken.ok_or_else(|| format!("needs {count} bytes of which only {} are there", self.left()))?;
        self.at += taken.len();
        Ok(taken)
    }

    /// Checks that so many bytes are there.
    pub(super) fn holds(&self, count: u64) -> Result<(), String> {
        if count <= self.left() as u64 {
            Ok(())
        } else {
            Err(format!("announces {count} bytes, {} are there", self.left()))
        }
    }

    /// The next bytes as they are.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let taken = self.take(N as u64)?;
        taken.first_chunk().copied().ok_or_else(|| "is cut short".to_owned())
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Result<u8, String> {
        self.array::<1>().map(|[b]| b)
    }

    /// A little-endian number without sign, of `N` bytes.
    pub(super) fn number<const N: usize>(&mut self) -> Result<u64, String> {
        let mut wide = [0; 8];
        wide[..N].copy_from_slice(&self.array::<N>()?);
        Ok(u64::from_le_bytes(wide))
    }

    /// Up to the end of the line, which is left out.
    pub(super) fn line(&mut self) -> Result<&'a str, String> {
        let rest = &self.all[self.at..];
        let length = rest.iter().position(|&b| b == b'\n').ok_or("has a line without an end")?;
        self.at += length + 1;
        std::str::from_utf8(&rest[..length]).map_err(|_| "has a line that is not UTF-8".to_owned())
    }

    /// Text that is so many bytes long.
    pub(super) fn text(&mut self, count: u64) -> Result<&'a str, String> {
        std::str::from_utf8(self.take(count)?).map_err(|_| "has text that is not UTF-8".to_owned())
    }

    fn left(&self) -> usize {
        self.all.len() - self.at
    }
}
