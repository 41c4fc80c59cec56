//! What the user has set up for the next picture.

use super::brush::Brush;
use super::chain::Chain;
use super::control::Control;
use super::photo::Photo;
use super::request::Request;
use crate::pixels::{MaskRuns, Size};
use crate::task::{Audition, Doubt, MapKind, Mode, SamplingChoice, Story, Wording, Written};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The modes of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum Tab {
    #[default]
    Create,
    Pair,
    Edit,
    Subject,
    Control,
    Predict,
}

impl Tab {
    pub const ALL: [Self; 6] = [
        Self::Create,
        Self::Pair,
        Self::Edit,
        Self::Subject,
        Self::Control,
        Self::Predict,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Pair => "Pair",
            Self::Edit => "Edit",
            Self::Subject => "Subject",
            Self::Control => "Control",
            Self::Predict => "Predict",
        }
    }

    /// As a model's card calls it.
    pub fn mode_name(self) -> &'static str {
        match self {
            Self::Create => "generate",
            Self::Pair => "pair",
            Self::Edit => "edit",
            Self::Subject => "subject",
            Self::Control => "control",
            Self::Predict => "predict",
        }
    }

    pub fn of(mode: &Mode) -> Self {
        match mode {
            Mode::Generate => Self::Create,
            Mode::Pair { .. } => Self::Pair,
            Mode::Edit => Self::Edit,
            Mode::Subject { .. } => Self::Subject,
            Mode::Sketch { .. } | Mode::Control { .. } | Mode::ControlFromPhoto { .. } => Self::Control,
            Mode::Predict { .. } => Self::Predict,
        }
    }
}

/// Whether the next picture gets the seed in the field or a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum SeedChoice {
    #[default]
    Random,
    /// The one in the field is for the next picture; then new ones follow.
    Once,
    Locked,
}

/// Everything the left panel holds. `None` leaves a setting to the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    pub tab: Tab,
    pub prompt: String,
    /// The prompt is given to the model as it is, not in the words it was trained on.
    pub as_typed: bool,
    pub instruction: String,
    /// Sizes the user chose, each for its mode.
    pub sizes: BTreeMap<Tab, Size>,
    pub seed: u64,
    pub seed_choice: SeedChoice,
    pub last_seed: Option<u64>,
    #[serde(flatten)]
    pub sampling: SamplingChoice,
    /// Pictures asked for by one press.
    pub batch: u32,
    /// Candidates of which the likeliest is shown.
    pub candidates: usize,
    /// Starts of which the user chooses; 1 draws whole pictures.
    pub starts: usize,
    pub pair_kind: MapKind,
    pub chain: Chain,
    pub brush: Brush,
    pub references: Vec<Photo>,
    pub reference: usize,
    /// What the subject is, for models that want it in words.
    pub description: String,
    pub control: Control,
    pub predict_source: Option<Photo>,
    pub predict_kind: MapKind,
    /// The words a writer made the prompt of, as long as it is that prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<Written>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            tab: Tab::Create,
            prompt: String::new(),
            as_typed: false,
            instruction: String::new(),
            sizes: BTreeMap::new(),
            seed: 1,
            seed_choice: SeedChoice::Random,
            last_seed: None,
            sampling: SamplingChoice::default(),
            batch: 1,
            candidates: 1,
            starts: 1,
            pair_kind: MapKind::Canny,
            chain: Chain::default(),
            brush: Brush::default(),
            references: Vec::new(),
            reference: 0,
            description: String::new(),
            control: Control::default(),
            predict_source: None,
            predict_kind: MapKind::Canny,
            written: None,
        }
    }
}

impl Draft {
    /// The words of the present mode.
    pub fn words(&self) -> &str {
        match self.tab {
            Tab::Edit => &self.instruction,
            _ => &self.prompt,
        }
    }

    pub fn words_mut(&mut self) -> &mut String {
        match self.tab {
            Tab::Edit => &mut self.instruction,
            _ => &mut self.prompt,
        }
    }

    /// The size the user chose for the present mode.
    pub fn size(&self) -> Option<Size> {
        self.sizes.get(&self.tab).copied()
    }

    pub fn set_size(&mut self, size: Option<Size>) {
        match size {
            Some(size) => self.sizes.insert(self.tab, size),
            None => self.sizes.remove(&self.tab),
        };
    }

