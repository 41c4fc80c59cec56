//! Why a request is not carried out: a status and a sentence, in the shape its client reads.

use crate::task::{Failure, Fault};
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

/// Whose shape an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    OpenAi,
    A1111,
}

impl Dialect {
    pub(super) fn of_path(path: &str) -> Self {
        match path.starts_with("/sdapi/") {
            true => Self::A1111,
            false => Self::OpenAi,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: String,
    /// The field it is about.
    param: Option<String>,
    code: Option<&'static str>,
    retry_after_secs: Option<u64>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            param: None,
            code: None,
            retry_after_secs: None,
        }
    }

    /// A field that cannot be taken as it is.
    pub(super) fn field(name: &str, message: impl Into<String>) -> Self {
        Self {
            param: Some(name.to_owned()),
            code: Some("invalid_value"),
            ..Self::new(StatusCode::BAD_REQUEST, message)
        }
    }

    pub(super) fn code(self, code: &'static str) -> Self {
        Self {
            code: Some(code),
            ..self
        }
    }

    pub(super) fn retry_after_secs(self, seconds: u64) -> Self {
        Self {
            retry_after_secs: Some(seconds),
            ..self
        }
    }

    /// A part of this program did not come to its end.
    pub(super) fn broken() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "a fault of this program: its standard error says more",
        )
    }

    /// OpenAI's word for what kind of error it is.
    fn kind(&self) -> &'static str {
        match self.status {
            StatusCode::UNAUTHORIZED => "authentication_error",
            StatusCode::FORBIDDEN => "permission_error",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request_error",
        }
    }

    /// The object OpenAI's clients look for.
    pub(super) fn openai(&self) -> Value {
        json!({ "error": {
            "message": self.message, "type": self.kind(), "param": self.param, "code": self.code,
        }})
    }

    pub(super) fn told(&self, dialect: Dialect) -> Response {
        let body = match dialect {
            Dialect::OpenAi => self.openai(),
            Dialect::A1111 => json!({
                "error": self.code.unwrap_or(self.kind()), "detail": self.message, "body": "",
                "errors": self.message,
            }),
        };
        let mut response = json_response(&body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            let basic = HeaderValue::from_static("Basic realm=\"lumina-studio\"");
            headers.append(WWW_AUTHENTICATE, basic);
        }
        if let Some(seconds) = self.retry_after_secs {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let status = match failure.fault {
            Fault::Usage => StatusCode::BAD_REQUEST,
            Fault::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, failure.message)
    }
}

/// A JSON answer.
pub(super) fn json_response(value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
