//! The answer grammars: from what a model said to prompts for the segmenter.
//!
//! Model text is hostile. It is read by grammars with bounds (length, depth, values, objects) and never evaluated. Each
//! grammar takes what its method's own code takes, to the letter; [`Grammar::Strict`] takes what the prompt asks for and
//! nothing else. What was left out is told, object by object.

mod literal;
mod numbers;
mod peers;
mod released;
mod strict;
mod tags;
pub mod value;

use std::fmt;
use std::str::FromStr;

use socio_backend::Prompt;

pub use tags::answer_text;

/// The longest text that is read, in bytes. 2048 tokens are about 8,000.
pub const MAX_TEXT: usize = 1 << 18;
/// Objects in one answer.
pub const MAX_OBJECTS: usize = 1000;

/// How an answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    /// SocioReasoner's released parser: what it takes, drops and draws.
    Socioreasoner,
    /// What the prompt asks for and nothing else; one deviation and the whole answer is refused.
    Strict,
    /// VisionReasoner's.
    VisionReasoner,
    /// Seg-R1's.
    SegR1,
    /// SAM-R1's.
    SamR1,
    /// RemoteReasoner's.
    RemoteReasoner,
}

impl Grammar {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Socioreasoner, Self::Strict, Self::VisionReasoner, Self::SegR1, Self::SamR1, Self::RemoteReasoner];

    /// Its name in definitions and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Socioreasoner => "socioreasoner",
            Self::Strict => "strict",
            Self::VisionReasoner => "vision-reasoner",
            Self::SegR1 => "seg-r1",
            Self::SamR1 => "sam-r1",
            Self::RemoteReasoner => "remote-reasoner",
        }
    }

    /// Reads what a model said about an image of a size.
    ///
    /// # Errors
    /// When nothing of it can be taken.
    pub fn parse(self, text: &str, size: (u32, u32)) -> Result<Parsed, GrammarError> {
        if text.len() > MAX_TEXT {
            return Err(GrammarError::Long(text.len()));
        }
        let parsed = match self {
            Self::Socioreasoner => released::parse(text)?,
            Self::Strict => strict::parse(text, size)?,
            Self::VisionReasoner => peers::vision_reasoner(text)?,
            Self::SegR1 => peers::seg_r1(text)?,
            Self::SamR1 => peers::sam_r1(text)?,
            Self::RemoteReasoner => peers::remote_reasoner(text)?,
        };
        let found = parsed.objects.len() + parsed.dropped.len();
        if found > MAX_OBJECTS { Err(GrammarError::Objects(found)) } else { Ok(parsed) }
    }
}

impl Grammar {
    /// The boxes that the second stage is shown for an answer, in the pixels of an image of a size.
    pub fn drawn(self, text: &str, size: (u32, u32)) -> Vec<[f64; 4]> {
        match self {
            // The same bounds as for reading it.
            Self::Socioreasoner if text.len() <= MAX_TEXT => {
                let boxes = answer_text(text).map(released::drawn).unwrap_or_default();
                if boxes.len() > MAX_OBJECTS { Vec::new() } else { boxes }
            }
            _ => {
                let objects = self.parse(text, size).map(|p| p.objects).unwrap_or_default();
                objects.iter().filter_map(|o| o.bbox).map(Into::into).collect()
            }
        }
    }
}

impl FromStr for Grammar {
    type Err = UnknownGrammar;

    fn from_str(name: &str) -> Result<Self, UnknownGrammar> {
        Self::ALL.into_iter().find(|g| g.name() == name).ok_or_else(|| UnknownGrammar { name: name.to_owned() })
    }
}

impl fmt::Display for Grammar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No grammar of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no answer grammar `{name}`; there are {}", Grammar::ALL.map(Grammar::name).join(", "))]
pub struct UnknownGrammar {
    name: String,
}

/// What came of an answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parsed {
    /// What prompts the segmenter, in the pixels that the model saw.
    pub objects: Vec<Prompt>,
    /// Why each of the other objects was left out.
    pub dropped: Vec<String>,
}

impl Parsed {
    /// What was left out, in a line: the first few, and how many more.
    pub fn left_out(&self) -> String {
        const SHOWN: usize = 5;
        let mut told = self.dropped.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ");
        if self.dropped.len() > SHOWN {
            told.push_str(&format!("; and {} more", self.dropped.len() - SHOWN));
        }
        told
    }
}

/// Why an answer cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrammarError {
    /// Longer than is read.
    #[error("{0} bytes of text, at most {MAX_TEXT} are read")]
    Long(usize),
    /// More objects than are taken.
    #[error("{0} objects, at most {MAX_OBJECTS} are taken")]
    Objects(usize),
    /// The tags are missing.
    #[error("{0}")]
    Tags(&'static str),
    /// The text between them is not of the grammar.
    #[error("the answer does not parse: {0}")]
    Syntax(#[from] value::Problem),
    /// It is something else.
    #[error("the answer is {found}, expected {expected}")]
    Kind {
        /// What it is.
        found: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// An object that the strict grammar refuses.
    #[error("object {at}: {why}")]
    Object {
        /// Its number, from 1.
        at: usize,
        /// What is wrong.
        why: String,
    },
}
