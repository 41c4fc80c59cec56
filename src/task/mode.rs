//! The kinds of pictures there are.

use crate::token::Grid;
use serde::{Deserialize, Serialize};

/// The maps a model can draw or follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MapKind {
    Canny,
    Depth,
    Hed,
    Pose,
}

impl MapKind {
    pub const ALL: [Self; 4] = [Self::Canny, Self::Depth, Self::Hed, Self::Pose];

    /// The word used on the command line and in stored settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Canny => "canny",
            Self::Depth => "depth",
            Self::Hed => "hed",
            Self::Pose => "pose",
        }
    }
}

/// The kind of picture asked for. Input pictures travel beside it, in [`Task::source`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Mode {
    /// Text to image.
    Generate,
    /// The model draws a picture and its map, one above the other.
    Pair { map: MapKind },
    /// The model draws, from words alone, the map of a picture: what [`Self::Control`] would be given, the
    /// upper one of its two panels.
    Sketch { map: MapKind },
    /// The source is a map; the model draws the picture that belongs to it.
    Control { map: MapKind },
    /// The source is a photo; its map is made first, by computation (canny) or by the model.
    ControlFromPhoto { map: MapKind },
    /// The source shows a subject; `describe` takes the label's place in the prompt.
    Subject { describe: Option<String> },
    /// The source is changed as the prompt says.
    Edit,
    /// The model draws the map of the source.
    Predict { map: MapKind },
}

impl Mode {
    /// The word used on the command line and in stored settings.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Pair { .. } => "pair",
            Self::Sketch { .. } | Self::Control { .. } | Self::ControlFromPhoto { .. } => "control",
            Self::Subject { .. } => "subject",
            Self::Edit => "edit",
            Self::Predict { .. } => "predict",
        }
    }

    /// Whether the task starts from a picture of the user's.
    pub fn takes_source(&self) -> bool {
        !self.is_told_in_words_alone()
    }

    /// Whether the token grid holds two panels, one above the other.
    pub fn is_dual(&self) -> bool {
        !matches!(self, Self::Generate | Self::Sketch { .. })
    }

    /// Whether nothing but words says what is to be shown.
    pub fn is_told_in_words_alone(&self) -> bool {
        matches!(self, Self::Generate | Self::Pair { .. } | Self::Sketch { .. })
    }

    pub fn map(&self) -> Option<MapKind> {
        match self {
            Self::Pair { map }
            | Self::Sketch { map }
            | Self::Control { map }
            | Self::ControlFromPhoto { map }
            | Self::Predict { map } => Some(*map),
            Self::Generate | Self::Subject { .. } | Self::Edit => None,
        }
    }

    /// The token grid of a picture of which `panel` is one panel.
    pub fn grid(&self, panel: Grid) -> Grid {
        match self.is_dual() {
            true => panel.doubled(),
            false => panel,
        }
    }

    /// The token grid a model draws by: of a map that is drawn alone the picture it would belong to counts.
    pub fn told_grid(&self, panel: Grid) -> Grid {
        match self {
            Self::Sketch { .. } => panel.doubled(),
            _ => self.grid(panel),
        }
    }

    /// Rows above the picture as it is shown, in a grid of `rows` rows: those of its source.
    pub fn rows_of_source(&self, rows: u32) -> u32 {
        match self.takes_source() {
            true => rows / 2,
            false => 0,
        }
    }
}
