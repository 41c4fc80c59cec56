//! A Hub on this machine: it answers as the real one does, and on demand as servers, proxies and cables do.
//!
//! Two ports: the Hub itself, and the store that it sends people to for large files. The store notes when a
//! token comes along.

// Each user takes its part of this.
#![allow(dead_code)]

use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Files from this length on are in large file storage.
const LARGE: usize = 10_000;
/// Bytes sent at a time.
const PIECE: usize = 16 << 10;

/// What goes wrong with an answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The connection ends after so many bytes of the body.
    CutAfter(usize),
    /// Nothing more comes after so many bytes of the body, until the other side goes.
    StallAfter(usize),
    /// The length it names is larger, or smaller, by so many bytes.
    LieAboutLength(i64),
    /// The length is left out.
    NoLength,
    /// `Range` is ignored.
    NoRange,
    /// Another part comes than was asked for.
    OtherPart,
    /// The whole is said to be longer than it is, in `Content-Range`.
    LieAboutWhole,
    /// This status, with these headers, and no file.
    Status(u16, &'static str),
    /// A web page.
    Page,
    /// A web page that calls itself a file.
    PageInDisguise,
    /// A pointer of Git LFS.
    Pointer,
    /// A byte of the body is another one.
    WrongByte,
    /// The sum it names is that of another file.
    OtherSum,
    /// The repository is changed, then the answer ends after so many bytes.
    ChangeAfter(usize),
    /// Leads to itself.
    Circle,
    /// Leads to an address that is none.
    Nowhere,
    /// Bytes that are no HTTP.
    Noise,
    /// The connection is closed without a word.
    HangUp,
    /// Other bytes than JSON where a list is asked for.
    NoList,
    /// More bytes than the length says.
    TooMuch,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    pub range: Option<String>,
    pub if_range: Option<String>,
    pub has_token: bool,
    pub is_store: bool,
}

#[derive(Debug, Clone)]
struct File {
    bytes: Arc<Vec<u8>>,
    /// As it stands in ETags.
    sum: String,
    is_large: bool,
}

#[derive(Debug, Default)]
struct Repository {
    commit: String,
    files: BTreeMap<String, File>,
    /// What it becomes when it is changed.
    next: Option<BTreeMap<String, Vec<u8>>>,
    gate: Option<String>,
}

struct Planned {
    file: String,
    fault: Fault,
    times: usize,
}

#[derive(Default)]
struct State {
    repositories: BTreeMap<String, Repository>,
    faults: Vec<Planned>,
    asked: Vec<Asked>,
}

pub struct FakeHub {
    port: u16,
    state: Arc<Mutex<State>>,
    is_over: Arc<AtomicBool>,
    rate: Arc<AtomicU64>,
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn sum_of(bytes: &[u8]) -> String {
    match bytes.len() >= LARGE {
        true => digits(&Sha256::digest(bytes)),
        false => {
            let mut sum = Sha1::new();
            sum.update(format!("blob {}\0", bytes.len()));
            sum.update(bytes);
            digits(&sum.finalize())
        }
    }
}

fn files_of(files: &BTreeMap<String, Vec<u8>>) -> (String, BTreeMap<String, File>) {
    let mut commit = Sha1::new();
    let mut all = BTreeMap::new();
    for (name, bytes) in files {
        commit.update(name);
        commit.update(bytes);
        let file = File {
            bytes: Arc::new(bytes.clone()),
            sum: sum_of(bytes),
            is_large: bytes.len() >= LARGE,
        };
        all.insert(name.clone(), file);
    }
    (digits(&commit.finalize()), all)
}

/// Bytes without a pattern.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// A small checkpoint with all that a large one has. No part of it draws.
pub fn tiny() -> BTreeMap<String, Vec<u8>> {
    let index = r#"{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}"#;
    let files: [(&str, Vec<u8>); 9] = [
        (".gitattributes", b"*.safetensors filter=lfs".to_vec()),
        ("README.md", b"# A model".to_vec()),
        (
            "config.json",
            br#"{"vocabulary_map": {"<MOVQGAN00000>": 7}}"#.to_vec(),
        ),
        ("lumina.json", br#"{"name": "tiny"}"#.to_vec()),
        ("model-00001-of-00002.safetensors", noise(300_000, 1)),
        ("model-00002-of-00002.safetensors", noise(200_000, 2)),
        ("model.safetensors.index.json", index.as_bytes().to_vec()),
        ("movqgan_tiny.ckpt", noise(50_000, 3)),
        ("tokenizer.json", noise(40_000, 4)),
    ];
    files.map(|(name, bytes)| (name.to_owned(), bytes)).into()
}

impl FakeHub {
    pub fn start() -> Self {
        Self::start_at(0)
    }

    /// At a port of its own, or any free one for 0.
    pub fn start_at(port: u16) -> Self {
        let hub = TcpListener::bind(("127.0.0.1", port)).expect("a port");
        let store = TcpListener::bind("127.0.0.1:0").expect("a port");
        let ports = [&hub, &store].map(|listener| listener.local_addr().expect("a port").port());
        let fake = Self {
            port: ports[0],
            state: Arc::default(),
            is_over: Arc::default(),
            rate: Arc::default(),
        };
        for (listener, is_store) in [(hub, false), (store, true)] {
            let (state, is_over) = (Arc::clone(&fake.state), Arc::clone(&fake.is_over));
            let rate = Arc::clone(&fake.rate);
            std::thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let answering = Answering {
                        state: Arc::clone(&state),
                        is_over: Arc::clone(&is_over),
                        rate: Arc::clone(&rate),
                        ports,
                        is_store,
                    };
                    std::thread::spawn(move || answering.serve(stream));
                }
            });
        }
        fake
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a repository there, in the place of one of its name.
    pub fn put(&self, name: &str, files: &BTreeMap<String, Vec<u8>>) {
        let (commit, files) = files_of(files);
        let repository = Repository {
            commit,
            files,
            ..Repository::default()
        };
        self.state().repositories.insert(name.to_owned(), repository);
    }

