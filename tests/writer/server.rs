//! A server on this machine that answers as servers for language models do, and on demand as others do.

use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How a talk is answered.
#[derive(Debug, Clone)]
pub enum Reply {
    /// With these words of the model.
    Says(String),
    /// Only where no schema is asked for; else with status 400.
    SaysWithoutSchema(String),
    /// With this status, kind and body.
    Plain(u16, &'static str, String),
    /// A redirect to this address.
    To(String),
    /// The head, and nothing more.
    Stall,
    /// A byte of the body now and then.
    Drip,
    /// A body without an end.
    Endless,
    /// Not a byte.
    Silence,
    /// The connection is closed without a word.
    HangUp,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    pub key: Option<String>,
    pub body: String,
}

pub struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    /// Talks are answered by these in turn, the last one again and again.
    pub fn start(replies: &[Reply]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let server = Self {
            port: listener.local_addr().expect("a port").port(),
            asked: Arc::default(),
        };
        let replies = Arc::new(Mutex::new(replies.to_vec()));
        let asked = Arc::clone(&server.asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, replies) = (Arc::clone(&asked), Arc::clone(&replies));
                // Each connection has its own thread, for some are never done.
                std::thread::spawn(move || answer(stream, &asked, &replies));
            }
        });
        server
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.asked).clone()
    }
}

fn request(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let (mut key, mut length) = (None, 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => key = Some(value.trim().to_owned()),
            "content-length" => length = value.trim().parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked {
        path,
        key,
        body: String::from_utf8(body).ok()?,
    })
}

fn send(stream: &mut TcpStream, status: u16, kind: &str, body: &str) {
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body.as_bytes());
}

fn says(stream: &mut TcpStream, words: &str) {
    let body = json!({ "choices": [{ "index": 0, "message": { "role": "assistant", "content": words } }] });
    send(stream, 200, "application/json", &body.to_string());
}

fn answer(mut stream: TcpStream, asked: &Mutex<Vec<Asked>>, replies: &Mutex<Vec<Reply>>) {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
    let Some(question) = request(&stream) else { return };
    let has_schema = question.body.contains("response_format");
    let is_list = question.path == "/v1/models";
    lock(asked).push(question);
    if is_list {
        let list = json!({ "object": "list", "data": [{ "id": "tiny:1b" }, { "id": "other" }] });
        return send(&mut stream, 200, "application/json", &list.to_string());
    }
    let reply = {
        let mut replies = lock(replies);
        match replies.len() {
            1 => replies[0].clone(),
            _ => replies.remove(0),
        }
    };
    match reply {
        Reply::Says(words) => says(&mut stream, &words),
        Reply::SaysWithoutSchema(words) if !has_schema => says(&mut stream, &words),
        Reply::SaysWithoutSchema(_) => {
            let body = r#"{"error": {"message": "response_format is not known here"}}"#;
            send(&mut stream, 400, "application/json", body);
        }
        Reply::Plain(status, kind, body) => send(&mut stream, status, kind, &body),
        Reply::To(url) => {
            let head = format!(
                "HTTP/1.1 307 X\r\nlocation: {url}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            let _ = stream.write_all(head.as_bytes());
        }
        Reply::Stall => {
            let _ = stream.write_all(HEAD);
            until_it_goes(&mut stream, b"");
        }
        Reply::Drip => {
            let _ = stream.write_all(HEAD);
            until_it_goes(&mut stream, b" ");
        }
        Reply::Endless => {
            let _ = stream.write_all(HEAD);
            let piece = vec![b' '; 64 << 10];
            while stream.write_all(&piece).is_ok() {}
        }
        Reply::Silence => until_it_goes(&mut stream, b""),
        Reply::HangUp => {}
    }
}

/// Sends these bytes ten times a second until the other side has gone.
fn until_it_goes(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = stream.set_read_timeout(Some(Duration::from_millis(100)));
    let mut end = [0];
    loop {
        match stream.read(&mut end) {
            Ok(0) => return,
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ) => {}
            Ok(_) => {}
            Err(_) => return,
        }
        if stream.write_all(bytes).is_err() {
            return;
        }
    }
}
