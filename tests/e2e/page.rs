//! `report --format html` and `--figures`.

use std::fs;

use tempfile::tempdir;

use crate::reasoner::{scenes, write};
use crate::support::{fails, ok, raw_set};

#[test]
fn a_page_needs_nothing_beside_it() {
    let t = tempdir().unwrap();
    let set = raw_set(t.path(), 1);
    ok(t.path(), "run --data set --method centre-box,oracle-box --name r");
    let runs = "runs/r-centre-box-fill runs/r-oracle-box-fill";
    ok(
        t.path(),
        &format!("report {runs} --format html --with-paper --gallery 4 --title Mine --out page.html --figures plots"),
    );
    let page = fs::read_to_string(t.path().join("page.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    // Nothing is loaded: every address is a data: URI, an anchor, or SVG's name.
    for (attribute, allowed) in [("src=\"", vec!["data:"]), ("href=\"", vec!["#"])] {
        for value in page.split(attribute).skip(1) {
            assert!(allowed.iter().any(|a| value.starts_with(a)), "{attribute}{}", &value[..40.min(value.len())]);
        }
    }
    assert_eq!(page.matches("<article").count(), 8);
    // Satellite, map, answer, truth.
    assert_eq!(page.matches("<img ").count(), 32);
    for part in ["Methods compared", "How it fails", "Where time goes", "(published)", "Samples"] {
        assert!(page.contains(part), "{part}");
    }
    let plots: Vec<String> =
        fs::read_dir(t.path().join("plots")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    for name in ["histogram.svg", "curve.svg", "stacked.svg", "bars-classes.svg", "radar-classes.svg"] {
        assert!(plots.iter().any(|p| p == name), "{name}: {plots:?}");
    }
    // Without the data there are no pictures, and the rest is there.
    fs::remove_dir_all(set).unwrap();
    let told = crate::support::run(t.path(), &format!("report {runs} --format html --out bare.html"));
    assert!(told.code == 0 && told.err.contains("no pictures of runs/r-centre-box-fill"), "{}", told.err);
    let bare = fs::read_to_string(t.path().join("bare.html")).unwrap();
    assert!(!bare.contains("<img ") && bare.contains("<article"));
    fails(t.path(), &format!("report {runs} --format html --data set"), 3, &["set"]);
    assert!(!ok(t.path(), &format!("report {runs} --format html --gallery 0")).contains("<article"));
}

#[test]
fn what_models_say_stays_text() {
    let t = tempdir().unwrap();
    let hostile = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>";
    let answers = t.path().join("answers");
    scenes(t.path());
    for stage in [1, 2] {
        for sample in fs::read_dir(t.path().join("set/test")).unwrap() {
            let id = sample.unwrap().file_name().into_string().unwrap();
            let text = format!(
                "<think>{hostile}</think><answer>[{{\"bbox_2d\": [10, 10, 300, 300], \"points\": [[50, 60]]}}]</answer>"
            );
            write(&answers, stage, &id, &text);
        }
    }
    ok(t.path(), "run --data set --limit 3 --method socioreasoner --vlm answers:answers --segmenter fill --name r");
    let page = ok(t.path(), "report runs/r --format html");
    assert_eq!(page.matches("<script").count(), 1, "ours alone");
    assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<img src=x"));
    assert!(page.contains("Stage 1 to stage 2") && page.contains("points in green"));
}
