//! The endpoints of A1111's web UI that its clients use to draw from words.

use super::door::Door;
use super::fields::Fields;
use super::painted::{Painted, base64, finished, partial};
use super::queue::{End, closing};
use super::refusal::{Dialect, Refusal, json_response};
use super::upload::json_fields;
use super::wish::txt2img as task_of;
use crate::pixels::Pixels;
use crate::task::{Export, Task};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use std::sync::Arc;

/// Fields that count here.
const USED: [&str; 9] = [
    "prompt",
    "seed",
    "width",
    "height",
    "batch_size",
    "n_iter",
    "cfg_scale",
    "send_images",
    "as_typed",
];
/// Names of fields that are told as ignored.
const MOST_TOLD: usize = 64;
/// The name clients choose: there is one way to draw.
const SAMPLER: &str = "speculative Jacobi";

/// `POST /sdapi/v1/txt2img`
pub(super) async fn txt2img(State(door): State<Arc<Door>>, request: Request) -> Response {
    told(drawn(&door, request).await)
}

/// What became of a request.
struct Outcome {
    painted: Vec<Painted>,
    is_interrupted: bool,
}

async fn drawn(door: &Arc<Door>, request: Request) -> Result<Value, Refusal> {
    let fields = json_fields(request.into_body()).await?;
    let task = task_of(&fields, door)?;
    let mut drawing = door.queue.submit(task.clone(), 0)?;
    let (pictures, is_interrupted) = match drawing.end().await {
        End::Finished(pictures) => (
            pictures.into_iter().map(|picture| (picture, None)).collect(),
            false,
        ),
        End::Cancelled(pictures) => (pictures, true),
        End::Failed(failure) => return Err(failure.into()),
        End::Closed => return Err(closing()),
    };
    let painted = finished(task.clone(), pictures, door.model.clone(), Export::Png).await?;
    let outcome = Outcome {
        painted,
        is_interrupted,
    };
    let info = info(door, &fields, &task, &outcome);
    let images: Vec<String> = match fields
        .names()
        .any(|field| field == ("send_images", &Value::Bool(false)))
    {
        true => Vec::new(),
        false => {
            let painted = outcome.painted.iter();
            painted.map(|picture| base64(&picture.bytes)).collect()
        }
    };
    Ok(json!({ "images": images, "parameters": fields.to_value(), "info": info.to_string() }))
}

/// What was drawn by, in the words of A1111, and what of the request did not count.
fn info(door: &Door, fields: &Fields, task: &Task, outcome: &Outcome) -> Value {
    let Outcome {
        painted,
        is_interrupted,
    } = outcome;
    let negative = fields.names().find(|(name, _)| *name == "negative_prompt");
    let negative = negative.and_then(|(_, value)| value.as_str()).unwrap_or_default();
    let counts = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(items) => !items.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    };
    let ignored = fields
        .names()
        .filter(|(name, value)| !USED.contains(name) && counts(value));
    let ignored: Vec<&str> = ignored.map(|(name, _)| name).take(MOST_TOLD).collect();
    let mut notes = Vec::new();
    if !ignored.is_empty() {
        notes.push(format!(
            "ignored, for this model has no use for them: {}",
            ignored.join(", ")
        ));
    }
    if let Some(caption) = painted.first().and_then(|first| first.caption.as_deref()) {
        notes.push(format!("the model was given: {caption}"));
    }
    if *is_interrupted {
        notes.push("interrupted: the rows that were drawn are here".to_owned());
    }
    let first = painted.first();
    let size = first.map(|first| first.size).or(task.size);
    let seeds: Vec<u64> = painted.iter().map(|picture| picture.seed).collect();
    let texts: Vec<&str> = painted
        .iter()
        .map(|picture| picture.parameters.as_str())
        .collect();
    json!({
        "prompt": task.prompt, "all_prompts": vec![&task.prompt; painted.len()],
        "negative_prompt": negative, "all_negative_prompts": vec![negative; painted.len()],
        "seed": first.map_or(task.seed, |first| first.seed), "all_seeds": seeds,
        "width": size.map(|size| size.width), "height": size.map(|size| size.height),
        "sampler_name": SAMPLER, "cfg_scale": first.map(|first| first.cfg), "batch_size": task.candidates,
        "sd_model_name": door.model_name(), "infotexts": texts, "styles": [], "index_of_first_image": 0,
        "job_timestamp": "", "extra_generation_params": {}, "ignored": ignored, "notes": notes,
        "interrupted": is_interrupted,
    })
}

