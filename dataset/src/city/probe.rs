//! Probes: how far one gets with one of the two images alone.
//!
//! Simple solvers with sharp senses, no bounds on what a clever one could do:
//! * **map**: reads off the drawn map which icons answer the query, and shares a box of the usual area out among them;
//! * **satellite**: knows the outline of every site from above, and takes the one that is nearest to the middle of the
//!   picture, where targets are, and nearest to the usual area;
//! * **both**: takes the outlines of the sites on which the icons stand that it read off the map.

use std::sync::Arc;

use socio_map::Geometry;

use super::quarter::{self, pixels};
use super::{City, parallel};
use crate::scene::Scene;
use crate::{Counts, Mask};

/// The usual share of a picture that samples ask for.
const USUAL: f64 = 0.037;

/// Mean figures of the probes over samples.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Probed {
    /// Samples probed.
    pub samples: u64,
    /// Mean IoU (gIoU) with the map alone, in `0..=1`.
    pub map: f64,
    /// With the satellite view alone.
    pub satellite: f64,
    /// With both.
    pub both: f64,
}

/// Probes the samples of a split.
pub fn probe(city: &Arc<City>, split: &str) -> Probed {
    // The test samples on other maps are the test samples.
    let split = city.looks(split).0;
    let quarters: Vec<_> = city.plan().iter().filter(|(_, s)| *s == split).map(|(q, _)| q.clone()).collect();
    let shared = Arc::clone(city);
    let all = parallel::in_order(quarters.into_iter(), parallel::processors(), move |quarter| {
        let classes = shared.classes(&split);
        let built = quarter::build(&quarter, classes);
        let size = shared.spec.size;
        let asked = quarter.asks.iter().zip(&built.views);
        asked
            .map(|(planned, view)| {
                let ask = shared.ask(planned, view, classes);
                let scene = shared.scene(&quarter, &built, view, classes, String::new(), false);
                let truth = scene.mask(&scene.asked(&ask));
                let to = pixels(view, size);
                let inside = |[x, y]: [f64; 2]| x >= 0.0 && y >= 0.0 && x < f64::from(size) && y < f64::from(size);
                // Which icons answer is read off the map: names, and classes by their icons and names.
                let ids: Vec<&str> = scene.asked(&ask).iter().map(|p| p.id.as_str()).collect();
                let drawn_features = built.features(view, size, classes);
                let drawn = Scene { features: drawn_features.clone(), ..scene.clone() }.map(&shared.look);
                let shown = |anchor: [f64; 2]| {
                    let lost = drawn.crowded_out.iter().map(|i| &drawn_features[*i].geometry);
                    !lost.into_iter().any(|g| *g == Geometry::Point(to(anchor)))
                };
                let icons: Vec<_> = built
                    .meanings
                    .iter()
                    .filter(|m| ids.contains(&format!("{}/{}", quarter.key, m.site).as_str()))
                    .filter(|m| inside(to(m.anchor)) && shown(m.anchor))
                    .collect();
                let ring = |site: usize| built.layout.sites[site].ring.iter().map(|p| to(*p)).collect::<Vec<_>>();
                let mut map = Mask::new(size, size);
                let mut both = Mask::new(size, size);
                for icon in &icons {
                    let half = (USUAL / icons.len() as f64).sqrt() * f64::from(size) / 2.0;
                    let [x, y] = to(icon.anchor);
                    map.fill_rings(&[vec![
                        [x - half, y - half],
                        [x + half, y - half],
                        [x + half, y + half],
                        [x - half, y + half],
                    ]]);
                    both.fill_rings(&[ring(icon.site)]);
                }
                let mut satellite = Mask::new(size, size);
                // Both measured in what is usual: targets are within 100 of 768 pixels, and of half to twice the usual area.
                let odd = |i: &usize| {
                    let site = &built.layout.sites[*i];
                    let near = 100.0 / 768.0 * view.side;
                    let (dx, dy) = ((site.centre[0] - view.centre[0]) / near, (site.centre[1] - view.centre[1]) / near);
                    let size = libm::log2(site.area / (USUAL * view.side * view.side));
                    dx * dx + dy * dy + size * size
                };
                let central = (0..built.layout.sites.len()).min_by(|a, b| odd(a).total_cmp(&odd(b)));
                satellite.fill_rings(&[central.map(ring).unwrap_or_default()]);
                [map, satellite, both].map(|m| m.counts(&truth).ok().and_then(Counts::iou).unwrap_or(0.0))
            })
            .collect::<Vec<_>>()
    });
    let mut sums = Probed::default();
    for [map, satellite, both] in all.flatten() {
        sums.samples += 1;
        sums.map += map;
        sums.satellite += satellite;
        sums.both += both;
    }
    let n = sums.samples.max(1) as f64;
    Probed { samples: sums.samples, map: sums.map / n, satellite: sums.satellite / n, both: sums.both / n }
}
