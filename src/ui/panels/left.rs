//! The left column: mode, words, what the mode needs, and the one big button.

use super::column::{Greeting, Left};
use super::{inputs, notices, prompt_chips, rare_settings, sizes, writer};
use crate::state::{Action, DraftAction, Phase, RowAction, RunAction, SeedChoice, Setting, Tab, Target};
use crate::task::{Lookahead, Noise, Sampling};
use crate::ui::app::focus;
use crate::ui::theme::{self, Palette};
use crate::ui::widgets::{
    Chosen, SliderRow, Weight, big_button, chip, fold, heading, pressed_once, tab, unfold,
};
use egui::{Align, ComboBox, Frame, Id, Layout, Margin, Panel, RichText, ScrollArea, TextEdit, Ui, vec2};

/// Where guidance stands when neither user nor model says.
const PLAIN: Sampling = Sampling {
    cfg: 4.0,
    top_k: 4096,
    temperature: 1.0,
    top_n_sigma: None,
};

/// Starts that are tried at a press.
const STARTS: usize = 8;

pub(crate) fn show(ui: &mut Ui, mut left: Left<'_>) {
    let margin = Margin::symmetric(theme::PAD as i8, 12);
    let running = left.studio.run.is_some();
    let above = if running { theme::CONTROL + theme::GAP } else { 0.0 };
    Panel::bottom("go")
        .exact_size(2.0 * theme::PAD + theme::BIG_BUTTON + above)
        .show_separator_line(false)
        .frame(Frame::new().inner_margin(Margin::same(theme::PAD as i8)))
        .show(ui, |ui| go(ui, &mut left));
    notices::show(ui, left.studio, left.notice_clock, left.actions);
    focus::scroll(ScrollArea::vertical().auto_shrink(false), ui, |ui| {
        Frame::new().inner_margin(margin).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            tabs(ui, &mut left);
            words(ui, &mut left);
            inputs::show(ui, &mut left);
            sizes::show(ui, &mut left);
            more(ui, &mut left);
        });
    });
}

fn tabs(ui: &mut Ui, left: &mut Left<'_>) {
    let gap = 5.0;
    // To the edge of the fields below.
    let width = (ui.available_width() - 2.0 * gap) / 3.0;
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing = vec2(gap, gap);
        for row in Tab::ALL.chunks(3) {
            ui.horizontal(|ui| {
                for mode in row {
                    let chosen = Chosen::from(left.studio.draft.tab == *mode);
                    let response = tab(ui, mode.name(), chosen, vec2(width, theme::CONTROL));
                    if response.on_hover_text(explanation(*mode)).clicked() {
                        left.set(Setting::Tab(*mode));
                    }
                }
            });
        }
    });
}

fn explanation(tab: Tab) -> &'static str {
    match tab {
        Tab::Create => "A picture from words",
        Tab::Pair => "A picture and its map, drawn together",
        Tab::Edit => "A picture changed as you say, or only where you paint",
        Tab::Subject => "The subject of a picture in another scene",
        Tab::Control => "The picture that belongs to a map",
        Tab::Predict => "The map of a picture",
    }
}

