//! What another try would not mend is told at once.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use serde_json::json;
use socio_backend::{BackendError, Cost, Vlm, VlmRequest};
use socio_remote::{Options, Remote};

use crate::ask::{ask, one, quick, remote, request};
use crate::server::{Line, MODEL, Seen, Server, usage, whole};

/// One try, and this error.
fn refused(answer: impl Fn(&Seen, &mut Line) -> bool + Send + Sync + 'static) -> (BackendError, Cost) {
    let server = Server::start(answer);
    let remote = remote(Options { largest_body: 1 << 16, ..quick(&server) });
    let error = ask(&remote, "?").unwrap_err();
    assert_eq!((server.chats().len(), remote.cost().unwrap().tries), (1, 1), "{error}");
    (error, remote.cost().unwrap())
}

#[test]
fn statuses() {
    for status in [400, 401, 403, 404, 413, 422] {
        let (error, usage) = refused(move |_, line| line.json(status, &json!({ "error": { "message": "never" } })));
        assert!(error.to_string().contains(&format!("HTTP {status}: never")), "{error}");
        let as_expected = match status {
            401 | 403 | 404 => matches!(error, BackendError::Unavailable { .. }),
            413 => matches!(error, BackendError::Unsupported { .. }),
            _ => matches!(error, BackendError::Inference { .. }),
        };
        assert!(as_expected, "{status}: {error:?}");
        assert_eq!(usage, Cost { requests: 1, tries: 1, ..Cost::default() });
    }
}

#[test]
fn prompts_that_are_too_long() {
    let message = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.";
    let (error, _) = refused(move |_, line| line.json(400, &json!({ "object": "error", "message": message })));
    assert!(matches!(&error, BackendError::Unsupported { what, .. } if what.contains("5000 tokens")), "{error}");
}

#[test]
fn another_model() {
    let (error, usage) = refused(|_, line| {
        let mut reply = whole("yes", "stop");
        reply["model"] = json!("org/Huge-VL");
        line.json(200, &reply)
    });
    let text = error.to_string();
    assert!(text.contains(MODEL) && text.contains("org/Huge-VL") && matches!(error, BackendError::Unavailable { .. }));
    assert_eq!((usage.wasted_tokens, usage.completion_tokens, usage.answered), (11, 0, 0));
}

#[test]
fn answers_that_are_none() {
    for finish in ["content_filter", "tool_calls", "error", ""] {
        let (error, usage) = refused(move |_, line| line.json(200, &whole("yes", finish)));
        assert!(error.to_string().contains(&format!("finish_reason {finish:?}")), "{error}");
        assert_eq!(usage.wasted_tokens, 11);
    }
}

#[test]
fn log_probabilities_that_do_not_come() {
    let server = Server::start(|seen, line| line.say(seen, "yes"));
    let remote = remote(quick(&server));
    let error = one(&remote, VlmRequest { log_probabilities: true, ..request("?") }).unwrap_err().to_string();
    assert!(error.contains("log_probabilities: false"), "{error}");
    assert_eq!(server.chats().len(), 1);
}

#[test]
fn bodies_without_end() {
    let (error, _) = refused(|_, line| {
        line.raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        while line.raw(&format!("400\r\n{}\r\n", " ".repeat(1024))) {}
        false
    });
    assert!(error.to_string().contains("longer than 65536 bytes"), "{error}");
    let piece =
        json!({ "choices": [{ "index": 0, "delta": { "content": "again " } }], "usage": usage("again") }).to_string();
    let (error, told) = refused(move |_, line| {
        line.events();
        while line.event(&piece) {}
        false
    });
    assert!(error.to_string().contains("longer than 65536 bytes"), "{error}");
    assert_eq!((told.wasted_tokens, told.untold), (11, 0));
    // An error's body is no more read to its end.
    let (error, _) = refused(|_, line| {
        line.raw("HTTP/1.1 400 X\r\ntransfer-encoding: chunked\r\n\r\n");
        while line.raw(&format!("400\r\n{}\r\n", "x".repeat(1024))) {}
        false
    });
    assert!(error.to_string().contains("HTTP 400: xxx") && error.to_string().len() < 2000, "{error}");
}

