//! The ruler beside the picture: the row from which it is drawn again, and by which words.

use super::draft::{SeedChoice, Tab};
use super::effect::Effect;
use super::inputs::new_seed;
use super::outcome::OutcomeId;
use super::run::{Phase, Run, Wish};
use super::{Page, RowAction, Shown, Studio, Tone};
use crate::task::{Band, Branch, Mode, Wording};
use serde::{Deserialize, Serialize};

/// Which words the rest of a picture is drawn by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Words {
    /// Those it was drawn by.
    Its,
    /// Those in the prompt.
    OfPrompt,
}

/// Where the mark stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ruler {
    /// Rows that shall stay, of those that are shown.
    pub row: Option<u32>,
    /// The words that were chosen; `None` takes those of the prompt once they were changed.
    choice: Option<Words>,
    /// What the prompt was when the picture came to the canvas.
    prompt_then: String,
    /// Which picture that was: what is shown, and its order or its name.
    of: Option<(Shown, Option<u64>)>,
}

/// A stretch of rows drawn by the same words, counted from the first shown row.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    pub from_row: u32,
    pub prompt: String,
    /// `None` where it is the picture's own.
    pub band: Option<Band>,
}

/// The rows of the picture on the canvas.
#[derive(Debug, Clone, PartialEq)]
pub struct RowsShown {
    /// Those that are drawn, and all.
    pub done: u32,
    pub of: u32,
    /// From the top down; the first begins at row 0.
    pub stretches: Vec<Stretch>,
    mode: Mode,
    /// Of the grid, above the shown ones.
    above: u32,
}

impl RowsShown {
    /// The last row from which it can be drawn again.
    pub fn last(&self) -> u32 {
        self.done.min(self.of.saturating_sub(1))
    }

    /// The stretch a row belongs to.
    pub fn at(&self, row: u32) -> Option<&Stretch> {
        self.stretches
            .iter()
            .rev()
            .find(|stretch| stretch.from_row <= row)
    }

    fn new(mode: &Mode, (done, rows): (u32, u32), prompt: &str, bands: &[Band]) -> Self {
        let above = mode.rows_of_source(rows);
        let first = Stretch {
            from_row: 0,
            prompt: prompt.to_owned(),
            band: None,
        };
        let bands = bands.iter().map(|band| Stretch {
            from_row: band.from_row.saturating_sub(above),
            prompt: band.prompt.clone(),
            band: Some(band.clone()),
        });
        Self {
            done: done.saturating_sub(above),
            of: rows - above,
            stretches: std::iter::once(first).chain(bands).collect(),
            mode: mode.clone(),
            above,
        }
    }
}

impl Studio {
    pub(super) fn act_on_rows(&mut self, action: RowAction) -> Vec<Effect> {
        match action {
            RowAction::Mark(row) => self.mark(row),
            RowAction::Move(by) => {
                let from = self.marked().or(self.rows_shown().map(|rows| rows.done));
                if let Some(from) = from {
                    self.mark(from.saturating_add_signed(by));
                }
            }
            RowAction::Unmark => self.unmark(),
            RowAction::Take(words) => self.ruler.choice = Some(words),
            RowAction::DrawAgain => return self.draw_again(),
            RowAction::StartNew => return self.start_new(),
            RowAction::Steer => return self.steer(),
        }
        Vec::new()
    }

    /// The rows of what the canvas shows, where they can be drawn again: not several pictures at once,
    /// and not a hole in a picture.
    pub fn rows_shown(&self) -> Option<RowsShown> {
        if self.page != Page::Canvas || self.compared.is_some() || self.before_after {
            return None;
        }
        if self.shown == Shown::Run {
            let run = self.run.as_ref()?;
            let (request, grid) = (&run.order.request, run.begun.as_ref()?.grid);
            if run.candidates() > 1 || request.mask.is_some() {
                return None;
            }
            let rows = (run.rows(), grid.rows);
            let bands = &request.story.bands;
            return Some(RowsShown::new(&request.mode, rows, &request.prompt, bands));
        }
        let outcome = self.shown_outcome()?;
        let origin = outcome.origin.as_ref().filter(|origin| !origin.is_masked)?;
        let rows = (origin.rows, origin.grid.rows);
        let bands = &origin.story.bands;
        let can = !outcome.gone && (outcome.pixels.is_some() || outcome.path.is_some());
        can.then(|| RowsShown::new(&origin.mode, rows, &origin.prompt, bands))
    }

