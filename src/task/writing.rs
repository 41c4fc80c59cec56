//! Words rewritten before a picture is drawn: who does it, what came of it, and the scene in between.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// Who rewrites the user's words.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriterChoice {
    /// What the starter understands of ordinary English: no model is needed.
    #[default]
    BuiltIn,
    /// A language model in a `.gguf` file on this machine.
    Local { path: PathBuf },
    /// A server that speaks as OpenAI's does: Ollama, llama.cpp, LM Studio, or any other.
    Endpoint {
        /// With or without `/v1` at its end.
        url: String,
        /// The first one it offers when `None`.
        model: Option<String>,
    },
}

impl WriterChoice {
    /// What people call it: `Qwen3-0.6B-Q8_0`, `qwen3:4b at 127.0.0.1:11434`.
    pub fn title(&self) -> String {
        match self {
            Self::BuiltIn => "the built-in writer".to_owned(),
            Self::Local { path } => {
                let stem = path.file_stem().unwrap_or(path.as_os_str());
                stem.to_string_lossy().into_owned()
            }
            Self::Endpoint { url, model } => {
                let server = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
                // What stands before an `@` may be a secret.
                let server = server.split(['/', '?', '#']).next().unwrap_or_default();
                let server = server.rsplit('@').next().unwrap_or_default();
                match model {
                    Some(model) => format!("{model} at {server}"),
                    None => server.to_owned(),
                }
            }
        }
    }

    /// How long a rewrite may take unless the user says otherwise: a model on this machine's processor writes
    /// slowly.
    pub fn usual_timeout(&self) -> Duration {
        match self {
            Self::BuiltIn | Self::Endpoint { .. } => Duration::from_secs(20),
            Self::Local { .. } => Duration::from_secs(300),
        }
    }
}

/// One thing of a planned picture, or several of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SceneObject {
    pub name: String,
    pub count: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// What a writer planned before it wrote its prose.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ScenePlan {
    pub objects: Vec<SceneObject>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<String>,
}

/// Where a prompt comes from that is not the user's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// What the user typed.
    pub own: String,
    /// The writer's name, as [`WriterChoice::title`] says it.
    pub by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scene: Option<ScenePlan>,
}

/// What a writer made of the user's words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rewritten {
    /// What is to be drawn.
    pub prompt: String,
    pub written: Written,
    /// Whether it had to be asked a second time.
    pub repaired: bool,
    /// From the first question to the checked answer.
    pub seconds: f64,
}

/// A writer that can be used at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundWriter {
    pub choice: WriterChoice,
    pub title: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_names_the_writer_and_no_secret() {
        let endpoint = |url: &str, model: Option<&str>| WriterChoice::Endpoint {
            url: url.to_owned(),
            model: model.map(str::to_owned),
        };
        let title = |choice: WriterChoice| choice.title();
        assert_eq!(title(WriterChoice::BuiltIn), "the built-in writer");
        let path = PathBuf::from("/models/Qwen3-0.6B-Q8_0.gguf");
        assert_eq!(title(WriterChoice::Local { path }), "Qwen3-0.6B-Q8_0");
        let ollama = endpoint("http://127.0.0.1:11434/v1/", Some("qwen3:4b"));
        assert_eq!(title(ollama), "qwen3:4b at 127.0.0.1:11434");
        assert_eq!(
            title(endpoint("https://me:secret@host/v1?key=secret", None)),
            "host"
        );
    }

    #[test]
    fn a_choice_comes_back_from_its_json() {
        let choices = [
            WriterChoice::BuiltIn,
            WriterChoice::Local {
                path: PathBuf::from("a.gguf"),
            },
            WriterChoice::Endpoint {
                url: "http://localhost:1".to_owned(),
                model: None,
            },
        ];
        for choice in choices {
            let json = serde_json::to_string(&choice).unwrap();
            assert_eq!(serde_json::from_str::<WriterChoice>(&json).unwrap(), choice);
        }
    }
}