fn words(ui: &mut Ui, left: &mut Left<'_>) {
    let studio = left.studio;
    let mode = studio.draft.tab;
    if mode == Tab::Predict {
        return;
    }
    let palette = Palette::of(ui);
    let (name, hint) = match mode {
        Tab::Edit => ("Instruction", "What should change?"),
        Tab::Subject => ("Prompt", "What is it, and where? A fox in the snow."),
        _ => ("Prompt", "What should it draw?"),
    };
    let mut text = studio.draft.words().to_owned();
    let field = writer::prompt_id();
    let tab = prompt_chips::tab_pressed(ui, left, field);
    let right = match prompt_chips::completion(left, &text) {
        Some(word) => format!("Tab: {word}"),
        None => "Ctrl+Enter draws".to_owned(),
    };
    let label = writer::heading(ui, left, name, right);
    let rows = if mode == Tab::Edit { 4 } else { 5 };
    let edit = TextEdit::multiline(&mut text)
        .id(field)
        .lock_focus(prompt_chips::takes_tab(left))
        .hint_text(RichText::new(hint).color(palette.dim))
        .font(theme::regular(theme::BODY))
        .margin(Margin::symmetric(10, 8))
        .desired_width(f32::INFINITY)
        .desired_rows(rows);
    let response = ui.add(edit).labelled_by(label.id);
    let completed = tab
        .then(|| prompt_chips::on_tab(ui, left, field, &text))
        .flatten();
    let is_changed = response.changed() || completed.is_some();
    if let Some(completed) = completed {
        text = completed;
        to_the_end(ui, field, &text);
    }
    left.zones.add(response.rect, Target::Settings);
    if *left.greeting == Greeting::Due {
        response.request_focus();
        *left.greeting = Greeting::Done;
    }
    if is_changed {
        left.set(Setting::Words(text));
    }
    writer::show(ui, left);
    prompt_chips::show(ui, left);
}

/// Puts the caret behind the last letter.
fn to_the_end(ui: &Ui, field: Id, text: &str) {
    let Some(mut state) = egui::TextEdit::load_state(ui.ctx(), field) else {
        return;
    };
    let end = egui::text::CCursor::new(text.chars().count());
    state
        .cursor
        .set_char_range(Some(egui::text::CCursorRange::one(end)));
    state.store(ui.ctx(), field);
}

/// Seed, guidance, variety, speed: folded until they are wanted.
fn more(ui: &mut Ui, left: &mut Left<'_>) {
    ui.add_space(4.0);
    fold(ui, "Seed, guidance, speed", "", |ui| {
        ui.spacing_mut().item_spacing.y = 6.0;
        seed(ui, left);
        guidance(ui, left);
        speed(ui, left);
    });
}

fn seed(ui: &mut Ui, left: &mut Left<'_>) {
    let palette = Palette::of(ui);
    let draft = &left.studio.draft;
    let told = match draft.seed_choice {
        SeedChoice::Random => "a new one for every picture",
        SeedChoice::Once => "for the next picture",
        SeedChoice::Locked => "the same seed, the same picture",
    };
    let label = heading(ui, "Seed", palette.quiet(told));
    let mut set = None;
    ui.horizontal(|ui| {
        let mut text = draft.seed.to_string();
        let field = TextEdit::singleline(&mut text)
            .font(theme::medium(theme::BODY))
            .margin(Margin::symmetric(10, 6))
            .desired_width(ui.available_width() - 168.0);
        let changed = ui.add(field).labelled_by(label.id).changed();
        if let Some(seed) = text.trim().parse().ok().filter(|_| changed) {
            set = Some(DraftAction::Set(Setting::Seed(seed)));
        }
        let locked = draft.seed_choice == SeedChoice::Locked;
        if chip(ui, "Lock", Chosen::from(locked))
            .on_hover_text("Keep this seed")
            .clicked()
        {
            let choice = if locked {
                SeedChoice::Random
            } else {
                SeedChoice::Locked
            };
            set = Some(DraftAction::Set(Setting::SeedChoice(choice)));
        }
        if chip(ui, "New", Chosen::No)
            .on_hover_text("Another seed")
            .clicked()
        {
            set = Some(DraftAction::NewSeed);
        }
        ui.add_enabled_ui(draft.last_seed.is_some(), |ui| {
            if chip(ui, "Last", Chosen::No)
                .on_hover_text("The seed drawn last")
                .clicked()
            {
                set = Some(DraftAction::RecallSeed);
            }
        });
    });
    left.actions.extend(set.map(Action::from));
}

