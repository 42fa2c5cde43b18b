//! Many requests answered together: prompts are read one by one, answers go on side by side, a token a step.

mod job;
mod kept;
mod seer;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use socio_backend::Engine;
use socio_models::ModelError;
use socio_models::qwen2_5_vl::{Decoder, Drawn, Prefilled, Reading, Rows};

pub(crate) use job::{Answered, Job, Picture, Spent};
pub use seer::Pixels;
pub(crate) use seer::Seer;

pub(crate) use kept::{Kept, Names};

/// Runs a step where the network's library wants to be called.
pub(crate) type Within = Box<dyn Fn(&mut (dyn FnMut() + Send)) + Send>;

/// The engine before a network.
pub(crate) struct Continuous<D: Decoder> {
    decoder: D,
    seer: Seer,
    within: Within,
    work: Work<D>,
}

/// All but the network itself.
struct Work<D: Decoder> {
    /// Answers on their way at most; fewer once memory has run short.
    most: usize,
    kept: Kept<D>,
    rows: Rows<D, (u64, usize)>,
    jobs: BTreeMap<u64, Running>,
    /// Admitted, their prompts not read yet.
    unread: VecDeque<u64>,
    /// To be answered by themselves, since together with others they failed.
    alone: VecDeque<u64>,
}

struct Running {
    job: Job,
    drawn: Vec<Option<Drawn>>,
    spent: Spent,
    /// Whether it is answered by itself; an error is its own then.
    lone: bool,
}

impl<D: Decoder> Continuous<D> {
    /// At most `most` answers at once; what may be wanted again goes into `kept`.
    pub(crate) fn new(decoder: D, seer: Seer, most: usize, kept: Kept<D>, within: Within) -> Self {
        let (rows, jobs) = (Rows::default(), BTreeMap::new());
        let (unread, alone) = (VecDeque::new(), VecDeque::new());
        Self { decoder, seer, within, work: Work { most, kept, rows, jobs, unread, alone } }
    }
}

impl<D: Decoder + Send> Engine for Continuous<D> {
    type Job = Job;
    type Reply = Answered;

    fn room(&self, job: &Job) -> bool {
        let work = &self.work;
        let coming: usize = work.unread.iter().filter_map(|t| work.jobs.get(t)).map(|r| r.job.seeds.len()).sum();
        work.jobs.is_empty() || (work.alone.is_empty() && work.rows.len() + coming + job.seeds.len() <= work.most)
    }

    fn admit(&mut self, ticket: u64, job: Job) {
        let drawn = vec![None; job.seeds.len()];
        self.work.jobs.insert(ticket, Running { job, drawn, spent: Spent::default(), lone: false });
        self.work.unread.push_back(ticket);
    }

    fn step(&mut self) -> Vec<(u64, Answered)> {
        let Self { decoder, seer, within, work } = self;
        let mut ended = Vec::new();
        // Lent out whole, since a library's tensors need not be shareable between threads.
        let (out, decoder): (_, &mut D) = (&mut ended, decoder);
        let mut go = move || *out = work.step(decoder, seer);
        within(&mut go);
        ended
    }

    fn abandon(&mut self) -> Vec<(u64, Answered)> {
        let work = &mut self.work;
        work.rows.clear();
        work.unread.clear();
        work.alone.clear();
        work.kept.clear();
        let lost = || Err(ModelError::op("answer", "the step that computed it broke off"));
        std::mem::take(&mut work.jobs).into_keys().map(|ticket| (ticket, lost())).collect()
    }
}

impl<D: Decoder> Work<D> {
    fn step(&mut self, decoder: &D, seer: &Seer) -> Vec<(u64, Answered)> {
        let mut ended = self.cancelled();
        if self.rows.is_empty()
            && self.unread.is_empty()
            && let Some(ticket) = self.alone.pop_front()
        {
            self.unread.push_back(ticket);
            self.jobs.entry(ticket).and_modify(|r| r.lone = true);
        }
        while let Some(ticket) = self.unread.pop_front() {
            match self.read(ticket, decoder, seer) {
                Ok(()) => {}
                // Memory that others hold now comes back when they are done; nothing more comes in beside them from now on.
                Err(ModelError::Memory(_)) if self.jobs.get(&ticket).is_some_and(|r| !r.lone) => {
                    self.kept.clear();
                    self.most = self.rows.len().max(1);
                    self.alone.push_back(ticket);
                }
                Err(e) => {
                    self.jobs.remove(&ticket);
                    ended.push((ticket, Err(e)));
                }
            }
        }
        let start = Instant::now();
        let in_step: BTreeSet<u64> = self.rows.keys().map(|(ticket, _)| *ticket).collect();
        match self.rows.step(decoder) {
            Ok(drawn) => {
                let took = start.elapsed();
                for ticket in in_step {
                    self.jobs.entry(ticket).and_modify(|r| r.spent.tokens.push(took));
                }
                for (key, drawn) in drawn {
                    self.put(key, drawn);
                }
            }
            Err(e) => ended.extend(self.broken(e)),
        }
        let done: Vec<u64> =
            self.jobs.iter().filter(|(_, r)| r.drawn.iter().all(Option::is_some)).map(|(t, _)| *t).collect();
        ended.extend(done.into_iter().filter_map(|t| {
            let running = self.jobs.remove(&t)?;
            Some((t, Ok((running.drawn.into_iter().flatten().collect(), running.spent))))
        }));
        ended
    }

