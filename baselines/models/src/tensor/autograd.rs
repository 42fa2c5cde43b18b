//! What training needs beside the operations of [`Tensor`].

use super::Tensor;
use crate::Result;

/// A tensor whose library records operations, so that gradients can be had of what they gave.
///
/// Recording begins with [`Autograd::variable`]. Every operation of [`Tensor`] but [`Tensor::store`] can be differentiated
/// where one of its operands is recorded; a library whose fused form cannot be takes another form then. Tests compare
/// gradients with finite differences, operation by operation.
#[expect(clippy::missing_errors_doc, reason = "as of the trait it extends")]
pub trait Autograd: Tensor {
    /// The calling thread works by itself from now on, where the library has threads of its own: several threads each compute
    /// a part then, which for small networks is faster than all of them on one.
    fn alone() {}

    /// A tensor of the same values of which gradients can be asked.
    fn variable(&self) -> Result<Self>;

    /// The same values without what was recorded.
    #[must_use]
    fn detach(&self) -> Self;

    /// The gradients of this one value with respect to variables, in their order; none where the value does not depend on
    /// one. What was recorded is given up.
    fn gradients(&self, variables: &[Self]) -> Result<Vec<Option<Self>>>;

    /// `e^x`.
    fn exp(&self) -> Result<Self>;

    /// Natural logarithm.
    fn ln(&self) -> Result<Self>;

    /// Values kept within limits; gradients are nothing where a value was outside.
    fn clamp(&self, low: f32, high: f32) -> Result<Self>;

    /// The smaller of two values of the same shape.
    fn minimum(&self, other: &Self) -> Result<Self>;

    /// Logarithms of the normalised exponentials over the last dimension.
    fn log_softmax(&self) -> Result<Self>;

    /// `[rows, n]` to `[rows]`: of each row the value of its index.
    fn pick(&self, indices: &[u32]) -> Result<Self>;

    /// The sum of all values, `[1]`.
    fn sum(&self) -> Result<Self>;
}
