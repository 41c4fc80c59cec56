//! The canvas as a widget: what pointer and keys do, and what is told of it.

use super::overlay::Overlay;
use super::view::{Placement, Room, extent};
use super::{Canvas, CanvasResponse, CanvasTools, Fade, Gesture, Held, LONGEST_SIDE, Tool};
use crate::pixels::Size;
use egui::{
    EventFilter, Key, MouseWheelSource, PointerButton, Pos2, Rect, Response, Role, Sense, Vec2, vec2,
};

const FADE_SECS: f64 = 0.12;
/// Points moved by an arrow key.
const ARROW_STEP: f32 = 32.0;
const KEY_ZOOM: f32 = 1.25;
/// By a notch of the wheel.
const WHEEL_ZOOM: f32 = 1.2;
/// Points that a line and a page are scrolled.
const LINE: f32 = 40.0;
const PAGE: f32 = 400.0;
/// Of the width, by an arrow key.
const SLIDER_STEP: f32 = 0.02;

impl Canvas {
    /// Shows the canvas in all the room there is and says what the user did on it.
    pub fn ui(&mut self, ui: &mut egui::Ui, tools: &CanvasTools) -> CanvasResponse {
        let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::drag());
        self.respect_limit(ui.input(|input| input.max_texture_side));
        let point = ui.ctx().pixels_per_point();
        let room = Room::new(scaled(rect, point), scaled(rect - tools.margin, point));
        self.room = Some(room);
        let mut told = CanvasResponse {
            pointer: None,
            code: None,
            gestures: Vec::new(),
            note: self.note(),
            place: None,
            response,
        };
        if let Some(size) = self.size() {
            let scene = Scene {
                size,
                room,
                point,
                tool: tools.tool,
            };
            self.steer(ui, &told.response, &scene);
            self.hold(ui, &told.response, &scene);
            let place = self.view.place(size, room).snapped();
            self.zoom = place.zoom;
            told.place = Some(scaled(place.rect(size), 1.0 / point));
            self.point_at(ui, &mut told, size, point);
            let fade = self.faded(ui, tools.reduced_motion);
            self.show(ui, tools, &scene, (place, fade));
            if ui.is_rect_visible(rect) {
                self.overlay(ui, tools, &told.response, place).paint();
            }
        } else {
            self.let_go();
        }
        told.gestures = std::mem::take(&mut self.steps);
        self.name(ui, &told.response);
        told
    }

    fn respect_limit(&mut self, side: usize) {
        let limit = (side as u32).clamp(1, LONGEST_SIDE);
        let shrinks = limit < self.limit;
        self.limit = limit;
        if !shrinks {
            return;
        }
        let compared = self
            .comparison
            .iter_mut()
            .flat_map(|c| [&mut c.before, &mut c.after]);
        let layers = self.picture.iter_mut().chain(&mut self.former).chain(compared);
        for layer in layers.chain(self.mask.iter_mut().map(|veil| &mut veil.layer)) {
            layer.respect(&mut self.stamps, limit);
        }
        if let Some(drawing) = &mut self.drawing {
            drawing.respect(&mut self.stamps, limit);
        }
    }

    fn note(&self) -> Option<String> {
        let shown = self
            .comparison
            .as_ref()
            .map(|c| &c.after)
            .or(self.picture.as_ref())?;
        let times = shown.reduced;
        (times > 1).then(|| {
            format!(
                "Shown at 1/{times} of its {} pixels: that is the largest this graphics device can show",
                shown.size
            )
        })
    }

    /// Zoom and pan.
    fn steer(&mut self, ui: &egui::Ui, response: &Response, scene: &Scene) {
        let Scene {
            size, room, point, ..
        } = *scene;
        let over = response.contains_pointer();
        if let Some(cursor) = ui.input(|i| i.pointer.latest_pos()).filter(|_| over) {
            let at = on_target(cursor, point);
            let (zoom, turned, fingers) = ui.input(|i| {
                let fingers = i
                    .multi_touch()
                    .map_or(Vec2::ZERO, |touch| touch.translation_delta);
                (i.zoom_delta(), Turned::of(&i.events), fingers)
            });
            let zoom = zoom * WHEEL_ZOOM.powf(turned.notches);
            if zoom != 1.0 {
                self.view = self.view.zoomed(at, zoom, size, room);
            }
            let scroll = turned.scroll;
            // What is seen as a whole is not scrolled away.
            let shown = self.view.place(size, room).rect(size);
            let overflows = |low: bool, high: bool| if low || high { 1.0 } else { 0.0 };
            let scroll = scroll
                * vec2(
                    overflows(shown.left() < room.area.left(), shown.right() > room.area.right()),
                    overflows(shown.top() < room.area.top(), shown.bottom() > room.area.bottom()),
                );
            if scroll + fingers != Vec2::ZERO {
                self.view = self.view.panned((scroll + fingers) * point, size, room);
            }
        }
        if response.has_focus() {
            self.steer_by_keys(ui, response, scene);
        }
    }

    fn steer_by_keys(&mut self, ui: &egui::Ui, response: &Response, scene: &Scene) {
        let Scene {
            size, room, point, ..
        } = *scene;
        let arrows = EventFilter {
            horizontal_arrows: true,
            vertical_arrows: true,
            ..EventFilter::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
        let times = |key| ui.input(|i| i.num_presses(key)) as f32;
        let right = times(Key::ArrowRight) - times(Key::ArrowLeft);
        let down = times(Key::ArrowDown) - times(Key::ArrowUp);
        let closer = times(Key::Plus) + times(Key::Equals) - times(Key::Minus);
        if let Some(comparison) = &mut self.comparison {
            comparison.split = (comparison.split + right * SLIDER_STEP).clamp(0.0, 1.0);
        } else if right != 0.0 || down != 0.0 {
            let delta = -vec2(right, down) * ARROW_STEP * point;
            self.view = self.view.panned(delta, size, room);
        }
        if closer != 0.0 {
            let factor = KEY_ZOOM.powf(closer);
            self.view = self.view.zoomed(room.area.center(), factor, size, room);
        }
    }

    /// Begins, continues and ends what a pressed button does.
    fn hold(&mut self, ui: &egui::Ui, response: &Response, scene: &Scene) {
        let place = self.view.place(scene.size, scene.room).snapped();
        let cursor = response
            .interact_pointer_pos()
            .or(ui.input(|i| i.pointer.latest_pos()));
        let in_picture = |at: Pos2| <[f32; 2]>::from(place.to_picture(on_target(at, scene.point)));
        if response.drag_started()
            && let Some(cursor) = cursor
        {
            self.let_go();
            let pressed = in_picture(ui.input(|i| i.pointer.press_origin()).unwrap_or(cursor));
            let held = self.taken_up(ui, response, scene, pressed);
            if matches!(held, Held::Stroke { .. }) {
                self.steps.push(Gesture::Press(pressed));
                self.stroke = vec![pressed];
            }
            self.held = Some(held);
        }
        if self.held.is_none()
            && scene.tool != Tool::None
            && self.comparison.is_none()
            && is_dab(ui, response)
        {
            let points = passed(ui);
            self.steps
                .extend(points.first().map(|at| Gesture::Press(in_picture(*at))));
            let rest = points.iter().skip(1).map(|at| Gesture::Drag(in_picture(*at)));
            self.steps.extend(rest);
            self.steps
                .extend(points.last().map(|at| Gesture::Release(in_picture(*at))));
        }
        match self.held {
            Some(Held::Pan) => {
                let delta = response.drag_delta() * scene.point;
                if delta != Vec2::ZERO {
                    self.view = self.view.panned(delta, scene.size, scene.room);
                }
            }
            Some(Held::Slider) => {
                if let (Some(comparison), Some(cursor)) = (&mut self.comparison, cursor) {
                    let across = in_picture(cursor)[0] / extent(scene.size).x;
                    comparison.split = across.clamp(0.0, 1.0);
                }
            }
            Some(Held::Stroke { last }) => {
                let mut last = last;
                for at in passed(ui).into_iter().map(in_picture) {
                    if at != last {
                        self.steps.push(Gesture::Drag(at));
                        self.stroke.push(at);
                        last = at;
                    }
                }
                self.held = Some(Held::Stroke { last });
            }
            None => {}
        }
        if !response.dragged() || response.drag_stopped() {
            self.let_go();
        }
    }

    /// What a press just now is for.
    fn taken_up(&self, ui: &egui::Ui, response: &Response, scene: &Scene, pressed: [f32; 2]) -> Held {
        let primary = response.drag_started_by(PointerButton::Primary);
        if !primary || space_is_down(ui) {
            Held::Pan
        } else if self.comparison.is_some() {
            Held::Slider
        } else if scene.tool != Tool::None {
            Held::Stroke { last: pressed }
        } else {
            Held::Pan
        }
    }

    /// Ends what a button did; a stroke gets its `Release`.
    fn let_go(&mut self) {
        if let Some(Held::Stroke { last }) = self.held.take() {
            self.steps.push(Gesture::Release(last));
            self.stroke.clear();
        }
    }

    /// Pixel and code under the cursor.
    fn point_at(&self, ui: &egui::Ui, told: &mut CanvasResponse, size: Size, point: f32) {
        let Some(room) = self.room else { return };
        let place = self.view.place(size, room).snapped();
        let cursor = ui.input(|i| i.pointer.latest_pos());
        let Some(cursor) = cursor.filter(|_| told.response.contains_pointer()) else {
            return;
        };
        let at = place.to_picture(on_target(cursor, point));
        let part = at / extent(size);
        if part.min_elem() >= 0.0 && part.max_elem() < 1.0 {
            told.pointer = Some(at.into());
            let drawing = self.drawing.as_ref();
            told.code = drawing.and_then(|drawing| drawing.code_at(part.x, part.y));
        }
    }

    /// How far the picture has replaced what was there, 0 to 1.
    fn faded(&mut self, ui: &egui::Ui, reduced_motion: bool) -> f32 {
        let now = ui.input(|i| i.time);
        if self.fade == Fade::Due {
            self.fade = Fade::Since(now);
        }
        if let Fade::Since(began) = self.fade {
            let part = (now - began) / FADE_SECS;
            if part < 1.0 && !reduced_motion {
                ui.ctx().request_repaint();
                return part.max(0.0) as f32;
            }
            self.fade = Fade::Done;
            self.former = None;
        }
        1.0
    }

    fn overlay<'a>(
        &'a self,
        ui: &'a egui::Ui,
        tools: &'a CanvasTools,
        response: &'a Response,
        place: Placement,
    ) -> Overlay<'a> {
        let size = self.size().unwrap_or(Size::new(1, 1));
        let point = ui.ctx().pixels_per_point();
        let live = self.comparison.is_none() && self.picture.is_none();
        Overlay {
            ui,
            tools,
            response,
            picture: scaled(place.rect(size), 1.0 / point),
            scale: place.zoom / point,
            is_panning: self.held == Some(Held::Pan) || (space_is_down(ui) && response.hovered()),
            split: self.comparison.as_ref().map(|c| c.split),
            sides: &self.sides,
            progress: self
                .drawing
                .as_ref()
                .filter(|drawing| live && drawing.frontier().is_some() && !drawing.fills_a_hole())
                .map(|drawing| drawing.progress()),
            stroke: &self.stroke,
        }
    }

    /// Name and state for assistive technology.
    fn name(&self, ui: &egui::Ui, response: &Response) {
        let enabled = ui.is_enabled();
        response.widget_info(|| egui::WidgetInfo::labeled(Role::Canvas, enabled, "Canvas"));
        let state = match (self.size(), &self.drawing) {
            (None, _) => "empty".to_owned(),
            (Some(size), _) if self.comparison.is_some() => format!("comparing two pictures, {size} pixels"),
            (Some(size), _) if self.picture.is_some() => format!("a picture of {size} pixels"),
            (Some(size), Some(drawing)) if drawing.fills_a_hole() => {
                format!("a picture of {size} pixels, drawn over where the mask is")
            }
            (Some(_), Some(drawing)) => {
                let (done, rows) = drawing.progress();
                format!("drawing, row {done} of {rows}")
            }
            (Some(size), None) => format!("an empty sheet of {size} pixels"),
        };
        ui.ctx()
            .accesskit_node_builder(response.id, |node| node.set_description(state));
    }
}

