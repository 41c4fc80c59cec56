//! Server-sent events: an answer that is written while its picture is drawn.

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use hyper::body::Frame;
use serde_json::Value;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Events that may wait for a slow client.
const MOST_WAITING: usize = 2;
/// How often a client is told that there is no news: what stands between hears that it is alive.
pub(super) const PULSE: Duration = Duration::from_secs(10);

/// Where events go in; its client may be gone.
#[derive(Clone)]
pub(super) struct Events(Sender<Bytes>);

/// The client is gone.
pub(super) struct Gone;

/// The body they come out of.
struct Stream(Receiver<Bytes>);

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(cx)
            .map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// An answer of events, and where to put them in.
pub(super) fn events() -> (Events, Response) {
    let (sender, receiver) = channel(MOST_WAITING);
    let mut response = Response::new(Body::new(Stream(receiver)));
    let kind = HeaderValue::from_static("text/event-stream; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    (Events(sender), response)
}

impl Events {
    /// # Errors
    /// The client is gone.
    pub(super) async fn send(&self, name: &str, data: &Value) -> Result<(), Gone> {
        // JSON has no line breaks of its own.
        let event = format!("event: {name}\ndata: {data}\n\n");
        self.0.send(event.into()).await.map_err(|_| Gone)
    }

    /// # Errors
    /// The client is gone.
    pub(super) async fn pulse(&self) -> Result<(), Gone> {
        self.0.send(Bytes::from_static(b":\n\n")).await.map_err(|_| Gone)
    }

    /// Ends when the client is gone.
    pub(super) async fn gone(&self) {
        self.0.closed().await;
    }
}
