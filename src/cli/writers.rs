//! Words rewritten before they are drawn: who can, what they make of them, and the keys of servers.

use super::console::Console;
use crate::engine_room::WriterRoom;
use crate::task::{Cancel, Failure, FoundWriter, Rewritten, Task, WriterChoice};
use clap::{Args as Group, Subcommand};
use serde_json::json;
use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::time::Duration;

/// Longest key that is read, in bytes.
const LONGEST_KEY: u64 = 4096;

/// Who rewrites, for commands that draw.
#[derive(Debug, Clone, Default, Group)]
pub struct WriteArgs {
    /// Have the words rewritten first: `built-in`, a language model's .gguf file, or a server's address
    #[arg(long, value_name = "WRITER", value_parser = writer)]
    pub write_with: Option<WriterChoice>,
    /// The server's model; its first one when absent
    #[arg(long, value_name = "NAME", requires = "write_with")]
    pub writer_model: Option<String>,
    /// How long that may take; 20, for a language model's file 300
    #[arg(long, value_name = "SECONDS", requires = "write_with", value_parser = seconds)]
    pub writer_timeout: Option<f64>,
}

#[derive(Debug, Clone, Group)]
pub struct RewriteArgs {
    pub words: String,
    /// `built-in`, a language model's .gguf file, or a server's address
    #[arg(long, value_name = "WRITER", default_value = "built-in", value_parser = writer)]
    pub with: WriterChoice,
    /// The server's model; its first one when absent
    #[arg(long, value_name = "NAME")]
    pub writer_model: Option<String>,
    /// How long that may take; 20, for a language model's file 300
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub writer_timeout: Option<f64>,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Group)]
pub struct WritersArgs {
    #[command(subcommand)]
    pub command: Option<WritersCommand>,
    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Subcommand)]
pub enum WritersCommand {
    /// Keep the key of a server in the system's keyring; the key is read from standard input
    Key {
        /// The server's address
        url: String,
    },
    /// Take the key of a server out of the keyring
    Forget { url: String },
}

fn writer(text: &str) -> Result<WriterChoice, String> {
    let lower = text.to_ascii_lowercase();
    if lower == "built-in" {
        return Ok(WriterChoice::BuiltIn);
    }
    if lower.starts_with("http://") || lower.starts_with("https://") {
        return Ok(WriterChoice::Endpoint {
            url: text.to_owned(),
            model: None,
        });
    }
    match lower.ends_with(".gguf") {
        true => Ok(WriterChoice::Local {
            path: PathBuf::from(text),
        }),
        false => Err(
            "write `built-in`, the name of a .gguf file, or an address as http://127.0.0.1:11434".to_owned(),
        ),
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok();
    seconds
        .filter(|seconds: &f64| (0.1..=3600.0).contains(seconds))
        .ok_or_else(|| "write a number from 0.1 to 3600".to_owned())
}

/// Who is to rewrite, and in what time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wish {
    choice: WriterChoice,
    timeout: Duration,
}

impl Wish {
    fn of(choice: &WriterChoice, model: Option<&String>, seconds: Option<f64>) -> Result<Self, Failure> {
        let mut choice = choice.clone();
        match (&mut choice, model) {
            (WriterChoice::Endpoint { model: of_it, .. }, model) => *of_it = model.cloned(),
            (_, None) => {}
            (_, Some(_)) => {
                return Err(Failure::usage(
                    "only a server has models to choose from: leave --writer-model out",
                ));
            }
        }
        Ok(Self {
            timeout: seconds.map_or_else(|| choice.usual_timeout(), Duration::from_secs_f64),
            choice,
        })
    }

    fn rewrite(
        &self,
        own: &str,
        room: &WriterRoom,
        cancel: &Cancel,
        console: &mut Console<'_>,
    ) -> Result<Rewritten, Failure> {
        let told = &mut |line: &str| console.update(line);
        let rewritten = room.rewrite(&self.choice, own, self.timeout, cancel, told);
        console.clear();
        rewritten
    }

