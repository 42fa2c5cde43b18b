//! Every table that `list tables` names: alone, together, in every form, with whose figures it has.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::tempdir;

use super::{SEEDED, executed};
use crate::support::{fails, json, ok, raw_set, run};

/// The folders of runs whose names begin so, separated by blanks.
fn runs(folder: &Path, prefix: &str) -> String {
    let names = fs::read_dir(folder.join("runs")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|n| n.starts_with(prefix)).map(|n| format!("runs/{n}")).collect();
    names.sort();
    names.join(" ")
}

/// The names of all tables.
fn names(folder: &Path) -> Vec<String> {
    let list = json(&ok(folder, "list tables --json"));
    list.as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect()
}

fn tables(report: &Value) -> &[Value] {
    report["tables"].as_array().unwrap()
}

/// Runs of methods that ask a model, one of whose samples fails; and of a suite.
fn made(folder: &Path) -> [String; 2] {
    crate::reasoner::scenes(folder);
    crate::reasoner::write(&folder.join("answers"), 1, "class_00100", "I cannot see it.");
    let methods = "socioreasoner,zero-shot,socioreasoner-wo-reflection,socioreasoner-1-point";
    ok(folder, &format!("run --data set --limit 6 --vlm answers:answers --method {methods} --name asked"));
    ok(folder, "run --suite smoke --limit 3 --method centre-box,oracle-box --name suite");
    [runs(folder, "asked"), runs(folder, "suite")]
}

#[test]
fn every_table_is_there_by_its_name_and_tells_whose_figures_it_has() {
    let t = tempdir().unwrap();
    let made = made(t.path());
    let manifest = |run: &str| json(&fs::read_to_string(t.path().join(run).join("manifest.json")).unwrap());
    let ids: Vec<Vec<String>> = made
        .iter()
        .map(|runs| runs.split(' ').map(|r| manifest(r)["id"].as_str().unwrap().to_owned()).collect())
        .collect();
    assert_eq!((ids[0].len(), ids[1].len()), (4, 8));
    let names = names(t.path());
    assert_eq!(names.len(), 17);
    for name in &names {
        let mut found = 0;
        for (runs, ids) in made.iter().zip(&ids) {
            let told = run(t.path(), &format!("report {runs} --table {name} --json"));
            assert_eq!(told.code, 0, "{name}: {}", told.err);
            let report = json(&told.out);
            // What is not there is told, and nothing else.
            let nothing = format!("these runs have nothing for the table {name}\n");
            assert_eq!(told.err, if tables(&report).is_empty() { nothing } else { String::new() });
            for table in tables(&report) {
                assert!(!table["rows"].as_array().unwrap().is_empty(), "{name}: {table}");
                let source = table["source"].to_string();
                assert!(source.contains("Profile strict"), "{name}: {source}");
                assert!(ids.iter().any(|id| source.contains(id)), "{name}: {source}");
                assert!(source.contains(" samples of split "), "{name}: {source}");
            }
            // A table of all methods has all their runs, over the sets together.
            if matches!(name.as_str(), "main" | "rules" | "failures" | "latency" | "worst") {
                let all = report.to_string();
                assert!(ids.iter().all(|id| all.contains(id)), "{name}: {report:#}");
            }
            found += tables(&report).len();
        }
        assert!(found > 0, "nothing has the table {name}");
    }
    // By another profile it is told too.
    let lisa = json(&ok(t.path(), &format!("report {} --table all --profile lisa --json", made[0])));
    assert!(tables(&lisa).len() > 12);
    assert!(tables(&lisa).iter().all(|t| t["source"].to_string().contains("Profile lisa")), "{lisa:#}");
    let parts: Vec<&str> = names.iter().map(String::as_str).chain(["no table `nonsense`", "or `all`"]).collect();
    for asked in ["nonsense", "main,nonsense", "all,nonsense"] {
        let told = fails(t.path(), &format!("report {} --table {asked}", made[0]), 2, &parts);
        assert!(told.out.is_empty(), "{}", told.out);
    }
}

