//! What can be done with a picture that is there: in the strip, on the history page, on the canvas.
//!
//! All three name the same verbs. A picture of the history becomes an [`Outcome`] of its own (a
//! guest) when it goes to the canvas, so that showing and comparing know one kind of picture.

use super::action::{ResultAction, Target, Verb, Which};
use super::album::{Looked, Star, Thrown};
use super::draft::Tab;
use super::effect::{Effect, Stage};
use super::errand::Errand;
use super::outcome::{Ended, Outcome, OutcomeId};
use super::photo::Photo;
use super::{Offer, Page, Shown, Studio, Tone};
use crate::pixels::{Pixels, Size};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn errand(errand: Errand) -> Vec<Effect> {
    vec![Effect::Errand(errand)]
}

impl Studio {
    fn with_result(&mut self, which: &Which, verb: Verb) -> Vec<Effect> {
        let with_file = |studio: &mut Self, make: fn(PathBuf) -> Errand| {
            studio
                .file_of(which)
                .map_or_else(Vec::new, |path| errand(make(path)))
        };
        let read = |studio: &mut Self, target| {
            let path = studio.file_of(which);
            path.map_or_else(Vec::new, |path| vec![Effect::Read(path, target)])
        };
        match verb {
            Verb::Show | Verb::Compare => {
                let Some(id) = self.on_the_way_to_the_canvas(which) else {
                    return Vec::new();
                };
                match verb {
                    Verb::Compare => self.compare(id),
                    _ => self.show(id),
                }
            }
            Verb::UseSettings => read(self, Target::Settings),
            Verb::Remix => read(self, Target::Remix),
            Verb::Finish => read(self, Target::Finish),
            Verb::Edit => match self.edit_result(which) {
                Some(effects) => effects,
                None => read(self, Target::Edit),
            },
            Verb::Subject => match self.photo_of(which) {
                Some(photo) => self.refer(photo),
                None => read(self, Target::Reference),
            },
            Verb::Copy => match self.pixels_of(which) {
                Some(pixels) => vec![Effect::Copy(pixels)],
                None => with_file(self, Errand::ReadToCopy),
            },
            Verb::SaveAs => with_file(self, Errand::SaveAs),
            Verb::TimeLapse => with_file(self, Errand::TimeLapseTo),
            Verb::Reveal => with_file(self, Errand::Reveal),
            Verb::OpenOutside => with_file(self, Errand::OpenOutside),
            Verb::Trash => with_file(self, Errand::Trash),
            Verb::Prune => match which {
                Which::Outcome(id) => self.prune(*id),
                Which::Kept(_) => Vec::new(),
            },
            Verb::Star => self.turn_star(which),
            Verb::TakeOff => match which {
                Which::Outcome(id) => self.take_off(|outcome| outcome.id == *id),
                Which::Kept(_) => Vec::new(),
            },
        }
    }

    pub(super) fn act_on_results(&mut self, action: ResultAction) -> Vec<Effect> {
        match action {
            ResultAction::Do(which, verb) => self.with_result(&which, verb),
            ResultAction::BeforeAfter => self.toggle_before_after(),
            ResultAction::Ask(query) => {
                self.album.query = query.clone();
                errand(Errand::Find(query))
            }
            ResultAction::Look => self.look(),
            ResultAction::TakeBack => self.take_back(),
            ResultAction::TakeOffGone => self.take_off(|outcome| outcome.gone),
            ResultAction::SaveCopy { from, to } => errand(Errand::SaveCopy { from, to }),
            ResultAction::Film { from, to } => {
                let before = self.before_of(&from);
                vec![Effect::Film { from, to, before }]
            }
            ResultAction::KeepAgain => self.keep_again(),
            ResultAction::KeepQuietly => self.keep_quietly(),
        }
    }

    /// A result becomes what is edited: the turn that it is, else a source of its own. `None` where
    /// its pixels are not in memory.
    pub(super) fn edit_result(&mut self, which: &Which) -> Option<Vec<Effect>> {
        let outcome = match which {
            Which::Outcome(id) => Some(*id),
            Which::Kept(_) => None,
        };
        if let Some(turn) = outcome.and_then(|id| self.draft.chain.turn_of(id)) {
            (self.draft.tab, self.page) = (Tab::Edit, Page::Canvas);
            self.draft.chain.go_to(turn);
            return Some(self.show_source());
        }
        let photo = self.photo_of(which)?;
        let effects = self.edit(photo);
        if let Some(turn) = self.draft.chain.current_mut() {
            turn.outcome = outcome;
        }
        Some(effects)
    }

    pub(super) fn look(&mut self) -> Vec<Effect> {
        if self.album.looked == Looked::Now {
            self.album.looked = Looked::Again;
        }
        errand(Errand::Look(self.album.query.clone()))
    }

