//! Files of one commit of a repository: in the cache, downloaded where they are not there yet, checked by hash.

use std::fs;
use std::path::{Path, PathBuf};

use hf_hub::api::Progress;
use hf_hub::api::sync::{Api, ApiBuilder, ApiError};
use hf_hub::{Cache, Repo, RepoType};

use super::{DownloadProgress, HubError, HubOptions};
use crate::hash;

/// One commit: its listing, and its folder in the cache.
pub(super) struct Snapshot<'a> {
    options: &'a HubOptions,
    repository: &'a str,
    /// At the revision that was asked for.
    named: Repo,
    /// The hub, and the repository at the commit; none offline.
    remote: Option<(Api, Repo)>,
    commit: String,
    folder: PathBuf,
    names: Vec<String>,
}

impl<'a> Snapshot<'a> {
    /// Asks the hub what a revision is, or the cache where the options say so. Offline nothing is listed where the revision
    /// is not in the cache.
    pub(super) fn open(
        kind: RepoType,
        repository: &'a str,
        revision: &str,
        options: &'a HubOptions,
    ) -> Result<Self, HubError> {
        let at = |revision: &str| Repo::with_revision(repository.to_owned(), kind, revision.to_owned());
        let named = at(revision);
        let root = options.cache.join(named.folder_name());
        let (remote, commit, mut names) = if options.offline {
            let commit = fs::read_to_string(root.join("refs").join(revision))
                .map_or_else(|_| revision.to_owned(), |c| c.trim().to_owned());
            let names = within(&root.join("snapshots").join(&commit));
            (None, commit, names)
        } else {
            let what = format!("{repository} at revision `{revision}`");
            let api = ApiBuilder::from_cache(Cache::new(options.cache.clone()))
                .with_endpoint(options.endpoint.clone())
                .with_token(options.token.clone())
                .with_progress(false)
                .build()
                .map_err(|e| request(options, &what, explain(&e)))?;
            let info = api.repo(named.clone()).info().map_err(|e| request(options, &what, explain(&e)))?;
            if !is_safe(&info.sha) {
                return Err(HubError::Unsafe(info.sha));
            }
            // Every file from the commit that the listing speaks of, even if the branch moves meanwhile.
            let commit = at(&info.sha);
            (Some((api, commit)), info.sha, info.siblings.into_iter().map(|s| s.rfilename).collect())
        };
        names.sort();
        let folder = root.join("snapshots").join(&commit);
        Ok(Self { options, repository, named, remote, commit, folder, names })
    }

    /// The names of its files, sorted; offline of those in the cache.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn commit(&self) -> &str {
        &self.commit
    }

    /// Has the files under their own names.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// An error where the listing lacks a file.
    pub(super) fn need(&self, name: &str) -> Result<(), HubError> {
        if self.names.iter().any(|n| n == name) {
            return Ok(());
        }
        Err(match self.remote {
            Some(_) => request(self.options, name, format!("{} does not list it", self.repository)),
            None => self.not_cached(&format!("{name} of {}", self.repository)),
        })
    }

    /// A listed file's place in the cache, where it is after this.
    pub(super) fn file(&self, name: &str) -> Result<PathBuf, HubError> {
        if !is_safe(name) {
            return Err(HubError::Unsafe(name.to_owned()));
        }
        let path = self.folder.join(name);
        if !path.exists() {
            match &self.remote {
                Some((api, commit)) => self.download(api, commit, name, &path)?,
                None => return Err(self.not_cached(&format!("{name} of {}", self.repository))),
            }
        }
        check(&path, name)?;
        Ok(path)
    }

    /// Remembers which commit the revision is, so that its name is found offline, and gives the commit.
    pub(super) fn finish(self) -> Result<String, HubError> {
        if self.remote.is_some() {
            Cache::new(self.options.cache.clone())
                .repo(self.named)
                .create_ref(&self.commit)
                .map_err(|source| HubError::Cache { path: self.options.cache.clone(), source })?;
        }
        Ok(self.commit)
    }

    /// The error for what an offline cache lacks.
    pub(super) fn not_cached(&self, what: &str) -> HubError {
        HubError::NotCached {
            what: what.to_owned(),
            revision: self.named.revision().to_owned(),
            cache: self.options.cache.clone(),
        }
    }

    /// Puts a file at its place: what is in the cache already under its hash, else the rest of what has arrived before.
    fn download(&self, api: &Api, commit: &Repo, name: &str, path: &Path) -> Result<(), HubError> {
        let failed = |error: ApiError| request(self.options, name, explain(&error));
        let repo = api.repo(commit.clone());
        let told = api.metadata(&repo.url(name)).map_err(failed)?;
        // hf-hub makes paths of both.
        let tag = told.etag();
        if !is_safe(tag) {
            return Err(HubError::Unsafe(tag.to_owned()));
        }
        if told.commit_hash() != self.commit {
            return Err(request(self.options, name, format!("it answered with commit {}", told.commit_hash())));
        }
        let size = told.size() as u64;
        let blob = self.options.cache.join(commit.folder_name()).join("blobs").join(tag);
        // A partial file as long as the whole has only its name to change, or is of no use: the server accepts no request
        // for what is behind its end.
        let part = blob.with_extension("part");
        if length(&part).is_some_and(|n| n >= size) {
            let whole = is_sha256(tag) && hash::sha256_file(&part).is_ok_and(|found| found == tag.to_lowercase());
            let done = if whole { fs::rename(&part, &blob) } else { fs::remove_file(&part) };
            done.map_err(|source| HubError::Cache { path: part, source })?;
        }
        // A link to a blob that is gone is in the way of a new one.
        if path.is_symlink() {
            fs::remove_file(path).map_err(|source| HubError::Cache { path: path.to_owned(), source })?;
        }
        if length(&blob) == Some(size) && link(tag, name, path) {
            return Ok(());
        }
        let _ = fs::remove_file(checked(&blob));
        let meter = Meter { tell: self.options.progress.clone(), name: name.to_owned(), done: 0, total: 0 };
        repo.download_with_progress(name, meter).map_err(failed)?;
        match length(path) {
            Some(n) if n != size => {
                remove(path, &blob);
                Err(request(self.options, name, format!("{n} bytes of {size} came; they were removed, run again")))
            }
            _ => Ok(()),
        }
    }
}

