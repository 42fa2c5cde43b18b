//! What a dataset holds: levels, classes, foreground, instances.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::store::{Dataset, Fields, StoreError};
use crate::{Level, hash};

/// Figures of one level of one split.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Group {
    /// Samples.
    pub samples: u64,
    /// Samples whose mask could not be read; they are in no figure below.
    pub unreadable: u64,
    /// Mean over samples of the set share of the image, in percent (the paper's test set: about 3.7).
    pub foreground_percent: f64,
    /// Mean number of 8-connected components of a mask.
    pub instances: f64,
    /// Samples with more than one component.
    pub multi_instance: u64,
    /// Samples with an empty mask.
    pub empty: u64,
}

/// Figures of a split.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SplitStats {
    /// Different satellite files.
    pub scenes: u64,
    /// By level label, `all` last.
    pub levels: Vec<(String, Group)>,
    /// Samples by query text at the level of classes, most first.
    pub classes: Vec<(String, u64)>,
    /// Samples by query text at the level of functions, most first.
    pub functions: Vec<(String, u64)>,
    /// Image sizes, as `768x768`, and how many masks have them.
    pub sizes: BTreeMap<String, u64>,
}

#[derive(Default)]
struct Sums {
    samples: u64,
    unreadable: u64,
    share: f64,
    instances: u64,
    multi: u64,
    empty: u64,
}

impl Sums {
    fn group(&self) -> Group {
        let read = (self.samples - self.unreadable).max(1) as f64;
        Group {
            samples: self.samples,
            unreadable: self.unreadable,
            foreground_percent: 100.0 * self.share / read,
            instances: self.instances as f64 / read,
            multi_instance: self.multi,
            empty: self.empty,
        }
    }
}

/// Figures of each of the given splits (all where empty); `progress` is called after each sample.
///
/// # Errors
/// When the store cannot be read on.
pub fn stats(
    dataset: &Dataset,
    splits: &[String],
    mut progress: impl FnMut(u64),
) -> Result<Vec<(String, SplitStats)>, StoreError> {
    let splits = if splits.is_empty() { dataset.splits() } else { splits.to_vec() };
    let mut done = 0;
    let mut all = Vec::new();
    for split in splits {
        let mut groups: BTreeMap<Option<Level>, Sums> = BTreeMap::new();
        let mut texts: BTreeMap<(Level, String), u64> = BTreeMap::new();
        let mut scenes = std::collections::BTreeSet::new();
        let mut sizes = BTreeMap::new();
        let mut total = Sums::default();
        for sample in dataset.read(&split, None, Fields::ALL)? {
            let sample = sample?;
            let level = sample.level();
            if let (Some(level @ (Level::Class | Level::Function)), Ok(text)) = (level, &sample.problem) {
                *texts.entry((level, text.clone())).or_default() += 1;
            }
            if let Ok(image) = &sample.satellite {
                scenes.insert(hash::sha256_hex(&image.bytes));
            }
            let mask = sample.decode_mask().ok();
            if let Some(mask) = &mask {
                *sizes.entry(format!("{}x{}", mask.width(), mask.height())).or_default() += 1;
            }
            for sums in [groups.entry(level).or_default(), &mut total] {
                sums.samples += 1;
                let Some(mask) = &mask else {
                    sums.unreadable += 1;
                    continue;
                };
                let pixels = u64::from(mask.width()) * u64::from(mask.height());
                let instances = mask.components().len() as u64;
                sums.share += mask.area() as f64 / pixels.max(1) as f64;
                sums.instances += instances;
                sums.multi += u64::from(instances > 1);
                sums.empty += u64::from(instances == 0);
            }
            done += 1;
            progress(done);
        }
        let mut levels: Vec<_> = Level::ALL
            .into_iter()
            .filter_map(|l| groups.get(&Some(l)).map(|s| (l.label().to_owned(), s.group())))
            .collect();
        levels.extend(groups.get(&None).map(|s| ("no level".to_owned(), s.group())));
        levels.push(("all".to_owned(), total.group()));
        let ranked = |level: Level| {
            let mut list: Vec<_> =
                texts.iter().filter(|((l, _), _)| *l == level).map(|((_, t), n)| (t.clone(), *n)).collect();
            list.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            list
        };
        let stats = SplitStats {
            scenes: scenes.len() as u64,
            levels,
            classes: ranked(Level::Class),
            functions: ranked(Level::Function),
            sizes,
        };
        all.push((split, stats));
    }
    Ok(all)
}

/// The mean foreground share of a split, in `0..=1`, from its masks alone: what `centre-box` takes its size from.
///
/// # Errors
/// When the store cannot be read on.
pub fn foreground_share(dataset: &Dataset, split: &str) -> Result<Option<f64>, StoreError> {
    let (mut sum, mut count) = (0.0, 0u64);
    for sample in dataset.read(split, None, Fields::MASK)? {
        if let Ok(mask) = sample?.decode_mask() {
            sum += mask.area() as f64 / (f64::from(mask.width()) * f64::from(mask.height())).max(1.0);
            count += 1;
        }
    }
    Ok((count > 0).then(|| sum / count as f64))
}
