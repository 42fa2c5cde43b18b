//! The kit of vision-language models.

use std::thread;
use std::time::{Duration, Instant};

use super::noise;
use crate::{BackendError, Cancel, Finish, Sampling, Vlm, VlmReply, VlmRequest};

/// What the kit may ask of a backend.
#[derive(Debug, Clone, Copy)]
pub struct Kit {
    /// Letters of the long prompt.
    pub long: usize,
    /// Tokens of the answer that is cancelled on its way; 0 where that cannot be told from one that is finished.
    pub cancelled: u32,
}

impl Default for Kit {
    fn default() -> Self {
        Self { long: 6000, cancelled: 100_000 }
    }
}

type Replies = Vec<Result<VlmReply, BackendError>>;

/// Checks a vision-language model.
pub fn vlm(vlm: &dyn Vlm) -> Vec<String> {
    vlm_with(vlm, Kit::default())
}

/// Checks a vision-language model; `kit` says how far to go.
pub fn vlm_with(vlm: &dyn Vlm, kit: Kit) -> Vec<String> {
    let mut findings = Vec::new();
    if vlm.caps().name.is_empty() || vlm.caps().fingerprint.is_empty() {
        findings.push("its name or fingerprint is empty".to_owned());
    }
    if vlm.caps().max_batch == 0 || vlm.caps().max_images == 0 {
        findings.push("its capabilities allow no request at all".to_owned());
    }
    findings.extend(ordinary(vlm));
    findings.extend(images(vlm));
    findings.extend(texts(vlm, kit));
    findings.extend(limits(vlm));
    findings.extend(together(vlm));
    findings.extend(cancelled(vlm, kit));
    if !vlm.ask(&[]).is_empty() {
        findings.push("no requests should give no replies".to_owned());
    }
    findings
}

fn request(vlm: &dyn Vlm, text: &str, seeds: &[u64]) -> VlmRequest {
    VlmRequest {
        images: (0..2.min(vlm.caps().max_images)).map(|i| noise(56, 56, i as u64)).collect(),
        text: text.to_owned(),
        sampling: Sampling { max_new_tokens: 4, ..Sampling::GREEDY },
        seeds: seeds.to_vec(),
        log_probabilities: vlm.caps().log_probabilities,
        system: None,
        sample: String::new(),
        stage: String::new(),
        cancel: Cancel::default(),
    }
}

fn answers(replies: Replies) -> Vec<Option<Vec<crate::Completion>>> {
    replies.into_iter().map(|r| r.ok().map(|r| r.completions)).collect()
}

/// What is wrong with a reply, whatever was asked.
fn form(vlm: &dyn Vlm, request: &VlmRequest, reply: &VlmReply) -> Vec<String> {
    let mut findings = Vec::new();
    let mut wrong = |is: bool, what: &str| {
        if is {
            findings.push(what.to_owned());
        }
    };
    wrong(reply.completions.len() != request.seeds.len(), "not one completion a seed");
    wrong(
        !reply.prompt_tokens.is_empty() && reply.prompt_tokens.len() != reply.prompt_length,
        "the prompt's tokens are not as many as it says",
    );
    wrong(reply.image_tokens > reply.prompt_length, "more tokens stand for images than the prompt has");
    let told = vlm.caps().log_probabilities && request.log_probabilities;
    for c in &reply.completions {
        wrong(c.length > request.sampling.max_new_tokens as usize, "a completion is longer than its limit");
        wrong(!c.tokens.is_empty() && c.tokens.len() != c.length, "a completion's tokens are not as many as it says");
        wrong(c.log_probabilities.is_some() != told, "log-probabilities are not told just where they are asked for");
        wrong(c.gaps.is_some() != told, "gaps are not told just where log-probabilities are asked for");
        if let (Some(logs), Some(gaps)) = (&c.log_probabilities, &c.gaps) {
            wrong(logs.len() != c.length, "not one log-probability a token");
            wrong(logs.iter().any(|l| l.is_nan() || *l > 0.0), "a log-probability above 0");
            let stop = usize::from(c.finish == Finish::Stop);
            wrong(gaps.len() < c.length || gaps.len() > c.length + stop, "not one gap a token");
            wrong(gaps.iter().any(|g| g.is_nan() || *g < 0.0), "a gap below 0");
        }
    }
    findings
}

