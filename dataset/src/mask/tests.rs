//! Every operation against a naive version over `Vec<Vec<bool>>`, on many shapes; and against pycocotools and OpenCV
//! through the committed fixture.

use proptest::prelude::*;
use serde::Deserialize;

use super::{Counts, Mask, MaskError, Rle};
use crate::Bbox;
use crate::picture::luma;

type Grid = Vec<Vec<bool>>;
/// An operation and its naive version on one pixel.
type Case = (fn(&Mask, &Mask) -> Result<Mask, MaskError>, fn(bool, bool) -> bool);

fn mask_of(grid: &Grid, width: usize) -> Mask {
    Mask::from_fn(width as u32, grid.len() as u32, |x, y| grid[y as usize][x as usize])
}

fn grid_of(mask: &Mask) -> Grid {
    (0..mask.height()).map(|y| (0..mask.width()).map(|x| mask.get(x, y)).collect()).collect()
}

/// Widths round the word size, and densities from empty to full.
fn grids(count: usize) -> impl Strategy<Value = (usize, Vec<Grid>)> {
    let width = prop_oneof![0usize..6, 60usize..70, 126usize..131, Just(200usize)];
    (width, 0usize..70, 0.0f64..=1.0, any::<bool>()).prop_flat_map(move |(w, h, density, extreme)| {
        let density = if extreme { density.round() } else { density };
        let cell = prop::bool::weighted(density);
        let grid = prop::collection::vec(prop::collection::vec(cell, w), h);
        (Just(w), prop::collection::vec(grid, count))
    })
}

fn naive_zip(a: &Grid, b: &Grid, op: fn(bool, bool) -> bool) -> Grid {
    a.iter().zip(b).map(|(r, s)| r.iter().zip(s).map(|(x, y)| op(*x, *y)).collect()).collect()
}

fn count(grid: &Grid) -> u64 {
    grid.iter().flatten().filter(|v| **v).count() as u64
}

/// Components by flood fill over pixels: sets of (y, x), each sorted.
fn naive_components(grid: &Grid, diagonal: bool) -> Vec<Vec<(usize, usize)>> {
    let mut seen = vec![vec![false; grid.first().map_or(0, Vec::len)]; grid.len()];
    let mut all = Vec::new();
    for y in 0..grid.len() {
        for x in 0..grid[y].len() {
            if !grid[y][x] || seen[y][x] {
                continue;
            }
            let (mut stack, mut pixels) = (vec![(y, x)], Vec::new());
            seen[y][x] = true;
            while let Some((y, x)) = stack.pop() {
                pixels.push((y, x));
                for (dy, dx) in [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)] {
                    if !diagonal && dy != 0 && dx != 0 {
                        continue;
                    }
                    let (ny, nx) = (y as i64 + dy, x as i64 + dx);
                    if ny < 0 || nx < 0 || ny >= grid.len() as i64 || nx >= grid[y].len() as i64 {
                        continue;
                    }
                    let (ny, nx) = (ny as usize, nx as usize);
                    if grid[ny][nx] && !seen[ny][nx] {
                        seen[ny][nx] = true;
                        stack.push((ny, nx));
                    }
                }
            }
            pixels.sort_unstable();
            all.push(pixels);
        }
    }
    all
}

/// The polygon area of an outer contour by following it (Moore neighbourhood, clockwise) and the shoelace formula.
fn naive_contour_area(pixels: &[(usize, usize)]) -> f64 {
    const TURN: [(i64, i64); 8] = [(0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)];
    let set: std::collections::BTreeSet<(i64, i64)> = pixels.iter().map(|(y, x)| (*y as i64, *x as i64)).collect();
    let start = *set.first().unwrap();
    let step = |at: (i64, i64), from: usize| {
        (0..8).map(|i| (from + i) % 8).find_map(|d| {
            let next = (at.0 + TURN[d].0, at.1 + TURN[d].1);
            set.contains(&next).then_some((next, d))
        })
    };
    let Some((second, first_turn)) = step(start, 0) else { return 0.0 };
    let (mut at, mut turn, mut twice) = (second, first_turn, 0i64);
    let mut path = vec![start];
    loop {
        path.push(at);
        let (next, d) = step(at, (turn + 5) % 8).unwrap();
        if at == start && next == second {
            break;
        }
        (at, turn) = (next, d);
    }
    for pair in path.windows(2) {
        twice += pair[0].1 * pair[1].0 - pair[1].1 * pair[0].0;
    }
    (twice as f64).abs() / 2.0
}

