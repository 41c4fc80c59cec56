//! Requests to the Hub and to where it leads; what its answers mean.
//!
//! Redirects are followed here and not by the library: what the Hub says of a file stands in the answer
//! that leads away from it, and the token goes to no other server.

use super::error::HubError;
use super::redirect::{follow, host, is_same_server};
use super::repository::Repository;
use super::settings::{Settings, Token};
use crate::web;
use std::io::Read;
use std::time::{Duration, SystemTime};
use ureq::http::{HeaderMap, Request, Response};
use ureq::{Agent, Body, Error};

const MOST_REDIRECTS: usize = 8;
const CONNECT: Duration = Duration::from_secs(20);
/// Longest list of files, in bytes.
const LONGEST_LIST: u64 = 32 << 20;
/// Longer waits are not meant.
const LONGEST_WAIT: u64 = 7 * 24 * 3600;

/// Whether a body is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Head,
    Body,
}

/// What is asked for, for the sentences about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) repository: &'a Repository,
    pub(super) file: &'a str,
}

pub(super) struct Client {
    agent: Agent,
    endpoint: String,
    token: Option<Token>,
    stall: Duration,
}

/// An answer that is none of the errors.
pub(super) struct Answer {
    pub(super) status: u16,
    /// Of the server that answered in the end.
    pub(super) headers: HeaderMap,
    pub(super) host: String,
    /// `X-Linked-Etag`, else `ETag`, as the Hub itself says it.
    pub(super) etag: Option<String>,
    /// `X-Linked-Size`, in bytes.
    pub(super) linked_size: Option<u64>,
    body: Body,
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        text(&self.headers, name)
    }

    /// Bytes to come, where the server says.
    pub(super) fn length(&self) -> Option<u64> {
        self.header("content-length")?.trim().parse().ok()
    }

    pub(super) fn into_reader(self) -> impl Read {
        self.body.into_reader()
    }
}

