//! `README.md`: the hub's dataset card, with a datasheet (Gebru et al.) as its body.

use std::collections::BTreeSet;
use std::fmt::Write;

use arrow_schema::DataType;
use serde_json::{Value, json};

use super::index::is_flat;
use super::{About, Config, Line};

/// What a column holds, in a few words.
pub(super) fn meaning(column: &str) -> &'static str {
    match column {
        "id" => "Unique in its set; the word before the first underscore tells the level.",
        "problem" => "The query: a place's name, a class or a function.",
        "map_image" => "The digital map, RGB, registered to the satellite image pixel by pixel.",
        "sat_image" => "The satellite image, RGB.",
        "mask_label" => "The pixels asked for: 0 outside, 255 inside.",
        "split" => "train, val or test; equal to what the file's name tells.",
        "level" => "socio-name, socio-class or socio-function.",
        "class" => "The class asked for, or of the place named; none at the level of functions.",
        "function" => "The function asked for, or of the place.",
        "region" => "The region.",
        "style" => "The map's style.",
        "scene" => "Samples of one scene show the same ground.",
        "group" => "What no split may cut: scenes that share a place or lie near each other.",
        "gsd_m" => "Metres on the ground a pixel.",
        "crs" => "The reference system of the pixels.",
        "west" => "Western edge in degrees.",
        "south" => "Southern edge in degrees.",
        "east" => "Eastern edge in degrees.",
        "north" => "Northern edge in degrees.",
        "width" => "Width in pixels.",
        "height" => "Height in pixels.",
        "area_px" => "Set pixels of the mask.",
        "instances" => "Places that the mask marks.",
        "source" => "Where imagery and vectors come from.",
        "licence" => "Their licences.",
        "attribution" => "Whom to name.",
        _ => "A further column.",
    }
}

pub(super) fn text(configs: &[Config], lines: &[Line], about: &About) -> String {
    let mut out = String::from("---\n");
    // JSON is YAML: a key a line, each value as JSON.
    for (key, value) in front(configs, lines, about) {
        let _ = writeln!(out, "{key}: {value}");
    }
    out.push_str("---\n\n");
    out.push_str(&body(configs, lines, about));
    out
}

fn front(configs: &[Config], lines: &[Line], about: &About) -> Vec<(&'static str, Value)> {
    let size = match lines.len() {
        0..=999 => "n<1K",
        1000..=9999 => "1K<n<10K",
        10_000..=99_999 => "10K<n<100K",
        _ => "100K<n<1M",
    };
    let data_files = |c: &Config| -> Vec<Value> {
        c.splits.iter().map(|(s, _)| json!({"split": s, "path": format!("{}/{s}-*.parquet", c.folder)})).collect()
    };
    let config = |c: &Config| {
        let mut value = json!({"config_name": c.name, "data_files": data_files(c)});
        if c.name == "default" {
            value["default"] = json!(true);
        }
        value
    };
    let licences: Vec<&str> = about.licence.split(',').map(str::trim).collect();
    let mut told = vec![("pretty_name", json!(about.name)), ("license", json!(licences))];
    if licences.contains(&"other") {
        // The hub wants to know what the other licence is: the card says it of every source.
        told.push(("license_name", json!("see-distribution")));
        told.push(("license_link", json!("README.md#distribution")));
    }
    told.extend([
        ("language", json!(["en", "zh"])),
        ("task_categories", json!(["image-segmentation"])),
        ("size_categories", json!([size])),
        (
            "tags",
            json!([
                "croissant",
                "geospatial",
                "remote-sensing",
                "socio-semantic-segmentation",
                "reasoning-segmentation"
            ]),
        ),
        ("configs", configs.iter().map(config).collect()),
        ("dataset_info", configs.iter().map(info).collect()),
    ]);
    told
}

