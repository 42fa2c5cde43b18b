use super::{folder, write};
use crate::oracle::Plain;
use crate::weights::{Origin, Random, Renamed, open};
use crate::{DType, ModelError, Tensor, Vars};

#[test]
fn weights_are_taken_by_their_place_and_all_of_them() {
    let folder =
        folder(&[("model.safetensors", &write::rows(&[("a.0.w", &[1.0, 2.0]), ("b", &[3.0]), ("c.d", &[4.0])]))]);
    let source = open(folder.path()).unwrap();
    let root = Vars::<Plain>::new(&*source, DType::Bf16, &());
    let inner = root.at("a").at(0);
    assert!(inner.has("w") && !inner.has("b") && root.has("b"));
    let made = inner.tensor("w", &[2, 1]).unwrap();
    assert_eq!((made.values().unwrap(), made.shape(), made.dtype()), (vec![1.0, 2.0], vec![2, 1], DType::Bf16));
    assert!(inner.optional("x", &[1]).unwrap().is_none());
    let Err(ModelError::Missing { name, expected, .. }) = inner.tensor("x", &[7]) else { panic!() };
    assert_eq!((name.as_str(), expected), ("a.0.x", vec![7]));
    let Err(ModelError::WrongShape { name, expected, found, .. }) = root.tensor("b", &[2, 1]) else { panic!() };
    assert_eq!((name.as_str(), expected, found), ("b", vec![2, 1], vec![1, 1]));
    // One that was of the wrong shape was not taken.
    let Err(ModelError::Extra { count: 2, example, .. }) = root.finish(|_| false) else { panic!() };
    assert_eq!(example, "b");
    assert_eq!(root.values("b", &[1, 1]).unwrap(), [3.0]);
    assert!(root.finish(|key| key.starts_with("c.")).is_ok());
    assert!(root.finish(|_| false).is_err());
}

#[test]
fn renamed_weights_are_counted_by_the_names_in_the_file() {
    let folder =
        folder(&[("model.safetensors", &write::rows(&[("qkv", &[1.0, 2.0, 3.0]), ("k", &[4.0]), ("v", &[5.0])]))]);
    let source = Renamed::new(open(folder.path()).unwrap(), |key| {
        let row = |start| Some(Origin::Rows { key: "qkv".to_owned(), start, length: 1 });
        match key {
            "attn.q" => row(0),
            "attn.k" => row(1),
            "kv" => Some(Origin::Joined(vec!["k".to_owned(), "v".to_owned()])),
            "lost" => Some(Origin::Key("lost".to_owned())),
            _ => None,
        }
    });
    let root = Vars::<Plain>::new(&source, DType::F32, &());
    assert!(root.at("attn").has("q") && root.has("kv") && !root.has("lost") && !root.has("qkv"));
    assert_eq!(root.at("attn").tensor("k", &[1, 1]).unwrap().values().unwrap(), [2.0]);
    let Err(ModelError::Extra { count: 2, example, .. }) = root.finish(|_| false) else { panic!() };
    assert_eq!(example, "k");
    assert_eq!(root.tensor("kv", &[2, 1]).unwrap().values().unwrap(), [4.0, 5.0]);
    assert!(root.finish(|_| false).is_ok());
}

#[test]
fn random_weights_have_whatever_is_asked_for() {
    let random = Random::new(0, 0.02, DType::Bf16);
    let root = Vars::<Plain>::new(&random, DType::F32, &());
    assert_eq!(root.at("norm").tensor("weight", &[3]).unwrap().values().unwrap(), [1.0; 3]);
    assert!(!root.has("x"));
    assert!(root.finish(|_| false).is_ok());
}
