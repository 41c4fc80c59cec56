//! What background work has found out or done, taken in.

use super::action::Answer;
use super::effect::Effect;
use super::{Studio, Tone};

impl Studio {
    pub(super) fn take_in_answer(&mut self, answer: Answer) -> Vec<Effect> {
        match answer {
            Answer::Opened(opened, target) => return self.opened(*opened, target),
            Answer::Failed(what, failure) => {
                let remedy = super::mishaps::remedy(&what, failure.cause);
                self.error(&what, &failure, remedy);
            }
            Answer::NoDialog(wanted) => self.wanted = Some(wanted),
            Answer::MapMade(map) => return self.map_made(map),
            Answer::Kept(id, path) => return self.kept(id, path),
            Answer::NotKept(keeping, failure) => self.not_kept(*keeping, &failure),
            Answer::Fetched(id, pixels) => return self.fetched(id, pixels),
            Answer::NotFetched(id, failure) => return self.not_fetched(id, &failure),
            Answer::Traced(id, origin) => {
                self.traced(id, *origin);
                self.looked_for_doubt(id);
            }
            Answer::Differs(pair, found) => self.differs(pair, found),
            Answer::Inquired(question) => return self.inquired(question),
            Answer::Branched(task) => return self.branched(&task),
            Answer::Shoot(shooting) => {
                let why = "The picture is drawn once more for it, after what waits.";
                let name = shooting.to.file_name().unwrap_or_default().to_string_lossy();
                self.notify(Tone::Info, &format!("{name} is being made"), why, "");
                return vec![Effect::Shoot(shooting)];
            }
            Answer::Filmed(to) => {
                let why = to.display().to_string();
                self.notify(Tone::Info, "The time-lapse is saved", &why, "");
            }
            Answer::Listed(listing) => self.album.take(*listing),
            Answer::Stars(starred) => self.album.starred = starred,
            Answer::NotStarred(path, failure) => {
                self.album.turn_star(&path);
                self.error("The star could not be kept", &failure, "");
            }
            Answer::Trashed(path) => return self.trashed(&path),
            Answer::NotTrashed(path, failure) => {
                let remedy = format!("It stays where it is: {}", path.display());
                self.error("It was not moved to the trash", &failure, &remedy);
            }
            Answer::TakenBack(path) => return self.taken_back(&path),
            Answer::NotTakenBack(path, failure) => {
                self.thrown.retain(|thrown| thrown.path != path);
                self.error("It could not be taken back", &failure, "");
            }
            Answer::Missed(path) => {
                let title = self.title_of(&path);
                let effects = self.gone(&[path]);
                self.say_gone(&title);
                return effects;
            }
            Answer::Gone(paths) => return self.gone(&paths),
            Answer::Diagnosed(done) => self.diagnosed(done),
            Answer::CopyRead(pixels) => return vec![Effect::Copy(pixels)],
            Answer::Models(answer) => return self.take_in_model_answer(answer),
            Answer::Writer(answer) => return self.take_in_writer_answer(answer),
        }
        Vec::new()
    }
}
