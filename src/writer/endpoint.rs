//! A writer behind a server that speaks as OpenAI's does: Ollama, llama.cpp's, LM Studio, or any other.

use super::Writer;
use super::answer::schema;
use super::ask::{Role, Talk, Until, twice, words};
use super::error::WriterError;
use super::keys::Keys;
use super::request::{Question, ask};
use crate::task::{Cancel, Rewritten, WriterChoice};
use crate::web;
use serde_json::{Value, json};
use std::time::Duration;

/// Most names of models that are read of a server.
const MOST_MODELS: usize = 64;
/// Longest name of a model, in bytes.
const LONGEST_NAME: usize = 200;
/// Most tokens of an answer, thoughts among them.
const MOST_TOKENS: u32 = 2000;

/// Asks a server.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Without `/v1`, and without a slash at its end.
    base: String,
    model: Option<String>,
    keys: Keys,
    time: Duration,
    /// It takes the messages, and none of the wishes beside.
    is_plain: bool,
}

impl Endpoint {
    /// A server at an address, with or without `/v1`; the first of its models where none is named. All questions
    /// and answers together take no longer than `time`.
    ///
    /// # Errors
    /// The address is none of a server, or has something secret in it.
    pub fn new(url: &str, model: Option<String>, keys: Keys, time: Duration) -> Result<Self, WriterError> {
        Ok(Self {
            base: base_of(url)?,
            model,
            keys,
            time,
            is_plain: false,
        })
    }

    fn question(&self, path: &str, body: Option<Value>, by: &str) -> Question {
        Question {
            url: format!("{}{path}", self.base),
            body: body.map(|body| body.to_string()),
            keys: Some(self.keys),
            by: by.to_owned(),
        }
    }

    /// The first model it offers.
    fn first_model(&self, until: &Until<'_>) -> Result<String, WriterError> {
        let host = web::host(&self.base);
        let reply = ask(self.question("/v1/models", None, &host), until)?;
        let names = models_of(&reply.good(&self.base)?);
        let names = names.ok_or_else(|| WriterError::Protocol {
            host: host.clone(),
            why: "it lists no models".to_owned(),
        })?;
        names.into_iter().next().ok_or(WriterError::NoModel { host })
    }

    /// What is sent for a talk.
    fn body(&self, model: &str, talk: &Talk) -> Value {
        // This family thinks aloud unless it is asked not to.
        let silence = if model.to_lowercase().contains("qwen3") {
            " /no_think"
        } else {
            ""
        };
        let messages = talk.iter().map(|(role, words)| match role {
            Role::User => json!({ "role": role.name(), "content": format!("{words}{silence}") }),
            Role::System | Role::Assistant => json!({ "role": role.name(), "content": words }),
        });
        let messages: Vec<Value> = messages.collect();
        if self.is_plain {
            return json!({ "model": model, "messages": messages, "stream": false });
        }
        json!({
            "model": model, "messages": messages, "stream": false,
            "max_tokens": MOST_TOKENS, "temperature": 0.7,
            "response_format": {
                "type": "json_schema",
                "json_schema": { "name": "scene", "strict": true, "schema": schema() },
            },
        })
    }

    fn answer(
        &mut self,
        model: &str,
        talk: &Talk,
        by: &str,
        until: &Until<'_>,
    ) -> Result<String, WriterError> {
        const PATH: &str = "/v1/chat/completions";
        let mut reply = ask(self.question(PATH, Some(self.body(model, talk)), by), until)?;
        if matches!(reply.status, 400 | 422) && !self.is_plain {
            // Not every server knows of schemas, and some know other names of the bounds.
            self.is_plain = true;
            reply = ask(self.question(PATH, Some(self.body(model, talk)), by), until)?;
        }
        let text = reply.good(&self.base)?;
        content(&text).ok_or_else(|| WriterError::Protocol {
            host: web::host(&self.base),
            why: "there is no message in its answer".to_owned(),
        })
    }
}

impl Writer for Endpoint {
    fn write(
        &mut self,
        own: &str,
        cancel: &Cancel,
        told: &mut dyn FnMut(&str),
    ) -> Result<Rewritten, WriterError> {
        words(own)?;
        let until = Until::from_now(self.time, cancel);
        let model = match &self.model {
            Some(model) => model.clone(),
            None => self.first_model(&until)?,
        };
        let by = WriterChoice::Endpoint {
            url: self.base.clone(),
            model: Some(model.clone()),
        };
        let by = by.title();
        told(&format!("asking {by}"));
        let mut answer_to = |talk: &Talk, _: &mut dyn FnMut(&str)| self.answer(&model, talk, &by, &until);
        twice(own, &by, &until, told, &mut answer_to)
    }
}

