//! Faults that pass, and what is told when they do not.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;
use socio_backend::{BackendError, Cost, Vlm};
use socio_remote::Options;

use crate::ask::{ask, quick, remote};
use crate::server::{Line, MODEL, Seen, Server, usage, whole};

type Fault = dyn Fn(&Seen, &mut Line) -> bool + Send + Sync;

/// Whatever goes wrong is tried again; what does not pass is told, with the number of tries.
fn passes_or_is_told(name: &str, told: &str, fault: impl Fn(&Seen, &mut Line) -> bool + Send + Sync + 'static) {
    passes_or_is_told_with(name, told, 4, |o| o, Arc::new(fault));
}

/// The same with other options; half of the tries are in vain before the fault passes.
fn passes_or_is_told_with(
    name: &str,
    told: &str,
    tries: usize,
    change: impl Fn(Options) -> Options,
    fault: Arc<Fault>,
) {
    for passes in [true, false] {
        let (fault, faulty) = (Arc::clone(&fault), if passes { tries / 2 } else { usize::MAX });
        let server = Server::start(
            move |seen, line| {
                if seen.nth < faulty { fault(seen, line) } else { line.say(seen, "well now") }
            },
        );
        let remote = remote(Options { tries: tries as u32, ..change(quick(&server)) });
        let answer = ask(&remote, "?");
        let (usage, tries) = (remote.cost().unwrap(), tries as u64);
        if passes {
            assert_eq!(answer.unwrap(), "well now", "{name}");
            assert_eq!((usage.tries, usage.prompt_tokens, usage.completion_tokens), (tries / 2 + 1, 10, 2), "{name}");
            assert_eq!(usage.answered, 1, "{name}");
        } else {
            let error = answer.unwrap_err().to_string();
            assert!(error.contains(told) && error.contains(&format!("the last of {tries} tries")), "{name}: {error}");
            assert!(error.contains("127.0.0.1"), "{name} tells no address: {error}");
            let expected = Cost { requests: 1, tries, untold: usage.untold, ..Cost::default() };
            assert_eq!(usage, Cost { wasted_tokens: 0, ..expected }, "{name}");
        }
        assert_eq!(server.chats().len() as u64, usage.tries, "{name}");
    }
}

#[test]
fn statuses() {
    for status in [408, 409, 425, 429, 500, 502, 503, 504] {
        let fault = move |_: &Seen, line: &mut Line| line.json(status, &json!({ "error": { "message": "not now" } }));
        passes_or_is_told(&status.to_string(), &format!("HTTP {status}: not now"), fault);
    }
}

#[test]
fn replies_that_are_none() {
    let faults: [(&str, &str, Arc<Fault>); 7] = [
        ("invalid JSON", "not what it should be", Arc::new(|_, line| line.reply(200, "", "{\"choices\": [}"))),
        ("not even text", "not what it should be", Arc::new(|_, line| line.reply(200, "", "\u{0}\u{7}"))),
        ("HTML", "<html> proxy", Arc::new(|_, line| line.reply(200, "content-type: text/html\r\n", "<html>\nproxy"))),
        ("an empty body", "not what it should be", Arc::new(|_, line| line.reply(200, "", ""))),
        ("no choices", "no end", Arc::new(|_, line| line.json(200, &json!({ "model": MODEL, "choices": [] })))),
        ("other JSON", "not what it should be", Arc::new(|_, line| line.json(200, &json!([1, 2])))),
        ("no HTTP", "127.0.0.1", Arc::new(|_, line| line.last("SSH-2.0-OpenSSH_9.6\r\n"))),
    ];
    for (name, told, fault) in faults {
        passes_or_is_told_with(name, told, 4, |o| o, fault);
    }
}

