//! Settings that stand in the EXIF of a picture: JPEG and WebP have no other place for them.

use image::{ImageDecoder, ImageReader};
use std::collections::HashMap;
use std::path::Path;

/// Most bytes of EXIF that are looked at.
const MOST: usize = 8 << 20;

/// The texts of the EXIF, by the keywords they have in a PNG.
pub(super) fn texts(path: &Path) -> HashMap<String, String> {
    let mut texts = HashMap::new();
    let Some(exif) = read(path) else {
        return texts;
    };
    let is_little = exif.little_endian();
    for field in exif.fields() {
        // By its number alone: Fooocus puts its comment beside the picture's own fields.
        let tag = field.tag.number();
        let text = match (&field.value, tag) {
            // By the book its bytes have no type, but some programs give them one.
            (exif::Value::Undefined(bytes, _) | exif::Value::Byte(bytes), USER_COMMENT) => {
                comment(bytes, is_little)
            }
            (exif::Value::Ascii(lines), _) => lines
                .iter()
                .map(|line| String::from_utf8_lossy(line))
                .collect::<Vec<_>>()
                .join("\n"),
            // Windows writes its comments as UTF-16.
            (exif::Value::Byte(bytes), XP_COMMENT) => utf16(bytes, Order::Little),
            _ => continue,
        };
        let text = text.trim_matches(['\0', ' ', '\n']);
        // ComfyUI puts its texts into whichever fields there are, keyword and all.
        let named = ["prompt", "workflow"].into_iter().find_map(|keyword| {
            let rest = text.get(..keyword.len())?.eq_ignore_ascii_case(keyword);
            let rest = rest.then(|| text[keyword.len()..].strip_prefix(':'))??;
            Some((keyword, rest.trim()))
        });
        let (keyword, text) = match (named, tag) {
            (Some(named), _) => named,
            (None, USER_COMMENT) => ("parameters", text),
            (None, IMAGE_DESCRIPTION) => ("Description", text),
            (None, SOFTWARE) => ("Software", text),
            (None, XP_COMMENT) => ("comment", text),
            _ => continue,
        };
        if !text.is_empty() {
            texts.entry(keyword.to_owned()).or_insert_with(|| text.to_owned());
        }
    }
    if let Some(comment) = texts.remove("comment") {
        texts.entry("parameters".to_owned()).or_insert(comment);
    }
    texts
}

const IMAGE_DESCRIPTION: u16 = 0x010e;
const SOFTWARE: u16 = 0x0131;
const USER_COMMENT: u16 = 0x9286;
const XP_COMMENT: u16 = 0x9c9c;

fn read(path: &Path) -> Option<exif::Exif> {
    let reader = ImageReader::open(path).ok()?.with_guessed_format().ok()?;
    let mut bytes = reader.into_decoder().ok()?.exif_metadata().ok()??;
    if bytes.len() > MOST {
        return None;
    }
    if let Some(rest) = bytes.strip_prefix(b"Exif\0\0") {
        bytes = rest.to_vec();
    }
    let read = exif::Reader::new().continue_on_error(true).read_raw(bytes);
    read.or_else(|error| error.distill_partial_result(|_| ())).ok()
}

#[derive(Clone, Copy, PartialEq)]
enum Order {
    Big,
    Little,
}

/// A comment begins with the name of its encoding, eight bytes long.
fn comment(bytes: &[u8], is_little: bool) -> String {
    let (code, text) = bytes.split_at(bytes.len().min(8));
    if code != b"UNICODE\0" {
        let known =
            code.starts_with(b"ASCII") || code.iter().all(|byte| *byte == 0) || code.starts_with(b"JIS");
        // Some leave the name out.
        return String::from_utf8_lossy(if known { text } else { bytes }).into_owned();
    }
    // UTF-16, of which nobody says the order: where letters are mostly Latin, the upper bytes are 0.
    let zeros = |from: usize| {
        text.iter()
            .skip(from)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    let (upper, lower) = (zeros(0), zeros(1));
    let order = match () {
        () if text.starts_with(&[0xFE, 0xFF]) => Order::Big,
        () if text.starts_with(&[0xFF, 0xFE]) => Order::Little,
        () if upper > lower => Order::Big,
        () if lower > upper => Order::Little,
        // No zero at all: it may be UTF-8 all the same.
        () if std::str::from_utf8(text).is_ok_and(|text| text.is_ascii()) => {
            return String::from_utf8_lossy(text).into_owned();
        }
        () if is_little => Order::Little,
        () => Order::Big,
    };
    utf16(text, order)
}

fn utf16(bytes: &[u8], order: Order) -> String {
    let units = bytes.chunks_exact(2).map(|pair| match order {
        Order::Big => u16::from_be_bytes([pair[0], pair[1]]),
        Order::Little => u16::from_le_bytes([pair[0], pair[1]]),
    });
    let text: String = char::decode_utf16(units)
        .map(|c| c.unwrap_or('\u{fffd}'))
        .collect();
    text.trim_start_matches('\u{feff}').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_read_in_every_encoding() {
        let words = "ein Bär, 熊";
        let coded = |order: Order, code: &[u8]| {
            let units = words.encode_utf16();
            let bytes = units.flat_map(|unit| match order {
                Order::Big => unit.to_be_bytes(),
                Order::Little => unit.to_le_bytes(),
            });
            [code, &bytes.collect::<Vec<u8>>()].concat()
        };
        for is_little in [true, false] {
            assert_eq!(comment(&coded(Order::Big, b"UNICODE\0"), is_little), words);
            assert_eq!(comment(&coded(Order::Little, b"UNICODE\0"), is_little), words);
        }
        assert_eq!(comment(b"UNICODE\0a fox", true), "a fox");
        assert_eq!(comment(b"ASCII\0\0\0a fox", true), "a fox");
        assert_eq!(comment(b"\0\0\0\0\0\0\0\0a fox", true), "a fox");
        assert_eq!(comment(b"a fox in the snow", true), "a fox in the snow");
        assert_eq!(comment(b"abc", true), "abc");
    }
}
