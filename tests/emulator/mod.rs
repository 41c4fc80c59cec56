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

/// Runs `build` for a folder unless what it makes is there already.
fn build_once(name: &str, build: impl FnOnce(&str, &Path) -> Command) -> Emulated {
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
    std::fs::create_dir_all(&folder).expect("a folder");
    let built = build(&compiler, &folder).output().expect("a compiler");
    assert!(
        built.status.success(),
        "{name} does not build:\n{}",
        String::from_utf8_lossy(&built.stderr)
    );
    std::fs::write(stamp, wanted).expect("a stamp");
    Emulated::Driver(folder)
}

/// Builds the driver with `flags`.
fn build(name: &str, flags: &[&str]) -> Emulated {
    build_once(name, |_, folder| {
        let mut bash = Command::new("bash");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cuda/build.sh");
        bash.arg(script).arg(folder).args(flags);
        bash
    })
}

/// A program that proves the kernels of the image tokenizer alone, as `check` in the folder.
#[allow(dead_code)]
pub fn movq_check() -> Emulated {
    build_once("movq-check", |compiler, folder| {
        let cuda = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cuda");
        let mut compile = Command::new(compiler);
        compile
            .args(["-O2", "-std=c++17", "-pthread", "-DEMULATE", "-include"])
            .arg(cuda.join("emulate.h"))
            .arg(cuda.join("movq_check.cpp"))
            .arg("-o")
            .arg(folder.join("check"));
        compile
    })
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
