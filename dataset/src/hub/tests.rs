//! Model repositories over real HTTP on loopback; datasets are tested through the binary (`tests/e2e/hub.rs`).

#[path = "../../../tests/e2e/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tempfile::{TempDir, tempdir};

use self::server::{Reply, Repository, Request, Server};
use super::{HubOptions, ModelFiles, model};
use crate::hash::sha256_hex;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const LATER: &str = "89abcdef0123456789abcdef0123456789abcdef";
const INDEX: &str = "model.safetensors.index.json";
const FIRST: &str = "model-00001-of-00002.safetensors";
const SECOND: &str = "model-00002-of-00002.safetensors";

fn options(cache: &Path, endpoint: &str) -> HubOptions {
    HubOptions {
        revision: None,
        offline: false,
        endpoint: endpoint.to_owned(),
        token: None,
        cache: cache.to_owned(),
        progress: None,
    }
}

fn offline(cache: &Path) -> HubOptions {
    HubOptions { offline: true, ..options(cache, "http://127.0.0.1:9") }
}

fn index(shards: &[&str]) -> Vec<u8> {
    let map: BTreeMap<_, _> = shards.iter().enumerate().map(|(at, name)| (at.to_string(), name)).collect();
    serde_json::json!({ "metadata": {}, "weight_map": map }).to_string().into_bytes()
}

/// `acme/net`: two shards, what goes with them, and what nobody asks for.
fn net(commit: &'static str) -> Repository {
    let files: [(&str, Vec<u8>); 9] = [
        ("config.json", b"{}".to_vec()),
        ("generation_config.json", b"{\"a\":1}".to_vec()),
        ("tokenizer.json", b"{\"b\":1}".to_vec()),
        (INDEX, index(&[FIRST, SECOND, FIRST])),
        (FIRST, vec![1; 60_000]),
        (SECOND, (0..50_000_u32).map(|n| (n % 251) as u8).collect()),
        ("README.md", commit.into()),
        ("pytorch_model.bin", vec![3; 9]),
        ("onnx/model.onnx", vec![4; 9]),
    ];
    let files = files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    Repository { place: "models/acme/net", commit, revisions: &["main", "v1"], files, hash: sha256_hex }
}

/// A repository with other files.
fn of(files: &[(&str, &[u8])]) -> Repository {
    Repository { files: files.iter().map(|&(name, bytes)| (name.to_owned(), bytes.to_vec())).collect(), ..net(COMMIT) }
}

fn serve(repository: Repository) -> (TempDir, Server) {
    (tempdir().unwrap(), Server::start(move |r| repository.answer(r)))
}

/// Whether a request is for a file's content, as against its hash and length.
fn is_content(request: &Request) -> bool {
    request.path.contains("/resolve/") && request.range().is_none_or(|(_, to)| to.is_none())
}

/// Names of files whose content was asked for, and the byte from which.
fn contents(server: &Server) -> Vec<(String, usize)> {
    let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    server.requests().iter().filter(|r| is_content(r)).map(|r| (name(&r.path), r.range().map_or(0, |r| r.0))).collect()
}