#[test]
fn redirects_are_not_followed() {
    let other = Server::start(|seen, line| line.say(seen, "stolen"));
    for status in [301, 302, 303, 307, 308] {
        let to = other.base().replace("http://", "http://me:secret@");
        let (error, _) = refused(move |_, line| line.reply(status, &format!("location: {to}/x?a=secret\r\n"), ""));
        let text = error.to_string();
        assert!(matches!(error, BackendError::Unavailable { .. }) && text.contains(&other.base()[7..]), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
    assert_eq!(other.requests(), 0);
}

#[test]
fn models_are_looked_for_at_the_start() {
    let with = |status, models: serde_json::Value| {
        Server::with_models(|seen, line| line.say(seen, "yes"), move |_, line| line.json(status, &models))
    };
    let error = |server: &Server| Remote::connect(MODEL, quick(server)).map(|_| ()).unwrap_err();
    let others = with(200, json!({ "data": [{ "id": "org/A" }, { "id": "org/B" }] }));
    let told = error(&others);
    assert!(matches!(told, BackendError::Unavailable { .. }));
    assert!(told.to_string().contains("no model `org/Tiny-VL`; it has org/A, org/B"), "{told}");
    for status in [401, 403] {
        let told = error(&with(status, json!({ "error": "who are you?" }))).to_string();
        assert!(told.contains("who are you?") && told.contains("SOCIO_API_KEY"), "{told}");
    }
    let told = error(&with(200, json!({ "models": [] }))).to_string();
    assert!(told.contains("list of models is not what it should be"), "{told}");
    // A server without a list, or with one that says nothing, is believed.
    for server in [
        with(404, json!({ "detail": "Not Found" })),
        with(200, json!({ "data": [] })),
        with(200, json!({ "data": [{ "id": "served", "root": MODEL }] })),
        with(200, json!({ "data": [{ "id": "/models/Tiny-VL" }, { "id": "x" }] })),
    ] {
        assert_eq!(ask(&remote(quick(&server)), "?").unwrap(), "yes");
    }
}

#[test]
fn a_server_that_is_loading_is_waited_for() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::with_models(
        |seen, line| line.say(seen, "yes"),
        move |_, line| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0..3 => line.json(503, &json!({ "error": { "message": "Loading model" } })),
            _ => line.json(200, &json!({ "data": [{ "id": MODEL }] })),
        },
    );
    assert_eq!(ask(&remote(quick(&server)), "?").unwrap(), "yes");
    assert_eq!(server.requests(), 5);
}

#[test]
fn options_and_names_are_checked_first() {
    let server = Server::start(|seen, line| line.say(seen, "yes"));
    for (model, options, told) in [
        ("", quick(&server), "no model"),
        (MODEL, Options::default(), "no endpoint"),
        (MODEL, Options { tries: 0, ..quick(&server) }, "`tries`"),
        (MODEL, Options { key_variable: "SOCIO_NOT_SET".to_owned(), ..quick(&server) }, "SOCIO_NOT_SET is not set"),
        (MODEL, Options::at("http://me:hunter22@localhost/v1"), "user name or password"),
    ] {
        let error = Remote::connect(model, options).map(|_| ()).unwrap_err();
        assert!(matches!(error, BackendError::Unavailable { .. }) && error.to_string().contains(told), "{error}");
        assert!(!error.to_string().contains("hunter22"));
    }
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_server_that_speaks_no_tls_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n").unwrap();
    });
    let error = Remote::connect(MODEL, Options::at(&format!("https://{address}/v1"))).map(|_| ()).unwrap_err();
    server.join().unwrap();
    assert!(matches!(error, BackendError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("certificate is one"), "{error}");
}
