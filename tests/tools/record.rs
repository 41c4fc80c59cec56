//! Makes the recordings of `tests/replay`: windows without a desktop, worked by a script, with the real
//! engine and the built-in model behind them.
//!
//!     cargo run --example record [NAME...]
//!
//! Each recording is made by a process of its own, with `LUMINA_RECORD` set; what it replays to is compared
//! with what its window came to. Made once more, a recording is the same byte for byte, as long as the
//! program is.

#[path = "record/held_engine.rs"]
mod held_engine;
#[path = "record/machine.rs"]
mod machine;
#[path = "../replay/recording.rs"]
mod recording;

use anyhow::{Context, Result, ensure};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use held_engine::{Gate, HeldModels};
use lumina_studio::pixels::Size;
use lumina_studio::state::{
    Action, DraftAction, FileAction, Model, ModelAction, OrderId, Paint, Phase, QueueAction, Setting, Studio,
    Tab, Target, UndoAction,
};
use lumina_studio::task::Lookahead;
use lumina_studio::ui::{App, Options, Places, Recorded};
use machine::Machine;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where a window writes down what it takes in.
const VARIABLE: &str = "LUMINA_RECORD";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(180);
/// Between two looks of the window.
const FRAME: Duration = Duration::from_millis(4);
/// The smallest square the built-in model was made for.
const SIZE: Size = Size::new(128, 128);
/// A size it was not made for.
const OTHER_SIZE: Size = Size::new(64, 64);
/// Another model's file: the built-in one's, under a name.
const OTHER_MODEL: &str = "assets/starter.gguf";

type Script = fn(&Path) -> Result<Window>;

const SCRIPTS: [(&str, Script); 10] = [
    ("start", start),
    ("draw", draw),
    ("pause-and-resume", pause_and_resume),
    ("discard", discard),
    ("failure", failure),
    ("queue", queue),
    ("edit-with-mask", edit_with_mask),
    ("best-of", best_of),
    ("restart", restart),
    ("model-change", model_change),
];

/// A window on a home of its own.
struct Window {
    harness: Harness<'static, Option<App<HeldModels>>>,
    gate: Gate,
}

impl Window {
    /// One whose model is there.
    fn open(home: &Path) -> Result<Self> {
        let (places, gate) = (Places::below(home), Gate::default());
        let models = Arc::new(HeldModels(gate.clone()));
        let show = move |ui: &mut egui::Ui, slot: &mut Option<App<HeldModels>>| {
            let app = slot.get_or_insert_with(|| {
                App::new(ui.ctx(), places.clone(), Options::default(), Arc::clone(&models))
            });
            app.intake(ui.ctx());
            app.frame(ui);
        };
        let harness = Harness::builder()
            .with_size([1280.0, 800.0])
            .build_ui_state(show, None);
        let mut window = Self { harness, gate };
        let recording = std::env::var_os(VARIABLE).context("nothing is recorded")?;
        let heard = || std::fs::read_to_string(&recording).is_ok_and(|text| text.contains("\"Stars\""));
        window.until("the stars", |_| heard())?;
        window.gate.let_load();
        window.until("the model", |studio| matches!(studio.model, Model::Ready { .. }))?;
        Ok(window)
    }

    fn app(&mut self) -> Result<&mut App<HeldModels>> {
        self.harness.state_mut().as_mut().context("no window")
    }

    /// The next picture is begun when those before are on the disk.
    fn step(&mut self) -> Result<()> {
        self.harness.step();
        let studio = &self.app()?.studio;
        let kept = studio.outcomes.iter().all(|outcome| outcome.path.is_some());
        if let Some(task) = studio.run.as_ref().and_then(|run| run.task).filter(|_| kept) {
            self.gate.let_begin(task);
        }
        Ok(())
    }

    fn act(&mut self, action: impl Into<Action>) -> Result<()> {
        self.app()?.act(action);
        self.step()
    }

    fn set(&mut self, setting: Setting) -> Result<()> {
        self.act(DraftAction::Set(setting))
    }

    fn ask_for(&mut self, words: &str, seed: u64) -> Result<()> {
        self.set(Setting::Words(words.to_owned()))?;
        self.set(Setting::Seed(seed))
    }

    /// What is asked for is small, and drawn the same way on every machine.
    fn ask_for_small(&mut self, words: &str, seed: u64) -> Result<()> {
        self.set(Setting::Size(Some(SIZE)))?;
        self.set(Setting::Lookahead(Lookahead::Fixed(4)))?;
        self.ask_for(words, seed)
    }

    fn click(&mut self, label: &str) -> Result<()> {
        self.step()?;
        self.harness.get_by_label(label).click();
        self.step()?;
        self.step()
    }

