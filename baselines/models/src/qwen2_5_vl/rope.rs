//! Positions of tokens in time, height and width, and the angles that they turn heads by.

use super::config::{Config, TextConfig};
use super::grid::Grid;
use crate::{ModelError, Result};

/// A token's position: time, height, width; all three equal for text.
pub type Position = [i64; 3];

/// The positions of a prompt's tokens, and the position of the token that follows it.
///
/// Text counts on by one. An image's tokens have the time of its start, and their row and column counted from there; what
/// follows stands after the longer side (transformers' `get_rope_index`).
///
/// # Errors
/// When the image tokens are not those of the grids.
pub fn positions(config: &Config, ids: &[u32], grids: &[Grid]) -> Result<(Vec<Position>, i64)> {
    let merge = config.vision.spatial_merge_size;
    let mut out = Vec::with_capacity(ids.len());
    let (mut next, mut i) = (0i64, 0);
    let mut grids = grids.iter();
    while i < ids.len() {
        if ids[i] != config.image_token {
            out.push([next; 3]);
            next += 1;
            i += 1;
            continue;
        }
        let grid =
            grids.next().ok_or_else(|| ModelError::Input("the prompt has more images than were given".to_owned()))?;
        let (rows, columns) = (grid.h / merge, grid.w / merge);
        let tokens = grid.tokens(merge);
        let run = ids[i..].iter().take(tokens).take_while(|id| **id == config.image_token).count();
        if run < tokens || tokens == 0 {
            return Err(ModelError::Input(format!("the prompt has {run} image tokens where the image has {tokens}")));
        }
        for t in 0..grid.t {
            for (y, x) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
                out.push([next + t as i64, next + y as i64, next + x as i64]);
            }
        }
        next += grid.t.max(rows).max(columns) as i64;
        i += tokens;
    }
    match grids.next() {
        None => Ok((out, next)),
        Some(_) => Err(ModelError::Input("the prompt has fewer images than were given".to_owned())),
    }
}

/// Cosines and sines of the angles of some positions: `[positions, head / 2]` each. The first section of frequencies turns
/// by time, the second by height, the third by width.
pub(super) fn angles(config: &TextConfig, positions: &[Position]) -> (Vec<f32>, Vec<f32>) {
    let half = config.head() / 2;
    let frequencies: Vec<f32> =
        (0..half).map(|i| (1.0 / config.rope_theta.powf(i as f64 / half as f64)) as f32).collect();
    let [time, height, _] = config.sections;
    let axis = |i: usize| usize::from(i >= time) + usize::from(i >= time + height);
    let angle = |p: &Position, i: usize| p[axis(i)] as f32 * frequencies[i];
    let all: Vec<f32> =
        positions.iter().flat_map(|p| (0..half).map(move |i| (p, i))).map(|(p, i)| angle(p, i)).collect();
    (all.iter().map(|a| a.cos()).collect(), all.iter().map(|a| a.sin()).collect())
}
