//! Prompt templates: the exact strings a model was trained on, kept in one data file.

use super::weights::ModelError;
use crate::pixels::Size;
use crate::task::MapKind;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The templates and map labels of a model.
#[derive(Debug, Clone, Deserialize)]
pub struct Prompts {
    labels: BTreeMap<String, String>,
    templates: BTreeMap<String, Template>,
}

#[derive(Debug, Clone, Deserialize)]
struct Template {
    text: String,
}

impl Prompts {
    /// The built-in templates (`assets/prompts.json`).
    pub fn builtin() -> Result<Self, ModelError> {
        Self::from_json(include_str!("../../assets/prompts.json"))
    }

    pub fn from_json(text: &str) -> Result<Self, ModelError> {
        serde_json::from_str(text).map_err(|e| ModelError::Config(format!("prompt templates: {e}")))
    }

    /// How the model calls a map.
    pub fn label(&self, map: MapKind) -> Option<&str> {
        self.labels.get(map.name()).map(String::as_str)
    }

    /// Fills a template. `panel` is the size of one panel; the prompt is put in last and taken as
    /// it is, whatever braces it holds.
    pub fn fill(&self, template: &str, panel: Size, label: &str, prompt: &str) -> Result<String, ModelError> {
        let found = self.templates.get(template);
        let text = &found
            .ok_or_else(|| ModelError::Config(format!("there is no prompt template `{template}`")))?
            .text;
        let (before, after) = text.split_once("{prompt}").unwrap_or((text, ""));
        let filled = |part: &str| {
            part.replace("{W}", &panel.width.to_string())
                .replace("{H}", &panel.height.to_string())
                .replace("{2H}", &(2 * u64::from(panel.height)).to_string())
                .replace("{label}", label)
        };
        Ok(format!("{}{prompt}{}", filled(before), filled(after)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_and_prompts_left_alone() {
        let prompts = Prompts::builtin().expect("built in");
        let text = prompts
            .fill("generate", Size::new(768, 512), "", "a {W} {prompt}")
            .expect("known");
        assert_eq!(
            text,
            "Generate an image of 768x512 according to the following prompt:\na {W} {prompt}"
        );
        let label = prompts.label(MapKind::Hed).expect("known");
        let text = prompts
            .fill("pair", Size::new(64, 32), label, "x")
            .expect("known");
        assert!(text.starts_with(
            "Generate a dual-panel image of 64x64 where the <lower half> displays a <hed edge map>"
        ));
        assert!(prompts.fill("nonsense", Size::new(1, 1), "", "").is_err());
    }
}
