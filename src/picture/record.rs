//! PNG files that carry their settings and tokens.
//!
//! Text chunks: `parameters` in the style other programs read; `lumina-studio`, a versioned JSON with every
//! setting and the codes row by row; and, where it is known, `lumina-studio-doubt`, a hexadecimal digit a
//! code ([`Doubt`]). Texts, because other programs keep them.

use super::PictureError;
use super::texts::{self, Budget, Texts};
use crate::disk::{self, Onto, Readers};
use crate::pixels::Pixels;
use crate::task::Doubt;
use crate::token::{Grid, MOST_CODES};
use image::{ImageFormat, ImageReader};
use serde::de::{DeserializeOwned, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::io::{self, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

const KEY: &str = "lumina-studio";
const PARAMETERS: &str = "parameters";
const DOUBT: &str = "lumina-studio-doubt";
const VERSION: u64 = 1;
/// Texts are stored as they are here, and a stopped picture holds its source, which may be large.
/// Packed ones are another program's, or made to unfold into more than there is memory.
const BUDGET: Budget = Budget {
    stored: 1 << 28,
    text: 1 << 28,
    unpacked: 16 << 20,
};

/// What is stored in a picture beside its pixels; `S` says what settings are.
#[derive(Debug, Clone, PartialEq)]
pub struct Record<S> {
    pub settings: S,
    pub codes: Vec<u32>,
    pub grid: Grid,
    pub parameters: String,
    /// One entry a code; empty where nothing is known.
    pub doubt: Doubt,
}

/// The JSON of a record. What is not named here is passed over without being kept.
#[derive(Deserialize)]
struct Stored<S> {
    grid: Grid,
    settings: S,
    #[serde(deserialize_with = "codes")]
    tokens: Vec<u32>,
}

#[derive(Serialize)]
struct Storing<'a, S> {
    grid: Grid,
    settings: &'a S,
    tokens: &'a [u32],
    version: u64,
}

#[derive(Deserialize)]
struct Version {
    version: Option<u64>,
}

/// Codes, no more than a picture can have.
fn codes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u32>, D::Error> {
    struct Codes;
    impl<'de> Visitor<'de> for Codes {
        type Value = Vec<u32>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("the codes of a picture")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            let mut codes = Vec::new();
            while let Some(code) = items.next_element()? {
                if codes.len() == MOST_CODES {
                    return Err(A::Error::custom("more tokens than a picture can have"));
                }
                codes.push(code);
            }
            Ok(codes)
        }
    }
    deserializer.deserialize_seq(Codes)
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
    let (info, samples) = pixels.png();
    let mut encoder = png::Encoder::with_info(&mut bytes, info)?;
    for (key, text) in texts {
        encoder.add_itxt_chunk((*key).to_owned(), (*text).to_owned())?;
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&samples)?;
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

/// A PNG with a record in it, in memory.
///
/// # Errors
/// The picture has no pixels.
pub fn encode_record<S: Serialize>(pixels: &Pixels, record: &Record<S>) -> Result<Vec<u8>, PictureError> {
    encoded(pixels, record).map_err(|e| PictureError::new("PNG", e))
}

/// Writes a picture and its record, whole or not at all.
///
/// # Errors
/// The folder is not there or cannot be written to, or the picture has no pixels.
pub fn write<S: Serialize>(path: &Path, pixels: &Pixels, record: &Record<S>) -> Result<(), PictureError> {
    let bytes = encoded(pixels, record).map_err(|e| unwritable(path, &e))?;
    disk::put(path, &bytes, Readers::Usual, Onto::Any).map_err(|e| unwritable(path, &e))
}

/// As [`write`], under the first of `names` that no file has; that name.
///
/// # Errors
/// As [`write`], and where every name is taken.
pub fn write_new<S: Serialize>(
    names: &mut dyn Iterator<Item = PathBuf>,
    pixels: &Pixels,
    record: &Record<S>,
) -> Result<PathBuf, PictureError> {
    let bytes = encode_record(pixels, record)?;
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

fn encoded<S: Serialize>(pixels: &Pixels, record: &Record<S>) -> io::Result<Vec<u8>> {
    let storing = Storing {
        grid: record.grid,
        settings: &record.settings,
        tokens: &record.codes,
        version: VERSION,
    };
    let json = serde_json::to_string(&storing)?;
    let doubt = record.doubt.text();
    let mut texts = vec![(PARAMETERS, record.parameters.as_str()), (KEY, &json)];
    if !record.doubt.is_blank() {
        texts.push((DOUBT, &doubt));
    }
    encode(pixels, &texts).map_err(io::Error::other)
}

/// Whether a picture was saved by this program, its record damaged or not.
pub fn holds_record(path: &Path) -> bool {
    texts(path).is_ok_and(|texts| texts.contains_key(KEY))
}

/// The texts of this program in a PNG, in whichever chunks they are: another program may have
/// written them anew.
fn texts(path: &Path) -> Result<Texts, PictureError> {
    let wrong = |reason: String| PictureError::new(path.display().to_string(), reason);
    let file = std::fs::File::open(path).map_err(|e| wrong(e.to_string()))?;
    let found = texts::of_png(BufReader::new(file), &[KEY, PARAMETERS, DOUBT], &BUDGET);
    found.map_err(|e| match kind(path) {
        Some(kind) if kind != ImageFormat::Png => wrong(format!(
            "there are no tokens in a {kind:?} picture, only in a PNG this program saved"
        )),
        _ => wrong(format!("this is no PNG picture ({e})")),
    })
}

fn kind(path: &Path) -> Option<ImageFormat> {
    let reader = ImageReader::open(path).ok()?.with_guessed_format().ok()?;
    reader.format()
}

/// Reads the record of a picture saved by this program.
///
/// # Errors
/// There is no such PNG, it was not saved by this program or by a newer version, or it is damaged.
pub fn read_record<S: DeserializeOwned>(path: &Path) -> Result<Record<S>, PictureError> {
    let wrong = |reason: String| PictureError::new(path.display().to_string(), reason);
    let damaged = |reason: &dyn std::fmt::Display| wrong(format!("its settings are damaged ({reason})"));
    let mut texts = texts(path)?;
    let text = texts
        .remove(KEY)
        .ok_or_else(|| wrong("this picture was not saved by Lumina Studio: it has no tokens".to_owned()))?
        .map_err(|reason| damaged(&reason))?;
    let Version { version } = serde_json::from_str(&text).map_err(|e| damaged(&e))?;
    if version != Some(VERSION) {
        return Err(wrong(format!(
            "its settings have version {version:?}, this program reads {VERSION}: update it"
        )));
    }
    let stored: Stored<S> = serde_json::from_str(&text).map_err(|e| damaged(&e))?;
    // Nothing depends on it: one that does not fit is none.
    let doubt = texts.remove(DOUBT).and_then(Result::ok);
    let doubt = doubt.and_then(|text| Doubt::from_text(&text));
    let doubt = doubt.filter(|doubt| doubt.len() == stored.tokens.len());
    Ok(Record {
        doubt: doubt.unwrap_or_default(),
        settings: stored.settings,
        codes: stored.tokens,
        grid: stored.grid,
        parameters: texts.remove(PARAMETERS).and_then(Result::ok).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Size;
    use serde_json::{Value, json};

    #[test]
    fn texts_that_another_program_wrote_anew_are_still_ours() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/cases/pictures/own_pil_text.png"
        );
        let record: Record<Value> = read_record(Path::new(path)).unwrap();
        assert_eq!((record.grid.rows, record.codes.len()), (24, 576));
        assert_eq!(
            record.settings["prompt"],
            "ein Bär and a cat on a blue background"
        );
        assert!(record.parameters.starts_with("ein Bär"));
        assert!(holds_record(Path::new(path)));
    }

    #[test]
    fn a_small_file_does_not_unfold_into_a_large_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let refusal = |json: &str| {
            let mut encoder = png::Encoder::new(std::fs::File::create(&path).unwrap(), 1, 1);
            encoder.set_color(png::ColorType::Rgb);
            let mut writer = encoder.write_header().unwrap();
            let mut chunk = png::text_metadata::ITXtChunk::new(KEY, json);
            chunk.compressed = true;
            chunk.compress_text().unwrap();
            writer.write_text_chunk(&chunk).unwrap();
            writer.write_image_data(&[0; 3]).unwrap();
            writer.finish().unwrap();
            assert!(std::fs::metadata(&path).unwrap().len() < 1 << 20);
            assert!(holds_record(&path));
            read_record::<Value>(&path).unwrap_err().to_string()
        };
        let json = |tokens: usize| {
            let tokens = "0,".repeat(tokens);
            format!(
                "{{\"version\":1,\"settings\":{{}},\"grid\":{{\"rows\":1,\"columns\":1}},\"tokens\":[{tokens}0]}}"
            )
        };
        assert!(refusal(&json(40 << 20)).contains("damaged"));
        let error = refusal(&json(MOST_CODES));
        assert!(error.contains("more tokens than a picture can have"), "{error}");
    }

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let record = Record {
            settings: json!({"prompt": "ein Bär, 熊"}),
            codes: vec![1, 2, 3, 4],
            grid: Grid { rows: 2, columns: 2 },
            doubt: Doubt::from_text("0f7e").unwrap(),
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
            doubt: Doubt::default(),
            parameters: String::new(),
        };
        write(&path, &Pixels::filled(Size::new(64, 64), [1, 2, 3]), &record).unwrap();
        assert!(read_record(&path).unwrap() == record);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 20]).unwrap();
        assert!(read_record(&path).unwrap() == record);
    }
}
