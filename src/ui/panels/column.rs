//! What the left column reads and tells.

use super::notices::NoticeClock;
use crate::state::{Action, DraftAction, Setting, Studio};
use crate::ui::app::drops::Zones;
use crate::ui::textures::Textures;

/// What the column reads and tells.
pub(crate) struct Left<'a> {
    pub(crate) studio: &'a Studio,
    pub(crate) textures: &'a mut Textures,
    pub(crate) zones: &'a mut Zones,
    pub(crate) greeting: &'a mut Greeting,
    pub(crate) notice_clock: &'a mut NoticeClock,
    pub(crate) actions: &'a mut Vec<Action>,
}

impl Left<'_> {
    pub(crate) fn set(&mut self, setting: Setting) {
        self.actions.push(DraftAction::Set(setting).into());
    }
}

/// Whether the prompt still waits for the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Greeting {
    Due,
    Done,
}
