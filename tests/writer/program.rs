//! The real program: both words in the picture, and a picture whatever the writer does.

use super::gguf::{Family, Tiny, make};
use super::local::GOOD;
use super::server::{Reply, Server};
use super::{SMALL, program, run};
use crate::stage::{Stage, events};
use serde_json::{Value, json};
use std::time::Duration;

fn info(stage: &Stage, file: &str) -> Value {
    let ended = run(&mut program(stage, &["info", file, "--json"]));
    assert_eq!(ended.code, 0, "{}", ended.err);
    serde_json::from_str(&ended.out).expect("JSON")
}

fn generate<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    [&["generate", "a hound in the park"], &SMALL[..], rest].concat()
}

#[test]
fn a_picture_holds_both_words_and_is_redrawn_to_the_same_bytes() {
    let stage = Stage::new();
    let server = Server::start(&[Reply::Says(GOOD.to_owned())]);
    let url = server.url();
    let ended = run(&mut program(
        &stage,
        &generate(&["--write-with", &url, "-o", "a.png"]),
    ));
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.err.contains("writes: A dog in a meadow."), "{}", ended.err);
    let about = info(&stage, "a.png");
    assert_eq!(about["prompt"], "A dog in a meadow.");
    assert_eq!(about["written"]["own"], "a hound in the park");
    let by = format!("tiny:1b at {}", url.replace("http://", ""));
    assert_eq!(about["written"]["by"], Value::from(by.clone()));
    assert_eq!(
        about["written"]["scene"],
        json!({ "objects": [{ "name": "dog", "count": 1, "colour": "red" }], "background": "meadow" })
    );
    let ended = run(&mut program(&stage, &["info", "a.png"]));
    assert!(
        ended.out.contains("own words: a hound in the park"),
        "{}",
        ended.out
    );
    assert!(
        ended.out.contains(&format!("rewritten by: {by}")),
        "{}",
        ended.out
    );
    // Redrawn without the server.
    let asked = server.asked().len();
    let ended = run(&mut program(&stage, &["redraw", "a.png", "-o", "b.png"]));
    assert_eq!((ended.code, server.asked().len()), (0, asked), "{}", ended.err);
    assert!(stage.read("a.png") == stage.read("b.png"));
    // It is the picture of its prompt, and a branch of it keeps whose words they are.
    let plain = [&["generate", "A dog in a meadow.", "-o", "c.png"], &SMALL[..]].concat();
    assert_eq!(run(&mut program(&stage, &plain)).code, 0);
    let other = info(&stage, "c.png");
    assert_eq!(other["tokens"], about["tokens"]);
    assert_eq!(other.get("written"), None);
    let branch = ["redraw", "a.png", "--from-row", "4", "--seed", "9", "-o", "d.png"];
    assert_eq!(run(&mut program(&stage, &branch)).code, 0);
    assert_eq!(info(&stage, "d.png")["written"], about["written"]);
    let anew = [
        "redraw",
        "a.png",
        "--from-row",
        "0",
        "--prompt",
        "a cat at night",
        "-o",
        "e.png",
    ];
    assert_eq!(run(&mut program(&stage, &anew)).code, 0);
    assert_eq!(
        info(&stage, "e.png").get("written"),
        None,
        "these are the user's own"
    );
}

