//! Addresses: where a redirect leads, and whether a token may go there.

use super::error::HubError;
use ureq::http::Uri;

/// Scheme, host and port of an address.
fn origin(url: &str) -> Option<(String, String, u16)> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let usual = if scheme == "https" { 443 } else { 80 };
    let host = uri.host()?.to_ascii_lowercase();
    Some((scheme, host, uri.port_u16().unwrap_or(usual)))
}

/// Whether two addresses are of one server. Only then a token goes along.
pub(super) fn is_same_server(one: &str, other: &str) -> bool {
    let one = origin(one);
    one.is_some() && one == origin(other)
}

/// The server of an address, as people are told of it.
pub(super) fn host(url: &str) -> String {
    match origin(url) {
        Some((_, host, 80 | 443)) => host,
        Some((_, host, port)) => format!("{host}:{port}"),
        None => url.chars().take(100).collect(),
    }
}

/// The address a `Location` names.
///
/// # Errors
/// It is none, or leads from a safe address to one that is not.
pub(super) fn follow(from: &str, location: &str) -> Result<String, HubError> {
    let wrong = || HubError::Answer {
        host: host(from),
        why: "a redirect without an address".to_owned(),
    };
    let uri: Uri = from.parse().map_err(|_| wrong())?;
    let (scheme, authority) = (uri.scheme_str(), uri.authority());
    let (scheme, authority) = scheme.zip(authority).ok_or_else(wrong)?;
    let location = location.trim();
    let to = if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.contains("://") {
        location.to_owned()
    } else if location.is_empty() {
        return Err(wrong());
    } else {
        let folder = uri.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    };
    let (kind, ..) = origin(&to).ok_or_else(wrong)?;
    match (scheme, kind.as_str()) {
        (_, "https") | ("http", "http") => Ok(to),
        _ => Err(HubError::Downgrade {
            host: host(from),
            to: to.chars().take(100).collect(),
        }),
    }
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
    fn a_token_stays_with_its_server() {
        let hub = "https://huggingface.co/a";
        assert!(is_same_server(hub, "https://HuggingFace.co:443/b?c"));
        for other in [
            "http://huggingface.co/a",
            "https://huggingface.co:444/a",
            "https://cdn-lfs.huggingface.co/a",
            "https://huggingface.co.evil.org/a",
            "nonsense",
        ] {
            assert!(!is_same_server(hub, other), "{other}");
        }
        assert!(!is_same_server("nonsense", "nonsense"));
    }

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
