//! Servers that answer well.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use image::{Rgb, RgbImage};
use serde_json::{Value, json};
use socio_backend::{BackendError, Cost, Finish, Role, Sampling, Vlm, VlmRequest, conformance};
use socio_dataset::hash::SplitMix;
use socio_dataset::pillow::{self, Filter};
use socio_remote::{Dialect, Options, Remote};

use crate::ask::{ask, one, quick, remote, request};
use crate::server::{MODEL, Server, usage, whole};

#[test]
fn the_pixels_the_texts_and_the_seeds_arrive() {
    let server = Server::start(|seen, line| line.say(seen, &format!("seed {}", seen.json()["seed"])));
    let remote = remote(quick(&server));
    let mut random = SplitMix(5);
    let mut noise = |w, h| Arc::new(RgbImage::from_fn(w, h, |_, _| Rgb([(); 3].map(|()| random.next_u64() as u8))));
    // The second is of a size that a processor leaves alone.
    let images = vec![noise(31, 17), noise(56, 84)];
    let asked = VlmRequest {
        images: images.clone(),
        system: Some("Be brief.".to_owned()),
        seeds: vec![7, 1 << 40, 9],
        sampling: Sampling { max_new_tokens: 99, ..Sampling::RELEASED },
        ..request("Find 'École'.\n")
    };
    let reply = one(&remote, asked).unwrap();
    let texts: Vec<&str> = reply.completions.iter().map(|c| c.text.as_str()).collect();
    assert_eq!(texts, ["seed 7", "seed 512", "seed 9"], "in the order of the seeds");

    let chats = server.chats();
    assert_eq!(chats.len(), 3, "a request a seed");
    for seen in &chats {
        assert_eq!(seen.headers["content-type"], "application/json");
        let has_key = ["SOCIO_API_KEY", "OPENAI_API_KEY"].iter().any(|v| std::env::var_os(v).is_some());
        assert_eq!(seen.headers.contains_key("authorization"), has_key);
        let mut body = seen.json();
        let content = body["messages"][1]["content"].as_array().unwrap().clone();
        for (part, image) in content.iter().zip(&images) {
            let url = part["image_url"]["url"].as_str().unwrap();
            let png = url.strip_prefix("data:image/png;base64,").unwrap();
            let png = base64::engine::general_purpose::STANDARD.decode(png).unwrap();
            // What the local path would see: Pillow's bicubic, at multiples of 28 with 56 x 56 pixels at least.
            let (w, h) = if image.width() == 31 { (84, 56) } else { (56, 84) };
            let seen = pillow::resize(image, w, h, Filter::Bicubic).unwrap();
            assert_eq!(image::load_from_memory(&png).unwrap().into_rgb8(), seen);
        }
        assert_eq!(content[2], json!({ "type": "text", "text": "Find 'École'.\n" }));
        assert_eq!(body["messages"][0], json!({ "role": "system", "content": "Be brief." }));
        // All the rest of the body.
        for name in ["messages", "seed"] {
            body.as_object_mut().unwrap().remove(name);
        }
        let expected = json!({
            "model": MODEL, "max_tokens": 99, "temperature": 1.0, "top_p": 0.8, "top_k": 100, "min_p": 0,
            "frequency_penalty": 0, "presence_penalty": 0, "repetition_penalty": 1, "return_token_ids": true,
            "stream": true, "stream_options": { "include_usage": true },
        });
        assert_eq!(body, expected);
    }
}

#[test]
fn streamed_and_whole_replies_are_the_same_but_for_their_times() {
    let server = Server::start(|seen, line| {
        line.wait(Duration::from_millis(5));
        line.say(seen, "three little words")
    });
    let streamed = one(&remote(quick(&server)), request("?")).unwrap();
    let whole = one(&remote(Options { stream: false, ..quick(&server) }), request("?")).unwrap();
    for reply in [&streamed, &whole] {
        let completion = &reply.completions[0];
        assert_eq!((completion.text.as_str(), completion.length), ("three little words", 3));
        assert_eq!((completion.finish, reply.prompt_length), (Finish::Stop, 10));
        assert!(completion.tokens.is_empty() && completion.log_probabilities.is_none());
        assert!(reply.timings.prefill >= Duration::from_millis(5));
    }
    assert_eq!((streamed.timings.tokens.len(), whole.timings.tokens.len()), (2, 0));
    assert_eq!(streamed.completions, whole.completions);
}

#[test]
fn one_connection_serves_one_request_after_another() {
    let server = Server::start(|seen, line| line.say(seen, "yes"));
    let remote = remote(quick(&server));
    for _ in 0..5 {
        assert_eq!(ask(&remote, "?").unwrap(), "yes");
    }
    // And the one on which it was asked for its models.
    assert_eq!((server.connections(), server.requests()), (2, 6));
}

#[test]
fn a_connection_on_which_a_server_failed_is_not_used_again() {
    let server = Server::start(|seen, line| match seen.nth % 2 {
        0 => line.json(500, &json!({ "detail": "no" })),
        _ => line.say(seen, "yes"),
    });
    let remote = remote(quick(&server));
    for _ in 0..3 {
        assert_eq!(ask(&remote, "?").unwrap(), "yes");
    }
    // Each failure costs one more.
    assert_eq!((server.connections(), remote.cost().unwrap().tries), (1 + 1 + 3, 6));
}