    /// Reads a prompt and draws the first token of its answers.
    fn read(&mut self, ticket: u64, decoder: &D, seer: &Seer) -> Result<(), ModelError> {
        let Some(running) = self.jobs.get_mut(&ticket) else { return Ok(()) };
        let Running { job, spent, .. } = running;
        let prefilled = prefill(job, spent, &mut self.kept, decoder, seer)?;
        let draws = job.seeds.iter().enumerate().map(|(draw, seed)| ((ticket, draw), *seed));
        let start = Instant::now();
        let ended = self.rows.join(decoder, prefilled, &job.settings, draws)?;
        spent.prefill += start.elapsed();
        for (key, drawn) in ended {
            self.put(key, drawn);
        }
        Ok(())
    }

    fn put(&mut self, (ticket, draw): (u64, usize), drawn: Drawn) {
        if let Some(place) = self.jobs.get_mut(&ticket).and_then(|r| r.drawn.get_mut(draw)) {
            *place = Some(drawn);
        }
    }

    /// After a step that failed: of several jobs each is answered anew by itself, so that one does not spoil the others.
    fn broken(&mut self, error: ModelError) -> Vec<(u64, Answered)> {
        let mut tickets: Vec<u64> = self.rows.clear().into_iter().map(|(ticket, _)| ticket).collect();
        tickets.sort_unstable();
        tickets.dedup();
        let memory = matches!(error, ModelError::Memory(_));
        if let [only] = tickets[..]
            && (!memory || self.jobs.get(&only).is_some_and(|r| r.lone))
        {
            self.jobs.remove(&only);
            return vec![(only, Err(error))];
        }
        if memory {
            self.kept.clear();
            self.most = (self.most / 2).max(1);
        }
        for ticket in tickets {
            if let Some(running) = self.jobs.get_mut(&ticket) {
                running.spent = Spent::default();
                running.drawn.fill(None);
                self.alone.push_back(ticket);
            }
        }
        Vec::new()
    }

    /// Lets go of what nobody waits for any more.
    fn cancelled(&mut self) -> Vec<(u64, Answered)> {
        let gone: Vec<u64> = self.jobs.iter().filter(|(_, r)| r.job.cancel.is_cancelled()).map(|(t, _)| *t).collect();
        if gone.is_empty() {
            return Vec::new();
        }
        self.unread.retain(|t| !gone.contains(t));
        self.alone.retain(|t| !gone.contains(t));
        self.rows.retain(|(ticket, _)| !gone.contains(ticket));
        for ticket in &gone {
            self.jobs.remove(ticket);
        }
        gone.into_iter().map(|ticket| (ticket, Err(ModelError::Cancelled))).collect()
    }
}

/// Reads a prompt; images and beginnings that were seen before are not computed again.
fn prefill<D: Decoder>(
    job: &Job,
    spent: &mut Spent,
    kept: &mut Kept<D>,
    decoder: &D,
    seer: &Seer,
) -> Result<Prefilled<D::Past>, ModelError> {
    let reading = Reading::new(decoder.config(), &job.ids, &job.grids())?;
    let key = job.key(reading.shared());
    if !reading.shared().is_empty()
        && let Some(first) = kept.beginning(&key)
    {
        let start = Instant::now();
        let read = reading.rest(decoder, &[], Some(first));
        spent.prefill += start.elapsed();
        return read;
    }
    let start = Instant::now();
    let mut images = Vec::with_capacity(job.pictures.len());
    for picture in &job.pictures {
        images.push(if let Some(seen) = kept.image(&picture.key) {
            seen
        } else {
            let seen = decoder.see(picture.cut(seer)?)?;
            kept.keep_image(&picture.key, &seen);
            seen
        });
    }
    spent.vision += start.elapsed();
    let start = Instant::now();
    let first = reading.first(decoder, &images)?;
    let read = reading.rest(decoder, &images, first.as_ref());
    if let Some(first) = first {
        kept.keep_beginning(&key, first);
    }
    spent.prefill += start.elapsed();
    read
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
