//! Checks of a dataset: structure, decoding, sizes and registration, empty masks, duplicates, leaks between splits.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use socio_geo::{LonLat, Mercator, metres_at};

use crate::split::{Located, groups};
use crate::store::{Dataset, Encoded, FieldProblem, Fields, StoreError};
use crate::{Hierarchy, Level, Mask, hash};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The sample cannot be scored, or the set is not sound.
    Error,
    /// Usable, but not as expected.
    Warning,
}

/// What a check can find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Code {
    /// A file is missing, or a value null.
    V101,
    /// `question.json` or `problem` is unusable.
    V102,
    /// An image does not decode.
    V103,
    /// Map or mask is not of the satellite image's size.
    V104,
    /// Two samples of a split have one id.
    V105,
    /// An id occurs in two splits.
    V106,
    /// A satellite image occurs in two splits.
    V107,
    /// A group (column `group`) occurs in two splits.
    V108,
    /// A class that only new regions may have is in train or val.
    V109,
    /// Two scenes of different splits overlap, or lie closer than the buffer.
    V110,
    /// The mask is empty.
    V201,
    /// The mask covers the whole image.
    V202,
    /// The mask has values other than 0 and 255.
    V203,
    /// Two samples of a level are equal in text and all images under different ids.
    V204,
    /// The map is the satellite image.
    V205,
    /// The id's prefix tells no level.
    V206,
}

impl Code {
    /// All codes.
    pub const ALL: [Self; 16] = [
        Self::V101,
        Self::V102,
        Self::V103,
        Self::V104,
        Self::V105,
        Self::V106,
        Self::V107,
        Self::V108,
        Self::V109,
        Self::V110,
        Self::V201,
        Self::V202,
        Self::V203,
        Self::V204,
        Self::V205,
        Self::V206,
    ];

    /// How bad it is: the 100s are errors, the 200s warnings.
    pub fn severity(self) -> Severity {
        if self < Self::V201 { Severity::Error } else { Severity::Warning }
    }

    /// What it means, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::V101 => "missing file or value",
            Self::V102 => "unusable question",
            Self::V103 => "image does not decode",
            Self::V104 => "sizes differ",
            Self::V105 => "duplicate id",
            Self::V106 => "id in two splits",
            Self::V107 => "satellite image in two splits",
            Self::V108 => "group in two splits",
            Self::V109 => "unseen class in training",
            Self::V110 => "scenes of two splits too near",
            Self::V201 => "empty mask",
            Self::V202 => "mask covers everything",
            Self::V203 => "stray mask values",
            Self::V204 => "equal samples",
            Self::V205 => "map equals satellite image",
            Self::V206 => "unknown level",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// The split.
    pub split: String,
    /// The sample.
    pub id: String,
    /// The file or sample folder.
    pub file: String,
    /// The row of a parquet file, from 0.
    pub row: Option<u64>,
    /// The field: `problem`, `sat_image`, `map_image`, `mask_label` or `id`.
    pub field: &'static str,
    /// What was found, and what was expected.
    pub message: String,
}

/// What a check of a whole dataset tells.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Samples looked at.
    pub samples: u64,
    /// Different satellite images.
    pub scenes: u64,
    /// Samples of each split.
    pub splits: BTreeMap<String, u64>,
    /// Everything found, in the order in which it was met.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Findings of one severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|f| f.severity == severity).count()
    }
}

/// Checks the given splits (all where empty); scenes of different splits must be `buffer` metres apart where they have
/// coordinates (0: they must not overlap). `progress` is called after each sample.
///
/// # Errors
/// When the store itself cannot be read on, or a split has no samples.
pub fn verify(
    dataset: &Dataset,
    splits: &[String],
    buffer: f64,
    mut progress: impl FnMut(u64),
) -> Result<Report, StoreError> {
    let splits = if splits.is_empty() { dataset.splits() } else { splits.to_vec() };
    let unseen = |h: Hierarchy| h.classes.into_iter().filter(|c| c.unseen).map(|c| c.name).collect();
    let mut check = Check { unseen: Hierarchy::embedded().map(unseen).unwrap_or_default(), ..Check::default() };
    for split in &splits {
        let mut any = false;
        for sample in dataset.read(split, None, Fields::ALL)? {
            let sample = sample?;
            check.sample(split, &sample);
            check.place(split, &sample);
            any = true;
            progress(check.report.samples);
        }
        if !any {
            return Err(StoreError::Empty { location: dataset.location().to_owned(), split: split.clone() });
        }
    }
    check.neighbours(buffer);
    check.report.scenes = check.scenes.len() as u64;
    Ok(check.report)
}

