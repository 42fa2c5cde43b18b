//! The gate's statistics by simulation. `SOCIO_SIMULATIONS=10000` sets the full size (`ci/full simulation`).

use socio_dataset::Level;
use socio_record::Rule;

use super::*;
use crate::digest::Digest;
use crate::metrics::{Metric, Profile, figures};
use crate::simulated::{Plan, digest};

/// How many pairs are simulated: enough here to see a rate that is off by half.
fn simulations(usual: usize) -> usize {
    std::env::var("SOCIO_SIMULATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

fn asked(limits: &[&str], resamples: usize) -> Asked {
    Asked {
        profile: None,
        rule: Rule::Components,
        resamples,
        limits: limits.iter().map(|l| l.parse().unwrap()).collect(),
        allowed: Allowed::default(),
        most: 0,
    }
}

/// A pair of runs of 200 scenes with noise of their own; the second loses so much, at a level or at all.
fn pair(seed: u64, loss: f64, level: Option<Level>) -> (Digest, Digest) {
    let plan = Plan { scenes: 200, ..Plan::default() };
    let before = digest(&Plan { own: 1, ..plan.clone() }, seed);
    (before, digest(&Plan { own: 2, loss, level, ..plan }, seed))
}

/// How often of `n` something happens, over two threads.
fn rate(n: usize, happens: impl Fn(u64) -> bool + Sync) -> f64 {
    let halves = std::thread::scope(|scope| {
        let spawn = |odd: u64| {
            let happens = &happens;
            scope.spawn(move || (0..n as u64).filter(|i| i % 2 == odd && happens(1_000 + i)).count())
        };
        [spawn(0), spawn(1)].map(|t| t.join().unwrap())
    });
    (halves[0] + halves[1]) as f64 / n as f64
}

fn verdict(seed: u64, loss: f64, level: Option<Level>, limits: &[&str], slice: Slice) -> Option<Verdict> {
    let (before, after) = pair(seed, loss, level);
    let compared = compare(&before, &after, &asked(limits, 1_000)).unwrap();
    compared.rows.iter().find(|r| r.slice == slice && r.gate.is_some()).map(|r| r.gate.as_ref().unwrap().verdict)
}

/// Standard error of a rate.
fn error(rate: f64, n: usize) -> f64 {
    (rate * (1.0 - rate) / n as f64).sqrt()
}

#[test]
fn without_a_difference_alarms_are_as_rare_as_stated() {
    let n = simulations(2_000);
    for limits in [["giou=0"], ["ciou=0"], ["f1=0"]] {
        let alarms = rate(n, |seed| verdict(seed, 0.0, None, &limits, Slice::All) == Some(Verdict::Regressed));
        println!("{}: {:.2} % false alarms in {n} pairs, stated {:.1} %", limits[0], 100.0 * alarms, 100.0 * ALPHA);
        // Allowed are half a point and three standard errors.
        assert!((alarms - ALPHA).abs() < 0.005 + 3.0 * error(ALPHA, n), "{limits:?}: {alarms}");
    }
}

#[test]
fn with_many_gates_the_chance_of_any_alarm_stays_as_stated() {
    let n = simulations(1_000);
    let limits = ["giou@*=0", "ciou@*=0", "f1@*=0"];
    let alarms = rate(n, |seed| {
        let (before, after) = pair(seed, 0.0, None);
        compare(&before, &after, &asked(&limits, 2_000)).unwrap().verdict() == Some(Verdict::Regressed)
    });
    println!(
        "12 gates: {:.2} % of {n} pairs with any false alarm, stated at most {:.1} %",
        100.0 * alarms,
        100.0 * ALPHA
    );
    assert!(alarms < ALPHA + 0.005 + 3.0 * error(ALPHA, n), "{alarms}");
}

#[test]
fn a_loss_of_the_detectable_size_is_found_as_often_as_stated() {
    let n = simulations(1_000);
    // What the gate itself says it could find, in the middle of some pairs, is planted as a share of gIoU.
    let quoted: Vec<(f64, f64)> = (0..40)
        .map(|seed| {
            let (before, after) = pair(seed, 0.0, None);
            let row = compare(&before, &after, &asked(&[], 1_000)).unwrap().rows.swap_remove(0);
            assert_eq!((row.measure, row.slice), (Measure::Metric(Metric::Giou), Slice::All));
            (row.detectable.unwrap(), row.before.unwrap())
        })
        .collect();
    let mean = |of: fn(&(f64, f64)) -> f64| quoted.iter().map(of).sum::<f64>() / quoted.len() as f64;
    let loss = mean(|q| q.0) / mean(|q| q.1);
    let found = rate(n, |seed| verdict(seed, loss, None, &["giou=0"], Slice::All) == Some(Verdict::Regressed));
    println!(
        "a loss of {:.2} points found in {:.1} % of {n} pairs, stated {:.0} %",
        mean(|q| q.0),
        100.0 * found,
        100.0 * POWER
    );
    assert!((found - POWER).abs() < 0.05 + 3.0 * error(POWER, n), "{found}");
}

#[test]
fn a_limit_that_lets_some_loss_pass_finds_what_goes_beyond_it() {
    let n = simulations(600);
    let limits = ["giou=-1"];
    let row = |seed: u64, loss: f64| {
        let (before, after) = pair(seed, loss, None);
        compare(&before, &after, &asked(&limits, 1_000)).unwrap().rows.swap_remove(0)
    };
    let quoted: Vec<(f64, f64)> =
        (0..40).map(|s| row(s, 0.0)).map(|r| (r.detectable.unwrap(), r.before.unwrap())).collect();
    let mean = |of: fn(&(f64, f64)) -> f64| quoted.iter().map(of).sum::<f64>() / quoted.len() as f64;
    let told = |loss: f64, wanted: Verdict| rate(n, |seed| row(1_000 + seed, loss).gate.unwrap().verdict == wanted);
    let found = told(mean(|q| q.0) / mean(|q| q.1), Verdict::Regressed);
    // A loss of exactly what is allowed raises no more alarms than stated.
    let alarms = told(1.0 / mean(|q| q.1), Verdict::Regressed);
    println!(
        "giou=-1: {:.1} % found of {:.2} points, {:.1} % alarms at the limit",
        100.0 * found,
        mean(|q| q.0),
        100.0 * alarms
    );
    assert!((found - POWER).abs() < 0.05 + 3.0 * error(POWER, n), "{found}");
    assert!(alarms < ALPHA + 0.005 + 3.0 * error(ALPHA, n), "{alarms}");
}

#[test]
fn a_loss_in_one_level_is_found_there_and_not_elsewhere() {
    let n = simulations(400);
    let class = Some(Level::Class);
    let limits = ["giou@*=0"];
    let at = |slice: Slice| rate(n, |seed| verdict_at(seed, 0.12, class, &limits, slice) == Some(Verdict::Regressed));
    let (there, name, function) =
        (at(Slice::Level(Level::Class)), at(Slice::Level(Level::Name)), at(Slice::Level(Level::Function)));
    println!("a loss at class: found at class {there}, at name {name}, at function {function}");
    assert!(there > 0.95 && name < 0.03 && function < 0.03, "{there} {name} {function}");
}

fn verdict_at(seed: u64, loss: f64, level: Option<Level>, limits: &[&str], slice: Slice) -> Option<Verdict> {
    let (before, after) = pair(seed, loss, level);
    let compared = compare(&before, &after, &asked(limits, 1_000)).unwrap();
    compared.rows.iter().find(|r| r.slice == slice).and_then(|r| r.gate.as_ref()).map(|g| g.verdict)
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    let n = simulations(400).min(2_000);
    let draws = if n < 2_000 { 1_000 } else { 2_000 };
    let metrics = [Metric::Ciou, Metric::Giou, Metric::F1(Rule::Components)];
    let of = |digest: &Digest, resamples: usize| {
        let tallies = digest.entries.iter().filter_map(|e| Some((e.scene, Profile::STRICT.tally(e)?)));
        figures(tallies, &metrics, &Profile::STRICT, resamples)
    };
    // The truth: the figures of very many scenes of the same kind.
    let truth: Vec<f64> =
        of(&digest(&Plan { scenes: 400_000, ..Plan::default() }, 9), 1).iter().map(|f| f.unwrap().value).collect();
    for scenes in [200, 500] {
        for (i, metric) in metrics.iter().enumerate() {
            let held = rate(n, |seed| {
                let f = of(&digest(&Plan { scenes, ..Plan::default() }, 1_000_000 + seed), draws)[i].unwrap();
                (f.low..=f.high).contains(&truth[i])
            });
            println!("{} at {scenes} scenes: {:.1} % of {n} intervals hold it", metric.label(), 100.0 * held);
            // At full size the stated band itself; before, what so few simulations can tell.
            let slack = if n < 2_000 { 3.0 * error(0.95, n) } else { 0.0 };
            assert!(held > 0.93 - slack && held < 0.97 + slack, "{metric:?}: {held}");
        }
    }
}
