//! Labels moved apart by as little as it takes.

/// The middles of labels that want to stand at `wanted` (ascending) and are so `high`, moved so that none overlaps the
/// next and all lie within `limits`; the sum of squared moves is least. Where the limits are too narrow for all, the
/// upper one gives way.
pub(super) fn spread(wanted: &[f64], high: &[f64], limits: (f64, f64)) -> Vec<f64> {
    // Without its neighbours' heights each label's place is one of a sequence that must not fall: that is isotonic
    // regression, and neighbours that would cross share their mean.
    let mut offsets = Vec::with_capacity(wanted.len());
    let mut used = 0.0;
    for h in high.iter().take(wanted.len()) {
        offsets.push(used + h / 2.0);
        used += h;
    }
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for (want, offset) in wanted.iter().zip(&offsets) {
        let mut block = (want - offset, 1);
        while let Some((mean, n)) = blocks.pop_if(|(mean, _)| *mean > block.0) {
            let all = n + block.1;
            block = ((mean * n as f64 + block.0 * block.1 as f64) / all as f64, all);
        }
        blocks.push(block);
    }
    let last = (limits.1 - used).max(limits.0);
    let places = blocks.into_iter().flat_map(|(mean, n)| std::iter::repeat_n(mean.clamp(limits.0, last), n));
    places.zip(offsets).map(|(place, offset)| place + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_touch_stays() {
        assert_eq!(spread(&[10.0, 40.0], &[10.0, 10.0], (0.0, 100.0)), [10.0, 40.0]);
        assert!(spread(&[], &[], (0.0, 1.0)).is_empty());
    }

    #[test]
    fn neighbours_share_the_move_and_keep_within() {
        assert_eq!(spread(&[50.0, 50.0], &[10.0, 10.0], (0.0, 100.0)), [45.0, 55.0]);
        assert_eq!(spread(&[0.0, 0.0, 99.0], &[10.0, 20.0, 10.0], (0.0, 100.0)), [5.0, 20.0, 95.0]);
    }

    #[test]
    fn none_overlap_however_many() {
        let wanted: Vec<f64> = (0..50).map(|i| f64::from(i * i) / 30.0).collect();
        let high: Vec<f64> = (0..50).map(|i| 5.0 + f64::from(i % 3)).collect();
        for limits in [(0.0, 400.0), (0.0, 10.0)] {
            let places = spread(&wanted, &high, limits);
            for i in 1..50 {
                assert!(places[i] - places[i - 1] >= f64::midpoint(high[i], high[i - 1]) - 1e-9);
            }
        }
    }
}
