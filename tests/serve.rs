//! The HTTP door of the real program: what its clients ask and get, who is let in, and what becomes of those
//! that ask too much or go away.
#![cfg(unix)]

#[path = "fuzz/mutate.rs"]
#[allow(dead_code)]
mod mutate;
mod stage;

#[path = "serve/client.rs"]
mod client;
#[path = "serve/doors.rs"]
mod doors;
#[path = "serve/fuzz.rs"]
mod fuzz;

use client::{Answer, Server, form, from_base64, long, picture, small};
use serde_json::{Value, json};
use stage::golden;

#[test]
fn pictures_come_as_on_the_command_line() {
    let server = Server::start(&[]);
    let answer = server.generate(&small(7)).ok();
    let bytes = from_base64(&answer["data"][0]["b64_json"]);
    assert_eq!(
        (&answer["output_format"], &answer["size"]),
        (&"png".into(), &"96x160".into())
    );
    assert_eq!(answer["data"][0]["seed"], 7);
    // The very picture, its settings and tokens inside.
    server.stage.write("served.png", &bytes);
    let args = [
        "generate",
        "a red apple",
        "--size",
        "96x160",
        "--seed",
        "7",
        "-o",
        "drawn.png",
    ];
    server.stage.done(&args);
    assert_eq!(
        server.stage.pixels("served.png"),
        server.stage.pixels("drawn.png")
    );
    assert_eq!(
        server.stage.tokens("served.png"),
        server.stage.tokens("drawn.png")
    );
    assert_eq!(server.stage.info("served.png")["prompt"], "a red apple");

    let mut two = small(7);
    two["n"] = 2.into();
    two["response_format"] = "url".into();
    let answer = server.generate(&two).ok();
    let data = answer["data"].as_array().expect("pictures");
    assert_eq!(
        (data.len(), &data[0]["seed"], &data[1]["seed"]),
        (2, &7.into(), &8.into())
    );
    let fetch = |at: usize| {
        let url = data[at]["url"].as_str().expect("an address");
        let path = url.strip_prefix(&server.url).expect("an address here");
        // Whoever has the name needs no token.
        let file = server
            .raw(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes());
        assert_eq!(file.status, 200);
        assert!(file.head.contains("content-type: image/png"), "{}", file.head);
        file.body
    };
    assert_eq!(picture(&fetch(0)), picture(&bytes));
    assert_ne!(picture(&fetch(1)), picture(&bytes));
    server
        .get("/files/0000000000000000000000000000000000000000.png")
        .refused(404, "no such picture");
    server
        .get("/files/..%2F..%2Fetc%2Fpasswd")
        .refused(404, "no such picture");

    for (format, head) in [("jpeg", &b"\xff\xd8\xff"[..]), ("webp", b"RIFF")] {
        let mut wish = small(7);
        wish["output_format"] = format.into();
        let answer = server.generate(&wish).ok();
        let sent = from_base64(&answer["data"][0]["b64_json"]);
        assert!(sent.starts_with(head), "{format}");
        if format == "webp" {
            assert_eq!(picture(&sent), picture(&bytes), "it is lossless");
        }
    }
    let mut said = small(7);
    said["prompt"] = "a puppy playing in the park".into();
    said["model"] = "gpt-image-1".into();
    assert_eq!(
        server.generate(&said).ok()["data"][0]["revised_prompt"],
        "a dog in a meadow"
    );
    said["as_typed"] = true.into();
    assert_eq!(server.generate(&said).ok()["data"][0].get("revised_prompt"), None);
    let models = server.get("/v1/models").ok();
    assert_eq!(models["data"][0]["id"], "starter");
    assert_eq!(server.get("/v1/models/starter").ok()["object"], "model");
    server.get("/v1/models/other").refused(404, "`starter` is");
}

