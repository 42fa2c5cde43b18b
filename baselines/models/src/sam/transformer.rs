//! The two-way transformer of the mask decoder (`modeling/sam/transformer.py` of `sam2`,
//! `modeling/transformer.py` of `segment_anything`).

use super::Family;
use crate::layers::{Activation, LayerNorm, Linear, Mlp, sizes};
use crate::{Mask, Result, Tensor, Vars};

/// PyTorch's default of a `LayerNorm`.
const EPS: f32 = 1e-5;
/// How much narrower the attention between tokens and image is.
const DOWNSAMPLE: usize = 2;

/// Its sizes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Width of tokens and image.
    pub(super) dim: usize,
    pub(super) heads: usize,
    pub(super) depth: usize,
    /// Width inside the MLPs.
    pub(super) hidden: usize,
    /// Whose names the MLPs' weights have.
    pub(super) family: Family,
}

/// Attention between projections, whose width may be smaller than that of what they project.
struct Attention<T> {
    query: Linear<T>,
    key: Linear<T>,
    value: Linear<T>,
    out: Linear<T>,
    heads: usize,
}

impl<T: Tensor> Attention<T> {
    fn new(vars: &Vars<'_, T>, dim: usize, inner: usize, heads: usize) -> Result<Self> {
        Ok(Self {
            query: Linear::new(&vars.at("q_proj"), dim, inner)?,
            key: Linear::new(&vars.at("k_proj"), dim, inner)?,
            value: Linear::new(&vars.at("v_proj"), dim, inner)?,
            out: Linear::new(&vars.at("out_proj"), inner, dim)?,
            heads,
        })
    }

    /// `[batch, length, inner]` to `[batch, heads, length, inner / heads]`.
    fn split(&self, x: &T) -> Result<T> {
        let [batch, length, inner] = sizes(x, "heads")?;
        x.reshape(&[batch, length, self.heads, inner / self.heads])?.permute(&[0, 2, 1, 3])
    }

    /// Queries `[batch, length, dim]`, keys and values `[batch, key length, dim]`.
    fn forward(&self, query: &T, key: &T, value: &T) -> Result<T> {
        let query = self.split(&self.query.forward(query)?)?;
        let key = self.split(&self.key.forward(key)?)?;
        let value = self.split(&self.value.forward(value)?)?;
        let [batch, heads, length, width] = sizes(&query, "attention")?;
        let seen = query.attention(&key, &value, 1.0 / (width as f32).sqrt(), Mask::None)?;
        self.out.forward(&seen.permute(&[0, 2, 1, 3])?.reshape(&[batch, length, heads * width])?)
    }
}

/// One layer: the tokens look at each other, at the image, pass an MLP, and the image looks at them.
struct Block<T> {
    own: Attention<T>,
    to_image: Attention<T>,
    to_tokens: Attention<T>,
    mlp: Mlp<T>,
    norms: [LayerNorm<T>; 4],
    /// The first layer's tokens are their own positions; nothing is added and the attention's result replaces them.
    first: bool,
}

impl<T: Tensor> Block<T> {
    fn new(vars: &Vars<'_, T>, shape: Shape, first: bool) -> Result<Self> {
        let Shape { dim, heads, hidden, .. } = shape;
        let narrow = |name: &str| Attention::new(&vars.at(name), dim, dim / DOWNSAMPLE, heads);
        let norm = |name: &str| LayerNorm::new(&vars.at(name), dim, EPS);
        let mlp = vars.at("mlp");
        let names = match shape.family {
            Family::Sam1 => ["lin1", "lin2"],
            Family::Sam2 => ["layers.0", "layers.1"],
        };
        Ok(Self {
            own: Attention::new(&vars.at("self_attn"), dim, dim, heads)?,
            to_image: narrow("cross_attn_token_to_image")?,
            to_tokens: narrow("cross_attn_image_to_token")?,
            mlp: Mlp::new(&mlp, names, &[dim, hidden, dim], Activation::Relu)?,
            norms: [norm("norm1")?, norm("norm2")?, norm("norm3")?, norm("norm4")?],
            first,
        })
    }

    fn forward(&self, tokens: &T, image: &T, token_positions: &T, positions: &T) -> Result<(T, T)> {
        let [after_own, after_image, after_mlp, after_tokens] = &self.norms;
        let tokens = if self.first {
            self.own.forward(tokens, tokens, tokens)?
        } else {
            let placed = tokens.add(token_positions)?;
            tokens.add(&self.own.forward(&placed, &placed, tokens)?)?
        };
        let tokens = after_own.forward(&tokens)?;

        let keys = image.add(positions)?;
        let seen = self.to_image.forward(&tokens.add(token_positions)?, &keys, image)?;
        let tokens = after_image.forward(&tokens.add(&seen)?)?;

        let tokens = after_mlp.forward(&tokens.add(&self.mlp.forward(&tokens)?)?)?;

        let seen = self.to_tokens.forward(&keys, &tokens.add(token_positions)?, &tokens)?;
        Ok((tokens, after_tokens.forward(&image.add(&seen)?)?))
    }
}

/// The whole transformer.
pub(super) struct TwoWay<T> {
    blocks: Vec<Block<T>>,
    last: Attention<T>,
    norm: LayerNorm<T>,
}

impl<T: Tensor> TwoWay<T> {
    pub(super) fn new(vars: &Vars<'_, T>, shape: Shape) -> Result<Self> {
        let layers = vars.at("layers");
        let last = vars.at("final_attn_token_to_image");
        Ok(Self {
            blocks: (0..shape.depth).map(|i| Block::new(&layers.at(i), shape, i == 0)).collect::<Result<_>>()?,
            last: Attention::new(&last, shape.dim, shape.dim / DOWNSAMPLE, shape.heads)?,
            norm: LayerNorm::new(&vars.at("norm_final_attn"), shape.dim, EPS)?,
        })
    }

    /// `tokens` `[batch, length, dim]`, `image` `[batch, pixels, dim]`, `positions` `[1, pixels, dim]`; tokens and image
    /// after they have looked at each other.
    pub(super) fn forward(&self, tokens: &T, image: &T, positions: &T) -> Result<(T, T)> {
        let (mut queries, mut image) = (tokens.clone(), image.clone());
        for block in &self.blocks {
            (queries, image) = block.forward(&queries, &image, tokens, positions)?;
        }
        let seen = self.last.forward(&queries.add(tokens)?, &image.add(positions)?, &image)?;
        Ok((self.norm.forward(&queries.add(&seen)?)?, image))
    }
}
