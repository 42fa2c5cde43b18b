//! Figures as SVG text, without a drawing library.
//!
//! Each figure is a struct of plain data with `render(&self) -> String`. What it draws is a function of that data
//! alone: the same data give the same bytes. No data makes it fail: what is not a number is left out, a name that is too
//! long is cut (a tooltip tells more of it), and where nothing is left a line of text says so.
//!
//! A figure holds no colour. It names classes, which the page gives colours with [`rules`] for its light and its dark
//! theme:
//!
//! | class | what |
//! |---|---|
//! | `plot` | the root |
//! | `fg`, `muted` | text: plain, quiet |
//! | `grid`, `axis` | lines: quiet, plain |
//! | `paper` | areas in the colour of the page |
//! | `halo` | text and marks with an edge in that colour, over lines |
//! | `s0` to `s7`, `l0` to `l7`, `i0` to `i7` | areas and lines of a [`Series`] by its hue, and text on its areas |
//!
//! [`standalone`] puts both themes into the SVG, for a file of its own.

mod about;
mod around;
mod axis;
mod bars;
mod curve;
mod forest;
mod frame;
mod histogram;
mod legend;
mod lines;
mod number;
mod radar;
mod scatter;
mod series;
mod spread;
mod stacked;
mod svg;
mod text;
mod theme;

pub use about::About;
pub use bars::{Bars, Category};
pub use curve::Curve;
pub use forest::{Contrast, Forest};
pub use histogram::Histogram;
pub use lines::{Lines, Place};
pub(crate) use number::count;
pub use radar::Radar;
pub use scatter::Scatter;
pub use series::{Estimate, Series};
pub use stacked::Stacked;
pub use theme::{Theme, rules, standalone};

#[cfg(test)]
mod check;
