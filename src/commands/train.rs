//! `train`.

use std::path::{Path, PathBuf};

use socio_baselines::registry;
use socio_dataset::files;
use socio_record::ExitCode;
use socio_reports::figure::{About, Lines, Place, Series, standalone};
use socio_train::checkpoint::Checkpoint;
use socio_train::course::{Course, How, Run};
use socio_train::grpo::{Recipe as GrpoRecipe, Reinforced};
use socio_train::library::Library;
use socio_train::log::{self, Event};
use socio_train::nano::course::{Nano, Recipe as NanoRecipe};
use socio_train::segmenter::{Cutter, Recipe as CutterRecipe};
use socio_train::{export, recipes};

use super::setup;
use crate::cli::{GrpoArgs, TrainArgs, TrainCommand};
use crate::failure::{Failure, Outcome};
use crate::progress;

pub(crate) fn command(command: TrainCommand) -> Outcome {
    match command {
        TrainCommand::Nano(args) => {
            let (recipe, text) = recipes::read::<NanoRecipe>(&args.out, args.recipe.as_deref(), recipes::NANO)?;
            if kept(&args, &text)? {
                return Ok(ExitCode::OK);
            }
            let nano = Nano::new(&recipe, &cache(&args), args.checked, &drawing())?;
            run(&nano, &args)
        }
        TrainCommand::Segmenter(args) => {
            let (recipe, text) = recipes::read::<CutterRecipe>(&args.out, args.recipe.as_deref(), recipes::SEGMENTER)?;
            if kept(&args, &text)? {
                return Ok(ExitCode::OK);
            }
            let cutter = Cutter::new(&recipe, &cache(&args), args.checked, &drawing())?;
            run(&cutter, &args)
        }
        TrainCommand::Grpo(args) => grpo(&args),
        TrainCommand::Curves { runs, out, show } => curves(&runs, &out, &show),
        TrainCommand::Export { run, out, dtype } => {
            let written = export::export(&run, dtype, &out)?;
            say!("{}: {} weights, {} bytes", out.display(), written.weights, written.bytes);
            Ok(ExitCode::OK)
        }
    }
}

fn grpo(args: &GrpoArgs) -> Outcome {
    let train = &args.train;
    let (recipe, text) = recipes::read::<GrpoRecipe>(&train.out, train.recipe.as_deref(), recipes::GRPO)?;
    if kept(train, &text)? {
        return Ok(ExitCode::OK);
    }
    let resources = setup::resources(&args.resources, false)?;
    let segmenter = registry::segmenter(&args.segmenter, &resources)?;
    let policy = Checkpoint::read(&args.policy)?.parameters;
    let learner = Reinforced::new(&recipe, (policy, segmenter), &cache(train), train.checked, &drawing())?;
    run(&learner, train)
}

/// Keeps a recipe in its run's folder; true where it was to be printed alone.
fn kept(args: &TrainArgs, text: &str) -> Result<bool, Failure> {
    if args.print_recipe {
        say_part!("{text}");
    } else {
        files::create_dir(&args.out)?;
        files::write(&args.out.join(recipes::FILE), text.as_bytes())?;
    }
    Ok(args.print_recipe)
}

fn cache(args: &TrainArgs) -> PathBuf {
    args.cache.clone().unwrap_or_else(|| setup::models_folder(None).with_file_name("lessons"))
}

/// Tells how many lessons are drawn.
fn drawing() -> impl Fn(usize) {
    let bar = progress::counter("drawing lessons");
    move |count| bar.set_position(count as u64)
}

fn run<C: Course>(course: &C, args: &TrainArgs) -> Outcome {
    let how = How {
        out: args.out.clone(),
        threads: args.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get)),
        log: args.log_every.max(1),
        check: args.check_every,
        save: args.save_every.max(1),
        until: args.until,
        start: args.start.clone(),
    };
    let bar = progress::bar(args.until.unwrap_or(u64::MAX).min(course.steps()), "training");
    let told = |event: &Event| {
        if let (true, Ok(line)) = (args.json, serde_json::to_string(event)) {
            say!("{line}");
        }
        match event {
            Event::Step { step, loss, rate, stage, .. } => {
                bar.set_position(*step);
                bar.set_message(format!("{stage}: loss {loss:.3}, rate {rate:.1e}"));
            }
            Event::Check { step, figures } if !args.json => {
                let figures: Vec<String> = figures.iter().map(|(name, v)| format!("{name} {v:.3}")).collect();
                bar.suspend(|| say!("step {step}: {}", figures.join(", ")));
            }
            _ => {}
        }
    };
    let library = args.library.unwrap_or_else(Library::best);
    let done = library.run(Run { course, how: &how, told: &told })?;
    bar.finish_and_clear();
    if !args.json {
        say!("{}: {} of {} steps", args.out.display(), done.header.step, course.steps());
    }
    Ok(ExitCode::OK)
}

/// A picture of the runs' logs, a panel a figure.
fn curves(runs: &[PathBuf], out: &Path, show: &[String]) -> Outcome {
    let logs = runs.iter().map(|run| log::read(run)).collect::<Result<Vec<_>, _>>()?;
    let mut all: Vec<(String, Vec<Series<Place>>)> = Vec::new();
    for (hue, (run, events)) in runs.iter().zip(&logs).enumerate() {
        let name = run.file_name().map_or_else(|| run.display().to_string(), |n| n.to_string_lossy().into_owned());
        for (figure, points) in log::figures(events) {
            if !show.is_empty() && !show.contains(&figure) {
                continue;
            }
            let series = Series::new(name.clone(), hue, points);
            match all.iter_mut().find(|(known, _)| *known == figure) {
                Some((_, list)) => list.push(series),
                None => all.push((figure, vec![series])),
            }
        }
    }
    if all.is_empty() {
        return Err(Failure::input("the logs have none of the figures that are asked for"));
    }
    let count = all.len();
    let lines = Lines { about: About::new("curves", "Training"), across: "step".to_owned(), panels: all };
    files::write(out, standalone(&lines.render()).as_bytes())?;
    say!("{}: {count} figures of {} runs", out.display(), runs.len());
    Ok(ExitCode::OK)
}