fn info(config: &Config) -> Value {
    let own = [
        ("id", "string"),
        ("problem", "string"),
        ("map_image", "image"),
        ("sat_image", "image"),
        ("mask_label", "image"),
    ];
    let mut features: Vec<Value> = own.iter().map(|(name, dtype)| json!({"name": name, "dtype": dtype})).collect();
    features.extend(config.schema.fields().iter().filter(|f| is_flat(f.data_type())).map(|f| {
        let dtype = match f.data_type() {
            DataType::Utf8 | DataType::Utf8View => "string".to_owned(),
            DataType::LargeUtf8 => "large_string".to_owned(),
            DataType::Boolean => "bool".to_owned(),
            other => other.to_string().to_lowercase(),
        };
        json!({"name": f.name(), "dtype": dtype})
    }));
    let sum = |of: fn(&super::DataFile) -> u64| -> u64 { config.splits.iter().flat_map(|(_, f)| f).map(of).sum() };
    let splits: Vec<Value> = config
        .splits
        .iter()
        .map(|(name, files)| {
            let (bytes, rows): (u64, u64) = (files.iter().map(|f| f.bytes).sum(), files.iter().map(|f| f.rows).sum());
            json!({"name": name, "num_bytes": bytes, "num_examples": rows})
        })
        .collect();
    json!({
        "config_name": config.name, "features": features, "splits": splits,
        "download_size": sum(|f| f.size), "dataset_size": sum(|f| f.bytes),
    })
}

/// The different values of a column, for a reader.
fn values(lines: &[Line], column: &str) -> String {
    let found: BTreeSet<&str> = lines.iter().filter_map(|l| l.text(column)).filter(|v| !v.is_empty()).collect();
    if found.is_empty() { "not told".to_owned() } else { found.into_iter().collect::<Vec<_>>().join("; ") }
}

fn body(configs: &[Config], lines: &[Line], about: &About) -> String {
    let mut out = format!(
        "# {}\n\nA sample is a satellite image, a digital map registered with it pixel by pixel, a text query (a place's name, its \
         class or its function) and the mask of the pixels that are meant: *urban socio-semantic segmentation* (arXiv 2601.10477).\n\n",
        about.name
    );
    out.push_str("```python\nfrom datasets import load_dataset\n\nload_dataset(\"OWNER/NAME\", split=\"test\")\n");
    for config in configs.iter().skip(1) {
        let _ = writeln!(out, "load_dataset(\"OWNER/NAME\", \"{}\", split=\"test\")", config.name);
    }
    out.push_str("```\n\n| config | split | samples |\n|---|---|--:|\n");
    for config in configs {
        for (split, files) in &config.splits {
            let _ = writeln!(out, "| {} | {split} | {} |", config.name, files.iter().map(|f| f.rows).sum::<u64>());
        }
    }
    out.push_str("\n| column | what |\n|---|---|\n");
    let own = ["id", "problem", "map_image", "sat_image", "mask_label"];
    let extra = configs[0].schema.fields().iter().map(|f| f.name().as_str());
    for column in own.into_iter().chain(extra) {
        let _ = writeln!(out, "| `{column}` | {} |", meaning(column));
    }
    out.push_str(
        "\n`index.parquet` is a table of all samples without images (GeoParquet 1.1); `croissant.json` describes the set for \
         machines (Croissant 1.1).\n\n# Datasheet\n\nAfter Gebru et al., *Datasheets for Datasets* (2021). What the maker of the set has to say stands in \
         brackets until it is said.\n",
    );
    let sections: [(&str, String); 7] = [
        ("Motivation", "For training and measuring methods that segment places by what they are called, what they are and what they are for. [Who made it, and why.]".to_owned()),
        ("Composition", format!(
            "{} samples; regions: {}; map styles: {}. Queries are asked at three levels; masks mark one or several places. Splits keep groups (column `group`) whole.",
            lines.len(), values(lines, "region"), values(lines, "style")
        )),
        ("Collection process", format!("Sources: {}. Scenes were chosen by the procedure of SocioSeg (its Fig. 7): a place, a boundary around it whose extent follows its size, the other places inside. [When, and by whom.]", values(lines, "source"))),
        ("Preprocessing", "Maps are drawn by socio-bench, masks are rasterised polygons (a pixel is set when its centre is inside). [What was checked by eye.]".to_owned()),
        ("Uses", "Segmentation by reasoning over imagery and maps. [What it should not be used for.]".to_owned()),
        ("Distribution", format!("Licence of the set: {}. Licences of its sources: {}. Attribution: {}.", about.licence, values(lines, "licence"), values(lines, "attribution"))),
        ("Maintenance", "[Who keeps it, and how errors are told.]".to_owned()),
    ];
    for (heading, text) in sections {
        let _ = write!(out, "\n## {heading}\n\n{text}\n");
    }
    let _ = write!(out, "\n## Citation\n\n```\n{}\n```\n", about.cite);
    out
}
