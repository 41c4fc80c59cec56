//! What the middle of the window reads and tells, whether a picture or the welcome is there.

use crate::state::{Action, Studio};
use crate::ui::app::drops::Zones;
use crate::ui::canvas::Canvas;
use crate::ui::textures::Textures;

/// What the middle reads and tells.
pub(crate) struct Middle<'a> {
    pub(crate) studio: &'a Studio,
    pub(crate) canvas: &'a mut Canvas,
    pub(crate) textures: &'a mut Textures,
    pub(crate) zones: &'a mut Zones,
    pub(crate) actions: &'a mut Vec<Action>,
}