impl Client {
    pub(super) fn new(settings: &Settings) -> Self {
        let stall = settings.patience.stall;
        let config = web::connections()
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT.min(stall.max(Duration::from_secs(1)))))
            .timeout_recv_response(Some(stall))
            .timeout_per_read(Some(stall));
        Self {
            agent: config.build().into(),
            endpoint: settings.endpoint.clone(),
            token: settings.token.clone(),
            stall,
        }
    }

    /// Ends every request under way, on whatever thread.
    pub(super) fn stop(&self) {
        self.agent.clone().shutdown();
    }

    /// The Hub, as people are told of it.
    pub(super) fn host(&self) -> String {
        host(&self.endpoint)
    }

    /// Asks for a path of the Hub, with these headers on every hop.
    ///
    /// # Errors
    /// The server cannot be reached, or answers with anything but the thing: [`HubError`] says which.
    pub(super) fn ask(
        &self,
        wanted: Wanted,
        path: &str,
        headers: &[(&str, String)],
        about: About<'_>,
    ) -> Result<Answer, HubError> {
        let mut url = format!("{}{path}", self.endpoint);
        let (mut etag, mut linked_size) = (None, None);
        for _ in 0..=MOST_REDIRECTS {
            let response = self.send(wanted, &url, headers, about.file)?;
            let said = response.headers();
            if is_same_server(&url, &self.endpoint) {
                let linked = text(said, "x-linked-etag").or_else(|| text(said, "etag"));
                etag = etag.or_else(|| linked.map(str::to_owned));
                let size = text(said, "x-linked-size").and_then(|size| size.trim().parse().ok());
                linked_size = linked_size.or(size);
            }
            if let 301 | 302 | 303 | 307 | 308 = response.status().as_u16() {
                url = follow(&url, text(said, "location").unwrap_or_default())?;
                continue;
            }
            self.check(&response, &url, about)?;
            let (parts, body) = response.into_parts();
            return Ok(Answer {
                status: parts.status.as_u16(),
                headers: parts.headers,
                host: host(&url),
                etag,
                linked_size,
                body,
            });
        }
        Err(HubError::Redirects {
            host: host(&self.endpoint),
            file: about.file.to_owned(),
        })
    }

    /// The text of a list.
    ///
    /// # Errors
    /// As of [`Client::ask`]; it is longer than any list is, or no text.
    pub(super) fn list(&self, path: &str, about: About<'_>) -> Result<String, HubError> {
        let answer = self.ask(Wanted::Body, path, &[], about)?;
        let host = answer.host.clone();
        let is_page = answer
            .header("content-type")
            .is_some_and(|kind| kind.contains("html"));
        if is_page {
            return Err(HubError::Page {
                host,
                file: about.file.to_owned(),
            });
        }
        let mut bytes = Vec::new();
        let read = answer
            .into_reader()
            .take(LONGEST_LIST + 1)
            .read_to_end(&mut bytes);
        read.map_err(|error| self.broken(&error, about.file))?;
        let wrong = |why: &str| HubError::Answer {
            host: host.clone(),
            why: why.to_owned(),
        };
        if bytes.len() as u64 > LONGEST_LIST {
            return Err(wrong("its list of files is endless"));
        }
        String::from_utf8(bytes).map_err(|_| wrong("its list of files is no text"))
    }

    fn send(
        &self,
        wanted: Wanted,
        url: &str,
        headers: &[(&str, String)],
        file: &str,
    ) -> Result<Response<Body>, HubError> {
        let method = match wanted {
            Wanted::Head => "HEAD",
            Wanted::Body => "GET",
        };
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(token) = self
            .token
            .as_ref()
            .filter(|_| is_same_server(url, &self.endpoint))
        {
            request = request.header("authorization", token.header());
        }
        let request = request.body(()).map_err(|error| HubError::Answer {
            host: host(url),
            why: error.to_string(),
        })?;
        self.agent
            .run(request)
            .map_err(|error| self.unanswered(&error, url, file))
    }

    /// What it means that there is no answer.
    fn unanswered(&self, error: &Error, url: &str, file: &str) -> HubError {
        let (host, why) = (host(url), error.to_string());
        match error {
            Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => HubError::Unreachable {
                host,
                why: "it does not answer".to_owned(),
            },
            Error::Timeout(_) => HubError::Stall {
                file: file.to_owned(),
                stall: self.stall,
            },
            Error::HostNotFound => HubError::Unreachable {
                host,
                why: "nobody knows its name".to_owned(),
            },
            Error::Tls(_) | Error::Rustls(_) => HubError::Unsafe { host, why },
            // What rustls finds in a handshake comes as an error of reading.
            Error::Io(inner) if inner.kind() == std::io::ErrorKind::InvalidData => {
                HubError::Unsafe { host, why }
            }
            Error::Io(_)
            | Error::ConnectionFailed
            | Error::ConnectProxyFailed(_)
            | Error::InvalidProxyUrl => HubError::Unreachable { host, why },
            _ => HubError::Answer { host, why },
        }
    }

    /// What it means that reading an answer failed.
    pub(super) fn broken(&self, error: &std::io::Error, file: &str) -> HubError {
        let file = file.to_owned();
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        let is_late =
            matches!(inner, Some(Error::Timeout(_))) || error.kind() == std::io::ErrorKind::TimedOut;
        match is_late {
            true => HubError::Stall {
                file,
                stall: self.stall,
            },
            false => HubError::Cut { file },
        }
    }

    /// Statuses that are no answer; 416 is one for those who asked for a part.
    fn check(&self, response: &Response<Body>, url: &str, about: About<'_>) -> Result<(), HubError> {
        let (status, headers) = (response.status().as_u16(), response.headers());
        let repository = about.repository.clone();
        let (host, file) = (host(url), about.file.to_owned());
        let code = text(headers, "x-error-code").unwrap_or_default();
        let is_hub = is_same_server(url, &self.endpoint);
        let endpoint = self.endpoint.clone();
        Err(match (status, code) {
            (200 | 206 | 416, _) => return Ok(()),
            (401 | 403, "GatedRepo") if self.token.is_some() => HubError::NotGranted { repository, endpoint },
            (401 | 403, "GatedRepo") => HubError::Gated { repository, endpoint },
            (_, "RepoNotFound") => HubError::NoRepository(repository),
            (_, "RevisionNotFound") => HubError::NoRevision {
                repository,
                revision: "main".to_owned(),
            },
            (_, "EntryNotFound") => HubError::NoFile { file },
            (401, _) if is_hub && self.token.is_some() => HubError::Token,
            // Without a token the Hub does not say which names are taken.
            (401, _) if is_hub => HubError::NoRepository(repository),
            (404, _) if about.file == LIST => HubError::NoRepository(repository),
            (404, _) => HubError::NoFile { file },
            (429, _) => HubError::TooMany {
                host,
                wait: wait(headers, SystemTime::now()),
            },
            (408 | 425 | 500..=599, _) => HubError::Server {
                host,
                status,
                wait: wait(headers, SystemTime::now()),
            },
            // The address a server leads to is good for a while only.
            (403, _) if !is_hub => HubError::Server {
                host,
                status,
                wait: None,
            },
            (status, _) => HubError::Refused { host, file, status },
        })
    }
}

/// What the list of files is called in sentences.
pub(super) const LIST: &str = "the list of files";

/// `Retry-After`: seconds, or a date.
fn wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let said = text(headers, "retry-after")?.trim();
    let seconds = match said.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let date = chrono::DateTime::parse_from_rfc2822(said).ok()?;
            let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
            u64::try_from(date.timestamp()).ok()?.saturating_sub(now)
        }
    };
    Some(Duration::from_secs(seconds.min(LONGEST_WAIT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_450);
        let of = |said: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", said.parse().unwrap());
            wait(&headers, now)
        };
        assert_eq!(of("3"), Some(Duration::from_secs(3)));
        assert_eq!(of("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(of("Thu, 21 Oct 1999 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(of("99999999999999999"), Some(Duration::from_secs(LONGEST_WAIT)));
        assert_eq!(of("soon"), None);
        assert_eq!(of("-1"), None);
    }
}
