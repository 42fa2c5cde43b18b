//! The embedded city: scenes without files and without a network, made of a seed.
//!
//! What a place *is* shows on the map; where it *ends* shows from above. Quarters are laid out by region, samples look
//! through windows of them, and every picture depends on the seed and the sample alone.

pub(crate) mod classes;
#[cfg(test)]
mod golden;
pub(crate) mod layout;
mod lesson;
mod plan;
pub mod probe;
pub(crate) mod quarter;
pub(crate) mod region;
mod satellite;
mod spec;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use socio_map::{Names, Style, Words};

pub use lesson::{Asked, Facts, Lesson, Taught};
pub use spec::{CityError, Spec, style};

use crate::scene::{Ask, Look, Place, Provenance, Scene, Told, columns, fields, map_file};
use crate::split::{self, Item};
use crate::store::{Encoded, Extras, FieldProblem, Fields, Image, Origin, Samples};
use crate::{Level, parallel};
use classes::Classes;
use plan::{Planned, Quarter};
use quarter::{Built, View, pixels};

/// The split of the new regions.
pub const NEW_REGIONS: &str = "ood-region";
/// What splits begin with that show the test samples on maps of another style, as `ood-style-web`.
pub const OTHER_STYLE: &str = "ood-style-";
/// The version of everything that is drawn: a run on another one is of other data. Raised whenever a pixel changes.
pub const GENERATION: u32 = 1;

/// The city, ready to be looked at.
#[derive(Debug)]
pub struct City {
    spec: Spec,
    look: Look,
    old: Classes,
    new: Classes,
    plan: OnceLock<Vec<(Quarter, &'static str)>>,
    drawn: Drawn,
}

/// Pictures already drawn: several methods run on the same samples. Bounded; what no longer fits is drawn again.
#[derive(Debug, Default)]
struct Drawn(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    bytes: usize,
    /// By split and id: satellite and map.
    pictures: BTreeMap<(String, String), [Image; 2]>,
}

impl Drawn {
    /// Bytes of encoded pictures kept.
    const BYTES: usize = 384 << 20;

    fn get(&self, id: &str, split: &str) -> Option<[Image; 2]> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.pictures.get(&(split.to_owned(), id.to_owned())).cloned()
    }

    fn keep(&self, id: &str, split: &str, pictures: &[Image; 2]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let size: usize = pictures.iter().map(|p| p.bytes.len()).sum();
        let key = (split.to_owned(), id.to_owned());
        if kept.bytes + size <= Self::BYTES && kept.pictures.insert(key, pictures.clone()).is_none() {
            kept.bytes += size;
        }
    }
}

impl City {
    /// Opens the city that a specification describes.
    ///
    /// # Errors
    /// When its map style is not there.
    pub fn open(spec: Spec) -> Result<Self, CityError> {
        let look = spec.look()?;
        let (old, new) = Classes::embedded().map_err(|e| CityError::Hierarchy(e.to_string()))?;
        Ok(Self { spec, look, old, new, plan: OnceLock::new(), drawn: Drawn::default() })
    }

    /// What it was opened as.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Train, val, test, the new regions, and the test samples in each style that training never shows.
    pub fn splits(&self) -> Vec<String> {
        let new = (self.spec.new > 0).then_some(NEW_REGIONS);
        let own = split::SPLITS.into_iter().chain(new).map(str::to_owned);
        let styles = Style::names().filter(|name| *name != self.spec.style);
        own.chain(styles.map(|name| format!("{OTHER_STYLE}{name}"))).collect()
    }

    /// The split whose samples are asked, and the look of their maps.
    fn looks(&self, split: &str) -> (String, Look) {
        let style = split.strip_prefix(OTHER_STYLE).and_then(|name| Style::embedded(name).ok());
        match style {
            Some(style) => ("test".to_owned(), Look { style: Arc::new(style), ..self.look.clone() }),
            // Where signs are foreign, maps show both scripts.
            None if split == NEW_REGIONS && self.spec.words == Words::English => {
                (split.to_owned(), Look { words: Words::Both, ..self.look.clone() })
            }
            None => (split.to_owned(), self.look.clone()),
        }
    }

