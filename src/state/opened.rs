//! A picture from a file: where it goes, and what is asked about one that holds settings.

use super::action::{Action, FileAction, ImportAction, ModelAction, OfferAction, ResultAction, Target};
use super::draft::{Draft, SeedChoice, Tab};
use super::effect::Effect;
use super::models::Asked;
use super::photo::{Opened, Photo};
use super::request::Request;
use super::wanted::{Wanted, typed_path};
use super::{Page, Studio, Tone};
use crate::pixels::Size;
use crate::task::Task;
use std::path::PathBuf;

/// Whether a picture's settings are taken over with its seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seeds {
    Its,
    New,
}

impl Studio {
    pub(super) fn act_on_files(&mut self, action: FileAction) -> Vec<Effect> {
        match action {
            FileAction::Open(path, target) => vec![Effect::Read(path, target)],
            FileAction::Browse(target) => vec![Effect::Browse(target)],
            FileAction::Type(text) => match (typed_path(&text), self.wanted.take()) {
                (Some(path), Some(wanted)) => self.act(found(wanted, path)),
                (_, wanted) => {
                    // Nothing was typed: it is asked on.
                    self.wanted = wanted;
                    Vec::new()
                }
            },
            FileAction::TypeNone => {
                self.wanted = None;
                Vec::new()
            }
        }
    }

    pub(super) fn opened(&mut self, opened: Opened, target: Target) -> Vec<Effect> {
        self.page = Page::Canvas;
        match target {
            Target::Canvas if opened.task.is_some() => {
                self.offer = Some(opened);
                Vec::new()
            }
            Target::Canvas | Target::Edit => self.edit(opened.photo),
            Target::Reference => self.refer(opened.photo),
            Target::Map => {
                let former = self.draft.at_rest();
                self.draft.tab = Tab::Control;
                self.draft.control.photo = None;
                self.draft.control.set_map(Some(opened.photo));
                self.picture_given(former);
                self.show_map()
            }
            Target::MapPhoto => {
                let former = self.draft.at_rest();
                self.draft.tab = Tab::Control;
                self.draft.control.photo = Some(opened.photo);
                self.draft.control.set_map(None);
                self.picture_given(former);
                let mut effects = self.show_map();
                effects.extend(self.make_map());
                effects
            }
            Target::Predict => {
                let former = self.draft.at_rest();
                self.draft.tab = Tab::Predict;
                self.draft.predict_source = Some(opened.photo);
                self.picture_given(former);
                Vec::new()
            }
            Target::Settings | Target::Remix | Target::Finish => match opened.task {
                Some(task) if target == Target::Finish => self.finish(&task, opened.path),
                Some(task) if target == Target::Remix => self.recall(&task, Seeds::New),
                Some(task) => self.recall(&task, Seeds::Its),
                None => {
                    let why = format!("{} holds no settings.", opened.photo.name);
                    self.notify(
                        Tone::Info,
                        "Nothing to restore",
                        &why,
                        "Drop it on the canvas to edit it.",
                    );
                    Vec::new()
                }
            },
        }
    }

    /// The settings of a task become the draft's. A size this model was not made for becomes the
    /// one nearest in shape.
    fn recall(&mut self, task: &Task, seeds: Seeds) -> Vec<Effect> {
        self.page = Page::Canvas;
        let former = self.draft.at_rest();
        self.draft.recall(&Request::of(task));
        match seeds {
            Seeds::Its => {}
            Seeds::New => {
                self.draft.seed = former.seed;
                self.draft.seed_choice = SeedChoice::Random;
            }
        }
        let sizes = |studio: &Self| {
            let skill = studio.profile()?.skill(studio.draft.tab.mode_name())?;
            Some(skill.sizes.clone())
        };
        if let (Some(wanted), Some(sizes)) = (self.draft.size(), sizes(self))
            && !sizes.is_empty()
            && !sizes.contains(&wanted)
        {
            let nearest = nearest_shape(&sizes, wanted);
            self.draft.set_size(nearest);
            if let Some(size) = nearest {
                let why = format!("This model was not made for {wanted}: the size is now {size}.");
                self.notify(Tone::Info, "Another size", &why, "");
            }
        }
        self.changed_from(former);
        Vec::new()
    }

