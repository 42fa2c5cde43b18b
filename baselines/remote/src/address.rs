//! A server's base address, with no secret in it.

use std::fmt;
use std::net::IpAddr;

use ureq::http::Uri;

use crate::OptionError;

/// An address that can be shown: it has neither user name nor query. No slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address(String);

impl Address {
    /// # Errors
    /// What is no base address of a server, or holds what could be a secret.
    pub(crate) fn parse(text: &str) -> Result<Self, OptionError> {
        let refused = |why| Err(OptionError::Address { address: shown(text), why });
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once("://") else {
            return refused("it does not begin with http:// or https://");
        };
        if !matches!(scheme, "http" | "https") {
            return refused("it does not begin with http:// or https://");
        }
        if rest.contains(['?', '#']) {
            return refused("it has a query or fragment; a key goes into the environment");
        }
        // Also behind a slash, which a password may hold.
        if rest.contains('@') {
            return refused("it has a user name or password; a key goes into the environment");
        }
        let host = |uri: Uri| uri.host().is_some_and(|h| !h.is_empty());
        if text.parse().is_ok_and(host) && has_good_port(rest) {
            Ok(Self(text.trim_end_matches('/').to_owned()))
        } else {
            refused("it is not of the form http://host:port/v1")
        }
    }

    /// Whether it is this machine's own.
    pub(crate) fn is_loopback(&self) -> bool {
        let host =
            self.0.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_ascii_lowercase)).unwrap_or_default();
        let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    }

    /// The address of what lies below it.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}/{path}", self.0)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether what follows the host is no port, or a number that one can have.
fn has_good_port(rest: &str) -> bool {
    let authority = rest.split('/').next().unwrap_or_default();
    let after = authority.rfind(']').map_or(authority, |end| &authority[end + 1..]);
    after.split_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_ok_and(|p| p > 0))
}

/// An address as it can be shown, whatever is in it: without user name, query and fragment.
pub(crate) fn shown(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let (text, cut) = (&text[..end], end < text.len());
    let (scheme, rest) = match text.find("://") {
        Some(at) => text.split_at(at + 3),
        None => ("", text),
    };
    // What comes before any @ may be a password, which may itself hold a slash or an @.
    let rest = rest.rfind('@').map_or(rest, |at| &rest[at + 1..]);
    format!("{scheme}{rest}{}", if cut { "?..." } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_addresses_lose_their_last_slash() {
        for (text, base) in [
            ("http://localhost:8000/v1", "http://localhost:8000/v1"),
            (" https://models.example.org/v1/ ", "https://models.example.org/v1"),
            ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
            ("http://10.0.0.7", "http://10.0.0.7"),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(address.to_string(), base);
            assert_eq!(address.join("models"), format!("{base}/models"));
        }
    }

    #[test]
    fn loopback_is_told_from_elsewhere() {
        for (text, is) in [
            ("http://LOCALHOST:8000/v1", true),
            ("http://127.0.0.9/v1", true),
            ("https://[::1]:8000/v1", true),
            ("http://10.0.0.7/v1", false),
            ("http://localhost.example.org/v1", false),
        ] {
            assert_eq!(Address::parse(text).unwrap().is_loopback(), is, "{text}");
        }
    }

    #[test]
    fn what_may_hold_a_secret_is_refused_and_not_shown() {
        for text in [
            "http://me:hunter22@host/v1",
            "http://hunter22@host:8000/v1",
            "http://me:a/hunter22@host/v1",
            "http://host/v1?key=hunter22",
            "http://host/v1#hunter22",
            "me:hunter22@host:8000",
            "ftp://me:hunter22@host",
        ] {
            let error = Address::parse(text).unwrap_err().to_string();
            assert!(!error.contains("hunter22") && error.contains("host"), "{error}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "localhost:8000",
            "http://",
            "http:///v1",
            "http://a b/v1",
            "http://host:port/v1",
            "http://[::1]:99999/v1",
            "http://host:0",
            "http://h\n/",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }
}
