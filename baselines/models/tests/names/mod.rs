//! Networks without numbers: whether the weights that an architecture asks for are those of a list of names and shapes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use socio_models::{DType, Result, View, Weights};

/// Keys and shapes of a checkpoint.
pub(crate) struct Names(pub BTreeMap<String, Vec<usize>>);

impl Names {
    /// Of entries of a `keys.json` of `ci/fixtures_torch`: a name and its shape, or with `{}` for a number a list of first
    /// number, last number and shape.
    pub(crate) fn of(entries: &[&Value]) -> Self {
        let shape = |v: &Value| v.as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect::<Vec<_>>();
        let mut all = BTreeMap::new();
        for (name, value) in entries.iter().flat_map(|e| e.as_object().unwrap()) {
            if !name.contains("{}") {
                all.insert(name.clone(), shape(value));
                continue;
            }
            for run in value.as_array().unwrap() {
                for i in run[0].as_u64().unwrap()..=run[1].as_u64().unwrap() {
                    all.insert(name.replacen("{}", &i.to_string(), 1), shape(&run[2]));
                }
            }
        }
        Self(all)
    }
}

impl Weights for Names {
    fn name(&self) -> String {
        "keys.json".to_owned()
    }

    fn view(&self, key: &str, _: &[usize]) -> Result<Option<View<'_>>> {
        let view = |shape: &Vec<usize>| View { dtype: DType::F32, shape: shape.clone(), bytes: Cow::Borrowed(&[]) };
        Ok(self.0.get(key).map(view))
    }

    fn keys(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}
