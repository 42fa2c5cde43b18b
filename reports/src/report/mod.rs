//! The tables of one or several runs.

mod across;

use std::collections::BTreeMap;

use socio_dataset::Level;
use socio_record::{Record, Rule, Run, Status};

use crate::metrics::{Figure, Metric, Profile, RESAMPLES, Tally, figures};
use crate::paper::Paper;
use crate::table::{Cell, Column, Mark, Row, Table};

/// Fewer scenes than this make intervals doubtful.
const FEW_SCENES: usize = 50;

/// What to tell.
#[derive(Debug, Clone)]
pub struct Options {
    /// The profile; the first run's own where not given.
    pub profile: Option<Profile>,
    /// What F1 takes for an instance.
    pub rule: Rule,
    /// Whether to add a table by class.
    pub by_class: bool,
    /// Whether to set the paper's rows beside ours.
    pub with_paper: bool,
    /// Draws for the intervals.
    pub resamples: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { profile: None, rule: Rule::Components, by_class: false, with_paper: false, resamples: RESAMPLES }
    }
}

/// What there is to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The profile of every figure.
    pub profile: Profile,
    /// The tables, the main one first.
    pub tables: Vec<Table>,
}

/// The tables of some runs, a row each.
///
/// # Errors
/// When the paper's data file does not parse (never for a released build).
pub fn report(runs: &[Run], options: &Options) -> Result<Report, toml::de::Error> {
    let named = runs.first().and_then(|r| Profile::named(&r.manifest.profile).ok());
    let profile = options.profile.or(named).unwrap_or(Profile::STRICT);
    let sets = sets_of(runs);
    let mut tables = Vec::new();
    if sets.len() > 1 {
        tables.push(across::table(runs, &sets, &profile, options));
    }
    for set in &sets {
        let mut rows: Vec<Ours<'_>> =
            runs.iter().filter(|r| name_of(r) == *set).map(|r| Ours::of(r, &profile)).collect();
        tell_apart(&mut rows);
        let mut own = vec![main_table(&rows, &profile, options)?];
        // Beside several sets the rules and classes of each would bury what is asked: they come with one set's report.
        if sets.len() == 1 || options.by_class {
            own.push(rule_table(&rows, &profile, options));
        }
        own.extend(status_table(&rows));
        if options.by_class {
            own.extend(class_table(&rows, &profile, options));
        }
        if let (Some(set), true) = (set, sets.len() > 1) {
            for table in &mut own {
                table.key = format!("{}-{set}", table.key);
                table.title = format!("{set}: {}", table.title);
            }
        }
        tables.extend(own);
    }
    Ok(Report { profile, tables })
}

/// The sets that runs are of, in the order given; runs of no suite are one set.
fn sets_of(runs: &[Run]) -> Vec<Option<&str>> {
    let mut sets: Vec<Option<&str>> = Vec::new();
    for run in runs {
        let name = name_of(run);
        if !sets.contains(&name) {
            sets.push(name);
        }
    }
    if sets.is_empty() { vec![None] } else { sets }
}

fn name_of(run: &Run) -> Option<&str> {
    run.manifest.set.as_ref().map(|s| s.name.as_str())
}

/// One run with its tallies.
struct Ours<'a> {
    run: &'a Run,
    group: u8,
    label: String,
    tallies: Vec<(&'a Record, Tally)>,
    unscored: usize,
}

impl<'a> Ours<'a> {
    fn of(run: &'a Run, profile: &Profile) -> Self {
        let method = &run.manifest.method;
        let mut label = method.label.clone();
        if method.oracle {
            label.push_str(" †");
        } else if method.reference {
            label.push_str(" ‡");
        }
        if !method.remarks.is_empty() {
            label.push_str(" §");
        }
        let tallies: Vec<_> = run.records.values().filter_map(|r| Some((r, profile.tally(r)?))).collect();
        Self {
            run,
            group: u8::from(method.oracle || method.reference),
            label,
            unscored: run.records.len() - tallies.len(),
            tallies,
        }
    }

    fn figures(
        &self,
        keep: impl Fn(&Record) -> bool,
        metrics: &[Metric],
        profile: &Profile,
        options: &Options,
    ) -> Vec<Option<Figure>> {
        let kept = self.tallies.iter().filter(|(r, _)| keep(r)).map(|(r, t)| (r.scene.as_str(), *t));
        figures(kept, metrics, profile, options.resamples)
    }

    fn scenes(&self) -> usize {
        self.tallies.iter().map(|(r, _)| &r.scene).collect::<std::collections::BTreeSet<_>>().len()
    }
}

/// Adds the run's id to labels that several rows have.
fn tell_apart(rows: &mut [Ours<'_>]) {
    let labels: Vec<String> = rows.iter().map(|r| r.label.clone()).collect();
    for (i, row) in rows.iter_mut().enumerate() {
        if labels.iter().filter(|l| **l == labels[i]).count() > 1 {
            row.label = format!("{} ({})", row.label, row.run.manifest.id);
        }
    }
}

/// Methods first, then references, in the order given.
fn grouped<'a, 'b>(rows: &'b [Ours<'a>]) -> impl Iterator<Item = &'b Ours<'a>> {
    (0..=1).flat_map(|group| rows.iter().filter(move |r| r.group == group))
}

