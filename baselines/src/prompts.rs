//! Prompts as data: `baselines/prompts/*.toml`, each with its source.

use serde::Deserialize;

macro_rules! embedded {
    ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("../prompts/", $name, ".toml")))),*] };
}

const EMBEDDED: &[(&str, &str)] = embedded![
    "socioreasoner-localize",
    "socioreasoner-refine",
    "socioreasoner-single",
    "socioreasoner-sft-localize",
    "socioreasoner-sft-refine",
    "relocalize",
    "vision-reasoner",
    "seg-r1",
    "sam-r1",
    "remote-reasoner",
];

/// A prompt: the user's text, with `{prompt}` where the query goes and `{bboxs}` where the first answer goes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Where it is from, to the line.
    pub source: String,
    /// The system prompt; the model's own default where absent.
    pub system: Option<String>,
    /// The text, letter by letter.
    pub text: String,
}

impl Template {
    /// Names of the prompts that come with socio-bench.
    pub fn names() -> impl Iterator<Item = &'static str> {
        EMBEDDED.iter().map(|(name, _)| *name)
    }

    /// A prompt that comes with socio-bench; `None` where there is none of that name.
    pub fn named(name: &str) -> Option<Result<Self, toml::de::Error>> {
        EMBEDDED.iter().find(|(n, _)| *n == name).map(|(_, text)| toml::from_str(text))
    }

    /// System prompt and filled text.
    pub fn filled(&self, query: &str, boxes: &str) -> (Option<String>, String) {
        (self.system.clone(), self.fill(query, boxes))
    }

    /// The text with its places filled; braces in what is filled in, and any other braces of the text, stay as they are.
    pub fn fill(&self, query: &str, boxes: &str) -> String {
        let mut out = String::with_capacity(self.text.len() + query.len() + boxes.len());
        let mut rest = self.text.as_str();
        while let Some(at) = rest.find('{') {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let place = [("{prompt}", query), ("{bboxs}", boxes)].into_iter().find(|(p, _)| rest.starts_with(p));
            let (taken, put) = place.map_or((1, "{"), |(p, value)| (p.len(), value));
            out.push_str(put);
            rest = &rest[taken..];
        }
        out.push_str(rest);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prompt_is_one_and_tells_its_source() {
        for name in Template::names() {
            let template = Template::named(name).unwrap().unwrap();
            assert!(template.text.contains("{prompt}") && !template.source.is_empty(), "{name}");
        }
        assert!(Template::named("none").is_none());
    }

    #[test]
    fn what_is_filled_in_is_not_filled_again() {
        let template =
            Template { source: String::new(), system: None, text: "a {prompt} {\"x\": {bboxs}} {prompt}".to_owned() };
        assert_eq!(template.fill("{bboxs}", "[{prompt}]"), "a {bboxs} {\"x\": [{prompt}]} {bboxs}");
    }
}
