//! Queues in a real folder: by hand, by threads, by processes that are killed and stopped.

mod by_hand;
mod processes;
mod threads;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use socio_record::{seal, unseal};

use super::folder::Tickets;
use super::{Claim, Next, Queue, QueueOptions};

/// A term that passes only where a test says that time has passed.
const LONG: Duration = Duration::from_hours(1);

fn ids(samples: usize) -> Vec<String> {
    (0..samples).map(|n| format!("name_{n:04}")).collect()
}

fn open(run: &Path, samples: usize, term: Duration) -> Queue {
    Queue::open(run, ids(samples), QueueOptions { term, ..QueueOptions::default() }).unwrap()
}

fn taken(next: Next) -> Claim {
    match next {
        Next::Claim(claim) => claim,
        other => panic!("no claim: {other:?}"),
    }
}

/// The names of all tickets.
fn tickets(run: &Path) -> Vec<String> {
    Tickets::of(run).list().unwrap().map_or_else(Vec::new, |l| l.tickets.into_iter().map(|(name, _)| name).collect())
}

/// Appends a record.
fn record(run: &Path, writer: &str, id: &str) {
    let line = seal(&json!({"id": id, "by": writer})).unwrap();
    let path = run.join("records").join(format!("{writer}.jsonl"));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    File::options().create(true).append(true).open(path).unwrap().write_all(line.as_bytes()).unwrap();
}

/// How many records each sample has, in all logs; a line without its end is none.
fn recorded(run: &Path) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let Ok(entries) = fs::read_dir(run.join("records")) else { return counts };
    for entry in entries {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        for line in String::from_utf8_lossy(&bytes).split_inclusive('\n').filter_map(|l| l.strip_suffix('\n')) {
            if let Ok(record) = unseal::<serde_json::Value>(line) {
                *counts.entry(record["id"].as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
    }
    counts
}

/// Expects that each sample has one record, and that nothing is left of the queue.
fn expect_all_once(run: &Path, samples: usize, what: &str) {
    let want: BTreeMap<String, usize> = ids(samples).into_iter().map(|id| (id, 1)).collect();
    assert_eq!(recorded(run), want, "{what}");
    let left: Vec<_> = fs::read_dir(run).unwrap().map(|e| e.unwrap().file_name()).filter(|n| n != "records").collect();
    assert!(left.is_empty(), "{what}: {left:?}");
}

/// Works as a run does until all is finished: asks, answers, looks, writes. `answered` is called with each answer.
fn work(run: &Path, queue: &mut Queue, mut answered: impl FnMut(&str)) {
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < Duration::from_mins(1), "it goes on for ever: {:?}", tickets(run));
        let claim = match queue.claim().unwrap() {
            Next::Claim(claim) => claim,
            Next::Wait(time) => {
                thread::sleep(time.min(Duration::from_millis(10)));
                continue;
            }
            Next::Finished => return,
        };
        let mut left = claim.missing().len();
        for id in claim.missing() {
            answered(id);
            if !claim.holds().unwrap() {
                break;
            }
            record(run, queue.writer(), id);
            left -= 1;
        }
        if left == 0 {
            claim.finish().unwrap();
        }
    }
}
