//! The real program beside a window that is open: it hands its files over and ends.

#![cfg(unix)]

mod stage;

use lumina_studio::handover::{self, Start, Taken};
use stage::{Stage, golden};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

/// The state folder of a home, as the program finds it there.
fn data(home: &Path) -> PathBuf {
    match cfg!(target_os = "macos") {
        true => home.join("Library/Application Support/lumina-studio"),
        false => home.join(".local/share/lumina-studio"),
    }
}

#[test]
fn a_second_start_gives_its_files_to_the_open_window() {
    let stage = Stage::new();
    let home = stage.path("home");
    let Ok(Start::First(mut lease)) = handover::start(&data(&home), &[]) else {
        panic!("no other window is open there");
    };
    let (sender, heard) = sync_channel(4);
    lease
        .listen(move |files| match sender.try_send(files) {
            Ok(()) => Taken::Yes,
            Err(_) => Taken::No,
        })
        .expect("a line");
    let run = |args: &[&str]| {
        let mut command = stage.command(args);
        command.env("HOME", &home).env_remove("XDG_DATA_HOME");
        // Without a display a window of its own would end with 1.
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        command.output().expect("the program starts")
    };
    std::fs::copy(golden("generate/edit_panel.png"), stage.path("a b.png")).expect("a picture");
    let output = run(&["a b.png"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let files = heard.recv().expect("files");
    let here = stage.path("a b.png").canonicalize().expect("a file");
    assert_eq!(files.len(), 1);
    assert!(
        files[0].is_absolute() && files[0].canonicalize().is_ok_and(|file| file == here),
        "{files:?}"
    );
    assert_eq!(run(&[]).status.code(), Some(0));
    assert_eq!(
        heard.recv().expect("a wish to see the window"),
        Vec::<PathBuf>::new()
    );
    // A file that is not there is refused by the second start itself.
    assert_eq!(run(&["gone.png"]).status.code(), Some(2));
    assert!(heard.try_recv().is_err());
    // Another home is another window, which cannot be opened here.
    let other = stage.path("other");
    let output = stage
        .command(&[])
        .env("HOME", &other)
        .env_remove("XDG_DATA_HOME")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .expect("the program starts");
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(heard.try_recv().is_err());
}
