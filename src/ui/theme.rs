//! Colours, sizes and fonts of the window; nowhere else.
//!
//! `accent` means "selected" or "going on", `faint` only what may be missed.

use super::canvas::CanvasColours;
use egui::{
    Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, RichText, Stroke, Style,
    TextStyle, Theme, Ui, Vec2, Visuals, vec2,
};
use std::sync::Arc;

/// One colour for each role.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Palette {
    pub canvas: Color32,
    pub panel: Color32,
    pub raised: Color32,
    pub field: Color32,
    pub stroke: Color32,
    pub text: Color32,
    pub dim: Color32,
    pub faint: Color32,
    pub accent: Color32,
    pub on_accent: Color32,
    pub accent_soft: Color32,
    pub danger: Color32,
    pub ok: Color32,
    pub mask: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

pub const DARK: Palette = Palette {
    canvas: rgb(0x101113),
    panel: rgb(0x17181B),
    raised: rgb(0x1F2125),
    field: rgb(0x121316),
    stroke: rgb(0x2B2E33),
    text: rgb(0xE7E8EB),
    dim: rgb(0x9BA1A9),
    faint: rgb(0x6C727A),
    accent: rgb(0xF2B04A),
    on_accent: rgb(0x1B1406),
    accent_soft: rgb(0x3A2E17),
    danger: rgb(0xE5645B),
    ok: rgb(0x4FB286),
    mask: rgb(0xE5533D),
};

/// `accent` and `ok` are a shade darker than sketched: as text they need the contrast.
pub const LIGHT: Palette = Palette {
    canvas: rgb(0xE4E6E9),
    panel: rgb(0xF6F7F8),
    raised: rgb(0xFFFFFF),
    field: rgb(0xFFFFFF),
    stroke: rgb(0xD6D9DD),
    text: rgb(0x1B1D20),
    dim: rgb(0x59606A),
    faint: rgb(0x8A9199),
    accent: rgb(0x965403),
    on_accent: rgb(0xFFFFFF),
    accent_soft: rgb(0xF7E7CF),
    danger: rgb(0xC23B32),
    ok: rgb(0x1F7A52),
    mask: rgb(0xD8402B),
};

/// Heights, widths and spaces, in points.
pub const TOP_BAR: f32 = 44.0;
pub const STATUS_LINE: f32 = 26.0;
pub const CONTROL: f32 = 28.0;
pub const BIG_BUTTON: f32 = 40.0;
pub const GAP: f32 = 8.0;
pub const PAD: f32 = 16.0;
pub const RADIUS: u8 = 6;
pub const RADIUS_BIG: u8 = 8;
pub const RADIUS_CARD: u8 = 10;
pub const THUMBNAIL: f32 = 120.0;
pub const LEFT_WIDTH: std::ops::RangeInclusive<f32> = 280.0..=420.0;
pub const RIGHT_WIDTH: std::ops::RangeInclusive<f32> = 148.0..=300.0;
/// Below this the strip folds away.
pub const WIDE_ENOUGH: f32 = 1100.0;
/// Seconds of everything that moves.
pub const MOTION: f32 = 0.1;

/// Phosphor icons by meaning.
pub mod icon {
    pub const SETTINGS: &str = "\u{E434}";
    pub const HELP: &str = "\u{E3E8}";
    pub const DOWN: &str = "\u{E136}";
    pub const RIGHT: &str = "\u{E13A}";
    pub const CLOSE: &str = "\u{E4F6}";
    pub const ARROW: &str = "\u{E06C}";
    pub const WARNING: &str = "\u{E4E2}";
    pub const INFO: &str = "\u{E2CE}";
    pub const SEARCH: &str = "\u{E30C}";
    pub const STAR: &str = "\u{E46A}";
    pub const TRASH: &str = "\u{E4A6}";
    pub const COPY: &str = "\u{E1CA}";
    pub const SAVE: &str = "\u{E248}";
    pub const FOLDER: &str = "\u{E256}";
    pub const OUTSIDE: &str = "\u{E5DE}";
    pub const REFRESH: &str = "\u{E094}";
    pub const COMPARE: &str = "\u{E872}";
    pub const MORE: &str = "\u{E1FE}";
    pub const PLAY: &str = "\u{E3D0}";
    pub const SUBJECT: &str = "\u{E6FC}";
    pub const BRUSH: &str = "\u{E6F0}";
    pub const PICTURE: &str = "\u{E2CA}";
}

/// Weights of Inter; each a family of its own.
const MEDIUM: &str = "inter-medium";
const SEMIBOLD: &str = "inter-semibold";

