use std::borrow::Cow;

use ::safetensors::Dtype;

use super::{f32s, fixture, folder, values, why, write};
use crate::DType;
use crate::weights::{Pt, SafeTensors, Weights};

#[test]
fn every_type_of_float_is_read_and_no_other() {
    let numbers = [0.5_f32, -2.0, 3.25, 1.0e4];
    let bf16: Vec<u8> = numbers.iter().flat_map(|v| half::bf16::from_f32(*v).to_le_bytes()).collect();
    let f16: Vec<u8> = numbers.iter().flat_map(|v| half::f16::from_f32(*v).to_le_bytes()).collect();
    let f64: Vec<u8> = numbers.iter().flat_map(|v| f64::from(*v).to_le_bytes()).collect();
    let file = write::safetensors(&[
        ("b.bf16", Dtype::BF16, &[2, 2], &bf16),
        ("b.f16", Dtype::F16, &[4], &f16),
        ("a.f64", Dtype::F64, &[4, 1], &f64),
        ("a.f32", Dtype::F32, &[1, 4], &f32s(&numbers)),
        ("count", Dtype::I64, &[], &[7, 0, 0, 0, 0, 0, 0, 0]),
        ("empty", Dtype::F32, &[0, 3], &[]),
    ]);
    let folder = folder(&[("x.safetensors", &file)]);
    let weights = SafeTensors::open(folder.path().join("x.safetensors")).unwrap();
    assert_eq!(weights.keys(), ["a.f32", "a.f64", "b.bf16", "b.f16", "count", "empty"]);
    assert!(weights.name().ends_with("x.safetensors"));
    assert_eq!(values(&weights, "a.f32"), (numbers.to_vec(), vec![1, 4]));
    assert_eq!(values(&weights, "a.f64"), (numbers.to_vec(), vec![4, 1]));
    assert_eq!(values(&weights, "b.f16"), (numbers.to_vec(), vec![4]));
    let view = weights.view("b.bf16", &[]).unwrap().unwrap();
    assert_eq!((view.dtype, &view.shape[..], &view.bytes[..]), (DType::Bf16, &[2, 2][..], &bf16[..]));
    assert!(matches!(view.bytes, Cow::Borrowed(_)), "read in place");
    assert_eq!(values(&weights, "empty"), (vec![], vec![0, 3]));
    assert!(weights.view("b", &[]).unwrap().is_none());
    assert_eq!(why(weights.view("count", &[])), "`count` holds I64 numbers, which cannot be weights");
}

#[test]
fn the_fingerprint_goes_by_the_weights_and_not_by_the_file() {
    let open = |name: &str, file: &[u8]| {
        let folder = folder(&[(name, file)]);
        SafeTensors::open(folder.path().join(name)).unwrap().fingerprint()
    };
    let long = vec![1.0; 5000];
    let one = open("a", &write::rows(&[("x", &[1.0, 2.0]), ("y", &long)]));
    assert_eq!(one.len(), 64);
    assert_eq!(one, open("b", &write::rows(&[("y", &long), ("x", &[1.0, 2.0])])));
    let mut end = long.clone();
    end[4999] = 2.0;
    for other in [
        write::rows(&[("x", &[1.0, 2.5]), ("y", &long)]),
        write::rows(&[("x", &[1.0, 2.0]), ("z", &long)]),
        write::rows(&[("x", &[1.0, 2.0]), ("y", &end)]),
        write::rows(&[("x", &[1.0, 2.0]), ("y", &long[1..])]),
    ] {
        assert_ne!(one, open("c", &other));
    }
    // The same model as PyTorch saved it in both formats.
    let model = fixture("sam2/tiny_like");
    let (a, b) =
        (SafeTensors::open(model.join("model.safetensors")).unwrap(), Pt::open(model.join("model.pt")).unwrap());
    assert_eq!((a.keys(), a.fingerprint()), (b.keys(), b.fingerprint()));
    for key in a.keys() {
        assert_eq!(values(&a, &key), values(&b, &key), "{key}");
    }
}