/// An address as it is asked: without `/v1` and what follows.
fn base_of(url: &str) -> Result<String, WriterError> {
    let url = url.trim();
    let wrong = || WriterError::Address {
        // What stands before an `@` may be a secret.
        url: url
            .rsplit('@')
            .next()
            .unwrap_or_default()
            .chars()
            .take(100)
            .collect(),
    };
    let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let is_plain = !rest.contains(['@', '?', '#', '\\']) && !rest.contains(char::is_whitespace);
    if !is_web || !is_plain || rest.starts_with('/') || web::server(url).is_none() {
        return Err(wrong());
    }
    let rest = rest.trim_end_matches('/');
    let rest = rest.strip_suffix("/chat/completions").unwrap_or(rest);
    let rest = rest.strip_suffix("/v1").unwrap_or(rest).trim_end_matches('/');
    Ok(format!("{}://{rest}", scheme.to_ascii_lowercase()))
}

/// The names in a list of models; `None` where it is no such list.
pub(super) fn models_of(text: &str) -> Option<Vec<String>> {
    let json: Value = serde_json::from_str(text).ok()?;
    let is_name = |name: &&str| {
        let fits = !name.is_empty() && name.len() <= LONGEST_NAME;
        // Models that only measure how near words are cannot write.
        fits && !name.contains(char::is_control) && !name.to_lowercase().contains("embed")
    };
    // Ollama without a model has `null` there.
    let list = match &json["data"] {
        Value::Null if json["object"] == "list" => return Some(Vec::new()),
        data => data.as_array()?,
    };
    let names = list
        .iter()
        .filter_map(|model| model["id"].as_str())
        .filter(is_name);
    Some(names.take(MOST_MODELS).map(str::to_owned).collect())
}

/// What the model said; in parts where the server has it in parts.
fn content(text: &str) -> Option<String> {
    let json: Value = serde_json::from_str(text).ok()?;
    match &json["choices"][0]["message"]["content"] {
        Value::String(content) => Some(content.clone()),
        Value::Array(parts) => Some(parts.iter().filter_map(|part| part["text"].as_str()).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_with_and_without_its_end() {
        for url in [
            "http://127.0.0.1:11434",
            " http://127.0.0.1:11434/ ",
            "HTTP://127.0.0.1:11434/v1",
            "http://127.0.0.1:11434/v1/",
            "http://127.0.0.1:11434/v1/chat/completions",
        ] {
            assert_eq!(base_of(url).as_deref(), Ok("http://127.0.0.1:11434"), "{url}");
        }
        assert_eq!(base_of("https://host/api/v1").as_deref(), Ok("https://host/api"));
        for wrong in [
            "",
            "127.0.0.1:11434",
            "ftp://host",
            "http://",
            "http:///v1",
            "http://a b",
            "http://host?key=secret",
            "https://me:secret@host/v1",
        ] {
            let refused = base_of(wrong).unwrap_err().to_string();
            assert!(
                refused.contains("http://127.0.0.1:11434") && !refused.contains("me:secret"),
                "{refused}"
            );
        }
    }

    #[test]
    fn lists_and_messages_are_read_as_servers_give_them() {
        let list = r#"{"object": "list", "data": [{"id": "qwen3:4b"}, {"id": ""}, {"id": "a\nb"}, {"id": 5},
            {"id": "nomic-embed-text"}, {"id": "llama3"}]}"#;
        assert_eq!(models_of(list).unwrap(), ["qwen3:4b", "llama3"]);
        assert_eq!(models_of(r#"{"object": "list", "data": null}"#), Some(Vec::new()));
        assert_eq!(
            (models_of("{}"), models_of("<html>"), models_of("[]")),
            (None, None, None)
        );
        let said = |words: &str| {
            content(&format!(
                r#"{{"choices": [{{"message": {{"content": {words}}}}}]}}"#
            ))
        };
        assert_eq!(said(r#""a""#).as_deref(), Some("a"));
        assert_eq!(
            said(r#"[{"type": "text", "text": "a"}, {"text": "b"}]"#).as_deref(),
            Some("ab")
        );
        assert_eq!((said("null"), content("{}")), (None, None));
    }

    #[test]
    fn the_wishes_beside_the_words_can_be_left_out() {
        let time = Duration::from_secs(1);
        let mut endpoint = Endpoint::new("http://host", None, Keys::default(), time).unwrap();
        let talk: Talk = vec![(Role::System, "s".to_owned()), (Role::User, "a fox".to_owned())];
        let body = endpoint.body("Qwen3:4b", &talk);
        assert_eq!(body["response_format"]["json_schema"]["schema"], schema());
        assert_eq!(body["messages"][1]["content"], "a fox /no_think");
        endpoint.is_plain = true;
        let body = endpoint.body("llama", &talk);
        assert_eq!(body["messages"][1]["content"], "a fox");
        assert_eq!(body.as_object().unwrap().len(), 3);
    }
}
