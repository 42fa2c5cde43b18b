//! How well a policy points: greedy answers to the city's own questions.

use std::collections::BTreeMap;

use serde::Serialize;
use socio_baselines::answer::Grammar;
use socio_dataset::Mask;
use socio_models::qwen2_5_vl::{PictureConfig, Prompt, Qwen2_5Vl, Sampler, Settings, generate, patches};
use socio_models::{DType, Result, Tensor, Vars};

use super::teach::{Classroom, Manner, Question};

/// Figures of some answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Pointed {
    /// Questions.
    pub count: usize,
    /// Answers that are well-formed, with one box at least, as a share.
    pub formed: f64,
    /// Mean IoU of the area of all boxes with that of the true ones.
    pub iou: f64,
    /// The share of answers with an IoU above 0.5.
    pub half: f64,
}

/// A question about a pair of pictures.
pub struct Item<'a> {
    /// Map and satellite view.
    pub pictures: [&'a [u8]; 2],
    /// The question.
    pub question: Question,
}

/// The pixels of boxes.
pub fn area(boxes: &[[f64; 4]], side: u32) -> Mask {
    let mut whole = Mask::new(side, side);
    for [x0, y0, x1, y1] in boxes {
        let mut one = Mask::new(side, side);
        one.fill_rings(&[vec![[*x0, *y0], [*x1, *y0], [*x1, *y1], [*x0, *y1]]]);
        whole = whole.or(&one).unwrap_or(whole);
    }
    whole
}

/// The greedy answers to some questions.
///
/// # Errors
/// When the library fails.
pub fn answers<T: Tensor>(
    tensors: &BTreeMap<String, T>,
    room: &Classroom,
    device: &T::Device,
    items: &[Item<'_>],
    manner: Manner,
) -> Result<Vec<String>> {
    let vars = Vars::bound(tensors, DType::F32, device);
    T::inference(|| {
        let model = Qwen2_5Vl::<T>::new(&room.config, &vars)?;
        let side = room.grid.h * room.config.vision.patch_size;
        let cut = |picture: &[u8]| patches(picture, side, side, &PictureConfig::of(&room.config.vision));
        let pictures: Vec<_> =
            items.iter().map(|i| Ok([cut(i.pictures[0])?, cut(i.pictures[1])?])).collect::<Result<_>>()?;
        let failed = |e: crate::TrainError| socio_models::ModelError::Input(e.to_string());
        let prompts: Vec<Prompt<'_>> = items
            .iter()
            .zip(&pictures)
            .map(|(item, pictures)| {
                let ids = [room.beginning.clone(), room.localize(&item.question, manner).map_err(failed)?].concat();
                Ok(Prompt { ids, images: pictures.iter().collect(), seeds: vec![0] })
            })
            .collect::<Result<_>>()?;
        let settings = Settings { sampler: Sampler::GREEDY, max_new_tokens: 80, stop: room.tokenizer.stops().to_vec() };
        let generated = generate(&model, &prompts, &settings, &|| false)?;
        generated
            .answers
            .iter()
            .map(|draws| room.tokenizer.decode(draws.first().map_or(&[][..], |d| &d.tokens)))
            .collect()
    })
}

/// What answers are worth.
pub fn score(questions: &[&Question], answers: &[String], side: u32) -> Pointed {
    let mut told = Pointed { count: questions.len(), ..Pointed::default() };
    for (question, answer) in questions.iter().zip(answers) {
        let Ok(parsed) = Grammar::Socioreasoner.parse(answer, (side, side)) else { continue };
        let found: Vec<[f64; 4]> =
            parsed.objects.iter().filter_map(|o| o.bbox).map(|b| [b.x0, b.y0, b.x1, b.y1]).collect();
        if found.is_empty() {
            continue;
        }
        told.formed += 1.0;
        let truth: Vec<[f64; 4]> = question.boxes.iter().map(|b| b.map(f64::from)).collect();
        let iou = area(&found, side).counts(&area(&truth, side)).ok().and_then(socio_dataset::Counts::iou);
        let iou = iou.unwrap_or(0.0);
        told.iou += iou;
        told.half += f64::from(u8::from(iou > 0.5));
    }
    let n = told.count.max(1) as f64;
    Pointed { formed: told.formed / n, iou: told.iou / n, half: told.half / n, ..told }
}
