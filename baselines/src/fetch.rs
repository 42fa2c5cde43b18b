//! Fetching model files: pinned by hash, resumable, whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use socio_dataset::files::{self, FileError};
use socio_dataset::hash;

const TEXT: &str = include_str!("../models.toml");

/// A file of a model.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Its name.
    pub name: String,
    /// What its SHA-256 must be.
    pub sha256: String,
    /// Its length in bytes.
    pub size: u64,
    /// Where it is published, tried in this order.
    pub addresses: Vec<String>,
    /// What is put before what the address gives.
    #[serde(default)]
    pub before: String,
    /// And behind it.
    #[serde(default)]
    pub after: String,
}

/// A model that can be fetched.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The name to fetch it by.
    pub name: String,
    /// Its folder under the models' folder.
    pub folder: String,
    /// What it is.
    pub about: String,
    /// Its licence.
    pub licence: String,
    /// Its files.
    #[serde(rename = "file")]
    pub files: Vec<ModelFile>,
}

#[derive(Deserialize)]
struct List {
    model: Vec<Model>,
}

/// A model file that could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No model of that name.
    #[error("there is no model `{name}` to fetch; there are {}", known.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Published nowhere in this form.
    #[error(
        "{file} is not published at a fixed address: give --from with a folder or server that has it (SHA-256 {sha256})"
    )]
    NoAddress {
        /// The file.
        file: String,
        /// Its hash.
        sha256: String,
    },
    /// No address gave it.
    #[error("{file} could not be fetched; what arrived is kept, run again to go on:\n{}", tried.join("\n"))]
    Failed {
        /// The file.
        file: String,
        /// A line an address.
        tried: Vec<String>,
    },
    /// The file system.
    #[error(transparent)]
    File(#[from] FileError),
    /// The list itself.
    #[error("the list of models does not parse: {0}")]
    List(#[from] toml::de::Error),
}

/// The models that can be fetched.
///
/// # Errors
/// Never for a released build: a test parses the embedded list.
pub fn models() -> Result<Vec<Model>, FetchError> {
    Ok(toml::from_str::<List>(TEXT)?.model)
}

/// Brings all files of a model under `root`; those that are there with the right hash stay. `from` is a folder, or an
/// address under which `<folder>/<file>` lies, in place of the pinned addresses. `progress` is called with a file's name, its
/// bytes so far, and its size.
///
/// # Errors
/// See [`FetchError`].
pub fn fetch(
    name: &str,
    root: &Path,
    from: Option<&str>,
    mut progress: impl FnMut(&str, u64, u64),
) -> Result<Vec<PathBuf>, FetchError> {
    let all = models()?;
    let known = || all.iter().map(|m| m.name.clone()).collect();
    let model = all
        .iter()
        .find(|m| m.name == name)
        .ok_or_else(|| FetchError::Unknown { name: name.to_owned(), known: known() })?;
    let folder = root.join(&model.folder);
    files::create_dir(&folder)?;
    let mut done = Vec::new();
    for file in &model.files {
        let path = folder.join(&file.name);
        if path.is_file() && sha256_of(&path)? == file.sha256 {
            done.push(path);
            continue;
        }
        let sources = sources(model, file, from);
        if sources.is_empty() {
            return Err(FetchError::NoAddress { file: file.name.clone(), sha256: file.sha256.clone() });
        }
        let mut tried = Vec::new();
        for source in sources {
            match bring(&source, from.is_some(), file, &path, &mut progress) {
                Ok(()) => break,
                Err(why) => tried.push(format!("  {source}: {why}")),
            }
        }
        if !path.is_file() || sha256_of(&path)? != file.sha256 {
            return Err(FetchError::Failed { file: file.name.clone(), tried });
        }
        done.push(path);
    }
    Ok(done)
}

fn sources(model: &Model, file: &ModelFile, from: Option<&str>) -> Vec<String> {
    match from {
        None => file.addresses.clone(),
        Some(base) => {
            let base = base.trim_end_matches('/');
            vec![format!("{base}/{}/{}", model.folder, file.name), format!("{base}/{}", file.name)]
        }
    }
}

/// One try at one source: a partial file is gone on with, its hash decides whether it becomes the file.
fn bring(
    source: &str,
    whole: bool,
    file: &ModelFile,
    path: &Path,
    progress: &mut impl FnMut(&str, u64, u64),
) -> Result<(), String> {
    let partial = path.with_file_name(format!(".{}.partial", file.name));
    let remote = source.starts_with("http://") || source.starts_with("https://");
    // What a mirror or folder has is the finished file; what the address has may need its frame.
    let (before, after) = if whole { ("", "") } else { (file.before.as_str(), file.after.as_str()) };
    if remote {
        download(source, &partial, (before, after), file, progress)?;
    } else {
        fs::copy(source, &partial).map_err(|e| e.to_string())?;
    }
    if !after.is_empty() {
        let mut end = OpenOptions::new().append(true).open(&partial).map_err(|e| e.to_string())?;
        end.write_all(after.as_bytes()).map_err(|e| e.to_string())?;
    }
    let found = sha256_of(&partial).map_err(|e| e.to_string())?;
    if found != file.sha256 {
        let _ = fs::remove_file(&partial);
        return Err(format!("its SHA-256 is {found}, expected {}: not taken", file.sha256));
    }
    fs::rename(&partial, path).map_err(|e| e.to_string())
}

fn download(
    address: &str,
    partial: &Path,
    (before, after): (&str, &str),
    file: &ModelFile,
    progress: &mut impl FnMut(&str, u64, u64),
) -> Result<(), String> {
    let told = |e: io::Error| e.to_string();
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(Duration::from_mins(1)))
        .build()
        .into();
    let have = fs::metadata(partial).map_or(0, |m| m.len());
    // A framed file is small: it is never gone on with. Nor is a partial one as long as the whole.
    let start = if before.is_empty() && after.is_empty() && have < file.size { have } else { 0 };
    let mut request = agent.get(address).header("Accept-Encoding", "identity");
    if start > 0 {
        request = request.header("Range", format!("bytes={start}-"));
    }
    let mut response = request.call().map_err(|e| e.to_string())?;
    let goes_on = response.status().as_u16() == 206 && start > 0;
    let framed = (before.len() + after.len()) as u64;
    let told_length = response.headers().get("content-length").and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    let expected = file.size - framed - if goes_on { start } else { 0 };
    if let Some(length) = told_length.filter(|n| *n != expected) {
        return Err(format!("it has {length} bytes, expected {expected}: another file"));
    }
    let mut out =
        OpenOptions::new().create(true).write(true).append(goes_on).truncate(!goes_on).open(partial).map_err(told)?;
    let mut done = if goes_on { start } else { 0 };
    if !goes_on {
        out.write_all(before.as_bytes()).map_err(told)?;
    }
    let mut body = response.body_mut().as_reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = body.read(&mut buffer).map_err(told)?;
        if n == 0 {
            break;
        }
        out.write_all(&buffer[..n]).map_err(told)?;
        done += n as u64;
        progress(&file.name, done, file.size);
        if done > file.size {
            drop(out);
            let _ = fs::remove_file(partial);
            return Err(format!("it is longer than the {} bytes expected", file.size));
        }
    }
    if done + framed < file.size && framed == 0 {
        return Err(format!("the connection ended after {done} of {} bytes", file.size));
    }
    Ok(())
}

