//! The overlay of the canvas: how unsure the model was of each cell, what else could stand there, and where
//! two compared pictures differ.

use super::action::{DoubtAction, Which};
use super::effect::Effect;
use super::outcome::{Outcome, OutcomeId};
use super::painting::Step;
use super::{Page, Shown, Studio, Tone};
use crate::pixels::{Mask, MaskRuns};
use crate::task::{Alternative, Branch, Difference, Failure, Finding, Question, Taken, TaskId};
use crate::token::{CODE_PIXELS, Grid};
use std::collections::BTreeMap;

/// A picture none of whose cells is more doubtful, in nats, is shown as certain as it is.
const MIN_MOST: f32 = 0.5;

/// What is shown over the picture.
#[derive(Debug, Clone, PartialEq)]
pub struct DoubtView {
    pub is_on: bool,
    /// Entropy, in nats, above which a cell counts as doubtful.
    pub above: f32,
    /// Whether somebody chose it; else it follows the picture.
    is_chosen: bool,
    /// Row and column of the picture as it is shown.
    pub cell: Option<(u32, u32)>,
    /// Whether the cell stays when the pointer goes.
    pub is_held: bool,
    /// Whose alternatives these are.
    of: Option<OutcomeId>,
    /// By row of the picture as it is shown.
    rows: BTreeMap<u32, Vec<Vec<Alternative>>>,
    /// The row whose alternatives are asked for, and the question once the worker has it.
    asked: Option<(u32, Option<TaskId>)>,
    /// What the overlay was last looked for: what is shown, and beside what.
    looked: Option<(Shown, Option<OutcomeId>)>,
    /// The picture it was turned on for.
    turned_on_for: Option<OutcomeId>,
    /// Of the shown and the compared picture.
    difference: Option<(OutcomeId, OutcomeId, Result<Difference, Failure>)>,
}

impl Default for DoubtView {
    fn default() -> Self {
        Self {
            is_on: false,
            above: 1.0,
            is_chosen: false,
            cell: None,
            is_held: false,
            of: None,
            rows: BTreeMap::new(),
            asked: None,
            looked: None,
            turned_on_for: None,
            difference: None,
        }
    }
}

impl DoubtView {
    /// Whether the model has been asked and has not answered yet.
    pub fn is_asked(&self) -> bool {
        matches!(self.asked, Some((_, Some(_))))
    }
}

/// A picture's doubt as it lies over it.
#[derive(Debug, Clone, PartialEq)]
pub struct DoubtShown<'a> {
    pub outcome: OutcomeId,
    /// Of the picture as it is shown.
    pub grid: Grid,
    /// Entropy of the most doubtful cell, in nats.
    pub most: f32,
    above: u32,
    origin: &'a super::Origin,
}

impl DoubtShown<'_> {
    fn index(&self, row: u32, column: u32) -> usize {
        ((self.above + row) * self.grid.columns + column) as usize
    }

    /// The code that stands in a cell.
    pub fn code(&self, row: u32, column: u32) -> Option<u32> {
        self.origin.codes.get(self.index(row, column)).copied()
    }

    /// Entropy of a cell, in nats; `None` where it was given.
    pub fn nats(&self, row: u32, column: u32) -> Option<f32> {
        self.origin.doubt.nats(self.index(row, column))
    }

    /// From 0, certain, to 1: as unsure as the model was of no other cell of this picture.
    pub fn part(&self, row: u32, column: u32) -> Option<f32> {
        Some(self.nats(row, column)? / self.most.max(MIN_MOST))
    }

    /// The entropy, in nats, that a tenth of the drawn cells exceed.
    fn upper_tenth(&self) -> f32 {
        let nats = self.cells().filter_map(|(row, column)| self.nats(row, column));
        let mut nats: Vec<f32> = nats.collect();
        nats.sort_by(f32::total_cmp);
        let place = nats.len().saturating_sub(1) * 9 / 10;
        nats.get(place).copied().unwrap_or_default()
    }

    /// Cells with more entropy than `nats`.
    pub fn count_above(&self, nats: f32) -> usize {
        self.cells()
            .filter(|(row, column)| self.is_above(*row, *column, nats))
            .count()
    }

    pub fn is_above(&self, row: u32, column: u32, nats: f32) -> bool {
        self.nats(row, column).is_some_and(|found| found > nats)
    }

    fn cells(&self) -> impl Iterator<Item = (u32, u32)> + use<> {
        let Grid { rows, columns } = self.grid;
        (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
    }

    /// White where the entropy is more than `nats`, 8x8 pixels a cell.
    fn mask(&self, nats: f32) -> Option<Mask> {
        let size = self.grid.pixels();
        let mut values = vec![0; (size.width * size.height) as usize];
        for (row, column) in self
            .cells()
            .filter(|(row, column)| self.is_above(*row, *column, nats))
        {
            for line in 0..CODE_PIXELS {
                let from = ((row * CODE_PIXELS + line) * size.width + column * CODE_PIXELS) as usize;
                values[from..from + CODE_PIXELS as usize].fill(255);
            }
        }
        Mask::new(size, values)
    }
}

