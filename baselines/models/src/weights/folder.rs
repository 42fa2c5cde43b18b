//! Weights by the path of a file or of a folder, as they are downloaded.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::mapped::{Mapped, WeightFile, wrong};
use super::{Pt, SafeTensors, View, Weights};
use crate::Result;

const WHOLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
/// The longest index that is read, in bytes.
const MAX_INDEX: usize = 100_000_000;

/// Opens weights: a file by its ending (`.safetensors`, or `.pt`, `.pth` or `.bin` for a checkpoint of PyTorch), or those of a
/// folder, which are the first there is of `model.safetensors`, the files of `model.safetensors.index.json`, the only file
/// that ends in `.safetensors`, and the only one that ends in `.pt` or `.pth`.
///
/// # Errors
/// [`crate::ModelError::File`] when there is none, or it is not what it should be.
pub fn open(path: impl AsRef<Path>) -> Result<Box<dyn Weights>> {
    let path = path.as_ref();
    if !fs::metadata(path).map_err(|e| wrong(path, e))?.is_dir() {
        return file(path);
    }
    if path.join(WHOLE).is_file() {
        return file(&path.join(WHOLE));
    }
    if path.join(INDEX).is_file() {
        return Ok(Box::new(Sharded::open(path)?));
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(|e| wrong(path, e))? {
        files.push(entry.map_err(|e| wrong(path, e))?.path());
    }
    for endings in [&["safetensors"][..], &["pt", "pth"]] {
        let mut of_kind = files.iter().filter(|file| endings.contains(&ending(file).as_str()) && file.is_file());
        match (of_kind.next(), of_kind.next()) {
            (Some(only), None) => return file(only),
            (Some(_), Some(_)) => {
                return Err(wrong(path, format!("has several files that end in .{}: name one", endings.join(" or ."))));
            }
            (None, _) => {}
        }
    }
    Err(wrong(
        path,
        format!(
            "has no weights; looked for {WHOLE}, {INDEX}, a file that ends in .safetensors, and one in .pt or .pth"
        ),
    ))
}

fn file(path: &Path) -> Result<Box<dyn Weights>> {
    match ending(path).as_str() {
        "safetensors" => Ok(Box::new(SafeTensors::open(path)?)),
        "pt" | "pth" | "bin" => Ok(Box::new(Pt::open(path)?)),
        _ => Err(wrong(path, "is no file of weights: they end in .safetensors, .pt, .pth or .bin")),
    }
}

fn ending(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

/// Weights in several `.safetensors` files of a folder that an index lists.
pub struct Sharded {
    folder: PathBuf,
    shards: Vec<WeightFile>,
    /// The shard of every key.
    places: BTreeMap<String, usize>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl Sharded {
    /// Opens the files that the folder's `model.safetensors.index.json` lists.
    ///
    /// # Errors
    /// [`crate::ModelError::File`] when the index or one of the files is not what it should be: the index names files of the
    /// same folder by their plain names, each key is in the file that the index tells and in no other, and no file holds a
    /// key that the index does not list.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let path = folder.join(INDEX);
        let text = Mapped::open(&path)?;
        if text.bytes().len() > MAX_INDEX {
            return Err(wrong(&path, format!("has more than {MAX_INDEX} bytes")));
        }
        let index: Index = serde_json::from_slice(text.bytes()).map_err(|e| wrong(&path, e))?;
        let mut by_file: BTreeMap<&str, usize> = BTreeMap::new();
        for name in index.weight_map.values() {
            let next = by_file.len();
            by_file.entry(name).or_insert(next);
        }
        let mut names = vec![""; by_file.len()];
        for (name, at) in &by_file {
            if !plain(name) {
                return Err(wrong(&path, format!("{name:?} is not the plain name of a .safetensors file")));
            }
            names[*at] = name;
        }
        let shards = names.iter().map(|name| SafeTensors::open(folder.join(name))).collect::<Result<Vec<_>>>()?;
        let mut places = BTreeMap::new();
        for (at, shard) in shards.iter().enumerate() {
            for key in shard.keys() {
                match index.weight_map.get(&key) {
                    Some(name) if by_file.get(name.as_str()) == Some(&at) => places.insert(key, at),
                    Some(name) => {
                        return Err(wrong(
                            &folder.join(names[at]),
                            format!("holds `{key}`, which should be in {name}"),
                        ));
                    }
                    None => {
                        return Err(wrong(
                            &folder.join(names[at]),
                            format!("holds `{key}`, which {INDEX} does not list"),
                        ));
                    }
                };
            }
        }
        if let Some((key, name)) = index.weight_map.iter().find(|(key, _)| !places.contains_key(*key)) {
            return Err(wrong(&folder.join(name), format!("does not hold `{key}`, which {INDEX} lists")));
        }
        Ok(Self { folder: folder.to_owned(), shards, places })
    }
}

/// Whether a name is that of a file in the folder itself, on every system. It may be a link, as in a cache of downloads.
fn plain(name: &str) -> bool {
    name.ends_with(".safetensors") && !name.starts_with('.') && !name.contains(['/', '\\', ':', '\0'])
}

impl Weights for Sharded {
    fn name(&self) -> String {
        self.folder.display().to_string()
    }

    fn view(&self, key: &str, shape: &[usize]) -> Result<Option<View<'_>>> {
        self.places.get(key).map_or(Ok(None), |&at| self.shards[at].view(key, shape))
    }

    fn taken(&self, key: &str) {
        if let Some(shard) = self.places.get(key).and_then(|place| self.shards.get(*place)) {
            shard.taken(key);
        }
    }

    fn keys(&self) -> Vec<String> {
        self.places.keys().cloned().collect()
    }
}
