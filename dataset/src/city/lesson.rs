//! Lessons: scenes with all that is known of them, for whoever trains.

use std::collections::HashSet;
use std::sync::Arc;

use image::RgbImage;
use serde::{Deserialize, Serialize};
use socio_map::{LabelKind, Xy};

use super::quarter::{self, pixels};
use super::{City, Quarter};
use crate::{Level, parallel};

/// A place of a lesson, in pixels of its pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Taught {
    /// The name that the map shows, in English.
    pub name: String,
    /// Its class.
    pub class: String,
    /// Its function.
    pub function: String,
    /// Where its icon stands; none where the map has no room for it, or it lies outside.
    pub icon: Option<Xy>,
    /// The box `[x0, y0, x1, y1]` of its label; none where there is none.
    pub label: Option<[f64; 4]>,
    /// Its outline; parts may lie outside the picture.
    pub ring: Vec<Xy>,
}

/// What the city asks of a lesson's window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The sample's id.
    pub id: String,
    /// The level.
    pub level: Level,
    /// The query text.
    pub text: String,
}

/// All that is known of a scene.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Pixels of a side.
    pub size: u32,
    /// What is asked of it.
    pub asked: Asked,
    /// The places in the window.
    pub places: Vec<Taught>,
    /// Outlines of the sites in the window that are no place.
    pub others: Vec<Vec<Xy>>,
}

/// A scene to learn from.
#[derive(Debug, Clone)]
pub struct Lesson {
    /// The satellite view.
    pub satellite: RgbImage,
    /// The map.
    pub map: RgbImage,
    /// What is known.
    pub facts: Facts,
}

impl City {
    /// The lessons of a split, drawn on all processors, in the plan's order: each sample of the split once. Pictures are as
    /// [`City::read`] gives them, before they are encoded.
    pub fn lessons(self: &Arc<Self>, split: &str) -> impl Iterator<Item = Lesson> + Send + use<> {
        let (split, look) = self.looks(split);
        let quarters: Vec<Quarter> = self.plan().iter().filter(|(_, s)| *s == split).map(|(q, _)| q.clone()).collect();
        let city = Arc::clone(self);
        let work = move |quarter: Quarter| {
            let classes = city.classes(&split);
            let built = quarter::build(&quarter, classes);
            let size = city.spec.size;
            let asked = quarter.asks.iter().zip(&built.views);
            let lesson = |(ask, view): (&super::Planned, &super::View)| {
                let scene = city.scene(&quarter, &built, view, classes, String::new(), true);
                let drawn = scene.map(&look);
                let lost: HashSet<usize> = drawn.crowded_out.iter().copied().collect();
                let to = pixels(view, size);
                let within = |[x, y]: Xy| x >= 0.0 && y >= 0.0 && x < f64::from(size) && y < f64::from(size);
                let seen = |ring: &[Xy]| ring.iter().any(|p| within(*p));
                // Each meaning has two features after those of the streets: its ground and its icon.
                let first = scene.features.len() - 1 - 2 * built.meanings.len();
                let places = built.meanings.iter().enumerate().filter_map(|(i, meaning)| {
                    let ring: Vec<Xy> = built.layout.sites[meaning.site].ring.iter().map(|p| to(*p)).collect();
                    let (icon, feature) = (to(meaning.anchor), first + 2 * i + 1);
                    let label = drawn.labels.iter().find(|l| l.feature == feature && l.kind == LabelKind::Place);
                    let corners = label.map(|l| l.quads.iter().flatten().copied().collect::<Vec<Xy>>());
                    let kind = &classes.kinds[meaning.class];
                    seen(&ring).then(|| Taught {
                        name: meaning.names.english.clone().unwrap_or_else(|| meaning.names.local.clone()),
                        class: kind.name.clone(),
                        function: kind.function.clone(),
                        icon: (within(icon) && !lost.contains(&feature)).then_some(icon),
                        label: corners.and_then(|c| hull(&c)),
                        ring,
                    })
                });
                let meant: HashSet<usize> = built.meanings.iter().map(|m| m.site).collect();
                let sites = built.layout.sites.iter().enumerate().filter(|(i, _)| !meant.contains(i));
                let rings = sites.map(|(_, s)| s.ring.iter().map(|p| to(*p)).collect::<Vec<Xy>>());
                let facts = Facts {
                    size,
                    asked: Asked { id: ask.id.clone(), level: ask.level, text: city.ask(ask, view, classes).text },
                    places: places.collect(),
                    others: rings.filter(|r| seen(r)).collect(),
                };
                Lesson { satellite: scene.satellite, map: drawn.image, facts }
            };
            asked.map(lesson).collect::<Vec<_>>()
        };
        let threads = self.spec.threads.unwrap_or_else(parallel::processors);
        parallel::in_order(quarters.into_iter(), threads, work).flatten()
    }
}

fn hull(points: &[Xy]) -> Option<[f64; 4]> {
    let start = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    let grow = |b: [f64; 4], p: &Xy| [b[0].min(p[0]), b[1].min(p[1]), b[2].max(p[0]), b[3].max(p[1])];
    (!points.is_empty()).then(|| points.iter().fold(start, grow))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mask;
    use crate::city::Spec;
    use crate::store::Fields;

    #[test]
    fn lessons_are_the_samples_with_all_that_is_known() {
        let spec = Spec { samples: 24, new: 4, size: 256, jpeg: None, ..Spec::default() };
        let city = Arc::new(City::open(spec).unwrap());
        for split in ["train", "ood-region", "ood-style-dark"] {
            let lessons: Vec<Lesson> = city.lessons(split).collect();
            let samples: Vec<_> = city.read(split, None, Fields::ALL).map(|s| s.unwrap().decode().unwrap()).collect();
            assert_eq!(lessons.len(), samples.len(), "{split}");
            let (mut shown, mut named) = (0, 0);
            for (lesson, sample) in lessons.iter().zip(&samples) {
                let (facts, query) = (&lesson.facts, &sample.query);
                assert_eq!((&facts.asked.id, &facts.asked.text), (&query.id, &query.text));
                assert_eq!(&lesson.satellite, query.satellite.as_ref());
                assert_eq!(Some(&lesson.map), query.map.as_deref());
                let asked = facts.places.iter().filter(|p| {
                    *match facts.asked.level {
                        Level::Name => &p.name,
                        Level::Class => &p.class,
                        Level::Function => &p.function,
                    } == facts.asked.text
                });
                let mut mask = Mask::new(256, 256);
                for place in asked {
                    let mut one = Mask::new(256, 256);
                    one.fill_rings(std::slice::from_ref(&place.ring));
                    mask = mask.or(&one).unwrap();
                    shown += usize::from(place.icon.is_some());
                    named += usize::from(place.label.is_some());
                    // An icon stands on its site.
                    if let Some([x, y]) = place.icon {
                        assert!(one.get(x as u32, y as u32) || one.area() < 40, "{}", facts.asked.id);
                    }
                }
                let truth = sample.truth.as_ref().unwrap();
                assert_eq!(mask, truth.mask, "{}", facts.asked.id);
            }
            assert!(shown * 10 >= lessons.len() * 9 && named * 4 >= lessons.len(), "{shown} {named}");
        }
    }
}
