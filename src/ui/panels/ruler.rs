//! The ruler at the picture's left edge: a tick for each row, the words of each stretch of rows, and
//! the mark. Rows above the mark stay when the picture is drawn again.

use crate::state::{Action, RowAction, RowsShown, Stretch, Studio};
use crate::ui::theme::{self, Palette};
use egui::{
    Align2, CursorIcon, EventFilter, Key, Modifiers, Rect, Response, Sense, Shape, Stroke, Ui, WidgetInfo,
    pos2, vec2,
};

/// Room for the pointer, left of the picture.
const REACH: f32 = 58.0;
/// The same where the picture fills the canvas.
const INSIDE: f32 = 24.0;
/// Ticks nearer to each other than this would be a grey line.
const TICK_GAP: f32 = 4.0;

/// Where rows are, on the window.
struct Scale {
    picture: Rect,
    /// Where the pointer works it.
    area: Rect,
    rows: u32,
    is_inside: bool,
}

impl Scale {
    fn new(canvas: Rect, picture: Rect, rows: u32) -> Option<Self> {
        let is_inside = picture.left() - canvas.left() < REACH;
        let left = picture.left().max(canvas.left());
        let across = match is_inside {
            true => left..=left + INSIDE,
            false => left - REACH..=left,
        };
        let area = Rect::from_x_y_ranges(across, picture.y_range()).intersect(canvas);
        (area.is_positive() && rows > 0).then_some(Self {
            picture,
            area,
            rows,
            is_inside,
        })
    }

    /// The upper edge of a row.
    fn y(&self, row: u32) -> f32 {
        self.picture.top() + self.picture.height() * row as f32 / self.rows as f32
    }

    fn row_at(&self, y: f32) -> u32 {
        let part = (y - self.picture.top()) / self.picture.height().max(1.0);
        (part * self.rows as f32).floor().clamp(0.0, self.rows as f32) as u32
    }

    /// Where ticks and stretches end at the picture.
    fn edge(&self) -> f32 {
        match self.is_inside {
            true => self.area.left() + 10.0,
            false => self.picture.left() - 3.0,
        }
    }
}

pub(crate) fn show(ui: &mut Ui, studio: &Studio, (canvas, picture): (Rect, Rect), actions: &mut Vec<Action>) {
    let Some(rows) = studio.rows_shown().filter(|rows| rows.done > 0) else {
        return;
    };
    let Some(scale) = Scale::new(canvas, picture, rows.of) else {
        return;
    };
    let marked = studio.marked();
    let response = ui.interact(scale.area, ui.scope_id().with("ruler"), Sense::click_and_drag());
    let response = response.on_hover_cursor(CursorIcon::ResizeVertical);
    paint(ui, &scale, &rows, marked, &response);
    name(ui, &response, &rows, marked);
    if response.clicked() || response.dragged() {
        if let Some(at) = response.interact_pointer_pos() {
            let row = scale.row_at(at.y).min(rows.last());
            if marked != Some(row) {
                actions.push(RowAction::Mark(row).into());
            }
        } else {
            // Pressed by a key.
            actions.push(RowAction::Move(0).into());
        }
    }
    if response.has_focus() {
        keys(ui, &response, actions);
    }
    let pointed = response.hover_pos().map(|at| scale.row_at(at.y));
    response.on_hover_text(tip(&rows, pointed));
}

fn keys(ui: &Ui, response: &Response, actions: &mut Vec<Action>) {
    let filter = EventFilter {
        vertical_arrows: true,
        ..EventFilter::default()
    };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let times = |key| ui.input_mut(|input| input.count_and_consume_key(Modifiers::NONE, key)) as i32;
    let by = times(Key::ArrowDown) - times(Key::ArrowUp);
    if by != 0 {
        actions.push(RowAction::Move(by).into());
    }
}

/// What is said of the row under the pointer.
fn tip(rows: &RowsShown, pointed: Option<u32>) -> String {
    let mut words = String::new();
    if let Some(stretch) = pointed
        .and_then(|row| rows.at(row))
        .filter(|_| rows.stretches.len() > 1)
    {
        words = told(stretch) + "\n";
    }
    words
        + "Drag to a row, or press on one: what is above stays, the rest can be drawn again (Alt+\u{2191}, Alt+\u{2193})"
}

