//! The program: joins the fronts with the models.

use clap::Parser;
use lumina_studio::cli::{self, Args, Desk};
use std::process::ExitCode;

fn main() -> ExitCode {
    // SAFETY: no other thread runs yet. candle reads it once, before its first product; why it is
    // 1 is said at `model::transformer`'s matrices, which bring their own threads.
    #[allow(unsafe_code)]
    unsafe {
        std::env::set_var("CANDLE_NUM_THREADS", "1");
    }
    ExitCode::from(cli::run(&Args::parse(), &Desk) as u8)
}
