//! What all requests to servers have in common: how a connection is made, which servers are one and the same,
//! and where a redirect leads. What is asked, and what an answer means, is the business of those who ask.

use std::sync::Arc;
use thiserror::Error;
use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::typestate::AgentScope;

/// How this program connects: by the system's own list of authorities, by the proxies of the environment. A status
/// is no error, and a redirect is handed to who asked.
pub(crate) fn connections() -> ConfigBuilder<AgentScope> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(provider);
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("lumina-studio/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .tls_config(tls.build())
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> Option<(String, String, u16)> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let usual = if scheme == "https" { 443 } else { 80 };
    let host = uri.host()?.to_ascii_lowercase();
    Some((scheme, host, uri.port_u16().unwrap_or(usual)))
}

/// Whether two addresses are of one server. Only then a secret goes along.
pub(crate) fn is_same_server(one: &str, other: &str) -> bool {
    let one = origin(one);
    one.is_some() && one == origin(other)
}

/// Scheme, host and port in one way of writing: what a secret is kept under.
pub(crate) fn server(url: &str) -> Option<String> {
    origin(url).map(|(scheme, host, port)| format!("{scheme}://{host}:{port}"))
}

/// Whether an address leads to this machine itself.
pub(crate) fn is_loopback(url: &str) -> bool {
    let Some((_, host, _)) = origin(url) else {
        return false;
    };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let address = address.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// The server of an address, as people are told of it.
pub(crate) fn host(url: &str) -> String {
    match origin(url) {
        Some((_, host, 80 | 443)) => host,
        Some((_, host, port)) => format!("{host}:{port}"),
        None => url.chars().take(100).collect(),
    }
}

/// Why a redirect leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Astray {
    #[error("a redirect without an address")]
    NoAddress,
    /// From a safe address to one that is not.
    #[error("a redirect to an address that is not safe ({to})")]
    Unsafe { to: String },
}

/// The address a `Location` names.
///
/// # Errors
/// It is none, or leads from a safe address to one that is not.
pub(crate) fn follow(from: &str, location: &str) -> Result<String, Astray> {
    let uri: Uri = from.parse().map_err(|_| Astray::NoAddress)?;
    let (scheme, authority) = (uri.scheme_str(), uri.authority());
    let (scheme, authority) = scheme.zip(authority).ok_or(Astray::NoAddress)?;
    let location = location.trim();
    let to = if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.contains("://") {
        location.to_owned()
    } else if location.is_empty() {
        return Err(Astray::NoAddress);
    } else {
        let folder = uri.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    };
    let (kind, ..) = origin(&to).ok_or(Astray::NoAddress)?;
    match (scheme, kind.as_str()) {
        (_, "https") | ("http", "http") => Ok(to),
        _ => Err(Astray::Unsafe {
            to: to.chars().take(100).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_stays_with_its_server() {
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
        assert_eq!(
            server("HTTPS://Host/v1?a").as_deref(),
            Some("https://host:443"),
            "one server has one name"
        );
    }

    #[test]
    fn this_machine_is_known_by_its_addresses() {
        for here in [
            "http://localhost/",
            "http://127.0.0.1:80",
            "http://127.9.9.9/",
            "http://[::1]:8080/v1",
        ] {
            assert!(is_loopback(here), "{here}");
        }
        for elsewhere in [
            "http://localhost.evil.org",
            "http://128.0.0.1",
            "https://[2001:db8::1]/",
            "127.0.0.1",
        ] {
            assert!(!is_loopback(elsewhere), "{elsewhere}");
        }
    }
}
