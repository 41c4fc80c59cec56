//! Servers that behave well and badly: what the writer makes of them, and in what time.

use super::local::GOOD;
use super::server::{Reply, Server};
use lumina_studio::task::{Cancel, Rewritten};
use lumina_studio::writer::{Endpoint, Keys, Writer, WriterError};
use std::time::{Duration, Instant};

fn write(url: &str, model: Option<&str>, time: Duration, cancel: &Cancel) -> Result<Rewritten, WriterError> {
    let mut endpoint = Endpoint::new(url, model.map(str::to_owned), Keys::default(), time)?;
    endpoint.write("a hound", cancel, &mut |_| {})
}

fn ask(server: &Server) -> Result<Rewritten, WriterError> {
    write(
        &server.url(),
        Some("tiny:1b"),
        Duration::from_secs(20),
        &Cancel::new(),
    )
}

#[test]
fn a_good_server_is_asked_once_with_the_shape_of_the_answer() {
    let server = Server::start(&[Reply::Says(GOOD.to_owned())]);
    let rewritten = ask(&server).expect("a prompt");
    assert_eq!(
        (rewritten.prompt.as_str(), rewritten.repaired),
        ("A dog in a meadow.", false)
    );
    let at = server.url().replace("http://", "");
    assert_eq!(rewritten.written.by, format!("tiny:1b at {at}"));
    let asked = server.asked();
    assert_eq!((asked.len(), asked[0].path.as_str()), (1, "/v1/chat/completions"));
    let body: serde_json::Value = serde_json::from_str(&asked[0].body).expect("JSON");
    assert_eq!(body["model"], "tiny:1b");
    assert_eq!(body["response_format"]["type"], "json_schema");
    assert_eq!(body["messages"][1]["content"], "a hound");
    assert_eq!(asked[0].key, None);
    // Without a name its first model is taken; the address may end in /v1.
    let url = format!("{}/v1/", server.url());
    let rewritten = write(&url, None, Duration::from_secs(20), &Cancel::new()).expect("a prompt");
    assert!(rewritten.written.by.starts_with("tiny:1b at "));
    assert_eq!(server.asked()[1].path, "/v1/models");
}

#[test]
fn a_server_without_schemas_is_asked_without() {
    let server = Server::start(&[Reply::SaysWithoutSchema(format!("Sure! ```json\n{GOOD}\n```"))]);
    assert_eq!(ask(&server).expect("a prompt").prompt, "A dog in a meadow.");
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn a_wrong_answer_is_asked_again_once_with_what_was_wrong() {
    let server = Server::start(&[Reply::Says("A dog.".to_owned()), Reply::Says(GOOD.to_owned())]);
    assert!(ask(&server).expect("a prompt").repaired);
    let asked = server.asked();
    assert!(
        asked.len() == 2 && asked[1].body.contains("there is no JSON in it"),
        "{asked:?}"
    );
    let server = Server::start(&[Reply::Says("A dog.".to_owned())]);
    assert!(matches!(ask(&server), Err(WriterError::Answer { .. })));
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn every_other_answer_has_its_sentence() {
    let of = |reply: Reply| ask(&Server::start(&[reply])).expect_err("no prompt").to_string();
    let page = "<html>Log in</html>".to_owned();
    let trouble = r#"{"error": {"message": "model not\u001b[2J loaded"}}"#.to_owned();
    for (reply, words) in [
        (Reply::Plain(200, "text/html", page.clone()), "a web page"),
        (Reply::Plain(502, "text/html", page), "status 502"),
        (
            Reply::Plain(404, "application/json", trouble),
            "status 404 (model loaded)",
        ),
        (Reply::Plain(401, "text/plain", String::new()), "writers key"),
        (
            Reply::Plain(200, "application/json", "{}".to_owned()),
            "no message",
        ),
        (
            Reply::Plain(200, "application/json", "nonsense".to_owned()),
            "no message",
        ),
        (Reply::HangUp, "cannot be reached"),
        (Reply::Endless, "endless"),
    ] {
        let why = of(reply.clone());
        assert!(why.contains(words), "{reply:?}: {why}");
        assert!(!why.contains(char::is_control), "{why:?}");
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr();
    let nobody = format!("http://{}", free.expect("an address"));
    let why = write(&nobody, Some("m"), Duration::from_secs(20), &Cancel::new()).expect_err("nobody");
    assert!(matches!(why, WriterError::Unreachable { .. }), "{why}");
    let why = write("localhost:1", None, Duration::from_secs(1), &Cancel::new()).expect_err("no address");
    assert!(matches!(why, WriterError::Address { .. }), "{why}");
}

#[test]
fn a_redirect_is_followed_on_the_same_server_and_nowhere_else() {
    let other = Server::start(&[Reply::Says(GOOD.to_owned())]);
    let server = Server::start(&[Reply::To(format!("{}/v1/chat/completions", other.url()))]);
    let why = ask(&server).expect_err("no prompt");
    assert!(
        matches!(&why, WriterError::Moved { to, .. } if other.url().ends_with(to.as_str())),
        "{why}"
    );
    assert!(other.asked().is_empty(), "nothing went there");
    let server = Server::start(&[Reply::To("/v2/chat".to_owned()), Reply::Says(GOOD.to_owned())]);
    assert!(ask(&server).is_ok());
    assert_eq!(server.asked()[1].path, "/v2/chat");
    assert!(server.asked()[1].body.contains("a hound"));
    let server = Server::start(&[Reply::To("/v1/chat/completions".to_owned())]);
    let why = ask(&server).expect_err("a circle").to_string();
    assert!(why.contains("round in circles"), "{why}");
}

#[test]
fn a_slow_server_is_left_at_the_end_of_the_time_and_at_a_cancel() {
    for reply in [Reply::Stall, Reply::Drip, Reply::Silence] {
        let server = Server::start(std::slice::from_ref(&reply));
        let began = Instant::now();
        let ended = write(
            &server.url(),
            Some("m"),
            Duration::from_millis(400),
            &Cancel::new(),
        );
        assert!(
            matches!(ended, Err(WriterError::Late { .. })),
            "{reply:?}: {ended:?}"
        );
        let took = began.elapsed();
        assert!((400..3400).contains(&took.as_millis()), "{reply:?}: {took:?}");

        let cancel = Cancel::new();
        let twin = cancel.clone();
        let began = Instant::now();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| write(&server.url(), Some("m"), Duration::from_secs(600), &cancel));
            while server.asked().len() < 2 {
                std::thread::yield_now();
            }
            twin.cancel();
            let ended = waiting.join().expect("an end");
            assert_eq!(ended, Err(WriterError::Cancelled), "{reply:?}");
        });
        assert!(began.elapsed() < Duration::from_secs(60));
    }
}