    /// Files may have gone while the window was not looked at.
    pub(super) fn look_after_files(&mut self) -> Vec<Effect> {
        let mut effects = self.watch();
        if self.page == Page::History {
            effects.extend(self.look());
        }
        effects
    }

    /// Asks whether the files of the strip are still there.
    pub fn watch(&self) -> Vec<Effect> {
        let there = self.outcomes.iter().filter(|outcome| !outcome.gone);
        let paths: Vec<PathBuf> = there.filter_map(|outcome| outcome.path.clone()).collect();
        if paths.is_empty() {
            return Vec::new();
        }
        errand(Errand::Watch(paths))
    }

    fn turn_star(&mut self, which: &Which) -> Vec<Effect> {
        let Some(path) = self.file_of(which) else {
            return Vec::new();
        };
        let star = self.album.turn_star(&path);
        let mut effects = errand(Errand::Star(path, star));
        if self.album.query.starred_only && star == Star::Off {
            let query = self.album.query.clone();
            effects.extend(errand(Errand::Find(query)));
        }
        effects
    }

    /// The outcome of a picture; one of the history becomes a guest.
    fn on_the_way_to_the_canvas(&mut self, which: &Which) -> Option<OutcomeId> {
        let path = match which {
            Which::Outcome(id) => return self.outcome(*id).map(|outcome| outcome.id),
            Which::Kept(path) => path,
        };
        let known = self.outcomes.iter().chain(&self.guests);
        let known = known.filter(|outcome| !outcome.gone);
        if let Some(outcome) = known
            .into_iter()
            .find(|outcome| outcome.path.as_ref() == Some(path))
        {
            return Some(outcome.id);
        }
        let piece = self.album.piece(path)?.clone();
        let (shown, compared) = (self.shown, self.compared);
        self.guests
            .retain(|guest| shown == Shown::Outcome(guest.id) || compared == Some(guest.id));
        let id = OutcomeId(self.new_id());
        self.guests.push(Outcome {
            id,
            path: Some(piece.path),
            title: piece.title,
            seed: piece.seed.unwrap_or_default(),
            size: piece.size.unwrap_or(Size::new(0, 0)),
            score: None,
            contest: None,
            ended: piece.ended,
            rows: (piece.ended == Ended::Stopped).then_some(piece.rows),
            origin: None,
            gone: false,
            thumbnail: None,
            pixels: None,
            before: None,
        });
        Some(id)
    }

    /// The file of a picture, unless it has none any more or yet; then that is said.
    pub(super) fn file_of(&mut self, which: &Which) -> Option<PathBuf> {
        let outcome = match which {
            Which::Kept(path) => return Some(path.clone()),
            Which::Outcome(id) => self.outcome(*id)?,
        };
        let (title, gone, path) = (outcome.title.clone(), outcome.gone, outcome.path.clone());
        match path {
            Some(path) if !gone => Some(path),
            Some(_) => {
                self.say_gone(&title);
                None
            }
            None => {
                self.notify(Tone::Info, "Not yet", "The picture is still being saved.", "");
                None
            }
        }
    }

    pub(super) fn say_gone(&mut self, title: &str) {
        let reason = format!("{title}: its file was moved or deleted.");
        self.notify(Tone::Info, "The picture is gone", &reason, "");
        if self.outcomes.iter().any(|outcome| outcome.gone) {
            self.offer_in_notice(Offer {
                words: "Take it off the strip",
                action: Box::new(ResultAction::TakeOffGone.into()),
            });
        }
    }

    /// Gives the newest notice a button.
    pub(super) fn offer_in_notice(&mut self, offer: Offer) {
        if let Some(notice) = self.notices.last_mut() {
            notice.offer = Some(offer);
        }
    }

    /// What the picture in a file was made from, where that is in memory.
    fn before_of(&self, path: &Path) -> Option<Arc<Pixels>> {
        let mut all = self.outcomes.iter().chain(&self.guests);
        let outcome = all.find(|outcome| outcome.path.as_deref() == Some(path))?;
        outcome.before.clone()
    }

    fn pixels_of(&self, which: &Which) -> Option<Arc<Pixels>> {
        let mut all = self.outcomes.iter().chain(&self.guests);
        let outcome = match which {
            Which::Outcome(id) => all.find(|outcome| outcome.id == *id),
            Which::Kept(path) => all.find(|outcome| outcome.path.as_ref() == Some(path)),
        };
        outcome?.pixels.clone()
    }

    fn photo_of(&self, which: &Which) -> Option<Photo> {
        let title = match which {
            Which::Outcome(id) => self.outcome(*id)?.title.clone(),
            Which::Kept(path) => self.album.piece(path)?.title.clone(),
        };
        Some(Photo::new(title, self.pixels_of(which)?))
    }

    /// Takes outcomes out of the strip; their files stay.
    fn take_off(&mut self, which: impl Fn(&Outcome) -> bool) -> Vec<Effect> {
        let shown = match self.shown {
            Shown::Outcome(id) => self.outcomes.iter().position(|outcome| outcome.id == id),
            _ => None,
        };
        self.outcomes.retain(|outcome| !which(outcome));
        self.settle(shown.unwrap_or_default())
    }

