//! Models: their weights, and what a loader reads beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use hf_hub::RepoType;
use serde::Deserialize;

use super::snapshot::Snapshot;
use super::{HubError, HubOptions, is_word, names_repository};

/// What is read beside the weights, where the repository has it.
const BESIDE: [&str; 4] = ["config.json", "preprocessor_config.json", "tokenizer.json", "generation_config.json"];
const WHOLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
/// The longest index that is read, in bytes.
const MAX_INDEX: u64 = 100_000_000;

/// A model of one commit, in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFiles {
    /// The folder that has the files under their own names.
    pub folder: PathBuf,
    /// The commit.
    pub commit: String,
    /// The names of what was asked for, weights last; the folder may have other files of earlier downloads.
    pub files: Vec<String>,
}

/// A model repository, `OWNER/NAME` or `OWNER/NAME@REVISION` (else at the options' revision): from the cache, downloaded
/// where it is not there yet.
///
/// Of its files these alone: `config.json`, `preprocessor_config.json`, `tokenizer.json` and `generation_config.json` where
/// they are there, and the first there is of `model.safetensors`, `model.safetensors.index.json` with its shards, the only
/// other file that ends in `.safetensors`, and the only one that ends in `.pt` or `.pth`.
///
/// # Errors
/// See [`HubError`]; [`HubError::NoWeights`] where there is none of these weights. What has arrived until then is kept: the
/// next call goes on with it.
pub fn model(repository: &str, options: &HubOptions) -> Result<ModelFiles, HubError> {
    let (name, revision) = match repository.split_once('@') {
        Some((name, revision)) => (name, Some(revision)),
        None => (repository, None),
    };
    if !names_repository(name) || revision.is_some_and(|r| !r.split('/').all(is_word)) {
        return Err(HubError::ModelName(repository.to_owned()));
    }
    let snapshot = Snapshot::open(RepoType::Model, name, revision.unwrap_or(options.wanted()), options)?;
    let weights = match weights(snapshot.names()) {
        Ok(weights) => weights,
        Err(several) if several.is_empty() && options.offline => return Err(snapshot.not_cached(name)),
        Err(several) => {
            let (repository, revision) = (name.to_owned(), snapshot.commit().to_owned());
            return Err(HubError::NoWeights { repository, revision, several });
        }
    };
    let beside = BESIDE.iter().filter(|name| snapshot.names().iter().any(|n| n == *name));
    let mut files: Vec<String> = beside.map(|&name| name.to_owned()).collect();
    files.push(weights.to_owned());
    if weights == INDEX {
        let shards = shards(&snapshot.file(INDEX)?)?;
        // Before the gigabytes of the first are fetched.
        shards.iter().try_for_each(|shard| snapshot.need(shard))?;
        files.extend(shards);
    }
    for file in &files {
        snapshot.file(file)?;
    }
    Ok(ModelFiles { folder: snapshot.folder().to_owned(), commit: snapshot.finish()?, files })
}

/// The file to take the weights from, which may be the index of shards; else those of which there are several.
fn weights(names: &[String]) -> Result<&str, Vec<String>> {
    if let Some(name) = [WHOLE, INDEX].into_iter().find(|name| names.iter().any(|n| n == name)) {
        return Ok(name);
    }
    let mut several = Vec::new();
    for endings in [&["safetensors"][..], &["pt", "pth"]] {
        let of_kind = || names.iter().filter(|name| is_plain(name) && endings.contains(&ending(name).as_str()));
        match (of_kind().next(), of_kind().nth(1)) {
            (Some(only), None) => return Ok(only),
            _ => several.extend(of_kind().cloned()),
        }
    }
    Err(several)
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The shards that an index names, each once.
fn shards(index: &Path) -> Result<BTreeSet<String>, HubError> {
    let wrong = |why: String| HubError::Index { path: index.to_owned(), why };
    let cannot = |source| HubError::Cache { path: index.to_owned(), source };
    if fs::metadata(index).map_err(cannot)?.len() > MAX_INDEX {
        return Err(wrong(format!("it has more than {MAX_INDEX} bytes")));
    }
    let file = BufReader::new(File::open(index).map_err(cannot)?);
    let map: Index = serde_json::from_reader(file).map_err(|e| wrong(e.to_string()))?;
    let names: BTreeSet<String> = map.weight_map.into_values().collect();
    if names.is_empty() {
        return Err(wrong("it names none".to_owned()));
    }
    match names.iter().find(|name| !is_plain(name) || ending(name) != "safetensors") {
        Some(name) => Err(wrong(format!("refused, {name:?} is not the plain name of a .safetensors file"))),
        None => Ok(names),
    }
}

/// Whether a name is that of a file in the folder itself, on every system.
fn is_plain(name: &str) -> bool {
    !name.starts_with('.') && !name.contains(['/', '\\', ':', '\0'])
}

fn ending(name: &str) -> String {
    Path::new(name).extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::weights;

    #[test]
    fn the_weights_are_chosen_by_what_there_is() {
        let sharded = "model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json";
        for (names, expected) in [
            // Qwen/Qwen2.5-VL-3B-Instruct; facebook/sam2-hiera-large now, and as it was.
            (sharded, Ok("model.safetensors.index.json")),
            ("config.json model.safetensors sam2_hiera_l.yaml sam2_hiera_large.pt", Ok("model.safetensors")),
            ("README.md sam2_hiera_l.yaml sam2_hiera_large.pt", Ok("sam2_hiera_large.pt")),
            (
                "model-00001-of-00001.safetensors model.safetensors model.safetensors.index.json",
                Ok("model.safetensors"),
            ),
            ("model.pth other.safetensors pytorch_model.bin", Ok("other.safetensors")),
            ("a.safetensors b.safetensors model.PTH", Ok("model.PTH")),
            ("._c.pt b.pt onnx/c.pt onnx/model.safetensors", Ok("b.pt")),
            ("a.safetensors b.safetensors", Err("a.safetensors b.safetensors")),
            ("a.pt b.pth", Err("a.pt b.pth")),
            ("a.safetensors b.safetensors c.pt d.pt", Err("a.safetensors b.safetensors c.pt d.pt")),
            ("config.json model.h5 model.onnx pytorch_model.bin safetensors", Err("")),
            ("", Err("")),
        ] {
            let listed: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
            let expected = expected.map_err(|e: &str| e.split_whitespace().map(str::to_owned).collect());
            assert_eq!(weights(&listed), expected, "{names}");
        }
    }
}