    /// The row that is marked on the picture on the canvas.
    pub fn marked(&self) -> Option<u32> {
        let row = self
            .ruler
            .row
            .filter(|_| self.ruler.of == Some(self.looked_at()))?;
        Some(row.min(self.rows_shown()?.last()))
    }

    fn mark(&mut self, row: u32) {
        let Some(rows) = self.rows_shown() else { return };
        self.look_at_ruler();
        self.ruler.row = Some(row.min(rows.last()));
    }

    /// There is no mark any more.
    pub(super) fn unmark(&mut self) {
        (self.ruler.row, self.ruler.choice) = (None, None);
    }

    /// Another picture came to the canvas: it has no mark, and the words are what they are.
    pub(super) fn look_at_ruler(&mut self) {
        let of = self.looked_at();
        if self.ruler.of == Some(of) {
            return;
        }
        self.ruler = Ruler {
            prompt_then: self.draft.words().trim().to_owned(),
            of: Some(of),
            ..Ruler::default()
        };
    }

    /// The picture under way is finished: the words of the prompt are as new as they were.
    pub(super) fn ruler_follows(&mut self) {
        self.unmark();
        self.ruler.of = Some(self.looked_at());
    }

    fn looked_at(&self) -> (Shown, Option<u64>) {
        let name = match self.shown {
            Shown::Run => self.run.as_ref().map(|run| run.order.id.0),
            _ => self.shown_outcome().map(|outcome| outcome.id.0),
        };
        (self.shown, name)
    }

    /// The words in the prompt, where they are others than those of a row and can be used for it.
    pub fn other_words(&self, row: u32) -> Option<&str> {
        let rows = self.rows_shown()?;
        let words = self.draft.words().trim();
        let fits = Tab::of(&rows.mode) == self.draft.tab && self.draft.tab != Tab::Predict;
        let is_other = !words.is_empty() && rows.at(row).is_some_and(|now| now.prompt.trim() != words);
        (fits && is_other).then_some(words)
    }

    /// Which words the rest is drawn by, from a row on.
    pub fn words_taken(&self, row: u32) -> Words {
        let Some(words) = self.other_words(row) else {
            return Words::Its;
        };
        let by_itself = match words == self.ruler.prompt_then {
            true => Words::Its,
            false => Words::OfPrompt,
        };
        self.ruler.choice.unwrap_or(by_itself)
    }

    fn draw_again(&mut self) -> Vec<Effect> {
        let (Some(row), Some(rows)) = (self.marked(), self.rows_shown()) else {
            let why = "Drag the ruler at the picture's left edge to a row first.";
            self.notify(Tone::Info, "Not yet", why, "Alt+\u{2191} does the same.");
            return Vec::new();
        };
        let words = match self.words_taken(row) {
            Words::Its => None,
            Words::OfPrompt => Some(self.words_of_draft()),
        };
        if let Some(words) = &words
            && self.declines(&rows.mode, &words.0, &words.1)
        {
            return Vec::new();
        }
        let now = rows.at(row).and_then(|stretch| stretch.band.as_ref());
        let seed_now = now.map(|band| band.seed).or(self.seed_shown());
        let is_fixed = self.draft.seed_choice != SeedChoice::Random;
        // The same seed and the same words would draw the same again.
        let seed = match is_fixed && (words.is_some() || Some(self.draft.seed) != seed_now) {
            true => self.draft.seed,
            false => new_seed(),
        };
        let branch = Branch {
            from_row: row,
            words,
            sampling: None,
            seed: Some(seed),
            taken: None,
        };
        match self.shown_outcome().map(|outcome| outcome.id) {
            Some(id) => self.branch_of_outcome(id, branch),
            None => self.stop_for(Wish::Branch, branch),
        }
    }

