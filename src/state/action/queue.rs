//! What is done with the orders that wait.

use super::super::queue::OrderId;

/// What is done with the orders that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueAction {
    Front(OrderId),
    /// To a place counted from 0.
    MoveTo(OrderId, usize),
    Remove(OrderId),
    Clear,
}
