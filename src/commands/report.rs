//! `report`.

use std::path::{Path, PathBuf};

use socio_dataset::files;
use socio_record::{ExitCode, Rule};
use socio_reports::digest::Digest;
use socio_reports::metrics::Profile;
use socio_reports::table::{Format, render};
use socio_reports::{Kind, Options, Report, plots, recount, report};

use super::page;

use crate::cli::{Instances, ReportArgs, ReportOptions};
use crate::failure::{Failure, Outcome};
use crate::progress;

pub(crate) fn rule(instances: Instances) -> Rule {
    match instances {
        Instances::Components => Rule::Components,
        Instances::WholeMask => Rule::WholeMask,
        Instances::ContourBoxes => Rule::ContourBoxes,
        Instances::Emitted => Rule::Emitted,
    }
}

/// A profile by name, where one is named.
pub(crate) fn profile(name: Option<&str>) -> Result<Option<Profile>, Failure> {
    name.map(Profile::named).transpose().map_err(Failure::usage)
}

pub(crate) fn options(args: &ReportOptions) -> Result<Options, Failure> {
    Ok(Options {
        profile: profile(args.profile.as_deref())?,
        rule: rule(args.instances),
        tables: tables(args)?,
        with_paper: args.with_paper,
        worst: args.worst,
        ..Options::default()
    })
}

/// The tables that are asked for; none for the usual ones.
fn tables(args: &ReportOptions) -> Result<Vec<Kind>, Failure> {
    let mut kinds = Vec::new();
    for name in &args.table {
        match name.as_str() {
            "all" => kinds.extend(Kind::ALL.map(|(kind, _, _)| kind)),
            name => kinds.push(name.parse().map_err(Failure::usage)?),
        }
    }
    if args.by_class {
        if kinds.is_empty() {
            kinds.extend_from_slice(Kind::USUAL);
        }
        kinds.extend([Kind::Classes, Kind::Functions]);
    }
    let mut once = Vec::new();
    kinds.retain(|k| {
        !once.contains(k) && {
            once.push(*k);
            true
        }
    });
    Ok(kinds)
}

/// Says which tables were asked for by name and are not there.
pub(crate) fn warn_without(report: &Report, args: &ReportOptions) {
    let asked = report.without.iter().filter(|k| args.table.iter().any(|t| t == k.name()));
    let names: Vec<&str> = asked.map(|k| k.name()).collect();
    if !names.is_empty() {
        eprintln!("these runs have nothing for the table {}", names.join(", "));
    }
}

pub(crate) fn command(args: ReportArgs) -> Outcome {
    let html = args.format == "html" && !args.json;
    let mut format = match args.format.as_str() {
        _ if args.json => Format::Json,
        // A page is made of tables and more.
        "html" => Format::Markdown,
        other => other.parse().map_err(Failure::usage)?,
    };
    if matches!(format, Format::Terminal { .. }) && args.out.is_none() {
        format = Format::Terminal { styled: progress::styled() };
    }
    let mut options = options(&args.options)?;
    let open = |path: &PathBuf| if args.recount { recounted(path) } else { Ok(Digest::open(path)?) };
    let mut digests = args.runs.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    if args.stop_after.is_some() {
        digests = digests.into_iter().map(Digest::stopped_after_first).collect();
    }
    if html && options.tables.is_empty() {
        options.tables = Kind::ALL.map(|(kind, _, _)| kind).into();
    }
    let report = report(&digests, &options).map_err(Failure::input)?;
    warn_without(&report, &args.options);
    if let Some(folder) = &args.figures {
        for path in plots::write(&plots::plots(&digests, &options), folder)? {
            say!("{}", path.display());
        }
    }
    let text = if html { page::html(&digests, report, &options, &args)? } else { render(&report.tables, format) };
    match args.out {
        Some(path) => files::write(&path, text.as_bytes())?,
        None => say_part!("{text}"),
    }
    Ok(ExitCode::OK)
}

/// Counts the masks of every record anew: a record whose counts are not those of its masks is an error.
fn recounted(path: &Path) -> Result<Digest, Failure> {
    let recounted = recount(path, |_| ())?;
    match recounted.wrong.first() {
        Some((id, why)) => Err(Failure::input(format!("{}: record {id}: {why}", path.display()))),
        None => Ok(recounted.digest),
    }
}
