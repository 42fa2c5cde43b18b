//! Files made to do harm, and broken ones: each is an error that says what is wrong, and soon.

use std::time::{Duration, Instant};

use super::write::{Item, Pickle, checkpoint, headed, item, rows, zip};
use super::{f32s, why, with_file};
use crate::weights::{Pt, SafeTensors};

fn refused(what: &str, file: &[u8], expected: &str, open: impl Fn(&std::path::Path) -> String) {
    let start = Instant::now();
    let found = with_file(file, open);
    assert!(found.contains(expected), "{what}: {found}");
    assert!(start.elapsed() < Duration::from_secs(20), "{what} took {:?}", start.elapsed());
}

fn of_safetensors(path: &std::path::Path) -> String {
    why(SafeTensors::open(path))
}

fn of_pt(path: &std::path::Path) -> String {
    why(Pt::open(path))
}

#[test]
fn wrong_safetensors_files_are_refused() {
    let good = rows(&[("a", &[1.0, 2.0]), ("b", &[3.0])]);
    for part in 1..16 {
        let cut = &good[..good.len() * part / 16];
        refused(&format!("{part}/16"), cut, "cut short", of_safetensors);
    }
    let info = |dtype: &str, shape: &str, from: &str, to: &str| {
        format!(r#"{{"dtype":"{dtype}","shape":[{shape}],"data_offsets":[{from},{to}]}}"#)
    };
    let one = |info: String, data: &[u8]| headed(&format!(r#"{{"a":{info}}}"#), data);
    let two = |first: String, second: String, data: &[u8]| headed(&format!(r#"{{"a":{first},"b":{second}}}"#), data);
    // Tensors that end at the last byte there can be: with the header before them they would end beyond.
    let eighth = (1_u64 << 61) - 1;
    let each = |i: u64, size: u64| {
        let (from, to) = (i * eighth, i * eighth + size);
        format!(r#""{i}":{}"#, info("U8", &size.to_string(), &from.to_string(), &to.to_string()))
    };
    let last: Vec<String> = (0..8).map(|i| each(i, eighth)).chain([each(8, 7)]).collect();
    for (what, file, expected) in [
        ("empty", vec![], "is empty"),
        ("seven bytes", vec![0; 7], "too short"),
        ("longest header", [&u64::MAX.to_le_bytes()[..], b"{}"].concat(), "18446744073709551615"),
        ("long header", [&99_999_999_u64.to_le_bytes()[..], b"{}"].concat(), "cut short"),
        ("no JSON", headed("[]", &[]), "wrong safetensors header"),
        ("not UTF-8", [&2_u64.to_le_bytes()[..], &[0xff, 0xfe]].concat(), "wrong safetensors header"),
        ("deep JSON", headed(&format!(r#"{{"a":{}"#, "[".repeat(1 << 20)), &[]), "wrong safetensors header"),
        ("unknown type", one(info("F31", "1", "0", "4"), &[0; 4]), "wrong safetensors header"),
        ("huge tensor", one(info("F32", "100000000000000000", "0", "4"), &[0; 4]), "invalid shape"),
        ("huge range", one(info("U8", "1000000000000000000", "0", "1000000000000000000"), &[0; 4]), "cut short"),
        ("product", one(info("F32", "4294967296,4294967296", "0", "0"), &[]), "overflow"),
        ("zero product", one(info("F32", "4294967296,4294967296,0", "0", "0"), &[]), "overflow"),
        ("negative", one(info("F32", "-1", "0", "4"), &[0; 4]), "wrong safetensors header"),
        ("fraction", one(info("F32", "1.5", "0", "6"), &[0; 6]), "wrong safetensors header"),
        ("size", one(info("F32", "2", "0", "4"), &[0; 4]), "invalid shape"),
        ("backwards", one(info("F32", "1", "4", "0"), &[0; 4]), "invalid offset"),
        ("begins late", one(info("F32", "1", "4", "8"), &[0; 8]), "invalid offset"),
        ("overlap", two(info("F32", "1", "0", "4"), info("F32", "1", "2", "6"), &[0; 6]), "invalid offset"),
        ("same", two(info("F32", "1", "0", "4"), info("F32", "1", "0", "4"), &[0; 4]), "invalid offset"),
        ("hole", two(info("F32", "1", "0", "4"), info("F32", "1", "8", "12"), &[0; 12]), "invalid offset"),
        ("too long", one(info("F32", "1", "0", "4"), &[0; 5]), "damaged"),
        (
            "to the last byte",
            headed(&format!("{{{}}}", last.join(",")), &[0; 8]),
            "18446744073709551615 bytes of tensors",
        ),
    ] {
        refused(what, &file, expected, of_safetensors);
    }
}

/// A checkpoint of one tensor `x` of a storage of four numbers.
fn one(count: i64, offset: i64, shape: &[i64], stride: &[i64]) -> Vec<u8> {
    of(&Pickle::new().raw(b"}").text("x").tensor(count, offset, shape, stride).raw(b"s"))
}

fn of(pickle: &Pickle) -> Vec<u8> {
    checkpoint(pickle, &[("0", &[1.0, 2.0, 3.0, 4.0])])
}

fn raw(instructions: &[u8]) -> Vec<u8> {
    of(&Pickle::new().raw(instructions))
}

#[test]
fn tensors_that_are_not_there_are_refused() {
    let big = i64::MAX;
    for (what, file, expected) in [
        ("stride", one(4, 0, &[2], &[-1]), "-1 for an offset, a size or a stride"),
        ("offset", one(4, -1, &[2], &[1]), "-1 for an offset"),
        ("size", one(4, 0, &[-2], &[1]), "-2 for an offset"),
        ("far offset", one(4, big, &[2], &[1]), "reaches beyond its storage of 4 elements"),
        ("one too far", one(4, 1, &[4], &[1]), "reaches beyond"),
        ("far stride", one(4, 0, &[2], &[big]), "reaches beyond"),
        ("overflow", one(4, 0, &[big, big], &[big, big]), "reaches beyond"),
        ("repeated", one(4, 0, &[big, big, 2], &[0, 0, 1]), "repeats the 4 elements"),
        ("repeated", one(4, 0, &[5], &[0]), "repeats the 4 elements"),
        ("storage", one(5, 0, &[4], &[1]), "should have a storage of 5 times 4 bytes; it has 16"),
        ("storage", one(big, 0, &[4], &[1]), "should have a storage of"),
        ("storage", one(-4, 0, &[4], &[1]), "no storage of a tensor"),
        ("ranks", one(4, 0, &[2, 2], &[1]), "with 1 strides"),
        ("dimensions", one(4, 0, &[1; 65], &[1; 65]), "65 dimensions"),
        ("missing", checkpoint(&Pickle::new().tensor(4, 0, &[4], &[1]), &[("1", &[0.0; 4])]), "no storage for tensor"),
    ] {
        refused(what, &file, expected, of_pt);
    }
    for (what, pickle, expected) in [
        ("twice", Pickle::new().raw(b"}").text("x").tensor(4, 0, &[4], &[1]).raw(b"s"), "two tensors of the key `x`"),
        (
            "joined",
            Pickle::new().raw(b"}").text("y").raw(b"}").text("x").tensor(4, 0, &[4], &[1]).raw(b"ss"),
            "key `y.x`",
        ),
    ] {
        let key = if what == "twice" { "x" } else { "y.x" };
        let pickle = pickle.text(key).tensor(4, 0, &[4], &[1]).raw(b"s");
        refused(what, &of(&pickle), expected, of_pt);
    }
    let odd_key = Pickle::new().raw(b"}N").tensor(4, 0, &[4], &[1]).raw(b"s");
    refused("key", &of(&odd_key), "neither text nor an integer", of_pt);
    refused("no tensors", &raw(b"}"), "holds no tensors", of_pt);
}

#[test]
fn code_is_refused_by_its_name() {
    let call = |module, name| of(&Pickle::new().global(module, name).raw(b"(").text("echo x").raw(b"tR"));
    let stacked = of(&Pickle::new().text("os").text("system").raw(b"\x93").text("echo x").raw(b"\x85R"));
    let made = of(&Pickle::new().global("subprocess", "Popen").raw(b")\x81"));
    for (file, name) in [
        (call("os", "system"), "asks to run `os.system`, which is refused"),
        (call("posix", "system"), "asks to run `posix.system`"),
        (call("builtins", "eval"), "asks to run `builtins.eval`"),
        (call("__builtin__", "exec"), "asks to run `__builtin__.exec`"),
        (call("torch", "load"), "asks to run `torch.load`"),
        (call("torch.hub", "load"), "asks to run `torch.hub.load`"),
        (call("torch.storage", "_load_from_bytes"), "asks to run `torch.storage._load_from_bytes`"),
        (call("x\u{1b}[31m", "y"), "asks to run `x\\u{1b}[31m.y`"),
        (stacked, "asks to run `os.system`"),
        (made, "asks to run `subprocess.Popen`"),
        (call("torch", "FloatStorage"), "operands that it does not take"),
        (call("torch._utils", "_rebuild_tensor_v2"), "operands that it does not take"),
        (call("torch._tensor", "_rebuild_from_type_v2"), "operands that it does not take"),
        (call("collections", "OrderedDict"), "operands that it does not take"),
        (raw(b"}(tR"), "calls what is no function"),
        (raw(b"(ios\nsystem\n"), "the instruction `i`"),
        (raw(b"\x82\x01"), "the instruction `\\u{82}`"),
        (raw(b"Pmodule\n"), "the instruction `P`"),
        (raw(b"NQ"), "no storage of a tensor"),
    ] {
        refused(name, &file, name, of_pt);
    }
}

#[test]
fn pickles_that_would_not_end_are_refused() {
    let deep = |n: usize| of(&Pickle::new().raw(&b"]".repeat(n)).tensor(4, 0, &[4], &[1]).raw(&b"a".repeat(n)));
    // Each list holds the one before it twice.
    let doubled = |n: u32| {
        let pickle = Pickle::new().raw(b"]").tensor(4, 0, &[4], &[1]).raw(b"ar\0\0\0\0");
        of(&(0..n).fold(pickle, |p, i| {
            p.raw(b"](j").raw(&i.to_le_bytes()).raw(b"j").raw(&i.to_le_bytes()).raw(b"er").raw(&(i + 1).to_le_bytes())
        }))
    };
    // The same with keys that are a megabyte long.
    let long = "k".repeat(1 << 20);
    let keys = (0..500).fold(Pickle::new().raw(b"}q\0").text(&long).raw(b"q\x010("), |p, i| {
        p.int(i).raw(b"}h\x01").tensor(4, 0, &[4], &[1]).raw(b"s")
    });
    for (what, file, expected) in [
        ("deep", deep(65), "more than 64 deep"),
        ("very deep", deep(1 << 20), "more than 64 deep"),
        ("marks", raw(&b"(".repeat(1 << 20)), "takes a value where there is none"),
        ("in itself", raw(b"]q\0h\0a"), "more than 64 deep"),
        ("in itself", raw(b"}q\0K\x01h\0s"), "more than 64 deep"),
        ("doubled", doubled(60), "too many or too long keys"),
        ("long keys", of(&keys.raw(b"u")), "too many or too long keys"),
        ("many values", raw(&b"N".repeat(5_000_000)), "more than 4000000 values"),
        ("long text", raw(b"X\xff\xff\xff\xff"), "needs 4294967295 bytes of which only 1 are there"),
        ("longer text", raw(b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff"), "needs 18446744073709551615 bytes"),
        ("long bytes", raw(b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff"), "needs 18446744073709551615 bytes"),
        ("long integer", raw(b"\x8b\xff\xff\xff\x7f"), "needs 2147483647 bytes"),
        ("long frame", raw(b"\x95\xff\xff\xff\xff\xff\xff\xff\xff"), "announces 18446744073709551615 bytes"),
        ("protocol", raw(b"\x80\x06"), "protocol 6"),
        ("memo", raw(b"j\xff\xff\xff\xff"), "which it did not keep"),
        ("no mark", raw(b"t"), "where none begins"),
        ("nothing", raw(b""), "takes a value where there is none"),
        ("below a mark", raw(b"N(a"), "takes a value where there is none"),
        ("below a mark", raw(b"N(bt"), "takes a value where there is none"),
        ("odd", raw(b"}(Nu"), "a key without a value"),
        ("no end", zip(&[item("a/data.pkl", b"\x80\x02N")], false), "needs 1 bytes"),
        ("no line", zip(&[item("a/data.pkl", b"\x80\x02cos")], false), "a line without an end"),
    ] {
        refused(what, &file, expected, of_pt);
    }
}

#[test]
fn wrong_zip_files_are_refused() {
    let pickle = Pickle::new().raw(b"}").text("x").tensor(4, 0, &[4], &[1]).raw(b"s").done();
    let items = [item("a/data.pkl", &pickle), item("a/data/0", &f32s(&[1.0; 4])), item("a/byteorder", b"little")];
    for wide in [false, true] {
        let good = zip(&items, wide);
        assert!(with_file(&good, |path| Pt::open(path).is_ok()));
        for part in 1..16 {
            refused(&format!("{part}/16"), &good[..good.len() * part / 16], "cut short", of_pt);
        }
    }
    let change = |at: usize, change: &dyn Fn(&mut Item<'_>)| {
        let mut items = items.clone();
        change(&mut items[at]);
        zip(&items, false)
    };
    let with = |name, data| zip(&[&items[..], &[item(name, data)]].concat(), false);
    // What the end record says, in other numbers: entries, length and start of the directory.
    let end = |count: u16, size: u32, start: u32| {
        let mut file = zip(&items, false);
        let at = file.len() - 22;
        file[at + 10..at + 12].copy_from_slice(&count.to_le_bytes());
        file[at + 12..at + 16].copy_from_slice(&size.to_le_bytes());
        file[at + 16..at + 20].copy_from_slice(&start.to_le_bytes());
        file
    };
    let right = zip(&items, false);
    let number = |at: usize| u32::from_le_bytes(*right[right.len() - at..].first_chunk().unwrap());
    let (size, start) = (number(10), number(6));
    for (what, file, expected) in [
        ("one more", end(4, size, start), "a damaged zip directory"),
        ("into the end", end(3, size + 1, start), "no zip directory"),
        ("no zip", b"hello, world".to_vec(), "is no checkpoint"),
        ("only a start", b"PK\x03\x04".to_vec(), "no zip directory"),
        ("compressed", change(0, &|i| i.method = 8), "the compressed zip entry \"a/data.pkl\""),
        ("compressed", change(1, &|i| i.method = 93), "the compressed zip entry \"a/data/0\""),
        ("encrypted", change(1, &|i| i.flags = 1), "the encrypted zip entry"),
        ("absurd size", change(0, &|i| i.told = Some(u64::MAX)), "does not lie inside"),
        ("absurd size", change(0, &|i| i.told = Some(u64::from(u32::MAX))), "does not lie inside"),
        ("large size", change(0, &|i| i.told = Some(1 << 40)), "does not lie inside"),
        ("long pickle", change(0, &|i| i.data = vec![b'N'; (64 << 20) + 1]), "67108864 are read"),
        ("no pickle", change(0, &|i| i.name = "data.pkl"), "one zip entry `data.pkl` in a folder"),
        ("two pickles", with("b/data.pkl", &pickle), "one zip entry `data.pkl` in a folder"),
        ("same name", with("a/data/0", &[]), "two zip entries of the name"),
        ("big-endian", change(2, &|i| i.data = b"big".to_vec()), "big-endian"),
        ("too many", end(4, u32::from(u16::MAX), 0), "no zip directory"),
        ("beyond", end(3, u32::MAX - 1, 1), "no zip directory"),
        ("beyond", end(3, 1, u32::MAX - 1), "no zip directory"),
        ("elsewhere", end(3, 40, 0), "a damaged zip directory"),
        ("count", end(u16::MAX, 0, 0), "no zip directory"),
    ] {
        refused(what, &file, expected, of_pt);
    }
}
