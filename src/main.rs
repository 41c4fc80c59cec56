//! The program: joins the fronts with the models.

use clap::Parser;
use lumina_studio::cli::{self, Args, WindowArgs, WindowTheme};
use lumina_studio::engine_room::LocalModels;
use lumina_studio::state::ColourScheme;
use lumina_studio::task::Failure;
use lumina_studio::ui::{self, Options};
use std::io::ErrorKind;
use std::process::ExitCode;

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
    let args = match Args::try_parse() {
        Ok(args) => args,
        // Help and the version are results like any other.
        Err(told) => match told.print() {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => return ExitCode::FAILURE,
            Ok(()) | Err(_) => return ExitCode::from(told.exit_code() as u8),
        },
    };
    let code = match &args.command {
        Some(command) => cli::run(command, &LocalModels),
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
    ui::run(options, LocalModels)
}
