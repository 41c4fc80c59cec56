//! Work for the models page, and what other starts of the program hand over.

use super::App;
use super::handed_over::HandedOver;
use super::import_thread::Importing;
use crate::handover::{Lease, Taken};
use crate::state::{Action, Asked, Look, ModelAction, ModelEffect, Target};
use crate::task::{Failure, ImportWish};
use crate::ui::Backing;
use egui::{Context, UserAttentionType, ViewportCommand};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

/// Hand-overs that may wait for the window.
const WAITING: usize = 16;

impl<B: Backing> App<B> {
    pub(crate) fn carry_out_models(&mut self, effect: ModelEffect) {
        let backing = Arc::clone(&self.backing);
        let answer = |action| Some(Action::Models(action));
        match effect {
            // On threads of their own: headers of large files and a driver's answer take a while.
            ModelEffect::Survey(used) => {
                let processor = self.studio.models.processor;
                self.files.errands.wait_for(move || {
                    let survey = backing.survey(&used, processor);
                    answer(ModelAction::Surveyed(Box::new(survey)))
                });
            }
            ModelEffect::Appraise(path) => {
                let processor = self.studio.models.processor;
                self.files.errands.wait_for(move || {
                    let appraisal = backing.appraise(&path, processor);
                    let there = appraisal
                        .as_ref()
                        .map_or(processor, |appraisal| appraisal.runs_on);
                    let look = Look {
                        free_bytes: backing.free_bytes(there),
                        appraisal,
                    };
                    answer(ModelAction::Appraised(path, Box::new(look)))
                });
            }
            ModelEffect::Plan(folder) => {
                self.files
                    .errands
                    .wait_for(move || answer(ModelAction::Plan(backing.plan_import(&folder))));
            }
            ModelEffect::Ask(asked, wish) => self.files.errands.wait_for(move || match asked {
                Asked::Folder => {
                    let folder = dialog("Import a Hugging Face folder").pick_folder()?;
                    answer(ModelAction::Plan(backing.plan_import(&folder)))
                }
                Asked::Movq => {
                    let files = dialog("The image tokenizer: movqgan_270M.ckpt or .safetensors")
                        .add_filter("Checkpoints", &["ckpt", "safetensors", "pt"]);
                    answer(ModelAction::Movq(
                        beside(files, wish.map(|wish| wish.folder)).pick_file()?,
                    ))
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
                    answer(ModelAction::Output(beside(files, folder).save_file()?))
                }
            }),
            ModelEffect::Import(wish) => self.begin_import(wish),
            ModelEffect::CancelImport => {
                if let Some(importing) = &self.importing {
                    importing.cancel.cancel();
                }
            }
        }
    }

    fn begin_import(&mut self, wish: ImportWish) {
        let backing = Arc::clone(&self.backing);
        self.importing = Some(Importing::begin(&self.wake, move |cancel, step| {
            backing.import(&wish, cancel, step)
        }));
    }

    /// Takes in how far an import is.
    pub(crate) fn import_step(&mut self) {
        let Some(importing) = &self.importing else { return };
        let (step, ended) = (importing.step(), importing.ended());
        if let Some((step, elapsed_secs)) = step {
            self.act(Action::Models(ModelAction::Stepped(step, elapsed_secs)));
        }
        if let Some(ended) = ended {
            self.importing = None;
            self.act(Action::Models(ModelAction::Ended(ended)));
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
            self.act(Action::Failed("Other starts cannot be heard", failure));
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
                true => self.act(Action::Open(path, Target::Canvas)),
                false => {
                    let failure = Failure::failed(format!("{}: there is no such file", path.display()));
                    self.act(Action::Failed("The picture cannot be read", failure));
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
