//! The models page, imports and a second start, with models told by a script.

use super::test_window::{app, has, until};
use super::*;
use crate::engine_room::{EngineRoom, HubRoom, Make, ModelSource};
use crate::handover::{self, Start};
use crate::hub::Settings;
use crate::pixels::Size;
use crate::state::{
    Dropping, Ending, Import, ImportAction, Model, ModelAction, ModelAnswer, Pace, Page, ViewAction,
};
use crate::task::{
    Appraisal, Cancel, Device, DeviceState, Engine, Failure, Fitting, Format, ImportStep, ImportWish, Known,
    Needs, Origin, Picture, Plan, Progress, Stop, Survey, Task, Way,
};
use egui_kittest::kittest::Queryable;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

const GB: u64 = 1_000_000_000;

/// What the script was asked.
#[derive(Debug, Default)]
pub(super) struct Asked {
    opened: Vec<(Option<PathBuf>, Device)>,
}

/// Models on no disk: `big.gguf` needs 18 GB, everything else 1 GB, 12 GB are free.
#[derive(Default)]
pub(super) struct Shelf {
    asked: Mutex<Asked>,
    /// What an import does after its first tensor.
    then: Option<Then>,
    hub: Option<HubRoom>,
}

impl Shelf {
    /// One with models of the Hub.
    pub(super) fn with_hub(hub: HubRoom) -> Self {
        Self {
            hub: Some(hub),
            ..Self::default()
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    WaitForCancel,
    Panic,
}

pub(super) struct Still;

impl Engine for Still {
    fn run(&mut self, _: &Task, _: &Cancel, _: &mut dyn FnMut(Progress)) -> Result<Vec<Picture>, Stop> {
        Err(Stop::Cancelled(Vec::new()))
    }
}

fn needs(bytes: u64) -> Needs {
    Needs {
        weights: bytes / 2,
        cache: bytes / 2,
        decode: 0,
        file: bytes / 2,
    }
}

fn appraisal(name: &str, bytes: u64) -> Appraisal {
    Appraisal {
        name: name.to_owned(),
        note: None,
        provenance: Some("Alpha-VLLM/Lumina-mGPT-2.0".to_owned()),
        licence: Some("Apache-2.0".to_owned()),
        format: "f16".to_owned(),
        weights: 7 * GB,
        size: Size::new(768, 768),
        runs_on: Device::Cpu,
        needs: needs(bytes),
        plans: vec![Plan::Stored(Format::Q4K, needs(bytes / 2))],
    }
}

impl EngineRoom for Shelf {
    type Engine = Still;

    fn open(&self, source: &ModelSource) -> Result<Make<Still>, Failure> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.opened.push((source.model.clone(), source.device));
        let name = source
            .model
            .as_ref()
            .map_or_else(|| "starter".to_owned(), |path| path.display().to_string());
        Ok(Box::new(move || Ok((name, Still))))
    }

    fn survey(&self, used: &[PathBuf], device: Device) -> Survey {
        let hub = PathBuf::from("/hf/models--Alpha-VLLM--Lumina-mGPT-2.0/snapshots/0123");
        let known = |path: PathBuf, origin| Known {
            appraisal: self.appraise(&path, device),
            path,
            origin,
        };
        let used = used.iter().map(|path| known(path.clone(), Origin::Used));
        Survey {
            free_bytes: Some(12 * GB),
            devices: vec![
                DeviceState {
                    device: Device::Cpu,
                    about: "2 threads".to_owned(),
                    hindrance: None,
                    free_bytes: None,
                },
                DeviceState {
                    device: Device::Cuda,
                    about: String::new(),
                    hindrance: Some("no NVIDIA driver was found".to_owned()),
                    free_bytes: None,
                },
            ],
            starter: Some(appraisal("starter", GB / 10)),
            models: used.chain([known(hub, Origin::Hub)]).collect(),
        }
    }

    fn appraise(&self, model: &Path, _: Device) -> Result<Appraisal, Failure> {
        match model.file_name().is_some_and(|name| name == "big.gguf") {
            true => Ok(appraisal("7B", 18 * GB)),
            false => Ok(appraisal("small", GB)),
        }
    }

    fn hub(&self) -> HubRoom {
        // A home that nobody has.
        let variable = |name: &str| (name == "HOME").then(|| "/nonexistent".into());
        let nobody = || HubRoom::with(Settings::from(&variable), None);
        self.hub.clone().unwrap_or_else(nobody)
    }

    fn free_bytes(&self, _: Device) -> Option<u64> {
        Some(12 * GB)
    }

    fn plan_import(&self, folder: &Path) -> ImportWish {
        ImportWish {
            folder: folder.to_owned(),
            movq: Some(folder.join("movqgan.ckpt")),
            movq_config: None,
            format: Format::Q4K,
            output: folder.join("lumina-q4_k.gguf"),
        }
    }

    fn fit(&self, _: &ImportWish, device: Device) -> Result<Fitting, Failure> {
        let sizes = [
            (Format::Q4K, 9),
            (Format::Q8_0, 11),
            (Format::F16, 18),
            (Format::Bf16, 18),
        ];
        let ways = sizes.map(|(format, held)| Way {
            format,
            device: Device::Cpu,
            needs: needs(held * GB),
            free_bytes: self.free_bytes(device),
            file_bytes: held * GB / 2,
            seconds: None,
        });
        Ok(Fitting {
            size: Some(Size::new(768, 768)),
            ways: ways.into(),
        })
    }

    fn measure_fit(&self, _: &ImportWish, mut fitting: Fitting, _: &Cancel) -> Result<Fitting, Failure> {
        for (index, way) in fitting.ways.iter_mut().enumerate().filter(|(_, way)| way.fits()) {
            way.seconds = Some(120.0 * (index + 1) as f64);
        }
        Ok(fitting)
    }

    fn import(
        &self,
        wish: &ImportWish,
        cancel: &Cancel,
        step: &mut dyn FnMut(ImportStep),
    ) -> Result<Vec<String>, Failure> {
        let told = |done| ImportStep {
            name: "model.layers.3.mlp.up_proj.weight".to_owned(),
            done,
            of: 4 * GB,
        };
        step(told(GB));
        match self.then {
            Some(Then::Panic) => panic!("scripted"),
            Some(Then::WaitForCancel) => {
                while !cancel.is_cancelled() {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
                return Err(Failure::failed("the import was cancelled, nothing was written"));
            }
            None => {}
        }
        step(told(4 * GB));
        std::fs::write(&wish.output, "GGUF").map_err(|error| Failure::failed(error.to_string()))?;
        Ok(vec!["2 matrices are stored as q8_0".to_owned()])
    }
}

type Window = test_window::Window<Shelf>;

fn window(folder: &Path, then: Option<Then>) -> Window {
    let engine_room = move || Shelf {
        asked: Mutex::default(),
        then,
        hub: None,
    };
    let mut window = test_window::open(&Places::below(folder), [1280.0, 1400.0], engine_room);
    until(&mut window, |app| matches!(app.studio.model, Model::Ready { .. }));
    window
}

fn click(window: &mut Window, label: &str) {
    window.get_by_label(label).click();
    window.run_ok();
}

fn opened(window: &mut Window) -> Vec<Option<PathBuf>> {
    let asked = app(window)
        .engine_room
        .asked
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    asked.opened.iter().map(|(path, _)| path.clone()).collect()
}

fn show_page(window: &mut Window) {
    app(window).act(ViewAction::Page(Page::Models));
    until(window, |app| app.studio.models.survey.is_some());
}

#[test]
fn the_page_says_what_there_is_what_it_needs_and_where_it_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), None);
    show_page(&mut window);
    for words in [
        "A small model of a small world",
        "needs about 100 MB for 768x768, 12.0 GB free",
        "Alpha-VLLM/Lumina-mGPT-2.0",
        "in the Hugging Face cache",
        "needs about 1.0 GB for 768x768, 12.0 GB free",
        "Licence: Apache-2.0",
        "Not CUDA: no NVIDIA driver was found",
        "CPU · 2 threads",
    ] {
        assert!(has(&window, words), "{words}");
    }
    // A choice of one is none.
    assert!(!has(&window, "Draw on") || has(&window, "Draws on"));
    assert!(window.query_by_label("Metal").is_none());
}

