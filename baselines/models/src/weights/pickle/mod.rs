//! Python's pickle format, as far as `torch.save` needs it, and nothing of it run.
//!
//! A pickle is a program: its instructions put objects on a stack, and some of them call any function that the file names.
//! Here the instructions build a tree of plain values. The few names in `allow` stand for values too, and "calling" one
//! makes the value that PyTorch would make; a file that names anything else is refused.

mod allow;
mod bytes;
mod calls;
mod machine;

pub(super) use allow::{Element, Global};
pub(super) use machine::read;

/// Place of a value in [`Pickle::nodes`].
pub(super) type Id = u32;

/// A pickle's values. They refer to one another by place, so that one which is in two dictionaries is here once, one may
/// even be inside itself, and however deep they lie in one another, nothing here calls itself.
#[derive(Debug)]
pub(super) struct Pickle<'a> {
    nodes: Vec<Node<'a>>,
    root: Id,
}

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Node<'a> {
    /// A value that no tensor is made of: nothing, truth, a float, bytes, a set, a device, an integer beyond 64 bits.
    Opaque,
    /// An integer.
    Int(i64),
    /// Text.
    Text(&'a str),
    /// Values that do not change.
    Tuple(Vec<Id>),
    /// Values.
    List(Vec<Id>),
    /// Keys and values.
    Dict(Vec<(Id, Id)>),
    /// A name that the file may use.
    Global(Global),
    /// Bytes beside the pickle.
    Storage(Storage<'a>),
    /// A tensor.
    Tensor(Box<Tensor<'a>>),
}

/// Bytes beside the pickle, as the pickle tells of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Storage<'a> {
    /// Its name in the checkpoint.
    pub(super) key: &'a str,
    /// The type of its elements; none where it is just bytes.
    pub(super) element: Option<&'static Element>,
    /// How many elements, or bytes, it has.
    pub(super) count: u64,
}

/// A tensor as the pickle tells of it, with nothing checked against the storage.
#[derive(Debug, Clone)]
pub(super) struct Tensor<'a> {
    /// Where its elements are.
    pub(super) storage: Storage<'a>,
    /// Their type.
    pub(super) element: &'static Element,
    /// The first of them, in elements.
    pub(super) offset: usize,
    /// Its shape.
    pub(super) shape: Vec<usize>,
    /// Elements from one index to the next of each dimension; as many as `shape` has.
    pub(super) stride: Vec<usize>,
}

impl<'a> Pickle<'a> {
    /// The whole value.
    pub(super) fn root(&self) -> Id {
        self.root
    }

    /// The value at a place; places come from this pickle only.
    pub(super) fn node(&self, id: Id) -> &Node<'a> {
        &self.nodes[id as usize]
    }
}
