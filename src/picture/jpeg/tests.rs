//! Files with all, or less than all, of their picture.

use super::*;
use image::codecs::jpeg::JpegEncoder;

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let image = image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([(x * y % 251) as u8, (x * 7 % 256) as u8, (y * 3 % 256) as u8])
    });
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 85)
        .encode_image(&image)
        .unwrap();
    bytes
}

#[test]
fn what_is_whole_is_whole() {
    for (width, height) in [(1, 1), (64, 64), (97, 31), (256, 192)] {
        let bytes = jpeg(width, height);
        assert_eq!(extent(&bytes), Extent::Whole, "{width}x{height}");
        // The end need not be told.
        assert_eq!(
            extent(&bytes[..bytes.len() - 2]),
            Extent::Whole,
            "{width}x{height}"
        );
    }
}

#[test]
fn what_ends_early_or_has_a_hole_is_not() {
    let bytes = jpeg(256, 192);
    let Extent::Cut(Some(share)) = extent(&bytes[..bytes.len() / 2]) else {
        panic!("cut in half");
    };
    assert!((0.3..0.7).contains(&share), "{share}");
    assert!(matches!(extent(&bytes[..bytes.len() * 99 / 100]), Extent::Cut(_)));
    // An end behind too little.
    let ended = [&bytes[..bytes.len() / 2], &[0xFF, 0xD9]].concat();
    assert!(matches!(extent(&ended), Extent::Cut(_)));
    let middle = bytes.len() / 2;
    let removed = [&bytes[..middle], &bytes[middle + 500..]].concat();
    assert!(matches!(extent(&removed), Extent::Cut(_)));
    let mut zeroed = bytes.clone();
    zeroed[middle..middle + 2000].fill(0);
    assert!(matches!(extent(&zeroed), Extent::Cut(_)));
    assert!(matches!(extent(&bytes[..100]), Extent::Cut(_)));
}

#[test]
fn a_progressive_one_is_walked_through_all_its_scans() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/pictures/cut_prog.jpg");
    let bytes = std::fs::read(path).unwrap();
    assert!(matches!(extent(&bytes), Extent::Cut(_)));
    let whole = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/cases/pictures/progressive.jpg"
    );
    let bytes = std::fs::read(whole).unwrap();
    assert_eq!(extent(&bytes), Extent::Whole);
    assert_eq!(extent(&bytes[..bytes.len() - 2]), Extent::Whole);
    assert!(matches!(extent(&bytes[..bytes.len() - 40]), Extent::Cut(_)));
}

#[test]
fn what_is_not_understood_is_left_to_the_decoder() {
    assert_eq!(extent(b"\xff\xd8\xff\xc9\0\x02"), Extent::Unknown);
    assert_eq!(extent(b"\xff\xd8"), Extent::Cut(None));
}
