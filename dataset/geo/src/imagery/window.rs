//! A window of the ground, as a picture.

use image::imageops::FilterType;
use image::{Rgb, RgbImage, Rgba, RgbaImage};

use super::Raster;
use super::cache::Cache;
use crate::crs::{Bounds, Mercator};
use crate::error::GeoError;

/// How much finer than the window imagery is read at most before it is averaged down: 6 by 6 pixels for each.
const FINER: f64 = 6.0;

/// A cut.
#[derive(Debug, Clone)]
pub struct Window {
    /// The picture; black where there is no data.
    pub image: RgbImage,
    /// The share of pixels without data, `0..=1`.
    pub missing: f64,
    /// The standard deviation of its grey values: near zero for a blank picture.
    pub contrast: f64,
}

pub(super) fn cut(
    rasters: &[Raster],
    cache: &Cache,
    finest: f64,
    bounds: &Bounds,
    size: u32,
) -> Result<Window, GeoError> {
    let resolution = (bounds.east - bounds.west) / f64::from(size);
    let here = rasters.iter().filter(|r| r.bounds.overlaps(bounds)).map(super::Raster::resolution);
    let finest = here.fold(f64::INFINITY, f64::min).max(finest);
    let factor = (resolution / finest).clamp(1.0, FINER);
    // A little finer is no alias: only from one and a half on is it worth averaging.
    let factor = if factor < 1.5 { 1 } else { factor.ceil() as u32 };
    let mut fine = RgbaImage::new(size * factor, size * factor);
    for (index, raster) in rasters.iter().enumerate().filter(|(_, r)| r.bounds.overlaps(bounds)) {
        draw(&mut fine, bounds, index, raster, cache)?;
    }
    let picture = if factor == 1 {
        fine
    } else {
        // No data is black and of no weight: averages are divided by the share that has data.
        let mut small = image::imageops::resize(&fine, size, size, FilterType::Triangle);
        for Rgba([r, g, b, a]) in small.pixels_mut() {
            for c in [r, g, b] {
                *c = (u32::from(*c) * 255 / u32::from(*a).max(1)).min(255) as u8;
            }
        }
        small
    };
    let missing = picture.pixels().filter(|p| p.0[3] < 128).count() as f64 / f64::from(size * size).max(1.0);
    let image = RgbImage::from_fn(size, size, |x, y| {
        let Rgba([r, g, b, a]) = *picture.get_pixel(x, y);
        if a < 128 { Rgb([0, 0, 0]) } else { Rgb([r, g, b]) }
    });
    Ok(Window { contrast: contrast(&image), image, missing })
}

fn draw(to: &mut RgbaImage, bounds: &Bounds, index: usize, raster: &Raster, cache: &Cache) -> Result<(), GeoError> {
    let Some(back) = raster.place.inverse() else { return Ok(()) };
    let (width, height) = to.dimensions();
    let step = (bounds.east - bounds.west) / f64::from(width);
    let column = |x: f64| ((x - bounds.west) / step).clamp(0.0, f64::from(width));
    let row = |y: f64| ((bounds.north - y) / step).clamp(0.0, f64::from(height));
    let (x0, x1) = (column(raster.bounds.west).floor() as u32, column(raster.bounds.east).ceil() as u32);
    let (y0, y1) = (row(raster.bounds.north).floor() as u32, row(raster.bounds.south).ceil() as u32);
    let mut pixels = Pixels { index, raster, cache, last: Vec::new() };
    for y in y0..y1 {
        for x in x0..x1 {
            let at = Mercator {
                x: bounds.west + (f64::from(x) + 0.5) * step,
                y: bounds.north - (f64::from(y) + 0.5) * step,
            };
            let Some((px, py)) = raster.crs.from_mercator(at) else { continue };
            let (u, v) = back.apply(px, py);
            if u >= 0.0 && v >= 0.0 && u < f64::from(raster.width) && v < f64::from(raster.height) {
                let pixel = pixels.between(u - 0.5, v - 0.5)?;
                if pixel.0[3] > 0 {
                    to.put_pixel(x, y, pixel);
                }
            }
        }
    }
    Ok(())
}

/// Reads pixels, keeping the chunk of the last one at hand.
struct Pixels<'a> {
    index: usize,
    raster: &'a Raster,
    cache: &'a Cache,
    /// The chunks of the last few pixels: means are of up to four.
    last: Vec<(u32, std::sync::Arc<RgbaImage>)>,
}

impl Pixels<'_> {
    /// The bilinear mean of the four pixels around `(u, v)`, at the edge of the nearest ones.
    fn between(&mut self, u: f64, v: f64) -> Result<Rgba<u8>, GeoError> {
        let (u0, v0) = (u.floor(), v.floor());
        let (fu, fv) = (u - u0, v - v0);
        let edge = |value: f64, size: u32| value.clamp(0.0, f64::from(size - 1)) as u32;
        let (w, h) = (self.raster.width, self.raster.height);
        let (xs, ys) = ([edge(u0, w), edge(u0 + 1.0, w)], [edge(v0, h), edge(v0 + 1.0, h)]);
        let nearest = (xs[usize::from(fu >= 0.5)], ys[usize::from(fv >= 0.5)]);
        if self.pixel(nearest.0, nearest.1)?.0[3] == 0 {
            return Ok(Rgba([0; 4]));
        }
        let mut sum = [0.0; 3];
        let mut weight = 0.0;
        for (x, wx) in xs.into_iter().zip([1.0 - fu, fu]) {
            for (y, wy) in ys.into_iter().zip([1.0 - fv, fv]) {
                let Rgba([r, g, b, a]) = self.pixel(x, y)?;
                if a > 0 {
                    for (s, c) in sum.iter_mut().zip([r, g, b]) {
                        *s += f64::from(c) * wx * wy;
                    }
                    weight += wx * wy;
                }
            }
        }
        let [r, g, b] = sum.map(|s| (s / weight.max(1e-12) + 0.5) as u8);
        Ok(Rgba([r, g, b, 255]))
    }

    fn pixel(&mut self, x: u32, y: u32) -> Result<Rgba<u8>, GeoError> {
        let (cw, ch) = (self.raster.chunk.0.max(1), self.raster.chunk.1.max(1));
        let chunk = y / ch * self.raster.width.div_ceil(cw) + x / cw;
        let known = self.last.iter().position(|(c, _)| *c == chunk);
        if known.is_none() {
            self.last.truncate(3);
            self.last.insert(0, (chunk, self.cache.chunk(self.index, self.raster, chunk)?));
        }
        let at = known.unwrap_or(0);
        let pixel = self.last[at].1.get_pixel_checked(x % cw, y % ch);
        Ok(pixel.copied().unwrap_or(Rgba([0; 4])))
    }
}

fn contrast(image: &RgbImage) -> f64 {
    let grey = || image.pixels().map(|p| p.0.iter().map(|c| f64::from(*c)).sum::<f64>() / 3.0);
    let n = (image.width() * image.height()).max(1);
    let mean = grey().sum::<f64>() / f64::from(n);
    (grey().map(|g| (g - mean) * (g - mean)).sum::<f64>() / f64::from(n)).sqrt()
}
