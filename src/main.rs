//! The program: joins the fronts with the models.

use clap::Parser;
use lumina_studio::cli::{self, Args, Desk};
use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(cli::run(&Args::parse(), &Desk) as u8)
}
