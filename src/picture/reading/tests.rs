//! Other people's files: what they show, what they hold beyond it, and what is refused.

use super::*;
use std::path::PathBuf;

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(name)
}

#[test]
fn what_is_no_picture_is_refused_in_words() {
    for bytes in [&b""[..], b"a text called .png", b"\x89PNG\r\n\x1a\n"] {
        let error = read_bytes(bytes, "x.png").unwrap_err().to_string();
        assert!(
            error.starts_with("x.png: this") && !error.contains('\n'),
            "{error}"
        );
    }
    let mut huge = Vec::new();
    let mut encoder = png::Encoder::new(&mut huge, 20_000, 20_000);
    encoder.set_color(png::ColorType::Grayscale);
    encoder
        .write_header()
        .unwrap()
        .write_chunk(png::chunk::IDAT, &[0])
        .unwrap();
    let error = read_bytes(&huge, "x").unwrap_err().to_string();
    assert!(error.contains("20000x20000"), "{error}");
}

#[test]
fn what_is_wrong_with_a_file_is_told_by_its_kind() {
    use crate::task::Cause;
    let cause = |bytes: &[u8]| read_bytes(bytes, "x").unwrap_err().cause();
    assert_eq!(cause(b"a text called .png"), Cause::OtherKind);
    assert_eq!(cause(b"\x89PNG\r\n\x1a\n"), Cause::Damaged);
    let folder = tempfile::tempdir().unwrap();
    let cause = |path: &std::path::Path| read(path).unwrap_err().cause();
    assert_eq!(cause(&folder.path().join("absent.png")), Cause::Missing);
    assert_eq!(cause(folder.path()), Cause::Folder);
}

#[test]
fn transparency_is_blended_over_white() {
    let image = image::RgbaImage::from_pixel(1, 1, image::Rgba([0, 0, 0, 0]));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    assert_eq!(read_bytes(bytes.get_ref(), "x").unwrap().rgb(), &[255; 3]);
}

/// Mean of what is shown.
fn mean(pixels: &Pixels) -> [f64; 3] {
    let sum = |channel: usize| {
        let values = pixels.rgb().iter().skip(channel).step_by(3);
        values.map(|value| f64::from(*value)).sum::<f64>()
    };
    let count = pixels.rgb().len() as f64 / 3.0;
    [sum(0), sum(1), sum(2)].map(|sum| sum / count)
}

#[test]
fn a_profile_says_what_samples_look_like() {
    for name in ["icc/adobe.png", "icc/adobe.jpg"] {
        let pixels = read(&case(name)).unwrap();
        let original = pixels.original().expect("its own space");
        let Samples::Rgb8(samples) = &original.samples else {
            panic!("8 bits");
        };
        // Adobe's green and red are stronger than those of sRGB: the same numbers are more colour.
        let plain = Pixels::new(pixels.size(), samples.clone()).unwrap();
        assert_ne!(pixels.rgb(), plain.rgb(), "{name}");
        let spread = |pixels: &Pixels| {
            let pixels = pixels.rgb().chunks_exact(3);
            pixels
                .map(|p| f64::from(p.iter().max().unwrap() - p.iter().min().unwrap()))
                .sum::<f64>()
        };
        assert!(spread(&pixels) > spread(&plain), "{name}");
    }
    // Red and blue change places in this space.
    let swapped = read(&case("icc/swap.png")).unwrap();
    let Samples::Rgb8(samples) = &swapped.original().expect("its own space").samples else {
        panic!("8 bits");
    };
    let [own, shown] =
        [&samples[..], swapped.rgb()].map(|rgb| mean(&Pixels::new(swapped.size(), rgb.to_vec()).unwrap()));
    assert!(
        (own[0] - shown[2]).abs() < 3.0 && (own[2] - shown[0]).abs() < 3.0,
        "{own:?} {shown:?}"
    );
}

