//! Requests nobody means, one after the other: the server answers, stays, writes nothing and does not grow.
//! `LUMINA_STUDIO_REQUESTS` says how many; what they are depends on their numbers only.

use crate::client::{Answer, Server, form};
use crate::mutate::{self, Dice};
use serde_json::{Value, json};
use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

const REQUESTS: u64 = 1000;
/// What it may grow by in the second half, whatever is asked: a picture or two under way.
const MOST_GROWTH_KB: u64 = 32 << 10;
/// How long an answer is waited for: whoever asked for a picture by chance goes away.
const PATIENCE: Duration = Duration::from_millis(150);

fn rss_kb(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("a process");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("its memory");
    let number = line.split_whitespace().nth(1).expect("a number");
    number.parse().expect("a number")
}

fn any<'a, T>(dice: &mut Dice, of: &'a [T]) -> &'a T {
    &of[dice.below(of.len())]
}

const PATHS: [&str; 16] = [
    "/v1/images/generations",
    "/v1/images/generations",
    "/v1/images/edits",
    "/v1/images/edits",
    "/sdapi/v1/txt2img",
    "/sdapi/v1/txt2img",
    "/sdapi/v1/progress",
    "/sdapi/v1/interrupt",
    "/sdapi/v1/options",
    "/v1/models",
    "/v1/models/starter",
    "/files/../../etc/passwd",
    "/files/%00%2e%2e%2f",
    "/health",
    "//",
    "/%ff?%zz=\u{e9}",
];

const NAMES: [&str; 24] = [
    "prompt",
    "prompt",
    "n",
    "size",
    "response_format",
    "output_format",
    "seed",
    "stream",
    "partial_images",
    "negative_prompt",
    "width",
    "height",
    "batch_size",
    "n_iter",
    "cfg_scale",
    "steps",
    "send_images",
    "sd_model_checkpoint",
    "background",
    "model",
    "image",
    "mask",
    "\0",
    "a\u{301}\u{202e}",
];

fn value(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(16) {
        0 => Value::Null,
        1 => (dice.below(2) == 0).into(),
        2 => dice.below(12).into(),
        3 => dice.roll().into(),
        4 => (-(dice.below(1000) as i64)).into(),
        5 => json!(f64::from_bits(dice.roll())),
        6 => json!(1e300),
        7 => "96x160".into(),
        8 => format!("{}x{}", dice.roll(), dice.below(4096)).into(),
        9 => "x".repeat(dice.below(80_000)).into(),
        10 => "the theory of relativity".into(),
        11 => ["b64_json", "url", "png", "jpeg", "webp", "true", "auto", ""][dice.below(8)].into(),
        12 => "\u{0}\u{fffd}\u{202e}\u{1f34e}\r\n\u{7f}".into(),
        13 if depth < 4 => (0..dice.below(5)).map(|_| value(dice, depth + 1)).collect(),
        14 if depth < 4 => json!({ "a": value(dice, depth + 1) }),
        // Now and then a picture is begun.
        _ => any(dice, &["a red apple", "a dog in a meadow", "qwertz"])
            .to_owned()
            .into(),
    }
}

fn object(dice: &mut Dice) -> Value {
    let mut object = json!({});
    for _ in 0..dice.below(8) {
        let name = *any(dice, &NAMES);
        object[name] = value(dice, 0);
    }
    object
}

