use proptest::prelude::*;

use super::*;

const T1: Sampler = Sampler { temperature: 1.0, top_k: 0, top_p: 1.0 };

#[test]
fn greedy_takes_the_first_of_the_largest() {
    let choice = Sampler::GREEDY.choose(&[1.0, 3.0, f32::NEG_INFINITY, 3.0], 0.99).unwrap();
    assert_eq!(choice.token, 1);
    let own = 1.0 / (2.0 + (-2.0_f32).exp());
    assert!((choice.log_probability - own.ln()).abs() < 1e-6);
}

#[test]
fn tokens_lie_side_by_side_by_id() {
    // Probabilities 1/4, 1/2, 0, 1/4.
    let logits = [0.0, 2.0_f32.ln(), f32::NEG_INFINITY, 0.0];
    for (uniform, token) in
        [(0.0, 0), (0.2499, 0), (0.2501, 1), (0.7499, 1), (0.7501, 3), (1.0 - f64::EPSILON / 2.0, 3)]
    {
        assert_eq!(T1.choose(&logits, uniform).unwrap().token, token, "{uniform}");
    }
}

#[test]
fn filters_keep_what_they_say() {
    let ids = |sampler: Sampler, logits: &[f32]| -> Vec<u32> {
        sampler.distribution(logits).unwrap().into_iter().map(|(id, _)| id).collect()
    };
    let logits = [0.0, 1.0, 1.0, 2.0, -1.0];
    assert_eq!(ids(Sampler { top_k: 2, ..T1 }, &logits), [1, 2, 3], "what equals the last of the two is kept too");
    assert_eq!(ids(Sampler { top_k: 1, ..T1 }, &logits), [3]);
    assert_eq!(ids(Sampler { top_p: 0.0, ..T1 }, &logits), [3]);
    let quarters = [0.0; 4];
    assert_eq!(ids(Sampler { top_p: 0.49, ..T1 }, &quarters), [0, 1]);
    assert_eq!(ids(Sampler { top_p: 0.51, ..T1 }, &quarters), [0, 1, 2]);
    assert_eq!(ids(T1, &[1.0, f32::NEG_INFINITY]), [0]);
}

#[test]
fn a_temperature_of_any_size_is_borne() {
    let logits = [3.0e38, -3.0e38, 1.0];
    for temperature in [f32::MIN_POSITIVE, 1e-45, 1.0, 3.0e38] {
        let choice = Sampler { temperature, ..Sampler::RELEASED }.choose(&logits, 0.5).unwrap();
        assert!(choice.log_probability.is_finite() || choice.token != 0, "{temperature}: {choice:?}");
    }
}

#[test]
fn what_is_no_distribution_is_refused() {
    let error = Sampler::RELEASED.choose(&[1.0, f32::NAN], 0.5).unwrap_err().to_string();
    assert!(error.contains("token 1") && error.contains("NaN"), "{error}");
    assert!(Sampler::GREEDY.choose(&[f32::INFINITY, 0.0], 0.5).is_err());
    assert!(Sampler::GREEDY.choose(&[f32::NEG_INFINITY; 3], 0.5).is_err());
    assert!(Sampler::GREEDY.choose(&[], 0.5).is_err());
    for temperature in [-1.0, f32::NAN, f32::INFINITY] {
        assert!(Sampler { temperature, ..T1 }.choose(&[1.0], 0.5).is_err());
    }
    assert!(Sampler { top_p: f32::NAN, ..T1 }.choose(&[1.0], 0.5).is_err());
}

#[test]
fn random_numbers_are_pinned_and_spread() {
    let pinned = [(0, 0), (0, 1), (1, 0), (u64::MAX, 7)].map(|(seed, step)| uniform(seed, step).to_bits());
    assert_eq!(pinned, [0x3FE4_E0DB_A5E9_A32F, 0x3FE6_7054_60BE_8829, 0x3FD7_906A_C21D_0E58, 0x3FE7_29D8_D409_AF68]);
    // Neighbouring seeds and steps are as good as independent: mean, and correlation with the next seed and step.
    let at = |seed: u64, step: u64| uniform(seed, step) - 0.5;
    let all = || (0..100).flat_map(|seed| (0..100).map(move |step| (seed, step)));
    let mean = |f: &dyn Fn(u64, u64) -> f64| all().map(|(seed, step)| f(seed, step)).sum::<f64>() / 10_000.0;
    assert!(mean(&at).abs() < 0.01);
    assert!(mean(&|s, t| at(s, t) * at(s + 1, t)).abs() < 0.004);
    assert!(mean(&|s, t| at(s, t) * at(s, t + 1)).abs() < 0.004);
    assert!(mean(&|s, t| at(s, t) * at(s + 1, t + 1)).abs() < 0.004);
}

fn logits() -> impl Strategy<Value = Vec<f32>> {
    // Some equal each other, some cannot be drawn.
    let equal = (-3i8..3).prop_map(f32::from);
    let logit = prop_oneof![8 => -30.0f32..30.0, 3 => equal, 1 => Just(f32::NEG_INFINITY)];
    proptest::collection::vec(logit, 1..60).prop_filter("one is finite", |l| l.iter().any(|l| l.is_finite()))
}

fn samplers() -> impl Strategy<Value = Sampler> {
    (0.05f32..4.0, 0u32..70, 0.0f32..1.2).prop_map(|(temperature, top_k, top_p)| Sampler { temperature, top_k, top_p })
}

proptest! {
    #[test]
    fn a_drawn_token_can_be_drawn(logits in logits(), sampler in samplers(), seed: u64, step in 0u64..5000) {
        let distribution = sampler.distribution(&logits).unwrap();
        prop_assert!(distribution.windows(2).all(|w| w[0].0 < w[1].0));
        prop_assert!((distribution.iter().map(|(_, p)| p).sum::<f64>() - 1.0).abs() < 1e-9);
        let choice = sampler.choose(&logits, uniform(seed, step)).unwrap();
        prop_assert!(distribution.iter().any(|(id, p)| *id == choice.token && *p > 0.0));
        prop_assert!(choice.log_probability.is_finite() && choice.log_probability <= 1e-6);
    }

    #[test]
    fn cold_is_greedy(mut logits in logits(), place: prop::sample::Index, uniform in 0.0f64..1.0) {
        let place = place.index(logits.len());
        logits[place] = 31.0;
        let greedy = Sampler::GREEDY.choose(&logits, uniform).unwrap();
        let cold = Sampler { temperature: 1e-3, top_k: 0, top_p: 1.0 }.choose(&logits, uniform).unwrap();
        prop_assert_eq!(greedy, cold);
        prop_assert_eq!(greedy.token as usize, place);
    }
}
