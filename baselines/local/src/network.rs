//! SAM of either family on a tensor library.

use socio_models::sam::decoder::Features;
use socio_models::sam::prompt::Prompt;
use socio_models::sam::sam1::Sam1;
use socio_models::sam::sam2::Sam2;
use socio_models::sam::{Family, Promptable, frame};
use socio_models::{Result, Tensor};

use crate::place::Place;

/// A SAM of either family.
pub(crate) enum Network<T> {
    /// SAM 1, MobileSAM.
    Sam1(Box<Sam1<T>>),
    /// SAM 2, SAM 2.1.
    Sam2(Box<Sam2<T>>),
}

/// A SAM and where it runs.
pub(crate) struct Placed<T: Tensor> {
    pub(crate) network: Network<T>,
    pub(crate) place: Place<T>,
}

impl<T: Tensor> Promptable for Placed<T> {
    type Seen = Features<T>;

    fn family(&self) -> Family {
        match self.network {
            Network::Sam1(_) => Family::Sam1,
            Network::Sam2(_) => Family::Sam2,
        }
    }

    fn side(&self) -> usize {
        match &self.network {
            Network::Sam1(n) => n.side(),
            Network::Sam2(n) => n.side(),
        }
    }

    fn mask_side(&self) -> usize {
        match &self.network {
            Network::Sam1(n) => n.mask_side(),
            Network::Sam2(n) => n.mask_side(),
        }
    }

    fn encode(&mut self, pixels: Vec<f32>) -> Result<Features<T>> {
        let side = self.side();
        // Lent out whole, since a library's tensors need not be shareable between threads.
        let (network, place): (&mut Network<T>, &Place<T>) = (&mut self.network, &self.place);
        place.run(move || {
            let pixels = T::new(pixels, &[1, 3, side, side], place.compute, &place.device)?;
            match network {
                Network::Sam1(n) => n.encode(&pixels),
                Network::Sam2(n) => n.encode(&pixels),
            }
        })
    }

    fn best(&mut self, seen: &mut Features<T>, marks: Prompt) -> Result<(f32, Vec<f32>)> {
        let (network, place): (&mut Network<T>, &Place<T>) = (&mut self.network, &self.place);
        place.run(move || {
            let masks = match network {
                Network::Sam1(n) => n.decode(seen, &[marks], None, true)?,
                Network::Sam2(n) => n.decode(seen, &[marks], None, true)?,
            };
            let iou = masks.iou.values()?;
            let best = frame::best(&iou);
            let logits = masks.logits.narrow(1, best, 1)?.values()?;
            Ok((iou[best], logits))
        })
    }
}
