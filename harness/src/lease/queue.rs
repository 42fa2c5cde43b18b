//! The queue: what is free, whose time is over, what is finished.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use socio_dataset::hash::FieldHasher;

use super::folder::{Listing, Tickets, clear_queue};
use super::hold::{Lease, Worker};
use super::keeper::Keeper;
use super::logs::Logs;
use super::ticket::{State, Ticket, spans};
use super::watch::Watch;
use super::worker::own_log;
use super::{Claim, LeaseError, Next, Progress, QueueOptions};

/// The run's folder of logs.
const RECORDS: &str = "records";
/// Shortest term: what a busy machine still renews in time.
const SHORTEST_TERM: Duration = Duration::from_millis(20);
/// Bounds of a wait before looking again.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// How often making the folder may come to nothing: others made it, or cleared it away.
const TRIES: u32 = 10;

/// One process's view of the queue of a run.
#[derive(Debug)]
pub struct Queue {
    run: PathBuf,
    tickets: Arc<Tickets>,
    worker: Arc<Worker>,
    keeper: Keeper,
    ids: Vec<String>,
    logs: Logs,
    watch: Watch,
    /// The making of the tickets after which the logs were read: new ones of it have no records that were not seen.
    making: Option<String>,
    /// Since when tickets are missing.
    gap: Option<Instant>,
    progress: Progress,
}

impl Queue {
    /// Joins the queue of a run, or makes it, and creates the log of this process. `ids` are all samples of the run, in its
    /// order.
    ///
    /// # Errors
    /// When the folder cannot hold a queue, holds that of other samples, or the file system refuses.
    pub fn open(run: &Path, ids: Vec<String>, options: QueueOptions) -> Result<Self, LeaseError> {
        let term = options.term.max(SHORTEST_TERM);
        let records = run.join(RECORDS);
        let mut queue = Self {
            run: run.to_owned(),
            tickets: Arc::new(Tickets::of(run)),
            worker: Arc::new(Worker::new(own_log(&records)?, term)),
            keeper: Keeper::start(term),
            logs: Logs::of(&records),
            watch: Watch::default(),
            making: None,
            gap: None,
            progress: Progress { samples: ids.len(), finished: 0, held: 0 },
            ids,
        };
        queue.join(options.chunk)?;
        Ok(queue)
    }

    fn join(&mut self, chunk: usize) -> Result<(), LeaseError> {
        let of = format!("of-{}", self.ids.iter().fold(FieldHasher::default(), FieldHasher::field).hex(16));
        let chunks = spans(self.ids.len(), chunk);
        let mut strange = false;
        for tries in 0..TRIES {
            thread::sleep(SHORTEST_WAIT * tries * tries);
            let listing = self.tickets.list()?;
            // After the tickets: what was done when they were listed is in the logs by now.
            self.logs.look()?;
            match listing {
                Some(Listing { mark: Some((found, making)), .. }) if found == of => {
                    self.making = Some(making);
                    return Ok(());
                }
                // One that is cleared away while it is listed may look like this, once.
                Some(_) => strange = true,
                None if self.unrecorded() == 0 => return Ok(()),
                None => self.tickets.make(&self.run, &chunks, &of, &self.worker.name)?,
            }
        }
        if strange {
            return Err(LeaseError::Foreign(self.tickets.path().to_owned()));
        }
        Err(LeaseError::NotShared { folder: self.run.clone(), why: "folders that are made there vanish".to_owned() })
    }

    /// The name of this process's log, without its ending. No other process ever had it.
    pub fn writer(&self) -> &str {
        &self.worker.name
    }

    /// Takes the next chunk that nobody works on. Call it when there is room for its samples: what is taken is renewed by a
    /// thread of the queue's own for as long as claim and queue live, and nobody else does it meanwhile.
    ///
    /// # Errors
    /// When the file system refuses, or tickets were missing for a whole term.
    pub fn claim(&mut self) -> Result<Next, LeaseError> {
        self.claim_at(Instant::now())
    }

