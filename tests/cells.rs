//! Cells of pictures by the command line: where two differ, a film of them, rows that begin another picture.

mod stage;

use image::AnimationDecoder;
use serde_json::Value;
use stage::Stage;
use std::fs::File;
use std::io::BufReader;

fn generate(stage: &Stage, words: &str, more: &[&str]) {
    let begun = ["generate", words, "--size", "96x160", "--temperature", "1"];
    stage.done(&[&begun[..], more].concat());
}

#[test]
fn two_pictures_are_compared_cell_by_cell() {
    let stage = Stage::new();
    generate(&stage, "a fox", &["--seed", "5", "-o", "a.png"]);
    stage.done(&[
        "redraw",
        "a.png",
        "--from-row",
        "12",
        "--seed",
        "9",
        "-o",
        "b.png",
    ]);
    let told = stage.done(&["diff", "a.png", "b.png", "--json", "-o", "map.png"]);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let (a, b) = (stage.tokens("a.png"), stage.tokens("b.png"));
    let differing: Vec<usize> = (0..a.len()).filter(|cell| a[*cell] != b[*cell]).collect();
    assert!(!differing.is_empty() && differing[0] >= 12 * 12);
    assert_eq!(told["differ"], differing.len());
    assert_eq!(told["differing"], serde_json::json!(differing));
    assert_eq!(told["first_row"], differing[0] / 12);
    let map = image::open(stage.path("map.png")).expect("a picture").to_luma8();
    assert_eq!(map.dimensions(), (96, 160));
    let white = map.pixels().filter(|pixel| pixel.0 == [255]).count();
    assert_eq!(white, 64 * differing.len());
    let told = stage.done(&["diff", "a.png", "a.png"]);
    assert!(told.contains("None of 240 cells differs"), "{told}");
    stage.done(&["generate", "a fox", "--size", "160x96", "-o", "wide.png"]);
    stage.refused(2, "one size", &["diff", "a.png", "wide.png"]);
    stage.refused(2, "a.png", &["diff", "a.png", "b.png", "-o", "a.png"]);
}

#[test]
fn a_time_lapse_ends_in_the_picture() {
    let stage = Stage::new();
    generate(&stage, "a fox", &["--seed", "5", "-o", "a.png"]);
    stage.done(&["timelapse", "a.png", "-o", "a.gif"]);
    stage.done(&["timelapse", "a.png", "-o", "film.png"]);
    let open = |name: &str| BufReader::new(File::open(stage.path(name)).expect("a file"));
    let gif = image::codecs::gif::GifDecoder::new(open("a.gif")).expect("a GIF");
    let moments = gif.into_frames().collect_frames().expect("frames");
    assert!(moments.len() > 20, "a moment for every row: {}", moments.len());
    let png = image::codecs::png::PngDecoder::new(open("film.png")).expect("a PNG");
    let frames = png.apng().expect("it moves").into_frames().collect_frames();
    let frames = frames.expect("frames");
    let picture = image::open(stage.path("a.png")).expect("a picture").to_rgba8();
    let last = frames.last().expect("a frame").buffer();
    assert_eq!(last, &picture);
    // Rows that are not drawn yet are grey while others are there.
    let grey = image::Rgba([128, 128, 128, 255]);
    let is_half = |frame: &image::Frame| {
        let picture = frame.buffer();
        picture.get_pixel(50, 150) == &grey && picture.get_pixel(50, 3) != &grey
    };
    assert!(frames.iter().filter(|frame| is_half(frame)).count() >= 10);
    stage.refused(2, ".gif", &["timelapse", "a.png", "-o", "a.mp4"]);
    stage.refused(2, "a.png", &["timelapse", "a.png", "-o", "a.png"]);
    stage.refused(1, "a.gif", &["timelapse", "a.gif", "-o", "b.gif"]);
}

#[test]
fn rows_begin_another_picture_of_their_width() {
    let stage = Stage::new();
    generate(&stage, "a fox on the beach", &["--seed", "5", "-o", "a.png"]);
    let begun = ["--begin-with", "a.png", "8", "--seed", "7", "-o"];
    generate(&stage, "a robot on the beach", &[&begun[..], &["b.png"]].concat());
    let (a, b) = (stage.tokens("a.png"), stage.tokens("b.png"));
    assert_eq!(a[..96], b[..96]);
    assert_ne!(a[96..], b[96..]);
    let story = &stage.info("b.png")["story"];
    assert_eq!(story["parent"]["from_row"], 8);
    assert_eq!(story["given"][0]["codes"], serde_json::json!(a[..96]));
    // Again the same; and its file alone is enough to film it and to draw on from its rows.
    generate(&stage, "a robot on the beach", &[&begun[..], &["c.png"]].concat());
    assert_eq!(stage.tokens("c.png"), b);
    stage.done(&["redraw", "b.png", "-o", "again.png"]);
    let bytes = |name: &str| std::fs::read(stage.path(name)).expect("a file");
    assert_eq!(bytes("again.png"), bytes("b.png"));
    stage.done(&["timelapse", "b.png", "-o", "b.gif"]);
    stage.done(&[
        "redraw",
        "b.png",
        "--from-row",
        "12",
        "--seed",
        "1",
        "-o",
        "d.png",
    ]);
    assert_eq!(stage.tokens("d.png")[..144], b[..144]);
    // Of the same width, whatever the height.
    let wide = [
        "generate",
        "a fox",
        "--size",
        "160x96",
        "--begin-with",
        "a.png",
        "8",
    ];
    stage.refused(2, "wide", &wide);
    let all = ["generate", "a fox", "--begin-with", "a.png", "20"];
    stage.refused(2, "1 to 19", &all);
    let none = ["generate", "a fox", "--begin-with", "a.png", "no"];
    stage.refused(2, "no number", &none);
}

