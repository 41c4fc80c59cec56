//! Where the picture stands in the widget: fit, zoom, pan. Plain arithmetic in physical pixels.
//!
//! Zoom is physical pixels per picture pixel, so 1 is 100 %. A place is exact; only what is drawn is
//! moved to whole physical pixels, so that repeated zooming does not drift.

use crate::pixels::Size;
use egui::{Pos2, Rect, Vec2, pos2, vec2};

/// 6400 %: one picture pixel is a thumbnail.
const MOST: f32 = 64.0;
/// Of a picture this much stays in view, in physical pixels.
const KEPT_IN_VIEW: f32 = 24.0;
/// Smaller than this no picture is made by zooming out, along its longer side.
const LEAST_EXTENT: f32 = 32.0;

/// How the user looks at the picture.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) enum View {
    /// As large as the room allows.
    #[default]
    Fit,
    /// `centre` is the picture's point in the middle of the widget, in picture pixels.
    Free { zoom: f32, centre: Vec2 },
}

/// The widget's area and the part of it a fitted picture keeps to, in physical pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Room {
    pub(super) area: Rect,
    pub(super) fit: Rect,
}

impl Room {
    /// `fit` falls back to the whole area when the margins leave next to nothing.
    pub(super) fn new(area: Rect, fit: Rect) -> Self {
        let fits = fit.width() >= LEAST_EXTENT && fit.height() >= LEAST_EXTENT;
        Self {
            area,
            fit: if fits { fit } else { area },
        }
    }
}

/// Where a picture is: its corner in physical pixels and its zoom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Placement {
    pub(super) origin: Pos2,
    pub(super) zoom: f32,
}

impl Placement {
    /// The place as drawn, with the corner on a whole pixel.
    pub(super) fn snapped(self) -> Self {
        Self {
            origin: self.origin.round(),
            zoom: self.zoom,
        }
    }

    pub(super) fn to_picture(self, at: Pos2) -> Vec2 {
        (at - self.origin) / self.zoom
    }

    pub(super) fn rect(self, size: Size) -> Rect {
        Rect::from_min_size(self.origin, extent(size) * self.zoom)
    }
}

pub(super) fn extent(size: Size) -> Vec2 {
    vec2(size.width.max(1) as f32, size.height.max(1) as f32)
}

impl View {
    pub(super) fn place(self, size: Size, room: Room) -> Placement {
        match self {
            Self::Fit => {
                let zoom = fit_zoom(size, room);
                let origin = room.fit.center() - extent(size) * zoom / 2.0;
                Placement { origin, zoom }
            }
            Self::Free { zoom, centre } => Placement {
                origin: room.area.center() - centre * zoom,
                zoom,
            },
        }
    }

    /// Magnified by `factor` around the target's point `at`, which keeps its picture point.
    pub(super) fn zoomed(self, at: Pos2, factor: f32, size: Size, room: Room) -> Self {
        let place = self.place(size, room);
        let least = (LEAST_EXTENT / extent(size).max_elem()).min(fit_zoom(size, room));
        let zoom = (place.zoom * factor).clamp(least, MOST.max(least));
        let origin = at - place.to_picture(at) * zoom;
        free(Placement { origin, zoom }, size, room)
    }

    /// One picture pixel on one physical pixel, around the middle of what is seen.
    pub(super) fn actual_size(self, size: Size, room: Room) -> Self {
        let zoom = self.place(size, room).zoom;
        self.zoomed(room.area.center(), 1.0 / zoom, size, room)
    }

    /// Moved by `delta` physical pixels.
    pub(super) fn panned(self, delta: Vec2, size: Size, room: Room) -> Self {
        let Placement { origin, zoom } = self.place(size, room);
        let origin = origin + delta;
        free(Placement { origin, zoom }, size, room)
    }

    /// The same part of the picture at the same place after a picture of `from` pixels is
    /// replaced by the same picture at `to` pixels.
    pub(super) fn resized(self, from: Size, to: Size) -> Self {
        match self {
            Self::Free { zoom, centre } if same_shape(from, to) => {
                let ratio = extent(to) / extent(from);
                Self::Free {
                    zoom: zoom / ratio.x,
                    centre: centre * ratio,
                }
            }
            _ => Self::Fit,
        }
    }
}

/// Whether one is the other at another size, up to a pixel of rounding.
pub(super) fn same_shape(a: Size, b: Size) -> bool {
    let (a, b) = (extent(a), extent(b));
    let scale = b.max_elem() / a.max_elem();
    let off = (a * scale - b).abs().max_elem();
    off <= scale.max(1.0)
}

fn fit_zoom(size: Size, room: Room) -> f32 {
    (room.fit.size() / extent(size)).min_elem().clamp(1e-3, MOST)
}

