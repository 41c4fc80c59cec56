//! The window's owner: state, worker, canvas, files; intake in `logic`, drawing in `ui`.

use super::canvas::Canvas;
use super::drops::{self, Zones};
use super::errands::{Errands, Wake};
use super::textures::Textures;
use super::theme::{self, Palette};
use super::{Backing, Options, keys, left, models, sheet, stage, status, strip, top};
use crate::history::{Library, Moment};
use crate::keeping::{self, Saving};
use crate::picture;
use crate::state::{
    Action, ColourScheme, Effect, Keeping, Opened, Page, Photo, Shown, Stage, Store, Studio, THUMBNAIL, Tab,
    Target,
};
use crate::task::{Failure, Report, Task};
use crate::worker::{Ticket, Worker};
use egui::{CentralPanel, Context, Frame, Margin, Panel, ThemePreference, Ui};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use crate::history::Places;

/// Reports taken in before the window is drawn again.
const INTAKE: Duration = Duration::from_millis(6);
/// The state is written when nothing has changed for this long, and at the latest after `LATEST`.
const QUIET: Duration = Duration::from_millis(300);
const LATEST: Duration = Duration::from_secs(2);

/// Since when the state on disk is old.
#[derive(Debug, Clone, Copy)]
struct Unsaved {
    first: Instant,
    last: Instant,
}

/// What the canvas said in the last frame.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Pointed {
    pub(super) at: Option<[f32; 2]>,
    pub(super) code: Option<u32>,
}

/// The open window.
pub struct App<B: Backing> {
    pub studio: Studio,
    store: Option<Store>,
    places: Places,
    backing: Arc<B>,
    worker: Option<Worker>,
    ticket: Option<Ticket>,
    errands: Errands,
    wake: Wake,
    pub canvas: Canvas,
    textures: Textures,
    zones: Zones,
    pointed: Pointed,
    /// The mask the canvas has: turn and version.
    veil: Option<(usize, u64, u32)>,
    unsaved: Option<Unsaved>,
    /// The prompt gets the keyboard once.
    greeting: Greeting,
}

/// Whether the prompt still waits for the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Greeting {
    Due,
    Done,
}

impl<B: Backing> App<B> {
    pub fn new(ctx: &Context, places: Places, options: Options, backing: Arc<B>) -> Self {
        theme::install(ctx);
        let waker = ctx.clone();
        let wake: Wake = Arc::new(move || waker.request_repaint());
        let store = Store::open(&places.data);
        let mut studio = match &store {
            Ok(store) => store.load(),
            Err(error) => {
                let mut studio = Studio::default();
                let failure = Failure::failed(error.to_string());
                studio.act(Action::Failed("Nothing can be remembered", failure));
                studio
            }
        };
        studio.view.scheme = options.scheme.unwrap_or(studio.view.scheme);
        studio.view.zoom = options.zoom.unwrap_or(studio.view.zoom).clamp(1.0, 2.0);
        studio.model_path = options.model.or(studio.model_path.take());
        let mut app = Self {
            store: store.ok(),
            places,
            backing,
            worker: None,
            ticket: None,
            errands: Errands::new(Arc::clone(&wake)),
            wake,
            canvas: Canvas::new(),
            textures: Textures::default(),
            zones: Zones::default(),
            pointed: Pointed::default(),
            veil: None,
            unsaved: None,
            greeting: Greeting::Due,
            studio,
        };
        let mut effects = app.studio.stage();
        effects.push(Effect::Load(app.studio.model_path.clone()));
        effects.extend(
            options
                .files
                .into_iter()
                .map(|path| Effect::Read(path, Target::Canvas)),
        );
        app.carry_out(effects);
        app.read_thumbnails();
        app
    }

    /// Takes in one report; what the worker sends comes through here.
    pub fn take(&mut self, report: &Report) {
        let effects = self.studio.apply(report);
        self.carry_out(effects);
        if !matches!(report, Report::Progress { .. }) {
            self.changed();
        }
    }

    pub fn act(&mut self, action: Action) {
        let effects = self.studio.act(action);
        self.carry_out(effects);
        self.changed();
    }

