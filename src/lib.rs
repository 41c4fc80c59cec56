//! Lumina Studio: a desktop app for autoregressive image generation with Lumina-mGPT 2.0.
//!
//! The map, by rank; a module imports lower ranks only, siblings are strangers:
//!
//! - 0 words: [`token`] (alphabet, grid, layout), [`pixels`], [`task`] (asked, reported, stopped),
//!   [`understand`] (what people type, in the starter's words), `disk` (files written whole or not at all),
//!   `web` (connections to servers)
//! - 1 mechanisms: [`decode`] (Jacobi decoding over any predictor), [`model`] (tensors and text;
//!   with the writer the only place of candle and tokenizers), [`picture`] (files, masks, maps), `history` (the library of
//!   saved pictures), [`hub`] (models of the Hugging Face Hub: fetched, checked, removed), [`writer`]
//!   (words rewritten by a language model or a server before they are drawn), `log` (the log file), [`state`] (what the window knows; one reducer), [`handover`] (one window for one
//!   folder of state)
//! - 2 assembly: [`session`] (a model carries out tasks), `worker` (the thread; the only place
//!   of crossbeam), [`verify`] (golden vectors), [`measure`] (how fast this
//!   machine is), [`saved_picture`] (tasks in saved pictures); beside them, and standing on them,
//!   [`engine_room`] (what both fronts may ask of a model: open, appraise, import ...)
//! - 3 fronts: [`cli`], [`ui`] (the window; the only place of egui and wgpu), [`serve`] (the HTTP door; the only
//!   place of axum, hyper and tokio)

pub mod cli;
pub mod decode;
pub(crate) mod disk;
pub mod engine_room;
pub mod handover;
pub(crate) mod history;
pub mod hub;
pub(crate) mod log;
pub mod measure;
pub mod model;
pub mod picture;
pub mod pixels;
pub mod saved_picture;
pub mod serve;
pub mod session;
pub mod state;
pub mod task;
pub mod token;
pub mod ui;
pub mod understand;
pub mod verify;
pub(crate) mod web;
pub(crate) mod worker;
pub mod writer;
