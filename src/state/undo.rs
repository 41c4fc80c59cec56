//! One stack of what can be undone: sources, masks, chains of turns, words, recalled settings, the
//! queue.
//!
//! A step holds what was there before. Undoing puts it in its place, and what stood there until now
//! becomes the step that redoes it: both ways are one piece of code, and neither loses anything.
//! Pictures that come by themselves (results) are no steps. The oldest steps go when there are too
//! many, or when their pictures take too much memory.

use super::chain::Chain;
use super::draft::{Draft, Tab};
use super::photo::Photo;
use super::queue::{Order, OrderId};
use super::typing::Typing;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Steps that are kept.
const MOST_STEPS: usize = 200;
/// Bytes of all pictures that only the steps hold.
const MOST_BYTES: usize = 768 << 20;

/// One thing that is put back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// A step of the mask over the picture of this id was done.
    Painted(String),
    /// It was undone.
    Unpainted(String),
    /// Another chain of sources was there.
    Chain(Box<Chain>),
    Prompt(String),
    Instruction(String),
    References(Vec<Photo>, usize),
    Control {
        map: Option<Photo>,
        photo: Option<Photo>,
    },
    PredictSource(Option<Photo>),
    /// A draft without words and pictures.
    Settings(Box<Draft>),
    /// Orders that were taken out of the queue, with their places, the foremost first.
    TakenOut(Vec<(usize, Order)>),
    /// Orders that were put into it.
    PutIn(Vec<OrderId>),
    /// The order stood at this place.
    Moved(OrderId, usize),
}

impl Change {
    fn photos(&self) -> Vec<&Photo> {
        match self {
            Self::Chain(chain) => chain.photos().collect(),
            Self::References(photos, _) => photos.iter().collect(),
            Self::Control { map, photo } => map.iter().chain(photo).collect(),
            Self::PredictSource(photo) => photo.iter().collect(),
            Self::TakenOut(orders) => {
                let sources = orders.iter().map(|(_, order)| &order.request.source);
                sources.flatten().collect()
            }
            Self::Painted(_)
            | Self::Unpainted(_)
            | Self::Prompt(_)
            | Self::Instruction(_)
            | Self::Settings(_)
            | Self::PutIn(_)
            | Self::Moved(..) => Vec::new(),
        }
    }

    /// Fills in the pictures after it was read from a file; says whether all are there.
    fn revive(&mut self, fill: &mut dyn FnMut(&mut Photo) -> bool) -> bool {
        match self {
            Self::Chain(chain) => {
                chain.revive(fill);
                **chain = chain.at_rest();
                true
            }
            Self::References(photos, _) => photos.iter_mut().all(fill),
            Self::Control { map, photo } => map.iter_mut().chain(photo).all(fill),
            Self::PredictSource(photo) => photo.iter_mut().all(fill),
            Self::TakenOut(orders) => {
                let sources = orders.iter_mut().map(|(_, order)| &mut order.request.source);
                sources.flatten().all(fill)
            }
            Self::Painted(_)
            | Self::Unpainted(_)
            | Self::Prompt(_)
            | Self::Instruction(_)
            | Self::Settings(_)
            | Self::PutIn(_)
            | Self::Moved(..) => true,
        }
    }

    /// What it is called when it was undone.
    fn words(&self) -> &'static str {
        match self {
            Self::Painted(_) | Self::Unpainted(_) => "a step of the mask",
            Self::Chain(_) => "the picture to edit",
            Self::Prompt(_) | Self::Instruction(_) => "the words",
            Self::References(..) => "the subjects",
            Self::Control { .. } => "the map",
            Self::PredictSource(_) => "the picture",
            Self::Settings(_) => "the settings",
            Self::TakenOut(_) | Self::PutIn(_) | Self::Moved(..) => "the queue",
        }
    }
}

/// What one action changed, and the mode in which that is seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UndoStep {
    pub(super) before: Tab,
    pub(super) after: Tab,
    pub(super) changes: Vec<Change>,
}