#[test]
fn it_conforms() {
    let server = Server::start(|seen, line| {
        let body = seen.json();
        let most = body["max_tokens"].as_u64().unwrap();
        let told = body["logprobs"] == json!(true);
        assert_eq!(body["top_logprobs"], if told { json!(3) } else { json!(null) });
        let length = body["messages"][0]["content"].to_string().len() as u64;
        let token =
            json!({ "token": "a", "logprob": -0.5, "top_logprobs": [{ "logprob": -0.5 }, { "logprob": -2.5 }] });
        let mut reply = whole(&"a".repeat(most as usize), "length");
        reply["choices"][0]["token_ids"] = (0..most).collect();
        if told {
            reply["choices"][0]["logprobs"] = json!({ "content": vec![token; most as usize] });
        }
        reply["prompt_token_ids"] = (0..length).collect();
        reply["usage"]["prompt_tokens"] = length.into();
        line.json(200, &reply)
    });
    let remote = remote(quick(&server));
    assert_eq!(
        conformance::vlm_with(&remote, conformance::Kit { cancelled: 0, ..Default::default() }),
        Vec::<String>::new()
    );
    let reply = one(&remote, VlmRequest { log_probabilities: true, ..request("?") }).unwrap();
    assert_eq!(reply.prompt_tokens.len(), reply.prompt_length);
    assert_eq!(reply.completions[0].finish, Finish::Length);
    assert_eq!(reply.completions[0].log_probabilities, Some(vec![-0.5; 16]));
    assert_eq!(reply.completions[0].gaps, Some(vec![2.0; 16]));
}

#[test]
fn what_its_capabilities_leave_out_is_not_sent() {
    let server = Server::start(|seen, line| line.say(seen, "yes"));
    let without = remote(Options { log_probabilities: false, ..quick(&server) });
    assert!(!without.caps().log_probabilities);
    let transformers = remote(Options { dialect: Dialect::Transformers, ..quick(&server) });
    for (remote, asked) in [
        (&without, VlmRequest { log_probabilities: true, ..request("?") }),
        (&transformers, VlmRequest { log_probabilities: true, ..request("?") }),
        (&without, VlmRequest { images: vec![Arc::new(RgbImage::new(0, 5))], ..request("?") }),
        (&without, VlmRequest { sampling: Sampling { temperature: f32::NAN, ..Sampling::RELEASED }, ..request("?") }),
    ] {
        let error = one(remote, asked).unwrap_err();
        assert!(matches!(error, BackendError::Unsupported { .. }), "{error}");
    }
    assert_eq!(server.chats().len(), 0);
    assert_eq!(without.cost().unwrap(), Cost { requests: 3, ..Cost::default() });
}

#[test]
fn nothing_asked_is_nothing_sent() {
    let server = Server::start(|seen, line| line.say(seen, "yes"));
    let remote = remote(quick(&server));
    assert!(remote.ask(&[]).is_empty());
    let reply = one(&remote, VlmRequest { seeds: vec![], ..request("?") }).unwrap();
    assert!(reply.completions.is_empty());
    assert_eq!((server.chats().len(), remote.cost().unwrap().tries), (0, 0));
}

#[test]
fn tokens_are_counted_as_told_and_never_guessed() {
    let server = Server::start(|seen, line| match seen.text().as_str() {
        "untold" => {
            let mut reply = whole("no usage", "stop");
            reply.as_object_mut().unwrap().remove("usage");
            line.json(200, &reply)
        }
        text => line.say(seen, text),
    });
    let remote = remote(quick(&server));
    let reply = one(&remote, VlmRequest { seeds: vec![1, 2], ..request("two words") }).unwrap();
    assert_eq!(reply.completions.len(), 2);
    let expected = Cost {
        requests: 1,
        answered: 1,
        tries: 2,
        prompt_tokens: 20,
        completion_tokens: 4,
        wasted_tokens: 0,
        untold: 0,
    };
    assert_eq!(remote.cost().unwrap(), expected);
    let reply = one(&remote, request("untold")).unwrap();
    assert_eq!((reply.completions[0].length, reply.prompt_length), (0, 0));
    assert_eq!(remote.cost().unwrap(), Cost { requests: 2, answered: 2, tries: 3, untold: 1, ..expected });
}

#[test]
fn one_that_fails_does_not_spoil_the_others() {
    let server = Server::start(|seen, line| match seen.text().as_str() {
        "bad" if seen.json()["seed"] == 2 => line.json(400, &json!({ "detail": "no" })),
        text => line.say(seen, text),
    });
    let remote = remote(Options { max_in_flight: 1, first_in_flight: 1, ..quick(&server) });
    let seeds = vec![1, 2, 3];
    let asked = ["a", "bad", "c"].map(|t| VlmRequest { seeds: seeds.clone(), ..request(t) });
    let replies = remote.ask(&asked);
    assert_eq!(replies[0].as_ref().unwrap().completions[2].text, "a");
    assert!(replies[1].as_ref().unwrap_err().to_string().contains("HTTP 400: no"));
    assert_eq!(replies[2].as_ref().unwrap().completions[0].text, "c");
    // The first draw of the second was for nothing, and the third was not made any more.
    assert_eq!(
        (remote.cost().unwrap().tries, remote.cost().unwrap().wasted_tokens, remote.cost().unwrap().answered),
        (8, 11, 2)
    );
}