    fn until(&mut self, what: &str, so: impl Fn(&Studio) -> bool) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while !so(&self.app()?.studio) {
            let studio = &self.app()?.studio;
            ensure!(Instant::now() < end, "{what} never came: {:?}", studio.mishaps);
            self.step()?;
            std::thread::sleep(FRAME);
        }
        Ok(())
    }

    /// Until the task, held there, has so many rows.
    fn until_held(&mut self, task: u64, rows: u32) -> Result<()> {
        self.until("a row", |studio| {
            let run = studio.run.as_ref();
            run.is_some_and(|run| run.task.is_some_and(|id| id.0 == task) && run.rows() == rows)
        })
    }

    /// Until so many pictures are there and on the disk, and nothing is drawn.
    fn until_kept(&mut self, pictures: usize) -> Result<()> {
        self.gate.release();
        self.until("the pictures", |studio| {
            let kept = studio.outcomes.iter().filter(|outcome| outcome.path.is_some());
            studio.run.is_none() && kept.count() == pictures
        })
    }
}

impl Drop for Window {
    /// Its engine can end.
    fn drop(&mut self) {
        self.gate.let_load();
        self.gate.release();
    }
}

fn start(home: &Path) -> Result<Window> {
    let mut window = Window::open(home)?;
    window.set(Setting::Tab(Tab::Pair))?;
    window.set(Setting::Tab(Tab::Create))?;
    window.ask_for("a fox on the beach", 1)?;
    Ok(window)
}

fn draw(home: &Path) -> Result<Window> {
    let mut window = Window::open(home)?;
    window.ask_for_small("a fox on the beach", 1)?;
    window.click("Draw")?;
    window.until_kept(1)?;
    Ok(window)
}

fn pause_and_resume(home: &Path) -> Result<Window> {
    let mut window = Window::open(home)?;
    window.ask_for_small("a cactus in the desert", 3)?;
    window.gate.hold(0, 3);
    window.click("Draw")?;
    window.until_held(0, 3)?;
    window.click("Pause")?;
    window.until("the pause", |studio| {
        studio.run.as_ref().is_some_and(|run| run.phase == Phase::Paused)
    })?;
    window.click("Resume")?;
    window.until_kept(1)?;
    Ok(window)
}

fn discard(home: &Path) -> Result<Window> {
    let mut window = Window::open(home)?;
    window.ask_for_small("a penguin in the snow", 2)?;
    window.gate.hold(0, 4);
    window.click("Draw")?;
    window.until_held(0, 4)?;
    window.click("Discard")?;
    window.until("the end", |studio| studio.run.is_none())?;
    Ok(window)
}

/// A size the model was not made for, then a model that is not there while a picture is drawn.
fn failure(home: &Path) -> Result<Window> {
    let mut window = Window::open(home)?;
    window.ask_for_small("a fox on the beach", 5)?;
    window.set(Setting::Size(Some(OTHER_SIZE)))?;
    window.click("Draw")?;
    window.until("the refusal", |studio| !studio.mishaps.is_empty())?;
    window.set(Setting::Size(Some(SIZE)))?;
    window.gate.hold(1, 3);
    window.click("Draw")?;
    window.until_held(1, 3)?;
    window.act(ModelAction::LoadAnyway(PathBuf::from("no/such/model.gguf")))?;
    window.until("the failure", |studio| {
        matches!(studio.model, Model::Failed(_)) && studio.run.is_some()
    })?;
    Ok(window)
}

fn queue(home: &Path) -> Result<Window> {
    let mut window = Window::open(home)?;
    window.ask_for_small("a fox on the beach", 11)?;
    for (task, rows) in [(0, 1), (1, 2), (2, 2)] {
        window.gate.hold(task, rows);
    }
    window.click("Draw")?;
    window.until_held(0, 1)?;
    window.set(Setting::Batch(2))?;
    window.ask_for("a cactus in the desert", 20)?;
    window.click("Draw another after it")?;
    window.set(Setting::Batch(1))?;
    window.ask_for("a penguin in the snow", 30)?;
    window.click("Draw another after it")?;
    window.act(QueueAction::Front(OrderId(3)))?;
    window.act(QueueAction::MoveTo(OrderId(1), 9))?;
    window.act(QueueAction::Remove(OrderId(2)))?;
    window.gate.release_one(0);
    window.until_held(1, 2)?;
    window.click("Keep")?;
    window.until_held(2, 2)?;
    window.ask_for("a fox in the snow", 40)?;
    window.click("Draw another after it")?;
    Ok(window)
}

fn edit_with_mask(home: &Path) -> Result<Window> {
    let mut window = Window::open(home)?;
    window.set(Setting::Tab(Tab::Edit))?;
    let picture = PathBuf::from("assets/examples/fox.png");
    window.act(FileAction::Open(picture, Target::Edit))?;
    window.until("the source", |studio| studio.draft.chain.current().is_some())?;
    for paint in [
        Paint::Begin((40.0, 40.0)),
        Paint::Extend((70.0, 45.0)),
        Paint::Extend((80.0, 70.0)),
        Paint::Finish,
        Paint::Grow,
    ] {
        window.act(DraftAction::Paint(paint))?;
    }
    window.act(UndoAction::Undo)?;
    window.act(UndoAction::Redo)?;
    window.ask_for_small("make it blue", 4)?;
    window.click("Draw")?;
    window.until_kept(1)?;
    Ok(window)
}

