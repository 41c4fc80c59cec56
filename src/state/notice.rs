//! What the user should know, in the corner of the window.

use super::action::{Action, ResultAction};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Info,
    Error,
}

/// Something the user should know: what happened, why, what to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub id: u64,
    pub tone: Tone,
    pub title: String,
    pub reason: String,
    pub remedy: String,
    /// What can be done at once.
    pub offer: Option<Offer>,
}

impl Notice {
    /// Whether it offers to take something out of the trash.
    pub fn takes_back(&self) -> bool {
        self.offer
            .as_ref()
            .is_some_and(|offer| *offer.action == Action::Result(ResultAction::TakeBack))
    }
}

/// A button on a notice.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    pub words: &'static str,
    pub action: Box<Action>,
}
