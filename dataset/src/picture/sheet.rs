//! Contact sheets: many samples in one picture.

use image::{Rgb, RgbImage, imageops};

use super::{LINE_HEIGHT, draw_text, text_width};

const PAPER: Rgb<u8> = Rgb([250, 250, 248]);
const INK: Rgb<u8> = Rgb([32, 33, 36]);
const GREY: Rgb<u8> = Rgb([95, 99, 104]);
const MARGIN: u32 = 12;
const GAP: u32 = 4;

/// One sample of a sheet: a title above pictures side by side, each under a label of its own.
pub struct Tile {
    /// Above all pictures; what does not fit ends in `...`.
    pub title: String,
    /// The pictures with their labels, drawn from left to right at equal size.
    pub pictures: Vec<(String, RgbImage)>,
}

/// Lays tiles out in `columns`, each picture scaled to `side` × `side` pixels.
pub fn contact_sheet(tiles: &[Tile], columns: u32, side: u32) -> RgbImage {
    let columns = columns.clamp(1, (tiles.len() as u32).max(1));
    let pictures = tiles.iter().map(|t| t.pictures.len()).max().unwrap_or(1).max(1) as u32;
    let (tile_w, tile_h) = (pictures * (side + GAP) - GAP, 2 * LINE_HEIGHT + side);
    let rows = (tiles.len() as u32).div_ceil(columns);
    let mut sheet =
        RgbImage::from_pixel(columns * (tile_w + MARGIN) + MARGIN, rows * (tile_h + MARGIN) + MARGIN, PAPER);
    for (i, tile) in tiles.iter().enumerate() {
        let (column, row) = (i as u32 % columns, i as u32 / columns);
        let (left, top) = (MARGIN + column * (tile_w + MARGIN), MARGIN + row * (tile_h + MARGIN));
        draw_text(&mut sheet, left, top, &fitted(&tile.title, tile_w), INK);
        for (n, (label, picture)) in tile.pictures.iter().enumerate() {
            let x = left + n as u32 * (side + GAP);
            draw_text(&mut sheet, x, top + LINE_HEIGHT, &fitted(label, side), GREY);
            let scaled = imageops::resize(picture, side, side, imageops::FilterType::Triangle);
            imageops::replace(&mut sheet, &scaled, i64::from(x), i64::from(top + 2 * LINE_HEIGHT));
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
        let picture = || ("a label".to_owned(), RgbImage::new(5, 5));
        let tile = || Tile { title: "name_0001 a long title".into(), pictures: vec![picture(), picture()] };
        let sheet = contact_sheet(&[tile(), tile(), tile()], 2, 40);
        assert_eq!(sheet.dimensions(), (2 * (84 + MARGIN) + MARGIN, 2 * (76 + MARGIN) + MARGIN));
        assert_eq!(*sheet.get_pixel(MARGIN + 20, MARGIN + 2 * LINE_HEIGHT + 20), Rgb([0, 0, 0]));
    }

    #[test]
    fn long_captions_are_cut() {
        assert_eq!(fitted("abcdefghij", text_width("abcdef")), "abc...");
        assert_eq!(fitted("abc", 900), "abc");
    }
}
