//! What a request wants: a task, made as the command line makes one, and how its pictures are answered.

use super::door::Door;
use super::fields::Fields;
use super::refusal::Refusal;
use super::upload::{Form, mask_of, picture_of};
use crate::pixels::Size;
use crate::task::{Export, LONGEST_PROMPT, Mode, SamplingChoice, Task, Wording, new_seed};
use crate::token::Grid;
use axum::http::StatusCode;
use std::sync::Arc;

/// Seeds chosen here have 32 bits, so that they can be read aloud.
const READABLE_SEEDS: u64 = 1 << 32;
/// Pictures of one request.
const MOST_PICTURES: u64 = 10;
/// Partial pictures of one.
const MOST_PARTIALS: u64 = 3;
/// Longest side of a picture that is asked for, where the model itself sets no sizes.
const LONGEST_SIDE: u32 = 2048;

/// How the pictures are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Inline,
    ByAddress,
    /// One picture as events, with this many partial ones.
    Streamed(usize),
}

/// A request of an OpenAI client.
pub(super) struct Wish {
    pub(super) task: Task,
    pub(super) format: Export,
    pub(super) sent: Sent,
}

impl Wish {
    /// # Errors
    /// A field is missing or cannot be taken; the refusal names it.
    pub(super) fn generation(fields: &Fields, door: &Door) -> Result<Self, Refusal> {
        let prompt = prompt(fields)?;
        if prompt.trim().is_empty() {
            return Err(Refusal::field(
                "prompt",
                "say what to draw: `prompt` is missing or empty",
            ));
        }
        Self::of(fields, door, Task::new(Mode::Generate, prompt))
    }

    /// Of a form, whose pictures are decoded here: not to be called where nothing may block.
    ///
    /// # Errors
    /// As [`Self::generation`]; or a picture cannot be used, or the model does not edit.
    pub(super) fn edit(form: &Form, door: &Door) -> Result<Self, Refusal> {
        let skills = &door.profile.skills;
        if !skills.is_empty() && door.profile.skill("edit").is_none() {
            let message = format!(
                "{} does not edit pictures: serve a model that does",
                door.model_name()
            );
            return Err(Refusal::new(StatusCode::BAD_REQUEST, message).code("unsupported"));
        }
        let prompt = prompt(&form.fields)?;
        let image = match form.images.as_slice() {
            [image] => image,
            [] => {
                return Err(Refusal::field(
                    "image",
                    "the picture to edit is missing: add `image`",
                ));
            }
            _ => {
                return Err(Refusal::field(
                    "image",
                    "one picture is edited at a time: send one `image`",
                ));
            }
        };
        if form.mask.is_none() && prompt.trim().is_empty() {
            let message = "say what to change: only with a mask may `prompt` be empty";
            return Err(Refusal::field("prompt", message));
        }
        // What costs nothing to refuse is refused before pictures are decoded.
        let wish = Self::of(&form.fields, door, Task::new(Mode::Edit, prompt))?;
        let source = Arc::new(picture_of(image, "image")?);
        let mask = form.mask.as_ref().map(|mask| mask_of(mask)).transpose()?;
        let task = Task {
            source: Some(source),
            mask: mask.map(Arc::new),
            ..wish.task
        };
        if let Some(refusal) = task.mask_refusal() {
            return Err(Refusal::field("mask", refusal));
        }
        Ok(Self { task, ..wish })
    }

    fn of(fields: &Fields, door: &Door, task: Task) -> Result<Self, Refusal> {
        let size = match fields.text("size")? {
            None | Some("auto") => None,
            Some(text) => Some(text.parse().map_err(|error| Refusal::field("size", error))?),
        };
        let task = Task {
            wording: wording(fields)?,
            size: size.map(|size| drawable(size, &task.mode, door)).transpose()?,
            candidates: fields.whole("n", 1..=MOST_PICTURES)?.unwrap_or(1) as usize,
            ..task
        };
        let format = fields.word("output_format", &["png", "jpeg", "webp"])?;
        if fields.text("background")? == Some("transparent") {
            let message = "`background` cannot be transparent: pictures of this model are opaque";
            return Err(Refusal::field("background", message));
        }
        let answer = fields.word("response_format", &["b64_json", "url"])?;
        let partials = fields.whole("partial_images", 0..=MOST_PARTIALS)?.unwrap_or(0) as usize;
        let sent = match (fields.flag("stream")?, answer) {
            (true, Some("url")) => {
                let message = "a stream carries its pictures itself: leave `response_format` or `stream` out";
                return Err(Refusal::field("response_format", message));
            }
            (true, _) if task.candidates > 1 => {
                return Err(Refusal::field(
                    "n",
                    "one picture is streamed at a time: leave `n` or `stream` out",
                ));
            }
            (true, _) => Sent::Streamed(partials),
            (false, Some("url")) => Sent::ByAddress,
            (false, _) => Sent::Inline,
        };
        Ok(Self {
            task: with_seed(task, fields.whole("seed", 0..=u64::MAX)?)?,
            format: match format {
                Some("jpeg") => Export::Jpeg,
                Some("webp") => Export::WebP,
                _ => Export::Png,
            },
            sent,
        })
    }
}

