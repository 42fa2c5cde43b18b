//! Seconds by phase, a column a phase.

use std::collections::BTreeMap;

/// Seconds of each sample by phase; a sample without a phase has NaN there.
#[derive(Debug, Clone, Default)]
pub struct Phases {
    columns: BTreeMap<String, Vec<f32>>,
}

impl Phases {
    /// Adds the timings of sample `at`; those before it must have been added.
    pub(crate) fn push(&mut self, at: usize, timings: &BTreeMap<String, f64>) {
        for (name, seconds) in timings {
            let column = match self.columns.get_mut(name) {
                Some(column) => column,
                None => self.columns.entry(name.clone()).or_default(),
            };
            column.resize(at, f32::NAN);
            column.push(*seconds as f32);
        }
    }

    /// Keeps these samples, in this order.
    pub(super) fn reorder(&mut self, order: &[usize]) {
        for column in self.columns.values_mut() {
            *column = order.iter().map(|i| column.get(*i).copied().unwrap_or(f32::NAN)).collect();
        }
    }

    /// The names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.keys().map(String::as_str)
    }

    /// Seconds that sample `at` spent in a phase.
    pub fn seconds(&self, phase: &str, at: usize) -> Option<f64> {
        self.columns.get(phase)?.get(at).map(|s| f64::from(*s)).filter(|s| s.is_finite())
    }

    /// All samples' seconds in a phase, without those that have none.
    pub fn all(&self, phase: &str) -> Vec<f64> {
        let column = self.columns.get(phase).map_or(&[][..], Vec::as_slice);
        column.iter().map(|s| f64::from(*s)).filter(|s| s.is_finite()).collect()
    }
}
