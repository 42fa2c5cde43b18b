use std::borrow::Cow;

use super::write::{Pickle, checkpoint, item, zip};
use super::{f32s, fixture, folder, values, why, with_file};
use crate::weights::{Pt, Weights};

fn counting(range: std::ops::Range<u8>) -> Vec<f32> {
    range.map(f32::from).collect()
}

/// What `ci/fixtures_torch/torch_save.py` put in.
fn check(weights: &dyn Weights) {
    let all = counting(0..12);
    for key in ["a", "half", "bf16", "double"] {
        assert_eq!(values(weights, key), (all.clone(), vec![3, 4]), "{key}");
    }
    let turned = [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11].map(|v| all[v]).to_vec();
    assert_eq!(values(weights, "a_turned"), (turned, vec![4, 3]));
    assert_eq!(values(weights, "a_row"), (counting(4..8), vec![4]));
    assert_eq!(values(weights, "scalar"), (vec![1.5], vec![]));
    assert_eq!(values(weights, "empty"), (vec![], vec![0, 3]));
    assert_eq!(values(weights, "parameter"), (vec![1.0; 2], vec![2]));
    assert_eq!(values(weights, "with_state"), (vec![2.0; 2], vec![2]));
    assert_eq!(values(weights, "tagged"), (vec![3.0; 2], vec![2]));
    for (key, name) in [("count", "int64"), ("flags", "bool"), ("u16", "uint16")] {
        assert_eq!(why(weights.view(key, &[])), format!("`{key}` holds {name} numbers, which cannot be weights"));
    }
    assert_eq!(weights.keys().len(), 14);
    for key in ["a", "a_row", "half", "bf16"] {
        assert!(matches!(weights.view(key, &[]).unwrap().unwrap().bytes, Cow::Borrowed(_)), "{key} is read in place");
    }
}

#[test]
fn reads_what_torch_saves() {
    check(&Pt::open(fixture("torch_save/training.pt")).unwrap());
    check(&Pt::open(fixture("torch_save/protocol5.pt")).unwrap());
    assert_eq!(
        why(Pt::open(fixture("torch_save/legacy.pt"))),
        "was saved by PyTorch before 1.6: load it there and save it again"
    );
}

/// A dictionary of `{key: tensor}` of a storage of 4, in dictionaries of these names.
fn nested(names: &[&str]) -> Pickle {
    let p = names.iter().fold(Pickle::new(), |p, name| p.raw(b"}").text(name));
    names.iter().fold(p.tensor(4, 0, &[4], &[1]), |p, _| p.raw(b"s"))
}

fn keys(pickle: &Pickle) -> Vec<String> {
    with_file(&checkpoint(pickle, &[("0", &[1.0; 4])]), |path| Pt::open(path).unwrap().keys())
}

#[test]
fn a_dictionary_that_holds_all_is_left_out_of_the_keys() {
    assert_eq!(keys(&nested(&["model", "a", "b"])), ["a.b"]);
    assert_eq!(keys(&nested(&["state_dict", "a"])), ["a"]);
    assert_eq!(keys(&nested(&["ema", "a"])), ["ema.a"]);
    assert_eq!(keys(&nested(&["model.a"])), ["model.a"], "a layer's own name");
    assert_eq!(keys(&nested(&["model"])), ["model"]);
    assert_eq!(keys(&nested(&["model", "model", "a"])), ["model.a"]);
    let beside = nested(&["model", "a"]).text("other").tensor(4, 0, &[4], &[1]).raw(b"s");
    assert_eq!(keys(&beside), ["model.a", "other"]);
    let beside = nested(&["model", "a"]).text("model.b").tensor(4, 0, &[4], &[1]).raw(b"s");
    assert_eq!(keys(&beside), ["model.a", "model.b"]);
    // Lists and tuples by place, integers as keys.
    let list = Pickle::new().raw(b"}K\x07](N").tensor(4, 0, &[4], &[1]).raw(b"e\x85s");
    assert_eq!(keys(&list), ["7.0.1"]);
    assert_eq!(
        keys(&Pickle::new().raw(b"}").text("x").raw(b"N0").text("y").raw(b"0").tensor(4, 0, &[4], &[1]).raw(b"s")),
        ["x"]
    );
}

#[test]
fn views_lie_where_their_offsets_and_strides_say() {
    let all: Vec<f32> = counting(0..12);
    let expected = |at: &[usize]| at.iter().map(|i| all[*i]).collect::<Vec<_>>();
    for (offset, shape, stride, at) in [
        (0, &[3, 4][..], &[4, 1][..], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11][..]),
        (4, &[2, 2], &[4, 1], &[4, 5, 8, 9]),
        (3, &[3], &[3], &[3, 6, 9]),
        (1, &[2, 1, 2], &[2, 999_999, 1], &[1, 2, 3, 4]),
        (5, &[2, 3], &[0, 1], &[5, 6, 7, 5, 6, 7]),
        (0, &[2, 2, 2], &[1, 2, 4], &[0, 4, 2, 6, 1, 5, 3, 7]),
        (11, &[1, 1], &[i64::MAX, i64::MAX], &[11]),
        (11, &[], &[], &[11]),
        (i64::MAX, &[0, 4], &[i64::MAX, 1], &[]),
    ] {
        let pickle = Pickle::new().raw(b"}").text("x").tensor(12, offset, shape, stride).raw(b"s");
        let folder = folder(&[("x.pt", &checkpoint(&pickle, &[("0", &all)]))]);
        let weights = Pt::open(folder.path().join("x.pt")).unwrap();
        let shape = shape.iter().map(|n| *n as usize).collect();
        assert_eq!(values(&weights, "x"), (expected(at), shape), "{stride:?}");
    }
}

#[test]
fn zip_files_with_large_numbers_and_a_comment_are_read() {
    let pickle = Pickle::new().raw(b"}").text("x").tensor(4, 0, &[4], &[1]).raw(b"s").done();
    let items = [item("any name/data.pkl", &pickle), item("any name/data/0", &f32s(&[1.0; 4]))];
    let mut with_comment = zip(&items, false);
    with_comment.truncate(with_comment.len() - 2);
    with_comment.extend(b"\x03\0abc");
    for file in [zip(&items, false), zip(&items, true), with_comment] {
        assert_eq!(with_file(&file, |path| Pt::open(path).unwrap().keys()), ["x"]);
    }
}
