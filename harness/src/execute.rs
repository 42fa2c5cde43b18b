//! The run: N samples in flight on N threads, one log line a finished sample.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use socio_dataset::store::{Dataset, Encoded, Fields, Samples, StoreError};
use socio_record::{Manifest, Record, Run, SampleEntry, Writer};

use crate::sample::{Scored, work};
use crate::{Event, HarnessError, Shard};

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
    pub shard: Shard,
    /// Samples worked on at once (at least one).
    pub in_flight: usize,
    /// The run's folder.
    pub folder: &'a Path,
}

/// Runs what is not finished yet, and returns the whole run. Records are written as they come, so that whatever ends the
/// process loses the samples in flight and no more.
///
/// # Errors
/// When the run exists with other inputs, the dataset cannot be read on or the log not be written; all finished samples
/// are kept.
pub fn execute(job: &Job<'_>, mut tell: impl FnMut(Event)) -> Result<Run, HarnessError> {
    let begun = Run::begin(job.folder, job.manifest, job.samples)?;
    let share: Vec<&SampleEntry> = job.samples.iter().filter(|s| job.shard.holds(&s.id)).collect();
    let missing: BTreeSet<String> = begun.missing().filter(|s| job.shard.holds(&s.id)).map(|s| s.id.clone()).collect();
    tell(Event::Begun { total: share.len(), done: share.len() - missing.len() });
    if missing.is_empty() {
        return Ok(begun);
    }
    let mut writer = Writer::open(&begun.log_path(&job.shard.writer()))?;
    let samples = job.dataset.read(&job.manifest.data.split, Some(&missing), Fields::ALL)?;
    let workers = job.in_flight.clamp(1, missing.len());
    let (to_do, queue) = sync_channel::<(Encoded, Duration)>(workers);
    let (done, records) = sync_channel::<Record>(workers);
    let queue = Mutex::new(queue);
    let result = thread::scope(|scope| {
        let reader = scope.spawn(move || feed(samples, &to_do));
        for worker in 0..workers as u32 {
            let (done, queue, scored) = (done.clone(), &queue, &job.scored);
            scope.spawn(move || answer(queue, &done, scored, worker));
        }
        drop(done);
        let mut failed = None;
        for record in records {
            if failed.is_some() {
                continue;
            }
            match writer.append(&record) {
                Ok(()) => tell(Event::Finished { id: record.id, status: record.status, message: record.message }),
                Err(e) => {
                    failed = Some(e);
                    // Without a receiver the reader stops, then the workers.
                    stop(&queue);
                }
            }
        }
        // Should every worker be gone, the reader must not wait for one.
        stop(&queue);
        let read = reader.join().map_err(|_| HarnessError::Reader);
        match failed {
            Some(e) => Err(HarnessError::from(e)),
            None => read?.map_err(HarnessError::from),
        }
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

/// Hands samples out, each with how long it took to read, until there are no more or nobody takes them.
fn feed(mut samples: Samples<'_>, to_do: &SyncSender<(Encoded, Duration)>) -> Result<(), StoreError> {
    loop {
        let start = Instant::now();
        let Some(sample) = samples.next() else { return Ok(()) };
        if to_do.send((sample?, start.elapsed())).is_err() {
            return Ok(());
        }
    }
}

fn answer(queue: &Mutex<Receiver<(Encoded, Duration)>>, done: &SyncSender<Record>, scored: &Scored<'_>, worker: u32) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((sample, load)) = next else { return };
        if done.send(work(&sample, load, scored, worker)).is_err() {
            return;
        }
    }
}

/// Takes the queue's receiving end away: what was waiting is not worked on, and the reader's next send fails.
fn stop<T>(queue: &Mutex<Receiver<T>>) {
    let (_, closed) = sync_channel(0);
    // A worker may hold the lock while it waits for the reader; it lets go with the reader's next sample.
    *queue.lock().unwrap_or_else(PoisonError::into_inner) = closed;
}
