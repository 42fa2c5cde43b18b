//! One step after the other; time passes when a test says so.

use tempfile::tempdir;

use super::*;
use crate::lease::folder::Listing;
use crate::lease::ticket::{Hold, Span, State, Ticket, spans};
use crate::lease::{LeaseError, Progress, clear_queue};

/// A little less than the term.
const ALMOST: Duration = Duration::from_millis(3_599_999);

#[test]
fn names_hold_all_there_is_to_know() {
    let hold = Hold { worker: "queue-node7-4242-65f1a2b3".to_owned(), term: Duration::from_mins(1), beat: 17 };
    for state in [State::New("queue-node7-1-2".to_owned()), State::Again, State::Done, State::Held(hold)] {
        let ticket = Ticket { span: Span { start: 96, len: 8 }, state };
        assert_eq!(Ticket::parse(&ticket.to_string()), Some(ticket));
    }
    for name in [
        "",
        "of-1234.queue",
        ".nfs0001",
        "00000096+8",
        "00000096+8.",
        "96+8.new.w",
        "00000096+8.new",
        "00000096+8.new.w.1",
        "00000096+08.new.w",
        "00000096+8.New.w",
        "00000096+8.held.w.60",
        "00000096+8.held..60.1",
        "00000096+8.held.w.60.1.2",
        "00000096+8.held.w.-60.1",
    ] {
        assert_eq!(Ticket::parse(name), None, "{name}");
    }
}

#[test]
fn chunks_are_every_sample_once_and_shrink_to_single_ones() {
    for samples in [0, 1, 2, 255, 256, 257, 1000, 13_000, 1_000_000] {
        for most in [0, 1, 32, usize::MAX] {
            let spans = spans(samples, most);
            let mut next = 0;
            for span in &spans {
                assert!(span.start == next && span.len >= 1 && span.len <= most.max(1));
                next += span.len;
            }
            assert_eq!(next, samples);
            assert!(spans.is_sorted_by(|a, b| a.len >= b.len));
            assert!(spans.last().is_none_or(|s| s.len == 1));
            assert!(most < usize::MAX || spans.len() < 2500, "{} of {samples}", spans.len());
        }
    }
}

/// A folder that is read while tickets are renamed may show one under both names, or not at all.
#[test]
fn a_ticket_that_is_seen_twice_counts_once_and_not_as_done() {
    let names = ["00000000+3.done", "00000003+2.again", "00000003+2.done", "00000005+1.held.w.1000.1"];
    let tickets = names.map(|n| (n.to_owned(), Ticket::parse(n).unwrap())).to_vec();
    let listing = Listing { mark: None, tickets };
    assert_eq!(listing.samples(), 6);
    assert_eq!(listing.progress(9), Progress { samples: 9, finished: 3, held: 1 });
}

#[test]
fn one_process_finishes_all_and_clears_up() {
    let run = tempdir().unwrap();
    let mut queue = open(run.path(), 40, LONG);
    work(run.path(), &mut queue, |_| {});
    expect_all_once(run.path(), 40, "");
    assert!(matches!(queue.claim().unwrap(), Next::Finished));
    // A joiner after the end makes nothing.
    let mut late = open(run.path(), 40, LONG);
    assert!(matches!(late.claim().unwrap(), Next::Finished));
    assert_eq!((late.progress().finished, tickets(run.path()).len()), (40, 0));
}

#[test]
fn what_has_records_is_not_handed_out() {
    let run = tempdir().unwrap();
    for id in ids(300).iter().step_by(2) {
        record(run.path(), "shard-1-of-1", id);
    }
    let mut queue = open(run.path(), 300, LONG);
    let claim = taken(queue.claim().unwrap());
    assert_eq!(claim.missing().iter().collect::<Vec<_>>(), ["name_0001"]);
    drop(claim);
    assert_eq!(queue.progress().samples, 300);
}

