//! Floors that see no truth: what a table's worst sensible rows look like.

use socio_backend::Prompt;
use socio_dataset::{Bbox, Mask, Query};

use crate::Context;
use crate::method::{Answer, Failure, Method, Models, StageAnswer, StageObject, segment};

/// Mean foreground share of SocioSeg's test set, in `0..=1`: what the whole-image rows of the paper's Table 1 imply.
pub const PAPER_FOREGROUND_SHARE: f64 = 0.037;

/// Marks every pixel. Its cIoU is the foreground share of the set; SegEarth-OV's row in the paper looks like it.
pub struct WholeImage;

impl Method for WholeImage {
    fn answer(&self, query: &Query, _: &Models, _: &mut Context) -> Result<Answer, Failure> {
        let (width, height) = query.satellite.dimensions();
        let mask = Mask::full(width, height);
        let whole = Bbox { x0: 0.0, y0: 0.0, x1: f64::from(width), y1: f64::from(height) };
        let object = StageObject { prompt: whole.into(), mask: mask.clone(), score: None };
        Ok(StageAnswer::new("answer", vec![object], mask).into())
    }
}

/// Prompts the segmenter with a square in the middle of the image that holds a given share of it.
pub struct CentreBox {
    /// Share of the image's pixels, in `0..=1`.
    pub share: f64,
}

impl CentreBox {
    /// The box in an image of this size, in its proportions' square: side `sqrt(share * width * height)`.
    pub fn bbox(&self, width: u32, height: u32) -> Bbox {
        centred(f64::from(width) / 2.0, f64::from(height) / 2.0, self.side(width, height))
    }

    fn side(&self, width: u32, height: u32) -> f64 {
        (self.share * f64::from(width) * f64::from(height)).sqrt()
    }

    /// A box of the same size round another point.
    pub(crate) fn at(&self, x: f64, y: f64, width: u32, height: u32) -> Bbox {
        centred(x, y, self.side(width, height))
    }
}

fn centred(x: f64, y: f64, side: f64) -> Bbox {
    Bbox { x0: x - side / 2.0, y0: y - side / 2.0, x1: x + side / 2.0, y1: y + side / 2.0 }
}

impl Method for CentreBox {
    fn answer(&self, query: &Query, models: &Models, context: &mut Context) -> Result<Answer, Failure> {
        let (width, height) = query.satellite.dimensions();
        let prompts: Vec<Prompt> = vec![self.bbox(width, height).into()];
        Ok(segment("answer", query, prompts, models, context)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_centre_box_holds_its_share() {
        let b = CentreBox { share: 0.25 }.bbox(768, 768);
        assert_eq!(<[f64; 4]>::from(b), [192.0, 192.0, 576.0, 576.0]);
    }
}
