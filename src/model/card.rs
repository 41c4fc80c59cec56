//! What a model was made for: tasks, sizes, sampling defaults, labels, provenance (`lumina.json`).

use super::weights::ModelError;
use crate::pixels::Size;
use crate::task::Sampling;
use crate::token::{best_size, trained_sizes};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One thing a model can do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    pub task: String,
    /// Maps known to the task; empty where it has none.
    #[serde(default)]
    pub maps: Vec<String>,
    /// Sizes of one panel, the default first.
    #[serde(default)]
    pub sizes: Vec<[u32; 2]>,
    /// Instead of `sizes`: all trained sizes of this many pixels a side.
    #[serde(default)]
    pub side: Option<u32>,
    /// What the prompt calls the input picture.
    #[serde(default)]
    pub label: Option<String>,
    /// Sampling defaults of this task; the card's where it has none of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling: Option<Sampling>,
}

/// What stands with a model beside its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    pub name: String,
    /// Said wherever the model is named.
    #[serde(default)]
    pub note: Option<String>,
    #[serde(default)]
    pub provenance: Option<String>,
    #[serde(default)]
    pub licence: Option<String>,
    /// `starter`: captions of the world in `assets/starter/recipe/world.json` are all it was trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    world: Option<String>,
    sampling: Sampling,
    tasks: Vec<Trained>,
}

const STARTER: &str = include_str!("../../assets/cards/starter.json");
const PUBLISHED: &str = include_str!("../../assets/cards/lumina-mgpt-2.0.json");
const OMNI: &str = include_str!("../../assets/cards/lumina-mgpt-2.0-omni.json");

impl Card {
    /// Reads a `lumina.json`.
    ///
    /// # Errors
    /// The text is no card.
    pub fn from_json(text: &str) -> Result<Self, ModelError> {
        serde_json::from_str(text).map_err(|e| ModelError::Config(format!("lumina.json: {e}")))
    }

    /// `lumina.json` beside the weights, else the preset that fits the folder.
    ///
    /// # Errors
    /// The folder has a `lumina.json` that is no card.
    pub fn for_folder(folder: &Path, config: &str) -> Result<Self, ModelError> {
        if let Ok(text) = std::fs::read_to_string(folder.join("lumina.json")) {
            return Self::from_json(&text);
        }
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        let config: serde_json::Value = serde_json::from_str(config).unwrap_or_default();
        let (vocabulary, hidden) = (config["vocab_size"].as_u64(), config["hidden_size"].as_u64());
        Self::from_json(match (vocabulary, hidden) {
            (Some(1792), Some(256)) => STARTER,
            (Some(171_385), _) if !name.contains("omni") => PUBLISHED,
            _ => OMNI,
        })
    }

    /// A model nothing is known of: everything is allowed.
    pub fn generic(name: &str) -> Self {
        let sampling = Sampling {
            cfg: 4.0,
            top_k: 4096,
            temperature: 1.0,
            top_n_sigma: None,
        };
        Self {
            name: name.to_owned(),
            note: None,
            provenance: None,
            licence: None,
            world: None,
            sampling,
            tasks: Vec::new(),
        }
    }

    /// Whether all it knows is the starter's world.
    pub fn knows_starter_world(&self) -> bool {
        self.world.as_deref() == Some("starter")
    }

    /// Sampling defaults of tasks that name none.
    pub fn sampling(&self) -> Sampling {
        self.sampling
    }

    pub fn sampling_of(&self, task: &str) -> Sampling {
        self.trained(task)
            .and_then(|trained| trained.sampling)
            .unwrap_or(self.sampling)
    }

    pub fn tasks(&self) -> &[Trained] {
        &self.tasks
    }

    fn trained(&self, task: &str) -> Option<&Trained> {
        self.tasks.iter().find(|trained| trained.task == task)
    }

    pub fn sizes(&self, task: &str) -> Vec<Size> {
        let Some(trained) = self.trained(task) else {
            return Vec::new();
        };
        match trained.side {
            Some(side) => trained_sizes(side),
            None => trained
                .sizes
                .iter()
                .map(|[width, height]| Size::new(*width, *height))
                .collect(),
        }
    }

    pub fn default_size(&self, task: &str) -> Option<Size> {
        let trained = self.trained(task)?;
        trained
            .side
            .map(|side| Size::new(side, side))
            .or_else(|| self.sizes(task).first().copied())
    }

    pub fn label(&self, task: &str) -> Option<&str> {
        self.trained(task)?.label.as_deref()
    }

    /// Why this model was not made for a task; `None` if it was.
    pub fn refusal(&self, task: &str, map: Option<&str>, size: Size) -> Option<String> {
        if self.tasks.is_empty() {
            return None;
        }
        let Some(trained) = self.trained(task) else {
            return Some(format!("{} was not trained for `{task}`", self.name));
        };
        if let Some(map) = map.filter(|map| !trained.maps.iter().any(|known| known == map)) {
            return Some(format!(
                "{} was trained for {} maps in `{task}`, not {map}",
                self.name,
                trained.maps.join(", ")
            ));
        }
        let sizes = self.sizes(task);
        (!sizes.is_empty() && !sizes.contains(&size)).then(|| {
            // Its own size, then the one of the shape that was asked for.
            let mut some: Vec<Size> = self.default_size(task).into_iter().collect();
            some.extend(best_size(size, &sizes).filter(|alike| !some.contains(alike)));
            let others = match sizes.len() - some.len() {
                0 => String::new(),
                1 => " and one other size".to_owned(),
                count => format!(" and {count} other sizes"),
            };
            let some: Vec<String> = some.iter().map(Size::to_string).collect();
            format!(
                "{} was not trained for {size} in `{task}`, but for {}{others}",
                self.name,
                some.join(", ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_that_is_refused_is_told_which_ones_fit() {
        let card = Card::from_json(PUBLISHED).unwrap();
        let refusal = card.refusal("generate", None, Size::new(512, 256)).unwrap();
        assert!(
            refusal.contains("512x256") && refusal.contains("768x768, 1056x544 and 71 other sizes"),
            "{refusal}"
        );
        assert_eq!(card.refusal("generate", None, Size::new(768, 768)), None);
        let starter = Card::from_json(STARTER).unwrap();
        let refusal = starter.refusal("generate", None, Size::new(256, 256)).unwrap();
        assert!(refusal.ends_with("but for 128x128"), "{refusal}");
    }

    #[test]
    fn a_task_may_be_sampled_in_its_own_way() {
        let card = Card::from_json(
            r#"{"name": "small", "sampling": {"cfg": 1.5, "top_k": 64, "temperature": 0.7}, "tasks": [
                {"task": "predict", "sampling": {"cfg": 1, "top_k": 8, "temperature": 0.9}},
                {"task": "generate"}]}"#,
        )
        .unwrap();
        let predict = card.sampling_of("predict");
        assert_eq!((predict.cfg, predict.top_k, predict.temperature), (1.0, 8, 0.9));
        assert_eq!(card.sampling_of("generate"), card.sampling());
        assert_eq!(card.sampling_of("subject").temperature, 0.7);
    }
}
