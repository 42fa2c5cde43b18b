//! Several processes on one run by `--queue`: one is killed, one joins late, one is stopped and wakes up. Each sample has one
//! record in the end, and the tables are those of an ordinary run.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::tempdir;

use crate::support::{bench, fails, json, ok, raw_set, told};

/// A program that takes a while for each sample. Where a file `stop` lies about, it takes it away and stops the process that
/// asks, before it answers.
const METHOD: &str = r#"exec:while read -r l; do id=${l#*\"id\":\"}; id=${id%%\"*}; sleep 0.1; rm stop 2>/dev/null && kill -STOP $PPID; printf '{"id":"%s","objects":[{"box":[20,20,90,70]},{"box":[60,60,100,120]}],"text":"seen %s"}\n' "$id" "$id"; done"#;

fn start(folder: &Path, data: &str, more: &str) -> Child {
    bench(folder)
        .args(["run", "--data", data, "--method", METHOD, "--json", "--name"])
        .args(more.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a process printed; it has to end well.
fn printed(child: Child) -> String {
    let told = told(child.wait_with_output().unwrap());
    assert_eq!(told.code, 0, "{}\n{}", told.out, told.err);
    assert!(!told.err.contains("panicked"), "{}", told.err);
    told.out
}

/// The ids in each log of a run, by the log's name, in the order of its whole lines.
fn logs(folder: &Path, name: &str) -> BTreeMap<String, Vec<String>> {
    let Ok(entries) = fs::read_dir(folder.join("runs").join(name).join("records")) else { return BTreeMap::new() };
    let read = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path()).unwrap();
        let whole = text.split_inclusive('\n').filter(|l| l.ends_with('\n'));
        let ids = whole.map(|l| serde_json::from_str::<Value>(l).unwrap()["id"].as_str().unwrap().to_owned());
        (entry.file_name().into_string().unwrap(), ids.collect())
    };
    entries.map(|e| read(e.unwrap())).collect()
}

/// The log of a process; its name tells which.
fn log_of(logs: &BTreeMap<String, Vec<String>>, process: u32) -> &[String] {
    let of = format!("-{process}-");
    logs.iter().find(|(name, _)| name.starts_with("queue-") && name.contains(&of)).map_or(&[], |(_, ids)| ids)
}

fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_mins(2), "{what}: never");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Each chosen sample has one record in one log, and nothing is left of the queue.
fn expect_each_once(folder: &Path, name: &str) {
    let run = folder.join("runs").join(name);
    let chosen = fs::read_to_string(run.join("samples.jsonl")).unwrap();
    let mut want: Vec<String> = chosen.lines().map(|l| json(l)["id"].as_str().unwrap().to_owned()).collect();
    let mut have: Vec<String> = logs(folder, name).into_values().flatten().collect();
    want.sort();
    have.sort();
    assert_eq!(have, want);
    let mut files: Vec<_> = fs::read_dir(run).unwrap().map(|e| e.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["manifest.json", "records", "samples.jsonl"]);
}

#[test]
fn three_share_a_run_of_the_city_and_two_finish_what_a_killed_one_held() {
    let t = tempdir().unwrap();
    let city = "city:samples=240,new=0,size=192";
    let plain = printed(start(t.path(), city, "plain --in-flight 6"));
    let mut all: Vec<Child> = (0..3).map(|_| start(t.path(), city, "shared --queue --lease 2 --in-flight 2")).collect();
    // In the middle of it: all have recorded something, and much is left.
    wait_until("all three at work", || {
        let logs = logs(t.path(), "shared");
        all.iter().all(|c| log_of(&logs, c.id()).len() >= 2)
    });
    let mut killed = all.remove(1);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let before = logs(t.path(), "shared");
    let left = 72 - before.values().map(Vec::len).sum::<usize>();
    assert!(left >= 10, "killed too late to prove anything: {left} samples were left");
    // Readable at any moment.
    ok(t.path(), "report runs/shared");
    for child in all {
        assert_eq!(printed(child), plain, "a process that shared a run prints the table of the whole");
    }
    let after = logs(t.path(), "shared");
    assert_eq!(log_of(&after, killed.id()), log_of(&before, killed.id()), "nothing finished was lost");
    expect_each_once(t.path(), "shared");
    for how in ["--by-class", "--json", "--recount"] {
        assert_eq!(
            ok(t.path(), &format!("report runs/shared {how}")),
            ok(t.path(), &format!("report runs/plain {how}"))
        );
    }
}