#[test]
fn a_model_that_does_not_fit_is_loaded_only_when_the_user_insists() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), None);
    let big = folder.path().join("big.gguf");
    std::fs::write(&big, "").expect("a file");
    app(&mut window).act(ModelAction::Load(Some(big.clone())));
    until(&mut window, |app| {
        app.studio.page == Page::Models && app.studio.models.survey.is_some()
    });
    assert_eq!(opened(&mut window), [None], "only the starter was loaded");
    assert!(
        matches!(app(&mut window).studio.model, Model::Ready { .. }),
        "it stays"
    );
    for words in [
        "The model may not fit into memory",
        "7B needs about 18.0 GB for 768x768, 12.0 GB are free",
        "needs about 18.0 GB for 768x768, 12.0 GB free",
        "imported as q4_k it needs about 9.0 GB",
        "close programs that hold 6.0 GB",
    ] {
        assert!(has(&window, words), "{words}");
    }
    click(&mut window, "Load anyway: big.gguf");
    until(
        &mut window,
        |app| matches!(&app.studio.model, Model::Ready { name, .. } if name.ends_with("big.gguf")),
    );
    assert_eq!(opened(&mut window), [None, Some(big.clone())]);
    // One that fits is loaded at once.
    let small = folder.path().join("small.gguf");
    app(&mut window).act(ModelAction::Load(Some(small.clone())));
    until(
        &mut window,
        |app| matches!(&app.studio.model, Model::Ready { name, .. } if name.ends_with("small.gguf")),
    );
    assert_eq!(opened(&mut window), [None, Some(big), Some(small)]);
}

