//! Files that are never half-written: written beside their place, then renamed into it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file or folder that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct FileError {
    /// What was tried: `read`, `write`, `create`, `list`, ...
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl FileError {
    /// A function for `map_err` that names the action and the path.
    pub fn because(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self { action, path, source }
    }
}

/// Reads a whole file.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    fs::read(path).map_err(FileError::because("read", path))
}

/// Reads a whole file as UTF-8 text.
///
/// # Errors
/// When it cannot be read or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    fs::read_to_string(path).map_err(FileError::because("read", path))
}

/// Creates a folder and those above it.
///
/// # Errors
/// When it cannot be created.
pub fn create_dir(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(FileError::because("create the folder", path))
}

/// Writes a file whole: to a temporary name in the same folder, flushed to the disk, then renamed.
///
/// # Errors
/// When any step fails; the old file, if there was one, is then untouched.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_with(path, |file| file.write_all(bytes).map_err(FileError::because("write", path)))
}

/// Writes a file whole, as [`write()`] does, by a function that fills it piece by piece.
///
/// A link is followed to the file it names. What is no regular file (`/dev/null`, `/dev/stdout`, a named pipe) is written
/// into and stays what it is: a rename would put a file in a device's place.
///
/// # Errors
/// When any step fails, or `fill` does; the old file, if there was one, is then untouched.
pub fn write_with<T, E: From<FileError>>(
    path: &Path,
    fill: impl FnOnce(&mut fs::File) -> Result<T, E>,
) -> Result<T, E> {
    let refused = || FileError::because("write", path);
    let place = match fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            return fill(&mut fs::OpenOptions::new().write(true).open(path).map_err(refused())?);
        }
        Ok(_) => fs::canonicalize(path).map_err(refused())?,
        Err(_) => path.to_owned(),
    };
    let folder = match place.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    create_dir(folder)?;
    let mut file = tempfile::Builder::new().prefix(".partial-").tempfile_in(folder).map_err(refused())?;
    let filled = fill(file.as_file_mut())?;
    readable_by_all(file.as_file()).and_then(|()| file.as_file().sync_data()).map_err(refused())?;
    file.persist(&place).map_err(|e| refused()(e.error))?;
    Ok(filled)
}

/// Temporary files are private; what we publish by renaming them should not be.
pub(crate) fn readable_by_all(file: &fs::File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

/// Gives a folder that was filled under a temporary name its own name; it is readable by all then.
///
/// # Errors
/// When the system refuses; nothing is there then.
pub fn publish_dir(partial: tempfile::TempDir, place: &Path) -> Result<(), FileError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(partial.path(), fs::Permissions::from_mode(0o755))
            .map_err(FileError::because("open up", partial.path()))?;
    }
    fs::rename(partial.path(), place).map_err(FileError::because("write", place))?;
    // Renamed away: there is nothing left to remove.
    let _ = partial.keep();
    Ok(())
}

/// The entries of a folder, sorted by name.
///
/// # Errors
/// When the folder cannot be listed.
pub fn list(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut paths = fs::read_dir(path)
        .and_then(|entries| entries.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>())
        .map_err(FileError::because("list", path))?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.txt");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(read(&path).unwrap(), b"two");
        assert_eq!(list(path.parent().unwrap()).unwrap().len(), 1);
    }

    /// Renaming over `/dev/null`, as root, takes the device away from the whole machine.
    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_written_into_and_stays() {
        use std::os::unix::fs::FileTypeExt;
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || read(&pipe).unwrap()
        });
        write(&pipe, b"told").unwrap();
        assert_eq!(reader.join().unwrap(), b"told");
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
        assert_eq!(list(folder.path()).unwrap(), [pipe]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_to_the_file_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real/file"), folder.path().join("link"));
        write(&real, b"one").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write(&link, b"two").unwrap();
        assert_eq!(read(&real).unwrap(), b"two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn what_fails_half_way_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"old").unwrap();
        let failed = write_with(&path, |file| {
            file.write_all(b"half").unwrap();
            Err::<(), _>(FileError {
                action: "write",
                path: path.clone(),
                source: io::Error::other("the disk is full"),
            })
        });
        assert!(failed.is_err());
        assert_eq!(read(&path).unwrap(), b"old");
        assert_eq!(list(folder.path()).unwrap(), [path]);
    }

    #[test]
    fn an_error_names_the_path() {
        let error = read(Path::new("no/such/file")).unwrap_err();
        assert!(error.to_string().starts_with("cannot read no/such/file: "));
    }
}
