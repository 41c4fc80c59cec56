//! What the window knows, and the one place where that changes.
//!
//! [`Studio::apply`] takes in what the worker reports, [`Studio::act`] what the user does and what
//! other background work answers; both answer with the effects they need from the program around
//! them. Nothing here knows of windows or threads, so recorded reports and actions replay to the
//! same state. Invariants: at most one task is at the worker; a row is journalled before it is
//! shown; no picture that has a row is dropped except by [`RunAction::Discard`]; every action is
//! matched without a wildcard.

mod act;
mod action;
mod album;
mod answers;
mod audition;
mod branch;
mod brush;
mod candidate_rows;
mod chain;
mod compare;
mod control;
mod doubt;
mod draft;
mod effect;
mod errand;
mod family;
mod film;
mod fit;
mod given;
mod ground;
mod hub;
mod inputs;
mod map_painting;
mod mishaps;
mod models;
mod notice;
mod opened;
mod origin;
mod outcome;
mod painting;
mod photo;
mod queue;
mod reports;
mod request;
mod results;
mod ruler;
mod run;
mod starts;
mod store;
mod studio;
#[cfg(test)]
mod tests;
mod typing;
mod undo;
mod unkept;
mod view;
mod wanted;
mod window;
mod writing;

pub use action::{
    Action, Answer, DoubtAction, DraftAction, FileAction, HubAction, HubAnswer, ImportAction, ModelAction,
    ModelAnswer, OfferAction, Paint, PreferenceAction, QueueAction, ResultAction, RowAction, RunAction,
    Secret, Setting, Target, UndoAction, Verb, ViewAction, Which, WriterAnswer, WritingAction,
};
pub use album::{Album, Listing, Looked, Piece, Place, Query, Star, Thrown};
pub use branch::source_of_branch;
pub use brush::Brush;
pub use candidate_rows::CandidateRows;
pub use chain::{Aside, Chain, EditResult, Turn};
pub use control::Control;
pub use doubt::{DoubtShown, DoubtView};
pub use draft::{Draft, SeedChoice, Tab};
pub use effect::{Effect, HubEffect, ModelEffect, Stage, WriterEffect};
pub use errand::Errand;
pub use family::{Family, Kin, Member, StripLine, families};
pub use film::Shooting;
pub use fit::{Fit, Pace, Tight};
pub use ground::Ground;
pub use hub::{Hub, HubEnd, HubKind, HubWork, Stopping};
pub use map_painting::map_values;
pub use mishaps::{BROKE_OFF, Mishap};
pub use models::{Asked, Ending, Import, Look, Models, import_seconds_left};
pub use notice::{Notice, Offer, Tone};
pub use origin::Origin;
pub use outcome::{Contest, Ended, Keeping, Outcome, OutcomeId};
pub use painting::{Painting, Point, Step, Stroke, Tool};
pub use photo::{Opened, Photo, THUMBNAIL, thumbnail};
pub use queue::{Order, OrderId, Queue};
pub use request::Request;
pub use ruler::{RowsShown, Ruler, Stretch, Words};
pub use run::{Begun, Far, Phase, Row, Run, Unit, Wish};
pub use store::{Snapshot, Store, StoreError, picture_kept};
pub use studio::{Model, Studio};
pub use undo::{Change, Turned, Undo, UndoStep};
pub use unkept::OnItsWay;
pub use view::{ColourScheme, Dropping, Page, Shown, Strip, View};
pub use wanted::Wanted;
pub use writing::{Asking, Then, Writing, changed_words, writer_name};
