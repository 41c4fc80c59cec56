//! The program: joins the fronts with the models.

use clap::Parser;
use lumina_studio::cli::Args;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    // Joined at merge: `ExitCode::from(cli::run(&args, &studio) as u8)`.
    eprintln!("lumina-studio: no studio is joined to {:?}", args.command);
    ExitCode::FAILURE
}
