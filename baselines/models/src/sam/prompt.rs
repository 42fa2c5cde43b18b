//! What turns boxes, clicks and masks into embeddings (`prompt_encoder.py` of both packages).

use super::Family;
use crate::layers::{Conv2d, ConvShape, LayerNorm, Linear};
use crate::{ModelError, Result, Tensor, Vars};

/// `LayerNorm2d`'s.
const EPS: f32 = 1e-6;
/// Channels of the convolutions that look at an input mask.
const MASK_CHANNELS: usize = 16;

/// A click.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Click {
    /// x and y in pixels of the network's input ([`super::frame::Frame::point`] gives them).
    pub at: [f32; 2],
    /// Whether it lies on the object, not beside it.
    pub on: bool,
}

/// What marks one object, in pixels of the network's input. Coordinates outside the image are taken as they are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Prompt {
    /// `[x0, y0, x1, y1]`.
    pub bbox: Option<[f32; 4]>,
    /// Clicks, in their order.
    pub points: Vec<Click>,
}

/// What a token of a prompt is; the rows of the table of embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Label {
    /// Label -1: no point, without a position.
    Padding,
    /// Label 0.
    Beside,
    /// Label 1.
    On,
    /// Label 2: a box's upper left corner.
    First,
    /// Label 3: its lower right corner.
    Second,
}

impl Prompt {
    /// Its tokens in the order that the family's predictor gives them.
    ///
    /// SAM 2's predictor makes a box two points before the clicks and always adds a padding point
    /// (`sam2_image_predictor.py`, `_predict`); SAM 1's adds one only where there is no box, and puts the box last
    /// (`prompt_encoder.py`, `forward`). Without a box and clicks there are no tokens.
    fn tokens(&self, family: Family) -> Vec<([f32; 2], Label)> {
        let corners = self.bbox.map(|[x0, y0, x1, y1]| [([x0, y0], Label::First), ([x1, y1], Label::Second)]);
        let clicks = self.points.iter().map(|p| (p.at, if p.on { Label::On } else { Label::Beside }));
        let padding = ([0.0; 2], Label::Padding);
        match family {
            Family::Sam2 => {
                let mut tokens: Vec<_> = corners.into_iter().flatten().chain(clicks).collect();
                if !tokens.is_empty() {
                    tokens.push(padding);
                }
                tokens
            }
            Family::Sam1 => {
                let mut tokens: Vec<_> = clicks.collect();
                if !tokens.is_empty() && corners.is_none() {
                    tokens.push(padding);
                }
                tokens.extend(corners.into_iter().flatten());
                tokens
            }
        }
    }
}

/// The sizes of a prompt encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PromptShape {
    /// Whose rules it follows.
    pub family: Family,
    /// Width of an embedding, even.
    pub dim: usize,
    /// Side of the network's input in pixels.
    pub side: usize,
    /// Side of the image's embedding.
    pub grid: usize,
}

/// The prompt encoder.
pub struct PromptEncoder<T> {
    shape: PromptShape,
    /// `[2, dim / 2]`: frequencies of x, then of y.
    frequencies: Vec<f32>,
    /// `[5, dim]`, by [`Label`].
    labels: T,
    no_mask: T,
    masks: MaskEncoder<T>,
    positions: T,
}

