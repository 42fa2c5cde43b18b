//! Twenty-four small scenes for tests: coloured blocks on a ground, a map on which each block has a marker of its class's
//! colour, masks. No claim of realism; deterministic, whole numbers only.

use std::path::PathBuf;

use image::{Rgb, RgbImage};

use socio_dataset::hash::SplitMix;
use socio_dataset::store::{Encoded, Extras, FieldProblem, Image, Origin};
use socio_dataset::{Level, Mask, picture};

/// Scenes there are.
pub(crate) const SCENES: u32 = 24;
/// Pixels of a side.
const SIDE: u32 = 128;
/// Side of the square cell in which a block stands.
const CELL: u32 = 32;

/// The classes of the blocks, with their function and the colour of their marker.
const KINDS: [(&str, &str, Rgb<u8>); 4] = [
    ("School", "Educational", Rgb([198, 134, 66])),
    ("Temple", "Sport and cultural", Rgb([142, 84, 168])),
    ("Residential Area", "Residential", Rgb([112, 150, 118])),
    ("Hospital", "Medical", Rgb([200, 60, 60])),
];

/// The scenes, eight a level.
pub(crate) fn scenes() -> impl Iterator<Item = Encoded> + Send {
    (0..SCENES).map(scene)
}

struct Block {
    kind: usize,
    corners: [u32; 4],
}

fn scene(number: u32) -> Encoded {
    let level = Level::ALL[(number / 8) as usize % 3];
    let mut random = SplitMix(u64::from(number) + 1);
    let blocks = blocks(&mut random);
    let target = &blocks[random.below(blocks.len() as u64) as usize];
    let (class, function, _) = KINDS[target.kind];
    let text = match level {
        Level::Name => format!("{class} No. {}", number + 1),
        Level::Class => class.to_owned(),
        Level::Function => function.to_owned(),
    };
    let asked = |b: &Block| match level {
        Level::Name => b.corners == target.corners,
        Level::Class | Level::Function => b.kind == target.kind,
    };
    let mut satellite = RgbImage::from_fn(SIDE, SIDE, |_, _| {
        let shade = 92 + random.below(24) as u8;
        Rgb([shade, shade + 12, shade - 16])
    });
    let mut map = RgbImage::from_pixel(SIDE, SIDE, Rgb([247, 243, 236]));
    let mut mask = Mask::new(SIDE, SIDE);
    for block in &blocks {
        let [x0, y0, x1, y1] = block.corners;
        let roof = 150 + random.below(80) as u8;
        for y in y0..y1 {
            for x in x0..x1 {
                satellite.put_pixel(x, y, Rgb([roof, roof - 10, roof - 20]));
            }
        }
        if asked(block) {
            let whole = Mask::from_bbox(SIDE, SIDE, block.corners.map(f64::from).into());
            mask = mask.or(&whole).unwrap_or(mask);
        }
        let (cx, cy) = (u32::midpoint(x0, x1), u32::midpoint(y0, y1));
        for (dx, dy) in (0..25).map(|i| (i % 5, i / 5)) {
            map.put_pixel(cx + dx - 2, cy + dy - 2, KINDS[block.kind].2);
        }
    }
    let encoded = |bytes: Option<Vec<u8>>, name: &str| {
        bytes.map(|bytes| Image { bytes, path: Some(name.to_owned()) }).ok_or(FieldProblem::Missing)
    };
    Encoded {
        id: format!("{}_{:04}", level.prefix(), number + 1),
        origin: Origin { file: PathBuf::from("scenes"), row: Some(u64::from(number)) },
        problem: Ok(text),
        satellite: encoded(picture::to_png(&satellite).ok(), "sat.png"),
        map: encoded(picture::to_png(&map).ok(), "map.png"),
        mask: encoded(mask.to_png().ok(), "mask.png"),
        extras: Extras::default(),
    }
}

/// Three to six blocks, each in a cell of its own.
fn blocks(random: &mut SplitMix) -> Vec<Block> {
    let cells = SIDE / CELL;
    let mut free: Vec<u32> = (0..cells * cells).collect();
    (0..3 + random.below(4))
        .map(|_| {
            let cell = free.swap_remove(random.below(free.len() as u64) as usize);
            let (left, top) = (cell % cells * CELL, cell / cells * CELL);
            let (w, h) = (12 + random.below(16) as u32, 12 + random.below(16) as u32);
            let x0 = left + 2 + random.below(u64::from(CELL - 3 - w)) as u32;
            let y0 = top + 2 + random.below(u64::from(CELL - 3 - h)) as u32;
            Block { kind: random.below(KINDS.len() as u64) as usize, corners: [x0, y0, x0 + w, y0 + h] }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use socio_dataset::hash::FieldHasher;

    #[test]
    fn there_are_eight_scenes_a_level_and_none_is_empty() {
        let all: Vec<_> = scenes().collect();
        assert_eq!(all.len(), 24);
        for level in Level::ALL {
            assert_eq!(all.iter().filter(|s| s.level() == Some(level)).count(), 8);
        }
        for scene in &all {
            let sample = scene.decode().unwrap();
            let area = sample.truth.unwrap().mask.area();
            assert!(area > 100 && area < 6000, "{}: {area}", scene.id);
        }
    }

    #[test]
    fn pixels_are_the_same_everywhere() {
        let hash = scenes().fold(FieldHasher::default(), |h, s| {
            let s = s.decode().unwrap();
            h.field(s.query.satellite.as_raw()).field(s.query.map.unwrap().as_raw()).field(s.query.text)
        });
        assert_eq!(hash.hex(16), "93fc7dda4b0234a2");
    }
}
