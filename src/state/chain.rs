//! The sources of edits: each result becomes the next source, and every turn stays. They are a tree:
//! two results of one turn stand beside each other.

use super::outcome::OutcomeId;
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
    /// The picture it was made from, by its id; `None` for one the user brought.
    #[serde(default)]
    pub from: Option<String>,
    /// The result it is, while that is known.
    #[serde(default)]
    pub outcome: Option<OutcomeId>,
}

impl Turn {
    fn new(photo: Photo) -> Self {
        let painting = Painting::new(photo.size());
        Self {
            photo,
            painting,
            instruction: None,
            from: None,
            outcome: None,
        }
    }
}

/// Chains that were replaced and can be brought back.
const MOST_ASIDE: usize = 8;

/// A chain that was replaced. Its masks have no rasters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Aside {
    turns: Vec<Turn>,
    at: usize,
}

impl Aside {
    /// The turn that was being edited.
    pub fn current(&self) -> Option<&Turn> {
        self.turns.get(self.at)
    }
}

/// A finished edit.
#[derive(Debug, Clone)]
pub struct EditResult {
    pub photo: Photo,
    pub instruction: String,
    pub outcome: OutcomeId,
}

/// Turns in the order they came; one of them is being edited.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Chain {
    turns: Vec<Turn>,
    at: usize,
    /// The one replaced last is the first.
    aside: Vec<Aside>,
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

    /// Chains that were replaced, the newest first.
    pub fn aside(&self) -> &[Aside] {
        &self.aside
    }

    /// The turn with the picture of this id becomes the one being edited.
    pub(super) fn find_turn(&mut self, id: &str) -> Option<&mut Turn> {
        self.at = self.turns.iter().position(|turn| turn.photo.id == id)?;
        self.current_mut()
    }

    /// The user's picture begins a new chain, and the present one is put aside; one that is known
    /// comes back with its mask and its turns.
    pub fn open(&mut self, photo: Photo) {
        let holds = |turns: &[Turn]| turns.iter().position(|turn| turn.photo == photo);
        if let Some(turn) = holds(&self.turns) {
            self.at = turn;
            return;
        }
        let aside = self.aside.iter().enumerate();
        let known = aside.filter_map(|(index, aside)| Some((index, holds(&aside.turns)?)));
        if let Some((index, turn)) = known.into_iter().next() {
            self.bring_back(index);
            self.at = turn;
            return;
        }
        self.put_aside();
        self.turns = vec![Turn::new(photo)];
    }

    /// A chain that was put aside is edited again; the present one takes its place.
    pub fn bring_back(&mut self, index: usize) {
        if index >= self.aside.len() {
            return;
        }
        let Aside { turns, at } = self.aside.remove(index);
        self.put_aside();
        (self.turns, self.at) = (turns, at);
        self.wake();
    }

    fn put_aside(&mut self) {
        let (mut turns, at) = (std::mem::take(&mut self.turns), std::mem::take(&mut self.at));
        if turns.is_empty() {
            return;
        }
        turns.iter_mut().for_each(|turn| turn.painting.rest());
        self.aside.insert(0, Aside { turns, at });
        self.aside.truncate(MOST_ASIDE);
    }

    /// A copy without rasters: they follow from the strokes.
    pub(super) fn at_rest(&self) -> Self {
        let turn = |turn: &Turn| Turn {
            photo: turn.photo.clone(),
            painting: turn.painting.at_rest(),
            instruction: turn.instruction.clone(),
            from: turn.from.clone(),
            outcome: turn.outcome,
        };
        Self {
            turns: self.turns.iter().map(turn).collect(),
            at: self.at,
            aside: self.aside.clone(),
        }
    }

    /// Makes the rasters of a copy that was at rest.
    pub(super) fn wake(&mut self) {
        self.turns.iter_mut().for_each(|turn| turn.painting.replay());
    }

    /// Every picture of every chain.
    pub(super) fn photos(&self) -> impl Iterator<Item = &Photo> {
        let aside = self.aside.iter().flat_map(|aside| &aside.turns);
        self.turns.iter().chain(aside).map(|turn| &turn.photo)
    }

    /// A result of one of the turns becomes a turn; whoever still stands on that one goes on to it.
    /// All others stay. A result of another picture is no turn of this tree.
    pub fn push(&mut self, from: &Photo, result: EditResult) {
        let Some(parent) = self.turns.iter().rposition(|turn| turn.photo == *from) else {
            return;
        };
        self.turns.push(Turn {
            instruction: Some(result.instruction),
            from: Some(from.id.clone()),
            outcome: Some(result.outcome),
            ..Turn::new(result.photo)
        });
        if self.turns[self.at].photo == self.turns[parent].photo {
            self.at = self.turns.len() - 1;
        }
    }

    /// The turn that a turn was made from.
    pub fn parent(&self, turn: usize) -> Option<usize> {
        let from = self.turns.get(turn)?.from.as_ref()?;
        self.turns[..turn].iter().rposition(|turn| turn.photo.id == *from)
    }

    /// The turn that is this result.
    pub fn turn_of(&self, outcome: OutcomeId) -> Option<usize> {
        self.turns.iter().position(|turn| turn.outcome == Some(outcome))
    }

    /// Where each turn stands in the tree, as column and row: a result right of what it was made
    /// from, further ones of the same below it.
    pub fn places(&self) -> Vec<(usize, usize)> {
        let mut places: Vec<(usize, usize)> = Vec::with_capacity(self.turns.len());
        let mut rows = 0;
        for turn in 0..self.turns.len() {
            let beside = self
                .parent(turn)
                .map(|parent| (places[parent].0 + 1, places[parent].1));
            let free = beside.filter(|place| {
                !places
                    .iter()
                    .any(|(column, row)| *row == place.1 && *column >= place.0)
            });
            let place = free.unwrap_or((beside.map_or(0, |(column, _)| column), rows));
            rows = rows.max(place.1 + 1);
            places.push(place);
        }
        places
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
        self.aside.retain(|aside| aside.turns.iter().all(&mut keep));
        let found = self
            .turns
            .iter()
            .rposition(|turn| Some(&turn.photo.id) == current.as_ref());
        self.at = found.unwrap_or(self.turns.len().saturating_sub(1));
    }

    /// There is no source any more; what there was is put aside.
    pub fn clear(&mut self) {
        self.put_aside();
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
        let mut is_whole = |aside: &mut Aside| {
            let fits = |turn: &mut Turn| fill(&mut turn.photo) && turn.painting.size() == turn.photo.size();
            aside.turns.iter_mut().all(fits)
        };
        self.aside
            .retain_mut(|aside| is_whole(aside) && aside.at < aside.turns.len());
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

    fn push(chain: &mut Chain, from: u8, value: u8) {
        let result = EditResult {
            photo: photo(value),
            instruction: value.to_string(),
            outcome: OutcomeId(u64::from(value)),
        };
        chain.push(&photo(from), result);
    }

    #[test]
    fn stepping_back_loses_no_later_turn() {
        let mut chain = Chain::default();
        chain.open(photo(1));
        push(&mut chain, 1, 2);
        push(&mut chain, 2, 3);
        chain.go_to(1);
        assert_eq!(chain.current().map(|turn| &turn.photo), Some(&photo(2)));
        push(&mut chain, 2, 4);
        assert_eq!((chain.turns().len(), chain.at()), (4, 3));
        chain.go_to(9);
        assert_eq!(chain.at(), 3);
        // Two results of the second picture: the later one stands below the first.
        let parents: Vec<_> = (0..4).map(|turn| chain.parent(turn)).collect();
        assert_eq!(parents, [None, Some(0), Some(1), Some(1)]);
        assert_eq!(chain.places(), [(0, 0), (1, 0), (2, 0), (2, 1)]);
        assert_eq!(chain.turn_of(OutcomeId(4)), Some(3));
        chain.revive(&mut |photo| *photo != self::photo(4));
        assert_eq!((chain.turns().len(), chain.at()), (3, 2));
    }

    #[test]
    fn a_result_joins_the_turn_it_was_made_from_wherever_one_stands() {
        let mut chain = Chain::default();
        chain.open(photo(1));
        push(&mut chain, 1, 2);
        chain.go_to(0);
        // Made from the second picture, while one looks at the first.
        push(&mut chain, 2, 3);
        assert_eq!((chain.at(), chain.parent(2)), (0, Some(1)));
        // Made from a picture that is not of this tree.
        push(&mut chain, 9, 4);
        assert_eq!(chain.turns().len(), 3);
    }
}
