//! One request to a server over HTTP, and what comes back of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use socio_backend::Cancel;
use ureq::http::{HeaderMap, Response};
use ureq::{Agent, Body, Error, Proxy, RequestBuilder};

use crate::address::{self, Address};
use crate::answer::Answer;
use crate::failure::Failure;
use crate::key::Key;
use crate::reading::Reading;
use crate::{Options, broken, retry_after, told};

/// The longest that a list of models is waited for.
const LIST: Duration = Duration::from_secs(30);

/// The way to all servers.
pub(crate) struct Wire {
    agent: Agent,
    key: Option<Key>,
    largest: u64,
    list: Duration,
    stop: Arc<AtomicBool>,
}

impl Wire {
    pub(crate) fn new(options: &Options, addresses: &[Address], key: Option<Key>) -> Self {
        // A proxy has no way to this machine's own servers.
        let proxy = if addresses.iter().all(Address::is_loopback) { None } else { Proxy::try_from_env() };
        let config = Agent::config_builder()
            // Statuses have bodies that say more, and a redirect could lead to another host.
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(proxy)
            .user_agent(concat!("socio-bench/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(options.connect))
            .timeout_per_read(Some(options.silence))
            .timeout_per_write(Some(options.silence))
            .timeout_global(Some(options.timeout))
            .max_idle_connections(options.max_in_flight.saturating_mul(addresses.len()))
            .max_idle_connections_per_host(options.max_in_flight)
            .build();
        Self {
            agent: config.into(),
            key,
            largest: options.largest_body,
            list: options.timeout.min(LIST),
            stop: Arc::clone(&options.stop),
        }
    }

    /// Ends everything that is on its way; nothing can be sent afterwards.
    pub(crate) fn shut_down(&self) {
        self.agent.clone().shutdown();
    }

    /// Sends one draw and reads its answer, which has to be the model's, to the end.
    pub(crate) fn ask(
        &self,
        to: &Address,
        body: &[u8],
        model: &str,
        log_probabilities: bool,
        cancel: &Cancel,
    ) -> Result<Answer, Failure> {
        let ask = || {
            let request = self.agent.post(to.join("chat/completions")).header("Content-Type", "application/json");
            let mut answer = Answer::begin();
            let mut response = self.replied(self.signed(request).send(body))?;
            Reading { cancel: Some(cancel), ..self.reading() }.answer(&mut response, &mut answer)?;
            answer.is_of(model)?;
            answer.end(log_probabilities)?;
            Ok(answer)
        };
        ask().map_err(|f| self.described(to, f))
    }

    /// A server's list of models, as it writes it.
    pub(crate) fn models(&self, at: &Address) -> Result<Vec<u8>, Failure> {
        let list = || {
            // Asked for once; and some servers end a connection on which they failed without saying so.
            let request = self.agent.get(at.join("models")).header("Connection", "close");
            let request = self.signed(request).config().timeout_global(Some(self.list)).build();
            self.reading().whole(&mut self.replied(request.call())?)
        };
        list().map_err(|f| self.described(at, f))
    }

    fn reading(&self) -> Reading<'_> {
        Reading { largest: self.largest, stop: &self.stop, cancel: None }
    }

    fn signed<T>(&self, request: RequestBuilder<T>) -> RequestBuilder<T> {
        match &self.key {
            Some(key) => request.header("Authorization", key.bearer()),
            None => request,
        }
    }

    /// The failure with where it was, and without the key.
    fn described(&self, at: &Address, failure: Failure) -> Failure {
        let why = format!("{at}: {}", failure.why);
        Failure { why, ..failure }.without(self.key.as_ref())
    }

    /// A reply that is a success.
    fn replied(&self, reply: Result<Response<Body>, Error>) -> Result<Response<Body>, Failure> {
        match reply {
            Ok(response) if response.status().is_success() => Ok(response),
            Ok(mut response) => Err(self.refused(&mut response)),
            Err(_) if self.stop.load(Ordering::Relaxed) => Err(Failure::stopped()),
            Err(e) => Err(broken::request(&e)),
        }
    }

    fn refused(&self, response: &mut Response<Body>) -> Failure {
        let status = response.status().as_u16();
        let after = header(response.headers(), "retry-after").and_then(|v| retry_after::parse(v, SystemTime::now()));
        let to = header(response.headers(), "location").map(address::shown);
        let body = self.reading().error(response);
        // The key has to go before the message is made shorter, lest a part of it stays.
        let said = match &self.key {
            Some(key) => key.redact(&String::from_utf8_lossy(&body)).into_bytes(),
            None => body,
        };
        let message = match to.filter(|_| response.status().is_redirection()) {
            Some(to) => format!("it leads to {to}"),
            None => told::message(&said),
        };
        Failure::of_status(status, &message, after)
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
