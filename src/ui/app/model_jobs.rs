//! Work for the models page, and what other starts of the program hand over.

use super::App;
use super::background::caught;
use super::handed_over::HandedOver;
use super::import_thread::Importing;
use crate::engine_room::EngineRoom;
use crate::handover::{Lease, Taken};
use crate::state::{
    Action, Answer, Asked, FileAction, ImportAction, Look, ModelAnswer, ModelEffect, Target, Wanted,
};
use crate::task::{Cancel, Cause, Failure, ImportWish};
use crate::ui::platform::desktop;
use egui::{Context, UserAttentionType, ViewportCommand};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

/// Hand-overs that may wait for the window.
const WAITING: usize = 16;

impl<R: EngineRoom> App<R> {
    pub(crate) fn carry_out_models(&mut self, effect: ModelEffect) {
        let engine_room = Arc::clone(&self.engine_room);
        match effect {
            // On threads of their own: headers of large files and a driver's answer take a while.
            ModelEffect::Survey(used) => {
                let device = self.studio.models.device;
                self.files.errands.wait_for(move || {
                    let survey = engine_room.survey(&used, device);
                    Some(ModelAnswer::Surveyed(Box::new(survey)))
                });
            }
            ModelEffect::Appraise(path) => {
                let device = self.studio.models.device;
                self.files.errands.wait_for(move || {
                    // A panic, too, is an answer the model waits for.
                    let appraisal = caught(|| engine_room.appraise(&path, device)).unwrap_or_else(Err);
                    let there = appraisal.as_ref().map_or(device, |appraisal| appraisal.runs_on);
                    let look = Look {
                        free_bytes: engine_room.free_bytes(there),
                        appraisal,
                    };
                    Some(ModelAnswer::Appraised(path, Box::new(look)))
                });
            }
            ModelEffect::Plan(folder) => {
                self.files
                    .errands
                    .wait_for(move || Some(ModelAnswer::Planned(engine_room.plan_import(&folder))));
            }
            ModelEffect::Ask(asked, wish) => self.files.errands.wait_for::<Action>(move || match asked {
                _ if !desktop::has_dialogs() => Some(Answer::NoDialog(Wanted::Import(asked)).into()),
                Asked::Folder => {
                    let folder = dialog("Import a Hugging Face folder").pick_folder()?;
                    Some(ModelAnswer::Planned(engine_room.plan_import(&folder)).into())
                }
                Asked::Movq => {
                    let files = dialog("The image tokenizer: movqgan_270M.ckpt or .safetensors")
                        .add_filter("Checkpoints", &["ckpt", "safetensors", "pt"]);
                    let folder = wish.map(|wish| wish.folder);
                    Some(ImportAction::Movq(beside(files, folder).pick_file()?).into())
                }
                Asked::Output => {
                    let output = wish.map(|wish| wish.output).unwrap_or_default();
                    let name = output
                        .file_name()
                        .unwrap_or_default()
                        .to_string_lossy()
                        .into_owned();
                    let files = dialog("Save the model as")
                        .add_filter("Models", &["gguf"])
                        .set_file_name(name);
                    let folder = output.parent().map(PathBuf::from);
                    Some(ImportAction::Output(beside(files, folder).save_file()?).into())
                }
            }),
            ModelEffect::Fit(wish) => {
                let device = self.studio.models.device;
                self.files.errands.wait_for(move || {
                    let fitting = caught(|| engine_room.fit(&wish, device)).unwrap_or_else(Err);
                    Some(ModelAnswer::Fitted(wish.folder, fitting))
                });
            }
            ModelEffect::Measure(wish, fitting) => {
                let cancel = Cancel::new();
                self.measuring = cancel.clone();
                self.files.errands.wait_for(move || {
                    let measured = caught(|| engine_room.measure_fit(&wish, fitting, &cancel));
                    Some(ModelAnswer::Measured(wish.folder, measured.unwrap_or_else(Err)))
                });
            }
            ModelEffect::StopMeasuring => self.measuring.cancel(),
            ModelEffect::Import(wish) => self.begin_import(wish),
            ModelEffect::Hub(effect) => self.carry_out_hub(effect),
            ModelEffect::CancelImport => {
                if let Some(importing) = &self.importing {
                    importing.cancel.cancel();
                }
            }
        }
    }

    fn begin_import(&mut self, wish: ImportWish) {
        let engine_room = Arc::clone(&self.engine_room);
        self.importing = Some(Importing::begin(&self.wake, move |cancel, step| {
            engine_room.import(&wish, cancel, step)
        }));
    }

    /// Takes in how far an import is.
    pub(crate) fn import_step(&mut self) {
        let Some(importing) = &self.importing else { return };
        let (step, ended) = (importing.step(), importing.ended());
        if let Some((step, elapsed_secs)) = step {
            self.act(ModelAnswer::Stepped(step, elapsed_secs));
        }
        if let Some(ended) = ended {
            self.importing = None;
            self.act(ModelAnswer::Ended(ended));
        }
    }

    /// From now on other starts of the program hand their files to this window.
    pub(crate) fn listen(&mut self, mut lease: Lease) {
        let (sender, files) = sync_channel(WAITING);
        let wake = Arc::clone(&self.wake);
        let listening = lease.listen(move |brought| {
            let taken = match sender.try_send(brought) {
                Ok(()) => Taken::Yes,
                Err(_) => Taken::No,
            };
            wake();
            taken
        });
        self.handed = Some(HandedOver { lease, files });
        if let Err(failure) = listening {
            self.act(Answer::Failed("Other starts cannot be heard".into(), failure));
        }
    }

    /// Opens what other starts brought, and comes to the front.
    pub(crate) fn welcome_files(&mut self, ctx: &Context) {
        let Some(handed) = &self.handed else { return };
        let brought: Vec<Vec<PathBuf>> = handed.files.try_iter().collect();
        if brought.is_empty() {
            return;
        }
        for path in brought.into_iter().flatten() {
            match path.is_file() {
                true => self.act(FileAction::Open(path, Target::Canvas)),
                false => {
                    let failure = Failure::failed(format!("{}: there is no such file", path.display()))
                        .because(Cause::Missing);
                    self.act(Answer::Failed("The picture cannot be read".into(), failure));
                }
            }
        }
        ctx.send_viewport_cmd(ViewportCommand::Minimized(false));
        ctx.send_viewport_cmd(ViewportCommand::Focus);
        ctx.send_viewport_cmd(ViewportCommand::RequestUserAttention(
            UserAttentionType::Informational,
        ));
    }
}

fn dialog(title: &str) -> rfd::FileDialog {
    rfd::FileDialog::new().set_title(title)
}

fn beside(dialog: rfd::FileDialog, folder: Option<PathBuf>) -> rfd::FileDialog {
    match folder {
        Some(folder) => dialog.set_directory(folder),
        None => dialog,
    }
}
