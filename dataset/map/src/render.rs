//! From features to a picture, and what was written on it.

use image::RgbImage;

use crate::canvas::Canvas;
use crate::feature::{Feature, Names};
use crate::label::{self, Label};
use crate::paint;
use crate::style::Style;

/// What is drawn beside roads, rails, places and their labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layers {
    /// Nothing: as SocioSeg's maps. Areas painted by class would give the masks away.
    #[default]
    RoadsAndPlaces,
    /// Land use, green, water, buildings, and the names of areas.
    Full,
}

/// The language of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Words {
    /// As written at the place.
    Local,
    /// English where known, else local.
    #[default]
    English,
    /// Local, and English below it.
    Both,
}

impl Words {
    /// The lines of a label; none for a feature without a name, or with one in a script whose letters change with their
    /// neighbours (Arabic, Hebrew, those of India and Southeast Asia): no font for them comes with a crate.
    pub fn lines(self, names: &Names) -> Vec<String> {
        let writable = |text: &&str| crate::font::writes(text);
        let local = Some(names.local.trim()).filter(writable).unwrap_or_default();
        let english = names.english.as_deref().map(str::trim).filter(|e| !e.is_empty()).filter(writable);
        let lines = match self {
            Self::Local => vec![if local.is_empty() { english.unwrap_or_default() } else { local }],
            Self::English => vec![english.unwrap_or(local)],
            Self::Both => match english {
                Some(english) if english != local => vec![local, english],
                _ => vec![local],
            },
        };
        lines.into_iter().filter(|l| !l.is_empty()).map(str::to_owned).collect()
    }
}

/// What to draw.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Metres on the ground a pixel: widths of roads follow it.
    pub resolution: f64,
    /// The look.
    pub style: &'a Style,
    /// The language of labels.
    pub words: Words,
    /// What is drawn beside roads and places.
    pub layers: Layers,
    /// The satellite view, for styles whose ground it is; without one they use their background colour.
    pub satellite: Option<&'a RgbImage>,
}

/// A map, and the labels on it.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The picture.
    pub image: RgbImage,
    /// What is written on it, in the order of placing.
    pub labels: Vec<Label>,
    /// Places whose icon found no room, as indices of features.
    pub crowded_out: Vec<usize>,
}

