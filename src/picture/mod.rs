//! Pictures as files: reading, fitting, writing with the settings inside, masks and maps.

pub(crate) mod foreign;

mod fit;
mod maps;
mod record;
mod shrink;

pub use fit::{Part, compose, fit, mask_codes, part_of};
pub use maps::canny;
pub use record::{Record, encode_png, holds_record, parameters, read_record, write, write_new};
pub use shrink::shrink;

use crate::pixels::{MOST_PIXELS, Mask, Pixels, Size};
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};
use sha2::{Digest, Sha256};
use std::io::Cursor;
use std::path::Path;
use thiserror::Error;

/// Longest side accepted, in pixels.
const LONGEST: u32 = 16_384;

/// Why a picture cannot be used; the text says what to do.
#[derive(Debug, Error)]
#[error("{file}: {reason}")]
pub struct PictureError {
    file: String,
    reason: String,
}

impl PictureError {
    fn new(file: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self {
            file: file.into(),
            reason: reason.to_string(),
        }
    }
}

/// Reads a PNG, JPEG or WebP by its content: upright, transparency blended over white.
///
/// # Errors
/// There is no such file, it is no picture of these kinds, damaged, or larger than is read.
pub fn read(path: &Path) -> Result<Pixels, PictureError> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|e| PictureError::new(&name, e))?;
    read_bytes(&bytes, &name)
}

/// As [`read`], from memory; `name` is for messages.
///
/// # Errors
/// The bytes are no picture of these kinds, damaged, or one larger than is read.
pub fn read_bytes(bytes: &[u8], name: &str) -> Result<Pixels, PictureError> {
    let image = open(bytes, name)?.to_rgba8();
    let size = Size::new(image.width(), image.height());
    let over_white = |pixel: &image::Rgba<u8>| {
        let [r, g, b, a] = pixel.0.map(u32::from);
        [r, g, b].map(|v| ((v * a + 255 * (255 - a) + 127) / 255) as u8)
    };
    let rgb = image.pixels().flat_map(over_white).collect();
    Pixels::new(size, rgb).ok_or_else(|| PictureError::new(name, "its size and its data do not agree"))
}

/// Reads a mask: white may be redrawn, black stays.
///
/// # Errors
/// As [`read`].
pub fn read_mask(path: &Path) -> Result<Mask, PictureError> {
    let pixels = read(path)?;
    let luma = |rgb: &[u8]| {
        let [r, g, b] = [rgb[0], rgb[1], rgb[2]].map(u32::from);
        ((299 * r + 587 * g + 114 * b + 500) / 1000) as u8
    };
    let values = pixels.rgb().chunks_exact(3).map(luma).collect();
    let wrong = || PictureError::new(path.display().to_string(), "its size and its data do not agree");
    Mask::new(pixels.size(), values).ok_or_else(wrong)
}

fn open(bytes: &[u8], name: &str) -> Result<DynamicImage, PictureError> {
    let wrong = |reason: String| PictureError::new(name, reason);
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|e| wrong(e.to_string()))?;
    if reader.format().is_none() {
        return Err(wrong(
            "this is no picture: PNG, JPEG and WebP can be read".to_owned(),
        ));
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(1 << 30);
    reader.limits(limits);
    let broken = |e: image::ImageError| wrong(format!("this picture cannot be read ({e})"));
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if width > LONGEST || height > LONGEST || u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(wrong(format!(
            "a picture of {width}x{height} is too large: at most {LONGEST} pixels a side and 100 million in all are read, make it smaller"
        )));
    }
    let orientation = decoder.orientation().map_err(broken)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// SHA-256 in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn transparency_is_blended_over_white() {
        let image = image::RgbaImage::from_pixel(1, 1, image::Rgba([0, 0, 0, 0]));
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        assert_eq!(read_bytes(bytes.get_ref(), "x").unwrap().rgb(), &[255; 3]);
    }
}
