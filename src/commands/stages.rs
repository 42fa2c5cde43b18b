//! The pictures of a method's stages: what the model saw, what was cut, as in the paper's Figure 3.

use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};
use socio_backend::Prompt;
use socio_baselines::answer::answer_text;
use socio_baselines::{Answer, Context};
use socio_dataset::picture::{self, Marks, Tile};
use socio_dataset::{Query, files};

use crate::failure::Failure;

const MASK: Rgb<u8> = Rgb([255, 0, 0]);
const BOX: Rgb<u8> = Rgb([0, 0, 255]);

/// Draws a prompt that was given in the pixels of a frame: its box's edge, `line` pixels wide, and its points.
pub(super) fn mark(image: &mut RgbImage, prompt: &Prompt, frame: Option<(u32, u32)>, colour: Rgb<u8>, line: u32) {
    let marks = Marks { bbox: prompt.bbox, points: &prompt.points, background: &prompt.background };
    picture::mark(image, &marks, frame, colour, line);
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
