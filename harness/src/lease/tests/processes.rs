//! Real processes, killed and stopped. Each is this test program again, told by its environment to work on a run.
#![cfg(unix)]

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::{env, process};

use socio_dataset::hash::SplitMix;
use tempfile::tempdir;

use super::*;

const RUN: &str = "SOCIO_LEASE_RUN";
/// Where the process stops, and the file that lets it go on.
const STOP: &str = "SOCIO_LEASE_STOP";
const GO_ON: &str = "SOCIO_LEASE_GO_ON";
const SAMPLES: usize = 120;
/// Many times what a starved thread waits for a processor.
const TERM: Duration = Duration::from_millis(700);

/// What the processes run. As a test by itself it does nothing.
#[test]
fn a_process_works() {
    let Some(run) = env::var_os(RUN).map(PathBuf::from) else { return };
    let mut queue = open(&run, SAMPLES, TERM);
    let mut stop = env::var(STOP).ok();
    if stop.as_deref() == Some("between look and write") {
        // What `work` does, once, with the stop at the worst place.
        let claim = taken(queue.claim().unwrap());
        let id = claim.missing().first().unwrap();
        assert!(claim.holds().unwrap());
        stop_self();
        record(&run, queue.writer(), id);
        stop = None;
    }
    work(&run, &mut queue, |_| {
        thread::sleep(Duration::from_millis(4));
        if stop.take().is_some() {
            stop_self();
        }
    });
}

/// Returns when somebody lets the process go on. The signal may take another thread first, and this one later.
fn stop_self() {
    let go_on = PathBuf::from(env::var_os(GO_ON).unwrap());
    send("STOP", process::id());
    while !go_on.exists() {
        thread::sleep(Duration::from_millis(1));
    }
}

fn go_on(stopped: &mut Child, file: &Path) {
    fs::write(file, "").unwrap();
    send("CONT", stopped.id());
    assert!(stopped.wait().unwrap().success());
}

fn send(signal: &str, to: u32) {
    assert!(Command::new("kill").args([&format!("-{signal}"), &to.to_string()]).status().unwrap().success());
}

fn start(run: &Path, stop: Option<(&str, &Path)>) -> Child {
    let path = concat!(module_path!(), "::a_process_works");
    let (_, name) = path.split_once("::").unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", name, "--test-threads=1"]).env(RUN, run).stdout(Stdio::null());
    if let Some((stop, go_on)) = stop {
        command.env(STOP, stop).env(GO_ON, go_on);
    }
    command.spawn().unwrap()
}

fn wait_until_stopped(child: &Child) {
    let begun = Instant::now();
    let stopped = || {
        let told = Command::new("ps").args(["-o", "stat=", "-p", &child.id().to_string()]).output().unwrap();
        String::from_utf8_lossy(&told.stdout).starts_with('T')
    };
    while !stopped() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it never stopped");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn processes_killed_at_random_lose_nothing_and_double_nothing() {
    let run = tempdir().unwrap();
    let seed = env::var("SOCIO_KILL_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(|| process::id().into());
    let mut random = SplitMix(seed);
    let mut all: Vec<Child> = (0..4).map(|_| start(run.path(), None)).collect();
    let mut midway = 0;
    for kill in 0..8 {
        while recorded(run.path()).len() < kill * 12 {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(random.below(10)));
        let victim = random.below(4) as usize;
        all[victim].kill().unwrap();
        all[victim].wait().unwrap();
        midway += usize::from(recorded(run.path()).len() < SAMPLES);
        all[victim] = start(run.path(), None);
    }
    for mut child in all {
        assert!(child.wait().unwrap().success(), "SOCIO_KILL_SEED={seed}");
    }
    assert!(midway > 0, "SOCIO_KILL_SEED={seed}");
    expect_all_once(run.path(), SAMPLES, &format!("SOCIO_KILL_SEED={seed}"));
}

#[test]
fn a_process_stopped_with_an_answer_in_hand_throws_it_away() {
    let (run, aside) = (tempdir().unwrap(), tempdir().unwrap());
    let file = aside.path().join("go on");
    let mut stopped = start(run.path(), Some(("with an answer", &file)));
    wait_until_stopped(&stopped);
    let own: Vec<_> = fs::read_dir(run.path().join("records")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(own.len(), 1);
    work(run.path(), &mut open(run.path(), SAMPLES, TERM), |_| {});
    go_on(&mut stopped, &file);
    assert_eq!(fs::metadata(&own[0]).unwrap().len(), 0, "it wrote nothing");
    expect_all_once(run.path(), SAMPLES, "");
}

/// The one case that no folder can rule out, and that it is one record and no more.
#[test]
fn a_process_stopped_between_look_and_write_doubles_one_record() {
    let (run, aside) = (tempdir().unwrap(), tempdir().unwrap());
    let file = aside.path().join("go on");
    let mut stopped = start(run.path(), Some(("between look and write", &file)));
    wait_until_stopped(&stopped);
    work(run.path(), &mut open(run.path(), SAMPLES, TERM), |_| {});
    go_on(&mut stopped, &file);
    let counts = recorded(run.path());
    assert_eq!(counts.values().sum::<usize>(), SAMPLES + 1);
    assert_eq!((counts.len(), counts["name_0000"]), (SAMPLES, 2));
}
