//! The command line: arguments in, exit code out.
//!
//! `args` is what is typed, `values` reads single values of it, `job` says what it means, `run` carries it
//! out, `draw` drives the worker, `console` speaks, `keep` writes pictures, `models` gets models from the Hub,
//! `writers` has words rewritten,
//! `serve` opens the HTTP door,
//! `exit` has the codes a run may end with.
//! Models are behind an [`EngineRoom`]. Results go to stdout, all else to stderr.

mod args;
mod console;
mod draw;
mod exit;
mod interrupt;
mod job;
mod keep;
mod model_args;
mod models;
mod names;
mod picture_args;
mod run;
mod serve;
mod values;
mod writers;

pub use args::{
    Args, Command, DrawArgs, ImportArgs, Kind, NoiseKind, PublishedShape, VerifyArgs, WindowArgs, WindowTheme,
};
pub use interrupt::{Heeded, Interrupt};
pub use model_args::ModelArgs;
pub use models::ModelsCommand;
pub use picture_args::{AlternativesArgs, DiffArgs, TimelapseArgs};
pub use run::{refuse, run};
pub use serve::ServeArgs;
pub use writers::{RewriteArgs, WriteArgs, WritersArgs, WritersCommand};
