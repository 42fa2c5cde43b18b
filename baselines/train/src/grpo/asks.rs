//! What the city asks of its lessons, as samples of a method.

use std::sync::Arc;

use image::RgbImage;
use socio_dataset::{Bbox, Mask, Query};

use super::rollout::Asked;
use crate::TrainError;
use crate::nano::lessons::Lessons;
use crate::nano::teach::asked;

/// The question that the city itself asks of a lesson; none where nothing of it lies in the picture, or more than can be asked
/// for. Pictures and truth are of the size at which lessons are kept, boxes in pixels of `seen`, the side of what the model sees.
///
/// # Errors
/// When the lesson's pictures are of another size.
pub fn of_lesson(lessons: &Lessons, index: usize, seen: u32) -> Result<Option<Asked>, TrainError> {
    let (facts, side) = (lessons.facts(index), lessons.side());
    let Some(question) = asked(facts, seen) else { return Ok(None) };
    let image = |bytes: &[u8]| {
        let image = RgbImage::from_raw(side, side, bytes.to_vec()).map(Arc::new);
        image.ok_or_else(|| TrainError::Input(format!("lesson {index} is of another size than {side} pixels")))
    };
    let [map, satellite] = lessons.pictures(index);
    let query = Query {
        id: facts.asked.id.clone(),
        text: question.query.clone(),
        level: Some(question.level),
        satellite: image(satellite)?,
        map: Some(image(map)?),
    };
    let mut truth = Mask::new(side, side);
    let scale = f64::from(side) / f64::from(seen);
    for ring in &question.rings {
        let mut one = Mask::new(side, side);
        one.fill_rings(&[ring.iter().map(|p| p.map(|v| v * scale)).collect()]);
        truth = truth.or(&one).unwrap_or(truth);
    }
    let bbox = |b: &[u32; 4]| {
        let [x0, y0, x1, y1] = b.map(f64::from);
        Bbox { x0, y0, x1, y1 }
    };
    Ok(Some(Asked { query, boxes: question.boxes.iter().map(bbox).collect(), truth }))
}
