//! Datasets from the hub: a real HTTP server on loopback that serves the hub's paths.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use socio_dataset::hash::sha256_hex;
use tempfile::tempdir;

use crate::server::{Reply, Repository, Request, Server};
use crate::support::{bench, fails, json as parse, ok, raw_set, told};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// The hub's paths for one dataset, `acme/city`.
fn hub(files: &BTreeMap<String, Vec<u8>>, request: &Request) -> Reply {
    let (place, commit, files) = ("datasets/acme/city", COMMIT, files.clone());
    Repository { place, commit, revisions: &["main", "v1"], files, hash: sha256_hex }.answer(request)
}

/// Parquet files as a hub repository has them.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    raw_set(folder, 1);
    ok(folder, "data convert set converted --to parquet");
    let path = "data/test-00000-of-00001.parquet";
    let bytes = fs::read(folder.join("converted").join(path)).unwrap();
    BTreeMap::from([(path.to_owned(), bytes), ("README.md".to_owned(), b"# city".to_vec())])
}

fn with(folder: &Path, server: &Server, line: &str) -> crate::support::Told {
    told(
        bench(folder)
            .env("HF_ENDPOINT", format!("{}/", server.address))
            .args(line.split_whitespace())
            .output()
            .unwrap(),
    )
}

#[test]
fn a_dataset_is_fetched_once_and_then_read_offline() {
    let t = tempdir().unwrap();
    let files = files(t.path());
    let server = Server::start(move |r| hub(&files, r));
    let line = "run --data hub:acme/city --method oracle-box --name h";
    let first = with(t.path(), &server, line);
    assert_eq!(first.code, 0, "{}", first.err);
    let manifest = parse(&fs::read_to_string(t.path().join("runs/h/manifest.json")).unwrap());
    assert_eq!(manifest["data"]["revision"], COMMIT);
    assert_eq!(manifest["data"]["location"], "hub:acme/city");
    let asked = |s: &Server| s.requests().iter().filter(|r| r.path.ends_with(".parquet")).count();
    let before = asked(&server);
    assert!(before > 0);
    assert!(server.requests().iter().all(|r| !r.path.ends_with("README.md")), "only what is needed is fetched");
    assert_eq!(with(t.path(), &server, line).out, first.out);
    assert_eq!(asked(&server), before, "the file was in the cache");
    let address = server.address.clone();
    drop(server);
    // No server any more: offline by flag, by variable, and at the pinned commit.
    let offline = |line: &str, variable: bool| {
        let mut command = bench(t.path());
        command.env("HF_ENDPOINT", &address).args(line.split_whitespace());
        if variable {
            command.env("HF_HUB_OFFLINE", "1");
        }
        told(command.output().unwrap())
    };
    for (line, variable) in [
        ("run --data hub:acme/city --method oracle-box --name h --offline", false),
        ("run --data hub:acme/city --method oracle-box --name h", true),
    ] {
        let again = offline(line, variable);
        assert_eq!(again.code, 0, "{}", again.err);
        assert_eq!(again.out, first.out);
    }
    let pinned =
        offline(&format!("run --data hub:acme/city --method oracle-box --name p --offline --revision {COMMIT}"), false);
    assert_eq!(pinned.code, 0, "{}", pinned.err);
    let missing = offline("run --data hub:acme/city --offline --revision v9", false);
    assert_eq!(missing.code, 7);
    assert!(missing.err.contains("offline, and acme/city at revision `v9` is not in the cache"), "{}", missing.err);
    let unreachable = offline("run --data hub:acme/city --revision v1", false);
    assert_eq!(unreachable.code, 7, "{}", unreachable.err);
    assert!(unreachable.err.contains("did not give acme/city at revision `v1`"), "{}", unreachable.err);
}

#[test]
fn a_pinned_revision_is_asked_for_and_recorded() {
    let t = tempdir().unwrap();
    let files = files(t.path());
    let server = Server::start(move |r| hub(&files, r));
    let told = with(t.path(), &server, "data verify hub:acme/city --revision v1");
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(server.requests().iter().any(|r| r.path == "/api/datasets/acme/city/revision/v1"));
    assert!(server.requests().iter().any(|r| r.path.contains(&format!("/resolve/{COMMIT}/"))));
}

