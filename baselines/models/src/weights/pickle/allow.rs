//! The names that a pickle may use.

use super::super::mapped::Stored;
use crate::DType;

/// A type of elements that PyTorch knows.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Element {
    /// Its name in `torch`.
    name: &'static str,
    /// The name of storages of it; newer types have none, their storages are just bytes.
    storage: Option<&'static str>,
    /// Bytes an element takes.
    pub(in super::super) size: usize,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Global {
    /// A dictionary that keeps its order, as all do here.
    OrderedDict,
    /// Makes a tensor of a storage that has a type.
    Tensor,
    /// Makes a tensor of a storage of bytes.
    TensorOfBytes,
    /// Makes a parameter of a tensor: the tensor.
    Parameter,
    /// Makes a tensor that has further attributes, by another of these.
    Attributed,
    /// Makes a shape of a tuple: the tuple.
    Size,
    /// A class of storages.
    Storage(Option<&'static Element>),
    /// A type of elements.
    Element(&'static Element),
    /// Something that makes values in which no weights lie.
    Inert,
}

const fn element(name: &'static str, storage: &'static str, size: usize) -> Element {
    Element { name, storage: Some(storage), size }
}

const fn newer(name: &'static str, size: usize) -> Element {
    Element { name, storage: None, size }
}

static ELEMENTS: [Element; 20] = [
    element("float32", "FloatStorage", 4),
    element("bfloat16", "BFloat16Storage", 2),
    element("float16", "HalfStorage", 2),
    element("float64", "DoubleStorage", 8),
    element("int64", "LongStorage", 8),
    element("int32", "IntStorage", 4),
    element("int16", "ShortStorage", 2),
    element("int8", "CharStorage", 1),
    element("uint8", "ByteStorage", 1),
    element("bool", "BoolStorage", 1),
    element("complex64", "ComplexFloatStorage", 8),
    element("complex128", "ComplexDoubleStorage", 16),
    newer("uint16", 2),
    newer("uint32", 4),
    newer("uint64", 8),
    newer("float8_e4m3fn", 1),
    newer("float8_e4m3fnuz", 1),
    newer("float8_e5m2", 1),
    newer("float8_e5m2fnuz", 1),
    newer("float8_e8m0fnu", 1),
];

impl Element {
    /// What it is to those who read weights.
    pub(in super::super) fn stored(&self) -> Stored {
        match self.name {
            "float32" => Stored::Float(DType::F32),
            "bfloat16" => Stored::Float(DType::Bf16),
            "float16" => Stored::Float(DType::F16),
            "float64" => Stored::Double,
            other => Stored::Other(other.to_owned()),
        }
    }
}

impl Global {
    /// What a name of a module stands for, or none where a file must not use it.
    pub(super) fn find(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Self::Tensor,
            ("torch._utils", "_rebuild_tensor_v3") => Self::TensorOfBytes,
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => Self::Parameter,
            ("torch._tensor", "_rebuild_from_type_v2") => Self::Attributed,
            ("torch", "Size") => Self::Size,
            ("torch.storage", "UntypedStorage") => Self::Storage(None),
            // Bytes and sets as protocol 2 spells them, and what stands beside weights in checkpoints of training.
            ("_codecs", "encode")
            | ("__builtin__" | "builtins", "set")
            | ("collections", "Counter")
            | ("torch", "device" | "Tensor")
            | ("torch.nn.parameter", "Parameter") => Self::Inert,
            ("torch", name) => {
                let found = ELEMENTS.iter().find(|e| e.name == name || e.storage == Some(name))?;
                if found.name == name { Self::Element(found) } else { Self::Storage(Some(found)) }
            }
            _ => return None,
        })
    }
}
