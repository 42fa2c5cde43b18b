//! Maps of real places: labels that do not overlap, letters that are right, and a machine that can read them.

use std::sync::Arc;

use image::RgbImage;
use socio_backend::MapReader;
use socio_dataset::build::draw;
use socio_dataset::geo::vectors::{self, Object};
use socio_dataset::map::{Label, Layers, Quad, Rendered, Style, Words};
use socio_dataset::scene::Look;
use socio_dataset::store::{Dataset, Fields, HubOptions};
use socio_dataset::{Hierarchy, text};
use socio_ort::{PpOcr, Runtime};
use tempfile::tempdir;

use crate::support::{assets, json, ok, onnxruntime};

/// Spots of the two places: file, longitude, latitude, metres of a side.
const SPOTS: [(&str, f64, f64, f64); 4] = [
    ("helsinki", 24.9414, 60.1685, 500.0),
    ("helsinki", 24.9520, 60.1690, 700.0),
    ("monaco", 7.4200, 43.7325, 450.0),
    ("monaco", 7.4265, 43.7390, 650.0),
];

fn look(style: &str, words: Words, layers: Layers) -> Look {
    Look { style: Arc::new(Style::embedded(style).unwrap()), words, layers, jpeg: None }
}

fn objects(name: &str) -> Option<Vec<Object>> {
    Some(vectors::read(&assets()?.join(format!("osm/{name}.osm.pbf"))).unwrap().objects)
}

fn map(objects: &[Object], spot: (&str, f64, f64, f64), look: &Look) -> Rendered {
    draw(objects, &Hierarchy::embedded().unwrap(), [spot.1, spot.2], spot.3, 768, look, None)
}

