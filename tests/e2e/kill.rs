//! `kill -9` of a real run at many random points: nothing finished is lost, the log stays readable, and the report of the
//! resumed run is byte for byte that of an undisturbed one.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use socio_dataset::hash::SplitMix;
use tempfile::tempdir;

use crate::support::{bench, ok, raw_set};

/// A method of real processes that takes some milliseconds a sample.
const METHOD: &str = r#"exec:while read -r l; do id=${l#*\"id\":\"}; id=${id%%\"*}; sleep 0.008; printf '{"id":"%s","objects":[{"box":[20,20,90,70]},{"box":[60,60,100,120]}],"text":"seen %s"}\n' "$id" "$id"; done"#;

fn start(folder: &Path, name: &str) -> Child {
    bench(folder)
        .args(["run", "--data", "set", "--name", name, "--in-flight", "3", "--method", METHOD])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Whole lines in the run's log.
fn lines(folder: &Path, name: &str) -> usize {
    let log = folder.join(format!("runs/{name}/records/shard-1-of-1.jsonl"));
    fs::read(log).map_or(0, |b| b.iter().filter(|b| **b == b'\n').count())
}

#[test]
fn a_run_killed_at_random_points_ends_as_an_undisturbed_one() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 4);
    let begun = Instant::now();
    assert!(start(t.path(), "undisturbed").wait().unwrap().success());
    // Kills fall anywhere in what an undisturbed run takes here, however busy the machine.
    let span = begun.elapsed().as_millis() as u64;
    let want = ok(t.path(), "report runs/undisturbed --by-class");
    let want_json = ok(t.path(), "report runs/undisturbed --json");
    let seed = std::env::var("SOCIO_KILL_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(|| {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64
    });
    eprintln!("SOCIO_KILL_SEED={seed}");
    let mut random = SplitMix(seed);
    let (mut kills, mut midway) = (0, 0);
    for round in 0..8 {
        let name = format!("round{round}");
        loop {
            let before = lines(t.path(), &name);
            let mut child = start(t.path(), &name);
            // From before the manifest is written to the last sample.
            std::thread::sleep(Duration::from_millis(random.below(span)));
            if child.try_wait().unwrap().is_some_and(|s| s.success()) {
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            let after = lines(t.path(), &name);
            midway += u32::from(after > 0 && after < 96);
            assert!(after >= before, "finished samples were lost: {before}, then {after}");
            if t.path().join(format!("runs/{name}/manifest.json")).exists() {
                // Readable at any moment.
                ok(t.path(), &format!("report runs/{name}"));
            }
            if kills % 9 == 8 {
                assert!(start(t.path(), &name).wait().unwrap().success());
                break;
            }
        }
        assert_eq!(lines(t.path(), &name), 96, "seed {seed}");
        assert_eq!(ok(t.path(), &format!("report runs/{name} --by-class")), want, "seed {seed}");
        assert_eq!(ok(t.path(), &format!("report runs/{name} --json")), want_json, "seed {seed}");
        ok(t.path(), &format!("report runs/{name} --recount"));
    }
    eprintln!("{kills} kills, {midway} of them with some samples finished");
    assert!(kills >= 8 && midway >= 4, "{kills} kills, {midway} midway (seed {seed}): too few to prove anything");
}
