use super::*;
use crate::{DType, Tensor};

fn counting(shape: &[usize]) -> Plain {
    let count = shape.iter().product::<usize>();
    Plain::new((0..count).map(|i| i as f32).collect(), shape, DType::F32, &()).unwrap()
}

fn values(x: &Plain) -> Vec<f32> {
    x.values().unwrap()
}

#[test]
fn permute_moves_dimensions_and_back() {
    let x = counting(&[2, 3]);
    let turned = x.permute(&[1, 0]).unwrap();
    assert_eq!((turned.shape(), values(&turned)), (vec![3, 2], vec![0.0, 3.0, 1.0, 4.0, 2.0, 5.0]));

    let x = counting(&[2, 3, 4]);
    let turned = x.permute(&[2, 0, 1]).unwrap();
    assert_eq!(turned.shape(), [4, 2, 3]);
    // Element (3, 1, 2) of the result is element (1, 2, 3).
    assert_eq!(values(&turned)[3 * 6 + 3 + 2], 23.0);
    assert_eq!(values(&turned.permute(&[1, 2, 0]).unwrap()), values(&x));
    let scalar = counting(&[]);
    assert_eq!(values(&scalar.permute(&[]).unwrap()), [0.0]);
    for wrong in [&[0, 1][..], &[0, 1, 1], &[0, 1, 3], &[0, 1, 2, 3]] {
        assert!(x.permute(wrong).unwrap_err().to_string().starts_with("permute: "));
    }
}

#[test]
fn reshape_keeps_the_order() {
    let x = counting(&[2, 3, 4]);
    let flat = x.reshape(&[6, 4]).unwrap();
    assert_eq!((flat.shape(), values(&flat)), (vec![6, 4], values(&x)));
    assert!(x.reshape(&[5, 5]).is_err());
    assert!(x.reshape(&[usize::MAX, 3]).is_err());
}

#[test]
fn narrow_cuts_any_dimension() {
    let x = counting(&[2, 3, 2]);
    assert_eq!(values(&x.narrow(1, 1, 2).unwrap()), [2.0, 3.0, 4.0, 5.0, 8.0, 9.0, 10.0, 11.0]);
    assert_eq!(values(&x.narrow(2, 1, 1).unwrap()), [1.0, 3.0, 5.0, 7.0, 9.0, 11.0]);
    assert_eq!(x.narrow(0, 2, 0).unwrap().shape(), [0, 3, 2]);
    assert!(x.narrow(1, 2, 2).is_err());
    assert!(x.narrow(1, usize::MAX, 2).is_err());
    assert!(x.narrow(3, 0, 0).is_err());
}

#[test]
fn cat_puts_tensors_one_after_the_other() {
    let (x, y) = (counting(&[2, 1]), counting(&[2, 2]));
    let both = Plain::cat(&[x.clone(), y.clone()], 1).unwrap();
    assert_eq!((both.shape(), values(&both)), (vec![2, 3], vec![0.0, 0.0, 1.0, 1.0, 2.0, 3.0]));
    assert!(Plain::cat(&[x.clone(), y], 0).is_err());
    assert!(Plain::cat(&[], 0).is_err());
    assert!(Plain::cat(&[x.clone(), x.cast(DType::F16).unwrap()], 0).is_err());
    assert!(Plain::cat(&[x], 2).is_err());
}

#[test]
fn select_repeats_and_reorders() {
    let x = counting(&[2, 3]);
    assert_eq!(values(&x.select(1, &[2, 0, 2]).unwrap()), [2.0, 0.0, 2.0, 5.0, 3.0, 5.0]);
    assert_eq!(values(&x.select(0, &[1]).unwrap()), [3.0, 4.0, 5.0]);
    assert!(x.select(1, &[0, 3]).unwrap_err().to_string().contains("[2, 3]"));
    assert!(x.select(2, &[]).is_err());
}

#[test]
fn pad_puts_zeros_before_and_after() {
    let x = counting(&[2, 2]).affine(1.0, 1.0).unwrap();
    assert_eq!(values(&x.pad(1, 1, 2).unwrap()), [0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 3.0, 4.0, 0.0, 0.0]);
    assert_eq!(values(&x.pad(0, 1, 0).unwrap()), [0.0, 0.0, 1.0, 2.0, 3.0, 4.0]);
    assert!(x.pad(0, usize::MAX, 1).is_err());
    assert!(x.pad(2, 0, 0).is_err());
}

#[test]
fn expand_repeats_dimensions_of_size_1() {
    let x = counting(&[2, 1]);
    assert_eq!(values(&x.expand(&[2, 3]).unwrap()), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    let x = counting(&[1, 2]);
    assert_eq!(values(&x.expand(&[2, 2]).unwrap()), [0.0, 1.0, 0.0, 1.0]);
    assert!(x.expand(&[2]).is_err());
    assert!(x.expand(&[1, 4]).is_err());
}

#[test]
fn store_is_seen_by_clones_and_by_nothing_else() {
    let cache = Plain::zeros(&[2, 3], DType::F32, &()).unwrap();
    let (handle, before) = (cache.clone(), cache.narrow(0, 0, 2).unwrap());
    cache.store(1, 1, &counting(&[2, 2])).unwrap();
    assert_eq!(values(&handle), [0.0, 0.0, 1.0, 0.0, 2.0, 3.0]);
    assert_eq!(values(&before), [0.0; 6]);
    assert_eq!(values(&handle.narrow(1, 1, 1).unwrap()), [0.0, 2.0]);
    // Into itself, the whole and through another handle.
    cache.store(0, 0, &handle).unwrap();
    assert_eq!(values(&cache), [0.0, 0.0, 1.0, 0.0, 2.0, 3.0]);

    assert!(cache.store(1, 2, &counting(&[2, 2])).is_err());
    assert!(cache.store(1, 0, &counting(&[1, 2])).is_err());
    assert!(cache.store(1, 0, &counting(&[2])).is_err());
    assert!(cache.store(1, 0, &counting(&[2, 1]).cast(DType::Bf16).unwrap()).is_err());
}
