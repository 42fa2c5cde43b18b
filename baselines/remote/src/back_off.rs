//! How long to wait before trying again.

use std::time::Duration;

use socio_dataset::hash::SplitMix;

use crate::Options;

/// The wait after the `failed`th try (from 1): doubled each time up to a limit, and of that a part from half to all, which
/// depends on the request and the try alone, so that requests that failed together do not come back together and a run
/// that is repeated waits as before.
pub(crate) fn wait(options: &Options, request: u64, failed: u32) -> Duration {
    let doubled = options.back_off.saturating_mul(1 << failed.saturating_sub(1).min(30));
    let part = SplitMix(request).at(failed.into()).between(0.5, 1.0);
    doubled.min(options.longest_back_off).mul_f64(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_differ_between_requests() {
        let options = Options {
            back_off: Duration::from_millis(100),
            longest_back_off: Duration::from_secs(1),
            ..Options::default()
        };
        for (failed, whole) in [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1000), (99, 1000)] {
            let whole = Duration::from_millis(whole);
            let waits: Vec<Duration> = (0..200).map(|request| wait(&options, request, failed)).collect();
            assert!(waits.iter().all(|w| (whole / 2..=whole).contains(w)), "{failed}");
            let (least, most) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
            assert!(*least < whole.mul_f64(0.55) && *most > whole.mul_f64(0.95), "{failed}: {least:?} {most:?}");
            assert_eq!(wait(&options, 7, failed), waits[7]);
        }
    }
}
