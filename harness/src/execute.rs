//! The run: N samples in flight on N threads, one log line a finished sample.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use socio_dataset::store::{Dataset, Encoded, Fields};
use socio_record::{LogError, Manifest, Record, Run, SampleEntry, Writer};

use crate::lease::{Part, Parts};
use crate::sample::{Scored, attempt};
use crate::{Event, HarnessError, Shard, Share};

/// All that a run is.
pub struct Job<'a> {
    /// The dataset.
    pub dataset: &'a Dataset,
    /// Its chosen samples.
    pub samples: &'a [SampleEntry],
    /// What is run; its `data.split` names the split.
    pub manifest: &'a Manifest,
    /// Who is asked.
    pub scored: Scored<'a>,
    /// The share of this process.
    pub share: Share,
    /// Samples worked on at once (at least one).
    pub in_flight: usize,
    /// The run's folder.
    pub folder: &'a Path,
}

/// A sample that was read, how long that took, and the part of the run that it is of.
type Read = (Encoded, Duration, Arc<Part>);

/// What the threads tell of.
enum Done {
    /// What came of a sample, and the part of the run that it is of.
    Sample(Box<Result<Record, HarnessError>>, Arc<Part>),
    /// So many samples all processes have finished.
    Together(usize),
}

/// Runs what is not finished yet, and returns the whole run. Records are written as they come, so that whatever ends the
/// process loses the samples in flight and no more.
///
/// # Errors
/// When the run exists with other inputs, the dataset cannot be read on, the log not be written or a backend not be reached
/// any more; all finished samples are kept.
pub fn execute(job: &Job<'_>, mut tell: impl FnMut(Event)) -> Result<Run, HarnessError> {
    let begun = Run::begin(job.folder, job.manifest, job.samples)?;
    let shard = job.share.shard();
    let share: Vec<&SampleEntry> = job.samples.iter().filter(|s| shard.holds(&s.id)).collect();
    let missing: BTreeSet<String> = begun.missing().filter(|s| shard.holds(&s.id)).map(|s| s.id.clone()).collect();
    tell(Event::Begun { total: share.len(), done: share.len() - missing.len() });
    if missing.is_empty() {
        return Ok(begun);
    }
    let workers = job.in_flight.clamp(1, missing.len());
    let (mut parts, name) = Parts::of(job.share, &begun, missing)?;
    let mut writer = Writer::open(&begun.log_path(&name))?;
    let (to_do, queue) = sync_channel::<Read>(parts.ahead(workers));
    let (done, told) = sync_channel::<Done>(workers);
    let (queue, stopped) = (Mutex::new(queue), AtomicBool::new(false));
    let result = thread::scope(|scope| {
        // Not moved: what is held is renewed for as long as the queue lives, which is until the last record.
        let (parts, stopped) = (&mut parts, &stopped);
        let together = done.clone();
        let reader = scope.spawn(move || feed(job, parts, &to_do, &together, stopped));
        for worker in 0..workers as u32 {
            let (done, queue, scored) = (done.clone(), &queue, &job.scored);
            scope.spawn(move || answer(queue, &done, scored, worker));
        }
        drop(done);
        let mut failed = None;
        for done in told {
            let (record, part) = match done {
                Done::Sample(record, part) => (*record, part),
                Done::Together(finished) => {
                    tell(Event::Together { finished });
                    continue;
                }
            };
            // What was in flight when a backend went away may still have been answered.
            if failed.as_ref().is_some_and(|e| !matches!(e, HarnessError::Gone { .. })) {
                continue;
            }
            match record.and_then(|record| keep(record, &part, &mut writer)) {
                Ok(Some(event)) => tell(event),
                // Whoever took the part over asks again: two records of a sample would be one too many.
                Ok(None) => {}
                Err(e) => {
                    failed.get_or_insert(e);
                    // Without a receiver the reader stops, then the workers.
                    stop(&queue, stopped);
                }
            }
        }
        // Should every worker be gone, the reader must not wait for one.
        stop(&queue, stopped);
        let read = reader.join().map_err(|_| HarnessError::Reader);
        failed.map_or_else(|| read?, Err)
    });
    let synced = writer.sync();
    result?;
    synced?;
    drop(writer);
    let run = Run::open(job.folder)?;
    if run.manifest.id != job.manifest.id {
        return Err(HarnessError::Replaced(job.folder.to_owned()));
    }
    Ok(run)
}