pub fn regular(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

pub fn medium(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(MEDIUM.into()))
}

pub fn semibold(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(SEMIBOLD.into()))
}

/// Text sizes.
pub const BODY: f32 = 13.0;
pub const SECONDARY: f32 = 12.0;
pub const LABEL: f32 = 11.5;
pub const SECTION: f32 = 15.0;
pub const TITLE: f32 = 22.0;

impl Palette {
    pub fn of(ui: &Ui) -> &'static Self {
        Self::when_dark(ui.visuals().dark_mode)
    }

    fn when_dark(dark: bool) -> &'static Self {
        if dark { &DARK } else { &LIGHT }
    }

    pub fn canvas_colours(&self) -> CanvasColours {
        CanvasColours {
            canvas: self.canvas,
            panel: self.panel,
            stroke: self.stroke,
            text: self.text,
            accent: self.accent,
            on_accent: self.on_accent,
            mask: self.mask,
        }
    }

    pub fn line(&self) -> Stroke {
        Stroke::new(1.0, self.stroke)
    }

    pub fn label(&self, text: impl Into<String>) -> RichText {
        RichText::new(text).font(medium(LABEL)).color(self.dim)
    }

    pub fn body(&self, text: impl Into<String>) -> RichText {
        RichText::new(text).font(regular(BODY)).color(self.text)
    }

    pub fn secondary(&self, text: impl Into<String>) -> RichText {
        RichText::new(text).font(regular(SECONDARY)).color(self.dim)
    }

    pub fn quiet(&self, text: impl Into<String>) -> RichText {
        RichText::new(text).font(regular(LABEL)).color(self.faint)
    }

    pub fn strong(&self, text: impl Into<String>) -> RichText {
        RichText::new(text).font(semibold(BODY)).color(self.text)
    }

    pub fn section(&self, text: impl Into<String>) -> RichText {
        RichText::new(text).font(semibold(SECTION)).color(self.text)
    }

    pub fn title(&self, text: impl Into<String>) -> RichText {
        RichText::new(text).font(semibold(TITLE)).color(self.text)
    }

    fn visuals(&self, base: Visuals) -> Visuals {
        let mut visuals = base;
        let radius = CornerRadius::same(RADIUS);
        visuals.panel_fill = self.panel;
        visuals.window_fill = self.raised;
        visuals.window_stroke = self.line();
        visuals.window_corner_radius = CornerRadius::same(RADIUS_CARD);
        visuals.menu_corner_radius = CornerRadius::same(RADIUS_BIG);
        visuals.extreme_bg_color = self.field;
        visuals.faint_bg_color = self.raised;
        visuals.code_bg_color = self.field;
        visuals.override_text_color = None;
        visuals.weak_text_color = Some(self.faint);
        visuals.hyperlink_color = self.accent;
        visuals.warn_fg_color = self.accent;
        visuals.error_fg_color = self.danger;
        // The stroke is the edge of a field that has the keyboard, too.
        visuals.selection.bg_fill = self.accent_soft;
        visuals.selection.stroke = Stroke::new(1.0, self.accent);
        visuals.text_cursor.stroke = Stroke::new(1.5, self.accent);
        visuals.text_cursor.blink = false;
        visuals.slider_trailing_fill = true;
        visuals.handle_shape = egui::style::HandleShape::Circle;
        let widgets = &mut visuals.widgets;
        for widget in [
            &mut widgets.noninteractive,
            &mut widgets.inactive,
            &mut widgets.hovered,
            &mut widgets.active,
            &mut widgets.open,
        ] {
            widget.corner_radius = radius;
            widget.expansion = 0.0;
            widget.weak_bg_fill = self.raised;
            widget.bg_fill = self.raised;
            widget.bg_stroke = self.line();
            widget.fg_stroke = Stroke::new(1.0, self.text);
        }
        widgets.noninteractive.bg_fill = self.panel;
        widgets.noninteractive.weak_bg_fill = self.panel;
        // The rail of sliders.
        widgets.inactive.bg_fill = self.stroke;
        widgets.hovered.bg_stroke = Stroke::new(1.0, self.faint);
        widgets.hovered.bg_fill = self.stroke;
        widgets.active.bg_stroke = Stroke::new(1.0, self.accent);
        widgets.open.bg_stroke = Stroke::new(1.0, self.faint);
        visuals
    }
}

