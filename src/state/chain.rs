//! The sources of edits: each result becomes the next source, and every turn stays.

use super::painting::Painting;
use super::photo::Photo;
use serde::{Deserialize, Serialize};

/// One picture that can be edited, and the mask painted over it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    pub photo: Photo,
    pub painting: Painting,
    /// The instruction this picture came from; `None` for one the user brought.
    pub instruction: Option<String>,
}

impl Turn {
    fn new(photo: Photo, instruction: Option<String>) -> Self {
        let painting = Painting::new(photo.size());
        Self {
            photo,
            painting,
            instruction,
        }
    }
}

/// Turns in the order they came; one of them is being edited.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Chain {
    turns: Vec<Turn>,
    at: usize,
}

impl Chain {
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    pub fn at(&self) -> usize {
        self.at
    }

    pub fn current(&self) -> Option<&Turn> {
        self.turns.get(self.at)
    }

    pub fn current_mut(&mut self) -> Option<&mut Turn> {
        self.turns.get_mut(self.at)
    }

    /// A new chain that begins with the user's picture.
    pub fn open(&mut self, photo: Photo) {
        self.turns = vec![Turn::new(photo, None)];
        self.at = 0;
    }

    /// A result becomes the source; all turns before it stay, also those after the one it was
    /// made from.
    pub fn push(&mut self, photo: Photo, instruction: String) {
        self.turns.push(Turn::new(photo, Some(instruction)));
        self.at = self.turns.len() - 1;
    }

    pub fn go_to(&mut self, turn: usize) {
        if turn < self.turns.len() {
            self.at = turn;
        }
    }

    /// Drops turns; the present one stays the present one where it can.
    pub(super) fn retain(&mut self, keep: impl FnMut(&Turn) -> bool) {
        let current = self.current().map(|turn| turn.photo.id.clone());
        let mut keep = keep;
        self.turns.retain(|turn| keep(turn));
        let found = self
            .turns
            .iter()
            .rposition(|turn| Some(&turn.photo.id) == current.as_ref());
        self.at = found.unwrap_or(self.turns.len().saturating_sub(1));
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Fills in what was not stored: pictures by `fill`, rasters by replay. Turns whose picture
    /// is gone are dropped.
    pub fn revive(&mut self, fill: &mut dyn FnMut(&mut Photo) -> bool) {
        let current = self.current().map(|turn| turn.photo.id.clone());
        self.turns.retain_mut(|turn| {
            let found = fill(&mut turn.photo) && turn.painting.size() == turn.photo.size();
            if found {
                turn.painting.replay();
            }
            found
        });
        let found = self
            .turns
            .iter()
            .rposition(|turn| Some(&turn.photo.id) == current.as_ref());
        self.at = found.unwrap_or(self.turns.len().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::{Pixels, Size};
    use std::sync::Arc;

    fn photo(value: u8) -> Photo {
        Photo::new("p", Arc::new(Pixels::filled(Size::new(8, 8), [value; 3])))
    }

    #[test]
    fn stepping_back_loses_no_later_turn() {
        let mut chain = Chain::default();
        chain.open(photo(1));
        chain.push(photo(2), "two".to_owned());
        chain.push(photo(3), "three".to_owned());
        chain.go_to(1);
        assert_eq!(chain.current().map(|turn| &turn.photo), Some(&photo(2)));
        chain.push(photo(4), "four".to_owned());
        assert_eq!((chain.turns().len(), chain.at()), (4, 3));
        chain.go_to(9);
        assert_eq!(chain.at(), 3);
        chain.revive(&mut |photo| *photo != self::photo(4));
        assert_eq!((chain.turns().len(), chain.at()), (3, 2));
    }
}
