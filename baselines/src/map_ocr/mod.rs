//! A method without a vision-language model: read the map, match its labels to the query, prompt the segmenter there.
//!
//! Names match by normalised text; classes and functions through the hierarchy's keywords. What it cannot do (a place
//! without a label, a label in other words) is what a model is for.

mod matching;
mod place;

use socio_backend::{Label, Prompt};
use socio_dataset::{Hierarchy, Level, Query};

use crate::method::{Answer, Failure, Method, Models, segment};
use crate::{CentreBox, Context};

/// The method.
pub struct MapOcr {
    /// Classes, functions and their words.
    pub hierarchy: Hierarchy,
    /// The size of the box where the map shows no area at a place.
    pub size: CentreBox,
}

impl MapOcr {
    /// The labels that speak for the query.
    fn matching<'a>(&self, query: &Query, labels: &'a [Label], size: (u32, u32)) -> Vec<&'a Label> {
        let level = query.level.unwrap_or_else(|| self.hierarchy.level_of(&query.text));
        if level == Level::Name {
            return labels.iter().filter(|l| matching::names(&query.text, l, size)).collect();
        }
        let wanted: Vec<&str> = self.hierarchy.classes_of(level, &query.text).iter().map(|c| c.name.as_str()).collect();
        let speaks = |l: &&Label| matching::class_of(&self.hierarchy, &l.text).is_some_and(|c| wanted.contains(&c));
        labels.iter().filter(speaks).collect()
    }
}

impl Method for MapOcr {
    fn answer(&self, query: &Query, models: &Models, context: &mut Context) -> Result<Answer, Failure> {
        let reader = models.reader.as_ref().ok_or_else(|| Failure::Method("it needs a map reader".to_owned()))?;
        let map = query.map.as_ref().ok_or_else(|| Failure::NoAnswer("there is no map to read".to_owned()))?;
        let labels = context.time("read map", || reader.read(map))?;
        let chosen = self.matching(query, &labels, map.dimensions());
        context.said("answer", labels.iter().map(|l| l.text.as_str()).collect::<Vec<_>>().join("\n"), None);
        if chosen.is_empty() {
            return Err(Failure::NoAnswer(format!(
                "none of {} labels on the map speaks for `{}`",
                labels.len(),
                query.text
            )));
        }
        let mut prompts: Vec<Prompt> = Vec::new();
        for label in chosen {
            let prompt = Prompt::from(place::of(map, label, &self.size));
            // Two labels of one place mark the same area.
            if !prompts.contains(&prompt) {
                prompts.push(prompt);
            }
        }
        Ok(segment("answer", query, prompts, models, context)?.into())
    }
}