    /// What a repository becomes when [`Fault::ChangeAfter`] strikes.
    pub fn put_next(&self, name: &str, files: BTreeMap<String, Vec<u8>>) {
        self.state()
            .repositories
            .get_mut(name)
            .expect("a repository")
            .next = Some(files);
    }

    /// Only who brings this token gets it.
    pub fn gate(&self, name: &str, token: &str) {
        self.state()
            .repositories
            .get_mut(name)
            .expect("a repository")
            .gate = Some(token.to_owned());
    }

    /// The next answers for this file (or `list`) go wrong in this way.
    pub fn plan(&self, file: &str, fault: Fault, times: usize) {
        self.state().faults.push(Planned {
            file: file.to_owned(),
            fault,
            times,
        });
    }

    pub fn heal(&self) {
        self.state().faults.clear();
    }

    /// At most so many bytes a second for each connection; 0 for all that goes.
    pub fn slow(&self, bytes_per_second: u64) {
        self.rate.store(bytes_per_second, Ordering::Relaxed);
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.state().asked.clone()
    }

    pub fn forget(&self) {
        self.state().asked.clear();
    }

    /// Whether a token went where it does not belong.
    pub fn token_leaked(&self) -> bool {
        self.state()
            .asked
            .iter()
            .any(|asked| asked.is_store && asked.has_token)
    }
}

impl Drop for FakeHub {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

struct Answering {
    state: Arc<Mutex<State>>,
    is_over: Arc<AtomicBool>,
    rate: Arc<AtomicU64>,
    ports: [u16; 2],
    is_store: bool,
}

struct Request {
    is_head: bool,
    path: String,
    headers: BTreeMap<String, String>,
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?, words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    for line in lines {
        let line = line.ok()?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    Some(Request {
        is_head: method == "HEAD",
        path,
        headers,
    })
}

impl Answering {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, mut stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let Some(request) = read_request(&stream) else {
            return;
        };
        self.state().asked.push(Asked {
            path: request.path.clone(),
            range: request.headers.get("range").cloned(),
            if_range: request.headers.get("if-range").cloned(),
            has_token: request.headers.contains_key("authorization"),
            is_store: self.is_store,
        });
        // Who has gone hears nothing.
        let _ = self.answer(&request, &mut stream);
        let _ = stream.flush();
        let _ = stream.shutdown(std::net::Shutdown::Write);
        // Until the other side has read all.
        let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
        let _ = stream.read(&mut [0; 64]);
    }

    /// The fault of this answer, one less of its kind.
    fn fault(&self, file: &str) -> Option<Fault> {
        let mut state = self.state();
        let planned = state
            .faults
            .iter_mut()
            .find(|planned| planned.file == file && planned.times > 0)?;
        planned.times -= 1;
        Some(planned.fault.clone())
    }

