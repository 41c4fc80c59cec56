//! What changes the state from outside; a file for each owner.

mod answer;
mod doubt;
mod draft;
mod files;
mod hub;
mod models;
mod offer;
mod owners;
mod preferences;
mod queue;
mod results;
mod rows;
mod run;
mod undo;
mod view;
mod writing;

pub use answer::{Answer, ModelAnswer};
pub use doubt::DoubtAction;
pub use draft::{DraftAction, Paint, Setting};
pub use files::{FileAction, Target};
pub use hub::{HubAction, HubAnswer};
pub use models::{ImportAction, ModelAction};
pub use offer::OfferAction;
pub use owners::Action;
pub use preferences::PreferenceAction;
pub use queue::QueueAction;
pub use results::{ResultAction, Verb, Which};
pub use rows::RowAction;
pub use run::RunAction;
pub use undo::UndoAction;
pub use view::ViewAction;
pub use writing::{Secret, WriterAnswer, WritingAction};
