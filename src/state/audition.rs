//! Several starts of a picture, of which some are chosen and drawn on.

use super::effect::Effect;
use super::queue::Order;
use super::request::Request;
use super::run::{Phase, Run};
use super::starts::Starts;
use super::{Shown, Studio, Tone};
use crate::task::Picture;
use std::collections::BTreeSet;

impl Run {
    /// The row of the grid at which it ends: that of its starts, or the last.
    pub fn end_row(&self) -> u32 {
        let Some(grid) = self.begun.as_ref().map(|begun| begun.grid) else {
            return 0;
        };
        let request = &self.order.request;
        let above = request.mode.rows_of_source(grid.rows);
        match request.audition.filter(|audition| audition.keep == 0) {
            Some(audition) => audition.end(above, grid.rows),
            None => grid.rows,
        }
    }

    /// Whether only starts of it are drawn.
    pub fn is_audition(&self) -> bool {
        self.order
            .request
            .audition
            .is_some_and(|audition| audition.keep == 0)
    }

    /// Which of the candidates a picture is.
    fn candidate_of(&self, picture: &Picture) -> usize {
        picture.seed.wrapping_sub(self.order.request.seed) as usize
    }

    /// The start that scores best, once all are there: the one Keep keeps when none is chosen.
    pub fn likeliest_start(&self) -> Option<usize> {
        self.starts.parts.first().map(|part| self.candidate_of(part))
    }

    /// The request that draws a start on.
    fn drawn_on(&self, part: &Picture) -> Request {
        let mut request = self.to_resume();
        (request.seed, request.candidates) = (part.seed, 1);
        request.audition = None;
        request.resume = Some(part.codes.clone());
        request
    }
}

impl Studio {
    /// All starts are there: the user chooses.
    pub(super) fn begin_choosing(&mut self, mut run: Run, parts: &[Picture]) -> Vec<Effect> {
        run.phase = Phase::Choosing;
        (run.task, run.wish) = (None, None);
        run.starts = Starts {
            parts: parts.to_vec(),
            chosen: BTreeSet::new(),
        };
        self.run = Some(run);
        if self.shown != Shown::Run {
            let why = "Choose the ones to draw on.";
            self.notify(
                Tone::Info,
                "The starts are there",
                why,
                "They stand in the strip.",
            );
        }
        Vec::new()
    }

    /// A start is chosen, or no longer.
    pub(super) fn choose(&mut self, candidate: usize) {
        let Some(run) = self.run.as_mut().filter(|run| run.phase == Phase::Choosing) else {
            return;
        };
        let is_there = candidate < run.candidates();
        if !run.starts.chosen.remove(&candidate) && is_there {
            run.starts.chosen.insert(candidate);
        }
    }

    /// The chosen starts are drawn to their ends, the others go.
    pub(super) fn draw_chosen(&mut self) -> Vec<Effect> {
        let Some(run) = self.run.take_if(|run| !run.starts.chosen.is_empty()) else {
            let why = "Press on one or several of the starts.";
            self.notify(Tone::Info, "Choose first", why, "Discard takes none of them.");
            return Vec::new();
        };
        let mut effects = vec![Effect::JournalEnd(run.order.id)];
        let parts = run.starts.parts.iter();
        let mut chosen: Vec<&Picture> = parts
            .filter(|part| run.starts.chosen.contains(&run.candidate_of(part)))
            .collect();
        chosen.sort_by_key(|part| run.candidate_of(part));
        let requests = chosen.iter().rev().map(|part| run.drawn_on(part));
        let mut put_in: Vec<_> = requests.map(|request| self.queue.push_front(request)).collect();
        put_in.reverse();
        self.note_put_in(put_in);
        let mut begun = self.pump();
        // Its rows stay in sight.
        let lane = chosen
            .first()
            .and_then(|part| run.lanes.get(run.candidate_of(part)));
        if let (Some(new), Some(lane)) = (&mut self.run, lane) {
            (new.begun, new.lanes) = (run.begun.clone(), vec![lane.clone()]);
            begun.retain(|effect| !matches!(effect, Effect::Stage(_)));
            if self.shown == Shown::Run {
                begun.extend(self.stage());
            }
        }
        effects.extend(begun);
        effects
    }

    /// The chosen starts are kept as stopped pictures, else the likeliest one.
    pub(super) fn keep_starts(&mut self, run: Run) -> Vec<Effect> {
        let is_chosen = |part: &&Picture| run.starts.chosen.contains(&run.candidate_of(part));
        let mut kept: Vec<&Picture> = run.starts.parts.iter().filter(is_chosen).collect();
        if kept.is_empty() {
            kept.extend(run.starts.parts.first());
        }
        let mut effects = Vec::new();
        for part in kept {
            let mut alone = run.clone();
            alone.order = Order {
                id: self.queue.new_id(),
                request: run.drawn_on(part),
            };
            alone.lanes = run
                .lanes
                .get(run.candidate_of(part))
                .cloned()
                .into_iter()
                .collect();
            effects.extend(self.keep_part(&alone, part.clone()));
        }
        effects.push(Effect::JournalEnd(run.order.id));
        effects
    }
}
