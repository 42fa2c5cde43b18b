use std::collections::BTreeMap;

use socio_dataset::{Mask, Rle};
use socio_record::{Stage, score};

use super::*;
use crate::simulated::record;

fn answered(id: &str, words: [&str; 2], pixels: u32, requests: [&str; 2]) -> Record {
    let truth = Mask::from_fn(20, 20, |x, y| x < 10 && y < 10);
    let mask = Mask::from_fn(20, 20, |x, y| y * 20 + x < pixels);
    let mut record = record(id);
    let stage = |i: usize| Stage {
        name: ["localize", "refine"][i].to_owned(),
        text: Some(words[i].to_owned()),
        request: Some(requests[i].to_owned()),
        tokens: None,
        frame: None,
        status: socio_record::Status::Ok,
        message: None,
        objects: Vec::new(),
        mask: Rle::from(&mask),
        score: None,
    };
    record.stages = vec![stage(0), stage(1)];
    record.truth = Some(Rle::from(&truth));
    record.score = Some(score(&truth, &mask, &[]));
    record
}

fn heard() -> BTreeMap<String, Answer> {
    let answer = |tokens: &[u32], gaps: &[f32]| Answer { tokens: tokens.to_vec(), gaps: gaps.to_vec() };
    BTreeMap::from([("r1".to_owned(), answer(&[5, 6, 7], &[3.0, 0.001, 2.0]))])
}

fn other() -> BTreeMap<String, Answer> {
    BTreeMap::from([("r1".to_owned(), Answer { tokens: vec![5, 9], gaps: vec![3.0, 0.002] })])
}

fn held(first: &[Record], second: &[Record]) -> Agreement {
    let (a, b) = (heard(), other());
    let (of_a, of_b) = (|k: &str| a.get(k).cloned(), |k: &str| b.get(k).cloned());
    let first = Trial { name: "first".into(), records: first, gated: true, heard: &of_a };
    let second = Trial { name: "second".into(), records: second, gated: true, heard: &of_b };
    agreement(&first, &second, &Profile::STRICT)
}

#[test]
fn equal_ways_are_told_so() {
    let all = [answered("a", ["x", "y"], 100, ["r1", "r2"])];
    let told = held(&all, &all);
    assert_eq!((told.answers, told.equal, told.followed), (2, 2, 0));
    assert!(told.flips.is_empty() && told.masks.is_empty() && told.explained());
    assert_eq!(told.share(), 1.0);
}

#[test]
fn a_flip_is_listed_where_it_begins_and_what_follows_is_no_flip_of_its_own() {
    let same = answered("b", ["x", "y"], 60, ["r3", "r4"]);
    let first = [answered("a", ["the box is 12", "y"], 100, ["r1", "r2"]), same.clone()];
    let second = [answered("a", ["the box is 13", "z"], 40, ["r1", "other"]), same];
    let told = held(&first, &second);
    assert_eq!((told.answers, told.equal, told.followed), (3, 2, 1));
    let flip = &told.flips[0];
    assert_eq!((flip.sample.as_str(), flip.stage.as_str(), flip.token), ("a", "localize", Some(1)));
    assert_eq!(flip.gap, Some([0.001, 0.002]));
    assert!(flip.texts[0].ends_with("12") && flip.texts[1].ends_with("13"));
    // The figures differ, and with the flipped sample taken from the first way they do not.
    assert!(told.figures.iter().any(|f| f.first != f.here));
    assert!(told.explained());
    let text = format!("{:?}", table("first", &[told]).notes);
    assert!(
        text.contains("gap of the two largest logits 1.00e-3 and 2.00e-3") && text.contains("explain the whole"),
        "{text}"
    );
}

#[test]
fn masks_that_differ_after_equal_answers_are_not_explained_away() {
    let first = [answered("a", ["x", "y"], 100, ["r1", "r2"])];
    let second = [answered("a", ["x", "y"], 103, ["r1", "r2"])];
    let told = held(&first, &second);
    assert_eq!(told.masks, [MaskDifference { sample: "a".to_owned(), pixels: Some(3) }]);
    assert!(!told.explained());
    let text = format!("{:?}", table("first", &[told]).notes);
    assert!(text.contains("differ by 3 pixels"), "{text}");
}
