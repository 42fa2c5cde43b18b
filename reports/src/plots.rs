//! The plots of a report, from the same rows as its tables.

use std::path::{Path, PathBuf};

use socio_dataset::files::{self, FileError};

use crate::digest::Digest;
use crate::figure::{About, Bars, Category, Curve, Estimate, Histogram, Radar, Scatter, Series, Stacked, standalone};
use crate::metrics::Metric;
use crate::report::by::{By, Part, parts};
use crate::report::latency::{leaf_phases, leaf_seconds, timing};
use crate::report::lines::{Line, With, lines};
use crate::report::propagation::{Effect, effect, ious};
use crate::report::{Options, name_of, profile_of, sets_of};
use crate::table::Cell;

/// A plot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plot {
    /// What it is, as `bars-classes`.
    pub key: &'static str,
    /// Its name among the plots of a report: the key, and what it is of where there are several.
    pub name: String,
    /// The drawing.
    pub svg: String,
    /// What to say of it that its title does not.
    pub caption: String,
}

/// Rows that one plot holds: more cannot be told apart.
const SERIES: usize = 6;
/// Classes that a plot holds: as many as the paper's radar has.
const CLASSES: usize = 20;
const BINS: usize = 20;

/// The plots of some runs; those of several sets each by itself.
pub fn plots(digests: &[Digest], options: &Options) -> Vec<Plot> {
    let with = With { profile: profile_of(digests, options), options };
    let sets = sets_of(digests);
    let mut all = Vec::new();
    for (i, set) in sets.iter().enumerate() {
        let own: Vec<&Digest> = digests.iter().filter(|d| name_of(d) == *set).collect();
        let prefix = set.filter(|_| sets.len() > 1).map_or(String::new(), |s| format!("{s}: "));
        let rows = lines(own.iter().copied());
        let mut draw = Draw { with, rows: rows.iter().take(SERIES).collect(), prefix: &prefix, set: i, all: &mut all };
        draw.by_kind();
        draw.distributions();
        draw.latency();
        if rows.len() > SERIES {
            let note = format!(" The first {SERIES} of {} rows.", rows.len());
            all.iter_mut()
                .filter(|p: &&mut Plot| p.name.starts_with(&format!("{i}-")))
                .for_each(|p| p.caption += &note);
        }
    }
    for plot in &mut all {
        // Only the order of the sets was in the name; one set needs none.
        if sets.len() == 1 {
            plot.name = plot.name.trim_start_matches("0-").to_owned();
        }
    }
    all
}

/// Writes each plot as a file of its own; the files.
///
/// # Errors
/// When the file system refuses.
pub fn write(plots: &[Plot], folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut written = Vec::new();
    for plot in plots {
        let path = folder.join(format!("{}.svg", plot.name));
        files::write(&path, standalone(&plot.svg).as_bytes())?;
        written.push(path);
    }
    Ok(written)
}

struct Draw<'a> {
    with: With<'a>,
    rows: Vec<&'a Line<'a>>,
    prefix: &'a str,
    set: usize,
    all: &'a mut Vec<Plot>,
}

