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
    // Rows that are not drawn yet are grey.
    let first = frames[0].buffer();
    assert!(
        first.get_pixel(50, 150).0 == [128, 128, 128, 255]
            && first.get_pixel(50, 3) != first.get_pixel(50, 150)
    );
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
