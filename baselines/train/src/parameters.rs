//! What is trained: named values in 32 bits, apart from any library's tensors.

use std::borrow::Cow;
use std::collections::BTreeMap;

use socio_models::{Autograd, DType, Result, Tensor, View, Weights};

/// A parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, in order.
    pub values: Vec<f32>,
}

/// All parameters of a network, by their keys.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parameters(pub BTreeMap<String, Parameter>);

/// Gradients of some parameters, by their keys; a parameter that is not there has none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gradients(pub BTreeMap<String, Vec<f32>>);

impl Parameters {
    /// The weights of these keys and shapes, as a source has them.
    ///
    /// # Errors
    /// When the source lacks one, or has it in another shape.
    pub fn from_weights(source: &dyn Weights, keys: &[(String, Vec<usize>)]) -> Result<Self> {
        let vars = socio_models::Vars::<socio_models::oracle::Plain>::new(source, DType::F32, &());
        let read = |(key, shape): &(String, Vec<usize>)| {
            let values = vars.values(key, shape)?;
            Ok((key.clone(), Parameter { shape: shape.clone(), values }))
        };
        keys.iter().map(read).collect::<Result<_>>().map(Self)
    }

    /// How many values there are.
    pub fn count(&self) -> usize {
        self.0.values().map(|p| p.values.len()).sum()
    }

    /// As tensors of a library, not recorded.
    ///
    /// # Errors
    /// When the library fails.
    pub fn tensors<T: Tensor>(&self, device: &T::Device) -> Result<BTreeMap<String, T>> {
        let make = |(key, p): (&String, &Parameter)| {
            Ok((key.clone(), T::new(p.values.clone(), &p.shape, DType::F32, device)?))
        };
        self.0.iter().map(make).collect()
    }

    /// As variables of a library, those whose key `trained` knows; the others are not recorded.
    ///
    /// # Errors
    /// When the library fails.
    pub fn variables<T: Autograd>(
        &self,
        trained: &dyn Fn(&str) -> bool,
        device: &T::Device,
    ) -> Result<BTreeMap<String, T>> {
        let make = |(key, tensor): (String, T)| {
            let tensor = if trained(&key) { tensor.variable()? } else { tensor };
            Ok((key, tensor))
        };
        self.tensors::<T>(device)?.into_iter().map(make).collect()
    }

    /// Those whose key begins so, without the beginning.
    #[must_use]
    pub fn below(&self, prefix: &str) -> Self {
        let cut = |(key, p): (&String, &Parameter)| Some((key.strip_prefix(prefix)?.to_owned(), p.clone()));
        Self(self.0.iter().filter_map(cut).collect())
    }
}

/// Gradients of a value with respect to variables.
///
/// # Errors
/// When the library fails.
pub fn gradients<T: Autograd>(
    loss: &T,
    variables: &BTreeMap<String, T>,
    trained: &dyn Fn(&str) -> bool,
) -> Result<Gradients> {
    let (keys, tensors): (Vec<&String>, Vec<T>) =
        variables.iter().filter(|(key, _)| trained(key)).map(|(k, t)| (k, t.clone())).unzip();
    let found = loss.gradients(&tensors)?;
    let read = |(key, g): (&String, Option<T>)| g.map(|g| Ok((key.clone(), g.values()?)));
    keys.into_iter().zip(found).filter_map(read).collect::<Result<_>>().map(Gradients)
}

impl Gradients {
    /// Adds others to these.
    pub fn add(&mut self, others: Self) {
        for (key, theirs) in others.0 {
            match self.0.entry(key) {
                std::collections::btree_map::Entry::Vacant(place) => {
                    place.insert(theirs);
                }
                std::collections::btree_map::Entry::Occupied(mut ours) => {
                    for (a, b) in ours.get_mut().iter_mut().zip(theirs) {
                        *a += b;
                    }
                }
            }
        }
    }

    /// The root of the sum of all squares.
    pub fn norm(&self) -> f64 {
        self.0.values().flatten().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>().sqrt()
    }

    /// All times a factor.
    pub fn scale(&mut self, factor: f32) {
        self.0.values_mut().flatten().for_each(|g| *g *= factor);
    }

    /// Scales them so that their norm is `most` at most; gives the norm before.
    pub fn clip(&mut self, most: f64) -> f64 {
        let norm = self.norm();
        if norm > most {
            self.scale((most / norm) as f32);
        }
        norm
    }
}

impl Weights for Parameters {
    fn name(&self) -> String {
        "the parameters".to_owned()
    }

    fn view(&self, key: &str, _: &[usize]) -> Result<Option<View<'_>>> {
        let view = |p: &Parameter| View {
            dtype: DType::F32,
            shape: p.shape.clone(),
            bytes: Cow::Owned(p.values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        };
        Ok(self.0.get(key).map(view))
    }

    fn keys(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}
