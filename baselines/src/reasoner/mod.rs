//! SocioReasoner and everything that is prompted like it: a vision-language model points, a segmenter cuts, and in a second
//! look at what was cut the model refines. Ablations and peers are [`Settings`] of the same two functions, [`localize`]
//! and [`refine`]; runs, `--stop-after`, and whoever trains compose them.

mod agreement;
mod need;
mod stages;
mod view;

use socio_backend::Sampling;
use socio_dataset::Query;

use crate::Context;
use crate::answer::Grammar;
use crate::method::{Answer, Failure, Method, Models};
use crate::prompts::Template;

pub use agreement::agreement;
pub use stages::{Located, With, localize, refine, relocalize};
pub use view::{Sight, View};

/// The names of the attempts to localise: the first one, and those of `relocalise`.
pub const ATTEMPTS: [&str; 4] = ["localize", "relocalize-1", "relocalize-2", "relocalize-3"];
/// The name of the second stage.
pub const REFINE: &str = "refine";

/// All that decides how a query is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The name of the first stage, from which its draws come: `localize`, or `answer` where the method has no other.
    pub first: &'static str,
    /// The prompt of the first stage.
    pub localize: Template,
    /// The prompt of the second; absent where the first is all, or the method stops there.
    pub refine: Option<Template>,
    /// Asked again where the coarse mask contradicts its box: this prompt, and how often at most (3).
    pub relocalize: Option<(Template, usize)>,
    /// How answers are read.
    pub grammar: Grammar,
    /// At what size the model sees the images.
    pub sight: Sight,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Points of an object that reach the segmenter, the first so many; all where absent.
    pub max_points: Option<usize>,
    /// Whether each object's points are taken one by one for as long as the segmenter gains by them.
    pub points_by_need: bool,
}

/// The method.
pub struct Reasoner {
    /// How it asks.
    pub settings: Settings,
}

impl Method for Reasoner {
    fn answer(&self, query: &Query, models: &Models, context: &mut Context) -> Result<Answer, Failure> {
        let settings = &self.settings;
        let with = With { settings, models };
        let view = View::new(query, &settings.sight, context)?;
        let mut attempts = vec![localize(&view, with, 0, context)?];
        if let Some((_, most)) = &settings.relocalize {
            for name in ATTEMPTS.iter().skip(1).take(*most) {
                let last = &attempts[attempts.len() - 1];
                if agreement::holds(&last.stage) {
                    break;
                }
                let again = relocalize(name, &view, last, with, context)?;
                attempts.push(again);
            }
            agreement::best_last(&mut attempts);
        }
        let mut stages: Vec<_> = attempts.iter().map(|a| a.stage.clone()).collect();
        if let (Some(_), Some(first)) = (&settings.refine, attempts.last()) {
            // A second stage that fails leaves the first in the record, and no answer: the released code has no way back.
            stages.push(match refine(&view, first, with, 0, context) {
                Ok(stage) => stage,
                Err(failure) => view.nothing(REFINE, failure),
            });
        }
        Ok(Answer { stages })
    }
}
