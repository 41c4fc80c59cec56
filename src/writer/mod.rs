//! Words rewritten before they are drawn: a few words become a scene, and the scene a fuller prompt.
//!
//! Three writers behind one trait. [`BuiltIn`] needs no model and knows the starter's world; [`Local`] is a language
//! model in a file, whose answers are held to a grammar token by token; [`Endpoint`] asks a server that speaks as
//! OpenAI's does. Each answer is a scene first (things, how many, where, on what) and prose after, and is checked
//! before anybody sees it ([`answer`]); a model that got it wrong is asked once more, within the same time.
//!
//! Nothing leaves this machine but by an endpoint that somebody chose. A key is kept in the system's keyring, and
//! goes to no server but its own. With [`crate::model`] and [`crate::hub`] the only place of candle and ureq.

pub mod answer;
mod ask;
mod builtin;
mod chat;
mod discover;
mod endpoint;
mod error;
pub mod grammar;
mod keys;
pub mod local;
mod request;

pub use builtin::BuiltIn;
pub use discover::{PLACES, Place, Served, models_in, served};
pub use endpoint::Endpoint;
pub use error::WriterError;
pub use keys::{KEY_VARIABLE, Key, Keys};
pub use local::Local;

use crate::task::{Cancel, Rewritten};

/// Rewrites a user's words.
pub trait Writer {
    /// Makes a fuller prompt of the user's `own` words. `cancel` is polled all the time; `told` hears what is done,
    /// in words for the user.
    ///
    /// # Errors
    /// [`WriterError`] has a sentence for each: then the own words are what there is.
    fn write(
        &mut self,
        own: &str,
        cancel: &Cancel,
        told: &mut dyn FnMut(&str),
    ) -> Result<Rewritten, WriterError>;
}
