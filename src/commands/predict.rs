//! `predict`: one's own images, no truth.

use std::path::Path;
use std::sync::Arc;

use image::{Rgb, RgbImage};
use serde_json::json;
use socio_baselines::{Contestant, Context, Failure as Why};
use socio_dataset::{Query, Rle, files, picture};
use socio_record::ExitCode;

use super::{setup, stages};
use crate::cli::PredictArgs;
use crate::failure::{Failure, Outcome};

pub(crate) fn command(args: PredictArgs) -> Outcome {
    if args.query.trim().is_empty() {
        return Err(Failure::usage("--query is empty: expected a place's name, a class or a function"));
    }
    let overlay_path = args.overlay.clone().unwrap_or_else(|| args.out.with_extension("overlay.png"));
    if overlay_path == args.out {
        return Err(Failure::usage("--overlay is --out: the picture would take the mask's place"));
    }
    let satellite = read(&args.sat)?;
    let map = args.map.as_deref().map(read).transpose()?;
    if let Some(map) = map.as_ref().filter(|m| m.dimensions() != satellite.dimensions()) {
        let (w, h) = satellite.dimensions();
        let found = map.dimensions();
        return Err(Failure::input(format!(
            "--map is {}x{} pixels, --sat {w}x{h}: they must be registered pixel by pixel",
            found.0, found.1
        )));
    }
    let level = match args.level {
        Some(level) => level,
        None => setup::hierarchy()?.level_of(&args.query),
    };
    let resources = setup::resources(&args.resources, false)?;
    let mut loaded = setup::Loaded::new(&resources);
    let asked = setup::Asked { vlm: args.asked.vlm.as_deref(), segmenter: Some(&args.asked.segmenter) };
    let ready = setup::ready(&args.method, asked, &args.settings, &mut loaded, None)?;
    let Contestant::Method(method) = &ready.contestant else {
        return Err(Failure::usage(format!("`{}` needs the truth, which your images have not", args.method)));
    };
    let query = Query {
        id: "prediction".to_owned(),
        text: args.query.clone(),
        level: Some(level),
        satellite: Arc::new(satellite),
        map: map.map(Arc::new),
    };
    let mut context = Context::new(args.settings.seed, &query.id);
    let answer = method.answer(&query, &ready.models, &mut context).map_err(|why| match why {
        Why::Backend(e) => Failure::from(e),
        Why::NoAnswer(_) | Why::BadGrammar(_) => Failure::new(ExitCode::FAILURES, format!("no answer: {why}")),
        other => Failure::input(other),
    })?;
    let Some(stage) = answer.stages.last() else {
        return Err(Failure::new(ExitCode::FAILURES, "no answer: the method has no stage"));
    };
    let mut drawn = Vec::new();
    if let Some(folder) = &args.stages {
        drawn = stages::draw(folder, &query, &answer, &context)?;
    }
    if let Some(failure) = &stage.failure {
        let said = context
            .all_said()
            .iter()
            .rev()
            .find(|s| s.stage == stage.name)
            .map_or(String::new(), |s| format!("\nthe model said: {}", shown(&s.text)));
        let code = if matches!(failure, Why::Backend(_)) { ExitCode::BACKEND } else { ExitCode::FAILURES };
        return Err(Failure::new(code, format!("no answer: stage {}: {failure}{said}", stage.name)));
    }
    let png = stage.mask.to_png().map_err(Failure::input)?;
    files::write(&args.out, &png)?;
    let mut overlay = RgbImage::clone(&query.satellite);
    picture::overlay(&mut overlay, &stage.mask, Rgb([255, 0, 0]), 102, 2);
    for object in &stage.objects {
        stages::mark(&mut overlay, &object.prompt, stage.frame.as_ref().map(|f| f.size), Rgb([0, 0, 255]), 2);
    }
    files::write(&overlay_path, &picture::for_file(&overlay, &overlay_path).map_err(Failure::input)?)?;
    let pixels = u64::from(stage.mask.width()) * u64::from(stage.mask.height());
    if args.json {
        let objects: Vec<_> = stage
            .objects
            .iter()
            .map(|o| json!({ "box": o.prompt.bbox, "points": o.prompt.points, "background": o.prompt.background, "score": o.score, "mask": Rle::from(&o.mask) }))
            .collect();
        let said: Vec<_> = context.all_said().iter().map(|s| json!({ "stage": s.stage, "text": s.text })).collect();
        let value = json!({
            "query": args.query, "level": level, "method": ready.info.label, "mask_file": args.out, "overlay_file": overlay_path,
            "area": stage.mask.area(), "mask": Rle::from(&stage.mask), "objects": objects, "frame": stage.frame.as_ref().map(|f| f.size),
            "remark": stage.remark, "text": context.all_said().last().map(|s| &s.text), "said": said, "stage_files": drawn,
        });
        say!("{value:#}");
    } else {
        say!(
            "{} objects, {} of {pixels} pixels ({:.1} %)\nmask:    {}\noverlay: {}",
            stage.objects.len(),
            stage.mask.area(),
            100.0 * stage.mask.area() as f64 / pixels.max(1) as f64,
            args.out.display(),
            overlay_path.display()
        );
        for file in drawn {
            say!("stages:  {}", file.display());
        }
        if let Some(remark) = &stage.remark {
            say!("remark:  {remark}");
        }
    }
    Ok(ExitCode::OK)
}

/// A model's words on a terminal: one line, cut, and nothing that steers it.
fn shown(text: &str) -> String {
    let line: String = text.escape_debug().take(300).collect();
    if line.len() < text.len() { format!("{line}...") } else { line }
}

fn read(path: &Path) -> Result<RgbImage, Failure> {
    let bytes = files::read(path)?;
    picture::decode_rgb(&bytes).map_err(|e| Failure::input(format!("{}: {e}", path.display())))
}
