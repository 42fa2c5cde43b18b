//! Methods as data: prompts and a grammar, `baselines/methods/*.toml` or a file of one's own.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};
use socio_backend::Sampling;
use socio_dataset::files::{self, FileError};

use crate::answer::Grammar;
use crate::prompts::Template;
use crate::reasoner::{ATTEMPTS, Settings, Sight};

macro_rules! embedded {
    ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("../methods/", $name, ".toml")))),*] };
}

/// In the order in which they are listed.
const EMBEDDED: &[(&str, &str)] = embedded![
    "socioreasoner",
    "socioreasoner-wo-refinement",
    "socioreasoner-wo-reflection",
    "socioreasoner-1-point",
    "socioreasoner-2-points",
    "socioreasoner-3-points",
    "socioreasoner-sft",
    "vision-reasoner",
    "seg-r1",
    "sam-r1",
    "remote-reasoner",
    "zero-shot",
];

/// The longest side at which a model may see, in pixels.
const LARGEST_SIGHT: u32 = 4096;

/// A method that is prompted: everything but its model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// The file that it was read from, where it is one of one's own.
    #[serde(skip)]
    pub file: Option<String>,
    /// Its name.
    pub name: String,
    /// What it does, in a line.
    pub about: String,
    /// Where prompts and steps are from.
    pub source: String,
    /// The rows of the paper's tables that it answers to.
    #[serde(default)]
    pub paper: Vec<String>,
    /// The published checkpoint that is asked so, where there is one.
    pub checkpoint: Option<String>,
    /// What the paper's checkpoint of these rows was trained as, where that is not published.
    pub trained: Option<Trained>,
    /// The prompt of the first stage: a name, or source and text.
    pub localize: PromptOf,
    /// The prompt of the second stage; absent where there is one stage.
    pub refine: Option<PromptOf>,
    /// The method ends behind this stage.
    pub stop_after: Option<u8>,
    /// The method whose first stages these are, where it stops early: a finished run of that one holds this one's answers.
    pub part_of: Option<String>,
    /// Points of an object that reach the segmenter.
    pub max_points: Option<usize>,
    /// How answers are read.
    pub grammar: String,
    /// At what size the model sees; as the released inference does where absent, or the one that the model knows.
    pub sight: Option<Sight>,
    /// How tokens are chosen.
    #[serde(default = "released_sampling")]
    pub sampling: Sampling,
}

/// What a checkpoint has to be for a method's rows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trained {
    /// How it was trained, in words.
    pub how: String,
    /// What the same switch does to another checkpoint; empty where that is asked all the same, absent where it is refused.
    pub otherwise: Option<String>,
}

/// A prompt by name or written out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum PromptOf {
    /// One that comes with socio-bench.
    Named(String),
    /// One's own.
    Own(Template),
}

fn released_sampling() -> Sampling {
    Sampling::RELEASED
}

/// A method that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is none.
    #[error("method {origin}: {why}")]
    Content {
        /// The file or the name.
        origin: String,
        /// What is wrong, and where.
        why: String,
    },
    /// An option that does not fit the method.
    #[error("{0}")]
    Option(String),
}

/// What is set otherwise than the definition says.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// How answers are read.
    pub grammar: Option<Grammar>,
    /// How tokens are chosen.
    pub sampling: Option<Sampling>,
    /// End behind this stage.
    pub stop_after: Option<u8>,
    /// Points of an object that reach the segmenter.
    pub max_points: Option<usize>,
    /// Localise again at most so often.
    pub relocalize: usize,
    /// Points by need.
    pub points_by_need: bool,
    /// Names of the methods that the checkpoint was trained as.
    pub trained_as: Vec<String>,
    /// The side of the squares that the model knows, where it knows no others: it is asked so where the method says nothing.
    pub square: Option<u32>,
}

/// A definition made ready.
#[derive(Debug, Clone, PartialEq)]
pub struct Defined {
    /// How it asks.
    pub settings: Settings,
    /// What every table with it has to tell.
    pub remarks: Vec<String>,
}

impl Definition {
    /// Those that come with socio-bench.
    ///
    /// # Errors
    /// Never for a released build: a test reads all of them.
    pub fn embedded() -> Result<Vec<Self>, DefinitionError> {
        EMBEDDED.iter().map(|(name, text)| Self::parse(text, name)).collect()
    }

