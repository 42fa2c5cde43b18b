use std::borrow::Cow;

use tempfile::TempDir;

use super::{folder, values, write};
use crate::ModelError;
use crate::weights::{Origin, Renamed, Weights, open};

fn renamed() -> (TempDir, Renamed) {
    let file = write::rows(&[("k", &[1.0, 2.0]), ("v", &[3.0]), ("qkv", &[4.0, 5.0, 6.0]), ("plain", &[7.0])]);
    let folder = folder(&[("model.safetensors", &file)]);
    let source = open(folder.path()).unwrap();
    let renamed = Renamed::new(source, |key| {
        let rows = |start, length| Origin::Rows { key: "qkv".to_owned(), start, length };
        Some(match key {
            "a.plain" => Origin::Key("plain".to_owned()),
            "a.q" => rows(0, 1),
            "a.kv" => rows(1, 2),
            "far" => rows(2, 2),
            "none" => rows(1, 0),
            "overflow" => rows(usize::MAX, 2),
            "joined" => Origin::Joined(vec!["k".to_owned(), "v".to_owned(), "k".to_owned()]),
            "part" => Origin::Joined(vec!["k".to_owned(), "w".to_owned()]),
            "gone" => Origin::Joined(vec!["w".to_owned()]),
            "lost" => Origin::Key("w".to_owned()),
            _ => return None,
        })
    });
    (folder, renamed)
}

#[test]
fn weights_come_from_where_the_table_says() {
    let (_folder, weights) = renamed();
    assert_eq!(values(&weights, "a.plain"), (vec![7.0], vec![1, 1]));
    assert_eq!(values(&weights, "a.q"), (vec![4.0], vec![1, 1]));
    assert_eq!(values(&weights, "a.kv"), (vec![5.0, 6.0], vec![2, 1]));
    assert!(matches!(weights.view("a.kv", &[]).unwrap().unwrap().bytes, Cow::Borrowed(_)), "read in place");
    assert_eq!(values(&weights, "joined"), (vec![1.0, 2.0, 3.0, 1.0, 2.0], vec![5, 1]));
    for key in ["gone", "lost", "plain", "qkv"] {
        assert!(weights.view(key, &[]).unwrap().is_none(), "{key}");
    }
    for (key, expected) in
        [("far", "no 2 rows from row 2"), ("none", "no 0 rows"), ("overflow", "no 2 rows"), ("part", "`w` is missing")]
    {
        let Err(ModelError::Op { why, .. }) = weights.view(key, &[]) else { panic!("{key}") };
        assert!(why.contains(expected), "{why}");
    }
}

#[test]
fn keys_are_the_sources_and_origins_lead_to_them() {
    let (_folder, weights) = renamed();
    assert_eq!(weights.keys(), ["k", "plain", "qkv", "v"]);
    assert_eq!(weights.origins("a.plain"), ["plain"]);
    assert_eq!(weights.origins("a.q"), ["qkv"]);
    assert_eq!(weights.origins("part"), ["k", "w"]);
    assert!(weights.origins("plain").is_empty());
}
