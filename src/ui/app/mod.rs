//! The window's owner: state, worker, canvas, files; intake in `logic`, drawing in `ui`.

pub(super) mod background;
mod diagnostics;
pub(super) mod drops;
mod engine;
pub(super) mod errands;
pub(super) mod files;
mod film_jobs;
mod filming;
pub(super) mod focus;
mod frame;
mod handed_over;
mod hub_thread;
pub(super) mod import_thread;
pub(super) mod journal;
pub(super) mod library_thread;
pub(super) mod model_jobs;
mod recording;
pub(super) mod shortcuts;
pub(super) mod thumbnails;
mod unwritten;
mod writer_jobs;

use super::Options;
use super::canvas::{Canvas, GroundOf};
use super::pages::history::Room;
use super::panels::column::Greeting;
use super::panels::notices::NoticeClock;
use super::panels::status::Pointed;
use super::textures::Textures;
use super::theme;
use crate::engine_room::EngineRoom;
use crate::history::Moment;
use crate::log::Log;
use crate::picture;
use crate::pixels::Pixels;
use crate::state::{Action, Answer, Effect, HubAnswer, ModelAnswer, Photo, Stage, Store, Studio, Target};
use crate::task::{Cancel, Failure, Report, WhenDone};
use crate::ui::platform::desktop;
use crate::worker::{Ticket, Worker};
pub(super) use background::Wake;
use background::caught;
use drops::Zones;
use egui::{Context, Ui};
use files::Files;
use filming::Filming;
use handed_over::HandedOver;
use import_thread::{HubWorking, Importing};
use recording::Recorder;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use thumbnails::Thumbnails;
use unwritten::Journal;

pub use crate::history::Places;
pub use recording::{Opening, Recorded};

/// Reports taken in before the window is drawn again.
const INTAKE: Duration = Duration::from_millis(6);

/// The open window.
pub struct App<R: EngineRoom> {
    pub studio: Studio,
    pub(super) store: Option<Store>,
    pub(super) places: Places,
    /// Where pictures go unless the user chose another folder.
    own_pictures: PathBuf,
    log: Option<Log>,
    pub(super) engine_room: Arc<R>,
    worker: Option<Worker>,
    ticket: Option<Ticket>,
    filming: Vec<Filming>,
    pub(super) importing: Option<Importing>,
    /// Stops the measurement that is under way.
    pub(super) measuring: Cancel,
    /// Stops the writer that is asked.
    pub(super) asking: Cancel,
    pub(super) hub_working: Option<HubWorking>,
    pub(super) files: Files,
    pub(super) wake: Wake,
    /// Whom `wake` wakes; another one when the window was opened anew on another device.
    pub(super) aim: Arc<Mutex<Context>>,
    pub canvas: Canvas,
    pub(super) textures: Textures,
    pub(super) thumbnails: Thumbnails,
    room: Room,
    /// On their way to the clipboard.
    copied: Vec<Arc<Pixels>>,
    pub(super) zones: Zones,
    pointed: Pointed,
    /// The mask the canvas has: turn and version.
    veil: Option<(usize, u64, u32)>,
    pub(super) journal: Journal,
    recorder: Recorder,
    /// The prompt gets the keyboard once.
    greeting: Greeting,
    notice_clock: NoticeClock,
    /// Given back last of all: then everything is written.
    pub(super) handed: Option<HandedOver>,
}

