//! The run: N samples in flight on N threads, one log line a finished sample.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use socio_dataset::store::{Dataset, Encoded, Fields};
use socio_record::{Manifest, Record, Run, SampleEntry, Writer};

use crate::lease::{Part, Parts};
use crate::sample::{Scored, work};
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

/// Runs what is not finished yet, and returns the whole run. Records are written as they come, so that whatever ends the
/// process loses the samples in flight and no more.
///
/// # Errors
/// When the run exists with other inputs, the dataset cannot be read on or the log not be written; all finished samples
/// are kept.
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
    let (done, records) = sync_channel::<(Record, Arc<Part>)>(workers);
    let (queue, stopped) = (Mutex::new(queue), AtomicBool::new(false));
    let result = thread::scope(|scope| {
        // Not moved: what is held is renewed for as long as the queue lives, which is until the last record.
        let (parts, stopped) = (&mut parts, &stopped);
        let reader = scope.spawn(move || feed(job, parts, &to_do, stopped));
        for worker in 0..workers as u32 {
            let (done, queue, scored) = (done.clone(), &queue, &job.scored);
            scope.spawn(move || answer(queue, &done, scored, worker));
        }
        drop(done);
        let mut failed = None;
        for (record, part) in records {
            if failed.is_some() {
                continue;
            }
            match keep(&record, &part, &mut writer) {
                Ok(true) => tell(Event::Finished { id: record.id, status: record.status, message: record.message }),
                // Whoever took the part over asks again: two records of a sample would be one too many.
                Ok(false) => {}
                Err(e) => {
                    failed = Some(e);
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
    let missing = begun.missing().filter(|s| shard.holds(&s.id));
    let records: Vec<Record> =
        missing.filter_map(|s| whole.records.get(&s.id)).map(Record::stopped_after_first).collect();
    if !records.is_empty() {
        let mut writer = Writer::open(&begun.log_path(&shard.writer()))?;
        for record in &records {
            writer.append(record)?;
        }
        writer.sync()?;
    }
    Ok(Run::open(folder)?)
}

/// Hands samples out, part after part, until there are no more or nobody takes them.
fn feed(job: &Job<'_>, parts: &mut Parts, to_do: &SyncSender<Read>, stopped: &AtomicBool) -> Result<(), HarnessError> {
    while let Some(part) = parts.next(stopped)? {
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

fn answer(queue: &Mutex<Receiver<Read>>, done: &SyncSender<(Record, Arc<Part>)>, scored: &Scored<'_>, worker: u32) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((sample, load, part)) = next else { return };
        if done.send((work(&sample, load, scored, worker), part)).is_err() {
            return;
        }
    }
}

/// Appends a record, unless its part was lost to another process meanwhile.
fn keep(record: &Record, part: &Part, writer: &mut Writer) -> Result<bool, HarnessError> {
    if !part.holds()? {
        return Ok(false);
    }
    writer.append(record)?;
    part.recorded(writer)?;
    Ok(true)
}

/// Takes the queue's receiving end away: what was waiting is not worked on, and the reader's next send fails.
fn stop<T>(queue: &Mutex<Receiver<T>>, stopped: &AtomicBool) {
    // First: a reader that waits for other processes' leases sends nothing that would wake a worker.
    stopped.store(true, Ordering::Relaxed);
    let (_, closed) = sync_channel(0);
    // A worker may hold the lock while it waits for the reader; it lets go with the reader's next sample.
    *queue.lock().unwrap_or_else(PoisonError::into_inner) = closed;
}