/// Where something was first seen: split and id.
type Seen = BTreeMap<String, (String, String)>;

#[derive(Default)]
struct Check {
    report: Report,
    ids: Seen,
    scenes: Seen,
    samples: Seen,
    groups: Seen,
    unseen: BTreeSet<String>,
    /// Scenes with coordinates: split, id, file, and where.
    placed: Vec<(String, String, String, Located)>,
}

/// The split whose samples another one shows again on other maps: between the two nothing leaks.
fn home(split: &str) -> &str {
    if split.starts_with(crate::city::OTHER_STYLE) { "test" } else { split }
}

impl Check {
    /// Notes where a sample lies.
    fn place(&mut self, split: &str, sample: &Encoded) {
        let degrees = |column: &str| sample.extras.text(column).and_then(|t| t.parse::<f64>().ok());
        let (Some(west), Some(south), Some(east), Some(north)) =
            (degrees("west"), degrees("south"), degrees("east"), degrees("north"))
        else {
            return;
        };
        let low = Mercator::from(LonLat { lon: west, lat: south });
        let high = Mercator::from(LonLat { lon: east, lat: north });
        let located = Located {
            keys: Vec::new(),
            bounds: Some([low.x, low.y, high.x, high.y]),
            scale: metres_at(f64::midpoint(low.y, high.y)),
        };
        self.placed.push((split.to_owned(), sample.id.clone(), sample.origin.file.display().to_string(), located));
    }

    /// Finds scenes of different splits that are too near to each other.
    fn neighbours(&mut self, buffer: f64) {
        let located: Vec<Located> = self.placed.iter().map(|p| p.3.clone()).collect();
        let mut told: BTreeMap<usize, usize> = BTreeMap::new();
        for (i, group) in groups(&located, buffer).into_iter().enumerate() {
            let first = *told.entry(group).or_insert(i);
            let ((split, id, file, _), other) = (&self.placed[i], &self.placed[first]);
            if home(split) != home(&other.0) {
                self.report.findings.push(Finding {
                    code: Code::V110,
                    severity: Code::V110.severity(),
                    split: split.clone(),
                    id: id.clone(),
                    file: file.clone(),
                    row: None,
                    field: "id",
                    message: format!(
                        "a chain of scenes less than {buffer} m apart leads to `{}` of split {}: a leak between splits",
                        other.1, other.0
                    ),
                });
            }
        }
    }

