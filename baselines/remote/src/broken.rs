//! Connections that fail, in words.

use std::io;

use ureq::{Error, Timeout};

use crate::failure::{Failure, Kind};

/// A request that came to no reply.
pub(crate) fn request(error: &Error) -> Failure {
    let kind = match error {
        Error::Timeout(Timeout::Connect | Timeout::Resolve) | Error::HostNotFound => Kind::Absent,
        Error::Io(e) if is_nobody(e.kind()) => Kind::Absent,
        Error::Timeout(_) => Kind::Timeout,
        Error::Tls(_) | Error::Rustls(_) | Error::TlsRequired => Kind::Tls,
        // What goes wrong with a handshake comes so.
        Error::Io(e) if e.kind() == io::ErrorKind::InvalidData => Kind::Tls,
        Error::Protocol(_) | Error::LargeResponseHeader(..) => Kind::Garbled,
        _ => Kind::Connection,
    };
    Failure::new(kind, in_words(error))
}

fn is_nobody(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkDown, NetworkUnreachable};
    matches!(kind, ConnectionRefused | HostUnreachable | NetworkDown | NetworkUnreachable)
}

/// A reply that broke off.
pub(crate) fn reply(error: Error) -> Failure {
    match error {
        Error::Timeout(_) => Failure::new(Kind::Timeout, in_words(&error)),
        other => Failure::new(Kind::Cut, format!("its reply was cut off ({other})")),
    }
}

fn in_words(error: &Error) -> String {
    match error {
        Error::Timeout(Timeout::Connect) => "no connection within `connect`".to_owned(),
        Error::Timeout(Timeout::Resolve) => "its name was not found in time".to_owned(),
        Error::Timeout(Timeout::PerRead | Timeout::PerWrite) => "nothing came for as long as `silence`".to_owned(),
        Error::Timeout(_) => "it took longer than `timeout`".to_owned(),
        Error::HostNotFound => "there is no host of that name".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart() {
        let io = |kind| Error::Io(io::Error::new(kind, "why"));
        for (error, kind) in [
            (io(io::ErrorKind::ConnectionRefused), Kind::Absent),
            (io(io::ErrorKind::UnexpectedEof), Kind::Connection),
            (Error::HostNotFound, Kind::Absent),
            (Error::Timeout(Timeout::Connect), Kind::Absent),
            (Error::Timeout(Timeout::Global), Kind::Timeout),
            (io(io::ErrorKind::InvalidData), Kind::Tls),
            (Error::Tls("why"), Kind::Tls),
        ] {
            assert_eq!(request(&error).kind, kind, "{error}");
        }
        assert_eq!(reply(io(io::ErrorKind::ConnectionReset)).kind, Kind::Cut);
        assert_eq!(reply(Error::Timeout(Timeout::PerRead)).kind, Kind::Timeout);
    }
}
