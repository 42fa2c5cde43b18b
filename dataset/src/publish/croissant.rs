//! `croissant.json`: Croissant 1.1, with GeoCroissant's terms where there are coordinates.

use std::collections::BTreeSet;

use arrow_schema::DataType;
use serde_json::{Map, Value, json};

use super::index::is_flat;
use super::{About, Config, DataFile, Line, around};

/// The context to the letter as mlcroissant wants it: it warns of every key that is missing.
const CONTEXT: &str = r#"{
  "@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/", "cr": "http://mlcommons.org/croissant/",
  "dct": "http://purl.org/dc/terms/", "geocr": "http://mlcommons.org/croissant/geo/", "rai": "http://mlcommons.org/croissant/RAI/",
  "annotation": "cr:annotation", "arrayShape": "cr:arrayShape", "citeAs": "cr:citeAs", "column": "cr:column",
  "conformsTo": "dct:conformsTo", "containedIn": "cr:containedIn", "data": {"@id": "cr:data", "@type": "@json"},
  "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "description": {"@container": "@language"},
  "equivalentProperty": "cr:equivalentProperty", "examples": {"@id": "cr:examples", "@type": "@json"},
  "excludes": "cr:excludes", "extract": "cr:extract", "field": "cr:field", "fileObject": "cr:fileObject",
  "fileProperty": "cr:fileProperty", "fileSet": "cr:fileSet", "format": "cr:format", "includes": "cr:includes",
  "isArray": "cr:isArray", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5",
  "name": {"@container": "@language"}, "parentField": "cr:parentField", "path": "cr:path", "readLines": "cr:readLines",
  "recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated",
  "replace": "cr:replace", "samplingRate": "cr:samplingRate", "sdVersion": "cr:sdVersion", "separator": "cr:separator",
  "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform", "unArchive": "cr:unArchive"
}"#;

pub(super) fn json(configs: &[Config], lines: &[Line], about: &About, index: &DataFile) -> Value {
    let context: Value = serde_json::from_str(CONTEXT).unwrap_or_default();
    let geo = around(lines);
    let plain = "http://mlcommons.org/croissant/1.1";
    let conforms = if geo.is_some() { json!([plain, "http://mlcommons.org/croissant/geo/1.0"]) } else { json!(plain) };
    let mut distribution: Vec<Value> = Vec::new();
    for file in configs.iter().flat_map(|c| c.splits.iter().flat_map(|(_, files)| files)) {
        distribution.push(object(file, "Samples with their images, Parquet."));
    }
    distribution.push(object(index, "One row a sample, without images; GeoParquet 1.1."));
    for config in configs {
        let id = format!("{}-files", config.name);
        let includes: Vec<String> =
            config.splits.iter().map(|(split, _)| format!("{}/{split}-*.parquet", config.folder)).collect();
        distribution.push(json!({
            "@type": "cr:FileSet", "@id": id, "name": id, "description": format!("The files of {}.", config.name),
            "encodingFormat": "application/x-parquet", "includes": includes,
        }));
    }
    let mut records = vec![splits(configs)];
    records.extend(configs.iter().map(samples));
    records.push(index_records(&configs[0]));
    let mut told = json!({
        "@context": context, "@type": "sc:Dataset", "name": about.name,
        "description": format!(
            "{} samples for urban socio-semantic segmentation: a satellite image, a registered digital map, a text query and the mask of what it asks for.",
            lines.len()
        ),
        "conformsTo": conforms, "url": format!("https://huggingface.co/datasets/OWNER/{}", about.name),
        "license": about.licence.split(',').map(|l| licence_address(l.trim())).collect::<Vec<_>>(), "creator": {"@type": "Organization", "name": about.name},
        "datePublished": about.date, "version": "1.0.0", "citeAs": about.cite,
        "keywords": ["socio-semantic segmentation", "remote sensing", "reasoning segmentation"],
        "distribution": distribution, "recordSet": records,
    });
    if let Some([west, south, east, north]) = geo {
        let gsd: Vec<f64> = lines.iter().filter(|l| l.bounds().is_some()).filter_map(|l| l.number("gsd_m")).collect();
        let (low, high) = gsd.iter().fold((f64::INFINITY, 0.0_f64), |(a, b), v| (a.min(*v), b.max(*v)));
        told["spatialCoverage"] =
            json!({"@type": "Place", "geo": {"@type": "GeoShape", "box": format!("{south} {west} {north} {east}")}});
        told["geocr:coordinateReferenceSystem"] = json!("EPSG:4326");
        if low <= high {
            told["geocr:spatialResolution"] =
                json!({"@type": "QuantitativeValue", "unitText": "m", "minValue": low, "maxValue": high});
        }
    }
    told
}

fn object(file: &DataFile, description: &str) -> Value {
    json!({
        "@type": "cr:FileObject", "@id": file.path, "name": file.path.rsplit('/').next(), "description": description,
        "contentUrl": file.path, "contentSize": format!("{} B", file.size),
        "encodingFormat": "application/x-parquet", "sha256": file.sha256,
    })
}

/// The address of a licence; what has none is told by its name.
fn licence_address(licence: &str) -> String {
    let spdx = match licence {
        "apache-2.0" => "Apache-2.0",
        "cc-by-4.0" => "CC-BY-4.0",
        "cc-by-sa-4.0" => "CC-BY-SA-4.0",
        "cc0-1.0" => "CC0-1.0",
        "odbl" => "ODbL-1.0",
        "mit" => "MIT",
        other => return other.to_owned(),
    };
    format!("https://spdx.org/licenses/{spdx}.html")
}

