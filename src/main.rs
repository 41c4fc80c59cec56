//! The program: joins the fronts with the models.

use clap::Parser;
use lumina_studio::cli::{self, Args, Desk, ModelArgs, Studio as _, WindowArgs, WindowTheme};
use lumina_studio::session::Session;
use lumina_studio::state::ColourScheme;
use lumina_studio::task::Failure;
use lumina_studio::ui::{self, Backing, Make, Options};
use std::path::Path;
use std::process::ExitCode;

/// The window's models are those of the command line.
struct Models(Desk);

impl Backing for Models {
    type Engine = Session;

    fn open(&self, model: Option<&Path>) -> Result<Make<Session>, Failure> {
        self.0.open(&ModelArgs {
            model: model.map(Path::to_owned),
            ..ModelArgs::default()
        })
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
