//! What every request is answered from.

use super::files::Files;
use super::queue::Queue;
use super::secrets::Token;
use crate::pixels::Size;
use crate::task::Profile;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Uploads that are read and decoded at a time; the others wait for their turn.
const UPLOADS: usize = 4;

pub(super) struct Door {
    pub(super) queue: Arc<Queue>,
    pub(super) model: String,
    pub(super) profile: Profile,
    pub(super) files: Files,
    pub(super) token: Token,
    pub(super) is_loopback: bool,
    pub(super) has_tls: bool,
    pub(super) uploads: Semaphore,
    /// When the model was there, in seconds since 1970.
    pub(super) since: i64,
}

impl Door {
    pub(super) fn uploads() -> Semaphore {
        Semaphore::new(UPLOADS)
    }

    pub(super) fn scheme(&self) -> &'static str {
        if self.has_tls { "https" } else { "http" }
    }

    /// The model's name without what is said about it.
    pub(super) fn model_name(&self) -> &str {
        self.model.split(" (").next().unwrap_or_default()
    }

    /// Sizes the model draws in a mode, by name; empty where any will do.
    pub(super) fn sizes(&self, mode: &str) -> &[Size] {
        self.profile.skill(mode).map_or(&[], |skill| &skill.sizes)
    }
}
