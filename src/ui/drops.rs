//! Pictures that come in from outside: dropped, pasted, named as text.

use crate::pixels::{Pixels, Size};
use crate::state::{Action, Opened, Photo, Studio, Tab, Target};
use egui::{Context, Event, Pos2, Rect};
use std::path::PathBuf;
use std::sync::Arc;

/// Where in the window what can be dropped; made anew in every frame.
#[derive(Debug, Default)]
pub(super) struct Zones(Vec<(Rect, Target)>);

impl Zones {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn add(&mut self, rect: Rect, target: Target) {
        self.0.push((rect, target));
    }

    /// The place under the pointer. Some systems do not say where the pointer is while something
    /// is dragged; then the mode decides.
    fn target(&self, at: Option<Pos2>, tab: Tab) -> Target {
        let hit = at.and_then(|at| self.0.iter().rev().find(|(rect, _)| rect.contains(at)));
        match (hit, tab) {
            (Some((_, Target::Canvas)) | None, tab) => by_tab(tab),
            (Some((_, target)), _) => *target,
        }
    }
}

/// What a picture is for when it lands on the canvas.
pub(super) fn by_tab(tab: Tab) -> Target {
    match tab {
        Tab::Create | Tab::Pair | Tab::Edit => Target::Canvas,
        Tab::Subject => Target::Reference,
        Tab::Control => Target::Map,
        Tab::Predict => Target::Predict,
    }
}

/// Pictures dropped or pasted since the last frame.
pub(super) fn incoming(ctx: &Context, zones: &Zones, studio: &Studio) -> Vec<Action> {
    let at = ctx.pointer_latest_pos();
    let target = zones.target(at, studio.draft.tab);
    let mut actions = Vec::new();
    let dropped: Vec<PathBuf> = ctx.input(|input| {
        let files = input.raw.dropped_files.iter();
        files.map(|file| file.path().to_owned()).collect()
    });
    actions.extend(dropped.into_iter().map(|path| Action::Open(path, target)));
    let typing = ctx.text_edit_focused();
    let events = ctx.input(|input| input.events.clone());
    for event in events {
        match event {
            Event::PasteImage(image) => {
                let size = Size::new(image.size[0] as u32, image.size[1] as u32);
                let over_white = |pixel: &egui::Color32| {
                    let white = 255 - pixel.a();
                    [pixel.r(), pixel.g(), pixel.b()].map(|value| value.saturating_add(white))
                };
                let rgb = image.pixels.iter().flat_map(over_white).collect();
                if let Some(pixels) = Pixels::new(size, rgb) {
                    let opened = Opened {
                        photo: Photo::new("pasted", Arc::new(pixels)),
                        path: None,
                        task: None,
                    };
                    actions.push(Action::Opened(Box::new(opened), by_tab(studio.draft.tab)));
                }
            }
            Event::Paste(text) if !typing => {
                let named = paths(&text).into_iter();
                actions.extend(named.map(|path| Action::Open(path, by_tab(studio.draft.tab))));
            }
            _ => {}
        }
    }
    actions
}

/// The files a text names: a list of `file://` addresses or a path.
fn paths(text: &str) -> Vec<PathBuf> {
    let named = |line: &str| {
        let line = line.trim();
        match line.strip_prefix("file://") {
            Some(rest) => Some(PathBuf::from(unescaped(rest.trim_start_matches("localhost")))),
            None => Some(PathBuf::from(line)).filter(|path| path.is_absolute() && path.is_file()),
        }
    };
    text.lines().filter_map(named).collect()
}

/// `%20` and its like, undone.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::pos2;

    #[test]
    fn a_drop_goes_where_it_lands() {
        let mut zones = Zones::default();
        zones.add(
            Rect::from_min_max(pos2(300.0, 0.0), pos2(900.0, 600.0)),
            Target::Canvas,
        );
        zones.add(
            Rect::from_min_max(pos2(0.0, 100.0), pos2(300.0, 200.0)),
            Target::Settings,
        );
        zones.add(
            Rect::from_min_max(pos2(0.0, 300.0), pos2(300.0, 400.0)),
            Target::Reference,
        );
        let at = |x, y, tab| zones.target(Some(pos2(x, y)), tab);
        assert_eq!(at(400.0, 50.0, Tab::Create), Target::Canvas);
        assert_eq!(at(400.0, 50.0, Tab::Predict), Target::Predict);
        assert_eq!(at(10.0, 150.0, Tab::Edit), Target::Settings);
        assert_eq!(at(10.0, 350.0, Tab::Subject), Target::Reference);
        assert_eq!(zones.target(None, Tab::Control), Target::Map);
    }

    #[test]
    fn addresses_become_paths() {
        let text = "file:///tmp/a%20b.png\r\nfile://localhost/tmp/c%C3%A4.png\n\nno such thing";
        assert_eq!(
            paths(text),
            [PathBuf::from("/tmp/a b.png"), PathBuf::from("/tmp/cä.png")]
        );
        assert_eq!(unescaped("100%"), "100%");
    }
}