fn best_of(home: &Path) -> Result<Window> {
    let mut window = Window::open(home)?;
    window.ask_for_small("a penguin in the snow", 6)?;
    window.set(Setting::Candidates(2))?;
    window.click("Draw")?;
    window.until_kept(2)?;
    Ok(window)
}

/// The window before was closed while it drew, another order behind it; this one goes on with both.
fn restart(home: &Path) -> Result<Window> {
    let mut window = Window::open(home)?;
    window.until("the interrupted picture", |studio| studio.run.is_some())?;
    window.gate.hold(1, 2);
    window.click("Resume")?;
    window.until_held(1, 2)?;
    window.click("Discard")?;
    window.until("the end", |studio| studio.run.is_none())?;
    Ok(window)
}

/// What [`restart`] finds.
fn close_while_drawing(home: &Path) -> Result<()> {
    let mut window = Window::open(home)?;
    window.ask_for_small("a cactus in the desert", 8)?;
    window.gate.hold(0, 4);
    window.click("Draw")?;
    window.ask_for("a fox on the beach", 9)?;
    window.click("Draw another after it")?;
    window.until_held(0, 4)?;
    window.app()?.put_away();
    Ok(())
}

fn model_change(home: &Path) -> Result<Window> {
    let mut window = Window::open(home)?;
    window.ask_for_small("a fox on the beach", 12)?;
    window.gate.hold(0, 3);
    window.click("Draw")?;
    window.until_held(0, 3)?;
    window.act(ModelAction::Load(Some(PathBuf::from(OTHER_MODEL))))?;
    window.until("the other model", |studio| {
        studio.model_path.is_some() && matches!(studio.model, Model::Ready { .. })
    })?;
    window.gate.release();
    window.click("Resume")?;
    window.until_kept(1)?;
    Ok(window)
}

/// In the process of one recording: performs it, and says what the window came to.
fn perform(name: &str, home: &Path) -> Result<Value> {
    let script = SCRIPTS.iter().find(|(known, _)| *known == name);
    let (_, script) = script.with_context(|| format!("there is no recording `{name}`"))?;
    let mut window = script(home)?;
    let app = window.app()?;
    app.put_away();
    Ok(recording::ending(&app.studio))
}

/// What a replay cannot know: widths of columns, and the names of pictures made of pixels.
fn comparable(mut end: Value) -> Value {
    end["stored"]["view"] = Value::Null;
    end["stored"]["draft"]["chain"] = Value::Null;
    end
}

fn read(lines: &str) -> Result<Vec<Recorded>> {
    let events = lines.lines().map(serde_json::from_str);
    Ok(events.collect::<Result<_, _>>()?)
}

fn record(name: &str) -> Result<()> {
    let home = tempfile::tempdir()?;
    let (home, raw) = (home.path(), home.path().join("recording.jsonl"));
    let run = |what: &str| {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([what, name]).arg(home).env(VARIABLE, &raw);
        let output = command.output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{name}: {complaint}");
        anyhow::Ok(output.stdout)
    };
    if name == "restart" {
        run("--prepare")?;
    }
    let came_to: Value = serde_json::from_slice(&run("--perform")?)?;
    let lines = std::fs::read_to_string(&raw)?;
    let replayed = recording::replay(&read(&lines)?).end;
    let (came_to, replayed) = (comparable(came_to), comparable(replayed));
    ensure!(
        came_to == replayed,
        "{name} replays to something else: {replayed:#} instead of {came_to:#}"
    );

    let first: Value = serde_json::from_str(lines.lines().next().context("an empty recording")?)?;
    let day = first["opened"]["day"]
        .as_str()
        .context("a recording without a day")?;
    let mut machine = Machine::new(home, day);
    let mut neutral = String::new();
    for line in lines.lines() {
        let mut event: Value = serde_json::from_str(line)?;
        machine.take_out(&mut event);
        neutral += &format!("{event}\n");
    }
    let replayed = recording::replay(&read(&neutral)?);
    let text = recording::text(&neutral, &replayed);
    println!("{name}: {} events, {} bytes", neutral.lines().count(), text.len());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replay");
    std::fs::write(folder.join(format!("{name}.json")), text)?;
    Ok(())
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--prepare", _, home] => close_while_drawing(Path::new(home)),
        ["--perform", name, home] => {
            println!("{}", perform(name, Path::new(home))?);
            Ok(())
        }
        names => {
            std::env::set_current_dir(env!("CARGO_MANIFEST_DIR"))?;
            let all = || SCRIPTS.iter().map(|(name, _)| *name);
            for name in names {
                let known = all().any(|known| known == *name);
                ensure!(
                    known,
                    "there is no recording `{name}`: {:?}",
                    all().collect::<Vec<_>>()
                );
            }
            let mut chosen = all().filter(|name| names.is_empty() || names.contains(name));
            chosen.try_for_each(record)
        }
    }
}
