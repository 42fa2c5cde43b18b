//! Bodies of replies: as they come, up to a limit, and no longer than anyone wants them.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};

use socio_backend::Cancel;
use ureq::Body;
use ureq::http::Response;

use crate::answer::Answer;
use crate::broken;
use crate::events::Events;
use crate::failure::{Failure, Kind};
use crate::told::{self, Told};

/// The longest part of an error's body that is read, in bytes.
const ERROR: usize = 64 << 10;

/// Reads what comes back.
pub(crate) struct Reading<'a> {
    /// The longest body, in bytes.
    pub(crate) largest: u64,
    pub(crate) stop: &'a AtomicBool,
    /// Whether the answer is still waited for.
    pub(crate) cancel: Option<&'a Cancel>,
}

impl Reading<'_> {
    /// Reads an answer, streamed or whole.
    pub(crate) fn answer(&self, response: &mut Response<Body>, answer: &mut Answer) -> Result<(), Failure> {
        if response.body().mime_type() == Some("text/event-stream") {
            return self.events(response, answer);
        }
        answer.take(parsed(&self.whole(response)?)?)
    }

    /// Reads a streamed answer. Once the server has said that it is all, nothing that happens to the connection matters;
    /// it is read to its end so that it can be used again.
    fn events(&self, response: &mut Response<Body>, answer: &mut Answer) -> Result<(), Failure> {
        let (mut events, mut done) = (Events::default(), false);
        let take = |answer: &mut Answer, event: &[u8], done: &mut bool| {
            *done |= event.trim_ascii() == b"[DONE]";
            if *done { Ok(()) } else { answer.take(parsed(event)?) }
        };
        let ended =
            self.drain(response, |bytes| events.push(bytes).iter().try_for_each(|e| take(answer, e, &mut done)));
        match ended {
            Ok(()) => events.finish().map_or(Ok(()), |event| take(answer, &event, &mut done)),
            Err(_) if done && answer.is_whole() => Ok(()),
            // What was told so far is part of what it cost.
            Err(e) if e.wasted.is_none() => Err(e.wasting(answer.spent())),
            Err(e) => Err(e),
        }
    }

    /// Reads a whole body.
    pub(crate) fn whole(&self, response: &mut Response<Body>) -> Result<Vec<u8>, Failure> {
        let mut all = Vec::new();
        self.drain(response, |bytes| {
            all.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(all)
    }

    /// Hands on a body's bytes as they come, up to the longest that is read.
    fn drain(
        &self,
        response: &mut Response<Body>,
        mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut reader = response.body_mut().as_reader();
        let (mut buffer, mut read) = (vec![0; 16 << 10], 0_u64);
        loop {
            let n = reader.read(&mut buffer);
            if self.stop.load(Ordering::Relaxed) {
                return Err(Failure::stopped());
            }
            if self.cancel.is_some_and(Cancel::is_cancelled) {
                return Err(Failure::cancelled());
            }
            let n = match n {
                Ok(0) => return Ok(()),
                Ok(n) => n,
                Err(e) => return Err(broken::reply(e.into())),
            };
            read += n as u64;
            if read > self.largest {
                return Err(Failure::new(Kind::Endless, format!("its reply is longer than {} bytes", self.largest)));
            }
            take(&buffer[..n])?;
        }
    }

    /// As much of an error's body as is of use. Not read to the end of what was told, so that the connection is not used
    /// again: a server that failed may end it.
    pub(crate) fn error(&self, response: &mut Response<Body>) -> Vec<u8> {
        let longest = response.body().content_length().map_or(ERROR, |n| ERROR.min(n as usize));
        let mut reader = response.body_mut().as_reader();
        let (mut body, mut buffer) = (Vec::new(), [0; 4096]);
        while body.len() < longest && !self.stop.load(Ordering::Relaxed) {
            // Where the message breaks off, what came of it is told.
            let Ok(n @ 1..) = reader.read(&mut buffer) else { break };
            body.extend_from_slice(&buffer[..n]);
        }
        body
    }
}

fn parsed(bytes: &[u8]) -> Result<Told, Failure> {
    serde_json::from_slice(bytes).map_err(|e| {
        let said = told::message(&bytes[..bytes.len().min(200)]);
        Failure::new(Kind::Garbled, format!("its reply is not what it should be ({e}): {said}"))
    })
}
