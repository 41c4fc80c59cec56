//! Pictures as bytes, encoded where nothing waits for it.

use super::refusal::Refusal;
use crate::picture;
use crate::pixels::{Pixels, Size};
use crate::saved_picture::{self, Saving};
use crate::task::{Export, Failure, Picture, Task};
use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A picture ready to be sent.
pub(super) struct Painted {
    pub(super) bytes: Bytes,
    pub(super) size: Size,
    pub(super) seed: u64,
    /// Prompt and settings in the style other programs read.
    pub(super) parameters: String,
    /// What the model was given, where that is not the prompt.
    pub(super) caption: Option<String>,
    pub(super) cfg: f32,
}

/// As it is sent inside of JSON.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The media type, and OpenAI's word for it.
pub(super) fn media_type(format: Export) -> (&'static str, &'static str) {
    match format {
        Export::Png => ("image/png", "png"),
        Export::Jpeg => ("image/jpeg", "jpeg"),
        Export::WebP => ("image/webp", "webp"),
    }
}

/// Pictures in the order of their seeds, settings inside; of one that was stopped its rows, which are left
/// out where there are none.
///
/// # Errors
/// One cannot be encoded: its prompt is too long for a JPEG.
pub(super) async fn finished(
    task: Task,
    mut pictures: Vec<(Picture, Option<Pixels>)>,
    model: String,
    format: Export,
) -> Result<Vec<Painted>, Refusal> {
    pictures.sort_by_key(|(picture, _)| picture.seed);
    let encode = move |(picture, rows): (Picture, Option<Pixels>)| {
        let saving = Saving {
            task: &task,
            picture: &picture,
            preview: rows.as_ref(),
            model: &model,
        };
        let size = picture.pixels.as_ref().or(rows.as_ref()).map(Pixels::size);
        Ok(Painted {
            bytes: saved_picture::encode(&saving, format)?.into(),
            size: size.unwrap_or(picture.panel),
            seed: picture.seed,
            parameters: saved_picture::parameters(&saving)?,
            caption: picture.caption.clone(),
            cfg: picture.sampling.cfg,
        })
    };
    let with_pixels = pictures
        .into_iter()
        .filter(|(picture, rows)| picture.pixels.is_some() || rows.is_some());
    let with_pixels: Vec<_> = with_pixels.collect();
    let work = move || with_pixels.into_iter().map(encode).collect();
    elsewhere(work).await
}

/// A picture under way, without settings.
///
/// # Errors
/// It cannot be encoded.
pub(super) async fn partial(pixels: Pixels, format: Export) -> Result<Bytes, Refusal> {
    let work = move || {
        let encoded = picture::encode_as(&pixels, None, format, "the picture");
        encoded
            .map(Bytes::from)
            .map_err(|error| Failure::failed(error.to_string()))
    };
    elsewhere(work).await
}

/// Does work that takes a while on a thread of its own.
async fn elsewhere<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Refusal::broken())?.map_err(Refusal::from)
}
