//! The recogniser: a box straightened to 48 pixels of height, classes by column, CTC.

use std::path::Path;

use socio_backend::BackendError;
use socio_dataset::{Point, files, hash};

use super::detect::length;
use crate::BACKEND;
use crate::graph::{Array, Graph};
use socio_backend::resample::Plane;

const HEIGHT: usize = 48;
/// Narrower texts are padded with zeros to this width.
const LEAST_WIDTH: usize = 320;
/// And very long ones squeezed to this.
const LARGEST_WIDTH: usize = 3200;
/// A box this much taller than wide is turned upright.
const TALL: f64 = 1.5;

const DOING: &str = "recognising text";

/// The characters of the classes: line 0 is CTC's blank, the last the space.
pub(super) struct Keys {
    characters: Vec<String>,
    pub(super) hash: String,
}

impl Keys {
    pub(super) fn load(path: &Path) -> Result<Self, BackendError> {
        let wrong = |why: String| BackendError::Model { path: path.to_owned(), why };
        let text = files::read_text(path).map_err(|e| wrong(e.source.to_string()))?;
        // Not `lines().trim()`: one key is the ideographic space, another the plain one.
        let characters: Vec<String> =
            text.split_terminator('\n').map(|l| l.trim_end_matches('\r').to_owned()).collect();
        if characters.len() < 2 {
            return Err(wrong("expected a character a line".to_owned()));
        }
        Ok(Self { characters, hash: hash::sha256_hex(text.as_bytes()) })
    }
}

/// The text in a box, and the mean probability of its characters.
pub(super) fn recognise(
    graph: &Graph,
    keys: &Keys,
    planes: &[Plane; 3],
    corners: [Point; 4],
) -> Result<(String, f64), BackendError> {
    let line = straightened(planes, corners);
    let ratio = line[0].width as f64 / line[0].height as f64;
    let padded = ((HEIGHT as f64 * ratio) as usize).clamp(LEAST_WIDTH, LARGEST_WIDTH);
    let used = ((HEIGHT as f64 * ratio).ceil() as usize).clamp(1, padded);
    let mut values = vec![0f32; 3 * HEIGHT * padded];
    for (plane, out) in line.iter().zip(values.chunks_exact_mut(HEIGHT * padded)) {
        let scaled = plane.resized(used, HEIGHT, false);
        for (row, target) in scaled.values.chunks_exact(used).zip(out.chunks_exact_mut(padded)) {
            for (v, t) in row.iter().zip(target) {
                *t = (v.round() / 255.0 - 0.5) / 0.5;
            }
        }
    }
    let outputs = graph.run(vec![("x", Array { shape: vec![1, 3, HEIGHT, padded], values })], DOING)?;
    let wrong = |why: String| BackendError::Inference { backend: BACKEND.to_owned(), doing: DOING, why };
    let output = outputs.into_iter().next().ok_or_else(|| wrong("no output".to_owned()))?;
    match output.shape[..] {
        [1, _, classes] if classes == keys.characters.len() => Ok(decode(&output.values, keys)),
        _ => Err(wrong(format!("an output of shape {:?} for {} characters", output.shape, keys.characters.len()))),
    }
}

/// CTC, greedy: the likeliest class of each column, repeats merged, blanks dropped.
fn decode(probabilities: &[f32], keys: &Keys) -> (String, f64) {
    let (mut text, mut sum, mut kept, mut last) = (String::new(), 0.0, 0u32, 0);
    for column in probabilities.chunks_exact(keys.characters.len()) {
        let best = column.iter().enumerate().fold(0, |best, (i, p)| if *p > column[best] { i } else { best });
        if best != 0 && best != last {
            text.push_str(&keys.characters[best]);
            sum += f64::from(column[best]);
            kept += 1;
        }
        last = best;
    }
    (text, sum / f64::from(kept.max(1)))
}

/// The box as an upright picture.
fn straightened(planes: &[Plane; 3], [a, b, c, d]: [Point; 4]) -> [Plane; 3] {
    let width = (length(a, b).max(length(c, d)) as usize).max(1);
    let height = (length(a, d).max(length(b, c)) as usize).max(1);
    let tall = height as f64 / width as f64 >= TALL;
    let (out_w, out_h) = if tall { (height, width) } else { (width, height) };
    std::array::from_fn(|channel| {
        let plane = &planes[channel];
        let mut values = Vec::with_capacity(out_w * out_h);
        for y in 0..out_h {
            for x in 0..out_w {
                // A tall box is turned by a quarter against the clock.
                let (u, v) = if tall { (width - 1 - y, x) } else { (x, y) };
                let (s, t) = (u as f64 / width as f64, v as f64 / height as f64);
                let mix =
                    |a: f64, b: f64, c: f64, d: f64| (1.0 - t) * ((1.0 - s) * a + s * b) + t * ((1.0 - s) * d + s * c);
                values.push(sample(plane, mix(a.x, b.x, c.x, d.x), mix(a.y, b.y, c.y, d.y)));
            }
        }
        Plane { width: out_w, height: out_h, values }
    })
}

/// The value between pixel centres at whole coordinates, edges repeated.
fn sample(plane: &Plane, x: f64, y: f64) -> f32 {
    let (x, y) = (x.clamp(0.0, plane.width as f64 - 1.0), y.clamp(0.0, plane.height as f64 - 1.0));
    let (x0, y0) = (x as usize, y as usize);
    let (x1, y1) = ((x0 + 1).min(plane.width - 1), (y0 + 1).min(plane.height - 1));
    let (s, t) = ((x - x0 as f64) as f32, (y - y0 as f64) as f32);
    let at = |x: usize, y: usize| plane.values[y * plane.width + x];
    (1.0 - t) * ((1.0 - s) * at(x0, y0) + s * at(x1, y0)) + t * ((1.0 - s) * at(x0, y1) + s * at(x1, y1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ctc_merges_repeats_and_drops_blanks() {
        let keys = Keys { characters: ["", "a", "b", " "].map(String::from).to_vec(), hash: String::new() };
        let one = |i: usize| (0..4).map(move |j| if i == j { 0.9 } else { 0.0 });
        let columns: Vec<f32> = [1, 1, 0, 1, 3, 2, 2, 0].into_iter().flat_map(one).collect();
        let (text, score) = decode(&columns, &keys);
        assert_eq!(text, "aa b");
        assert!((score - 0.9).abs() < 1e-6);
    }

    #[test]
    fn an_upright_box_is_cut_out_as_it_is() {
        let values: Vec<f32> = (0..100).map(|i| i as f32).collect();
        let planes: [Plane; 3] = std::array::from_fn(|_| Plane { width: 10, height: 10, values: values.clone() });
        let p = |x: f64, y: f64| Point { x, y };
        let cut = straightened(&planes, [p(2.0, 3.0), p(6.0, 3.0), p(6.0, 5.0), p(2.0, 5.0)]);
        assert_eq!((cut[0].width, cut[0].height), (4, 2));
        assert_eq!(cut[0].values, [32.0, 33.0, 34.0, 35.0, 42.0, 43.0, 44.0, 45.0]);
        let tall = straightened(&planes, [p(2.0, 1.0), p(3.0, 1.0), p(3.0, 4.0), p(2.0, 4.0)]);
        assert_eq!((tall[0].width, tall[0].height), (3, 1));
        assert_eq!(tall[0].values, [12.0, 22.0, 32.0]);
    }
}
