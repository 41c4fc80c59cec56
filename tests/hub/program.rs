//! The real program's `models` command.

use super::NAME;
use super::fake_hub::{FakeHub, Fault, tiny};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program with variables of its own.
pub fn program(hub: &FakeHub, cache: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lumina-studio"));
    for name in [
        "ALL_PROXY",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "HF_TOKEN",
        "HF_HUB_OFFLINE",
    ] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
        .args(args)
        .env("HF_ENDPOINT", hub.endpoint())
        .env("HF_HUB_CACHE", cache)
        .env("HF_HOME", cache.join("nobody"))
        .env("XDG_CONFIG_HOME", cache.join("config"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(hub: &FakeHub, cache: &Path, args: &[&str]) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = program(hub, cache, args).output().expect("the program");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code().expect("a code"), text(stdout), text(stderr))
}

#[test]
fn the_command_line_lists_gets_verifies_and_removes() {
    let (hub, cache) = (FakeHub::start(), tempfile::tempdir().expect("a folder"));
    hub.put(NAME, &tiny());
    let (code, out, _) = run(&hub, cache.path(), &["models", "list"]);
    assert_eq!(code, 0);
    for words in [
        "Alpha-VLLM/Lumina-mGPT-2.0-Omni",
        "ai-forever/MoVQGAN",
        "about 16.0 GB",
        "Apache-2.0",
        "not here",
    ] {
        assert!(out.contains(words), "{words}: {out}");
    }
    // Entries of the user's.
    let own = cache.path().join("config/lumina-studio");
    std::fs::create_dir_all(&own).expect("a folder");
    let list = r#"{"models": [{"repository": "tiny/lumina", "title": "Tiny", "about": "For tests."}]}"#;
    std::fs::write(own.join("models.json"), list).expect("a list");
    let (_, out, _) = run(&hub, cache.path(), &["models", "list", "--json"]);
    let lines: Vec<serde_json::Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let tiny_line =
        |lines: &[serde_json::Value]| lines.iter().find(|line| line["repository"] == NAME).cloned();
    assert_eq!(
        (lines.len(), &tiny_line(&lines).expect("a line")["whole"]),
        (6, &false.into())
    );

    let (code, out, err) = run(&hub, cache.path(), &["models", "get", NAME]);
    assert_eq!(code, 0, "{err}");
    let snapshot = Path::new(out.trim_end());
    assert!(
        snapshot.join("config.json").is_file() && err.contains("7 files"),
        "{out} {err}"
    );
    let (code, out, _) = run(&hub, cache.path(), &["models", "verify", NAME]);
    assert!(code == 0 && out.contains("7 files are right"), "{out}");
    let (_, out, _) = run(&hub, cache.path(), &["models", "list"]);
    assert!(out.contains("tiny/lumina") && out.contains("here, 1 MB"), "{out}");

    // Damage.
    let shard = snapshot
        .join("model-00002-of-00002.safetensors")
        .canonicalize()
        .expect("a file");
    std::fs::write(shard, "damaged").expect("damage");
    let (code, out, err) = run(&hub, cache.path(), &["models", "verify", NAME]);
    assert!(
        code == 1 && out.contains("damaged and taken away: model-00002"),
        "{out}"
    );
    assert!(err.contains("models get tiny/lumina"), "{err}");
    let (code, out, err) = run(&hub, cache.path(), &["models", "get", NAME, "--json"]);
    assert_eq!(code, 0, "{err}");
    let last: serde_json::Value = serde_json::from_str(out.lines().last().expect("a line")).expect("JSON");
    assert_eq!((&last["event"], &last["files"]), (&"finished".into(), &7.into()));

    let (code, _, err) = run(&hub, cache.path(), &["models", "remove", NAME]);
    assert!(code == 2 && err.contains("--yes") && snapshot.exists(), "{err}");
    let (code, out, _) = run(&hub, cache.path(), &["models", "remove", NAME, "--yes"]);
    assert!(
        code == 0 && out.contains("1 MB are free again") && !snapshot.exists(),
        "{out}"
    );
    let (code, _, err) = run(&hub, cache.path(), &["models", "verify", NAME]);
    assert!(code == 2 && err.contains("is not on this machine"), "{err}");
}

#[test]
fn what_cannot_be_had_ends_with_its_sentence_and_its_code() {
    let (hub, cache) = (FakeHub::start(), tempfile::tempdir().expect("a folder"));
    let (code, _, err) = run(&hub, cache.path(), &["models", "get", "../etc"]);
    assert!(code == 2 && err.contains("OWNER/NAME"), "{err}");
    let (code, _, err) = run(&hub, cache.path(), &["models", "get", NAME]);
    assert!(
        code == 1 && err.contains("there is no repository tiny/lumina"),
        "{err}"
    );
    hub.put(NAME, &tiny());
    hub.plan("config.json", Fault::Page, usize::MAX);
    let (code, out, err) = run(&hub, cache.path(), &["models", "get", NAME]);
    assert!(
        code == 1 && out.is_empty() && err.contains("web page in the place of config.json"),
        "{err}"
    );
    let offline = program(&hub, cache.path(), &["models", "get", NAME])
        .env("HF_HUB_OFFLINE", "1")
        .output();
    let offline = offline.expect("the program");
    assert_eq!(offline.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&offline.stderr).contains("HF_HUB_OFFLINE is set"));
    let wrong = program(&hub, cache.path(), &["models", "list"])
        .env("HF_ENDPOINT", "hub")
        .output();
    assert_eq!(wrong.expect("the program").status.code(), Some(2));
}

