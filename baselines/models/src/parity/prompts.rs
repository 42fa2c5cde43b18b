//! Prompts of a segmenter's fixtures and what it answers to them: alike for SAM 1 and SAM 2.

use serde::Deserialize;

use super::Stage;
use super::expected::Expected;
use crate::layers::sizes;
use crate::sam::decoder::Masks;
use crate::sam::frame::{Frame, best};
use crate::sam::prompt::{Click, Prompt, PromptEncoder};
use crate::sam::{Family, Promptable};
use crate::{DType, ModelError, Result, Tensor};

/// Three masks or one, and what the fixtures call that.
pub(super) const KINDS: [(bool, &str); 2] = [(true, "multi"), (false, "single")];

/// What `expected.json` tells of the prompts.
#[derive(Deserialize)]
pub(super) struct Cases {
    pub(super) cases: Vec<Case>,
}

/// Prompts in pixels of an image.
#[derive(Deserialize)]
pub(super) struct Case {
    key: String,
    /// The image's name.
    pub(super) image: String,
    #[serde(rename = "box", alias = "boxes")]
    boxes: Option<OneOrMore<[f64; 4]>>,
    points: Option<OneOrMore<Vec<[f64; 2]>>>,
    labels: Option<OneOrMore<Vec<u8>>>,
    #[serde(default)]
    mask_input: bool,
}

/// Of one object, or one of each of several.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore<V> {
    One(V),
    More(Vec<V>),
}

impl<V> OneOrMore<V> {
    fn all(&self) -> &[V] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(more) => more,
        }
    }
}

impl Case {
    /// In pixels of the network's input.
    fn prompts(&self, frame: &Frame) -> Vec<Prompt> {
        let boxes = self.boxes.as_ref().map_or(&[][..], OneOrMore::all);
        let points = self.points.as_ref().map_or(&[][..], OneOrMore::all);
        let labels = self.labels.as_ref().map_or(&[][..], OneOrMore::all);
        let click = |(at, label): (&[f64; 2], &u8)| Click { at: frame.point(*at), on: *label == 1 };
        let prompt = |i: usize| Prompt {
            bbox: boxes.get(i).map(|[x0, y0, x1, y1]| {
                let ([x0, y0], [x1, y1]) = (frame.point([*x0, *y0]), frame.point([*x1, *y1]));
                [x0, y0, x1, y1]
            }),
            points: points
                .get(i)
                .zip(labels.get(i))
                .map_or_else(Vec::new, |(p, l)| p.iter().zip(l).map(click).collect()),
        };
        // Without anything it is still one object that is asked for.
        (0..boxes.len().max(points.len()).max(1)).map(prompt).collect()
    }
}

impl Case {
    /// Asks anything that can be prompted for the object's best mask, where there is one object and no mask goes in.
    pub(super) fn masked<P: Promptable>(
        &self,
        network: &mut P,
        seen: &mut P::Seen,
        frame: &Frame,
        expected: &Expected,
        stages: &mut Vec<Stage>,
    ) -> Result<()> {
        let mut prompts = self.prompts(frame);
        let (Some(prompt), true, false) = (prompts.pop(), prompts.is_empty(), self.mask_input) else { return Ok(()) };
        if prompt.bbox.is_none() && prompt.points.is_empty() {
            return Ok(());
        }
        let (iou, logits) = network.best(seen, prompt)?;
        let chosen: Vec<bool> = frame.logits(&logits, network.mask_side())?.into_iter().map(|v| v > 0.0).collect();
        let name = format!("{}/multi/mask", self.key);
        stages.push((name.clone(), expected.mask_error(&name, &chosen)));
        let whole = format!("{}/multi/iou", self.key);
        if let Some(all) = expected.whole(&whole) {
            stages.push((whole, f64::from((iou - all[best(all)]).abs())));
        }
        Ok(())
    }
}

/// Answers prompts, a mask beside them or none, with three masks or one.
type Decode<'a, T> = &'a dyn Fn(&[Prompt], Option<&T>, bool) -> Result<Masks<T>>;

