//! The mask decoder of SAM 1 and SAM 2 (`mask_decoder.py` of both packages).

use super::Family;
use super::transformer::{Shape, TwoWay};
use crate::layers::{Activation, LayerNorm, Linear, Mlp, sizes};
use crate::{ModelError, Result, Tensor, Vars};

/// `LayerNorm2d`'s.
const EPS: f32 = 1e-6;
/// Masks of one prompt: the single one, and three of different extents.
pub const MASKS: usize = 4;

/// When a single mask gives way to the best of the three others (`_dynamic_multimask_via_stability`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stability {
    /// The mask is cut at this logit above and below zero.
    pub delta: f32,
    /// It stays where the smaller cut has at least this part of the larger one's pixels.
    pub threshold: f32,
}

/// The sizes and options of a decoder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DecoderShape {
    /// Whose names its weights have.
    pub family: Family,
    /// Width of tokens and image, a multiple of 8 and of twice the heads.
    pub dim: usize,
    /// Heads of its attention.
    pub heads: usize,
    /// Layers of its transformer.
    pub depth: usize,
    /// Width inside the transformer's MLPs.
    pub hidden: usize,
    /// Width inside the head that predicts the masks' IoU.
    pub iou_hidden: usize,
    /// Whether the predicted IoU goes through a sigmoid.
    pub iou_sigmoid: bool,
    /// Whether a token tells if there is an object at all, and whether its head is an MLP (else one matrix).
    pub object: Option<ObjectHead>,
    /// When a single mask is replaced.
    pub stability: Option<Stability>,
}

/// The head that predicts whether there is an object at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectHead {
    /// One matrix.
    Linear,
    /// Three.
    Mlp,
}

impl DecoderShape {
    /// SAM 1's (`segment_anything/build_sam.py`); MobileSAM and MedSAM have it too.
    pub const SAM1: Self = Self {
        family: Family::Sam1,
        dim: 256,
        heads: 8,
        depth: 2,
        hidden: 2048,
        iou_hidden: 256,
        iou_sigmoid: false,
        object: None,
        stability: None,
    };
}

/// What the decoder sees of an image; channels last.
#[derive(Clone)]
pub struct Features<T> {
    /// The embedding, `[images, h, w, dim]`.
    pub low: T,
    /// Maps of 4 and of 2 times the embedding's size: `[images, 4 h, 4 w, dim / 8]` and `[images, 2 h, 2 w, dim / 4]`.
    pub high: Option<[T; 2]>,
}

impl<T: Tensor> Features<T> {
    /// Those of one image of several.
    ///
    /// # Errors
    /// When there are not so many.
    pub fn image(&self, index: usize) -> Result<Self> {
        let one = |x: &T| x.narrow(0, index, 1);
        let high = match &self.high {
            Some([fine, coarse]) => Some([one(fine)?, one(coarse)?]),
            None => None,
        };
        Ok(Self { low: one(&self.low)?, high })
    }
}

/// What the decoder answers. There is one mask an object or three, as was asked.
#[derive(Clone)]
pub struct Masks<T> {
    /// Logits, `[objects, masks, 4 h, 4 w]`; a pixel above 0 belongs to the mask.
    pub logits: T,
    /// Predicted IoU of each, `[objects, masks]`.
    pub iou: T,
    /// Logit of there being an object at all, `[objects, 1]`. Meta's image predictor leaves it unused.
    pub object: Option<T>,
}

/// The mask decoder.
pub struct MaskDecoder<T> {
    shape: DecoderShape,
    /// `[1, tokens, dim]`: the object's, where there is one, the IoU's, the masks'.
    tokens: T,
    transformer: TwoWay<T>,
    first: Upscale<T>,
    first_norm: LayerNorm<T>,
    second: Upscale<T>,
    masks: Vec<Mlp<T>>,
    iou: Mlp<T>,
    object: Option<Mlp<T>>,
}

