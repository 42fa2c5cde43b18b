//! `report`, `export`, `list`, `completions`.

use std::fs;

use tempfile::tempdir;

use crate::support::{fails, json, ok, raw_set};

#[test]
fn one_report_in_every_form() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    ok(t.path(), "run --data set --method oracle-box,centre-box --name r");
    let runs = "runs/r-oracle-box-fill runs/r-centre-box-fill";
    let plain = ok(t.path(), &format!("report {runs}"));
    assert!(!plain.contains('\u{1b}'), "no colours in a pipe");
    let markdown = ok(t.path(), &format!("report {runs} --format markdown --by-class"));
    assert!(markdown.contains("| --- | ---: |") && markdown.contains("**By class"), "{markdown}");
    let latex = ok(t.path(), &format!("report {runs} --format latex --with-paper"));
    assert!(latex.contains("\\toprule") && latex.contains("SocioReasoner-3B (published)"), "{latex}");
    let csv = ok(t.path(), &format!("report {runs} --format csv"));
    assert!(csv.starts_with("table,Method,socio-name cIoU,socio-name cIoU low,"), "{csv}");
    let value = json(&ok(t.path(), &format!("report {runs} --json")));
    assert_eq!(value["schema"], 1);
    assert_eq!(ok(t.path(), &format!("report {runs} --format json")), ok(t.path(), &format!("report {runs} --json")));
    ok(t.path(), &format!("report {runs} --format markdown --out deep/er/table.md"));
    assert!(fs::read_to_string(t.path().join("deep/er/table.md")).unwrap().contains("oracle-box"));
    fails(t.path(), "report runs/r-oracle-box-fill --format word", 2, &["unknown format `word`"]);
    fails(t.path(), "report runs/r-oracle-box-fill --profile x", 2, &["unknown profile"]);
}

#[test]
fn another_profile_or_rule_needs_no_data() {
    let t = tempdir().unwrap();
    let set = raw_set(t.path(), 1);
    ok(t.path(), "run --data set --method centre-box --centre-share 0.3 --name r");
    fs::remove_dir_all(set).unwrap();
    let f1 = |line: &str| {
        let report = json(&ok(t.path(), &format!("report runs/r --json {line}")));
        report["tables"][0]["rows"][0]["cells"]["All F1"]["percent"].clone()
    };
    assert!(f1("--instances whole-mask").is_number());
    assert!(f1("--profile lisa").is_number());
    ok(t.path(), "report runs/r --recount");
}

#[test]
fn seeds_are_one_row_other_runs_are_told_apart_and_classes_are_everyones() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    ok(t.path(), "run --data set --method centre-box --seed 1 --name a");
    ok(t.path(), "run --data set --method centre-box --seed 2 --name b");
    ok(t.path(), "run --data set --method centre-box --level name --name c");
    let report = json(&ok(t.path(), "report runs/c runs/a runs/b --json --by-class"));
    let tables = report["tables"].as_array().unwrap();
    let classes = tables.iter().find(|t| t["key"] == "classes").unwrap();
    // Class, n, and three figures a row: seeds 1 and 2 are one.
    assert_eq!(classes["columns"].as_array().unwrap().len(), 8);
    assert!(classes["rows"].as_array().unwrap().iter().all(|r| r["cells"].as_object().unwrap().len() == 8));
    let rows = tables[0]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    let seeds = &rows[1]["cells"]["All gIoU"];
    assert_eq!((seeds["seeds"].as_f64(), seeds["deviation"].as_f64()), (Some(2.0), Some(0.0)), "{seeds}");
    assert!(tables[0]["notes"].to_string().contains("standard deviation over seeds"));
    ok(t.path(), "run --data set --method centre-box --centre-share 0.5 --name d");
    let both = json(&ok(t.path(), "report runs/a runs/d --json"));
    let told = |i: usize| both["tables"][0]["rows"][i]["cells"]["Method"].as_str().unwrap().to_owned();
    assert!(told(0) != told(1) && told(0).contains('('), "{} {}", told(0), told(1));
}

#[test]
fn the_paper_stands_beside_and_is_not_ranked() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    ok(t.path(), "run --data set --method oracle-box --name r");
    let rows =
        json(&ok(t.path(), "report runs/r --json --with-paper"))["tables"][0]["rows"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 11);
    let published: Vec<_> = rows.iter().filter(|r| r["group"] == "published").collect();
    assert_eq!(published.len(), 10);
    assert!(published.iter().all(|r| r["cells"]["All cIoU"]["mark"].is_null()));
    let ours = published.iter().find(|r| r["cells"]["Method"] == "SocioReasoner-3B (published)").unwrap();
    assert_eq!(ours["cells"]["socio-name F1"]["percent"], 64.6);
}

#[test]
fn records_are_exported_for_data_frames() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    ok(t.path(), "run --data set --name r");
    let out = ok(t.path(), "export runs/r-oracle-box-fill runs/r-whole-image --out out/records.parquet");
    assert!(out.contains("48 records of 2 runs"), "{out}");
    let bytes = fs::read(t.path().join("out/records.parquet")).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    assert_eq!(fs::read_dir(t.path().join("out")).unwrap().count(), 1);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    let binary = crate::support::bench(t.path()).get_program().to_owned();
    for line in ["list classes", "completions bash", "run --data set --method whole-image"] {
        let script = format!("\"$0\" {line} | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}");
        let output =
            std::process::Command::new("bash").args(["-c", &script]).arg(&binary).current_dir(t.path()).output();
        let Ok(output) = output else { return };
        let told = crate::support::told(output);
        assert_eq!(told.out.trim(), "0", "{line}: {}", told.err);
        assert!(!told.err.contains("panicked"), "{line}: {}", told.err);
    }
}

#[test]
fn lists_help_and_completions() {
    let t = tempdir().unwrap();
    for what in [
        "methods",
        "segmenters",
        "readers",
        "profiles",
        "classes",
        "functions",
        "suites",
        "tables",
        "styles",
        "restyles",
        "exit-codes",
    ] {
        assert!(!ok(t.path(), &format!("list {what}")).is_empty());
        assert!(!json(&ok(t.path(), &format!("list {what} --json"))).as_array().unwrap().is_empty());
    }
    assert_eq!(json(&ok(t.path(), "list functions --json")).as_array().unwrap().len(), 10);
    for shell in ["bash", "zsh", "fish"] {
        assert!(ok(t.path(), &format!("completions {shell}")).contains("socio-bench"));
    }
    for command in [
        "run",
        "report",
        "data convert",
        "data verify",
        "data show",
        "data build",
        "data restyle",
        "data map",
        "data probe",
        "data publish",
        "data gallery",
        "merge",
        "predict",
        "score",
        "export",
        "models fetch",
    ] {
        assert!(ok(t.path(), &format!("{command} --help")).contains("Example"), "{command}");
    }
    assert!(ok(t.path(), "--help").contains("Exit codes ("));
    fails(t.path(), "", 2, &["Usage"]);
}
