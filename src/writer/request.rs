//! One request to a server, bounded in every way: in time, in length, and in where it goes.
//!
//! It is made on a thread of its own. Whatever the server does, or the network, or the keyring that is asked for
//! the key, who asked gets an answer in time: the thread is left to its own end.

use super::ask::{Until, head_of};
use super::error::WriterError;
use super::keys::Keys;
use crate::web;
use std::io::Read;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;
use ureq::http::{Request, Response};
use ureq::{Agent, Body, Error};

/// Longest body of an answer, in bytes.
const LONGEST_BODY: u64 = 1 << 20;
const MOST_REDIRECTS: usize = 3;
const CONNECT: Duration = Duration::from_secs(5);
/// Between two looks at whether somebody has stopped it.
const TICK: Duration = Duration::from_millis(20);
/// What a connection may take longer than it should.
const GRACE: Duration = Duration::from_millis(300);
/// Of what a server says of its trouble, in bytes.
const LONGEST_SAID: usize = 200;

/// What is asked.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) url: String,
    /// A POST of this JSON; a GET when `None`.
    pub(super) body: Option<String>,
    /// Where its key may be.
    pub(super) keys: Option<Keys>,
    /// Who answers, for people.
    pub(super) by: String,
}

/// An answer with any status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) text: String,
}

impl Reply {
    /// The text of a good answer.
    ///
    /// # Errors
    /// The status says that it is none.
    pub(super) fn good(self, url: &str) -> Result<String, WriterError> {
        match self.status {
            200..=299 => Ok(self.text),
            status => Err(WriterError::Status {
                host: web::host(url),
                status,
                said: said(&self.text),
            }),
        }
    }
}

/// What a server says of its trouble, in the form of OpenAI's or alike.
fn said(text: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let error = &json["error"];
    let message = error["message"]
        .as_str()
        .or(error.as_str())
        .or(json["message"].as_str());
    let words = message.unwrap_or_default().split_whitespace();
    let words: Vec<&str> = words.filter(|word| !word.contains(char::is_control)).collect();
    match words.is_empty() {
        true => String::new(),
        false => format!(" ({})", head_of(&words.join(" "), LONGEST_SAID)),
    }
}

