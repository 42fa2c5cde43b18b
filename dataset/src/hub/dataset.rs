//! Datasets: their parquet files.

use std::path::PathBuf;

use hf_hub::RepoType;

use super::snapshot::Snapshot;
use super::{HubError, HubOptions, names_repository};

/// Files of one commit, in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Local paths.
    pub files: Vec<PathBuf>,
    /// The commit.
    pub revision: String,
}

/// The parquet files of a dataset repository: from the cache, downloaded where they are not there yet.
///
/// # Errors
/// See [`HubError`].
pub fn fetch(repository: &str, options: &HubOptions) -> Result<Fetched, HubError> {
    if !names_repository(repository) {
        return Err(HubError::Name(repository.to_owned()));
    }
    let snapshot = Snapshot::open(RepoType::Dataset, repository, options.wanted(), options)?;
    let names = parquet(snapshot.names());
    if names.is_empty() {
        return Err(if options.offline {
            snapshot.not_cached(repository)
        } else {
            HubError::NoParquet { repository: repository.to_owned(), revision: snapshot.commit().to_owned() }
        });
    }
    let files = names.into_iter().map(|name| snapshot.file(name)).collect::<Result<_, _>>()?;
    Ok(Fetched { files, revision: snapshot.finish()? })
}

/// As in a folder: those in `data/`, else those beside the card.
fn parquet(names: &[String]) -> Vec<&str> {
    let mut names: Vec<&str> = names.iter().map(String::as_str).filter(|n| n.ends_with(".parquet")).collect();
    let in_data = names.iter().any(|n| n.starts_with("data/"));
    names.retain(|n| if in_data { n.starts_with("data/") } else { !n.contains('/') });
    names
}