/// Draws a map. Same input, same pixels.
pub fn render(features: &[Feature], request: &Request<'_>) -> Rendered {
    let style = request.style;
    let ground = request.satellite.filter(|s| style.satellite && s.dimensions() == (request.width, request.height));
    let mut canvas = match ground {
        Some(picture) => Canvas::veiled(picture, style.satellite_veil),
        None => Canvas::filled(request.width, request.height, style.background),
    };
    paint::paint(&mut canvas, features, style, request.resolution, request.layers);
    let placed = label::place(features, request);
    label::draw(&mut canvas, features, style, &placed);
    Rendered { image: canvas.into_rgb(), labels: placed.labels, crowded_out: placed.crowded_out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::{Geometry, Group, Kind, Road};

    /// Far more places and roads than there is room for.
    fn crowd() -> Vec<Feature> {
        let mut state = 7_u64;
        let mut next = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        let names = ["Töölö", "Åboplan", "Kauppakorkeakoulu", "济南动物园", "Long Name of a Place", "Школа", "さくら"];
        let mut features = Vec::new();
        for i in 0..260_u64 {
            let name = names[(i % 7) as usize].to_owned();
            let names = Names { local: format!("{name} {i}"), english: (i % 3 == 0).then(|| format!("Place {i}")) };
            let (x, y) = (next(512) as f64, next(512) as f64);
            let (kind, geometry) = if i % 5 == 0 {
                let to = [next(900) as f64 - 200.0, next(900) as f64 - 200.0];
                (Kind::Road(Road::ALL[(i % 8) as usize]), Geometry::Line(vec![[x, y], to]))
            } else {
                let place = Kind::Place { class: "School".to_owned(), group: Group::Education };
                (place, Geometry::Point([x, y]))
            };
            features.push(Feature { kind, geometry, names, rank: next(100) as f64 });
        }
        features
    }

    fn request(style: &Style, words: Words) -> Request<'_> {
        Request { width: 512, height: 512, resolution: 0.6, style, words, layers: Layers::Full, satellite: None }
    }

    #[test]
    fn no_letter_of_a_label_lies_on_another_label_in_any_style_or_language() {
        let features = crowd();
        for name in Style::names() {
            let style = Style::embedded(name).unwrap();
            for words in [Words::Local, Words::English, Words::Both] {
                let rendered = render(&features, &request(&style, words));
                assert!(rendered.labels.len() > 20, "{name}: {}", rendered.labels.len());
                let mut owner = vec![usize::MAX; 512 * 512];
                for (i, label) in rendered.labels.iter().enumerate() {
                    let mut canvas = Canvas::filled(512, 512, crate::Colour([255; 3]));
                    for path in &label.paths {
                        canvas.fill_text(path, crate::Colour([0; 3]));
                    }
                    for (pixel, owner) in canvas.into_rgb().pixels().zip(&mut owner) {
                        // A faint edge of half a pixel is no letter.
                        if pixel.0[0] < 128 {
                            assert!(*owner == usize::MAX || *owner == i, "{name} {words:?}: {:?}", label.lines);
                            *owner = i;
                        }
                    }
                }
                for icon in &rendered.crowded_out {
                    assert!(rendered.labels.iter().all(|l| l.feature != *icon));
                }
            }
        }
    }

    #[test]
    fn the_same_input_gives_the_same_pixels_and_nothing_odd_is_fatal() {
        let style = Style::embedded("pale").unwrap();
        let features = crowd();
        let once = render(&features, &request(&style, Words::Both));
        assert_eq!(once.image, render(&features, &request(&style, Words::Both)).image);
        let odd = |geometry| Feature {
            kind: Kind::Road(Road::Path),
            geometry,
            names: features[0].names.clone(),
            rank: f64::NAN,
        };
        let odd = [
            odd(Geometry::Line(Vec::new())),
            odd(Geometry::Line(vec![[f64::NAN, 0.0], [5.0, f64::INFINITY]])),
            odd(Geometry::Line(vec![[-1e12, 10.0], [1e12, 11.0]])),
            odd(Geometry::Area(vec![vec![[1.0, 1.0]]])),
            odd(Geometry::Point([f64::NAN, f64::NAN])),
        ];
        let empty = render(&odd, &request(&style, Words::Local));
        assert_eq!(empty.image.dimensions(), (512, 512));
        let none = Request { width: 0, height: 0, ..request(&style, Words::Local) };
        assert_eq!(render(&features, &none).image.dimensions(), (0, 0));
    }

    #[test]
    fn words_choose_their_lines() {
        let names =
            |local: &str, english: Option<&str>| Names { local: local.to_owned(), english: english.map(str::to_owned) };
        let both = names("动物园", Some("Zoo"));
        assert_eq!(Words::Local.lines(&both), ["动物园"]);
        assert_eq!(Words::English.lines(&both), ["Zoo"]);
        assert_eq!(Words::Both.lines(&both), ["动物园", "Zoo"]);
        assert_eq!(Words::Both.lines(&names("Zoo", Some("Zoo"))), ["Zoo"]);
        assert_eq!(Words::Local.lines(&names("", Some("Zoo"))), ["Zoo"]);
        assert!(Words::Both.lines(&names(" ", None)).is_empty());
        // A script that cannot be set gives way to English, or to nothing.
        assert_eq!(Words::Both.lines(&names("كابول", Some("Kabul"))), ["Kabul"]);
        assert!(Words::Local.lines(&names("كابول", None)).is_empty());
    }
}
