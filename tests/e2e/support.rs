//! The binary in a clean environment, and small real datasets.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::scenes;
use serde_json::Value;
use socio_dataset::store::RawWriter;

/// The binary, without the settings of whoever runs the tests.
pub(crate) fn bench(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socio-bench"));
    command.current_dir(folder);
    for name in [
        "HF_ENDPOINT",
        "HF_TOKEN",
        "HF_HUB_OFFLINE",
        "HF_HUB_CACHE",
        "ORT_DYLIB_PATH",
        "SOCIO_MODELS",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "RUST_BACKTRACE",
    ] {
        command.env_remove(name);
    }
    command.env("HF_HOME", folder.join("hf")).env("XDG_CACHE_HOME", folder.join("cache"));
    command
}

/// Standard output, standard error and exit code.
pub(crate) struct Told {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: i32,
}

pub(crate) fn told(output: Output) -> Told {
    Told {
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code().unwrap_or(-1),
    }
}

/// Runs the binary with arguments separated by spaces.
pub(crate) fn run(folder: &Path, line: &str) -> Told {
    told(bench(folder).args(line.split_whitespace()).output().unwrap())
}

/// Runs it and expects success.
pub(crate) fn ok(folder: &Path, line: &str) -> String {
    let told = run(folder, line);
    assert_eq!(told.code, 0, "`{line}` exits with {}\n{}\n{}", told.code, told.out, told.err);
    told.out
}

/// Runs it and expects a code and parts of the message; a panic is never right.
pub(crate) fn fails(folder: &Path, line: &str, code: i32, parts: &[&str]) -> Told {
    let told = run(folder, line);
    assert_eq!(told.code, code, "`{line}`\n{}\n{}", told.out, told.err);
    for part in parts {
        assert!(
            told.err.contains(part) || told.out.contains(part),
            "`{line}` should say `{part}`:\n{}\n{}",
            told.out,
            told.err
        );
    }
    assert!(!told.err.contains("panicked"), "{}", told.err);
    told
}

pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}:\n{text}"))
}

/// A dataset of generated scenes in the raw layout at `folder/set`: `copies` times 24 samples in `test`.
pub(crate) fn raw_set(folder: &Path, copies: usize) -> PathBuf {
    let root = folder.join("set");
    for copy in 0..copies {
        let mut writer = RawWriter::create(&root, "test").unwrap();
        for mut sample in scenes::scenes() {
            sample.id = format!("{}{copy}", sample.id);
            writer.write(&sample).unwrap();
        }
    }
    root
}

/// Every file under a folder with its bytes.
pub(crate) fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(folder).unwrap().display().to_string(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// The real assets, and onnxruntime in the environment; `None` (with a message) where they are not there.
pub(crate) fn assets() -> Option<PathBuf> {
    let given = std::env::var_os("SOCIO_ASSETS").map(PathBuf::from);
    let folder = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/assets"));
    let required = std::env::var("SOCIO_REQUIRE_ASSETS").is_ok_and(|v| v == "1");
    if folder.is_dir() {
        return Some(folder.canonicalize().unwrap());
    }
    assert!(!required, "SOCIO_REQUIRE_ASSETS=1 and no folder {}", folder.display());
    eprintln!("skipped: no real assets at {} (SOCIO_ASSETS)", folder.display());
    None
}

/// The onnxruntime library of the environment.
pub(crate) fn onnxruntime() -> Option<PathBuf> {
    let required = std::env::var("SOCIO_REQUIRE_ASSETS").is_ok_and(|v| v == "1");
    let path = std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from).filter(|p| p.is_file());
    assert!(path.is_some() || !required, "SOCIO_REQUIRE_ASSETS=1 and ORT_DYLIB_PATH names no file");
    if path.is_none() {
        eprintln!("skipped: no onnxruntime (ORT_DYLIB_PATH)");
    }
    path
}