impl<R: EngineRoom> App<R> {
    pub fn new(ctx: &Context, places: Places, options: Options, engine_room: Arc<R>) -> Self {
        theme::install(ctx);
        // The page of the starter's world shows parts of one PNG.
        egui_extras::install_image_loaders(ctx);
        let aim = Arc::new(Mutex::new(ctx.clone()));
        let aimed = Arc::clone(&aim);
        let wake: Wake = Arc::new(move || {
            let ctx = aimed.lock().unwrap_or_else(PoisonError::into_inner).clone();
            ctx.request_repaint();
        });
        let mut recorder = Recorder::from_environment();
        let mut store = Store::open(&places.data);
        let mut studio = match &mut store {
            Ok(store) => remembered(store),
            Err(error) => {
                let mut studio = Studio::default();
                let failure = Failure::failed(error.to_string());
                studio.act(Answer::Failed("Nothing can be remembered".into(), failure));
                studio
            }
        };
        studio.view.scheme = options.scheme.unwrap_or(studio.view.scheme);
        studio.view.zoom = options.zoom.unwrap_or(studio.view.zoom).clamp(1.0, 2.0);
        let model = options.model.or(studio.model_path.take());
        let journal = match &store {
            Ok(_) => Journal::default(),
            Err(_) => Journal::without_folder(),
        };
        let today = Moment::now().day();
        recorder.note_opening(&places.data, model.as_deref(), &today);
        let mut app = Self {
            store: store.ok(),
            files: Files::new(places.clone(), &wake),
            thumbnails: Thumbnails::new(places.clone(), Arc::clone(&wake)),
            room: Room::default(),
            own_pictures: places.pictures.clone(),
            log: None,
            copied: Vec::new(),
            places,
            engine_room,
            worker: None,
            ticket: None,
            filming: Vec::new(),
            importing: None,
            measuring: Cancel::new(),
            asking: Cancel::new(),
            hub_working: None,
            wake,
            aim,
            canvas: Canvas::new(),
            textures: Textures::default(),
            zones: Zones::default(),
            pointed: Pointed::default(),
            veil: None,
            journal,
            recorder,
            greeting: Greeting::Due,
            notice_clock: NoticeClock::default(),
            handed: None,
            studio,
        };
        app.prefer();
        let mut effects = recording::open(&mut app.studio, model, &today);
        effects.extend(
            options
                .files
                .into_iter()
                .map(|path| Effect::Read(path, Target::Canvas)),
        );
        app.carry_out(effects);
        if !app.studio.mishaps.is_empty() {
            // What was set aside is not read, and not said, a second time.
            app.changed();
        }
        app
    }

    /// From now on it is written down what happens.
    pub fn log_to(&mut self, log: Option<Log>) {
        self.log = log;
        self.prefer();
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        tracing::info!(
            "Lumina Studio {} on {os} {arch} is open",
            env!("CARGO_PKG_VERSION")
        );
    }

    /// Takes in one report; what the worker sends comes through here.
    pub fn take(&mut self, report: &Report) {
        if self.filmed(report) {
            return;
        }
        self.recorder.note_report(report);
        self.log_report(report);
        let effects = self.studio.apply(report);
        self.carry_out(effects);
        if let Report::Finished { pictures, .. } = report {
            self.say_done(pictures.len());
        }
        if !matches!(report, Report::Progress { .. }) {
            self.changed();
        }
        self.stamp();
    }

    pub fn act(&mut self, action: impl Into<Action>) {
        let action = action.into();
        let quiet = matches!(
            action,
            Action::Answer(Answer::Models(
                ModelAnswer::Stepped(..) | ModelAnswer::Hub(HubAnswer::Stepped(..))
            ))
        );
        self.heed(&action);
        if let Action::Answer(Answer::TakenBack(path) | Answer::Kept(_, path)) = &action {
            self.thumbnails.forget(path);
        }
        self.recorder.note_action(&action);
        let effects = self.studio.act(action);
        self.carry_out(effects);
        if !quiet {
            self.changed();
        }
        self.stamp();
    }

    /// The state has no clock.
    pub(super) fn stamp(&mut self) {
        self.log_mishaps();
        self.studio.stamp_mishaps(|| Moment::now().in_words());
    }

    /// Takes in what happened since the last frame.
    pub fn intake(&mut self, ctx: &Context) {
        self.take_in();
        self.welcome_files(ctx);
        self.save_when_due(ctx);
    }

    /// The window goes: the state is written; the picture under way stays in the journal.
    pub fn put_away(&mut self) {
        // First of all: what follows waits for others.
        self.save();
        self.with_ticket(|ticket| ticket.cancel.cancel());
        if let Some(handed) = &mut self.handed {
            handed.stop_listening();
        }
        self.recorder.stop();
        self.measuring.cancel();
        self.asking.cancel();
        self.importing = None;
        self.hub_working = None;
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
        for action in self.files.actions() {
            self.act(action);
        }
        self.import_step();
        self.hub_step();
    }

