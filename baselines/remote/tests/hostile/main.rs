//! The client against servers of ours on loopback, which answer in real HTTP: well, slowly, wrongly, or not at all.

#![allow(clippy::unwrap_used, reason = "a test")]

mod answers;
mod ask;
mod crowd;
mod endpoints;
mod faults;
mod key;
mod refusals;
mod server;
mod stops;
