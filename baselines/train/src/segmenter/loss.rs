//! What masks lose: where they are wrong, how little they share with what they should be, and how badly they know it.

use socio_models::sam::decoder::Masks;
use socio_models::{Autograd, DType, Result};

use crate::course::Told;

/// What pixels count beside the overlap, and the predicted IoU.
const PIXELS: f32 = 5.0;
const KNOWN: f32 = 0.2;
/// What the masks that are not the best of an object count, so that none is left behind.
const OTHERS: f32 = 0.1;

/// The loss of the masks of some objects, `[objects, masks, side, side]`, of each the best mask's (SAM's rule): binary cross
/// entropy of the pixels with how much of each is covered, `cover` (object after object), and one less the Dice overlap; of
/// all masks, the squared error of the predicted IoU.
///
/// An object's pixels are few: those of its box, twice as large, count [`PIXELS`] together, and all the others 1. If all counted
/// alike, a mask of nothing would be so good that small networks stay with it.
///
/// # Errors
/// When shapes do not go together, or the library fails.
pub(super) fn loss<T: Autograd>(masks: &Masks<T>, cover: &[f32]) -> Result<(T, Told)> {
    let shape = masks.logits.shape();
    let (objects, count, pixels) = (shape[0], shape[1], shape[2] * shape[3]);
    let device = masks.logits.device();
    let new = |values: Vec<f32>, shape: &[usize]| T::new(values, shape, DType::F32, &device);
    let rows = objects * count;
    let logits = masks.logits.cast(DType::F32)?.reshape(&[rows, pixels])?;
    let wanted: Vec<f32> = cover.chunks_exact(pixels).flat_map(|one| one.repeat(count)).collect();
    let wanted = new(wanted, &[rows, pixels])?;
    let ones = new(vec![1.0; pixels], &[pixels, 1])?;
    let sum = |x: &T| x.matmul(&ones);

    // ln(1 + e^x) - t x, without large powers.
    let size = logits.relu()?.add(&logits.affine(-1.0, 0.0)?.relu()?)?;
    let wrong =
        size.affine(-1.0, 0.0)?.exp()?.affine(1.0, 1.0)?.ln()?.add(&logits.relu()?)?.sub(&logits.mul(&wanted)?)?;
    let weights: Vec<f32> = cover.chunks_exact(pixels).flat_map(|one| near(one, shape[3]).repeat(count)).collect();
    let wrong = sum(&wrong.mul(&new(weights, &[rows, pixels])?)?)?;
    let area = sum(&wanted)?;
    let p = logits.sigmoid()?;
    let both = sum(&p.mul(&wanted)?)?.affine(2.0, 1.0)?;
    let dice = both.mul(&over(&sum(&p)?.add(&area)?.affine(1.0, 1.0)?)?)?.affine(-1.0, 1.0)?;
    let each = wrong.add(&dice)?;

    let values = each.detach().values()?;
    let share = |object: usize| {
        let own = &values[object * count..][..count];
        let best = (0..count).min_by(|a, b| own[*a].total_cmp(&own[*b])).unwrap_or(0);
        (0..count).map(move |m| if m == best { 1.0 } else { OTHERS })
    };
    let shares = new((0..objects).flat_map(share).collect(), &[rows, 1])?;
    let cut = each.mul(&shares)?.sum()?.affine(1.0 / objects as f32, 0.0)?;

    let overlaps = overlaps(&logits.detach().values()?, cover, count, pixels);
    let off = masks.iou.cast(DType::F32)?.reshape(&[rows, 1])?.sub(&new(overlaps.clone(), &[rows, 1])?)?;
    let off = off.mul(&off)?.sum()?.affine(1.0 / rows as f32, 0.0)?;
    let best =
        overlaps.chunks_exact(count).map(|o| o.iter().fold(0.0f32, |m, v| m.max(*v))).sum::<f32>() / objects as f32;
    let value =
        |t: &T| Ok::<_, socio_models::ModelError>(f64::from(t.detach().values()?.first().copied().unwrap_or(0.0)));
    let told = Told::from([("cut", value(&cut)?), ("known", value(&off)?), ("iou", f64::from(best))]);
    Ok((cut.add(&off.affine(KNOWN, 0.0)?)?, told))
}

