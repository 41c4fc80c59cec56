//! A folder in which the real program is run, and what every test asks of it.

// Each test program uses its part of this.
#![allow(dead_code)]

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A picture of the golden vectors.
pub fn golden(name: &str) -> String {
    format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A file of the starter model's public checkpoint.
pub fn starter(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/starter")
        .join(name)
}

pub struct Stage {
    folder: tempfile::TempDir,
}

impl Stage {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).expect("a file");
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("a file")
    }

    pub fn pixels(&self, name: &str) -> image::RgbImage {
        image::open(self.path(name)).expect("a picture").to_rgb8()
    }

    /// The starter's checkpoint as a folder of its own, to be damaged.
    pub fn checkpoint(&self, name: &str) {
        std::fs::create_dir(self.path(name)).expect("a folder");
        for entry in std::fs::read_dir(starter("")).expect("the starter").flatten() {
            let to = self.path(name).join(entry.file_name());
            std::fs::copy(entry.path(), to).expect("a copy");
        }
    }

    /// The program, with its output caught. Backtraces are asked for: none may be seen.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lumina-studio"));
        command
            .current_dir(self.folder.path())
            .env("RUST_BACKTRACE", "1")
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the program starts")
    }

    /// Runs to a good end; (stdout, stderr).
    pub fn told(&self, args: &[&str]) -> (String, String) {
        let output = self.run(args);
        let text = |bytes| String::from_utf8(bytes).expect("text");
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert_eq!(output.status.code(), Some(0), "{args:?}: {stderr}");
        (stdout, stderr)
    }

    /// Runs to a good end; stdout.
    pub fn done(&self, args: &[&str]) -> String {
        self.told(args).0
    }

    pub fn info(&self, file: &str) -> Value {
        serde_json::from_str(&self.done(&["info", file, "--json"])).expect("JSON")
    }

    pub fn tokens(&self, file: &str) -> Vec<u64> {
        let info = self.info(file);
        let tokens = info["tokens"].as_array().expect("tokens").iter();
        tokens.map(|token| token.as_u64().expect("a code")).collect()
    }

    /// Every file and folder, however deep.
    pub fn names(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        let mut open = vec![self.folder.path().to_owned()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    open.push(path.clone());
                }
                found.insert(path);
            }
        }
        found
    }

    /// Is refused with `code`, in one line with `words` in it, and leaves nothing behind.
    pub fn refused(&self, code: i32, words: &str, args: &[&str]) {
        let before = self.names();
        let output = self.run(args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let shown: Vec<String> = args.iter().map(|arg| arg.chars().take(60).collect()).collect();
        assert_eq!(output.status.code(), Some(code), "{shown:?}: {stderr}");
        assert_eq!(stderr.trim_end().lines().count(), 1, "{shown:?}: {stderr}");
        assert!(stderr.contains(words), "{shown:?}: no `{words}` in {stderr}");
        assert!(
            !stderr.contains("panicked") && !stderr.contains("0: "),
            "{stderr}"
        );
        assert!(output.stdout.is_empty(), "{shown:?}");
        assert_eq!(self.names(), before, "{shown:?}");
    }
}

/// Events of `--json`, one a line.
pub fn events(text: &str) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    text.lines().map(parse).collect()
}
