//! The language model: vectors of tokens to vectors of what comes next.

use super::config::TextConfig;
use super::memory::Memory;
use super::rope::{self, Position};
use super::trace::{Tap, tap};
use crate::layers::{Gated, Linear, RmsNorm};
use crate::{Mask, Result, Tensor, Vars};

/// The language model of Qwen2.5-VL.
pub struct Text<T> {
    config: TextConfig,
    embedding: T,
    layers: Vec<Layer<T>>,
    norm: RmsNorm<T>,
    head: Linear<T>,
    compute: crate::DType,
}

struct Layer<T> {
    norm1: RmsNorm<T>,
    q: Linear<T>,
    k: Linear<T>,
    v: Linear<T>,
    o: Linear<T>,
    norm2: RmsNorm<T>,
    mlp: Gated<T>,
}

impl<T: Tensor> Text<T> {
    /// Reads its weights, under the published names: `model` the tree of the layers, `root` that of `lm_head`.
    ///
    /// # Errors
    /// When a weight is missing or of another shape.
    pub fn new(config: &TextConfig, model: &Vars<'_, T>, root: &Vars<'_, T>) -> Result<Self> {
        let shape = [config.vocab_size, config.hidden_size];
        let embedding = model.at("embed_tokens").matrix("weight", &shape)?;
        let head = if config.tied { embedding.clone() } else { root.at("lm_head").matrix("weight", &shape)? };
        Ok(Self {
            config: config.clone(),
            embedding,
            layers: (0..config.layers).map(|i| Layer::new(config, &model.at("layers").at(i))).collect::<Result<_>>()?,
            norm: RmsNorm::new(&model.at("norm"), config.hidden_size, config.eps)?,
            head: Linear::of(head, None),
            compute: model.dtype(),
        })
    }

    /// Where it is and the type that flows through it.
    pub(super) fn place(&self) -> (T::Device, crate::DType) {
        (self.embedding.device(), self.compute)
    }

    /// Vectors `[tokens, hidden]` of some tokens.
    ///
    /// # Errors
    /// When a token is beyond the vocabulary.
    pub fn embed(&self, ids: &[u32]) -> Result<T> {
        if let Some(id) = ids.iter().find(|id| **id as usize >= self.config.vocab_size) {
            return Err(crate::ModelError::Input(format!(
                "token {id} is beyond the vocabulary of {}",
                self.config.vocab_size
            )));
        }
        self.embedding.select(0, ids)?.cast(self.compute)
    }

    /// Goes through `x` `[rows, tokens, hidden]`, whose tokens stand at `positions` (row after row), behind what is
    /// remembered. `starts` are the lengths of the padding before each row's prompt. Gives vectors of the same shape, after the
    /// last norm.
    ///
    /// # Errors
    /// When shapes do not go together or memory does not suffice.
    pub fn forward(&self, x: &T, positions: &[Position], starts: &[usize], memory: &mut dyn Memory<T>) -> Result<T> {
        self.traced(x, positions, starts, memory, &mut |_, _| Ok(()))
    }

    /// As [`Self::forward`], telling `on` every stage: `hidden0` (what goes in), `hidden1` and on after each layer, and one
    /// more after the norm.
    ///
    /// # Errors
    /// As [`Self::forward`], and what `on` fails with.
    pub fn traced(
        &self,
        x: &T,
        positions: &[Position],
        starts: &[usize],
        memory: &mut dyn Memory<T>,
        on: Tap<'_, T>,
    ) -> Result<T> {
        let shape = x.shape();
        let (rows, tokens) = (shape[0], shape[1]);
        let (cos, sin) = rope::angles(&self.config, positions);
        let angles = |values: Vec<f32>| T::new(values, &[rows, tokens, self.config.head() / 2], x.dtype(), &x.device());
        let angles = (angles(cos)?, angles(sin)?);
        tap(on, "hidden0", x)?;
        let mut x = x.clone();
        for (i, layer) in self.layers.iter().enumerate() {
            x = layer.forward(&x, &self.config, (&angles.0, &angles.1), starts, |q, k, v| {
                memory.asked(i, q);
                memory.extend(i, k, v)
            })?;
            tap(on, &format!("hidden{}", i + 1), &x)?;
        }
        memory.advance(tokens);
        let x = self.norm.forward(&x)?;
        tap(on, &format!("hidden{}", self.layers.len() + 1), &x)?;
        Ok(x)
    }

    /// Logits `[.., vocabulary]` of vectors `[.., hidden]`.
    ///
    /// # Errors
    /// When the library fails.
    pub fn logits(&self, x: &T) -> Result<T> {
        self.head.forward(x)
    }
}

impl<T: Tensor> Layer<T> {
    fn new(c: &TextConfig, vars: &Vars<'_, T>) -> Result<Self> {
        let (size, inner, narrow) = (c.hidden_size, c.intermediate_size, c.key_heads * c.head());
        let attn = vars.at("self_attn");
        Ok(Self {
            norm1: RmsNorm::new(&vars.at("input_layernorm"), size, c.eps)?,
            q: Linear::new(&attn.at("q_proj"), size, size)?,
            k: Linear::new(&attn.at("k_proj"), size, narrow)?,
            v: Linear::new(&attn.at("v_proj"), size, narrow)?,
            o: Linear::without_bias(&attn.at("o_proj"), size, size)?,
            norm2: RmsNorm::new(&vars.at("post_attention_layernorm"), size, c.eps)?,
            mlp: Gated::new(&vars.at("mlp"), size, inner, false)?,
        })
    }

    fn forward(
        &self,
        x: &T,
        c: &TextConfig,
        (cos, sin): (&T, &T),
        starts: &[usize],
        remember: impl FnOnce(&T, &T, &T) -> Result<(T, T)>,
    ) -> Result<T> {
        let shape = x.shape();
        let (rows, tokens) = (shape[0], shape[1]);
        let y = self.norm1.forward(x)?;
        let heads = |t: T, n: usize| t.reshape(&[rows, tokens, n, c.head()])?.permute(&[0, 2, 1, 3]);
        let q = heads(self.q.forward(&y)?, c.heads)?.rotary(cos, sin)?;
        let k = heads(self.k.forward(&y)?, c.key_heads)?.rotary(cos, sin)?;
        let v = heads(self.v.forward(&y)?, c.key_heads)?;
        let (k, v) = remember(&q, &k, &v)?;
        let seen = q.attention(&k, &v, (c.head() as f32).powf(-0.5), Mask::Causal { starts })?;
        let x = x.add(&self.o.forward(&seen.permute(&[0, 2, 1, 3])?.reshape(&shape)?)?)?;
        let y = self.norm2.forward(&x)?;
        x.add(&self.mlp.forward(&y)?)
    }
}
