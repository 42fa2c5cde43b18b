//! Probes: how far one gets with one of the two images alone.
//!
//! Each is as good as a solver with such sight could hope to be, and knows nothing more:
//! * **map**: knows on the map which icons answer the query, and draws a box of the average size around each;
//! * **satellite**: knows the outline of every site from above, and takes the one in the middle of the picture, where
//!   targets are;
//! * **both**: takes the outline of the site on which such an icon stands.

use std::sync::Arc;

use super::quarter::{self, pixels};
use super::{City, parallel};
use crate::{Counts, Mask};

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
    let quarters: Vec<_> = city.plan().iter().filter(|(_, s)| *s == split).map(|(q, _)| q.clone()).collect();
    let (shared, split) = (Arc::clone(city), split.to_owned());
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
                let icons = || {
                    built.meanings.iter().filter(|m| ids.contains(&format!("{}/{}", quarter.key, m.site).as_str()))
                };
                let ring = |site: usize| built.layout.sites[site].ring.iter().map(|p| to(*p)).collect::<Vec<_>>();
                let mut map = Mask::new(size, size);
                let mut both = Mask::new(size, size);
                for icon in icons().filter(|m| inside(to(m.anchor))) {
                    // Of the mean share of a picture that samples ask for.
                    let half = (0.037_f64).sqrt() * f64::from(size) / 2.0;
                    let [x, y] = to(icon.anchor);
                    map.fill_rings(&[vec![[x - half, y - half], [x + half, y - half], [x + half, y + half], [x - half, y + half]]]);
                    both.fill_rings(&[ring(icon.site)]);
                }
                let mut satellite = Mask::new(size, size);
                let middle = |i: &usize| {
                    let [x, y] = built.layout.sites[*i].centre;
                    let (dx, dy) = (x - view.centre[0], y - view.centre[1]);
                    dx * dx + dy * dy
                };
                let central = (0..built.layout.sites.len()).min_by(|a, b| middle(a).total_cmp(&middle(b)));
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