/// Asks, and waits for the answer as long as `until` says.
///
/// # Errors
/// No answer comes in time, it is endless or a web page, it leads elsewhere, or `until` was cancelled.
pub(super) fn ask(question: Question, until: &Until<'_>) -> Result<Reply, WriterError> {
    let by = question.by.clone();
    until.go_on(&by)?;
    let left = until.left();
    let mut config = web::connections()
        .timeout_global(Some(left))
        .timeout_resolve(Some(CONNECT.min(left)))
        .timeout_connect(Some(CONNECT.min(left)));
    if web::is_loopback(&question.url) {
        // What stays on this machine goes by nobody else.
        config = config.proxy(None);
    }
    let agent: Agent = config.build().into();
    let (sender, receiver) = channel();
    let twin = agent.clone();
    let time = until.time;
    let thread = std::thread::Builder::new().name("writer's request".to_owned());
    let spawned = thread.spawn(move || {
        // Nobody listens any more where it took too long.
        let _ = sender.send(exchange(&twin, &question, time));
    });
    spawned.map_err(|error| WriterError::Unreachable {
        host: by.clone(),
        why: error.to_string(),
    })?;
    loop {
        match receiver.recv_timeout(TICK) {
            Ok(reply) => return reply,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(WriterError::Unreachable {
                    host: by,
                    why: "the request broke off".to_owned(),
                });
            }
            Err(RecvTimeoutError::Timeout) if until.cancel.is_cancelled() => {
                agent.shutdown();
                return Err(WriterError::Cancelled);
            }
            Err(RecvTimeoutError::Timeout) if until.began.elapsed() > until.time + GRACE => {
                agent.shutdown();
                return Err(WriterError::Late { by, time });
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn exchange(agent: &Agent, question: &Question, time: Duration) -> Result<Reply, WriterError> {
    let start = question.url.as_str();
    let key = question.keys.map(|keys| keys.of(start)).transpose()?.flatten();
    let mut url = start.to_owned();
    for _ in 0..=MOST_REDIRECTS {
        let is_open = url.starts_with("http:") && !web::is_loopback(&url);
        if is_open && key.is_some() {
            return Err(WriterError::OpenKey {
                host: web::host(&url),
            });
        }
        let key = key.as_ref().map(|key| key.header());
        let response = send(agent, &url, question, key, time)?;
        let location = response.headers().get("location").and_then(|to| to.to_str().ok());
        let status = response.status().as_u16();
        if let (301 | 302 | 303 | 307 | 308, Some(location)) = (status, location) {
            let to = web::follow(&url, location).map_err(|astray| WriterError::Protocol {
                host: web::host(&url),
                why: astray.to_string(),
            })?;
            // Neither the words nor the key go where nobody sent them.
            if !web::is_same_server(&to, start) {
                return Err(WriterError::Moved {
                    host: web::host(start),
                    to: web::host(&to),
                });
            }
            url = to;
            continue;
        }
        return reply(response, question, time);
    }
    Err(WriterError::Protocol {
        host: web::host(start),
        why: "it sends its visitors round in circles".to_owned(),
    })
}

fn send(
    agent: &Agent,
    url: &str,
    question: &Question,
    key: Option<String>,
    time: Duration,
) -> Result<Response<Body>, WriterError> {
    let method = if question.body.is_some() { "POST" } else { "GET" };
    let mut request = Request::builder()
        .method(method)
        .uri(url)
        .header("accept", "application/json");
    if let Some(key) = key {
        request = request.header("authorization", key);
    }
    let wrong = |error: ureq::http::Error| WriterError::Protocol {
        host: web::host(url),
        why: error.to_string(),
    };
    let response = match &question.body {
        Some(body) => {
            let request = request.header("content-type", "application/json");
            agent.run(request.body(body.as_str()).map_err(wrong)?)
        }
        None => agent.run(request.body(()).map_err(wrong)?),
    };
    response.map_err(|error| unanswered(&error, url, question, time))
}

/// What it means that there is no answer, or no whole one.
fn unanswered(error: &Error, url: &str, question: &Question, time: Duration) -> WriterError {
    let unreachable = |why: String| WriterError::Unreachable {
        host: web::host(url),
        why,
    };
    match error {
        Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => {
            unreachable("it does not answer".to_owned())
        }
        Error::Timeout(_) => WriterError::Late {
            by: question.by.clone(),
            time,
        },
        Error::HostNotFound => unreachable("nobody knows its name".to_owned()),
        Error::Protocol(_) | Error::Http(_) | Error::BadUri(_) => WriterError::Protocol {
            host: web::host(url),
            why: error.to_string(),
        },
        _ => unreachable(error.to_string()),
    }
}

fn reply(response: Response<Body>, question: &Question, time: Duration) -> Result<Reply, WriterError> {
    let host = web::host(&question.url);
    let status = response.status().as_u16();
    let kind = response
        .headers()
        .get("content-type")
        .and_then(|kind| kind.to_str().ok());
    let is_page = kind.is_some_and(|kind| kind.contains("html"));
    if is_page && (200..=299).contains(&status) {
        return Err(WriterError::Page { host });
    }
    let mut bytes = Vec::new();
    let body = response.into_body().into_reader();
    if let Err(error) = body.take(LONGEST_BODY + 1).read_to_end(&mut bytes) {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        let is_late =
            matches!(inner, Some(Error::Timeout(_))) || error.kind() == std::io::ErrorKind::TimedOut;
        return Err(match is_late {
            true => WriterError::Late {
                by: question.by.clone(),
                time,
            },
            false => WriterError::Protocol {
                host,
                why: format!("its answer broke off: {error}"),
            },
        });
    }
    if bytes.len() as u64 > LONGEST_BODY {
        return Err(WriterError::Long { host });
    }
    let text = String::from_utf8(bytes).map_err(|_| WriterError::Protocol {
        host,
        why: "its answer is no text".to_owned(),
    })?;
    Ok(Reply { status, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_of_its_trouble_is_one_short_line() {
        assert_eq!(
            said(r#"{"error": {"message": "no\n such  model"}}"#),
            " (no such model)"
        );
        assert_eq!(said(r#"{"error": "no such model"}"#), " (no such model)");
        assert_eq!(said(r#"{"message": "a \u001b[2Jb c"}"#), " (a c)");
        assert_eq!(
            (said("<html>"), said(r#"{"error": 5}"#)),
            (String::new(), String::new())
        );
        assert!(said(&format!(r#"{{"error": "{}"}}"#, "a ".repeat(5000))).len() < 210);
    }
}