/// The task of an A1111 client.
///
/// # Errors
/// As [`Wish::generation`].
pub(super) fn txt2img(fields: &Fields, door: &Door) -> Result<Task, Refusal> {
    let prompt = prompt(fields)?;
    if prompt.trim().is_empty() {
        return Err(Refusal::field(
            "prompt",
            "say what to draw: `prompt` is missing or empty",
        ));
    }
    let side = |name: &str| fields.whole(name, 1..=u64::from(u32::MAX));
    let default = door
        .profile
        .skill("generate")
        .and_then(|skill| skill.default_size);
    let size = match (side("width")?, side("height")?, default) {
        (None, None, _) => None,
        (Some(width), Some(height), _) => Some(Size::new(width as u32, height as u32)),
        (width, height, Some(default)) => Some(Size::new(
            width.map_or(default.width, |side| side as u32),
            height.map_or(default.height, |side| side as u32),
        )),
        _ => {
            return Err(Refusal::field(
                "width",
                "say both `width` and `height`, or neither",
            ));
        }
    };
    let together = fields.whole("batch_size", 1..=MOST_PICTURES)?.unwrap_or(1);
    let times = fields.whole("n_iter", 1..=MOST_PICTURES)?.unwrap_or(1);
    if together * times > MOST_PICTURES {
        let message = format!("`batch_size` times `n_iter` is more than {MOST_PICTURES} pictures");
        return Err(Refusal::field("batch_size", message));
    }
    let task = Task::new(Mode::Generate, prompt);
    let task = Task {
        wording: wording(fields)?,
        size: size.map(|size| drawable(size, &task.mode, door)).transpose()?,
        candidates: (together * times) as usize,
        sampling: SamplingChoice {
            cfg: fields.number("cfg_scale")?,
            ..SamplingChoice::default()
        },
        ..task
    };
    let seed = match fields.is_negative("seed") {
        true => None,
        false => fields.whole("seed", 0..=u64::MAX)?,
    };
    with_seed(task, seed)
}

fn prompt(fields: &Fields) -> Result<&str, Refusal> {
    let prompt = fields.text("prompt")?.unwrap_or_default();
    if prompt.len() > LONGEST_PROMPT {
        let message = format!(
            "the prompt is too long: {} bytes, at most {LONGEST_PROMPT} (64 kB) are read",
            prompt.len()
        );
        return Err(Refusal::field("prompt", message));
    }
    Ok(prompt)
}

/// `as_typed` gives the model the prompt as it is.
fn wording(fields: &Fields) -> Result<Wording, Refusal> {
    Ok(match fields.flag("as_typed")? {
        true => Wording::AsTyped,
        false => Wording::Understood,
    })
}

fn with_seed(task: Task, seed: Option<u64>) -> Result<Task, Refusal> {
    let seed = seed.unwrap_or_else(|| new_seed(READABLE_SEEDS));
    if seed.checked_add(task.candidates as u64).is_none() {
        let message = "`seed` is too large for so many pictures: choose a smaller one";
        return Err(Refusal::field("seed", message));
    }
    Ok(Task { seed, ..task })
}

/// The size, if the model draws it in this mode.
fn drawable(size: Size, mode: &Mode, door: &Door) -> Result<Size, Refusal> {
    let sizes = door.sizes(mode.name());
    if !sizes.is_empty() && !sizes.contains(&size) {
        let names: Vec<String> = sizes.iter().map(Size::to_string).collect();
        let message = format!(
            "{} does not draw {size}: it draws {}; leave the size out, or say `auto`, for its own choice",
            door.model_name(),
            names.join(", ")
        );
        return Err(Refusal::field("size", message));
    }
    Grid::of(size).map_err(|error| Refusal::field("size", error.to_string()))?;
    if size.width.max(size.height) > LONGEST_SIDE {
        let message = format!("{size} is too large: a side has at most {LONGEST_SIDE} pixels here");
        return Err(Refusal::field("size", message));
    }
    Ok(size)
}
