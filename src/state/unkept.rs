//! Pictures that could not be saved: they wait in memory, and as orders whose every code is known
//! they outlive the window.

use super::{Effect, Keeping, Queue, Request, Run, Studio};
use crate::task::Failure;

impl Keeping {
    /// The request that draws this very picture: its codes are given, nothing is left to chance.
    fn again(&self) -> Request {
        let mut request = self.request.clone();
        request.size = Some(self.picture.panel);
        request.sampling = request.sampling.settled(self.picture.sampling);
        (request.seed, request.candidates) = (self.picture.seed, 1);
        request.resume = Some(self.picture.codes.clone());
        request
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
    /// Said once: a picture that waits already is tried again without a word.
    pub(super) fn not_kept(&mut self, keeping: Keeping, failure: &Failure) {
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
        unkept
            .into_iter()
            .map(|keeping| Effect::Keep(Box::new(keeping)))
            .collect()
    }

    pub(super) fn keep_quietly(&self) -> Vec<Effect> {
        let again = self.unkept.iter().cloned();
        again.map(|keeping| Effect::Keep(Box::new(keeping))).collect()
    }

    /// What the next start finds to do.
    pub(super) fn queue_with_unkept(&self) -> Queue {
        let mut queue = self.queue.clone();
        for keeping in self.unkept.iter().rev() {
            queue.push_front(keeping.again());
        }
        queue
    }
}
