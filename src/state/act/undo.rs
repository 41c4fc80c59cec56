//! One step back or forth, and what is noted so that it can be gone.

use super::super::action::UndoAction;
use super::super::draft::{Draft, Tab};
use super::super::effect::Effect;
use super::super::notice::{Offer, Tone};
use super::super::queue::{Order, OrderId};
use super::super::run::Run;
use super::super::studio::Studio;
use super::super::typing::Typing;
use super::super::undo::{Change, Turned, UndoStep};
use super::super::view::Shown;

impl Studio {
    pub(super) fn act_on_undo(&mut self, action: UndoAction) -> Vec<Effect> {
        // A stroke under way is a step of its own.
        self.finish_stroke();
        match action {
            UndoAction::Undo => {
                while let Some(step) = self.undo.take_past() {
                    let tab = step.before;
                    if let Some((back, effects)) = self.turn(step, tab) {
                        self.undo.turned = Some(Turned::Undone(back.words()));
                        self.undo.put_future(back);
                        return effects;
                    }
                }
            }
            UndoAction::Redo => {
                while let Some(step) = self.undo.take_future() {
                    let tab = step.after;
                    if let Some((back, effects)) = self.turn(step, tab) {
                        self.undo.turned = Some(Turned::Redone(back.words()));
                        self.undo.put_past(back);
                        return effects;
                    }
                }
            }
        }
        Vec::new()
    }

    /// Puts back what a step holds; the answer is the step that leads here again. `None` where
    /// there is nothing left to put back: orders that are drawn by now.
    fn turn(&mut self, step: UndoStep, tab: Tab) -> Option<(UndoStep, Vec<Effect>)> {
        let mut back = Vec::new();
        let seen = (self.draft.tab, self.shown, self.draft.chain.at());
        let mut is_in_tab = false;
        let mut is_other_picture = false;
        for change in step.changes {
            is_in_tab |= !matches!(change, Change::TakenOut(_) | Change::PutIn(_) | Change::Moved(..));
            is_other_picture |= matches!(change, Change::Chain(_));
            back.extend(self.exchange(change));
        }
        if back.is_empty() {
            return None;
        }
        // What the step before was undone by cannot be offered any more.
        self.withdraw_undo();
        let mut effects = Vec::new();
        if is_in_tab {
            let is_seen = (tab, Shown::Source, self.draft.chain.at()) == seen && !is_other_picture;
            let is_edit = tab == Tab::Edit || self.shown == Shown::Source;
            if self.draft.tab != tab || (is_edit && !is_seen) {
                effects.extend(self.open_tab(tab));
            }
            if self.shown == Shown::Source && self.draft.chain.current().is_none() {
                effects.extend(self.leave_source());
            }
            if self.draft.control.photo.is_some() && self.draft.control.map.is_none() {
                effects.extend(self.make_map());
            }
        }
        effects.extend(self.pump());
        let (before, after) = (step.before, step.after);
        let step = UndoStep {
            before,
            after,
            changes: back,
        };
        Some((step, effects))
    }

    /// Puts one thing in its place; what was there is the answer.
    fn exchange(&mut self, change: Change) -> Option<Change> {
        let draft = &mut self.draft;
        Some(match change {
            Change::Painted(id) => {
                draft.chain.find_turn(&id)?.painting.undo();
                Change::Unpainted(id)
            }
            Change::Unpainted(id) => {
                draft.chain.find_turn(&id)?.painting.redo();
                Change::Painted(id)
            }
            Change::Chain(mut chain) => {
                chain.wake();
                let former = draft.chain.at_rest();
                draft.chain = *chain;
                Change::Chain(Box::new(former))
            }
            Change::Prompt(words) => Change::Prompt(std::mem::replace(&mut draft.prompt, words)),
            Change::Instruction(words) => {
                Change::Instruction(std::mem::replace(&mut draft.instruction, words))
            }
            Change::References(photos, chosen) => Change::References(
                std::mem::replace(&mut draft.references, photos),
                std::mem::replace(&mut draft.reference, chosen),
            ),
            Change::Control { map, photo } => {
                let former = Change::Control {
                    map: draft.control.map.take(),
                    photo: std::mem::replace(&mut draft.control.photo, photo),
                };
                draft.control.set_map(map);
                former
            }
            Change::PredictSource(photo) => {
                Change::PredictSource(std::mem::replace(&mut draft.predict_source, photo))
            }
            Change::Settings(settings) => {
                let former = draft.settings();
                draft.set_settings(*settings);
                Change::Settings(Box::new(former))
            }
            Change::TakenOut(orders) => {
                let orders = orders.into_iter();
                Change::PutIn(
                    orders
                        .map(|(place, order)| self.queue.insert(place, order))
                        .collect(),
                )
            }
            Change::PutIn(ids) => {
                let orders = self.queue.take_out(|order| ids.contains(&order.id));
                if orders.is_empty() {
                    return None;
                }
                Change::TakenOut(orders)
            }
            Change::Moved(id, place) => {
                let from = self.queue.place_of(id)?;
                self.queue.move_to(id, place);
                Change::Moved(id, from)
            }
        })
    }

