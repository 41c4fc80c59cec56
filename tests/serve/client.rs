//! The real program's door, and a client that says exactly what it is told to say.

use crate::stage::Stage;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ExitStatus};
use std::time::Duration;

/// Longer than anything takes here: a test that hangs ends with a reason.
const PATIENCE: Duration = Duration::from_secs(120);

/// `serve`, started; killed when dropped.
pub struct Server {
    pub stage: Stage,
    child: Child,
    pub url: String,
    pub address: SocketAddr,
    pub token: String,
    stderr: Option<std::thread::JoinHandle<String>>,
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Server {
    pub fn start(args: &[&str]) -> Self {
        Self::with(Stage::new(), args, None)
    }

    pub fn with(stage: Stage, args: &[&str], token: Option<&str>) -> Self {
        for folder in ["home", "tmp"] {
            std::fs::create_dir(stage.path(folder)).expect("a folder");
        }
        let mut command = stage.command(&[&["serve", "--port", "0"], args].concat());
        // Whatever is written goes where it is seen, and so does every panic.
        command
            .env("HOME", stage.path("home"))
            .env("TMPDIR", stage.path("tmp"));
        command.env("RUST_BACKTRACE", "full");
        command.env_remove("LUMINA_STUDIO_TOKEN");
        if let Some(token) = token {
            command.env("LUMINA_STUDIO_TOKEN", token);
        }
        let mut child = command.spawn().expect("the program starts");
        let mut stderr = child.stderr.take().expect("stderr");
        let stderr = std::thread::spawn(move || {
            let mut said = String::new();
            let _ = stderr.read_to_string(&mut said);
            said
        });
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
        let mut line = || {
            let mut line = String::new();
            stdout.read_line(&mut line).expect("text");
            line.trim_end().to_owned()
        };
        let url = line();
        let told = match token.is_some() || args.contains(&"--token-file") {
            true => String::new(),
            false => line(),
        };
        let token = token.map_or_else(|| told.trim_start_matches("token ").to_owned(), str::to_owned);
        let address = url.split("//").nth(1).and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("no address in `{url}`"));
        Self {
            stage,
            child,
            url,
            address,
            token,
            stderr: Some(stderr),
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }

    /// A request's head and body, with host, token and length as they should be.
    pub fn request(&self, line: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
        let (host, token) = (self.address, &self.token);
        let mut request = format!(
            "{line} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\nConnection: close\r\n",
            body.len()
        );
        headers
            .iter()
            .for_each(|header| request += &format!("{header}\r\n"));
        [request.as_bytes(), b"\r\n", body].concat()
    }

    /// Sends bytes and reads what comes until the end.
    pub fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect();
        stream.write_all(bytes).expect("a listener");
        Answer::read(&mut stream)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.raw(&self.request(&format!("GET {path}"), &[], b""))
    }

    pub fn post(&self, path: &str, json: &Value) -> Answer {
        let headers = ["Content-Type: application/json"];
        self.raw(&self.request(&format!("POST {path}"), &headers, json.to_string().as_bytes()))
    }

    /// Sends a request and does not wait for what comes.
    pub fn begin(&self, path: &str, json: &Value) -> TcpStream {
        let mut stream = self.connect();
        let request = self.request(&format!("POST {path}"), &[], json.to_string().as_bytes());
        stream.write_all(&request).expect("a listener");
        stream
    }

