//! Pictures that come in from outside: dropped, pasted, named as text.

use crate::pixels::{Pixels, Size};
use crate::state::{Action, Answer, FileAction, Opened, Photo, Studio, Tab, Target};
use egui::{Context, Event, Pos2, Rect};
use std::path::PathBuf;
use std::sync::Arc;

/// How long a drop waits to hear where the pointer is, in seconds. While something is dragged the
/// pointer belongs to the program it comes from; on X11 it is told of again just after the drop.
const PATIENCE_SECS: f64 = 0.4;

/// Where in the window what can be dropped; made anew in every frame.
#[derive(Debug, Default)]
pub(crate) struct Zones {
    places: Vec<(Rect, Target)>,
    waiting: Waiting,
}

/// What was dropped while nobody knew where the pointer was.
#[derive(Debug, Default)]
struct Waiting {
    paths: Vec<PathBuf>,
    /// Since when, in seconds of the window's clock.
    since: f64,
}

impl Waiting {
    /// Those that can be routed: the pointer is known, or it has been waited for long enough.
    fn ripe(&mut self, now: f64, pointer: Option<Pos2>) -> Vec<PathBuf> {
        if pointer.is_some() || now - self.since >= PATIENCE_SECS {
            return std::mem::take(&mut self.paths);
        }
        Vec::new()
    }

    fn add(&mut self, paths: Vec<PathBuf>, now: f64) {
        if self.paths.is_empty() {
            self.since = now;
        }
        self.paths.extend(paths);
    }
}

impl Zones {
    pub(crate) fn clear(&mut self) {
        self.places.clear();
    }

    pub(crate) fn add(&mut self, rect: Rect, target: Target) {
        self.places.push((rect, target));
    }

    /// The place under the pointer. Some systems do not say where the pointer is while something
    /// is dragged; then the mode decides.
    fn target(&self, at: Option<Pos2>, tab: Tab) -> Target {
        let hit = at.and_then(|at| self.places.iter().rev().find(|(rect, _)| rect.contains(at)));
        match (hit, tab) {
            (Some((_, Target::Canvas)) | None, tab) => by_tab(tab),
            (Some((_, target)), _) => *target,
        }
    }
}

/// What a picture is for when it lands on the canvas.
pub(crate) fn by_tab(tab: Tab) -> Target {
    match tab {
        Tab::Create | Tab::Pair | Tab::Edit => Target::Canvas,
        Tab::Subject => Target::Reference,
        Tab::Control => Target::Map,
        Tab::Predict => Target::Predict,
    }
}

/// Pictures dropped or pasted since the last frame.
pub(crate) fn incoming(ctx: &Context, zones: &mut Zones, studio: &Studio) -> Vec<Action> {
    let mut actions = dropped(ctx, zones, studio.draft.tab);
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
                    actions.push(Answer::Opened(Box::new(opened), by_tab(studio.draft.tab)).into());
                }
            }
            Event::Paste(text) if !typing => {
                let named = paths(&text).into_iter();
                actions.extend(
                    named.map(|path| Action::Files(FileAction::Open(path, by_tab(studio.draft.tab)))),
                );
            }
            _ => {}
        }
    }
    actions
}

/// Pictures dropped, each with the place it was dropped on.
fn dropped(ctx: &Context, zones: &mut Zones, tab: Tab) -> Vec<Action> {
    let (now, new) = ctx.input(|input| {
        let files = input.raw.dropped_files.iter();
        let paths: Vec<PathBuf> = files.map(|file| file.path().to_owned()).collect();
        (input.time, paths)
    });
    zones.waiting.add(new, now);
    let at = ctx.pointer_latest_pos();
    let ripe = zones.waiting.ripe(now, at);
    if !zones.waiting.paths.is_empty() {
        ctx.request_repaint_after_secs(PATIENCE_SECS as f32 / 8.0);
    }
    let target = zones.target(at, tab);
    ripe.into_iter()
        .map(|path| Action::Files(FileAction::Open(path, target)))
        .collect()
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
    fn a_drop_waits_for_the_pointer_but_not_for_long() {
        let path = || vec![PathBuf::from("/tmp/a.png")];
        let mut waiting = Waiting::default();
        waiting.add(path(), 5.0);
        assert!(waiting.ripe(5.0, None).is_empty());
        waiting.add(Vec::new(), 5.3);
        assert!(waiting.ripe(5.3, None).is_empty());
        assert_eq!(
            waiting.ripe(5.3, Some(pos2(1.0, 1.0))),
            path(),
            "the pointer came back"
        );
        waiting.add(path(), 6.0);
        assert_eq!(waiting.ripe(6.0 + PATIENCE_SECS, None), path(), "it did not");
        assert!(
            waiting.ripe(9.0, Some(pos2(1.0, 1.0))).is_empty(),
            "once is enough"
        );
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