fn guidance(ui: &mut Ui, left: &mut Left<'_>) {
    let defaults = left
        .studio
        .profile()
        .and_then(|profile| profile.sampling(left.studio.draft.tab.mode_name()))
        .unwrap_or(PLAIN);
    let chosen = left.studio.draft.sampling;
    let Sampling {
        cfg,
        top_k,
        temperature,
        ..
    } = chosen.resolve(&defaults);
    let follow = SliderRow {
        name: "Follow the prompt",
        value_text: format!("{cfg:.1}"),
        range: 0.0..=10.0,
        step: 0.1,
        tip: "How strongly the words steer (guidance scale, cfg)",
    };
    if let Some(cfg) = follow.show(ui, cfg) {
        left.set(Setting::Cfg(Some(cfg)));
    }
    let variety = SliderRow {
        name: "Variety",
        value_text: format!("{temperature:.2}"),
        range: 0.1..=2.0,
        step: 0.05,
        tip: "Low: the likely, always alike. High: surprising, sometimes wrong (temperature)",
    };
    if let Some(temperature) = variety.show(ui, temperature) {
        left.set(Setting::Temperature(Some(temperature)));
    }
    let choice = SliderRow {
        name: "Range of choices",
        value_text: format!("{top_k}"),
        range: 0.0..=14.0,
        step: 0.5,
        tip: "Few: safe and plain. Many: rich, and more often wrong (top-k: so many of the likeliest codes)",
    };
    let typed = |count: f32| count.max(1.0).log2();
    if let Some(power) = choice.show_typed(ui, (top_k as f32).log2(), typed) {
        left.set(Setting::TopK(Some(power.exp2().round().max(1.0) as usize)));
    }
    rare_settings::show(ui, left);
    ui.add_enabled_ui(chosen != chosen.left_to_the_model(), |ui| {
        let reset = ui
            .button("Back to the recommended settings")
            .on_hover_text("Those the model was made for");
        if reset.clicked() {
            left.set(Setting::Cfg(None));
            left.set(Setting::TopK(None));
            left.set(Setting::Temperature(None));
            left.set(Setting::TopNSigma(None));
            left.set(Setting::Noise(Noise::default()));
        }
    });
}

fn speed(ui: &mut Ui, left: &mut Left<'_>) {
    let draft = &left.studio.draft;
    let lookahead = match draft.sampling.lookahead {
        Lookahead::Auto => 0,
        Lookahead::Fixed(lookahead) => lookahead,
    };
    let row = SliderRow {
        name: "Speed: guess ahead",
        value_text: if lookahead == 0 {
            "auto".to_owned()
        } else {
            lookahead.to_string()
        },
        range: 0.0..=32.0,
        step: 1.0,
        tip: "More is faster where the model guesses well; the picture stays the same (codes guessed ahead, window)",
    };
    if let Some(chosen) = row.show(ui, lookahead as f32) {
        let chosen = chosen as usize;
        left.set(Setting::Lookahead(if chosen == 0 {
            Lookahead::Auto
        } else {
            Lookahead::Fixed(chosen)
        }));
    }
}

/// What one press draws: some pictures, or the best of some.
fn how_many(ui: &mut Ui, left: &mut Left<'_>) {
    let palette = Palette::of(ui);
    let (batch, candidates) = (left.studio.draft.batch, left.studio.draft.candidates);
    let starts = left.studio.draft.starts;
    let chosen = match candidates {
        1 if starts > 1 => format!("{starts} starts"),
        1 => format!("× {batch}"),
        _ => format!("1 of {candidates}"),
    };
    let mut set = None;
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = theme::BIG_BUTTON;
        ui.spacing_mut().button_padding.x = 10.0;
        ui.name_inputs("Pictures at a press", |ui| {
            let text = RichText::new(chosen)
                .font(theme::medium(theme::BODY))
                .color(palette.text);
            ComboBox::from_id_salt("batch")
                .width(57.0)
                .height(400.0)
                .icon(unfold)
                .selected_text(text)
                .show_ui(ui, |ui| {
                    ui.label(palette.label("Pictures"));
                    for count in [1, 2, 4, 8, 16] {
                        let is_chosen = candidates == 1 && starts == 1 && batch == count;
                        if ui.selectable_label(is_chosen, format!("× {count}")).clicked() {
                            set = Some((count, 1, 1));
                        }
                    }
                    ui.label(palette.label("Best of"));
                    for count in [2, 4, 8] {
                        let entry = ui.selectable_label(candidates == count, format!("1 of {count}"));
                        let tip = "Draws that many at once and says which one the model finds likeliest";
                        if entry.on_hover_text(tip).clicked() {
                            set = Some((1, count, 1));
                        }
                    }
                    ui.label(palette.label("Starts"));
                    let entry = ui.selectable_label(starts == STARTS, "Try eight starts");
                    let tip = "Draws only the first rows of eight pictures; those you choose are drawn on";
                    if entry.on_hover_text(tip).clicked() {
                        set = Some((1, 1, STARTS));
                    }
                });
        });
    });
    if let Some((batch, candidates, starts)) = set {
        left.set(Setting::Batch(batch));
        left.set(Setting::Candidates(candidates));
        left.set(Setting::Starts(starts));
    }
}