#[test]
fn the_last_model_is_looked_at_before_it_is_loaded_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let big = folder.path().join("big.gguf");
    let mut studio = crate::state::Studio::default();
    studio.model_path = Some(big.clone());
    assert_eq!(
        studio.first_model(),
        [crate::state::Effect::Models(crate::state::ModelEffect::Appraise(
            big.clone()
        ))]
    );
    let look = crate::state::Look {
        appraisal: Ok(appraisal("7B", 18 * GB)),
        free_bytes: Some(12 * GB),
    };
    studio.act(ModelAnswer::Appraised(big.clone(), Box::new(look)));
    assert!(matches!(&studio.model, Model::Failed(failure) if failure.message.contains("18.0 GB")));
    let effects = studio.act(ModelAction::LoadAnyway(big.clone()));
    assert!(effects.contains(&crate::state::Effect::Load(Some(big))));
}

#[test]
fn a_folder_is_imported_with_progress_and_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), None);
    show_page(&mut window);
    let checkpoint = folder.path().to_owned();
    app(&mut window).act(ImportAction::PlanFor(checkpoint.clone()));
    until(&mut window, |app| {
        matches!(app.studio.models.import, Import::Planned(_))
    });
    assert!(has(&window, "movqgan.ckpt") && has(&window, "lumina-q4_k.gguf"));
    assert!(has(&window, "smallest and fastest"));
    // What fits is advised and measured at once.
    until(&mut window, |app| app.studio.models.fit.pace == Pace::Known);
    for words in [
        "How it is stored, and what a picture of 768x768 takes here",
        "CPU · 9.0 GB of 12.0 GB free · 2 min a picture at most · advised",
        "CPU · 11.0 GB of 12.0 GB free · 4 min a picture at most",
        "CPU · 18.0 GB of 12.0 GB free · does not fit",
        "one code a forward",
        "The file takes about 4.5 GB on the disk",
    ] {
        assert!(has(&window, words), "{words}");
    }
    click(&mut window, "q8_0");
    assert!(has(&window, "lumina-q8_0.gguf") && has(&window, "nearly the exact pictures"));
    click(&mut window, "Import and open");
    until(&mut window, |app| {
        matches!(app.studio.models.import, Import::Done { .. })
    });
    assert!(has(&window, "2 matrices are stored as q8_0"));
    let made = checkpoint.join("lumina-q8_0.gguf");
    assert!(made.is_file());
    // It is opened by itself.
    until(&mut window, |app| app.studio.model_path.is_some());
    assert_eq!(opened(&mut window).last(), Some(&Some(made)));
}

