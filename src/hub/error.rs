//! What can go wrong between the Hub and the disk: a sentence for each, which says what to do.

use super::repository::{NoName, Repository};
use crate::task::{Cause, Failure, gigabytes};
use std::io;
use std::path::Path;
use std::time::Duration;
use thiserror::Error;

/// Why a model is not, or not yet, on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HubError {
    #[error(transparent)]
    Name(#[from] NoName),
    #[error("{0}")]
    Setting(String),
    #[error(
        "HF_HUB_OFFLINE is set, so nothing is fetched, and {0} is not whole on this machine: unset it to download"
    )]
    Offline(Repository),
    #[error("{host} cannot be reached ({why}): check the network, HTTPS_PROXY and HF_ENDPOINT, then go on")]
    Unreachable { host: String, why: String },
    #[error(
        "the connection to {host} is not safe ({why}): check this machine's clock and certificates, or the proxy"
    )]
    Unsafe { host: String, why: String },
    #[error(
        "{repository} is gated: open {endpoint}/{repository}, accept its terms, and put a token into HF_TOKEN \
         (huggingface.co/settings/tokens)"
    )]
    Gated {
        repository: Repository,
        endpoint: String,
    },
    #[error(
        "{repository} is gated and your token has no access yet: open {endpoint}/{repository} with the account \
         of the token and ask for it"
    )]
    NotGranted {
        repository: Repository,
        endpoint: String,
    },
    #[error(
        "your token was refused: make a new one (huggingface.co/settings/tokens) and put it into HF_TOKEN"
    )]
    Token,
    #[error(
        "there is no repository {0}, or it is private: check the name; for a private one put a token into HF_TOKEN"
    )]
    NoRepository(Repository),
    #[error("{repository} has no revision `{revision}`: take another one")]
    NoRevision {
        repository: Repository,
        revision: String,
    },
    #[error("{file} is listed, but the server does not have it: try again later")]
    NoFile { file: String },
    #[error("{host} refuses to give {file} (status {status}): open its page in a browser to see why")]
    Refused { host: String, file: String, status: u16 },
    #[error("{host} gets too many requests from here{}: wait, or put a token into HF_TOKEN, then go on", seconds(.wait))]
    TooMany { host: String, wait: Option<Duration> },
    #[error("{host} has trouble of its own (status {status}){}: go on later", seconds(.wait))]
    Server {
        host: String,
        status: u16,
        wait: Option<Duration>,
    },
    #[error(
        "{host} answered with a web page in the place of {file}: a proxy or a login page may stand between, or \
         HF_ENDPOINT is wrong; open {host} in a browser"
    )]
    Page { host: String, file: String },
    #[error(
        "{host} gave a pointer of Git LFS in the place of {file}: the repository or mirror was copied without \
         its large files, take another one"
    )]
    Pointer { host: String, file: String },
    #[error(
        "{file} has another length on the server than in the list of files ({found} bytes, not {wanted}): go on \
         later, or take another HF_ENDPOINT"
    )]
    Length { file: String, found: u64, wanted: u64 },
    #[error("the connection broke off in the middle of {file}: what came is kept, go on")]
    Cut { file: String },
    #[error("no byte of {file} came for {} s: what came is kept, go on when the network is better", .stall.as_secs_f32())]
    Stall { file: String, stall: Duration },
    #[error("{file} was changed on the server while it was fetched: start again for the new one")]
    Changed { file: String },
    #[error(
        "the bytes of {file} do not have the sum the Hub names and were thrown away: start again, and if that \
         helps not, look for a proxy that changes files"
    )]
    Sum { file: String },
    #[error("{host} says that {file} ends before the part that is here: the part was thrown away, go on")]
    Range { host: String, file: String },
    #[error("{host} sent another part of {file} than was asked for: the part was thrown away, go on")]
    OtherPart { host: String, file: String },
    #[error("{host} sends {file} round in circles: check HF_ENDPOINT")]
    Redirects { host: String, file: String },
    #[error("{host} leads to an address that is not safe ({to}): check HF_ENDPOINT")]
    Downgrade { host: String, to: String },
    #[error("{host} does not answer as the Hub does ({why}): check HF_ENDPOINT")]
    Answer { host: String, why: String },
    #[error("{repository} holds no model for this program ({why}): choose another repository")]
    NoModel { repository: Repository, why: String },
    #[error(
        "the disk of {folder} is too small: {} more are needed, {} are free; free some, or set HF_HUB_CACHE to a \
         folder on another disk", gigabytes(*.needed), gigabytes(*.free)
    )]
    Space { folder: String, needed: u64, free: u64 },
    #[error("the disk of {folder} is full: what came is kept, free some space and go on")]
    Full { folder: String },
    #[error("{file}: {why}")]
    Disk { file: String, why: String, cause: Cause },
    #[error("{0} is not on this machine: `models list` says what is")]
    NotHere(Repository),
    #[error("{0} is fetched by another program at this moment: wait for it, or end it first")]
    Busy(Repository),
    #[error("stopped: what came is kept, go on when you like")]
    Cancelled,
}

fn seconds(wait: &Option<Duration>) -> String {
    wait.map(|wait| format!(" and asks to wait {} s", wait.as_secs()))
        .unwrap_or_default()
}

impl HubError {
    pub(super) fn disk(path: &Path, error: &io::Error) -> Self {
        match Cause::of_io(error) {
            Cause::Full => Self::Full {
                folder: path.parent().unwrap_or(path).display().to_string(),
            },
            cause => Self::Disk {
                file: path.display().to_string(),
                why: error.to_string(),
                cause,
            },
        }
    }

    /// Whether it may come of a version that the repository has no longer.
    pub(super) fn is_of_a_version(&self) -> bool {
        matches!(
            self,
            Self::Changed { .. } | Self::Sum { .. } | Self::NoRevision { .. } | Self::NoFile { .. }
        )
    }

    /// Whether it may be over by itself; then, how long the server asks to wait.
    pub(super) fn passes(&self) -> Option<Option<Duration>> {
        match self {
            Self::TooMany { wait, .. } | Self::Server { wait, .. } => Some(*wait),
            Self::Unreachable { .. }
            | Self::Cut { .. }
            | Self::Stall { .. }
            | Self::Range { .. }
            | Self::OtherPart { .. } => Some(None),
            _ => None,
        }
    }
}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Self {
        let message = error.to_string();
        match &error {
            HubError::Name(_) | HubError::Setting(_) | HubError::NotHere(_) => Failure::usage(message),
            HubError::Space { .. } | HubError::Full { .. } => Failure::failed(message).because(Cause::Full),
            HubError::Disk { cause, .. } => Failure::failed(message).because(*cause),
            _ => Failure::failed(message),
        }
    }
}