/// A segmenter that has looked at an image.
pub(super) struct Answering<'a, T> {
    pub(super) family: Family,
    pub(super) frame: Frame,
    pub(super) encoder: &'a PromptEncoder<T>,
    /// Side of its masks.
    pub(super) mask_side: usize,
    /// Prompts, an input mask, and whether three masks are asked for.
    pub(super) decode: Decode<'a, T>,
}

impl<T: Tensor> Answering<'_, T> {
    /// Asks one case both ways.
    pub(super) fn check(&self, case: &Case, expected: &Expected, stages: &mut Vec<Stage>) -> Result<()> {
        let key = &case.key;
        let mut compare = |name: &str, found: &[f32]| {
            let name = format!("{key}/{name}");
            let error = expected.error(&name, found);
            stages.push((name, error));
        };
        let prompts = case.prompts(&self.frame);
        for (name, values) in self.coordinates(&prompts) {
            if !values.is_empty() {
                compare(name, &values);
            }
        }
        if let Some(sparse) = self.encoder.embed(&prompts)? {
            compare("sparse", &sparse.values()?);
        }
        let mask = if case.mask_input { Some(self.mask_input(&format!("{key}/mask_input"), expected)?) } else { None };
        if let Some(mask) = &mask {
            let dense = self.encoder.mask(mask)?;
            compare("dense", &dense.permute(&[0, 2, 1])?.values()?);
        }
        for (three, kind) in KINDS {
            let masks = (self.decode)(&prompts, mask.as_ref(), three)?;
            self.answers(&format!("{key}/{kind}"), &masks, expected, stages)?;
        }
        Ok(())
    }

    /// Where the prompts lie in the network's input: SAM 2's boxes are points, SAM 1's are not.
    fn coordinates(&self, prompts: &[Prompt]) -> [(&'static str, Vec<f32>); 2] {
        let corners = |p: &Prompt| p.bbox.into_iter().flatten().collect::<Vec<_>>();
        let clicks = |p: &Prompt| p.points.iter().flat_map(|click| click.at).collect::<Vec<_>>();
        let both = |p: &Prompt| [corners(p), clicks(p)].concat();
        let (points, boxes) = match self.family {
            Family::Sam1 => (prompts.iter().flat_map(clicks).collect(), prompts.iter().flat_map(corners).collect()),
            Family::Sam2 => (prompts.iter().flat_map(both).collect(), Vec::new()),
        };
        [("coords", points), ("boxes", boxes)]
    }

    /// The input mask, `[1, 1, mask_side, mask_side]`.
    fn mask_input(&self, name: &str, expected: &Expected) -> Result<T> {
        let missing = || ModelError::Input(format!("the fixtures have no whole `{name}`"));
        let values = expected.whole(name).ok_or_else(missing)?.to_vec();
        let like = self.encoder.no_mask();
        T::new(values, &[1, 1, self.mask_side, self.mask_side], DType::F32, &like.device())?.cast(like.dtype())
    }

    /// What leaves the network, and the masks at the size of the image.
    fn answers(&self, key: &str, masks: &Masks<T>, expected: &Expected, stages: &mut Vec<Stage>) -> Result<()> {
        let [_, count, low, _] = sizes(&masks.logits, "parity")?;
        let (values, iou) = (masks.logits.values()?, masks.iou.values()?);
        let mut whole = Vec::new();
        let mut chosen = Vec::new();
        for (object, iou) in values.chunks_exact(count * low * low).zip(iou.chunks_exact(count)) {
            for (i, mask) in object.chunks_exact(low * low).enumerate() {
                let logits = self.frame.logits(mask, low)?;
                if i == best(iou) {
                    chosen.extend(logits.iter().map(|v| *v > 0.0));
                }
                whole.extend(logits);
            }
        }
        let name = |stage| format!("{key}/{stage}");
        stages.push((name("low_res"), expected.error(&name("low_res"), &values)));
        stages.push((name("iou"), expected.error(&name("iou"), &iou)));
        if let Some(object) = masks.object.as_ref().filter(|_| expected.has(&name("object"))) {
            stages.push((name("object"), expected.error(&name("object"), &object.values()?)));
        }
        stages.push((name("logits"), expected.error(&name("logits"), &whole)));
        stages.push((name("mask"), expected.mask_error(&name("mask"), &chosen)));
        Ok(())
    }
}
