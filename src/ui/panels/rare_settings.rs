//! Settings without a row of their own, which come with a picture's settings: each is shown only
//! while it is set, with a cross that takes it out.

use super::column::Left;
use crate::state::Setting;
use crate::task::Noise;
use crate::ui::theme::{Palette, icon};
use crate::ui::widgets::small_icon;
use egui::{Align, Layout, Ui};

/// One of them: in plain words, and with its technical name.
struct Rare {
    words: String,
    tip: &'static str,
    taken_out: Setting,
}

pub(crate) fn show(ui: &mut Ui, left: &mut Left<'_>) {
    let sampling = left.studio.draft.sampling;
    let near_the_best = sampling.top_n_sigma.map(|n| Rare {
        words: format!("Only likely choices: {n}"),
        tip: "Codes that score further below the best are never drawn, in standard deviations (top-n-sigma)",
        taken_out: Setting::TopNSigma(None),
    });
    let coupled = (sampling.noise == Noise::Coupled).then(|| Rare {
        words: "Seeds depend on the speed".to_owned(),
        tip: "The number of codes guessed ahead decides, too, which picture a seed means (coupled noise)",
        taken_out: Setting::Noise(Noise::default()),
    });
    for rare in near_the_best.into_iter().chain(coupled) {
        row(ui, left, rare);
    }
}

fn row(ui: &mut Ui, left: &mut Left<'_>, rare: Rare) {
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.label(palette.label(rare.words.as_str()))
            .on_hover_text(rare.tip);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let name = format!("Leave out: {}", rare.words);
            if small_icon(ui, icon::CLOSE, &name).clicked() {
                left.set(rare.taken_out);
            }
        });
    });
}
