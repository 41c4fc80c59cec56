//! The desktop around the window: files shown in the file manager, opened with other programs,
//! copied elsewhere.
//!
//! Everything here waits for other programs, so it runs off the window's thread.

use crate::disk::{self, Onto, Readers};
use crate::task::{Cause, Failure};
use std::path::Path;
use std::process::{Command, Stdio};

/// Whether the desktop can ask for files: it has a portal for that, or zenity stands in.
#[cfg(all(unix, not(target_os = "macos")))]
pub(crate) fn has_dialogs() -> bool {
    let portal = || {
        let bus = zbus::blocking::Connection::session()?;
        let service = "org.freedesktop.portal.Desktop";
        let place = "/org/freedesktop/portal/desktop";
        let of = ("org.freedesktop.portal.FileChooser", "version");
        let properties = Some("org.freedesktop.DBus.Properties");
        bus.call_method(Some(service), place, properties, "Get", &of)
    };
    portal().is_ok() || is_program("zenity")
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
pub(crate) fn has_dialogs() -> bool {
    true
}

/// Whether a program of that name can be started.
#[cfg(all(unix, not(target_os = "macos")))]
fn is_program(name: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(name).is_file())
}

/// Shows the file in its folder, chosen where the file manager can do that.
pub(crate) fn reveal(path: &Path) -> Result<(), Failure> {
    if !path.is_file() {
        return Err(Failure::failed(format!("{} is gone", path.display())));
    }
    if point_out(path) {
        return Ok(());
    }
    start(reveal_command(path), "the file manager", path)
}

/// Opens the file with the program the system has for its kind.
pub(crate) fn open(path: &Path) -> Result<(), Failure> {
    if !path.is_file() {
        return Err(Failure::failed(format!("{} is gone", path.display())));
    }
    start(open_command(path), "a program for pictures", path)
}

/// The desktop says that something is done, over the session's bus; where nobody answers there,
/// nothing happens.
#[cfg(all(unix, not(target_os = "macos")))]
pub(crate) fn notify(title: &str, words: &str) {
    use std::collections::HashMap;
    use zbus::zvariant::Value;
    let tell = || {
        let bus = zbus::blocking::Connection::session()?;
        let name = "org.freedesktop.Notifications";
        let place = "/org/freedesktop/Notifications";
        let (buttons, hints): (Vec<&str>, HashMap<&str, Value<'_>>) = Default::default();
        let body = (
            "Lumina Studio",
            0_u32,
            "lumina-studio",
            title,
            words,
            buttons,
            hints,
            -1_i32,
        );
        bus.call_method(Some(name), place, Some(name), "Notify", &body)
    };
    if let Err(error) = tell() {
        tracing::warn!("the desktop was not told: {error}");
    }
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
pub(crate) fn notify(_: &str, _: &str) {}

/// Asks the file manager over the session's bus; false where nobody answers.
#[cfg(all(unix, not(target_os = "macos")))]
fn point_out(path: &Path) -> bool {
    let ask = || {
        let bus = zbus::blocking::Connection::session()?;
        let files = vec![address(path)];
        let manager = "org.freedesktop.FileManager1";
        let place = "/org/freedesktop/FileManager1";
        bus.call_method(Some(manager), place, Some(manager), "ShowItems", &(files, ""))
    };
    ask().is_ok()
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn point_out(_: &Path) -> bool {
    false
}

/// `file://` and the path, every byte that is not plain as `%XX`.
fn address(path: &Path) -> String {
    let mut address = "file://".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => address.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => address.push(char::from(*byte)),
            byte => address += &format!("%{byte:02X}"),
        }
    }
    address
}

fn reveal_command(path: &Path) -> Command {
    if cfg!(target_os = "macos") {
        let mut command = Command::new("open");
        command.arg("-R").arg(path);
        command
    } else if cfg!(target_os = "windows") {
        let mut choice = std::ffi::OsString::from("/select,");
        choice.push(path);
        let mut command = Command::new("explorer");
        command.arg(choice);
        command
    } else {
        let mut command = Command::new("xdg-open");
        command.arg(path.parent().unwrap_or(Path::new("/")));
        command
    }
}

fn open_command(path: &Path) -> Command {
    let mut command = if cfg!(target_os = "macos") {
        Command::new("open")
    } else if cfg!(target_os = "windows") {
        Command::new("explorer")
    } else {
        Command::new("xdg-open")
    };
    command.arg(path);
    command
}

fn start(mut command: Command, what: &str, path: &Path) -> Result<(), Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let failed = |why: &dyn std::fmt::Display| {
        let file = path.display();
        Failure::failed(format!(
            "{what} cannot be started ({name}: {why}); the file is {file}"
        ))
    };
    let done = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match done {
        // Explorer says 1 when all went well.
        Ok(status) if status.success() || name == "explorer" => Ok(()),
        Ok(status) => Err(failed(&status)),
        Err(error) => Err(failed(&error)),
    }
}

/// Copies a file whole or not at all, with everything inside it.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let failed = |path: &Path, error: std::io::Error| {
        Failure::failed(format!("{}: it cannot be copied ({error})", path.display()))
            .because(Cause::of_io(&error))
    };
    let same = |path: &Path| path.canonicalize().ok();
    if same(from).is_some() && same(from) == same(to) {
        return Ok(());
    }
    let bytes = std::fs::read(from).map_err(|error| failed(from, error))?;
    disk::put(to, &bytes, Readers::Usual, Onto::Any).map_err(|error| failed(to, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_whole_or_not_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("a.png"), folder.path().join("b.png"));
        std::fs::write(&from, b"a picture").expect("a file");
        std::fs::write(&to, b"another").expect("a file");
        copy(&from, &to).expect("a copy");
        assert_eq!(std::fs::read(&to).expect("the copy"), b"a picture");
        copy(&from, &from).expect("nothing to do");
        assert_eq!(std::fs::read(&from).expect("the picture"), b"a picture");
        let nowhere = folder.path().join("no/such/c.png");
        let failure = copy(&from, &nowhere).expect_err("no such folder");
        assert!(failure.message.contains("c.png"), "{}", failure.message);
        assert!(copy(&folder.path().join("gone.png"), &to).is_err());
        assert_eq!(std::fs::read(&to).expect("untouched"), b"a picture");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 2);
    }

    #[test]
    fn names_and_addresses_are_whole() {
        let path = Path::new("/a b/50%-bär#1.png");
        assert_eq!(address(path), "file:///a%20b/50%25-b%C3%A4r%231.png");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_folder_is_opened_where_no_file_manager_answers() {
        let path = Path::new("/pictures/2026-11-24/a fox.png");
        let command = reveal_command(path);
        assert_eq!(command.get_program(), "xdg-open");
        assert!(command.get_args().eq(["/pictures/2026-11-24"]));
        assert!(open_command(path).get_args().eq([path]));
    }

    #[test]
    fn what_is_gone_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("gone.png");
        for failure in [reveal(&path), open(&path)] {
            assert!(failure.expect_err("gone").message.ends_with("gone.png is gone"));
        }
    }
}
