//! Whatever is in a file: reading it ends in weights or in an error. (That is also what these tests would find out about
//! memory: a file of some hundred bytes that asks for much would show.)

use std::path::Path;

use proptest::prelude::*;

use super::write::{Pickle, checkpoint, item, rows, zip};
use super::{fixture, with_file};
use crate::Result;
use crate::weights::{Pt, SafeTensors, Weights};

/// Reads all there is.
fn exhaust<W: Weights>(opened: Result<W>) {
    let Ok(weights) = opened else { return };
    for key in weights.keys() {
        if let Ok(view) = weights.view(&key, &[]) {
            let view = view.expect("the source lists the key");
            assert_eq!(view.bytes.len(), view.shape.iter().product::<usize>() * view.dtype.size(), "{key}");
        }
    }
    assert_eq!(weights.fingerprint().len(), 64);
}

fn safetensors(path: &Path) {
    exhaust(SafeTensors::open(path));
}

fn pt(path: &Path) {
    exhaust(Pt::open(path));
}

/// A file with some bytes changed, and perhaps cut off.
fn changed(file: &[u8], changes: &[(prop::sample::Index, u8)], length: Option<prop::sample::Index>) -> Vec<u8> {
    let mut file = file.to_vec();
    for (at, byte) in changes {
        let at = at.index(file.len());
        file[at] = *byte;
    }
    if let Some(length) = length {
        file.truncate(length.index(file.len()));
    }
    file
}

fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    // Bytes that mean something are more of a danger than others.
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(b"\x00\x01\x7f\x80\xff(t.RQsueabqhjK\x8a\x85\"[]{},0123456789".to_vec())
    ];
    prop::collection::vec((any::<prop::sample::Index>(), byte), 1..6)
}

fn valid_pickle() -> Vec<u8> {
    let p = Pickle::new().raw(b"}q\x00(").text("x").tensor(4, 0, &[2, 2], &[2, 1]).text("y").tensor(4, 1, &[2], &[2]);
    p.raw(b"u").done()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        with_file(&bytes, safetensors);
        with_file(&[b"PK\x03\x04", &bytes[..]].concat(), pt);
        let headed = [&(bytes.len() as u64).to_le_bytes()[..], &bytes].concat();
        with_file(&headed, safetensors);
    }

    #[test]
    fn any_pickle(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let pickle = Pickle::new().raw(&bytes);
        with_file(&checkpoint(&pickle, &[("0", &[1.0; 4])]), pt);
    }

    #[test]
    fn any_instructions(picked in prop::collection::vec(0_usize..32, 0..60)) {
        let pieces: Vec<&[u8]> = vec![
            b"(", b"0", b"1", b"2", b"N", b"K\x00", b"K\x04", b"M\xff\xff", b"\x8a\x01\xff", b"X\x01\x00\x00\x00a", b")", b"]", b"}", b"t",
            b"l", b"d", b"\x85", b"\x86", b"\x87", b"a", b"e", b"s", b"u", b"q\x00", b"h\x00", b"\x94", b"ccollections\nOrderedDict\n",
            b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch.storage\nUntypedStorage\n", b"Q", b"R", b"b",
        ];
        let pickle = picked.iter().fold(Pickle::new(), |p, i| p.raw(pieces[*i]));
        with_file(&checkpoint(&pickle, &[("0", &[1.0; 4])]), pt);
    }

    #[test]
    fn changed_safetensors(changes in changes(), length in any::<Option<prop::sample::Index>>()) {
        let file = rows(&[("a", &[1.0, 2.0]), ("b", &[3.0])]);
        with_file(&changed(&file, &changes, length), safetensors);
    }

    #[test]
    fn changed_checkpoints(changes in changes(), length in prop::option::weighted(0.1, any::<prop::sample::Index>()), wide: bool) {
        let items = [item("a/data.pkl", &valid_pickle()), item("a/data/0", &[0; 16])];
        with_file(&changed(&zip(&items, wide), &changes, length), pt);
    }

    #[test]
    fn changed_pickles(changes in changes()) {
        let pickle = changed(&valid_pickle(), &changes, None);
        with_file(&zip(&[item("a/data.pkl", &pickle), item("a/data/0", &[0; 16])], false), pt);
    }

    #[test]
    fn changed_files_of_torch(changes in changes()) {
        for name in ["torch_save/training.pt", "torch_save/protocol5.pt"] {
            let file = std::fs::read(fixture(name)).unwrap();
            with_file(&changed(&file, &changes, None), pt);
        }
    }
}