    /// Quarters with their splits: the in-domain ones 6 to 1 to 3, stratified.
    fn plan(&self) -> &[(Quarter, &'static str)] {
        self.plan.get_or_init(|| {
            let quarters = plan::in_domain(self.spec.seed, self.spec.samples, &self.old);
            let items: Vec<Item> = quarters.iter().flat_map(|q| q.asks.iter().map(|a| item(q, a, &self.old))).collect();
            let splits = split::assign(&items, self.spec.seed);
            let mut next = splits.into_iter();
            let mut all: Vec<(Quarter, &'static str)> = Vec::new();
            for quarter in quarters {
                let splits: Vec<usize> = next.by_ref().take(quarter.asks.len()).collect();
                all.push((quarter, split::SPLITS[splits.first().copied().unwrap_or(0)]));
            }
            let new = plan::new_regions(self.spec.seed, self.spec.new, &self.new);
            all.extend(new.into_iter().map(|q| (q, NEW_REGIONS)));
            all
        })
    }

    /// How far each level's and class's shares are from 6 to 1 to 3, the furthest first.
    pub fn deviations(&self) -> Vec<split::Deviation> {
        let (mut items, mut splits) = (Vec::new(), Vec::new());
        for (quarter, split) in self.plan().iter().filter(|(_, s)| *s != NEW_REGIONS) {
            let index = split::SPLITS.iter().position(|s| s == split).unwrap_or(0);
            for ask in &quarter.asks {
                items.push(item(quarter, ask, &self.old));
                splits.push(index);
            }
        }
        split::deviations(&items, &splits)
    }

    fn classes(&self, split: &str) -> &Classes {
        if split == NEW_REGIONS { &self.new } else { &self.old }
    }

    /// Reads the samples of a split, drawn on all processors and delivered in the plan's order.
    pub fn read<'a>(self: &Arc<Self>, split: &str, wanted: Option<&BTreeSet<String>>, read: Fields) -> Samples<'a> {
        let told = split.to_owned();
        let (split, look) = self.looks(split);
        let quarters: Vec<Quarter> = self
            .plan()
            .iter()
            .filter(|(_, s)| *s == split)
            .map(|(q, _)| q.clone())
            .filter(|q| wanted.is_none_or(|w| q.asks.iter().any(|a| w.contains(&a.id))))
            .collect();
        let (city, wanted) = (Arc::clone(self), wanted.cloned());
        let work = move |quarter: Quarter| {
            let built = quarter::build(&quarter, city.classes(&split));
            let asked = quarter.asks.iter().zip(&built.views);
            asked
                .filter(|(ask, _)| wanted.as_ref().is_none_or(|w| w.contains(&ask.id)))
                .map(|(ask, view)| {
                    let from = (&quarter, &built, ask, view);
                    city.sample(from, city.classes(&split), &told, &look, read)
                })
                .collect::<Vec<_>>()
        };
        let threads = self.spec.threads.unwrap_or_else(parallel::processors);
        Box::new(parallel::in_order(quarters.into_iter(), threads, work).flatten().map(Ok))
    }

    /// What is written on the map of a sample, and where; empty for an id that the split does not have.
    pub fn labels(&self, split: &str, id: &str) -> Vec<socio_map::Label> {
        let (split, look) = self.looks(split);
        let classes = self.classes(&split);
        let quarters = self.plan().iter().filter(|(_, s)| *s == split).map(|(q, _)| q);
        let found =
            quarters.flat_map(|q| q.asks.iter().enumerate().map(move |(i, a)| (q, i, a))).find(|f| f.2.id == id);
        let Some((quarter, index, _)) = found else { return Vec::new() };
        let built = quarter::build(quarter, classes);
        self.scene(quarter, &built, &built.views[index], classes, String::new(), true).map(&look).labels
    }

    fn ask(&self, planned: &Planned, view: &View, classes: &Classes) -> Ask {
        let kind = &classes.kinds[planned.class];
        Ask {
            id: planned.id.clone(),
            level: planned.level,
            text: if self.spec.words == Words::Local { view.local.clone() } else { view.text.clone() },
            class: kind.name.clone(),
            function: kind.function.clone(),
        }
    }

    fn provenance(&self, built: &Built, view: &View) -> Provenance {
        Provenance {
            region: built.region.name.to_owned(),
            crs: None,
            bounds: None,
            gsd_m: view.side / f64::from(self.spec.size),
            source: format!("socio-bench embedded city, seed {}", self.spec.seed),
            licence: "Apache-2.0".to_owned(),
            attribution: "generated by socio-bench: no real place".to_owned(),
        }
    }

    fn sample(
        &self,
        (quarter, built, ask, view): (&Quarter, &Built, &Planned, &View),
        classes: &Classes,
        split: &str,
        look: &Look,
        read: Fields,
    ) -> Encoded {
        let asked = self.ask(ask, view, classes);
        // Windows of a quarter overlap: to an interval they are one scene.
        let key = quarter.key.clone();
        if !read.images && !read.mask {
            let told = Told { split, style: &look.style.name, area: None, instances: None };
            let size = (self.spec.size, self.spec.size);
            let fields = fields(&asked, &key, &quarter.key, &self.provenance(built, view), size, &told);
            return Encoded {
                id: asked.id,
                origin: Origin { file: key.into(), row: None },
                problem: Ok(asked.text),
                satellite: Err(FieldProblem::NotRead),
                map: Err(FieldProblem::NotRead),
                mask: Err(FieldProblem::NotRead),
                extras: Extras::from_json(&fields, &columns()),
            };
        }
        let kept = if read.images { self.drawn.get(&ask.id, split) } else { None };
        let scene = self.scene(quarter, built, view, classes, key, read.images && kept.is_none());
        let (satellite, map) = match kept {
            Some([satellite, map]) => (Ok(satellite), Ok(map)),
            None if read.images => (scene.satellite_file(look.jpeg), map_file(&scene.map(look).image)),
            None => (Err(FieldProblem::NotRead), Err(FieldProblem::NotRead)),
        };
        if let (Ok(satellite), Ok(map)) = (&satellite, &map) {
            self.drawn.keep(&ask.id, split, &[satellite.clone(), map.clone()]);
        }
        scene.sample(&asked, split, look, satellite, map)
    }

    /// The window of a view: its satellite view (if wanted), what the map shows, and its places.
    fn scene(
        &self,
        quarter: &Quarter,
        built: &Built,
        view: &View,
        classes: &Classes,
        key: String,
        pictures: bool,
    ) -> Scene {
        let to = pixels(view, self.spec.size);
        let size = f64::from(self.spec.size);
        let places = built.meanings.iter().map(|m| {
            let kind = &classes.kinds[m.class];
            let site = &built.layout.sites[m.site];
            Place {
                id: format!("{}/{}", quarter.key, m.site),
                names: Names { local: m.names.local.clone(), english: m.names.english.clone() },
                class: kind.name.clone(),
                function: kind.function.clone(),
                rings: vec![site.ring.iter().map(|p| to(*p)).collect()],
            }
        });
        let seen = |p: &Place| p.rings.iter().flatten().any(|[x, y]| *x > 0.0 && *y > 0.0 && *x < size && *y < size);
        Scene {
            key,
            group: quarter.key.clone(),
            satellite: if pictures {
                satellite::render(built, view, self.spec.size)
            } else {
                image::RgbImage::new(self.spec.size, self.spec.size)
            },
            features: if pictures { built.features(view, self.spec.size, classes) } else { Vec::new() },
            places: places.filter(seen).collect(),
            provenance: self.provenance(built, view),
        }
    }
}

/// A planned sample, to be put into a split.
fn item(quarter: &Quarter, ask: &Planned, classes: &Classes) -> Item {
    let kind = &classes.kinds[ask.class];
    let what = if ask.level == Level::Function { &kind.function } else { &kind.name };
    Item { group: quarter.key.clone(), labels: vec![ask.level.label().to_owned(), what.clone()] }
}
