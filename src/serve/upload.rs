//! Bodies as they come in: no more than is taken, in no more time than is given.

use super::fields::Fields;
use super::refusal::Refusal;
use crate::picture;
use crate::pixels::{Mask, Original, Pixels, Samples, Size};
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::StatusCode;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

/// Bytes of a request in JSON: the longest prompt, every letter of it escaped.
const MOST_JSON: usize = 512 << 10;
/// Bytes of a form with pictures.
pub(super) const MOST_FORM: usize = 32 << 20;
/// Bytes of a field of a form that is no file.
const MOST_TEXT: usize = 64 << 10;
/// Fields of a form.
const MOST_FIELDS: usize = 64;
/// Pixels of an uploaded picture.
const MOST_PIXELS: u64 = 24_000_000;
/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A form: its fields, and the bytes of its files.
#[derive(Default)]
pub(super) struct Form {
    pub(super) fields: Fields,
    pub(super) images: Vec<Bytes>,
    pub(super) mask: Option<Bytes>,
}

fn too_large(most: usize) -> Refusal {
    let message = format!("the request is too large: at most {} kB are taken", most >> 10);
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message).code("too_large")
}

fn too_slow() -> Refusal {
    let seconds = PATIENCE.as_secs();
    let message = format!("the request did not come whole within {seconds} seconds");
    Refusal::new(StatusCode::REQUEST_TIMEOUT, message).code("too_slow")
}

fn bad_form(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, message).code("invalid_form")
}

/// Reads a request in JSON. An empty one has no fields.
///
/// # Errors
/// It is too large or too slow, or no JSON object.
pub(super) async fn json_fields(body: Body) -> Result<Fields, Refusal> {
    if body.size_hint().lower() > MOST_JSON as u64 {
        return Err(too_large(MOST_JSON));
    }
    let read = tokio::time::timeout(PATIENCE, read_json(body)).await;
    let bytes = read.map_err(|_| too_slow())??;
    if bytes.is_empty() {
        return Ok(Fields::default());
    }
    Fields::of_json(&bytes)
}

async fn read_json(mut body: Body) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|error| {
            let message = format!("the request's body cannot be read ({error})");
            Refusal::new(StatusCode::BAD_REQUEST, message).code("invalid_body")
        })?;
        // What is no data are trailers, which say nothing here.
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.len() > MOST_JSON {
                return Err(too_large(MOST_JSON));
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}

/// Reads a form.
///
/// # Errors
/// It is too large or too slow, or no form.
pub(super) async fn form(request: Request) -> Result<Form, Refusal> {
    if request.body().size_hint().lower() > MOST_FORM as u64 {
        return Err(too_large(MOST_FORM));
    }
    let multipart = Multipart::from_request(request, &()).await;
    let multipart = multipart.map_err(|error| {
        bad_form(format!(
            "an edit is sent as multipart/form-data ({})",
            error.body_text()
        ))
    })?;
    let read = tokio::time::timeout(PATIENCE, read_form(multipart)).await;
    read.map_err(|_| too_slow())?
}

async fn read_form(mut multipart: Multipart) -> Result<Form, Refusal> {
    let wrong = |error: axum::extract::multipart::MultipartError| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(MOST_FORM),
        _ => bad_form(format!("the form cannot be read ({})", error.body_text())),
    };
    let (mut form, mut count, mut bytes) = (Form::default(), 0, 0);
    while let Some(mut field) = multipart.next_field().await.map_err(wrong)? {
        count += 1;
        if count > MOST_FIELDS {
            return Err(bad_form(format!("the form has more than {MOST_FIELDS} fields")));
        }
        let name = field.name().unwrap_or_default().to_owned();
        let is_file = matches!(name.as_str(), "image" | "image[]" | "mask");
        let mut value = Vec::new();
        while let Some(chunk) = field.chunk().await.map_err(wrong)? {
            bytes += chunk.len();
            if bytes > MOST_FORM {
                return Err(too_large(MOST_FORM));
            }
            if !is_file && value.len() + chunk.len() > MOST_TEXT {
                let message = format!("a field of the form is longer than {} kB", MOST_TEXT >> 10);
                return Err(Refusal::field(&name, message));
            }
            value.extend_from_slice(&chunk);
        }
        match name.as_str() {
            "image" | "image[]" => form.images.push(value.into()),
            "mask" if form.mask.is_some() => return Err(Refusal::field("mask", "there are two masks")),
            "mask" => form.mask = Some(value.into()),
            _ => {
                let text = String::from_utf8(value);
                let text = text.map_err(|_| Refusal::field(&name, format!("`{name}` is no UTF-8")))?;
                form.fields.insert(name, text);
            }
        }
    }
    Ok(form)
}

/// Decodes an uploaded picture; `name` is that of its field.
///
/// # Errors
/// It is no picture that is read, damaged, or too large.
pub(super) fn picture_of(bytes: &[u8], name: &str) -> Result<Pixels, Refusal> {
    let wrong = |error: picture::PictureError| Refusal::field(name, error.to_string());
    let Size { width, height } = picture::size_of(bytes, name).map_err(wrong)?;
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        let message = format!(
            "{name}: a picture of {width}x{height} is too large: at most {} million pixels are taken",
            MOST_PIXELS / 1_000_000
        );
        return Err(Refusal::field(name, message));
    }
    picture::read_bytes(bytes, name).map_err(wrong)
}

/// A mask as OpenAI has it: what is transparent is changed, what is opaque stays.
///
/// # Errors
/// As [`picture_of`]; or nothing of it is transparent.
pub(super) fn mask_of(bytes: &[u8]) -> Result<Mask, Refusal> {
    let pixels = picture_of(bytes, "mask")?;
    let values: Option<Vec<u8>> = match pixels.original().map(|Original { samples, .. }| samples) {
        Some(Samples::Rgba8(samples)) => Some(samples.chunks_exact(4).map(|pixel| 255 - pixel[3]).collect()),
        Some(Samples::Rgba16(samples)) => {
            let of = |pixel: &[u16]| 255 - (pixel[3] >> 8) as u8;
            Some(samples.chunks_exact(4).map(of).collect())
        }
        Some(Samples::Rgb8(_) | Samples::Rgb16(_)) | None => None,
    };
    let mask = values.and_then(|values| Mask::new(pixels.size(), values));
    let opaque = "the mask is opaque everywhere: make transparent what is to change, and save it as PNG";
    mask.ok_or_else(|| Refusal::field("mask", opaque))
}