#[test]
fn a_lease_is_over_after_a_term_by_the_watchers_clock_alone() {
    let run = tempdir().unwrap();
    let (mut first, mut second) = (open(run.path(), 1, LONG), open(run.path(), 1, LONG / 2));
    let claim = taken(first.claim().unwrap());
    // Ten hours ahead of the holder's clock; and the term is the holder's, not the watcher's.
    let ahead = Instant::now() + 10 * LONG;
    for passed in [Duration::ZERO, LONG / 2, ALMOST] {
        assert!(matches!(second.claim_at(ahead + passed).unwrap(), Next::Wait(_)), "{passed:?}");
    }
    assert!(claim.holds().unwrap());
    // A sign of life begins the term anew.
    assert!(claim.lease.renew().unwrap());
    assert!(matches!(second.claim_at(ahead + LONG).unwrap(), Next::Wait(_)));
    assert!(matches!(second.claim_at(ahead + LONG + ALMOST).unwrap(), Next::Wait(_)));
    let over = taken(second.claim_at(ahead + 2 * LONG).unwrap());
    // To the holder not a second has passed, and it finds out all the same.
    assert!(!claim.is_over() && !claim.holds().unwrap() && claim.is_over());
    assert!(!claim.finish().unwrap() && !claim.lease.renew().unwrap());
    assert!(over.holds().unwrap());
    record(run.path(), second.writer(), "name_0000");
    assert!(over.finish().unwrap() && !over.holds().unwrap());
    assert!(matches!(first.claim().unwrap(), Next::Finished));
}

#[test]
fn what_is_taken_over_is_only_what_has_no_record() {
    let run = tempdir().unwrap();
    let (mut first, mut second) = (open(run.path(), 600, LONG), open(run.path(), 600, LONG));
    let claim = taken(first.claim().unwrap());
    assert_eq!(claim.missing().len(), 3);
    record(run.path(), first.writer(), "name_0001");
    let now = Instant::now();
    let other = taken(second.claim_at(now).unwrap());
    assert!(other.missing().contains("name_0003"), "the next one: {other:?}");
    // Recorded after the second had read the logs.
    record(run.path(), first.writer(), "name_0000");
    let over = taken(second.claim_at(now + LONG).unwrap());
    assert_eq!(over.missing().iter().collect::<Vec<_>>(), ["name_0002"]);
    assert!(!claim.holds().unwrap());
}