    fn answer(&self, request: &Request, stream: &mut TcpStream) -> std::io::Result<()> {
        let plain = |stream: &mut TcpStream, status: u16, headers: &str, body: &[u8]| {
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
            )?;
            stream.write_all(if request.is_head { &[] } else { body })
        };
        let path = request.path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (name, file) = match parts[..] {
            ["api", "models", owner, name, "tree", _] => (format!("{owner}/{name}"), "tree".to_owned()),
            ["api", "models", owner, name, "revision", "main"] => {
                (format!("{owner}/{name}"), "list".to_owned())
            }
            [owner, name, "resolve", commit, file] => {
                let name = format!("{owner}/{name}");
                let state = self.state();
                let is_known = state
                    .repositories
                    .get(&name)
                    .is_some_and(|it| it.commit == commit);
                drop(state);
                if !is_known {
                    return plain(stream, 404, "X-Error-Code: RevisionNotFound\r\n", b"");
                }
                (name, file.to_owned())
            }
            _ => return plain(stream, 404, "", b"no such page"),
        };
        let state = self.state();
        let Some(repository) = state.repositories.get(&name) else {
            drop(state);
            return plain(stream, 401, "X-Error-Code: RepoNotFound\r\n", b"");
        };
        if let Some(token) = repository.gate.as_ref().filter(|_| !self.is_store) {
            match request.headers.get("authorization") {
                None => {
                    drop(state);
                    return plain(stream, 401, "X-Error-Code: GatedRepo\r\n", b"");
                }
                Some(said) if *said != format!("Bearer {token}") => {
                    drop(state);
                    return plain(stream, 403, "X-Error-Code: GatedRepo\r\n", b"");
                }
                Some(_) => {}
            }
        }
        let (commit, list) = (repository.commit.clone(), listing(&name, repository));
        let tree = tree(repository);
        let found = repository.files.get(&file).cloned();
        drop(state);
        // Large files go wrong in the store, where they come from.
        let goes_on = found.as_ref().is_some_and(|found| found.is_large) && !self.is_store;
        let fault = if goes_on { None } else { self.fault(&file) };
        match &fault {
            Some(Fault::Status(status, headers)) => return plain(stream, *status, headers, b"busy"),
            Some(Fault::Page) => {
                return plain(
                    stream,
                    200,
                    "Content-Type: text/html\r\n",
                    b"<!DOCTYPE html><title>Log in</title>",
                );
            }
            Some(Fault::PageInDisguise) => {
                return plain(stream, 200, "", b"<html><title>Log in</title></html>");
            }
            Some(Fault::Circle) => {
                return plain(stream, 302, &format!("Location: {}\r\n", request.path), b"");
            }
            Some(Fault::Nowhere) => return plain(stream, 302, "Location: gopher://127.0.0.1/x\r\n", b""),
            Some(Fault::Noise) => return stream.write_all(&noise(300, 9)),
            Some(Fault::HangUp) => return Ok(()),
            Some(Fault::NoList) => {
                return plain(stream, 200, "Content-Type: application/json\r\n", b"{\"sha\": 7");
            }
            _ => {}
        }
        if file == "tree" {
            return plain(stream, 200, "Content-Type: application/json\r\n", tree.as_bytes());
        }
        if file == "list" {
            return plain(stream, 200, "Content-Type: application/json\r\n", list.as_bytes());
        }
        let Some(found) = found else {
            return plain(stream, 404, "X-Error-Code: EntryNotFound\r\n", b"");
        };
        if goes_on {
            let headers = format!(
                "Location: http://127.0.0.1:{}{}\r\nX-Repo-Commit: {commit}\r\nX-Linked-Etag: \"{}\"\r\n\
                 X-Linked-Size: {}\r\nETag: \"{}\"\r\n",
                self.ports[1],
                request.path,
                found.sum,
                found.bytes.len(),
                found.sum
            );
            return plain(stream, 302, &headers, b"");
        }
        self.send(request, stream, (&name, &commit), &found, fault)
    }

