//! The panels around the canvas: functions that read the state and return actions.

mod caption;
mod cells;
pub(super) mod column;
pub(super) mod inputs;
mod lanes;
pub(super) mod left;
mod lower_card;
mod map_card;
pub(super) mod middle;
pub(super) mod notices;
pub(super) mod overlays;
mod photo_slot;
pub(super) mod picture_verbs;
pub(super) mod prompt_chips;
pub(super) mod queue;
pub(super) mod rare_settings;
mod reference;
mod row_card;
mod ruler;
pub(super) mod sizes;
pub(super) mod stage;
pub(super) mod status;
pub(super) mod strip;
mod tool_card;
pub(super) mod top;
mod turns;
pub(crate) mod writer;