    /// One that comes with socio-bench, or of a file that ends in `.toml`; `None` where there is none of that name.
    ///
    /// # Errors
    /// When a file cannot be read or is no method.
    pub fn find(name: &str) -> Result<Option<Self>, DefinitionError> {
        if Path::new(name).extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) {
            let found = Self { file: Some(name.to_owned()), ..Self::parse(&files::read_text(name.as_ref())?, name)? };
            if EMBEDDED.iter().any(|(known, _)| *known == found.name) {
                let why = format!("name `{}` is that of a method of socio-bench: give it another", found.name);
                return Err(DefinitionError::Content { origin: name.to_owned(), why });
            }
            return Ok(Some(found));
        }
        EMBEDDED.iter().find(|(n, _)| *n == name).map(|(n, text)| Self::parse(text, n)).transpose()
    }

    fn parse(text: &str, origin: &str) -> Result<Self, DefinitionError> {
        let wrong = |why: String| DefinitionError::Content { origin: origin.to_owned(), why };
        let found: Self = toml::from_str(text).map_err(|e| wrong(e.to_string().trim_end().to_owned()))?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if found.name.is_empty() || !found.name.chars().all(plain) {
            return Err(wrong(format!("name `{}`: expected letters, digits, `-`, `_`, `.`", found.name)));
        }
        found.settings(&Overrides::default()).map_err(|e| match e {
            DefinitionError::Option(why) => wrong(why),
            other => other,
        })?;
        Ok(found)
    }

    /// How it asks, with what is set otherwise.
    ///
    /// # Errors
    /// When an option does not fit it.
    pub fn ready(&self, with: &Overrides) -> Result<Defined, DefinitionError> {
        let no = |why: String| Err(DefinitionError::Option(why));
        let declared = with.trained_as.contains(&self.name);
        let mut settings = self.settings(with)?;
        let mut remarks = Vec::new();
        if let Some(trained) = &self.trained {
            match &trained.otherwise {
                // A checkpoint that learned it needs no switch but what is asked for by hand.
                _ if declared => settings.max_points = with.max_points,
                // A peer asked of the checkpoint that its authors published is no variant, and no row of the paper either.
                Some(otherwise) if otherwise.is_empty() => {
                    remarks.push(format!("the paper's row is of a checkpoint {}", trained.how));
                }
                Some(otherwise) => remarks.push(format!(
                    "an inference-time variant ({otherwise}); the paper's row is of a checkpoint {}",
                    trained.how
                )),
                None => {
                    return no(format!(
                        "{} is a checkpoint {}: name yours with --vlm and say --trained-as {}",
                        self.name,
                        trained.how,
                        self.file.as_ref().unwrap_or(&self.name)
                    ));
                }
            }
        }
        if let Some(most) = with.max_points {
            remarks.push(format!("of each object's points the first {most}, chosen at inference"));
        }
        if let Some(grammar) = with.grammar.filter(|g| g.name() != self.grammar) {
            remarks.push(format!("answers read by the {grammar} grammar"));
        }
        if let Some((_, most)) = &settings.relocalize {
            remarks.push(format!(
                "localised again up to {most} times where the mask contradicts its box: not in the paper"
            ));
        }
        if settings.points_by_need {
            remarks.push("points by need: not in the paper".to_owned());
        }
        Ok(Defined { settings, remarks })
    }

    fn settings(&self, with: &Overrides) -> Result<Settings, DefinitionError> {
        let no = |why: String| Err(DefinitionError::Option(why));
        let stop = [with.stop_after, self.stop_after].into_iter().flatten().min();
        if stop.is_some_and(|s| !(1..=2).contains(&s)) {
            return no(format!("stop after stage {}: there are stages 1 and 2", stop.unwrap_or_default()));
        }
        let two = self.refine.is_some();
        if !two && with.relocalize > 0 {
            return no(format!("{} has one stage: there is none to localise again before", self.name));
        }
        if with.relocalize >= ATTEMPTS.len() {
            return no(format!("localise again {} times: at most {}", with.relocalize, ATTEMPTS.len() - 1));
        }
        let sampling = with.sampling.unwrap_or(self.sampling);
        if !(sampling.temperature >= 0.0 && sampling.temperature.is_finite()) {
            return no(format!("temperature {}: expected 0 or more", sampling.temperature));
        }
        if !(sampling.top_p > 0.0 && sampling.top_p <= 1.0) {
            return no(format!("top_p {}: expected a number above 0 and up to 1", sampling.top_p));
        }
        if sampling.max_new_tokens == 0 {
            return no("max_new_tokens 0 says nothing: expected 1 or more".to_owned());
        }
        // A square of SocioSeg's size tells whether the rule gives sizes that can be worked at.
        let sight = self.sight.unwrap_or_else(|| with.square.map_or(Sight::RELEASED, Sight::square));
        match sight.size((768, 768)) {
            Ok((w, h)) if (1..=LARGEST_SIGHT).contains(&w) && (1..=LARGEST_SIGHT).contains(&h) => {}
            Ok((w, h)) => return no(format!("sight: {w}x{h} pixels, expected sides of 1 to {LARGEST_SIGHT}")),
            Err(why) => return no(format!("sight: {why}")),
        }
        let refine = self.refine.as_ref().map(template).transpose()?;
        let again = || template(&PromptOf::Named("relocalize".to_owned()));
        let grammar: Grammar = self.grammar.parse().map_err(|e| DefinitionError::Option(format!("{e}")))?;
        Ok(Settings {
            first: if two { ATTEMPTS[0] } else { "answer" },
            localize: template(&self.localize)?,
            refine: refine.filter(|_| stop != Some(1)),
            relocalize: if with.relocalize > 0 { Some((again()?, with.relocalize)) } else { None },
            grammar: with.grammar.unwrap_or(grammar),
            sight,
            sampling,
            max_points: with.max_points.or(self.max_points),
            points_by_need: with.points_by_need,
        })
    }
}