#[test]
fn whoever_comes_late_helps_and_whoever_comes_too_late_finds_it_finished() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 2);
    let first = start(t.path(), "set", "run --queue --in-flight 2");
    wait_until("the first at work", || log_of(&logs(t.path(), "run"), first.id()).len() >= 3);
    let second = start(t.path(), "set", "run --queue --in-flight 2 --lease 5");
    let (one, two) = (first.id(), second.id());
    let table = printed(first);
    assert_eq!(printed(second), table);
    let logs_then = logs(t.path(), "run");
    assert!(log_of(&logs_then, one).len() >= 3 && !log_of(&logs_then, two).is_empty(), "{logs_then:?}");
    expect_each_once(t.path(), "run");
    // Shared or not, the run is what it is.
    for more in ["run --queue", "run", "run --shard 1/2"] {
        assert_eq!(printed(start(t.path(), "set", more)), table);
    }
    assert_eq!(logs(t.path(), "run"), logs_then);
    // A run that was begun alone goes on in company.
    let mut alone = start(t.path(), "set", "begun --in-flight 1");
    wait_until("some samples", || logs(t.path(), "begun").values().map(Vec::len).sum::<usize>() >= 3);
    alone.kill().unwrap();
    alone.wait().unwrap();
    assert_eq!(printed(start(t.path(), "set", "begun --queue --in-flight 4")), table);
    expect_each_once(t.path(), "begun");
}

/// It is stopped with a sample in flight, its lease runs out, another does all; then it gets its answer and goes on.
#[cfg(unix)]
#[test]
fn a_process_that_was_stopped_too_long_throws_its_answer_away() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    fs::write(t.path().join("stop"), "").unwrap();
    let stopped = start(t.path(), "set", "run --queue --lease 1 --in-flight 1");
    let id = stopped.id().to_string();
    let state =
        || String::from_utf8(Command::new("ps").args(["-o", "stat=", "-p", &id]).output().unwrap().stdout).unwrap();
    wait_until("stopped", || state().starts_with('T'));
    let table = printed(start(t.path(), "set", "run --queue --lease 1 --in-flight 4"));
    assert!(Command::new("kill").args(["-CONT", &id]).status().unwrap().success());
    let own = stopped.id();
    assert_eq!(printed(stopped), table);
    let logs = logs(t.path(), "run");
    assert_eq!(logs.len(), 2);
    assert_eq!(log_of(&logs, own), [] as [String; 0]);
    expect_each_once(t.path(), "run");
}

#[test]
fn a_queue_is_no_shard_and_forgets_nothing() {
    let t = tempdir().unwrap();
    raw_set(t.path(), 1);
    let with = |more: &str| format!("run --data set --method centre-box --name a {more}");
    fails(t.path(), &with("--queue --shard 1/2"), 2, &["'--queue' cannot be used with '--shard"]);
    fails(t.path(), &with("--queue --fresh"), 2, &["'--queue' cannot be used with '--fresh'"]);
    fails(t.path(), &with("--lease 5"), 2, &["--queue"]);
    fails(t.path(), &with("--queue --lease 0"), 2, &["--lease"]);
    // Tickets of another run are not taken for this one's; no record is in them.
    fs::create_dir_all(t.path().join("runs/a/leases")).unwrap();
    fs::write(t.path().join("runs/a/leases/00000000+1.new"), "").unwrap();
    fails(t.path(), &with("--queue"), 3, &["is the queue of another run"]);
    // Begun anew without a queue, nothing of it stays.
    ok(t.path(), &with("--fresh"));
    expect_each_once(t.path(), "a");
}