    /// A picture was given to start from: its shape decides, unless the user chose one for it.
    pub(super) fn picture_given(&mut self, former: Draft) {
        let shape = former.source_size_of(self.draft.tab);
        self.follow_shape(shape);
        self.changed_from(former);
    }

    /// A size that was chosen for a picture of another shape is not one for this.
    pub(super) fn follow_shape(&mut self, former: Option<Size>) {
        let shape = |size: Size| f64::from(size.width) / f64::from(size.height.max(1));
        if let (Some(former), Some(now)) = (former, self.draft.source_size())
            && (shape(former) / shape(now)).ln().abs() > 0.02
        {
            self.draft.set_size(None);
        }
    }

    /// A stopped picture comes back to the canvas to be finished; then it takes the place of `file`.
    fn finish(&mut self, task: &Task, file: Option<PathBuf>) -> Vec<Effect> {
        let mut request = Request::of(task);
        request.replaces = file;
        if request.resume.is_none() {
            self.notify(Tone::Info, "Nothing to finish", "It was drawn to its end.", "");
            return Vec::new();
        }
        self.page = Page::Canvas;
        let mut effects = self.set_interrupted_aside();
        self.queue.push_front(request);
        effects.extend(self.pump());
        effects
    }

    pub(super) fn act_on_offer(&mut self, action: OfferAction) -> Vec<Effect> {
        let Some(opened) = self.offer.take() else {
            return Vec::new();
        };
        match (action, opened.task) {
            (OfferAction::UseSettings, Some(task)) => self.recall(&task, Seeds::Its),
            (OfferAction::Remix, Some(task)) => self.recall(&task, Seeds::New),
            (OfferAction::Finish, Some(task)) => {
                // A file that was brought from elsewhere stays what it is.
                let ours = |path: &PathBuf| {
                    self.outcomes
                        .iter()
                        .any(|outcome| outcome.path.as_ref() == Some(path))
                };
                let file = opened.path.filter(ours);
                self.finish(&task, file)
            }
            (OfferAction::Edit, _) => self.edit(opened.photo),
            (OfferAction::Subject, _) => self.refer(opened.photo),
            (OfferAction::UseSettings | OfferAction::Remix | OfferAction::Finish, None)
            | (OfferAction::Dismiss, _) => Vec::new(),
        }
    }

    pub(super) fn refer(&mut self, photo: Photo) -> Vec<Effect> {
        self.page = Page::Canvas;
        let former = self.draft.at_rest();
        self.draft.tab = Tab::Subject;
        self.draft.add_reference(photo);
        self.picture_given(former);
        Vec::new()
    }
}

/// What a dialog would have answered.
fn found(wanted: Wanted, path: PathBuf) -> Action {
    match wanted {
        Wanted::Picture(target) => FileAction::Open(path, target).into(),
        Wanted::Model => ModelAction::Load(Some(path)).into(),
        Wanted::Import(Asked::Folder) => ImportAction::PlanFor(path).into(),
        Wanted::Import(Asked::Movq) => ImportAction::Movq(path).into(),
        Wanted::Import(Asked::Output) => ImportAction::Output(path).into(),
        Wanted::Copy(from) => ResultAction::SaveCopy { from, to: path }.into(),
        Wanted::Film(from) => ResultAction::Film { from, to: path }.into(),
    }
}

/// The size whose shape is nearest to that of `wanted`, the one nearest in area among equals.
fn nearest_shape(sizes: &[Size], wanted: Size) -> Option<Size> {
    let shape = |size: &Size| (f64::from(size.width) / f64::from(size.height.max(1))).ln();
    let area = |size: &Size| (f64::from(size.width) * f64::from(size.height)).ln();
    let off = |size: &Size| (shape(size) - shape(&wanted)).abs();
    let grown = |size: &Size| (area(size) - area(&wanted)).abs();
    let nearest = sizes
        .iter()
        .min_by(|a, b| off(a).total_cmp(&off(b)).then(grown(a).total_cmp(&grown(b))));
    nearest.copied()
}
