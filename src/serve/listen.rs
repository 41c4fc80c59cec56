//! The door itself: opened, held open, and closed without losing what is being answered.

use super::door::Door;
use super::files::Files;
use super::guard::guard;
use super::options::Options;
use super::queue::Queue;
use super::refusal::{Dialect, Refusal, json_response};
use super::stall::Unstalled;
use super::upload::MOST_FORM;
use super::{a1111, openai};
use crate::engine_room::{EngineRoom, Note};
use crate::task::{Cancel, Cause, Failure, Report};
use crate::worker::Worker;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::Utc;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Connections at a time; the next ones wait outside.
const MOST_CONNECTIONS: usize = 64;
const MOST_HEADERS: usize = 64;
/// Bytes of a request's head.
const MOST_HEAD: usize = 32 << 10;
/// How long a head may take, and how long a connection may stand idle.
const HEAD_PATIENCE: Duration = Duration::from_secs(15);
/// How long greetings of TLS may take.
const TLS_PATIENCE: Duration = Duration::from_secs(10);
/// How long a client may take nothing of its answer.
const STALL_PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether the program is to end.
const LOOK_UP: Duration = Duration::from_millis(100);
/// How long answers may take once it is.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Opens the door and holds it open until `cancel`. The address and a new token are results.
///
/// # Errors
/// The door may not be opened so, the address is taken, token or certificate cannot be used, the model cannot be
/// loaded, or `cancel` came before it was.
pub fn serve<R: EngineRoom>(
    options: &Options,
    room: &R,
    cancel: &Cancel,
    told: &mut dyn FnMut(Note<'_>),
) -> Result<(), Failure> {
    options.check()?;
    let (token, new_token) = options.token()?;
    let tls = options.tls()?;
    let listener = bound(options.socket())?;
    let address = listener
        .local_addr()
        .map_err(|error| unbound(options.socket(), &error))?;
    let worker = Worker::spawn(room.open(&options.model)?, || {});
    let (model, profile) = loaded(&worker, cancel)?;
    if let Some(remark) = &profile.remark {
        told(Note::Remark(remark));
    }
    let queue = Queue::new(worker)?;
    let door = Arc::new(Door {
        queue: Arc::clone(&queue),
        profile,
        files: Files::default(),
        token,
        is_loopback: options.is_loopback(),
        has_tls: tls.is_some(),
        uploads: Door::uploads(),
        since: Utc::now().timestamp(),
        model,
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(8)
        .build();
    let runtime = runtime.map_err(|error| Failure::failed(format!("nothing can be served ({error})")))?;
    told(Note::Remark(&format!("{} is served; Ctrl-C ends it", door.model)));
    told(Note::Result(&format!("{}://{address}", door.scheme())));
    if let Some(token) = &new_token {
        told(Note::Result(&format!("token {token}")));
    }
    let acceptor = tls.map(TlsAcceptor::from);
    let served = runtime.block_on(held_open(listener, Arc::clone(&door), acceptor, cancel));
    // The engine stops at its next forward, what is being encoded is let go.
    drop(queue.close());
    runtime.shutdown_timeout(Duration::ZERO);
    served
}

fn unbound(socket: SocketAddr, error: &std::io::Error) -> Failure {
    let told = format!("{socket} cannot be listened on ({error}): choose another --port or --listen");
    Failure::failed(told).because(Cause::of_io(error))
}

fn bound(socket: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(socket).map_err(|error| unbound(socket, &error))?;
    listener
        .set_nonblocking(true)
        .map_err(|error| unbound(socket, &error))?;
    Ok(listener)
}

/// Waits for the model; its name and what it can do.
fn loaded(worker: &Worker, cancel: &Cancel) -> Result<(String, crate::task::Profile), Failure> {
    loop {
        match worker.reports().recv_timeout(LOOK_UP) {
            Ok(Report::Loaded { model, profile, .. }) => return Ok((model, profile)),
            Ok(Report::LoadFailed(failure)) => return Err(failure),
            Err(error) if !error.is_timeout() => {
                return Err(Failure::failed("the engine's thread ended early"));
            }
            Ok(_) | Err(_) if cancel.is_cancelled() => {
                return Err(Failure::failed("cancelled while the model was loaded"));
            }
            Ok(_) | Err(_) => {}
        }
    }
}

fn router(door: Arc<Door>) -> Router {
    let none = || get(a1111::none);
    Router::new()
        .route("/health", get(health))
        .route("/v1/images/generations", post(openai::generations))
        .route("/v1/images/edits", post(openai::edits))
        .route("/v1/models", get(openai::models))
        .route("/v1/models/{name}", get(openai::model))
        .route("/files/{name}", get(openai::file))
        .route("/sdapi/v1/txt2img", post(a1111::txt2img))
        .route("/sdapi/v1/progress", get(a1111::progress))
        .route("/sdapi/v1/interrupt", post(a1111::interrupt))
        .route("/sdapi/v1/skip", post(a1111::interrupt))
        .route("/sdapi/v1/options", get(a1111::options).post(a1111::set_options))
        .route("/sdapi/v1/sd-models", get(a1111::models))
        .route("/sdapi/v1/refresh-checkpoints", post(a1111::nothing))
        .route("/sdapi/v1/samplers", get(a1111::samplers))
        .route("/sdapi/v1/schedulers", get(a1111::schedulers))
        .route("/sdapi/v1/scripts", get(a1111::scripts))
        .route("/sdapi/v1/script-info", none())
        .route("/sdapi/v1/upscalers", none())
        .route("/sdapi/v1/latent-upscale-modes", none())
        .route("/sdapi/v1/hypernetworks", none())
        .route("/sdapi/v1/face-restorers", none())
        .route("/sdapi/v1/realesrgan-models", none())
        .route("/sdapi/v1/prompt-styles", none())
        .route("/sdapi/v1/sd-vae", none())
        .route("/sdapi/v1/loras", none())
        .route("/sdapi/v1/embeddings", get(a1111::embeddings))
        .route("/sdapi/v1/cmd-flags", get(a1111::nothing))
        .route("/sdapi/v1/memory", get(a1111::nothing))
        .fallback(unknown)
        .method_not_allowed_fallback(other_method)
        .layer(DefaultBodyLimit::max(MOST_FORM))
        .layer(from_fn_with_state(Arc::clone(&door), guard))
        .with_state(door)
}

/// `GET /health`: whether the program answers, and nothing that is not everybody's.
async fn health(State(door): State<Arc<Door>>) -> Response {
    let far = door.queue.far();
    json_response(&json!({ "status": "ok", "drawing": far.is_drawing, "waiting": far.waiting }))
}

async fn unknown(request: Request) -> Response {
    let path = request.uri().path();
    let message = "there is no such endpoint: OpenAI's for images and A1111's /sdapi/v1/txt2img are here";
    Refusal::new(StatusCode::NOT_FOUND, message)
        .code("not_found")
        .told(Dialect::of_path(path))
}

async fn other_method(request: Request) -> Response {
    let message = format!("{} is not how this endpoint is asked", request.method());
    let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, message);
    refusal
        .code("method_not_allowed")
        .told(Dialect::of_path(request.uri().path()))
}

/// Takes connections until the program is to end, then lets them finish.
async fn held_open(
    listener: TcpListener,
    door: Arc<Door>,
    acceptor: Option<TlsAcceptor>,
    cancel: &Cancel,
) -> Result<(), Failure> {
    let broken = |error: std::io::Error| Failure::failed(format!("no connection can be taken ({error})"));
    let listener = tokio::net::TcpListener::from_std(listener).map_err(broken)?;
    let service = TowerToHyperService::new(router(Arc::clone(&door)));
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let (end, ending) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut look_up = tokio::time::interval(LOOK_UP);
    let accept = || async {
        let place = Arc::clone(&places).acquire_owned().await;
        (place, listener.accept().await)
    };
    let mut accepting = Box::pin(accept());
    while !cancel.is_cancelled() {
        tokio::select! {
            _ = look_up.tick() => while connections.try_join_next().is_some() {},
            (place, accepted) = &mut accepting => {
                accepting = Box::pin(accept());
                let Ok((stream, _)) = accepted else {
                    // Out of file handles: some come back.
                    look_up.tick().await;
                    continue;
                };
                let (service, acceptor, ending) = (service.clone(), acceptor.clone(), ending.clone());
                connections.spawn(async move {
                    connected(stream, service, acceptor, ending).await;
                    drop(place);
                });
            }
        }
    }
    drop(accepting);
    let worker = door.queue.close();
    end.send_replace(true);
    let all = async { while connections.join_next().await.is_some() {} };
    // Whoever has not read its answer by then is cut off.
    let _ = tokio::time::timeout(LAST_WORDS, all).await;
    drop(worker);
    Ok(())
}

type Service = TowerToHyperService<Router>;

async fn connected(
    stream: TcpStream,
    service: Service,
    acceptor: Option<TlsAcceptor>,
    ending: watch::Receiver<bool>,
) {
    // Slower without, and no reason to end.
    let _ = stream.set_nodelay(true);
    let stream = Unstalled::new(stream, STALL_PATIENCE);
    match acceptor {
        None => answered(stream, service, ending).await,
        Some(acceptor) => {
            let greeted = tokio::time::timeout(TLS_PATIENCE, acceptor.accept(stream)).await;
            if let Ok(Ok(stream)) = greeted {
                answered(stream, service, ending).await;
            }
        }
    }
}

/// Answers the requests of a connection, one after the other.
async fn answered<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    service: Service,
    mut ending: watch::Receiver<bool>,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_headers(MOST_HEADERS)
        .max_header_size(MOST_HEAD)
        .max_buf_size(4 * MOST_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    // What is wrong with a connection ends it; there is nobody else to tell.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = ending.wait_for(|is_over| *is_over) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