fn column(over: &str, name: &str) -> Column {
    Column { over: over.to_owned(), name: name.to_owned() }
}

fn cells(figures: Vec<Option<Figure>>) -> impl Iterator<Item = Cell> {
    figures.into_iter().map(|f| Cell::Figure(f, Mark::None))
}

fn main_table(rows: &[Ours<'_>], profile: &Profile, options: &Options) -> Result<Table, toml::de::Error> {
    let metrics = [Metric::Ciou, Metric::Giou, Metric::F1(options.rule)];
    let present: Vec<Level> = Level::ALL
        .into_iter()
        .filter(|l| rows.iter().any(|r| r.tallies.iter().any(|(record, _)| record.level == Some(*l))))
        .collect();
    let mut columns = vec![column("", "Method")];
    for over in present.iter().map(|l| l.label()).chain(["All"]) {
        columns.extend(metrics.iter().map(|m| column(over, &m.label())));
    }
    columns.extend([column("", "n"), column("", "failed")]);
    let mut table_rows: Vec<Row> = grouped(rows)
        .map(|ours| {
            let mut row = vec![Cell::Text(ours.label.clone())];
            for level in &present {
                row.extend(cells(ours.figures(|r| r.level == Some(*level), &metrics, profile, options)));
            }
            row.extend(cells(ours.figures(|_| true, &metrics, profile, options)));
            let failed: u64 = ours.tallies.iter().map(|(_, t)| t.failed).sum();
            row.extend([Cell::Count(ours.tallies.len() as u64), Cell::Count(failed)]);
            Row { group: ours.group, cells: row }
        })
        .collect();
    if options.with_paper {
        table_rows.extend(published(&present)?);
    }
    let mut table = Table {
        key: "main".to_owned(),
        title: format!("{}: percent, with 95 % intervals", data_of(rows)),
        columns,
        rows: table_rows,
        notes: notes(rows, profile, options),
    };
    table.mark_best();
    Ok(table)
}

/// The rows of the paper's Table 1.
fn published(present: &[Level]) -> Result<Vec<Row>, toml::de::Error> {
    let paper = Paper::embedded()?;
    let mut methods: Vec<&str> = Vec::new();
    for row in paper.table("1") {
        if !methods.contains(&row.method.as_str()) {
            methods.push(&row.method);
        }
    }
    let exact = |v: Option<f64>| Cell::Figure(v.map(|value| Figure { value, low: value, high: value }), Mark::None);
    let rows = methods.into_iter().map(|method| {
        let mut row = vec![Cell::Text(format!("{method} (published)"))];
        for setting in present.iter().map(|l| l.label()).chain(["all"]) {
            let found = paper.table("1").find(|r| r.method == method && r.setting.as_deref() == Some(setting));
            row.extend([found.and_then(|r| r.ciou), found.and_then(|r| r.giou), found.and_then(|r| r.f1)].map(exact));
        }
        row.extend([Cell::Text(String::new()), Cell::Text(String::new())]);
        Row { group: 2, cells: row }
    });
    Ok(rows.collect())
}

/// F1, precision and recall over all samples, by what counts as an instance.
fn rule_table(rows: &[Ours<'_>], profile: &Profile, options: &Options) -> Table {
    let mut columns = vec![column("", "Method")];
    for rule in Rule::ALL {
        columns.extend(["F1", "P", "R"].map(|name| column(rule.label(), name)));
    }
    let metrics: Vec<Metric> =
        Rule::ALL.into_iter().flat_map(|r| [Metric::F1(r), Metric::Precision(r), Metric::Recall(r)]).collect();
    let table_rows = grouped(rows).map(|ours| {
        let mut row = vec![Cell::Text(ours.label.clone())];
        row.extend(cells(ours.figures(|_| true, &metrics, profile, options)));
        Row { group: ours.group, cells: row }
    });
    let mut table = Table {
        key: "instance-rules".to_owned(),
        title: "Instances under the four rules, all levels: F1, precision and recall at IoU > 0.5, pooled".to_owned(),
        columns,
        rows: table_rows.collect(),
        notes: vec![format!("The main table's F1 is `{}`: our choice, the paper names no rule.", options.rule.label())],
    };
    table.mark_best();
    table
}

/// How many samples ended how; nothing where all are well.
fn status_table(rows: &[Ours<'_>]) -> Option<Table> {
    let seen: Vec<Status> = Status::ALL
        .into_iter()
        .filter(|s| rows.iter().any(|r| r.run.records.values().any(|record| record.status == *s)))
        .collect();
    let open: usize = rows.iter().map(|r| r.run.missing().count()).sum();
    if seen.iter().all(|s| *s == Status::Ok) && open == 0 {
        return None;
    }
    let mut columns = vec![column("", "Method")];
    columns.extend(seen.iter().map(|s| column("", s.label())));
    columns.extend([column("", "not run"), column("", "without truth")]);
    let table_rows = grouped(rows).map(|ours| {
        let count = |s: &Status| ours.run.records.values().filter(|r| r.status == *s).count() as u64;
        let mut row = vec![Cell::Text(ours.label.clone())];
        row.extend(seen.iter().map(|s| Cell::Count(count(s))));
        row.extend([Cell::Count(ours.run.missing().count() as u64), Cell::Count(ours.unscored as u64)]);
        Row { group: ours.group, cells: row }
    });
    Some(Table {
        key: "statuses".to_owned(),
        title: "How samples ended".to_owned(),
        columns,
        rows: table_rows.collect(),
        notes: vec!["Samples without truth cannot be scored: they are in no figure.".to_owned()],
    })
}

/// gIoU by class and by function, a table each, where records tell them.
fn class_table(rows: &[Ours<'_>], profile: &Profile, options: &Options) -> Vec<Table> {
    type Of = fn(&Record) -> Option<&str>;
    let kinds: [(&str, &str, Of); 2] =
        [("classes", "Class", |r| r.class.as_deref()), ("functions", "Function", |r| r.function.as_deref())];
    let mut tables = Vec::new();
    for (key, heading, of) in kinds {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for ours in rows {
            let mut own: BTreeMap<&str, u64> = BTreeMap::new();
            for (record, _) in &ours.tallies {
                if let Some(name) = of(record) {
                    *own.entry(name).or_default() += 1;
                }
            }
            for (name, n) in own {
                let most = counts.entry(name).or_default();
                *most = n.max(*most);
            }
        }
        let mut names: Vec<(&str, u64)> = counts.into_iter().collect();
        names.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        if names.is_empty() {
            continue;
        }
        let metrics = [Metric::Ciou, Metric::Giou, Metric::F1(options.rule)];
        let mut columns = vec![column("", heading), column("", "n")];
        for ours in grouped(rows) {
            columns.extend(metrics.iter().map(|m| column(&ours.label, &m.label())));
        }
        let table_rows = names.into_iter().map(|(name, n)| {
            let mut row = vec![Cell::Text(name.to_owned()), Cell::Count(n)];
            for ours in grouped(rows) {
                row.extend(cells(ours.figures(|r| of(r) == Some(name), &metrics, profile, options)));
            }
            Row { group: 0, cells: row }
        });
        tables.push(Table {
            key: key.to_owned(),
            title: format!("By {}, every level that tells one", heading.to_lowercase()),
            columns,
            rows: table_rows.collect(),
            notes: Vec::new(),
        });
    }
    tables
}

fn data_of(rows: &[Ours<'_>]) -> String {
    let Some(first) = rows.first() else { return "No run".to_owned() };
    let data = &first.run.manifest.data;
    format!("{} samples, split {} ({})", data.samples, data.split, data.fingerprint)
}

fn notes(rows: &[Ours<'_>], profile: &Profile, options: &Options) -> Vec<String> {
    let mut notes = vec![format!(
        "Profile {}; F1 micro over {} at IoU > 0.5; intervals: {} cluster-bootstrap draws of scenes.",
        profile.name,
        options.rule.label(),
        options.resamples
    )];
    let data: std::collections::BTreeSet<&str> =
        rows.iter().map(|r| r.run.manifest.data.fingerprint.as_str()).collect();
    if data.len() > 1 {
        notes.push("WARNING: the rows are of different data: do not compare them.".to_owned());
    }
    let scenes = rows.iter().map(Ours::scenes).min().unwrap_or(0);
    if scenes < FEW_SCENES {
        notes.push(format!("WARNING: only {scenes} scenes: below {FEW_SCENES} an interval is doubtful."));
    }
    if rows.iter().any(|r| r.run.manifest.data.kind == "generated") {
        notes.push(
            "Generated scenes (the embedded city): the figures say how methods compare on them, and nothing of real places.".to_owned(),
        );
    }
    for ours in rows {
        let open = ours.run.missing().count();
        if open > 0 {
            notes.push(format!(
                "WARNING: {} is not finished: {open} of {} samples have not run.",
                ours.label,
                ours.run.samples.len()
            ));
        }
        if ours.unscored > 0 {
            notes.push(format!(
                "WARNING: {}: {} samples have no readable truth and are in no figure.",
                ours.label, ours.unscored
            ));
        }
    }
    if rows.iter().any(|r| r.label.contains('†')) {
        notes.push("† sees the truth: an upper reference, never ranked.".to_owned());
    }
    if rows.iter().any(|r| r.label.contains('‡')) {
        notes.push("‡ a floor that sees no truth, never ranked.".to_owned());
    }
    for ours in rows {
        let remarks = &ours.run.manifest.method.remarks;
        if !remarks.is_empty() {
            notes.push(format!("§ {}: {}.", ours.label.trim_end_matches(" §"), remarks.join("; ")));
        }
    }
    if options.with_paper {
        notes.push("(published): as printed in Table 1 of arXiv 2601.10477v2, on SocioSeg's test split; other data than ours unless this run is on it.".to_owned());
    }
    let ids: Vec<String> = grouped(rows).map(|r| format!("{} {}", r.label, r.run.manifest.id)).collect();
    notes.push(format!("Runs: {}.", ids.join("; ")));
    notes
}
