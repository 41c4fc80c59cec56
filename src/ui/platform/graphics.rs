//! The window on a graphics device, and on the next one when that is lost.
//!
//! A device can go away under a running window: the driver was restarted, a card was pulled out or
//! taken over. The window toolkit cannot change its device, so it is closed and opened again with
//! the same [`App`]: the engine draws on meanwhile, state and rows were never on the card, and the
//! canvas gives a new device everything anew. What the driver complains of is said, never fatal.

use super::signals::AskedToGo;
use crate::engine_room::EngineRoom;
use crate::handover::Lease;
use crate::state::{Answer, Dropping};
use crate::task::Failure;
use crate::ui::app::App;
use crate::ui::{APP_ID, canvas, theme};
use eframe::egui_wgpu::RenderState;
use egui::{Context, Ui, ViewportCommand};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use wgpu::rwh::{HasDisplayHandle, RawDisplayHandle};

/// Devices that are tried one after the other before the program gives up.
const MOST_DEVICES: usize = 5;
/// Complaints of the driver that may wait to be shown.
const WAITING: usize = 4;

const LOST: &str = "The graphics device was lost";
const BROKE: &str = "The window broke off and was opened anew";
const COMPLAINT: &str = "The graphics driver reported an error";

/// What the driver said since somebody looked.
#[derive(Debug, Default)]
pub(crate) struct Said {
    lost: Option<String>,
    complaints: Vec<String>,
}

pub(crate) type Ear = Arc<Mutex<Said>>;

fn said(ear: &Ear) -> std::sync::MutexGuard<'_, Said> {
    ear.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hears what becomes of a device; without this its errors end the program.
pub(crate) fn hear(state: &RenderState, ctx: &Context) -> Ear {
    let ear = Ear::default();
    let (complaints, waker) = (Arc::clone(&ear), ctx.clone());
    state
        .device
        .on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            let mut said = said(&complaints);
            let words = error.to_string();
            if said.complaints.len() < WAITING && !said.complaints.contains(&words) {
                said.complaints.push(words);
                waker.request_repaint();
            }
        }));
    let (lost, waker) = (Arc::clone(&ear), ctx.clone());
    state.device.set_device_lost_callback(move |reason, words| {
        said(&lost).lost = Some(format!("{reason:?}: {words}"));
        waker.request_repaint();
    });
    ear
}

/// Where the app waits while there is no window.
pub(crate) type Between<R> = Rc<RefCell<Option<App<R>>>>;

/// The app in one window.
pub(crate) struct Shell<R: EngineRoom> {
    pub(crate) app: Option<App<R>>,
    pub(crate) between: Between<R>,
    pub(crate) ear: Ear,
    pub(crate) asked: AskedToGo,
    /// Why this window was given up.
    pub(crate) lost: Option<String>,
}

