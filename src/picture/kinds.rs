//! What a file is, by its first bytes: so that what cannot be read can be named.

/// What to do about a file that is no picture this program reads.
pub(super) fn refusal(bytes: &[u8]) -> String {
    let way_out = "PNG, JPEG, WebP, TIFF, GIF and BMP can be read";
    match name(bytes) {
        Some(name) => {
            format!("this is {name}, which cannot be read: save it as PNG or JPEG first ({way_out})")
        }
        None => format!("this is no picture: {way_out}"),
    }
}

/// The kinds that people have, and hold for pictures.
fn name(bytes: &[u8]) -> Option<&'static str> {
    let begins = |magic: &[u8]| bytes.starts_with(magic);
    let at = |offset: usize, magic: &[u8]| bytes.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    if at(4, b"ftyp") {
        let brands = bytes.get(8..bytes.len().min(64)).unwrap_or_default();
        let brand = |known: &[&[u8]]| brands.chunks_exact(4).any(|brand| known.contains(&brand));
        return Some(match () {
            () if brand(&[b"avif", b"avis"]) => "an AVIF picture",
            () if brand(&[b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"]) => "a HEIC picture",
            () if brand(&[b"crx "]) => "a raw photo (CR3)",
            () => "a video",
        });
    }
    let text = bytes.get(..bytes.len().min(1024)).map(String::from_utf8_lossy);
    let text = text.unwrap_or_default();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let is_xml = text.starts_with("<?xml") || text.starts_with("<!DOCTYPE svg") || text.starts_with("<svg");
    match () {
        () if begins(b"\xff\x0a") || at(4, b"JXL \r\n\x87\n") => Some("a JPEG XL picture"),
        () if at(4, b"jP  \r\n\x87\n") || begins(b"\xff\x4f\xff\x51") => Some("a JPEG 2000 picture"),
        () if begins(b"8BPS") => Some("a Photoshop file"),
        () if begins(b"gimp xcf") => Some("a GIMP file"),
        () if begins(b"\x76\x2f\x31\x01") => Some("an OpenEXR picture"),
        () if begins(b"#?RADIANCE") => Some("a Radiance HDR picture"),
        () if begins(b"DDS ") => Some("a DDS texture"),
        () if begins(b"qoif") => Some("a QOI picture"),
        () if begins(b"\0\0\x01\0") || begins(b"\0\0\x02\0") => Some("an icon"),
        () if begins(b"%PDF") => Some("a PDF"),
        () if begins(b"%!PS") => Some("a PostScript file"),
        () if is_xml && text.contains("<svg") => Some("an SVG drawing"),
        () if text.starts_with("<!DOCTYPE html") || text.starts_with("<html") => Some("a web page"),
        () if begins(b"PK\x03\x04") => Some("a zip archive"),
        () if begins(b"GGUF") => Some("a model"),
        () if begins(b"P1\n") || begins(b"P4\n") || begins(b"P5\n") || begins(b"P6\n") => {
            Some("a netpbm picture")
        }
        () if begins(b"\x1aE\xdf\xa3") => Some("a video"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_named() {
        for (bytes, name) in [
            (&b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..], "HEIC"),
            (b"\0\0\0\x1cftypmif1\0\0\0\0avifmif1miaf", "AVIF"),
            (b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41", "video"),
            (b"\xff\x0a\xfa\x1f", "JPEG XL"),
            (b"8BPS\0\x01", "Photoshop"),
            (b"<?xml version=\"1.0\"?>\n<svg xmlns=\"x\"/>", "SVG"),
            (b"<!DOCTYPE html><title>404</title>", "web page"),
        ] {
            let refusal = refusal(bytes);
            assert!(
                refusal.contains(name) && refusal.contains("save it as PNG"),
                "{refusal}"
            );
        }
        assert!(refusal(b"a text").starts_with("this is no picture: PNG"));
    }
}
