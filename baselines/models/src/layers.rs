//! Layers that several architectures are made of.

use crate::{ModelError, Result, Tensor, Vars};

/// A matrix and a shift: `[.., in]` to `[.., out]`.
#[derive(Clone)]
pub struct Linear<T> {
    weight: T,
    bias: Option<T>,
}

impl<T: Tensor> Linear<T> {
    /// `weight` `[output, input]` and `bias` `[output]`.
    ///
    /// # Errors
    /// When a weight is missing or of another shape.
    pub fn new(vars: &Vars<'_, T>, input: usize, output: usize) -> Result<Self> {
        Ok(Self { weight: vars.matrix("weight", &[output, input])?, bias: Some(vars.tensor("bias", &[output])?) })
    }

    /// `weight` alone.
    ///
    /// # Errors
    /// When it is missing or of another shape.
    pub fn without_bias(vars: &Vars<'_, T>, input: usize, output: usize) -> Result<Self> {
        Ok(Self { weight: vars.matrix("weight", &[output, input])?, bias: None })
    }

    /// Of tensors that are there already: `weight` `[output, input]`, `bias` `[output]`.
    pub fn of(weight: T, bias: Option<T>) -> Self {
        Self { weight, bias }
    }

    /// Applies it to the last dimension.
    ///
    /// # Errors
    /// When the last dimension is not `input`.
    pub fn forward(&self, x: &T) -> Result<T> {
        x.linear(&self.weight, self.bias.as_ref())
    }
}

/// Mean 0, variance 1 over the last dimension, then a scale and a shift.
#[derive(Clone)]
pub struct LayerNorm<T> {
    weight: T,
    bias: T,
    eps: f32,
}

impl<T: Tensor> LayerNorm<T> {
    /// `weight` and `bias`, both `[size]`.
    ///
    /// # Errors
    /// When a weight is missing or of another shape.
    pub fn new(vars: &Vars<'_, T>, size: usize, eps: f32) -> Result<Self> {
        Ok(Self { weight: vars.tensor("weight", &[size])?, bias: vars.tensor("bias", &[size])?, eps })
    }

    /// Over the last dimension.
    ///
    /// # Errors
    /// When the last dimension is not `size`.
    pub fn forward(&self, x: &T) -> Result<T> {
        x.layer_norm(&self.weight, &self.bias, self.eps)
    }

    /// Over the channels of `[batch, channels, h, w]`.
    ///
    /// # Errors
    /// When there are not `size` channels.
    pub fn forward_channels(&self, x: &T) -> Result<T> {
        self.forward(&x.permute(&[0, 2, 3, 1])?)?.permute(&[0, 3, 1, 2])
    }
}

/// Divided by the root mean square over the last dimension, then a scale.
#[derive(Clone)]
pub struct RmsNorm<T> {
    weight: T,
    eps: f32,
}

impl<T: Tensor> RmsNorm<T> {
    /// `weight` `[size]`.
    ///
    /// # Errors
    /// When it is missing or of another shape.
    pub fn new(vars: &Vars<'_, T>, size: usize, eps: f32) -> Result<Self> {
        Ok(Self { weight: vars.tensor("weight", &[size])?, eps })
    }

    /// Over the last dimension.
    ///
    /// # Errors
    /// When the last dimension is not `size`.
    pub fn forward(&self, x: &T) -> Result<T> {
        x.rms_norm(&self.weight, self.eps)
    }
}

/// What stands between the matrices of an [`Mlp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x * Phi(x)`, exact.
    Gelu,
}

/// Matrices one after the other, with an activation between them.
#[derive(Clone)]
pub struct Mlp<T> {
    layers: Vec<Linear<T>>,
    activation: Activation,
}

impl<T: Tensor> Mlp<T> {
    /// `widths` are those of the input, of what lies between and of the output; `names` those of the matrices, one fewer.
    ///
    /// # Errors
    /// When a weight is missing or of another shape.
    pub fn new<N: ToString>(
        vars: &Vars<'_, T>,
        names: impl IntoIterator<Item = N>,
        widths: &[usize],
        activation: Activation,
    ) -> Result<Self> {
        let pairs = names.into_iter().zip(widths.windows(2));
        let layers = pairs.map(|(name, w)| Linear::new(&vars.at(name), w[0], w[1])).collect::<Result<_>>()?;
        Ok(Self { layers, activation })
    }

    /// Applies it to the last dimension; nothing is applied after the last matrix.
    ///
    /// # Errors
    /// When the last dimension is not the first width.
    pub fn forward(&self, x: &T) -> Result<T> {
        let mut x = x.clone();
        for (i, layer) in self.layers.iter().enumerate() {
            if i > 0 {
                x = match self.activation {
                    Activation::Relu => x.relu()?,
                    Activation::Gelu => x.gelu()?,
                };
            }
            x = layer.forward(&x)?;
        }
        Ok(x)
    }
}

/// Qwen's feed-forward layers: `down(silu(gate(x)) * up(x))`.
#[derive(Clone)]
pub struct Gated<T> {
    gate: Linear<T>,
    up: Linear<T>,
    down: Linear<T>,
}