fn request(options: &HubOptions, what: &str, why: String) -> HubError {
    HubError::Request { endpoint: options.endpoint.clone(), what: what.to_owned(), why }
}

/// Whether a path stays in the folder that it is joined to.
fn is_safe(name: &str) -> bool {
    !name.split(['/', '\\']).any(|part| matches!(part, "" | "." | ".."))
}

fn is_sha256(tag: &str) -> bool {
    tag.len() == 64 && tag.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A file's length, where it is there.
fn length(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|m| m.len())
}

/// The names of all files under a folder, with `/` between folders; none where it is not there.
fn within(folder: &Path) -> Vec<String> {
    let (mut names, mut folders) = (Vec::new(), vec![String::new()]);
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(folder.join(&at)).into_iter().flatten().flatten() {
            let name = format!("{at}{}", entry.file_name().to_string_lossy());
            if entry.file_type().is_ok_and(|t| t.is_dir()) {
                folders.push(name + "/");
            } else {
                names.push(name);
            }
        }
    }
    names
}

/// Names a blob in a commit's folder, as hf-hub does; whether that worked.
#[cfg(unix)]
fn link(tag: &str, name: &str, path: &Path) -> bool {
    let up = "../".repeat(2 + name.matches('/').count());
    path.parent().is_some_and(|folder| fs::create_dir_all(folder).is_ok())
        && std::os::unix::fs::symlink(format!("{up}blobs/{tag}"), path).is_ok()
}

/// Links take rights that are not always given: the file is downloaded.
#[cfg(not(unix))]
fn link(_tag: &str, _name: &str, _path: &Path) -> bool {
    false
}

fn remove(path: &Path, blob: &Path) {
    let _ = fs::remove_file(blob);
    let _ = fs::remove_file(path);
}

/// Says beside a blob that its hash was compared.
fn checked(blob: &Path) -> PathBuf {
    blob.with_extension("sha256-checked")
}

/// Compares a file with the hash that names its blob, where that is a SHA-256 (large files), once.
fn check(path: &Path, name: &str) -> Result<(), HubError> {
    let trouble = |source| HubError::Cache { path: path.to_owned(), source };
    let blob = fs::canonicalize(path).map_err(trouble)?;
    let expected = blob.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let marker = checked(&blob);
    if !is_sha256(&expected) || marker.exists() {
        return Ok(());
    }
    let found = hash::sha256_file(&blob).map_err(trouble)?;
    if found != expected.to_lowercase() {
        remove(path, &blob);
        return Err(HubError::Damaged { file: name.to_owned(), found, expected });
    }
    // A cache that cannot be written to is checked again next time.
    let _ = fs::write(marker, b"");
    Ok(())
}

fn explain(error: &ApiError) -> String {
    if let ApiError::RequestError(e) = error {
        return match **e {
            ureq::Error::StatusCode(401 | 403) => "it refused us (401/403): the repository is private or gated, or \
                there is none of that name; set HF_TOKEN to a token that may read it"
                .to_owned(),
            ureq::Error::StatusCode(404) => "no such repository, revision or file (404), or a private one that \
                HF_TOKEN gives no right to"
                .to_owned(),
            ureq::Error::StatusCode(429) => {
                "too many requests (429): wait a while and run again; what has arrived is kept".to_owned()
            }
            ureq::Error::StatusCode(code) => format!("HTTP status {code}; what has arrived is kept, run again"),
            ref other => format!("{other}; what has arrived is kept, run again (or --offline for the cache alone)"),
        };
    }
    format!("{error}; what has arrived is kept, run again")
}

struct Meter {
    tell: Option<DownloadProgress>,
    name: String,
    done: u64,
    total: u64,
}

impl Progress for Meter {
    fn init(&mut self, size: usize, _filename: &str) {
        (self.total, self.done) = (size as u64, 0);
    }

    fn update(&mut self, size: usize) {
        self.done += size as u64;
        if let Some(tell) = &self.tell {
            tell(&self.name, self.done, self.total);
        }
    }

    fn finish(&mut self) {}
}
