//! One draw's answer, put together out of what a server tells.

use std::time::{Duration, Instant};

use socio_backend::{Completion, Finish, VlmTimings};

use crate::failure::{Failure, Kind};
use crate::names;
use crate::told::{self, Choice, Told, UsageTold};
use crate::usage::Tokens;

/// Marks of a thought, which servers take out of the text; a model's answer is all that it said.
const THOUGHT: (&str, &str) = ("<think>", "</think>");

/// An answer as far as it has come.
#[derive(Debug)]
pub(crate) struct Answer {
    text: String,
    /// Whether the last of the text was told as a thought.
    thinking: bool,
    tokens: Vec<u32>,
    pub(crate) prompt_tokens: Vec<u32>,
    log_probabilities: Option<Vec<f32>>,
    /// `None` once a token came without two likeliest ones.
    gaps: Option<Vec<f32>>,
    finish: Option<String>,
    usage: Option<UsageTold>,
    model: Option<String>,
    begun: Instant,
    prefill: Option<Duration>,
    steps: Vec<Duration>,
    last: Instant,
}

impl Answer {
    /// Nothing yet; the request leaves now.
    pub(crate) fn begin() -> Self {
        let now = Instant::now();
        Self {
            text: String::new(),
            thinking: false,
            tokens: Vec::new(),
            prompt_tokens: Vec::new(),
            log_probabilities: None,
            gaps: Some(Vec::new()),
            finish: None,
            usage: None,
            model: None,
            begun: now,
            prefill: None,
            steps: Vec::new(),
            last: now,
        }
    }

    /// Takes a piece, or a whole reply.
    pub(crate) fn take(&mut self, piece: Told) -> Result<(), Failure> {
        if let Some(usage) = piece.usage {
            self.usage = Some(usage);
        }
        if let Some(error) = piece.error {
            return Err(Failure::of_text(&told::said(&error)).wasting(self.spent()));
        }
        self.model = self.model.take().or(piece.model);
        if let Some(ids) = piece.prompt_token_ids {
            self.prompt_tokens = ids;
        }
        // Only one is asked for.
        for choice in piece.choices.into_iter().flatten().filter(|c| c.index.unwrap_or(0) == 0) {
            self.choose(choice);
        }
        Ok(())
    }

    fn choose(&mut self, choice: Choice) {
        let before = (self.text.len(), self.tokens.len());
        if let Some(said) = choice.delta {
            self.say(true, said.reasoning_content.or(said.reasoning).as_deref());
            self.say(false, said.content.as_deref());
        }
        self.tokens.extend(choice.token_ids.into_iter().flatten());
        if let Some(ids) = choice.prompt_token_ids {
            self.prompt_tokens = ids;
        }
        if let Some(chosen) = choice.logprobs.and_then(|l| l.content) {
            let told = self.log_probabilities.get_or_insert_default();
            told.extend(chosen.iter().map(|c| c.logprob));
            for token in &chosen {
                let gap = gap(token.top_logprobs.iter().flatten().map(|l| l.logprob));
                self.gaps = self.gaps.take().zip(gap).map(|(mut gaps, gap)| {
                    gaps.push(gap);
                    gaps
                });
            }
        }
        self.finish = self.finish.take().or(choice.finish_reason);
        if before != (self.text.len(), self.tokens.len()) {
            self.step();
        }
    }

    /// Adds to the text, with the marks that the server left out where a thought begins and ends.
    fn say(&mut self, thought: bool, part: Option<&str>) {
        let Some(part) = part.filter(|p| !p.is_empty()) else { return };
        if thought != self.thinking {
            self.text.push_str(if thought { THOUGHT.0 } else { THOUGHT.1 });
            self.thinking = thought;
        }
        self.text.push_str(part);
    }

    /// Notes the time of something that was said.
    fn step(&mut self) {
        let now = Instant::now();
        match self.prefill {
            None => self.prefill = Some(now - self.begun),
            Some(_) => self.steps.push(now - self.last),
        }
        self.last = now;
    }

    /// Whether the server said that this is all.
    pub(crate) fn is_whole(&self) -> bool {
        self.finish.is_some()
    }

    /// What it cost as far as the server told.
    pub(crate) fn spent(&self) -> Option<Tokens> {
        let usage = self.usage?;
        Some(Tokens { prompt: usage.prompt_tokens?, completion: usage.completion_tokens? })
    }

    /// How long it took, to the last of what was said.
    pub(crate) fn time(&self) -> Duration {
        self.last - self.begun
    }

    pub(crate) fn timings(&self) -> VlmTimings {
        let prefill = self.prefill.unwrap_or_default();
        VlmTimings { vision: Duration::ZERO, prefill, tokens: self.steps.clone() }
    }