    /// The task with rewritten words; with its own where that fails, which is said. `None` where it was cancelled.
    pub(super) fn rewritten(
        &self,
        task: Task,
        room: &WriterRoom,
        cancel: &Cancel,
        console: &mut Console<'_>,
    ) -> Option<Task> {
        match self.rewrite(&task.prompt, room, cancel, console) {
            Ok(rewritten) => {
                match console.json {
                    true => console.event(&json!({
                        "event": "rewritten", "prompt": rewritten.prompt, "own": rewritten.written.own,
                        "by": rewritten.written.by, "repaired": rewritten.repaired, "seconds": rewritten.seconds,
                    })),
                    false => console.say(&format!(
                        "{} writes: {}",
                        rewritten.written.by, rewritten.prompt
                    )),
                }
                Some(task.rewritten(rewritten))
            }
            Err(_) if cancel.is_cancelled() => None,
            Err(failure) => {
                console.remark(&format!("{}: drawn from your own words", failure.message));
                Some(task)
            }
        }
    }
}

impl WriteArgs {
    /// # Errors
    /// A model is named of one who has none to choose from.
    pub(super) fn wish(&self) -> Result<Option<Wish>, Failure> {
        let wish = |choice| Wish::of(choice, self.writer_model.as_ref(), self.writer_timeout);
        self.write_with.as_ref().map(wish).transpose()
    }
}

/// Shows what a writer makes of words.
pub(super) fn rewrite(
    args: &RewriteArgs,
    room: &WriterRoom,
    cancel: &Cancel,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let wish = Wish::of(&args.with, args.writer_model.as_ref(), args.writer_timeout)?;
    let rewritten = wish.rewrite(&args.words, room, cancel, console)?;
    match args.json {
        true => console.result(&json!(rewritten).to_string()),
        false => console.result(&rewritten.prompt),
    }
    Ok(())
}

/// The value of `--write-with`, and of `--writer-model`, that chooses a writer.
fn chosen_by(found: &FoundWriter) -> (String, Option<&str>) {
    match &found.choice {
        WriterChoice::BuiltIn => ("built-in".to_owned(), None),
        WriterChoice::Local { path } => (path.display().to_string(), None),
        WriterChoice::Endpoint { url, model } => (url.clone(), model.as_deref()),
    }
}

pub(super) fn run(args: &WritersArgs, room: &WriterRoom, console: &mut Console<'_>) -> Result<(), Failure> {
    match &args.command {
        None => {
            for found in room.found() {
                let (with, model) = chosen_by(&found);
                if args.json {
                    let line = json!({ "title": found.title, "write_with": with, "writer_model": model });
                    console.result(&line.to_string());
                    continue;
                }
                let model = model
                    .map(|model| format!(" --writer-model {model}"))
                    .unwrap_or_default();
                console.result(&format!("{}  (--write-with {with}{model})", found.title));
            }
            for folder in room.folders().iter().filter(|_| !args.json) {
                console.say(&format!(
                    "Language models (.gguf, of the Qwen 3 or Llama family) can be put into {}",
                    folder.display()
                ));
            }
        }
        Some(WritersCommand::Key { url }) => {
            if std::io::stdin().is_terminal() {
                console.say("Type the key, then Enter and Ctrl-D:");
            }
            let mut key = String::new();
            let read = std::io::stdin()
                .lock()
                .take(LONGEST_KEY + 1)
                .read_to_string(&mut key);
            read.map_err(|error| Failure::usage(format!("the key could not be read: {error}")))?;
            room.set_key(url, Some(&key))?;
            console.say("the key is in the system's keyring");
        }
        Some(WritersCommand::Forget { url }) => {
            room.set_key(url, None)?;
            console.say("the keyring has no key for it any more");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_is_a_word_a_file_or_an_address() {
        assert_eq!(writer("built-in"), Ok(WriterChoice::BuiltIn));
        assert!(matches!(writer("a/b.GGUF"), Ok(WriterChoice::Local { .. })));
        assert!(matches!(
            writer("HTTPS://host"),
            Ok(WriterChoice::Endpoint { .. })
        ));
        for wrong in ["", "ollama", "127.0.0.1:11434", "model.bin"] {
            assert!(writer(wrong).unwrap_err().contains("built-in"), "{wrong}");
        }
        for wrong in ["0", "-1", "nan", "inf", "1e9", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
        let wish = Wish::of(&writer("http://host").unwrap(), Some(&"m".to_owned()), None).unwrap();
        assert_eq!(
            (wish.choice.title().as_str(), wish.timeout),
            ("m at host", Duration::from_secs(20))
        );
        let wish = Wish::of(&writer("a.gguf").unwrap(), None, Some(0.5)).unwrap();
        assert!(Wish::of(&WriterChoice::BuiltIn, Some(&"m".to_owned()), None).is_err());
        assert_eq!(wish.timeout, Duration::from_millis(500));
    }
}