    fn send(
        &self,
        request: &Request,
        stream: &mut TcpStream,
        (name, commit): (&str, &str),
        file: &File,
        fault: Option<Fault>,
    ) -> std::io::Result<()> {
        let mut bytes: Vec<u8> = file.bytes.to_vec();
        let mut sum = file.sum.clone();
        match &fault {
            Some(Fault::Pointer) => {
                bytes =
                    format!("version https://git-lfs.github.com/spec/v1\noid sha256:{sum}\nsize 9\n").into();
            }
            Some(Fault::WrongByte) => {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
            Some(Fault::OtherSum) => sum = sum_of(&[&bytes[..], b"x"].concat()),
            _ => {}
        }
        // The store has a name of its own for each version.
        let etag = format!("\"v-{}\"", &digits(&Sha256::digest(&bytes))[..16]);
        let etag = if self.is_store { etag } else { format!("\"{sum}\"") };
        let range = request
            .headers
            .get("range")
            .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
        let mut first: usize = range.and_then(|first| first.parse().ok()).unwrap_or(0);
        let is_same = request.headers.get("if-range").is_none_or(|said| *said == etag);
        if !is_same || matches!(fault, Some(Fault::NoRange)) {
            first = 0;
        }
        if first > 0 && first >= bytes.len() {
            let headers = format!("Content-Range: bytes */{}\r\n", bytes.len());
            return write!(
                stream,
                "HTTP/1.1 416 X\r\nConnection: close\r\nContent-Length: 0\r\n{headers}\r\n"
            );
        }
        let status = if first > 0 { 206 } else { 200 };
        let told = if matches!(fault, Some(Fault::OtherPart)) {
            first / 2
        } else {
            first
        };
        let of = if matches!(fault, Some(Fault::LieAboutWhole)) {
            bytes.len() + 7
        } else {
            bytes.len()
        };
        let mut headers = format!("ETag: {etag}\r\nAccept-Ranges: bytes\r\nX-Repo-Commit: {commit}\r\n");
        if status == 206 {
            headers += &format!("Content-Range: bytes {told}-{}/{of}\r\n", of - 1);
        }
        let body = &bytes[told.min(first)..];
        let length = match &fault {
            Some(Fault::LieAboutLength(by)) => body.len() as i64 + by,
            Some(Fault::TooMuch) => body.len() as i64 + 4096,
            _ => body.len() as i64,
        };
        if !matches!(fault, Some(Fault::NoLength)) {
            headers += &format!("Content-Length: {}\r\n", length.max(0));
        }
        write!(
            stream,
            "HTTP/1.1 {status} X\r\nConnection: close\r\n{headers}\r\n"
        )?;
        if request.is_head {
            return Ok(());
        }
        let upto = match &fault {
            Some(Fault::CutAfter(count) | Fault::StallAfter(count) | Fault::ChangeAfter(count)) => {
                (*count).min(body.len())
            }
            Some(Fault::LieAboutLength(by)) if *by < 0 => length.max(0) as usize,
            _ => body.len(),
        };
        for piece in body[..upto].chunks(PIECE) {
            stream.write_all(piece)?;
            let rate = self.rate.load(Ordering::Relaxed);
            if rate > 0 {
                std::thread::sleep(Duration::from_secs_f64(piece.len() as f64 / rate as f64));
            }
        }
        match fault {
            Some(Fault::TooMuch) => stream.write_all(&noise(4096, 5))?,
            Some(Fault::StallAfter(_)) => {
                stream.flush()?;
                // Until the other side goes.
                stream.set_read_timeout(Some(Duration::from_secs(60)))?;
                let _ = stream.read(&mut [0; 1]);
            }
            Some(Fault::ChangeAfter(_)) => {
                let mut state = self.state();
                let repository = state.repositories.get_mut(name).expect("a repository");
                if let Some(next) = repository.next.take() {
                    (repository.commit, repository.files) = files_of(&next);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The files, as the list names them and as the tree does.
fn described(repository: &Repository, [name, small, large]: [&str; 3]) -> Vec<serde_json::Value> {
    let entries = repository.files.iter().map(|(path, file)| {
        let size = file.bytes.len();
        match file.is_large {
            true => serde_json::json!({"type": "file", name: path, "size": size, small: "0".repeat(40),
                "lfs": {large: file.sum, "size": size, "pointerSize": 130}}),
            false => serde_json::json!({"type": "file", name: path, "size": size, small: file.sum}),
        }
    });
    entries.collect()
}

fn tree(repository: &Repository) -> String {
    serde_json::Value::Array(described(repository, ["path", "oid", "oid"])).to_string()
}

fn listing(name: &str, repository: &Repository) -> String {
    let siblings = described(repository, ["rfilename", "blobId", "sha256"]);
    serde_json::json!({"id": name, "modelId": name, "private": false, "tags": [], "sha": repository.commit,
        "gated": false, "siblings": siblings})
    .to_string()
}
