//! The Hugging Face Hub: what a checkpoint needs is fetched over its documented HTTP API and kept in its
//! documented cache, so that nothing is stored twice and Python finds it, too.
//!
//! [`get`] asks for the list of files, chooses what a checkpoint needs, and fetches several files at once.
//! A file is written under `<sum>.incomplete`, goes on where it stopped, and gets its final name only when
//! its bytes have the sum the Hub says. The files of a snapshot are linked when all of them are there,
//! `config.json` last: a snapshot that has one is whole. [`check`] reads everything again, [`remove`] frees
//! it, [`found`] says what is on this machine.
//!
//! Nothing here knows what is in a model.

mod cache;
mod check;
mod client;
mod error;
mod file;
mod found;
mod get;
mod known;
mod listing;
mod meter;
mod needs;
mod part;
mod redirect;
mod remove;
mod repository;
mod settings;
mod sum;

pub use cache::whole_snapshot;
pub use check::{Checked, check};
pub use error::HubError;
pub use found::{found, leftovers};
pub use get::{Got, Told, get, get_file};
pub use known::{known, offers};
pub use remove::{Freed, discard_parts, remove};
pub use repository::{NoName, Repository};
pub use settings::{Patience, Settings, cache_of_user};
