//! `list` and `doctor`.

use serde_json::json;
use socio_baselines::{devices, networks, registry};
use socio_dataset::map::Style;
use socio_dataset::restyle;
use socio_harness::Suite;
use socio_record::ExitCode;
use socio_reports::Kind;
use socio_reports::metrics::Profile;

use super::setup;
use crate::cli::{Listing, ResourceArgs};
use crate::failure::{Failure, Outcome};

/// A list as rows of (name, remark, text), and as JSON.
type Rows = (Vec<(String, String, String)>, serde_json::Value);

pub(crate) fn list(what: Listing, as_json: bool) -> Outcome {
    let (rows, value) = rows(what)?;
    if as_json {
        say!("{value:#}");
        return Ok(ExitCode::OK);
    }
    let width =
        |of: fn(&(String, String, String)) -> &String| rows.iter().map(|r| of(r).chars().count()).max().unwrap_or(0);
    let (a, b) = (width(|r| &r.0), width(|r| &r.1));
    for (name, remark, text) in &rows {
        say!("{}", format!("{name:a$}  {remark:b$}  {text}").trim_end());
    }
    Ok(ExitCode::OK)
}

fn rows(what: Listing) -> Result<Rows, Failure> {
    let text = |s: &str| s.to_owned();
    Ok(match what {
        Listing::Methods => {
            let all = registry::methods()?;
            let rows = all.iter().map(|m| {
                let needs = [(m.vlm, "--vlm"), (m.segmenter, "--segmenter"), (m.reader, "--reader")];
                let needs: Vec<&str> = needs.into_iter().filter(|n| n.0).map(|n| n.1).collect();
                let mut told = m.about.clone();
                if !needs.is_empty() {
                    told.push_str(&format!(" ({})", needs.join(", ")));
                }
                let mut more = |what: &str, value: &str| {
                    if !value.is_empty() {
                        told.push_str(&format!("\n    {what}: {value}"));
                    }
                };
                more("from", &m.source);
                more("rows of the paper", &m.paper.iter().map(|p| format!("Table {p}")).collect::<Vec<_>>().join("; "));
                more("checkpoint", m.checkpoint.as_deref().unwrap_or_default());
                more("the paper's checkpoint", m.trained.as_deref().unwrap_or_default());
                (m.name.clone(), format!("{:?}", m.kind).to_lowercase(), told)
            });
            (rows.collect(), json!(all))
        }
        Listing::Vlms => {
            let names = [&registry::VLMS[..], &["replay:RUN"]].concat();
            (names.iter().map(|n| (text(n), String::new(), String::new())).collect(), json!(names))
        }
        Listing::Segmenters => {
            let names = [&registry::SEGMENTERS[..], &["replay:RUN"]].concat();
            (names.iter().map(|n| (text(n), String::new(), String::new())).collect(), json!(names))
        }
        Listing::Networks => {
            let all = networks::known();
            let rows = all.iter().map(|k| {
                let kind = if k.vlm { "vlm" } else { "segmenter" };
                (text(&k.name), text(kind), k.repository.map_or_else(|| "published nowhere".to_owned(), text))
            });
            let value = all
                .iter()
                .map(|k| json!({ "name": k.name, "vlm": k.vlm, "repository": k.repository, "config": k.config }));
            (rows.collect(), value.collect())
        }
        Listing::Readers => (
            registry::READERS.iter().map(|n| (text(n), String::new(), String::new())).collect(),
            json!(registry::READERS),
        ),
        Listing::Profiles => {
            let rows = Profile::ALL.iter().map(|p| {
                let failed = if p.failed_is_zero { "0" } else { "as an empty mask" };
                let size = if p.wrong_size_fails { "failed" } else { "resized by the floor rule" };
                (
                    text(p.name),
                    String::new(),
                    format!("empty-empty {}, failed {failed}, wrong size {size}", p.both_empty),
                )
            });
            (rows.collect(), json!(Profile::ALL))
        }
        Listing::Classes => {
            let h = setup::hierarchy()?;
            let rows = h.classes.iter().map(|c| {
                let seen = if c.unseen { "unseen, " } else { "" };
                (c.name.clone(), c.function.clone(), format!("{seen}{}: {}", c.zh, c.osm.join(" ")))
            });
            let value = h.classes.iter().map(|c| {
                json!({ "name": c.name, "en": c.en, "zh": c.zh, "function": c.function, "unseen": c.unseen, "source": c.source, "osm": c.osm })
            });
            (rows.collect(), value.collect())
        }
        Listing::Functions => {
            let h = setup::hierarchy()?;
            let count = |f: &str| h.classes.iter().filter(|c| c.function == f).count();
            let rows =
                h.functions.iter().map(|f| (f.name.clone(), f.zh.clone(), format!("{} classes", count(&f.name))));
            let value = h
                .functions
                .iter()
                .map(|f| json!({ "name": f.name, "en": f.en, "zh": f.zh, "classes": count(&f.name) }));
            (rows.collect(), value.collect())
        }
        Listing::Tables => {
            let rows = Kind::ALL.iter().map(|(_, name, about)| (text(name), String::new(), text(about)));
            let value = Kind::ALL.iter().map(|(_, name, about)| json!({ "name": name, "about": about }));
            (rows.collect(), value.collect())
        }
        Listing::Suites => {
            let suites = Suite::names().map(Suite::open).collect::<Result<Vec<_>, _>>()?;
            let rows = suites.iter().map(|s| (s.name.clone(), format!("{} sets", s.sets.len()), s.title.clone()));
            let set = |s: &socio_harness::Set| json!({ "name": s.name, "title": s.title, "split": s.split, "restyle": s.restyle });
            let value = suites.iter().map(|s| json!({ "name": s.name, "title": s.title, "methods": s.methods, "sets": s.sets.iter().map(set).collect::<Vec<_>>() }));
            (rows.collect(), value.collect())
        }
        Listing::Styles => {
            let styles = Style::names().map(Style::embedded).collect::<Result<Vec<_>, _>>().map_err(Failure::input)?;
            let rows = styles.iter().map(|s| (s.name.clone(), String::new(), format!("{}; like {}", s.title, s.like)));
            let value = styles.iter().map(|s| json!({ "name": s.name, "title": s.title, "like": s.like }));
            (rows.collect(), value.collect())
        }
        Listing::Restyles => {
            let names = restyle::Kind::ALL.map(restyle::Kind::name);
            let rows = names.iter().map(|n| (text(n), "severity 1 to 5".to_owned(), format!("as {n}@3")));
            (rows.collect(), json!(names))
        }
        Listing::ExitCodes => {
            let rows = ExitCode::ALL.iter().map(|(c, m)| (c.to_string(), String::new(), text(m)));
            let value = ExitCode::ALL.iter().map(|(c, m)| json!({ "code": c, "meaning": m }));
            (rows.collect(), value.collect())
        }
    })
}

