//! Where networks run: what the user asks for, and what is there.

use serde::Serialize;

/// Where to run, as the user asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Target {
    /// A GPU where the build has CUDA and there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU of that number.
    Cuda(usize),
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("`{text}` is no device; there are auto, cpu, cuda and cuda:N");
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            other => {
                let number = other.strip_prefix("cuda:").and_then(|n| n.parse().ok());
                number.map(Self::Cuda).ok_or_else(unknown)
            }
        }
    }
}

/// A device and what can be computed there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceState {
    /// The library that computes there, as `candle`.
    pub library: &'static str,
    /// Its name, as options spell it.
    pub device: &'static str,
    /// The types of numbers, and what they mean there.
    pub dtypes: &'static str,
    /// Why it cannot be used here, in a line; `None` when it can.
    pub why_not: Option<String>,
}
