//! Tickets: one file for each chunk of samples, whose name is all that is to know of it.
//!
//! ```text
//! 00000096+8.new.queue-node7-4242-65f1a2b3                never handed out; who made the tickets
//! 00000096+8.held.queue-node7-4242-65f1a2b3.60000.17      held; its term in milliseconds; the 17th name that worker gave
//! 00000096+8.again                                        to be handed out again: records that it had are not there
//! 00000096+8.done                                         all its samples have records on the disk
//! ```

use std::fmt;
use std::time::Duration;

/// Neighbours in the run's list of samples: the first one's place, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) len: usize,
}

/// What is done with a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// Nobody ever held it. Tells whose making it is of: a process that was slow to make tickets may move its own in when the
    /// run is over and others' are cleared away, and a name that was seen in one making must not be there in another.
    New(String),
    /// Nobody holds it, and some of its samples may have records.
    Again,
    /// Somebody works on it.
    Held(Hold),
    /// All its samples have records.
    Done,
}

/// A lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hold {
    /// Whose it is: the name of a log, which no other process of the run ever had.
    pub(super) worker: String,
    /// How long it may look the same before it is anyone's.
    pub(super) term: Duration,
    /// Counts the names that this worker gave, over all its tickets: no name comes twice.
    pub(super) beat: u64,
}

/// A chunk and its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) span: Span,
    pub(super) state: State,
}

/// Each chunk is this part of the samples that are left: large ones first, so that a run of a million has about two thousand
/// tickets, single samples last, so that nobody waits long for whoever is slowest ("guided self-scheduling").
const PART: usize = 256;

/// Cuts a list of samples into chunks of at most `most`. They are neighbours, so that a reader of files or row groups goes
/// forward and samples of one scene share its embedding; they follow from the list's length alone.
pub(super) fn spans(samples: usize, most: usize) -> Vec<Span> {
    let (mut spans, mut start) = (Vec::new(), 0);
    while start < samples {
        let len = (samples - start).div_ceil(PART).min(most.max(1));
        spans.push(Span { start, len });
        start += len;
    }
    spans
}

impl Ticket {
    /// Reads a file's name; `None` for what is no ticket (`.nfs0001`, a marker).
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (span, state) = name.split_once('.')?;
        let (start, len) = span.split_once('+')?;
        let span = Span { start: start.parse().ok()?, len: len.parse().ok()? };
        let state = match state {
            "again" => State::Again,
            "done" => State::Done,
            other => match other.split_once('.')? {
                ("new", making) if !making.contains('.') => State::New(making.to_owned()),
                ("held", hold) => State::Held(Hold::parse(hold)?),
                _ => return None,
            },
        };
        let ticket = Self { span, state };
        // Only what we would write ourselves: `+8` and `08` are numbers too.
        (ticket.to_string() == name).then_some(ticket)
    }
}

impl Hold {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let worker = parts.next().filter(|w| !w.is_empty())?.to_owned();
        let term = Duration::from_millis(parts.next()?.parse().ok()?);
        let beat = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some(Self { worker, term, beat })
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}+{}.", self.span.start, self.span.len)?;
        match &self.state {
            State::New(making) => write!(f, "new.{making}"),
            State::Again => f.write_str("again"),
            State::Done => f.write_str("done"),
            State::Held(h) => write!(f, "held.{}.{}.{}", h.worker, h.term.as_millis(), h.beat),
        }
    }
}
