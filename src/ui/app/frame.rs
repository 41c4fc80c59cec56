//! One frame of the window: bars, columns, the page in the middle, what lies over it.

use super::{App, drops, focus, shortcuts};
use crate::engine_room::EngineRoom;
use crate::log;
use crate::state::{Action, ColourScheme, Page, RunAction, Shown, Strip, Tab};
use crate::ui::pages::{history, mishaps, models, settings, world};
use crate::ui::panels::{column, left, middle, notices, overlays, stage, status, strip, top};
use crate::ui::textures::colour_image;
use crate::ui::theme::{self, Palette};
use egui::{CentralPanel, Context, Frame, Margin, Panel, ThemePreference, Ui};

impl<R: EngineRoom> App<R> {
    /// Gives the canvas the mask when it is another one than it has.
    fn update_veil(&mut self) {
        let editing = self.studio.shown == Shown::Source && self.studio.draft.tab == Tab::Edit;
        let chain = &self.studio.draft.chain;
        let opacity = self.studio.draft.brush.opacity;
        let veil = chain.current().filter(|_| editing);
        let wanted = veil.map(|turn| (chain.at(), turn.painting.version(), opacity.to_bits()));
        if self.veil != wanted {
            let mask = veil.and_then(|turn| turn.painting.mask());
            self.canvas.mask(mask.as_ref(), opacity);
            self.veil = wanted;
        }
    }

    /// Everything the window is, in one frame.
    pub fn frame(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.textures.next_frame();
        self.thumbnails.next_frame(&ctx);
        for pixels in self.copied.drain(..) {
            ctx.copy_image(colour_image(&pixels));
        }
        self.apply_view(&ctx);
        let mut actions = shortcuts::pressed(&ctx, &self.studio, &mut self.canvas);
        actions.extend(drops::incoming(&ctx, &mut self.zones, &self.studio));
        self.zones.clear();
        self.update_veil();
        let told = (self.pointed.clone(), self.canvas.zoom_percent());
        let palette = Palette::of(ui);
        let plain = |colour| Frame::new().fill(colour).inner_margin(Margin::ZERO);
        Panel::top("top")
            .exact_size(theme::TOP_BAR)
            .frame(plain(palette.panel))
            .show(ui, |ui| top::show(ui, &self.studio, &mut actions));
        let shown = Panel::left("left")
            .default_size(self.studio.view.left_width)
            .size_range(theme::LEFT_WIDTH)
            .frame(plain(palette.panel))
            .show(ui, |ui| {
                left::show(
                    ui,
                    column::Left {
                        studio: &self.studio,
                        textures: &mut self.textures,
                        zones: &mut self.zones,
                        greeting: &mut self.greeting,
                        notice_clock: &mut self.notice_clock,
                        actions: &mut actions,
                    },
                );
            });
        self.studio.view.left_width = shown.response.rect.width();
        if ctx.content_rect().width() >= theme::WIDE_ENOUGH || self.studio.strip == Strip::Unfolded {
            let shown = Panel::right("strip")
                .default_size(self.studio.view.right_width)
                .size_range(theme::RIGHT_WIDTH)
                .frame(plain(palette.panel))
                .show(ui, |ui| {
                    let strip = strip::Results {
                        studio: &self.studio,
                        textures: &mut self.textures,
                        thumbnails: &mut self.thumbnails,
                        actions: &mut actions,
                    };
                    strip::show(ui, strip);
                });
            self.studio.view.right_width = shown.response.rect.width();
        }
        Panel::bottom("status")
            .exact_size(theme::STATUS_LINE)
            .frame(plain(palette.panel))
            .show(ui, |ui| {
                status::show(ui, &self.studio, &self.canvas, &self.pointed)
            });
        CentralPanel::default()
            .frame(plain(palette.canvas))
            .show(ui, |ui| self.middle(ui, &mut actions));
        // The status line was drawn before the canvas spoke.
        if told.0 != self.pointed || told.1 != self.canvas.zoom_percent() {
            ctx.request_repaint();
        }
        notices::pass(ui, &self.studio, &mut self.notice_clock, &mut actions);
        overlays::show(&ctx, &self.studio, &mut actions);
        focus::ring(&ctx, palette);
        // What was typed in this frame belongs to the picture that is asked for in it.
        actions.sort_by_key(|action| matches!(action, Action::Run(RunAction::Draw)));
        for action in actions {
            self.act(action);
        }
    }

    /// The page.
    fn middle(&mut self, ui: &mut Ui, actions: &mut Vec<Action>) {
        match self.studio.page {
            Page::Canvas => {
                let middle = middle::Middle {
                    studio: &self.studio,
                    canvas: &mut self.canvas,
                    textures: &mut self.textures,
                    zones: &mut self.zones,
                    actions,
                };
                self.pointed = stage::show(ui, middle);
            }
            Page::Models => models::show(ui, &self.studio, actions),
            Page::World => world::show(ui, &self.studio, actions),
            Page::Settings => {
                let page = settings::SettingsPage {
                    studio: &self.studio,
                    own_pictures: &self.own_pictures,
                    log: &log::folder(&self.places.data),
                    actions,
                };
                settings::show(ui, page);
            }
            Page::Mishaps => mishaps::show(ui, &self.studio, actions),
            Page::History => {
                let hall = history::Hall {
                    studio: &self.studio,
                    room: &mut self.room,
                    thumbnails: &mut self.thumbnails,
                    actions,
                };
                history::show(ui, hall);
            }
        }
        self.room.page(self.studio.page);
    }

    fn apply_view(&self, ctx: &Context) {
        ctx.set_theme(match self.studio.view.scheme {
            ColourScheme::Dark => ThemePreference::Dark,
            ColourScheme::Light => ThemePreference::Light,
            ColourScheme::System => ThemePreference::System,
        });
        if (ctx.zoom_factor() - self.studio.view.zoom).abs() > f32::EPSILON {
            ctx.set_zoom_factor(self.studio.view.zoom);
        }
    }
}
