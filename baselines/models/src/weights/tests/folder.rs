use std::path::Path;

use super::{folder, values, why, with_file, write};
use crate::weights::{Weights, open};

fn one(key: &str) -> Vec<u8> {
    write::rows(&[(key, &[1.0])])
}

fn checkpoint() -> Vec<u8> {
    let pickle = write::Pickle::new().raw(b"}").text("pt").tensor(1, 0, &[1], &[1]).raw(b"s");
    write::checkpoint(&pickle, &[("0", &[1.0])])
}

fn index(map: &str) -> Vec<u8> {
    format!(r#"{{"metadata":{{"total_size":8}},"weight_map":{{{map}}}}}"#).into_bytes()
}

#[test]
fn a_folder_gives_the_first_weights_in_it() {
    let (one, pt) = (one("one"), checkpoint());
    let index = index(r#""one":"model-1.safetensors""#);
    let all: [(&str, &[u8]); 6] = [
        ("model.safetensors", &one),
        ("model.safetensors.index.json", &index),
        ("model-1.safetensors", &one),
        ("other.PT", &pt),
        ("config.json", b"{}"),
        ("notes.txt", b""),
    ];
    for (from, name, key) in
        [(0, "model.safetensors", "one"), (1, "", "one"), (2, "model-1.safetensors", "one"), (3, "other.PT", "pt")]
    {
        let folder = folder(&all[from..]);
        let weights = open(folder.path()).unwrap();
        assert_eq!(weights.keys(), [key]);
        assert_eq!(Path::new(&weights.name()), folder.path().join(name).components().as_path());
    }
    let none = folder(&all[4..]);
    let found = why(open(none.path()));
    for looked in ["model.safetensors,", "model.safetensors.index.json", ".safetensors", ".pt or .pth"] {
        assert!(found.contains(looked), "{found}");
    }
    assert!(why(open(none.path().join("notes.txt"))).contains("end in .safetensors, .pt, .pth or .bin"));
    assert!(why(open(none.path().join("nothing"))).contains("No such file"));
    let two = folder(&[("a.safetensors", &one), ("b.safetensors", &one)]);
    assert!(why(open(two.path())).contains("several files that end in .safetensors"));
    let bin = folder(&[("pytorch_model.bin", &pt)]);
    assert_eq!(open(bin.path().join("pytorch_model.bin")).unwrap().keys(), ["pt"]);
}

#[test]
fn shards_are_read_as_one() {
    let (first, second) = (write::rows(&[("b", &[1.0]), ("d", &[2.0])]), write::rows(&[("a", &[3.0]), ("c", &[4.0])]));
    let map = index(r#""a":"2.safetensors","b":"1.safetensors","c":"2.safetensors","d":"1.safetensors""#);
    let folder =
        folder(&[("1.safetensors", &first), ("2.safetensors", &second), ("model.safetensors.index.json", &map)]);
    let weights = open(folder.path()).unwrap();
    assert_eq!(weights.keys(), ["a", "b", "c", "d"]);
    assert_eq!(["a", "b", "c", "d"].map(|key| values(&*weights, key).0[0]), [3.0, 1.0, 4.0, 2.0]);
    assert!(weights.view("e", &[]).unwrap().is_none());
    // As in one file.
    let whole = write::rows(&[("a", &[3.0]), ("b", &[1.0]), ("c", &[4.0]), ("d", &[2.0])]);
    let whole = with_file(&whole, |path| crate::weights::SafeTensors::open(path).unwrap().fingerprint());
    assert_eq!(weights.fingerprint(), whole);
}

#[test]
fn wrong_indices_are_refused() {
    let (a, b, both) = (one("a"), one("b"), write::rows(&[("a", &[1.0]), ("b", &[1.0])]));
    let outside = folder(&[("x.safetensors", &a)]);
    let absolute = index(&format!(r#""a":"{}""#, outside.path().join("x.safetensors").display()));
    for (map, expected) in [
        (absolute, "not the plain name"),
        (index(r#""a":"../x.safetensors""#), "not the plain name"),
        (index(r#""a":"sub/x.safetensors""#), "not the plain name"),
        (index(r#""a":"sub\\x.safetensors""#), "not the plain name"),
        (index(r#""a":"C:x.safetensors""#), "not the plain name"),
        (index(r#""a":"..""#), "not the plain name"),
        (index(r#""a":"""#), "not the plain name"),
        (index(r#""a":"passwd""#), "not the plain name"),
        (index(r#""a":"a.safetensors","b":"none.safetensors""#), "No such file"),
        (index(r#""a":"a.safetensors","b":"a.safetensors""#), "does not hold `b`"),
        (index(r#""a":"both.safetensors""#), "holds `b`, which model.safetensors.index.json does not list"),
        (index(r#""a":"a.safetensors","b":"both.safetensors""#), "holds `a`, which should be in a.safetensors"),
        (index(r#""a":7"#), "invalid type"),
        (b"{}".to_vec(), "missing field `weight_map`"),
        (b"".to_vec(), "is empty"),
        ("[".repeat(1 << 20).into_bytes(), ""),
    ] {
        let folder = folder(&[
            ("a.safetensors", &a),
            ("b.safetensors", &b),
            ("both.safetensors", &both),
            ("model.safetensors.index.json", &map),
        ]);
        let found = why(open(folder.path()));
        assert!(found.contains(expected), "{found}");
    }
}
