//! The state of a training run on disk: enough to go on from, to the last bit.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use socio_dataset::files;

use crate::error::TrainError;
use crate::optim::AdamW;
use crate::parameters::{Parameter, Parameters};

/// What a checkpoint says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// What is trained, by which recipe: a run goes on from its own checkpoints alone.
    pub recipe: String,
    /// Steps made.
    pub step: u64,
}

/// The state of a training run. Randomness goes by seed and step, so there is no generator to keep.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// What it is of.
    pub header: Header,
    /// The parameters.
    pub parameters: Parameters,
    /// The optimiser's state.
    pub optimiser: AdamW,
}

const HEADER: &str = "socio-train";

impl Checkpoint {
    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), TrainError> {
        let wrong = |why: String| TrainError::Checkpoint { path: path.to_owned(), why };
        let mut parts: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
        let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        for (key, p) in &self.parameters.0 {
            parts.push((format!("value.{key}"), p.shape.clone(), bytes(&p.values)));
        }
        for (key, (mean, square)) in &self.optimiser.means {
            parts.push((format!("mean.{key}"), vec![mean.len()], bytes(mean)));
            parts.push((format!("square.{key}"), vec![square.len()], bytes(square)));
        }
        let views = parts
            .iter()
            .map(|(key, shape, data)| Ok((key.as_str(), TensorView::new(Dtype::F32, shape.clone(), data)?)));
        let views = views.collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
        let views = views.map_err(|e| wrong(e.to_string()))?;
        let told = serde_json::to_string(&self.header).map_err(|e| wrong(e.to_string()))?;
        let told = HashMap::from([(HEADER.to_owned(), told)]);
        let file = safetensors::serialize(views, Some(told)).map_err(|e| wrong(e.to_string()))?;
        Ok(files::write(path, &file)?)
    }

    /// Reads one.
    ///
    /// # Errors
    /// When the file is missing, damaged or none of ours.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let wrong = |why: String| TrainError::Checkpoint { path: path.to_owned(), why };
        let bytes = files::read(path)?;
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| wrong(e.to_string()))?;
        let told = metadata.metadata().as_ref().and_then(|m| m.get(HEADER));
        let told = told.ok_or_else(|| wrong("is no checkpoint of a training run".to_owned()))?;
        let header: Header = serde_json::from_str(told).map_err(|e| wrong(e.to_string()))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|e| wrong(e.to_string()))?;
        let mut made = Self { header, parameters: Parameters::default(), optimiser: AdamW::default() };
        made.optimiser.steps = made.header.step;
        for (name, view) in file.tensors() {
            if view.dtype() != Dtype::F32 {
                return Err(wrong(format!("`{name}` is {:?}, not F32", view.dtype())));
            }
            let values: Vec<f32> = view.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
            if let Some(key) = name.strip_prefix("value.") {
                made.parameters.0.insert(key.to_owned(), Parameter { shape: view.shape().to_vec(), values });
            } else if let Some(key) = name.strip_prefix("mean.") {
                made.optimiser.means.entry(key.to_owned()).or_default().0 = values;
            } else if let Some(key) = name.strip_prefix("square.") {
                made.optimiser.means.entry(key.to_owned()).or_default().1 = values;
            }
        }
        for (key, (mean, square)) in &made.optimiser.means {
            let size = made.parameters.0.get(key).map(|p| p.values.len());
            if size != Some(mean.len()) || size != Some(square.len()) {
                return Err(wrong(format!("the optimiser's state of `{key}` does not go with it")));
            }
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::Settings;
    use crate::parameters::Gradients;

    #[test]
    fn a_run_goes_on_from_its_checkpoint_to_the_last_bit() {
        let parameter = Parameter { shape: vec![2, 2], values: vec![0.1, -0.2, 0.3, f32::MIN_POSITIVE] };
        let mut whole = Checkpoint {
            header: Header { recipe: "test".to_owned(), step: 0 },
            parameters: Parameters([("w".to_owned(), parameter)].into()),
            optimiser: AdamW::default(),
        };
        let step = |c: &mut Checkpoint, n: u64| {
            let gradient = (0..4).map(|i| ((n * 7 + i) as f32).sin()).collect();
            let gradients = Gradients([("w".to_owned(), gradient)].into());
            c.optimiser.step(&mut c.parameters, &gradients, &Settings::default(), 1e-2, &|_| 1.0);
            c.header.step += 1;
        };
        (0..3).for_each(|n| step(&mut whole, n));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.safetensors");
        whole.write(&path).unwrap();
        let mut again = Checkpoint::read(&path).unwrap();
        assert_eq!(again, whole);
        for n in 3..6 {
            step(&mut whole, n);
            step(&mut again, n);
        }
        assert_eq!(again, whole);
        std::fs::write(&path, b"no such file").unwrap();
        assert!(Checkpoint::read(&path).unwrap_err().to_string().contains("state.safetensors"));
    }
}
