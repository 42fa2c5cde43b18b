//! What is asked: samples, masks, the name/class/function hierarchy and the stores that hold them.
//!
//! Nothing here runs a model, and nothing knows a method or a run. Coordinates are pixels, x to the right and y down,
//! with the origin at the upper left corner of the upper left pixel; boxes are `[x0, y0, x1, y1]` and
//! half-open, so a box of one pixel at the origin is `[0, 0, 1, 1]`.

pub mod build;
pub mod city;
pub mod files;
mod geometry;
pub mod hash;
pub mod hierarchy;
pub mod hub;
mod mask;
pub mod parallel;
pub mod picture;
pub mod pillow;
pub mod publish;
pub mod restyle;
mod sample;
pub mod scene;
pub mod split;
pub mod stats;
pub mod store;
pub mod text;
pub mod verify;

pub use socio_geo as geo;
pub use socio_map as map;

pub use geometry::{Bbox, Point};
pub use hierarchy::Hierarchy;
pub use mask::{Component, Counts, Mask, MaskError, Rle, Run};
pub use sample::{Level, Query, Sample, Truth};
