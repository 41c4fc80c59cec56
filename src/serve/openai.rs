//! OpenAI's endpoints: pictures from words, edits, the list of models, and pictures by their address.

use super::door::Door;
use super::events::{Events, Gone, PULSE, events};
use super::painted::{Painted, base64, finished, media_type, partial};
use super::queue::{Drawing, End, Event, closing};
use super::refusal::{Dialect, Refusal, json_response};
use super::upload::{form, json_fields};
use super::wish::{Sent, Wish};
use crate::task::{Export, Task};
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use chrono::Utc;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How long a stream waits for its task to be refused with a status of its own before it begins.
const REFUSED_BY: Duration = Duration::from_secs(5);
/// Whether OpenAI's clients should ask again by themselves.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// `POST /v1/images/generations`
pub(super) async fn generations(State(door): State<Arc<Door>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let wish = json_fields(body)
        .await
        .and_then(|fields| Wish::generation(&fields, &door));
    told(answer(door, &parts.headers, wish, "image_generation").await)
}

/// `POST /v1/images/edits`
pub(super) async fn edits(State(door): State<Arc<Door>>, request: Request) -> Response {
    let headers = request.headers().clone();
    let wish = edit_wish(&door, request).await;
    told(answer(door, &headers, wish, "image_edit").await)
}

async fn edit_wish(door: &Arc<Door>, request: Request) -> Result<Wish, Refusal> {
    let turn = door.uploads.acquire().await.map_err(|_| closing())?;
    let form = form(request).await?;
    let of = Arc::clone(door);
    let read = tokio::task::spawn_blocking(move || Wish::edit(&form, &of)).await;
    drop(turn);
    read.map_err(|_| Refusal::broken())?
}

/// `GET /v1/models`
pub(super) async fn models(State(door): State<Arc<Door>>) -> Response {
    json_response(&json!({ "object": "list", "data": [model_object(&door)] }))
}

/// `GET /v1/models/NAME`
pub(super) async fn model(State(door): State<Arc<Door>>, Path(name): Path<String>) -> Response {
    match name == door.model_name() {
        true => json_response(&model_object(&door)),
        false => {
            let message = format!("`{name}` is not served here: `{}` is", door.model_name());
            let refusal = Refusal::new(StatusCode::NOT_FOUND, message).code("model_not_found");
            refusal.told(Dialect::OpenAi)
        }
    }
}

fn model_object(door: &Door) -> Value {
    json!({
        "id": door.model_name(), "object": "model", "created": door.since, "owned_by": "lumina-studio",
    })
}

/// `GET /files/NAME`
pub(super) async fn file(State(door): State<Arc<Door>>, Path(name): Path<String>) -> Response {
    match door.files.get(&name) {
        Some((bytes, kind)) => {
            let mut response = Response::new(Body::from(bytes));
            let kind = HeaderValue::from_static(kind);
            response.headers_mut().insert(CONTENT_TYPE, kind);
            response
        }
        None => {
            let message = "there is no such picture, or no longer: they are kept for an hour at most";
            Refusal::new(StatusCode::NOT_FOUND, message)
                .code("not_found")
                .told(Dialect::OpenAi)
        }
    }
}