#[test]
fn names_capabilities_and_fingerprints() {
    let server = Server::start(|seen, line| line.say(seen, "yes"));
    let other = Server::start(|seen, line| line.say(seen, "yes"));
    let caps = |options: Options| remote(options).caps().clone();
    let first = caps(quick(&server));
    assert_eq!((first.name.as_str(), first.deterministic, first.max_batch), ("remote:org/Tiny-VL", false, 32));
    // Another address, patience and way of reading are the same model; another processor is not.
    let elsewhere = Options { tries: 9, stream: false, ..quick(&other) };
    assert_eq!(caps(elsewhere).fingerprint, first.fingerprint);
    let extra = [("mm_processor_kwargs".to_owned(), json!({ "max_pixels": 9 }))].into_iter().collect();
    assert_ne!(caps(Options { extra, ..quick(&server) }).fingerprint, first.fingerprint);
    let offer = Remote::offer(MODEL, quick(&server));
    assert_eq!((offer.name.as_str(), offer.role, offer.why_not), ("remote:org/Tiny-VL", Role::Vlm, None));
}

#[test]
fn what_transformers_sends_is_read() {
    // Recorded from `transformers serve` 5.23, texts replaced: no [DONE], usage with the last piece, NAME@main.
    let piece = |choice: Value| {
        json!({
            "id": "x", "choices": [choice], "created": 1, "model": "org/Tiny-VL@main",
            "object": "chat.completion.chunk", "system_fingerprint": "",
        })
    };
    let server = Server::with_models(
        move |seen, line| {
            assert!(seen.json().get("top_k").is_none() && seen.json()["generation_config"].is_string());
            line.events();
            line.event(&piece(json!({ "delta": { "role": "assistant" }, "index": 0 })).to_string());
            line.event(&piece(json!({ "delta": { "reasoning_content": "a road\n" }, "index": 0 })).to_string());
            line.event(&piece(json!({ "delta": { "content": "\n<answer>" }, "index": 0 })).to_string());
            let mut last = piece(json!({ "delta": {}, "index": 0, "finish_reason": "length" }));
            last["usage"] = usage("a b c d");
            line.event(&last.to_string());
            line.end()
        },
        |_, line| line.reply(500, "", "Internal Server Error"),
    );
    let remote = remote(Options { dialect: Dialect::Transformers, ..quick(&server) });
    let reply = one(&remote, request("?")).unwrap();
    assert_eq!(reply.completions[0].text, "<think>a road\n</think>\n<answer>");
    assert_eq!((reply.completions[0].length, reply.completions[0].finish), (4, Finish::Length));
}

#[test]
fn images_are_sent_as_they_are_where_that_is_asked_for() {
    let server = Server::start(|seen, line| line.say(seen, "yes"));
    let remote = remote(Options { seen: None, ..quick(&server) });
    let image = Arc::new(RgbImage::from_fn(31, 17, |x, y| Rgb([x as u8, y as u8, 7])));
    one(&remote, VlmRequest { images: vec![Arc::clone(&image)], ..request("?") }).unwrap();
    let body = server.chats()[0].json();
    let url = body["messages"][0]["content"][0]["image_url"]["url"].as_str().unwrap().to_owned();
    let png = url.strip_prefix("data:image/png;base64,").unwrap();
    let png = base64::engine::general_purpose::STANDARD.decode(png).unwrap();
    assert_eq!(image::load_from_memory(&png).unwrap().into_rgb8(), *image);
}

#[test]
fn what_nobody_waits_for_ends_between_tries_and_while_it_is_read() {
    use socio_backend::Cancel;
    // One that never comes to its end: a word now and then, for ever.
    let slow = Server::start(|_, line| {
        line.events();
        let word = json!({ "model": crate::server::MODEL, "choices": [{ "index": 0, "delta": { "content": "a" } }] });
        while line.event(&word.to_string()) {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        false
    });
    let down = Server::start(|_, line| line.json(500, &json!({ "error": "no" })));
    for server in [&slow, &down] {
        let remote = remote(Options { back_off: std::time::Duration::from_millis(200), tries: 90, ..quick(server) });
        let cancel = Cancel::default();
        let asked = VlmRequest { cancel: cancel.clone(), ..request("?") };
        let ended = std::thread::scope(|scope| {
            let asked = scope.spawn(|| one(&remote, asked));
            std::thread::sleep(std::time::Duration::from_millis(150));
            cancel.cancel();
            asked.join().unwrap()
        });
        assert!(matches!(ended, Err(BackendError::Cancelled { .. })), "{ended:?}");
    }
}