    fn changed(&mut self) {
        let now = Instant::now();
        let first = self.unsaved.map_or(now, |unsaved| unsaved.first);
        self.unsaved = Some(Unsaved { first, last: now });
    }

    /// Takes in what happened since the last frame.
    pub fn intake(&mut self, ctx: &Context) {
        self.take_in();
        self.save_when_due(ctx);
    }

    /// The window goes: the state is written; the picture under way stays in the journal.
    pub fn put_away(&mut self) {
        self.save();
        self.with_ticket(|ticket| ticket.cancel.cancel());
    }

    fn take_in(&mut self) {
        let began = Instant::now();
        while began.elapsed() < INTAKE {
            let report = self
                .worker
                .as_ref()
                .and_then(|worker| worker.reports().try_recv().ok());
            let Some(report) = report else { break };
            self.take(&report);
        }
        if self
            .worker
            .as_ref()
            .is_some_and(|worker| !worker.reports().is_empty())
        {
            (self.wake)();
        }
        for action in self.errands.actions() {
            self.act(action);
        }
    }

    fn save_when_due(&mut self, ctx: &Context) {
        let Some(unsaved) = self.unsaved else { return };
        if unsaved.last.elapsed() < QUIET && unsaved.first.elapsed() < LATEST {
            ctx.request_repaint_after(QUIET);
            return;
        }
        self.save();
    }

    fn save(&mut self) {
        self.unsaved = None;
        let Some(store) = &self.store else { return };
        let snapshot = store.snapshot(&self.studio);
        self.errands.run(move || {
            let failed = snapshot.write().err()?;
            let failure = Failure::failed(failed.to_string());
            Some(Action::Failed("The window's state could not be stored", failure))
        });
    }

