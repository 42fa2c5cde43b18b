//! Products with a weight on libtorch.

use tch::{Device, Kind, TchError, Tensor};

/// `[rows, in]` by `[out, in]`, as oneDNN is fast at it (measured with torch 2.13, bf16, on a processor with AVX-512):
/// - its rows one after the other: with any other strides, be it of a dimension of length 1, the weight is copied and transposed
///   first, which takes a hundred times as long as the product of one row;
/// - their number a multiple of 4: 1475 rows take a quarter longer than 1476.
pub(crate) fn rows(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor, TchError> {
    const MANY: i64 = 256;
    let x = x.f_contiguous()?;
    let (count, _) = x.size2()?;
    let more = if count < MANY || x.device() != Device::Cpu || x.f_kind()? != Kind::BFloat16 { 0 } else { -count & 3 };
    if more == 0 {
        return x.f_linear(weight, bias);
    }
    x.f_constant_pad_nd([0, 0, 0, more])?.f_linear(weight, bias)?.f_narrow(0, 0, count)
}
