//! What a picture is drawn after, beside it: the subject that stands in another scene.

use crate::state::{Photo, Shown, Studio};
use crate::task::Mode;
use crate::ui::textures::Textures;
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::{Chosen, Tile};
use egui::{Rect, Sense, Ui, pos2, vec2};

/// Longer side of the tile.
const SIDE: f32 = 112.0;
/// Room the picture leaves for it at the right.
pub(crate) const ROOM: f32 = SIDE + 40.0;

/// The subject of the picture that is being drawn.
pub(crate) fn of_run(studio: &Studio) -> Option<&Photo> {
    let run = studio.run.as_ref().filter(|_| studio.shown == Shown::Run)?;
    let is_subject = matches!(run.order.request.mode, Mode::Subject { .. });
    // Before the drawing begins it fills the canvas.
    let photo = run.order.request.source.as_ref();
    photo.filter(|_| is_subject && run.begun.is_some())
}

pub(crate) fn show(ui: &mut Ui, canvas: Rect, photo: &Photo, textures: &mut Textures) {
    let palette = Palette::of(ui);
    let corner = pos2(canvas.right() - SIDE - 16.0, canvas.top() + 32.0);
    let place = Rect::from_min_size(corner, vec2(SIDE, SIDE));
    let texture = textures.photo(ui.ctx(), photo);
    let response = ui.interact(place, ui.scope_id().with("reference"), Sense::hover());
    Tile {
        texture: Some(&texture),
        name: &format!("The subject: {}", photo.name),
        size: place.size(),
        chosen: Chosen::No,
        words: "",
    }
    .paint(ui, &response);
    response.on_hover_text(&photo.name);
    ui.painter().text(
        corner - vec2(0.0, 4.0),
        egui::Align2::LEFT_BOTTOM,
        "Subject",
        theme::medium(theme::LABEL),
        palette.dim,
    );
}
