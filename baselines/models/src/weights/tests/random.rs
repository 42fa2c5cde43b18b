use super::numbers;
use crate::weights::{Random, Weights};
use crate::{DType, ModelError};

fn values(random: &Random, key: &str, shape: &[usize]) -> Vec<f32> {
    let view = random.view(key, shape).unwrap().unwrap();
    assert_eq!((&view.shape[..], view.bytes.len()), (shape, shape.iter().product::<usize>() * view.dtype.size()));
    numbers(&view)
}

#[test]
fn values_go_by_seed_and_key_alone() {
    let random = Random::new(1, 0.02, DType::F32);
    let first = values(&random, "a.weight", &[3, 5]);
    values(&random, "b.weight", &[7, 7]);
    assert_eq!(values(&random, "a.weight", &[3, 5]), first);
    assert_eq!(values(&random, "a.weight", &[5, 3])[..15], first[..], "as many in another shape");
    assert_ne!(values(&random, "b.weight", &[3, 5]), first);
    assert_ne!(values(&Random::new(2, 0.02, DType::F32), "a.weight", &[3, 5]), first);
    assert!(random.keys().is_empty());
}

#[test]
fn values_are_spread_as_told() {
    for (dtype, step) in [(DType::F32, 0.0), (DType::Bf16, 0.004), (DType::F16, 0.0005)] {
        let found = values(&Random::new(3, 0.5, dtype), "x", &[1 << 20]);
        let count = found.len() as f64;
        let mean = found.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
        let moment = |power: i32| found.iter().map(|v| (f64::from(*v) - mean).powi(power)).sum::<f64>() / count;
        assert!(mean.abs() < 0.002, "{mean}");
        assert!((moment(2).sqrt() - 0.5).abs() < 0.002, "{}", moment(2));
        // Of four bytes: 3 - 6/5/4.
        assert!((moment(4) / moment(2).powi(2) - 2.7).abs() < 0.03, "{}", moment(4));
        // Neighbours have nothing to do with one another.
        let along = found.windows(2).map(|w| f64::from(w[0] * w[1])).sum::<f64>() / count / moment(2);
        assert!(along.abs() < 0.005, "{along}");
        let exact = values(&Random::new(3, 0.5, DType::F32), "x", &[100]);
        assert!(found.iter().zip(&exact).all(|(a, b)| (a - b).abs() <= b.abs() * step), "{dtype}");
    }
}

#[test]
fn normalisations_do_nothing() {
    let random = Random::new(1, 0.02, DType::Bf16);
    for key in ["norm.weight", "a.norm1.weight", "a.input_layernorm.weight", "ln_q.weight", "ln1.weight", "a.0.weight"]
    {
        assert_eq!(values(&random, key, &[5]), [1.0; 5], "{key}");
    }
    assert_eq!(values(&random, "a.norm.weight", &[2, 2]), [1.0; 4]);
    assert_eq!(values(&random, "a.running_var", &[3]), [1.0; 3]);
    for key in ["a.bias", "norm.bias", "a.running_mean"] {
        assert_eq!(values(&random, key, &[3]), [0.0; 3], "{key}");
    }
    for key in ["a.weight", "lnx.weight", "line.weight", "pos_embed"] {
        assert!(values(&random, key, &[5, 5]).iter().any(|v| *v != 0.0 && *v != 1.0), "{key}");
    }
    assert!(values(&random, "a.gamma", &[9]).iter().any(|v| *v != 0.0 && *v != 1.0));
}

#[test]
fn odd_shapes_and_impossible_ones() {
    let random = Random::new(1, 0.02, DType::F32);
    assert_eq!(values(&random, "x", &[0, 3]), Vec::<f32>::new());
    assert_eq!(values(&random, "x", &[]).len(), 1);
    for shape in [&[usize::MAX, 2][..], &[usize::MAX / 4], &[1 << 60]] {
        assert!(matches!(random.view("x", shape), Err(ModelError::Memory(_))));
    }
}

#[test]
fn the_fingerprint_is_of_what_makes_the_values() {
    let one = Random::new(1, 0.02, DType::F32).fingerprint();
    assert_eq!(one.len(), 64);
    assert_eq!(one, Random::new(1, 0.02, DType::F32).fingerprint());
    for other in [Random::new(2, 0.02, DType::F32), Random::new(1, 0.03, DType::F32), Random::new(1, 0.02, DType::F16)]
    {
        assert_ne!(one, other.fingerprint());
    }
}