fn ordinary(vlm: &dyn Vlm) -> Vec<String> {
    let mut findings = Vec::new();
    let mut plain = request(vlm, "Find 'Park'.", &[3]);
    plain.log_probabilities = false;
    let requests = [
        request(vlm, "Find 'School'.", &[1]),
        request(vlm, "Find 'Temple' with a longer text.", &[1, 2]),
        plain,
        request(vlm, "Nothing is drawn.", &[]),
        request(vlm, "Many draws.", &(0..19).collect::<Vec<_>>()),
    ];
    let replies = vlm.ask(&requests);
    if replies.len() != requests.len() {
        findings.push(format!("{} replies for {} requests", replies.len(), requests.len()));
    }
    for (request, reply) in requests.iter().zip(&replies) {
        match reply {
            Err(e) => findings.push(format!("{:?} failed: {e}", request.text)),
            Ok(reply) => findings.extend(form(vlm, request, reply)),
        }
    }
    if vlm.caps().deterministic {
        let first = answers(replies);
        if answers(vlm.ask(&requests)) != first {
            findings.push("asked again, it answers otherwise".to_owned());
        }
        let texts = |all: &[Option<Vec<crate::Completion>>]| -> Vec<Vec<String>> {
            all.iter().map(|c| c.iter().flatten().map(|c| c.text.clone()).collect()).collect()
        };
        let alone: Vec<_> = requests.iter().flat_map(|r| answers(vlm.ask(std::slice::from_ref(r)))).collect();
        if texts(&alone) != texts(&first) {
            findings.push("asked alone, it answers otherwise than beside others".to_owned());
        }
    }
    findings
}

/// None, one, as many as it takes, and one more; small, narrow and large ones.
fn images(vlm: &dyn Vlm) -> Vec<String> {
    let mut findings = Vec::new();
    let most = vlm.caps().max_images;
    for count in [0, 1, 3].into_iter().filter(|n| *n <= most) {
        let mut several = request(vlm, "What is there?", &[1]);
        several.images = (0..count).map(|i| noise(30 + 40 * i as u32, 61, i as u64)).collect();
        match vlm.ask(std::slice::from_ref(&several)).pop() {
            Some(Ok(reply)) => {
                findings.extend(form(vlm, &several, &reply).into_iter().map(|f| format!("{count} images: {f}")));
            }
            Some(Err(e)) => findings.push(format!("{count} images failed: {e}")),
            None => findings.push(format!("{count} images: no reply")),
        }
    }
    if most < 16 {
        let mut more = request(vlm, "One more than it takes.", &[1]);
        more.images = (0..=most).map(|i| noise(28, 28, i as u64)).collect();
        if !matches!(vlm.ask(&[more]).pop(), Some(Err(BackendError::Unsupported { .. }))) {
            findings.push(format!("{} images, more than its capabilities say, should be `Unsupported`", most + 1));
        }
    }
    // An image that no model takes is an error of its own request; small and large ones are no error at all.
    for (width, height, may_fail) in [(1, 1, false), (1200, 4, true), (640, 480, false)] {
        let mut odd = request(vlm, "Odd.", &[1]);
        odd.images = vec![noise(width, height, 5)];
        let beside = request(vlm, "Beside it.", &[1]);
        let replies = vlm.ask(&[odd, beside]);
        match replies.as_slice() {
            [odd, Ok(_)] if odd.is_ok() || may_fail => {}
            [Err(e), _] if !may_fail => findings.push(format!("an image of {width} x {height} failed: {e}")),
            _ => findings.push(format!("an image of {width} x {height} spoilt the request beside it")),
        }
    }
    findings
}

/// Empty, long, in other writings, and with a model's own marks in it.
fn texts(vlm: &dyn Vlm, kit: Kit) -> Vec<String> {
    let mut findings = Vec::new();
    let long = "where the school is, ".repeat(kit.long / 21 + 1);
    let odd = [
        "",
        "\u{0}\n\t",
        "济南动物园在哪里？",
        "🏫👩\u{200d}🏫",
        "<|im_end|><|vision_start|><|image_pad|>",
        long.as_str(),
    ];
    let mut lengths = Vec::new();
    for text in odd {
        let asked = request(vlm, text, &[1]);
        let shown: String = text.chars().take(20).collect();
        match vlm.ask(std::slice::from_ref(&asked)).pop() {
            Some(Ok(reply)) => {
                lengths.push(reply.prompt_length);
                findings.extend(form(vlm, &asked, &reply).into_iter().map(|f| format!("{shown:?}: {f}")));
            }
            // A model of few positions may say so.
            Some(Err(BackendError::Inference { .. } | BackendError::Unsupported { .. })) if text == long => {}
            Some(Err(e)) => findings.push(format!("{shown:?} failed: {e}")),
            None => findings.push(format!("{shown:?}: no reply")),
        }
    }
    if let ([empty, ..], [.., last]) = (&lengths[..], &lengths[..])
        && lengths.len() == odd.len()
        && *empty > 0
        && *last < empty + kit.long / 20
    {
        findings.push("a long prompt has hardly more tokens than an empty one: it was cut".to_owned());
    }
    findings
}

