//! AdamW (Loshchilov and Hutter, 2019), over values on the host: the same on every library, and its state can be saved.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::parameters::{Gradients, Parameters};

/// How AdamW goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How slowly the mean of gradients forgets, and the mean of their squares.
    pub betas: [f32; 2],
    /// Added to the root of the mean square.
    pub eps: f32,
    /// What of a matrix is taken away at each step, times the rate. Vectors (norms, biases) keep all.
    pub weight_decay: f32,
}

impl Default for Settings {
    /// PyTorch's betas and eps, the released training's weight decay.
    fn default() -> Self {
        Self { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01 }
    }
}

/// Its state: the steps made, and of each parameter the running means of its gradients and of their squares.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AdamW {
    /// Steps made.
    pub steps: u64,
    /// By key: mean of gradients, mean of squares.
    pub means: BTreeMap<String, (Vec<f32>, Vec<f32>)>,
}

impl AdamW {
    /// One step. Parameters without a gradient stay as they are. `rate` is of this step; `factor` of a key multiplies it.
    pub fn step(
        &mut self,
        parameters: &mut Parameters,
        gradients: &Gradients,
        settings: &Settings,
        rate: f64,
        factor: &dyn Fn(&str) -> f64,
    ) {
        self.steps += 1;
        let [b1, b2] = settings.betas;
        // In f64 as PyTorch's: at large step numbers 1 - b2^t has few bits left in f32.
        let first = 1.0 - f64::from(b1).powi(self.steps as i32);
        let second = (1.0 - f64::from(b2).powi(self.steps as i32)).sqrt();
        for (key, gradient) in &gradients.0 {
            let Some(parameter) = parameters.0.get_mut(key) else { continue };
            let rate = rate * factor(key);
            let size = parameter.values.len();
            let (m, v) = self.means.entry(key.clone()).or_insert_with(|| (vec![0.0; size], vec![0.0; size]));
            let decay =
                if parameter.shape.len() > 1 { 1.0 - (rate * f64::from(settings.weight_decay)) as f32 } else { 1.0 };
            let (size, root, eps) = ((rate / first) as f32, second as f32, settings.eps);
            let moved = parameter.values.par_iter_mut().zip(m.par_iter_mut()).zip(v.par_iter_mut()).zip(gradient);
            moved.with_min_len(1 << 15).for_each(|(((w, m), v), g)| {
                *m = b1 * *m + (1.0 - b1) * g;
                *v = b2 * *v + (1.0 - b2) * g * g;
                *w = *w * decay - size * *m / (v.sqrt() / root + eps);
            });
        }
    }
}
