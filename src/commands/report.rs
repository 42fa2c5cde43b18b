//! `report`.

use socio_dataset::{Mask, files};
use socio_record::{ExitCode, Rule, Run, score};
use socio_reports::metrics::Profile;
use socio_reports::table::{Format, render};
use socio_reports::{Options, report};

use crate::cli::{Instances, ReportArgs, ReportOptions};
use crate::failure::{Failure, Outcome};
use crate::progress;

pub(crate) fn options(args: &ReportOptions) -> Result<Options, Failure> {
    Ok(Options {
        profile: args.profile.as_deref().map(Profile::named).transpose().map_err(Failure::usage)?,
        rule: match args.instances {
            Instances::Components => Rule::Components,
            Instances::WholeMask => Rule::WholeMask,
            Instances::ContourBoxes => Rule::ContourBoxes,
            Instances::Emitted => Rule::Emitted,
        },
        by_class: args.by_class,
        with_paper: args.with_paper,
        ..Options::default()
    })
}

pub(crate) fn command(args: ReportArgs) -> Outcome {
    let mut runs = args.runs.iter().map(|r| Run::open(r)).collect::<Result<Vec<_>, _>>()?;
    let mut format: Format = if args.json { Format::Json } else { args.format.parse().map_err(Failure::usage)? };
    if matches!(format, Format::Terminal { .. }) && args.out.is_none() {
        format = Format::Terminal { styled: progress::styled() };
    }
    if args.recount {
        recount(&runs)?;
    }
    if args.stop_after.is_some() {
        runs = runs.into_iter().map(Run::stopped_after_first).collect();
    }
    let report = report(&runs, &options(&args.options)?).map_err(Failure::input)?;
    let text = render(&report.tables, format);
    match args.out {
        Some(path) => files::write(&path, text.as_bytes())?,
        None => say_part!("{text}"),
    }
    Ok(ExitCode::OK)
}

/// Counts the masks of every record anew: a record whose counts are not those of its masks is an error.
fn recount(runs: &[Run]) -> Result<(), Failure> {
    for run in runs {
        for record in run.records.values() {
            let broken = |why: &str| Failure::input(format!("{}: record {}: {why}", run.path.display(), record.id));
            let Some(truth) = &record.truth else { continue };
            let truth = truth.to_mask().map_err(|e| broken(&e.to_string()))?;
            let (mut mask, mut objects) = (Mask::new(truth.width(), truth.height()), Vec::new());
            if let Some(stage) = record.stages.last() {
                mask = stage.mask.to_mask().map_err(|e| broken(&e.to_string()))?;
                for object in &stage.objects {
                    objects.push(object.mask.to_mask().map_err(|e| broken(&e.to_string()))?);
                }
            }
            if record.score != Some(score(&truth, &mask, &objects)) {
                return Err(broken("its counts are not those of its masks"));
            }
        }
    }
    Ok(())
}
