//! The key goes to the server, and nowhere else.

use std::env;

use serde_json::json;
use socio_backend::Vlm;
use socio_remote::{Options, Remote};

use crate::ask::{ask, quick};
use crate::server::{MODEL, Server, whole};

/// A variable that is set wherever tests run; what it holds is the key here.
const VARIABLE: &str = "PATH";

fn key() -> String {
    env::var(VARIABLE).unwrap().trim().to_owned()
}

fn with_key(server: &Server) -> Options {
    Options { key_variable: VARIABLE.to_owned(), tries: 1, ..quick(server) }
}

#[test]
fn it_is_sent_to_the_endpoint() {
    let server = Server::with_models(
        |seen, line| line.say(seen, "yes"),
        |seen, line| {
            let knows = seen.headers.get("authorization") == Some(&format!("Bearer {}", key()));
            line.json(if knows { 200 } else { 401 }, &json!({ "data": [{ "id": MODEL }] }))
        },
    );
    assert!(Remote::connect(MODEL, quick(&server)).is_err());
    let remote = Remote::connect(MODEL, with_key(&server)).unwrap();
    assert_eq!(ask(&remote, "?").unwrap(), "yes");
    assert_eq!(server.chats()[0].headers["authorization"], format!("Bearer {}", key()));
    // Whoever has it or not asks the same model.
    let open = Server::start(|seen, line| line.say(seen, "yes"));
    let without = Remote::connect(MODEL, quick(&open)).unwrap();
    assert_eq!(without.caps().fingerprint, remote.caps().fingerprint);
    assert!(!format!("{:?} {:?} {:?}", remote.caps(), remote.cost().unwrap(), with_key(&server)).contains(&key()));
}

#[test]
fn a_server_that_echoes_it_does_not_get_it_told() {
    for nth in 0..9 {
        let server = Server::start(move |seen, line| {
            let echo = seen.headers["authorization"].clone();
            match nth {
                0 => line.json(401, &json!({ "error": { "message": format!("bad key {echo}") } })),
                1 => line.json(500, &json!({ "detail": [{ "headers": { "authorization": echo } }] })),
                2 => line.reply(400, "", &format!("<html>{echo}</html>")),
                3 => line.reply(302, &format!("location: http://127.0.0.1/{}\r\n", &echo[7..]), ""),
                4 => line.reply(200, "", &format!("{{\"bad\": {echo}")),
                5 => line.json(200, &whole("yes", &echo)),
                6 => {
                    let mut reply = whole("yes", "stop");
                    reply["model"] = json!(format!("m:{echo}"));
                    line.json(200, &reply)
                }
                7 => line.events() && line.event(&json!({ "error": echo }).to_string()) && line.end(),
                // The message is made shorter after six characters of the key.
                _ => line.reply(400, "", &format!("{}y{echo}", "x ".repeat(293))),
            }
        });
        let remote = Remote::connect(MODEL, with_key(&server)).unwrap();
        let error = ask(&remote, "?").unwrap_err();
        let told = format!("{error} {error:?} {:?}", remote.endpoints());
        let key = key();
        for start in 0..key.len().saturating_sub(8) {
            assert!(!told.contains(&key[start..start + 9]), "{nth}: {told}");
        }
        assert!(nth < 8 || !told.contains(&key[..6]), "{told}");
        assert!(told.contains("[key]"), "{nth} does not test anything: {told}");
    }
}