    /// The size of the picture that the present mode starts from.
    pub fn source_size(&self) -> Option<Size> {
        self.source_size_of(self.tab)
    }

    pub(super) fn source_size_of(&self, tab: Tab) -> Option<Size> {
        let source = match tab {
            Tab::Create | Tab::Pair => None,
            Tab::Edit => self.chain.current().map(|turn| &turn.photo),
            Tab::Subject => self.references.get(self.reference),
            Tab::Control => self.control.photo.as_ref().or(self.control.map.as_ref()),
            Tab::Predict => self.predict_source.as_ref(),
        };
        source.map(Photo::size)
    }

    /// The request of the present mode with `seed`, or what is missing.
    ///
    /// # Errors
    /// What is missing, as a sentence for the user.
    pub fn request(&self, seed: u64) -> Result<Request, &'static str> {
        let words = self.words().trim();
        let says = |missing| if words.is_empty() { Err(missing) } else { Ok(()) };
        let (mode, source, mask) = match self.tab {
            Tab::Create => {
                says("Say what to draw: the prompt is empty.")?;
                (Mode::Generate, None, None)
            }
            Tab::Pair => {
                says("Say what to draw: the prompt is empty.")?;
                (Mode::Pair { map: self.pair_kind }, None, None)
            }
            Tab::Edit => {
                let turn = self.chain.current();
                let turn = turn.ok_or("Drop or open the picture to edit first.")?;
                let mask = turn.painting.mask();
                if mask.is_none() && turn.painting.was_painted() {
                    return Err(
                        "The mask is empty: paint inside the picture, or clear it to change all of it.",
                    );
                }
                if mask.is_none() {
                    says("Say what to change, or paint over the part to redraw.")?;
                }
                (Mode::Edit, Some(turn.photo.clone()), mask)
            }
            Tab::Subject => {
                says("Say what the subject should do: the prompt is empty.")?;
                let reference = self.references.get(self.reference);
                let reference = reference.ok_or("Drop or open a picture of the subject first.")?;
                let describe = self.description.trim();
                let describe = (!describe.is_empty()).then(|| describe.to_owned());
                (Mode::Subject { describe }, Some(reference.clone()), None)
            }
            Tab::Control => {
                says("Say what to draw: the prompt is empty.")?;
                let (map, kind) = (self.control.map.clone(), self.control.kind);
                match (map, &self.control.photo) {
                    (Some(map), _) => (Mode::Control { map: kind }, Some(map), None),
                    (None, Some(photo)) => (Mode::ControlFromPhoto { map: kind }, Some(photo.clone()), None),
                    (None, None) => return Err("Drop or open a map, or a photo to make one of."),
                }
            }
            Tab::Predict => {
                let source = self.predict_source.clone();
                let source = source.ok_or("Drop or open the picture whose map to draw.")?;
                let map = self.predict_kind;
                (Mode::Predict { map }, Some(source), None)
            }
        };
        let words = if self.tab == Tab::Predict { "" } else { words };
        // What is left of a map as the model drew it is followed code by code, in its own size.
        let drawn = source
            .as_ref()
            .filter(|map| matches!(mode, Mode::Control { .. }) && !map.codes.is_empty());
        let size = self.size().or(drawn.map(Photo::size));
        let given = drawn.filter(|map| size == Some(map.size()));
        let given = given.map(|map| map.codes.clone());
        let auditions = self.starts > 1 && mask.is_none();
        Ok(Request {
            mode,
            prompt: words.to_owned(),
            wording: match self.as_typed {
                true => Wording::AsTyped,
                false => Wording::Understood,
            },
            size,
            sampling: self.sampling,
            seed,
            candidates: self.candidates.max(if auditions { self.starts } else { 1 }),
            feather: if mask.is_some() { self.brush.feather } else { 0 },
            mask: mask.as_ref().map(MaskRuns::of),
            source,
            force: false,
            resume: None,
            doubt: Doubt::default(),
            story: Story {
                given: given.unwrap_or_default(),
                ..Story::default()
            },
            audition: auditions.then_some(Audition { rows: None, keep: 0 }),
            written: self.written().cloned(),
            replaces: None,
        })
    }

    /// Sets everything as it was for `request`.
    pub fn recall(&mut self, request: &Request) {
        self.tab = Tab::of(&request.mode);
        self.words_mut().clone_from(&request.prompt);
        self.written.clone_from(&request.written);
        self.as_typed = request.wording == Wording::AsTyped;
        self.set_size(request.size);
        self.seed = request.seed;
        self.seed_choice = SeedChoice::Once;
        self.sampling = request.sampling;
        (self.candidates, self.starts) = (request.candidates.max(1), 1);
        self.brush.feather = request.feather;
        match &request.mode {
            Mode::Pair { map } => self.pair_kind = *map,
            Mode::Sketch { map } | Mode::Control { map } | Mode::ControlFromPhoto { map } => {
                self.control.kind = *map;
            }
            Mode::Predict { map } => self.predict_kind = *map,
            Mode::Subject { describe } => self.description = describe.clone().unwrap_or_default(),
            Mode::Generate | Mode::Edit => {}
        }
        if let Some(source) = &request.source {
            self.take_source(source.clone());
        }
    }

    /// Puts a picture where the present mode wants one.
    pub fn take_source(&mut self, photo: Photo) {
        match self.tab {
            Tab::Create | Tab::Pair | Tab::Edit => self.chain.open(photo),
            Tab::Subject => self.add_reference(photo),
            Tab::Control => {
                self.control.photo = None;
                self.control.set_map(Some(photo));
            }
            Tab::Predict => self.predict_source = Some(photo),
        }
    }

    /// A copy without the rasters of masks.
    pub(super) fn at_rest(&self) -> Self {
        Self {
            tab: self.tab,
            last_seed: self.last_seed,
            chain: self.chain.at_rest(),
            prompt: self.prompt.clone(),
            instruction: self.instruction.clone(),
            references: self.references.clone(),
            reference: self.reference,
            control: self.control.clone(),
            predict_source: self.predict_source.clone(),
            written: self.written.clone(),
            ..self.settings()
        }
    }

    /// What there is beside words, pictures and what was drawn last.
    pub(super) fn settings(&self) -> Self {
        Self {
            tab: Tab::default(),
            prompt: String::new(),
            as_typed: self.as_typed,
            instruction: String::new(),
            sizes: self.sizes.clone(),
            seed: self.seed,
            seed_choice: self.seed_choice,
            last_seed: None,
            sampling: self.sampling,
            batch: self.batch,
            candidates: self.candidates,
            starts: self.starts,
            pair_kind: self.pair_kind,
            chain: Chain::default(),
            brush: self.brush.clone(),
            references: Vec::new(),
            reference: 0,
            description: self.description.clone(),
            control: Control {
                map: None,
                photo: None,
                edges: None,
                ..self.control
            },
            predict_source: None,
            predict_kind: self.predict_kind,
            written: None,
        }
    }

    /// Puts these settings in place of the present ones.
    pub(super) fn set_settings(&mut self, settings: Self) {
        let (map, photo) = (self.control.map.take(), self.control.photo.take());
        let edges = self.control.edges;
        *self = Self {
            tab: self.tab,
            prompt: std::mem::take(&mut self.prompt),
            instruction: std::mem::take(&mut self.instruction),
            last_seed: self.last_seed,
            chain: std::mem::take(&mut self.chain),
            references: std::mem::take(&mut self.references),
            reference: self.reference,
            control: Control {
                map,
                photo,
                edges,
                ..settings.control
            },
            predict_source: self.predict_source.take(),
            written: self.written.take(),
            ..settings
        };
    }

    pub fn add_reference(&mut self, photo: Photo) {
        let known = self.references.iter().position(|known| *known == photo);
        self.reference = known.unwrap_or_else(|| {
            self.references.push(photo);
            self.references.len() - 1
        });
    }

    /// Fills in the pictures after the state was read; those that are gone are dropped.
    pub fn revive(&mut self, fill: &mut dyn FnMut(&mut Photo) -> bool) {
        self.chain.revive(fill);
        self.references.retain_mut(&mut *fill);
        self.reference = self.reference.min(self.references.len().saturating_sub(1));
        for slot in [
            &mut self.control.map,
            &mut self.control.photo,
            &mut self.predict_source,
        ] {
            if !slot.as_mut().is_none_or(&mut *fill) {
                *slot = None;
            }
        }
        let map = self.control.map.take();
        self.control.set_map(map);
    }
}

#[cfg(test)]
mod tests;