/// Limits of tokens, and sampling at its ends and beyond.
fn limits(vlm: &dyn Vlm) -> Vec<String> {
    let mut findings = Vec::new();
    let with = |sampling: Sampling| VlmRequest { sampling, ..request(vlm, "Find it.", &[9]) };
    for tokens in [0, 1] {
        let asked = with(Sampling { max_new_tokens: tokens, ..Sampling::GREEDY });
        match vlm.ask(std::slice::from_ref(&asked)).pop() {
            Some(Ok(reply)) => findings.extend(form(vlm, &asked, &reply)),
            Some(Err(BackendError::Unsupported { .. })) if tokens == 0 => {}
            other => {
                findings.push(format!("a limit of {tokens} tokens: {:?}", other.map(|r| r.map_err(|e| e.to_string()))));
            }
        }
    }
    if vlm.caps().deterministic {
        let text = |sampling| vlm.ask(&[with(sampling)]).pop().and_then(Result::ok).map(|r| r.completions);
        let greedy = text(Sampling { max_new_tokens: 4, ..Sampling::GREEDY });
        let one = Sampling { temperature: 1.0, top_k: 1, top_p: 1.0, max_new_tokens: 4 };
        for (what, sampling) in [("top-k 1", one), ("top-p 0", Sampling { top_k: 0, top_p: 0.0, ..one })] {
            if text(sampling) != greedy {
                findings.push(format!("{what} leaves one token, and another than the likeliest was taken"));
            }
        }
        for temperature in [f32::NAN, -1.0] {
            let odd = vlm.ask(&[with(Sampling { temperature, max_new_tokens: 2, ..Sampling::RELEASED })]).pop();
            let silent = vlm.caps().fingerprint == "null";
            if !silent && !matches!(odd, Some(Err(_))) {
                findings.push(format!("a temperature of {temperature} should be an error"));
            }
        }
    }
    findings
}

/// Threads that ask at once get each its own answers.
fn together(vlm: &dyn Vlm) -> Vec<String> {
    let asked = |i: u64| request(vlm, &"again ".repeat(i as usize % 7 + 1), &[i]);
    let texts = |replies: Replies| -> Vec<Vec<String>> {
        replies.into_iter().flatten().map(|r| r.completions.into_iter().map(|c| c.text).collect()).collect()
    };
    let alone: Vec<_> = (0..8).map(|i| texts(vlm.ask(&[asked(i)]))).collect();
    let at_once: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|i| scope.spawn(move || texts(vlm.ask(&[asked(i)])))).collect();
        threads.into_iter().map(|t| t.join().unwrap_or_default()).collect()
    });
    if vlm.caps().deterministic && alone != at_once {
        return vec!["asked by several threads at once, it answers otherwise".to_owned()];
    }
    if at_once.iter().any(|texts| texts.len() != 1) {
        return vec!["asked by several threads at once, not each got its answer".to_owned()];
    }
    Vec::new()
}

/// An answer that nobody waits for ends soon, told as such, and the one beside it is given.
fn cancelled(vlm: &dyn Vlm, kit: Kit) -> Vec<String> {
    let mut findings = Vec::new();
    let before = request(vlm, "Never.", &[1]);
    before.cancel.cancel();
    match vlm.ask(&[before]).pop() {
        // One that is finished before it looks is finished.
        Some(Ok(_) | Err(BackendError::Cancelled { .. })) => {}
        other => findings.push(format!("cancelled before it began: {:?}", other.map(|r| r.map_err(|e| e.to_string())))),
    }
    if kit.cancelled == 0 || vlm.caps().fingerprint == "null" {
        return findings;
    }
    let mut long = request(vlm, "For ever.", &[1]);
    long.sampling.max_new_tokens = kit.cancelled;
    let (cancel, beside) = (long.cancel.clone(), request(vlm, "Beside it.", &[1]));
    let start = Instant::now();
    let (given_up, given) = thread::scope(|scope| {
        let long = scope.spawn(|| vlm.ask(&[long]).pop());
        let beside = scope.spawn(|| vlm.ask(&[beside]).pop());
        thread::sleep(Duration::from_millis(100));
        cancel.cancel();
        (long.join().ok().flatten(), beside.join().ok().flatten())
    });
    match given_up {
        Some(Err(BackendError::Cancelled { .. })) => {}
        // A model may have said all that it has to say.
        Some(Ok(reply)) if reply.completions.iter().all(|c| c.finish == Finish::Stop) => {}
        other => findings.push(format!(
            "cancelled on its way: {:?} after {:.1} s",
            other.map(|r| r.map(|r| r.completions.len()).map_err(|e| e.to_string())),
            start.elapsed().as_secs_f64()
        )),
    }
    if !matches!(given, Some(Ok(_))) {
        findings.push("an answer beside a cancelled one was not given".to_owned());
    }
    findings
}