    /// When what is shown or compared is there no longer, the canvas goes to the picture that
    /// stands at `place` by now.
    fn settle(&mut self, place: usize) -> Vec<Effect> {
        let can_be_shown = |id| self.outcome(id).is_some_and(Outcome::can_be_shown);
        let mut effects = Vec::new();
        if self.compared.is_some_and(|id| !can_be_shown(id)) {
            self.compared = None;
            effects.push(Effect::Stage(Stage::Compare(None)));
        }
        match self.shown {
            Shown::Outcome(id) if !self.outcome(id).is_some_and(Outcome::can_be_shown) => {}
            _ => return effects,
        }
        (self.compared, self.before_after) = (None, false);
        let from_there = self.outcomes.iter().skip(place);
        let before = self.outcomes.iter().take(place).rev();
        let next = from_there.chain(before).find(|outcome| outcome.can_be_shown());
        self.shown = next.map_or(Shown::Welcome, |outcome| Shown::Outcome(outcome.id));
        effects.push(Effect::Stage(Stage::Compare(None)));
        effects.extend(self.stage());
        effects
    }

    pub(super) fn trashed(&mut self, path: &Path) -> Vec<Effect> {
        let is_it = |outcome: &Outcome| outcome.path.as_deref() == Some(path);
        let place = self.outcomes.iter().position(is_it);
        let title = self.title_of(path);
        let outcome = place.map(|place| (place, self.outcomes.remove(place)));
        self.guests.retain(|guest| !is_it(guest));
        self.album.forget(path);
        self.thrown.push(Thrown {
            path: path.to_owned(),
            title,
            outcome,
        });
        self.say_thrown();
        self.settle(place.unwrap_or_default())
    }

    /// What a file is called where there is room for a line.
    pub(super) fn title_of(&self, path: &Path) -> String {
        let mut all = self.outcomes.iter().chain(&self.guests);
        let outcome = all.find(|outcome| outcome.path.as_deref() == Some(path));
        let title = outcome.map(|outcome| outcome.title.clone());
        let listed = || Some(self.album.piece(path)?.title.clone());
        title.or_else(listed).unwrap_or_else(|| {
            let name = path.file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        })
    }

    /// One notice for all that can be taken back.
    fn say_thrown(&mut self) {
        self.notices.retain(|notice| !notice.takes_back());
        let words = match self.thrown.as_slice() {
            [] => return,
            [one] => one.title.clone(),
            many => format!("{} pictures", many.len()),
        };
        self.notify(Tone::Info, "Moved to the trash", &words, "");
        self.offer_in_notice(Offer {
            words: "Undo",
            action: Box::new(ResultAction::TakeBack.into()),
        });
    }

    /// What was thrown away is no longer offered to be taken back.
    pub(super) fn leave_in_trash(&mut self) {
        self.notices.retain(|notice| !notice.takes_back());
        self.thrown.clear();
    }

    fn take_back(&mut self) -> Vec<Effect> {
        self.notices.retain(|notice| !notice.takes_back());
        // The last one first: so each finds its place in the strip.
        let paths = self.thrown.iter().rev().map(|thrown| thrown.path.clone());
        paths.map(|path| Effect::Errand(Errand::TakeBack(path))).collect()
    }

    pub(super) fn taken_back(&mut self, path: &Path) -> Vec<Effect> {
        let place = self.thrown.iter().position(|thrown| thrown.path == path);
        let thrown = place.map(|place| self.thrown.remove(place));
        if let Some((place, outcome)) = thrown.and_then(|thrown| thrown.outcome) {
            self.outcomes.insert(place.min(self.outcomes.len()), outcome);
        }
        if self.page == Page::History {
            self.look()
        } else {
            Vec::new()
        }
    }

    pub(super) fn gone(&mut self, paths: &[PathBuf]) -> Vec<Effect> {
        let is_gone = |outcome: &Outcome| outcome.path.as_ref().is_some_and(|path| paths.contains(path));
        for outcome in self.outcomes.iter_mut().filter(|outcome| is_gone(outcome)) {
            outcome.gone = true;
        }
        self.guests
            .retain(|guest| !is_gone(guest) || guest.pixels.is_some());
        for path in paths {
            self.album.forget(path);
        }
        self.settle(0)
    }

    pub(super) fn kept(&mut self, id: OutcomeId, path: PathBuf) -> Vec<Effect> {
        let mut effects = self.arrived(id);
        self.kept_in = path.parent().map(PathBuf::from);
        if let Some(outcome) = self.outcome_mut(id) {
            outcome.path = Some(path);
        }
        if self.page == Page::History {
            effects.extend(self.look());
        }
        effects
    }
}

#[cfg(test)]
mod tests;