impl<T: Tensor> Gated<T> {
    /// `gate_proj` and `up_proj` `[inner, size]`, `down_proj` `[size, inner]`, with biases or without.
    ///
    /// # Errors
    /// When a weight is missing or of another shape.
    pub fn new(vars: &Vars<'_, T>, size: usize, inner: usize, biases: bool) -> Result<Self> {
        let linear = |name: &str, from: usize, to: usize| {
            let place = vars.at(name);
            if biases { Linear::new(&place, from, to) } else { Linear::without_bias(&place, from, to) }
        };
        Ok(Self {
            gate: linear("gate_proj", size, inner)?,
            up: linear("up_proj", size, inner)?,
            down: linear("down_proj", inner, size)?,
        })
    }

    /// Over the last dimension.
    ///
    /// # Errors
    /// When the last dimension is not `size`.
    pub fn forward(&self, x: &T) -> Result<T> {
        // Named one by one, so that each of these wide tensors goes when the next is there.
        let gate = self.gate.forward(x)?;
        let gate = gate.silu()?;
        let inner = gate.mul(&self.up.forward(x)?)?;
        drop(gate);
        self.down.forward(&inner)
    }
}

/// A convolution of `[batch, channels, h, w]`.
#[derive(Clone)]
pub struct Conv2d<T> {
    weight: T,
    bias: Option<T>,
    stride: usize,
    padding: usize,
    groups: usize,
}

/// The shape of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    /// Channels in.
    pub input: usize,
    /// Channels out.
    pub output: usize,
    /// Side of the kernel.
    pub kernel: usize,
    /// Step between outputs.
    pub stride: usize,
    /// Zeros round the border.
    pub padding: usize,
    /// Groups of channels that do not see each other.
    pub groups: usize,
}

impl ConvShape {
    /// One group, step 1.
    pub fn new(input: usize, output: usize, kernel: usize) -> Self {
        Self { input, output, kernel, stride: 1, padding: 0, groups: 1 }
    }

    /// The shape of its weight.
    pub fn weight(&self) -> [usize; 4] {
        [self.output, self.input / self.groups, self.kernel, self.kernel]
    }
}

impl<T: Tensor> Conv2d<T> {
    /// `weight` as the shape says and `bias` `[output]`, where `with_bias`.
    ///
    /// # Errors
    /// When a weight is missing or of another shape.
    pub fn new(vars: &Vars<'_, T>, shape: ConvShape, with_bias: bool) -> Result<Self> {
        let weight = vars.tensor("weight", &shape.weight())?;
        let bias = with_bias.then(|| vars.tensor("bias", &[shape.output])).transpose()?;
        Ok(Self::of(weight, bias, shape))
    }

    /// Of tensors that are there already.
    pub fn of(weight: T, bias: Option<T>, shape: ConvShape) -> Self {
        Self { weight, bias, stride: shape.stride, padding: shape.padding, groups: shape.groups }
    }

    /// Without a bias and with the batch norm after it folded in, as both stand at inference: `weight` below `conv`;
    /// `weight`, `bias`, `running_mean` and `running_var`, all `[output]`, below `norm`.
    ///
    /// # Errors
    /// When a weight is missing or of another shape.
    pub fn with_batch_norm(conv: &Vars<'_, T>, norm: &Vars<'_, T>, shape: ConvShape, eps: f64) -> Result<Self> {
        let mut weight = conv.values("weight", &shape.weight())?;
        let of_norm = |name| norm.values(name, &[shape.output]);
        let (gamma, beta) = (of_norm("weight")?, of_norm("bias")?);
        let (mean, variance) = (of_norm("running_mean")?, of_norm("running_var")?);
        let mut bias = Vec::with_capacity(shape.output);
        // In f64: a running variance near zero makes factors that f32 would round twice.
        for (channel, kernel) in weight.chunks_exact_mut(shape.weight()[1..].iter().product()).enumerate() {
            let factor = f64::from(gamma[channel]) / (f64::from(variance[channel]) + eps).sqrt();
            for w in kernel {
                *w = (f64::from(*w) * factor) as f32;
            }
            bias.push((f64::from(beta[channel]) - f64::from(mean[channel]) * factor) as f32);
        }
        let weight = T::new(weight, &shape.weight(), conv.dtype(), conv.device())?;
        let bias = T::new(bias, &[shape.output], conv.dtype(), conv.device())?;
        Ok(Self::of(weight, Some(bias), shape))
    }

    /// The same map for tensors whose channels stand last; only of a convolution that looks at one pixel.
    ///
    /// # Errors
    /// When the kernel, the step, the padding or the groups are not 1, 1, 0 and 1.
    pub fn into_linear(self) -> Result<Linear<T>> {
        match (&self.weight.shape()[..], self.stride, self.padding, self.groups) {
            (&[output, input, 1, 1], 1, 0, 1) => Ok(Linear::of(self.weight.reshape(&[output, input])?, self.bias)),
            (kernel, ..) => {
                Err(ModelError::op("into_linear", format!("a kernel of shape {kernel:?} that is no 1 x 1")))
            }
        }
    }

    /// Applies it.
    ///
    /// # Errors
    /// When there are not `input` channels.
    pub fn forward(&self, x: &T) -> Result<T> {
        x.conv2d(&self.weight, self.bias.as_ref(), self.stride, self.padding, self.groups)
    }
}

/// The sizes of a tensor that has to have so many dimensions.
pub(crate) fn sizes<T: Tensor, const N: usize>(x: &T, op: &'static str) -> Result<[usize; N]> {
    let wrong = |shape: Vec<usize>| ModelError::op(op, format!("a tensor of shape {shape:?}, not of {N} dimensions"));
    x.shape().try_into().map_err(wrong)
}
