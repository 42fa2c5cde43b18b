//! The reward of stage 1: boxes.

use socio_dataset::Bbox;

use super::format::{items, tagged};
use super::{Profile, Reward, Rules, assign};

/// The released code looks at no more objects.
const MOST: usize = 120;

/// The reward of a first answer, the whole text of it. `truth` are the boxes of the true instances, in the pixels of the
/// answer's (the released training gives those of the unresized mask, which are 1.6 % larger).
pub fn stage1(text: &str, truth: &[Bbox], rules: &Rules) -> Reward {
    let items = items(text);
    let all = items.as_deref().unwrap_or_default();
    let right = all.iter().filter(|item| item.locates()).count();
    let format = match rules.profile {
        // An empty list has the form of an answer; that it finds nothing is the other terms' to say.
        Profile::Paper => f64::from(u8::from(tagged(text) && items.is_some() && right == all.len())),
        Profile::Released => f64::from(u8::from(tagged(text))) + right as f64 / all.len().max(1) as f64,
    };
    let found: Vec<[f64; 4]> = all.iter().filter_map(|item| item.bbox).collect();
    let sides = |b: &Bbox| [b.x0, b.y0, b.x1, b.y1];
    let truth: Vec<[f64; 4]> = truth.iter().map(sides).collect();
    let accuracy = match rules.profile {
        Profile::Paper => matched(&found, &truth, |a, b| over_half(overlap(a, b, 0.0))),
        Profile::Released => {
            let (found, truth) = (&found[..found.len().min(MOST)], &truth[..truth.len().min(MOST)]);
            matched(found, truth, |a, b| {
                let off = a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>() / 4.0;
                over_half(overlap(a, b, 1.0)) + f64::from(u8::from(off < rules.near))
            })
        }
    };
    let (k, j) = (found.len() as f64, truth.len() as f64);
    let length =
        if truth.is_empty() { f64::from(u8::from(found.is_empty())) } else { (-2.0 * (k - j).abs() / j).exp() };
    Reward::new(format, accuracy, length, rules)
}

fn over_half(iou: f64) -> f64 {
    f64::from(u8::from(iou > 0.5))
}

/// The gains of the best matching, as a share of the longer list.
fn matched(found: &[[f64; 4]], truth: &[[f64; 4]], gain: impl Fn(&[f64; 4], &[f64; 4]) -> f64) -> f64 {
    let most = found.len().max(truth.len());
    if found.is_empty() || truth.is_empty() {
        return 0.0;
    }
    let gains: Vec<Vec<f64>> = found.iter().map(|a| truth.iter().map(|b| gain(a, b)).collect()).collect();
    assign(&gains).into_iter().map(|(a, b)| gains[a][b]).sum::<f64>() / most as f64
}

/// IoU of boxes whose last pixel counts (`more` 1, the released code's) or does not (0).
fn overlap(a: &[f64; 4], b: &[f64; 4], more: f64) -> f64 {
    let side = |low: f64, high: f64| (high - low + more).max(0.0);
    let area = |b: &[f64; 4]| side(b[0], b[2]) * side(b[1], b[3]);
    let common = side(a[0].max(b[0]), a[2].min(b[2])) * side(a[1].max(b[1]), a[3].min(b[3]));
    let union = area(a) + area(b) - common;
    if union > 0.0 { common / union } else { 0.0 }
}
