//! PNG files that carry their settings and tokens.
//!
//! Two text chunks: `parameters` in the style other programs read, and `lumina-studio`, a
//! versioned JSON with every setting and the codes row by row.

use super::PictureError;
use crate::disk::{self, Onto, Readers};
use crate::pixels::Pixels;
use crate::token::Grid;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};

const KEY: &str = "lumina-studio";
const PARAMETERS: &str = "parameters";
const VERSION: u64 = 1;
/// Most bytes of text read: a stopped picture holds its source, which may be large.
const MOST: usize = 1 << 28;

/// What is stored in a picture beside its pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub settings: Value,
    pub codes: Vec<u32>,
    pub grid: Grid,
    pub parameters: String,
}

/// The `parameters` text: the prompt, then `key: value` pairs on the last line.
pub fn parameters(prompt: &str, facts: &[(&str, String)]) -> String {
    let pairs: Vec<String> = facts
        .iter()
        .map(|(key, value)| format!("{key}: {value}"))
        .collect();
    format!("{prompt}\n{}", pairs.join(", "))
}

fn encode(pixels: &Pixels, texts: &[(&str, &str)]) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.size().width, pixels.size().height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    for (key, text) in texts {
        encoder.add_itxt_chunk((*key).to_owned(), (*text).to_owned())?;
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels.rgb())?;
    writer.finish()?;
    Ok(bytes)
}

/// A plain PNG in memory.
///
/// # Errors
/// The picture has no pixels.
pub fn encode_png(pixels: &Pixels) -> Result<Vec<u8>, PictureError> {
    encode(pixels, &[]).map_err(|e| PictureError::new("PNG", e))
}

/// Writes a picture and its record, whole or not at all.
///
/// # Errors
/// The folder is not there or cannot be written to, or the picture has no pixels.
pub fn write(path: &Path, pixels: &Pixels, record: &Record) -> Result<(), PictureError> {
    let bytes = encoded(pixels, record).map_err(|e| unwritable(path, &e))?;
    disk::put(path, &bytes, Readers::Usual, Onto::Any).map_err(|e| unwritable(path, &e))
}

/// As [`write`], under the first of `names` that no file has; that name.
///
/// # Errors
/// As [`write`], and where every name is taken.
pub fn write_new(
    names: &mut dyn Iterator<Item = PathBuf>,
    pixels: &Pixels,
    record: &Record,
) -> Result<PathBuf, PictureError> {
    let bytes = encoded(pixels, record).map_err(|e| PictureError::new("PNG", e))?;
    for path in names {
        match disk::put(&path, &bytes, Readers::Usual, Onto::Nothing) {
            Ok(()) => return Ok(path),
            // Another program was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unwritable(&path, &error)),
        }
    }
    Err(PictureError::new("PNG", "every name is taken"))
}

fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> PictureError {
    PictureError::new(path.display().to_string(), format!("cannot be written ({error})"))
}

fn encoded(pixels: &Pixels, record: &Record) -> Result<Vec<u8>, png::EncodingError> {
    let json =
        json!({"version": VERSION, "settings": record.settings, "grid": record.grid, "tokens": record.codes});
    let texts = [(PARAMETERS, record.parameters.as_str()), (KEY, &json.to_string())];
    encode(pixels, &texts)
}

/// Whether a picture was saved by this program, its record damaged or not.
pub fn holds_record(path: &Path) -> bool {
    texts(path).is_ok_and(|texts| texts.contains_key(KEY))
}

/// The texts of this program in a PNG.
fn texts(path: &Path) -> Result<HashMap<String, String>, PictureError> {
    let wrong = |reason: String| PictureError::new(path.display().to_string(), reason);
    let file = std::fs::File::open(path).map_err(|e| wrong(e.to_string()))?;
    let mut reader = png::Decoder::new_with_limits(BufReader::new(file), png::Limits { bytes: MOST })
        .read_info()
        .map_err(|e| wrong(format!("this is no PNG picture ({e})")))?;
    // This program writes before the pixels, which are then not read at all. Behind them texts
    // stand when another program has saved the picture again.
    if !reader.info().utf8_text.iter().any(|chunk| chunk.keyword == KEY) {
        reader
            .finish()
            .map_err(|e| wrong(format!("this PNG is not whole ({e})")))?;
    }
    let mut texts = HashMap::new();
    for chunk in reader
        .info()
        .utf8_text
        .iter()
        .filter(|chunk| [KEY, PARAMETERS].contains(&chunk.keyword.as_str()))
    {
        let mut chunk = chunk.clone();
        chunk
            .decompress_text_with_limit(MOST)
            .map_err(|e| wrong(e.to_string()))?;
        texts.insert(
            chunk.keyword.clone(),
            chunk.get_text().map_err(|e| wrong(e.to_string()))?,
        );
    }
    Ok(texts)
}

/// Reads the record of a picture saved by this program.
///
/// # Errors
/// There is no such PNG, it was not saved by this program or by a newer version, or it is damaged.
pub fn read_record(path: &Path) -> Result<Record, PictureError> {
    let wrong = |reason: String| PictureError::new(path.display().to_string(), reason);
    let texts = texts(path)?;
    let text = texts
        .get(KEY)
        .ok_or_else(|| wrong("this picture was not saved by Lumina Studio: it has no tokens".to_owned()))?;
    let json: Value =
        serde_json::from_str(text).map_err(|e| wrong(format!("its settings are damaged ({e})")))?;
    match json["version"].as_u64() {
        Some(VERSION) => {}
        version => {
            return Err(wrong(format!(
                "its settings have version {version:?}, this program reads {VERSION}: update it"
            )));
        }
    }
    let damaged = |e: serde_json::Error| wrong(format!("its settings are damaged ({e})"));
    Ok(Record {
        settings: json["settings"].clone(),
        codes: serde_json::from_value(json["tokens"].clone()).map_err(damaged)?,
        grid: serde_json::from_value(json["grid"].clone()).map_err(damaged)?,
        parameters: texts.get(PARAMETERS).cloned().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Size;

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let record = Record {
            settings: json!({"prompt": "ein Bär, 熊"}),
            codes: vec![1, 2, 3, 4],
            grid: Grid { rows: 2, columns: 2 },
            parameters: parameters("ein Bär", &[("Seed", "1".to_owned()), ("Size", "8x8".to_owned())]),
        };
        let pixels = Pixels::filled(Size::new(8, 8), [1, 2, 3]);
        write(&path, &pixels, &record).unwrap();
        assert_eq!(read_record(&path).unwrap(), record);
        assert_eq!(super::super::read(&path).unwrap(), pixels);
        assert!(write(&folder.path().join("no/such/a.png"), &pixels, &record).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_large_text_is_read_and_a_cut_picture_still_tells() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let record = Record {
            // More than the 64 MiB that the decoder allows by itself.
            settings: json!({"source_png": "ab".repeat(40 << 20)}),
            codes: vec![1; 64],
            grid: Grid { rows: 8, columns: 8 },
            parameters: String::new(),
        };
        write(&path, &Pixels::filled(Size::new(64, 64), [1, 2, 3]), &record).unwrap();
        assert!(read_record(&path).unwrap() == record);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 20]).unwrap();
        assert!(read_record(&path).unwrap() == record);
    }
}
