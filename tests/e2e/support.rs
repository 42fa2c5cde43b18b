//! The binary in a clean environment, small real datasets, and an HTTP server on loopback.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

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

/// What a server was asked: path, and headers in lower case.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
}

impl Request {
    /// Where a `Range: bytes=N-` or `bytes=N-M` begins and ends.
    pub(crate) fn range(&self) -> Option<(usize, Option<usize>)> {
        let (from, to) = self.headers.get("range")?.strip_prefix("bytes=")?.split_once('-')?;
        Some((from.parse().ok()?, to.parse().ok()))
    }
}

/// What it answers. `cut` ends the connection after so many bytes of the body.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) cut: Option<usize>,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), cut: None }
    }

    /// A file, or the part of it that was asked for.
    pub(crate) fn file(bytes: &[u8], request: &Request) -> Self {
        match request.range() {
            Some((from, _)) if from >= bytes.len() && !bytes.is_empty() => Self::new(416, ""),
            Some((from, to)) => {
                let end = to.map_or(bytes.len(), |t| (t + 1).min(bytes.len()));
                let mut reply = Self::new(206, &bytes[from..end]);
                let range = format!("bytes {from}-{}/{}", end.saturating_sub(1), bytes.len());
                reply.headers.push(("Content-Range".into(), range));
                reply
            }
            None => Self::new(200, bytes),
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A real HTTP server on loopback; it stops taking connections when dropped.
pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) seen: Arc<Mutex<Vec<Request>>>,
    port: u16,
    stop: Arc<std::sync::atomic::AtomicBool>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(std::sync::atomic::AtomicBool::new(false)));
        let (log, stopped, answer) = (Arc::clone(&seen), Arc::clone(&stop), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(std::sync::atomic::Ordering::SeqCst) {
                    return;
                }
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &log, &*answer));
            }
        });
        Self { address: format!("http://127.0.0.1:{port}"), seen, port, stop }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, std::sync::atomic::Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Request>>, answer: &dyn Fn(&Request) -> Reply) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let path = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.trim().to_lowercase(), value.trim().to_owned());
        }
    }
    let request = Request { path, headers };
    log.lock().unwrap().push(request.clone());
    let reply = answer(&request);
    let mut head =
        format!("HTTP/1.1 {} X\r\nContent-Length: {}\r\nConnection: close\r\n", reply.status, reply.body.len());
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(&reply.body[..reply.cut.unwrap_or(reply.body.len()).min(reply.body.len())]);
}
