//! Who is let in: requests for this computer from no foreign page, and with the token.

use super::door::Door;
use super::refusal::{Dialect, Refusal};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, HOST, ORIGIN, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::net::IpAddr;
use std::sync::Arc;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses what may not come in, before anything of its body is read.
pub(super) async fn guard(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let dialect = Dialect::of_path(path);
    // Names of files are secrets of their own.
    let is_open = path == "/health" || path.starts_with("/files/");
    let headers = request.headers();
    let entered = place(headers, &door).and_then(|()| match is_open || is_known(headers, &door) {
        true => Ok(()),
        false => Err(Refusal::new(
            StatusCode::UNAUTHORIZED,
            "the token is missing or wrong: send `Authorization: Bearer TOKEN`, or Basic with the token as \
             password; the program printed it when it started, unless it was given to it",
        )
        .code("invalid_api_key")),
    });
    let mut response = match entered {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.told(dialect),
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Whether the request is meant for this computer and sent by no foreign page: a name that was made to
/// point here gives a page of the web no way in.
fn place(headers: &HeaderMap, door: &Door) -> Result<(), Refusal> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (hosts.next().map(HeaderValue::to_str), hosts.next()) {
        (Some(Ok(host)), None) => host,
        _ => {
            let message = "the request has to name its host, once: add a Host header";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, message));
        }
    };
    let foreign = |message: String| Err(Refusal::new(StatusCode::FORBIDDEN, message).code("foreign_request"));
    if door.is_loopback && !names_this_computer(host) {
        return foreign(
            "the Host header names another computer: use localhost, 127.0.0.1 or [::1]".to_owned(),
        );
    }
    let own = format!("{}://{host}", door.scheme());
    let is_own = |origin: &HeaderValue| origin.as_bytes().eq_ignore_ascii_case(own.as_bytes());
    if !headers.get_all(ORIGIN).iter().all(is_own) {
        return foreign("pages of other origins may not ask: call this server from a program".to_owned());
    }
    let is_near = |site: &HeaderValue| matches!(site.as_bytes(), b"none" | b"same-origin");
    if !headers.get_all(FETCH_SITE).iter().all(is_near) {
        return foreign("pages of other sites may not ask: call this server from a program".to_owned());
    }
    Ok(())
}

/// Whether a Host header, with or without a port, is a name of the loopback.
fn names_this_computer(host: &str) -> bool {
    let (name, rest) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, rest)) => (name, rest),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port = rest.is_empty()
        || rest
            .strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|digit| digit.is_ascii_digit()));
    let is_name = name.eq_ignore_ascii_case("localhost")
        || name.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    is_port && is_name
}

/// Whether the token came along: as a bearer, or as the password of Basic.
fn is_known(headers: &HeaderMap, door: &Door) -> bool {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, given)) = given.and_then(|given| given.split_once(' ')) else {
        return false;
    };
    let given = given.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return door.token.is(given.as_bytes());
    }
    let decoded = match scheme.eq_ignore_ascii_case("basic") {
        true => STANDARD.decode(given).unwrap_or_default(),
        false => return false,
    };
    let colon = decoded.iter().position(|byte| *byte == b':');
    colon.is_some_and(|colon| door.token.is(&decoded[colon + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_loopback_are_this_computer() {
        for own in [
            "localhost",
            "LOCALHOST:80",
            "127.0.0.1:7860",
            "127.9.9.9",
            "[::1]",
            "[::1]:1",
        ] {
            assert!(names_this_computer(own), "{own}");
        }
        for foreign in [
            "",
            ":80",
            "example.org",
            "localhost.example.org",
            "127.0.0.1.example.org",
            "localhost:80@example.org",
            "10.0.0.1",
            "[::2]",
            "[::1]x",
            "0.0.0.0",
        ] {
            assert!(!names_this_computer(foreign), "{foreign}");
        }
    }
}