    fn read_thumbnails(&self) {
        for outcome in self.studio.outcomes.iter().take(40) {
            let (id, Some(path)) = (outcome.id, outcome.path.clone()) else {
                continue;
            };
            self.errands.run(move || {
                let pixels = picture::read(&path).ok()?;
                Some(Action::ThumbnailRead(
                    id,
                    Arc::new(picture::shrink(&pixels, THUMBNAIL)),
                ))
            });
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Submit(task) => self.submit(*task),
                Effect::Cancel => self.with_ticket(|ticket| ticket.cancel.cancel()),
                Effect::Pause => self.with_ticket(|ticket| ticket.cancel.pause()),
                Effect::Resume => self.with_ticket(|ticket| ticket.cancel.resume()),
                Effect::Keep(keeping) => self.keep(*keeping),
                Effect::Load(path) => self.load(path.as_deref()),
                Effect::Read(path, target) => self.errands.run(move || Some(read(&path, target))),
                Effect::Browse(target) => self.errands.wait_for(move || browse(target)),
                Effect::BrowseModel => self.errands.wait_for(browse_model),
                Effect::MakeMap {
                    photo,
                    low,
                    high,
                    panel,
                } => self.errands.run(move || {
                    let fitted = match panel {
                        Some(panel) => picture::fit(&photo.pixels, panel),
                        None => picture::shrink(&photo.pixels, 1024),
                    };
                    let map = Arc::new(picture::canny(&fitted, low, high));
                    Some(Action::MapMade(Photo::new("canny map", map)))
                }),
                Effect::Fetch(id, path) => self.errands.run(move || match picture::read(&path) {
                    Ok(pixels) => Some(Action::Fetched(id, Arc::new(pixels))),
                    Err(error) => Some(cannot_be_read(&error)),
                }),
                Effect::Stage(stage) => self.show(stage),
                Effect::JournalBegin(order, begun) => self.journal(|store| store.begin(&order, begun)),
                Effect::JournalRow(row) => self.journal(|store| store.row(&row)),
                Effect::JournalEnd => self.journal(|store| {
                    store.end();
                    Ok(())
                }),
            }
        }
    }

    fn journal(&mut self, write: impl FnOnce(&mut Store) -> Result<(), crate::state::StoreError>) {
        let Some(store) = &mut self.store else { return };
        if let Err(error) = write(store) {
            let failure = Failure::failed(error.to_string());
            self.studio
                .act(Action::Failed("The rows cannot be stored as they come", failure));
        }
    }

    fn with_ticket(&self, use_it: impl FnOnce(&Ticket)) {
        if let Some(ticket) = &self.ticket {
            use_it(ticket);
        }
    }

    fn submit(&mut self, task: Task) {
        let gone = || Err(Failure::failed("the model is not running"));
        match self
            .worker
            .as_mut()
            .map_or_else(gone, |worker| worker.submit(task))
        {
            Ok(ticket) => {
                self.studio.submitted(ticket.id);
                self.ticket = Some(ticket);
            }
            Err(failure) => {
                let effects = self.studio.not_submitted(&failure);
                self.carry_out(effects);
            }
        }
    }

    /// The old model goes on a thread of its own: it ends its forward first.
    fn load(&mut self, path: Option<&Path>) {
        self.ticket = None;
        if let Some(worker) = self.worker.take() {
            self.errands.wait_for(move || {
                drop(worker);
                None
            });
        }
        let wake = Arc::clone(&self.wake);
        match self.backing.open(path) {
            Ok(make) => self.worker = Some(Worker::spawn(make, move || wake())),
            Err(failure) => self.take(&Report::LoadFailed(failure)),
        }
    }

    fn keep(&mut self, keeping: Keeping) {
        let places = self.places.clone();
        self.errands.run(move || {
            let kept = keep(&places, &keeping);
            Some(match kept {
                Ok(path) => Action::Kept(keeping.outcome, path),
                Err(failure) => Action::NotKept(Box::new(keeping), failure),
            })
        });
    }

    fn show(&mut self, stage: Stage) {
        match stage {
            Stage::Begin(grid) => self.canvas.begin(grid),
            Stage::Row(row) => self.canvas.row(row.row, &row.preview, &row.codes),
            Stage::Guesses(ahead) => self.canvas.guesses(&ahead.codes, ahead.preview.as_ref()),
            Stage::Picture(pixels) => self.canvas.picture(&pixels),
            Stage::Compare(pair) => self.canvas.compare(pair.as_ref().map(|(a, b)| (&**a, &**b))),
            Stage::Clear => self.canvas.clear(),
        }
        self.veil = None;
    }

    /// Gives the canvas the mask when it is another one than it has.
    fn update_veil(&mut self) {
        let editing = self.studio.shown == Shown::Source && self.studio.draft.tab == Tab::Edit;
        let chain = &self.studio.draft.chain;
        let opacity = self.studio.draft.brush.opacity;
        let veil = chain.current().filter(|_| editing);
        let wanted = veil.map(|turn| (chain.at(), turn.painting.version(), opacity.to_bits()));
        if self.veil != wanted {
            let mask = veil.and_then(|turn| turn.painting.mask());
            self.canvas.mask(mask.as_ref(), opacity);
            self.veil = wanted;
        }
    }

    /// Everything the window is, in one frame.
    pub fn frame(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.textures.next_frame();
        self.apply_view(&ctx);
        let mut actions = keys::pressed(&ctx, &self.studio, &mut self.canvas);
        actions.extend(drops::incoming(&ctx, &mut self.zones, &self.studio));
        self.zones.clear();
        self.update_veil();
        let told = (self.pointed, self.canvas.zoom_percent());
        let palette = Palette::of(ui);
        let plain = |colour| Frame::new().fill(colour).inner_margin(Margin::ZERO);
        Panel::top("top")
            .exact_size(theme::TOP_BAR)
            .frame(plain(palette.panel))
            .show(ui, |ui| top::show(ui, &self.studio, &mut actions));
        let shown = Panel::left("left")
            .default_size(self.studio.view.left_width)
            .size_range(theme::LEFT_WIDTH)
            .frame(plain(palette.panel))
            .show(ui, |ui| {
                left::show(
                    ui,
                    left::Left {
                        studio: &self.studio,
                        textures: &mut self.textures,
                        zones: &mut self.zones,
                        greeting: &mut self.greeting,
                        actions: &mut actions,
                    },
                );
            });
        self.studio.view.left_width = shown.response.rect.width();
        if ctx.content_rect().width() >= theme::WIDE_ENOUGH {
            let shown = Panel::right("strip")
                .default_size(self.studio.view.right_width)
                .size_range(theme::RIGHT_WIDTH)
                .frame(plain(palette.panel))
                .show(ui, |ui| {
                    strip::show(ui, &self.studio, &mut self.textures, &mut actions)
                });
            self.studio.view.right_width = shown.response.rect.width();
        }
        Panel::bottom("status")
            .exact_size(theme::STATUS_LINE)
            .frame(plain(palette.panel))
            .show(ui, |ui| {
                status::show(ui, &self.studio, &self.canvas, self.pointed)
            });
        CentralPanel::default()
            .frame(plain(palette.canvas))
            .show(ui, |ui| match self.studio.page {
                Page::Canvas => {
                    self.pointed = stage::show(
                        ui,
                        stage::Middle {
                            studio: &self.studio,
                            canvas: &mut self.canvas,
                            textures: &mut self.textures,
                            zones: &mut self.zones,
                            actions: &mut actions,
                        },
                    );
                }
                Page::Models => models::show(ui, &self.studio, &mut actions),
            });
        // The status line was drawn before the canvas spoke.
        if told != (self.pointed, self.canvas.zoom_percent()) {
            ctx.request_repaint();
        }
        sheet::show(&ctx, &self.studio, &mut actions);
        // What was typed in this frame belongs to the picture that is asked for in it.
        actions.sort_by_key(|action| matches!(action, Action::Draw));
        for action in actions {
            self.act(action);
        }
    }

    fn apply_view(&self, ctx: &Context) {
        ctx.set_theme(match self.studio.view.scheme {
            ColourScheme::Dark => ThemePreference::Dark,
            ColourScheme::Light => ThemePreference::Light,
            ColourScheme::System => ThemePreference::System,
        });
        if (ctx.zoom_factor() - self.studio.view.zoom).abs() > f32::EPSILON {
            ctx.set_zoom_factor(self.studio.view.zoom);
        }
    }
}