    /// How many tokens the prompt had; 0 where nobody told.
    pub(crate) fn prompt_length(&self) -> usize {
        let told = self.usage.and_then(|u| u.prompt_tokens).unwrap_or(0) as usize;
        if self.prompt_tokens.is_empty() { told } else { self.prompt_tokens.len() }
    }

    /// # Errors
    /// When another model answered. A server that does not say which is believed.
    pub(crate) fn is_of(&self, model: &str) -> Result<(), Failure> {
        match &self.model {
            Some(told) if !names::same(model, told) => {
                let why = format!("asked for the model `{model}`, and `{told}` answered");
                Err(Failure::new(Kind::WrongModel, why).wasting(self.spent()))
            }
            _ => Ok(()),
        }
    }

    /// The end of what was told: an answer that can be used.
    ///
    /// # Errors
    /// When it is not whole, ended in a way that is no answer, or has no log-probabilities though they were asked for.
    pub(crate) fn end(&mut self, log_probabilities: bool) -> Result<(), Failure> {
        let wrong = |kind, why: String| Err(Failure::new(kind, why).wasting(self.spent()));
        match self.finish.as_deref() {
            None => return wrong(Kind::Cut, "its reply has no end (no finish_reason)".to_owned()),
            Some("stop" | "length") => {}
            // A server that is shutting down, or threw the request out for another.
            Some("abort") => return wrong(Kind::Cut, "it broke the answer off (finish_reason abort)".to_owned()),
            Some(other) => return wrong(Kind::NoAnswer, format!("its answer ended with finish_reason {other:?}")),
        }
        if log_probabilities && self.log_probabilities.is_none() && !self.text.is_empty() {
            let why = "it told no log-probabilities though they were asked for";
            return wrong(Kind::NoLogProbabilities, why.to_owned());
        }
        if self.prefill.is_none() {
            // An answer without a word took until now.
            self.step();
        }
        Ok(())
    }

    /// The answer as the seam has it; log-probabilities only where asked for.
    pub(crate) fn completion(self, log_probabilities: bool) -> Completion {
        let counted = self.usage.and_then(|u| u.completion_tokens).unwrap_or(0) as usize;
        let told = self.log_probabilities.unwrap_or_default();
        let length = [self.tokens.len(), if log_probabilities { told.len() } else { 0 }, counted];
        Completion {
            text: self.text,
            length: length.into_iter().find(|n| *n > 0).unwrap_or(0),
            tokens: self.tokens,
            gaps: self.gaps.filter(|g| log_probabilities && g.len() == told.len()),
            log_probabilities: log_probabilities.then_some(told),
            finish: if self.finish.as_deref() == Some("length") { Finish::Length } else { Finish::Stop },
        }
    }
}

