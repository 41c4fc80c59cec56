//! A picture from a file: where it goes, and what is asked about one that holds settings.

use super::action::{FileAction, OfferAction, Target};
use super::draft::{Draft, SeedChoice, Tab};
use super::effect::Effect;
use super::photo::{Opened, Photo};
use super::request::Request;
use super::{Page, Studio, Tone};
use crate::pixels::Size;
use crate::task::Task;

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
                (self.draft.control.map, self.draft.control.photo) = (Some(opened.photo), None);
                self.picture_given(former);
                Vec::new()
            }
            Target::MapPhoto => {
                let former = self.draft.at_rest();
                self.draft.tab = Tab::Control;
                (self.draft.control.map, self.draft.control.photo) = (None, Some(opened.photo));
                self.picture_given(former);
                self.make_map()
            }
            Target::Predict => {
                let former = self.draft.at_rest();
                self.draft.tab = Tab::Predict;
                self.draft.predict_source = Some(opened.photo);
                self.picture_given(former);
                Vec::new()
            }
            Target::Settings | Target::Remix | Target::Finish => match opened.task {
                Some(task) if target == Target::Finish => self.finish(&task),
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

    /// A stopped picture comes back to the canvas to be finished.
    fn finish(&mut self, task: &Task) -> Vec<Effect> {
        let request = Request::of(task);
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
            (OfferAction::Finish, Some(task)) => self.finish(&task),
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