/// `GET /sdapi/v1/progress`
pub(super) async fn progress(State(door): State<Arc<Door>>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let skips = query
        .split('&')
        .any(|pair| pair.eq_ignore_ascii_case("skip_current_image=true"));
    let shown = if skips { None } else { door.queue.picture() };
    told(progress_now(&door, shown).await)
}

async fn progress_now(door: &Door, shown: Option<Pixels>) -> Result<Value, Refusal> {
    let far = door.queue.far();
    let share = far.rows as f64 / far.of.max(1) as f64;
    let left = match far.rows {
        0 => 0.0,
        _ => far.elapsed_secs / share * (1.0 - share),
    };
    let picture = match shown {
        Some(pixels) => Some(base64(&partial(pixels, Export::Png).await?)),
        None => None,
    };
    let text = match far.is_drawing {
        true => format!("row {} of {}, {} waiting", far.rows, far.of, far.waiting),
        false => String::new(),
    };
    Ok(json!({
        "progress": share, "eta_relative": left, "current_image": picture, "textinfo": text,
        "state": {
            "skipped": false, "interrupted": far.is_interrupted, "stopping_generation": far.is_interrupted,
            "job": if far.is_drawing { "txt2img" } else { "" },
            "job_count": far.pictures + far.waiting, "job_no": 0, "job_timestamp": "",
            "sampling_step": far.rows, "sampling_steps": far.of,
        },
    }))
}

/// `POST /sdapi/v1/interrupt`, and `skip`, which is the same where pictures are drawn together.
pub(super) async fn interrupt(State(door): State<Arc<Door>>) -> Response {
    door.queue.interrupt();
    json_response(&json!({}))
}

/// `GET /sdapi/v1/options`
pub(super) async fn options(State(door): State<Arc<Door>>) -> Response {
    json_response(&json!({
        "sd_model_checkpoint": title(&door), "sd_checkpoint_hash": null, "sd_vae": "None",
        "samples_format": "png", "CLIP_stop_at_last_layers": 1,
    }))
}

/// `POST /sdapi/v1/options`: the model that is served may be named; nothing else can be set.
pub(super) async fn set_options(State(door): State<Arc<Door>>, request: Request) -> Response {
    told(json_fields(request.into_body()).await.and_then(
        |fields| match fields.text("sd_model_checkpoint")? {
            Some(name) if name != title(&door) => {
                let message = format!("`{name}` is not served here: `{}` is", title(&door));
                Err(Refusal::field("sd_model_checkpoint", message))
            }
            _ => Ok(Value::Null),
        },
    ))
}

/// `GET /sdapi/v1/sd-models`
pub(super) async fn models(State(door): State<Arc<Door>>) -> Response {
    json_response(&json!([{
        "title": title(&door), "model_name": door.model_name(), "hash": null, "sha256": null, "filename": "",
        "config": null,
    }]))
}

/// `GET /sdapi/v1/samplers`
pub(super) async fn samplers() -> Response {
    json_response(&json!([{ "name": SAMPLER, "aliases": [], "options": {} }]))
}

/// `GET /sdapi/v1/schedulers`
pub(super) async fn schedulers() -> Response {
    json_response(&json!([{
        "name": "automatic", "label": "Automatic", "aliases": null, "default_rho": -1.0,
        "need_inner_model": false,
    }]))
}

/// `GET /sdapi/v1/scripts`
pub(super) async fn scripts() -> Response {
    json_response(&json!({ "txt2img": [], "img2img": [] }))
}

/// `GET /sdapi/v1/embeddings`
pub(super) async fn embeddings() -> Response {
    json_response(&json!({ "loaded": {}, "skipped": {} }))
}

/// `GET /sdapi/v1/upscalers` and what else there is none of.
pub(super) async fn none() -> Response {
    json_response(&json!([]))
}

/// `GET /sdapi/v1/cmd-flags` and `/memory`: nothing is told of them.
pub(super) async fn nothing() -> Response {
    json_response(&json!({}))
}

fn title(door: &Door) -> &str {
    door.model_name()
}

fn told(answer: Result<Value, Refusal>) -> Response {
    match answer {
        Ok(value) => json_response(&value),
        Err(mut refusal) => {
            // Its clients know what cannot be processed under this number.
            if refusal.status == StatusCode::BAD_REQUEST {
                refusal.status = StatusCode::UNPROCESSABLE_ENTITY;
            }
            refusal.told(Dialect::A1111)
        }
    }
}