impl Studio {
    pub(super) fn act_on_doubt(&mut self, action: DoubtAction) -> Vec<Effect> {
        match action {
            DoubtAction::Toggle => return self.toggle_doubt(),
            DoubtAction::Above(nats) => {
                (self.doubt.above, self.doubt.is_chosen) = (nats.clamp(0.0, 8.0), true);
            }
            DoubtAction::Point(cell) if !self.doubt.is_held => {
                self.doubt.cell = cell;
                return self.ask_for_row();
            }
            DoubtAction::Point(_) => {}
            DoubtAction::Hold(row, column) => {
                let again = self.doubt.is_held && self.doubt.cell == Some((row, column));
                (self.doubt.cell, self.doubt.is_held) = (Some((row, column)), !again);
                return self.ask_for_row();
            }
            DoubtAction::Move(down, right) => {
                if let Some(Grid { rows, columns }) = self.doubt_shown().map(|shown| shown.grid) {
                    let (row, column) = self.doubt.cell.unwrap_or((rows / 2, columns / 2));
                    let row = row.saturating_add_signed(down).min(rows.saturating_sub(1));
                    let column = column.saturating_add_signed(right).min(columns.saturating_sub(1));
                    (self.doubt.cell, self.doubt.is_held) = (Some((row, column)), true);
                    return self.ask_for_row();
                }
            }
            DoubtAction::LetGo => (self.doubt.cell, self.doubt.is_held) = (None, false),
            DoubtAction::Take(code) => return self.take_code(code),
            DoubtAction::TakeNth(place) => {
                let code = self
                    .alternatives()
                    .and_then(|cell| cell.get(place))
                    .map(|other| other.code);
                return code.map_or_else(Vec::new, |code| self.take_code(code));
            }
            DoubtAction::Select => return self.select_doubtful(),
        }
        Vec::new()
    }

