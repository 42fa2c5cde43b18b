//! The instructions of a pickle.

use std::collections::HashMap;

use super::bytes::Bytes;
use super::{Id, Node, Pickle};

/// The most values a pickle may have: some hundred thousand tensors, in some hundred megabytes.
const MAX_NODES: usize = 4_000_000;

/// The values of a pickle, or what is wrong with it.
pub(in super::super) fn read(pickle: &[u8]) -> Result<Pickle<'_>, String> {
    let mut bytes = Bytes::new(pickle);
    let mut machine = Machine::default();
    loop {
        let at = bytes.at();
        let step = bytes.byte().and_then(|code| machine.step(code, &mut bytes));
        if let Some(root) = step.map_err(|why| format!("{why} (byte {at} of the pickle)"))? {
            return Ok(Pickle { nodes: machine.nodes, root });
        }
    }
}

#[derive(Default)]
pub(super) struct Machine<'a> {
    nodes: Vec<Node<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack at which lists of operands begin.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

impl<'a> Machine<'a> {
    /// One instruction. Each takes at least a byte of the pickle and does no more than handle operands that earlier ones
    /// put on the stack, so that all of them together take a time that goes with the pickle's length. Gives the value when
    /// it was the last one.
    fn step(&mut self, code: u8, from: &mut Bytes<'a>) -> Result<Option<Id>, String> {
        match code {
            0x80 => match from.byte()? {
                0..=5 => {}
                newer => return Err(format!("is of protocol {newer}, which is not known")),
            },
            0x95 => {
                let length = from.number::<8>()?;
                from.holds(length)?;
            }
            b'.' => return self.pop().map(Some),
            b'(' => self.marks.push(self.stack.len()),
            // Python's: takes the mark where nothing lies above it.
            b'0' if self.marks.last() == Some(&self.stack.len()) => {
                self.marks.pop();
            }
            // The second: attributes of a value, such as the versions that a state dictionary carries. No weights lie there.
            b'0' | b'b' => {
                self.pop()?;
            }
            b'1' | 0x90 => {
                self.pop_mark()?;
            }
            b'2' => self.stack.push(self.top()?),
            // Plain values.
            b'N' | 0x88 | 0x89 | 0x8f => self.push(Node::Opaque)?,
            b'J' => self.push(Node::Int(i32::from_le_bytes(from.array()?).into()))?,
            b'K' => self.int(from.number::<1>()?)?,
            b'M' => self.int(from.number::<2>()?)?,
            0x8a => self.long(from.number::<1>()?, from)?,
            0x8b => self.long(from.number::<4>()?, from)?,
            b'I' | b'L' => {
                // `00` and `01` are truth in the oldest protocol; as numbers they do no harm.
                let number = from.line()?.trim_end_matches('L').parse().map_or(Node::Opaque, Node::Int);
                self.push(number)?;
            }
            b'F' => from.line().and_then(|_| self.push(Node::Opaque))?,
            b'G' => from.take(8).and_then(|_| self.push(Node::Opaque))?,
            b'X' => from.number::<4>().and_then(|n| from.text(n)).and_then(|t| self.push(Node::Text(t)))?,
            0x8c => from.number::<1>().and_then(|n| from.text(n)).and_then(|t| self.push(Node::Text(t)))?,
            0x8d => from.number::<8>().and_then(|n| from.text(n)).and_then(|t| self.push(Node::Text(t)))?,
            b'U' => from.number::<1>().and_then(|n| from.take(n)).and_then(|b| self.push(old_text(b)))?,
            b'T' => from.number::<4>().and_then(|n| from.take(n)).and_then(|b| self.push(old_text(b)))?,
            b'C' => from.number::<1>().and_then(|n| from.take(n)).and_then(|_| self.push(Node::Opaque))?,
            b'B' => from.number::<4>().and_then(|n| from.take(n)).and_then(|_| self.push(Node::Opaque))?,
            0x8e | 0x96 => from.number::<8>().and_then(|n| from.take(n)).and_then(|_| self.push(Node::Opaque))?,
            // Values of values.
            b')' => self.push(Node::Tuple(Vec::new()))?,
            b']' => self.push(Node::List(Vec::new()))?,
            b'}' => self.push(Node::Dict(Vec::new()))?,
            b't' => self.pop_mark().and_then(|items| self.push(Node::Tuple(items)))?,
            b'l' => self.pop_mark().and_then(|items| self.push(Node::List(items)))?,
            b'd' => self.pop_mark().and_then(pairs).and_then(|items| self.push(Node::Dict(items)))?,
            0x91 => self.pop_mark().and_then(|_| self.push(Node::Opaque))?,
            0x85..=0x87 => {
                let mut items = Vec::with_capacity(3);
                for _ in 0x85..=code {
                    items.insert(0, self.pop()?);
                }
                self.push(Node::Tuple(items))?;
            }
            b'a' => {
                let item = self.pop()?;
                self.extend(vec![item])?;
            }
            b'e' => self.pop_mark().and_then(|items| self.extend(items))?,
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(vec![(key, value)])?;
            }
            b'u' => self.pop_mark().and_then(pairs).and_then(|items| self.set(items))?,
            // Values again.
            b'q' => from.number::<1>().and_then(|n| self.put(n))?,
            b'r' => from.number::<4>().and_then(|n| self.put(n))?,
            0x94 => self.put(self.memo.len() as u64)?,
            b'h' => from.number::<1>().and_then(|n| self.get(n))?,
            b'j' => from.number::<4>().and_then(|n| self.get(n))?,
            // Names and calls.
            b'c' => {
                let (module, name) = (from.line()?, from.line()?);
                self.global(module, name)?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Node::Text(module), Node::Text(name)) = (self.node(module), self.node(name)) else {
                    return Err("has a name that is no text".to_owned());
                };
                let (module, name) = (*module, *name);
                self.global(module, name)?;
            }
            b'Q' => {
                let told = self.pop()?;
                let storage = self.storage(told)?;
                self.push(Node::Storage(storage))?;
            }
            b'R' | 0x81 => {
                let (operands, called) = (self.pop()?, self.pop()?);
                let made = self.call(called, operands, false)?;
                self.stack.push(made);
            }
            other => {
                let shown = char::from(other).escape_default();
                return Err(format!("has the instruction `{shown}`, which torch.save does not write"));
            }
        }
        Ok(None)
    }

    pub(super) fn node(&self, id: Id) -> &Node<'a> {
        &self.nodes[id as usize]
    }

    pub(super) fn make(&mut self, node: Node<'a>) -> Result<Id, String> {
        if self.nodes.len() == MAX_NODES {
            return Err(format!("has more than {MAX_NODES} values"));
        }
        self.nodes.push(node);
        Ok((self.nodes.len() - 1) as Id)
    }

    pub(super) fn push(&mut self, node: Node<'a>) -> Result<(), String> {
        let id = self.make(node)?;
        self.stack.push(id);
        Ok(())
    }

    fn top(&self) -> Result<Id, String> {
        let bottom = self.marks.last().copied().unwrap_or(0);
        self.stack
            .get(bottom..)
            .and_then(<[Id]>::last)
            .copied()
            .ok_or_else(|| "takes a value where there is none".to_owned())
    }

    fn pop(&mut self) -> Result<Id, String> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or("takes a list of values where none begins")?;
        // Nothing is taken from below a mark, so that the stack reaches up to it.
        Ok(self.stack.split_off(mark))
    }

    fn int(&mut self, value: u64) -> Result<(), String> {
        self.push(i64::try_from(value).map_or(Node::Opaque, Node::Int))
    }

    /// An integer of any length, in two's complement.
    fn long(&mut self, length: u64, from: &mut Bytes<'a>) -> Result<(), String> {
        let digits = from.take(length)?;
        let sign = if digits.last().is_some_and(|b| b & 0x80 != 0) { 0xff } else { 0 };
        let mut wide = [sign; 8];
        match wide.get_mut(..digits.len()) {
            None => self.push(Node::Opaque),
            Some(low) => {
                low.copy_from_slice(digits);
                self.push(Node::Int(i64::from_le_bytes(wide)))
            }
        }
    }

    fn put(&mut self, place: u64) -> Result<(), String> {
        let top = self.top()?;
        self.memo.insert(place, top);
        Ok(())
    }

    fn get(&mut self, place: u64) -> Result<(), String> {
        let id = self.memo.get(&place).ok_or_else(|| format!("asks for value {place}, which it did not keep"))?;
        self.stack.push(*id);
        Ok(())
    }

    fn extend(&mut self, items: Vec<Id>) -> Result<(), String> {
        let target = self.top()? as usize;
        match &mut self.nodes[target] {
            Node::List(list) => list.extend(items),
            _ => return Err("appends to what is no list".to_owned()),
        }
        Ok(())
    }

    fn set(&mut self, items: Vec<(Id, Id)>) -> Result<(), String> {
        let target = self.top()? as usize;
        match &mut self.nodes[target] {
            Node::Dict(dict) => dict.extend(items),
            _ => return Err("sets a key of what is no dictionary".to_owned()),
        }
        Ok(())
    }
}

fn pairs(items: Vec<Id>) -> Result<Vec<(Id, Id)>, String> {
    match items.as_chunks::<2>() {
        (pairs, []) => Ok(pairs.iter().map(|&[k, v]| (k, v)).collect()),
        _ => Err("has a dictionary with a key without a value".to_owned()),
    }
}

/// What Python 2 wrote as text, and bytes that are none.
fn old_text(bytes: &[u8]) -> Node<'_> {
    std::str::from_utf8(bytes).map_or(Node::Opaque, Node::Text)
}