#[test]
fn what_a_picture_holds_goes_into_its_png_and_comes_back() {
    for name in [
        "icc/adobe.png",
        "pictures/transparent_source.png",
        "crop/photo43_top.png",
    ] {
        let pixels = read(&case(name)).unwrap();
        let png = super::super::encode_png(&pixels).unwrap();
        assert!(read_bytes(&png, name).unwrap() == pixels, "{name}");
    }
    let deep = image::ImageBuffer::<image::Rgb<u16>, _>::from_fn(4, 4, |x, y| {
        image::Rgb([x as u16 * 9_001, y as u16 * 9_001, 513])
    });
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(deep.clone())
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    let pixels = read_bytes(bytes.get_ref(), "deep").unwrap();
    assert!(pixels.original().unwrap().samples == Samples::Rgb16(deep.into_raw()));
    let again = super::super::encode_png(&pixels).unwrap();
    assert!(read_bytes(&again, "again").unwrap() == pixels);
}

#[test]
fn a_png_that_tells_its_gamma_is_shown_so() {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_source_gamma(png::ScaledFloat::new(1.0));
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[128; 3]).unwrap();
    writer.finish().unwrap();
    let pixels = read_bytes(&bytes, "linear").unwrap();
    assert!(
        pixels.rgb().iter().all(|value| value.abs_diff(188) <= 2),
        "{:?}",
        pixels.rgb()
    );
}

#[test]
fn tiff_gif_and_bmp_are_read() {
    let image = DynamicImage::from(image::RgbImage::from_pixel(4, 2, image::Rgb([255, 0, 0])));
    for format in [
        ImageFormat::Tiff,
        ImageFormat::Gif,
        ImageFormat::Bmp,
        ImageFormat::WebP,
    ] {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        let pixels = read_bytes(bytes.get_ref(), "x").unwrap();
        assert_eq!(
            (pixels.size(), &pixels.rgb()[..3]),
            (Size::new(4, 2), &[255, 0, 0][..]),
            "{format:?}"
        );
    }
}

#[test]
fn a_png_that_lost_its_end_but_no_pixel_is_read() {
    let rgb: Vec<u8> = (0..3 * 64 * 64).map(|n| (n * n % 251) as u8).collect();
    let picture = Pixels::new(Size::new(64, 64), rgb).unwrap();
    let png = super::super::encode_png(&picture).unwrap();
    // Without IEND, and without the sum of the last data, too.
    for lost in [12, 13, 16] {
        assert_eq!(
            read_bytes(&png[..png.len() - lost], "x").unwrap(),
            picture,
            "{lost}"
        );
    }
    for lost in [200, png.len() / 2] {
        let error = read_bytes(&png[..png.len() - lost], "x").unwrap_err().to_string();
        assert!(error.contains("cannot be read"), "{error}");
    }
}

#[test]
fn a_jpeg_that_is_not_whole_is_refused() {
    let image = image::RgbImage::from_fn(256, 192, |x, y| {
        image::Rgb([(x * y % 251) as u8, x as u8, y as u8])
    });
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    let bytes = bytes.into_inner();
    assert!(read_bytes(&bytes, "x").is_ok());
    // All is there but the end.
    assert!(read_bytes(&bytes[..bytes.len() - 2], "x").is_ok());
    for percent in [99, 50, 10] {
        let error = read_bytes(&bytes[..bytes.len() * percent / 100], "x")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("not whole") || error.contains("cannot be read"),
            "{error}"
        );
    }
    let error = read(&case("pictures/cut_prog.jpg")).unwrap_err().to_string();
    assert!(error.contains("not whole"), "{error}");
}

#[test]
fn inks_are_what_their_profile_says() {
    // Paper, the first ink (yellow in this odd space, not cyan), black.
    let pixels = read(&case("icc/cmyk.jpg")).unwrap();
    for (x, expected) in [(8, [255, 255, 255]), (24, [255, 255, 0]), (40, [0, 0, 0])] {
        let at = 3 * (8 * 48 + x);
        let shown = &pixels.rgb()[at..at + 3];
        assert!(
            shown
                .iter()
                .zip(expected)
                .all(|(a, b): (&u8, u8)| a.abs_diff(b) <= 12),
            "{x}: {shown:?}"
        );
    }
}
