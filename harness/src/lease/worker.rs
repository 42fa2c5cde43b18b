//! Who a process is in a queue: the name of its log, and of all its leases.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use socio_dataset::files::{self, FileError};

use super::LeaseError;

/// Longest part of a host's name in a worker's.
const LONGEST_HOST: usize = 24;

/// Creates a log that no process of the run ever had, and returns its name: `queue-<host>-<process>-<seconds since 1970 in
/// hexadecimal>`. Host, process and time tell people where to look; what makes it one process's is that the log is created
/// exclusively. It stays empty where the process finds nothing to do.
///
/// # Errors
/// When the log cannot be created.
pub(super) fn own_log(records: &Path) -> Result<String, LeaseError> {
    files::create_dir(records)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut stamp = now;
    loop {
        let name = format!("queue-{}-{}-{stamp:08x}", host(), std::process::id());
        let path = records.join(format!("{name}.jsonl"));
        match File::create_new(&path) {
            Ok(_) => return Ok(name),
            // Containers on one machine may share host and process number.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => stamp += 1,
            Err(e) => return Err(FileError::because("create", path)(e).into()),
        }
    }
}

/// The machine's name up to its first dot, with `-` for what is neither letter nor digit.
fn host() -> String {
    let told = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let told = told.or_else(|| env::var("HOSTNAME").ok()).or_else(|| env::var("COMPUTERNAME").ok());
    let name = told.unwrap_or_default();
    let first = name.trim().split('.').next().unwrap_or_default();
    let plain = first.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(LONGEST_HOST);
    let plain: String = plain.collect();
    if plain.is_empty() { "host".to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::thread;

    use super::*;

    #[test]
    fn no_two_get_one_name() {
        let folder = tempfile::tempdir().unwrap();
        let names: BTreeSet<String> = thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(|| own_log(folder.path()).unwrap())).collect();
            all.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(names.len(), 8);
        for name in names {
            assert!(folder.path().join(format!("{name}.jsonl")).is_file());
            assert!(name.starts_with("queue-") && !name.contains('.'), "{name}");
        }
    }
}
