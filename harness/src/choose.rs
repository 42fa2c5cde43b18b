//! Which samples a run is of, and the hash of their inputs.

use std::collections::BTreeSet;

use socio_dataset::hash::FieldHasher;
use socio_dataset::store::{Dataset, Fields};
use socio_record::{SampleEntry, Selection};

use crate::HarnessError;

/// The ids of a split that a selection chooses, in the order of the dataset.
///
/// # Errors
/// When the split cannot be read, an id is asked for that is not there or there twice, or nothing is left.
pub fn choose(dataset: &Dataset, split: &str, selection: &Selection) -> Result<Vec<String>, HarnessError> {
    let index = dataset.index(split)?;
    let mut all = BTreeSet::new();
    for sample in &index {
        if sample.id.is_empty() {
            return Err(HarnessError::NoId { split: split.to_owned(), origin: sample.origin.to_string() });
        }
        if !all.insert(sample.id.as_str()) {
            return Err(HarnessError::DuplicateId { split: split.to_owned(), id: sample.id.clone() });
        }
    }
    let unknown: Vec<String> = selection.ids.iter().filter(|id| !all.contains(id.as_str())).take(10).cloned().collect();
    if !unknown.is_empty() {
        return Err(HarnessError::UnknownIds { split: split.to_owned(), ids: unknown });
    }
    let wanted = |id: &str| selection.ids.is_empty() || selection.ids.iter().any(|i| i == id);
    let at_level = |sample: &socio_dataset::store::Encoded| {
        selection.levels.is_empty() || sample.level().is_some_and(|l| selection.levels.iter().any(|s| s == l.prefix()))
    };
    let chosen: Vec<String> = index
        .iter()
        .filter(|s| wanted(&s.id) && at_level(s))
        .take(selection.limit.unwrap_or(usize::MAX))
        .map(|s| s.id.clone())
        .collect();
    if chosen.is_empty() {
        return Err(HarnessError::NoSamples { split: split.to_owned() });
    }
    Ok(chosen)
}

/// The inputs' hash of each chosen sample, and one over all of them; `progress` is called after each.
///
/// # Errors
/// When the split cannot be read on.
pub fn fingerprint(
    dataset: &Dataset,
    split: &str,
    ids: &[String],
    mut progress: impl FnMut(usize),
) -> Result<(Vec<SampleEntry>, String), HarnessError> {
    let wanted: BTreeSet<String> = ids.iter().cloned().collect();
    let mut entries = Vec::with_capacity(ids.len());
    // What is generated follows from its specification: hashing that is as good as drawing everything.
    if let Some(generation) = dataset.generation() {
        let inputs = |id: &String| FieldHasher::default().field(&generation).field(split).field(id).hex(16);
        entries.extend(ids.iter().map(|id| SampleEntry { inputs: inputs(id), id: id.clone() }));
        progress(entries.len());
        let all = entries.iter().fold(FieldHasher::default(), |h, e| h.field(&e.id).field(&e.inputs)).hex(16);
        return Ok((entries, all));
    }
    for sample in dataset.read(split, Some(&wanted), Fields::ALL)? {
        let sample = sample?;
        entries.push(SampleEntry { inputs: sample.fingerprint(), id: sample.id });
        progress(entries.len());
    }
    if entries.len() != ids.len() {
        return Err(HarnessError::Vanished { split: split.to_owned(), chosen: ids.len(), read: entries.len() });
    }
    let all = entries.iter().fold(FieldHasher::default(), |h, e| h.field(&e.id).field(&e.inputs)).hex(16);
    Ok((entries, all))
}
