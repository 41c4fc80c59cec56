//! Kills a window at random moments of a picture and opens it again: the picture must be the undisturbed
//! one, and be there once.
//!
//!     cargo run --example kill-window -- [COUNT]
//!
//! The window is the program's own without a desktop: its state, its journal, its worker and the built-in
//! model, in a process of its own. Every picture is begun, killed (SIGKILL) at two random moments of the time
//! one takes, and finished.

use anyhow::{Context, Result, bail, ensure};
use lumina_studio::engine_room::{self, LocalModels};
use lumina_studio::pixels::Size;
use lumina_studio::state::{DraftAction, Model, Phase, RunAction, Setting};
use lumina_studio::task::new_seed;
use lumina_studio::ui::{App, Options, Places};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a process is started with that is a window: the folder of its home.
const WINDOW: &str = "--window";
const COUNT: usize = 100;
const WORDS: &str = "two foxes on the beach";
const SEED: u64 = 11;
const SIZE: Size = Size::new(128, 128);
/// Between two looks of the window.
const FRAME: Duration = Duration::from_millis(4);
/// How long a picture may take.
const PATIENCE: Duration = Duration::from_secs(300);

fn pictures(home: &Path) -> Vec<PathBuf> {
    let below = |folder: PathBuf| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let days = below(Places::below(home).pictures).into_iter();
    let files = days.filter(|day| day.is_dir()).flat_map(below);
    files
        .filter(|file| file.extension().is_some_and(|end| end == "png"))
        .collect()
}

/// Asks for the picture unless it is under way or there, goes on with what was interrupted, and closes when
/// it is saved.
fn window(home: &Path) -> Result<()> {
    let ctx = egui::Context::default();
    let places = Places::below(home);
    let mut app = App::new(&ctx, places, Options::default(), Arc::new(LocalModels));
    let end = Instant::now() + PATIENCE;
    let mut is_asked = false;
    loop {
        app.intake(&ctx);
        let studio = &app.studio;
        ensure!(
            studio.mishaps.is_empty(),
            "the window complains: {:?}",
            studio.mishaps
        );
        ensure!(Instant::now() < end, "the picture never came");
        let is_ready = matches!(studio.model, Model::Ready { .. });
        let phase = studio.run.as_ref().map(|run| run.phase);
        let is_idle = phase.is_none() && studio.queue.is_empty();
        let is_saved =
            studio.unkept.is_empty() && studio.outcomes.iter().all(|outcome| outcome.path.is_some());
        if phase == Some(Phase::Interrupted) && is_ready {
            app.act(RunAction::Resume);
        } else if is_idle && is_saved && !pictures(home).is_empty() {
            app.put_away();
            return Ok(());
        } else if is_idle && is_ready && !is_asked && pictures(home).is_empty() && studio.outcomes.is_empty()
        {
            for setting in [
                Setting::Size(Some(SIZE)),
                Setting::Words(WORDS.to_owned()),
                Setting::Seed(SEED),
            ] {
                app.act(DraftAction::Set(setting));
            }
            app.act(RunAction::Draw);
            is_asked = true;
        }
        std::thread::sleep(FRAME);
    }
}

/// Opens a window, and kills it after a while if that is given; whether it closed by itself.
fn open(home: &Path, kill_after: Option<Duration>) -> Result<bool> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg(WINDOW)
        .arg(home)
        .stdout(Stdio::null())
        .spawn()?;
    let Some(after) = kill_after else {
        let ended = child.wait()?;
        ensure!(ended.success(), "the window failed: {ended}");
        return Ok(true);
    };
    std::thread::sleep(after);
    let ended = child.try_wait()?;
    child.kill()?;
    child.wait()?;
    match ended {
        Some(ended) if !ended.success() => bail!("the window failed: {ended}"),
        ended => Ok(ended.is_some()),
    }
}

/// The codes of the one picture of a home.
fn codes(home: &Path) -> Result<Value> {
    let found = pictures(home);
    ensure!(
        found.len() == 1,
        "there are {} pictures, not one: {found:?}",
        found.len()
    );
    let info = engine_room::info(&found[0]).map_err(|failure| anyhow::anyhow!(failure.message))?;
    ensure!(info.json["complete"] == true, "the picture is not finished");
    Ok(info.json["tokens"].clone())
}

/// Rows that the journal of a killed window holds.
fn rows(home: &Path) -> usize {
    let journal = std::fs::read_to_string(Places::below(home).data.join("journal.jsonl"));
    journal.map_or(0, |text| text.lines().count().saturating_sub(1))
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [first, home] = args.as_slice()
        && first == WINDOW
    {
        return window(Path::new(home));
    }
    let count = args.first().map_or(Ok(COUNT), |text| text.parse());
    let count = count.context("say how many pictures are killed: a number")?;
    let folder = tempfile::tempdir()?;
    let home = |name: &str| folder.path().join(name);
    // The first start of a program takes longer.
    open(&home("first"), None)?;
    let began = Instant::now();
    open(&home("whole"), None)?;
    let whole = began.elapsed();
    let wanted = codes(&home("whole"))?;
    let (mut begun_again, mut gone_on, mut finished) = (0, 0, 0);
    for index in 0..count {
        let home = home(&index.to_string());
        let mut was_there = false;
        for _ in 0..2 {
            let moment = Duration::from_micros(new_seed(whole.as_micros() as u64));
            was_there = open(&home, Some(moment))? || was_there;
        }
        match (was_there || !pictures(&home).is_empty(), rows(&home)) {
            (true, _) => finished += 1,
            (false, 0) => begun_again += 1,
            (false, _) => gone_on += 1,
        }
        open(&home, None)?;
        ensure!(codes(&home)? == wanted, "picture {index} is another one");
        std::fs::remove_dir_all(&home)?;
    }
    println!(
        "{count} pictures, all as the undisturbed one and there once: {begun_again} killed before their first row, \
         {gone_on} gone on with, {finished} were finished"
    );
    Ok(())
}
