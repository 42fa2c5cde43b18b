//! Whether a folder has what leases rest on: a rename that exactly one of several gets.
//!
//! Whether a rename is atomic cannot be seen from one process. Object stores mounted as folders copy and delete, or refuse; and
//! none of them has hard links (s3fs, goofys, gcsfuse, mountpoint-s3, blobfuse, rclone), because a link needs what an atomic
//! rename needs: names apart from contents. Local disks, NFS, Lustre, GPFS and CephFS have both. So links are asked for, though
//! the queue makes none. A folder without links that does rename atomically is refused with them; a static shard serves there.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::folder::gone;

type Pair = fn(&Path, &Path) -> io::Result<()>;

/// The calls on trial; tests put those of other systems here.
pub(super) struct Calls {
    pub(super) create: fn(&Path) -> io::Result<()>,
    pub(super) link: Pair,
    pub(super) rename: Pair,
}

impl Calls {
    pub(super) const SYSTEM: Self = Self {
        create: |path| File::create_new(path).map(drop),
        link: |from, to| fs::hard_link(from, to),
        rename: |from, to| fs::rename(from, to),
    };
}

/// Tries an empty folder and leaves it empty; what it lacks, where it lacks something.
///
/// # Errors
/// When the system refuses what every folder can do: it is full, or was taken away.
pub(super) fn fault(folder: &Path, calls: &Calls) -> io::Result<Option<String>> {
    let [one, two, moved, other] = ["one", "two", "moved", "other"].map(|n| folder.join(n));
    let says = |what: &str| Ok(Some(what.to_owned()));
    (calls.create)(&one)?;
    if !(calls.create)(&one).is_err_and(|e| e.kind() == io::ErrorKind::AlreadyExists) {
        return says("a file can be created there twice");
    }
    match (calls.link)(&one, &two) {
        Ok(()) if links(&two)? == 2 => {}
        Ok(()) => return says("its hard links are copies"),
        Err(e) if gone(&e) || e.kind() == io::ErrorKind::StorageFull => return Err(e),
        Err(e) => return says(&format!("it has no hard links ({e}), as an object store mounted as a folder has none")),
    }
    match (calls.rename)(&two, &moved) {
        Ok(()) if !two.exists() && links(&moved)? == 2 => {}
        Ok(()) => return says("a file that is renamed there is copied"),
        Err(e) if gone(&e) => return Err(e),
        Err(e) => return says(&format!("nothing can be renamed there ({e})")),
    }
    if (calls.rename)(&two, &other).is_ok() {
        return says("a file that is gone can be renamed there");
    }
    let (full, aside) = (folder.join("full"), folder.join("aside"));
    for each in [&full, &aside] {
        fs::create_dir(each)?;
        (calls.create)(&each.join("ticket"))?;
    }
    if (calls.rename)(&aside, &full).is_ok() {
        return says("a folder can be moved over another that is not empty");
    }
    for each in [full, aside] {
        fs::remove_dir_all(each)?;
    }
    fs::remove_file(one)?;
    fs::remove_file(moved)?;
    Ok(None)
}

#[cfg(unix)]
fn links(path: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).map(|m| m.nlink())
}

#[cfg(not(unix))]
fn links(path: &Path) -> io::Result<u64> {
    fs::metadata(path).map(|_| 2)
}

#[cfg(test)]
mod tests {
    use tempfile::tempdir;

    use super::*;

    fn told(calls: &Calls) -> Option<String> {
        fault(tempdir().unwrap().path(), calls).unwrap()
    }

    #[test]
    fn a_disk_is_taken_and_left_as_it_was() {
        let folder = tempdir().unwrap();
        assert_eq!(fault(folder.path(), &Calls::SYSTEM).unwrap(), None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    /// What s3fs, gcsfuse and mountpoint-s3 do, each by itself.
    #[test]
    fn what_object_stores_do_is_refused() {
        let over = |from: &Path, to: &Path| fs::remove_dir_all(to).or(Ok(())).and_then(|()| fs::rename(from, to));
        for (calls, part) in [
            (Calls { create: |p| File::create(p).map(drop), ..Calls::SYSTEM }, "created there twice"),
            (Calls { link: |_, _| Err(io::Error::from(io::ErrorKind::Unsupported)), ..Calls::SYSTEM }, "no hard links"),
            (Calls { link: |a, b| fs::copy(a, b).map(drop), ..Calls::SYSTEM }, "links are copies"),
            (
                Calls { rename: |_, _| Err(io::Error::from(io::ErrorKind::Unsupported)), ..Calls::SYSTEM },
                "nothing can be",
            ),
            (Calls { rename: |a, b| fs::copy(a, b).map(drop), ..Calls::SYSTEM }, "is copied"),
            (Calls { rename: |a, b| fs::rename(a, b).or(Ok(())), ..Calls::SYSTEM }, "that is gone"),
            (Calls { rename: over, ..Calls::SYSTEM }, "not empty"),
        ] {
            let why = told(&calls).unwrap();
            assert!(why.contains(part), "{why}");
        }
    }

    #[test]
    fn a_folder_that_vanishes_is_no_fault_of_its_system() {
        let calls = Calls { link: |_, _| Err(io::Error::from(io::ErrorKind::NotFound)), ..Calls::SYSTEM };
        assert!(fault(tempdir().unwrap().path(), &calls).is_err());
    }
}
