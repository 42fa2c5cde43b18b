//! Points and boxes in pixels.

use serde::{Deserialize, Serialize};

/// A coordinate as it is written down: what is not finite, and models say such things, has no number in JSON and is a text.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(untagged)]
enum Coordinate {
    Number(f64),
    Other(Other),
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Other {
    #[serde(rename = "NaN")]
    NotANumber,
    #[serde(rename = "Infinity")]
    Infinity,
    #[serde(rename = "-Infinity")]
    MinusInfinity,
}

impl From<f64> for Coordinate {
    fn from(value: f64) -> Self {
        match value {
            v if v.is_finite() => Self::Number(v),
            v if v.is_nan() => Self::Other(Other::NotANumber),
            v if v > 0.0 => Self::Other(Other::Infinity),
            _ => Self::Other(Other::MinusInfinity),
        }
    }
}

impl From<Coordinate> for f64 {
    fn from(value: Coordinate) -> Self {
        match value {
            Coordinate::Number(v) => v,
            Coordinate::Other(Other::NotANumber) => Self::NAN,
            Coordinate::Other(Other::Infinity) => Self::INFINITY,
            Coordinate::Other(Other::MinusInfinity) => Self::NEG_INFINITY,
        }
    }
}

/// A point in pixels, x to the right and y down; serialised as `[x, y]`, what is not finite as a text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "[Coordinate; 2]", into = "[Coordinate; 2]")]
pub struct Point {
    /// Pixels from the left edge.
    pub x: f64,
    /// Pixels from the upper edge.
    pub y: f64,
}

impl From<[f64; 2]> for Point {
    fn from([x, y]: [f64; 2]) -> Self {
        Self { x, y }
    }
}

impl From<Point> for [f64; 2] {
    fn from(p: Point) -> Self {
        [p.x, p.y]
    }
}

impl From<[Coordinate; 2]> for Point {
    fn from(at: [Coordinate; 2]) -> Self {
        at.map(f64::from).into()
    }
}

impl From<Point> for [Coordinate; 2] {
    fn from(p: Point) -> Self {
        <[f64; 2]>::from(p).map(Coordinate::from)
    }
}

/// A half-open box in pixels; serialised as `[x0, y0, x1, y1]`, what is not finite as a text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "[Coordinate; 4]", into = "[Coordinate; 4]")]
pub struct Bbox {
    /// Left edge, inside the box.
    pub x0: f64,
    /// Upper edge, inside the box.
    pub y0: f64,
    /// Right edge, outside the box.
    pub x1: f64,
    /// Lower edge, outside the box.
    pub y1: f64,
}

impl From<[f64; 4]> for Bbox {
    fn from([x0, y0, x1, y1]: [f64; 4]) -> Self {
        Self { x0, y0, x1, y1 }
    }
}

impl From<Bbox> for [f64; 4] {
    fn from(b: Bbox) -> Self {
        [b.x0, b.y0, b.x1, b.y1]
    }
}

impl From<[Coordinate; 4]> for Bbox {
    fn from(sides: [Coordinate; 4]) -> Self {
        sides.map(f64::from).into()
    }
}

impl From<Bbox> for [Coordinate; 4] {
    fn from(b: Bbox) -> Self {
        <[f64; 4]>::from(b).map(Coordinate::from)
    }
}

impl Bbox {
    /// Whether all four numbers are finite and the box has an area.
    pub fn is_proper(&self) -> bool {
        <[f64; 4]>::from(*self).iter().all(|v| v.is_finite()) && self.x1 > self.x0 && self.y1 > self.y0
    }

    /// Width in pixels; negative when reversed.
    pub fn width(&self) -> f64 {
        self.x1 - self.x0
    }

    /// Height in pixels; negative when reversed.
    pub fn height(&self) -> f64 {
        self.y1 - self.y0
    }

    /// Area in square pixels; zero for a reversed box.
    pub fn area(&self) -> f64 {
        self.width().max(0.0) * self.height().max(0.0)
    }

    /// The middle of the box.
    pub fn centre(&self) -> Point {
        Point { x: f64::midpoint(self.x0, self.x1), y: f64::midpoint(self.y0, self.y1) }
    }

    /// Intersection over union with another box, in `0..=1`; zero where the union has no area.
    pub fn iou(&self, other: &Self) -> f64 {
        let overlap = Self {
            x0: self.x0.max(other.x0),
            y0: self.y0.max(other.y0),
            x1: self.x1.min(other.x1),
            y1: self.y1.min(other.y1),
        }
        .area();
        let union = self.area() + other.area() - overlap;
        if union > 0.0 { overlap / union } else { 0.0 }
    }

    /// The part inside an image of `width` × `height` pixels.
    #[must_use]
    pub fn clipped(&self, width: u32, height: u32) -> Self {
        let (w, h) = (f64::from(width), f64::from(height));
        Self {
            x0: self.x0.clamp(0.0, w),
            y0: self.y0.clamp(0.0, h),
            x1: self.x1.clamp(0.0, w),
            y1: self.y1.clamp(0.0, h),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finite_comes_back_as_it_went() {
        let bbox = Bbox::from([f64::NAN, f64::INFINITY, -1.5, f64::NEG_INFINITY]);
        let text = serde_json::to_string(&bbox).unwrap();
        assert_eq!(text, r#"["NaN","Infinity",-1.5,"-Infinity"]"#);
        let back = <[f64; 4]>::from(serde_json::from_str::<Bbox>(&text).unwrap());
        assert!(back[0].is_nan() && back[1..] == [f64::INFINITY, -1.5, f64::NEG_INFINITY]);
        let point = serde_json::to_string(&Point { x: 0.1, y: f64::NAN }).unwrap();
        assert_eq!(point, r#"[0.1,"NaN"]"#);
        assert!(serde_json::from_str::<Point>(r#"[1, "east"]"#).is_err());
    }

    #[test]
    fn iou_of_halves_is_a_third() {
        let a = Bbox::from([0.0, 0.0, 2.0, 1.0]);
        let b = Bbox::from([1.0, 0.0, 3.0, 1.0]);
        assert!((a.iou(&b) - 1.0 / 3.0).abs() < 1e-15);
        assert_eq!(a.iou(&Bbox::from([5.0, 5.0, 6.0, 6.0])), 0.0);
        assert_eq!(a.iou(&Bbox::from([2.0, 1.0, 0.0, 0.0])), 0.0);
    }

    #[test]
    fn a_box_is_an_array_in_json() {
        let text = serde_json::to_string(&Bbox::from([0.0, 1.0, 2.5, 3.0])).unwrap();
        assert_eq!(text, "[0.0,1.0,2.5,3.0]");
        assert_eq!(serde_json::from_str::<Bbox>(&text).unwrap().x1, 2.5);
    }
}