#[test]
fn all_tables_come_in_every_form() {
    let t = tempdir().unwrap();
    let made = made(t.path());
    for runs in &made {
        let line = format!("report {runs} --table all --format");
        let form = |name: &str| ok(t.path(), &format!("{line} {name}"));
        let report = json(&form("json"));
        let n = tables(&report).len();
        assert!(n > 12, "{n}");
        let mut keys: Vec<&str> = tables(&report).iter().map(|t| t["key"].as_str().unwrap()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), n, "each table has a key of its own: {keys:?}");
        let rows: usize = tables(&report).iter().map(|t| t["rows"].as_array().unwrap().len()).sum();

        let latex = form("latex");
        for part in ["\\begin{table}", "\\toprule", "\\bottomrule", "\\end{table}", "\\caption{"] {
            assert_eq!(latex.matches(part).count(), n, "{part}");
        }
        let markdown = form("markdown");
        assert_eq!(markdown.lines().filter(|l| l.starts_with("| ---")).count(), n);
        // A heading, a rule and the rows of each.
        assert_eq!(markdown.lines().filter(|l| l.starts_with("| ")).count(), 2 * n + rows);
        let csv = form("csv");
        assert_eq!(csv.lines().filter(|l| l.starts_with("table,")).count(), n);
        assert_eq!(csv.lines().filter(|l| !l.is_empty()).count(), n + rows);
        for block in csv.split("\n\n") {
            let key = block.lines().nth(1).unwrap().split(',').next().unwrap();
            assert!(keys.contains(&key) && block.lines().skip(1).all(|l| l.starts_with(key)), "{block}");
        }
        let terminal = form("terminal");
        for table in tables(&report) {
            let title = table["title"].as_str().unwrap();
            assert!(terminal.contains(title), "{title}:\n{terminal}");
        }
    }
}

#[test]
fn times_are_told_with_their_machine_and_seeds_with_their_spread() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    fs::write(t.path().join("p.sh"), SEEDED).unwrap();
    for seed in [1, 4, 8] {
        executed(t.path(), "sh p.sh", &format!("--seed {seed} --name s{seed}"));
    }
    let runs = "runs/s1 runs/s4 runs/s8";
    let report = json(&ok(t.path(), &format!("report {runs} --json")));
    let rows = tables(&report)[0]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{report:#}");
    let giou = &rows[0]["cells"]["All gIoU"];
    assert_eq!(giou["seeds"], 3);
    let each = ["s1", "s4", "s8"].map(|run| {
        let report = json(&ok(t.path(), &format!("report runs/{run} --json")));
        report["tables"][0]["rows"][0]["cells"]["All gIoU"]["percent"].as_f64().unwrap()
    });
    let mean = each.iter().sum::<f64>() / 3.0;
    let deviation = (each.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 2.0).sqrt();
    assert!(deviation > 0.01, "{each:?}");
    assert!((giou["percent"].as_f64().unwrap() - mean).abs() < 1e-9, "{giou} {each:?}");
    assert!((giou["deviation"].as_f64().unwrap() - deviation).abs() < 1e-9, "{giou} {each:?}");
    let told = ok(t.path(), &format!("report {runs}"));
    assert!(told.contains(&format!("{mean:.1} ± {deviation:.1}")), "{told}");

    let latency = json(&ok(t.path(), &format!("report {runs} --table latency --json")));
    let [whole, phases] = tables(&latency) else { panic!("{latency:#}") };
    assert!(whole["key"] == "latency" && phases["key"] == "latency-phases", "{latency:#}");
    let cells = &whole["rows"][0]["cells"];
    let seconds = |name: &str| cells[name]["seconds"].as_f64().unwrap();
    let quantiles = ["p50", "p90", "p95", "p99"].map(seconds);
    assert!(quantiles[0] > 0.0 && quantiles.is_sorted() && quantiles[3] < 60.0, "{cells}");
    assert!(seconds("mean") > 0.0 && cells["n"].as_u64().unwrap() <= 24, "{cells}");
    let machine = json(&fs::read_to_string(t.path().join("runs/s1/manifest.json")).unwrap())["machine"].clone();
    let told = whole["notes"].to_string();
    for part in ["processor", "platform"] {
        assert!(told.contains(machine[part].as_str().unwrap()), "{part}: {told}");
    }
    let names: Vec<&str> =
        phases["rows"].as_array().unwrap().iter().map(|r| r["cells"]["Phase"].as_str().unwrap()).collect();
    for phase in ["decode", "program", "score", "write"] {
        assert!(names.contains(&phase), "{names:?}");
    }
    let told = ok(t.path(), &format!("report {runs} --table latency"));
    for part in ["p50", "p90", "p95", "p99", "Machine: ", "Latency by phase"] {
        assert!(told.contains(part), "{part}:\n{told}");
    }
}