#[test]
fn what_cannot_be_drawn_is_refused_with_what_can() {
    let server = Server::start(&[]);
    let refused = |field: &str, value: Value, words: &str| {
        let mut wish = small(1);
        wish[field] = value;
        let error = server.generate(&wish).refused(400, words);
        assert_eq!(error["type"], "invalid_request_error");
        error
    };
    let error = refused("size", "1024x1024".into(), "96x160");
    assert_eq!(error["param"], "size");
    refused("size", "big".into(), "WIDTHxHEIGHT");
    refused("size", 7.into(), "`size` has to be a text");
    refused("n", 0.into(), "from 1 to 10");
    refused("n", 11.into(), "from 1 to 10");
    refused("n", "two".into(), "`n`");
    refused("prompt", Value::Null, "say what to draw");
    refused("prompt", json!(["a"]), "`prompt` has to be a text");
    refused("prompt", "x".repeat(70_000).into(), "too long");
    // The engine's own sentence.
    refused("prompt", "the theory of relativity".into(), "simple things");
    refused("response_format", "png".into(), "b64_json, url");
    refused("output_format", "gif".into(), "png, jpeg, webp");
    refused("background", "transparent".into(), "opaque");
    refused("partial_images", 4.into(), "from 0 to 3");
    refused("seed", (-1).into(), "`seed`");
    refused("seed", u64::MAX.into(), "too large");
    refused("stream", "yes".into(), "true or false");
    let mut wish = small(1);
    wish["stream"] = true.into();
    wish["n"] = 2.into();
    server.generate(&wish).refused(400, "one picture is streamed");
    // A stream that is refused has the status of a refusal.
    let wish = json!({ "prompt": "the theory of relativity", "stream": true });
    server.generate(&wish).refused(400, "simple things");
    server
        .raw(&server.request("POST /v1/images/generations", &[], b"{"))
        .refused(400, "no JSON");
    let wish = json!({ "prompt": "a red apple", "width": 512, "height": 512 });
    let answer = server.post("/sdapi/v1/txt2img", &wish);
    assert_eq!(answer.status, 422);
    assert!(
        answer.json()["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("96x160"))
    );
}

#[test]
fn rows_are_streamed_while_they_come() {
    let server = Server::start(&[]);
    let whole = server.generate(&small(3)).ok();
    let mut wish = small(3);
    wish["stream"] = true.into();
    wish["partial_images"] = 3.into();
    let events = server.generate(&wish).events();
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    let part = "image_generation.partial_image";
    assert_eq!(names, [part, part, part, "image_generation.completed"]);
    let mut grey_before = u32::MAX;
    for (at, (name, data)) in events.iter().enumerate() {
        assert_eq!(
            (&data["type"], &data["size"]),
            (&name.as_str().into(), &"96x160".into())
        );
        let shown = picture(&from_base64(&data["b64_json"]));
        assert_eq!(shown.dimensions(), (96, 160));
        let is_grey = |y: &u32| (0..96).all(|x| shown.get_pixel(x, *y).0 == [128; 3]);
        let grey = (0..160).rev().take_while(is_grey).count() as u32;
        if name == part {
            assert_eq!(data["partial_image_index"], at);
            assert!(grey > 0 && grey < 160, "part {at}: {grey} lines are grey");
        }
        assert!(grey < grey_before, "part {at}");
        grey_before = grey;
    }
    let last = &events[3].1;
    assert_eq!(last["b64_json"], whole["data"][0]["b64_json"]);
    wish["partial_images"] = 0.into();
    assert_eq!(server.generate(&wish).events().len(), 1);
}

/// A mask for the upper left quarter, as OpenAI's clients send it: transparent where to edit.
fn mask(width: u32, height: u32) -> Vec<u8> {
    let inside = |x, y| x < width / 2 && y < height / 2;
    let mask = image::RgbaImage::from_fn(width, height, |x, y| {
        image::Rgba([90, 120, 7, if inside(x, y) { 0 } else { 255 }])
    });
    png(mask.into())
}

fn png(image: image::DynamicImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image
        .write_to(&mut bytes, image::ImageFormat::Png)
        .expect("a PNG");
    bytes.into_inner()
}

fn edit(server: &Server, parts: &[(&str, &[u8])]) -> Answer {
    let (header, body) = form(parts);
    server.raw(&server.request("POST /v1/images/edits", &[&header], &body))
}

#[test]
fn an_edit_leaves_every_pixel_outside_the_mask() {
    let server = Server::start(&[]);
    let source = image::open(golden("generate/edit_panel.png"))
        .expect("a picture")
        .to_rgb8();
    let (width, height) = source.dimensions();
    let (bytes, mask) = (png(source.clone().into()), mask(width, height));
    let parts = [
        ("image", &bytes[..]),
        ("mask", &mask),
        ("prompt", b"a red apple"),
        ("model", b"gpt-image-1"),
        ("n", b"1"),
        ("seed", b"5"),
    ];
    let answer = edit(&server, &parts).ok();
    let edited = picture(&from_base64(&answer["data"][0]["b64_json"]));
    assert_eq!(edited.dimensions(), (width, height));
    let changed = |x: u32, y: u32| edited.get_pixel(x, y) != source.get_pixel(x, y);
    let all = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let (inside, outside): (Vec<_>, Vec<_>) = all
        .filter(|(x, y)| changed(*x, *y))
        .partition(|(x, y)| *x < width / 2 && *y < height / 2);
    assert!(outside.is_empty(), "{} pixels", outside.len());
    assert!(!inside.is_empty(), "nothing was edited");
    // The same as events.
    let streamed = [&parts[..], &[("stream", b"true"), ("partial_images", b"2")]].concat();
    let events = edit(&server, &streamed).events();
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    let part = "image_edit.partial_image";
    assert_eq!(names, [part, part, "image_edit.completed"]);
    assert_eq!(events[2].1["b64_json"], answer["data"][0]["b64_json"]);
    // By words alone, its picture under the other name.
    let size = format!("{width}x{height}");
    let words = [
        ("image[]", &bytes[..]),
        ("prompt", b"make the background blue"),
        ("size", size.as_bytes()),
    ];
    assert_eq!(
        edit(&server, &words).ok()["data"].as_array().map(Vec::len),
        Some(1)
    );

    let opaque = png(source.clone().into());
    let wide = crate::mask(2 * width, height / 2);
    let image = ("image", &bytes[..]);
    let words = ("prompt", &b"a red apple"[..]);
    edit(&server, &[words]).refused(400, "the picture to edit is missing");
    edit(&server, &[image, image, words]).refused(400, "one picture is edited at a time");
    edit(&server, &[image]).refused(400, "say what to change");
    edit(&server, &[image, words, ("mask", &opaque)]).refused(400, "opaque everywhere");
    edit(&server, &[image, words, ("mask", &wide)]).refused(400, "picture's shape");
    edit(&server, &[("image", b"GIF89a"), words]).refused(400, "image: ");
    edit(&server, &[("image", b"no picture at all"), words]).refused(400, "this is no picture");
    server
        .post("/v1/images/edits", &small(1))
        .refused(400, "multipart/form-data");
    let huge = png(image::DynamicImage::new_luma8(6000, 4001));
    edit(&server, &[("image", &huge), words]).refused(400, "6000x4001 is too large");
}

#[test]
fn a1111_clients_draw_watch_and_interrupt() {
    let server = Server::start(&[]);
    let idle = server.get("/sdapi/v1/progress").ok();
    assert_eq!(
        (&idle["progress"], &idle["state"]["job_count"]),
        (&json!(0.0), &json!(0))
    );
    for path in [
        "options",
        "sd-models",
        "samplers",
        "schedulers",
        "upscalers",
        "scripts",
        "loras",
        "embeddings",
        "cmd-flags",
        "memory",
        "sd-vae",
        "hypernetworks",
        "latent-upscale-modes",
        "face-restorers",
    ] {
        server.get(&format!("/sdapi/v1/{path}")).ok();
    }
    let wish = json!({
        "prompt": "a red apple", "negative_prompt": "blurry", "steps": 20, "width": 96, "height": 160,
        "seed": 7, "cfg_scale": 4.0, "sampler_name": "Euler a", "batch_size": 2, "n_iter": 1,
    });
    // As such clients name themselves: the token is the password.
    use base64::Engine as _;
    let name = base64::engine::general_purpose::STANDARD.encode(format!("any:{}", server.token));
    let body = wish.to_string();
    let request = format!(
        "POST /sdapi/v1/txt2img HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {name}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let answer = server.raw(request.as_bytes()).ok();
    let images = answer["images"].as_array().expect("pictures");
    assert_eq!(images.len(), 2);
    assert_eq!(picture(&from_base64(&images[0])).dimensions(), (96, 160));
    assert_eq!(answer["parameters"], wish);
    let info: Value = serde_json::from_str(answer["info"].as_str().expect("a text")).expect("JSON");
    assert_eq!((&info["seed"], &info["all_seeds"]), (&json!(7), &json!([7, 8])));
    assert_eq!(
        info["ignored"],
        json!(["negative_prompt", "sampler_name", "steps"])
    );
    assert!(
        info["infotexts"][0]
            .as_str()
            .is_some_and(|text| text.contains("Seed: 7"))
    );
    let mut seeded = small(7);
    seeded["n"] = 2.into();
    server.stage.write("a.png", from_base64(&images[0]));
    assert_eq!(server.stage.info("a.png")["sampling"]["cfg"], 4.0);

    let begun = json!({ "prompt": "a red apple", "width": 256, "height": 256, "seed": -1, "batch_size": 4 });
    let mut stream = server.begin("/sdapi/v1/txt2img", &begun);
    let far = server.until("/sdapi/v1/progress", |state| {
        state["progress"].as_f64() > Some(0.05)
    });
    assert!(
        far["progress"].as_f64() < Some(1.0) && far["eta_relative"].as_f64() > Some(0.0),
        "{far}"
    );
    assert_eq!(far["state"]["job_count"], 4);
    assert_eq!(
        picture(&from_base64(&far["current_image"])).dimensions(),
        (256, 256)
    );
    let far = server.get("/sdapi/v1/progress?skip_current_image=true").ok();
    assert_eq!(far["current_image"], Value::Null);
    assert_eq!(server.post("/sdapi/v1/interrupt", &json!({})).ok(), json!({}));
    let answer = Answer::read(&mut stream).ok();
    let info: Value = serde_json::from_str(answer["info"].as_str().expect("a text")).expect("JSON");
    assert_eq!(info["interrupted"], true);
    // What was drawn is there, and can be finished.
    let part = from_base64(&answer["images"][0]);
    let (width, height) = picture(&part).dimensions();
    assert!(width == 256 && height < 256, "{width}x{height}");
    server.stage.write("part.png", part);
    assert_eq!(server.stage.info("part.png")["complete"], false);
    server.until("/health", |state| state["drawing"] == false);
}

#[test]
fn more_than_may_wait_is_sent_away_and_those_that_go_are_forgotten() {
    let server = Server::start(&[]);
    let first = server.begin("/v1/images/generations", &long(1));
    server.until("/health", |state| state["drawing"] == true);
    let mut waiting: Vec<_> = (0..16)
        .map(|seed| server.begin("/v1/images/generations", &small(seed)))
        .collect();
    server.until("/health", |state| state["waiting"] == 16);
    let answer = server.generate(&small(1));
    answer.refused(503, "are waiting already");
    assert!(answer.head.contains("retry-after: "), "{}", answer.head);
    // One that waits goes away, then the one that is drawn: nobody draws for nobody.
    let last = waiting.split_off(1);
    drop(last);
    server.until("/health", |state| state["waiting"] == 1);
    drop(first);
    assert_eq!(Answer::read(&mut waiting[0]).ok()["data"][0]["seed"], 0);
    server.until("/health", |state| {
        state["waiting"] == 0 && state["drawing"] == false
    });
    // So does one who listens to a stream.
    let mut wish = long(1);
    wish["n"] = 1.into();
    wish["stream"] = true.into();
    let stream = server.begin("/v1/images/generations", &wish);
    server.until("/health", |state| state["drawing"] == true);
    drop(stream);
    server.until("/health", |state| state["drawing"] == false);
}
