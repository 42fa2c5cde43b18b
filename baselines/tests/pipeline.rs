//! The two-stage pipeline against Python: recorded answers, replayed through Python's json, Pillow, OpenCV and numpy by
//! `ci/fixtures_pipeline/pipeline.py`, and through ours. Prompts, resized and rendered images and masks have to be identical.
//! `SOCIO_PIPELINE` names a folder with other cases than the committed ones.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use image::{Rgb, RgbImage};
use serde_json::Value;
use socio_backend::{
    BackendError, Completion, Embedding, Prompt, Segment, Segmenter, SegmenterCaps, SharedEmbeddings, Vlm, VlmCaps,
    VlmReply, VlmRequest,
};
use socio_baselines::definition::{Definition, Overrides};
use socio_baselines::reasoner::Reasoner;
use socio_baselines::{Context, Failure, Method, Models, StageAnswer, render};
use socio_dataset::hash::sha256_hex;
use socio_dataset::{Mask, Query, picture};

fn read(name: &str) -> Value {
    let folder = std::env::var_os("SOCIO_PIPELINE").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/pipeline"));
    let path = folder.join(name);
    serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))).unwrap()
}

/// The script's pictures.
fn drawn(width: u32, height: u32, s: u64) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (u64::from(x), u64::from(y));
        let plane = |c: u64| {
            let sum = x * (7 + 2 * c) + y * (13 + c) + (x / 16) * (y / 16) * (5 + s) + 31 * s + 40 * c;
            ((sum ^ ((x * y * (s + 1)) >> 5)) & 255) as u8
        };
        Rgb([plane(0), plane(1), plane(2)])
    })
}

/// Says what is recorded, and keeps what it was asked.
struct Recorded {
    answers: [String; 2],
    asked: Mutex<Vec<VlmRequest>>,
    caps: VlmCaps,
}

impl Vlm for Recorded {
    fn caps(&self) -> &VlmCaps {
        &self.caps
    }

    fn ask(&self, requests: &[VlmRequest]) -> Vec<Result<VlmReply, BackendError>> {
        let answer = |request: &VlmRequest| {
            let mut asked = self.asked.lock().unwrap();
            let text = self.answers[asked.len()].clone();
            asked.push(request.clone());
            VlmReply::untold(vec![Completion::untold(text)])
        };
        requests.iter().map(|r| Ok(answer(r))).collect()
    }
}

fn vlm_caps() -> VlmCaps {
    VlmCaps {
        name: "recorded".to_owned(),
        max_batch: 1,
        max_images: 2,
        square: None,
        log_probabilities: false,
        deterministic: true,
        fingerprint: "recorded".to_owned(),
    }
}

/// The script's segmenter: a box without a notch at its first corner, exclusive or discs round the points; the box grown by
/// what the number of points chooses. Counts how often it looks at an image.
struct Fixed {
    caps: SegmenterCaps,
    looked: AtomicUsize,
}

impl Fixed {
    fn new() -> Self {
        let name = "fixed".to_owned();
        let caps = SegmenterCaps { fingerprint: name.clone(), name, boxes: true, points: true, deterministic: true };
        Self { caps, looked: AtomicUsize::new(0) }
    }
}

impl Segmenter for Fixed {
    fn caps(&self) -> &SegmenterCaps {
        &self.caps
    }

    fn embed(&self, image: &Arc<RgbImage>) -> Result<Embedding, BackendError> {
        self.looked.fetch_add(1, Ordering::Relaxed);
        Ok(Embedding::new(image.dimensions(), ()))
    }

    fn prompt(&self, embedding: &Embedding, prompts: &[Prompt]) -> Result<Vec<Segment>, BackendError> {
        let (width, height) = embedding.size;
        let cut = |prompt: &Prompt| {
            let single = |v: f64| f64::from(v as f32);
            let [x0, y0, x1, y1] = <[f64; 4]>::from(prompt.bbox.unwrap()).map(single);
            let points: Vec<[f64; 2]> = prompt.points.iter().map(|p| [single(p.x), single(p.y)]).collect();
            let grow = [6.0, 12.0, 0.0][points.len() % 3];
            let across = |x: f64| (x - (x0 - grow)) * ((x1 + grow) - x) >= 0.0;
            let down = |y: f64| (y - (y0 - grow)) * ((y1 + grow) - y) >= 0.0;
            let mask = Mask::from_fn(width, height, |x, y| {
                let (x, y) = (f64::from(x), f64::from(y));
                let notch = (x - x0).abs() < 5.0 && (y - y0).abs() < 5.0;
                let disc = points.iter().any(|[px, py]| (x - px).powi(2) + (y - py).powi(2) < 100.0);
                (across(x) && down(y) && !notch) != disc
            });
            Segment { mask, score: Some(0.7) }
        };
        Ok(prompts.iter().map(cut).collect())
    }
}

fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("nan") => f64::NAN,
        Some("inf") => f64::INFINITY,
        Some("-inf") => f64::NEG_INFINITY,
        _ => value.as_f64().unwrap(),
    }
}

fn single(value: f64) -> u32 {
    let value = value as f32;
    if value.is_nan() { u32::MAX } else { value.to_bits() }
}

fn grey(mask: &Mask) -> String {
    sha256_hex(&mask.to_grey().into_raw().iter().map(|v| u8::from(*v > 0)).collect::<Vec<u8>>())
}

/// What a case came to and what it should have, as text, so that a difference is readable.
fn differences(case: &Value, answer: &[StageAnswer], asked: &[VlmRequest]) -> Vec<String> {
    let mut found = Vec::new();
    let mut same = |what: &str, ours: &str, theirs: &str| {
        if ours != theirs {
            found.push(format!("{}: {what}\n  ours   {ours}\n  theirs {theirs}", case["name"]));
        }
    };
    let pixels = |image: &RgbImage| sha256_hex(image.as_raw());
    for stage in 0..2 {
        same("prompt", &asked[stage].text, case["prompts"][stage].as_str().unwrap());
        let key = ["resized", "rendered"][stage];
        for image in 0..2 {
            same(key, &pixels(&asked[stage].images[image]), case[key][image].as_str().unwrap());
        }
        let (ours, theirs) = (&answer[stage], &case["stages"][stage]);
        same("area", &ours.mask.area().to_string(), &theirs["mask"]["area"].to_string());
        same("mask", &grey(&ours.mask), theirs["mask"]["sha256"].as_str().unwrap());
        let prompts = ours.objects.iter().map(|o| {
            let bbox = <[f64; 4]>::from(o.prompt.bbox.unwrap()).map(single);
            let points: Vec<[u32; 2]> = o.prompt.points.iter().map(|p| [single(p.x), single(p.y)]).collect();
            format!("{bbox:?} {points:?}")
        });
        let expected = theirs["objects"].as_array().unwrap().iter().map(|o| {
            let list = |v: &Value| v.as_array().unwrap().iter().map(|n| single(number(n))).collect::<Vec<_>>();
            let points: Vec<Vec<u32>> = o["points"].as_array().unwrap().iter().map(list).collect();
            format!("{:?} {points:?}", list(&o["box"]))
        });
        same("objects", &prompts.collect::<Vec<_>>().join("; "), &expected.collect::<Vec<_>>().join("; "));
        same("failed", &ours.objects.is_empty().to_string(), &ours.failure.is_some().to_string());
    }
    found
}

fn replay(case: &Value, pictures: &BTreeMap<(u32, u32, u64), [Arc<RgbImage>; 2]>) -> Vec<String> {
    let size = |i: usize| case["size"][i].as_u64().unwrap() as u32;
    let [map, satellite] = pictures[&(size(0), size(1), case["seed"].as_u64().unwrap())].clone();
    let query = Query {
        id: case["name"].as_str().unwrap().to_owned(),
        text: case["query"].as_str().unwrap().to_owned(),
        level: None,
        satellite,
        map: Some(map),
    };
    let answers = [0, 1].map(|i| case["answers"][i].as_str().unwrap().to_owned());
    let vlm = Arc::new(Recorded { answers, asked: Mutex::default(), caps: vlm_caps() });
    let models = Models {
        vlm: Some(Arc::<Recorded>::clone(&vlm)),
        segmenter: Some(Arc::new(Fixed::new())),
        ..Models::default()
    };
    let settings = Definition::find("socioreasoner").unwrap().unwrap().ready(&Overrides::default()).unwrap().settings;
    let mut context = Context::new(0, &query.id);
    let answer = Reasoner { settings }.answer(&query, &models, &mut context).unwrap();
    let asked = vlm.asked.lock().unwrap();
    differences(case, &answer.stages, &asked)
}

#[test]
fn recorded_answers_come_to_what_python_makes_of_them() {
    let cases = read("cases.json");
    let cases = cases.as_array().unwrap();
    let mut pictures = BTreeMap::new();
    for case in cases {
        let size = |i: usize| case["size"][i].as_u64().unwrap() as u32;
        let seed = case["seed"].as_u64().unwrap();
        let draw = |s: u64| Arc::new(drawn(size(0), size(1), s));
        pictures.entry((size(0), size(1), seed)).or_insert_with(|| [draw(2 * seed), draw(2 * seed + 1)]);
    }
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let differences = replay(case, &pictures);
                    found.lock().unwrap().extend(differences);
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    let objects = |stage: usize| cases.iter().filter(|c| c["stages"][stage]["mask"]["area"] != 0).count();
    println!("{} cases, {} with a mask in stage 1 and {} in stage 2", cases.len(), objects(0), objects(1));
    assert!(cases.len() >= 400 && objects(0) > 50 && objects(1) > 50);
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found[..found.len().min(12)].join("\n"));
}