impl<R: EngineRoom> Shell<R> {
    /// Tells what the driver said. On a lost device everything is written and the window goes.
    pub(crate) fn listen(&mut self, ctx: &Context) {
        if self.asked.is_asked() {
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
        let Some(app) = &mut self.app else { return };
        let (complaints, lost) = {
            let mut said = said(&self.ear);
            (std::mem::take(&mut said.complaints), said.lost.take())
        };
        for words in complaints {
            let words = words.lines().map(str::trim).collect::<Vec<_>>().join(" ");
            app.act(Answer::Failed(COMPLAINT.into(), Failure::failed(words)));
        }
        if let Some(reason) = lost {
            app.act(Answer::Failed(
                LOST.into(),
                Failure::failed(reason.trim().to_owned()),
            ));
            app.save();
            self.lost = Some(reason);
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
    }
}

impl<R: EngineRoom> eframe::App for Shell<R> {
    fn logic(&mut self, ctx: &Context, frame: &mut eframe::Frame) {
        self.listen(ctx);
        if let Some(app) = &mut self.app {
            app.logic(ctx, frame);
        }
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        if let Some(app) = &mut self.app {
            app.ui(ui, frame);
        }
    }

    fn on_exit(&mut self) {
        if self.lost.is_none()
            && let Some(app) = &mut self.app
        {
            app.put_away();
            self.app = None;
        }
    }
}

impl<R: EngineRoom> Drop for Shell<R> {
    /// Also when the toolkit broke off on a dead device: the app is not lost with the window.
    fn drop(&mut self) {
        *self.between.borrow_mut() = self.app.take();
    }
}

/// Makes the app for its first window.
pub(crate) type First<R> = Box<dyn FnOnce(&Context) -> App<R>>;

/// Shows the app until its window is closed by the user.
pub(crate) fn show<R: EngineRoom>(
    first: First<R>,
    lease: Option<Lease>,
    options: impl Fn() -> eframe::NativeOptions,
) -> Result<(), Failure> {
    let between: Between<R> = Rc::default();
    let mut first = Some((first, lease));
    let asked = AskedToGo::default();
    for _ in 0..MOST_DEVICES {
        let begun = first.take();
        let (held, asked) = (Rc::clone(&between), asked.clone());
        let make: eframe::AppCreator<'_> = Box::new(move |creation| {
            let ctx = &creation.egui_ctx;
            let mut app = match (begun, held.borrow_mut().take()) {
                (Some((first, lease)), _) => {
                    let mut app = first(ctx);
                    asked.listen(Arc::clone(&app.wake));
                    if let Some(lease) = lease {
                        app.listen(lease);
                    }
                    app
                }
                (None, Some(mut app)) => {
                    app.move_to(ctx);
                    app
                }
                (None, None) => return Err("there is nothing to show".into()),
            };
            app.studio.dropping = dropping(creation);
            let ear = match &creation.wgpu_render_state {
                Some(state) => {
                    canvas::install(state);
                    hear(state, ctx)
                }
                None => Ear::default(),
            };
            Ok(Box::new(Shell {
                app: Some(app),
                between: held,
                ear,
                asked,
                lost: None,
            }))
        });
        let shown = catch_unwind(AssertUnwindSafe(|| eframe::run_native(APP_ID, options(), make)));
        // Closed by the user: the app is gone with its window.
        let Some(app) = &mut *between.borrow_mut() else {
            return match shown {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(no_window(&error.to_string())),
                Err(_) => Err(no_window("the window's toolkit broke off")),
            };
        };
        if shown.is_err() {
            // On a dead device the toolkit breaks off before the loss can be said.
            let words = "the graphics device was lost, or drawing the window failed";
            app.act(Answer::Failed(BROKE.into(), Failure::failed(words)));
        }
        app.save();
    }
    if let Some(mut app) = between.borrow_mut().take() {
        app.put_away();
    }
    Err(Failure::failed(
        "the window broke off again and again: the state is stored; update the graphics driver, or start \
         with WGPU_BACKEND=gl or VK_DRIVER_FILES set to another driver",
    ))
}

fn no_window(reason: &str) -> Failure {
    let reason = reason.lines().next().unwrap_or_default();
    Failure::failed(format!(
        "the window cannot be opened ({reason}): without a display, use a subcommand such as `generate`; --help \
         lists them"
    ))
}

/// Whether this window hears of files that are dropped on it: winit's on Wayland do not.
fn dropping(creation: &eframe::CreationContext<'_>) -> Dropping {
    let display = creation.display_handle().map(|handle| handle.as_raw());
    match display {
        Ok(RawDisplayHandle::Wayland(_)) => Dropping::Unheard,
        _ => Dropping::Works,
    }
}

impl<R: EngineRoom> App<R> {
    /// The same app in another window, on another device.
    pub(crate) fn move_to(&mut self, ctx: &Context) {
        theme::install(ctx);
        *self.aim.lock().unwrap_or_else(PoisonError::into_inner) = ctx.clone();
        // Those were on the lost device; the canvas' own follow by themselves.
        self.textures = crate::ui::textures::Textures::default();
        self.thumbnails.forget_all();
    }
}
