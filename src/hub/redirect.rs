//! Addresses of the Hub: where a redirect leads, and how a file's name stands in one.

use super::error::HubError;
use crate::web::{self, Astray};

pub(super) use crate::web::{host, is_same_server};

/// The address a `Location` names.
///
/// # Errors
/// It is none, or leads from a safe address to one that is not.
pub(super) fn follow(from: &str, location: &str) -> Result<String, HubError> {
    web::follow(from, location).map_err(|astray| match astray {
        Astray::NoAddress => HubError::Answer {
            host: host(from),
            why: astray.to_string(),
        },
        Astray::Unsafe { to } => HubError::Downgrade { host: host(from), to },
    })
}

/// A file's name as a part of an address.
pub(super) fn encoded(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(byte))
            }
            _ => text += &format!("%{byte:02X}"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_on_and_never_to_what_is_not_safe() {
        let from = "https://huggingface.co/a/b/resolve/main/c";
        let to = |location: &str| follow(from, location);
        assert_eq!(to("/api/x?y").as_deref(), Ok("https://huggingface.co/api/x?y"));
        assert_eq!(to("//cdn.org/x").as_deref(), Ok("https://cdn.org/x"));
        assert_eq!(to("https://cdn.org/x").as_deref(), Ok("https://cdn.org/x"));
        assert_eq!(
            to("d").as_deref(),
            Ok("https://huggingface.co/a/b/resolve/main/d")
        );
        assert!(matches!(to("http://cdn.org/x"), Err(HubError::Downgrade { .. })));
        assert!(to("file:///etc/passwd").is_err());
        assert!(to("").is_err() && to("https://").is_err());
        assert_eq!(
            follow("http://127.0.0.1:1/a", "http://127.0.0.1:2/b").as_deref(),
            Ok("http://127.0.0.1:2/b")
        );
        assert_eq!(encoded("a b#?é.json"), "a%20b%23%3F%C3%A9.json");
    }
}
