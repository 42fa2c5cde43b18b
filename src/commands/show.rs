//! `data show`: a contact sheet.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};
use socio_dataset::picture::{self, Tile};
use socio_dataset::store::{Dataset, Fields};
use socio_dataset::{Sample, files};
use socio_harness::{choose, prompt_of};
use socio_record::{ExitCode, Run, Selection, Status};

use super::stages;
use crate::failure::{Failure, Outcome};

/// Tiles without a limit: more do not fit a picture that anyone looks at.
const USUAL_LIMIT: usize = 12;
const TRUTH: Rgb<u8> = Rgb([0, 200, 83]);
const ANSWER: Rgb<u8> = Rgb([255, 40, 40]);
const PROMPT: Rgb<u8> = Rgb([40, 80, 255]);

pub(crate) fn sheet(
    dataset: &Dataset,
    split: &str,
    selection: &Selection,
    runs: &[PathBuf],
    columns: u32,
    side: u32,
    out: &Path,
) -> Outcome {
    if columns == 0 || !(16..=2048).contains(&side) {
        return Err(Failure::usage("--columns takes 1 or more, --side 16 to 2048"));
    }
    let mut selection = selection.clone();
    if selection.limit.is_none() && selection.ids.is_empty() {
        selection.limit = Some(USUAL_LIMIT);
    }
    let runs = runs.iter().map(|r| Run::open(r)).collect::<Result<Vec<_>, _>>()?;
    let wanted: BTreeSet<String> = choose(dataset, split, &selection)?.into_iter().collect();
    let mut tiles = Vec::new();
    for sample in dataset.read(split, Some(&wanted), Fields::ALL)? {
        let sample = sample?;
        let decoded = sample.decode().map_err(Failure::input)?;
        tiles.push(tile(&decoded, &runs)?);
    }
    let picture = picture::contact_sheet(&tiles, columns, side);
    files::write(out, &picture::for_file(&picture, out).map_err(Failure::input)?)?;
    say!("{}: {} samples, {}x{} pixels", out.display(), tiles.len(), picture.width(), picture.height());
    Ok(ExitCode::OK)
}

/// Map, satellite image with the truth (green), and each run's answer (red) with the truth's edge and its boxes (blue).
fn tile(sample: &Sample, runs: &[Run]) -> Result<Tile, Failure> {
    let query = &sample.query;
    let mut pictures = Vec::new();
    if let Some(map) = &query.map {
        pictures.push(("map".to_owned(), RgbImage::clone(map)));
    }
    let mut truth = RgbImage::clone(&query.satellite);
    if let Some(t) = &sample.truth {
        picture::overlay(&mut truth, &t.mask, TRUTH, 90, 3);
    }
    pictures.push(("truth".to_owned(), truth));
    for run in runs {
        let mut image = RgbImage::clone(&query.satellite);
        let record = run.records.get(&query.id);
        if let Some(stage) = record.and_then(|r| r.stages.last()) {
            let mask = stage.mask.to_mask().map_err(Failure::input)?;
            picture::overlay(&mut image, &mask, ANSWER, 110, 3);
            for object in &stage.objects {
                stages::mark(&mut image, &prompt_of(object), stage.frame.as_ref().map(|f| f.size), PROMPT, 3);
            }
        }
        if let Some(t) = &sample.truth {
            picture::overlay(&mut image, &t.mask, TRUTH, 0, 3);
        }
        let outcome = match record {
            None => "not run".to_owned(),
            Some(r) if r.status != Status::Ok => r.status.to_string(),
            Some(r) => r.score.and_then(|s| s.counts.iou()).map_or_else(|| "-".to_owned(), |v| format!("{v:.2}")),
        };
        pictures.push((format!("{outcome}  {}", run.manifest.method.label), image));
    }
    Ok(Tile { title: format!("{}  {}", query.id, query.text), pictures })
}
