//! What the user does, carried out.

use super::action::{Action, Effect, Opened, Setting, Stage, Target};
use super::draft::{SeedChoice, Tab};
use super::inputs::new_seed;
use super::models::ModelAction;
use super::outcome::OutcomeId;
use super::photo::Photo;
use super::request::Request;
use super::run::{Phase, Run, Wish};
use super::{Model, Page, Shown, Studio, Tone};
use crate::pixels::Pixels;
use crate::task::{Failure, Task};
use std::path::PathBuf;
use std::sync::Arc;

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
            Action::OfferSettings | Action::OfferSource | Action::OfferReference | Action::DismissOffer => {
                self.settle_offer(&action)
            }
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
            Action::Show(id) => self.show(id),
            Action::Fetched(id, pixels) => self.fetched(id, pixels),
            Action::ThumbnailRead(id, pixels) => {
                if let Some(outcome) = self.outcomes.iter_mut().find(|outcome| outcome.id == id) {
                    outcome.thumbnail = Some(pixels);
                }
                Vec::new()
            }
            Action::Compare(id) => self.compare(id),
            Action::BeforeAfter => self.toggle_before_after(),
            Action::UseSettings(id) => self.with_file(id, Target::Settings),
            Action::UseAsSource(id) => match self.photo_of(id) {
                Some(photo) => self.edit(photo),
                None => self.with_file(id, Target::Canvas),
            },
            Action::UseAsReference(id) => match self.photo_of(id) {
                Some(photo) => self.refer(photo),
                None => self.with_file(id, Target::Reference),
            },
            Action::Finish(id) => self.with_file(id, Target::Settings),
            Action::RemoveOutcome(id) => {
                self.outcomes.retain(|outcome| outcome.id != id);
                if self.shown == Shown::Outcome(id) {
                    self.shown = Shown::Welcome;
                    return self.stage();
                }
                Vec::new()
            }
            Action::Page(page) => {
                self.page = page;
                match page {
                    Page::Models => self.act_on_models(ModelAction::Survey),
                    Page::Canvas | Page::Mishaps => Vec::new(),
                }
            }
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
                self.notices.retain(|notice| notice.id != id);
                Vec::new()
            }
            _ => Vec::new(),
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
        (
            self.draft.size,
            self.draft.cfg,
            self.draft.top_k,
            self.draft.temperature,
        ) = (None, None, None, None);
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

    fn resume_interrupted(&mut self) -> Vec<Effect> {
        if !matches!(self.model, Model::Ready { .. }) {
            self.notify(Tone::Info, "Not yet", "The model is still being loaded.", "");
            return Vec::new();
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
            Target::Canvas => self.edit(opened.photo),
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
            Target::Settings => match opened.task {
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

    /// A stopped picture comes back to the canvas to be finished, others give their settings.
    fn recall(&mut self, task: &Task) -> Vec<Effect> {
        let mut request = Request::of(task);
        let resume = request.resume.take();
        self.draft.recall(&request);
        if resume.is_none() {
            return Vec::new();
        }
        request.resume = resume;
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
            (Action::OfferSource, _) => self.edit(opened.photo),
            (Action::OfferReference, _) => self.refer(opened.photo),
            _ => Vec::new(),
        }
    }

    fn refer(&mut self, photo: Photo) -> Vec<Effect> {
        self.draft.tab = Tab::Subject;
        self.draft.add_reference(photo);
        Vec::new()
    }

    fn kept(&mut self, id: OutcomeId, path: PathBuf) -> Vec<Effect> {
        self.unkept.retain(|keeping| keeping.outcome != id);
        self.kept_in = path.parent().map(PathBuf::from);
        if let Some(outcome) = self.outcomes.iter_mut().find(|outcome| outcome.id == id) {
            outcome.path = Some(path);
        }
        // The journal may hold the next picture by now; it ends with that one then.
        if self.run.is_none() {
            vec![Effect::JournalEnd]
        } else {
            Vec::new()
        }
    }

    fn show_source(&mut self) -> Vec<Effect> {
        (self.shown, self.compared, self.before_after) = (Shown::Source, None, false);
        self.stage()
    }

    fn show(&mut self, id: OutcomeId) -> Vec<Effect> {
        if self.outcome(id).is_none() {
            return Vec::new();
        }
        self.page = Page::Canvas;
        (self.shown, self.compared, self.before_after) = (Shown::Outcome(id), None, false);
        let mut effects = vec![Effect::Stage(Stage::Compare(None))];
        effects.extend(self.stage());
        effects
    }

    fn fetched(&mut self, id: OutcomeId, pixels: Arc<Pixels>) -> Vec<Effect> {
        if let Some(outcome) = self.outcomes.iter_mut().find(|outcome| outcome.id == id) {
            outcome.pixels = Some(pixels);
        }
        match (self.shown, self.compared) {
            (Shown::Outcome(shown), None) if shown == id => self.stage(),
            (_, Some(compared)) if compared == id => self.compare(id),
            _ => Vec::new(),
        }
    }

    fn compare(&mut self, id: OutcomeId) -> Vec<Effect> {
        let Shown::Outcome(shown) = self.shown else {
            return self.show(id);
        };
        if shown == id {
            self.compared = None;
            return vec![Effect::Stage(Stage::Compare(None))];
        }
        self.compared = Some(id);
        let pixels = |id| self.outcome(id).and_then(|outcome| outcome.pixels.clone());
        match (pixels(shown), pixels(id)) {
            (Some(a), Some(b)) => vec![Effect::Stage(Stage::Compare(Some((a, b))))],
            (_, None) => match self.outcome(id).and_then(|outcome| outcome.path.clone()) {
                Some(path) => vec![Effect::Fetch(id, path)],
                None => Vec::new(),
            },
            (None, _) => Vec::new(),
        }
    }

    fn toggle_before_after(&mut self) -> Vec<Effect> {
        let Shown::Outcome(id) = self.shown else {
            return Vec::new();
        };
        let pair = self
            .outcome(id)
            .and_then(|shown| Some((shown.before.clone()?, shown.pixels.clone()?)));
        self.before_after = !self.before_after && pair.is_some();
        self.compared = None;
        let pair = pair.filter(|_| self.before_after);
        vec![Effect::Stage(Stage::Compare(pair))]
    }

    fn photo_of(&self, id: OutcomeId) -> Option<Photo> {
        let outcome = self.outcome(id)?;
        Some(Photo::new(outcome.title.clone(), outcome.pixels.clone()?))
    }

    /// Reads the picture's file again for what is not in memory.
    fn with_file(&mut self, id: OutcomeId, target: Target) -> Vec<Effect> {
        match self.outcome(id).and_then(|outcome| outcome.path.clone()) {
            Some(path) => vec![Effect::Read(path, target)],
            None => {
                let failure = Failure::failed("the picture is not saved yet");
                self.error("Its settings cannot be read", &failure, "");
                Vec::new()
            }
        }
    }

    /// A half-drawn picture of an earlier start comes back to the canvas.
    pub fn bring_back(&mut self, mut run: Run) {
        run.phase = Phase::Interrupted;
        run.task = None;
        self.run = Some(run);
        self.shown = Shown::Run;
    }
}