/// What each pixel counts: those in an object's box, twice as large, [`PIXELS`] together, and all others 1.
fn near(cover: &[f32], side: usize) -> Vec<f32> {
    let (mut low, mut high) = ([usize::MAX; 2], [0usize; 2]);
    for (i, _) in cover.iter().enumerate().filter(|(_, c)| **c > 0.0) {
        for (k, v) in [i % side, i / side].into_iter().enumerate() {
            (low[k], high[k]) = (low[k].min(v), high[k].max(v + 1));
        }
    }
    let more = [0, 1].map(|k| (high[k].saturating_sub(low[k]) / 2).max(1));
    let inside = |i: usize| {
        let at = [i % side, i / side];
        (0..2).all(|k| at[k] + more[k] >= low[k] && at[k] < high[k] + more[k])
    };
    let count = (0..cover.len()).filter(|i| inside(*i)).count();
    let (own, other) = (PIXELS / count.max(1) as f32, 1.0 / (cover.len() - count).max(1) as f32);
    (0..cover.len()).map(|i| if inside(i) { own } else { other }).collect()
}

/// `1 / x` of what is above 0.
fn over<T: Autograd>(x: &T) -> Result<T> {
    x.ln()?.affine(-1.0, 0.0)?.exp()
}

/// IoU of each mask with its object, at the masks' own size.
fn overlaps(logits: &[f32], cover: &[f32], count: usize, pixels: usize) -> Vec<f32> {
    let of = |(i, mask): (usize, &[f32])| {
        let wanted = &cover[i / count * pixels..][..pixels];
        let (mut both, mut any) = (0.0f32, 0.0f32);
        for (logit, cover) in mask.iter().zip(wanted) {
            let (a, b) = (*logit > 0.0, *cover >= 0.5);
            both += f32::from(u8::from(a && b));
            any += f32::from(u8::from(a || b));
        }
        if any > 0.0 { both / any } else { 0.0 }
    };
    logits.chunks_exact(pixels).enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use socio_candle::Candle;
    use socio_models::Tensor;

    use super::*;

    #[test]
    fn the_best_mask_is_worked_out_by_hand() {
        let logit = 2.0f32;
        // Two masks of four pixels; the object is the first two. The first mask is right, the second all wrong.
        let logits = [logit, logit, -logit, -logit, -logit, -logit, logit, logit];
        let new =
            |values: &[f32], shape: &[usize]| Candle::new(values.to_vec(), shape, DType::F32, &Device::Cpu).unwrap();
        let masks = Masks { logits: new(&logits, &[1, 2, 2, 2]), iou: new(&[0.5, 0.25], &[1, 2]), object: None };
        let (loss, told) = loss(&masks, &[1.0, 1.0, 0.0, 0.0]).unwrap();
        let p = 1.0 / (1.0 + (-logit).exp());
        // The box twice as large is the whole picture.
        let of = |right: f32| {
            let wrong = PIXELS * -(right.ln());
            let dice = 1.0 - (2.0 * 2.0 * right + 1.0) / (2.0 + 2.0 + 1.0);
            wrong + dice
        };
        let known = f32::midpoint(0.5f32.powi(2), 0.25f32.powi(2));
        let expected = of(p) + OTHERS * of(1.0 - p) + KNOWN * known;
        assert!((loss.values().unwrap()[0] - expected).abs() < 1e-5, "{loss:?} {expected}");
        assert_eq!(told["iou"], 1.0);
        assert!((told["known"] - f64::from(known)).abs() < 1e-6);
    }
}