#[test]
fn replies_that_are_cut_off() {
    let body = whole("a long answer", "stop").to_string();
    let (half, length) = (body[..body.len() / 2].to_owned(), body.len());
    let short = move |_: &Seen, line: &mut Line| {
        line.last(&format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{half}"))
    };
    passes_or_is_told("fewer bytes than told", "cut off", short);
    // All of the answer, and yet not all of the body: nobody knows what was to follow.
    let open = move |_: &Seen, line: &mut Line| {
        line.last(&format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n", body.len()))
    };
    passes_or_is_told("chunks without an end", "cut off", open);
    let closed = |_: &Seen, _: &mut Line| false;
    passes_or_is_told("no reply", "127.0.0.1", closed);
    let in_headers = |_: &Seen, line: &mut Line| line.last("HTTP/1.1 200 OK\r\ncontent-");
    passes_or_is_told("half of the headers", "127.0.0.1", in_headers);
    let piece = json!({ "choices": [{ "index": 0, "delta": { "content": "a long" } }] }).to_string();
    let (first, second) = (piece.clone(), piece);
    let stream = move |_: &Seen, line: &mut Line| line.last_event(&first);
    passes_or_is_told("a stream without an end", "cut off", stream);
    // A body that the connection's end ends looks whole.
    let unmarked = move |_: &Seen, line: &mut Line| {
        line.last(&format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {second}\n\n"))
    };
    passes_or_is_told("a stream without a last piece", "no finish_reason", unmarked);
    let in_event = |_: &Seen, line: &mut Line| {
        line.last("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {\"choices\": [{\"delta\": {\"con")
    };
    passes_or_is_told("half an event", "not what it should be", in_event);
    let error =
        |_: &Seen, line: &mut Line| line.events() && line.event(r#"{"error": {"message": "boom"}}"#) && line.end();
    passes_or_is_told("an error in a stream", "error: boom", error);
}

/// Long enough for a server that answers, on a machine that is busy; so it is only tried twice.
const LONG: Duration = Duration::from_millis(400);

#[test]
fn servers_that_say_nothing() {
    let silent = |o: Options| Options { silence: LONG, ..o };
    passes_or_is_told_with("silence", "nothing came", 2, silent, Arc::new(|_, line| line.be_silent()));
}

#[test]
fn servers_that_fall_silent() {
    let stuck = |_: &Seen, line: &mut Line| {
        line.events();
        line.event(&json!({ "choices": [{ "index": 0, "delta": { "content": "a" } }] }).to_string());
        line.be_silent()
    };
    let silent = |o: Options| Options { silence: LONG, ..o };
    passes_or_is_told_with("silence in a stream", "nothing came", 2, silent, Arc::new(stuck));
}

#[test]
fn servers_that_are_never_silent_and_never_done() {
    let drip = |_: &Seen, line: &mut Line| {
        line.raw("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n");
        while line.raw(" ") {
            line.wait(Duration::from_millis(5));
        }
        false
    };
    let hurried = |o: Options| Options { timeout: LONG, ..o };
    passes_or_is_told_with("a drip", "longer than `timeout`", 2, hurried, Arc::new(drip));
}

#[test]
fn a_slow_server_is_waited_for() {
    let server = Server::start(|_, line| {
        let body = whole("slow but sure", "stop").to_string();
        line.raw(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()));
        for byte in body.split_inclusive(|_| true) {
            line.wait(Duration::from_millis(1));
            line.raw(byte);
        }
        true
    });
    let remote = remote(quick(&server));
    assert_eq!(ask(&remote, "?").unwrap(), "slow but sure");
    assert_eq!(remote.cost().unwrap().tries, 1);
}

#[test]
fn retry_after_is_heeded_in_seconds_and_as_a_date() {
    for as_date in [false, true] {
        let server = Server::start(move |seen, line| {
            if seen.nth > 0 {
                return line.say(seen, "well now");
            }
            // 2100 in both: longer than anyone waits.
            let when = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let value = if as_date {
                "Fri, 01 Jan 2100 00:00:00 GMT".to_owned()
            } else {
                (4_102_444_800 - when.as_secs()).to_string()
            };
            line.reply(429, &format!("retry-after: {value}\r\n"), "")
        });
        let wait = Duration::from_millis(200);
        let remote = remote(Options { longest_retry_after: wait, ..quick(&server) });
        let start = Instant::now();
        assert_eq!(ask(&remote, "?").unwrap(), "well now");
        assert!(start.elapsed() >= wait, "as a date: {as_date}; {:?}", start.elapsed());
        assert_eq!(remote.cost().unwrap().tries, 2);
    }
}

#[test]
fn the_budget_ends_tries_before_their_number_does() {
    let server = Server::start(|_, line| line.json(500, &json!({})));
    let (budget, back_off) = (Duration::from_millis(150), Duration::from_millis(40));
    let options =
        Options { tries: 100, budget, back_off, longest_back_off: back_off, failures: 1000, ..quick(&server) };
    let remote = remote(options);
    let start = Instant::now();
    let error = ask(&remote, "?").unwrap_err().to_string();
    assert!(error.contains("HTTP 500"), "{error}");
    // Each wait is at least half of 40 ms.
    assert!((2..=8).contains(&remote.cost().unwrap().tries), "{:?} in {:?}", remote.cost().unwrap(), start.elapsed());
}

#[test]
fn tokens_of_replies_that_were_thrown_away_are_told_apart() {
    let server = Server::start(|seen, line| match seen.nth {
        0 => {
            let mut reply = whole("one two three", "abort");
            reply["usage"] = usage("one two three");
            line.json(200, &reply)
        }
        1 => {
            let begun = json!({ "choices": [{ "index": 0, "delta": { "content": "a" } }], "usage": usage("a") });
            line.last_event(&begun.to_string())
        }
        2 => line.reply(200, "", "nonsense"),
        _ => line.say(seen, "well now"),
    });
    let remote = remote(quick(&server));
    assert_eq!(ask(&remote, "?").unwrap(), "well now");
    let expected = Cost {
        requests: 1,
        answered: 1,
        tries: 4,
        prompt_tokens: 10,
        completion_tokens: 2,
        wasted_tokens: 13 + 11,
        untold: 1,
    };
    assert_eq!(remote.cost().unwrap(), expected);
}

#[test]
fn an_answer_that_is_whole_is_not_lost_with_its_connection() {
    let server = Server::start(|seen, line| {
        let ended = |line: &mut Line| {
            line.events();
            line.event(
                &json!({ "choices": [{ "index": 0, "delta": { "content": "all" }, "finish_reason": "stop" }] })
                    .to_string(),
            );
            line.event("[DONE]")
        };
        match seen.nth {
            0 => {
                ended(line);
                false
            }
            _ => ended(line) && line.be_silent(),
        }
    });
    let remote = remote(Options { silence: LONG, ..quick(&server) });
    assert_eq!(ask(&remote, "closed").unwrap(), "all");
    assert_eq!(ask(&remote, "kept open").unwrap(), "all");
    assert_eq!(remote.cost().unwrap().tries, 2);
}

#[test]
fn memory_that_runs_out_is_told_as_such() {
    let message = json!({ "error": { "message": "CUDA out of memory. Tried to allocate 2.00 GiB" } });
    let server = Server::start(move |_, line| line.json(500, &message));
    let error = ask(&remote(quick(&server)), "?").unwrap_err();
    assert!(matches!(error, BackendError::OutOfMemory { .. }), "{error}");
    assert_eq!(server.chats().len(), 4);
}
