//! Weights in a checkpoint of PyTorch.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use super::mapped::{Entry, WeightFile};
use super::pickle::{self, Id, Node, Pickle, Tensor};
use super::zipped;
use crate::Result;

/// The longest pickle that is read, in bytes: of the largest checkpoints it has some megabytes.
const MAX_PICKLE: usize = 64 << 20;
/// How deep dictionaries may lie in one another.
const MAX_DEPTH: usize = 64;
/// How much looking through them may cost, about in bytes of keys. A pickle can put one dictionary into two, those into two
/// others, and so on, and be small and yet without an end to go through.
const MAX_COST: usize = 64 << 20;
/// Names under which a checkpoint holds its whole state dictionary.
const WRAPPERS: [&str; 2] = ["model", "state_dict"];

/// A checkpoint that `torch.save` of PyTorch 1.6 or later wrote, mapped into memory.
///
/// The pickle in it is read as data: nothing in it is run, and one that asks for more than tensors in dictionaries, lists
/// and tuples is refused. Keys of dictionaries in dictionaries are joined by `.`, as are indices into lists.
pub struct Pt;

impl Pt {
    /// Opens a file. Where all its tensors lie in one dictionary of the name `model` or `state_dict`, that name is left out
    /// of the keys.
    ///
    /// # Errors
    /// [`crate::ModelError::File`] when the file cannot be read, is no such checkpoint, is damaged, or asks to run code.
    pub fn open(path: impl AsRef<Path>) -> Result<WeightFile> {
        WeightFile::open(path.as_ref(), tensors)
    }
}

/// The tensors of a file, or what is wrong with it.
fn tensors(file: &[u8]) -> Result<BTreeMap<String, Entry>, String> {
    if file.starts_with(b"\x80\x02") {
        return Err("was saved by PyTorch before 1.6: load it there and save it again".to_owned());
    }
    if !file.starts_with(b"PK\x03\x04") {
        return Err("is no checkpoint of PyTorch".to_owned());
    }
    let entries = zipped::entries(file)?;
    let mut pickles = entries.iter().filter_map(|(name, at)| Some((name.strip_suffix("/data.pkl")?, at.clone())));
    let (Some((folder, at)), None) = (pickles.next(), pickles.next()) else {
        return Err("is no checkpoint of PyTorch: it should have one zip entry `data.pkl` in a folder".to_owned());
    };
    if at.len() > MAX_PICKLE {
        return Err(format!("has a pickle of {} bytes; {MAX_PICKLE} are read", at.len()));
    }
    if entries.get(format!("{folder}/byteorder").as_str()).is_some_and(|at| &file[at.clone()] == b"big") {
        return Err("was saved on a big-endian machine".to_owned());
    }
    let folder = format!("{folder}/data/");
    let storages: BTreeMap<&str, &Range<usize>> =
        entries.iter().filter_map(|(name, at)| Some((name.strip_prefix(&folder)?, at))).collect();
    let pickle = pickle::read(&file[at])?;
    let mut tensors = BTreeMap::new();
    for (key, tensor) in named(&pickle)? {
        let storage = storages.get(tensor.storage.key).ok_or_else(|| format!("has no storage for tensor `{key}`"))?;
        let entry = entry(tensor, (*storage).clone()).map_err(|why| format!("tensor `{key}` {why}"))?;
        if tensors.insert(key.clone(), entry).is_some() {
            return Err(format!("has two tensors of the key `{key}`"));
        }
    }
    if tensors.is_empty() { Err("holds no tensors".to_owned()) } else { Ok(tensors) }
}

/// Every tensor of a pickle with its key.
fn named<'p, 'a>(pickle: &'p Pickle<'a>) -> Result<Vec<(String, &'p Tensor<'a>)>, String> {
    let mut search = Search { pickle, found: Vec::new(), cost: 0 };
    search.walk(pickle.root(), "", 0)?;
    let Node::Dict(top) = pickle.node(pickle.root()) else { return Ok(search.found) };
    // A key that begins with `model.` may be a layer's own name; it is a wrapper only as a dictionary in the dictionary.
    for wrapper in WRAPPERS {
        let named = |key: Id| matches!(pickle.node(key), Node::Text(name) if *name == wrapper);
        if let Some((_, inner)) = top.iter().find(|(key, _)| named(*key))
            && let Node::Dict(_) = pickle.node(*inner)
        {
            let mut inside = Search { pickle, found: Vec::new(), cost: 0 };
            inside.walk(*inner, "", 1)?;
            if inside.found.len() == search.found.len() {
                return Ok(inside.found);
            }
        }
    }
    Ok(search.found)
}