    /// The doubt of the picture on the canvas, where it is shown and known.
    pub fn doubt_shown(&self) -> Option<DoubtShown<'_>> {
        let is_seen = self.doubt.is_on && self.compared.is_none() && !self.before_after;
        let (outcome, origin) = self.with_doubt().filter(|_| is_seen)?;
        let above = origin.mode.rows_of_source(origin.grid.rows);
        let grid = Grid {
            rows: origin.grid.rows - above,
            columns: origin.grid.columns,
        };
        let mut shown = DoubtShown {
            outcome: outcome.id,
            grid,
            most: 0.0,
            above,
            origin,
        };
        let nats = shown.cells().filter_map(|(row, column)| shown.nats(row, column));
        shown.most = nats.fold(0.0, f32::max);
        (outcome.size == grid.pixels()).then_some(shown)
    }

    /// The picture on the canvas, where it is known how unsure the model was of it.
    fn with_doubt(&self) -> Option<(&Outcome, &super::Origin)> {
        let outcome = self.shown_outcome().filter(|_| self.page == Page::Canvas)?;
        let origin = outcome.origin.as_ref()?;
        let is_whole = origin.rows == origin.grid.rows && !origin.is_masked;
        (is_whole && !origin.doubt.is_blank()).then_some((outcome, origin))
    }

    /// Where the two compared pictures differ, once that is known and asked for.
    pub fn difference_shown(&self) -> Option<&Result<Difference, Failure>> {
        let (Shown::Outcome(shown), Some(other)) = (self.shown, self.compared) else {
            return None;
        };
        let (one, two, found) = self.doubt.difference.as_ref().filter(|_| self.doubt.is_on)?;
        (*one == shown && *two == other).then_some(found)
    }

    /// What else could stand in the cell; `None` while that is not known.
    pub fn alternatives(&self) -> Option<&[Alternative]> {
        let shown = self.doubt_shown()?;
        let (row, column) = self.doubt.cell?;
        let rows = self
            .doubt
            .of
            .filter(|of| *of == shown.outcome)
            .map(|_| &self.doubt.rows)?;
        rows.get(&row)?.get(column as usize).map(Vec::as_slice)
    }

    /// Whether there is something to lay over what is on the canvas.
    pub fn can_doubt(&self) -> bool {
        let compares = self.compared.is_some() && matches!(self.shown, Shown::Outcome(_));
        self.doubt.is_on
            || compares
            || (self.with_doubt().is_some() && !self.before_after)
            || self.wants_trace()
    }

    /// Whether the file of the shown picture is to be asked first.
    fn wants_trace(&self) -> bool {
        let outcome = self.shown_outcome();
        outcome.is_some_and(|outcome| {
            let origin = outcome.origin.as_ref();
            let may_know = origin.is_none_or(|origin| origin.doubt.is_empty() && !origin.is_masked);
            may_know && outcome.path.is_some() && !outcome.gone && matches!(self.shown, Shown::Outcome(_))
        })
    }

    fn toggle_doubt(&mut self) -> Vec<Effect> {
        self.doubt.is_on = !self.doubt.is_on;
        (self.doubt.cell, self.doubt.is_held, self.doubt.looked) = (None, false, None);
        self.doubt.turned_on_for = self.shown_outcome().map(|outcome| outcome.id);
        Vec::new()
    }

    /// What has to be found out for what came to the canvas.
    pub(super) fn look_at_doubt(&mut self) -> Vec<Effect> {
        let looked = Some((self.shown, self.compared));
        if !self.doubt.is_on || self.doubt.looked == looked {
            return Vec::new();
        }
        self.doubt.looked = looked;
        (self.doubt.cell, self.doubt.is_held) = (None, false);
        self.follow_picture();
        let file = |studio: &Self, id| {
            let outcome = studio.outcome(id).filter(|outcome| !outcome.gone)?;
            outcome.path.clone()
        };
        if let (Shown::Outcome(one), Some(two)) = (self.shown, self.compared) {
            let is_known = self
                .doubt
                .difference
                .as_ref()
                .is_some_and(|(a, b, _)| (*a, *b) == (one, two));
            let files = file(self, one).zip(file(self, two)).filter(|_| !is_known);
            return files.map_or_else(Vec::new, |files| vec![Effect::Differ((one, two), files)]);
        }
        if self.wants_trace()
            && let Some(id) = self.shown_outcome().map(|outcome| outcome.id)
            && let Some(path) = file(self, id)
        {
            return vec![Effect::Trace(id, path)];
        }
        Vec::new()
    }

    /// The tenth of the cells that the model was least sure of counts as doubtful, unless somebody chose.
    fn follow_picture(&mut self) {
        let tenth = self.doubt_shown().map(|shown| match shown.upper_tenth() {
            // None is above the most doubtful ones, should they be that many.
            nats if shown.count_above(nats) == 0 => 0.99 * nats,
            nats => nats,
        });
        if let Some(nats) = tenth.filter(|_| !self.doubt.is_chosen) {
            self.doubt.above = nats.max(0.02);
        }
    }

    /// What the file of a picture says of it was read: there may be no doubt in it.
    pub(super) fn looked_for_doubt(&mut self, id: OutcomeId) {
        self.follow_picture();
        let is_shown = self.shown_outcome().is_some_and(|outcome| outcome.id == id);
        let was_asked = self.doubt.is_on && self.doubt.turned_on_for == Some(id);
        if was_asked && is_shown && self.compared.is_none() && self.with_doubt().is_none() {
            self.doubt.is_on = false;
            let why = "Its file holds no doubt of the model: a stopped or masked picture, or one of an earlier version.";
            self.notify(Tone::Info, "Nothing is known of its cells", why, "");
        }
    }

    /// Two pictures were compared by their codes.
    pub(super) fn differs(&mut self, pair: (OutcomeId, OutcomeId), found: Result<Difference, Failure>) {
        self.doubt.difference = Some((pair.0, pair.1, found));
    }

    /// Asks for the alternatives of the row of the cell, unless they are known or something is asked already.
    fn ask_for_row(&mut self) -> Vec<Effect> {
        let Some((outcome, above)) = self.doubt_shown().map(|shown| (shown.outcome, shown.above)) else {
            return Vec::new();
        };
        if self.doubt.of != Some(outcome) {
            (self.doubt.of, self.doubt.rows) = (Some(outcome), BTreeMap::new());
        }
        let Some((row, _)) = self.doubt.cell else {
            return Vec::new();
        };
        if self.doubt.rows.contains_key(&row) || self.doubt.asked.is_some() {
            return Vec::new();
        }
        let path = self.outcome(outcome).and_then(|outcome| outcome.path.clone());
        let Some(path) = path else { return Vec::new() };
        self.doubt.asked = Some((row, None));
        vec![Effect::Inquire {
            path,
            row: above + row,
        }]
    }

    /// The file of the picture was read: the question goes to the model, or there is none.
    pub(super) fn inquired(&mut self, question: Result<Box<Question>, Failure>) -> Vec<Effect> {
        match question {
            Ok(question) => vec![Effect::Ask(question)],
            Err(failure) => {
                self.not_answered(&failure);
                Vec::new()
            }
        }
    }

    /// The worker took the question.
    pub fn asked(&mut self, task: TaskId) {
        if let Some((_, asked)) = &mut self.doubt.asked {
            *asked = Some(task);
        }
    }

    /// Nothing will be answered.
    pub fn not_answered(&mut self, failure: &Failure) {
        if let Some((row, _)) = self.doubt.asked.take() {
            // Not asked again and again.
            self.doubt.rows.insert(row, Vec::new());
            self.error("The model cannot say what else could stand there", failure, "");
        }
    }

    /// The model of a question that waits is gone.
    pub(super) fn forget_question(&mut self) {
        self.doubt.asked = None;
        self.doubt.rows.clear();
    }

    pub(super) fn answered(&mut self, task: TaskId, answer: &Result<Finding, Failure>) -> Vec<Effect> {
        let Some((row, _)) = self.doubt.asked.filter(|(_, asked)| *asked == Some(task)) else {
            return Vec::new();
        };
        match answer {
            Ok(Finding::Alternatives(cells)) => {
                self.doubt.asked = None;
                self.doubt.rows.insert(row, cells.clone());
            }
            Err(failure) => self.not_answered(failure),
        }
        self.ask_for_row()
    }

    fn take_code(&mut self, code: u32) -> Vec<Effect> {
        let Some(id) = self.doubt_shown().map(|shown| shown.outcome) else {
            return Vec::new();
        };
        let Some((row, column)) = self.doubt.cell else {
            return Vec::new();
        };
        (self.doubt.cell, self.doubt.is_held) = (None, false);
        let branch = Branch {
            from_row: row,
            taken: Some(Taken { column, code }),
            ..Branch::default()
        };
        self.branch_of_outcome(id, branch)
    }

    /// The picture becomes the one that is edited, its doubtful cells the mask.
    fn select_doubtful(&mut self) -> Vec<Effect> {
        let Some((id, mask)) = self.doubt_shown().and_then(|shown| {
            let mask = shown.mask(self.doubt.above)?;
            mask.values().contains(&255).then_some((shown.outcome, mask))
        }) else {
            let why = "No cell is above it: move the slider down.";
            self.notify(Tone::Info, "Nothing is that doubtful", why, "");
            return Vec::new();
        };
        let Some(effects) = self.edit_result(&Which::Outcome(id)) else {
            return Vec::new();
        };
        self.doubt.is_on = false;
        let cells = Step::Cells(MaskRuns::of(&mask));
        if let Some(turn) = self.draft.chain.current_mut() {
            turn.painting.step(cells);
        }
        self.note_painted(1);
        effects
    }
}
