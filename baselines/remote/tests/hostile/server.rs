//! A server that speaks HTTP/1.1 and answers as a test wants.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};

/// The model that is served.
pub(crate) const MODEL: &str = "org/Tiny-VL";

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// How many chat requests came before.
    pub(crate) nth: usize,
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The user's text.
    pub(crate) fn text(&self) -> String {
        let body = self.json();
        let message = body["messages"].as_array().unwrap().last().unwrap().clone();
        message["content"].as_array().unwrap().last().unwrap()["text"].as_str().unwrap().to_owned()
    }
}

/// One answer: what it does to the connection. False closes it.
pub(crate) type Answer = dyn Fn(&Seen, &mut Line) -> bool + Send + Sync;

struct Shared {
    answer: Box<Answer>,
    models: Box<Answer>,
    seen: Mutex<Vec<Seen>>,
    chats: AtomicUsize,
    connections: AtomicUsize,
    over: AtomicBool,
}

pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepts: Option<JoinHandle<()>>,
}

impl Server {
    /// Answers chats so, and has [`MODEL`].
    pub(crate) fn start(answer: impl Fn(&Seen, &mut Line) -> bool + Send + Sync + 'static) -> Self {
        Self::with_models(answer, |_, line| line.json(200, &json!({ "data": [{ "id": MODEL, "object": "model" }] })))
    }

    pub(crate) fn with_models(
        answer: impl Fn(&Seen, &mut Line) -> bool + Send + Sync + 'static,
        models: impl Fn(&Seen, &mut Line) -> bool + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            answer: Box::new(answer),
            models: Box::new(models),
            seen: Mutex::default(),
            chats: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            over: AtomicBool::new(false),
        });
        let inner = Arc::clone(&shared);
        let accepts = thread::spawn(move || {
            for stream in listener.incoming() {
                if inner.over.load(Ordering::SeqCst) {
                    return;
                }
                let (stream, inner) = (stream.unwrap(), Arc::clone(&inner));
                inner.connections.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || serve(stream, &inner));
            }
        });
        Self { address, shared, accepts: Some(accepts) }
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The chats that came.
    pub(crate) fn chats(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().iter().filter(|s| s.line.contains("/chat/")).cloned().collect()
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Everything that came.
    pub(crate) fn requests(&self) -> usize {
        self.shared.seen.lock().unwrap().len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // Wakes whoever accepts; afterwards the port refuses connections.
        drop(TcpStream::connect(self.address));
        if let Some(accepts) = self.accepts.take() {
            accepts.join().unwrap();
        }
    }
}

fn serve(stream: TcpStream, shared: &Arc<Shared>) {
    // Small pieces are what is tested; the system is not to put them together.
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = Line { stream, shared: Arc::clone(shared) };
    while let Some(mut seen) = read(&mut reader) {
        let is_chat = seen.line.starts_with("POST /v1/chat/completions ");
        if is_chat {
            seen.nth = shared.chats.fetch_add(1, Ordering::SeqCst);
        }
        shared.seen.lock().unwrap().push(seen.clone());
        let goes_on = match seen.line.as_str() {
            _ if is_chat => (shared.answer)(&seen, &mut line),
            "GET /v1/models HTTP/1.1" => (shared.models)(&seen, &mut line),
            other => line.json(404, &json!({ "detail": format!("no route for {other}") })),
        };
        if !goes_on || shared.over.load(Ordering::SeqCst) {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut next = || {
        let mut text = String::new();
        reader.read_line(&mut text).ok().filter(|n| *n > 0)?;
        Some(text.trim_end().to_owned())
    };
    let line = next()?;
    let mut headers = BTreeMap::new();
    loop {
        let header = next()?;
        let Some((name, value)) = header.split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers.get("content-length").map_or(0, |n| n.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    Some(Seen { line, headers, body, nth: 0 })
}

/// The server's end of a connection. What cannot be written was not wanted any more.
pub(crate) struct Line {
    stream: TcpStream,
    shared: Arc<Shared>,
}

impl Line {
    /// Bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &str) -> bool {
        self.stream.write_all(bytes.as_bytes()).and_then(|()| self.stream.flush()).is_ok()
    }

    /// Bytes as they are, and the connection ends.
    pub(crate) fn last(&mut self, bytes: &str) -> bool {
        self.raw(bytes);
        false
    }

    /// A whole reply.
    pub(crate) fn reply(&mut self, status: u16, headers: &str, body: &str) -> bool {
        self.raw(&format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len()))
    }

    pub(crate) fn json(&mut self, status: u16, body: &Value) -> bool {
        self.reply(status, "content-type: application/json\r\n", &body.to_string())
    }

    /// The beginning of a stream of events.
    pub(crate) fn events(&mut self) -> bool {
        self.raw(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n",
        )
    }

    pub(crate) fn event(&mut self, data: &str) -> bool {
        let event = format!("data: {data}\n\n");
        self.raw(&format!("{:x}\r\n{event}\r\n", event.len()))
    }

    /// The beginning of a stream, one event, and the connection ends.
    pub(crate) fn last_event(&mut self, data: &str) -> bool {
        self.events();
        self.event(data);
        false
    }

    pub(crate) fn end(&mut self) -> bool {
        self.raw("0\r\n\r\n")
    }

    /// Waits, until the server is dropped at most.
    pub(crate) fn wait(&self, time: Duration) {
        let slice = Duration::from_millis(5);
        let mut left = time;
        while !left.is_zero() && !self.shared.over.load(Ordering::SeqCst) {
            thread::sleep(left.min(slice));
            left = left.saturating_sub(slice);
        }
    }

    /// Says nothing for as long as there is a server.
    pub(crate) fn be_silent(&self) -> bool {
        self.wait(Duration::from_hours(1));
        false
    }

    /// The answer `text`, streamed as vLLM streams it or whole, as was asked.
    pub(crate) fn say(&mut self, seen: &Seen, text: &str) -> bool {
        if seen.json()["stream"] == true {
            self.stream_words(text, "stop")
        } else {
            self.json(200, &whole(text, "stop"))
        }
    }

    /// An answer word by word: a token each, and one that ends it.
    pub(crate) fn stream_words(&mut self, text: &str, finish: &str) -> bool {
        let piece = |delta: Value, finish: Option<&str>| {
            let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
            json!({ "id": "x", "object": "chat.completion.chunk", "model": MODEL, "choices": [choice] }).to_string()
        };
        self.events();
        self.event(&piece(json!({ "role": "assistant", "content": "" }), None));
        for word in text.split_inclusive(' ') {
            self.event(&piece(json!({ "content": word }), None));
        }
        self.event(&piece(json!({}), Some(finish)));
        self.event(&json!({ "model": MODEL, "choices": [], "usage": usage(text) }).to_string());
        self.event("[DONE]");
        self.end()
    }
}

/// Ten tokens of a prompt, and one a word.
pub(crate) fn usage(text: &str) -> Value {
    let words = text.split_inclusive(' ').count();
    json!({ "prompt_tokens": 10, "completion_tokens": words, "total_tokens": words + 10 })
}

pub(crate) fn whole(text: &str, finish: &str) -> Value {
    let choice = json!({ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": finish });
    json!({ "id": "x", "object": "chat.completion", "model": MODEL, "choices": [choice], "usage": usage(text) })
}