impl Draw<'_> {
    fn about(&self, key: &str, title: &str) -> About {
        About::new(format!("{}-{key}", self.set), format!("{}{title}", self.prefix))
    }

    fn add(&mut self, key: &'static str, name: &str, svg: String, caption: &str) {
        self.all.push(Plot { key, name: format!("{}-{name}", self.set), svg, caption: caption.to_owned() });
    }

    /// gIoU by class and function, as bars and as the paper's radar.
    fn by_kind(&mut self) {
        let quick = Options { resamples: 1_000, ..self.with.options.clone() };
        let with = With { options: &quick, ..self.with };
        let all: Vec<Line<'_>> = self.rows.iter().map(|l| (*l).clone()).collect();
        for (by, title) in [(By::Class, "gIoU by class"), (By::Function, "gIoU by function")] {
            let found = parts(&all, by);
            if found.len() < 2 {
                continue;
            }
            let shown: Vec<_> = found.iter().take(CLASSES).collect();
            let figures: Vec<Vec<Option<Estimate>>> = all
                .iter()
                .map(|line| {
                    let one = |part: &&Part| {
                        let cells = line.cells(with, &[Metric::Giou], |d, e| by.holds(d, e, part));
                        estimate(cells.first()?)
                    };
                    shown.iter().map(one).collect()
                })
                .collect();
            let categories = shown.iter().map(|p| Category { label: p.label.clone(), n: Some(p.samples) });
            let series = |i: usize, line: &Line<'_>| Series::new(line.label.clone(), i, figures[i].clone());
            let bars = Bars {
                about: self.about(&format!("bars-{}", by.key()), title),
                measure: "gIoU, %".to_owned(),
                categories: categories.collect(),
                series: all.iter().enumerate().map(|(i, l)| series(i, l)).collect(),
            };
            let most = if found.len() > CLASSES {
                format!("The {CLASSES} most frequent of {}. ", found.len())
            } else {
                String::new()
            };
            self.add(
                "bars",
                &format!("bars-{}", by.key()),
                bars.render(),
                &format!("{most}Whiskers: 95 % intervals over 1,000 draws."),
            );
            if shown.len() >= *Radar::CATEGORIES.start() {
                let radar = Radar {
                    about: self.about(&format!("radar-{}", by.key()), title),
                    measure: "gIoU, %".to_owned(),
                    categories: shown.iter().map(|p| p.label.clone()).collect(),
                    series: all
                        .iter()
                        .enumerate()
                        .map(|(i, l)| {
                            Series::new(
                                l.label.clone(),
                                i,
                                figures[i].iter().map(|e| e.as_ref().map(|e| e.value)).collect(),
                            )
                        })
                        .collect(),
                };
                self.add(
                    "radar",
                    &format!("radar-{}", by.key()),
                    radar.render(),
                    &format!("{most}As the paper's Figure 4, which prints no numbers."),
                );
            }
        }
    }

    /// How IoU is distributed, and how it went from stage to stage.
    fn distributions(&mut self) {
        let profile = self.with.profile;
        let ious_of = |line: &Line<'_>| -> Vec<f64> {
            line.entries().filter_map(|(_, e)| profile.tally(e)).map(|t| t.iou).collect()
        };
        let series = |(i, line): (usize, &&Line<'_>)| {
            Series::new(line.label.clone(), i, Histogram::count(&ious_of(line), 0.0, 1.0, BINS))
        };
        let histogram = Histogram {
            about: self.about("histogram", "Samples by IoU"),
            measure: "IoU".to_owned(),
            low: 0.0,
            high: 1.0,
            series: self.rows.iter().enumerate().map(series).collect(),
        };
        self.add("histogram", "histogram", histogram.render(), "Failed samples count as 0.");
        for (i, line) in self.rows.clone().into_iter().enumerate() {
            let mut groups =
                [("helped", 2), ("harmed", 1), ("unchanged", 7)].map(|(n, hue)| Series::new(n, hue, Vec::new()));
            for (_, entry) in line.entries() {
                let Some(pair) = ious(entry, &profile) else { continue };
                let at = match effect(pair) {
                    Effect::Helped => 0,
                    Effect::Harmed | Effect::Amplified => 1,
                    Effect::Unchanged => 2,
                };
                groups[at].values.push(pair);
            }
            if groups.iter().all(|g| g.values.is_empty()) {
                continue;
            }
            let name = format!("scatter-{}", i + 1);
            let scatter = Scatter {
                about: self.about(&name, &format!("Stage 1 against stage 2: {}", line.label)),
                x: "IoU after stage 1".to_owned(),
                y: "IoU after stage 2".to_owned(),
                groups: groups.into(),
            };
            self.add("scatter", &name, scatter.render(), "A dot a sample; above the diagonal stage 2 helped.");
        }
    }

    /// Seconds a sample as a distribution, and one sample's time by phase.
    fn latency(&mut self) {
        let timed: Vec<_> = (self.rows.iter())
            .filter_map(|l| Some((*l, *l.runs.first()?)))
            .map(|(l, run)| (l, run, timing(run)))
            .filter(|(_, _, t)| !t.total.is_empty())
            .collect();
        if timed.is_empty() {
            return;
        }
        let curve = Curve {
            about: self.about("curve", "Seconds a sample"),
            measure: "seconds".to_owned(),
            series: timed
                .iter()
                .enumerate()
                .map(|(i, (l, _, t))| Series::new(l.label.clone(), i, t.total.clone()))
                .collect(),
        };
        let caption = "Share of samples that took no longer; marks at p50, p95 and p99 (nearest rank).";
        let rendered = curve.render();
        let medians: Vec<(String, Vec<f64>)> = timed
            .iter()
            .filter_map(|(l, run, t)| Some((l.label.clone(), one_sample(run, *t.total.get(t.total.len() / 2)?)?)))
            .collect();
        self.add("curve", "curve", rendered, caption);
        let phases = leaf_phases().enumerate().map(|(i, (_, name))| {
            let seconds = medians.iter().map(|(_, seconds)| seconds[i]).collect();
            Series::new(name.trim_start_matches("of it: "), i, seconds)
        });
        let phases = phases.filter(|s: &Series<f64>| s.values.iter().any(|v| *v > 0.0));
        let stacked = Stacked {
            about: self.about("stacked", "One sample's time"),
            measure: "seconds".to_owned(),
            phases: phases.collect(),
            rows: medians.iter().map(|(label, _)| label.clone()).collect(),
        };
        self.add("stacked", "stacked", stacked.render(), "Of each run the sample in the middle of all by its time.");
    }
}

/// Seconds by phase of the sample that took `total` in all.
fn one_sample(run: &Digest, total: f64) -> Option<Vec<f64>> {
    let at = (0..run.entries.len()).find(|i| run.phases.seconds("total", *i) == Some(total))?;
    Some(leaf_seconds(|phase| run.phases.seconds(phase, at)))
}

fn estimate(cell: &Cell) -> Option<Estimate> {
    match cell {
        Cell::Figure(figure, _) => figure.map(|f| Estimate::new(f.value, f.low, f.high)),
        Cell::Spread(spread, _) => spread.map(|s| Estimate::new(s.mean, s.mean - s.deviation, s.mean + s.deviation)),
        _ => None,
    }
}
