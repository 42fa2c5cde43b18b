//! The pictures of a method's stages: what the model saw, what was cut, as in the paper's Figure 3.

use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};
use socio_backend::Prompt;
use socio_baselines::answer::answer_text;
use socio_baselines::{Answer, Context};
use socio_dataset::picture::{self, Tile};
use socio_dataset::{Bbox, Point, Query, files};

use crate::failure::Failure;

const MASK: Rgb<u8> = Rgb([255, 0, 0]);
const BOX: Rgb<u8> = Rgb([0, 0, 255]);
const POINT: Rgb<u8> = Rgb([0, 160, 0]);
const BESIDE: Rgb<u8> = Rgb([255, 200, 0]);
const EDGE: Rgb<u8> = Rgb([255, 255, 255]);
/// Points as the released pictures have them: discs of this radius.
const RADIUS: i64 = 5;

/// Draws a prompt that was given in the pixels of a frame: its box's edge, `line` pixels wide, and its points.
pub(super) fn mark(image: &mut RgbImage, prompt: &Prompt, frame: Option<(u32, u32)>, colour: Rgb<u8>, line: u32) {
    let prompt = scaled(prompt, frame, image.dimensions());
    if let Some(bbox) = prompt.bbox {
        picture::outline(image, bbox, colour, line);
    }
    dots(image, &prompt);
}

/// A prompt in the pixels of an image, from those of the frame that it was given in.
fn scaled(prompt: &Prompt, frame: Option<(u32, u32)>, size: (u32, u32)) -> Prompt {
    let Some((width, height)) = frame else { return prompt.clone() };
    let (x, y) = (f64::from(size.0) / f64::from(width), f64::from(size.1) / f64::from(height));
    let point = |p: &Point| Point { x: p.x * x, y: p.y * y };
    Prompt {
        bbox: prompt.bbox.map(|b| Bbox { x0: b.x0 * x, y0: b.y0 * y, x1: b.x1 * x, y1: b.y1 * y }),
        points: prompt.points.iter().map(point).collect(),
        background: prompt.background.iter().map(point).collect(),
    }
}

/// Draws the prompts' points: green on the object, yellow beside it.
fn dots(image: &mut RgbImage, prompt: &Prompt) {
    let (width, height) = (i64::from(image.width()), i64::from(image.height()));
    for (points, colour) in [(&prompt.points, POINT), (&prompt.background, BESIDE)] {
        for p in points.iter().filter(|p| p.x.abs() < 1e6 && p.y.abs() < 1e6) {
            let (cx, cy) = (p.x.round() as i64, p.y.round() as i64);
            for (dx, dy) in (-RADIUS - 1..=RADIUS + 1).flat_map(|dx| (-RADIUS - 1..=RADIUS + 1).map(move |dy| (dx, dy)))
            {
                let (x, y, far) = (cx + dx, cy + dy, dx * dx + dy * dy);
                if (0..width).contains(&x) && (0..height).contains(&y) && far <= (RADIUS + 1) * (RADIUS + 1) {
                    image.put_pixel(x as u32, y as u32, if far <= RADIUS * RADIUS { colour } else { EDGE });
                }
            }
        }
    }
}

/// Writes, for each stage, map and satellite image with its boxes, points and mask, and a sheet of all of them beside what
/// went in; the files, in that order, the sheet last.
pub(super) fn draw(folder: &Path, query: &Query, answer: &Answer, context: &Context) -> Result<Vec<PathBuf>, Failure> {
    let mut written = Vec::new();
    let mut write = |name: String, image: &RgbImage| -> Result<(), Failure> {
        let path = folder.join(name);
        files::write(&path, &picture::to_png(image).map_err(Failure::input)?)?;
        written.push(path);
        Ok(())
    };
    let inputs = [("map", query.map.as_ref()), ("satellite", Some(&query.satellite))];
    let inputs: Vec<(&str, &RgbImage)> = inputs.into_iter().filter_map(|(n, i)| Some((n, i?.as_ref()))).collect();
    let mut tiles = vec![Tile {
        title: format!("query: {}", query.text),
        pictures: inputs.iter().map(|(name, image)| ((*name).to_owned(), (*image).clone())).collect(),
    }];
    for (i, stage) in answer.stages.iter().enumerate() {
        let said = context.all_said().iter().rev().find(|s| s.stage == stage.name);
        let said = said.and_then(|s| answer_text(&s.text)).unwrap_or_default();
        let mut pictures = Vec::new();
        for (name, image) in &inputs {
            let mut image = (*image).clone();
            picture::overlay(&mut image, &stage.mask, MASK, 102, 0);
            for object in &stage.objects {
                mark(&mut image, &object.prompt, stage.frame.as_ref().map(|f| f.size), BOX, 3);
            }
            write(format!("{}-{}-{name}.png", i + 1, stage.name), &image)?;
            pictures.push((format!("{}: {name}", stage.name), image));
        }
        let outcome = stage.failure.as_ref().map_or_else(|| said.replace('\n', " "), ToString::to_string);
        tiles.push(Tile { title: format!("{}: {outcome}", stage.name), pictures });
    }
    write("stages.png".to_owned(), &picture::contact_sheet(&tiles, 1, 384))?;
    Ok(written)
}