impl<T: Tensor> PromptEncoder<T> {
    /// Below `prompt_encoder` or `sam_prompt_encoder`.
    ///
    /// # Errors
    /// When a weight is missing or of another shape.
    pub fn new(vars: &Vars<'_, T>, shape: PromptShape) -> Result<Self> {
        let PromptShape { dim, grid, .. } = shape;
        let frequencies = vars.at("pe_layer").values("positional_encoding_gaussian_matrix", &[2, dim / 2])?;
        let row = |name: &str| vars.at(name).tensor("weight", &[1, dim]);
        let mut labels = vec![row("not_a_point_embed")?];
        for i in 0..4 {
            labels.push(row(&format!("point_embeddings.{i}"))?);
        }
        let mut positions = Vec::with_capacity(grid * grid * dim);
        for at in (0..grid * grid).map(|i| [i % grid, i / grid]) {
            encode(&frequencies, at.map(|i| (i as f32 + 0.5) / grid as f32), &mut positions);
        }
        Ok(Self {
            shape,
            frequencies,
            labels: T::cat(&labels, 0)?,
            no_mask: row("no_mask_embed")?.reshape(&[1, 1, dim])?,
            masks: MaskEncoder::new(&vars.at("mask_downscaling"), dim)?,
            positions: T::new(positions, &[1, grid * grid, dim], vars.dtype(), vars.device())?,
        })
    }

    /// The positions of the image's embedding, `[1, grid * grid, dim]`, row by row.
    pub fn positions(&self) -> &T {
        &self.positions
    }

    /// What is added to the image where no mask is given, `[1, 1, dim]`.
    pub fn no_mask(&self) -> &T {
        &self.no_mask
    }

    /// What is added to the image for input masks: logits `[batch, 1, 4 * grid, 4 * grid]` to `[batch, grid * grid, dim]`.
    ///
    /// # Errors
    /// When they are of another shape.
    pub fn mask(&self, logits: &T) -> Result<T> {
        let PromptShape { grid, dim, .. } = self.shape;
        let batch = logits.shape().first().copied().unwrap_or_default();
        if logits.shape() != [batch, 1, 4 * grid, 4 * grid] {
            let why = format!("shape {:?}, not [batch, 1, {side}, {side}]", logits.shape(), side = 4 * grid);
            return Err(ModelError::op("mask prompt", why));
        }
        self.masks.forward(logits)?.reshape(&[batch, grid * grid, dim])
    }

    /// Embeddings of prompts, one object each: `[objects, tokens, dim]`, or none where they have no tokens at all.
    ///
    /// # Errors
    /// When there is no prompt, or they have not all the same number of clicks and all a box or all none: Meta's code
    /// takes such prompts one at a time, and padding would change their masks.
    pub fn embed(&self, prompts: &[Prompt]) -> Result<Option<T>> {
        let tokens: Vec<_> = prompts.iter().map(|p| p.tokens(self.shape.family)).collect();
        let kind = |p: &Prompt| (p.bbox.is_some(), p.points.len());
        let count = match (prompts.first(), tokens.first()) {
            (Some(first), Some(t)) if prompts.iter().all(|p| kind(p) == kind(first)) => t.len(),
            _ => {
                return Err(ModelError::Input("prompts of one batch must be of one kind, and at least one".to_owned()));
            }
        };
        if count == 0 {
            return Ok(None);
        }
        let (dim, side) = (self.shape.dim, self.shape.side as f32);
        let mut values = Vec::with_capacity(prompts.len() * count * dim);
        let mut rows = Vec::with_capacity(prompts.len() * count);
        for (at, label) in tokens.into_iter().flatten() {
            rows.push(label as u32);
            if label == Label::Padding {
                values.resize(values.len() + dim, 0.0);
            } else {
                // Coordinates name pixels; what is encoded are points, so the pixel's middle.
                encode(&self.frequencies, at.map(|c| (c + 0.5) / side), &mut values);
            }
        }
        let shape = [prompts.len(), count, dim];
        let places = T::new(values, &shape, self.labels.dtype(), &self.labels.device())?;
        Ok(Some(places.add(&self.labels.select(0, &rows)?.reshape(&shape)?)?))
    }
}

/// Appends the position of a point, x and y in `0..=1` where it lies inside: sines, then cosines, of its turns by random
/// frequencies (`PositionEmbeddingRandom._pe_encoding`). In `f32` throughout, as the packages compute it.
fn encode(frequencies: &[f32], [x, y]: [f32; 2], values: &mut Vec<f32>) {
    let (across, down) = frequencies.split_at(frequencies.len() / 2);
    let (x, y) = (2.0 * x - 1.0, 2.0 * y - 1.0);
    let start = values.len();
    values.extend(across.iter().zip(down).map(|(fx, fy)| std::f32::consts::TAU * (x * fx + y * fy)));
    for i in start..start + across.len() {
        // Not the standard library's, whose last bits depend on the system.
        let (sin, cos) = libm::sincosf(values[i]);
        values[i] = sin;
        values.push(cos);
    }
}

