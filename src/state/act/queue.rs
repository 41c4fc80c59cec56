//! What is done with the orders that wait.

use super::super::action::QueueAction;
use super::super::effect::Effect;
use super::super::studio::Studio;

impl Studio {
    pub(super) fn act_on_queue(&mut self, action: QueueAction) -> Vec<Effect> {
        match action {
            QueueAction::Front(id) => self.queue.front(id),
            QueueAction::MoveTo(id, place) => self.queue.move_to(id, place),
            QueueAction::Remove(id) => self.queue.remove(id),
            QueueAction::Clear => self.queue.clear(),
        }
        Vec::new()
    }
}