    pub(super) fn claim_at(&mut self, now: Instant) -> Result<Next, LeaseError> {
        let Some(listing) = self.tickets.list()? else { return self.without_folder() };
        self.watch.look(listing.tickets.iter().map(|(name, _)| name.as_str()), now);
        self.progress = listing.progress(self.ids.len());
        let mut wait = LONGEST_WAIT.min(self.worker.term / 4);
        for (name, ticket) in &listing.tickets {
            match &ticket.state {
                State::Done => continue,
                State::Held(_) if self.keeper.keeps(ticket.span) => continue,
                State::Held(hold) => {
                    let left = self.watch.left(name, hold.term, now);
                    if left > Duration::ZERO {
                        wait = wait.min(left);
                        continue;
                    }
                }
                State::New(_) | State::Again => {}
            }
            if let Some(claim) = self.take(name, ticket)? {
                return Ok(Next::Claim(claim));
            }
            // It is not as it was listed any more: look again soon.
            wait = SHORTEST_WAIT;
        }
        if self.progress.finished == self.ids.len() {
            return self.check_records(&listing);
        }
        self.check_gaps(&listing, now)?;
        Ok(Next::Wait(wait.max(SHORTEST_WAIT)))
    }

    /// Takes one chunk; nothing where another process was faster, or it turns out that all its samples have records.
    pub(super) fn take(&mut self, name: &str, ticket: &Ticket) -> Result<Option<Claim>, LeaseError> {
        let Some(lease) = Lease::take(&self.tickets, &self.worker, ticket.span, name)? else { return Ok(None) };
        let lease = Arc::new(lease);
        // Kept from here on: reading the logs may take longer than a term.
        self.keeper.keep(&lease);
        if !matches!(&ticket.state, State::New(making) if Some(making) == self.making.as_ref()) {
            self.logs.look()?;
        }
        let missing = self.missing(ticket);
        if missing.is_empty() {
            lease.finish()?;
            return Ok(None);
        }
        Ok(Some(Claim { lease, missing }))
    }

    /// All chunks are done. A power cut may have kept that and lost records; such a chunk goes round again.
    fn check_records(&mut self, listing: &Listing) -> Result<Next, LeaseError> {
        self.logs.look()?;
        if self.unrecorded() == 0 {
            clear_queue(&self.run, &self.worker.name);
            return Ok(Next::Finished);
        }
        for (name, ticket) in &listing.tickets {
            if !self.missing(ticket).is_empty() {
                self.tickets.swap(name, &Ticket { span: ticket.span, state: State::Again })?;
            }
        }
        Ok(Next::Wait(SHORTEST_WAIT))
    }

    /// Whoever sees the last chunk done clears the folder away. Nobody else should.
    fn without_folder(&mut self) -> Result<Next, LeaseError> {
        self.logs.look()?;
        let samples = self.unrecorded();
        if samples > 0 {
            return Err(LeaseError::Incomplete { folder: self.tickets.path().to_owned(), samples });
        }
        self.progress = Progress { samples: self.ids.len(), finished: self.ids.len(), held: 0 };
        Ok(Next::Finished)
    }

    /// How far all processes together are, as of the last call of [`claim`](Self::claim).
    pub fn progress(&self) -> Progress {
        self.progress
    }

    fn missing(&self, ticket: &Ticket) -> BTreeSet<String> {
        let ids = self.ids.iter().skip(ticket.span.start).take(ticket.span.len);
        ids.filter(|id| !self.logs.have(id)).cloned().collect()
    }

    fn unrecorded(&self) -> usize {
        self.ids.iter().filter(|id| !self.logs.have(id)).count()
    }

    /// A ticket that is renamed while the folder is read may not be seen; one that nobody sees for a term is not there.
    fn check_gaps(&mut self, listing: &Listing, now: Instant) -> Result<(), LeaseError> {
        let samples = self.ids.len().saturating_sub(listing.samples());
        if samples == 0 {
            self.gap = None;
        } else if now.saturating_duration_since(*self.gap.get_or_insert(now)) > self.worker.term {
            return Err(LeaseError::Incomplete { folder: self.tickets.path().to_owned(), samples });
        }
        Ok(())
    }
}
