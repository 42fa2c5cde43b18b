//! The program and the machine, for the manifest.

use std::fs;

use socio_dataset::hash::sha256_hex;
use socio_record::{Code, Machine};

/// This machine.
pub fn machine() -> Machine {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named =
        cpuinfo.lines().find_map(|l| l.strip_prefix("model name")?.split_once(':').map(|(_, n)| n.trim().to_owned()));
    Machine {
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        processor: named.unwrap_or_else(|| "unknown".to_owned()),
        threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    }
}

/// This program.
pub fn code() -> Code {
    let bytes = std::env::current_exe().and_then(fs::read).unwrap_or_default();
    Code { version: env!("CARGO_PKG_VERSION").to_owned(), executable: sha256_hex(&bytes)[..16].to_owned() }
}