#[test]
fn an_import_can_be_cancelled() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), Some(Then::WaitForCancel));
    show_page(&mut window);
    app(&mut window).act(ImportAction::PlanFor(folder.path().to_owned()));
    until(&mut window, |app| {
        matches!(app.studio.models.import, Import::Planned(_))
    });
    click(&mut window, "Import and open");
    until(
        &mut window,
        |app| matches!(&app.studio.models.import, Import::Running { step, .. } if step.done == GB),
    );
    assert!(has(&window, "25 % · 1.0 GB of 4.0 GB") && has(&window, "left"));
    assert!(has(&window, "model.layers.3.mlp.up_proj.weight"));
    // A second one is not begun.
    app(&mut window).act(ImportAction::PlanFor(folder.path().to_owned()));
    assert!(matches!(
        app(&mut window).studio.models.import,
        Import::Running {
            ending: Ending::No,
            ..
        }
    ));
    click(&mut window, "Cancel");
    until(&mut window, |app| {
        matches!(app.studio.models.import, Import::Planned(_))
    });
    assert!(has(&window, "The import was cancelled"));
    assert!(!folder.path().join("lumina-q4_k.gguf").exists());
    assert!(app(&mut window).studio.mishaps.is_empty(), "that is no mishap");
}

#[test]
fn an_import_that_breaks_off_is_a_failure_and_closing_ends_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut broken = window(folder.path(), Some(Then::Panic));
    let plan = ImportAction::PlanFor(folder.path().to_owned());
    app(&mut broken).act(plan.clone());
    until(&mut broken, |app| {
        matches!(app.studio.models.import, Import::Planned(_))
    });
    click(&mut broken, "Import and open");
    until(&mut broken, |app| !app.studio.mishaps.is_empty());
    assert!(has(&broken, "The folder could not be imported") && has(&broken, "broke off"));
    let other = tempfile::tempdir().expect("a folder");
    let mut waiting = window(other.path(), Some(Then::WaitForCancel));
    app(&mut waiting).act(plan);
    until(&mut waiting, |app| {
        matches!(app.studio.models.import, Import::Planned(_))
    });
    click(&mut waiting, "Import and open");
    // Waits for the thread, which waits for the cancel.
    app(&mut waiting).put_away();
}

#[test]
fn files_of_a_second_start_are_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), None);
    let data = Places::below(folder.path()).data;
    let Ok(Start::First(lease)) = handover::start(&data, &[]) else {
        panic!("there is no other window");
    };
    app(&mut window).listen(lease);
    let photo = folder.path().join("photo.png");
    image::RgbImage::from_pixel(40, 32, image::Rgb([9, 99, 199]))
        .save(&photo)
        .expect("a file");
    let gone = folder.path().join("gone.png");
    assert!(matches!(
        handover::start(&data, &[photo, gone]),
        Ok(Start::HandedOver)
    ));
    until(&mut window, |app| app.studio.draft.chain.current().is_some());
    let turn = app(&mut window).studio.draft.chain.current().expect("a source");
    assert_eq!(
        (turn.photo.name.as_str(), turn.photo.pixels.size()),
        ("photo.png", Size::new(40, 32))
    );
    assert!(has(&window, "gone.png: there is no such file"));
    // A window that goes hears nobody any more; the next start is the window then.
    app(&mut window).put_away();
    app(&mut window).handed = None;
    assert!(matches!(handover::start(&data, &[]), Ok(Start::First(_))));
}

#[test]
fn where_drops_are_not_heard_the_window_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path(), None);
    assert!(app(&mut window).studio.dropping == Dropping::Works);
    // Painted words have no names; what is read out has.
    app(&mut window).studio.dropping = Dropping::Unheard;
    window.run_ok();
    assert!(has(
        &window,
        "Open a picture: dropping does not work on this desktop"
    ));
}
