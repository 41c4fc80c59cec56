//! What is to be drawn after the present picture.

use super::request::Request;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet, VecDeque};

/// Names are counted, and stay far from the end of counting.
const LARGEST_ID: u64 = 1 << 48;

/// Names an order for as long as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OrderId(pub u64);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub id: OrderId,
    pub request: Request,
}

impl Order {
    /// Whether both ask for the same pictures under the same name.
    pub(super) fn is(&self, other: &Self) -> bool {
        let (one, two) = (&self.request, &other.request);
        self.id == other.id && (one.seed, &one.mode, &one.prompt) == (two.seed, &two.mode, &two.prompt)
    }
}

/// Orders in the order they will be drawn.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Queue {
    orders: VecDeque<Order>,
    next: u64,
}

impl Queue {
    pub fn orders(&self) -> impl ExactSizeIterator<Item = &Order> {
        self.orders.iter()
    }

    pub fn len(&self) -> usize {
        self.orders.len()
    }

    pub fn is_empty(&self) -> bool {
        self.orders.is_empty()
    }

    /// Memory of the pictures that the orders start from, were `request` one of them. A picture of many
    /// orders is there once.
    pub(super) fn source_bytes_with(&self, request: &Request) -> usize {
        let requests = self.orders().map(|order| &order.request).chain([request]);
        let sources = requests.filter_map(|request| request.source.as_ref());
        let sizes = sources.map(|photo| (&photo.id, photo.pixels.rgb().len()));
        sizes.collect::<HashMap<_, _>>().values().sum()
    }

    pub fn push(&mut self, request: Request) -> OrderId {
        let id = self.new_id();
        self.orders.push_back(Order { id, request });
        id
    }

    /// A name no other order of this queue has or had.
    pub(super) fn new_id(&mut self) -> OrderId {
        let id = OrderId(self.next);
        self.next += 1;
        id
    }

    /// Puts orders before all others, in their order. Those that are there already are there once.
    pub(super) fn take_back(&mut self, orders: Vec<Order>) {
        for order in orders.into_iter().rev() {
            self.orders.retain(|known| !known.is(&order));
            self.orders.push_front(order);
        }
    }

    /// `id`, or another where an order of this queue has that one; no later one will have it.
    pub(super) fn free_id(&mut self, id: OrderId) -> OrderId {
        if id.0 >= LARGEST_ID || self.orders.iter().any(|order| order.id == id) {
            return self.new_id();
        }
        self.next = self.next.max(id.0 + 1);
        id
    }

    /// Gives every order a name of its own, after they came from several files.
    pub(super) fn settle_ids(&mut self) {
        let sensible = |order: &&Order| order.id.0 < LARGEST_ID;
        let used = self
            .orders
            .iter()
            .filter(sensible)
            .map(|order| order.id.0 + 1)
            .max();
        self.next = self.next.min(LARGEST_ID).max(used.unwrap_or_default());
        let mut seen = HashSet::new();
        for order in &mut self.orders {
            if !sensible(&&*order) || !seen.insert(order.id) {
                order.id = OrderId(self.next);
                self.next += 1;
            }
        }
    }

    pub fn pop(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }

    /// Puts an order back before all others.
    pub fn put_back(&mut self, order: Order) {
        self.orders.push_front(order);
    }

    /// An order that is drawn before all others.
    pub fn push_front(&mut self, request: Request) -> OrderId {
        let id = self.push(request);
        self.front(id);
        id
    }

    pub fn front(&mut self, id: OrderId) {
        self.move_to(id, 0);
    }

    /// Moves an order to a place counted from 0; beyond the end is the end.
    pub fn move_to(&mut self, id: OrderId, place: usize) {
        let Some(from) = self.orders.iter().position(|order| order.id == id) else {
            return;
        };
        if let Some(order) = self.orders.remove(from) {
            self.orders.insert(place.min(self.orders.len()), order);
        }
    }

    pub fn place_of(&self, id: OrderId) -> Option<usize> {
        self.orders.iter().position(|order| order.id == id)
    }

    /// Puts an order to a place counted from 0; beyond the end is the end.
    /// The answer is its name from now on.
    pub fn insert(&mut self, place: usize, mut order: Order) -> OrderId {
        order.id = self.free_id(order.id);
        let id = order.id;
        self.orders.insert(place.min(self.orders.len()), order);
        id
    }

    /// Takes orders out, with the places they had.
    pub fn take_out(&mut self, which: impl Fn(&Order) -> bool) -> Vec<(usize, Order)> {
        let (out, stay) = self
            .orders
            .drain(..)
            .enumerate()
            .partition::<Vec<_>, _>(|(_, order)| which(order));
        self.orders = stay.into_iter().map(|(_, order)| order).collect();
        out
    }

    pub fn retain(&mut self, keep: impl FnMut(&mut Order) -> bool) {
        self.orders.retain_mut(keep);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Mode, Task};

    fn queue() -> Queue {
        let mut queue = Queue::default();
        for prompt in ["a", "b", "c", "d"] {
            queue.push(Request::of(&Task::new(Mode::Generate, prompt)));
        }
        queue
    }

    fn prompts(queue: &Queue) -> String {
        queue
            .orders()
            .map(|order| order.request.prompt.as_str())
            .collect()
    }

    #[test]
    fn orders_move_and_go() {
        let mut queue = queue();
        queue.front(OrderId(2));
        assert_eq!(prompts(&queue), "cabd");
        queue.move_to(OrderId(0), 9);
        assert_eq!(prompts(&queue), "cbda");
        queue.move_to(OrderId(3), 1);
        assert_eq!(prompts(&queue), "cdba");
        let out = queue.take_out(|order| order.id == OrderId(3));
        assert_eq!((out.len(), out[0].0), (1, 1));
        assert!(queue.take_out(|order| order.id == OrderId(3)).is_empty());
        queue.front(OrderId(77));
        assert_eq!(prompts(&queue), "cba");
        let first = queue.pop().expect("three orders");
        assert_eq!(first.id, OrderId(2));
        queue.put_back(first);
        assert_eq!(
            queue.push(Request::of(&Task::new(Mode::Generate, "e"))),
            OrderId(4)
        );
        assert_eq!(prompts(&queue), "cbae");
        let all = queue.take_out(|_| true);
        assert!(queue.is_empty());
        for (place, order) in all {
            queue.insert(place, order);
        }
        assert_eq!(prompts(&queue), "cbae");
    }
}
