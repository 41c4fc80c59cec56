//! A place in the column for a picture of the user's.

use super::column::Left;
use crate::state::{DraftAction, Dropping, FileAction, Photo, Target};
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::{Chosen, Tile, small_icon};
use egui::{Ui, Vec2, vec2};

/// Side of a tile.
pub(super) const TILE: f32 = 82.0;

/// A place for a picture: what is in it, or the words that ask for one. Clicking browses.
pub(super) fn slot(ui: &mut Ui, left: &mut Left<'_>, photo: Option<&Photo>, place: &PhotoSlot) {
    let texture = photo.map(|photo| left.textures.photo(ui.ctx(), photo));
    let tile = Tile {
        texture: texture.as_ref(),
        name: place.name,
        size: place.size,
        chosen: Chosen::No,
        words: match left.studio.dropping {
            Dropping::Works => place.words,
            Dropping::Unheard => "browse\nor paste",
        },
    };
    let response = tile.show(ui);
    left.zones.add(response.rect, place.target);
    let response = response.on_hover_text(match left.studio.dropping {
        Dropping::Works => "Click to browse, drop or paste a picture",
        Dropping::Unheard => "Click to browse or paste a picture: dropping does not work on Wayland",
    });
    if response.clicked() {
        left.actions.push(FileAction::Browse(place.target).into());
    }
    if let Some(photo) = photo {
        remove(ui, left, response.rect, photo);
    }
}

/// A cross in the corner of a picture.
fn remove(ui: &mut Ui, left: &mut Left<'_>, tile: egui::Rect, photo: &Photo) {
    let place = egui::Rect::from_center_size(tile.right_top() + vec2(-14.0, 14.0), Vec2::splat(20.0));
    let ground = Palette::of(ui).panel.gamma_multiply(0.85);
    ui.painter().circle_filled(place.center(), 11.0, ground);
    let name = format!("Remove: {}", photo.name);
    let mut corner = ui.new_child(egui::UiBuilder::new().max_rect(place));
    if small_icon(&mut corner, theme::icon::CLOSE, &name).clicked() {
        left.actions.push(DraftAction::RemoveSource.into());
    }
}

pub(super) struct PhotoSlot {
    pub(super) name: &'static str,
    pub(super) words: &'static str,
    pub(super) size: Vec2,
    pub(super) target: Target,
}