pub(crate) fn doctor(args: &ResourceArgs, as_json: bool) -> Outcome {
    let resources = setup::resources(args, false)?;
    let offers = registry::offers(&resources);
    let version = env!("CARGO_PKG_VERSION");
    if as_json {
        let devices = devices(&resources);
        say!("{:#}", json!({ "version": version, "models": resources.models, "devices": devices, "backends": offers }));
        return Ok(ExitCode::OK);
    }
    say!("socio-bench {version}, model files in {}", resources.models.display());
    let devices = devices(&resources).into_iter();
    let devices =
        devices.map(|d| ("device".to_owned(), format!("{} {}", d.library, d.device), d.dtypes.to_owned(), d.why_not));
    let offers = offers.into_iter().map(|o| (o.role.to_string(), o.name, o.about, o.why_not));
    let rows: Vec<_> = devices.chain(offers).collect();
    // What is missing for one reason is told together.
    for same in rows.chunk_by(|a, b| a.3 == b.3) {
        for (role, name, about, why_not) in same {
            say!("{}  {role:10}  {name:23}  {about}", if why_not.is_none() { "yes" } else { "no " });
        }
        if let Some((.., Some(why))) = same.first() {
            say!("     why not: {why}");
        }
    }
    Ok(ExitCode::OK)
}
