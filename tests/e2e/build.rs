//! `data build`, `restyle`, `map`, `publish`, `gallery`: from real places, from the city, and from geodata that is broken.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use socio_dataset::store::{Dataset, Fields, HubOptions};
use socio_dataset::{Mask, picture};
use tempfile::tempdir;

use crate::support::{assets, fails, json, ok, run, tree};

fn open(folder: &Path) -> Dataset {
    Dataset::open(&folder.display().to_string(), &HubOptions::from_env()).unwrap()
}

/// A textured picture over 0.002 degrees at 10 E 50 N, and vectors on it.
fn small_place(folder: &Path, features: &[Value]) -> (PathBuf, PathBuf) {
    let photo = image::RgbImage::from_fn(1200, 1200, |x, y| {
        image::Rgb([(x * 7 % 251) as u8, (y * 5 % 241) as u8, ((x + y) * 3 % 239) as u8])
    });
    let (picture, vectors) = (folder.join("photo.png"), folder.join("places.geojson"));
    fs::write(&picture, picture::to_png(&photo).unwrap()).unwrap();
    fs::write(&vectors, json!({"type": "FeatureCollection", "features": features}).to_string()).unwrap();
    (picture, vectors)
}

/// A square place: its middle and half its side in thousandths of a degree, and its properties.
fn square(lon: f64, lat: f64, half: f64, properties: &Value) -> Value {
    let (lon, lat, half) = (10.0 + lon / 1000.0, 50.0 + lat / 1000.0, half / 1000.0);
    let ring = json!([
        [lon - half, lat - half],
        [lon + half, lat - half],
        [lon + half, lat + half],
        [lon - half, lat + half],
        [lon - half, lat - half]
    ]);
    json!({"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}})
}

const SMALL: &str =
    "data build --imagery photo.png --bounds 10,50,10.002,50.002 --vectors places.geojson --sides 40,100 --size 256";

#[test]
fn broken_geodata_gives_counted_skips_or_clear_errors_and_nothing_half_written() {
    let t = tempdir().unwrap();
    let school = json!({"building": "school", "amenity": "school", "name": "Old School"});
    let bow = json!({"type": "Feature", "properties": school, "geometry": {"type": "Polygon", "coordinates": [[[10.0, 50.0], [10.001, 50.001], [10.001, 50.0], [10.0, 50.001], [10.0, 50.0]]]}});
    let across = json!({"type": "Feature", "properties": school, "geometry": {"type": "Polygon", "coordinates": [[[179.9, 50.0], [-179.9, 50.0], [-179.9, 50.1], [179.9, 50.0]]]}});
    let (hole, outer) = (square(0.6, 1.2, 0.05, &json!({})), square(0.6, 1.2, 0.15, &json!({})));
    let mut holed = square(0.6, 1.2, 0.15, &json!({"amenity": "hospital", "name": "Ring Hospital"}));
    holed["geometry"]["coordinates"] = json!([outer["geometry"]["coordinates"][0], hole["geometry"]["coordinates"][0]]);
    small_place(
        t.path(),
        &[
            square(0.8, 0.8, 0.1, &school),
            holed,
            square(0.8, 0.4, 0.003, &json!({"amenity": "bank", "name": "Tiny Bank"})),
            square(0.0, 1.0, 0.1, &json!({"amenity": "school", "name": "Border School"})),
            square(90.0, 1.0, 0.1, &json!({"amenity": "school", "name": "Far School"})),
            square(1.4, 1.4, 0.1, &json!({"amenity": "school", "name": "School"})),
            square(1.0, 1.0, 0.9, &json!({"amenity": "university", "name": "Huge University"})),
            bow,
            across,
            json!({"type": "Feature", "properties": {"name": "Nowhere"}, "geometry": null}),
        ],
    );
    let told = json(&ok(t.path(), &format!("{SMALL} --out set --to raw --only-split test --json")));
    let skipped = &told["built"]["skipped"];
    for reason in [
        "places that are too small",
        "places cut by the border of the imagery",
        "places without imagery",
        "places larger than the largest window",
        "ambiguous names",
    ] {
        assert_eq!(skipped[reason], 1, "{reason}: {told:#}");
    }
    let notes = told["notes"].to_string();
    for reason in
        ["1 polygons that cross themselves", "1 shapes across the antimeridian", "1 features without a geometry"]
    {
        assert!(notes.contains(reason), "{reason}: {notes}");
    }
    // Old School, Ring Hospital (name, class, function each), and the school called School (class and function).
    assert_eq!(told["built"]["splits"]["test"], 8, "{told:#}");
    let samples: Vec<_> =
        open(&t.path().join("set")).read("test", None, Fields::ALL).unwrap().map(Result::unwrap).collect();
    let ring = samples.iter().find(|s| s.text().unwrap() == "Ring Hospital").unwrap();
    let mask = ring.decode_mask().unwrap();
    let [x, y] = mask.bbox().map(|b| [b.centre().x as u32, b.centre().y as u32]).unwrap();
    assert!(!mask.get(x, y), "a hole is no part of a place");

    // What cannot be read at all is said so, and nothing is left.
    let bad = |line: &str, parts: &[&str]| {
        fails(t.path(), &format!("{line} --out none"), 3, parts);
        assert!(!t.path().join("none").exists());
    };
    fs::write(t.path().join("cut.osm.pbf"), &fs::read(t.path().join("photo.png")).unwrap()[..2000]).unwrap();
    bad(
        "data build --imagery photo.png --bounds 10,50,10.002,50.002 --vectors cut.osm.pbf",
        &["cut.osm.pbf", "no whole OpenStreetMap PBF"],
    );
    fs::write(t.path().join("empty.osm.pbf"), b"").unwrap();
    bad(
        "data build --imagery photo.png --bounds 10,50,10.002,50.002 --vectors empty.osm.pbf",
        &["empty.osm.pbf", "truncated"],
    );
    fs::write(t.path().join("half.geojson"), &fs::read(t.path().join("places.geojson")).unwrap()[..300]).unwrap();
    bad(
        "data build --imagery photo.png --bounds 10,50,10.002,50.002 --vectors half.geojson",
        &["half.geojson", "no readable GeoJSON"],
    );
    let metres = json!({"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [[[9e5, 6e6], [9.1e5, 6e6], [9e5, 6.1e6], [9e5, 6e6]]]}}]});
    fs::write(t.path().join("metres.geojson"), metres.to_string()).unwrap();
    bad(
        "data build --imagery photo.png --bounds 10,50,10.002,50.002 --vectors metres.geojson",
        &["looks projected", "`crs`"],
    );
    bad("data build --imagery photo.png --bounds 11,50,10,50.002 --vectors places.geojson", &["west < east"]);
    bad("data build --imagery photo.png --vectors places.geojson", &["photo.png", "TIFF"]);
    bad(
        "data build --imagery photo.png --bounds 20,50,20.002,50.002 --vectors places.geojson",
        &["nothing to build", "places without imagery"],
    );
    let leftovers: Vec<_> = fs::read_dir(t.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .filter(|n| n.to_string_lossy().starts_with(".partial"))
        .collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");
    fails(t.path(), &format!("{SMALL} --out set"), 4, &["is there already"]);
}

#[test]
fn blank_imagery_is_passed_over_and_a_geotiff_says_where_it_lies() {
    let t = tempdir().unwrap();
    let school = json!({"amenity": "school", "name": "Old School"});
    small_place(t.path(), &[square(0.5, 0.5, 0.08, &school), square(1.5, 1.5, 0.08, &school)]);
    // Half of it without anything to see.
    let mut photo = picture::decode_rgb(&fs::read(t.path().join("photo.png")).unwrap()).unwrap();
    for (x, y, pixel) in photo.enumerate_pixels_mut() {
        if x > 600 && y < 600 {
            *pixel = image::Rgb([200; 3]);
        }
    }
    geotiff(&t.path().join("ortho.tif"), &photo, [10.0, 50.002], 0.002 / 1200.0, 1);
    let line = "data build --imagery ortho.tif --vectors places.geojson --sides 40,60 --size 256 --only-split test";
    let told = json(&ok(t.path(), &format!("{line} --out set --json")));
    assert_eq!(told["built"]["skipped"]["windows of blank imagery"], 1, "{told:#}");
    assert_eq!(told["built"]["splits"]["test"], 3);
    let set = open(&t.path().join("set"));
    let sample = set.read("test", None, Fields::ALL).unwrap().next().unwrap().unwrap();
    assert_eq!(sample.extras.text("crs").unwrap(), "EPSG:3857");
    let west: f64 = sample.extras.text("west").unwrap().parse().unwrap();
    assert!((10.0..10.001).contains(&west));
    // Damage within the pixels is found when they are read, and nothing is left.
    let whole = fs::read(t.path().join("ortho.tif")).unwrap();
    fs::write(t.path().join("cut.tif"), &whole[..whole.len() / 2]).unwrap();
    fails(t.path(), "data build --imagery cut.tif --vectors places.geojson --out none", 3, &["cut.tif"]);
    geotiff(&t.path().join("apart.tif"), &photo, [10.0, 50.002], 0.002 / 1200.0, 2);
    fails(t.path(), "data build --imagery apart.tif --vectors places.geojson --out none", 3, &["apart.tif"]);
    assert!(!t.path().join("none").exists());
}

/// A GeoTIFF in degrees: its upper left corner, degrees a pixel, and how its bands lie.
fn geotiff(path: &Path, picture: &image::RgbImage, corner: [f64; 2], step: f64, planar: u16) {
    use tiff::encoder::{TiffEncoder, colortype};
    use tiff::tags::Tag;
    let mut file = std::io::BufWriter::new(fs::File::create(path).unwrap());
    let mut encoder = TiffEncoder::new(&mut file).unwrap();
    let mut image = encoder.new_image::<colortype::RGB8>(picture.width(), picture.height()).unwrap();
    let tags = image.encoder();
    tags.write_tag(Tag::Unknown(33550), &[step, step, 0.0][..]).unwrap();
    tags.write_tag(Tag::Unknown(33922), &[0.0, 0.0, 0.0, corner[0], corner[1], 0.0][..]).unwrap();
    tags.write_tag(Tag::Unknown(34735), &[1_u16, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326][..]).unwrap();
    if planar == 2 {
        tags.write_tag(Tag::PlanarConfiguration, 2_u16).unwrap();
    }
    image.write_data(picture.as_raw()).unwrap();
}

#[test]
fn banepa_from_its_sources() {
    let Some(assets) = assets() else { return };
    let t = tempdir().unwrap();
    let banepa = assets.join("banepa");
    let line = format!(
        "data build --imagery {0}/tiles --vectors {0}/osm_buildings.geojson --out set --only-split test --to raw --json",
        banepa.display()
    );
    let told = json(&ok(t.path(), &line));
    let skipped: u64 = told["built"]["skipped"].as_object().unwrap().values().map(|v| v.as_u64().unwrap()).sum();
    // Every named and every classed building is asked for, or counted.
    let source: Value = serde_json::from_slice(&fs::read(banepa.join("osm_buildings.geojson")).unwrap()).unwrap();
    let hierarchy = socio_dataset::Hierarchy::embedded().unwrap();
    let (mut buildings, mut names, mut classes) = (0, 0, 0);
    for feature in source["features"].as_array().unwrap() {
        let tags: std::collections::BTreeMap<String, String> = feature["properties"]
            .as_object()
            .unwrap()
            .iter()
            .filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())))
            .collect();
        let (named, classed) = (tags.contains_key("name"), hierarchy.of_tags(&tags).is_some());
        buildings += u64::from(named || classed);
        names += u64::from(named);
        classes += u64::from(classed);
    }
    assert_eq!(told["built"]["scenes"].as_u64().unwrap() + skipped, buildings);
    let set = open(&t.path().join("set"));
    let samples: Vec<_> = set.read("test", None, Fields::ALL).unwrap().map(Result::unwrap).collect();
    let level = |l: &str| samples.iter().filter(|s| s.id.starts_with(l)).count() as u64;
    assert!(level("name") <= names && level("name") + 3 >= names, "{} of {names}", level("name"));
    assert!(level("class") <= classes && level("class") + 3 >= classes && level("function") == level("class"));
    let mut checked = 0;
    for sample in &samples {
        checked += within_a_pixel(sample, &source);
    }
    assert!(checked > 40, "{checked}");
    // All of it is sound, and says where it is.
    assert!(ok(t.path(), "data verify set").contains(": 0 errors"));
    assert!(samples.iter().all(|s| s.extras.text("gsd_m").unwrap().parse::<f64>().unwrap() < 0.4));
}

/// For a sample of one building: whether its mask is within a pixel of the polygon, drawn here another way: every pixel
/// whose centre is more than a pixel inside is set, and every one more than a pixel outside is not.
fn within_a_pixel(sample: &socio_dataset::store::Encoded, source: &Value) -> u64 {
    if sample.extras.text("instances").as_deref() != Some("1") {
        return 0;
    }
    let mask = sample.decode_mask().unwrap();
    let scene = sample.extras.text("scene").unwrap();
    let id: u64 = scene.rsplit('/').next().unwrap().parse().unwrap();
    let feature = source["features"].as_array().unwrap().iter().find(|f| f["properties"]["osm_id"] == id).unwrap();
    let degrees = |c: &str| sample.extras.text(c).unwrap().parse::<f64>().unwrap();
    let mercator = |lat: f64| (std::f64::consts::FRAC_PI_4 + lat.to_radians() / 2.0).tan().ln();
    let (w, e) = (degrees("west"), degrees("east"));
    let (n, s) = (mercator(degrees("north")), mercator(degrees("south")));
    let ring: Vec<[f64; 2]> = feature["geometry"]["coordinates"][0]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| {
            let (lon, lat) = (p[0].as_f64().unwrap(), p[1].as_f64().unwrap());
            [(lon - w) / (e - w) * 768.0, (n - mercator(lat)) / (n - s) * 768.0]
        })
        .collect();
    let away = |x: f64, y: f64| {
        ring.windows(2)
            .map(|w| {
                let ([ax, ay], [bx, by]) = (w[0], w[1]);
                let long = (bx - ax).powi(2) + (by - ay).powi(2);
                let t = (((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / long.max(1e-12)).clamp(0.0, 1.0);
                (x - ax - t * (bx - ax)).hypot(y - ay - t * (by - ay))
            })
            .fold(f64::INFINITY, f64::min)
    };
    let mut wrong = Mask::new(768, 768);
    for y in 0..768 {
        for x in 0..768 {
            let (cx, cy) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
            let inside = socio_dataset::map::contains(std::slice::from_ref(&ring), [cx, cy]);
            if inside != mask.get(x, y) && away(cx, cy) > 1.0 {
                wrong.set(x, y, true);
            }
        }
    }
    assert!(wrong.is_empty(), "{scene}: {wrong:?}");
    1
}

#[test]
fn the_city_is_the_same_whatever_the_threads_and_its_styles_share_everything_but_the_map() {
    let t = tempdir().unwrap();
    let line = "data build --city samples=24,new=4,size=192 --other-styles web,dark";
    ok(t.path(), &format!("{line} --out a --threads 1"));
    ok(t.path(), &format!("{line} --out b --threads 3"));
    assert_eq!(tree(&t.path().join("a")), tree(&t.path().join("b")));
    let set = open(&t.path().join("a"));
    let read = |split: &str| -> Vec<_> { set.read(split, None, Fields::ALL).unwrap().map(Result::unwrap).collect() };
    let own = read("test");
    for style in ["ood-style-web", "ood-style-dark"] {
        for (a, b) in own.iter().zip(read(style)) {
            assert_eq!((&a.id, a.text().unwrap()), (&b.id, b.text().unwrap()));
            let bytes = |i: &Result<socio_dataset::store::Image, _>| {
                i.as_ref().map(|i: &socio_dataset::store::Image| i.bytes.clone()).ok()
            };
            assert_eq!(bytes(&a.satellite), bytes(&b.satellite), "{}", a.id);
            assert_eq!(bytes(&a.mask), bytes(&b.mask), "{}", a.id);
            assert_ne!(bytes(&a.map), bytes(&b.map), "{}", a.id);
        }
    }
    assert!(ok(t.path(), "data verify ./a").contains(": 0 errors"));
    // A group that two splits share is found.
    let raw = ok(t.path(), "data convert ./a raw --to raw --split train,test");
    assert!(raw.contains("train: "), "{raw}");
    let one = fs::read_dir(t.path().join("raw/train")).unwrap().next().unwrap().unwrap();
    let moved = t.path().join("raw/test").join(one.file_name());
    fs::rename(one.path(), &moved).unwrap();
    let question = moved.join("question.json");
    let mut value: Value = serde_json::from_slice(&fs::read(&question).unwrap()).unwrap();
    let other = fs::read_dir(t.path().join("raw/train")).unwrap().next().unwrap().unwrap().path().join("question.json");
    let other: Value = serde_json::from_slice(&fs::read(other).unwrap()).unwrap();
    value["group"] = other["group"].clone();
    fs::write(&question, value.to_string()).unwrap();
    fails(t.path(), "data verify raw", 21, &["V108"]);
}

#[test]
fn sets_are_restyled_published_and_browsed() {
    let t = tempdir().unwrap();
    ok(t.path(), "data build --city samples=16,new=3,size=128 --out set");
    ok(t.path(), "data restyle ./set dark --restyle dark@4 --split test");
    let (plain, dark) = (open(&t.path().join("set")), open(&t.path().join("dark")));
    for (a, b) in plain.read("test", None, Fields::ALL).unwrap().zip(dark.read("test", None, Fields::ALL).unwrap()) {
        let (a, b) = (a.unwrap().decode_query().unwrap(), b.unwrap().decode_query().unwrap());
        assert_eq!(a.satellite, b.satellite);
        let mean =
            |i: &image::RgbImage| i.as_raw().iter().map(|v| u64::from(*v)).sum::<u64>() / i.as_raw().len() as u64;
        assert!(mean(b.map.as_ref().unwrap()) + 60 < mean(a.map.as_ref().unwrap()));
    }
    let told = ok(t.path(), "data publish set --name tiny-city --licence apache-2.0");
    assert!(told.contains("19 samples, configs: default, ood-region"), "{told}");
    let croissant = json(&fs::read_to_string(t.path().join("set/croissant.json")).unwrap());
    assert_eq!(croissant["recordSet"].as_array().unwrap().len(), 4);
    for file in croissant["distribution"].as_array().unwrap().iter().filter(|f| f["@type"] == "cr:FileObject") {
        let path = t.path().join("set").join(file["contentUrl"].as_str().unwrap());
        assert_eq!(file["sha256"], socio_dataset::hash::sha256_file(&path).unwrap());
    }
    let card = fs::read_to_string(t.path().join("set/README.md")).unwrap();
    assert!(card.starts_with("---\n") && card.contains("\"ood-region/test-*.parquet\""), "{card}");
    assert_eq!(open(&t.path().join("set")).splits(), ["train", "val", "test", "ood-region"]);
    assert_eq!(run(t.path(), "data verify ./set").code, 0);
    let told = ok(t.path(), "data gallery ./set --out page --split test,ood-region");
    assert!(told.contains("index.html"), "{told}");
    let page = fs::read_to_string(t.path().join("page/index.html")).unwrap();
    assert!(page.contains("\"region\":") && !page.contains("/*GALLERY-DATA*/"));
    assert!(fs::read_dir(t.path().join("page/images")).unwrap().count() >= 4 * 4);
    fails(t.path(), "data publish page", 3, &["holds neither"]);
    assert!(ok(t.path(), "data probe --data city:samples=24,new=0 --split train").contains("both"));
}
