//! The HTTP door: the model behind the endpoints other programs know, OpenAI's for images and A1111's.
//!
//! `options` says where it listens and who may come in, `listen` takes connections and gives them up,
//! `stall` ends those that do not read, `guard` lets requests in, `queue` hands tasks to the worker and its
//! reports to those who wait for them, `wish` makes tasks of requests (`fields` reads single values,
//! `upload` files), `openai`, `events` and `a1111` answer, `painted` encodes pictures, `files` keeps them for
//! a while in memory, `refusal` says why not.
//!
//! Invariants: nothing here touches the disk once the door is open; whatever is held for a client has a
//! bound; a client that goes away takes its picture along; no request ends the program.

mod a1111;
mod door;
mod events;
mod fields;
mod files;
mod guard;
mod listen;
mod openai;
mod options;
mod painted;
mod queue;
mod refusal;
mod secrets;
mod stall;
mod upload;
mod wish;

pub use listen::serve;
pub use options::{Certificate, Options};
