//! What servers tell, as they write it: a whole reply, or one piece of a streamed one.

use serde::Deserialize;
use serde_json::Value;

/// A reply or a piece of one; servers leave out or set to `null` whatever they like.
#[derive(Debug, Deserialize)]
pub(crate) struct Told {
    #[serde(default)]
    pub(crate) model: Option<String>,
    #[serde(default)]
    pub(crate) choices: Option<Vec<Choice>>,
    #[serde(default)]
    pub(crate) usage: Option<UsageTold>,
    #[serde(default)]
    pub(crate) error: Option<Value>,
    /// vLLM has them here, SGLang in the choice.
    #[serde(default)]
    pub(crate) prompt_token_ids: Option<Vec<u32>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Choice {
    #[serde(default)]
    pub(crate) index: Option<u32>,
    /// `message` of a whole reply.
    #[serde(default, alias = "message")]
    pub(crate) delta: Option<Said>,
    #[serde(default)]
    pub(crate) finish_reason: Option<String>,
    #[serde(default)]
    pub(crate) logprobs: Option<LogProbabilities>,
    #[serde(default)]
    pub(crate) token_ids: Option<Vec<u32>>,
    #[serde(default)]
    pub(crate) prompt_token_ids: Option<Vec<u32>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Said {
    #[serde(default)]
    pub(crate) content: Option<String>,
    /// What stood between `<think>` and `</think>`, where the server takes it out.
    #[serde(default)]
    pub(crate) reasoning_content: Option<String>,
    /// The same as newer vLLM calls it; some versions tell both.
    #[serde(default)]
    pub(crate) reasoning: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct LogProbabilities {
    #[serde(default)]
    pub(crate) content: Option<Vec<Chosen>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Chosen {
    pub(crate) logprob: f32,
    #[serde(default)]
    pub(crate) top_logprobs: Option<Vec<Likely>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Likely {
    pub(crate) logprob: f32,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct UsageTold {
    #[serde(default)]
    pub(crate) prompt_tokens: Option<u64>,
    #[serde(default)]
    pub(crate) completion_tokens: Option<u64>,
}

/// How much of a server's message is told on, in characters.
const LONGEST: usize = 600;

/// What an error's body says, on one line: `error.message` (OpenAI, vLLM, SGLang, llama.cpp), `error`, `detail` (FastAPI)
/// or `message` of a JSON object, else its text.
pub(crate) fn message(body: &[u8]) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(value) => said(&value),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    plain(&text)
}

/// An error that a reply holds.
pub(crate) fn said(error: &Value) -> String {
    match error {
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let found =
                ["error", "message", "detail"].iter().find_map(|name| fields.get(*name).filter(|v| !v.is_null()));
            found.map_or_else(|| error.to_string(), said)
        }
        other => other.to_string(),
    }
}

/// One line without control characters, not too long.
fn plain(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_all_servers_are_found() {
        for (body, expected) in [
            (r#"{"error":{"message":"too long","type":"BadRequestError","code":400}}"#, "too long"),
            (r#"{"object":"error","message":"too long","code":400}"#, "too long"),
            (r#"{"error":"too long"}"#, "too long"),
            (r#"{"detail":"too long"}"#, "too long"),
            (r#"{"detail":[{"loc":["body"],"msg":"no"}]}"#, r#"[{"loc":["body"],"msg":"no"}]"#),
            (r#"{"error":null,"message":"too long"}"#, "too long"),
            ("<html>\n <b>502</b>\r\n\u{1b}[31m</html>", "<html> <b>502</b> [31m</html>"),
            ("", ""),
        ] {
            assert_eq!(message(body.as_bytes()), expected);
        }
        assert_eq!(message("é".repeat(5000).as_bytes()), format!("{}...", "é".repeat(600)));
        assert_eq!(message(b"\xff\xfe"), "\u{fffd}\u{fffd}");
    }
}