#[test]
fn the_token_is_sent_and_its_lack_is_told() {
    let t = tempdir().unwrap();
    let files = files(t.path());
    let server = Server::start(move |r| match r.headers.get("authorization") {
        Some(token) if token == "Bearer hf_secret" => hub(&files, r),
        _ => Reply::new(401, "no"),
    });
    let line = "data stats hub:acme/city";
    let refused = with(t.path(), &server, line);
    assert_eq!(refused.code, 7);
    assert!(refused.err.contains("set HF_TOKEN"), "{}", refused.err);
    let told = told(
        bench(t.path())
            .env("HF_ENDPOINT", &server.address)
            .env("HF_TOKEN", "hf_secret")
            .args(line.split_whitespace())
            .output()
            .unwrap(),
    );
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(!told.err.contains("hf_secret") && !told.out.contains("hf_secret"));
}

#[test]
fn an_interrupted_download_goes_on_and_a_damaged_one_is_refused() {
    let t = tempdir().unwrap();
    let all = files(t.path());
    let size = all["data/test-00000-of-00001.parquet"].len();
    let tries = std::sync::Arc::new(AtomicUsize::new(0));
    let counter = std::sync::Arc::clone(&tries);
    let served = all.clone();
    let server = Server::start(move |r| {
        let mut reply = hub(&served, r);
        // The first try at the body breaks off half way.
        if r.path.ends_with(".parquet")
            && r.range().is_none_or(|(_, to)| to.is_none())
            && counter.fetch_add(1, Ordering::SeqCst) == 0
        {
            reply.cut = Some(reply.body.len() / 2);
        }
        reply
    });
    let broken = with(t.path(), &server, "data stats hub:acme/city");
    assert_eq!(broken.code, 7, "{}", broken.err);
    assert!(broken.err.contains("what has arrived is kept, run again"), "{}", broken.err);
    let whole = with(t.path(), &server, "data stats hub:acme/city");
    assert_eq!(whole.code, 0, "{}", whole.err);
    let resumed =
        server.requests().iter().filter_map(Request::range).any(|(from, to)| to.is_none() && from > 0 && from < size);
    assert!(resumed, "the second try asked for the rest alone");
    // A server that tells one hash and sends other bytes.
    let u = tempdir().unwrap();
    let honest = all.clone();
    let server = Server::start(move |r| {
        let mut reply = hub(&honest, r);
        if r.range().is_none_or(|(_, to)| to.is_none()) && r.path.ends_with(".parquet") {
            let middle = reply.body.len() / 2;
            reply.body[middle] ^= 0xff;
        }
        reply
    });
    let damaged = with(u.path(), &server, "data stats hub:acme/city");
    assert_eq!(damaged.code, 7, "{}", damaged.err);
    assert!(damaged.err.contains("arrived damaged") && damaged.err.contains("it was removed"), "{}", damaged.err);
    let still = with(u.path(), &server, "data stats hub:acme/city --offline");
    assert_eq!(still.code, 7, "a damaged file must not be found offline: {}", still.out);
}

#[test]
fn what_the_hub_lacks_is_told() {
    let t = tempdir().unwrap();
    let server = Server::start(|r| hub(&BTreeMap::from([("README.md".to_owned(), vec![1])]), r));
    let none = with(t.path(), &server, "data stats hub:acme/city");
    assert!(none.code == 7 && none.err.contains("has no parquet files"), "{}", none.err);
    let other = with(t.path(), &server, "data stats hub:acme/town");
    assert!(other.code == 7 && other.err.contains("no such repository, revision or file (404)"), "{}", other.err);
    let evil = Server::start(|r| hub(&BTreeMap::from([("data/../../x.parquet".to_owned(), vec![1])]), r));
    let refused = with(t.path(), &evil, "data stats hub:acme/city");
    assert!(refused.code == 7 && refused.err.contains("refused, it would leave the cache folder"), "{}", refused.err);
    fails(t.path(), "data stats hub:../x", 2, &["not of the form"]);
}