/// Contour boxes over pixels: flood the surroundings, keep components they touch, follow each one's contour.
fn naive_contour_boxes(grid: &Grid, width: usize) -> Vec<Bbox> {
    let mut padded = vec![vec![true; width + 2]; grid.len() + 2];
    for (y, row) in grid.iter().enumerate() {
        for (x, set) in row.iter().enumerate() {
            padded[y + 1][x + 1] = !set;
        }
    }
    let outside: std::collections::BTreeSet<_> = naive_components(&padded, false).remove(0).into_iter().collect();
    naive_components(grid, true)
        .into_iter()
        .filter(|pixels| {
            pixels.iter().any(|(y, x)| {
                [(0, 1), (2, 1), (1, 0), (1, 2)].iter().any(|(dy, dx)| outside.contains(&(y + dy, x + dx)))
            })
        })
        .filter(|pixels| naive_contour_area(pixels) > 10.0)
        .map(|pixels| naive_box(&pixels))
        .collect()
}

fn naive_box(pixels: &[(usize, usize)]) -> Bbox {
    let xs = pixels.iter().map(|p| p.1 as f64);
    let ys = pixels.iter().map(|p| p.0 as f64);
    Bbox {
        x0: xs.clone().fold(f64::INFINITY, f64::min),
        y0: ys.clone().fold(f64::INFINITY, f64::min),
        x1: xs.fold(0.0, f64::max) + 1.0,
        y1: ys.fold(0.0, f64::max) + 1.0,
    }
}

