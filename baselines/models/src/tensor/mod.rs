//! The operations that the architectures are written in, implemented once a tensor library.

mod autograd;
mod dtype;
mod mask;

pub use autograd::Autograd;
pub use dtype::DType;
pub use mask::Mask;

use crate::Result;

/// A tensor of a library: a handle that is cheap to clone, on some device, of some floating-point type.
///
/// Shapes are in rows-last-fastest order, as in PyTorch; sizes are counts of elements. Every operation gives a new tensor
/// (or a view, where the library has views) and leaves its operands as they are, so that an implementation may record them
/// for a backward pass; [`Tensor::store`] alone writes in place, and only caches call it. Operands of one operation lie on
/// one device and are of one type.
///
/// Operations that libraries fuse (`attention`, `rms_norm`, `rotary`, `softmax`) are methods so that each library does them
/// in its own best way. [`crate::oracle::Plain`] is the slow and obviously right implementation that the others are tested
/// against.
///
/// # Errors
/// Every method fails with [`crate::ModelError::Op`] when shapes do not go together or the library fails.
#[expect(clippy::missing_errors_doc, reason = "said once above, for all of them")]
pub trait Tensor: Clone + Send + Sized + 'static {
    /// Where tensors live, and what the library needs to make them there.
    type Device: Clone + Send + Sync + 'static;

    /// Does something of which no gradient is wanted, in the library's own way of saying so.
    fn inference<R>(run: impl FnOnce() -> R) -> R {
        run()
    }

    /// A tensor of these values. `values.len()` is the product of `shape`.
    fn new(values: Vec<f32>, shape: &[usize], dtype: DType, device: &Self::Device) -> Result<Self>;

    /// A tensor from the bytes of a file: little-endian values of type `stored`, turned into `dtype`. The bytes need not
    /// be aligned.
    fn from_bytes(bytes: &[u8], stored: DType, shape: &[usize], dtype: DType, device: &Self::Device) -> Result<Self>;

    /// All zeros.
    fn zeros(shape: &[usize], dtype: DType, device: &Self::Device) -> Result<Self>;

    /// The shape.
    fn shape(&self) -> Vec<usize>;

    /// The type of the elements.
    fn dtype(&self) -> DType;

    /// Where it lives.
    fn device(&self) -> Self::Device;

    /// The values, in order, widened to `f32`.
    fn values(&self) -> Result<Vec<f32>>;

    /// The same values in another type.
    fn cast(&self, dtype: DType) -> Result<Self>;

    // Shape.

    /// The same values in the same order in another shape.
    fn reshape(&self, shape: &[usize]) -> Result<Self>;

    /// Dimension `i` of the result is dimension `order[i]` of this tensor.
    fn permute(&self, order: &[usize]) -> Result<Self>;

    /// `length` entries of dimension `dim` from `start` on.
    fn narrow(&self, dim: usize, start: usize, length: usize) -> Result<Self>;

    /// Tensors one after the other along `dim`; at least one.
    fn cat(parts: &[Self], dim: usize) -> Result<Self>;

    /// Entries `indices` of dimension `dim`, in that order; entries may repeat. An embedding table's look-up is
    /// `table.select(0, ids)`.
    fn select(&self, dim: usize, indices: &[u32]) -> Result<Self>;

    /// Zeros before and after along `dim`.
    fn pad(&self, dim: usize, before: usize, after: usize) -> Result<Self>;

    /// Dimensions of size 1 repeated up to `shape` (of the same rank).
    fn expand(&self, shape: &[usize]) -> Result<Self>;

    /// Writes `source` in place into dimension `dim` from `start` on. The only operation that changes a tensor (and every
    /// handle to the same memory): for caches, never on a path that is differentiated.
    fn store(&self, dim: usize, start: usize, source: &Self) -> Result<()>;

    // Arithmetic; `other` is broadcast against this tensor by PyTorch's rules and this against it.

    /// Sum.
    fn add(&self, other: &Self) -> Result<Self>;
    /// Difference.
    fn sub(&self, other: &Self) -> Result<Self>;
    /// Product, element by element.
    fn mul(&self, other: &Self) -> Result<Self>;
    /// `self * scale + shift`.
    fn affine(&self, scale: f32, shift: f32) -> Result<Self>;

    // Activations.

    /// `x * Phi(x)` with the exact normal distribution function (`erf`).
    fn gelu(&self) -> Result<Self>;
    /// `x * sigmoid(x)`.
    fn silu(&self) -> Result<Self>;
    /// `max(x, 0)`.
    fn relu(&self) -> Result<Self>;
    /// `1 / (1 + exp(-x))`.
    fn sigmoid(&self) -> Result<Self>;

    // Networks' building blocks.

    /// Matrix product over the last two dimensions, `[.., m, k]` by `[.., k, n]`; the dimensions before are equal.
    fn matmul(&self, other: &Self) -> Result<Self>;

    /// `self @ weight^T + bias` over the last dimension: `[.., in]` to `[.., out]` with `weight` `[out, in]` and `bias` `[out]`.
    fn linear(&self, weight: &Self, bias: Option<&Self>) -> Result<Self>;

    /// Convolution of `[batch, in, h, w]` with `weight` `[out, in / groups, kh, kw]`, zeros round the border.
    fn conv2d(&self, weight: &Self, bias: Option<&Self>, stride: usize, padding: usize, groups: usize) -> Result<Self>;

    /// Largest value of each `size` x `size` square of `[batch, channels, h, w]`, squares side by side; a remainder at the
    /// right and below is left out.
    fn max_pool2d(&self, size: usize) -> Result<Self>;

    /// Each pixel of `[batch, channels, h, w]` repeated `factor` times down and across.
    fn upsample_nearest(&self, factor: usize) -> Result<Self>;

    /// Normalised exponentials over the last dimension.
    fn softmax(&self) -> Result<Self>;

    /// Over the last dimension: mean 0 and variance 1 (biased), then `* weight + bias`.
    fn layer_norm(&self, weight: &Self, bias: &Self, eps: f32) -> Result<Self>;

    /// Over the last dimension: divided by the root of the mean square, then `* weight`.
    fn rms_norm(&self, weight: &Self, eps: f32) -> Result<Self>;

    /// Rotary embedding of `[batch, heads, length, dim]`: element `j` of the first half and element `j` of the second
    /// half turn together, `(a, b)` to `(a cos - b sin, b cos + a sin)`. `cos` and `sin` are `[batch or 1, length, dim / 2]`.
    fn rotary(&self, cos: &Self, sin: &Self) -> Result<Self>;

    /// `softmax(self @ key^T * scale + mask) @ value` for queries `[batch, heads, length, dim]`, keys and values
    /// `[batch, key heads, key length, dim]` (values may have another `dim`). Where there are fewer key heads, query head
    /// `h` reads key head `h / (heads / key heads)`.
    fn attention(&self, key: &Self, value: &Self, scale: f32, mask: Mask<'_, Self>) -> Result<Self>;
}
