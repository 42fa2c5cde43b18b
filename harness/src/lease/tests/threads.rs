//! Many at once, each with a view of its own.

use std::sync::Barrier;

use tempfile::tempdir;

use super::*;

const SAMPLES: usize = 80;

#[test]
fn many_begin_one_queue_and_record_each_sample_once() {
    for _ in 0..3 {
        let run = tempdir().unwrap();
        let barrier = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    work(run.path(), &mut open(run.path(), SAMPLES, LONG), |_| {});
                });
            }
        });
        expect_all_once(run.path(), SAMPLES, "");
    }
}

#[test]
fn of_sixteen_that_see_a_lease_end_one_takes_it() {
    let run = tempdir().unwrap();
    let barrier = Barrier::new(16);
    let now = Instant::now();
    let rounds = 200;
    let taken: usize = thread::scope(|scope| {
        let all: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    let mut queue = open(run.path(), 1, LONG);
                    let mut taken = 0;
                    for round in 0..rounds {
                        // All have seen the lease of the round before; its holder has dropped it.
                        barrier.wait();
                        let over = queue.claim_at(now + 2 * round * LONG).unwrap();
                        barrier.wait();
                        if let Next::Claim(claim) = over {
                            assert!(claim.holds().unwrap());
                            taken += 1;
                        }
                        barrier.wait();
                        assert!(matches!(queue.claim_at(now + 2 * round * LONG).unwrap(), Next::Wait(_)));
                    }
                    taken
                })
            })
            .collect();
        all.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert_eq!(taken, rounds as usize);
}

/// A holder that wakes up just when others find its time over: it holds on, or one of them has it, never both.
#[test]
fn a_renewal_and_a_take_over_at_once_leave_one_holder() {
    let run = tempdir().unwrap();
    let mut others: Vec<Queue> = (0..3).map(|_| open(run.path(), 1, LONG)).collect();
    let mut holder = open(run.path(), 1, LONG);
    let now = Instant::now();
    let mut claim = Some(taken(holder.claim_at(now).unwrap()));
    for round in 1..=400 {
        let at = now + 4 * round * LONG;
        let mine = claim.take().unwrap();
        // A name that nobody has seen.
        assert!(mine.lease.renew().unwrap());
        for other in &mut others {
            assert!(matches!(other.claim_at(at).unwrap(), Next::Wait(_)));
        }
        let barrier = Barrier::new(4);
        let (still, theirs) = thread::scope(|scope| {
            let barrier = &barrier;
            let all: Vec<_> = others
                .iter_mut()
                .map(|other| {
                    scope.spawn(move || {
                        barrier.wait();
                        other.claim_at(at + LONG).unwrap()
                    })
                })
                .collect();
            barrier.wait();
            // Sometimes early, sometimes late.
            (0..(round % 8) * 20).for_each(|_| std::hint::spin_loop());
            let still = mine.lease.renew().unwrap();
            (still, all.into_iter().map(|t| t.join().unwrap()).collect::<Vec<_>>())
        });
        let theirs: Vec<Claim> =
            theirs.into_iter().filter_map(|n| if let Next::Claim(c) = n { Some(c) } else { None }).collect();
        assert_eq!(usize::from(still) + theirs.len(), 1, "round {round}");
        assert_eq!(mine.holds().unwrap(), still);
        if still {
            claim = Some(mine);
        } else {
            assert!(theirs[0].holds().unwrap());
            drop(theirs);
            assert!(matches!(holder.claim_at(at + LONG).unwrap(), Next::Wait(_)));
            claim = Some(taken(holder.claim_at(at + 2 * LONG).unwrap()));
        }
    }
}
