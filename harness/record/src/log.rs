//! The append-only log of one writer.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use socio_dataset::files::{self, FileError};

use crate::line::{seal_timed, unseal};
use crate::{LineError, RECORD_SCHEMA, Record, Summary};

/// A log that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file system.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another process writes it.
    #[error("{} is being written by another process: wait for it, or give this one another --shard or --name", .0.display())]
    Locked(PathBuf),
    /// A line that is neither whole nor the torn last one.
    #[error("{} line {line}: {source}; the run is damaged there, remove the line (its sample runs again)", path.display())]
    Line {
        /// The log.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        source: LineError,
    },
}

/// Appends records to one file, one write a line.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: File,
    end: u64,
}

impl Writer {
    /// Opens the log, takes its lock, and cuts off a torn last line.
    ///
    /// # Errors
    /// When another process holds it, it is damaged elsewhere than at its end, or the file system refuses.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        if let Some(folder) = path.parent() {
            files::create_dir(folder)?;
        }
        let file = Self::lock(path)?;
        let (_, end) = read(path)?;
        let whole = || {
            // Asked only where there is something to cut off: some mounted object stores refuse it.
            if file.metadata()?.len() != end {
                file.set_len(end)?;
            }
            (&file).seek(SeekFrom::Start(end))
        };
        whole().map_err(FileError::because("write", path))?;
        Ok(Self { path: path.to_owned(), file, end })
    }

    /// Opens a log, made where it is missing, with its lock.
    ///
    /// # Errors
    /// When another process holds it, or the file system refuses.
    pub(crate) fn lock(path: &Path) -> Result<File, LogError> {
        let file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(path)
            .map_err(FileError::because("open", path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(LogError::Locked(path.to_owned())),
            // A file system without locks fails otherwise: one writer a file is then the user's promise.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
        }
    }

    /// Appends one record. After an error (a full disk) the file ends after the last whole line.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn append(&mut self, record: &Record) -> Result<(), LogError> {
        let line = seal_timed(record).map_err(|source| LogError::Line { path: self.path.clone(), line: 0, source })?;
        if let Err(e) = self.file.write_all(line.as_bytes()) {
            let _ = self.file.set_len(self.end).and_then(|()| self.file.seek(SeekFrom::Start(self.end)));
            return Err(FileError::because("write", &self.path)(e).into());
        }
        self.end += line.len() as u64;
        Ok(())
    }

    /// Waits until everything is on the disk.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn sync(&self) -> Result<(), LogError> {
        self.file.sync_data().map_err(FileError::because("write", &self.path))?;
        Ok(())
    }
}

/// A layout of a log's lines.
pub(crate) trait Line: serde::de::DeserializeOwned {
    /// The version that a line says it has.
    fn schema(&self) -> u32;
}

impl Line for Record {
    fn schema(&self) -> u32 {
        self.schema
    }
}

impl Line for Summary {
    fn schema(&self) -> u32 {
        self.schema
    }
}

/// The records of a log, and where its last whole line ends. A torn last line is ignored.
pub(crate) fn read(path: &Path) -> Result<(Vec<Record>, u64), LogError> {
    let mut records = Vec::new();
    let end = each(path, |record| records.push(record))?;
    Ok((records, end))
}