/// Whether two labels' lines share inner points: no edge of either separates them.
fn overlap(a: &Quad, b: &Quad) -> bool {
    let separated = |a: &Quad, b: &Quad| {
        (0..4).any(|i| {
            let (p, q) = (a[i], a[(i + 1) % 4]);
            let side = |r: &[f64; 2]| (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
            b.iter().all(|r| side(r) <= 1e-6)
        })
    };
    !separated(a, b) && !separated(b, a)
}

#[test]
fn labels_of_real_places_do_not_overlap_in_any_style_or_language() {
    let (Some(helsinki), Some(monaco)) = (objects("helsinki"), objects("monaco")) else { return };
    for spot in SPOTS {
        let objects = if spot.0 == "helsinki" { &helsinki } else { &monaco };
        for style in Style::names() {
            for words in [Words::Local, Words::English, Words::Both] {
                let drawn = map(objects, spot, &look(style, words, Layers::Full));
                assert!(drawn.labels.len() > 25, "{spot:?} {style}: {}", drawn.labels.len());
                let lines: Vec<(usize, &Quad)> =
                    drawn.labels.iter().enumerate().flat_map(|(i, l)| l.quads.iter().map(move |q| (i, q))).collect();
                for (n, (i, a)) in lines.iter().enumerate() {
                    for (j, b) in &lines[n + 1..] {
                        assert!(
                            i == j || !overlap(a, b),
                            "{style}: {:?} {:?}",
                            drawn.labels[*i].lines,
                            drawn.labels[*j].lines
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_map_is_drawn_by_the_command() {
    let Some(assets) = assets() else { return };
    let t = tempdir().unwrap();
    let line = format!(
        "data map --vectors {}/osm/helsinki.osm.pbf --centre 24.9414,60.1685 --side 500 --labels local --out map.png --json",
        assets.display()
    );
    let told = json(&ok(t.path(), &line));
    let lines: Vec<String> = told["labels"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|l| l["lines"].as_array().unwrap().iter().map(|t| t.as_str().unwrap().to_owned()))
        .collect();
    assert!(lines.iter().any(|l| l.contains('ä') || l.contains('ö')), "{lines:?}");
    assert!(t.path().join("map.png").is_file());
}

/// Edits that turn the best part of `text` into `wanted` (Sellers' way).
fn edits_within(text: &[char], wanted: &[char]) -> usize {
    let mut row: Vec<usize> = vec![0; text.len() + 1];
    for (i, w) in wanted.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, t) in text.iter().enumerate() {
            let replaced = corner + usize::from(w != t);
            corner = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(corner + 1);
        }
    }
    row.into_iter().min().unwrap_or(wanted.len())
}

/// Lines of labels, and those that the reader read: at most one letter in six wrong, in a text found over the line.
fn read(reader: &dyn MapReader, image: &RgbImage, labels: &[Label]) -> (usize, Vec<String>) {
    let found = reader.read(image).unwrap();
    let mut missed = Vec::new();
    let mut shown = 0;
    for label in labels {
        for (line, quad) in label.lines.iter().zip(&label.quads) {
            let wanted: Vec<char> = text::letters(line);
            // One or two letters are as often an icon's stroke as a text.
            if wanted.len() < 3 {
                continue;
            }
            shown += 1;
            let over = found.iter().filter(|f| overlap(&f.corners.map(<[f64; 2]>::from), quad));
            let best = over.map(|f| edits_within(&text::letters(&f.text), &wanted)).min();
            if best.is_none_or(|edits| edits * 6 > wanted.len()) {
                missed.push(line.clone());
            }
        }
    }
    (shown, missed)
}

#[test]
fn a_machine_reads_the_labels() {
    let (Some(assets), Some(runtime)) = (assets(), onnxruntime()) else { return };
    let (Some(helsinki), Some(monaco)) = (objects("helsinki"), objects("monaco")) else { return };
    let runtime = Runtime::load(Some(&runtime)).unwrap();
    let reader = PpOcr::load(&runtime, &assets.join("ocr"), 2).unwrap();
    // Styles are measured for the docs (`ci/full readable`); the default one in English is promised.
    let asked = std::env::var("SOCIO_STYLES").ok();
    let all = asked.is_some();
    let languages = [("English", Words::English), ("local", Words::Local), ("both", Words::Both)];
    for style in asked.as_deref().unwrap_or("pale").split(',') {
        for (language, words) in &languages[..if all && style == "pale" { 3 } else { 1 }] {
            let (mut shown, mut missed) = (0, Vec::new());
            for spot in &SPOTS[..if all { 3 } else { 2 }] {
                let objects = if spot.0 == "helsinki" { &helsinki } else { &monaco };
                let drawn = map(objects, *spot, &look(style, *words, Layers::RoadsAndPlaces));
                let (n, lost) = read(&reader, &drawn.image, &drawn.labels);
                shown += n;
                missed.extend(lost);
            }
            let real = (shown, missed.len());
            let (n, lost) = city(&reader, style, *words, if all { 4 } else { 3 });
            let share = |(shown, lost): (usize, usize)| 100.0 * (1.0 - lost as f64 / shown.max(1) as f64);
            println!(
                "| {style} | {language} | {:.1} % of {} | {:.1} % of {n} |",
                share(real),
                real.0,
                share((n, lost.len()))
            );
            let whole = share((shown + n, missed.len() + lost.len()));
            assert!(style != "pale" || *words != Words::English || whole >= 95.0, "{whole:.1} %: {missed:?} {lost:?}");
        }
    }
}

/// The same on windows of the embedded city.
fn city(reader: &dyn MapReader, style: &str, words: Words, windows: usize) -> (usize, Vec<String>) {
    let told = match words {
        Words::Local => "local",
        Words::English => "english",
        Words::Both => "both",
    };
    let hub = HubOptions::from_env();
    let set = Dataset::open(&format!("city:samples=48,new=0,style={style},words={told}"), &hub).unwrap();
    let (mut shown, mut missed) = (0, Vec::new());
    for sample in set.read("train", None, Fields::ALL).unwrap().take(windows) {
        let sample = sample.unwrap();
        let labels = set.labels("train", &sample.id);
        let (n, lost) = read(reader, &sample.decode_query().unwrap().map.unwrap(), &labels);
        shown += n;
        missed.extend(lost);
    }
    (shown, missed)
}
