//! What is done about writers: one is chosen, asked, its words are taken or left.

use crate::task::{Failure, FoundWriter, Rewritten, WriterChoice};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A key of a server. It goes into the system's keyring and nowhere else: neither into a file nor into a log.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Secret {
    #[serde(skip)]
    pub text: String,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum WritingAction {
    /// Which writers are there?
    Look,
    Choose(WriterChoice),
    /// Whether the writer is asked before every picture.
    BeforeEvery(bool),
    /// The writer is asked for other words.
    Ask,
    /// It is not waited for any longer; a picture that waits for it is drawn from the own words.
    Stop,
    /// The words that are shown were edited.
    Edit(String),
    /// They become the prompt.
    Take,
    /// They do not.
    Leave,
    /// The prompt is what the user typed before it was rewritten.
    Back,
    /// The address of a server that is typed.
    TypeUrl(String),
    /// The key of the server that is typed goes into the system's keyring.
    KeepKey(String, Secret),
}

/// What writers have answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum WriterAnswer {
    Found(Vec<FoundWriter>),
    Written(Box<Result<Rewritten, Failure>>),
    KeyKept(Result<(), Failure>),
}
