//! The program: joins the fronts with the models.

use clap::Parser;
use lumina_studio::cli::{
    self, Args, Desk, Device, ImportArgs, ModelArgs, Note, Quant, Studio as _, WindowArgs, WindowTheme,
};
use lumina_studio::model::{found, memory, processors};
use lumina_studio::session::Session;
use lumina_studio::state::ColourScheme;
use lumina_studio::task::{
    Appraisal, Cancel, Failure, Format, ImportStep, ImportWish, Known, Processor, Survey,
};
use lumina_studio::ui::{self, Backing, Make, Options};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The window's models are those of the command line.
struct Models(Desk);

impl Backing for Models {
    type Engine = Session;

    fn open(&self, model: Option<&Path>, processor: Processor) -> Result<Make<Session>, Failure> {
        self.0.open(&ModelArgs {
            model: model.map(Path::to_owned),
            movq: model.filter(|path| path.is_dir()).and_then(movq_for),
            device: device(processor),
            ..ModelArgs::default()
        })
    }

    fn survey(&self, used: &[PathBuf]) -> Survey {
        let found = found::models(used, found::hub_of_user().as_deref());
        let known = found.into_iter().map(|(path, origin)| Known {
            appraisal: self.appraise(&path),
            path,
            origin,
        });
        Survey {
            free_bytes: memory::free_bytes(),
            processors: processors::processors(),
            starter: memory::appraise(None, None).ok(),
            models: known.collect(),
        }
    }

    fn appraise(&self, model: &Path) -> Result<Appraisal, Failure> {
        let movq = Some(model).filter(|path| path.is_dir()).and_then(movq_for);
        memory::appraise(Some(model), movq.as_deref()).map_err(|error| Failure::failed(error.to_string()))
    }

    fn plan_import(&self, folder: &Path) -> ImportWish {
        let format = Format::default();
        let title = found::title(folder);
        let name = title.rsplit('/').next().unwrap_or(&title);
        ImportWish {
            folder: folder.to_owned(),
            movq: movq_for(folder),
            format,
            output: found::shelf_for(folder).join(format!("{name}-{}.gguf", format.name())),
        }
    }

    fn import(
        &self,
        wish: &ImportWish,
        cancel: &Cancel,
        step: &mut dyn FnMut(ImportStep),
    ) -> Result<Vec<String>, Failure> {
        let args = ImportArgs {
            folder: wish.folder.clone(),
            movq: wish
                .movq
                .clone()
                .ok_or_else(|| Failure::usage("the image tokenizer is missing: choose movqgan_270M.ckpt"))?,
            movq_config: None,
            quant: match wish.format {
                Format::Q4K => Quant::Q4K,
                Format::Q8_0 => Quant::Q8_0,
                Format::F16 => Quant::F16,
                Format::Bf16 => Quant::Bf16,
            },
            output: wish.output.clone(),
        };
        let mut remarks = Vec::new();
        let mut note = |note: Note<'_>| match note {
            Note::Step { done, of, what } => step(ImportStep {
                name: what.to_owned(),
                done,
                of,
            }),
            Note::Remark(line) | Note::Result(line) => remarks.push(line.to_owned()),
        };
        self.0.import(&args, cancel, &mut note)?;
        Ok(remarks)
    }
}

/// The image tokenizer of a checkpoint folder, wherever it lies.
fn movq_for(folder: &Path) -> Option<PathBuf> {
    found::movq_for(folder, found::hub_of_user().as_deref())
}

fn device(processor: Processor) -> Device {
    match processor {
        Processor::Auto => Device::Auto,
        Processor::Cpu => Device::Cpu,
        Processor::Cuda => Device::Cuda,
        Processor::Metal => Device::Metal,
    }
}

fn main() -> ExitCode {
    // SAFETY: no other thread runs yet. candle reads it once, before its first product; why it is
    // 1 is said at `model::transformer`'s matrices, which bring their own threads.
    #[allow(unsafe_code)]
    unsafe {
        std::env::set_var("CANDLE_NUM_THREADS", "1");
    }
    let args = Args::parse();
    let code = match &args.command {
        Some(command) => cli::run(command, &Desk),
        None => match window(args.window) {
            Ok(()) => 0,
            Err(failure) => cli::refuse(&failure),
        },
    };
    ExitCode::from(code as u8)
}

fn window(args: WindowArgs) -> Result<(), Failure> {
    if let Some(absent) = args.files.iter().find(|file| !file.is_file()) {
        return Err(Failure::usage(format!(
            "{} is neither a picture nor a command: --help lists the commands",
            absent.display()
        )));
    }
    let options = Options {
        files: args.files,
        model: args.model,
        scheme: args.theme.map(|theme| match theme {
            WindowTheme::System => ColourScheme::System,
            WindowTheme::Dark => ColourScheme::Dark,
            WindowTheme::Light => ColourScheme::Light,
        }),
        zoom: args.zoom,
    };
    ui::run(options, Models(Desk))
}