/// The largest less the second largest: of logits as of log-probabilities.
fn gap(likeliest: impl Iterator<Item = f32>) -> Option<f32> {
    let mut all: Vec<f32> = likeliest.filter(|l| l.is_finite()).collect();
    all.sort_by(|a, b| b.total_cmp(a));
    Some(all.first()? - all.get(1)?)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn taken(pieces: &[Value]) -> Answer {
        let mut answer = Answer::begin();
        for piece in pieces {
            answer.take(serde_json::from_value(piece.clone()).unwrap()).unwrap();
        }
        answer
    }

    fn piece(delta: Value) -> Value {
        json!({ "model": "m", "choices": [{ "index": 0, "delta": delta, "finish_reason": null }], "usage": null })
    }

    #[test]
    fn pieces_and_a_whole_reply_say_the_same() {
        let usage = json!({ "prompt_tokens": 20, "completion_tokens": 3, "total_tokens": 23 });
        let whole = json!({
            "model": "m", "usage": usage,
            "choices": [{ "index": 0, "message": { "role": "assistant", "content": "abc" }, "finish_reason": "stop" }],
        });
        let pieces = [
            piece(json!({ "role": "assistant", "content": "" })),
            piece(json!({ "content": "a" })),
            piece(json!({ "content": "bc" })),
            json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] }),
            json!({ "choices": [], "usage": usage }),
        ];
        let mut made = [taken(&[whole]), taken(&pieces)];
        assert_eq!((made[0].timings().tokens.len(), made[1].timings().tokens.len()), (0, 1));
        for answer in &mut made {
            answer.end(false).unwrap();
            assert_eq!(answer.spent(), Some(Tokens { prompt: 20, completion: 3 }));
            assert_eq!(answer.prompt_length(), 20);
        }
        let [whole, pieces] = made.map(|a| a.completion(false));
        assert_eq!((whole.text.as_str(), whole.length, whole.finish), ("abc", 3, Finish::Stop));
        assert_eq!(whole, pieces);
    }

    #[test]
    fn the_last_that_is_told_of_tokens_counts() {
        // As vLLM does with `continuous_usage_stats`.
        let usage = |n| json!({ "choices": [], "usage": { "prompt_tokens": 20, "completion_tokens": n } });
        let answer = taken(&[usage(1), usage(2), piece(json!({ "content": "a" })), usage(3)]);
        assert_eq!(answer.spent(), Some(Tokens { prompt: 20, completion: 3 }));
        assert_eq!(taken(&[json!({ "usage": { "prompt_tokens": 20 } })]).spent(), None);
    }

    #[test]
    fn thoughts_are_put_back_where_they_were() {
        let said = |pieces: &[(&str, &str)]| {
            let pieces: Vec<Value> = pieces.iter().map(|(field, text)| piece(json!({ (*field): text }))).collect();
            taken(&pieces).completion(false).text
        };
        let (thought, vllm) = ("reasoning_content", "reasoning");
        assert_eq!(
            said(&[(thought, "\na"), (thought, "b\n"), ("content", "\n<answer>")]),
            "<think>\nab\n</think>\n<answer>"
        );
        assert_eq!(said(&[(vllm, "a"), ("content", "x")]), "<think>a</think>x");
        let both = piece(json!({ "reasoning": "a", "reasoning_content": "a" }));
        assert_eq!(taken(&[both]).completion(false).text, "<think>a");
        assert_eq!(said(&[("content", "x"), (thought, "a"), ("content", "y")]), "x<think>a</think>y");
        assert_eq!(said(&[(thought, "cut off")]), "<think>cut off");
        assert_eq!(said(&[("content", "<think>a</think>x")]), "<think>a</think>x");
        let whole = json!({ "choices": [{ "message": { "reasoning_content": "a", "content": "x" } }] });
        assert_eq!(taken(&[whole]).completion(false).text, "<think>a</think>x");
    }

    #[test]
    fn gaps_are_of_the_two_largest_wherever_they_stand() {
        let chosen = |logprob: f32, top: &[f32]| {
            let top: Vec<Value> = top.iter().map(|l| json!({ "token": "t", "logprob": l })).collect();
            json!({ "token": "t", "logprob": logprob, "top_logprobs": top })
        };
        let reply = |tokens: &[Value]| {
            let choice = json!({
                "message": { "content": "ab" }, "finish_reason": "length", "token_ids": [4, 5],
                "logprobs": { "content": tokens },
            });
            taken(&[json!({ "choices": [choice], "prompt_token_ids": [1, 2, 3] })])
        };
        // The chosen token of the second is not among the likeliest: it stands first.
        let answer = reply(&[chosen(-0.5, &[-0.5, -1.0]), chosen(-4.0, &[-4.0, -0.25, -3.25])]);
        assert_eq!(answer.prompt_length(), 3);
        let completion = answer.completion(true);
        assert_eq!(completion.log_probabilities, Some(vec![-0.5, -4.0]));
        assert_eq!(completion.gaps, Some(vec![0.5, 3.0]));
        assert_eq!((completion.tokens, completion.length, completion.finish), (vec![4, 5], 2, Finish::Length));
        let completion = reply(&[chosen(-0.5, &[-0.5, -1.0]), chosen(-4.0, &[-4.0])]).completion(true);
        assert_eq!((completion.gaps, completion.log_probabilities.map(|l| l.len())), (None, Some(2)));
        let completion = reply(&[chosen(-0.5, &[-0.5, -1.0])]).completion(false);
        assert_eq!((completion.gaps, completion.log_probabilities), (None, None));
    }

    #[test]
    fn what_is_no_answer_is_told() {
        let ended = |finish: &str| json!({ "choices": [{ "message": { "content": "a" }, "finish_reason": finish }] });
        let kind = |answer: &mut Answer, asked| answer.end(asked).unwrap_err().kind;
        assert_eq!(kind(&mut taken(&[piece(json!({ "content": "a" }))]), false), Kind::Cut);
        assert_eq!(kind(&mut taken(&[ended("abort")]), false), Kind::Cut);
        assert_eq!(kind(&mut taken(&[ended("content_filter")]), false), Kind::NoAnswer);
        assert_eq!(kind(&mut taken(&[ended("stop")]), true), Kind::NoLogProbabilities);
        assert!(taken(&[ended("stop")]).end(false).is_ok());
        // A choice that was not asked for is not mixed in.
        let other = json!({ "choices": [{ "index": 1, "message": { "content": "b" }, "finish_reason": "stop" }] });
        assert_eq!(kind(&mut taken(&[other]), false), Kind::Cut);
        let mut answer = taken(&[json!({ "usage": { "prompt_tokens": 9, "completion_tokens": 1 } })]);
        let failure =
            answer.take(serde_json::from_value(json!({ "error": { "message": "boom" } })).unwrap()).unwrap_err();
        assert_eq!(failure.wasted, Some(Tokens { prompt: 9, completion: 1 }));
        assert!(failure.why.contains("boom"), "{failure:?}");
    }
}