fn splits(configs: &[Config]) -> Value {
    let names: BTreeSet<&str> = configs.iter().flat_map(|c| c.splits.iter().map(|(s, _)| s.as_str())).collect();
    let data: Vec<Value> = names
        .into_iter()
        .map(|name| {
            let kind = match name {
                "train" => "cr:TrainingSplit",
                "val" => "cr:ValidationSplit",
                _ => "cr:TestSplit",
            };
            json!({"splits/name": name, "splits/url": kind})
        })
        .collect();
    json!({
        "@type": "cr:RecordSet", "@id": "splits", "name": "splits", "description": "The splits.", "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [
            {"@type": "cr:Field", "@id": "splits/name", "name": "name", "description": "Name of the split.", "dataType": "sc:Text"},
            {"@type": "cr:Field", "@id": "splits/url", "name": "url", "description": "What the split is for.", "dataType": ["sc:URL", "cr:Split"]},
        ],
        "data": data,
    })
}

/// Name, type and description of each column, in the order of the files.
fn columns(config: &Config) -> Vec<(String, Value, String)> {
    let own = [
        ("id", json!("sc:Text")),
        ("problem", json!("sc:Text")),
        ("map_image", json!("sc:ImageObject")),
        ("sat_image", json!("sc:ImageObject")),
        ("mask_label", json!(["cr:SegmentationMask", "sc:ImageObject"])),
    ];
    let own = own.into_iter().map(|(name, kind)| (name.to_owned(), kind));
    let extra = config.schema.fields().iter().filter(|f| is_flat(f.data_type())).map(|f| {
        let kind = match f.data_type() {
            DataType::Boolean => "sc:Boolean",
            k if k.is_integer() => "sc:Integer",
            k if k.is_numeric() => "sc:Float",
            _ => "sc:Text",
        };
        (f.name().clone(), json!(kind))
    });
    let told = |(name, kind): (String, Value)| {
        let meaning = super::card::meaning(&name).to_owned();
        (name, kind, meaning)
    };
    own.chain(extra).map(told).collect()
}

fn field(set: &str, name: &str, kind: &Value, description: &str, source: Value) -> Map<String, Value> {
    let mut field = Map::new();
    field.insert("@type".to_owned(), json!("cr:Field"));
    field.insert("@id".to_owned(), json!(format!("{set}/{name}")));
    field.insert("name".to_owned(), json!(name));
    field.insert("description".to_owned(), json!(description));
    field.insert("dataType".to_owned(), kind.clone());
    let property = match name {
        "id" => Some("sc:identifier"),
        "gsd_m" => Some("geocr:spatialResolution"),
        "crs" => Some("geocr:coordinateReferenceSystem"),
        "licence" => Some("sc:license"),
        "attribution" => Some("sc:creditText"),
        _ => None,
    };
    if let Some(property) = property {
        field.insert("equivalentProperty".to_owned(), json!(property));
    }
    field.insert("source".to_owned(), source);
    field
}

fn samples(config: &Config) -> Value {
    let files = json!({"@id": format!("{}-files", config.name)});
    let fields: Vec<Value> = columns(config)
        .into_iter()
        .map(|(name, kind, description)| {
            let image = ["map_image", "sat_image", "mask_label"].contains(&name.as_str());
            if name == "split" {
                // From the file's path: only so can readers filter by it without reading everything.
                let splits: Vec<&str> = config.splits.iter().map(|(s, _)| s.as_str()).collect();
                let regex = format!("^(?:{}/)?({})(?:-.+\\.parquet)?$", config.folder, splits.join("|"));
                let source =
                    json!({"fileSet": files, "extract": {"fileProperty": "fullpath"}, "transform": {"regex": regex}});
                let mut field = field(&config.name, &name, &kind, &description, source);
                field.insert("references".to_owned(), json!({"field": {"@id": "splits/name"}}));
                return Value::Object(field);
            }
            let mut source = json!({"fileSet": files, "extract": {"column": name}});
            if image {
                source["transform"] = json!({"jsonPath": "bytes"});
            }
            Value::Object(field(&config.name, &name, &kind, &description, source))
        })
        .collect();
    let about = if config.name == "default" {
        "In domain: training, validation and test."
    } else {
        "Out of distribution: test."
    };
    let mut key = vec![json!({"@id": format!("{}/id", config.name)})];
    if config.schema.field_with_name("split").is_ok() {
        key.insert(0, json!({"@id": format!("{}/split", config.name)}));
    }
    json!({
        "@type": "cr:RecordSet", "@id": config.name, "name": config.name, "description": about, "key": key, "field": fields,
    })
}

fn index_records(config: &Config) -> Value {
    let file = |column: &str| json!({"fileObject": {"@id": "index.parquet"}, "extract": {"column": column}});
    let text = json!("sc:Text");
    let mut fields =
        vec![Value::Object(field("index", "file", &text, "The file that holds the sample.", file("file")))];
    for (name, kind, description) in columns(config) {
        if !["map_image", "sat_image", "mask_label"].contains(&name.as_str()) {
            fields.push(Value::Object(field("index", &name, &kind, &description, file(&name))));
        }
    }
    json!({
        "@type": "cr:RecordSet", "@id": "index", "name": "index", "description": "One record a sample of every file, without images.",
        "key": [{"@id": "index/file"}, {"@id": "index/id"}], "field": fields,
    })
}
