//! `data build`, `data map`, `data probe`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use socio_dataset::build::{self, BuildOptions, Built, Inputs, WriteOptions};
use socio_dataset::city::{City, Spec, probe::probe as run_probe, style};
use socio_dataset::geo::imagery::Imagery;
use socio_dataset::geo::vectors::{self, Object};
use socio_dataset::map::{Layers, Words};
use socio_dataset::scene::{Look, satellite_format};
use socio_dataset::store::Dataset;
use socio_dataset::{Level, files, parallel, picture};
use socio_record::ExitCode;

use super::setup;
use crate::cli::{BuildArgs, Labels, Layout, LookArgs, MapArgs, MapLayers};
use crate::failure::{Failure, Outcome};
use crate::progress;

pub(crate) fn command(args: BuildArgs) -> Outcome {
    if args.shard_mib == 0 {
        return Err(Failure::usage("--shard-mib 0 leaves no room: expected 1 or more"));
    }
    let how = WriteOptions {
        parquet: matches!(args.to, Layout::Parquet),
        shard_bytes: args.shard_mib << 20,
        threads: args.threads.unwrap_or_else(parallel::processors).max(1),
    };
    let (built, notes) = match &args.city {
        Some(options) => (city(options, &args, &how)?, Vec::new()),
        None => real(&args, &how)?,
    };
    tell(&built, &notes, &args.out, args.json);
    Ok(ExitCode::OK)
}

/// Writes the embedded city.
fn city(options: &str, args: &BuildArgs, how: &WriteOptions) -> Result<Built, Failure> {
    let own = ["style=", "words=", "layers=", "satellite="];
    if let Some(option) = options.split(',').find(|o| own.iter().any(|k| o.trim().starts_with(k))) {
        let why = "give --style, --labels, --layers or --satellite instead";
        return Err(Failure::usage(format!("--city {option}: {why}")));
    }
    if !args.level.is_empty() || args.only_split.is_some() {
        return Err(Failure::usage("--level and --only-split are of real places: the city has its own plan"));
    }
    let mut spec = Spec::parse(&format!("city:{options}"))?;
    if !options.contains("seed=") {
        spec.seed = args.seed;
    }
    let look = look(&args.look, &args.satellite)?;
    spec.style.clone_from(&args.look.style);
    (spec.words, spec.layers, spec.jpeg, spec.threads) = (look.words, look.layers, look.jpeg, Some(how.threads));
    let (seed, total) = (spec.seed, spec.samples + spec.new);
    let dataset = Dataset::city(spec)?;
    let mut splits = build::city_splits(&dataset);
    for style in &args.other_styles {
        let split = format!("ood-style-{style}");
        if !dataset.splits().contains(&split) {
            return Err(Failure::usage(format!(
                "--other-styles {style}: expected other styles than the set's own, of `socio-bench list styles`"
            )));
        }
        splits.push(split);
    }
    let bar = progress::bar(total as u64, "draw");
    let built = build::write_city(&dataset, seed, &splits, &args.out, how, |n| bar.set_position(n))?;
    bar.finish_and_clear();
    Ok(built)
}

