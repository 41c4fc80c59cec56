//! What the user does, carried out.

use super::action::{Action, Effect, Opened, Setting, Stage, Target};
use super::draft::{SeedChoice, Tab};
use super::inputs::new_seed;
use super::photo::Photo;
use super::request::Request;
use super::run::{Phase, Run, Wish};
use super::{Model, Page, Shown, Studio, Tone};
use crate::pixels::Size;
use crate::task::Task;
use std::path::PathBuf;

impl Studio {
    /// Takes in what the user does.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Set(setting) => self.set(setting),
            Action::NewSeed => self.set(Setting::Seed(new_seed())),
            Action::RecallSeed => match self.draft.last_seed {
                Some(seed) => self.set(Setting::Seed(seed)),
                None => Vec::new(),
            },
            Action::Paint(paint) => {
                self.paint(paint);
                Vec::new()
            }
            Action::GoToTurn(turn) => {
                self.draft.chain.go_to(turn);
                self.show_source()
            }
            Action::ChooseReference(index) => {
                self.draft.reference = index;
                Vec::new()
            }
            Action::RemoveReference(index) => {
                if index < self.draft.references.len() {
                    self.draft.references.remove(index);
                }
                self.draft.reference = self
                    .draft
                    .reference
                    .min(self.draft.references.len().saturating_sub(1));
                Vec::new()
            }
            Action::RemoveSource => self.remove_source(),
            Action::Draw => self.draw(),
            Action::Example { prompt, seed } => self.example(prompt, seed),
            Action::Pause
            | Action::Resume
            | Action::Keep
            | Action::Discard
            | Action::ShowRun
            | Action::ShowSource => self.steer(&action),
            Action::Front(_) | Action::Place(..) | Action::Remove(_) | Action::ClearQueue => {
                self.arrange(&action)
            }
            Action::Open(path, target) => vec![Effect::Read(path, target)],
            Action::Browse(target) => vec![Effect::Browse(target)],
            Action::BrowseModel => vec![Effect::BrowseModel],
            Action::Opened(opened, target) => self.opened(*opened, target),
            Action::Failed(what, failure) => {
                self.error(what, &failure, super::mishaps::remedy(what));
                Vec::new()
            }
            Action::OfferSettings
            | Action::OfferFinish
            | Action::OfferSource
            | Action::OfferReference
            | Action::DismissOffer => self.settle_offer(&action),
            Action::MapMade(map) => {
                self.map_made(map);
                Vec::new()
            }
            Action::LoadModel(path) => self.choose_model(path),
            Action::Models(action) => self.act_on_models(action),
            other => self.act_on_results(other),
        }
    }

    /// Actions about pictures that are there, and about the window.
    fn act_on_results(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Kept(id, path) => self.kept(id, path),
            Action::NotKept(keeping, failure) => {
                self.not_kept(*keeping, &failure);
                Vec::new()
            }
            Action::KeepAgain => self.keep_again(),
            Action::KeepQuietly => self.keep_quietly(),
            Action::Fetched(id, pixels) => self.fetched(id, pixels),
            Action::NotFetched(id, failure) => self.not_fetched(id, &failure),
            Action::BeforeAfter => self.toggle_before_after(),
            Action::Page(page) => self.open_page(page),
            Action::ForgetMishaps => {
                self.mishaps.clear();
                Vec::new()
            }
            Action::Scheme(scheme) => {
                self.view.scheme = scheme;
                Vec::new()
            }
            Action::Zoom(zoom) => {
                self.view.zoom = zoom.clamp(1.0, 2.0);
                Vec::new()
            }
            Action::Help => {
                self.help = !self.help;
                Vec::new()
            }
            Action::DismissNotice(id) => {
                let takes_back = |notice: &super::Notice| notice.id == id && notice.takes_back();
                if self.notices.iter().any(takes_back) {
                    self.leave_in_trash();
                }
                self.notices.retain(|notice| notice.id != id);
                Vec::new()
            }
            other => self.act_on_kept(other),
        }
    }

    /// Puts the draft's pictures at the end of the queue.
    fn draw(&mut self) -> Vec<Effect> {
        if self.draft.seed_choice == SeedChoice::Random {
            self.draft.seed = new_seed();
        }
        let seed = self.draft.seed;
        let request = match self.draft.request(seed) {
            Ok(request) => request,
            Err(missing) => {
                self.notify(Tone::Info, "Not yet", missing, "");
                return Vec::new();
            }
        };
        self.page = Page::Canvas;
        self.leave_in_trash();
        let mut effects = self.set_interrupted_aside();
        self.draft.last_seed = Some(seed);
        let step = request.candidates as u64;
        for index in 0..u64::from(self.draft.batch.max(1)) {
            let mut request = request.clone();
            request.seed = seed.wrapping_add(index * step);
            self.queue.push(request);
        }
        if self.shown == Shown::Source && self.run.is_some() {
            self.shown = Shown::Run;
            effects.extend(self.stage());
        }
        effects.extend(self.pump());
        effects
    }

    fn example(&mut self, prompt: &str, seed: u64) -> Vec<Effect> {
        self.draft.tab = Tab::Create;
        self.draft.prompt = prompt.to_owned();
        (self.draft.seed, self.draft.seed_choice) = (seed, SeedChoice::Locked);
        // An example shows what it says: every setting is the model's own.
        self.draft.size = None;
        self.draft.sampling = self.draft.sampling.left_to_the_model();
        (self.draft.batch, self.draft.candidates) = (1, 1);
        let effects = self.draw();
        self.draft.seed_choice = SeedChoice::Random;
        effects
    }

    /// A picture nobody works on is kept before the next one begins.
    fn set_interrupted_aside(&mut self) -> Vec<Effect> {
        match self.run.take_if(|run| run.phase == Phase::Interrupted) {
            Some(run) => match run.part() {
                Some(picture) => vec![self.keep_part(&run, picture)],
                None => Vec::new(),
            },
            None => Vec::new(),
        }
    }

    fn steer(&mut self, action: &Action) -> Vec<Effect> {
        let phase = self.run.as_ref().map(|run| run.phase);
        match (action, phase) {
            (Action::ShowRun, Some(_)) => {
                (self.shown, self.compared, self.before_after) = (Shown::Run, None, false);
                self.stage()
            }
            (Action::ShowSource, _) => self.show_source(),
            (_, None) => Vec::new(),
            (Action::Resume, Some(Phase::Interrupted)) => self.resume_interrupted(),
            (Action::Keep, Some(Phase::Interrupted)) => {
                let mut effects = self.set_interrupted_aside();
                self.leave_run(&mut effects);
                effects.extend(self.pump());
                effects
            }
            (Action::Discard, Some(Phase::Interrupted)) => {
                self.run = None;
                let mut effects = vec![Effect::JournalEnd];
                self.leave_run(&mut effects);
                effects.extend(self.pump());
                effects
            }
            (Action::Pause, Some(_)) => vec![Effect::Pause],
            (Action::Resume, Some(_)) => vec![Effect::Resume],
            (Action::Keep, Some(_)) => self.stop(Wish::Keep),
            (Action::Discard, Some(_)) => self.stop(Wish::Discard),
            _ => Vec::new(),
        }
    }

    fn stop(&mut self, wish: Wish) -> Vec<Effect> {
        if let Some(run) = &mut self.run {
            run.wish = Some(wish);
        }
        vec![Effect::Cancel]
    }

    pub(super) fn resume_interrupted(&mut self) -> Vec<Effect> {
        match (&self.model, &mut self.run) {
            (Model::Ready { .. }, _) => {}
            (Model::Loading, Some(run)) => {
                run.wish = Some(Wish::Resume);
                return Vec::new();
            }
            _ => {
                let why = "There is no model to draw it with.";
                self.notify(Tone::Info, "Not yet", why, "Choose one on the models page.");
                return Vec::new();
            }
        }
        let Some(run) = self.run.take() else {
            return Vec::new();
        };
        let mut order = run.order.clone();
        order.request = run.to_resume();
        let effects = self.start(order);
        // What was drawn stays in sight until the engine has come that far again.
        if let Some(new) = &mut self.run {
            (new.begun, new.lanes) = (run.begun, run.lanes);
        }
        effects
            .into_iter()
            .filter(|effect| *effect != Effect::Stage(Stage::Clear))
            .collect()
    }

    fn arrange(&mut self, action: &Action) -> Vec<Effect> {
        match action {
            Action::Front(id) => self.queue.front(*id),
            Action::Place(id, place) => self.queue.place(*id, *place),
            Action::Remove(id) => self.queue.remove(*id),
            Action::ClearQueue => self.queue.clear(),
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn load_model(&mut self, path: Option<PathBuf>) -> Vec<Effect> {
        self.interrupt();
        if let Some(path) = &path {
            self.recent_models.retain(|known| known != path);
            self.recent_models.insert(0, path.clone());
            self.recent_models.truncate(8);
        }
        self.model_path.clone_from(&path);
        self.model = Model::Loading;
        self.draft.size = None;
        vec![Effect::Cancel, Effect::Load(path)]
    }

    fn opened(&mut self, opened: Opened, target: Target) -> Vec<Effect> {
        self.page = Page::Canvas;
        match target {
            Target::Canvas if opened.task.is_some() => {
                self.offer = Some(opened);
                Vec::new()
            }
            Target::Canvas | Target::Edit => self.edit(opened.photo),
            Target::Reference => self.refer(opened.photo),
            Target::Map => {
                self.draft.tab = Tab::Control;
                (self.draft.control.map, self.draft.control.photo) = (Some(opened.photo), None);
                Vec::new()
            }
            Target::MapPhoto => {
                self.draft.tab = Tab::Control;
                (self.draft.control.map, self.draft.control.photo) = (None, Some(opened.photo));
                self.make_map()
            }
            Target::Predict => {
                self.draft.tab = Tab::Predict;
                self.draft.predict_source = Some(opened.photo);
                Vec::new()
            }
            Target::Settings | Target::Finish => match opened.task {
                Some(task) if target == Target::Finish => self.finish(&task),
                Some(task) => self.recall(&task),
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
    fn recall(&mut self, task: &Task) -> Vec<Effect> {
        self.page = Page::Canvas;
        self.draft.recall(&Request::of(task));
        let sizes = |studio: &Self| {
            let skill = studio.profile()?.skill(studio.draft.tab.mode_name())?;
            Some(skill.sizes.clone())
        };
        if let (Some(wanted), Some(sizes)) = (self.draft.size, sizes(self))
            && !sizes.is_empty()
            && !sizes.contains(&wanted)
        {
            self.draft.size = nearest_shape(&sizes, wanted);
            if let Some(size) = self.draft.size {
                let why = format!("This model was not made for {wanted}: the size is now {size}.");
                self.notify(Tone::Info, "Another size", &why, "");
            }
        }
        Vec::new()
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

    fn settle_offer(&mut self, action: &Action) -> Vec<Effect> {
        let Some(opened) = self.offer.take() else {
            return Vec::new();
        };
        match (action, opened.task) {
            (Action::OfferSettings, Some(task)) => self.recall(&task),
            (Action::OfferFinish, Some(task)) => self.finish(&task),
            (Action::OfferSource, _) => self.edit(opened.photo),
            (Action::OfferReference, _) => self.refer(opened.photo),
            _ => Vec::new(),
        }
    }

    pub(super) fn refer(&mut self, photo: Photo) -> Vec<Effect> {
        self.page = Page::Canvas;
        self.draft.tab = Tab::Subject;
        self.draft.add_reference(photo);
        Vec::new()
    }

    fn show_source(&mut self) -> Vec<Effect> {
        (self.shown, self.compared, self.before_after) = (Shown::Source, None, false);
        self.stage()
    }

    /// A half-drawn picture of an earlier start comes back to the canvas.
    pub fn bring_back(&mut self, mut run: Run) {
        run.phase = Phase::Interrupted;
        run.task = None;
        self.run = Some(run);
        self.shown = Shown::Run;
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
