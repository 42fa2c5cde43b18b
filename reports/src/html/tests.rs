use super::*;
use crate::digest::Digest;
use crate::plots::plots;
use crate::simulated::{Plan, digest};
use crate::{Kind, Options, report};

/// A page of two simulated runs, one of them with a hostile name.
fn page() -> String {
    let mut runs: Vec<Digest> = vec![digest(&Plan::default(), 7), digest(&Plan { own: 2, ..Plan::default() }, 7)];
    runs[1].manifest.method.label = "</script><script>alert(1)</script> & \"co\" ‡".to_owned();
    runs[1].manifest.method.name = "other".to_owned();
    let options =
        Options { tables: Kind::ALL.map(|(k, _, _)| k).into(), resamples: 200, with_paper: true, ..Options::default() };
    let told = report(&runs, &options).unwrap();
    Page {
        title: "Two <runs>".to_owned(),
        lead: "One sentence.".to_owned(),
        facts: vec![("Data".to_owned(), "simulated".to_owned())],
        runs: runs.iter().map(|r| (r.manifest.method.label.clone(), r.manifest.id.clone())).collect(),
        version: "0.0.0".to_owned(),
        tables: told.tables,
        plots: plots(&runs, &options),
        ..Page::default()
    }
    .render()
}

#[test]
fn foreign_names_stay_text_and_ids_are_there_once() {
    let html = page();
    assert_eq!(html.matches("<script>").count(), 1, "ours alone");
    assert!(html.contains("&lt;script&gt;alert(1)") && html.contains("<h1>Two &lt;runs&gt;</h1>"));
    let mut ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|p| p.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
    for link in html.split("href=\"#").skip(1).filter_map(|p| p.split('"').next()) {
        assert!(ids.contains(&link), "{link}");
    }
    assert!(!html.contains("data-v=\"NaN\"") && !html.contains("data-v=\"inf\""));
}

#[test]
fn every_table_and_plot_is_there() {
    let html = page();
    for title in ["Methods compared", "Instances", "How it fails"] {
        assert!(html.contains(&format!(">{title}</h2>")), "{title}");
    }
    assert!(html.contains("(published)") && html.contains("data-group=\"published\""));
    assert!(html.matches("<svg xmlns").count() >= 1);
}

#[test]
fn a_table_as_the_markup_has_it() {
    let run = digest(&Plan { scenes: 8, ..Plan::default() }, 7);
    let options = Options { resamples: 50, with_paper: true, tables: vec![Kind::Main], ..Options::default() };
    let told = report(&[run], &options).unwrap();
    insta::assert_snapshot!(table::render(&told.tables[0], 1));
}