#[test]
fn rectangles_are_pillows() {
    let all = read("rectangles.json");
    let mut refused = 0;
    for row in all.as_array().unwrap() {
        let bbox: Vec<f64> = row["box"].as_array().unwrap().iter().map(number).collect();
        let mut image = RgbImage::new(64, 48);
        let done = render::rectangle(&mut image, bbox.clone().try_into().unwrap(), render::OUTLINE, render::WIDTH);
        let painted: Vec<u8> = image.pixels().map(|p| u8::from(p.0 == render::OUTLINE)).collect();
        let ours = done.then(|| sha256_hex(&painted));
        assert_eq!(ours.as_deref(), row["sha256"].as_str(), "{bbox:?}");
        refused += usize::from(!done);
    }
    assert!(refused > 10 && refused < 200);
}

#[test]
fn the_overlay_is_pillows() {
    let blend = read("blend.json");
    for ink in [0u8, 255] {
        let mut image = RgbImage::from_fn(256, 1, |x, _| Rgb([x as u8; 3]));
        picture::overlay(&mut image, &Mask::full(256, 1), Rgb([ink; 3]), render::ALPHA, 0);
        let ours: Vec<u8> = image.pixels().map(|p| p.0[0]).collect();
        let theirs: Vec<u8> =
            blend[ink.to_string()].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u8).collect();
        assert_eq!(ours, theirs);
    }
}

#[test]
fn a_failing_second_stage_keeps_the_first() {
    let image = Arc::new(drawn(64, 64, 1));
    let query = Query {
        id: "a".to_owned(),
        text: "x".to_owned(),
        level: None,
        satellite: Arc::clone(&image),
        map: Some(image),
    };
    let first = "<answer>[{\"bbox_2d\": [1, 1, 30, 30]}]</answer>".to_owned();
    let vlm = Recorded { answers: [first, "I cannot.".to_owned()], asked: Mutex::default(), caps: vlm_caps() };
    let models = Models { vlm: Some(Arc::new(vlm)), segmenter: Some(Arc::new(Fixed::new())), ..Models::default() };
    let settings = Definition::find("socioreasoner").unwrap().unwrap().ready(&Overrides::default()).unwrap().settings;
    let answer = Reasoner { settings }.answer(&query, &models, &mut Context::new(0, "a")).unwrap();
    assert!(answer.stages[0].failure.is_none() && answer.stages[0].mask.area() > 0);
    assert!(matches!(&answer.stages[1].failure, Some(Failure::BadGrammar(why)) if why.contains("<answer>")));
    assert!(answer.stages[1].mask.is_empty());
}

#[test]
fn an_image_is_encoded_once_for_both_stages_and_all_queries_on_it() {
    let image = Arc::new(drawn(96, 80, 1));
    let other = Arc::new(drawn(96, 80, 2));
    let fixed = Arc::new(Fixed::new());
    let shared: Arc<dyn Segmenter> = Arc::new(SharedEmbeddings::new(Arc::<Fixed>::clone(&fixed), 16));
    let box_of = |points: &str| format!("<answer>[{{\"bbox_2d\": [5, 5, 40, 40]{points}}}]</answer>");
    let ask = |id: &str, satellite: &Arc<RgbImage>, points_by_need: bool| {
        let answers = [box_of(""), box_of(", \"points\": [[9, 9], [20, 20]]")];
        let vlm: Arc<dyn Vlm> = Arc::new(Recorded { answers, asked: Mutex::default(), caps: vlm_caps() });
        let models = Models { vlm: Some(vlm), segmenter: Some(Arc::clone(&shared)), ..Models::default() };
        let (satellite, map) = (Arc::clone(satellite), Some(Arc::clone(&other)));
        let query = Query { id: id.to_owned(), text: id.to_owned(), level: None, satellite, map };
        let with = Overrides { points_by_need, ..Overrides::default() };
        let settings = Definition::find("socioreasoner").unwrap().unwrap().ready(&with).unwrap().settings;
        let answer = Reasoner { settings }.answer(&query, &models, &mut Context::new(0, id)).unwrap();
        assert!(answer.stages.iter().all(|s| s.failure.is_none()));
    };
    ask("school", &image, false);
    assert_eq!(fixed.looked.load(Ordering::Relaxed), 1, "both stages share one encoding");
    ask("hospital", &image, false);
    ask("park", &image, true);
    assert_eq!(fixed.looked.load(Ordering::Relaxed), 1, "so do all queries on the image");
    ask("park", &other, false);
    assert_eq!(fixed.looked.load(Ordering::Relaxed), 2);
}
