//! What a model was made for: tasks, sizes, sampling defaults, labels, provenance (`lumina.json`).

use super::weights::ModelError;
use super::weights::files::text_if_there;
use crate::pixels::Size;
use crate::task::{Sampling, Watchdog};
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
    /// How pictures score that go right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    watchdog: Option<Watchdog>,
}

const STARTER: &str = include_str!("../../assets/cards/starter.json");
const PUBLISHED: &str = include_str!("../../assets/cards/lumina-mgpt-2.0.json");
const OMNI: &str = include_str!("../../assets/cards/lumina-mgpt-2.0-omni.json");

/// A card comes with a model, from anywhere: what it says has bounds.
const LONGEST_TEXT: usize = 20_000;
const LONGEST_NAME: usize = 200;
const MOST_TASKS: usize = 64;
const MOST_SIZES: usize = 4096;
const LARGEST_SIDE: u32 = 4096;

impl Card {
    /// Reads a `lumina.json`.
    ///
    /// # Errors
    /// The text is no card.
    pub fn from_json(text: &str) -> Result<Self, ModelError> {
        let wrong = |why: String| ModelError::Config(format!("lumina.json: {why}"));
        let card: Self =
            serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|e| wrong(e.to_string()))?;
        card.beyond_bounds().map_or(Ok(card), |why| Err(wrong(why)))
    }

    /// What of it no model has.
    fn beyond_bounds(&self) -> Option<String> {
        let sampling = |of: &Sampling| {
            let is_usable = of.cfg.is_finite() && of.temperature.is_finite() && of.temperature >= 0.0;
            let sigma = of.top_n_sigma.unwrap_or_default();
            (!is_usable || !sigma.is_finite() || sigma < 0.0)
                .then(|| "`sampling` has no usable numbers".to_owned())
        };
        let text = |name: &str, text: Option<&str>, most: usize| {
            let is_long = text.is_some_and(|text| text.len() > most);
            is_long.then(|| format!("`{name}` is longer than {most} characters"))
        };
        let trained = |task: &Trained| {
            let is_side = |side: u32| (1..=LARGEST_SIDE).contains(&side);
            let mut sides = task.sizes.iter().flatten().copied().chain(task.side);
            if task.sizes.len() > MOST_SIZES || task.maps.len() > MOST_TASKS {
                return Some(format!("`{:.40}` has too many sizes or maps", task.task));
            }
            if let Some(side) = sides.find(|side| !is_side(*side)) {
                return Some(format!("`{:.40}` has a side of {side} pixels", task.task));
            }
            let words = task.maps.iter().chain([&task.task]).chain(&task.label);
            let mut words = words.map(|word| text("tasks", Some(word), LONGEST_NAME));
            words
                .find_map(|why| why)
                .or_else(|| sampling(task.sampling.as_ref()?))
        };
        if self.tasks.len() > MOST_TASKS {
            return Some(format!("it has {} tasks", self.tasks.len()));
        }
        text("name", Some(&self.name), LONGEST_NAME)
            .or_else(|| text("note", self.note.as_deref(), LONGEST_TEXT))
            .or_else(|| text("provenance", self.provenance.as_deref(), LONGEST_TEXT))
            .or_else(|| text("licence", self.licence.as_deref(), LONGEST_TEXT))
            .or_else(|| sampling(&self.sampling))
            .or_else(|| self.tasks.iter().find_map(trained))
            .or_else(|| self.watchdog.as_ref()?.refusal())
    }

    /// `lumina.json` beside the weights, else the preset that fits the folder.
    ///
    /// # Errors
    /// The folder has a `lumina.json` that is no card.
    pub fn for_folder(folder: &Path, config: &str) -> Result<Self, ModelError> {
        if let Some(text) = text_if_there(&folder.join("lumina.json"))? {
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
            watchdog: None,
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

    /// The same with a table of its own, as JSON.
    ///
    /// # Errors
    /// The text is no table.
    pub fn with_watchdog(self, text: &str) -> Result<Self, ModelError> {
        let wrong = |why: String| ModelError::Config(format!("watchdog.json: {why}"));
        let watchdog: Watchdog = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        watchdog.refusal().map_or(Ok(()), |why| Err(wrong(why)))?;
        Ok(Self {
            watchdog: Some(watchdog),
            ..self
        })
    }

    /// How pictures score that go right; `None` where that was not measured.
    pub fn watchdog(&self) -> Option<&Watchdog> {
        self.watchdog.as_ref()
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
    fn what_no_model_has_is_refused() {
        let card = |change: serde_json::Value| {
            let mut card = serde_json::json!({"name": "x", "sampling": {"cfg": 1.5, "top_k": 64, "temperature": 0.7},
                "tasks": [{"task": "generate", "sizes": [[64, 64]]}]});
            card.as_object_mut()
                .unwrap()
                .extend(change.as_object().unwrap().clone());
            Card::from_json(&card.to_string()).map_err(|e| e.to_string())
        };
        assert!(card(serde_json::json!({})).is_ok());
        let many = vec![[32, 32]; MOST_SIZES + 1];
        for (change, words) in [
            (
                serde_json::json!({"tasks": [{"task": "generate", "side": 2_000_000}]}),
                "2000000",
            ),
            (
                serde_json::json!({"tasks": [{"task": "generate", "sizes": [[64, 4_000_000_000u32]]}]}),
                "4000000000",
            ),
            (
                serde_json::json!({"tasks": [{"task": "generate", "sizes": [[0, 64]]}]}),
                "side of 0",
            ),
            (
                serde_json::json!({"tasks": [{"task": "generate", "sizes": many}]}),
                "too many",
            ),
            (
                serde_json::json!({"sampling": {"cfg": 1e300, "top_k": 1, "temperature": 1}}),
                "sampling",
            ),
            (
                serde_json::json!({"sampling": {"cfg": 1, "top_k": 1, "temperature": -1}}),
                "sampling",
            ),
            (serde_json::json!({"name": "x".repeat(300)}), "name"),
            (
                serde_json::json!({"watchdog": {"mode": "generate", "bars": []}}),
                "0 bars",
            ),
            (
                serde_json::json!({"watchdog": {"mode": "generate", "bars": [-1.0, 3.5]}}),
                "a bar of 3.5",
            ),
            (
                serde_json::json!({"watchdog": {"mode": "generate", "bars": "low"}}),
                "invalid type",
            ),
        ] {
            let why = card(change).unwrap_err();
            assert!(why.contains(words), "{why}");
        }
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