struct Search<'p, 'a> {
    pickle: &'p Pickle<'a>,
    found: Vec<(String, &'p Tensor<'a>)>,
    cost: usize,
}

impl Search<'_, '_> {
    fn walk(&mut self, id: Id, prefix: &str, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("has dictionaries or lists more than {MAX_DEPTH} deep in one another"));
        }
        match self.pickle.node(id) {
            Node::Tensor(tensor) => self.found.push((prefix.to_owned(), tensor)),
            Node::Tuple(items) | Node::List(items) => {
                for (i, item) in items.iter().enumerate() {
                    if self.worth(*item, prefix.len())? {
                        self.walk(*item, &joined(prefix, &i.to_string()), depth + 1)?;
                    }
                }
            }
            Node::Dict(items) => {
                for (key, value) in items {
                    let name = match self.pickle.node(*key) {
                        Node::Text(name) => Cow::Borrowed(*name),
                        Node::Int(number) => Cow::Owned(number.to_string()),
                        // No tensor may be below such a key, but other things may.
                        _ => Cow::Borrowed(""),
                    };
                    if !self.worth(*value, prefix.len() + name.len())? {
                        continue;
                    }
                    let before = self.found.len();
                    self.walk(*value, &joined(prefix, &name), depth + 1)?;
                    if name.is_empty() && self.found.len() > before {
                        return Err("has a tensor whose key is empty, or neither text nor an integer".to_owned());
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether there may be tensors in a value.
    fn worth(&mut self, id: Id, key: usize) -> Result<bool, String> {
        let worth = matches!(self.pickle.node(id), Node::Tensor(_) | Node::Tuple(_) | Node::List(_) | Node::Dict(_));
        self.cost += if worth { 32 + key } else { 1 };
        if self.cost > MAX_COST {
            return Err("has too many or too long keys".to_owned());
        }
        Ok(worth)
    }
}

fn joined(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// A tensor in a file whose storage is at `storage`, or why it cannot be there.
fn entry(tensor: &Tensor<'_>, storage: Range<usize>) -> Result<Entry, String> {
    let (count, each) = (tensor.storage.count, tensor.storage.element.map_or(1, |e| e.size));
    if count.checked_mul(each as u64) != Some(storage.len() as u64) {
        return Err(format!("should have a storage of {count} times {each} bytes; it has {}", storage.len()));
    }
    let (size, shape) = (tensor.element.size, &tensor.shape);
    let made = |bytes, strides| Entry { stored: tensor.element.stored(), shape: shape.clone(), bytes, strides };
    if shape.contains(&0) {
        return Ok(made(storage.start..storage.start, None));
    }
    let last = shape.iter().zip(&tensor.stride).try_fold(tensor.offset, |last, (size, stride)| {
        (size - 1).checked_mul(*stride).and_then(|step| last.checked_add(step))
    });
    let elements = storage.len() / size;
    if last.is_none_or(|last| last >= elements) {
        return Err(format!("of shape {shape:?} reaches beyond its storage of {elements} elements"));
    }
    let start = storage.start + tensor.offset * size;
    // Steps of a dimension of size 1 are never taken, whatever they are.
    let strides: Vec<usize> =
        shape.iter().zip(&tensor.stride).map(|(n, step)| if *n == 1 { 0 } else { *step }).collect();
    let mut count = Some(1_usize);
    let mut in_order = true;
    for (&n, &step) in shape.iter().zip(&strides).rev() {
        in_order &= n == 1 || Some(step) == count;
        count = count.and_then(|c| c.checked_mul(n));
    }
    match count {
        // It has as many elements as the last one's place says, which is inside.
        Some(count) if in_order => Ok(made(start..start + count * size, None)),
        Some(count) if count <= elements => Ok(made(start..storage.end, Some(strides))),
        _ => Err(format!("of shape {shape:?} repeats the {elements} elements of its storage")),
    }
}
