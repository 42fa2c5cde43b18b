//! Unifont's bitmaps as outlines: each pixel's outer edges, with stairs of single pixels drawn as slopes.

use tiny_skia::PathBuilder;

/// Rows above the base line.
pub(super) const ASCENT: f32 = 14.0;
/// Rows below it.
pub(super) const DESCENT: f32 = 2.0;

/// Pixels of the picture for one of the bitmap: whole around the font's own size, where it looks best.
pub(super) fn scale(px: f32) -> f32 {
    if (12.0..18.0).contains(&px) { 1.0 } else { px / 14.5 }
}

/// Adds a character's outline with its left edge at `x`; returns its advance. Unknown characters leave a frame.
pub(super) fn push(c: char, x: f32, scale: f32, path: &mut PathBuilder) -> f32 {
    let (width, pixel): (usize, Box<dyn Fn(usize, usize) -> bool>) = match unifont::get_glyph(c) {
        Some(glyph) => (glyph.get_width(), Box::new(|x, y| glyph.get_pixel(x, y))),
        None => (8, Box::new(|x, y| (2..14).contains(&y) && x < 7 && (matches!(x, 0 | 6) || matches!(y, 2 | 13)))),
    };
    let ink =
        |cx: i32, cy: i32| cx >= 0 && cy >= 0 && (cx as usize) < width && cy < 16 && pixel(cx as usize, cy as usize);
    for ring in rings(width as i32, &ink) {
        for (i, (px, py)) in smoothed(&ring).into_iter().enumerate() {
            let (px, py) = (x + px * scale, (py - ASCENT) * scale);
            if i == 0 {
                path.move_to(px, py);
            } else {
                path.line_to(px, py);
            }
        }
        path.close();
    }
    width as f32 * scale
}

/// The closed boundaries of the ink, corner by corner, ink on the right hand.
fn rings(width: i32, ink: &dyn Fn(i32, i32) -> bool) -> Vec<Vec<(i32, i32)>> {
    // Each pixel's edges towards no ink, as steps from corner to corner.
    let mut steps: Vec<((i32, i32), (i32, i32))> = Vec::new();
    for y in 0..16 {
        for x in (0..width).filter(|x| ink(*x, y)) {
            if !ink(x, y - 1) {
                steps.push(((x, y), (x + 1, y)));
            }
            if !ink(x + 1, y) {
                steps.push(((x + 1, y), (x + 1, y + 1)));
            }
            if !ink(x, y + 1) {
                steps.push(((x + 1, y + 1), (x, y + 1)));
            }
            if !ink(x - 1, y) {
                steps.push(((x, y + 1), (x, y)));
            }
        }
    }
    let mut rings = Vec::new();
    while let Some((start, mut at)) = steps.pop() {
        let mut ring = vec![start];
        let mut from = start;
        while at != start {
            ring.push(at);
            // Where two pixels touch by a corner the ring stays with the ink it follows: it turns right.
            let (dx, dy) = (at.0 - from.0, at.1 - from.1);
            let right = (at.0 - dy, at.1 + dx);
            let next = steps.iter().position(|s| *s == (at, right)).or_else(|| steps.iter().position(|s| s.0 == at));
            let Some(next) = next else { break };
            from = at;
            at = steps.swap_remove(next).1;
        }
        rings.push(ring);
    }
    rings
}

/// Corners between two steps of which each is a single pixel long become slopes; straight runs stay.
fn smoothed(ring: &[(i32, i32)]) -> Vec<(f32, f32)> {
    let n = ring.len();
    let step = |i: usize| {
        let (a, b) = (ring[i % n], ring[(i + 1) % n]);
        (b.0 - a.0, b.1 - a.1)
    };
    let mut points = Vec::with_capacity(n);
    for (i, corner) in ring.iter().enumerate() {
        let (before, after) = (step(i + n - 1), step(i));
        if before == after {
            continue;
        }
        let (x, y) = (corner.0 as f32, corner.1 as f32);
        // A stair goes on: two steps back, or two ahead, it turns the other way.
        let stair = step(i + n - 2) == after || step(i + 1) == before;
        if stair && before != (-after.0, -after.1) {
            points.push((x - before.0 as f32 * 0.5, y - before.1 as f32 * 0.5));
            points.push((x + after.0 as f32 * 0.5, y + after.1 as f32 * 0.5));
        } else {
            points.push((x, y));
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_one_ring_of_four_corners() {
        let ink = |x: i32, y: i32| (2..6).contains(&x) && (3..9).contains(&y);
        let rings = rings(16, &ink);
        assert_eq!(rings.len(), 1);
        let mut corners = smoothed(&rings[0]);
        corners.sort_by(|a, b| a.partial_cmp(b).unwrap());
        assert_eq!(corners, [(2.0, 3.0), (2.0, 9.0), (6.0, 3.0), (6.0, 9.0)]);
    }

    #[test]
    fn a_diagonal_is_two_slopes() {
        let rings = rings(16, &|x, y| (0..5).contains(&y) && (x == y || x == y + 1));
        let area = |p: &[(f32, f32)]| {
            p.iter().zip(p.iter().cycle().skip(1)).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum::<f32>() / 2.0
        };
        let areas: Vec<f32> = rings.iter().map(|r| area(&smoothed(r))).collect();
        assert!((areas.iter().sum::<f32>() - 10.0).abs() < 1.5, "{areas:?} of {rings:?}");
    }
}