#[test]
fn a_lease_is_renewed_for_as_long_as_its_claim_lives() {
    let run = tempdir().unwrap();
    let mut queue = open(run.path(), 1, Duration::from_millis(60));
    let claim = taken(queue.claim().unwrap());
    let mut seen = std::collections::BTreeSet::new();
    let begun = Instant::now();
    while seen.len() < 4 {
        seen.extend(tickets(run.path()));
        assert!(begun.elapsed() < Duration::from_secs(20), "never renewed: {seen:?}");
        thread::sleep(Duration::from_millis(5));
    }
    drop(claim);
    thread::sleep(Duration::from_millis(60));
    let last = tickets(run.path());
    thread::sleep(Duration::from_millis(120));
    assert_eq!(tickets(run.path()), last);
    // Its own process may have it again.
    let begun = Instant::now();
    while !matches!(queue.claim().unwrap(), Next::Claim(_)) {
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}

/// Every state that a process killed between two calls leaves behind, made by hand: the others finish each sample once.
#[test]
fn what_killed_processes_leave_is_gone_on_from() {
    type Leave<'a> = &'a dyn Fn(&Path);
    let held = |beat| format!("00000000+1.held.queue-dead-1-00000000.50.{beat}");
    let making = |run: &Path| {
        // Killed while it made the tickets.
        fs::create_dir_all(run.join(".leases-new-queue-dead-1-00000000/full")).unwrap();
        fs::write(run.join(".leases-new-queue-dead-1-00000000/00000000+1.new.queue-dead-1-00000000"), "").unwrap();
        fs::create_dir_all(run.join("records")).unwrap();
        fs::write(run.join("records/queue-dead-1-00000000.jsonl"), "").unwrap();
    };
    let clearing = |run: &Path| {
        fs::create_dir_all(run.join(".leases-old-queue-dead-1-00000000")).unwrap();
        fs::write(run.join(".leases-old-queue-dead-1-00000000/00000001+1.done"), "").unwrap();
    };
    let begin = |run: &Path| drop(open(run, 5, LONG));
    let take = |run: &Path| {
        begin(run);
        fs::rename(run.join("leases").join(&tickets(run)[0]), run.join("leases").join(held(3))).unwrap();
    };
    let tear = |run: &Path| {
        take(run);
        let line = seal(&json!({"id": "name_0000", "by": "dead"})).unwrap();
        fs::write(run.join("records/queue-dead-1-00000000.jsonl"), &line[..line.len() - 1]).unwrap();
    };
    let write = |run: &Path| {
        take(run);
        record(run, "queue-dead-1-00000000", "name_0000");
    };
    let litter = |run: &Path| {
        write(run);
        fs::write(run.join("leases/.nfs000000000001"), "").unwrap();
        fs::write(run.join("leases/00000000+1.held"), "").unwrap();
    };
    let all: [(&str, Leave); 7] = [
        ("making", &making),
        ("clearing", &clearing),
        ("begun", &begin),
        ("taken", &take),
        ("torn", &tear),
        ("written", &write),
        ("littered", &litter),
    ];
    for (what, leave) in all {
        let run = tempdir().unwrap();
        leave(run.path());
        let mut queue = open(run.path(), 5, LONG);
        work(run.path(), &mut queue, |_| {});
        expect_all_once(run.path(), 5, what);
    }
}

/// The tickets of a power cut: done, and the records are gone.
#[test]
fn a_done_chunk_without_its_records_goes_round_again() {
    let run = tempdir().unwrap();
    drop(open(run.path(), 5, LONG));
    for (n, name) in tickets(run.path()).iter().enumerate() {
        let folder = run.path().join("leases");
        fs::rename(folder.join(name), folder.join(format!("0000000{n}+1.done"))).unwrap();
    }
    record(run.path(), "queue-dead-1-00000000", "name_0003");
    work(run.path(), &mut open(run.path(), 5, LONG), |_| {});
    expect_all_once(run.path(), 5, "");
}

#[test]
fn a_folder_that_was_made_anew_is_looked_at_anew() {
    let run = tempdir().unwrap();
    let mut early = open(run.path(), 5, LONG);
    record(run.path(), "other", "name_0000");
    clear_queue(run.path(), "cleared");
    drop(open(run.path(), 5, LONG));
    assert!(taken(early.claim().unwrap()).missing().contains("name_0001"));
}

/// A process looks at the tickets and is stopped. Meanwhile others finish all and clear up, and one that was slow to make tickets
/// moves its own in: what the first saw is not there any more.
#[test]
fn a_ticket_of_one_making_is_not_taken_in_another() {
    let run = tempdir().unwrap();
    let mut early = open(run.path(), 1, LONG);
    let seen = Tickets::of(run.path()).list().unwrap().unwrap().tickets;
    clear_queue(run.path(), "cleared");
    drop(open(run.path(), 1, LONG));
    record(run.path(), "other", "name_0000");
    let (name, ticket) = &seen[0];
    assert!(early.take(name, ticket).unwrap().is_none());
    assert!(tickets(run.path())[0].contains(".new."));
}

#[test]
fn a_strange_or_torn_folder_is_told() {
    let run = tempdir().unwrap();
    drop(open(run.path(), 5, LONG));
    let other = Queue::open(run.path(), ids(6), QueueOptions::default());
    assert!(matches!(other, Err(LeaseError::Foreign(_))));
    let mut queue = open(run.path(), 5, LONG);
    fs::remove_file(run.path().join("leases").join(&tickets(run.path())[4])).unwrap();
    while let Next::Claim(claim) = queue.claim().unwrap() {
        claim.missing().iter().for_each(|id| record(run.path(), "queue", id));
        claim.finish().unwrap();
    }
    let told = queue.claim_at(Instant::now() + 2 * LONG).unwrap_err().to_string();
    assert!(told.contains("lacks the tickets of 1 samples"), "{told}");
    fs::remove_dir_all(run.path().join("leases")).unwrap();
    assert!(matches!(queue.claim(), Err(LeaseError::Incomplete { samples: 1, .. })));
    // As it says: remove it and go on.
    work(run.path(), &mut open(run.path(), 5, LONG), |_| {});
    expect_all_once(run.path(), 5, "");
}