impl UndoStep {
    /// What it is called when it was undone: its largest part.
    pub fn words(&self) -> &'static str {
        let parts = self.changes.iter();
        let settings = |change: &&Change| matches!(change, Change::Settings(_));
        let largest = parts.clone().find(settings).or(self.changes.first());
        largest.map_or("", Change::words)
    }

    fn revive(&mut self, fill: &mut dyn FnMut(&mut Photo) -> bool) -> bool {
        self.changes.iter_mut().all(|change| change.revive(fill))
    }
}

/// What the last step back or forth did, for the status line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    Undone(&'static str),
    Redone(&'static str),
}

/// What can be undone, and what can be redone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Undo {
    /// The newest last.
    past: Vec<UndoStep>,
    /// The one undone last is the last.
    future: Vec<UndoStep>,
    /// Letters that come one after the other are one step.
    #[serde(skip)]
    pub(super) typing: Option<Typing>,
    #[serde(skip)]
    pub(super) turned: Option<Turned>,
}

impl Undo {
    /// That of a state which was written before there was this stack: the steps of its mask.
    pub(super) fn of_mask(chain: &Chain) -> Self {
        let Some(turn) = chain.current() else {
            return Self::default();
        };
        let id = || turn.photo.id.clone();
        let step = |change| UndoStep {
            before: Tab::Edit,
            after: Tab::Edit,
            changes: vec![change],
        };
        let past = (0..turn.painting.steps_done()).map(|_| step(Change::Painted(id())));
        let future = (0..turn.painting.steps_undone()).map(|_| step(Change::Unpainted(id())));
        Self {
            past: past.collect(),
            future: future.collect(),
            ..Self::default()
        }
    }

    pub fn steps_back(&self) -> usize {
        self.past.len()
    }

    pub fn steps_forth(&self) -> usize {
        self.future.len()
    }

    /// What the last key stroke undid or redid, until something else is changed.
    pub fn turned(&self) -> Option<Turned> {
        self.turned
    }

    pub(super) fn push(&mut self, step: UndoStep) {
        self.future.clear();
        (self.typing, self.turned) = (None, None);
        self.past.push(step);
        self.trim();
    }

    pub(super) fn take_past(&mut self) -> Option<UndoStep> {
        self.typing = None;
        self.past.pop()
    }

    pub(super) fn take_future(&mut self) -> Option<UndoStep> {
        self.typing = None;
        self.future.pop()
    }

    pub(super) fn put_past(&mut self, step: UndoStep) {
        self.past.push(step);
    }

    pub(super) fn put_future(&mut self, step: UndoStep) {
        self.future.push(step);
    }

    /// Whether the last step is one of these words.
    pub(super) fn ends_in_words(&self, tab: Tab) -> bool {
        let last = self.past.last().filter(|step| step.after == tab);
        let changes = last.map(|step| step.changes.as_slice());
        matches!(changes, Some([Change::Prompt(_) | Change::Instruction(_)]))
    }

    /// The pictures the steps hold.
    pub fn photos(&self) -> impl Iterator<Item = &Photo> {
        let steps = self.past.iter().chain(&self.future);
        steps.flat_map(|step| &step.changes).flat_map(Change::photos)
    }

    /// Fills in the pictures after the state was read. Steps whose picture is gone cannot be gone
    /// back, so neither can those before them.
    pub(super) fn revive(&mut self, fill: &mut dyn FnMut(&mut Photo) -> bool) {
        for steps in [&mut self.past, &mut self.future] {
            let lost = steps.iter_mut().rposition(|step| !step.revive(fill));
            steps.drain(..lost.map_or(0, |lost| lost + 1));
        }
    }

    fn trim(&mut self) {
        let excess = self.past.len().saturating_sub(MOST_STEPS);
        self.past.drain(..excess);
        let mut known = HashSet::new();
        let mut bytes = 0;
        let fits = |step: &UndoStep| {
            for photo in step.changes.iter().flat_map(Change::photos) {
                if known.insert(photo.id.clone()) {
                    bytes += photo.pixels.rgb().len();
                }
            }
            bytes <= MOST_BYTES
        };
        let fitting = self.past.iter().rev().map(fits).take_while(|fits| *fits).count();
        // The last step can always be undone.
        let excess = self.past.len() - fitting.max(1).min(self.past.len());
        self.past.drain(..excess);
    }
}

#[cfg(test)]
mod tests;
