//! Words rewritten before they are drawn: by a language model in a file, by servers that behave well and badly, and
//! by the built-in writer; with the real program where a user would see it.

mod stage;

#[path = "writer/endpoint.rs"]
mod endpoint;
#[path = "writer/gguf.rs"]
mod gguf;
#[path = "writer/keyring.rs"]
mod keyring;
#[path = "writer/local.rs"]
mod local;
#[path = "writer/program.rs"]
mod program;
#[path = "writer/server.rs"]
mod server;

use stage::Stage;
use std::process::Command;
use std::time::{Duration, Instant};

/// Small pictures, quick to draw.
pub const SMALL: [&str; 5] = ["--size", "64x64", "--force", "--seed", "3"];

/// The program in a home of its own: no proxy, no keyring, no models but those on the stage.
pub fn program(stage: &Stage, args: &[&str]) -> Command {
    let mut command = stage.command(args);
    for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    for name in ["DBUS_SESSION_BUS_ADDRESS", "LUMINA_STUDIO_WRITER_KEY"] {
        command.env_remove(name);
    }
    for (name, folder) in [
        ("XDG_RUNTIME_DIR", "runtime"),
        ("XDG_DATA_HOME", "data"),
        ("XDG_CONFIG_HOME", "config"),
        ("HF_HUB_CACHE", "hub"),
    ] {
        command.env(name, stage.path(folder));
    }
    command
}

/// How a run ended: exit code, stdout, stderr, and how long it took.
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
    pub time: Duration,
}

pub fn run(command: &mut Command) -> Ended {
    let began = Instant::now();
    let output = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ended {
        code: output.status.code().expect("a code"),
        out: text(output.stdout),
        err: text(output.stderr),
        time: began.elapsed(),
    }
}
