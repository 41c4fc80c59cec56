//! Keys with the real program, where there is no keyring.

use super::local::GOOD;
use super::server::{Reply, Server};
use super::{program, run};
use crate::stage::Stage;
use std::io::Write;
use std::process::Stdio;

const KEY: &str = "sk-very-secret";

#[test]
fn without_a_keyring_a_key_is_refused_in_a_sentence() {
    let stage = Stage::new();
    let mut command = program(&stage, &["writers", "key", "https://api.example.org/v1"]);
    let mut started = command.stdin(Stdio::piped()).spawn().expect("the program");
    let mut input = started.stdin.take().expect("an input");
    input.write_all(KEY.as_bytes()).expect("a key");
    drop(input);
    let output = started.wait_with_output().expect("an end");
    let err = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(
        err.contains("no keyring") && err.contains("LUMINA_STUDIO_WRITER_KEY"),
        "{err}"
    );
    assert!(!err.contains(KEY));
    let ended = run(&mut program(
        &stage,
        &["writers", "forget", "https://api.example.org/v1"],
    ));
    assert!(
        ended.code == 1 && ended.err.contains("no keyring"),
        "{}",
        ended.err
    );
    // What is no key, or no address, is wrong usage.
    let ended = run(&mut program(
        &stage,
        &["writers", "key", "https://api.example.org/v1"],
    ));
    assert!(
        ended.code == 2 && ended.err.contains("this is no key"),
        "{}",
        ended.err
    );
    let ended = run(&mut program(&stage, &["writers", "forget", "api.example.org"]));
    assert!(
        ended.code == 2 && ended.err.contains("no address"),
        "{}",
        ended.err
    );
}

#[test]
fn a_key_for_one_run_goes_to_its_server_alone_and_is_nowhere_said() {
    let stage = Stage::new();
    let ask = |server: &Server| {
        let args = [
            "rewrite",
            "a hound",
            "--with",
            &server.url(),
            "--writer-model",
            "m",
            "--json",
        ];
        run(program(&stage, &args).env("LUMINA_STUDIO_WRITER_KEY", KEY))
    };
    let server = Server::start(&[Reply::Says(GOOD.to_owned())]);
    let ended = ask(&server);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(server.asked()[0].key, Some(format!("Bearer {KEY}")));
    assert!(!ended.out.contains(KEY) && !ended.err.contains(KEY));
    let other = Server::start(&[Reply::Says(GOOD.to_owned())]);
    let server = Server::start(&[Reply::To(format!("{}/v1/chat/completions", other.url()))]);
    let ended = ask(&server);
    assert!(
        ended.code == 1 && ended.err.contains("were not sent"),
        "{}",
        ended.err
    );
    assert!(other.asked().is_empty() && !ended.err.contains(KEY));
    // Nor over a network where everybody could read it.
    let args = [
        "rewrite",
        "a hound",
        "--with",
        "http://192.0.2.1",
        "--writer-model",
        "m",
    ];
    let ended = run(program(&stage, &args).env("LUMINA_STUDIO_WRITER_KEY", KEY));
    assert!(ended.code == 2 && ended.err.contains("https://"), "{}", ended.err);
}
