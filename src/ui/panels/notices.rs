//! What the user should know: at the foot of the left column, where it covers no picture and moves
//! nothing that is looked at.
//!
//! What was said goes by itself after a while; what went wrong stays on its page.

use crate::state::{Action, Notice, Page, ResultAction, Studio, Tone, ViewAction};
use crate::ui::app::focus;
use crate::ui::theme::{self, Palette, icon};
use crate::ui::widgets::{card, small_icon};
use egui::{Frame, Margin, Panel, RichText, ScrollArea, Ui};
use std::time::{Duration, Instant};

/// Notices that are shown at once.
const SHOWN: usize = 2;
/// How long they stay.
const WORD: Duration = Duration::from_secs(10);
const OFFER: Duration = Duration::from_secs(25);
const ERROR: Duration = Duration::from_secs(45);

/// Since when each notice is there.
#[derive(Debug, Default)]
pub(crate) struct NoticeClock {
    since: Vec<(u64, Instant)>,
    /// The one under the pointer: it is being read.
    held: Option<u64>,
}

impl NoticeClock {
    /// The notices whose time is over, and when the next one's is.
    fn over(&mut self, studio: &Studio, now: Instant) -> (Vec<u64>, Option<Duration>) {
        let notices = &studio.notices;
        self.since
            .retain(|(id, _)| notices.iter().any(|notice| notice.id == *id));
        let (mut over, mut next) = (Vec::new(), None);
        for notice in notices {
            let known = self.since.iter_mut().find(|(id, _)| *id == notice.id);
            let since = match known {
                Some((_, since)) => since,
                None => {
                    self.since.push((notice.id, now));
                    continue;
                }
            };
            let Some(stays) = stays(notice, studio) else {
                continue;
            };
            if self.held == Some(notice.id) {
                *since = now;
            }
            match stays.checked_sub(now.saturating_duration_since(*since)) {
                None | Some(Duration::ZERO) => over.push(notice.id),
                Some(left) => next = Some(next.map_or(left, |next: Duration| next.min(left))),
            }
        }
        (over, next)
    }
}

/// How long a notice stays; `None` where something is still to be done about it.
fn stays(notice: &Notice, studio: &Studio) -> Option<Duration> {
    match (notice.tone, &notice.offer) {
        (Tone::Error, _) if !studio.unkept.is_empty() => None,
        (Tone::Error, _) => Some(ERROR),
        (Tone::Info, Some(_)) => Some(OFFER),
        (Tone::Info, None) => Some(WORD),
    }
}

/// Takes away what was there long enough.
pub(crate) fn pass(ui: &Ui, studio: &Studio, clock: &mut NoticeClock, actions: &mut Vec<Action>) {
    let (over, next) = clock.over(studio, Instant::now());
    actions.extend(over.into_iter().map(|id| ViewAction::NoticePassed(id).into()));
    match next {
        Some(next) => ui.ctx().request_repaint_after(next),
        // One that has just come has no time yet.
        None if !studio.notices.is_empty() => ui.ctx().request_repaint_after(WORD),
        None => {}
    }
}

/// The newest ones, in a panel of their own at the foot of what is left of `ui`.
pub(crate) fn show(ui: &mut Ui, studio: &Studio, clock: &mut NoticeClock, actions: &mut Vec<Action>) {
    clock.held = None;
    if studio.notices.is_empty() || studio.page == Page::Mishaps {
        return;
    }
    let highest = ui.available_height() / 2.0;
    let id = ui.make_persistent_id("notices' height");
    let measured: f32 = ui.data(|data| data.get_temp(id)).unwrap_or(110.0);
    let wanted = measured.min(highest);
    Panel::bottom("notices")
        .exact_size(wanted)
        .show_separator_line(false)
        .frame(Frame::new().inner_margin(Margin::symmetric(theme::PAD as i8, 0)))
        .show(ui, |ui| {
            let area = ScrollArea::vertical().id_salt("notices").auto_shrink(false);
            let output = focus::scroll(area, ui, |ui| {
                ui.spacing_mut().item_spacing.y = theme::GAP;
                let hidden = studio.notices.len().saturating_sub(SHOWN);
                for notice in studio.notices.iter().skip(hidden) {
                    let shown = card(ui).show(ui, |ui| one(ui, notice, studio, actions));
                    if ui.rect_contains_pointer(shown.response.rect) {
                        clock.held = Some(notice.id);
                    }
                }
            });
            let height = output.content_size.y.ceil();
            if (height - measured).abs() > 0.5 {
                ui.data_mut(|data| data.insert_temp(id, height));
                ui.ctx().request_repaint();
            }
        });
}

