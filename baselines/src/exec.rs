//! Anyone's program as a method: JSON lines in and out.
//!
//! Request, one line: `{"id", "query", "level", "seed", "width", "height", "satellite", "map"}`, the last two paths of PNG
//! files that live until the reply. Reply, one line: `{"id"}` and one of `"mask"` (COCO RLE, `{"size": [h, w], "counts": text}`),
//! `"mask_file"` (a PNG), `"objects"` (`[{"box": [x0, y0, x1, y1], "points": [[x, y]]}]`, cut by the chosen segmenter) or
//! `"error"` (a text); `"text"`, what the model said, is recorded. The program is started once a sample in flight and kept.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use socio_backend::Prompt;
use socio_dataset::{Mask, Query, Rle, files, picture};

use crate::Context;
use crate::method::{Answer, Failure, Method, Models, StageAnswer, StageObject, segment};

/// Longest reply line taken.
const LONGEST_LINE: u64 = 64 << 20;
/// Most objects taken from a reply.
const MOST_OBJECTS: usize = 1000;

/// A foreign program.
pub struct Exec {
    command: String,
    patience: Duration,
    idle: Mutex<Vec<Process>>,
}

struct Process {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<Result<String, String>>,
}

#[derive(Deserialize)]
struct Reply {
    id: String,
    mask: Option<Rle>,
    mask_file: Option<String>,
    objects: Option<Vec<Prompt>>,
    text: Option<String>,
    error: Option<String>,
}

impl Exec {
    /// A program to be run through the shell, given up on after `patience` without a reply.
    pub fn new(command: &str, patience: Duration) -> Self {
        Self { command: command.to_owned(), patience, idle: Mutex::default() }
    }

    fn ask(&self, process: &mut Process, request: &str) -> Result<Reply, String> {
        let told = writeln!(process.stdin, "{request}").and_then(|()| process.stdin.flush());
        let line = match process.lines.recv_timeout(self.patience) {
            Ok(line) => line?,
            Err(RecvTimeoutError::Timeout) => {
                return Err(format!("no reply within {} s (--exec-timeout)", self.patience.as_secs()));
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = process.ended();
                let cause = told.err().map(|e| format!(", {e}")).unwrap_or_default();
                return Err(format!("the program ended without a reply ({status}{cause})"));
            }
        };
        let shown: String = line.chars().take(120).collect();
        serde_json::from_str(&line).map_err(|e| format!("its reply is not as expected: {e}; it began: {shown}"))
    }
}

impl Process {
    fn start(command: &str) -> Result<Self, String> {
        let mut shell = if cfg!(windows) { Command::new("cmd") } else { Command::new("sh") };
        shell.args([if cfg!(windows) { "/C" } else { "-c" }, command]);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
        let mut child = shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("the shell did not start: {e}"))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the shell has no pipes".to_owned());
        };
        let (send, lines) = sync_channel(1);
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stdout);
            loop {
                let mut line = String::new();
                let message = match reader.by_ref().take(LONGEST_LINE).read_line(&mut line) {
                    Ok(0) => return,
                    Ok(_) if line.trim().is_empty() => continue,
                    Ok(_) if line.len() as u64 >= LONGEST_LINE => Err("a reply longer than 64 MiB".to_owned()),
                    Ok(_) => Ok(line),
                    Err(e) => Err(format!("its output cannot be read: {e}")),
                };
                if send.send(message).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, stdin, lines })
    }
}

impl Process {
    /// How the program ended. It closed its output; one that does not end within a second is killed with its group.
    fn ended(&mut self) -> String {
        for _ in 0..20 {
            match self.child.try_wait() {
                Ok(Some(status)) => return status.to_string(),
                Ok(None) => std::thread::sleep(Duration::from_millis(50)),
                Err(e) => return e.to_string(),
            }
        }
        "it closed its output and goes on".to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The shell's whole group: a program under it would stay otherwise.
        #[cfg(unix)]
        let _ =
            Command::new("kill").args(["-KILL", "--", &format!("-{}", self.child.id())]).stderr(Stdio::null()).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Method for Exec {
    fn answer(&self, query: &Query, models: &Models, context: &mut Context) -> Result<Answer, Failure> {
        let fail = |why: String| Failure::Method(format!("exec:{}: {why}", self.command));
        let folder = tempfile::tempdir().map_err(|e| fail(format!("no temporary folder: {e}")))?;
        let save = |name: &str, image: &image::RgbImage| -> Result<String, Failure> {
            let path = folder.path().join(name);
            let bytes = picture::to_png(image).map_err(|e| fail(e.to_string()))?;
            files::write(&path, &bytes).map_err(|e| fail(e.to_string()))?;
            Ok(path.display().to_string())
        };
        let request = json!({
            "id": query.id,
            "query": query.text,
            "level": query.level,
            "seed": context.seed("answer", 0),
            "width": query.satellite.width(),
            "height": query.satellite.height(),
            "satellite": save("satellite.png", &query.satellite)?,
            "map": query.map.as_ref().map(|m| save("map.png", m)).transpose()?,
        })
        .to_string();
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut process = idle.map_or_else(|| Process::start(&self.command), Ok).map_err(fail)?;
        // A program that failed is not asked again: `process` is dropped, the next sample starts a new one.
        let reply = context.time("exec", || self.ask(&mut process, &request)).map_err(fail)?;
        if reply.id != query.id {
            return Err(fail(format!("it replied to `{}`, asked was `{}`", reply.id, query.id)));
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(process);
        if let Some(text) = reply.text {
            context.said("answer", text, None);
        }
        if let Some(error) = reply.error {
            return Err(fail(format!("it says: {error}")));
        }
        let whole = |mask: Mask| {
            let object = StageObject { prompt: Prompt::default(), mask: mask.clone(), score: None };
            StageAnswer::new("answer", vec![object], mask)
        };
        let stage = match (reply.mask, reply.mask_file, reply.objects) {
            (Some(rle), _, _) => whole(rle.to_mask().map_err(|e| Failure::BadPrediction(format!("its mask: {e}")))?),
            (_, Some(file), _) => {
                let read = files::read(Path::new(&file)).map_err(|e| e.to_string());
                let mask = read.and_then(|b| Mask::from_image_bytes(&b).map_err(|e| e.to_string()));
                whole(mask.map_err(|e| Failure::BadPrediction(format!("its mask_file {file}: {e}")))?)
            }
            (_, _, Some(objects)) if objects.is_empty() => {
                return Err(Failure::NoAnswer("it found no object".to_owned()));
            }
            (_, _, Some(objects)) if objects.len() > MOST_OBJECTS => {
                return Err(fail(format!("{} objects, at most {MOST_OBJECTS} are taken", objects.len())));
            }
            (_, _, Some(objects)) => segment("answer", query, objects, models, context)?,
            _ => return Err(fail("its reply has neither mask, mask_file, objects nor error".to_owned())),
        };
        Ok(stage.into())
    }
}
