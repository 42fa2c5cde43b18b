//! What the instructions of a pickle that name and call things come to.

use super::machine::Machine;
use super::{Element, Global, Id, Node, Storage, Tensor};

/// The most dimensions of a tensor, as PyTorch has it.
const MAX_RANK: usize = 64;

impl<'a> Machine<'a> {
    /// Puts what a name stands for on the stack.
    pub(super) fn global(&mut self, module: &str, name: &str) -> Result<(), String> {
        match Global::find(module, name) {
            Some(global) => self.push(Node::Global(global)),
            None => Err(format!(
                "asks to run `{}`, which is refused: loading weights runs nothing that a file brings",
                shown(&format!("{module}.{name}"))
            )),
        }
    }

    /// `('storage', class, key, device, count)`.
    pub(super) fn storage(&self, told: Id) -> Result<Storage<'a>, String> {
        if let Node::Tuple(parts) = self.node(told)
            && let [kind, class, key, _, count] = parts[..]
            && let (Node::Text("storage"), Node::Global(Global::Storage(element))) = (self.node(kind), self.node(class))
            && let (Node::Text(key), Node::Int(count)) = (self.node(key), self.node(count))
            && let Ok(count) = u64::try_from(*count)
        {
            return Ok(Storage { key, element: *element, count });
        }
        Err("refers to something outside that is no storage of a tensor".to_owned())
    }

    /// What calling a name would give.
    pub(super) fn call(&mut self, called: Id, operands: Id, nested: bool) -> Result<Id, String> {
        let (Node::Global(global), Node::Tuple(operands)) = (self.node(called), self.node(operands)) else {
            return Err("calls what is no function, which is refused".to_owned());
        };
        let global = *global;
        match (global, operands.first().map(|&id| (id, self.node(id)))) {
            (Global::OrderedDict, None) => self.make(Node::Dict(Vec::new())),
            (Global::Size, Some((same, Node::Tuple(_)))) | (Global::Parameter, Some((same, Node::Tensor(_)))) => {
                Ok(same)
            }
            (Global::Tensor, Some((_, Node::Storage(storage)))) => {
                let element = storage.element.ok_or("makes a tensor of bytes without a type")?;
                let tensor = self.tensor(*storage, element, operands)?;
                self.make(tensor)
            }
            (Global::TensorOfBytes, Some((_, Node::Storage(storage)))) => {
                // storage, offset, shape, strides, requires_grad, hooks, type
                let Some(Node::Global(Global::Element(element))) = operands.get(6).map(|id| self.node(*id)) else {
                    return Err("makes a tensor of bytes without a type".to_owned());
                };
                let tensor = self.tensor(*storage, element, operands)?;
                self.make(tensor)
            }
            // function, class, operands, attributes; the function is never this one again, or it could go on for ever.
            (Global::Attributed, Some((_, Node::Global(_)))) if !nested && operands.len() == 4 => {
                let (function, operands) = (operands[0], operands[2]);
                self.call(function, operands, true)
            }
            (Global::Inert, _) => self.make(Node::Opaque),
            _ => Err("calls a function with operands that it does not take".to_owned()),
        }
    }

    /// A tensor of `(storage, offset, shape, strides, ...)`.
    fn tensor(&self, storage: Storage<'a>, element: &'static Element, operands: &[Id]) -> Result<Node<'a>, String> {
        let [_, offset, shape, stride, ..] = operands else {
            return Err("makes a tensor of too few operands".to_owned());
        };
        let offset = self.size(*offset)?;
        let sizes = |id: Id| match self.node(id) {
            // Every tensor could have one long tuple for its shape, each with a copy of it.
            Node::Tuple(sizes) if sizes.len() > MAX_RANK => Err(format!("has a tensor of {} dimensions", sizes.len())),
            Node::Tuple(sizes) => sizes.iter().map(|id| self.size(*id)).collect::<Result<Vec<_>, _>>(),
            _ => Err("has a tensor whose shape or strides are no tuple".to_owned()),
        };
        let (shape, stride) = (sizes(*shape)?, sizes(*stride)?);
        if shape.len() != stride.len() {
            return Err(format!("has a tensor of shape {shape:?} with {} strides", stride.len()));
        }
        Ok(Node::Tensor(Box::new(Tensor { storage, element, offset, shape, stride })))
    }

    fn size(&self, id: Id) -> Result<usize, String> {
        match self.node(id) {
            Node::Int(value) => usize::try_from(*value)
                .map_err(|_| format!("has a tensor with {value} for an offset, a size or a stride")),
            _ => Err("has a tensor whose offset, shape or strides are no integers".to_owned()),
        }
    }
}

/// Text of a file fit for a message.
fn shown(text: &str) -> String {
    text.chars().take(100).flat_map(char::escape_debug).collect()
}