/// What one frame's input refers to.
#[derive(Clone, Copy)]
pub(super) struct Scene {
    pub(super) size: Size,
    pub(super) room: Room,
    /// Physical pixels a point.
    pub(super) point: f32,
    pub(super) tool: Tool,
}

pub(super) fn scaled(rect: Rect, factor: f32) -> Rect {
    Rect::from_min_max(
        (rect.min.to_vec2() * factor).to_pos2(),
        (rect.max.to_vec2() * factor).to_pos2(),
    )
}

fn on_target(at: Pos2, point: f32) -> Pos2 {
    (at.to_vec2() * point).to_pos2()
}

/// What the wheel and the touchpad did in one frame.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Turned {
    /// Of a wheel, away from the user.
    notches: f32,
    /// Of a touchpad, or of a wheel with Shift, in points.
    scroll: Vec2,
}

impl Turned {
    /// Where the system does not say which it was: wheels tell whole notches, fine ones eighths;
    /// touchpads tell points, or any part of a line. With Ctrl both zoom, which egui has seen to.
    fn of(events: &[egui::Event]) -> Self {
        let mut turned = Self::default();
        for event in events {
            let egui::Event::MouseWheel {
                unit,
                delta,
                source,
                modifiers,
                ..
            } = event
            else {
                continue;
            };
            let points = match unit {
                egui::MouseWheelUnit::Point => *delta,
                egui::MouseWheelUnit::Line => *delta * LINE,
                egui::MouseWheelUnit::Page => *delta * PAGE,
            };
            let is_wheel = match source {
                MouseWheelSource::Wheel => true,
                MouseWheelSource::Trackpad | MouseWheelSource::Momentum => false,
                MouseWheelSource::Unknown => {
                    *unit == egui::MouseWheelUnit::Line && delta.x == 0.0 && (8.0 * delta.y).fract() == 0.0
                }
            };
            match (modifiers.command || modifiers.ctrl, modifiers.shift) {
                (true, _) => {}
                (false, true) => turned.scroll += vec2(points.x + points.y, 0.0),
                (false, false) if is_wheel => turned.notches += delta.y,
                (false, false) => turned.scroll += points,
            }
        }
        turned
    }
}

/// Space moves the picture unless it is being typed.
fn space_is_down(ui: &egui::Ui) -> bool {
    ui.input(|i| i.key_down(Key::Space)) && !ui.ctx().text_edit_focused()
}

/// A press that was released within one frame, which is no drag to egui.
fn is_dab(ui: &egui::Ui, response: &Response) -> bool {
    let button = PointerButton::Primary;
    response.contains_pointer()
        && !space_is_down(ui)
        && ui.input(|i| {
            let pointer = &i.pointer;
            pointer.button_pressed(button) && pointer.button_released(button) && !pointer.button_down(button)
        })
}

/// The points the pointer passed since the last frame: from a press on (its own place first) and
/// up to a release, where there was one.
fn passed(ui: &egui::Ui) -> Vec<Pos2> {
    ui.input(|i| {
        let mut points = Vec::new();
        for event in &i.events {
            match event {
                egui::Event::PointerMoved(at) => points.push(*at),
                egui::Event::PointerButton {
                    pos,
                    button: PointerButton::Primary,
                    pressed,
                    ..
                } => match pressed {
                    true => points = vec![*pos],
                    false => break,
                },
                _ => {}
            }
        }
        points
    })
}
