//! The gallery: samples with their pictures, their scores and the model's words.

use std::collections::BTreeSet;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::imageops::FilterType;
use image::{Rgb, RgbImage};
use socio_dataset::Sample;
use socio_dataset::picture::{self, PictureError};
use socio_record::{Record, Stage};

use super::escape::{escape, minus, name};
use crate::digest::Digest;
use crate::metrics::Profile;
use crate::report::{propagation, worst};
use crate::table::{printed, signed};

/// Width of a picture in the page, in pixels.
const SIDE: u32 = 384;
/// Letters of a model's words that are shown.
const WORDS: usize = 6_000;
const MASK: Rgb<u8> = Rgb([230, 30, 30]);
const TRUTH: Rgb<u8> = Rgb([0, 200, 83]);
const BOX: Rgb<u8> = Rgb([40, 80, 255]);

/// One sample of one run.
#[derive(Debug, Clone)]
pub struct Article {
    run: String,
    label: String,
    id: String,
    query: String,
    level: Option<&'static str>,
    class: Option<String>,
    status: &'static str,
    iou: Option<f64>,
    stages: Option<(f64, f64)>,
    pictures: Vec<Result<Picture, String>>,
    words: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
struct Picture {
    caption: String,
    alt: String,
    mime: &'static str,
    bytes: Vec<u8>,
    size: (u32, u32),
}

/// Which samples of a run to show: half of them the worst, then those that a second stage harmed most, then samples
/// spread evenly from the worst to the best.
pub fn choose(digest: &Digest, profile: &Profile, most: usize) -> BTreeSet<String> {
    let ranked = worst(digest, profile, usize::MAX);
    let mut chosen: BTreeSet<String> = ranked.iter().take(most.div_ceil(2)).map(|(e, _)| e.id.to_string()).collect();
    let mut harmed: Vec<(f64, &str)> = digest
        .entries
        .iter()
        .filter_map(|e| propagation::ious(e, profile).map(|(one, two)| (two - one, &*e.id)))
        .filter(|(gain, _)| *gain < 0.0)
        .collect();
    harmed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
    chosen.extend(harmed.into_iter().take(most / 4).map(|(_, id)| id.to_owned()));
    let left = most.saturating_sub(chosen.len());
    chosen.extend((0..left).filter_map(|i| {
        let at = ranked.len().checked_sub(1)? * (i + 1) / left.max(1);
        Some(ranked.get(at)?.0.id.to_string())
    }));
    chosen
}

/// A sample of a run for the gallery; with pictures where its data is at hand.
///
/// # Errors
/// When a picture cannot be written (never for images that were read).
pub fn article(
    digest: &Digest,
    record: &Record,
    sample: Option<&Sample>,
    profile: &Profile,
) -> Result<Article, PictureError> {
    let entry = digest.position(&record.id).map(|at| &digest.entries[at]);
    let words = record.stages.iter().enumerate().filter_map(|(i, stage)| {
        let title =
            if record.stages.len() > 1 { format!("Stage {} ({})", i + 1, stage.name) } else { stage.name.clone() };
        Some((title, stage.text.clone()?))
    });
    Ok(Article {
        run: digest.manifest.id.clone(),
        label: digest.manifest.method.label.clone(),
        id: record.id.clone(),
        query: record.query.clone(),
        level: record.level.map(socio_dataset::Level::label),
        class: record.class.clone(),
        status: record.status.label(),
        iou: entry.and_then(|e| profile.tally(e)).map(|t| t.iou),
        stages: entry.and_then(|e| propagation::ious(e, profile)),
        pictures: sample.map_or_else(|| Ok(Vec::new()), |s| pictures(record, s))?,
        words: words.collect(),
    })
}

fn pictures(record: &Record, sample: &Sample) -> Result<Vec<Result<Picture, String>>, PictureError> {
    let satellite: &RgbImage = &sample.query.satellite;
    let seen = |image: &RgbImage, caption: &str, alt: String| picture(image, caption, alt, true);
    let mut all = vec![Ok(seen(satellite, "Satellite", "Satellite view".to_owned())?)];
    if let Some(map) = &sample.query.map {
        all.push(Ok(picture(map, "Map", "Digital map of the same place".to_owned(), false)?));
    }
    let several = record.stages.len() > 1;
    // Five pictures at most: of more than two stages the first and the last.
    let shown = record.stages.iter().enumerate().filter(|(i, _)| *i == 0 || i + 1 == record.stages.len());
    for (i, stage) in shown {
        let caption = if several { format!("Stage {}", i + 1) } else { "Answer".to_owned() };
        all.push(match stage.mask.to_mask() {
            Ok(mask) if !(mask.is_empty() && stage.objects.is_empty()) => {
                let mut image = satellite.clone();
                picture::overlay(&mut image, &mask, MASK, 110, 3);
                let alt = marked(&mut image, stage, &caption);
                Ok(seen(&image, &caption, alt)?)
            }
            Ok(_) => Err(format!(
                "{caption}: {}",
                if stage.status.is_ok() { "nothing marked" } else { stage.status.label() }
            )),
            Err(e) => Err(format!("{caption}: {e}")),
        });
    }
    if let Some(truth) = &sample.truth {
        let mut image = satellite.clone();
        picture::overlay(&mut image, &truth.mask, TRUTH, 90, 3);
        all.push(Ok(seen(&image, "Truth", "Satellite view with the true mask in green".to_owned())?));
    }
    Ok(all)
}

/// Draws boxes and points of a stage; returns what is to be seen.
fn marked(image: &mut RgbImage, stage: &Stage, caption: &str) -> String {
    let (mut boxes, mut points) = (0, 0);
    for object in &stage.objects {
        let marks = picture::Marks { bbox: object.bbox, points: &object.points, background: &object.background };
        picture::mark(image, &marks, stage.frame.as_ref().map(|f| f.size), BOX, 3);
        boxes += usize::from(object.bbox.is_some());
        points += object.points.len();
    }
    let boxes = if boxes > 0 { ", boxes in blue" } else { "" };
    let points = if points > 0 { ", points in green" } else { "" };
    format!("Satellite view with {}: mask in red{boxes}{points}", caption.to_lowercase())
}

/// A picture as the page has it: a photograph as JPEG, a drawing as the smaller of both forms.
fn picture(image: &RgbImage, caption: &str, alt: String, photograph: bool) -> Result<Picture, PictureError> {
    let (width, height) = image.dimensions();
    let side = width.max(height).max(1);
    let small = if side > SIDE {
        let scale = |v: u32| (u64::from(v) * u64::from(SIDE) / u64::from(side)).max(1) as u32;
        &image::imageops::resize(image, scale(width), scale(height), FilterType::Triangle)
    } else {
        image
    };
    let mut bytes = picture::to_jpeg(small, if photograph { 82 } else { 90 })?;
    let mut mime = "image/jpeg";
    if !photograph {
        let png = picture::to_png(small)?;
        if png.len() < bytes.len() {
            (bytes, mime) = (png, "image/png");
        }
    }
    Ok(Picture { caption: caption.to_owned(), alt, mime, bytes, size: small.dimensions() })
}

/// The section of all articles.
pub(super) fn render(articles: &[Article], lead: &str) -> String {
    let mut out = format!(
        "<section id=\"gallery\" aria-labelledby=\"h-gallery\">\n<h2 id=\"h-gallery\">Samples</h2>\n<p class=\"lead\">{}</p>\n",
        escape(lead)
    );
    out.push_str(&controls(articles));
    out.push_str("<div class=\"samples\" id=\"samples\">\n");
    for (i, article) in articles.iter().enumerate() {
        out.push_str(&one(article, i + 1));
    }
    out.push_str(
        "</div>\n<p class=\"empty\" id=\"empty\" hidden>No sample fits. Reset, or ask for less.</p>\n</section>\n",
    );
    out
}

fn controls(articles: &[Article]) -> String {
    let mut out = "<form class=\"controls\" id=\"filters\" role=\"search\" aria-label=\"Samples\" hidden>\n".to_owned();
    let mut select = |title: &str, wide: bool, field: &str, none: &str, options: Vec<(String, String)>| {
        if options.len() < 2 {
            return;
        }
        let options: String =
            options.iter().map(|(v, t)| format!("<option value=\"{}\">{}</option>", escape(v), name(t))).collect();
        let wide = if wide { " class=\"wide\"" } else { "" };
        let _ = writeln!(
            out,
            "<label{wide}>{title} <select name=\"{field}\"><option value=\"\">{none}</option>{options}</select></label>"
        );
    };
    let distinct = |of: &dyn Fn(&Article) -> Option<(String, String)>| {
        let mut seen: Vec<(String, String)> = Vec::new();
        for option in articles.iter().filter_map(of) {
            if !seen.contains(&option) {
                seen.push(option);
            }
        }
        seen
    };
    select("Run", true, "run", "All runs", distinct(&|a| Some((a.run.clone(), format!("{} ({})", a.label, a.run)))));
    select("Level", false, "level", "All levels", distinct(&|a| a.level.map(|l| (l.to_owned(), l.to_owned()))));
    select("Status", false, "status", "Any status", distinct(&|a| Some((a.status.to_owned(), a.status.to_owned()))));
    let harm = if articles.iter().any(|a| a.stages.is_some()) {
        "<option value=\"harm\">Biggest harm by stage 2</option>"
    } else {
        ""
    };
    let _ = write!(
        out,
        "<label>Sort <select name=\"sort\"><option value=\"\">As in the data</option><option value=\"worst\">Worst first</option><option value=\"best\">Best first</option>{harm}</select></label>\n<label class=\"wide\">Search <input type=\"search\" name=\"text\" placeholder=\"Query, id or words\" autocomplete=\"off\" spellcheck=\"false\"></label>\n<button class=\"button\" type=\"reset\">Reset</button>\n<p id=\"count\" role=\"status\" aria-live=\"polite\">{n} of {n} shown</p>\n</form>\n",
        n = articles.len()
    );
    out
}

fn one(a: &Article, number: usize) -> String {
    let data =
        |key: &str, value: Option<String>| value.map_or(String::new(), |v| format!(" data-{key}=\"{}\"", escape(&v)));
    let gain = a.stages.map(|(one, two)| two - one);
    let mut out = format!(
        "<article class=\"sample\" id=\"s{number}\" aria-labelledby=\"q{number}\"{}{}{}{}{}>\n<header>\n<div>\n<h3 id=\"q{number}\" dir=\"auto\">{}</h3>\n<ul class=\"about\">",
        data("run", Some(a.run.clone())),
        data("level", a.level.map(str::to_owned)),
        data("status", Some(a.status.to_owned())),
        data("iou", a.iou.map(|v| format!("{v:.4}"))),
        data("gain", gain.map(|v| format!("{v:.4}"))),
        if a.query.is_empty() { "(no query)".to_owned() } else { escape(&a.query) }
    );
    if let Some(level) = a.level {
        let _ = write!(out, "<li class=\"level\">{level}</li>");
    }
    if let Some(class) = a.class.as_ref().filter(|c| **c != a.query) {
        let _ = write!(out, "<li>{}</li>", escape(class));
    }
    let _ = write!(
        out,
        "<li class=\"status\" data-status=\"{s}\">{s}</li><li>{} <code>{}</code></li><li><code><bdi>{}</bdi></code></li></ul>\n</div>\n",
        name(&a.label),
        escape(&a.run),
        escape(&a.id),
        s = a.status
    );
    out.push_str(&score(a));
    out.push_str("</header>\n");
    if !a.pictures.is_empty() {
        out.push_str("<div class=\"pics\">\n");
        out.extend(a.pictures.iter().map(pic));
        out.push_str("</div>\n");
    }
    if !a.words.is_empty() {
        out.push_str("<details><summary>The model’s words</summary><div class=\"words\">\n");
        for (title, text) in &a.words {
            let cut: String = text.chars().take(WORDS).collect();
            let rest = text.chars().count() - cut.chars().count();
            let more = if rest > 0 { format!("\n[{rest} more letters in the log]") } else { String::new() };
            // HTML drops one line feed right behind the tag.
            let lead = if cut.starts_with('\n') || cut.starts_with('\r') { "\n" } else { "" };
            let _ = writeln!(
                out,
                "<div><h4>{t}</h4><pre tabindex=\"0\" role=\"group\" aria-label=\"{t}: the model’s words\" dir=\"auto\">{lead}{}{more}</pre></div>",
                escape(&cut),
                t = escape(title)
            );
        }
        out.push_str("</div></details>\n");
    }
    out.push_str("</article>\n");
    out
}

fn score(a: &Article) -> String {
    let Some(iou) = a.iou else { return String::new() };
    let mut out = format!("<dl class=\"score\">\n<div><dt>IoU</dt><dd>{}</dd></div>\n", printed(100.0 * iou));
    if let Some((one, two)) = a.stages {
        let gain = 100.0 * (two - one);
        let (class, text) = match signed(gain) {
            zero if zero.trim_start_matches(['+', '-']) == "0.0" => ("", "±0.0".to_owned()),
            text if gain > 0.0 => (" up", text),
            text => (" down", minus(&text)),
        };
        let (low, high) = (one.min(two).clamp(0.0, 1.0), one.max(two).clamp(0.0, 1.0));
        let _ = writeln!(
            out,
            "<div><dt>Stage 1 to stage 2</dt><dd>{} <span aria-hidden=\"true\">→</span><span class=\"sr\">to</span> {} <span class=\"gain{class}\">{text}</span><span class=\"shift\" style=\"--a:{low:.4};--b:{high:.4}\" aria-hidden=\"true\"></span></dd></div>",
            printed(100.0 * one),
            printed(100.0 * two)
        );
    }
    out.push_str("</dl>\n");
    out
}

fn pic(picture: &Result<Picture, String>) -> String {
    match picture {
        Ok(p) => format!(
            "<figure class=\"pic\"><img src=\"data:{};base64,{}\" width=\"{}\" height=\"{}\" alt=\"{}\" loading=\"lazy\" decoding=\"async\"><figcaption>{}</figcaption></figure>\n",
            p.mime,
            STANDARD.encode(&p.bytes),
            p.size.0,
            p.size.1,
            escape(&p.alt),
            escape(&p.caption)
        ),
        Err(why) => format!("<p class=\"pic none\">{}</p>\n", escape(why)),
    }
}
