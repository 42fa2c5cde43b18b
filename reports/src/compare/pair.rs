//! Which samples of two runs stand against each other, and why two runs cannot be compared.

use std::collections::BTreeMap;

use socio_record::Manifest;

use crate::digest::{Digest, Entry};

/// What may differ between the two runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Data and sample sets: the samples that both have, with equal inputs, are compared.
    pub intersect: bool,
    /// Prompts and grammar.
    pub prompts: bool,
    /// The method: two methods on one set are a comparison, a run against its baseline is of one.
    pub method: bool,
}

/// Two runs that cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{after} cannot be compared with {before}:\n{}", differences.join("\n"))]
pub struct Incomparable {
    /// The run before.
    pub before: String,
    /// The run after.
    pub after: String,
    /// A line a difference.
    pub differences: Vec<String>,
}

/// Samples that stand against each other.
#[derive(Debug, Clone)]
pub struct Pairs<'a> {
    /// The run before.
    pub before: &'a Digest,
    /// The run after.
    pub after: &'a Digest,
    /// Entries of one sample, before and after, both scored.
    pub entries: Vec<(&'a Entry, &'a Entry)>,
    /// Samples of the run before that are not compared.
    pub only_before: usize,
    /// Samples of the run after that are not compared.
    pub only_after: usize,
}

/// How many ids a line names.
const NAMED: usize = 5;

/// Pairs the samples of two runs by id.
///
/// # Errors
/// With every difference that is not allowed.
pub fn pairs<'a>(before: &'a Digest, after: &'a Digest, allowed: Allowed) -> Result<Pairs<'a>, Incomparable> {
    let mut differences = manifests(&before.manifest, &after.manifest, allowed);
    let mut entries = Vec::new();
    let mut changed = Vec::new();
    let mut unscored = 0;
    let mut missing: [Vec<&str>; 2] = [Vec::new(), Vec::new()];
    for a in &before.entries {
        let Some(b) = after.position(&a.id).map(|at| &after.entries[at]) else {
            missing[0].push(&a.id);
            continue;
        };
        if inputs_differ(a, b) {
            changed.push(&*a.id);
            continue;
        }
        match (&a.score, &b.score) {
            (Some(x), Some(y)) if x.truth_area == y.truth_area => entries.push((a, b)),
            (Some(_), Some(_)) => changed.push(&a.id),
            _ => unscored += 1,
        }
    }
    missing[1].extend(after.entries.iter().filter(|e| before.position(&e.id).is_none()).map(|e| &*e.id));
    if !allowed.intersect {
        let told = |ids: &[&str]| {
            let more = if ids.len() > NAMED { format!(" and {} more", ids.len() - NAMED) } else { String::new() };
            format!("{}{more}", ids[..ids.len().min(NAMED)].join(", "))
        };
        for (ids, who) in missing.iter().zip(["after", "before"]) {
            if !ids.is_empty() {
                differences.push(format!("  {} samples are missing {who}: {}", ids.len(), told(ids)));
            }
        }
        if !changed.is_empty() {
            differences.push(format!("  {} samples have other inputs: {}", changed.len(), told(&changed)));
        }
    }
    if entries.is_empty() && differences.is_empty() {
        differences.push("  they have no scored sample in common".to_owned());
    }
    if !differences.is_empty() {
        let named = |d: &Digest| d.path.display().to_string();
        return Err(Incomparable { before: named(before), after: named(after), differences });
    }
    let apart = |own: usize| changed.len() + unscored + own;
    let (only_before, only_after) = (apart(missing[0].len()), apart(missing[1].len()));
    Ok(Pairs { before, after, entries, only_before, only_after })
}

/// Hashes of inputs, of which a baseline keeps the beginning.
fn inputs_differ(a: &Entry, b: &Entry) -> bool {
    let (Some(a), Some(b)) = (&a.inputs, &b.inputs) else { return false };
    let both = a.len().min(b.len());
    a.get(..both) != b.get(..both)
}

/// How two runs differ in what must be equal.
fn manifests(before: &Manifest, after: &Manifest, allowed: Allowed) -> Vec<String> {
    let mut lines = Vec::new();
    let mut compare = |name: &str, a: &str, b: &str| {
        if a != b {
            lines.push(format!("  {name}: {a} before, {b} after"));
        }
    };
    if !allowed.intersect {
        compare("data", &before.data.fingerprint, &after.data.fingerprint);
        compare("split", &before.data.split, &after.data.split);
    }
    if !allowed.method {
        compare("method", &before.method.name, &after.method.name);
    }
    // Another method has other prompts by its nature.
    if !allowed.prompts && before.method.name == after.method.name {
        let (a, b) = (asked(before), asked(after));
        for name in a.keys().chain(b.keys().filter(|k| !a.contains_key(*k))) {
            let of = |map: &BTreeMap<&str, String>| map.get(name).cloned().unwrap_or_else(|| "-".to_owned());
            compare(name, &of(&a), &of(&b));
        }
    }
    lines
}

/// Prompts and grammar.
fn asked(manifest: &Manifest) -> BTreeMap<&str, String> {
    let of_asking = |name: &str| name.starts_with("prompt") || name == "grammar";
    let parameters = manifest.method.parameters.iter();
    parameters.filter(|(name, _)| of_asking(name)).map(|(name, value)| (name.as_str(), value.to_string())).collect()
}
