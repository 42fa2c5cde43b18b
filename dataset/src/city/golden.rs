//! What is drawn, pixel by pixel: the same on every machine and processor. Where a pixel is meant to change, `GENERATION`
//! is raised with the hashes, so that no run goes on with other data.

use std::collections::BTreeMap;
use std::sync::Arc;

use socio_map::{Layers, Style, Words};

use super::{City, GENERATION, NEW_REGIONS, Spec, quarter};
use crate::hash;
use crate::scene::{Look, Scene};

const GOLDEN: &str = include_str!("golden.txt");

/// The first window of a split in each region.
fn scenes(city: &City, split: &str) -> BTreeMap<String, Scene> {
    let classes = city.classes(split);
    let mut scenes = BTreeMap::new();
    for (quarter, _) in city.plan().iter().filter(|(_, s)| *s == split) {
        let built = quarter::build(quarter, classes);
        scenes
            .entry(built.region.name.to_owned())
            .or_insert_with(|| city.scene(quarter, &built, &built.views[0], classes, String::new(), true));
    }
    scenes
}

#[test]
fn pixels_are_the_same_everywhere() {
    let city = City::open(Spec::parse("city:samples=60,new=24,size=384").unwrap()).unwrap();
    let mut told = vec![format!("generation {GENERATION}")];
    let mut all = scenes(&city, "train");
    all.extend(scenes(&city, NEW_REGIONS));
    assert_eq!(all.len(), 5, "{:?}", all.keys());
    for (region, scene) in &all {
        told.push(format!("satellite {region} {}", hash::pixels(&scene.satellite)));
        for name in Style::names() {
            let style = Arc::new(Style::embedded(name).unwrap());
            let look = Look { style, words: Words::Both, layers: Layers::Full, jpeg: None };
            told.push(format!("map {region} {name} {}", hash::pixels(&scene.map(&look).image)));
        }
    }
    let told = told.join("\n");
    assert!(told == GOLDEN.trim_end(), "pixels changed: raise GENERATION and put this into golden.txt\n{told}");
}

#[test]
fn what_is_asked_for_is_never_crowded_out_of_its_map() {
    let city = City::open(Spec::parse("city:samples=150,new=30").unwrap()).unwrap();
    for (quarter, split) in city.plan() {
        let classes = city.classes(split);
        let built = quarter::build(quarter, classes);
        for view in &built.views {
            let scene = Scene {
                satellite: image::RgbImage::new(768, 768),
                features: built.features(view, 768, classes),
                ..city.scene(quarter, &built, view, classes, String::new(), false)
            };
            let map = scene.map(&city.look);
            for index in &map.crowded_out {
                assert!(scene.features[*index].rank < 20.0, "{} in {}", view.text, quarter.key);
            }
        }
    }
}
