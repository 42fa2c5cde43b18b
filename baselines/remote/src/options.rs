//! How servers are reached, and how patiently.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::address::{self, Address};
use crate::key;
use crate::{Dialect, OptionError, Seen};

/// How servers are reached, and how patiently. `Debug` shows no secret that an address or `extra` may hold.
#[derive(Clone)]
pub struct Options {
    /// Base addresses of servers that serve the same model, as `http://host:8000/v1`; 1 or more. `http` or `https`,
    /// without user name, query or fragment.
    pub endpoints: Vec<String>,
    /// What kind of servers they are.
    pub dialect: Dialect,
    /// The environment variable that holds the key. Where it is the default, `SOCIO_API_KEY`, and not set, the key is
    /// `OPENAI_API_KEY`'s, and where that is not set either, none is sent. Another one has to be set.
    pub key_variable: String,
    /// The size at which images are sent; `None` sends them as they are and leaves it to the server.
    pub seen: Option<Seen>,
    /// Fields that are merged into every request's body, as `mm_processor_kwargs`; one that is `null` is left out of it.
    /// What this crate sets to answer a request as it asks (`temperature`, `seed`, `messages`, ...) cannot be named.
    pub extra: Map<String, Value>,
    /// Whether the answer is asked for token by token. It has the times of the first and of each further token, a server
    /// that died is noticed by its silence, and `transformers serve` tells the whole text only so (it drops blanks at both
    /// ends and all but the last of several `<think>` parts otherwise). Without it, the whole time is the prefill's.
    pub stream: bool,
    /// Whether the server can be asked for log-probabilities; false for those that refuse them.
    pub log_probabilities: bool,
    /// The most requests in flight to one endpoint, `1..=4096`.
    pub max_in_flight: usize,
    /// Requests in flight to one endpoint before any came back, `1..=max_in_flight`. From there one more for each that
    /// succeeds while they are used; once a server was overloaded (429, 503, a time-out) half of them, and then about one
    /// more for each round that succeeds.
    pub first_in_flight: usize,
    /// How often one draw is sent at most, `1..=100`. Tries that found no server do not count while none can be reached.
    pub tries: u32,
    /// The wait before the second try; each further one is twice as long. From half of it to all of it, by a hash of the
    /// request.
    pub back_off: Duration,
    /// The longest such wait.
    pub longest_back_off: Duration,
    /// The longest that a server's `Retry-After` is heeded.
    pub longest_retry_after: Duration,
    /// The time from the first try of a draw after which none is begun any more. Waiting for one's turn before it is free.
    pub budget: Duration,
    /// The longest wait for a connection.
    pub connect: Duration,
    /// The longest silence of a server that is being listened to. Where nothing is streamed, it has to be longer than an
    /// answer takes.
    pub silence: Duration,
    /// The longest that one try may take, from its first byte to its last.
    pub timeout: Duration,
    /// Failures in a row after which an endpoint rests, `1..=1000`.
    pub failures: u32,
    /// How long it rests, and twice as long each time that it fails again, up to eight times this. One request then tries
    /// it.
    pub rest: Duration,
    /// How long all endpoints may be failing before requests fail instead of waiting; with
    /// [`Unavailable`](socio_backend::BackendError::Unavailable) where none can be reached at all.
    pub patience: Duration,
    /// The longest body that is read of a reply, in bytes, 1024 or more.
    pub largest_body: u64,
    /// Set from elsewhere, it ends all waits, and answers that are being read at their next byte. A clone of options has
    /// the same one; [`Remote::stop`](crate::Remote::stop) sets it.
    pub stop: Arc<AtomicBool>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            dialect: Dialect::default(),
            key_variable: key::VARIABLE.to_owned(),
            seen: Some(Seen::PUBLISHED),
            extra: Map::new(),
            stream: true,
            log_probabilities: true,
            max_in_flight: 32,
            first_in_flight: 4,
            tries: 6,
            back_off: Duration::from_millis(500),
            longest_back_off: Duration::from_secs(30),
            longest_retry_after: Duration::from_mins(2),
            budget: Duration::from_mins(30),
            connect: Duration::from_secs(10),
            silence: Duration::from_mins(5),
            timeout: Duration::from_mins(15),
            failures: 3,
            rest: Duration::from_secs(5),
            patience: Duration::from_mins(2),
            largest_body: 16 << 20,
            stop: Arc::new(AtomicBool::new(false)),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoints: Vec<String> = self.endpoints.iter().map(|e| address::shown(e)).collect();
        f.debug_struct("Options")
            .field("endpoints", &endpoints)
            .field("dialect", &self.dialect)
            .field("key_variable", &self.key_variable)
            .field("seen", &self.seen)
            .field("extra", &self.extra.keys().collect::<Vec<_>>())
            .field("stream", &self.stream)
            .field("max_in_flight", &self.max_in_flight)
            .field("tries", &self.tries)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Fields of a body that requests decide.
const DECIDED: [&str; 16] = [
    "model",
    "messages",
    "n",
    "seed",
    "stream",
    "stream_options",
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "max_completion_tokens",
    "max_new_tokens",
    "logprobs",
    "top_logprobs",
    "generation_config",
    "use_beam_search",
];

impl Options {
    /// Options for one server, else as they are by default.
    pub fn at(endpoint: &str) -> Self {
        Self { endpoints: vec![endpoint.to_owned()], ..Self::default() }
    }

