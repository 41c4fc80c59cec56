//! The program: joins the fronts with the models.

use clap::Parser;
use lumina_studio::cli::{
    self, Args, Desk, Device, ImportArgs, ModelArgs, Note, Quant, Studio as _, WindowArgs, WindowTheme,
};
use lumina_studio::model::{discovery, memory, processors};
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

    fn survey(&self, used: &[PathBuf], processor: Processor) -> Survey {
        let found = discovery::models(used, discovery::hub_of_user().as_deref());
        let known = found.into_iter().map(|(path, origin)| Known {
            appraisal: self.appraise(&path, processor),
            path,
            origin,
        });
        Survey {
            free_bytes: memory::free_bytes(),
            processors: processors::processors(),
            starter: memory::appraise(None, None, processor).ok(),
            models: known.collect(),
        }
    }

    fn appraise(&self, model: &Path, processor: Processor) -> Result<Appraisal, Failure> {
        let movq = Some(model).filter(|path| path.is_dir()).and_then(movq_for);
        memory::appraise(Some(model), movq.as_deref(), processor)
            .map_err(|error| Failure::failed(error.to_string()))
    }

    fn free_bytes(&self, processor: Processor) -> Option<u64> {
        processors::free_bytes(processor)
    }

    fn plan_import(&self, folder: &Path) -> ImportWish {
        let format = Format::default();
        let title = discovery::title(folder);
        let name = title.rsplit('/').next().unwrap_or(&title);
        ImportWish {
            folder: folder.to_owned(),
            movq: movq_for(folder),
            format,
            output: discovery::shelf_for(folder).join(format!("{name}-{}.gguf", format.name())),
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
    discovery::movq_for(folder, discovery::hub_of_user().as_deref())
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
    // SAFETY: no other thread runs yet. candle reads the first once, before its first product; why
    // it is 1 is said at `model::matrix`, which brings its own threads. The second it asks for at
    // every product, and where it is not set it reads all of /proc/cpuinfo instead.
    #[allow(unsafe_code)]
    unsafe {
        std::env::set_var("CANDLE_NUM_THREADS", "1");
        if std::env::var_os("RAYON_NUM_THREADS").is_none() {
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            std::env::set_var("RAYON_NUM_THREADS", threads.to_string());
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use lumina_studio::task::Fault;

    fn starter() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/starter")
    }

    fn wish(folder: &Path) -> ImportWish {
        let mut wish = Models(Desk).plan_import(&starter());
        assert_eq!(
            wish.movq,
            Some(starter().join("movqgan.ckpt")),
            "it is found by itself"
        );
        assert_eq!(
            wish.output.file_name().and_then(|name| name.to_str()),
            Some("starter-q4_k.gguf")
        );
        wish.output = folder.join("made.gguf");
        wish
    }

    #[test]
    fn a_folder_becomes_a_model_that_is_found_and_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let (wish, models) = (wish(folder.path()), Models(Desk));
        let mut steps = Vec::new();
        let remarks = models.import(&wish, &Cancel::new(), &mut |step| steps.push(step));
        remarks.expect("a model");
        assert!(steps.len() > 100 && steps.windows(2).all(|two| two[0].done < two[1].done));
        assert!(
            steps
                .iter()
                .all(|step| step.done <= step.of && !step.name.is_empty())
        );
        let survey = models.survey(std::slice::from_ref(&wish.output), Processor::Cpu);
        let made = survey
            .models
            .iter()
            .find(|known| known.path == wish.output)
            .expect("it is there");
        let appraisal = made.appraisal.as_ref().expect("headers");
        assert_eq!(appraisal.format, "q4_k");
        let starter = survey.starter.expect("the starter");
        assert!(appraisal.needs.weights < starter.needs.weights, "q8_0 is larger");
        let (name, _) =
            (models.open(Some(&wish.output), Processor::Cpu).expect("a file"))().expect("a model");
        assert!(name.starts_with("made"));
        assert!(survey.free_bytes.is_some_and(|free| free > 1 << 20) || cfg!(not(target_os = "linux")));
    }

    #[test]
    fn a_cancelled_import_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let (wish, cancel) = (wish(folder.path()), Cancel::new());
        let ended = Models(Desk).import(&wish, &cancel, &mut |step| {
            if step.done > step.of / 2 {
                cancel.cancel();
            }
        });
        assert!(ended.is_err());
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
        let without = ImportWish { movq: None, ..wish };
        let refused = Models(Desk).import(&without, &Cancel::new(), &mut |_| {});
        assert!(refused.is_err_and(|failure| failure.fault == Fault::Usage));
    }
}
