//! Work on models of the Hub: what takes a while on a thread of its own, the rest among the errands.

use super::App;
use super::import_thread::HubWorking;
use crate::engine_room::EngineRoom;
use crate::hub::Told;
use crate::state::{HubAnswer, HubEffect, HubEnd, HubKind};
use crate::task::{Transfer, TransferPhase};

impl<R: EngineRoom> App<R> {
    pub(crate) fn carry_out_hub(&mut self, effect: HubEffect) {
        let hub = self.engine_room.hub();
        match effect {
            HubEffect::Look => self
                .files
                .errands
                .wait_for(move || Some(HubAnswer::Looked(hub.shelf().map(Box::new)))),
            HubEffect::Get(repository) => self.begin_hub(HubKind::Get, repository),
            HubEffect::Verify(repository) => self.begin_hub(HubKind::Verify, repository),
            HubEffect::Stop => {
                if let Some(working) = &self.hub_working {
                    working.cancel.cancel();
                }
            }
            HubEffect::Discard(repository) => self.files.errands.wait_for(move || {
                let freed = hub.discard_parts(&repository).map(|freed| freed.bytes);
                match freed {
                    // Nothing had come yet.
                    Ok(0) | Err(_) => Some(HubAnswer::Looked(hub.shelf().map(Box::new))),
                    Ok(bytes) => Some(HubAnswer::Deleted(repository, Ok(bytes))),
                }
            }),
            HubEffect::Delete(repository) => self.files.errands.wait_for(move || {
                let freed = hub.remove(&repository).map(|freed| freed.bytes);
                Some(HubAnswer::Deleted(repository, freed))
            }),
        }
    }

    fn begin_hub(&mut self, kind: HubKind, repository: String) {
        let hub = self.engine_room.hub();
        self.hub_working = Some(HubWorking::begin(&self.wake, move |cancel, tell| match kind {
            HubKind::Verify => {
                let mut step = |step| tell((step, None));
                step(Transfer {
                    phase: TransferPhase::Checking,
                    ..Transfer::default()
                });
                let checked = hub.check(&repository, cancel, &mut step)?;
                Ok(HubEnd::Verified(checked.words()))
            }
            HubKind::Get => {
                let mut remark = None;
                hub.get(&repository, cancel, &mut |told| match told {
                    Told::Remark(words) => remark = Some(words),
                    // Kept: a step may be overwritten before it is seen.
                    Told::Step(step) => tell((step, remark.clone())),
                })?;
                hub.stored(&repository).map(HubEnd::Got)
            }
        }));
    }

    /// Takes in how far work on the Hub is.
    pub(crate) fn hub_step(&mut self) {
        let Some(working) = &self.hub_working else { return };
        let (step, ended) = (working.step(), working.ended());
        if let Some(((step, remark), _)) = step {
            self.act(HubAnswer::Stepped(step, remark));
        }
        if let Some(ended) = ended {
            self.hub_working = None;
            self.act(HubAnswer::Ended(ended));
        }
    }
}