/// Builds from imagery and vectors; also tells of files that were passed over.
fn real(args: &BuildArgs, how: &WriteOptions) -> Result<(Built, Vec<String>), Failure> {
    let Some(imagery) = &args.imagery else { return Err(Failure::usage("--imagery is missing")) };
    let [low, high] = args.sides[..] else {
        return Err(Failure::usage("--sides: expected two lengths in metres, as 80,1500"));
    };
    let fits = low > 0.0 && high >= low && args.share > 0.0 && args.share < 1.0 && args.buffer >= 0.0;
    if !fits {
        return Err(Failure::usage(
            "--sides must be two rising lengths above 0, --share between 0 and 1, --buffer 0 or more",
        ));
    }
    if let Some(split) = &args.only_split
        && (split.is_empty() || !split.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-'))
    {
        return Err(Failure::usage(format!("--only-split `{split}`: expected letters, digits, `_` and `-`")));
    }
    let bounds = match args.bounds.as_slice() {
        [] => None,
        [west, south, east, north] => Some([*west, *south, *east, *north]),
        _ => return Err(Failure::usage("--bounds: expected west,south,east,north in degrees")),
    };
    let imagery = Imagery::open(imagery, bounds)?;
    let mut notes: Vec<String> = imagery.skipped().iter().map(|e| format!("passed over: {e}")).collect();
    let (objects, skipped) = objects(&args.vectors)?;
    notes.extend(skipped);
    let hierarchy = setup::hierarchy()?;
    let options = BuildOptions {
        region: args.region.clone(),
        size: args.size,
        share: args.share,
        sides: [low, high],
        smallest: args.smallest,
        levels: if args.level.is_empty() { Level::ALL.to_vec() } else { args.level.clone() },
        buffer: args.buffer,
        seed: args.seed,
        only_split: args.only_split.clone(),
        look: look(&args.look, &args.satellite)?,
        source: [args.source.clone(), args.licence.clone(), args.attribution.clone()],
    };
    let plan = build::plan(&Inputs { imagery: &imagery, objects: &objects, hierarchy: &hierarchy }, &options);
    let bar = progress::bar(plan.scenes.len() as u64, "cut and draw");
    let built = build::write(plan, imagery, &options, &args.out, how, |n| bar.set_position(n))?;
    bar.finish_and_clear();
    Ok((built, notes))
}

/// The objects of several files, and what could not be used.
fn objects(paths: &[PathBuf]) -> Result<(Vec<Object>, Vec<String>), Failure> {
    let (mut objects, mut notes) = (Vec::new(), Vec::new());
    for path in paths {
        let found = vectors::read(path)?;
        notes.extend(found.skipped.iter().map(|(reason, n)| format!("{}: {n} {reason}", path.display())));
        objects.extend(found.objects);
    }
    Ok((objects, notes))
}

fn look(args: &LookArgs, satellite: &str) -> Result<Look, Failure> {
    let jpeg = satellite_format(satellite).map_err(|why| Failure::usage(format!("--satellite {satellite}: {why}")))?;
    Ok(Look {
        style: Arc::new(style(&args.style)?),
        words: match args.labels {
            Labels::Local => Words::Local,
            Labels::English => Words::English,
            Labels::Both => Words::Both,
        },
        layers: match args.layers {
            MapLayers::Places => Layers::RoadsAndPlaces,
            MapLayers::Full => Layers::Full,
        },
        jpeg,
    })
}

fn tell(built: &Built, notes: &[String], out: &Path, as_json: bool) {
    if as_json {
        say!("{:#}", json!({ "out": out, "built": built, "notes": notes }));
        return;
    }
    let splits: Vec<String> = built.splits.iter().map(|(s, n)| format!("{s} {n}")).collect();
    say!("{}: {} scenes, samples: {}", out.display(), built.scenes, splits.join(", "));
    for (reason, n) in &built.skipped {
        say!("  passed over: {n} {reason}");
    }
    for note in notes {
        say!("  {note}");
    }
    let often = built.deviations.iter().filter(|d| d.samples >= 50).take(3);
    for d in often {
        say!("  share of {} in {}: {:+.1} points off ({} samples)", d.label, d.split, d.points, d.samples);
    }
}

pub(crate) fn map(args: MapArgs) -> Outcome {
    let look = look(&args.look, "png")?;
    let [lon, lat] = args.centre[..] else { return Err(Failure::usage("--centre: expected longitude,latitude")) };
    if !(lon.abs() <= 180.0 && lat.abs() < 85.0 && args.side > 0.0) {
        return Err(Failure::usage("--centre must be longitude,latitude in degrees, --side above 0"));
    }
    let satellite = match &args.satellite {
        Some(path) => Some(picture::decode_rgb(&files::read(path)?).map_err(Failure::input)?),
        None => None,
    };
    let (objects, _) = objects(&args.vectors)?;
    let drawn =
        build::draw(&objects, &setup::hierarchy()?, [lon, lat], args.side, args.size, &look, satellite.as_ref());
    files::write(&args.out, &picture::for_file(&drawn.image, &args.out).map_err(Failure::input)?)?;
    if args.json {
        let labels: Vec<_> = drawn
            .labels
            .iter()
            .map(|l| json!({ "kind": format!("{:?}", l.kind).to_lowercase(), "lines": l.lines, "corners": l.quads }))
            .collect();
        say!("{:#}", json!({ "map": args.out, "labels": labels, "crowded_out": drawn.crowded_out.len() }));
    } else {
        say!("{}: {} labels", args.out.display(), drawn.labels.len());
    }
    Ok(ExitCode::OK)
}

pub(crate) fn probe(data: &str, split: &str, as_json: bool) -> Outcome {
    if data != "city" && !data.starts_with("city:") {
        return Err(Failure::usage(
            "--data: only the embedded city knows enough of itself to be probed, as city:samples=2000",
        ));
    }
    let city = Arc::new(City::open(Spec::parse(data)?)?);
    if !city.splits().iter().any(|s| s == split) {
        return Err(Failure::input(format!("the city has no split `{split}`; it has: {}", city.splits().join(", "))));
    }
    let probed = run_probe(&city, split);
    if as_json {
        say!("{:#}", json!(probed));
    } else {
        say!("{} samples of split {split}, mean IoU (gIoU) in percent:", probed.samples);
        let rows = [
            ("map alone: a box of the usual size at each icon that answers", probed.map),
            ("satellite alone: the outline nearest to the middle and of the usual size", probed.satellite),
            ("both: the outline around each icon that answers", probed.both),
        ];
        for (what, share) in rows {
            say!("  {:5.1}  {what}", share * 100.0);
        }
    }
    Ok(ExitCode::OK)
}
