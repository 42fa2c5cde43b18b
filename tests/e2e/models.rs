//! `models fetch` against a server on loopback.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::tempdir;

use crate::server::{Reply, Request, Server};
use crate::support::{assets, fails, ok};

#[test]
fn what_is_not_the_pinned_file_is_refused() {
    let t = tempdir().unwrap();
    let server = Server::start(|_| Reply::new(200, "an error page"));
    let line = format!("models fetch pp-ocrv5 --models m --from {}", server.address);
    fails(
        t.path(),
        &line,
        7,
        &["ppocrv5_det.onnx could not be fetched", "it has 13 bytes, expected 4740548: another file"],
    );
    assert!(fs::read_dir(t.path().join("m/ocr")).unwrap().next().is_none(), "nothing is left");
    let gone = Server::start(|_| Reply::new(404, ""));
    fails(t.path(), &format!("models fetch pp-ocrv5 --models m --from {}", gone.address), 7, &["404"]);
    fails(t.path(), "models fetch sam9", 2, &["there are pp-ocrv5, lite-medsam"]);
    fails(t.path(), "models fetch lite-medsam --models m", 7, &["--from"]);
    assert!(ok(t.path(), "models list").contains("lite-medsam"));
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let Some(assets) = assets() else { return };
    let t = tempdir().unwrap();
    let tries = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&tries);
    let server = Server::start(move |r| {
        let name = r.path.rsplit('/').next().unwrap_or_default();
        let Ok(bytes) = fs::read(assets.join("ocr").join(name)) else { return Reply::new(404, "") };
        let mut reply = Reply::file(&bytes, r);
        // Both places that are tried under --from break off.
        if counter.fetch_add(1, Ordering::SeqCst) < 2 {
            reply.cut = Some(reply.body.len().min(1_000_000));
        }
        reply
    });
    let line = format!("models fetch pp-ocrv5 --models m --from {}/any", server.address);
    fails(t.path(), &line, 7, &["what arrived is kept"]);
    let out = ok(t.path(), &line);
    assert_eq!(out.lines().count(), 3, "{out}");
    let resumed: Vec<usize> = server.requests().iter().filter_map(Request::range).map(|r| r.0).collect();
    assert!(!resumed.is_empty() && resumed.iter().all(|from| *from > 0), "{resumed:?}");
    // There already: no request at all.
    let before = server.requests().len();
    ok(t.path(), &line);
    assert_eq!(server.requests().len(), before);
}
