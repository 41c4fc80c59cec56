//! Texts that stand beside the pixels of a PNG, whichever kind of chunk a program chose for them.

use std::collections::HashMap;
use std::io::{BufRead, Seek};

/// What is read at most, in bytes.
pub(super) struct Budget {
    /// All texts of a file together, as they are stored.
    pub(super) stored: usize,
    /// One text.
    pub(super) text: usize,
    /// One text that is stored packed: a small file may not unfold into a large text.
    pub(super) unpacked: usize,
}

/// Texts by keyword, the first of each; why not, where one is too long or damaged.
pub(super) type Texts = HashMap<String, Result<String, String>>;

/// The texts of `wanted` keywords. They may stand behind the pixels, which are only read over where
/// none of `wanted` stands before them; a file cut off there still has those before.
pub(super) fn of_png(
    file: impl BufRead + Seek,
    wanted: &[&str],
    budget: &Budget,
) -> Result<Texts, png::DecodingError> {
    let limits = png::Limits { bytes: budget.stored };
    let mut reader = png::Decoder::new_with_limits(file, limits).read_info()?;
    let mut texts = collect(reader.info(), wanted, budget);
    if texts.is_empty() && reader.finish().is_ok() {
        texts = collect(reader.info(), wanted, budget);
    }
    Ok(texts)
}

fn collect(info: &png::Info<'_>, wanted: &[&str], budget: &Budget) -> Texts {
    let mut texts = Texts::new();
    let mut keep = |keyword: &str, text: &mut dyn FnMut() -> Result<String, String>| {
        if !wanted.contains(&keyword) || texts.contains_key(keyword) {
            return;
        }
        let text = text().and_then(|text| match text.len() <= budget.text {
            true => Ok(text),
            false => Err(format!("{} bytes of text are too many", text.len())),
        });
        texts.insert(keyword.to_owned(), text);
    };
    for chunk in &info.utf8_text {
        keep(&chunk.keyword, &mut || {
            let mut chunk = chunk.clone();
            let unpacked = chunk.decompress_text_with_limit(if chunk.compressed {
                budget.unpacked
            } else {
                budget.text
            });
            unpacked.map_err(|e| e.to_string())?;
            chunk.get_text().map_err(|e| e.to_string())
        });
    }
    for chunk in &info.uncompressed_latin1_text {
        keep(&chunk.keyword, &mut || Ok(mended(&chunk.text)));
    }
    for chunk in &info.compressed_latin1_text {
        keep(&chunk.keyword, &mut || {
            let mut chunk = chunk.clone();
            let unpacked = chunk.decompress_text_with_limit(budget.unpacked);
            unpacked.map_err(|e| e.to_string())?;
            chunk
                .get_text()
                .map(|text| mended(&text))
                .map_err(|e| e.to_string())
        });
    }
    texts
}

/// These chunks are Latin-1 by the book, but many programs write UTF-8 into them.
fn mended(latin: &str) -> String {
    let bytes: Option<Vec<u8>> = latin.chars().map(|c| u8::try_from(c).ok()).collect();
    let utf8 = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    utf8.unwrap_or_else(|| latin.to_owned())
}
