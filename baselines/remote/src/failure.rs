//! What can go wrong with one try, and whether another may go better.

use std::time::Duration;

use socio_backend::BackendError;

use crate::key::Key;
use crate::usage::Tokens;

/// Kinds of failures, as far as they are treated differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No connection: nobody there takes any.
    Absent,
    /// A connection that broke before a reply began.
    Connection,
    /// Too long a wait, for a connection, for bytes, or for all of them.
    Timeout,
    /// No secure connection.
    Tls,
    /// 429.
    Busy,
    /// 503.
    Overloaded,
    /// 408, 409, 425 and other 5xx, or an error that a stream holds.
    Server,
    /// A reply without its end.
    Cut,
    /// A reply that is none.
    Garbled,
    /// A longer reply than is read.
    Endless,
    /// A whole reply that is no answer.
    NoAnswer,
    /// An answer without what was asked for.
    NoLogProbabilities,
    /// An answer of another model, or a server without the one that was asked for.
    WrongModel,
    /// 401, 403 and 407.
    Denied,
    /// 404, 405 and 410.
    NotThere,
    /// 3xx.
    Redirect,
    /// 413, or a prompt longer than the model takes.
    TooLong,
    /// 400, 422 and whatever else a server says no with.
    Rejected,
    /// The server ran out of memory.
    OutOfMemory,
    /// All endpoints are failing.
    Down,
    /// No endpoint can be reached at all: not this request's fault, and no other will go better.
    Unreachable,
    /// Somebody said stop.
    Stopped,
    /// Nobody waits for the answer any more.
    Cancelled,
}

/// A try that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// What happened, without the key.
    pub(crate) why: String,
    /// How long the server asks to wait.
    pub(crate) after: Option<Duration>,
    /// What the reply cost that is thrown away, where the server told.
    pub(crate) wasted: Option<Tokens>,
}

impl Kind {
    /// Whether another try may go better.
    pub(crate) fn can_be_tried_again(self) -> bool {
        self.is_ill() || self == Self::Busy
    }

    /// Whether the endpoint is not well.
    pub(crate) fn is_ill(self) -> bool {
        use Kind::{Absent, Connection, Cut, Garbled, OutOfMemory, Overloaded, Server, Timeout};
        matches!(self, Absent | Connection | Timeout | Overloaded | Server | Cut | Garbled | OutOfMemory)
    }

    /// Whether fewer requests in flight may help.
    pub(crate) fn is_too_much(self) -> bool {
        matches!(self, Self::Busy | Self::Overloaded | Self::Timeout | Self::OutOfMemory)
    }

    /// Whether a server may have worked on an answer whose tokens nobody told.
    pub(crate) fn may_have_cost(self) -> bool {
        use Kind::{Cut, Endless, Garbled, NoAnswer, NoLogProbabilities, Stopped, Timeout, WrongModel};
        matches!(self, Timeout | Cut | Garbled | Endless | NoAnswer | NoLogProbabilities | WrongModel | Stopped)
    }

    /// What to do about it.
    fn advice(self) -> &'static str {
        match self {
            Self::Absent | Self::Connection | Self::Unreachable => {
                "check that the server runs and that its address and port are right"
            }
            Self::Timeout => "allow more time (`silence`, `timeout`), or fewer requests in flight (`max_in_flight`)",
            Self::Tls => {
                "check that the address is https and that the server's certificate is one that is publicly trusted"
            }
            Self::Busy | Self::Overloaded => "allow fewer requests in flight (`max_in_flight`) or more tries",
            Self::Server | Self::Down => "see the server's log",
            Self::Cut => "see the server's log, and whether a proxy before it ends long replies",
            Self::Garbled | Self::Endless => {
                "check that the address is of an OpenAI-compatible server and ends as its clients need it, often in /v1"
            }
            Self::NoAnswer => "see what the server is set to do with such requests",
            Self::NoLogProbabilities => "say that this server tells none (`log_probabilities: false`)",
            Self::WrongModel => {
                "ask for a model that the server has, or name this one so when it is started (--served-model-name)"
            }
            Self::Denied => "put the key that this server takes into SOCIO_API_KEY",
            Self::NotThere => {
                "check that the address ends as the server's clients need it, often in /v1, and that the model is its"
            }
            Self::Redirect => {
                "give the address that it leads to; redirects are not followed, so that no other host is sent the key"
            }
            Self::TooLong => {
                "send smaller images or a shorter text, or start the server with a greater context (--max-model-len)"
            }
            Self::Rejected => "see whether the dialect is the server's kind, and what `extra` holds",
            Self::OutOfMemory => "allow fewer requests in flight (`max_in_flight`)",
            Self::Stopped | Self::Cancelled => "run again to go on",
        }
    }
}

impl Failure {
    pub(crate) fn new(kind: Kind, why: String) -> Self {
        Self { kind, why, after: None, wasted: None }
    }

    pub(crate) fn wasting(self, wasted: Option<Tokens>) -> Self {
        Self { wasted, ..self }
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(Kind::Cancelled, "nobody waits for it".to_owned())
    }