fn one(ui: &mut Ui, notice: &Notice, studio: &Studio, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    ui.spacing_mut().item_spacing.y = 4.0;
    ui.set_width(ui.available_width());
    let (mark, colour) = match notice.tone {
        Tone::Info => (icon::INFO, palette.accent),
        Tone::Error => (icon::WARNING, palette.danger),
    };
    ui.horizontal_top(|ui| {
        ui.label(RichText::new(mark).font(theme::regular(16.0)).color(colour));
        let width = (ui.available_width() - 28.0).max(40.0);
        ui.allocate_ui(egui::vec2(width, 16.0), |ui| {
            ui.set_width(width);
            ui.add(egui::Label::new(palette.strong(notice.title.clone())).wrap());
        });
        if small_icon(ui, icon::CLOSE, &format!("Dismiss: {}", notice.title)).clicked() {
            actions.push(ViewAction::DismissNotice(notice.id).into());
        }
    });
    if !notice.reason.is_empty() {
        ui.add(egui::Label::new(palette.body(notice.reason.clone())).wrap());
    }
    if !notice.remedy.is_empty() {
        ui.add(egui::Label::new(palette.secondary(notice.remedy.clone())).wrap());
    }
    if let Some(offer) = &notice.offer
        && ui.button(offer.words).clicked()
    {
        actions.push((*offer.action).clone());
        actions.push(ViewAction::DismissNotice(notice.id).into());
    }
    if notice.tone == Tone::Error {
        ui.horizontal_wrapped(|ui| {
            if ui.button("Copy details").clicked() {
                ui.ctx().copy_text(details(notice, studio));
            }
            if ui.button("More").on_hover_text("What went wrong").clicked() {
                actions.push(ViewAction::Page(Page::Mishaps).into());
            }
            if !studio.unkept.is_empty() && ui.button("Save again").clicked() {
                actions.push(ResultAction::KeepAgain.into());
                actions.push(ViewAction::DismissNotice(notice.id).into());
            }
        });
    }
}

/// What helps somebody else to understand it.
fn details(notice: &Notice, studio: &Studio) -> String {
    format!(
        "{}\n{}\n{}\n\nLumina Studio {} · {} {} · model {}\n",
        notice.title,
        notice.reason,
        notice.remedy,
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        studio.model_name(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_pass_and_what_is_to_be_done_stays() {
        let mut studio = Studio::default();
        studio.notify(Tone::Info, "Another size", "", "");
        studio.notify(Tone::Error, "The picture cannot be read", "", "");
        let (word, error) = (studio.notices[0].id, studio.notices[1].id);
        let mut clock = NoticeClock::default();
        let start = Instant::now();
        let none: [u64; 0] = [];
        let at = |clock: &mut NoticeClock, secs| clock.over(&studio, start + Duration::from_secs(secs)).0;
        assert_eq!(at(&mut clock, 0), none);
        assert_eq!(at(&mut clock, 9), none);
        // Being read, it stays.
        clock.held = Some(word);
        assert_eq!(at(&mut clock, 12), none);
        clock.held = None;
        assert_eq!(at(&mut clock, 21), none);
        assert_eq!(at(&mut clock, 22), [word]);
        assert_eq!(at(&mut clock, 45), [word, error]);
    }
}
