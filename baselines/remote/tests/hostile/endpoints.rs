//! Several servers, and how many requests each is given.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use socio_backend::{BackendError, Vlm};
use socio_remote::{Options, Remote};

use crate::ask::{ask, quick, remote, request};
use crate::server::{MODEL, Server};

fn well() -> Server {
    Server::start(|seen, line| {
        let text = seen.text();
        line.say(seen, &text)
    })
}

fn all(servers: &[&Server]) -> Options {
    Options { endpoints: servers.iter().map(|s| s.base()).collect(), ..quick(servers[0]) }
}

/// An address where nobody is.
fn nobody() -> String {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("http://{address}/v1")
}

#[test]
fn requests_are_spread() {
    let servers = [well(), well(), well()];
    let remote = remote(all(&servers.each_ref()));
    for i in 0..30 {
        assert_eq!(ask(&remote, &i.to_string()).unwrap(), i.to_string());
    }
    assert_eq!(servers.each_ref().map(|s| s.chats().len()), [10, 10, 10]);
}

#[test]
fn nobody_there_is_told_at_once() {
    let options = Options { endpoints: vec![nobody(), nobody()], ..Options::default() };
    let error = Remote::connect(MODEL, options.clone()).map(|_| ()).unwrap_err();
    assert!(matches!(error, BackendError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains(&options.endpoints[0]), "{error}");
    assert!(error.to_string().contains("check that the server runs"), "{error}");
    assert!(Remote::offer(MODEL, options).why_not.is_some());
}

#[test]
fn one_that_is_dead_costs_nothing() {
    let server = well();
    let mut options = quick(&server);
    options.endpoints.insert(0, nobody());
    let remote = remote(Options { rest: Duration::from_hours(1), ..options });
    for i in 0..20 {
        assert_eq!(ask(&remote, &i.to_string()).unwrap(), i.to_string());
    }
    assert_eq!((remote.cost().unwrap().tries, server.chats().len()), (20, 20));
    let loads = remote.endpoints();
    assert!(loads[0].ill.is_some() && loads[1].ill.is_none(), "{loads:?}");
}

#[test]
fn one_that_dies_is_left_and_its_requests_are_answered_elsewhere() {
    let (dies, stays) = (well(), well());
    let remote = remote(Options { rest: Duration::from_hours(1), failures: 3, ..all(&[&dies, &stays]) });
    assert_eq!(ask(&remote, "a").unwrap(), "a");
    drop(dies);
    for i in 0..20 {
        assert_eq!(ask(&remote, &i.to_string()).unwrap(), i.to_string());
    }
    let usage = remote.cost().unwrap();
    assert_eq!((usage.answered, usage.tries), (21, 24), "three failures, and it rests");
    assert_eq!(usage.completion_tokens, 21);
}

#[test]
fn a_request_is_tried_elsewhere_though_that_is_busier() {
    let go = Arc::new(AtomicUsize::new(0));
    let gone = Arc::clone(&go);
    let sick = Server::start(|_, line| line.json(500, &json!({})));
    let busy = Server::start(move |seen, line| {
        while seen.text() == "slow" && gone.load(Ordering::SeqCst) == 0 {
            line.wait(Duration::from_millis(5));
        }
        line.say(seen, "yes")
    });
    let remote = remote(Options { tries: 2, failures: 1000, ..all(&[&sick, &busy]) });
    thread::scope(|s| {
        let slow = s.spawn(|| ask(&remote, "slow"));
        while busy.chats().is_empty() {
            thread::sleep(Duration::from_millis(1));
        }
        let quick: Vec<_> = (0..5).map(|_| ask(&remote, "quick")).collect();
        go.store(1, Ordering::SeqCst);
        assert_eq!(slow.join().unwrap().unwrap(), "yes");
        assert!(quick.iter().all(Result::is_ok), "{quick:?}");
    });
}

#[test]
fn one_that_comes_back_is_used_again() {
    let phase = Arc::new(AtomicUsize::new(0));
    let seen_by = Arc::clone(&phase);
    let sick = Server::start(move |seen, line| match seen_by.load(Ordering::SeqCst) {
        0 => line.json(500, &json!({})),
        _ => line.say(seen, "yes"),
    });
    let other = well();
    let remote = remote(Options { rest: Duration::from_millis(1), ..all(&[&sick, &other]) });
    for _ in 0..10 {
        ask(&remote, "?").unwrap();
    }
    assert!(remote.endpoints()[0].ill.is_some(), "{:?}", remote.endpoints());
    phase.store(1, Ordering::SeqCst);
    let start = Instant::now();
    while remote.endpoints()[0].answered < 5 {
        ask(&remote, "?").unwrap();
        assert!(start.elapsed() < Duration::from_mins(1), "{:?}", remote.endpoints());
    }
    assert!(remote.endpoints()[0].ill.is_none());
}

#[test]
fn all_down_is_told_with_what_each_said() {
    let servers = [
        Server::start(|_, line| line.json(500, &json!({ "detail": "first broke" }))),
        Server::start(|_, line| line.json(500, &json!({ "detail": "second broke" }))),
    ];
    let (rest, patience) = (Duration::from_hours(1), Duration::ZERO);
    let remote = remote(Options { tries: 100, failures: 2, rest, patience, ..all(&servers.each_ref()) });
    for asked in 0..2 {
        let error = ask(&remote, "?").unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, BackendError::Inference { .. }), "{text}");
        assert!(text.contains("all endpoints are failing"), "{asked}: {text}");
        assert!(text.contains("first broke") && text.contains("second broke"), "{asked}: {text}");
        assert_eq!(remote.cost().unwrap().tries, 4, "nothing is sent to those that rest");
    }
}

