//! Points chosen by need: each object gets as few of its points as serve it.

use socio_backend::{BackendError, Embedding, Prompt, Segment, Segmenter};

/// How much more of its own estimate of the IoU the segmenter must have for another point to be worth it.
const GAIN: f64 = 0.01;

/// Cuts each object with none, one, two and so on of its points, and keeps the fewest whose estimate comes within
/// [`GAIN`] of the best. Without estimates there is nothing to choose by, and all points are taken.
pub(super) fn prompt(
    segmenter: &dyn Segmenter,
    embedding: &Embedding,
    prompts: &[Prompt],
) -> Result<Vec<(Prompt, Segment)>, BackendError> {
    let mut chosen = Vec::with_capacity(prompts.len());
    for whole in prompts {
        let fewest = usize::from(whole.bbox.is_none());
        let most = whole.points.len().max(fewest);
        let tries: Vec<Prompt> = (fewest..=most)
            .map(|n| Prompt { points: whole.points.iter().take(n).copied().collect(), ..whole.clone() })
            .collect();
        let segments = segmenter.prompt(embedding, &tries)?;
        let best = segments.iter().filter_map(|s| s.score).fold(f64::NEG_INFINITY, f64::max);
        let enough = segments.iter().position(|s| s.score.is_some_and(|v| v >= best - GAIN));
        let pairs = tries.into_iter().zip(segments);
        let at = enough.unwrap_or(most - fewest);
        chosen.extend(pairs.skip(at).take(1));
    }
    Ok(chosen)
}
