//! Pictures and masks of other people and other programs, given to the real program.

mod stage;

use stage::Stage;
use std::path::Path;

fn case(name: &str) -> String {
    format!("{}/tests/cases/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Draws over what the mask allows; what was said on stderr.
fn edited(stage: &Stage, source: &str, mask: &str) -> String {
    let (source, mask) = (case(source), case(mask));
    let args = ["edit", &source, "", "--mask", &mask, "--seed", "1", "-o", "o.png"];
    stage.told(&args).1
}

/// How many pixels differ where `mask` is white, how many elsewhere; any kind of samples.
fn changed(stage: &Stage, source: &str, mask: &str) -> (usize, usize) {
    let before = image::open(case(source)).expect("a picture").to_rgba16();
    let after = image::open(stage.path("o.png")).expect("a picture").to_rgba16();
    let mask = image::open(case(mask)).expect("a mask").to_luma8();
    assert_eq!(before.dimensions(), after.dimensions());
    let (mut inside, mut outside) = (0, 0);
    for ((before, after), mask) in before.pixels().zip(after.pixels()).zip(mask.pixels()) {
        match (before != after, mask.0[0] >= 128) {
            (true, true) => inside += 1,
            (true, false) => outside += 1,
            (false, _) => {}
        }
    }
    (inside, outside)
}

#[test]
fn a_mask_at_the_edge_of_any_shape_is_redrawn() {
    let stage = Stage::new();
    for name in ["hd_left", "photo43_top", "tall_top"] {
        let (source, mask) = (format!("crop/{name}.png"), format!("crop/{name}_mask.png"));
        edited(&stage, &source, &mask);
        let white = image::open(case(&mask)).expect("a mask").to_luma8();
        let allowed = white.pixels().filter(|value| value.0[0] >= 128).count();
        let (inside, outside) = changed(&stage, &source, &mask);
        assert_eq!(outside, 0, "{name}");
        assert!(inside > allowed / 2, "{name}: {inside} of {allowed}");
    }
}

#[test]
fn a_mask_that_allows_nothing_or_has_another_shape_is_wrong_usage() {
    let stage = Stage::new();
    let source = case("masks/source.png");
    for (mask, words) in [
        ("masks/all_black.png", "the mask is empty"),
        ("masks/turned.png", "192x256"),
    ] {
        let mask = case(mask);
        stage.refused(2, words, &["edit", &source, "", "--mask", &mask, "-o", "o.png"]);
    }
}

#[test]
fn what_a_mask_was_taken_for_is_said() {
    let stage = Stage::new();
    for (mask, words) in [
        ("white_on_transparent", "what is painted in it is redrawn"),
        ("red_on_black", "from 0 to 76"),
        ("photo_with_hole", "the hole in its picture is redrawn"),
        ("hole_in_black", "what is black stays"),
        ("zero_one", "from 0 to 1 "),
    ] {
        let said = edited(&stage, "masks/source.png", &format!("masks/{mask}.png"));
        assert!(said.contains(words), "{mask}: {said}");
        let meant = changed(&stage, "masks/source.png", "masks/bw.png");
        assert!(meant.0 > 0, "{mask}: {meant:?}");
        assert_eq!(meant.1, 0, "{mask}");
    }
    assert!(!edited(&stage, "masks/source.png", "masks/bw.png").contains("mask:"));
}

#[test]
fn outside_a_mask_nothing_changes_in_the_sources_own_space() {
    let stage = Stage::new();
    let profile = |path: &Path| {
        let file = std::io::BufReader::new(std::fs::File::open(path).expect("a file"));
        let reader = png::Decoder::new(file).read_info().expect("a PNG");
        reader.info().icc_profile.as_deref().map(<[u8]>::to_vec)
    };
    for (source, mask) in [
        ("icc/adobe.png", "icc/mask.png"),
        ("icc/swap.png", "icc/mask.png"),
        ("pictures/transparent_source.png", "masks/bw.png"),
    ] {
        edited(&stage, source, mask);
        let (inside, outside) = changed(&stage, source, mask);
        assert!(inside > 0 && outside == 0, "{source}: {inside} and {outside}");
        assert_eq!(
            profile(&stage.path("o.png")),
            profile(Path::new(&case(source))),
            "{source}"
        );
    }
}

#[test]
fn our_own_picture_is_still_ours_when_its_texts_were_written_anew() {
    let stage = Stage::new();
    let own = case("pictures/own_pil_text.png");
    stage.done(&["redraw", &own, "-o", "o.png"]);
    // It was painted on another machine, whose sums end in other last bits.
    let (painted, redrawn) = (
        image::open(&own).expect("a picture").to_rgb8(),
        stage.pixels("o.png"),
    );
    assert_eq!(painted.dimensions(), redrawn.dimensions());
    let samples = painted.as_raw().iter().zip(redrawn.as_raw());
    let widest = samples.map(|(painted, redrawn)| painted.abs_diff(*redrawn)).max();
    assert!(widest <= Some(1), "{widest:?} levels between the two");
    let said = stage.done(&["info", &own]);
    assert!(
        said.starts_with("ein Bär and a cat") && said.contains("576 of 576 tokens"),
        "{said}"
    );
}

/// A picture of this program whose texts are somebody's.
fn with_parameters(stage: &Stage, parameters: &str) {
    let own =
        std::io::BufReader::new(std::fs::File::open(case("pictures/own_pil_text.png")).expect("a file"));
    let reader = png::Decoder::new(own).read_info().expect("a PNG");
    let texts = reader.info().uncompressed_latin1_text.iter();
    let packed = reader.info().compressed_latin1_text.iter();
    let ours = texts
        .filter(|chunk| chunk.keyword == "lumina-studio")
        .map(|chunk| chunk.text.clone());
    let ours = ours.chain(
        packed
            .filter(|chunk| chunk.keyword == "lumina-studio")
            .map(|chunk| chunk.get_text().expect("a text")),
    );
    let ours = ours.last().expect("our text");
    let file = std::fs::File::create(stage.path("a.png")).expect("a file");
    let mut encoder = png::Encoder::new(file, 1, 1);
    encoder.set_color(png::ColorType::Rgb);
    encoder
        .add_itxt_chunk("parameters".to_owned(), parameters.to_owned())
        .expect("a text");
    encoder
        .add_itxt_chunk("lumina-studio".to_owned(), ours)
        .expect("a text");
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&[0; 3]).expect("a pixel");
    writer.finish().expect("a PNG");
}

#[test]
fn a_terminal_gets_nothing_to_obey() {
    let stage = Stage::new();
    with_parameters(&stage, "a\u{1b}[2Jb\u{1b}]52;c;cHduCg==\u{7}\u{9b}31m");
    let said = stage.done(&["info", "a.png"]);
    assert!(
        said.contains("a\\u{1b}[2Jb") && !said.contains(['\u{1b}', '\u{7}', '\u{9b}']),
        "{said}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_said_is_no_success() {
    let stage = Stage::new();
    let own = case("pictures/own_pil_text.png");
    for args in [
        &["info", &own][..],
        &["info", &own, "--json"],
        &["--help"],
        &["--version"],
        &["redraw", "--help"],
    ] {
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("a device");
        let output = stage
            .command(args)
            .stdout(full)
            .output()
            .expect("the program starts");
        assert_eq!(output.status.code(), Some(1), "{args:?}");
    }
    // A picture is made all the same, and its name told where it can be.
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("a device");
    let output = stage
        .command(&["redraw", &own, "-o", "o.png"])
        .stdout(full)
        .output();
    assert_eq!(output.expect("the program starts").status.code(), Some(1));
    assert_eq!(stage.pixels("o.png").dimensions(), (192, 192));
}

#[test]
fn a_name_the_file_system_will_not_take_is_wrong_usage() {
    let stage = Stage::new();
    let name = |bytes: usize| format!("{}.png", "a".repeat(bytes - 4));
    stage.refused(2, "256 bytes", &["generate", "a cat", "-o", &name(256)]);
    stage.refused(
        2,
        "256 bytes",
        &["generate", "a cat", "--best-of", "2", "-o", &name(254)],
    );
}
