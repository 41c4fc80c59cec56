//! Builds the emulated driver once, and runs tests in processes that find it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Set in the process that does find it.
const INSIDE: &str = "LUMINA_TEST_ON_EMULATOR";

/// The folder of the emulated driver, or why there is none.
pub enum Emulated {
    Driver(PathBuf),
    LeftOut(String),
}

/// Sources the driver is built of, and what they were when it was.
fn fingerprint() -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = ["tests/cuda", "shaders/cuda"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).expect("sources"))
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|kind| kind != "gz"))
        .collect();
    files.sort();
    files
        .iter()
        .flat_map(|path| std::fs::read(path).expect("a source"))
        .collect()
}

/// Builds the driver with `flags`, unless it is there already.
fn build(name: &str, flags: &[&str]) -> Emulated {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    if Command::new(&compiler).arg("--version").output().is_err() {
        return Emulated::LeftOut(format!("there is no C++ compiler ({compiler})"));
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let stamp = folder.join("stamp");
    let wanted = fingerprint();
    if std::fs::read(&stamp).is_ok_and(|found| found == wanted) {
        return Emulated::Driver(folder);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cuda/build.sh");
    let mut bash = Command::new("bash");
    let built = bash.arg(script).arg(&folder).args(flags).output().expect("bash");
    assert!(
        built.status.success(),
        "the emulated driver does not build:\n{}",
        String::from_utf8_lossy(&built.stderr)
    );
    std::fs::write(stamp, wanted).expect("a stamp");
    Emulated::Driver(folder)
}

/// The emulated driver.
pub fn driver() -> &'static Emulated {
    static DRIVER: OnceLock<Emulated> = OnceLock::new();
    DRIVER.get_or_init(|| build("emulated-driver", &[]))
}

/// One that lacks a function.
#[allow(dead_code)]
pub fn driver_without(function: &str) -> Emulated {
    build(
        &format!("emulated-driver-without-{function}"),
        &[&format!("-D{function}=gone")],
    )
}

/// Runs the body of the test `name` in a process that finds the emulated driver.
#[allow(dead_code)]
pub fn on_the_emulator(name: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let folder = match driver() {
        Emulated::Driver(folder) => folder,
        Emulated::LeftOut(why) => return println!("left out: {name}: {why}"),
    };
    let program = std::env::current_exe().expect("this program");
    let ran = Command::new(program)
        .args(["--exact", name, "--nocapture", "--test-threads", "1"])
        .env(INSIDE, "1")
        .env("LD_LIBRARY_PATH", folder)
        .output()
        .expect("this program again");
    let said = [&ran.stdout[..], &ran.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}
