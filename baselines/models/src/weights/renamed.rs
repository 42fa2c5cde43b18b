//! Weights under other names than the ones an architecture asks for.

use std::borrow::Cow;

use super::{View, Weights};
use crate::{ModelError, Result};

/// Where a weight comes from that an architecture asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A weight of that key.
    Key(String),
    /// Some rows (entries of the first dimension) of a weight: a part of several that were fused into one.
    Rows {
        /// The fused weight's key.
        key: String,
        /// The first row.
        start: usize,
        /// How many rows.
        length: usize,
    },
    /// Several weights, one after the other along the first dimension.
    Joined(Vec<String>),
}

/// The keys of a source by an architecture's keys; none where the source has nothing for one.
type Table = Box<dyn Fn(&str) -> Option<Origin> + Send + Sync>;

/// A source read under an architecture's own keys.
///
/// What is asked for goes by the architecture's keys, [`Weights::keys`] are the source's, and [`Weights::origins`] leads from
/// one to the other: that is how [`crate::Vars::finish`] knows which of the source's keys nothing asked for.
///
/// It is for files. Random weights need no other names, and do not know how large a fused weight would be.
pub struct Renamed {
    source: Box<dyn Weights>,
    table: Table,
}

impl Renamed {
    /// The source under the names that `table` gives.
    pub fn new(source: Box<dyn Weights>, table: impl Fn(&str) -> Option<Origin> + Send + Sync + 'static) -> Self {
        Self { source, table: Box::new(table) }
    }

    fn rows(&self, key: &str, shape: &[usize], start: usize, length: usize) -> Result<Option<View<'_>>> {
        let Some(mut view) = self.source.view(key, shape)? else { return Ok(None) };
        let rows = view.shape.first().copied().unwrap_or(0);
        let stop = start.checked_add(length).filter(|stop| *stop <= rows && length > 0);
        let stop = stop.ok_or_else(|| {
            self.wrong(format!("weight `{key}` of shape {:?} has no {length} rows from row {start}", view.shape))
        })?;
        let row = view.bytes.len() / rows;
        let range = start * row..stop * row;
        view.bytes = match view.bytes {
            Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[range]),
            Cow::Owned(bytes) => Cow::Owned(bytes[range].to_vec()),
        };
        view.shape[0] = length;
        Ok(Some(view))
    }

    fn joined(&self, keys: &[String], shape: &[usize]) -> Result<Option<View<'_>>> {
        let mut whole: Option<View<'_>> = None;
        let mut missing = None;
        for key in keys {
            let Some(part) = self.source.view(key, shape)? else {
                missing = Some(key);
                continue;
            };
            let Some(whole) = &mut whole else {
                whole = Some(part);
                continue;
            };
            if part.shape.is_empty() || whole.shape.get(1..) != part.shape.get(1..) || whole.dtype != part.dtype {
                return Err(self.wrong(format!(
                    "weight `{key}` ({} {:?}) cannot be joined to one of {} {:?}",
                    part.dtype, part.shape, whole.dtype, whole.shape
                )));
            }
            whole.shape[0] += part.shape[0];
            whole.bytes.to_mut().extend_from_slice(&part.bytes);
        }
        match (missing, &whole) {
            (Some(key), Some(_)) => Err(self.wrong(format!("weight `{key}` is missing of {keys:?}"))),
            _ => Ok(whole),
        }
    }

    fn wrong(&self, why: String) -> ModelError {
        ModelError::Op { op: "renaming weights", why: format!("{}: {why}", self.name()) }
    }
}

impl Weights for Renamed {
    fn name(&self) -> String {
        self.source.name()
    }

    fn view(&self, key: &str, shape: &[usize]) -> Result<Option<View<'_>>> {
        match (self.table)(key) {
            None => Ok(None),
            Some(Origin::Key(key)) => self.source.view(&key, shape),
            Some(Origin::Rows { key, start, length }) => self.rows(&key, shape, start, length),
            Some(Origin::Joined(keys)) => self.joined(&keys, shape),
        }
    }

    fn taken(&self, key: &str) {
        for origin in self.origins(key) {
            self.source.taken(&origin);
        }
    }

    fn keys(&self) -> Vec<String> {
        self.source.keys()
    }

    fn origins(&self, key: &str) -> Vec<String> {
        let keys = match (self.table)(key) {
            None => Vec::new(),
            Some(Origin::Key(key) | Origin::Rows { key, .. }) => vec![key],
            Some(Origin::Joined(keys)) => keys,
        };
        keys.iter().flat_map(|key| self.source.origins(key)).collect()
    }

    fn fingerprint(&self) -> String {
        self.source.fingerprint()
    }
}
