//! Writers are asked on threads of their own: a server or a language model takes its time.

use super::App;
use super::background::caught;
use crate::engine_room::EngineRoom;
use crate::state::{Answer, WriterAnswer, WriterEffect};
use crate::task::{Cancel, Failure};

/// A writer cannot be asked because of a fault of this program.
fn broken() -> Failure {
    Failure::failed("the writer broke off by a fault of this program")
}

impl<R: EngineRoom> App<R> {
    pub(crate) fn carry_out_writer(&mut self, effect: WriterEffect) {
        let room = self.engine_room.writers();
        match effect {
            WriterEffect::Look => self.files.errands.wait_for(move || {
                let found = caught(|| room.found()).unwrap_or_default();
                Some(Answer::Writer(WriterAnswer::Found(found)))
            }),
            WriterEffect::Ask { choice, own } => {
                // Of the one before: nobody waits for it any more.
                self.asking.cancel();
                let cancel = Cancel::new();
                self.asking = cancel.clone();
                self.files.errands.wait_for(move || {
                    let timeout = choice.usual_timeout();
                    let asked = caught(|| room.rewrite(&choice, &own, timeout, &cancel, &mut |_| {}));
                    let done = asked.unwrap_or_else(|_| Err(broken()));
                    let is_wanted = !cancel.is_cancelled();
                    is_wanted.then(|| Answer::Writer(WriterAnswer::Written(Box::new(done))))
                });
            }
            WriterEffect::Stop => self.asking.cancel(),
            WriterEffect::KeepKey(url, key) => self.files.errands.wait_for(move || {
                let key = Some(key.text.trim()).filter(|key| !key.is_empty());
                let kept = caught(|| room.set_key(&url, key)).unwrap_or_else(|_| Err(broken()));
                Some(Answer::Writer(WriterAnswer::KeyKept(kept)))
            }),
        }
    }
}
