//! What is sent.

use serde_json::{Map, Value, json};
use socio_backend::{Sampling, VlmRequest};

use crate::{Dialect, Options};

/// How many likeliest tokens are asked for beside each chosen one. Two make the gap; vLLM lists the chosen one first and
/// cuts the list, so where that is not among the likeliest two, the second would be missing from a list of two.
const LIKELIEST: u32 = 3;

/// The body of one draw, its images given as data URLs in their order.
///
/// # Errors
/// What was asked for, where the dialect cannot say it or it is no way of drawing.
pub(crate) fn body(
    model: &str,
    options: &Options,
    request: &VlmRequest,
    images: &[String],
    seed: u64,
) -> Result<Vec<u8>, String> {
    let mut messages = Vec::new();
    if let Some(system) = &request.system {
        messages.push(json!({ "role": "system", "content": system }));
    }
    let mut content: Vec<Value> =
        images.iter().map(|url| json!({ "type": "image_url", "image_url": { "url": url } })).collect();
    content.push(json!({ "type": "text", "text": request.text }));
    messages.push(json!({ "role": "user", "content": content }));
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
    set("model", model.into());
    set("messages", messages.into());
    set("max_tokens", request.sampling.max_new_tokens.into());
    set("seed", squeeze(seed).into());
    set("stream", options.stream.into());
    if options.stream && options.dialect != Dialect::Transformers {
        set("stream_options", json!({ "include_usage": true }));
    }
    if request.log_probabilities {
        set("logprobs", true.into());
        set("top_logprobs", LIKELIEST.into());
    }
    for (name, value) in drawing(options.dialect, request.sampling)? {
        set(name, value);
    }
    for (name, value) in &options.extra {
        match value {
            Value::Null => body.remove(name),
            value => body.insert(name.clone(), value.clone()),
        };
    }
    serde_json::to_vec(&body).map_err(|e| format!("a body that can be written ({e})"))
}

/// The fields that say how tokens are chosen. Penalties are said to be off, since servers have defaults for them that the
/// local path has not.
fn drawing(dialect: Dialect, sampling: Sampling) -> Result<Vec<(&'static str, Value)>, String> {
    let Sampling { temperature, top_k, top_p, .. } = sampling;
    if !temperature.is_finite() || temperature < 0.0 || !top_p.is_finite() || !(0.0..=1.0).contains(&top_p) {
        return Err(format!("a temperature of {temperature} with a top-p of {top_p}"));
    }
    // The fewest tokens that hold a probability of 0 are the likeliest one; servers refuse to be asked that way.
    let greedy = temperature == 0.0 || top_p == 0.0;
    let (temperature, top_p, top_k) =
        if greedy { (json!(0), json!(1), 0) } else { (decimal(temperature), decimal(top_p), top_k) };
    let mut fields = vec![("temperature", temperature), ("top_p", top_p), ("frequency_penalty", json!(0))];
    match dialect {
        Dialect::Engine => fields.extend([
            ("top_k", if top_k == 0 { json!(-1) } else { top_k.into() }),
            ("min_p", json!(0)),
            ("presence_penalty", json!(0)),
            ("repetition_penalty", json!(1)),
            ("return_token_ids", json!(true)),
        ]),
        // What is absent from it is taken from the model's `generation_config.json`; its stop tokens have to be.
        Dialect::Transformers => {
            let config = json!({ "do_sample": !greedy, "top_k": top_k, "repetition_penalty": 1.0 });
            fields.push(("generation_config", config.to_string().into()));
        }
        Dialect::Plain if top_k > 0 => return Err(format!("a top-k of {top_k} (its dialect is plain)")),
        Dialect::Plain => fields.push(("presence_penalty", json!(0))),
    }
    Ok(fields)
}

/// The number with as few digits as tell it apart: 0.8, where the same `f32` is 0.800000011920929 as `f64`.
fn decimal(value: f32) -> Value {
    value.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}