#[test]
fn proxies_of_the_environment_are_asked_and_exceptions_are_not() {
    use std::io::{BufRead, BufReader};
    let (hub, cache) = (FakeHub::start(), tempfile::tempdir().expect("a folder"));
    hub.put(NAME, &tiny());
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", proxy.local_addr().expect("an address"));
    let asked = std::thread::spawn(move || {
        let (stream, _) = proxy.accept().expect("somebody");
        let mut first = String::new();
        BufReader::new(stream).read_line(&mut first).expect("a line");
        first
    });
    let with = |exception: &str| {
        let mut command = program(&hub, cache.path(), &["models", "get", NAME]);
        command.env("HTTP_PROXY", &address).env("NO_PROXY", exception);
        command
    };
    let past = with("127.0.0.1").output().expect("the program");
    assert_eq!(
        past.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&past.stderr)
    );
    let mut through = with("").spawn().expect("the program");
    let first = asked.join().expect("a line");
    let _ = through.kill();
    let _ = through.wait();
    let to = hub.endpoint().replace("http://", "");
    assert!(first.contains(&to), "the proxy was asked for {first}");
}

#[test]
fn a_language_model_is_one_file_of_its_repository() {
    let (hub, cache) = (FakeHub::start(), tempfile::tempdir().expect("a folder"));
    let file = |name: &str, length, seed| (name.to_owned(), super::fake_hub::noise(length, seed));
    let files = [
        file("README.md", 100, 1),
        file("small-Q4_K_M.gguf", 60_000, 2),
        file("small-Q8_0.gguf", 90_000, 3),
    ];
    hub.put("tiny/writer", &files.clone().into());
    let (code, _, err) = run(&hub, cache.path(), &["models", "get", "tiny/writer"]);
    assert!(
        code == 1 && err.contains("name one of them") && err.contains("small-Q4_K_M.gguf, small-Q8_0.gguf"),
        "{err}"
    );
    let (code, _, err) = run(&hub, cache.path(), &["models", "get", "tiny/writer", "../x.gguf"]);
    assert!(code == 1 && err.contains("no model file `../x.gguf`"), "{err}");
    let mut folder = String::new();
    for (name, bytes) in &files[1..] {
        let (code, out, err) = run(&hub, cache.path(), &["models", "get", "tiny/writer", name]);
        assert_eq!(code, 0, "{err}");
        folder = out.trim_end().to_owned();
        assert_eq!(
            &std::fs::read(Path::new(&folder).join(name)).expect("a file"),
            bytes
        );
    }
    assert!(!Path::new(&folder).join("README.md").exists());
    let (code, out, _) = run(&hub, cache.path(), &["models", "verify", "tiny/writer"]);
    assert!(code == 0 && out.contains("2 files are right"), "{out}");
    // Where there is one, it need not be named.
    hub.put("tiny/one", &files[..2].iter().cloned().collect());
    let (code, out, err) = run(&hub, cache.path(), &["models", "get", "tiny/one"]);
    assert!(
        code == 0 && Path::new(out.trim_end()).join("small-Q4_K_M.gguf").is_file(),
        "{err}"
    );
}
