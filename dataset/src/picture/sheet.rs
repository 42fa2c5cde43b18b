//! Contact sheets: many samples in one picture.

use image::{Rgb, RgbImage, imageops};

use super::{LINE_HEIGHT, draw_text, text_width};

const PAPER: Rgb<u8> = Rgb([250, 250, 248]);
const INK: Rgb<u8> = Rgb([32, 33, 36]);
const MARGIN: u32 = 12;

/// One sample of a sheet: pictures side by side under up to two lines of text.
pub struct Tile {
    /// The pictures, drawn from left to right at equal size.
    pub pictures: Vec<RgbImage>,
    /// Lines above the pictures; what does not fit ends in `...`.
    pub caption: Vec<String>,
}

/// Lays tiles out in `columns`, each picture scaled to `side` × `side` pixels.
pub fn contact_sheet(tiles: &[Tile], columns: u32, side: u32) -> RgbImage {
    let columns = columns.clamp(1, (tiles.len() as u32).max(1));
    let pictures = tiles.iter().map(|t| t.pictures.len()).max().unwrap_or(1).max(1) as u32;
    let lines = tiles.iter().map(|t| t.caption.len()).max().unwrap_or(0) as u32;
    let (tile_w, tile_h) = (pictures * (side + 4) - 4, lines * LINE_HEIGHT + side);
    let rows = (tiles.len() as u32).div_ceil(columns);
    let mut sheet =
        RgbImage::from_pixel(columns * (tile_w + MARGIN) + MARGIN, rows * (tile_h + MARGIN) + MARGIN, PAPER);
    for (i, tile) in tiles.iter().enumerate() {
        let (column, row) = (i as u32 % columns, i as u32 / columns);
        let (left, top) = (MARGIN + column * (tile_w + MARGIN), MARGIN + row * (tile_h + MARGIN));
        for (line, text) in tile.caption.iter().enumerate() {
            draw_text(&mut sheet, left, top + line as u32 * LINE_HEIGHT, &fitted(text, tile_w), INK);
        }
        for (n, picture) in tile.pictures.iter().enumerate() {
            let scaled = imageops::resize(picture, side, side, imageops::FilterType::Triangle);
            let x = left + n as u32 * (side + 4);
            imageops::replace(&mut sheet, &scaled, i64::from(x), i64::from(top + lines * LINE_HEIGHT));
        }
    }
    sheet
}

/// The text, cut to the width with `...` at its end.
fn fitted(text: &str, width: u32) -> String {
    if text_width(text) <= width {
        return text.to_owned();
    }
    let room = (width / text_width("m")).saturating_sub(3) as usize;
    text.chars().take(room).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_has_room_for_all_tiles() {
        let tile = || Tile { pictures: vec![RgbImage::new(5, 5); 2], caption: vec!["name_0001 a long caption".into()] };
        let sheet = contact_sheet(&[tile(), tile(), tile()], 2, 40);
        assert_eq!(sheet.dimensions(), (2 * (84 + MARGIN) + MARGIN, 2 * (58 + MARGIN) + MARGIN));
        assert_eq!(*sheet.get_pixel(MARGIN + 20, MARGIN + LINE_HEIGHT + 20), Rgb([0, 0, 0]));
    }

    #[test]
    fn long_captions_are_cut() {
        assert_eq!(fitted("abcdefghij", text_width("abcdef")), "abc...");
        assert_eq!(fitted("abc", 900), "abc");
    }
}
