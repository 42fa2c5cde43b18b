//! Peers, and the rows of the paper.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::tempdir;

use super::{SCENES, boxes, percent, records, remarks, row, stage_names, stages, write};
use crate::support::{fails, json as parse, ok, raw_set};

/// What a peer would say of one object with a point in its middle, and a point beside it where it knows such.
fn peer(method: &str, [x0, y0, x1, y1]: [i64; 4], [x, y]: [i64; 2]) -> String {
    let (bbox, point) = (format!("[{x0}, {y0}, {x1}, {y1}]"), format!("[{x}, {y}]"));
    let answer = match method {
        "seg-r1" => {
            return format!(
                "<think>There.</think> <bbox>{bbox}</bbox>, <points>[{point}, [1, 2]]</points>, <labels>[1, 0]</labels>"
            );
        }
        "vision-reasoner" => format!(r#"[{{"bbox_2d": {bbox}, "point_2d": {point}}}]"#),
        "sam-r1" => format!(r#"{{"bbox": {bbox}, "points": [[{x}, {y}, 1], [1, 2, 0]]}}"#),
        "remote-reasoner" => format!("[{bbox}]"),
        _ => format!(r#"[{{"bbox_2d": {bbox}, "points": [{point}]}}]"#),
    };
    format!("<think>There.</think>\n<answer>{answer}</answer>")
}

#[test]
fn every_peer_is_read_by_its_own_grammar() {
    let t = tempdir().unwrap();
    let split = raw_set(t.path(), 1).join("test");
    let ids = ["name_00010", "name_00020"];
    let mut requests = BTreeSet::new();
    for (method, background) in [
        ("vision-reasoner", false),
        ("seg-r1", true),
        ("sam-r1", true),
        ("remote-reasoner", false),
        ("zero-shot", false),
    ] {
        let mut expected = BTreeMap::new();
        for id in ids {
            let truth = boxes(&split.join(id).join("mask.png"));
            let [x0, y0, x1, y1] = truth[0].map(|v| (v * SCENES).round());
            let middle = [f64::midpoint(x0, x1).trunc(), f64::midpoint(y0, y1).trunc()];
            let bbox = [x0, y0, x1, y1];
            let text = peer(method, bbox.map(|v| v as i64), middle.map(|v| v as i64));
            write(&t.path().join(method), 1, id, &text);
            expected.insert(id, (json!(bbox), json!([middle]), text));
        }
        let ids = ids.join(",");
        let line =
            format!("run --data set --ids {ids} --method {method} --vlm answers:{method} --json --name {method}");
        let report = parse(&ok(t.path(), &line));
        let cells = row(&report, method);
        assert_eq!((&cells["n"], &cells["failed"], percent(&cells, "All F1")), (&json!(2), &json!(0), 100.0));
        assert!(percent(&cells, "All gIoU") > 60.0, "{cells}");
        // Their rows are of checkpoints that nobody has, but for who says so.
        let marked = remarks(&report).iter().any(|r| r.contains("retrained on SocioSeg"));
        assert_eq!(marked, method != "zero-shot", "{report}");
        if method == "zero-shot" {
            fails(t.path(), &format!("{line}-own --trained-as {method}"), 2, &["--trained-as zero-shot", "seg-r1"]);
        } else {
            let learned = parse(&ok(t.path(), &format!("{line}-own --trained-as {method}")));
            assert!(remarks(&learned).is_empty(), "{learned}");
        }
        for (id, record) in records(&t.path().join("runs").join(method)) {
            let (bbox, middle, text) = &expected[id.as_str()];
            assert_eq!((stage_names(&record), &record["status"]), (vec!["answer"], &json!("ok")), "{record}");
            let stage = &stages(&record)[0];
            let objects = stage["objects"].as_array().unwrap();
            assert_eq!((objects.len(), &stage["text"]), (1, &json!(text)), "{record}");
            assert_eq!((&objects[0]["box"], &objects[0]["points"]), (bbox, middle), "{method}");
            let besides = if background { json!([[1.0, 2.0]]) } else { Value::Null };
            assert_eq!(objects[0]["background"], besides, "{method}");
            requests.insert(stage["request"].to_string());
        }
    }
    assert_eq!(requests.len(), 10, "each peer has a prompt of its own");
}

/// `(table, method)` of the rows of the paper's tables, and of the tables that print the same rows once more.
fn rows_of_the_paper() -> [BTreeSet<(String, String)>; 2] {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/paper.toml");
    let text = fs::read_to_string(file).unwrap();
    let mut found = [BTreeSet::new(), BTreeSet::new()];
    for block in text.split("\n[[row]]\n").skip(1) {
        let block = block.split("\n[[").next().unwrap();
        let field = |name: &str| {
            block.lines().find_map(|l| Some(l.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"')?.to_owned()))
        };
        let method = field("method").unwrap();
        found[0].insert((field("table").unwrap(), method.clone()));
        found[1].extend(field("also").map(|table| (table, method)));
    }
    assert!(found[0].len() > 40 && found[1].len() == 6, "{found:?}");
    found
}

#[test]
fn every_row_of_the_paper_has_its_method() {
    let t = tempdir().unwrap();
    let listed = parse(&ok(t.path(), "list methods --json"));
    let listed = listed.as_array().unwrap();
    let [rows, again] = rows_of_the_paper();
    let mut answered = BTreeSet::new();
    for method in listed {
        for row in method["paper"].as_array().unwrap() {
            let (table, name) = row.as_str().unwrap().split_once(": ").unwrap();
            let row = (table.to_owned(), name.to_owned());
            assert!(rows.contains(&row) || again.contains(&row), "{}: no row {row:?}", method["name"]);
            answered.insert(row);
        }
        let outside = method["kind"] == "predictions";
        let paper = !method["paper"].as_array().unwrap().is_empty();
        assert!(!outside || paper, "{method}");
        if paper {
            assert!(!method["source"].as_str().unwrap().is_empty(), "{method}");
            assert_eq!(method["vlm"], !outside, "{method}");
            assert!(outside || method["checkpoint"].is_string() || method["trained"].is_string(), "{method}");
        }
        if outside {
            let name = method["name"].as_str().unwrap();
            fails(
                t.path(),
                &format!("run --limit 1 --method {name}"),
                2,
                &[name, "cannot be prompted", "predictions:DIR"],
            );
        }
    }
    // Table 8 has seconds a sample, of methods that other tables name.
    let open: Vec<(&str, &str)> = rows
        .difference(&answered)
        .filter(|(table, _)| table != "8")
        .map(|(table, name)| (table.as_str(), name.as_str()))
        .collect();
    assert_eq!(open, [("4", "VisionReasoner (SFT)")], "nobody has that checkpoint, and no method here says so");
    let named: BTreeSet<&str> = answered.iter().map(|(_, name)| name.as_str()).collect();
    assert!(rows.iter().filter(|(table, _)| table == "8").all(|(_, name)| named.contains(name.as_str())));
    // For people, each with its source and rows.
    let plain = ok(t.path(), "list methods");
    for part in ["vvangfaye/SocioReasoner-3B", "SocioReasoner-3B (SFT)", "arXiv 2505.22596", "rsrefseg"] {
        assert!(plain.contains(part), "{part}: {plain}");
    }
}