    /// A new picture by the words and settings of the left panel begins with the rows above the mark.
    fn start_new(&mut self) -> Vec<Effect> {
        let row = self.marked().filter(|row| *row > 0);
        let Some((row, id)) = row.zip(self.shown_outcome().map(|outcome| outcome.id)) else {
            let why = "Mark a row of a finished picture, below its first one.";
            self.notify(Tone::Info, "Not yet", why, "");
            return Vec::new();
        };
        if self.draft.tab != Tab::Create {
            let why = "Rows can begin a picture that is drawn from words.";
            self.notify(Tone::Info, "Not yet", why, "Choose Create.");
            return Vec::new();
        }
        let seed = match self.draft.seed_choice {
            SeedChoice::Random => new_seed(),
            SeedChoice::Once | SeedChoice::Locked => self.draft.seed,
        };
        let mut request = match self.draft.request(seed) {
            Ok(request) => request,
            Err(missing) => {
                self.notify(Tone::Info, "Not yet", missing, "");
                return Vec::new();
            }
        };
        if self.declines(&request.mode, &request.prompt, &request.wording) {
            return Vec::new();
        }
        (request.candidates, request.audition) = (1, None);
        let Some(path) = self.file_of(&super::Which::Outcome(id)) else {
            return Vec::new();
        };
        vec![Effect::StartFrom {
            path,
            rows: row,
            request: Box::new(request),
        }]
    }

    fn seed_shown(&self) -> Option<u64> {
        match self.shown {
            Shown::Run => self.run.as_ref().map(|run| run.order.request.seed),
            _ => self.shown_outcome().map(|outcome| outcome.seed),
        }
    }

    fn words_of_draft(&self) -> (String, Wording) {
        let wording = match self.draft.as_typed {
            true => Wording::AsTyped,
            false => Wording::Understood,
        };
        (self.draft.words().trim().to_owned(), wording)
    }

    pub(super) fn branch_of_outcome(&mut self, id: OutcomeId, branch: Branch) -> Vec<Effect> {
        let Some(path) = self.file_of(&super::Which::Outcome(id)) else {
            return Vec::new();
        };
        let before = self.outcome(id).and_then(|outcome| outcome.before.clone());
        vec![Effect::Branch { path, before, branch }]
    }

    /// What differs between the picture under way and what is set up now; `None` where nothing does.
    pub fn steering(&self) -> Option<Branch> {
        let run = self.run.as_ref()?;
        let request = &run.order.request;
        let begun = run.begun.as_ref()?;
        let is_one = run.candidates() == 1 && request.mask.is_none();
        let fits = Tab::of(&request.mode) == self.draft.tab && run.phase != Phase::Decoding;
        if !is_one || !fits || run.wish.is_some() {
            return None;
        }
        let band = request.story.bands.last();
        let said = band.map_or(request.prompt.as_str(), |band| band.prompt.as_str());
        let typed = self.draft.words().trim();
        let is_other = !typed.is_empty() && typed != said.trim() && self.draft.tab != Tab::Predict;
        let now = band.map_or(begun.sampling, |band| band.sampling.resolve(&begun.sampling));
        let defaults = self
            .profile()
            .and_then(|profile| profile.sampling(request.mode.name()));
        let wanted = self.draft.sampling.resolve(&defaults.unwrap_or(begun.sampling));
        let words = is_other.then(|| self.words_of_draft());
        let sampling = (wanted != now).then(|| self.draft.sampling.settled(wanted));
        (words.is_some() || sampling.is_some()).then(|| Branch {
            from_row: run.rows().saturating_sub(run.shown_rows().start),
            words,
            sampling,
            seed: None,
            taken: None,
        })
    }

    fn steer(&mut self) -> Vec<Effect> {
        let Some(branch) = self.steering() else {
            let why = "Change the words, the guidance or the variety first.";
            self.notify(Tone::Info, "Nothing to change", why, "");
            return Vec::new();
        };
        let mode = self.run.as_ref().map(|run| run.order.request.mode.clone());
        if let (Some(words), Some(mode)) = (&branch.words, mode)
            && self.declines(&mode, &words.0, &words.1)
        {
            return Vec::new();
        }
        self.stop_for(Wish::Steer, branch)
    }

    /// The picture under way stops where it is, and goes on otherwise.
    fn stop_for(&mut self, wish: Wish, branch: Branch) -> Vec<Effect> {
        let Some(run) = &mut self.run else {
            return Vec::new();
        };
        if run.phase != Phase::Interrupted {
            (run.wish, run.branch) = (Some(wish), Some(branch));
            return vec![Effect::Cancel];
        }
        run.wish = Some(wish);
        match self.run.take() {
            Some(run) => self.branch_off(run, None, branch),
            None => Vec::new(),
        }
    }
}

impl Run {
    /// What it was stopped for.
    pub(super) fn stopped_for(&mut self) -> Option<Branch> {
        self.branch.take()
    }
}

#[cfg(test)]
mod tests;
