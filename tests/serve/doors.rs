//! Who is let in, how much of them, and how the door is opened and closed.

use crate::client::{Answer, Server, long, small};
use crate::stage::Stage;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::sync::Arc;

fn file(name: &str) -> String {
    format!("{}/tests/serve/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A request with these headers and no others.
fn plain(line: &str, headers: &[String]) -> Vec<u8> {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    format!("{line} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n").into_bytes()
}

#[test]
fn nobody_comes_in_without_the_token_or_from_a_foreign_page() {
    let server = Server::start(&[]);
    let host = format!("Host: {}", server.address);
    let own = format!("Authorization: Bearer {}", server.token);
    let asked = |headers: &[&str]| {
        let headers: Vec<String> = headers.iter().map(|header| (*header).to_owned()).collect();
        server.raw(&plain("GET /v1/models", &headers))
    };
    assert_eq!(asked(&[&host, &own]).status, 200);
    let wrong = [
        String::new(),
        "Authorization: Bearer ".to_owned(),
        format!("Authorization: Bearer {}x", server.token),
        format!("Authorization: Bearer {}", &server.token[1..]),
        format!("Authorization: {}", server.token),
        "Authorization: Basic !!!".to_owned(),
        "Authorization: Basic bm90OnRoZXRva2Vu".to_owned(),
        "Authorization: Digest x".to_owned(),
    ];
    for header in &wrong {
        let headers: Vec<&str> = [host.as_str(), header]
            .into_iter()
            .filter(|line| !line.is_empty())
            .collect();
        let answer = asked(&headers);
        assert!(
            answer.head.contains("www-authenticate: Bearer"),
            "{}",
            answer.head
        );
        assert_eq!(
            answer.refused(401, "the token is missing or wrong")["type"],
            "authentication_error"
        );
    }
    // Whether there is such an endpoint is nobody's business either.
    for path in [
        "/",
        "/nothing",
        "/sdapi/v1/options",
        "/v1/images/generations",
        "/docs",
    ] {
        let answer = server.raw(&plain(&format!("GET {path}"), std::slice::from_ref(&host)));
        assert_eq!(answer.status, 401, "{path}");
    }
    let health = server
        .raw(&plain("GET /health", std::slice::from_ref(&host)))
        .ok();
    assert_eq!(health["status"], "ok");
    // A name that was made to point here, and pages of others.
    for foreign in [
        "evil.example",
        "localhost.evil.example",
        "192.168.0.1",
        "evil.example:80",
    ] {
        let foreign = format!("Host: {foreign}");
        asked(&[&foreign, &own]).refused(403, "names another computer");
        assert_eq!(server.raw(&plain("GET /health", &[foreign])).status, 403);
    }
    for origin in ["http://evil.example", "null", "http://localhost:1", "file://"] {
        asked(&[&host, &own, &format!("Origin: {origin}")]).refused(403, "other origins");
    }
    asked(&[&host, &own, "Sec-Fetch-Site: cross-site"]).refused(403, "other sites");
    let same = format!("Origin: {}", server.url);
    let answer = asked(&[&host, &own, &same]);
    assert_eq!(answer.status, 200);
    assert!(
        !answer.head.to_lowercase().contains("access-control-"),
        "{}",
        answer.head
    );
    assert_eq!(asked(&[&own]).status, 400);
    assert_eq!(asked(&[&host, "Host: localhost", &own]).status, 400);
    server.get("/nothing").refused(404, "no such endpoint");
    server.get("/v1/images/generations").refused(405, "not how");
}

#[test]
fn too_much_is_refused_before_it_is_read() {
    let server = Server::start(&[]);
    // The lengths are said, the bodies never sent.
    let host = format!("Host: {}", server.address);
    let own = format!("Authorization: Bearer {}", server.token);
    let sized = |path: &str, length: usize, kind: &str| {
        let headers = [
            host.clone(),
            own.clone(),
            format!("Content-Length: {length}"),
            format!("Content-Type: {kind}"),
        ];
        server.raw(&plain(&format!("POST {path}"), &headers))
    };
    let json = "application/json";
    sized("/v1/images/generations", (512 << 10) + 1, json).refused(413, "at most 512 kB");
    assert_eq!(sized("/sdapi/v1/txt2img", 1 << 40, json).status, 413);
    let form = "multipart/form-data; boundary=edge";
    sized("/v1/images/edits", (32 << 20) + 1, form).refused(413, "too large");
    // Without a length it is counted.
    let mut stream = server.connect();
    let head = [host.clone(), own.clone(), "Transfer-Encoding: chunked".to_owned()];
    stream
        .write_all(&plain("POST /v1/images/generations", &head))
        .expect("a listener");
    let chunk = [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
    for _ in 0..9 {
        if stream.write_all(&chunk).is_err() {
            break;
        }
    }
    Answer::read(&mut stream).refused(413, "at most 512 kB");
    // Nobody without the token has a body read.
    let answer = server.raw(&plain(
        "POST /v1/images/edits",
        &[host.clone(), "Content-Length: 99999".to_owned()],
    ));
    assert_eq!(answer.status, 401);
    let many: Vec<String> = (0..80).map(|at| format!("X-{at}: 1")).collect();
    assert_eq!(
        server
            .raw(&plain("GET /health", &[vec![host.clone()], many].concat()))
            .status,
        431
    );
    let long = format!("X-Long: {}", "x".repeat(200_000));
    let mut stream = server.connect();
    // It may be cut off before all is sent.
    let _ = stream.write_all(&plain("GET /health", &[host.clone(), long]));
    let mut told = Vec::new();
    let _ = stream.read_to_end(&mut told);
    assert!(told.is_empty() || Answer::parse(&told).is_some_and(|answer| answer.status == 431));
    // More connections than are taken at a time: those that say nothing are ended, and others get in.
    let silent: Vec<_> = (0..80).map(|_| server.connect()).collect();
    assert_eq!(server.get("/health").status, 200);
    drop(silent);
}

#[test]
fn the_door_is_not_opened_carelessly() {
    let stage = Stage::new();
    stage.refused(
        2,
        "add --tls-cert",
        &["serve", "--port", "0", "--listen", "0.0.0.0"],
    );
    stage.refused(2, "add --tls-cert", &["serve", "--port", "0", "--listen", "::"]);
    stage.write("short", "abc");
    stage.refused(
        2,
        "the token has 3 characters",
        &["serve", "--token-file", "short"],
    );
    stage.write("spaced", "with blanks in the middle of it");
    stage.refused(2, "blanks", &["serve", "--token-file", "spaced"]);
    stage.refused(2, "cannot be read", &["serve", "--token-file", "absent"]);
    let (cert, key) = (file("localhost.pem"), file("localhost.key.pem"));
    let tls = |cert: &str, key: &str, words: &str| {
        stage.refused(
            2,
            words,
            &["serve", "--port", "0", "--tls-cert", cert, "--tls-key", key],
        );
    };
    tls("absent", &key, "absent cannot be read");
    tls("short", &key, "holds no certificate");
    tls(&cert, "short", "holds no private key");
    stage.refused(
        2,
        "there is no model",
        &["serve", "--port", "0", "--model", "absent.gguf"],
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    stage.refused(1, "choose another --port", &["serve", "--port", &port]);
}

#[test]
fn a_token_of_ones_own_is_not_printed() {
    const TOKEN: &str = "a-token-of-my-own-1";
    let server = Server::with(Stage::new(), &["--listen", "0.0.0.0", "--insecure"], Some(TOKEN));
    assert!(server.url.starts_with("http://0.0.0.0:"), "{}", server.url);
    // There, names are other people's.
    let headers = [
        "Host: studio.example".to_owned(),
        format!("Authorization: Bearer {TOKEN}"),
    ];
    assert_eq!(server.raw(&plain("GET /v1/models", &headers)).status, 200);
    assert_eq!(server.raw(&plain("GET /v1/models", &headers[..1])).status, 401);
    let stage = Stage::new();
    stage.write("token", "another-token-in-a-file\n");
    let mut filed = Server::with(stage, &["--token-file", "token"], None);
    filed.token = "another-token-in-a-file".to_owned();
    assert_eq!(filed.get("/v1/models").status, 200);
}

#[test]
fn tls_is_spoken_with_a_certificate() {
    let (cert, key) = (file("localhost.pem"), file("localhost.key.pem"));
    let args = ["--listen", "0.0.0.0", "--tls-cert", &cert, "--tls-key", &key];
    let server = Server::start(&args);
    assert!(server.url.starts_with("https://"), "{}", server.url);
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(&cert).expect("a certificate"))
        .expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().expect("versions");
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(config, name).expect("a connection");
    let mut stream = StreamOwned::new(connection, server.connect());
    let mut wish = small(2);
    wish["response_format"] = "url".into();
    let request = server.request("POST /v1/images/generations", &[], wish.to_string().as_bytes());
    stream.write_all(&request).expect("a listener");
    let answer = Answer::read(&mut stream).ok();
    assert!(
        answer["data"][0]["url"]
            .as_str()
            .is_some_and(|url| url.starts_with("https://"))
    );
    // Who does not speak it hears nothing that is HTTP.
    let mut plainly = server.connect();
    plainly
        .write_all(&server.request("GET /health", &[], b""))
        .expect("a listener");
    let mut told = Vec::new();
    let _ = plainly.read_to_end(&mut told);
    assert!(Answer::parse(&told).is_none());
}

#[test]
fn ctrl_c_ends_it_with_an_answer_to_everybody() {
    let server = Server::start(&[]);
    let mut drawn = server.begin("/v1/images/generations", &long(1));
    server.until("/health", |state| state["drawing"] == true);
    let mut waits = server.begin("/v1/images/generations", &small(1));
    server.until("/health", |state| state["waiting"] == 1);
    server.interrupt();
    Answer::read(&mut drawn).refused(503, "the program is ending");
    Answer::read(&mut waits).refused(503, "the program is ending");
    let (status, said) = server.ended();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}
