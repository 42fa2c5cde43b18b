//! What libtorch takes without a word and the trait does not, sizes in its terms, and its errors in ours.

use socio_models::{ModelError, Result};
use tch::{TchError, Tensor};

pub(crate) fn wrong(op: &'static str, why: impl ToString) -> ModelError {
    ModelError::op(op, why)
}

/// What libtorch said, without the lists of places in its own source and of calls that it ends with.
pub(crate) fn failed(op: &'static str) -> impl Fn(TchError) -> ModelError {
    move |error| {
        let text = match error {
            TchError::Torch(text) => text,
            other => other.to_string(),
        };
        let end = ["\nException raised from", "\nframe #"].iter().filter_map(|mark| text.find(mark)).min();
        let why = text[..end.unwrap_or(text.len())].trim_end();
        if ["out of memory", "can't allocate memory"].iter().any(|sign| why.contains(sign)) {
            return ModelError::Memory(format!("{op}: {why}"));
        }
        wrong(op, why)
    }
}

/// A size as libtorch counts; never below 0, which would mean something else to it.
pub(crate) fn size(op: &'static str, size: usize) -> Result<i64> {
    i64::try_from(size).map_err(|_| wrong(op, format!("a size of {size}")))
}

/// A shape as libtorch counts.
pub(crate) fn sizes(op: &'static str, shape: &[usize]) -> Result<Vec<i64>> {
    count(op, shape)?;
    shape.iter().map(|n| size(op, *n)).collect()
}

/// How many values a shape has. The product of its sizes other than 0 has to be countable too: libtorch multiplies them.
pub(crate) fn count(op: &'static str, shape: &[usize]) -> Result<usize> {
    let product = shape.iter().try_fold(1usize, |n, size| n.checked_mul(*size.max(&1)));
    match product.filter(|n| isize::try_from(*n).is_ok()) {
        None => Err(wrong(op, format!("shape {shape:?} has more values than can be counted"))),
        Some(_) if shape.contains(&0) => Ok(0),
        Some(n) => Ok(n),
    }
}

/// Refuses operands of different types, which libtorch would widen.
pub(crate) fn same_kind<'a>(op: &'static str, x: &Tensor, others: impl IntoIterator<Item = &'a Tensor>) -> Result<()> {
    let kind = x.f_kind().map_err(failed(op))?;
    for other in others {
        let found = other.f_kind().map_err(failed(op))?;
        if found != kind {
            return Err(wrong(op, format!("operands of two types, {kind:?} and {found:?}")));
        }
    }
    Ok(())
}

/// Refuses an operand of another shape than it has to have, which libtorch might repeat.
pub(crate) fn expect(op: &'static str, what: &str, x: &Tensor, shape: &[i64]) -> Result<()> {
    if x.size() == shape {
        return Ok(());
    }
    Err(wrong(op, format!("{what} has shape {:?}, not {shape:?}", x.size())))
}

/// Size of the last dimension.
pub(crate) fn last(op: &'static str, x: &Tensor) -> Result<i64> {
    x.size().last().copied().ok_or_else(|| wrong(op, "of a tensor without dimensions"))
}

/// The sizes of a picture.
pub(crate) fn picture(op: &'static str, x: &Tensor) -> Result<(i64, i64, i64, i64)> {
    x.size4().map_err(|_| wrong(op, format!("shape {:?} is no picture's", x.size())))
}