/// Gives a context the theme's fonts and styles, dark and light.
pub fn install(ctx: &Context) {
    ctx.set_fonts(fonts());
    for (theme, palette, base) in [
        (Theme::Dark, &DARK, Visuals::dark()),
        (Theme::Light, &LIGHT, Visuals::light()),
    ] {
        let visuals = palette.visuals(base);
        ctx.style_mut_of(theme, |style| shape(style, visuals));
    }
}

fn shape(style: &mut Style, visuals: Visuals) {
    style.visuals = visuals;
    style.animation_time = MOTION;
    style.spacing.item_spacing = vec2(GAP, GAP);
    style.spacing.button_padding = vec2(12.0, 4.0);
    style.spacing.interact_size = vec2(40.0, CONTROL);
    style.spacing.slider_rail_height = 4.0;
    style.interaction.selectable_labels = false;
    style.text_styles = [
        (TextStyle::Small, regular(LABEL)),
        (TextStyle::Body, regular(BODY)),
        (TextStyle::Button, medium(BODY)),
        (TextStyle::Heading, semibold(SECTION)),
        (TextStyle::Monospace, FontId::monospace(BODY)),
    ]
    .into();
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let faces: [(&str, &'static [u8]); 4] = [
        ("inter", include_bytes!("../../assets/fonts/Inter-Regular.otf")),
        (MEDIUM, include_bytes!("../../assets/fonts/Inter-Medium.otf")),
        (SEMIBOLD, include_bytes!("../../assets/fonts/Inter-SemiBold.otf")),
        ("phosphor", include_bytes!("../../assets/fonts/Phosphor.ttf")),
    ];
    for (name, bytes) in faces {
        fonts
            .font_data
            .insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    // Behind Inter: the icons, a face of the system for what neither has, egui's own.
    let mut behind = vec!["phosphor".to_owned()];
    if let Some(bytes) = system_face() {
        fonts
            .font_data
            .insert("system".to_owned(), Arc::new(FontData::from_owned(bytes)));
        behind.push("system".to_owned());
    }
    let own = fonts
        .families
        .get(&FontFamily::Proportional)
        .cloned()
        .unwrap_or_default();
    behind.extend(own);
    for (family, face) in [
        (FontFamily::Proportional, "inter"),
        (FontFamily::Name(MEDIUM.into()), MEDIUM),
        (FontFamily::Name(SEMIBOLD.into()), SEMIBOLD),
    ] {
        let faces = std::iter::once(face.to_owned()).chain(behind.iter().cloned());
        fonts.families.insert(family, faces.collect());
    }
    fonts
}

/// A face with Chinese, Japanese and Korean, where the usual place of this system has one.
fn system_face() -> Option<Vec<u8>> {
    const PLACES: [&str; 9] = [
        "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
        "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
        "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
        "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
        "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
        "/System/Library/Fonts/PingFang.ttc",
        "/System/Library/Fonts/Hiragino Sans GB.ttc",
        "C:\\Windows\\Fonts\\msyh.ttc",
        "C:\\Windows\\Fonts\\YuGothR.ttc",
    ];
    PLACES.iter().find_map(|place| std::fs::read(place).ok())
}

/// The size of a square control.
pub fn square() -> Vec2 {
    Vec2::splat(CONTROL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(colour: Color32) -> f64 {
        let linear = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_can_be_read_on_every_ground() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 1e-9);
        for (name, palette) in [("dark", DARK), ("light", LIGHT)] {
            let grounds = [palette.canvas, palette.panel, palette.raised, palette.field];
            for ground in grounds {
                for text in [palette.text, palette.dim] {
                    assert!(contrast(text, ground) >= 4.5, "{name}: {text:?} on {ground:?}");
                }
            }
            let pairs = [
                ("on accent", palette.on_accent, palette.accent),
                ("accent on soft", palette.accent, palette.accent_soft),
                ("accent", palette.accent, palette.panel),
                ("accent on the canvas", palette.accent, palette.canvas),
                ("danger", palette.danger, palette.raised),
                ("ok", palette.ok, palette.panel),
            ];
            for (what, text, ground) in pairs {
                let contrast = contrast(text, ground);
                assert!(contrast >= 4.5, "{name}: {what} has {contrast:.2}");
            }
        }
    }

    #[test]
    fn every_face_is_whole() {
        let fonts = fonts();
        for family in [
            FontFamily::Proportional,
            FontFamily::Name(MEDIUM.into()),
            FontFamily::Name(SEMIBOLD.into()),
        ] {
            let faces = fonts.families.get(&family).expect("a family");
            assert!(
                faces.iter().all(|face| fonts.font_data.contains_key(face)),
                "{family:?}"
            );
        }
    }
}