fn sha256_of(path: &Path) -> Result<String, FileError> {
    hash::sha256_file(path).map_err(FileError::because("read", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_parses_and_every_address_is_pinned() {
        for model in models().unwrap() {
            for file in &model.files {
                assert_eq!(file.sha256.len(), 64, "{}", file.name);
                for address in &file.addresses {
                    assert!(address.starts_with("https://") && !address.contains("/main/"), "{address}");
                }
            }
        }
    }

    #[test]
    fn unknown_and_unpublished_models_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let error = fetch("sam9", folder.path(), None, |_, _, _| {}).unwrap_err().to_string();
        assert!(error.contains("there are pp-ocrv5, lite-medsam"), "{error}");
        let error = fetch("lite-medsam", folder.path(), None, |_, _, _| {}).unwrap_err().to_string();
        assert!(error.contains("--from"), "{error}");
    }

    #[test]
    fn a_folder_with_other_bytes_is_not_taken() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(from.path().join("lite_medsam_encoder.onnx"), b"not it").unwrap();
        let error = fetch("lite-medsam", to.path(), from.path().to_str(), |_, _, _| {}).unwrap_err().to_string();
        assert!(error.contains("expected 81b77e1c") || error.contains("not taken"), "{error}");
        assert!(!to.path().join("lite_medsam/lite_medsam_encoder.onnx").exists());
    }
}