    /// Whether they can be used.
    ///
    /// # Errors
    /// The first that cannot.
    pub fn check(&self) -> Result<(), OptionError> {
        self.addresses()?;
        let within = |name, value: u64, least: u64, most: u64, range| {
            let wrong = || OptionError::Range { name, value: value.to_string(), range };
            (least..=most).contains(&value).then_some(()).ok_or_else(wrong)
        };
        within("max_in_flight", self.max_in_flight as u64, 1, 4096, "1 to 4096")?;
        let most = self.max_in_flight as u64;
        within("first_in_flight", self.first_in_flight as u64, 1, most, "1 to max_in_flight")?;
        within("tries", self.tries.into(), 1, 100, "1 to 100")?;
        within("failures", self.failures.into(), 1, 1000, "1 to 1000")?;
        within("largest_body", self.largest_body, 1024, u64::MAX, "1024 bytes or more")?;
        let times = [
            ("back_off", self.back_off),
            ("longest_back_off", self.longest_back_off),
            ("longest_retry_after", self.longest_retry_after),
            ("budget", self.budget),
            ("connect", self.connect),
            ("silence", self.silence),
            ("timeout", self.timeout),
            ("rest", self.rest),
        ];
        for (name, time) in times {
            if time.is_zero() || time > MOST {
                let value = format!("{} s", time.as_secs_f64());
                return Err(OptionError::Range { name, value, range: "more than 0 s and at most a day" });
            }
        }
        if self.patience > MOST {
            let value = format!("{} s", self.patience.as_secs_f64());
            return Err(OptionError::Range { name: "patience", value, range: "at most a day" });
        }
        match self.extra.keys().find(|k| DECIDED.contains(&k.as_str())) {
            Some(field) => Err(OptionError::Extra(field.clone())),
            None => Ok(()),
        }
    }

    pub(crate) fn addresses(&self) -> Result<Vec<Address>, OptionError> {
        let addresses: Vec<Address> = self.endpoints.iter().map(|e| Address::parse(e)).collect::<Result<_, _>>()?;
        if addresses.is_empty() {
            return Err(OptionError::NoEndpoint);
        }
        match addresses.iter().enumerate().find(|(i, a)| addresses[..*i].contains(a)) {
            Some((_, twice)) => Err(OptionError::Twice(twice.to_string())),
            None => Ok(addresses),
        }
    }
}

/// The longest time that is taken for one: what is longer is a mistake of units.
const MOST: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_with_an_address_can_be_used() {
        assert_eq!(Options::at("http://localhost:8000/v1").check(), Ok(()));
        assert_eq!(Options::default().check(), Err(OptionError::NoEndpoint));
    }

    #[test]
    fn what_is_out_of_range_is_told_by_name() {
        let good = || Options::at("http://localhost:8000/v1");
        let bad: [(&str, Options); 8] = [
            ("max_in_flight", Options { max_in_flight: 0, ..good() }),
            ("first_in_flight", Options { max_in_flight: 2, first_in_flight: 3, ..good() }),
            ("tries", Options { tries: 0, ..good() }),
            ("failures", Options { failures: 0, ..good() }),
            ("largest_body", Options { largest_body: 10, ..good() }),
            ("timeout", Options { timeout: Duration::ZERO, ..good() }),
            ("connect", Options { connect: Duration::from_secs(1 << 40), ..good() }),
            ("patience", Options { patience: Duration::from_hours(25), ..good() }),
        ];
        for (expected, options) in bad {
            let found = options.check();
            assert!(matches!(found, Err(OptionError::Range { name, .. }) if name == expected), "{expected}: {found:?}");
        }
        let twice = vec!["http://a/v1".to_owned(), "http://a/v1/".to_owned()];
        assert_eq!(Options { endpoints: twice, ..good() }.check(), Err(OptionError::Twice("http://a/v1".to_owned())));
    }

    #[test]
    fn extra_cannot_set_what_requests_decide() {
        let mut options = Options::at("http://localhost:8000/v1");
        options.extra.insert("mm_processor_kwargs".to_owned(), Value::Null);
        assert_eq!(options.check(), Ok(()));
        for field in DECIDED {
            let extra = [(field.to_owned(), Value::from(1))].into_iter().collect();
            let options = Options { extra, ..Options::at("http://localhost:8000/v1") };
            assert_eq!(options.check(), Err(OptionError::Extra(field.to_owned())));
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let mut options = Options::at("http://me:pa55word@host/v1?token=t0ken");
        options.extra.insert("vllm_xargs".to_owned(), Value::from("s3cret"));
        let text = format!("{options:?}");
        for secret in ["pa55word", "t0ken", "s3cret"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains("host/v1"), "{text}");
    }
}
