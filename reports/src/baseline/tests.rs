use super::*;
use crate::simulated::{Plan, digest};

#[test]
fn a_baseline_comes_back_as_it_went_in() {
    let run = digest(&Plan::default(), 7);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    let baseline = Baseline { limits: vec!["giou=-0.5".to_owned()], runs: vec![run.clone()] };
    std::fs::write(&path, baseline.text().unwrap()).unwrap();
    let read = Baseline::open(&path).unwrap();
    assert_eq!(read.limits, baseline.limits);
    let back = &read.runs[0];
    assert_eq!((back.chosen, back.missing, &back.manifest), (run.chosen, run.missing, &run.manifest));
    assert_eq!(back.entries.len(), run.entries.len());
    for (a, b) in back.entries.iter().zip(&run.entries) {
        assert_eq!((&a.id, a.level, a.status, a.score), (&b.id, b.level, b.status, b.score));
        assert_eq!(back.words.text(a.scene), run.words.text(b.scene));
        assert_eq!(a.class.map(|c| back.words.text(c)), b.class.map(|c| run.words.text(c)));
    }
    assert_eq!(read.text_again(), baseline.text().unwrap());
}

impl Baseline {
    fn text_again(&self) -> String {
        self.text().unwrap()
    }
}

#[test]
fn what_is_no_baseline_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    let told = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Baseline::open(&path).unwrap_err().to_string()
    };
    let good = Baseline { limits: Vec::new(), runs: vec![digest(&Plan::default(), 7)] }.text().unwrap();
    assert!(told("{").contains("is no baseline"));
    assert!(told("{\"schema\": 1}").contains("no schema and runs"));
    assert!(told("{\"schema\": 9, \"runs\": []}").contains("has schema 9"));
    assert!(told(&good.replacen(" ok ", " well ", 1)).contains("run 1, row 1: unknown status `well`"));
    let cut = good.replacen("name ok", "nam", 1);
    assert!(told(&cut).contains("row "), "{}", told(&cut));
    assert!(Baseline::open(&folder.path().join("b.json")).unwrap_err().to_string().contains("baseline save"));
}