fn why(result: Result<ModelFiles, super::HubError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_model_is_fetched_once_and_then_found_offline() {
    let (t, server) = serve(net(COMMIT));
    let told = Arc::new(Mutex::new(BTreeMap::new()));
    let log = Arc::clone(&told);
    let online = HubOptions {
        progress: Some(Arc::new(move |name: &str, done, total| {
            log.lock().unwrap().insert(name.to_owned(), (done, total));
        })),
        ..options(t.path(), &server.address)
    };
    let found = model("acme/net", &online).unwrap();
    assert_eq!(found.commit, COMMIT);
    assert_eq!(found.folder, t.path().join("models--acme--net/snapshots").join(COMMIT));
    assert_eq!(found.files, ["config.json", "tokenizer.json", "generation_config.json", INDEX, FIRST, SECOND]);
    let repository = net(COMMIT);
    for name in &found.files {
        assert_eq!(fs::read(found.folder.join(name)).unwrap(), repository.files[name], "{name}");
    }
    assert_eq!(fs::read_dir(&found.folder).unwrap().count(), found.files.len(), "nothing else is fetched");
    assert_eq!(told.lock().unwrap()[FIRST], (60_000, 60_000));
    let before = contents(&server);
    assert_eq!(before.len(), found.files.len());
    assert_eq!(model("acme/net@v1", &online).unwrap(), found);
    assert_eq!(contents(&server), before, "everything was in the cache");
    assert!(server.requests().iter().any(|r| r.path == "/api/models/acme/net/revision/v1"));
    drop(server);
    let offline = offline(t.path());
    let pinned = format!("acme/net@{COMMIT}");
    for name in ["acme/net", "acme/net@main", "acme/net@v1", &pinned] {
        assert_eq!(model(name, &offline).unwrap(), found, "{name}");
    }
    let by_option = HubOptions { revision: Some("v9".to_owned()), ..offline.clone() };
    assert!(why(model("acme/net", &by_option)).contains("acme/net at revision `v9` is not in the cache"));
    assert_eq!(model("acme/net@v1", &by_option).unwrap(), found, "the name's revision goes first");
    assert!(why(model("acme/other", &offline)).contains("run once without --offline"));
    fs::remove_file(found.folder.join(SECOND)).unwrap();
    let lacking = why(model("acme/net", &offline));
    assert!(lacking.contains(&format!("{SECOND} of acme/net at revision `main` is not in the cache")), "{lacking}");
}

#[test]
fn an_interrupted_download_goes_on_where_it_stopped() {
    let (t, repository, broken) = (tempdir().unwrap(), net(COMMIT), AtomicBool::new(false));
    let server = Server::start(move |r| {
        let mut reply = repository.answer(r);
        if is_content(r) && r.path.ends_with(SECOND) && !broken.swap(true, Ordering::SeqCst) {
            reply.cut = Some(20_000);
        }
        reply
    });
    let options = options(t.path(), &server.address);
    let first = why(model("acme/net", &options));
    assert!(first.contains(SECOND) && first.contains("what has arrived is kept, run again"), "{first}");
    let before = contents(&server).len();
    let found = model("acme/net", &options).unwrap();
    assert_eq!(contents(&server)[before..], [(SECOND.to_owned(), 20_000)], "only the rest of the second shard");
    // Stopped between the last byte and the new name.
    let blobs = t.path().join("models--acme--net/blobs");
    let whole = blobs.join(sha256_hex(&net(COMMIT).files[SECOND]));
    fs::rename(&whole, whole.with_extension("part")).unwrap();
    let before = contents(&server).len();
    assert_eq!(model("acme/net", &options).unwrap(), found);
    assert_eq!(contents(&server).len(), before + usize::from(cfg!(not(unix))));
    // As long as the whole, and something else.
    fs::remove_file(&whole).unwrap();
    fs::write(whole.with_extension("part"), vec![0; 50_000]).unwrap();
    assert_eq!(model("acme/net", &options).unwrap(), found);
    assert_eq!(contents(&server).last().unwrap(), &(SECOND.to_owned(), 0));
    assert_eq!(fs::read(found.folder.join(SECOND)).unwrap(), net(COMMIT).files[SECOND]);
}

#[test]
fn large_files_come_from_where_the_hub_points() {
    let (t, repository) = (tempdir().unwrap(), net(COMMIT));
    let other = Server::start({
        let files = repository.files.clone();
        move |r| Reply::file(&files[r.path.trim_start_matches('/')], r).with("ETag", "\"of-the-store\"")
    });
    let address = other.address.clone();
    let server = Server::start(move |r| match r.path.rsplit_once('/') {
        Some((place, name)) if place.contains("/resolve/") && name.ends_with(".safetensors") => Reply::new(302, "")
            .with("Location", &format!("{address}/{name}"))
            .with("X-Linked-Etag", &format!("\"{}\"", sha256_hex(&repository.files[name])))
            .with("X-Repo-Commit", COMMIT),
        _ => repository.answer(r),
    });
    let found = model("acme/net", &options(t.path(), &server.address)).unwrap();
    for name in [FIRST, SECOND] {
        let blob = fs::canonicalize(found.folder.join(name)).unwrap();
        assert_eq!(blob.file_name().unwrap().to_string_lossy(), sha256_hex(&net(COMMIT).files[name]));
        assert!(blob.with_extension("sha256-checked").exists(), "checked against the hub's hash, not the store's");
    }
}

#[cfg(unix)]
#[test]
fn a_later_commit_takes_the_shards_that_are_here_already() {
    let (t, server) = serve(net(COMMIT));
    model("acme/net", &options(t.path(), &server.address)).unwrap();
    let mut later = net(LATER);
    later.files.insert("config.json".to_owned(), b"{\"new\":1}".to_vec());
    let expected = later.files.clone();
    let server = Server::start(move |r| later.answer(r));
    let found = model("acme/net", &options(t.path(), &server.address)).unwrap();
    assert_eq!(contents(&server), [("config.json".to_owned(), 0)]);
    assert_eq!(found.commit, LATER);
    for name in &found.files {
        assert_eq!(fs::read(found.folder.join(name)).unwrap(), expected[name], "{name}");
    }
    assert_eq!(model("acme/net", &offline(t.path())).unwrap(), found);
    assert_eq!(model(&format!("acme/net@{COMMIT}"), &offline(t.path())).unwrap().commit, COMMIT);
}

#[test]
fn a_damaged_file_is_refused() {
    let (t, repository) = (tempdir().unwrap(), net(COMMIT));
    let server = Server::start(move |r| {
        let mut reply = repository.answer(r);
        if is_content(r) && r.path.ends_with(SECOND) {
            reply.body[40_000] ^= 0xff;
        }
        reply
    });
    let online = options(t.path(), &server.address);
    for _ in 0..2 {
        let damaged = why(model("acme/net", &online));
        assert!(damaged.contains("arrived damaged") && damaged.contains("it was removed, run again"), "{damaged}");
        let pinned = why(model(&format!("acme/net@{COMMIT}"), &offline(t.path())));
        assert!(pinned.contains(&format!("{SECOND} of acme/net")), "{pinned}");
    }
    // Stopped before it was checked: found out offline too.
    let (u, honest) = serve(net(COMMIT));
    let found = model("acme/net", &options(u.path(), &honest.address)).unwrap();
    let blob = fs::canonicalize(found.folder.join(FIRST)).unwrap();
    fs::write(&blob, vec![2; 60_000]).unwrap();
    fs::remove_file(blob.with_extension("sha256-checked")).unwrap();
    assert!(why(model("acme/net", &offline(u.path()))).contains("arrived damaged"));
    assert!(why(model("acme/net", &offline(u.path()))).contains(&format!("{FIRST} of acme/net")));
    assert_eq!(model("acme/net", &options(u.path(), &honest.address)).unwrap(), found);
}

#[test]
fn an_index_that_cannot_be_followed_is_refused() {
    let long = format!("{}.safetensors", "x/..".repeat(9));
    for (index, expected) in [
        (index(&["../../../x.safetensors"]), "is not the plain name"),
        (index(&["/x.safetensors"]), "is not the plain name"),
        (index(&["sub/x.safetensors"]), "is not the plain name"),
        (index(&["sub\\x.safetensors"]), "is not the plain name"),
        (index(&["C:x.safetensors"]), "is not the plain name"),
        (index(&[".x.safetensors"]), "is not the plain name"),
        (index(&[FIRST, &long]), "is not the plain name"),
        (index(&["config.json"]), "is not the plain name"),
        (index(&[".."]), "is not the plain name"),
        (index(&[""]), "is not the plain name"),
        (index(&[]), "it names none"),
        (b"{}".to_vec(), "missing field `weight_map`"),
        (b"[".repeat(1 << 16), "does not list the shards"),
        (index(&[FIRST, "model-00009-of-00009.safetensors"]), "did not give model-00009-of-00009.safetensors"),
    ] {
        let (t, server) = serve(of(&[(INDEX, &index), (FIRST, b"1"), ("config.json", b"{}")]));
        let told = why(model("acme/net", &options(t.path(), &server.address)));
        assert!(told.contains(expected), "{told}");
        assert_eq!(contents(&server), [(INDEX.to_owned(), 0)], "no shard was asked for");
        assert!(why(model("acme/net", &offline(t.path()))).contains("is not in the cache"));
    }
}

#[test]
fn what_the_hub_lacks_is_told() {
    let (t, server) = serve(of(&[("config.json", b"{}"), ("pytorch_model.bin", b"1"), ("model.onnx", b"1")]));
    let online = options(t.path(), &server.address);
    let none = why(model("acme/net", &online));
    for part in ["acme/net at 0123", "no weights", INDEX, ".pt or .pth"] {
        assert!(none.contains(part), "{none}");
    }
    assert!(contents(&server).is_empty(), "nothing is fetched of what cannot be used");
    let absent = why(model("acme/town", &online));
    assert!(absent.contains("no such repository, revision or file (404)") && absent.contains("HF_TOKEN"), "{absent}");
    let (u, several) = serve(of(&[("a.pt", b"1"), ("b.pt", b"1")]));
    let told = why(model("acme/net", &options(u.path(), &several.address)));
    assert!(told.contains("it has several: a.pt, b.pt"), "{told}");
    for name in
        ["net", "acme/", "../net", "acme/net/x", "acme/net@", "acme/net@../x", "acme/net@a//b", "a/b@c@d", "a/b?"]
    {
        let told = why(model(name, &online));
        assert!(told.contains("is not of the form OWNER/NAME"), "{told}");
    }
}

#[test]
fn a_private_repository_asks_for_a_token() {
    let (t, repository) = (tempdir().unwrap(), net(COMMIT));
    let server = Server::start(move |r| match r.headers.get("authorization") {
        Some(token) if token == "Bearer hf_secret" => repository.answer(r),
        _ => Reply::new(401, "no"),
    });
    let without = options(t.path(), &server.address);
    let refused = why(model("acme/net", &without));
    assert!(refused.contains("private or gated") && refused.contains("set HF_TOKEN"), "{refused}");
    let with = HubOptions { token: Some("hf_secret".to_owned()), ..without };
    assert_eq!(model("acme/net", &with).unwrap().commit, COMMIT);
    assert!(!format!("{with:?}").contains("hf_secret"));
}

#[test]
fn what_would_leave_the_cache_is_refused() {
    // A hash that is a path.
    let (t, server) = serve(Repository { hash: |_| "../../../x".to_owned(), ..net(COMMIT) });
    let told = why(model("acme/net", &options(t.path(), &server.address)));
    assert!(told.contains("`../../../x`: refused, it would leave the cache folder"), "{told}");
    // Commits that are paths, or another one than was asked for.
    let (t, server) = serve(net("../../../x"));
    let told = why(model("acme/net", &options(t.path(), &server.address)));
    assert!(told.contains("refused, it would leave the cache folder"), "{told}");
    let (t, repository) = (tempdir().unwrap(), net(COMMIT));
    let server = Server::start(move |r| {
        let mut reply = repository.answer(r);
        reply.headers.retain(|(name, _)| name != "X-Repo-Commit");
        reply.with("X-Repo-Commit", "../../../x")
    });
    let told = why(model("acme/net", &options(t.path(), &server.address)));
    assert!(told.contains("it answered with commit ../../../x"), "{told}");
    assert_eq!(contents(&server), []);
}