/// A seed as every server takes it: vLLM takes 64 bits with a sign, llama.cpp 32 bits of which one value means a random
/// seed, numpy behind some others 32 bits without a sign. So 31 bits, from 0; all bits of the seed count, and one below
/// 2^31 stays as it is.
pub(crate) fn squeeze(seed: u64) -> u64 {
    (seed ^ (seed >> 31) ^ (seed >> 62)) & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;
    use socio_dataset::hash::SplitMix;

    fn request(sampling: Sampling) -> VlmRequest {
        VlmRequest {
            images: Vec::new(),
            system: None,
            text: "Find 'School'.".to_owned(),
            sampling,
            seeds: vec![],
            log_probabilities: false,
            sample: "s1".to_owned(),
            stage: "stage1".to_owned(),
            cancel: socio_backend::Cancel::default(),
        }
    }

    fn made(options: &Options, request: &VlmRequest, images: &[&str], seed: u64) -> Value {
        let images: Vec<String> = images.iter().map(|&i| i.to_owned()).collect();
        serde_json::from_slice(&body("org/model", options, request, &images, seed).unwrap()).unwrap()
    }

    #[test]
    fn an_engine_is_told_everything() {
        let mut request = request(Sampling { max_new_tokens: 512, ..Sampling::RELEASED });
        request.system = Some("Be brief.".to_owned());
        request.log_probabilities = true;
        let mut options = Options::default();
        options.extra.insert("mm_processor_kwargs".to_owned(), json!({ "max_pixels": 1000 }));
        options.extra.insert("min_p".to_owned(), Value::Null);
        let expected = json!({
            "model": "org/model",
            "messages": [
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": [
                    { "type": "image_url", "image_url": { "url": "data:map" } },
                    { "type": "image_url", "image_url": { "url": "data:satellite" } },
                    { "type": "text", "text": "Find 'School'." },
                ] },
            ],
            "temperature": 1.0,
            "top_p": 0.8,
            "top_k": 100,
            "max_tokens": 512,
            "seed": 42,
            "stream": true,
            "stream_options": { "include_usage": true },
            "logprobs": true,
            "top_logprobs": 3,
            "frequency_penalty": 0,
            "presence_penalty": 0,
            "repetition_penalty": 1,
            "return_token_ids": true,
            "mm_processor_kwargs": { "max_pixels": 1000 },
        });
        assert_eq!(made(&options, &request, &["data:map", "data:satellite"], 42), expected);
    }

    #[test]
    fn transformers_is_told_what_it_knows() {
        let options = Options { dialect: Dialect::Transformers, stream: false, ..Options::default() };
        let drawn = made(&options, &request(Sampling::RELEASED), &[], 1);
        let config: Value = serde_json::from_str(drawn["generation_config"].as_str().unwrap()).unwrap();
        assert_eq!(config, json!({ "do_sample": true, "top_k": 100, "repetition_penalty": 1.0 }));
        let fields: Vec<&String> = drawn.as_object().unwrap().keys().collect();
        let known = [
            "frequency_penalty",
            "generation_config",
            "max_tokens",
            "messages",
            "model",
            "seed",
            "stream",
            "temperature",
            "top_p",
        ];
        assert_eq!(fields, known);
        let greedy = made(&options, &request(Sampling::GREEDY), &[], 1);
        assert_eq!((&greedy["temperature"], &greedy["top_p"]), (&json!(0), &json!(1)));
        assert!(greedy["generation_config"].as_str().unwrap().contains(r#""do_sample":false"#));
    }

    #[test]
    fn greedy_and_all_are_said_as_servers_mean_them() {
        let options = Options::default();
        let odd = Sampling { temperature: 0.7, top_k: 5, top_p: 0.0, max_new_tokens: 1 };
        for sampling in [Sampling::GREEDY, odd] {
            let greedy = made(&options, &request(sampling), &[], 1);
            assert_eq!(
                (&greedy["temperature"], &greedy["top_p"], &greedy["top_k"]),
                (&json!(0), &json!(1), &json!(-1)),
            );
        }
        assert_eq!(made(&options, &request(Sampling { top_k: 0, ..Sampling::RELEASED }), &[], 1)["top_k"], -1);
        assert_eq!(made(&options, &request(Sampling { top_p: 0.1, ..Sampling::RELEASED }), &[], 1)["top_p"], 0.1);
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        let plain = Options { dialect: Dialect::Plain, ..Options::default() };
        let refused = body("m", &plain, &request(Sampling::RELEASED), &[], 1).unwrap_err();
        assert!(refused.contains("top-k of 100"), "{refused}");
        assert_eq!(made(&plain, &request(Sampling { top_k: 0, ..Sampling::RELEASED }), &[], 1).get("top_k"), None);
        for (temperature, top_p) in [(f32::NAN, 1.0), (-1.0, 1.0), (f32::INFINITY, 1.0), (1.0, 1.5), (1.0, f32::NAN)] {
            let sampling = Sampling { temperature, top_p, ..Sampling::RELEASED };
            assert!(body("m", &Options::default(), &request(sampling), &[], 1).is_err(), "{temperature} {top_p}");
        }
    }

    #[test]
    fn seeds_fit_and_stay_apart() {
        for seed in [0, 1, 42, 0x7fff_ffff] {
            assert_eq!(squeeze(seed), seed);
        }
        let mut random = SplitMix(9);
        let seeds: Vec<u64> = (0..10_000).map(|_| random.next_u64()).chain((0..64).map(|bit| 1 << bit)).collect();
        let mut squeezed: Vec<u64> = seeds.iter().map(|s| squeeze(*s)).collect();
        assert!(squeezed.iter().all(|s| *s < 1 << 31));
        // Every bit counts.
        assert!(seeds.iter().all(|s| (0..64).all(|bit| squeeze(*s) != squeeze(s ^ (1 << bit)))));
        squeezed.truncate(10_000);
        squeezed.sort_unstable();
        squeezed.dedup();
        assert!(squeezed.len() > 9_995, "{}", squeezed.len());
    }
}
