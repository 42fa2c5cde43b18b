//! The embedded city: scenes without files and without a network, made of a seed.
//!
//! What a place *is* shows on the map; where it *ends* shows from above. Quarters are laid out by region, samples look
//! through windows of them, and every picture depends on the seed and the sample alone.

pub(crate) mod classes;
pub(crate) mod layout;
mod plan;
pub mod probe;
pub(crate) mod quarter;
pub(crate) mod region;
mod satellite;
mod spec;
mod words;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use socio_map::Names;

pub use spec::{CityError, Spec, style};

use crate::scene::{Ask, Look, Place, Provenance, Scene, Told, columns, fields, map_file};
use crate::split::{self, Item};
use crate::store::{Encoded, Extras, FieldProblem, Fields, Origin, Samples};
use crate::{Level, parallel};
use classes::Classes;
use plan::{Planned, Quarter};
use quarter::{Built, View, pixels};

/// The split of the new regions.
pub const NEW_REGIONS: &str = "ood-region";

/// The city, ready to be looked at.
#[derive(Debug)]
pub struct City {
    spec: Spec,
    look: Look,
    old: Classes,
    new: Classes,
    plan: OnceLock<Vec<(Quarter, &'static str)>>,
}

impl City {
    /// Opens the city that a specification describes.
    ///
    /// # Errors
    /// When its map style is not there.
    pub fn open(spec: Spec) -> Result<Self, CityError> {
        let look = spec.look()?;
        let (old, new) = Classes::embedded().map_err(|e| CityError::Hierarchy(e.to_string()))?;
        Ok(Self { spec, look, old, new, plan: OnceLock::new() })
    }

    /// What it was opened as.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Train, val, test and the new regions.
    pub fn splits() -> Vec<String> {
        split::SPLITS.iter().chain(&[NEW_REGIONS]).map(|s| (*s).to_owned()).collect()
    }

    /// Quarters with their splits: the in-domain ones 6 to 1 to 3, stratified.
    fn plan(&self) -> &[(Quarter, &'static str)] {
        self.plan.get_or_init(|| {
            let quarters = plan::in_domain(self.spec.seed, self.spec.samples, &self.old);
            let items: Vec<Item> =
                quarters.iter().flat_map(|q| q.asks.iter().map(|a| self.item(q, a, &self.old))).collect();
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

    fn item(&self, quarter: &Quarter, ask: &Planned, classes: &Classes) -> Item {
        let kind = &classes.kinds[ask.class];
        let what = if ask.level == Level::Function { &kind.function } else { &kind.name };
        Item { group: quarter.key.clone(), labels: vec![ask.level.label().to_owned(), what.clone()] }
    }

    /// How far each level's and class's shares are from 6 to 1 to 3, the furthest first.
    pub fn deviations(&self) -> Vec<split::Deviation> {
        let (mut items, mut splits) = (Vec::new(), Vec::new());
        for (quarter, split) in self.plan().iter().filter(|(_, s)| *s != NEW_REGIONS) {
            let index = split::SPLITS.iter().position(|s| s == split).unwrap_or(0);
            for ask in &quarter.asks {
                items.push(self.item(quarter, ask, &self.old));
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
        let quarters: Vec<Quarter> = self
            .plan()
            .iter()
            .filter(|(_, s)| *s == split)
            .map(|(q, _)| q.clone())
            .filter(|q| wanted.is_none_or(|w| q.asks.iter().any(|a| w.contains(&a.id))))
            .collect();
        let (city, split, wanted) = (Arc::clone(self), split.to_owned(), wanted.cloned());
        let work = move |quarter: Quarter| {
            let built = quarter::build(&quarter, city.classes(&split));
            let asked = quarter.asks.iter().zip(&built.views);
            asked
                .filter(|(ask, _)| wanted.as_ref().is_none_or(|w| w.contains(&ask.id)))
                .map(|(ask, view)| city.sample(&quarter, &built, ask, view, &split, read))
                .collect::<Vec<_>>()
        };
        let threads = self.spec.threads.unwrap_or_else(parallel::processors);
        Box::new(parallel::in_order(quarters.into_iter(), threads, work).flatten().map(Ok))
    }

    fn ask(&self, planned: &Planned, view: &View, classes: &Classes) -> Ask {
        let kind = &classes.kinds[planned.class];
        Ask {
            id: planned.id.clone(),
            level: planned.level,
            text: view.text.clone(),
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

    fn sample(&self, quarter: &Quarter, built: &Built, ask: &Planned, view: &View, split: &str, read: Fields) -> Encoded {
        let classes = self.classes(split);
        let asked = self.ask(ask, view, classes);
        let key = format!("{}.{}", quarter.key, ask.id);
        if !read.images && !read.mask {
            let told = Told { split, style: &self.look.style.name, area: None, instances: None };
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
        let scene = self.scene(quarter, built, view, classes, key, read.images);
        let satellite = scene.satellite_file(self.look.jpeg);
        let map = map_file(&scene.map(&self.look).image);
        let unread = || crate::store::Image { bytes: Vec::new(), path: None };
        let mut sample = scene.sample(&asked, split, &self.look, unread(), unread());
        (sample.satellite, sample.map) = if read.images {
            (satellite, map)
        } else {
            (Err(FieldProblem::NotRead), Err(FieldProblem::NotRead))
        };
        sample
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
