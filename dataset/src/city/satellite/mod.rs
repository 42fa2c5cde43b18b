//! The city from above: roofs and their shadows, trees, cars, grounds and edges, as a sensor would see them.
//!
//! What a site is *for* shows in a few classes only (`Sight`); where it *ends* shows in all.

mod brush;
mod buildings;
mod finish;
mod ground;
mod sights;
mod streets;

use image::RgbImage;

use super::layout::Site;
use super::quarter::{Built, View, pixels};
use crate::hash::SplitMix;
use brush::Brush;

/// Draws a window of a quarter, `size` pixels a side.
pub(crate) fn render(built: &Built, view: &View, size: u32) -> RgbImage {
    let to = pixels(view, size);
    let scale = f64::from(size) / view.side;
    let mut brush = Brush::new(size, scale, Box::new(to), built.region.ground[0]);
    let seen: Vec<(usize, &Site)> = built
        .layout
        .sites
        .iter()
        .enumerate()
        .filter(|(_, s)| {
            let reach = view.side / 2.0 + s.area.sqrt() * 1.6 + 60.0;
            (s.centre[0] - view.centre[0]).abs() < reach && (s.centre[1] - view.centre[1]).abs() < reach
        })
        .collect();
    for (_, site) in &seen {
        ground::site(&mut brush, built, site);
    }
    streets::all(&mut brush, built);
    for (_, site) in &seen {
        ground::edge(&mut brush, built, site);
    }
    let mut stand = buildings::Stand::default();
    for (i, site) in &seen {
        let mut random = SplitMix(site.seed).at(5);
        let left = sights::paint(&mut brush, built, built.sights[*i], site, &mut stand, &mut random);
        buildings::site(built, &left, &mut stand, &mut random);
        buildings::trees(built, &left, &mut stand, &mut random);
    }
    streets::trees_and_cars(&mut brush, built, &mut stand);
    stand.draw(&mut brush, built.region.shadow);
    finish::finish(brush.into_pixmap(), built.seed, view)
}
