//! Stops: nothing is waited for any more.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use socio_backend::Vlm;
use socio_remote::{Options, Remote};

use crate::ask::{ask, quick, remote};
use crate::server::Server;

/// Longer than any of these takes, and shorter than what they would wait for.
const SOON: Duration = Duration::from_secs(30);

/// The error of a request that was stopped while the server had it, and how long that took.
fn stopped(server: &Server, options: Options, stop: impl FnOnce(&Remote) + Send) -> String {
    let remote = remote(options);
    let start = Instant::now();
    let error = thread::scope(|s| {
        let asking = s.spawn(|| ask(&remote, "?").unwrap_err().to_string());
        while server.chats().is_empty() {
            thread::sleep(Duration::from_millis(1));
        }
        stop(&remote);
        asking.join().unwrap()
    });
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    error
}

fn patient(server: &Server) -> Options {
    let long = Duration::from_hours(1);
    let rest = Options { rest: long, patience: long, budget: long, silence: long, timeout: long, ..quick(server) };
    Options { back_off: long, longest_back_off: long, ..rest }
}

#[test]
fn a_wait_between_tries_ends() {
    let server = Server::start(|_, line| line.json(500, &json!({})));
    let error = stopped(&server, patient(&server), Remote::stop);
    assert!(error.contains("it was stopped"), "{error}");
}

#[test]
fn a_request_on_its_way_ends() {
    let server = Server::start(|_, line| line.be_silent());
    let error = stopped(&server, patient(&server), Remote::stop);
    assert!(error.contains("it was stopped"), "{error}");
}

#[test]
fn an_answer_that_is_being_read_ends_by_the_flag_alone() {
    let server = Server::start(|_, line| {
        line.events();
        while line.event(&json!({ "choices": [] }).to_string()) {
            line.wait(Duration::from_millis(5));
        }
        false
    });
    let options = Options { largest_body: u64::MAX, ..patient(&server) };
    let flag = Arc::clone(&options.stop);
    let error = stopped(&server, options, |_| flag.store(true, Ordering::Relaxed));
    assert!(error.contains("it was stopped"), "{error}");
}

#[test]
fn nothing_is_sent_afterwards() {
    let server = Server::start(|seen, line| line.say(seen, "yes"));
    let remote = remote(quick(&server));
    assert_eq!(ask(&remote, "?").unwrap(), "yes");
    remote.stop();
    assert!(ask(&remote, "?").unwrap_err().to_string().contains("it was stopped"));
    assert_eq!((server.chats().len(), remote.cost().unwrap().tries), (1, 1));
}
