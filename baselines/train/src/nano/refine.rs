//! The second stage's lessons: pictures with boxes and masks drawn on them, and points inside what is drawn.

use image::RgbImage;
use socio_baselines::render;
use socio_dataset::Mask;
use socio_dataset::city::{Facts, Taught};
use socio_dataset::map::{Xy, contains};

use super::dense::hull;
use super::teach::Question;
use crate::TrainError;

/// What the first stage came to, as it is drawn on a lesson's pictures; in pixels of what the model sees.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Its boxes.
    pub boxes: Vec<[u32; 4]>,
    /// Outlines of what was cut.
    pub rings: Vec<Vec<Xy>>,
}

impl Drawn {
    /// What is true of a question.
    pub fn of(question: &Question) -> Self {
        Self { boxes: question.boxes.clone(), rings: question.rings.clone() }
    }

    /// A place by itself; none where it is not in the picture.
    pub fn of_place(place: &Taught, facts: &Facts, side: u32) -> Option<Self> {
        let scale = f64::from(side) / f64::from(facts.size);
        let ring: Vec<Xy> = place.ring.iter().map(|p| p.map(|v| v * scale)).collect();
        let bbox = hull(&ring, f64::from(side))?.map(|v| v.round() as u32);
        Some(Self { boxes: vec![bbox], rings: vec![ring] })
    }

    /// A picture of `side` pixels with it, as the method draws it.
    ///
    /// # Errors
    /// When there are not so many bytes.
    pub fn on(&self, picture: &[u8], side: u32) -> Result<Vec<u8>, TrainError> {
        let image = RgbImage::from_raw(side, side, picture.to_vec());
        let image =
            image.ok_or_else(|| TrainError::Input(format!("{} bytes are no {side} x {side} pixels", picture.len())))?;
        let boxes: Vec<[f64; 4]> = self.boxes.iter().map(|b| b.map(f64::from)).collect();
        let mut mask = Mask::new(side, side);
        for ring in &self.rings {
            let mut one = Mask::new(side, side);
            one.fill_rings(std::slice::from_ref(ring));
            mask = mask.or(&one).unwrap_or(mask);
        }
        Ok(render::feedback(&image, &boxes, &mask).into_raw())
    }
}

/// `count` points inside an outline and strictly inside its box, evenly along the box's longer axis; the nearest such pixel
/// where the axis leaves the outline.
pub fn points(ring: &[Xy], bbox: [u32; 4], count: usize) -> Vec<[u32; 2]> {
    let [x0, y0, x1, y1] = bbox;
    let ring = [ring.to_vec()];
    let middle = |low: u32, high: u32| f64::from(low + high) / 2.0;
    let wide = x1.saturating_sub(x0) >= y1.saturating_sub(y0);
    let place = |i: usize| {
        let part = (i as f64 + 0.5) / count as f64;
        let along = |low: u32, high: u32| f64::from(low) + part * f64::from(high.saturating_sub(low));
        if wide { [along(x0, x1), middle(y0, y1)] } else { [middle(x0, x1), along(y0, y1)] }
    };
    let pixels: Vec<[u32; 2]> = (y0 + 1..y1).flat_map(|y| (x0 + 1..x1).map(move |x| [x, y])).collect();
    let inside: Vec<[u32; 2]> = pixels.iter().copied().filter(|p| contains(&ring, p.map(f64::from))).collect();
    let choose = |at: Xy| {
        let off = |p: &[u32; 2]| (f64::from(p[0]) - at[0]).powi(2) + (f64::from(p[1]) - at[1]).powi(2);
        let from = if inside.is_empty() { &pixels } else { &inside };
        let nearest = from.iter().copied().min_by(|a, b| off(a).total_cmp(&off(b)));
        nearest.unwrap_or_else(|| at.map(|v| v.round() as u32))
    };
    (0..count).map(|i| choose(place(i))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_lie_inside() {
        let square = vec![[10.0, 10.0], [50.0, 10.0], [50.0, 30.0], [10.0, 30.0]];
        assert_eq!(points(&square, [10, 10, 50, 30], 2), [[20, 20], [40, 20]]);
        assert_eq!(points(&square, [10, 10, 50, 30], 1), [[30, 20]]);
        // An L: the middle of its box is outside.
        let bent = vec![[0.0, 0.0], [4.0, 0.0], [4.0, 36.0], [40.0, 36.0], [40.0, 40.0], [0.0, 40.0]];
        for [x, y] in points(&bent, [0, 0, 40, 40], 3) {
            assert!(
                contains(std::slice::from_ref(&bent), [f64::from(x), f64::from(y)])
                    && x > 0
                    && y > 0
                    && x < 40
                    && y < 40
            );
        }
        assert_eq!(points(&square, [3, 3, 4, 4], 1).len(), 1);
    }

    #[test]
    fn it_is_drawn_as_the_method_draws() {
        let drawn =
            Drawn { boxes: vec![[2, 2, 12, 9]], rings: vec![vec![[3.0, 3.0], [11.0, 3.0], [11.0, 8.0], [3.0, 8.0]]] };
        let picture = drawn.on(&[100; 16 * 16 * 3], 16).unwrap();
        let at = |x: usize, y: usize| &picture[(y * 16 + x) * 3..][..3];
        assert_eq!((at(0, 0), at(2, 4)), (&[100u8, 100, 100][..], &[0u8, 0, 255][..]));
        assert_eq!(at(6, 5), [162, 60, 60]);
        assert!(drawn.on(&[0; 5], 16).is_err());
    }
}