fn tiny_png(dice: &mut Dice) -> Vec<u8> {
    let (width, height) = (1 + dice.below(40) as u32, 1 + dice.below(40) as u32);
    let image = image::RgbaImage::from_fn(width, height, |x, y| {
        image::Rgba([x as u8, y as u8, 9, (x * 6) as u8])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    image
        .write_to(&mut bytes, image::ImageFormat::Png)
        .expect("a PNG");
    let mut bytes = bytes.into_inner();
    let damage = dice.below(3);
    if damage > 0 {
        bytes = mutate::bytes(dice, &bytes);
    }
    if damage > 1 {
        mutate::png_sums(&mut bytes);
    }
    bytes
}

fn a_form(dice: &mut Dice) -> (String, Vec<u8>) {
    let mut parts: Vec<(&str, Vec<u8>)> = Vec::new();
    for _ in 0..dice.below(6) {
        let name = *any(
            dice,
            &[
                "image", "image[]", "mask", "prompt", "n", "size", "stream", "seed", "",
            ],
        );
        let bytes = match name.starts_with("image") || name == "mask" {
            true => tiny_png(dice),
            false => value(dice, 0).to_string().into_bytes(),
        };
        parts.push((name, bytes));
    }
    let parts: Vec<(&str, &[u8])> = parts
        .iter()
        .map(|(name, bytes)| (*name, bytes.as_slice()))
        .collect();
    form(&parts)
}

/// One request: mostly understood as far as its head, seldom as a whole.
fn request(server: &Server, dice: &mut Dice) -> Vec<u8> {
    let method = any(
        dice,
        &[
            "GET", "POST", "POST", "POST", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "\u{1}",
        ],
    );
    let line = format!("{method} {}", any(dice, &PATHS));
    let (kind, body) = match dice.below(6) {
        0 | 1 => (
            "Content-Type: application/json".to_owned(),
            object(dice).to_string().into_bytes(),
        ),
        2 => {
            let body = object(dice).to_string().into_bytes();
            (
                "Content-Type: application/json".to_owned(),
                mutate::bytes(dice, &body),
            )
        }
        3 => a_form(dice),
        4 => {
            let (kind, body) = a_form(dice);
            (kind, mutate::bytes(dice, &body))
        }
        _ => {
            let noise = (0..dice.below(300)).map(|_| dice.roll() as u8).collect();
            ("Content-Type: multipart/form-data; boundary=".to_owned(), noise)
        }
    };
    let odd = [
        "Origin: http://evil.example",
        "Host: evil",
        "Expect: 100-continue",
        "Transfer-Encoding: chunked",
        "Content-Length: 5",
        "Range: bytes=0-1",
        "Upgrade: h2c",
        "Authorization: Basic Og==",
    ];
    let headers = match dice.below(5) {
        0 => vec![kind.as_str(), *any(dice, &odd)],
        _ => vec![kind.as_str()],
    };
    let whole = server.request(&line, &headers, &body);
    match dice.below(10) {
        0 => mutate::bytes(dice, &whole),
        1 => whole[..dice.below(whole.len())].to_vec(),
        _ => whole,
    }
}

/// What came of it: a status, or `None` where the connection was closed or left without one.
fn asked(server: &Server, bytes: &[u8]) -> Option<u16> {
    let mut stream = server.connect();
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // It may be refused before all of it is sent.
    let _ = stream.write_all(bytes);
    let (mut told, mut part) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(count) => told.extend_from_slice(&part[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    Answer::parse(&told).map(|answer| answer.status)
}

#[test]
fn no_request_ends_it_or_makes_it_grow() {
    let count = std::env::var("LUMINA_STUDIO_REQUESTS").ok();
    let count = count.map_or(REQUESTS, |count| count.parse().expect("a number"));
    let server = Server::start(&[]);
    let files = server.stage.names();
    let (mut counted, mut answered) = (Vec::new(), std::collections::BTreeMap::new());
    for number in 0..count {
        if number % (count / 10).max(1) == 0 {
            counted.push(rss_kb(server.id()));
        }
        let bytes = request(&server, &mut Dice(number));
        *answered.entry(asked(&server, &bytes)).or_insert(0u64) += 1;
    }
    server.until("/health", |state| {
        state["drawing"] == false && state["waiting"] == 0
    });
    counted.push(rss_kb(server.id()));
    println!("{count} requests: {answered:?}; kB of memory, by tenths: {counted:?}");
    assert_eq!(server.stage.names(), files, "nothing is written");
    let known = [
        200, 400, 401, 403, 404, 405, 408, 413, 417, 422, 431, 503, 100, 409, 414,
    ];
    for status in answered.keys().flatten() {
        assert!(known.contains(status), "{status}: {answered:?}");
    }
    for status in [200, 400, 401, 404, 405, 422] {
        assert!(answered.contains_key(&Some(status)), "no {status}: {answered:?}");
    }
    // The first pictures take memory that is kept for the next ones; by the middle all of it is there.
    let (middle, end) = (counted[counted.len() / 2], counted[counted.len() - 1]);
    assert!(end < middle + MOST_GROWTH_KB, "it grew: {counted:?}");
    server.interrupt();
    let (status, said) = server.ended();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}
