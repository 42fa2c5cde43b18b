//! Whether a tensor library does what [`Tensor`] says: every operation on random inputs, against
//! [`crate::oracle::Plain`].

mod call;
mod case;
mod cases;
mod gradients;
mod operand;
mod random;

use crate::{DType, ModelError, Tensor};
pub use gradients::{Slope, gradients};
use operand::Layout;
use random::Random;

/// How near a library came to the oracle at one operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// The operation: the name of the trait's method.
    pub operator: &'static str,
    /// How many inputs it was tried on.
    pub cases: usize,
    /// The largest difference of two values, divided by the largest value of that result (the largest over all cases).
    pub error: f32,
    /// The case that is of: arguments, and shape and layout of each operand.
    pub worst: String,
}

/// Where a library does not do what [`Tensor`] says.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// The result is too far from the oracle's.
    #[error(
        "{operator}: off by {error} of the largest value, {tolerance} is allowed; value {index} is {found}, not {expected}: {case}"
    )]
    Apart {
        /// The operation.
        operator: &'static str,
        /// Arguments, and shape and layout of each operand.
        case: String,
        /// The largest difference, divided by the largest value of the result.
        error: f32,
        /// What is allowed.
        tolerance: f32,
        /// Where the largest difference is.
        index: usize,
        /// What the library has there.
        found: f32,
        /// What the oracle has there.
        expected: f32,
    },
    /// The result, or an operand, has another shape or type than it should have.
    #[error("{operator}: {what} is {found}, not {expected}: {case}")]
    Form {
        /// The operation.
        operator: &'static str,
        /// Arguments, and shape and layout of each operand.
        case: String,
        /// Which tensor: the result or an operand.
        what: String,
        /// The shape and type that it has.
        found: String,
        /// The shape and type that it should have.
        expected: String,
    },
    /// An operand does not hold what it should: it was made wrong before the operation or changed by it, or
    /// [`Tensor::store`] was not seen by another handle.
    #[error(
        "{operator}: operand {operand} is not what it should be {when} the operation; value {index} is {found}, not {expected}: {case}"
    )]
    Operand {
        /// The operation.
        operator: &'static str,
        /// Arguments, and shape and layout of each operand.
        case: String,
        /// Which operand, from 0.
        operand: usize,
        /// `before` or `after`.
        when: &'static str,
        /// Where the first difference is.
        index: usize,
        /// What the library has there.
        found: f32,
        /// What it should have there.
        expected: f32,
    },
    /// An operation that should have worked failed.
    #[error("{operator}: {by} failed: {why}: {case}")]
    Failed {
        /// The operation.
        operator: &'static str,
        /// Arguments, and shape and layout of each operand.
        case: String,
        /// The library or the oracle.
        by: &'static str,
        /// What it said.
        why: Box<ModelError>,
    },
}

/// Tries every operation of a library in one type, on inputs that `seed` decides.
///
/// Inputs are rounded to `dtype` first, so that both sides start from the same; each case is run with its operands packed,
/// permuted, narrowed, and the first of them expanded (views, where the library has them). Operations that only move
/// values, and `relu` and `max_pool2d`, have to be exact; the others may be off by `tolerance` times the largest value of
/// the result. No operation but `store` may change an operand.
///
/// # Errors
/// At the first case that is not what it should be. With a `tolerance` of infinity values may be anything but for the
/// operations that have to be exact, and the errors are in the result.
pub fn operators<T: Tensor>(
    device: &T::Device,
    dtype: DType,
    seed: u64,
    tolerance: f32,
) -> Result<Vec<Agreement>, Failure> {
    let mut agreements: Vec<Agreement> = Vec::new();
    for case in cases::all(&mut Random::new(seed)) {
        for arrangement in 0..Layout::ALL.len() {
            let case = case.arranged(arrangement, dtype);
            let error = case.run::<T>(device, dtype, tolerance)?;
            note(&mut agreements, &case, error);
        }
    }
    Ok(agreements)
}

/// Whether a library tells that memory does not suffice, instead of ending the program: for 4 EiB of zeros, and for a product
/// of two small matrices whose result has 4 PiB.
///
/// # Errors
/// What it says instead.
pub fn memory<T: Tensor>(device: &T::Device) -> Result<(), String> {
    let told = |what: &str, result: crate::Result<T>| match result {
        Err(ModelError::Memory(_)) => Ok(()),
        Err(other) => Err(format!("{what}: not told as a want of memory: {other}")),
        Ok(_) => Err(format!("{what}: it came out")),
    };
    told("zeros", T::zeros(&[1 << 30, 1 << 30], DType::F32, device))?;
    let long = |rows: usize| T::zeros(&[1, 1], DType::F32, device).and_then(|t| t.expand(&[rows, 1]));
    let product = long(1 << 25).and_then(|a| a.linear(&long(1 << 25)?, None));
    told("linear", product)
}

/// Adds a case to what is known of its operation.
fn note(agreements: &mut Vec<Agreement>, case: &case::Case, error: f32) {
    let operator = case.call.name();
    match agreements.iter_mut().find(|known| known.operator == operator) {
        None => agreements.push(Agreement { operator, cases: 1, error, worst: case.to_string() }),
        Some(known) => {
            known.cases += 1;
            if error > known.error {
                known.error = error;
                known.worst = case.to_string();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::Plain;

    #[test]
    fn the_oracle_agrees_with_itself_in_every_type() {
        for dtype in [DType::F32, DType::Bf16, DType::F16] {
            let agreements = operators::<Plain>(&(), dtype, 7, 0.0).unwrap();
            assert!(agreements.iter().all(|one| one.error == 0.0), "{agreements:?}");
            assert!(agreements.iter().all(|one| one.cases >= 8), "{agreements:?}");
        }
    }

    #[test]
    fn every_operation_is_tried() {
        // Those of the trait but for `shape`, `dtype`, `device` and `values`, which every case reads.
        let expected = "new from_bytes zeros cast reshape permute narrow cat select pad expand store add sub mul affine \
            gelu silu relu sigmoid matmul linear conv2d max_pool2d upsample_nearest softmax layer_norm rms_norm rotary \
            attention";
        let mut expected: Vec<&str> = expected.split_whitespace().collect();
        let mut found: Vec<_> = cases::all(&mut Random::new(1)).iter().map(|case| case.call.name()).collect();
        found.sort_unstable();
        found.dedup();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
}
