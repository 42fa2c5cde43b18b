//! One static page to browse a set, with its pictures beside it.

use std::path::Path;

use image::imageops::FilterType;
use image::{Rgb, RgbImage};
use serde_json::{Value, json};

use super::PublishError;
use crate::Level;
use crate::files;
use crate::parallel;
use crate::picture;
use crate::store::{Dataset, Encoded, Fields};

const PAGE: &str = include_str!("gallery.html");
const MARKER: &str = "/*GALLERY-DATA*/null";
/// Pixels of a thumbnail's side.
const THUMB: u32 = 224;

/// What goes on the page.
#[derive(Debug, Clone)]
pub struct GalleryOptions {
    /// Its title.
    pub title: String,
    /// Only these splits; all where empty.
    pub splits: Vec<String>,
    /// Only the first so many samples of each split.
    pub limit: Option<usize>,
}

/// Writes `index.html` and `images/` into `out`. Samples that do not decode are left out and counted.
///
/// # Errors
/// When the set cannot be read or the disk refuses.
pub fn gallery(
    dataset: &Dataset,
    out: &Path,
    options: &GalleryOptions,
    mut progress: impl FnMut(u64),
) -> Result<(usize, usize), PublishError> {
    let images = out.join("images");
    files::create_dir(&images)?;
    let splits = if options.splits.is_empty() { dataset.splits() } else { options.splits.clone() };
    let (mut samples, mut broken) = (Vec::new(), 0);
    for split in &splits {
        let mut read = dataset.read(split, None, Fields::ALL)?.take(options.limit.unwrap_or(usize::MAX));
        loop {
            // A few at a time: a set larger than memory passes through.
            let some = read.by_ref().take(64).collect::<Result<Vec<Encoded>, _>>()?;
            if some.is_empty() {
                break;
            }
            let (folder, name) = (images.clone(), split.clone());
            let made = parallel::in_order(some.into_iter(), parallel::processors(), move |s| entry(&s, &name, &folder));
            for one in made {
                match one? {
                    Some(value) => samples.push(value),
                    None => broken += 1,
                }
                progress((samples.len() + broken) as u64);
            }
        }
    }
    let count = samples.len();
    let data = json!({
        "title": options.title, "made_by": format!("socio-bench {}", env!("CARGO_PKG_VERSION")),
        "note": format!("{count} samples of {}", splits.join(", ")), "samples": samples,
    });
    // A query text may hold anything: no `<` may end the script that the data stands in.
    let page = PAGE.replacen(MARKER, &data.to_string().replace('<', "\\u003c"), 1);
    files::write(&out.join("index.html"), page.as_bytes())?;
    Ok((count, broken))
}

/// Writes a sample's pictures and tells of it; `None` for one that does not decode.
fn entry(sample: &Encoded, split: &str, folder: &Path) -> Result<Option<Value>, PublishError> {
    let Ok(decoded) = sample.decode() else { return Ok(None) };
    let Some(truth) = decoded.truth else { return Ok(None) };
    let query = decoded.query;
    let plain: String =
        sample.id.chars().map(|c| if c.is_alphanumeric() || matches!(c, '_' | '-') { c } else { '-' }).collect();
    let key = format!("{split}-{plain}");
    let wrong = |e: &dyn std::fmt::Display| PublishError::Row(format!("sample `{}`: {e}", sample.id));
    let bytes = |image: &Result<crate::store::Image, _>| -> Option<Vec<u8>> {
        image.as_ref().ok().map(|i: &crate::store::Image| i.bytes.clone())
    };
    let ending = |bytes: &[u8]| if bytes.starts_with(b"\x89PNG") { "png" } else { "jpg" };
    let mut names = Vec::new();
    for (what, bytes) in [("sat", bytes(&sample.satellite)), ("map", bytes(&sample.map))] {
        let bytes = bytes.ok_or_else(|| wrong(&"its pictures are gone"))?;
        let name = format!("{key}.{what}.{}", ending(&bytes));
        files::write(&folder.join(&name), &bytes)?;
        names.push(format!("images/{name}"));
    }
    let mask = truth.mask.to_png().map_err(|e| wrong(&e))?;
    files::write(&folder.join(format!("{key}.mask.png")), &mask)?;
    let thumb = thumb(&query.satellite, &truth.mask);
    files::write(&folder.join(format!("{key}.thumb.jpg")), &picture::to_jpeg(&thumb, 80).map_err(|e| wrong(&e))?)?;
    let (w, h) = query.satellite.dimensions();
    let text = |column: &str| sample.extras.text(column);
    // A sample shown again on another map is told apart: the page links to samples by their ids.
    let again = split.strip_prefix(crate::city::OTHER_STYLE).map(|style| format!("{}@{style}", sample.id));
    Ok(Some(json!({
        "id": again.unwrap_or_else(|| sample.id.clone()), "split": split, "level": query.level.map(Level::label), "text": query.text,
        "class": text("class"), "function": text("function"), "region": text("region"), "style": text("style"),
        "w": w, "h": h, "area": truth.mask.area() as f64 / (f64::from(w) * f64::from(h)),
        "instances": text("instances").and_then(|t| t.parse::<u64>().ok()).unwrap_or(truth.mask.components().len() as u64),
        "box": truth.mask.bbox().map(<[f64; 4]>::from),
        "sat": names[0], "map": names[1], "mask": format!("images/{key}.mask.png"), "thumb": format!("images/{key}.thumb.jpg"),
        "scene": text("scene"), "licence": text("licence"), "attribution": text("attribution"),
    })))
}

fn thumb(satellite: &RgbImage, mask: &crate::Mask) -> RgbImage {
    let mut marked = satellite.clone();
    picture::overlay(&mut marked, mask, Rgb([255, 64, 64]), 70, 3);
    let (w, h) = marked.dimensions();
    let scale = f64::from(THUMB) / f64::from(w.max(h));
    let side = |v: u32| ((f64::from(v) * scale) as u32).max(1);
    image::imageops::resize(&marked, side(w), side(h), FilterType::Triangle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_its_place_for_the_data() {
        assert_eq!(PAGE.matches(MARKER).count(), 1);
    }
}
