//! Digital maps, drawn: roads by class, water, green, land use, buildings, rail, icons and labels, in styles that are data.
//!
//! Same input, same pixels, on every machine: fonts come with crates, sines through `libm`, every order is a stated one.
//! Coordinates are pixels of the picture, x to the right and y down; who has geographic ones projects them first.

mod canvas;
mod colour;
mod feature;
mod font;
mod icon;
mod label;
mod paint;
mod render;
mod shape;
mod style;

pub use colour::Colour;
pub use feature::{Feature, Geometry, Green, Group, Kind, Land, Names, Road, Xy};
pub use label::{Label, LabelKind, Quad};
pub use render::{Layers, Rendered, Request, Words, render};
pub use shape::{area, centroid, contains, inside_point, length};
pub use style::{Style, StyleError};