#[test]
fn another_code_is_taken_and_drawn_on_from() {
    let stage = Stage::new();
    generate(&stage, "a fox on the beach", &["--seed", "5", "-o", "a.png"]);
    let told = stage.done(&["alternatives", "a.png", "--row", "9", "--json"]);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let columns = told["columns"].as_array().expect("columns");
    assert_eq!(columns.len(), 12);
    let a = stage.tokens("a.png");
    let other = columns[5].as_array().expect("codes").iter();
    let mut other = other.filter_map(|other| other["code"].as_u64());
    let code = other.find(|code| *code != a[9 * 12 + 5]).expect("another code");
    let code = code.to_string();
    let take = ["redraw", "a.png", "--from-row", "9", "--take", "5", &code, "-o"];
    stage.done(&[&take[..], &["b.png"]].concat());
    let b = stage.tokens("b.png");
    assert_eq!(a[..9 * 12 + 5], b[..9 * 12 + 5]);
    assert_eq!(b[9 * 12 + 5].to_string(), code);
    stage.done(&[&take[..], &["c.png"]].concat());
    assert_eq!(stage.tokens("c.png"), b);
    // Doubt goes along with the rows that were kept.
    let nats = |file: &str| stage.info(file)["doubt_nats"].clone();
    let (of_a, of_b) = (nats("a.png"), nats("b.png"));
    for cell in 0..9 * 12 + 6 {
        assert_eq!(of_a[cell], of_b[cell], "{cell}");
    }
    let told = stage.done(&["alternatives", "a.png", "--row", "0"]);
    assert_eq!(told.lines().count(), 12);
    assert!(told.starts_with("column 0: "), "{told}");
    stage.refused(2, "0 to 19", &["alternatives", "a.png", "--row", "20"]);
    stage.refused(
        2,
        "column",
        &[
            "redraw",
            "a.png",
            "--from-row",
            "9",
            "--take",
            "12",
            "3",
            "-o",
            "d.png",
        ],
    );
    stage.refused(
        2,
        "tokens",
        &[
            "redraw",
            "a.png",
            "--from-row",
            "9",
            "--take",
            "1",
            "999999",
            "-o",
            "d.png",
        ],
    );
}

#[test]
fn a_map_drawn_from_words_is_followed() {
    let stage = Stage::new();
    let sketch = [
        "sketch",
        "a dog in a meadow",
        "--kind",
        "canny",
        "--seed",
        "1",
        "-o",
    ];
    stage.done(&[&sketch[..], &["map.png"]].concat());
    let info = stage.info("map.png");
    assert_eq!(
        (&info["mode"]["kind"], &info["complete"]),
        (&"sketch".into(), &true.into())
    );
    // A map is white lines on black.
    let map = stage.pixels("map.png");
    let dark = map
        .pixels()
        .filter(|pixel| pixel.0.iter().all(|value| *value < 60))
        .count();
    assert!(dark * 10 > map.pixels().len() * 8, "{dark}");
    assert!(map.pixels().any(|pixel| pixel.0.iter().all(|value| *value > 200)));
    // It is a picture like any other: redrawn, told again, drawn on from a row.
    stage.done(&["redraw", "map.png", "-o", "again.png"]);
    assert_eq!(stage.read("again.png"), stage.read("map.png"));
    let told = stage.done(&["verify", "map.png"]);
    assert!(told.contains("doubt=576/576"), "{told}");
    stage.done(&[
        "redraw",
        "map.png",
        "--from-row",
        "20",
        "--seed",
        "1",
        "-o",
        "same.png",
    ]);
    assert_eq!(stage.tokens("same.png"), stage.tokens("map.png"));
    stage.done(&[
        "control",
        "map.png",
        "a dog in a meadow",
        "--kind",
        "canny",
        "--seed",
        "1",
        "-o",
        "dog.png",
    ]);
    assert_eq!(stage.pixels("dog.png").dimensions(), map.dimensions());
    // It follows the map as it was drawn, and where it was painted on since as it is now.
    let drawn = stage.tokens("map.png");
    assert_eq!(stage.tokens("dog.png")[..576], drawn);
    let mut painted = stage.pixels("map.png");
    for x in 40..100 {
        painted.put_pixel(x, 100, image::Rgb([255; 3]));
    }
    painted.save(stage.path("painted.png")).expect("room for it");
    let follow = ["control", "painted.png", "a dog in a meadow", "--kind", "canny"];
    let more = ["--seed", "1", "--sketch", "map.png", "-o", "other.png"];
    stage.done(&[&follow[..], &more].concat());
    let other = stage.tokens("other.png");
    let touched = 12 * 24 + 40 / 8..12 * 24 + 100_usize.div_ceil(8);
    let differing: Vec<usize> = (0..576).filter(|cell| other[*cell] != drawn[*cell]).collect();
    assert!(!differing.is_empty() && differing.iter().all(|cell| touched.contains(cell)));
    stage.done(&["redraw", "other.png", "-o", "same.png"]);
    assert_eq!(stage.read("same.png"), stage.read("other.png"));
    stage.refused(
        2,
        "no map that `sketch` drew",
        &[&follow[..], &["--sketch", "dog.png", "-o", "no.png"]].concat(),
    );
    stage.refused(
        2,
        "was drawn as 192x192",
        &[
            &follow[..],
            &["--sketch", "map.png", "--size", "224x160", "-o", "no.png"],
        ]
        .concat(),
    );
}