    /// Notes all in which the draft differs from what it was; that is at rest.
    pub(in super::super) fn changed_from(&mut self, former: Draft) {
        let now = &self.draft;
        let mut changes = Vec::new();
        let settings = former.settings();
        if settings != now.settings() {
            changes.push(Change::Settings(Box::new(settings)));
        }
        if former.prompt != now.prompt {
            changes.push(Change::Prompt(former.prompt));
        }
        if former.instruction != now.instruction {
            changes.push(Change::Instruction(former.instruction));
        }
        if former.chain != now.chain {
            changes.push(Change::Chain(Box::new(former.chain)));
        }
        if (&former.references, former.reference) != (&now.references, now.reference) {
            changes.push(Change::References(former.references, former.reference));
        }
        let (map, photo) = (former.control.map, former.control.photo);
        if (&map, &photo) != (&now.control.map, &now.control.photo) {
            changes.push(Change::Control { map, photo });
        }
        if former.predict_source != now.predict_source {
            changes.push(Change::PredictSource(former.predict_source));
        }
        self.note_changes(former.tab, changes);
    }

    fn note_changes(&mut self, before: Tab, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        self.withdraw_undo();
        let after = self.draft.tab;
        self.undo.push(UndoStep {
            before,
            after,
            changes,
        });
    }

    /// The words of the mode become others.
    pub(in super::super) fn set_words(&mut self, words: String) {
        let tab = self.draft.tab;
        let former = std::mem::replace(self.draft.words_mut(), words);
        let words = self.draft.words().to_owned();
        if former == words {
            return;
        }
        if !has_common_word(&former, &words) {
            // They are no others' any more.
            self.draft.written = None;
        }
        let next = Typing::begin(&former, &words);
        let goes_on = match (self.undo.typing, next) {
            (Some(typing), Some(next)) if self.undo.ends_in_words(tab) => typing.and(next, &former),
            _ => None,
        };
        if goes_on.is_none() {
            let change = match tab {
                Tab::Edit => Change::Instruction(former),
                Tab::Create | Tab::Pair | Tab::Subject | Tab::Control | Tab::Predict => {
                    Change::Prompt(former)
                }
            };
            self.note_changes(tab, vec![change]);
        }
        self.undo.typing = goes_on.or(next);
    }

    /// `steps` were painted over the current source.
    pub(in super::super) fn note_painted(&mut self, steps: usize) {
        let Some(turn) = self.draft.chain.current() else {
            return;
        };
        let id = turn.photo.id.clone();
        for _ in 0..steps {
            self.note_changes(Tab::Edit, vec![Change::Painted(id.clone())]);
        }
    }

    pub(in super::super) fn note_put_in(&mut self, orders: Vec<OrderId>) {
        if !orders.is_empty() {
            self.note_changes(self.draft.tab, vec![Change::PutIn(orders)]);
        }
    }

    pub(super) fn note_moved(&mut self, id: OrderId, from: usize) {
        self.note_changes(self.draft.tab, vec![Change::Moved(id, from)]);
    }

    /// Orders that are not to be drawn can be taken back; that is said, with a button.
    pub(in super::super) fn note_taken_out(&mut self, orders: Vec<(usize, Order)>, title: &str) {
        let words = match orders.as_slice() {
            [] => return,
            [(_, one)] => one.request.title().to_owned(),
            many => format!("{} pictures", many.len()),
        };
        self.note_changes(self.draft.tab, vec![Change::TakenOut(orders)]);
        self.notify(Tone::Info, title, &words, "");
        self.offer_in_notice(Offer {
            words: "Undo",
            action: Box::new(UndoAction::Undo.into()),
        });
    }

    /// Rows that were thrown away can be taken back, too: the picture goes on where it was.
    pub(in super::super) fn note_discarded(&mut self, run: &Run) {
        if run.rows() == 0 {
            return;
        }
        // The one that was thrown away has ended; this is another one.
        let order = Order {
            id: self.queue.new_id(),
            request: run.to_resume(),
        };
        self.note_taken_out(vec![(0, order)], "The picture was thrown away");
    }

    /// A notice that offers to undo does not outlive the next change.
    fn withdraw_undo(&mut self) {
        self.notices.retain(|notice| !notice.undoes());
    }
}

/// Whether something of a text is in the other one.
fn has_common_word(before: &str, now: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|letter: char| !letter.is_alphanumeric());
        words
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect()
    };
    let before = words(before);
    words(now).iter().any(|word| before.contains(word))
}