fn told(answer: Result<Response, Refusal>) -> Response {
    answer.unwrap_or_else(|refusal| {
        let mut response = refusal.told(Dialect::OpenAi);
        if refusal.status == StatusCode::CONFLICT {
            // Somebody stopped the picture: that is not to be undone by asking again.
            response
                .headers_mut()
                .insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        response
    })
}

async fn answer(
    door: Arc<Door>,
    headers: &HeaderMap,
    wish: Result<Wish, Refusal>,
    name: &'static str,
) -> Result<Response, Refusal> {
    let Wish { task, format, sent } = wish?;
    let partials = match sent {
        Sent::Streamed(partials) => partials,
        Sent::Inline | Sent::ByAddress => 0,
    };
    let mut drawing = door.queue.submit(task.clone(), partials)?;
    if let Sent::Streamed(_) = sent {
        return streamed(door, task, drawing, Answered { format, name }).await;
    }
    let painted = painted(&door, task, drawing.end().await, format).await?;
    let size = painted.first().map(|first| first.size.to_string());
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let mut data = Vec::with_capacity(painted.len());
    for picture in painted {
        let mut object = facts(&picture);
        match sent {
            Sent::ByAddress => {
                let name = door.files.put(picture.bytes, media_type(format).0)?;
                object["url"] = format!("{}://{host}/files/{name}", door.scheme()).into();
            }
            Sent::Inline | Sent::Streamed(_) => object["b64_json"] = base64(&picture.bytes).into(),
        }
        data.push(object);
    }
    Ok(json_response(&json!({
        "created": Utc::now().timestamp(), "data": data, "size": size, "background": "opaque",
        "output_format": media_type(format).1,
    })))
}

/// What is said of a picture beside it.
fn facts(picture: &Painted) -> Value {
    match &picture.caption {
        Some(caption) => json!({ "seed": picture.seed, "revised_prompt": caption }),
        None => json!({ "seed": picture.seed }),
    }
}

/// The pictures of a task that has ended.
async fn painted(door: &Door, task: Task, end: End, format: Export) -> Result<Vec<Painted>, Refusal> {
    match end {
        End::Finished(pictures) => {
            let pictures = pictures.into_iter().map(|picture| (picture, None)).collect();
            finished(task, pictures, door.model.clone(), format).await
        }
        End::Cancelled(_) => {
            let message = "the picture was interrupted before it was finished";
            Err(Refusal::new(StatusCode::CONFLICT, message).code("interrupted"))
        }
        End::Failed(failure) => Err(failure.into()),
        End::Closed => Err(closing()),
    }
}

/// How the events of a stream are named and their pictures encoded.
#[derive(Clone, Copy)]
struct Answered {
    format: Export,
    name: &'static str,
}

async fn streamed(
    door: Arc<Door>,
    task: Task,
    mut drawing: Drawing,
    answered: Answered,
) -> Result<Response, Refusal> {
    let first = tokio::time::timeout(REFUSED_BY, drawing.next()).await.ok();
    let first = match first {
        Some(Event::Ended(end)) => {
            // What was refused has the status of a refusal.
            let painted = painted(&door, task.clone(), end, answered.format).await?;
            Some(Ok(painted))
        }
        Some(event) => Some(Err(event)),
        None => None,
    };
    let (events, response) = events();
    tokio::spawn(async move {
        let done = match first {
            Some(Ok(painted)) => completed(&events, painted, answered).await,
            Some(Err(event)) => match shown(&events, event, answered).await {
                Ok(()) => follow(&door, task, &mut drawing, &events, answered).await,
                Err(gone) => Err(gone),
            },
            None => follow(&door, task, &mut drawing, &events, answered).await,
        };
        // Whoever is gone takes the picture along: `drawing` ends here.
        let _ = done;
    });
    Ok(response)
}

async fn follow(
    door: &Door,
    task: Task,
    drawing: &mut Drawing,
    events: &Events,
    answered: Answered,
) -> Result<(), Gone> {
    let mut pulse = tokio::time::interval(PULSE);
    pulse.reset();
    let end = loop {
        let event = tokio::select! {
            event = drawing.next() => event,
            () = events.gone() => return Err(Gone),
            _ = pulse.tick() => {
                events.pulse().await?;
                continue;
            }
        };
        match event {
            Event::Ended(end) => break end,
            event => shown(events, event, answered).await?,
        }
    };
    match painted(door, task, end, answered.format).await {
        Ok(painted) => completed(events, painted, answered).await,
        Err(refusal) => failed(events, &refusal).await,
    }
}

async fn failed(events: &Events, refusal: &Refusal) -> Result<(), Gone> {
    let mut data = refusal.openai();
    data["type"] = "error".into();
    events.send("error", &data).await
}

/// What comes before the end.
async fn shown(events: &Events, event: Event, answered: Answered) -> Result<(), Gone> {
    let Event::Partial { index, pixels } = event else {
        return Ok(());
    };
    let size = pixels.size().to_string();
    let Answered { format, name } = answered;
    let bytes = match partial(pixels, format).await {
        Ok(bytes) => bytes,
        Err(refusal) => return failed(events, &refusal).await,
    };
    let name = format!("{name}.partial_image");
    let data = json!({
        "type": name, "b64_json": base64(&bytes), "partial_image_index": index, "size": size,
        "created_at": Utc::now().timestamp(), "background": "opaque", "output_format": media_type(format).1,
    });
    events.send(&name, &data).await
}

async fn completed(events: &Events, painted: Vec<Painted>, answered: Answered) -> Result<(), Gone> {
    let Answered { format, name } = answered;
    let name = format!("{name}.completed");
    for picture in painted {
        let mut data = facts(&picture);
        data["type"] = name.as_str().into();
        data["b64_json"] = base64(&picture.bytes).into();
        data["created_at"] = Utc::now().timestamp().into();
        data["size"] = picture.size.to_string().into();
        data["background"] = "opaque".into();
        data["output_format"] = media_type(format).1.into();
        events.send(&name, &data).await?;
    }
    Ok(())
}