fn template(of: &PromptOf) -> Result<Template, DefinitionError> {
    let found = match of {
        PromptOf::Own(template) => Ok(template.clone()),
        PromptOf::Named(name) => Template::named(name).map_or_else(
            || {
                let known = Template::names().collect::<Vec<_>>().join(", ");
                Err(format!("there is no prompt `{name}`; there are {known}; or give source and text"))
            },
            |parsed| parsed.map_err(|e| format!("prompt `{name}`: {e}")),
        ),
    };
    match found {
        Ok(template) if template.text.contains("{prompt}") => Ok(template),
        Ok(_) => Err(DefinitionError::Option("a prompt has no {prompt}, where the query goes".to_owned())),
        Err(why) => Err(DefinitionError::Option(why)),
    }
}

impl Settings {
    /// What decides the answers, by name: part of a run's identity.
    pub fn parameters(&self) -> Vec<(&'static str, Value)> {
        let hash = |t: &Template| {
            json!(
                socio_dataset::hash::FieldHasher::default()
                    .field(t.system.as_deref().unwrap_or("-"))
                    .field(&t.text)
                    .hex(16)
            )
        };
        let mut all = vec![
            ("grammar", json!(self.grammar.name())),
            ("sight", json!(self.sight)),
            ("sampling", json!(self.sampling)),
            ("prompt_localize", hash(&self.localize)),
        ];
        all.extend(self.refine.as_ref().map(|t| ("prompt_refine", hash(t))));
        all.extend(self.relocalize.as_ref().map(|(t, n)| ("relocalize", json!({ "prompt": hash(t), "most": n }))));
        all.extend(self.max_points.map(|n| ("max_points", json!(n))));
        all.extend(self.points_by_need.then_some(("points_by_need", json!(true))));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_method_is_one() {
        let all = Definition::embedded().unwrap();
        for (definition, (name, _)) in all.iter().zip(EMBEDDED) {
            assert_eq!(definition.name, *name);
            let ready = definition.ready(&Overrides { trained_as: vec![(*name).to_owned()], ..Overrides::default() });
            assert!(ready.unwrap().remarks.is_empty(), "{name}");
            assert!(definition.checkpoint.is_some() || definition.trained.is_some(), "{name} names its checkpoint");
        }
    }

    #[test]
    fn ablations_are_labelled_unless_the_checkpoint_learned_them() {
        let of = |name: &str| Definition::find(name).unwrap().unwrap();
        let plain = Overrides::default();
        assert!(of("socioreasoner").ready(&plain).unwrap().remarks.is_empty());
        assert!(of("socioreasoner-wo-refinement").ready(&plain).unwrap().remarks.is_empty());
        let one = of("socioreasoner-1-point").ready(&plain).unwrap();
        assert_eq!(one.settings.max_points, Some(1));
        assert!(one.remarks[0].starts_with("an inference-time variant"), "{:?}", one.remarks);
        let learned = Overrides { trained_as: vec!["socioreasoner-1-point".to_owned()], ..Overrides::default() };
        let one = of("socioreasoner-1-point").ready(&learned).unwrap();
        assert_eq!((one.settings.max_points, one.remarks.len()), (None, 0));
        let why = of("socioreasoner-sft").ready(&plain).unwrap_err().to_string();
        assert!(why.contains("--trained-as socioreasoner-sft"), "{why}");
    }

    #[test]
    fn stopping_keeps_the_first_stages_draws() {
        let whole = Definition::find("socioreasoner").unwrap().unwrap();
        let stopped = whole.ready(&Overrides { stop_after: Some(1), ..Overrides::default() }).unwrap();
        assert_eq!((stopped.settings.first, stopped.settings.refine), ("localize", None));
        let single = Definition::find("socioreasoner-wo-reflection").unwrap().unwrap();
        assert_eq!(single.ready(&Overrides::default()).unwrap().settings.first, "answer");
        assert!(single.ready(&Overrides { relocalize: 1, ..Overrides::default() }).is_err());
    }

    #[test]
    fn a_broken_definition_is_told() {
        let told = |text: &str| Definition::parse(text, "mine.toml").unwrap_err().to_string();
        let with = |rest: &str| format!("name = 'mine'\nabout = 'x'\nsource = 'x'\n{rest}");
        for (text, part) in [
            (with("grammar = 'strict'"), "missing field `localize`"),
            (with("grammar = 'loose'\nlocalize = 'socioreasoner-localize'"), "no answer grammar `loose`"),
            (with("grammar = 'strict'\nlocalize = 'x'"), "there is no prompt `x`"),
            (with("grammar = 'strict'\nlocalize = { source = 'me', text = 'find it' }"), "{prompt}"),
            (with("grammar = 'strict'\nlocalize = 'socioreasoner-localize'\nstop_after = 3"), "stages 1 and 2"),
            (with("grammar = 'strict'\nlocalise = 'x'"), "localise"),
        ] {
            let told = told(&text);
            assert!(told.contains(part) && told.contains("mine.toml"), "{told}");
        }
    }
}
