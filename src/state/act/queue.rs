//! What is done with the orders that wait.

use super::super::action::QueueAction;
use super::super::effect::Effect;
use super::super::queue::OrderId;
use super::super::studio::Studio;

impl Studio {
    pub(super) fn act_on_queue(&mut self, action: QueueAction) -> Vec<Effect> {
        match action {
            QueueAction::Front(id) => self.move_order(id, 0),
            QueueAction::MoveTo(id, place) => self.move_order(id, place),
            QueueAction::Remove(id) => {
                let out = self.queue.take_out(|order| order.id == id);
                self.note_taken_out(out, "Taken out of the queue");
            }
            QueueAction::Clear => {
                let out = self.queue.take_out(|_| true);
                self.note_taken_out(out, "The queue was cleared");
            }
        }
        Vec::new()
    }

    fn move_order(&mut self, id: OrderId, place: usize) {
        let from = self.queue.place_of(id);
        self.queue.move_to(id, place);
        if let Some(from) = from.filter(|from| self.queue.place_of(id) != Some(*from)) {
            self.note_moved(id, from);
        }
    }
}
