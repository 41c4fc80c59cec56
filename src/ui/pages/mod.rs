//! Pages in the place of the canvas.

mod fit_table;
pub(super) mod history;
mod hub_card;
pub(super) mod import_card;
pub(super) mod mishaps;
pub(super) mod model_name;
pub(super) mod models;
mod row;
pub(super) mod settings;
pub(super) mod welcome;
pub(super) mod world;
mod writer_settings;
