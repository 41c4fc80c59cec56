//! Whose an action is.

use super::answer::{Answer, ModelAnswer};
use super::doubt::DoubtAction;
use super::draft::DraftAction;
use super::files::FileAction;
use super::hub::{HubAction, HubAnswer};
use super::models::{ImportAction, ModelAction};
use super::offer::OfferAction;
use super::preferences::PreferenceAction;
use super::queue::QueueAction;
use super::results::ResultAction;
use super::rows::RowAction;
use super::run::RunAction;
use super::undo::UndoAction;
use super::view::ViewAction;
use super::writing::WritingAction;
use serde::{Deserialize, Serialize};

/// What changes the state from outside: what a person does, and what background work answers.
///
/// Each owner has an enum of its own and one function that matches it whole, without a wildcard:
/// so the compiler names every place that a new case touches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Action {
    Draft(DraftAction),
    Run(RunAction),
    Rows(RowAction),
    Doubt(DoubtAction),
    Queue(QueueAction),
    Result(ResultAction),
    Offer(OfferAction),
    Models(ModelAction),
    Files(FileAction),
    Preferences(PreferenceAction),
    Undo(UndoAction),
    View(ViewAction),
    Writing(WritingAction),
    Answer(Answer),
}

/// A nested action stands for itself where an [`Action`] is wanted.
macro_rules! stands_for_itself {
    ($($owner:ident($nested:ty)),* $(,)?) => {
        $(impl From<$nested> for Action {
            fn from(nested: $nested) -> Self {
                Self::$owner(nested)
            }
        })*
    };
}

stands_for_itself! {
    Draft(DraftAction),
    Run(RunAction),
    Rows(RowAction),
    Doubt(DoubtAction),
    Queue(QueueAction),
    Result(ResultAction),
    Offer(OfferAction),
    Models(ModelAction),
    Files(FileAction),
    Preferences(PreferenceAction),
    Undo(UndoAction),
    View(ViewAction),
    Writing(WritingAction),
    Answer(Answer),
}

impl From<ImportAction> for Action {
    fn from(action: ImportAction) -> Self {
        Self::Models(ModelAction::Import(action))
    }
}

impl From<HubAction> for Action {
    fn from(action: HubAction) -> Self {
        Self::Models(ModelAction::Hub(action))
    }
}

impl From<HubAnswer> for Action {
    fn from(answer: HubAnswer) -> Self {
        Self::Answer(Answer::Models(ModelAnswer::Hub(answer)))
    }
}

impl From<ModelAnswer> for Action {
    fn from(answer: ModelAnswer) -> Self {
        Self::Answer(Answer::Models(answer))
    }
}