/// `From row 6: a cat at night`.
fn told(stretch: &Stretch) -> String {
    let mut words = format!("From row {}: {}", stretch.from_row, stretch.prompt.trim());
    if let Some(band) = &stretch.band {
        let cfg = band.sampling.cfg.map(|cfg| format!(", guidance {cfg:.1}"));
        let variety = band.sampling.temperature.map(|t| format!(", variety {t:.2}"));
        words += &format!(
            ", seed {}{}{}",
            band.seed,
            cfg.unwrap_or_default(),
            variety.unwrap_or_default()
        );
    }
    words
}

fn paint(ui: &Ui, scale: &Scale, rows: &RowsShown, marked: Option<u32>, response: &Response) {
    let palette = Palette::of(ui);
    let painter = ui.painter();
    let edge = scale.edge();
    let is_used = response.hovered() || response.dragged() || response.has_focus();
    let colour = if is_used { palette.dim } else { palette.stroke };
    if scale.picture.height() / scale.rows as f32 >= TICK_GAP {
        for row in 0..=scale.rows {
            let y = scale.y(row);
            if scale.area.y_range().contains(y) {
                let long = if row % 4 == 0 { 7.0 } else { 4.0 };
                painter.hline(edge - long..=edge, y, (1.0, colour));
            }
        }
    }
    for (index, stretch) in rows.stretches.iter().enumerate().skip(1) {
        let end = rows
            .stretches
            .get(index + 1)
            .map_or(rows.of, |next| next.from_row);
        let bar = Rect::from_x_y_ranges(
            edge - 12.0..=edge - 9.0,
            scale.y(stretch.from_row) + 1.0..=scale.y(end) - 1.0,
        );
        let colour = match index % 2 {
            1 => palette.accent,
            _ => palette.dim,
        };
        painter.rect_filled(bar.intersect(scale.area), 1, colour);
    }
    let Some(row) = marked else { return };
    let y = scale.y(row);
    let line = Stroke::new(2.0, palette.accent);
    // What will go stands back.
    let below = scale.picture.with_min_y(y);
    let seen = painter.with_clip_rect(ui.clip_rect().intersect(ui.max_rect()));
    seen.rect_filled(below, 0, palette.canvas.gamma_multiply(0.55));
    seen.hline(scale.picture.x_range(), y, line);
    if !scale.area.expand(1.0).y_range().contains(y) {
        return;
    }
    let tip = pos2(edge, y);
    let corners = vec![tip - vec2(9.0, 6.5), tip, tip - vec2(9.0, -6.5)];
    seen.add(Shape::convex_polygon(corners, palette.accent, Stroke::NONE));
    let (at, anchor) = match scale.is_inside {
        true => (tip + vec2(6.0, 10.0), Align2::LEFT_CENTER),
        false => (tip - vec2(13.0, 0.0), Align2::RIGHT_CENTER),
    };
    let font = theme::medium(theme::LABEL);
    let words = seen.layout_no_wrap(format!("row {row}"), font, palette.accent);
    let place = anchor.anchor_size(at, words.size());
    // Over the number of the row being drawn.
    seen.rect_filled(place.expand2(vec2(3.0, 1.0)), 3, palette.canvas);
    seen.galley(place.min, words, palette.accent);
}

/// For those who do not see it.
fn name(ui: &Ui, response: &Response, rows: &RowsShown, marked: Option<u32>) {
    let value = f64::from(marked.unwrap_or(rows.done));
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::slider(enabled, value, "Ruler: the row from which to draw again"));
    let stretches: Vec<String> = rows.stretches.iter().map(told).collect();
    let words = format!("{} of {} rows. {}", rows.done, rows.of, stretches.join(". "));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_description(words);
        node.set_min_numeric_value(0.0);
        node.set_max_numeric_value(f64::from(rows.last()));
    });
}
