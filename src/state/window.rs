//! How the window is looked at: its page, its colours, its notices.

use super::action::{ModelAction, ViewAction};
use super::effect::Effect;
use super::{Notice, Page, Strip, Studio};

impl Studio {
    pub(super) fn act_on_view(&mut self, action: ViewAction) -> Vec<Effect> {
        match action {
            ViewAction::Page(page) => return self.open_page(page),
            ViewAction::Scheme(scheme) => self.view.scheme = scheme,
            ViewAction::Zoom(zoom) => self.view.zoom = zoom.clamp(1.0, 2.0),
            ViewAction::Help => self.help = !self.help,
            ViewAction::DismissNotice(id) => self.dismiss(id),
            ViewAction::NoticePassed(id) => self.notices.retain(|notice| notice.id != id),
            ViewAction::Strip => {
                self.strip = match self.strip {
                    Strip::Folded => Strip::Unfolded,
                    Strip::Unfolded => Strip::Folded,
                }
            }
            ViewAction::Family(name) => self.album.turn_family(name),
            ViewAction::ForgetMishaps => self.mishaps.clear(),
            ViewAction::Regained => return self.look_after_files(),
        }
        Vec::new()
    }

    fn open_page(&mut self, page: Page) -> Vec<Effect> {
        self.page = page;
        match page {
            Page::Models => self.act_on_models(ModelAction::Survey),
            Page::History => self.look(),
            Page::Canvas | Page::Mishaps | Page::Settings | Page::World => Vec::new(),
        }
    }

    fn dismiss(&mut self, id: u64) {
        let takes_back = |notice: &Notice| notice.id == id && notice.takes_back();
        if self.notices.iter().any(takes_back) {
            self.leave_in_trash();
        }
        self.notices.retain(|notice| notice.id != id);
    }
}
