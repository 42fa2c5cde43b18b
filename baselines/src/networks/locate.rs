//! Where a network's files are.

use std::path::{Path, PathBuf};

use socio_backend::BackendError;
use socio_dataset::hub::HubError;
use socio_ort::networks::Graphs;

use super::known::{by_name, known};
use super::unavailable;
use crate::registry::Resources;

pub(super) fn unknown() -> String {
    let names: Vec<String> = known().into_iter().map(|k| k.name).collect();
    format!("no such folder or file, no repository OWNER/NAME, and none of the known names: {}", names.join(", "))
}

/// Whether a name is `OWNER/NAME`, perhaps with a revision behind an `@`.
pub(super) fn is_repository(what: &str) -> bool {
    let repository = what.split('@').next().unwrap_or_default();
    repository.split('/').count() == 2 && !repository.starts_with(['.', '/']) && !repository.ends_with('/')
}

/// The folder of a network's graphs: as it stands, or in the models' folder.
pub(super) fn graphs(what: &str, resources: &Resources) -> Result<PathBuf, BackendError> {
    let places = [PathBuf::from(what), resources.models.join(what)];
    places.iter().find(|place| !what.is_empty() && Graphs::are_in(place)).cloned().ok_or_else(|| {
        let looked = resources.models.display();
        unavailable(
            what,
            format!("no folder of graphs of that name, here or in {looked}: `ci/export` makes one from a checkpoint"),
        )
    })
}

/// The folder or file of a network: as it stands, in the models' folder, or from the hub's cache or the hub.
pub(super) fn locate(what: &str, resources: &Resources, cache_alone: bool) -> Result<PathBuf, BackendError> {
    let unavailable = |why: String| unavailable(what, why);
    if Path::new(what).exists() {
        return Ok(what.into());
    }
    if what == "lite-medsam" {
        let file = resources.models.join("lite_medsam").join("lite_medsam.safetensors");
        return if file.is_file() {
            Ok(file)
        } else {
            let why = format!(
                "no file {} (name the folder above with --models; docs/backends.md says where it is from)",
                file.display()
            );
            Err(unavailable(why))
        };
    }
    let folder = resources.models.join(what);
    if !what.is_empty() && folder.is_dir() {
        return Ok(folder);
    }
    let repository = match by_name(what) {
        Some(known) => known.repository.map(str::to_owned).ok_or_else(|| {
            let make = format!("socio-bench models init {what} --out {}", folder.display());
            unavailable(format!("it is published nowhere: make one of random weights with `{make}`"))
        })?,
        None if is_repository(what) => what.to_owned(),
        None => return Err(unavailable(unknown())),
    };
    let mut hub = resources.hub.clone();
    hub.offline |= cache_alone;
    match socio_dataset::hub::model(&repository, &hub) {
        Ok(files) => Ok(files.folder),
        Err(HubError::NotCached { .. }) if cache_alone && !resources.hub.offline => {
            Err(unavailable(format!("not fetched yet: {repository} comes from the hub at its first use")))
        }
        Err(e) => Err(unavailable(e.to_string())),
    }
}