impl<T: Tensor> MaskDecoder<T> {
    /// Below `mask_decoder` or `sam_mask_decoder`.
    ///
    /// # Errors
    /// When a weight is missing or of another shape.
    pub fn new(vars: &Vars<'_, T>, shape: DecoderShape) -> Result<Self> {
        let DecoderShape { family, dim, heads, depth, hidden, .. } = shape;
        let mut tokens = Vec::new();
        if shape.object.is_some() {
            tokens.push(vars.at("obj_score_token").tensor("weight", &[1, dim])?);
        }
        tokens.push(vars.at("iou_token").tensor("weight", &[1, dim])?);
        tokens.push(vars.at("mask_tokens").tensor("weight", &[MASKS, dim])?);
        let count = MASKS + tokens.len() - 1;
        let upscaling = vars.at("output_upscaling");
        let head = |place: Vars<'_, T>, hidden: usize, output: usize| {
            Mlp::new(&place.at("layers"), 0..3, &[dim, hidden, hidden, output], Activation::Relu)
        };
        let of_masks = vars.at("output_hypernetworks_mlps");
        let object = shape.object.map(|kind| match kind {
            ObjectHead::Mlp => head(vars.at("pred_obj_score_head"), dim, 1),
            ObjectHead::Linear => Mlp::new(vars, ["pred_obj_score_head"], &[dim, 1], Activation::Relu),
        });
        Ok(Self {
            shape,
            tokens: T::cat(&tokens, 0)?.reshape(&[1, count, dim])?,
            transformer: TwoWay::new(&vars.at("transformer"), Shape { dim, heads, depth, hidden, family })?,
            first: Upscale::new(&upscaling.at(0), dim, dim / 4)?,
            first_norm: LayerNorm::new(&upscaling.at(1), dim / 4, EPS)?,
            second: Upscale::new(&upscaling.at(3), dim / 4, dim / 8)?,
            masks: (0..MASKS).map(|i| head(of_masks.at(i), dim, dim / 8)).collect::<Result<_>>()?,
            iou: head(vars.at("iou_prediction_head"), shape.iou_hidden, MASKS)?,
            object: object.transpose()?,
        })
    }

    /// The masks of objects in one image.
    ///
    /// * `features`: of one image.
    /// * `positions`: of the embedding's pixels, `[1, h * w, dim]`.
    /// * `sparse`: embeddings of boxes and clicks, `[objects, tokens, dim]`; none asks for one object without any.
    /// * `dense`: embedding of input masks or of their absence, `[objects or 1, h * w or 1, dim]`.
    /// * `three`: three masks of different extents each, not one.
    ///
    /// # Errors
    /// When shapes do not go together.
    pub fn forward(
        &self,
        features: &Features<T>,
        positions: &T,
        sparse: Option<&T>,
        dense: &T,
        three: bool,
    ) -> Result<Masks<T>> {
        let all = self.all(features, positions, sparse, dense)?;
        let slice = |from: usize, count: usize| -> Result<Masks<T>> {
            Ok(Masks {
                logits: all.logits.narrow(1, from, count)?,
                iou: all.iou.narrow(1, from, count)?,
                object: all.object.clone(),
            })
        };
        match self.shape.stability {
            _ if three => slice(1, MASKS - 1),
            Some(stability) => all.most_stable(stability),
            None => slice(0, 1),
        }
    }

    /// All four masks.
    fn all(&self, features: &Features<T>, positions: &T, sparse: Option<&T>, dense: &T) -> Result<Masks<T>> {
        let [images, h, w, dim] = sizes(&features.low, "mask decoder")?;
        if images != 1 {
            return Err(ModelError::op("mask decoder", format!("features of {images} images, not of one")));
        }
        let [_, own, _] = sizes(&self.tokens, "mask decoder")?;
        let (objects, tokens) = match sparse {
            Some(sparse) => {
                let [objects, _, _] = sizes(sparse, "mask decoder")?;
                (objects, T::cat(&[self.tokens.expand(&[objects, own, dim])?, sparse.clone()], 1)?)
            }
            None => (1, self.tokens.clone()),
        };
        let image = features.low.reshape(&[1, h * w, dim])?.add(dense)?;
        let image = if image.shape()[0] == objects { image } else { image.expand(&[objects, h * w, dim])? };
        let (tokens, image) = self.transformer.forward(&tokens, &image, positions)?;
        let token = |index: usize| tokens.narrow(1, index, 1)?.reshape(&[objects, dim]);

        let mut up = self.first.forward(&image.reshape(&[objects, h, w, dim])?)?;
        if let Some([_, coarse]) = &features.high {
            up = up.add(coarse)?;
        }
        up = self.second.forward(&self.first_norm.forward(&up)?.gelu()?)?;
        if let Some([fine, _]) = &features.high {
            up = up.add(fine)?;
        }
        let up = up.gelu()?.reshape(&[objects, 16 * h * w, dim / 8])?;

        let masks_from = own - MASKS;
        let weigh = |(i, mlp): (usize, &Mlp<T>)| mlp.forward(&token(masks_from + i)?)?.reshape(&[objects, 1, dim / 8]);
        let weights: Vec<T> = self.masks.iter().enumerate().map(weigh).collect::<Result<_>>()?;
        let logits = T::cat(&weights, 1)?.matmul(&up.permute(&[0, 2, 1])?)?;
        let iou = self.iou.forward(&token(masks_from - 1)?)?;
        Ok(Masks {
            logits: logits.reshape(&[objects, MASKS, 4 * h, 4 * w])?,
            iou: if self.shape.iou_sigmoid { iou.sigmoid()? } else { iou },
            object: self.object.as_ref().map(|mlp| mlp.forward(&token(0)?)).transpose()?,
        })
    }
}