fn naive_run_lengths(grid: &Grid, width: usize) -> Vec<u64> {
    let (mut lengths, mut value, mut run) = (Vec::new(), false, 0);
    for x in 0..width {
        for row in grid {
            if row[x] != value {
                lengths.push(run);
                (value, run) = (row[x], 0);
            }
            run += 1;
        }
    }
    lengths.push(run);
    lengths
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn boolean_operations_and_counts((w, g) in grids(2)) {
        let (a, b) = (mask_of(&g[0], w), mask_of(&g[1], w));
        prop_assert_eq!(grid_of(&a), g[0].clone());
        prop_assert_eq!(a.area(), count(&g[0]));
        prop_assert_eq!(a.is_empty(), count(&g[0]) == 0);
        let cases: [Case; 4] = [
            (Mask::and, |x, y| x && y),
            (Mask::or, |x, y| x || y),
            (Mask::xor, |x, y| x != y),
            (Mask::and_not, |x, y| x && !y),
        ];
        for (op, naive) in cases {
            let got = op(&a, &b).unwrap();
            let want = naive_zip(&g[0], &g[1], naive);
            prop_assert_eq!(got.area(), count(&want), "stray bits past the width");
            prop_assert_eq!(grid_of(&got), want);
        }
        let not: Grid = g[0].iter().map(|r| r.iter().map(|v| !v).collect()).collect();
        prop_assert_eq!(a.not().area(), count(&not));
        prop_assert_eq!(grid_of(&a.not()), not);
        let counts = a.counts(&b).unwrap();
        let both = count(&naive_zip(&g[0], &g[1], |x, y| x && y));
        let either = count(&naive_zip(&g[0], &g[1], |x, y| x || y));
        prop_assert_eq!(counts, Counts { intersection: both, union: either });
        match counts.iou() {
            None => prop_assert_eq!(either, 0),
            Some(iou) => prop_assert!((iou - both as f64 / either as f64).abs() < 1e-12),
        }
    }

    #[test]
    fn components_areas_and_boxes((w, g) in grids(2)) {
        let mask = mask_of(&g[0], w);
        let got = mask.components();
        let want = naive_components(&g[0], true);
        prop_assert_eq!(got.len(), want.len());
        for (c, pixels) in got.iter().zip(&want) {
            prop_assert_eq!(c.area(), pixels.len() as u64);
            prop_assert_eq!(c.bbox(), naive_box(pixels));
            let alone = c.to_mask(mask.width(), mask.height());
            prop_assert_eq!(alone.area(), c.area());
            prop_assert!(pixels.iter().all(|(y, x)| alone.get(*x as u32, *y as u32)));
        }
        let all: Vec<_> = want.concat();
        prop_assert_eq!(mask.bbox(), (!all.is_empty()).then(|| naive_box(&all)));
        // Pairs of components, through whole masks.
        let others = mask_of(&g[1], w).components();
        for a in got.iter().take(6) {
            for b in others.iter().take(6) {
                let (ma, mb) = (a.to_mask(mask.width(), mask.height()), b.to_mask(mask.width(), mask.height()));
                let counts = ma.counts(&mb).unwrap();
                prop_assert_eq!(a.intersection(b), counts.intersection);
                prop_assert!((a.iou(b) - counts.iou().unwrap_or(0.0)).abs() < 1e-12);
                prop_assert!((a.iou_with(&mb) - counts.iou().unwrap_or(0.0)).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn contour_boxes_follow_the_contours((w, g) in grids(1)) {
        prop_assert_eq!(mask_of(&g[0], w).contour_boxes(), naive_contour_boxes(&g[0], w));
    }

    #[test]
    fn run_lengths_and_rle((w, g) in grids(1)) {
        let mask = mask_of(&g[0], w);
        let lengths = mask.run_lengths();
        prop_assert_eq!(&lengths, &naive_run_lengths(&g[0], w));
        prop_assert_eq!(&Mask::from_run_lengths(mask.width(), mask.height(), &lengths).unwrap(), &mask);
        prop_assert_eq!(Rle::from(&mask).to_mask().unwrap(), mask);
    }

    #[test]
    fn rle_text_of_any_kind_never_panics(h in 0u32..70, w in 0u32..70, counts in "[ -~]{0,24}") {
        if let Ok(mask) = (Rle { size: [h, w], counts }).to_mask() {
            prop_assert_eq!(mask.size(), (w, h));
        }
    }

    #[test]
    fn resize_takes_the_floor((w, g) in grids(1), tw in 1u32..150, th in 1u32..90) {
        let mask = mask_of(&g[0], w);
        let got = mask.resized(tw, th);
        prop_assert_eq!(got.size(), (tw, th));
        if w > 0 && !g[0].is_empty() {
            for y in 0..th {
                for x in 0..tw {
                    let at = |i: u32, source: usize, target: u32| {
                        let inverse_scale = f64::from(target) / source as f64;
                        ((f64::from(i) * (1.0 / inverse_scale)).floor() as usize).min(source - 1)
                    };
                    prop_assert_eq!(got.get(x, y), g[0][at(y, g[0].len(), th)][at(x, w, tw)]);
                }
            }
        }
    }

    #[test]
    fn png_there_and_back((w, g) in grids(1)) {
        let mask = mask_of(&g[0], w);
        if mask.width() > 0 && mask.height() > 0 {
            prop_assert_eq!(Mask::from_image_bytes(&mask.to_png().unwrap()).unwrap(), mask);
        }
    }

    #[test]
    fn a_box_covers_the_pixels_whose_centres_it_holds(
        w in 1u32..140, h in 1u32..20, b in prop::array::uniform4(-20.0f64..160.0),
    ) {
        let got = Mask::from_bbox(w, h, b.into());
        for y in 0..h {
            for x in 0..w {
                let (cx, cy) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
                prop_assert_eq!(got.get(x, y), b[0] <= cx && cx < b[2] && b[1] <= cy && cy < b[3]);
            }
        }
    }
}

#[test]
fn masks_of_other_sizes_are_refused() {
    let error = Mask::new(3, 2).counts(&Mask::new(2, 3)).unwrap_err();
    assert_eq!(error.to_string(), "masks differ in size: 3x2 and 2x3");
}

#[test]
fn hostile_rle_is_told_where() {
    let bad = |size, counts: &str| Rle { size, counts: counts.into() }.to_mask().unwrap_err().to_string();
    assert_eq!(bad([2, 2], "5"), "run lengths add up to 5 pixels, expected 4 (height x width)");
    assert!(bad([2, 2], "P").contains("it ends within a number"));
    assert!(bad([2, 2], "é").contains("expected a character"));
    assert!(bad([2, 2], "@").contains("a negative run length"), "{}", bad([2, 2], "@"));
    assert!(bad([u32::MAX, u32::MAX], "0").contains("larger than"));
    assert!(bad([1 << 28, 1], "0").contains("larger than"), "padding counts");
    assert!(bad([2, 2], "oooooooooooooooo").contains("more than 60 bits"));
}

#[derive(Deserialize)]
struct Fixture {
    masks: Vec<FixtureMask>,
    pairs: Vec<FixturePair>,
    resize: Vec<FixtureResize>,
    luma: Vec<(u8, u8, u8, u8)>,
}

#[derive(Deserialize)]
struct FixtureResize {
    src: u32,
    dst: u32,
    index: Option<Vec<u32>>,
    first: Option<Vec<u32>>,
    sha256: Option<String>,
}

#[derive(Deserialize)]
struct FixtureMask {
    w: u32,
    h: u32,
    rows: Vec<String>,
    rle: String,
    area: u64,
    components8: Vec<FixtureComponent>,
    contour_boxes: Vec<[f64; 4]>,
}

#[derive(Deserialize)]
struct FixtureComponent {
    area: u64,
    bbox: [f64; 4],
}

#[derive(Deserialize)]
struct FixturePair {
    a: usize,
    b: usize,
    intersection: u64,
    union: u64,
    iou: f64,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../../../tests/fixtures/masks.json")).unwrap()
}

fn fixture_mask(m: &FixtureMask) -> Mask {
    Mask::from_fn(m.w, m.h, |x, y| {
        let byte = u8::from_str_radix(&m.rows[y as usize][x as usize / 8 * 2..][..2], 16).unwrap();
        byte >> (7 - x % 8) & 1 == 1
    })
}

#[test]
fn pycocotools_and_opencv_agree() {
    let fixture = fixture();
    assert!(fixture.masks.len() >= 50 && fixture.pairs.len() >= 30);
    for (i, m) in fixture.masks.iter().enumerate() {
        let mask = fixture_mask(m);
        assert_eq!(mask.area(), m.area, "mask {i}");
        assert_eq!(Rle::from(&mask).counts, m.rle, "mask {i}");
        assert_eq!(Rle { size: [m.h, m.w], counts: m.rle.clone() }.to_mask().unwrap(), mask, "mask {i}");
        let key = |b: &[f64; 4]| [b[1], b[0], b[3], b[2]].map(|v| v as i64);
        let mut got: Vec<_> = mask.components().iter().map(|c| (key(&c.bbox().into()), c.area())).collect();
        let mut want: Vec<_> = m.components8.iter().map(|c| (key(&c.bbox), c.area)).collect();
        got.sort_unstable();
        want.sort_unstable();
        assert_eq!(got, want, "components of mask {i}");
        let mut got: Vec<_> = mask.contour_boxes().iter().map(|b| key(&(*b).into())).collect();
        let mut want: Vec<_> = m.contour_boxes.iter().map(key).collect();
        got.sort_unstable();
        want.sort_unstable();
        assert_eq!(got, want, "contour boxes of mask {i}");
    }
    for p in &fixture.pairs {
        let counts = fixture_mask(&fixture.masks[p.a]).counts(&fixture_mask(&fixture.masks[p.b])).unwrap();
        assert_eq!(counts, Counts { intersection: p.intersection, union: p.union });
        assert!((counts.iou().unwrap_or(0.0) - p.iou).abs() < 1e-12);
    }
}

#[test]
fn sixteen_bits_are_clipped_and_alpha_ignored() {
    let deep = image::ImageBuffer::from_vec(3, 1, vec![0u16, 1, 65535]);
    let deep = image::DynamicImage::ImageLuma16(deep.unwrap());
    assert_eq!(crate::picture::grey(&deep), [0, 1, 255]);
    let clear = image::RgbaImage::from_pixel(1, 1, image::Rgba([9, 9, 9, 0]));
    assert_eq!(Mask::from_image(&image::DynamicImage::ImageRgba8(clear)).unwrap().area(), 1);
}

#[test]
fn grey_values_are_pils() {
    for (r, g, b, grey) in fixture().luma {
        assert_eq!(luma([r, g, b]), grey, "({r}, {g}, {b})");
    }
}

#[test]
fn opencv_takes_the_same_source_pixels() {
    for r in fixture().resize {
        let got: Vec<u32> = (0..r.dst).map(|x| super::resize::source_index(x, r.src, r.dst)).collect();
        if let Some(index) = r.index {
            assert_eq!(got, index, "{} to {}", r.src, r.dst);
        } else {
            assert_eq!(got[..16], r.first.unwrap(), "{} to {}", r.src, r.dst);
            let text = got.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            assert_eq!(crate::hash::sha256_hex(text.as_bytes()), r.sha256.unwrap(), "{} to {}", r.src, r.dst);
        }
    }
}
