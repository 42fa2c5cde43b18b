//! Which samples have records, in all logs of the run: each log is read on from where it was left.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use socio_dataset::files::{self, FileError};
use socio_record::unseal;

use super::LeaseError;

/// The samples that have a whole record.
#[derive(Debug)]
pub(super) struct Logs {
    folder: PathBuf,
    finished: BTreeSet<String>,
    /// How far each log is read: the end of a whole line.
    read: BTreeMap<PathBuf, u64>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

impl Logs {
    pub(super) fn of(records: &Path) -> Self {
        Self { folder: records.to_owned(), finished: BTreeSet::new(), read: BTreeMap::new() }
    }

    pub(super) fn have(&self, id: &str) -> bool {
        self.finished.contains(id)
    }

    /// Reads what came since the last look.
    pub(super) fn look(&mut self) -> Result<(), LeaseError> {
        if !self.folder.is_dir() {
            return Ok(());
        }
        for path in files::list(&self.folder)?.into_iter().filter(|p| p.extension().is_some_and(|e| e == "jsonl")) {
            let end = self.read.entry(path.clone()).or_default();
            *end = match read_on(&path, *end, &mut self.finished) {
                Err(e) if e.kind() == ErrorKind::NotFound => continue,
                other => other.map_err(FileError::because("read", path))?,
            };
        }
        Ok(())
    }
}

/// Reads whole lines from a place on, and returns where they end. What does not pass its checksum may be half written, or on a
/// shared folder half arrived: it and all behind it are left for the next look. Should it be damaged for good, its sample runs
/// again, and whoever reads the run is told of the damage.
fn read_on(path: &Path, mut end: u64, finished: &mut BTreeSet<String>) -> std::io::Result<u64> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(end))?;
    let mut lines = BufReader::with_capacity(1 << 18, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        lines.read_until(b'\n', &mut line)?;
        let whole = line.strip_suffix(b"\n").and_then(|l| std::str::from_utf8(l).ok());
        let Some(record) = whole.and_then(|text| unseal::<Id>(text).ok()) else { return Ok(end) };
        finished.insert(record.id);
        end += line.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;
    use socio_record::seal;

    use super::*;

    #[test]
    fn what_is_torn_is_read_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let lines: Vec<String> = ["a", "b", "c"].iter().map(|id| seal(&json!({"id": id, "n": 1})).unwrap()).collect();
        let text = lines.concat();
        let mut logs = Logs::of(folder.path());
        logs.look().unwrap();
        let mut known = 0;
        for cut in 0..=text.len() {
            fs::write(&path, &text[..cut]).unwrap();
            logs.look().unwrap();
            let now = ["a", "b", "c"].iter().filter(|id| logs.have(id)).count();
            assert_eq!(now, text[..cut].matches('\n').count(), "cut at {cut}");
            assert!(now >= known);
            known = now;
        }
        // A page that has not arrived reads as zeros; what is behind it does not count before it is there.
        let path = folder.path().join("b.jsonl");
        let more = seal(&json!({"id": "d", "n": 1})).unwrap();
        fs::write(&path, [&vec![0; more.len()], seal(&json!({"id": "e", "n": 1})).unwrap().as_bytes()].concat())
            .unwrap();
        logs.look().unwrap();
        assert!(!logs.have("d") && !logs.have("e"));
        fs::write(&path, more + &seal(&json!({"id": "e", "n": 1})).unwrap()).unwrap();
        logs.look().unwrap();
        assert!(logs.have("d") && logs.have("e"));
    }
}
