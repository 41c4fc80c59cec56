//! What stands on and beside the picture: row number, brush outline, stroke, comparison handle.
//!
//! Everything in points. Outlines are white with a dark rim, so that they are seen on any ground.

use super::{CanvasTools, Tool};
use egui::{
    Align2, Color32, CursorIcon, FontId, Pos2, Rect, Response, Shape, Stroke, StrokeKind, pos2, vec2,
};

const RIM: Color32 = Color32::from_black_alpha(170);
const LABEL_SIZE: f32 = 11.5;
const KNOB: f32 = 12.0;

pub(super) struct Overlay<'a> {
    pub(super) ui: &'a egui::Ui,
    pub(super) tools: &'a CanvasTools,
    pub(super) response: &'a Response,
    /// The picture on the window.
    pub(super) picture: Rect,
    /// Points a picture pixel.
    pub(super) scale: f32,
    pub(super) is_panning: bool,
    pub(super) split: Option<f32>,
    pub(super) sides: &'a [String; 2],
    /// Rows committed and rows, while drawing.
    pub(super) progress: Option<(u32, u32)>,
    /// The running stroke, in picture pixels.
    pub(super) stroke: &'a [[f32; 2]],
}

impl Overlay<'_> {
    pub(super) fn paint(&self) {
        let colours = &self.tools.colours;
        let painter = self.painter();
        painter.rect_stroke(
            self.picture,
            0.0,
            Stroke::new(1.0, colours.stroke),
            StrokeKind::Outside,
        );
        if let Some((row, rows)) = self.progress {
            self.row_number(row, rows);
        }
        if let Some(split) = self.split {
            self.handle(split);
        }
        self.running_stroke();
        self.cursor();
        if self.response.has_focus() {
            let inside = self.response.rect.shrink(1.0);
            painter.rect_stroke(inside, 2.0, Stroke::new(1.0, colours.accent), StrokeKind::Inside);
        }
    }

    fn painter(&self) -> egui::Painter {
        self.ui.painter_at(self.response.rect)
    }

    /// The frontier's row number with its arrow, left of the picture; inside where there is no room.
    fn row_number(&self, row: u32, rows: u32) {
        let colours = &self.tools.colours;
        let painter = self.painter();
        let area = self.response.rect;
        let part = row as f32 / rows.max(1) as f32;
        let y = self.picture.top() + part * self.picture.height();
        if y < area.top() || y > area.bottom() {
            return;
        }
        let galley = painter.layout_no_wrap(
            format!("row {row}"),
            FontId::proportional(LABEL_SIZE),
            colours.accent,
        );
        let size = galley.size();
        let arrow = 9.0;
        let outside = self.picture.left() - area.left() >= size.x + arrow + 16.0;
        if outside {
            let tip = pos2(self.picture.left() - 4.0, y);
            let back = tip.x - arrow;
            let corners = vec![pos2(back, y - 6.5), tip, pos2(back, y + 6.5)];
            painter.add(Shape::convex_polygon(corners, colours.accent, Stroke::NONE));
            let at = pos2(back - 4.0 - size.x, y - size.y / 2.0);
            painter.galley(at, galley, colours.accent);
        } else {
            let left = self.picture.left().max(area.left()) + 4.0;
            // Below the line, above it at the bottom.
            let below = y + 4.0 + size.y < area.bottom().min(self.picture.bottom() + size.y);
            let top = if below { y + 4.0 } else { y - 4.0 - size.y };
            let ground = Rect::from_min_size(pos2(left, top), size).expand2(vec2(4.0, 1.0));
            painter.rect_filled(ground, 4.0, colours.panel);
            painter.galley(pos2(left, top), galley, colours.accent);
        }
    }

    /// The line between two compared pictures and its knob.
    fn handle(&self, split: f32) {
        let painter = self.painter();
        let x = self.picture.left() + split * self.picture.width();
        let seen = self.picture.intersect(self.response.rect);
        painter.vline(x, seen.y_range(), Stroke::new(3.0, RIM));
        painter.vline(x, seen.y_range(), Stroke::new(1.5, Color32::WHITE));
        let knob = pos2(x, seen.center().y);
        painter.circle(knob, KNOB, Color32::WHITE, Stroke::new(1.0, RIM));
        for side in [-1.0, 1.0] {
            let tip = knob + vec2(side * 7.5, 0.0);
            let back = tip.x - side * 4.0;
            let corners = vec![pos2(back, tip.y - 4.0), tip, pos2(back, tip.y + 4.0)];
            painter.add(Shape::line(
                corners,
                Stroke::new(1.5, Color32::from_black_alpha(200)),
            ));
        }
        for (text, x, anchor) in [
            (&self.sides[0], seen.left() + 8.0, Align2::LEFT_TOP),
            (&self.sides[1], seen.right() - 8.0, Align2::RIGHT_TOP),
        ] {
            let font = FontId::proportional(LABEL_SIZE);
            let galley = painter.layout_no_wrap(text.clone(), font, self.tools.colours.text);
            let at = anchor.anchor_size(pos2(x, seen.top() + 8.0), galley.size());
            painter.rect_filled(at.expand2(vec2(6.0, 2.0)), 6.0, self.tools.colours.panel);
            painter.galley(at.min, galley, self.tools.colours.text);
        }
    }

    /// The outline of a rectangle or lasso that is being drawn.
    fn running_stroke(&self) {
        let (Some(&first), Some(&last)) = (self.stroke.first(), self.stroke.last()) else {
            return;
        };
        let mut points: Vec<Pos2> = match self.tools.tool {
            Tool::Rectangle => {
                let corners = [first, [last[0], first[1]], last, [first[0], last[1]], first];
                corners.map(|at| self.on_window(at)).into()
            }
            Tool::Lasso => self.stroke.iter().map(|at| self.on_window(*at)).collect(),
            Tool::None | Tool::Brush { .. } | Tool::Eraser { .. } => return,
        };
        if self.tools.tool == Tool::Lasso {
            points.push(self.on_window(first));
        }
        let painter = self.painter();
        painter.add(Shape::line(points.clone(), Stroke::new(3.0, RIM)));
        painter.extend(Shape::dashed_line(
            &points,
            Stroke::new(1.5, Color32::WHITE),
            5.0,
            3.0,
        ));
    }

    /// The brush's outline, and the pointer's shape.
    fn cursor(&self) {
        let Some(at) = self.ui.input(|i| i.pointer.latest_pos()) else {
            return;
        };
        if !self.response.contains_pointer() && self.stroke.is_empty() {
            return;
        }
        let icon = match self.tools.tool {
            _ if self.is_panning && self.response.dragged() => CursorIcon::Grabbing,
            _ if self.is_panning => CursorIcon::Grab,
            _ if self.split.is_some() => CursorIcon::ResizeHorizontal,
            Tool::None => CursorIcon::Default,
            // Beside the picture there is nothing to paint on.
            _ if self.stroke.is_empty() && !self.picture.contains(at) => CursorIcon::Default,
            Tool::Rectangle | Tool::Lasso => CursorIcon::Crosshair,
            Tool::Brush { diameter } | Tool::Eraser { diameter } => {
                self.brush(at, diameter);
                CursorIcon::None
            }
        };
        self.ui.ctx().set_cursor_icon(icon);
    }

    fn brush(&self, at: Pos2, diameter: f32) {
        let painter = self.painter();
        // A brush of a few points would hide under its own outline.
        let radius = (diameter * self.scale / 2.0).max(2.0);
        painter.circle_stroke(at, radius, Stroke::new(3.0, RIM));
        painter.circle_stroke(at, radius, Stroke::new(1.5, Color32::WHITE));
        if matches!(self.tools.tool, Tool::Eraser { .. }) && radius > 8.0 {
            let reach = vec2(3.0, 0.0);
            painter.line_segment([at - reach, at + reach], Stroke::new(3.0, RIM));
            painter.line_segment([at - reach, at + reach], Stroke::new(1.5, Color32::WHITE));
        }
    }

    fn on_window(&self, at: [f32; 2]) -> Pos2 {
        self.picture.min + vec2(at[0], at[1]) * self.scale
    }
}