/// The view of a place, pushed back where it would leave the widget.
fn free(place: Placement, size: Size, room: Room) -> View {
    let rect = place.rect(size);
    let kept = (rect.size() / 2.0).min(Vec2::splat(KEPT_IN_VIEW));
    let low = room.area.min + kept - rect.size();
    let high = room.area.max - kept;
    let origin = pos2(
        rect.min.x.clamp(low.x.min(high.x), high.x),
        rect.min.y.clamp(low.y.min(high.y), high.y),
    );
    View::Free {
        zoom: place.zoom,
        centre: (room.area.center() - origin) / place.zoom,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(128, 64);

    fn room() -> Room {
        let area = Rect::from_min_size(pos2(313.0, 45.0), vec2(820.0, 729.0));
        Room::new(area, area.shrink(32.0))
    }

    fn to_target(place: Placement, at: Vec2) -> Pos2 {
        place.origin + at * place.zoom
    }

    fn near(a: Pos2, b: Pos2) {
        assert!((a - b).length() < 0.02, "{a} is not {b}");
    }

    #[test]
    fn the_point_under_the_cursor_stays_there_while_zooming() {
        let cursor = pos2(500.0, 380.0);
        let mut view = View::Fit;
        let at = view.place(SIZE, room()).to_picture(cursor);
        for factor in [1.1, 1.3, 2.0, 0.7, 0.5, 1.01, 3.0, 0.2, 40.0, 0.01] {
            view = view.zoomed(cursor, factor, SIZE, room());
            near(to_target(view.place(SIZE, room()), at), cursor);
        }
    }

    #[test]
    fn zoom_has_ends_in_both_directions() {
        let centre = room().area.center();
        let near = View::Fit.zoomed(centre, 1e6, SIZE, room());
        assert_eq!(near.place(SIZE, room()).zoom, MOST);
        let far = near.zoomed(centre, 1e-9, SIZE, room());
        assert_eq!(far.place(SIZE, room()).zoom, LEAST_EXTENT / 128.0);
    }

    #[test]
    fn a_fitted_picture_touches_the_room_and_is_centred() {
        let place = View::Fit.place(SIZE, room());
        let rect = place.rect(SIZE);
        near(rect.center(), room().fit.center());
        assert!((rect.width() - room().fit.width()).abs() < 0.01);
        let tall = Size::new(10, 4000);
        let rect = View::Fit.place(tall, room()).rect(tall);
        assert!((rect.height() - room().fit.height()).abs() < 0.01);
    }

    #[test]
    fn margins_that_leave_nothing_are_not_kept() {
        let area = Rect::from_min_size(Pos2::ZERO, vec2(100.0, 100.0));
        assert_eq!(Room::new(area, area.shrink(49.0)).fit, area);
    }

    #[test]
    fn panning_moves_the_picture_and_never_loses_it() {
        let start = View::Fit.place(SIZE, room()).origin;
        let moved = View::Fit.panned(vec2(13.0, -7.5), SIZE, room());
        near(moved.place(SIZE, room()).origin, start + vec2(13.0, -7.5));
        for direction in [vec2(1.0, 0.0), vec2(-1.0, 1.0), vec2(0.0, -1.0)] {
            let lost = moved.panned(direction * 1e6, SIZE, room());
            let rect = lost.place(SIZE, room()).rect(SIZE);
            let seen = rect.intersect(room().area);
            assert!(seen.width() >= 23.9 && seen.height() >= 23.9, "{seen:?}");
        }
    }

    #[test]
    fn actual_size_is_one_to_one_around_what_was_in_the_middle() {
        let view = View::Fit.zoomed(pos2(420.0, 300.0), 3.0, SIZE, room());
        let middle = view.place(SIZE, room()).to_picture(room().area.center());
        let actual = view.actual_size(SIZE, room());
        let place = actual.place(SIZE, room());
        assert!((place.zoom - 1.0).abs() < 1e-5);
        near(to_target(place, middle), room().area.center());
    }

    #[test]
    fn a_picture_of_another_resolution_stays_where_the_preview_was() {
        let view = View::Fit.zoomed(pos2(420.0, 300.0), 2.5, SIZE, room());
        let before = view.place(SIZE, room()).rect(SIZE);
        let larger = Size::new(384, 192);
        let after = view.resized(SIZE, larger).place(larger, room()).rect(larger);
        near(before.min, after.min);
        near(before.max, after.max);
        assert_eq!(view.resized(SIZE, Size::new(64, 128)), View::Fit);
    }

    #[test]
    fn drawn_corners_are_whole_pixels() {
        let place = View::Fit.panned(vec2(0.3, 0.4), SIZE, room()).place(SIZE, room());
        let drawn = place.snapped();
        assert_eq!(drawn.origin, drawn.origin.round());
        assert!((drawn.origin - place.origin).abs().max_elem() <= 0.5);
    }
}