    pub(super) fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Submit(task) => self.submit(*task),
                Effect::Cancel => self.with_ticket(|ticket| ticket.cancel.cancel()),
                Effect::Pause => self.with_ticket(|ticket| ticket.cancel.pause()),
                Effect::Resume => self.with_ticket(|ticket| ticket.cancel.resume()),
                Effect::Keep(keeping) => self.keep(*keeping),
                Effect::Load(path) => self.load(path.as_deref()),
                Effect::Read(path, target) => self.files.read(path, target),
                Effect::Browse(target) => self.files.errands.wait_for(move || files::browse(target)),
                Effect::AskForPicturesFolder => self.files.errands.wait_for(files::browse_folder),
                Effect::Prefer(_) => self.prefer(),
                Effect::CollectDiagnostics => self.collect_diagnostics(),
                Effect::BrowseModel => self.files.errands.wait_for(files::browse_model),
                Effect::Trace(id, path) => self.files.trace(id, path),
                Effect::Differ(pair, files) => self.files.differ(pair, files),
                Effect::Inquire { path, row } => self.files.inquire(path, row),
                Effect::Ask(question) => self.ask(*question),
                Effect::Film { from, to, before } => self.files.film(from, to, before),
                Effect::Shoot(shooting) => self.shoot(*shooting),
                Effect::StartFrom { path, rows, request } => self.files.start_from(path, rows, *request),
                Effect::Errand(errand) => self.files.run(errand),
                Effect::Copy(pixels) => self.copied.push(pixels),
                Effect::MakeMap {
                    photo,
                    low,
                    high,
                    panel,
                } => self.files.errands.run(move || {
                    let fitted = match panel {
                        Some(panel) => picture::fit(&photo.pixels, panel),
                        None => picture::shrink(&photo.pixels, 1024),
                    };
                    let map = Arc::new(picture::canny(&fitted, low, high));
                    Some(Answer::MapMade(Photo::new("canny map", map)))
                }),
                Effect::Fetch(id, path) => self.files.fetch(id, path),
                Effect::Branch { path, before, branch } => self.files.branch(path, before, branch),
                Effect::Stage(stage) => self.show(stage),
                Effect::JournalBegin(order, begun) => self.journal_begin(&order, begun),
                Effect::JournalRow(row) => self.journal_row(&row),
                Effect::JournalDrawn(order, again) => self.journal_drawn(&order, &again),
                Effect::JournalEnd(order) => self.journal_end(order),
                Effect::Models(effect) => self.carry_out_models(effect),
                Effect::Writer(effect) => self.carry_out_writer(effect),
            }
        }
    }

    /// What the settings page holds becomes so.
    fn prefer(&mut self) {
        let preferences = &self.studio.preferences;
        if let Some(log) = &self.log {
            log.set_level(preferences.log);
        }
        let pictures = preferences.pictures.clone();
        self.places.pictures = pictures.unwrap_or_else(|| self.own_pictures.clone());
        self.files
            .prefer(&self.places, preferences.naming, preferences.export);
    }

    /// Tells the desktop when a picture is done and nobody looks at the window.
    fn say_done(&self, pictures: usize) {
        let ctx = self.aim.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_looked_at = ctx.input(|input| input.focused);
        if self.studio.preferences.when_done == WhenDone::Nothing || is_looked_at {
            return;
        }
        let title = match pictures {
            1 => "A picture is done".to_owned(),
            count => format!("{count} pictures are done"),
        };
        let words = match self.studio.queue.len() {
            0 => "Nothing waits.".to_owned(),
            count => format!("{count} wait in the queue."),
        };
        // It may take a while, or for ever.
        self.files.errands.wait_for(move || {
            desktop::notify(&title, &words);
            None::<Answer>
        });
    }

    fn show(&mut self, stage: Stage) {
        match stage {
            Stage::Begin(grid, None) => self.canvas.begin(grid),
            Stage::Begin(grid, Some(ground)) => {
                let (size, hole) = (ground.pixels.size(), ground.mask.as_deref());
                let ground = GroundOf {
                    pixels: &ground.pixels,
                    hole,
                    part: match hole {
                        Some(mask) => picture::part_under_mask(size, mask, ground.panel),
                        None => picture::part_of(size, ground.panel),
                    },
                };
                self.canvas.begin_over(grid, &ground);
            }
            Stage::Row(row) => self.canvas.row(row.row, &row.preview, &row.codes),
            Stage::Guesses(ahead) => self.canvas.guesses(&ahead.codes, ahead.preview.as_ref()),
            Stage::Picture(pixels) => self.canvas.picture(&pixels),
            Stage::Compare(pair) => self.canvas.compare(pair.as_ref().map(|(a, b)| (&**a, &**b))),
            Stage::Clear => self.canvas.clear(),
        }
        // The mask is of what was shown; where it still belongs it is given anew.
        self.canvas.mask(None, 0.0);
        self.veil = None;
    }
}

/// The state as it was left; a new one where reading it breaks off, for a window always opens.
fn remembered(store: &mut Store) -> Studio {
    caught(|| store.load()).unwrap_or_else(|failure| {
        store.set_aside();
        let mut studio = Studio::default();
        studio.act(Answer::Failed(
            "What the window remembered cannot be read".into(),
            failure,
        ));
        studio
    })
}

impl<R: EngineRoom> eframe::App for App<R> {
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