/// Hands out the lines of a log, one in memory at a time; returns where the last whole one ends.
pub(crate) fn each<T: Line>(path: &Path, mut take: impl FnMut(T)) -> Result<u64, LogError> {
    let file = File::open(path).map_err(FileError::because("read", path))?;
    let mut lines = BufReader::with_capacity(1 << 18, file);
    let (mut line, mut number, mut end) = (Vec::new(), 0, 0);
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(FileError::because("read", path))? == 0 {
            return Ok(end);
        }
        number += 1;
        let whole = line.last() == Some(&b'\n');
        let text = std::str::from_utf8(&line[..line.len() - usize::from(whole)]).map_err(|_| LineError::NoSum);
        let wrong = |source| LogError::Line { path: path.to_owned(), line: number, source };
        match text.and_then(unseal::<T>) {
            Ok(value) if value.schema() > RECORD_SCHEMA => return Err(wrong(LineError::Newer(value.schema()))),
            Ok(value) if whole => take(value),
            // Even a whole-looking last line without its newline was torn.
            Ok(_) => return Ok(end),
            Err(source) => {
                // Without its newline it was the last when it was read, whatever its writer has added since.
                let last = !whole || lines.fill_buf().map_err(FileError::because("read", path))?.is_empty();
                return if last { Ok(end) } else { Err(wrong(source)) };
            }
        }
        end += line.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::Status;

    fn record(id: &str) -> Record {
        Record {
            schema: crate::RECORD_SCHEMA,
            id: id.to_owned(),
            level: None,
            query: "Zoo".to_owned(),
            scene: id.to_owned(),
            class: None,
            function: None,
            region: None,
            satellite: None,
            map: None,
            status: Status::NoAnswer,
            message: None,
            truth: None,
            stages: Vec::new(),
            score: None,
            timings: std::collections::BTreeMap::new(),
            trace: None,
        }
    }

    #[test]
    fn a_log_torn_at_any_byte_keeps_all_whole_lines_and_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.jsonl");
        let mut writer = Writer::open(&path).unwrap();
        for id in ["a", "b", "c"] {
            writer.append(&record(id)).unwrap();
        }
        drop(writer);
        let whole = fs::read(&path).unwrap();
        let line = whole.len() / 3;
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let mut writer = Writer::open(&path).unwrap();
            writer.append(&record("z")).unwrap();
            drop(writer);
            let ids: Vec<String> = read(&path).unwrap().0.into_iter().map(|r| r.id).collect();
            let mut want: Vec<&str> = ["a", "b", "c"][..cut / line].to_vec();
            want.push("z");
            assert_eq!(ids, want, "cut at {cut}");
        }
    }

    #[test]
    fn damage_before_the_end_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.jsonl");
        let mut writer = Writer::open(&path).unwrap();
        for id in ["a", "b"] {
            writer.append(&record(id)).unwrap();
        }
        drop(writer);
        let text = fs::read_to_string(&path).unwrap().replacen("Zoo", "Zoe", 1);
        fs::write(&path, text).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("w.jsonl line 1: its checksum does not fit"), "{error}");
    }

    #[test]
    fn a_record_of_a_newer_version_is_not_guessed_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.jsonl");
        let newer = Record { schema: RECORD_SCHEMA + 1, ..record("a") };
        Writer::open(&path).unwrap().append(&newer).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("line 1: it has schema 2, newer"));
    }

    #[test]
    fn the_time_of_writing_is_among_the_timings_whatever_stands_behind_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.jsonl");
        let timings = std::collections::BTreeMap::from([("total".to_owned(), 0.25)]);
        let spans = vec![("decode".to_owned(), 0.0, 0.25)];
        let trace = crate::Trace { process: 7, worker: 1, begun: 1e9, memory: None, spans };
        let query = ",\"trace\":{\"".to_owned();
        let with = Record { query, timings: timings.clone(), trace: Some(trace), ..record("a") };
        let without = Record { timings, ..record("b") };
        let mut writer = Writer::open(&path).unwrap();
        for record in [&with, &without] {
            writer.append(record).unwrap();
        }
        for (mut read, written) in read(&path).unwrap().0.into_iter().zip([with, without]) {
            assert!(read.timings.remove("write").unwrap() >= 0.0);
            assert_eq!(read, written);
        }
        let mut summaries = Vec::new();
        each(&path, |s: Summary| summaries.push(s)).unwrap();
        assert_eq!((summaries[0].trace.unwrap().worker, summaries[1].trace), (1, None));
    }

    #[test]
    fn a_second_writer_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.jsonl");
        let _first = Writer::open(&path).unwrap();
        assert!(matches!(Writer::open(&path), Err(LogError::Locked(_))));
    }
}
