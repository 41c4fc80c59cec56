//! The command line: arguments in, exit code out.
//!
//! `args` is what is typed, `job` what it means, `draw` drives the worker, `console` speaks.
//! Models and files are behind [`Studio`], so that everything here is tested with a scripted
//! engine. Results go to stdout, all else to stderr.

mod args;
mod console;
mod desk;
mod draw;
mod interrupt;
mod job;
mod names;

pub use args::{
    Args, Command, Device, DrawArgs, ImportArgs, Kind, Kv, ModelArgs, NoiseKind, PublishedShape, Quant,
    VerifyArgs, WindowArgs, WindowTheme,
};
pub use desk::Desk;
pub use interrupt::Interrupt;

use crate::pixels::{Mask, Pixels};
use crate::saved_picture::Saving;
use crate::task::{Cancel, Engine, Failure, Fault, Task};
use console::Console;
use serde_json::Value;
use std::io::{IsTerminal, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Exit codes.
const DONE: i32 = 0;
const FAILED: i32 = 1;
const USAGE: i32 = 2;
const CANCELLED: i32 = 130;

/// Makes an engine on the worker's thread, and names its model.
pub type Make<E> = Box<dyn FnOnce() -> Result<(String, E), Failure> + Send>;

/// What a long piece of work says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Note<'a> {
    /// How far it is (any unit) and what it is at; the next one replaces it.
    Step { done: u64, of: u64, what: &'a str },
    /// Worth keeping on the screen.
    Remark(&'a str),
    /// A line of the result (stdout).
    Result(&'a str),
}

/// What an `info` answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Info {
    pub text: String,
    /// Every setting, and for a picture `"tokens"`: its codes row by row.
    pub json: Value,
}

/// The models and files behind the commands. Files are written whole or not at all.
pub trait Studio {
    type Engine: Engine + 'static;

    /// Measures forwards of a published shape with random weights.
    fn measure(
        &self,
        shape: PublishedShape,
        quant: Quant,
        model: &ModelArgs,
        note: &mut dyn FnMut(Note<'_>),
    ) -> Result<(), Failure>;

    /// Checks what can be checked at once; the loading itself is left to the returned closure.
    fn open(&self, model: &ModelArgs) -> Result<Make<Self::Engine>, Failure>;
    /// PNG, JPEG or WebP, upright, opaque.
    fn read_picture(&self, path: &Path) -> Result<Pixels, Failure>;
    /// White may be redrawn.
    fn read_mask(&self, path: &Path) -> Result<Mask, Failure>;
    fn save(&self, path: &Path, saving: &Saving<'_>) -> Result<(), Failure>;
    /// The task that finishes a stopped picture: its settings, its codes in `resume`.
    fn stopped(&self, file: &Path, source: Option<&Path>) -> Result<Task, Failure>;
    fn info(&self, file: &Path) -> Result<Info, Failure>;
    /// Decodes the codes stored in `file` into `output`.
    fn redraw(
        &self,
        file: &Path,
        source: Option<&Path>,
        output: &Path,
        model: &ModelArgs,
    ) -> Result<(), Failure>;
    fn import(
        &self,
        args: &ImportArgs,
        cancel: &Cancel,
        note: &mut dyn FnMut(Note<'_>),
    ) -> Result<(), Failure>;
    /// Whether every case is within its tolerances.
    fn verify(
        &self,
        args: &VerifyArgs,
        cancel: &Cancel,
        note: &mut dyn FnMut(Note<'_>),
    ) -> Result<bool, Failure>;
    fn bench(
        &self,
        model: &ModelArgs,
        cancel: &Cancel,
        note: &mut dyn FnMut(Note<'_>),
    ) -> Result<(), Failure>;
}

/// Carries out one command line and returns the process's exit code.
pub fn run<S: Studio>(command: &Command, studio: &S) -> i32 {
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    let live = err.is_terminal();
    // A fault of this program is told in one line, too; `RUST_BACKTRACE=full` shows where it is.
    if std::env::var_os("RUST_BACKTRACE").is_none_or(|wish| wish != "full") {
        std::panic::set_hook(Box::new(|_| {}));
    }
    let screen = Screen {
        out: &mut out,
        err: &mut err,
        live,
    };
    let interrupt = Interrupt::of_signals();
    let ended = catch_unwind(AssertUnwindSafe(|| run_on(command, studio, &interrupt, screen)));
    ended.unwrap_or_else(|_| {
        let _ = writeln!(
            std::io::stderr(),
            "lumina-studio: a fault of this program; run it with RUST_BACKTRACE=full to see where"
        );
        FAILED
    })
}

/// Says on stderr why the program ends, and returns its exit code.
pub fn refuse(failure: &Failure) -> i32 {
    let mut err = std::io::stderr();
    // Where nobody listens the exit code has to do.
    let _ = writeln!(err, "error: {failure}");
    match failure.fault {
        Fault::Usage => USAGE,
        Fault::Failed => FAILED,
    }
}

/// Where a run speaks.
struct Screen<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    live: bool,
}

fn run_on<S: Studio>(command: &Command, studio: &S, interrupt: &Interrupt, screen: Screen<'_>) -> i32 {
    let mut console = Console {
        out: screen.out,
        err: screen.err,
        json: command.is_json(),
        live: screen.live,
        rows: 0,
        row: 0,
        covered: 0,
    };
    let ended = match job::resolve(command, studio) {
        Ok(Some(job)) => draw::draw(job, studio, interrupt, &mut console),
        Ok(None) => other(command, studio, interrupt.token(), &mut console),
        Err(failure) => Err(failure),
    };
    ended.unwrap_or_else(|failure| {
        console.failed(&failure);
        match failure.fault {
            Fault::Usage => USAGE,
            Fault::Failed => FAILED,
        }
    })
}

/// The commands that need no worker.
fn other<S: Studio>(
    command: &Command,
    studio: &S,
    cancel: &Cancel,
    console: &mut Console<'_>,
) -> Result<i32, Failure> {
    let mut note = |note: Note<'_>| match note {
        Note::Step { done, of, what } => {
            let percent = (100 * u128::from(done)) / u128::from(of.max(1));
            console.update(&format!("{percent:3} % {what}"));
        }
        Note::Remark(line) => console.say(line),
        Note::Result(line) => console.result(line),
    };
    let done = match command {
        Command::Info { file, json } => {
            let info = studio.info(file)?;
            let line = if *json { info.json.to_string() } else { info.text };
            note(Note::Result(line.trim_end()));
            Ok(true)
        }
        Command::Redraw {
            file,
            source,
            output,
            model,
        } => {
            names::check(output)?;
            studio
                .redraw(file, source.as_deref(), output, model)
                .map(|()| note(Note::Result(&output.display().to_string())))
                .map(|()| true)
        }
        Command::Import(args) => {
            names::place(&args.output)?;
            studio
                .import(args, cancel, &mut note)
                .map(|()| note(Note::Result(&args.output.display().to_string())))
                .map(|()| true)
        }
        Command::Verify(args) => studio.verify(args, cancel, &mut note),
        Command::Bench {
            shape: Some(shape),
            quant,
            model,
        } => studio.measure(*shape, *quant, model, &mut note).map(|()| true),
        Command::Bench { model, .. } => studio.bench(model, cancel, &mut note).map(|()| true),
        Command::Generate { .. }
        | Command::Pair { .. }
        | Command::Control { .. }
        | Command::Subject { .. }
        | Command::Edit { .. }
        | Command::Predict { .. }
        | Command::Resume { .. } => Err(Failure::failed("this command draws")),
    };
    match done {
        Err(_) if cancel.is_cancelled() => {
            console.say("cancelled");
            Ok(CANCELLED)
        }
        Ok(true) => Ok(DONE),
        Ok(false) => Ok(FAILED),
        Err(failure) => Err(failure),
    }
}
