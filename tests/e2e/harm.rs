//! Checkpoints and configurations made to do harm, through the binary.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tempfile::tempdir;

use crate::networks::{changed, fixture, names, refused, sam, soon, within};
use crate::support::{json as parse, ok, run};

/// A tensor of a safetensors file.
struct Part {
    key: String,
    dtype: String,
    shape: Vec<u64>,
    bytes: Vec<u8>,
}

fn parts(file: &[u8]) -> Vec<Part> {
    let (length, rest) = file.split_first_chunk::<8>().unwrap();
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let header: BTreeMap<String, Value> = serde_json::from_slice(header).unwrap();
    let tensors = header.into_iter().filter(|(key, _)| key != "__metadata__");
    tensors
        .map(|(key, info)| {
            let [from, to] = [0usize, 1].map(|i| info["data_offsets"][i].as_u64().unwrap() as usize);
            let shape = info["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
            Part { key, dtype: info["dtype"].as_str().unwrap().to_owned(), shape, bytes: data[from..to].to_vec() }
        })
        .collect()
}

fn safetensors(parts: &[Part]) -> Vec<u8> {
    let mut header = Map::new();
    let mut data: Vec<u8> = Vec::new();
    for part in parts {
        let from = data.len();
        data.extend(&part.bytes);
        let info = json!({ "dtype": part.dtype, "shape": part.shape, "data_offsets": [from, data.len()] });
        header.insert(part.key.clone(), info);
    }
    headed(&Value::Object(header).to_string(), &data)
}

fn headed(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

#[test]
fn damaged_safetensors_are_refused() {
    let t = tempdir().unwrap();
    let file = sam(t.path(), "sam").join("model.safetensors");
    let good = fs::read(&file).unwrap();
    let huge = |shape: &str, end: &str| {
        headed(&format!(r#"{{"a":{{"dtype":"F32","shape":[{shape}],"data_offsets":[0,{end}]}}}}"#), &[0; 4])
    };
    for (bytes, why) in [
        (good[..good.len() / 2].to_vec(), "is damaged or cut short"),
        (good[..100].to_vec(), "is cut short: the header has"),
        (good[..5].to_vec(), "is too short for a safetensors file"),
        (Vec::new(), "is empty"),
        ([&good[..], &[0; 3]].concat(), "is damaged or cut short"),
        ([&u64::MAX.to_le_bytes()[..], b"{}"].concat(), "18446744073709551615 bytes, 100000000 are allowed"),
        (huge("1000000000000000000", "4"), "wrong safetensors header"),
        (huge("1000000000000000000", "4000000000000000000"), "wrong safetensors header"),
        (huge("1", "4000000000000000000"), "wrong safetensors header"),
        (headed(&"[".repeat(1 << 20), &[]), "wrong safetensors header"),
        (b"PK\x03\x04 no safetensors at all".to_vec(), "is no safetensors file"),
    ] {
        fs::write(&file, &bytes).unwrap();
        refused(t.path(), "models time sam --repeats 1", &["sam/model.safetensors", why]);
    }
    refused(
        t.path(),
        "run --limit 1 --method oracle-box --segmenter candle:sam/model.safetensors",
        &["sam/model.safetensors"],
    );
}

#[test]
fn weights_that_are_missing_extra_or_misshapen_are_named() {
    const KEY: &str = "sam_mask_decoder.conv_s0.bias";
    let t = tempdir().unwrap();
    let file = sam(t.path(), "sam").join("model.safetensors");
    let good = fs::read(&file).unwrap();
    let with = |change: &dyn Fn(&mut Vec<Part>)| {
        let mut all = parts(&good);
        change(&mut all);
        fs::write(&file, safetensors(&all)).unwrap();
    };
    let at = |all: &[Part]| all.iter().position(|p| p.key == KEY).unwrap();
    with(&|_| ());
    assert_eq!(soon(t.path(), "models time sam --repeats 1").code, 0, "written as it was");
    let line = "models time sam --repeats 1";
    with(&|all| {
        let part = at(all);
        all.remove(part);
    });
    refused(t.path(), line, &["sam/model.safetensors", KEY, "has no weight", "expected with shape [4]"]);
    with(&|all| {
        let bytes = vec![0; 8];
        all.push(Part { key: "surprise.weight".to_owned(), dtype: "F32".to_owned(), shape: vec![2], bytes });
    });
    refused(t.path(), line, &["sam/model.safetensors", "`surprise.weight`", "the checkpoint of another model?"]);
    with(&|all| {
        let part = at(all);
        all[part].shape = vec![2, 2];
    });
    refused(t.path(), line, &["sam/model.safetensors", KEY, "has shape [2, 2]", "asks for [4]"]);
    with(&|all| {
        let part = at(all);
        all[part].dtype = "I32".to_owned();
    });
    refused(t.path(), line, &["sam/model.safetensors", KEY, "I32 numbers, which cannot be weights"]);
}

#[test]
fn folders_without_weights_and_indices_that_lead_elsewhere_are_refused() {
    let t = tempdir().unwrap();
    let elsewhere = sam(t.path(), "elsewhere").join("model.safetensors");
    let folder = sam(t.path(), "sam");
    fs::remove_file(folder.join("model.safetensors")).unwrap();
    let line = "models time sam --repeats 1";
    refused(t.path(), line, &["sam: has no weights; looked for model.safetensors", ".pt or .pth"]);
    let keys: Vec<String> = parts(&fs::read(&elsewhere).unwrap()).into_iter().map(|p| p.key).collect();
    let index = |name: &str| {
        let map: Map<String, Value> = keys.iter().map(|key| (key.clone(), json!(name))).collect();
        fs::write(folder.join("model.safetensors.index.json"), json!({ "weight_map": map }).to_string()).unwrap();
    };
    let absolute = elsewhere.display().to_string();
    for name in
        ["../elsewhere/model.safetensors", &absolute, "a/../../elsewhere/model.safetensors", "..\\x.safetensors"]
    {
        index(name);
        refused(t.path(), line, &["model.safetensors.index.json", "is not the plain name of a .safetensors file"]);
    }
    index("model-00001-of-00001.safetensors");
    refused(t.path(), line, &["sam/model-00001-of-00001.safetensors"]);
    fs::copy(&elsewhere, folder.join("model-00001-of-00001.safetensors")).unwrap();
    assert_eq!(soon(t.path(), line).code, 0, "a shard in the folder itself is read");
    fs::write(folder.join("model.safetensors.index.json"), "{\"weight_map\": {}}").unwrap();
    refused(t.path(), line, &["sam", "no weight"]);
    fs::remove_file(folder.join("model.safetensors.index.json")).unwrap();
    fs::write(folder.join("other.safetensors"), "x").unwrap();
    refused(t.path(), line, &["sam", "several files", "name one"]);
    fs::write(t.path().join("notes.txt"), "hello").unwrap();
    refused(t.path(), "models time notes.txt --repeats 1", &["notes.txt", ".safetensors, .pt, .pth or .bin"]);
}

/// The checksum that zip files carry.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

/// A checkpoint as `torch.save` writes it, of this pickle alone: a zip file that any reader takes.
fn checkpoint(pickle: &[u8]) -> Vec<u8> {
    let name = b"archive/data.pkl".as_slice();
    let size = (pickle.len() as u32).to_le_bytes();
    let length = (name.len() as u16).to_le_bytes();
    let about = [&crc32(pickle).to_le_bytes()[..], &size, &size, &length, &[0; 2]].concat();
    let local = [b"PK\x03\x04\x14".as_slice(), &[0; 9], &about, name, pickle].concat();
    let central = [b"PK\x01\x02\x14\0\x14".as_slice(), &[0; 9], &about, &[0; 14], name].concat();
    let (start, long) = ((local.len() as u32).to_le_bytes(), (central.len() as u32).to_le_bytes());
    let end = [b"PK\x05\x06\0\0\0\0\x01\0\x01\0".as_slice(), &long, &start, &[0; 2]].concat();
    [local, central, end].concat()
}

#[test]
fn a_pickle_that_would_run_a_command_is_refused_and_nothing_is_run() {
    let t = tempdir().unwrap();
    let marker = t.path().join("ran");
    let text = |text: &str| [b"X".as_slice(), &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
    let command = text(&format!("touch {}", marker.display()));
    let python = text(&format!("__import__('os').system('touch {}')", marker.display()));
    let system = [b"\x80\x02cos\nsystem\n".as_slice(), &command, b"\x85R."].concat();
    let eval = [b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93".as_slice(), &python, b"\x85R."].concat();
    let output = [b"\x80\x02}X\x01\0\0\0acsubprocess\ngetoutput\n".as_slice(), &command, b"\x85Rs."].concat();
    for (pickle, name) in [(system, "os.system"), (eval, "builtins.eval"), (output, "subprocess.getoutput")] {
        let folder = t.path().join("net");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("model.pt"), checkpoint(&pickle)).unwrap();
        let why = format!("asks to run `{name}`, which is refused");
        for line in [
            "models time net --repeats 1",
            "models time net/model.pt --repeats 1",
            "models ask candle:net --text x",
            "run --limit 1 --method oracle-box --segmenter candle:net/model.pt",
        ] {
            refused(t.path(), line, &["net/model.pt", &why]);
        }
        // The pickle without the zip file around it, as PyTorch wrote it once.
        fs::write(folder.join("model.pt"), &pickle).unwrap();
        refused(t.path(), "models time net --repeats 1", &["net/model.pt"]);
    }
    assert!(!marker.exists(), "a file of weights ran a command");
}

/// A network of the fixtures with its `config.json` changed.
fn with_config(folder: &Path, name: &str, fields: &[(&str, Value)]) {
    let (from, to) = (fixture(name), folder.join("net"));
    fs::create_dir_all(&to).unwrap();
    fs::copy(from.join("model.safetensors"), to.join("model.safetensors")).unwrap();
    fs::write(to.join("config.json"), changed(&from.join("config.json"), fields)).unwrap();
}

#[test]
fn absurd_sizes_are_refused_by_their_field() {
    let t = tempdir().unwrap();
    let big = 1_000_000_000_000_000_u64;
    for (name, field, new) in [
        ("sam2/tiny_like", "/arch/image_size", json!(0)),
        ("sam2/tiny_like", "/arch/image_size", json!(big)),
        ("sam2/tiny_like", "/arch/embed_dim", json!(big)),
        ("sam2/tiny_like", "/arch/stages", json!([big, 1, 1, 1])),
        ("sam2/tiny_like", "/arch/d_model", json!(big)),
        ("sam2/tiny_like", "/arch/global_att_blocks", json!([big])),
        ("sam2/tiny_like", "/arch/decoder_heads", json!(0)),
        ("sam2/tiny_like", "/arch/window_pos_embed_bkg_spatial_size", json!([big, big])),
        ("sam1/vit_like", "/num_heads", json!(big)),
        ("sam1/vit_like", "/decoder_heads", json!(0)),
        ("sam1/tiny_vit_like", "/num_heads", json!([big, big, big, big])),
        ("sam1/tiny_vit_like", "/window_sizes", json!([0, 0, 0, 0])),
        ("sam1/tiny_vit_like", "/local_conv_size", json!(0)),
    ] {
        with_config(t.path(), name, &[(field, new)]);
        let field = field.rsplit('/').next().unwrap();
        // transformers' spelling of the ViT's heads.
        refused(t.path(), "models time net --repeats 1", &["net", &format!("`{field}`")]);
    }
    // Sizes that could be, but not with these weights.
    for (name, field, new) in [
        ("sam2/tiny_like", "/arch/embed_dim", json!(16_384)),
        ("sam2/tiny_like", "/arch/decoder_depth", json!(16_384)),
        ("sam2/tiny_like", "/arch/window_pos_embed_bkg_spatial_size", json!([16_384, 16_384])),
        ("sam1/vit_like", "/depth", json!(16_384)),
        ("sam1/tiny_vit_like", "/depths", json!([16_384, 16_384, 16_384, 16_384])),
    ] {
        with_config(t.path(), name, &[(field, new)]);
        refused(t.path(), "models time net --repeats 1", &["net"]);
    }
}

/// Weights do not tell an image's side: nothing else stops a file from asking for more than any machine can hold.
#[test]
fn images_too_large_to_compute_are_refused() {
    let t = tempdir().unwrap();
    for (name, field) in [("sam2/tiny_like", "/arch/image_size"), ("sam1/tiny_vit_like", "/img_size")] {
        with_config(t.path(), name, &[(field, json!(16_384))]);
        refused(t.path(), "models time net --repeats 1", &["net", "`image_size`", "16384"]);
    }
}

/// Squares of these do not fit 64 bits, and products of others do not either.
#[test]
fn sizes_whose_products_overflow_are_refused() {
    let t = tempdir().unwrap();
    let big = 1_000_000_000_000_000_000_u64;
    for (name, field, new) in [
        ("sam1/tiny_vit_like", "/window_sizes", json!([big, big, big, big])),
        ("sam1/tiny_vit_like", "/img_size", json!(big)),
        ("sam1/tiny_vit_like", "/in_chans", json!(big)),
        ("sam1/tiny_vit_like", "/out_chans", json!(big)),
        ("sam1/tiny_vit_like", "/embed_dims", json!([big * 2, big * 2, 3 * big, big * 4])),
        ("sam1/tiny_vit_like", "/decoder_mlp_dim", json!(u64::MAX)),
        ("sam1/tiny_vit_like", "/mlp_ratio", json!(1e300)),
        ("sam1/vit_like", "/image_size", json!(big)),
        ("sam1/vit_like", "/patch_size", json!(big)),
        ("sam1/vit_like", "/window_size", json!(u64::MAX / 2 + 2)),
        ("sam1/vit_like", "/embed_dim", json!(big)),
        ("sam1/vit_like", "/out_chans", json!(big)),
        ("sam1/vit_like", "/mlp_ratio", json!(1e300)),
    ] {
        with_config(t.path(), name, &[(field, new)]);
        refused(t.path(), "models time net --repeats 1", &["net"]);
    }
}

/// No size of a configuration may end `models init` other than by a message, or leave half a model.
#[test]
fn init_refuses_absurd_sizes_and_leaves_nothing() {
    let t = tempdir().unwrap();
    let big = 1_000_000_000_000_000_000_u64;
    for (name, field, new) in [
        ("sam1/tiny_vit_like", "/out_chans", json!(big)),
        ("sam1/tiny_vit_like", "/out_chans", json!(1_u64 << 62)),
        ("sam1/tiny_vit_like", "/window_sizes", json!([big, big, big, big])),
        ("sam1/tiny_vit_like", "/embed_dims", json!([1_u64 << 40, 1_u64 << 40, 3_u64 << 40, 1_u64 << 42])),
        ("sam1/tiny_vit_like", "/decoder_depth", json!(1_000_000_000)),
        ("sam1/vit_like", "/embed_dim", json!(big)),
        ("sam1/vit_like", "/depth", json!(1_000_000_000)),
        ("sam2/tiny_like", "/arch/embed_dim", json!(big)),
    ] {
        let config = changed(&fixture(name).join("config.json"), &[(field, new)]);
        fs::write(t.path().join("absurd.json"), config).unwrap();
        // Not longer: what does not end may take gigabytes in seconds.
        let told = within(t.path(), "models init absurd.json --out made", Duration::from_secs(6));
        assert!([3, 5].contains(&told.code), "{name} {field}: {}\n{}", told.code, told.err);
        assert!(told.err.starts_with("error: ") && told.err.lines().count() == 1, "{name} {field}: {}", told.err);
        assert_eq!(names(t.path()), ["absurd.json"], "{name} {field}");
    }
}

/// As docs/networks.md says: what is wrong with a `config.json` is told by its field, options that are not built included.
#[test]
fn wrong_kinds_and_options_that_are_not_built_are_told_by_their_field() {
    let t = tempdir().unwrap();
    for (name, field, new) in [
        ("sam2/tiny_like", "/arch/num_multimask_outputs", json!(4)),
        ("sam2/tiny_like", "/arch/std", json!([1.0, 1.0, 1.0])),
        ("sam1/vit_like", "/num_multimask_outputs", json!(4)),
        ("sam1/vit_like", "/iou_head_depth", json!(5)),
        ("sam1/vit_like", "/decoder_attention_downsample_rate", json!(4)),
        ("sam1/tiny_vit_like", "/std", json!([1.0, 1.0, 1.0])),
        ("sam2/tiny_like", "/arch/embed_dim", json!(-1)),
        ("sam2/tiny_like", "/arch/embed_dim", json!("eight")),
        ("sam1/tiny_vit_like", "/decoder_depth", json!(-1)),
    ] {
        with_config(t.path(), name, &[(field, new)]);
        let field = field.rsplit('/').next().unwrap();
        refused(t.path(), "models time net --repeats 1", &["net", &format!("`{field}`")]);
    }
    ok(t.path(), "models init qwen2.5-vl-tiny --out x");
    let negative = changed(&t.path().join("x/config.json"), &[("/num_hidden_layers", json!(-1))]);
    fs::write(t.path().join("x/config.json"), negative).unwrap();
    refused(t.path(), "models ask candle:x --text x", &["x/config.json", "`num_hidden_layers`"]);
}

#[test]
fn the_tokenizer_of_another_model_is_told() {
    let t = tempdir().unwrap();
    ok(t.path(), "models init qwen2.5-vl-tiny --out x");
    let file = t.path().join("x/tokenizer.json");
    let good = fs::read_to_string(&file).unwrap();
    // One more token than bytes, before the special ones.
    let mut other = parse(&good);
    other["model"]["vocab"]["ab"] = json!(256);
    other["model"]["merges"] = json!([["a", "b"]]);
    for token in other["added_tokens"].as_array_mut().unwrap() {
        token["id"] = json!(token["id"].as_u64().unwrap() + 1);
    }
    fs::write(t.path().join("other.json"), other.to_string()).unwrap();
    fs::write(&file, other.to_string()).unwrap();
    let why = "the tokenizer is of another model: its image token is 262 of 263 tokens, the configuration's 261 of 320";
    refused(t.path(), "models ask candle:x --text x", &["candle:x", why]);
    refused(t.path(), "models time x --repeats 1 --tokens 1", &["candle:x", why]);
    for (text, why) in [("", "tokenizer.json"), ("{}", "added_tokens"), ("[]", "tokenizer.json")] {
        fs::write(&file, text).unwrap();
        refused(t.path(), "models ask candle:x --text x", &["x/tokenizer.json", why]);
    }
    fs::remove_file(&file).unwrap();
    refused(t.path(), "models ask candle:x --text x", &["x/tokenizer.json"]);
    // And none that does not go with the model is put into a new one.
    let told = run(t.path(), "models init qwen2.5-vl-tiny --tokenizer other.json --out y");
    assert!(told.code != 0 && told.err.contains("the tokenizer is of another model"), "{}", told.err);
    assert!(!t.path().join("y").exists());
}

// Names.
