//! Pictures on their way to the disk, and those that did not get there: they wait in memory, and as
//! orders whose every code is known they outlive the window.

use super::{Effect, Keeping, Order, OrderId, OutcomeId, Request, Run, Studio};
use crate::task::Failure;

/// A picture that was given to the disk, which has not answered yet.
#[derive(Debug, Clone, PartialEq)]
pub struct OnItsWay {
    outcome: OutcomeId,
    drawn_for: OrderId,
    /// Draws it again from its codes.
    again: Order,
}

impl Keeping {
    /// The request that draws this very picture: its codes are given, nothing is left to chance.
    fn request_again(&self) -> Request {
        let mut request = self.request.clone();
        request.size = Some(self.picture.panel);
        request.sampling = request.sampling.settled(self.picture.sampling);
        (request.seed, request.candidates) = (self.picture.seed, 1);
        request.resume = Some(self.picture.codes.clone());
        request
    }
}

impl Keeping {
    fn order_again(&self) -> Order {
        Order {
            id: self.again,
            request: self.request_again(),
        }
    }

    fn on_its_way(&self) -> OnItsWay {
        OnItsWay {
            outcome: self.outcome,
            drawn_for: self.drawn_for,
            again: self.order_again(),
        }
    }
}

impl Request {
    /// Whether all that `run` has drawn is given here.
    pub(super) fn holds(&self, run: &Run) -> bool {
        let drawn = run.lanes.first().map(|lane| &lane.codes);
        match (&self.resume, drawn) {
            (Some(given), Some(drawn)) => self.seed == run.order.request.seed && given.starts_with(drawn),
            _ => false,
        }
    }
}

impl Studio {
    /// Gives the pictures of an order to the disk. They are written down first.
    pub(super) fn give_to_disk(&mut self, drawn: &Order, pictures: Vec<Keeping>) -> Vec<Effect> {
        let again = pictures.iter().map(Keeping::order_again).collect();
        let mut effects = vec![Effect::JournalDrawn(Box::new(drawn.clone()), again)];
        effects.extend(pictures.into_iter().map(|keeping| self.give(keeping)));
        effects
    }

    fn give(&mut self, keeping: Keeping) -> Effect {
        self.on_their_way.push(keeping.on_its_way());
        Effect::Keep(Box::new(keeping))
    }

    /// A picture is in its folder. What is left to do about its order.
    pub(super) fn arrived(&mut self, outcome: OutcomeId) -> Vec<Effect> {
        let drawn_for = |studio: &Self| {
            let on_their_way = studio.on_their_way.iter().map(|on| (on.outcome, on.drawn_for));
            let unkept = studio
                .unkept
                .iter()
                .map(|keeping| (keeping.outcome, keeping.drawn_for));
            let mut all = on_their_way.chain(unkept);
            all.find(|(id, _)| *id == outcome).map(|(_, order)| order)
        };
        let Some(order) = drawn_for(self) else {
            return Vec::new();
        };
        self.on_their_way.retain(|on| on.outcome != outcome);
        self.unkept.retain(|keeping| keeping.outcome != outcome);
        match self.unsaved().any(|(of, _)| of == order) {
            true => Vec::new(),
            false => vec![Effect::JournalEnd(order)],
        }
    }

    /// Said once: a picture that waits already is tried again without a word.
    pub(super) fn not_kept(&mut self, keeping: Keeping, failure: &Failure) {
        self.on_their_way.retain(|on| on.outcome != keeping.outcome);
        let waits = self.unkept.iter().any(|other| other.outcome == keeping.outcome);
        if waits {
            return;
        }
        self.unkept.push(keeping);
        self.error(
            "The picture could not be saved",
            failure,
            "It is still here, and is saved by itself as soon as that works: make room, or press Save again.",
        );
    }

    /// The user asks: what fails again is said again.
    pub(super) fn keep_again(&mut self) -> Vec<Effect> {
        let unkept = std::mem::take(&mut self.unkept);
        let (waiting, again) = unkept
            .into_iter()
            .partition(|keeping| self.is_on_its_way(keeping));
        self.unkept = waiting;
        again.into_iter().map(|keeping| self.give(keeping)).collect()
    }

    pub(super) fn keep_quietly(&mut self) -> Vec<Effect> {
        let again = self.unkept.iter().filter(|keeping| !self.is_on_its_way(keeping));
        let again: Vec<Keeping> = again.cloned().collect();
        again.into_iter().map(|keeping| self.give(keeping)).collect()
    }

    /// One try at a time.
    fn is_on_its_way(&self, keeping: &Keeping) -> bool {
        self.on_their_way.iter().any(|on| on.outcome == keeping.outcome)
    }

    /// Every picture that is not on the disk: the order it was drawn for, and the one that draws it
    /// again.
    pub(super) fn unsaved(&self) -> impl Iterator<Item = (OrderId, Order)> + '_ {
        let unkept = self.unkept.iter().filter(|keeping| !self.is_on_its_way(keeping));
        let unkept = unkept.map(|keeping| (keeping.drawn_for, keeping.order_again()));
        let on_their_way = self.on_their_way.iter();
        unkept.chain(on_their_way.map(|on| (on.drawn_for, on.again.clone())))
    }
}