#[test]
fn none_that_can_be_reached_is_waited_for_and_then_told_as_not_there() {
    // No connection stays open for a further request.
    let server = Server::start(|seen, line| {
        line.say(seen, "a");
        false
    });
    let (rest, patience) = (Duration::from_millis(20), Duration::from_millis(400));
    let remote = remote(Options { tries: 4, failures: 2, rest, patience, ..quick(&server) });
    assert_eq!(ask(&remote, "a").unwrap(), "a");
    drop(server);
    let start = Instant::now();
    let error = ask(&remote, "?").unwrap_err();
    assert!(matches!(error, BackendError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("check that the server runs"), "{error}");
    assert!(start.elapsed() >= patience, "a server that is started again within that time is not missed");
}

/// Asks from several threads; the limits of the first endpoint that were seen meanwhile.
fn crowd(remote: &Remote, threads: usize, each: usize) -> Vec<usize> {
    let run = || {
        let mut limits = Vec::new();
        for i in 0..each {
            assert_eq!(ask(remote, &i.to_string()).unwrap(), i.to_string());
            limits.push(remote.endpoints()[0].limit);
        }
        limits
    };
    thread::scope(|s| {
        let all: Vec<_> = (0..threads).map(|_| s.spawn(run)).collect();
        all.into_iter().flat_map(|t| t.join().unwrap()).collect()
    })
}

#[test]
fn requests_in_flight_fall_when_there_are_too_many_and_grow_again() {
    let too_many = Arc::new(AtomicUsize::new(0));
    let left = Arc::clone(&too_many);
    let take = move || left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
    let server = Server::start(move |seen, line| {
        line.wait(Duration::from_millis(3));
        if take() {
            return line.json(429, &json!({}));
        }
        let text = seen.text();
        line.say(seen, &text)
    });
    let options = Options { max_in_flight: 12, first_in_flight: 2, tries: 50, ..quick(&server) };
    let remote = remote(options);
    let limit = || remote.endpoints()[0].limit;
    assert_eq!(limit(), 2);
    crowd(&remote, 16, 20);
    let before = limit();
    assert!(before >= 8, "it grew to {before} alone");
    // Long enough that requests of four rounds meet it.
    too_many.store(40, Ordering::SeqCst);
    let least = crowd(&remote, 16, 10).into_iter().min().unwrap();
    assert!(least <= before / 2, "it fell from {before} to {least} alone");
    crowd(&remote, 16, 60);
    assert!(limit() > least, "it stayed at {least}");
    assert_eq!(remote.cost().unwrap().answered, 16 * 90);
    assert_eq!(remote.cost().unwrap().tries, 16 * 90 + 40);
}

#[test]
fn a_server_with_few_places_is_not_overrun_for_long() {
    let inside = Arc::new(AtomicUsize::new(0));
    let server = Server::start(move |seen, line| {
        let others = inside.fetch_add(1, Ordering::SeqCst);
        line.wait(Duration::from_millis(2));
        let text = seen.text();
        let kept = if others >= 3 { line.json(503, &json!({})) } else { line.say(seen, &text) };
        inside.fetch_sub(1, Ordering::SeqCst);
        kept
    });
    let remote = remote(Options { first_in_flight: 16, tries: 100, failures: 1000, ..quick(&server) });
    let limits = crowd(&remote, 16, 12);
    assert!(limits.iter().min() < Some(&8), "{limits:?}");
    assert_eq!((remote.cost().unwrap().answered, remote.cost().unwrap().completion_tokens), (192, 192));
}

#[test]
fn one_ask_of_many_is_no_more_than_the_limit_at_once() {
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (i, m) = (Arc::clone(&inside), Arc::clone(&most));
    let server = Server::start(move |seen, line| {
        m.fetch_max(i.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        line.wait(Duration::from_millis(5));
        i.fetch_sub(1, Ordering::SeqCst);
        let text = seen.text();
        line.say(seen, &text)
    });
    let remote = remote(Options { max_in_flight: 5, first_in_flight: 5, ..quick(&server) });
    let asked: Vec<_> = (0..40).map(|i| request(&i.to_string())).collect();
    for (i, reply) in remote.ask(&asked).into_iter().enumerate() {
        assert_eq!(reply.unwrap().completions[0].text, i.to_string());
    }
    let most = most.load(Ordering::SeqCst);
    assert!((2..=5).contains(&most), "{most}");
}
