//! What a policy does with a sample: the method's own two stages, drawn several times, and what each is worth.

use std::sync::Arc;

use socio_baselines::Context;
use socio_baselines::reasoner::{Located, Settings, View, With, localize, refine};
use socio_baselines::reward::{Reward, Rules, stage1, stage2};
use socio_baselines::{Models, StageAnswer};
use socio_dataset::{Bbox, Mask, Query};

use super::recorder::{Recorder, Spoken};
use crate::TrainError;

/// A sample to be trained on.
pub struct Asked {
    /// What is asked.
    pub query: Query,
    /// Boxes of the true instances, in the pixels that the model sees.
    pub boxes: Vec<Bbox>,
    /// The true pixels, at the satellite image's size.
    pub truth: Mask,
}

/// One answer of a stage.
pub struct Rollout {
    /// What was asked and said.
    pub spoken: Spoken,
    /// What it is worth.
    pub reward: Reward,
}

/// A first answer with what it came to.
pub struct First {
    /// The answer.
    pub rollout: Rollout,
    located: Located,
}

/// A policy at work.
pub struct Actor<'a> {
    /// The policy; the method asks it.
    pub policy: &'a Arc<Recorder>,
    /// It, and the segmenter.
    pub models: &'a Models,
    /// How the method asks.
    pub settings: &'a Settings,
    /// What answers are worth.
    pub rules: &'a Rules,
    /// Draws go by it, the sample's id, the stage and the number of the draw.
    pub seed: u64,
}

fn failed(e: impl std::fmt::Display) -> TrainError {
    TrainError::Input(format!("a rollout failed: {e}"))
}

impl Actor<'_> {
    fn spoken(&self) -> Result<Spoken, TrainError> {
        self.policy.take().pop().ok_or_else(|| failed("the policy said nothing"))
    }

    /// `count` first answers.
    ///
    /// # Errors
    /// When a model fails.
    pub fn first(&self, asked: &Asked, count: u32) -> Result<Vec<First>, TrainError> {
        let mut context = Context::new(self.seed, &asked.query.id);
        let view = View::new(&asked.query, &self.settings.sight, &mut context).map_err(failed)?;
        let with = With { settings: self.settings, models: self.models };
        (0..count)
            .map(|draw| {
                self.policy.take();
                let located = localize(&view, with, draw, &mut context).map_err(failed)?;
                let reward = stage1(&located.text, &asked.boxes, self.rules);
                Ok(First { rollout: Rollout { spoken: self.spoken()?, reward }, located })
            })
            .collect()
    }

    /// A second answer behind a first one.
    ///
    /// # Errors
    /// When a model fails.
    pub fn second(&self, asked: &Asked, first: &First, draw: u32) -> Result<(Rollout, StageAnswer), TrainError> {
        let mut context = Context::new(self.seed, &asked.query.id);
        let view = View::new(&asked.query, &self.settings.sight, &mut context).map_err(failed)?;
        let with = With { settings: self.settings, models: self.models };
        self.policy.take();
        let stage = refine(&view, &first.located, with, draw, &mut context).map_err(failed)?;
        let spoken = self.spoken()?;
        let reward = stage2(&spoken.text, &first.located.text, &stage.mask, &asked.truth, self.rules);
        Ok((Rollout { spoken, reward }, stage))
    }
}
