//! What kinds of servers there are, as far as requests differ.

use std::fmt;

/// Which fields a server knows beyond OpenAI's. Nothing is guessed: a server that is sent a field it does not know may
/// refuse the request (`transformers serve`) or ignore it and answer otherwise (the rest).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// vLLM, SGLang, llama.cpp and Ray Serve: `top_k` (-1 for all), `min_p`, `repetition_penalty` and `return_token_ids`
    /// are fields of the request. All are sent, since vLLM and SGLang fill in what is absent from the model's
    /// `generation_config.json` (a repetition penalty of 1.05 for Qwen2.5-VL), and llama.cpp from defaults of its own (a
    /// `min_p` of 0.05, a `top_k` of 40). SGLang honours a seed only with `--enable-deterministic-inference`.
    #[default]
    Engine,
    /// `transformers serve`: refuses fields that OpenAI does not have; `top_k` and the rest go into a JSON text,
    /// `generation_config`. It tells no log-probabilities. Its seed is one for the whole process, so draws can only be
    /// repeated with one request in flight. Its list of models is that of a cache folder and not asked for.
    Transformers,
    /// OpenAI's own fields alone. It cannot draw from the k likeliest: such a request is `Unsupported`.
    Plain,
}

impl std::str::FromStr for Dialect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::named(text).ok_or_else(|| format!("`{text}` is no kind of server; there are {}", names()))
    }
}

impl Dialect {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Engine, Self::Transformers, Self::Plain];

    /// The name to choose it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Transformers => "transformers",
            Self::Plain => "plain",
        }
    }

    /// The one of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.name() == name)
    }

    /// Whether a server of this kind can tell log-probabilities.
    pub const fn tells_log_probabilities(self) -> bool {
        !matches!(self, Self::Transformers)
    }

    /// Whether its list of models has the one it serves.
    pub(crate) const fn lists_models(self) -> bool {
        !matches!(self, Self::Transformers)
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Dialect;

    #[test]
    fn every_dialect_is_found_by_its_name() {
        for dialect in Dialect::ALL {
            assert_eq!(Dialect::named(&dialect.to_string()), Some(dialect));
        }
        assert_eq!(Dialect::named("Engine"), None);
    }
}