/// Shrinks an input mask four times, to the image's embedding.
struct MaskEncoder<T> {
    first: Conv2d<T>,
    first_norm: LayerNorm<T>,
    second: Conv2d<T>,
    second_norm: LayerNorm<T>,
    last: Linear<T>,
}

impl<T: Tensor> MaskEncoder<T> {
    fn new(vars: &Vars<'_, T>, dim: usize) -> Result<Self> {
        let (few, all) = (MASK_CHANNELS / 4, MASK_CHANNELS);
        let halve = |input, output| ConvShape { stride: 2, ..ConvShape::new(input, output, 2) };
        Ok(Self {
            first: Conv2d::new(&vars.at(0), halve(1, few), true)?,
            first_norm: LayerNorm::new(&vars.at(1), few, EPS)?,
            second: Conv2d::new(&vars.at(3), halve(few, all), true)?,
            second_norm: LayerNorm::new(&vars.at(4), all, EPS)?,
            last: Conv2d::new(&vars.at(6), ConvShape::new(all, dim, 1), true)?.into_linear()?,
        })
    }

    /// `[batch, 1, h, w]` to `[batch, h / 4, w / 4, dim]`.
    fn forward(&self, x: &T) -> Result<T> {
        let x = self.first_norm.forward_channels(&self.first.forward(x)?)?.gelu()?;
        let x = self.second.forward(&x)?.permute(&[0, 2, 3, 1])?;
        self.last.forward(&self.second_norm.forward(&x)?.gelu()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(family: Family, bbox: bool, points: &[bool]) -> Vec<Label> {
        let points = points.iter().map(|&on| Click { at: [1.0, 2.0], on }).collect();
        let prompt = Prompt { bbox: bbox.then_some([0.0, 0.0, 3.0, 3.0]), points };
        prompt.tokens(family).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn sam_2_puts_the_box_first_and_always_pads() {
        use Label::{Beside, First, On, Padding, Second};
        assert_eq!(labels(Family::Sam2, true, &[true, false]), [First, Second, On, Beside, Padding]);
        assert_eq!(labels(Family::Sam2, true, &[]), [First, Second, Padding]);
        assert_eq!(labels(Family::Sam2, false, &[true]), [On, Padding]);
        assert!(labels(Family::Sam2, false, &[]).is_empty());
    }

    #[test]
    fn sam_1_puts_the_box_last_and_pads_without_one() {
        use Label::{First, On, Padding, Second};
        assert_eq!(labels(Family::Sam1, true, &[true]), [On, First, Second]);
        assert_eq!(labels(Family::Sam1, true, &[]), [First, Second]);
        assert_eq!(labels(Family::Sam1, false, &[true]), [On, Padding]);
        assert!(labels(Family::Sam1, false, &[]).is_empty());
    }

    #[test]
    fn the_middle_has_no_turn_and_the_corner_a_full_sum() {
        let mut values = Vec::new();
        encode(&[0.25, 1.0, 0.5, 2.0], [0.5, 0.5], &mut values);
        assert_eq!(values, [0.0, 0.0, 1.0, 1.0]);
        values.clear();
        // Turns of (0.25 + 0.5) and (1 + 2): three quarters and three whole ones.
        encode(&[0.25, 1.0, 0.5, 2.0], [1.0, 1.0], &mut values);
        let wanted = [-1.0, 0.0, 0.0, 1.0];
        assert!(values.iter().zip(wanted).all(|(v, w): (&f32, f32)| (v - w).abs() < 1e-5), "{values:?}");
    }
}