    /// Asks for the state until it is as wanted.
    pub fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        loop {
            let state = self.get(path).json();
            if is_so(&state) {
                return state;
            }
            // The engine needs the processor, too.
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn generate(&self, json: &Value) -> Answer {
        self.post("/v1/images/generations", json)
    }

    /// Sends Ctrl-C.
    pub fn interrupt(&self) {
        let line = format!("kill -INT {}", self.id());
        let sent = std::process::Command::new("sh").args(["-c", &line]).status();
        assert!(sent.expect("a shell").success());
    }

    /// Waits for its end; (how, stderr).
    pub fn ended(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("an end");
        let said = self.stderr.take().expect("stderr").join().expect("no panic");
        (status, said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(said) = self.stderr.take().and_then(|stderr| stderr.join().ok())
            && !std::thread::panicking()
        {
            assert!(!said.contains("panicked"), "{said}");
        }
    }
}

impl Answer {
    pub fn read(stream: &mut impl Read) -> Self {
        let mut bytes = Vec::new();
        // One who is cut off keeps what came.
        let _ = stream.read_to_end(&mut bytes);
        Self::parse(&bytes).unwrap_or_else(|| panic!("no answer: {}", String::from_utf8_lossy(&bytes)))
    }

    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let body = &bytes[end + 4..];
        let body = match head.to_lowercase().contains("transfer-encoding: chunked") {
            true => unchunked(body),
            false => body.to_vec(),
        };
        Some(Self { status, head, body })
    }

    pub fn json(&self) -> Value {
        let parsed = serde_json::from_slice(&self.body);
        parsed.unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The JSON of an answer that is one.
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// Is a refusal in OpenAI's shape with these words.
    pub fn refused(&self, status: u16, words: &str) -> Value {
        let error = self.json()["error"].clone();
        assert_eq!(self.status, status, "{error}");
        for part in ["message", "type", "param", "code"] {
            assert!(error.get(part).is_some(), "no {part} in {error}");
        }
        let message = error["message"].as_str().expect("a sentence");
        assert!(message.contains(words), "no `{words}` in {message}");
        error
    }

    /// The events of a stream: names and data.
    pub fn events(&self) -> Vec<(String, Value)> {
        assert_eq!(self.status, 200);
        assert!(self.head.contains("text/event-stream"), "{}", self.head);
        let text = String::from_utf8(self.body.clone()).expect("text");
        let blocks = text
            .split("\n\n")
            .filter(|block| !block.is_empty() && *block != ":");
        let event = |block: &str| {
            let (name, data) = block.split_once('\n').expect("two lines");
            let data = data.strip_prefix("data: ").expect("data");
            let name = name.strip_prefix("event: ").expect("a name");
            (name.to_owned(), serde_json::from_str(data).expect("JSON"))
        };
        blocks.map(event).collect()
    }
}

fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") {
        let length = std::str::from_utf8(&bytes[..end]).ok();
        let Some(length) = length.and_then(|hex| usize::from_str_radix(hex, 16).ok()) else {
            break;
        };
        bytes = &bytes[end + 2..];
        let have = length.min(bytes.len());
        out.extend_from_slice(&bytes[..have]);
        bytes = bytes.get(have + 2..).unwrap_or_default();
    }
    out
}

/// Bytes of Base64.
pub fn from_base64(value: &Value) -> Vec<u8> {
    use base64::Engine as _;
    let text = value.as_str().expect("a text");
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .expect("Base64")
}

pub fn picture(bytes: &[u8]) -> image::RgbImage {
    image::load_from_memory(bytes).expect("a picture").to_rgb8()
}

/// A form with files and texts; (header, body).
pub fn form(parts: &[(&str, &[u8])]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, bytes) in parts {
        let is_file = name.starts_with("image") || *name == "mask";
        let file = if is_file {
            "; filename=\"a.png\"\r\nContent-Type: image/png"
        } else {
            ""
        };
        body.extend_from_slice(b"--edge\r\n");
        body.extend_from_slice(
            format!("Content-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge--\r\n");
    (
        "Content-Type: multipart/form-data; boundary=edge".to_owned(),
        body,
    )
}

/// A small picture of what the starter knows.
pub fn small(seed: u64) -> Value {
    json!({ "prompt": "a red apple", "size": "96x160", "seed": seed })
}

/// One that takes long enough to be caught.
pub fn long(seed: u64) -> Value {
    json!({ "prompt": "a red apple", "size": "256x256", "seed": seed, "n": 10 })
}
