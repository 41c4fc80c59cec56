//! What can go wrong between the user's words and a fuller prompt: a sentence for each, which says what to do.

use crate::task::{Cause, Failure};
use std::time::Duration;
use thiserror::Error;

/// Why the words were not rewritten.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WriterError {
    #[error("stopped while the words were rewritten")]
    Cancelled,
    #[error("there are no words to rewrite: write what is to be drawn")]
    NoWords,
    #[error("the words are too long to be rewritten: {length} bytes, at most {most} are")]
    LongWords { length: usize, most: usize },
    /// The built-in writer knows one world only.
    #[error("the built-in writer knows none of these things: choose a language model to rewrite other words")]
    Outside,
    #[error(
        "`{url}` is no address of a server: write one as http://127.0.0.1:11434, with nothing secret in it"
    )]
    Address { url: String },
    #[error("{host} cannot be reached ({why}): start it, or check its address")]
    Unreachable { host: String, why: String },
    #[error("{by} did not answer within {} s: allow it more time, or choose a smaller model", .time.as_secs_f64())]
    Late { by: String, time: Duration },
    #[error("{host} answered with status {status}{said}: {}", advice(*.status))]
    Status {
        host: String,
        status: u16,
        /// What it said beside, with ` (` and `)` around it; may be empty.
        said: String,
    },
    #[error(
        "{host} sends its visitors on to {to}, where your words were not sent: use that address if you trust it"
    )]
    Moved { host: String, to: String },
    #[error("{host} answered with a web page: check the address, it has to be that of an API like OpenAI's")]
    Page { host: String },
    #[error("the answer of {host} is endless: check that it is a server for language models")]
    Long { host: String },
    #[error("{host} does not answer as a server for language models does ({why}): check the address")]
    Protocol { host: String, why: String },
    #[error("{host} offers no model: load one there, or name it")]
    NoModel { host: String },
    #[error("{by} gave no usable answer, asked twice ({why}): try again, or choose a larger model")]
    Answer { by: String, why: String },
    #[error("{file} cannot be used as a writer: {why}")]
    Model { file: String, why: String, cause: Cause },
    #[error(
        "this system has no keyring that could keep the key ({why}): start its secret service (GNOME Keyring, \
         KWallet, KeePassXC), or give the key for one run in LUMINA_STUDIO_WRITER_KEY"
    )]
    NoKeyring { why: String },
    #[error("the system's keyring refused ({why}): unlock it, then try again")]
    Keyring { why: String },
    #[error("this is no key: it is empty, or has characters that no key has; copy it again")]
    NoKey,
    #[error(
        "the key for {host} was not sent, for everybody on the way could read it: use its https:// address"
    )]
    OpenKey { host: String },
}

fn advice(status: u16) -> &'static str {
    match status {
        401 | 403 => "store its key with `lumina-studio writers key URL`, or check the one that is stored",
        404 => "check the address and the name of the model",
        429 => "it has too much to do, try again later",
        500.. => "it has trouble of its own, look at its log",
        _ => "check the address and the name of the model",
    }
}

impl From<WriterError> for Failure {
    fn from(error: WriterError) -> Self {
        let message = error.to_string();
        match error {
            WriterError::NoWords
            | WriterError::LongWords { .. }
            | WriterError::Address { .. }
            | WriterError::NoKey
            | WriterError::OpenKey { .. } => Self::usage(message),
            WriterError::Model {
                cause: cause @ Cause::Missing,
                ..
            } => Self::usage(message).because(cause),
            WriterError::Model { cause, .. } => Self::failed(message).because(cause),
            _ => Self::failed(message),
        }
    }
}
