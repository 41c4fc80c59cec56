//! `models`: which there are on the Hub and here, getting one, checking it, removing it.

use super::console::Console;
use super::exit::{CANCELLED, DONE, FAILED};
use crate::engine_room::{EngineRoom, HubRoom};
use crate::hub::Told;
use crate::task::{Cancel, Device, Failure, HubShelf, ImportWish, Stored, Transfer, gigabytes};
use clap::Subcommand;
use serde_json::json;
use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Between two progress lines for other programs.
const EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Subcommand)]
pub enum ModelsCommand {
    /// Show the known models and what is on this machine, Hugging Face caches included
    List {
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Fetch all that a checkpoint needs into the Hugging Face cache; goes on where it stopped
    Get {
        /// OWNER/NAME, as on huggingface.co
        repository: String,
        /// Of a repository with several .gguf files, which one
        #[arg(value_name = "FILE.gguf")]
        file: Option<String>,
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Read a model's files again and compare them with their sums; what is damaged is taken away
    Verify {
        repository: String,
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Say how a checkpoint could run here: what each format needs, and how long a picture takes
    Plan {
        /// A Hugging Face folder
        folder: PathBuf,
        /// The picture codec: .ckpt or .safetensors; looked for where it usually lies when absent
        #[arg(long, value_name = "FILE")]
        movq: Option<PathBuf>,
        #[arg(long, default_value = "auto")]
        device: Device,
        /// Only what it needs; else speeds are measured, which takes about ten seconds
        #[arg(long)]
        no_measure: bool,
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Take a model off the disk
    Remove {
        repository: String,
        /// Without asking
        #[arg(long)]
        yes: bool,
    },
}

impl ModelsCommand {
    pub(super) fn is_json(&self) -> bool {
        match self {
            Self::List { json }
            | Self::Get { json, .. }
            | Self::Verify { json, .. }
            | Self::Plan { json, .. } => *json,
            Self::Remove { .. } => false,
        }
    }
}

pub(super) fn run(
    command: &ModelsCommand,
    room: &impl EngineRoom,
    cancel: &Cancel,
    console: &mut Console<'_>,
) -> Result<i32, Failure> {
    let hub = &room.hub();
    let ended = match command {
        ModelsCommand::List { json } => {
            let shelf = hub.shelf()?;
            if let Some(remark) = &shelf.remark {
                console.remark(remark);
            }
            match json {
                true => list_json(&shelf, console),
                false => list(&shelf, hub, console),
            }
            Ok(DONE)
        }
        ModelsCommand::Get { repository, file, .. } => {
            get((repository, file.as_deref()), hub, cancel, console)
        }
        ModelsCommand::Verify { repository, .. } => verify(repository, hub, cancel, console),
        ModelsCommand::Plan {
            folder,
            movq,
            device,
            no_measure,
            ..
        } => {
            let mut wish = room.plan_import(folder);
            wish.movq = movq.clone().or(wish.movq);
            plan(room, &wish, *device, *no_measure, cancel, console)
        }
        ModelsCommand::Remove { repository, yes } => remove(repository, *yes, hub, console),
    };
    match ended {
        Err(failure) if cancel.is_cancelled() => {
            console.remark(&failure.message);
            Ok(CANCELLED)
        }
        ended => ended,
    }
}

/// What is here of a model, in words.
fn state(stored: Option<&Stored>) -> String {
    match stored {
        None => "not here".to_owned(),
        Some(stored) if stored.is_whole() => format!("here, {}", gigabytes(stored.bytes)),
        Some(stored) if stored.snapshot.is_some() => {
            format!(
                "here, {}, but not whole (missing: {})",
                gigabytes(stored.bytes),
                stored.missing.join(", ")
            )
        }
        Some(stored) => format!("{} of it are here: `models get` goes on", gigabytes(stored.bytes)),
    }
}

fn list(shelf: &HubShelf, hub: &HubRoom, console: &mut Console<'_>) {
    console.result("Known models:");
    for offer in &shelf.offered {
        let size = offer.bytes.map(|bytes| format!(", about {}", gigabytes(bytes)));
        let licence = offer.licence.as_ref().map(|licence| format!(", {licence}"));
        let (size, licence) = (size.unwrap_or_default(), licence.unwrap_or_default());
        console.result(&format!(
            "  {}  ({}{size}{licence})",
            offer.repository, offer.title
        ));
        console.result(&format!("      {}", offer.about));
        if let Some(tokenizer) = &offer.tokenizer {
            console.result(&format!("      It needs {tokenizer}, too."));
        }
        console.result(&format!("      {}", state(shelf.stored(&offer.repository))));
    }
    let free = shelf
        .free_bytes
        .map(|free| format!(", {} free", gigabytes(free)))
        .unwrap_or_default();
    console.result(&format!("On this machine ({}{free}):", shelf.cache.display()));
    for stored in &shelf.stored {
        console.result(&format!("  {}  ({})", stored.repository, state(Some(stored))));
        if let Some(snapshot) = &stored.snapshot {
            console.result(&format!("      {}", snapshot.display()));
        }
    }
    if shelf.stored.is_empty() {
        console.result("  none");
    }
    if let Some(list) = hub.list() {
        console.say(&format!("Models of your own can be listed in {}", list.display()));
    }
}

fn list_json(shelf: &HubShelf, console: &mut Console<'_>) {
    for offer in &shelf.offered {
        let stored = shelf.stored(&offer.repository);
        let line = json!({
            "repository": offer.repository, "title": offer.title, "about": offer.about, "licence": offer.licence,
            "bytes": offer.bytes, "tokenizer": offer.tokenizer, "known": true,
            "whole": stored.is_some_and(Stored::is_whole), "here_bytes": stored.map_or(0, |stored| stored.bytes),
            "folder": stored.and_then(|stored| stored.snapshot.as_ref()).map(|path| path.display().to_string()),
        });
        console.result(&line.to_string());
    }
    let others = shelf
        .stored
        .iter()
        .filter(|stored| shelf.offered(&stored.repository).is_none());
    for stored in others {
        let line = json!({
            "repository": stored.repository, "known": false, "whole": stored.is_whole(),
            "here_bytes": stored.bytes, "missing": stored.missing,
            "folder": stored.snapshot.as_ref().map(|path| path.display().to_string()),
        });
        console.result(&line.to_string());
    }
}

/// Says how far it is, to people as it comes, to programs once a second.
struct Teller(Option<Instant>);

impl Teller {
    fn step(&mut self, step: &Transfer, console: &mut Console<'_>) {
        if !console.json {
            return console.update(&format!("{} · {}", step.words(), step.file));
        }
        if self.0.is_some_and(|last| last.elapsed() < EVERY) {
            return;
        }
        self.0 = Some(Instant::now());
        console.event(&json!({
            "event": "transfer", "phase": step.phase, "file": step.file, "bytes": step.done, "of": step.of,
            "files": step.files_done, "of_files": step.files, "bytes_per_second": step.rate,
            "seconds_left": step.seconds_left(),
        }));
    }
}

fn get(
    (repository, file): (&str, Option<&str>),
    hub: &HubRoom,
    cancel: &Cancel,
    console: &mut Console<'_>,
) -> Result<i32, Failure> {
    let mut teller = Teller(None);
    let got = hub.get_file(repository, file, cancel, &mut |told| match told {
        Told::Step(step) => teller.step(&step, console),
        Told::Remark(remark) => console.remark(&remark),
    })?;
    let words = format!(
        "{repository}: {} files, {}, all right",
        got.files,
        gigabytes(got.bytes)
    );
    if console.json {
        let line = json!({
            "event": "finished", "repository": repository, "folder": got.snapshot.display().to_string(),
            "files": got.files, "bytes": got.bytes,
        });
        console.result(&line.to_string());
    } else {
        console.say(&words);
        console.file(&got.snapshot);
    }
    if let Some(tokenizer) = hub
        .shelf()
        .ok()
        .as_ref()
        .and_then(|shelf| shelf.missing_tokenizer(repository))
    {
        console.remark(&format!(
            "its image tokenizer is still needed: lumina-studio models get {tokenizer}"
        ));
    }
    Ok(DONE)
}

fn verify(
    repository: &str,
    hub: &HubRoom,
    cancel: &Cancel,
    console: &mut Console<'_>,
) -> Result<i32, Failure> {
    let mut teller = Teller(None);
    let checked = hub.check(repository, cancel, &mut |step| teller.step(&step, console))?;
    if console.json {
        let line = json!({
            "event": "verified", "repository": repository, "right": checked.is_right(), "files": checked.files,
            "bytes": checked.bytes, "damaged": checked.damaged, "missing": checked.missing,
            "unknown": checked.unknown,
        });
        console.result(&line.to_string());
    } else {
        console.clear();
        console.result(&format!("{repository}: {}", checked.words()));
    }
    if checked.is_right() {
        return Ok(DONE);
    }
    console.remark(&format!("get them anew: lumina-studio models get {repository}"));
    Ok(FAILED)
}

/// How a checkpoint could run here, a line for each way.
fn plan(
    room: &impl EngineRoom,
    wish: &ImportWish,
    device: Device,
    no_measure: bool,
    cancel: &Cancel,
    console: &mut Console<'_>,
) -> Result<i32, Failure> {
    if !wish.folder.join("config.json").is_file() {
        return Err(Failure::usage(format!(
            "{}: no checkpoint is in this folder: it has no config.json",
            wish.folder.display()
        )));
    }
    if wish.movq.is_none() {
        return Err(Failure::usage(format!(
            "{}: its image tokenizer was not found: name it with --movq FILE (movqgan_270M.ckpt of ai-forever/MoVQGAN)",
            wish.folder.display()
        )));
    }
    let mut fitting = room.fit(wish, device)?;
    if !no_measure {
        console.update("measuring how fast this machine is");
        fitting = room.measure_fit(wish, fitting, cancel)?;
        console.clear();
    }
    let advised = fitting.advised();
    for way in &fitting.ways {
        let is_advised = advised == Some(way);
        if console.json {
            let line = json!({
                "format": way.format.name(), "device": way.device.name(), "size": fitting.size.map(|size| size.to_string()),
                "needs_bytes": way.needs.held(), "weights_bytes": way.needs.weights, "cache_bytes": way.needs.cache,
                "decode_bytes": way.needs.decode, "free_bytes": way.free_bytes, "file_bytes": way.file_bytes,
                "fits": way.fits(), "seconds": way.seconds, "advised": is_advised,
            });
            console.result(&line.to_string());
            continue;
        }
        let fits = if way.fits() { "" } else { ", does not fit" };
        let pace = way.pace().map(|pace| format!(", {pace}")).unwrap_or_default();
        let mark = if is_advised { "  <- advised" } else { "" };
        console.result(&format!(
            "{:5} {:4}  {}{fits}{pace}{mark}",
            way.format.name(),
            way.device.name(),
            way.memory()
        ));
        console.result(&format!("            {}", way.parts()));
    }
    match (advised, fitting.size) {
        (Some(way), Some(size)) => console.say(&format!(
            "of a picture of {size}, one code a forward; next: lumina-studio import {} --quant {} -o {}",
            wish.folder.display(),
            way.format.name(),
            wish.output
                .with_file_name(format!("model-{}.gguf", way.format.name()))
                .display()
        )),
        _ => console.remark("nothing of it fits into the memory that is free: close other programs"),
    }
    Ok(if advised.is_some() { DONE } else { FAILED })
}

fn remove(repository: &str, yes: bool, hub: &HubRoom, console: &mut Console<'_>) -> Result<i32, Failure> {
    let bytes = hub.stored(repository)?.bytes;
    if !yes {
        if !std::io::stdin().is_terminal() {
            return Err(Failure::usage(format!(
                "{repository} takes {}: add --yes to remove it",
                gigabytes(bytes)
            )));
        }
        console.say(&format!(
            "Remove {repository} and free {}? [y/N]",
            gigabytes(bytes)
        ));
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        read.map_err(|error| Failure::failed(error.to_string()))?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            console.say("nothing was removed");
            return Ok(FAILED);
        }
    }
    let freed = hub.remove(repository)?;
    console.result(&format!(
        "{repository} is removed, {} are free again",
        gigabytes(freed.bytes)
    ));
    Ok(DONE)
}