    fn sample(&mut self, split: &str, sample: &Encoded) {
        self.report.samples += 1;
        *self.report.splits.entry(split.to_owned()).or_default() += 1;
        let here = (split.to_owned(), sample.id.clone());
        let mut found = Vec::new();
        let mut find = |code: Code, field: &'static str, message: String| found.push((code, field, message));

        if sample.id.is_empty() {
            find(Code::V101, "id", FieldProblem::Missing.to_string());
        }
        if sample.level().is_none() {
            find(Code::V206, "id", "expected a prefix name_, class_ or function_; it counts under All only".to_owned());
        }
        if let Some((other, _)) = self.ids.get(&sample.id) {
            if other == split || home(other) != home(split) {
                let code = if other == split { Code::V105 } else { Code::V106 };
                find(code, "id", format!("`{}` is in split {other} already", sample.id));
            }
        } else {
            self.ids.insert(sample.id.clone(), here.clone());
        }
        if let Some(group) = sample.extras.text("group") {
            if let Some((other, id)) = self.groups.get(&group).filter(|(other, _)| home(other) != home(split)) {
                find(Code::V108, "id", format!("its group `{group}` is that of `{id}` in split {other}"));
            }
            self.groups.entry(group).or_insert_with(|| here.clone());
        }
        let class = sample.extras.text("class").filter(|_| split == "train" || split == "val");
        if let Some(class) = class.filter(|c| self.unseen.contains(c)) {
            find(Code::V109, "problem", format!("class `{class}` is kept for new regions"));
        }
        if let Err(problem) = &sample.problem {
            find(question_code(problem), "problem", problem.to_string());
        }
        let mut decode = |field, image: &Result<crate::store::Image, FieldProblem>| match image {
            Err(problem) => {
                find(Code::V101, field, problem.to_string());
                None
            }
            Ok(image) => match crate::picture::decode(&image.bytes) {
                Ok(decoded) => Some(decoded),
                Err(e) => {
                    find(Code::V103, field, e.to_string());
                    None
                }
            },
        };
        let satellite = decode("sat_image", &sample.satellite).map(image::DynamicImage::into_rgb8);
        let map = decode("map_image", &sample.map).map(image::DynamicImage::into_rgb8);
        let mask_image = decode("mask_label", &sample.mask);

        let mut keys = Vec::new();
        if let Some(satellite) = &satellite {
            let key = hash::pixels(satellite);
            if let Some((other, id)) = self.scenes.get(&key).filter(|(other, _)| home(other) != home(split)) {
                find(
                    Code::V107,
                    "sat_image",
                    format!("the same pixels as `{id}` of split {other}: a leak between splits"),
                );
            }
            self.scenes.entry(key.clone()).or_insert_with(|| here.clone());
            keys.push(key);
        }
        let expected = satellite.as_ref().map(image::RgbImage::dimensions);
        let sizes = [
            ("map_image", map.as_ref().map(image::RgbImage::dimensions)),
            ("mask_label", mask_image.as_ref().map(|m| (m.width(), m.height()))),
        ];
        for (field, size) in sizes {
            if let (Some(found), Some(expected)) = (size, expected)
                && found != expected
            {
                find(Code::V104, field, FieldProblem::Size { found, expected }.to_string());
            }
        }
        if let Some(map) = &map {
            if satellite.as_ref() == Some(map) {
                find(Code::V205, "map_image", "pixel by pixel the satellite image".to_owned());
            }
            keys.push(hash::pixels(map));
        }
        if let Some(image) = &mask_image {
            match Mask::from_image(image) {
                Ok(mask) => {
                    if mask.is_empty() {
                        find(Code::V201, "mask_label", "no pixel is set".to_owned());
                    } else if mask.not().is_empty() {
                        find(Code::V202, "mask_label", "every pixel is set".to_owned());
                    }
                    keys.push(hash::sha256_hex(mask.to_grey().as_raw()));
                }
                Err(e) => find(Code::V103, "mask_label", e.to_string()),
            }
            if let Some(strays) = stray_values(image) {
                find(Code::V203, "mask_label", strays);
            }
        }
        if let (3, Ok(text)) = (keys.len(), &sample.problem) {
            let level = sample.level().map_or("none", Level::prefix);
            let key = hash::sha256_hex(format!("{level} {text} {}", keys.join(" ")).as_bytes());
            match self.samples.get(&key) {
                Some((other, id)) if *id != sample.id => {
                    find(
                        Code::V204,
                        "id",
                        format!("text, satellite image, map and mask are those of `{id}` (split {other})"),
                    );
                }
                _ => {
                    self.samples.entry(key).or_insert(here);
                }
            }
        }
        self.report.findings.extend(found.into_iter().map(|(code, field, message)| Finding {
            code,
            severity: code.severity(),
            split: split.to_owned(),
            id: sample.id.clone(),
            file: sample.origin.file.display().to_string(),
            row: sample.origin.row,
            field,
            message,
        }));
    }
}

fn question_code(problem: &FieldProblem) -> Code {
    match problem {
        FieldProblem::Missing | FieldProblem::File(_) => Code::V101,
        _ => Code::V102,
    }
}

/// The values beside 0 and 255 in a mask image, told with how many pixels have them.
fn stray_values(image: &image::DynamicImage) -> Option<String> {
    let mut counts = [0u64; 256];
    for value in crate::picture::grey(image) {
        counts[usize::from(value)] += 1;
    }
    let strays: Vec<usize> = (1..255).filter(|v| counts[*v] > 0).collect();
    let pixels: u64 = strays.iter().map(|v| counts[*v]).sum();
    let shown: Vec<String> = strays.iter().take(6).map(ToString::to_string).collect();
    let more = if strays.len() > 6 { ", ..." } else { "" };
    (!strays.is_empty()).then(|| {
        format!(
            "{pixels} pixels of values {}{more}; expected 0 and 255 (every nonzero pixel counts as foreground)",
            shown.join(", ")
        )
    })
}
