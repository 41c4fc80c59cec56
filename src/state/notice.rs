//! What the user should know, in the corner of the window.

use super::action::{Action, ResultAction, UndoAction};

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

    /// Whether it offers to undo the last change.
    pub fn undoes(&self) -> bool {
        let offer = self.offer.as_ref();
        offer.is_some_and(|offer| *offer.action == Action::Undo(UndoAction::Undo))
    }
}

/// A button on a notice.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    pub words: &'static str,
    pub action: Box<Action>,
}
