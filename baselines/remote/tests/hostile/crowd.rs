//! Many at once, through all that goes wrong: none is lost, none is doubled.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::json;
use socio_backend::{Cost, Vlm};
use socio_dataset::hash::FieldHasher;
use socio_remote::Options;

use crate::ask::{ask, quick, remote};
use crate::server::Server;

const ASKED: usize = 200;

#[test]
fn two_hundred_at_once() {
    // How often each text was asked for, and how often answered well.
    let counts: Arc<Mutex<BTreeMap<String, (usize, usize)>>> = Arc::default();
    let serve = || {
        let counts = Arc::clone(&counts);
        Server::start(move |seen, line| {
            let text = seen.text();
            let before = {
                let mut counts = counts.lock().unwrap();
                let count = counts.entry(text.clone()).or_default();
                count.0 += 1;
                count.0 - 1
            };
            // What goes wrong is decided by the text, so that it is the same in every run.
            let kind = FieldHasher::default().field(&text).field(before.to_le_bytes()).number() % 12;
            match kind {
                0 if before < 3 => line.json(500, &json!({})),
                1 if before < 3 => line.json(429, &json!({})),
                2 if before < 3 => line.last("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"),
                3 if before < 3 => line.reply(200, "", "<html>"),
                4 if before < 3 => false,
                _ => {
                    counts.lock().unwrap().entry(text.clone()).or_default().1 += 1;
                    line.say(seen, &text)
                }
            }
        })
    };
    let servers = [serve(), serve()];
    let endpoints = servers.iter().map(Server::base).collect();
    let remote = remote(Options { endpoints, tries: 20, ..quick(&servers[0]) });
    thread::scope(|s| {
        for i in 0..ASKED {
            let remote = &remote;
            s.spawn(move || {
                let text = format!("sample {i}");
                assert_eq!(ask(remote, &text).unwrap(), text);
            });
        }
    });
    let counts = counts.lock().unwrap();
    assert_eq!(counts.len(), ASKED);
    assert!(counts.values().all(|(_, well)| *well == 1), "{counts:?}");
    let asked: usize = counts.values().map(|(asked, _)| asked).sum();
    assert!(asked > ASKED + 50, "too little went wrong: {asked}");
    let usage = remote.cost().unwrap();
    let (requests, tokens) = (ASKED as u64, 2 * ASKED as u64);
    let expected = Cost {
        requests,
        answered: requests,
        tries: asked as u64,
        prompt_tokens: 10 * requests,
        completion_tokens: tokens,
        wasted_tokens: 0,
        untold: usage.untold,
    };
    assert_eq!(usage, expected);
    assert_eq!(remote.endpoints().iter().map(|e| e.answered).sum::<u64>(), requests);
    assert!(remote.endpoints().iter().all(|e| e.in_flight == 0));
}
