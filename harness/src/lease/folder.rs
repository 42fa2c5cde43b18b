//! The folder of tickets. A ticket changes by a rename and nothing else.
//!
//! A name holds the whole state, so `rename(was, is)` is compare-and-swap: of all who try it from one state, exactly one finds
//! the file. It is the server of a shared folder that decides, whatever its clients have cached, and nothing is ever half
//! written, since nothing is written.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use socio_dataset::files::{self, FileError};

use super::probe::{Calls, fault};
use super::ticket::{Span, State, Ticket};
use super::{LeaseError, Progress};

/// Where a run's tickets are.
pub(super) const FOLDER: &str = "leases";
/// Folders on their way in and out.
const BESIDE: &str = ".leases-";
/// After how many tickets whoever makes them looks whether others were faster.
const LOOK: usize = 32;

#[derive(Debug)]
pub(super) struct Tickets {
    path: PathBuf,
}

/// What a look into the folder found.
pub(super) struct Listing {
    /// The list of samples that it is of, and who made it.
    pub(super) mark: Option<(String, String)>,
    /// The tickets with their names, in the order of the samples. One that is renamed meanwhile may be there twice, or not.
    pub(super) tickets: Vec<(String, Ticket)>,
}

impl Listing {
    /// Samples whose tickets are there.
    pub(super) fn samples(&self) -> usize {
        self.tickets.chunk_by(|(_, a), (_, b)| a.span == b.span).map(|same| same[0].1.span.len).sum()
    }

    /// What the tickets say, of a run of so many samples. A ticket that is there as done and as something else is not done.
    pub(super) fn progress(&self, samples: usize) -> Progress {
        let mut progress = Progress { samples, finished: 0, held: 0 };
        for same in self.tickets.chunk_by(|(_, a), (_, b)| a.span == b.span) {
            let len = same[0].1.span.len;
            if same.iter().all(|(_, t)| t.state == State::Done) {
                progress.finished += len;
            } else if same.iter().any(|(_, t)| matches!(t.state, State::Held(_))) {
                progress.held += len;
            }
        }
        progress
    }
}

impl Tickets {
    pub(super) fn of(run: &Path) -> Self {
        Self { path: run.join(FOLDER) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is there; `None` without the folder: before the run, and when it is finished.
    pub(super) fn list(&self) -> Result<Option<Listing>, LeaseError> {
        let refused = |e| LeaseError::from(FileError::because("list", &self.path)(e));
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(e) if gone(&e) => return Ok(None),
            Err(e) => return Err(refused(e)),
        };
        let mut found = Listing { mark: None, tickets: Vec::new() };
        for entry in entries {
            let name = match entry {
                Ok(entry) => entry.file_name().to_string_lossy().into_owned(),
                Err(e) if gone(&e) => return Ok(None),
                Err(e) => return Err(refused(e)),
            };
            match Ticket::parse(&name) {
                Some(ticket) => found.tickets.push((name, ticket)),
                None if name.starts_with("of-") => {
                    found.mark = name.split_once('.').map(|(of, tag)| (of.to_owned(), tag.to_owned()));
                }
                None => {}
            }
        }
        found.tickets.sort_by_key(|(_, ticket)| ticket.span);
        Ok(Some(found))
    }

    /// Makes all tickets, unless others did before. They are made aside and moved in at once: there is one set of them, whole.
    /// `of` tells the list of samples, `tag` who makes them.
    pub(super) fn make(&self, run: &Path, spans: &[Span], of: &str, tag: &str) -> Result<(), LeaseError> {
        let aside = run.join(format!("{BESIDE}new-{tag}"));
        let fill = || -> io::Result<Option<String>> {
            fs::create_dir_all(&aside)?;
            if let Some(fault) = fault(&aside, &Calls::SYSTEM)? {
                return Ok(Some(fault));
            }
            let tickets =
                spans.iter().map(|span| Ticket { span: *span, state: State::New(tag.to_owned()) }.to_string());
            for (i, name) in tickets.chain([format!("{of}.{tag}")]).enumerate() {
                // Many processes begin at once, and all but one of them would make them in vain.
                if i % LOOK == 0 && self.path.exists() {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                File::create_new(aside.join(name))?;
            }
            fs::rename(&aside, &self.path).map(|()| None)
        };
        let filled = fill();
        if !matches!(filled, Ok(None)) {
            let _ = fs::remove_dir_all(&aside);
        }
        match filled {
            Ok(None) => Ok(()),
            Ok(Some(why)) => Err(LeaseError::NotShared { folder: run.to_owned(), why }),
            // A folder with something in it is not replaced. One that vanished was cleared away at the end of the run.
            Err(e) if gone(&e) || there(&e) || self.path.exists() => Ok(()),
            Err(e) => Err(FileError::because("create the folder", &self.path)(e).into()),
        }
    }

    /// Moves a ticket from one state to another; `false` where it is not in that state any more.
    pub(super) fn swap(&self, was: &str, is: &Ticket) -> Result<bool, LeaseError> {
        let (from, to) = (self.path.join(was), self.path.join(is.to_string()));
        match fs::rename(&from, &to) {
            Ok(()) => Ok(true),
            // A server whose answer was lost is asked again, and finds that it is done. Nobody else gives this name.
            Err(e) if gone(&e) => Ok(to.exists()),
            Err(e) => Err(FileError::because("rename", from)(e).into()),
        }
    }

    /// Whether a name is there, as far as this machine knows.
    pub(super) fn shows(&self, name: &str) -> bool {
        self.path.join(name).exists()
    }
}

/// Clears the tickets of a run away, with whatever killed processes left of theirs. Moved aside first: nobody sees a folder with
/// some tickets missing, and nobody moves one in that is being cleared. What cannot be removed stays; no record is in it.
pub fn clear_queue(run: &Path, tag: &str) {
    let _ = fs::rename(run.join(FOLDER), run.join(format!("{BESIDE}old-{tag}")));
    for (i, path) in files::list(run).unwrap_or_default().into_iter().enumerate() {
        if path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(BESIDE)) {
            let old = run.join(format!("{BESIDE}old-{tag}-{i}"));
            let moved = fs::rename(&path, &old).is_ok();
            let _ = fs::remove_dir_all(if moved { old } else { path });
        }
    }
}

fn there(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty)
}

pub(super) fn gone(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::StaleNetworkFileHandle)
}