/// The picture under way goes on by what is set up now.
fn steer(ui: &mut Ui, left: &mut Left<'_>) {
    let can = left.studio.steering().is_some();
    ui.add_enabled_ui(can, |ui| {
        let tip = "Words, guidance and variety as they are now count from the next row on; its rows stay (Alt+Enter)";
        let steer = ui.button("Steer it").on_hover_text(tip);
        let steer = steer.on_disabled_hover_text("Change the words, the guidance or the variety while it draws");
        if pressed_once(&steer) {
            left.actions.push(RowAction::Steer.into());
        }
    });
}

/// Draw, or what can be done with the picture that is being drawn.
fn go(ui: &mut Ui, left: &mut Left<'_>) {
    let studio = left.studio;
    let running = studio.run.as_ref().map(|run| (run.phase, run.wish));
    let gap = 5.0;
    ui.spacing_mut().item_spacing.x = gap;
    if let Some((phase, wish)) = running {
        // Above the verbs, so that those stand where Draw was.
        let (words, tip) = match phase {
            // Nothing waits behind a picture nobody draws.
            Phase::Interrupted => (
                "Keep it and draw another",
                "Keeps its rows, which can be finished later, and draws the next one (Ctrl+Enter)",
            ),
            Phase::Choosing => (
                "Keep them and draw another",
                "Keeps the chosen starts, or the likeliest, and draws the next one (Ctrl+Enter)",
            ),
            _ => ("Draw another after it", "Adds it to the queue (Ctrl+Enter)"),
        };
        ui.horizontal(|ui| {
            let more = ui.button(words).on_hover_text(tip);
            if more.clicked() {
                left.actions.push(RunAction::Draw.into());
            }
            steer(ui, left);
        });
        let width = (ui.available_width() - 2.0 * gap) / 3.0;
        let first = match phase {
            Phase::Paused | Phase::Interrupted => ("Resume", RunAction::Resume),
            Phase::Choosing => ("Draw on", RunAction::Resume),
            _ => ("Pause", RunAction::Pause),
        };
        let verbs = [
            (first.0, Weight::Plain, first.1, "Holds the picture, or goes on"),
            (
                "Keep",
                Weight::Plain,
                RunAction::Keep,
                "Stops here and keeps the rows; it can be finished later (Esc)",
            ),
            (
                "Discard",
                Weight::Danger,
                RunAction::Discard,
                "Stops here and throws the rows away",
            ),
        ];
        ui.add_enabled_ui(wish.is_none(), |ui| {
            ui.horizontal(|ui| {
                for (name, weight, action, tip) in verbs {
                    let response = big_button(ui, name, weight, width).on_hover_text(tip);
                    // They stand where Draw was.
                    if pressed_once(&response) {
                        left.actions.push(action.into());
                    }
                }
            });
        });
        return;
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        how_many(ui, left);
        let width = ui.available_width();
        if big_button(ui, "Draw", Weight::Main, width)
            .on_hover_text("Ctrl+Enter")
            .clicked()
        {
            left.actions.push(RunAction::Draw.into());
        }
    });
}
