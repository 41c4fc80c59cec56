//! What the history page reads, tells, and remembers between frames.

use crate::state::{Action, Page, Studio};
use crate::ui::app::thumbnails::Thumbnails;
use egui::Id;

/// What the page remembers between frames.
#[derive(Debug, Default)]
pub(crate) struct Room {
    pub(super) greeted: Greeted,
    /// The picture that has the keyboard.
    pub(super) at: Option<(usize, Id)>,
    /// This one gets it.
    pub(super) goes_to: Option<usize>,
}

/// What the page reads and tells.
pub(crate) struct Hall<'a> {
    pub(crate) studio: &'a Studio,
    pub(crate) room: &'a mut Room,
    pub(crate) thumbnails: &'a mut Thumbnails,
    pub(crate) actions: &'a mut Vec<Action>,
}

/// Whether the search field has had the keyboard since the page was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Greeted {
    #[default]
    No,
    Yes,
}

impl Room {
    /// Which page was shown in this frame.
    pub(crate) fn page(&mut self, page: Page) {
        if page != Page::History {
            *self = Self::default();
        }
    }
}