/// Makes a run of the first stage of a method from a finished run of the whole, without asking anyone.
///
/// # Errors
/// When the run exists with other inputs, or the log cannot be written.
pub fn first_stage(
    whole: &Run,
    folder: &Path,
    manifest: &Manifest,
    samples: &[SampleEntry],
    shard: Shard,
) -> Result<Run, HarnessError> {
    let begun = Run::begin(folder, manifest, samples)?;
    if !begun.missing().any(|s| shard.holds(&s.id)) {
        return Ok(begun);
    }
    let mut writer = open_when_free(&begun.log_path(&shard.writer()))?;
    // What another process of a queue wrote until now is there.
    let begun = Run::begin(folder, manifest, samples)?;
    let missing = begun.missing().filter(|s| shard.holds(&s.id));
    for record in missing.filter_map(|s| whole.records.get(&s.id)) {
        writer.append(&record.stopped_after_first())?;
    }
    writer.sync()?;
    Ok(Run::open(folder)?)
}

/// A log that another process may just be copying the same records to, which takes seconds at most.
fn open_when_free(path: &Path) -> Result<Writer, LogError> {
    const PATIENCE: Duration = Duration::from_secs(30);
    let begun = Instant::now();
    loop {
        match Writer::open(path) {
            Err(LogError::Locked(_)) if begun.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(100)),
            opened => return opened,
        }
    }
}

/// Hands samples out, part after part, until there are no more or nobody takes them.
fn feed(
    job: &Job<'_>,
    parts: &mut Parts,
    to_do: &SyncSender<Read>,
    done: &SyncSender<Done>,
    stopped: &AtomicBool,
) -> Result<(), HarnessError> {
    // Without somebody who listens it ends soon anyway.
    let tell = |finished| drop(done.send(Done::Together(finished)));
    while let Some(part) = parts.next(stopped, tell)? {
        let part = Arc::new(part);
        let mut samples = job.dataset.read(&job.manifest.data.split, Some(&part.ids), Fields::ALL)?;
        let mut read = 0;
        loop {
            let start = Instant::now();
            let Some(sample) = samples.next() else { break };
            if part.is_lost() {
                break;
            }
            if to_do.send((sample?, start.elapsed(), Arc::clone(&part))).is_err() {
                return Ok(());
            }
            read += 1;
        }
        // A queue would hand the part out for ever.
        if part.is_claimed() && !part.is_lost() && read < part.ids.len() {
            let split = job.manifest.data.split.clone();
            return Err(HarnessError::Vanished { split, chosen: part.ids.len(), read });
        }
    }
    Ok(())
}

fn answer(queue: &Mutex<Receiver<Read>>, done: &SyncSender<Done>, scored: &Scored<'_>, worker: u32) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((sample, load, part)) = next else { return };
        let record = attempt(&sample, load, scored, worker);
        let record = record.map_err(|error| HarnessError::Gone { id: sample.id.clone(), error });
        if done.send(Done::Sample(Box::new(record), part)).is_err() {
            return;
        }
    }
}

/// Appends a record, unless its part was lost to another process meanwhile.
fn keep(record: Record, part: &Part, writer: &mut Writer) -> Result<Option<Event>, HarnessError> {
    if !part.holds()? {
        return Ok(None);
    }
    writer.append(&record)?;
    part.recorded(writer)?;
    Ok(Some(Event::Finished { id: record.id, status: record.status, message: record.message }))
}

/// Takes the queue's receiving end away: what was waiting is not worked on, and the reader's next send fails.
fn stop<T>(queue: &Mutex<Receiver<T>>, stopped: &AtomicBool) {
    // First: a reader that waits for other processes' leases sends nothing that would wake a worker.
    stopped.store(true, Ordering::Relaxed);
    let (_, closed) = sync_channel(0);
    // A worker may hold the lock while it waits for the reader; it lets go with the reader's next sample.
    *queue.lock().unwrap_or_else(PoisonError::into_inner) = closed;
}