impl<T: Tensor> Masks<T> {
    /// Of four masks, the single one where it is stable, else the one of the others with the highest predicted IoU (of
    /// equal ones the first).
    fn most_stable(&self, stability: Stability) -> Result<Self> {
        let [objects, masks, h, w] = sizes(&self.logits, "stability")?;
        let single = self.logits.narrow(1, 0, 1)?.values()?;
        let iou = self.iou.values()?;
        let (mut logits, mut chosen) = (Vec::with_capacity(objects), Vec::with_capacity(objects));
        for object in 0..objects {
            let pixels = &single[object * h * w..][..h * w];
            let index =
                if stability.holds(pixels) { 0 } else { 1 + super::frame::best(&iou[object * masks..][1..masks]) };
            logits.push(self.logits.narrow(0, object, 1)?.narrow(1, index, 1)?);
            chosen.push(self.iou.narrow(0, object, 1)?.narrow(1, index, 1)?);
        }
        Ok(Self { logits: T::cat(&logits, 0)?, iou: T::cat(&chosen, 0)?, object: self.object.clone() })
    }
}

impl Stability {
    /// Whether a mask of these logits stays. One without a pixel even at the lower cut does.
    pub fn holds(&self, logits: &[f32]) -> bool {
        let above = |cut: f32| logits.iter().filter(|&&v| v > cut).count() as f32;
        let (small, large) = (above(self.delta), above(-self.delta));
        large == 0.0 || small / large >= self.threshold
    }
}

/// A transposed convolution of a 2 x 2 kernel in steps of 2: each pixel becomes four by a matrix of its own.
struct Upscale<T> {
    /// To four pixels, row by row, of `output` channels each.
    each: Linear<T>,
    output: usize,
}

impl<T: Tensor> Upscale<T> {
    fn new(vars: &Vars<'_, T>, input: usize, output: usize) -> Result<Self> {
        let weight = vars.tensor("weight", &[input, output, 2, 2])?;
        let weight = weight.permute(&[2, 3, 1, 0])?.reshape(&[4 * output, input])?;
        let bias = vars.tensor("bias", &[output])?;
        let bias = T::cat(&[bias.clone(), bias.clone(), bias.clone(), bias], 0)?;
        Ok(Self { each: Linear::of(weight, Some(bias)), output })
    }

    /// `[batch, h, w, input]` to `[batch, 2 h, 2 w, output]`.
    fn forward(&self, x: &T) -> Result<T> {
        let [batch, h, w, _] = sizes(x, "upscaling")?;
        let four = self.each.forward(x)?.reshape(&[batch, h, w, 2, 2, self.output])?;
        four.permute(&[0, 1, 3, 2, 4, 5])?.reshape(&[batch, 2 * h, 2 * w, self.output])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stability_is_the_share_of_the_smaller_cut() {
        let stability = Stability { delta: 0.05, threshold: 0.5 };
        assert!(stability.holds(&[1.0, 0.0, -1.0]), "one of two");
        assert!(!stability.holds(&[1.0, 0.0, 0.01, -1.0]), "one of three");
        assert!(stability.holds(&[-1.0, -0.05]), "none at all; the lower cut itself is outside");
    }
}
