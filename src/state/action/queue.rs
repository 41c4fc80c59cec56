//! What is done with the orders that wait.

use super::super::queue::OrderId;
use serde::{Deserialize, Serialize};

/// What is done with the orders that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueueAction {
    Front(OrderId),
    /// To a place counted from 0.
    MoveTo(OrderId, usize),
    Remove(OrderId),
    Clear,
}
