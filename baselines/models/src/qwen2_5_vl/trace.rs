//! Looking at what passes between the stages of a network: for parity tests.

use crate::Result;

/// Is told the name of a stage and what came out of it.
pub type Tap<'a, T> = &'a mut dyn FnMut(&str, &T) -> Result<()>;

pub(super) fn tap<T>(on: &mut dyn FnMut(&str, &T) -> Result<()>, stage: &str, x: &T) -> Result<()> {
    on(stage, x)
}
