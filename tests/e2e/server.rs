//! An HTTP server on loopback, and the hub's paths on it. The unit tests of `dataset/src/hub` use this file too.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::json;

/// A repository as the hub serves it.
pub(crate) struct Repository {
    /// `datasets/acme/city`, `models/acme/net`.
    pub(crate) place: &'static str,
    /// The commit that all of `revisions` are.
    pub(crate) commit: &'static str,
    pub(crate) revisions: &'static [&'static str],
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Gives the files' hashes.
    pub(crate) hash: fn(&[u8]) -> String,
}

impl Repository {
    /// The hub's paths for it: listings of revisions, then files with their hashes.
    pub(crate) fn answer(&self, request: &Request) -> Reply {
        let listing = request.path.strip_prefix(&format!("/api/{}/revision/", self.place));
        if listing.is_some_and(|revision| revision == self.commit || self.revisions.contains(&revision)) {
            let siblings: Vec<_> = self.files.keys().map(|name| json!({ "rfilename": name })).collect();
            return Reply::new(200, json!({ "sha": self.commit, "siblings": siblings }).to_string());
        }
        let place = self.place.strip_prefix("models/").unwrap_or(self.place);
        let resolve = format!("/{place}/resolve/{}/", self.commit);
        match request.path.strip_prefix(&resolve).and_then(|name| self.files.get(name)) {
            Some(bytes) => Reply::file(bytes, request)
                .with("ETag", &format!("\"{}\"", (self.hash)(bytes)))
                .with("X-Repo-Commit", self.commit),
            None => Reply::new(404, "no"),
        }
    }
}

/// What a server was asked: path, headers in lower case, and the body.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    #[allow(dead_code, reason = "the hub's own tests send none")]
    pub(crate) body: Vec<u8>,
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
    let length = headers.get("content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let request = Request { path, headers, body };
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
