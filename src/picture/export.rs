//! A kept picture in another format, its settings inside: as EXIF, where other programs look for
//! them (`UserComment`, as A1111 writes it). Its codes stay in the kept PNG.

use super::{PictureError, read, read_record};
use crate::pixels::Pixels;
use crate::task::{Cause, Export};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageResult};
use serde_json::Value;
use std::io::Write;
use std::path::Path;

/// Of 100: no difference can be seen.
const JPEG_QUALITY: u8 = 93;
/// A segment of a JPEG is no longer, its head taken off.
const LONGEST_EXIF: usize = 65_500;

/// Writes the picture `from` to `to` in this format, whole or not at all.
///
/// # Errors
/// `from` cannot be read, or `to` cannot be written.
pub fn export(from: &Path, to: &Path, format: Export) -> Result<(), PictureError> {
    let name = to.display().to_string();
    let pixels = read(from)?;
    // Another program's picture has none of our settings.
    let record = read_record::<Value>(from).ok();
    let parameters = record.as_ref().map(|record| record.parameters.as_str());
    let bytes = encode_as(&pixels, parameters, format, &name)?;
    let folder = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        file.write_all(&bytes)?;
        file.as_file().sync_all()?;
        file.persist(to).map(drop).map_err(|error| error.error)
    };
    write().map_err(|error| {
        PictureError::new(&name, format!("cannot be written ({error})")).because(Cause::of_io(&error))
    })
}

/// A picture in this format in memory, `parameters` inside; a PNG is plain, for its settings are a record's.
/// `name` is for messages.
///
/// # Errors
/// The picture has no pixels, or `parameters` are longer than a JPEG holds.
pub fn encode_as(
    pixels: &Pixels,
    parameters: Option<&str>,
    format: Export,
    name: &str,
) -> Result<Vec<u8>, PictureError> {
    let exif = parameters.map(exif);
    if format == Export::Jpeg && exif.as_ref().is_some_and(|exif| exif.len() > LONGEST_EXIF) {
        let reason = "its prompt is too long for a JPEG: save it as PNG or WebP";
        return Err(PictureError::new(name, reason));
    }
    let mut bytes = Vec::new();
    let size = pixels.size();
    let encoded: ImageResult<()> = match format {
        Export::Png => return super::encode_png(pixels),
        Export::Jpeg => {
            let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
            encode(encoder, exif, pixels.rgb(), (size.width, size.height))
        }
        Export::WebP => {
            let encoder = WebPEncoder::new_lossless(&mut bytes);
            encode(encoder, exif, pixels.rgb(), (size.width, size.height))
        }
    };
    encoded.map_err(|error| PictureError::new(name, format!("cannot be written ({error})")))?;
    Ok(bytes)
}

fn encode(
    mut encoder: impl ImageEncoder,
    exif: Option<Vec<u8>>,
    rgb: &[u8],
    (width, height): (u32, u32),
) -> ImageResult<()> {
    if let Some(exif) = exif {
        // Both formats hold it.
        let _ = encoder.set_exif_metadata(exif);
    }
    encoder.write_image(rgb, width, height, ExtendedColorType::Rgb8)
}

/// An EXIF block with one text, `UserComment`: big-endian, as its reader in A1111 wants it.
fn exif(text: &str) -> Vec<u8> {
    let mut comment = b"UNICODE\0".to_vec();
    comment.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
    let mut block = b"MM\0\x2a\0\0\0\x08".to_vec();
    // A list of one: where the EXIF list is.
    block.extend([0, 1, 0x87, 0x69, 0, 4, 0, 0, 0, 1, 0, 0, 0, 26, 0, 0, 0, 0]);
    // A list of one: the comment, which lies behind it.
    block.extend([0, 1, 0x92, 0x86, 0, 7]);
    block.extend((comment.len() as u32).to_be_bytes());
    block.extend([0, 0, 0, 44, 0, 0, 0, 0]);
    block.extend(comment);
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::{Record, write};
    use crate::pixels::{Pixels, Size};
    use crate::token::Grid;
    use image::{ImageDecoder, ImageReader};

    #[test]
    fn settings_go_along_in_every_format() {
        let folder = tempfile::tempdir().expect("a folder");
        let from = folder.path().join("a.png");
        let size = Size::new(16, 8);
        let rgb = (0..3 * 16 * 8).map(|at| (at * 2 % 251) as u8).collect();
        let pixels = Pixels::new(size, rgb).expect("as many bytes as counted");
        let parameters = "a fox, \u{6b63}\nSteps: 2, Seed: 77, Size: 16x8";
        let record = Record {
            settings: serde_json::Value::Null,
            codes: vec![1, 2],
            grid: Grid { rows: 1, columns: 2 },
            doubt: crate::task::Doubt::default(),
            parameters: parameters.to_owned(),
        };
        write(&from, &pixels, &record).expect("kept");
        for (name, format) in [("b.jpg", Export::Jpeg), ("c.webp", Export::WebP)] {
            let to = folder.path().join(name);
            export(&from, &to, format).expect(name);
            let reader = ImageReader::open(&to).expect(name).with_guessed_format();
            let mut decoder = reader.expect(name).into_decoder().expect(name);
            assert_eq!(decoder.dimensions(), (16, 8));
            let exif = decoder.exif_metadata().expect(name).expect("settings");
            let at = exif.windows(8).position(|eight| eight == b"UNICODE\0");
            let letters: Vec<u16> = exif[at.expect("a comment") + 8..]
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                .collect();
            assert_eq!(String::from_utf16(&letters).expect("text"), parameters, "{name}");
        }
        assert_eq!(read(&folder.path().join("c.webp")).expect("a picture"), pixels);
        let wrong = export(&from, &folder.path().join("no/d.webp"), Export::WebP).expect_err("no folder");
        assert_eq!(wrong.cause(), Cause::Missing);
    }
}