    pub(crate) fn stopped() -> Self {
        Self::new(Kind::Stopped, "it was stopped".to_owned())
    }

    /// What a status other than success means, with the server's message.
    pub(crate) fn of_status(status: u16, message: &str, after: Option<Duration>) -> Self {
        let kind = match status {
            300..=399 => Kind::Redirect,
            401 | 403 | 407 => Kind::Denied,
            404 | 405 | 410 => Kind::NotThere,
            413 | 414 | 431 => Kind::TooLong,
            429 => Kind::Busy,
            503 | 529 => Kind::Overloaded,
            501 | 505 => Kind::Rejected,
            408 | 409 | 425 | 500.. => Kind::Server,
            _ => Kind::Rejected,
        };
        let kind = match kind {
            Kind::Rejected | Kind::Server | Kind::Overloaded => meant(message, status < 500).unwrap_or(kind),
            other => other,
        };
        let why = if message.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}: {message}") };
        Self { after, ..Self::new(kind, why) }
    }

    /// What an error means that came without a status.
    pub(crate) fn of_text(message: &str) -> Self {
        let why = format!("its reply ends in an error: {message}");
        Self::new(meant(message, true).unwrap_or(Kind::Server), why)
    }

    /// Without the key, whatever the server said.
    pub(crate) fn without(self, key: Option<&Key>) -> Self {
        match key {
            Some(key) => Self { why: key.redact(&self.why), ..self },
            None => self,
        }
    }

    /// As the seam tells it.
    pub(crate) fn told(self, backend: &str, doing: &'static str) -> BackendError {
        let backend = backend.to_owned();
        let why = format!("{}; {}", self.why, self.kind.advice());
        match self.kind {
            Kind::Cancelled => BackendError::Cancelled { backend },
            Kind::OutOfMemory => BackendError::OutOfMemory { backend, doing },
            Kind::TooLong => BackendError::Unsupported { backend, what: format!("so long a request: {why}") },
            Kind::Tls | Kind::Denied | Kind::NotThere | Kind::Redirect | Kind::WrongModel | Kind::Unreachable => {
                BackendError::Unavailable { backend, why }
            }
            _ => BackendError::Inference { backend, doing, why },
        }
    }
}

/// What only the text of an error tells apart: servers have one status for all of it.
fn meant(message: &str, is_final: bool) -> Option<Kind> {
    let message = message.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
    if says(&["out of memory", "outofmemory"]) {
        return Some(Kind::OutOfMemory);
    }
    // What `transformers serve` says of any other model.
    if message.starts_with("server is pinned to") {
        return Some(Kind::WrongModel);
    }
    // vLLM; SGLang; llama.cpp; OpenAI's code.
    let long = ["maximum context length", "max_model_len", "context length", "context size", "context_length_exceeded"];
    (is_final && says(&long)).then_some(Kind::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_retried_or_final() {
        for status in [408, 409, 425, 429, 500, 502, 503, 504, 520, 529] {
            assert!(Failure::of_status(status, "", None).kind.can_be_tried_again(), "{status}");
        }
        for status in [301, 302, 307, 308, 400, 401, 403, 404, 405, 413, 418, 422, 451, 501] {
            assert!(!Failure::of_status(status, "", None).kind.can_be_tried_again(), "{status}");
        }
    }

    #[test]
    fn messages_tell_memory_and_length() {
        let kind = |status, message| Failure::of_status(status, message, None).kind;
        let long = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.";
        assert_eq!(kind(400, long), Kind::TooLong);
        assert_eq!(kind(400, "the request exceeds the available context size, try increasing it"), Kind::TooLong);
        assert_eq!(kind(500, "CUDA out of memory. Tried to allocate 2 GiB"), Kind::OutOfMemory);
        assert_eq!(kind(500, "EngineDeadError"), Kind::Server);
        assert_eq!(kind(400, "bad seed"), Kind::Rejected);
        assert_eq!(kind(400, "Server is pinned to 'a'; requested 'b'."), Kind::WrongModel);
        assert_eq!(kind(401, "out of memory"), Kind::Denied);
        assert_eq!(Failure::of_text("maximum context length").kind, Kind::TooLong);
        assert_eq!(Failure::of_text("boom").kind, Kind::Server);
    }

    #[test]
    fn errors_say_what_to_do() {
        let told = |kind| Failure::new(kind, "it said no".to_owned()).told("remote:m", "asking the server");
        assert!(matches!(told(Kind::OutOfMemory), BackendError::OutOfMemory { .. }));
        assert!(matches!(told(Kind::TooLong), BackendError::Unsupported { .. }));
        assert!(matches!(told(Kind::Denied), BackendError::Unavailable { .. }));
        let text = told(Kind::Timeout).to_string();
        assert_eq!(
            text,
            "backend `remote:m` failed while asking the server: it said no; allow more time (`silence`, `timeout`), \
             or fewer requests in flight (`max_in_flight`)",
        );
    }
}