impl<B: Backing> eframe::App for App<B> {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.intake(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.frame(ui);
    }

    fn on_exit(&mut self) {
        self.put_away();
    }
}

/// Writes a picture into today's folder of the library.
fn keep(places: &Places, keeping: &Keeping) -> Result<PathBuf, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::failed(error.to_string());
    let library = Library::new(places);
    let (seed, title) = (keeping.picture.seed, keeping.request.title());
    let path = library
        .place(&Moment::now(), seed, title)
        .map_err(|error| failed(&error))?;
    let task = keeping.request.task();
    let saving = Saving {
        task: &task,
        picture: &keeping.picture,
        preview: keeping.preview.as_deref(),
        model: &keeping.model,
    };
    keeping::save(&path, &saving)?;
    Ok(path)
}

fn cannot_be_read(error: &dyn std::fmt::Display) -> Action {
    Action::Failed("The picture cannot be read", Failure::failed(error.to_string()))
}

fn read(path: &Path, target: Target) -> Action {
    match picture::read(path) {
        Ok(pixels) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let opened = Opened {
                photo: Photo::new(name, Arc::new(pixels)),
                path: Some(path.to_owned()),
                task: stored_task(path).map(Box::new),
            };
            Action::Opened(Box::new(opened), target)
        }
        Err(error) => cannot_be_read(&error),
    }
}

/// The task inside a picture of this program, or what another program left of one.
fn stored_task(path: &Path) -> Option<Task> {
    if let Ok(task) = keeping::stopped(path, None).or_else(|_| keeping::task_of(path)) {
        return Some(task);
    }
    let foreign = picture::foreign::settings(path)?;
    let mut task = Task::new(crate::task::Mode::Generate, foreign.prompt);
    (task.seed, task.size) = (foreign.seed.unwrap_or_default(), foreign.size);
    Some(task)
}

fn browse(target: Target) -> Option<Action> {
    let dialog = rfd::FileDialog::new()
        .set_title("Open a picture")
        .add_filter("Pictures", &["png", "jpg", "jpeg", "webp"]);
    Some(Action::Open(dialog.pick_file()?, target))
}

fn browse_model() -> Option<Action> {
    let dialog = rfd::FileDialog::new()
        .set_title("Open a model")
        .add_filter("Models", &["gguf"]);
    Some(Action::LoadModel(Some(dialog.pick_file()?)))
}