#[test]
fn whatever_a_server_does_the_picture_is_drawn_from_the_own_words() {
    let stage = Stage::new();
    let plain = run(&mut program(&stage, &generate(&["-o", "own.png"])));
    assert_eq!(plain.code, 0, "{}", plain.err);
    let own = info(&stage, "own.png");
    let other = Server::start(&[Reply::Says(GOOD.to_owned())]);
    let page = "<html>Log in</html>".to_owned();
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr();
    let nobody = format!("http://{}", free.expect("an address"));
    let replies = [
        ("nonsense", Some(Reply::Says("I cannot do that.".to_owned()))),
        ("a stall", Some(Reply::Stall)),
        ("drops", Some(Reply::Drip)),
        ("an endless body", Some(Reply::Endless)),
        (
            "a wrong status",
            Some(Reply::Plain(500, "text/plain", "no".to_owned())),
        ),
        ("a page", Some(Reply::Plain(200, "text/html", page))),
        ("silence", Some(Reply::Silence)),
        ("a closed connection", Some(Reply::HangUp)),
        (
            "a redirect",
            Some(Reply::To(format!("{}/v1/chat/completions", other.url()))),
        ),
        ("nobody", None),
    ];
    for (what, reply) in replies {
        let server = reply
            .as_ref()
            .map(|reply| Server::start(std::slice::from_ref(reply)));
        let url = server.as_ref().map_or(nobody.clone(), Server::url);
        let rest = [
            "--write-with",
            &url,
            "--writer-model",
            "m",
            "--writer-timeout",
            "1",
            "-o",
            "a.png",
        ];
        let mut command = program(&stage, &generate(&rest));
        let ended = run(command.env("LUMINA_STUDIO_WRITER_KEY", "sk-very-secret"));
        assert_eq!(ended.code, 0, "{what}: {}", ended.err);
        let remarks: Vec<&str> = ended
            .err
            .lines()
            .filter(|line| line.contains("your own words"))
            .collect();
        assert_eq!(remarks.len(), 1, "{what}: {}", ended.err);
        assert!(
            remarks[0].ends_with(": drawn from your own words"),
            "{what}: {}",
            ended.err
        );
        let most = Duration::from_secs(1 + 3) + plain.time;
        assert!(ended.time < most, "{what}: {:?} of {most:?}", ended.time);
        let about = info(&stage, "a.png");
        assert_eq!(
            (&about["tokens"], &about["prompt"]),
            (&own["tokens"], &own["prompt"]),
            "{what}"
        );
        assert_eq!(about.get("written"), None, "{what}");
        let file = String::from_utf8_lossy(&stage.read("a.png")).into_owned();
        assert!(!file.contains("sk-very-secret") && !ended.err.contains("sk-very-secret"));
    }
    assert!(other.asked().is_empty(), "nothing went elsewhere");
}

#[test]
fn a_model_in_a_file_and_the_built_in_writer_write_for_the_program() {
    let stage = Stage::new();
    let parrot = Tiny {
        family: Family::Qwen3,
        seed: 2,
        says: Some(GOOD),
    };
    std::fs::create_dir_all(stage.path("data/lumina-studio/writers")).expect("a folder");
    make(&stage.path("data/lumina-studio/writers/parrot.gguf"), &parrot);
    let ended = run(&mut program(&stage, &["writers", "--json"]));
    let found = events(&ended.out);
    assert_eq!(found[0]["write_with"], "built-in");
    let file = found
        .iter()
        .find(|found| found["title"] == "parrot")
        .expect("the model");
    let file = file["write_with"].as_str().expect("a file");
    let ended = run(&mut program(
        &stage,
        &generate(&["--write-with", file, "-o", "a.png", "--json"]),
    ));
    assert_eq!(ended.code, 0, "{}", ended.err);
    let said = events(&ended.err);
    let event = said
        .iter()
        .find(|event| event["event"] == "rewritten")
        .expect("an event");
    assert_eq!(
        (&event["prompt"], &event["by"]),
        (&"A dog in a meadow.".into(), &"parrot".into())
    );
    assert_eq!(info(&stage, "a.png")["written"]["by"], "parrot");
    // One that is gone.
    let ended = run(&mut program(
        &stage,
        &generate(&["--write-with", "gone.gguf", "-o", "b.png"]),
    ));
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        ended.err.contains("gone.gguf") && ended.err.contains("drawn from your own words"),
        "{}",
        ended.err
    );
    let ended = run(&mut program(
        &stage,
        &generate(&["--write-with", "built-in", "-o", "c.png"]),
    ));
    assert_eq!(ended.code, 0, "{}", ended.err);
    let about = info(&stage, "c.png");
    assert_eq!(
        (&about["prompt"], &about["written"]["own"]),
        (&"a dog in a meadow".into(), &"a hound in the park".into())
    );
    let ended = run(&mut program(
        &stage,
        &["rewrite", "two puppies playing in the park", "--with", "built-in"],
    ));
    assert_eq!(
        (ended.code, ended.out.trim_end()),
        (0, "two dogs in a meadow"),
        "{}",
        ended.err
    );
    let ended = run(&mut program(
        &stage,
        &["rewrite", "a carburettor", "--with", "built-in"],
    ));
    assert!(
        ended.code == 1 && ended.err.contains("choose a language model"),
        "{}",
        ended.err
    );
    for wrong in [
        generate(&["--write-with", "ollama"]),
        generate(&["--writer-model", "m"]),
        generate(&["--write-with", "built-in", "--writer-model", "m"]),
        generate(&["--write-with", "built-in", "--writer-timeout", "0"]),
    ] {
        assert_eq!(run(&mut program(&stage, &wrong)).code, 2, "{wrong:?}");
    }
}
