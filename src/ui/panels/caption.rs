//! The line between a picture and its tools: how it fared among others, or that there is more to draw.

use crate::state::{Contest, Ended, Outcome, Shown, Studio};
use crate::ui::theme::Palette;
use egui::{Align, Label, Layout, Rect, Sense, Ui, UiBuilder, pos2, vec2};

/// What a score is, for the pointer that rests on it.
const SCORE: &str = "Scores say by how much likelier the model finds a picture with the prompt than without it \
    (log p(picture | prompt) - log p(picture), in nats)";

/// What a seam is.
const SEAM: &str = "The seam says how well the untouched rest follows from what was redrawn: log p of its codes behind \
    the hole, in nats; edits under a mask are ordered by it";

pub(crate) fn show(ui: &mut Ui, canvas: Rect, studio: &Studio) {
    let on_canvas = matches!(studio.shown, Shown::Outcome(_) | Shown::Source);
    let outcome = studio
        .shown_outcome()
        .filter(|_| on_canvas && studio.compared.is_none());
    let Some((words, tip)) = outcome.and_then(words) else {
        return;
    };
    let size = vec2(canvas.width() - 32.0, 18.0);
    let corner = pos2(canvas.left() + 16.0, canvas.bottom() - 80.0);
    let layout = Layout::top_down(Align::Center);
    let builder = UiBuilder::new()
        .max_rect(Rect::from_min_size(corner, size))
        .layout(layout);
    ui.scope_builder(builder, |ui| {
        let label = Label::new(Palette::of(ui).secondary(words))
            .truncate()
            .sense(Sense::hover());
        ui.add(label).on_hover_text(tip);
    });
}

fn words(outcome: &Outcome) -> Option<(String, String)> {
    if let Some(contest) = &outcome.contest {
        let tip = if contest.seams.is_empty() { SCORE } else { SEAM };
        return Some((fared(contest), tip.to_owned()));
    }
    let (done, of) = outcome.rows.filter(|_| outcome.ended == Ended::Stopped)?;
    let tip = "Finish it draws the rest; the finished picture takes the place of this part".to_owned();
    Some((format!("Kept at row {done} of {of}"), tip))
}

/// `Best of 3: the likeliest for the prompt · score 12.3, the others 8.1 and 2.0`.
pub(crate) fn fared(contest: &Contest) -> String {
    let Contest { scores, place, seams } = contest;
    let count = scores.len();
    if let (Some(seam), Some(best)) = (seams.get(*place), seams.first()) {
        let score = scores.get(*place).copied().unwrap_or_default();
        return match place {
            0 => {
                format!("Best of {count}: what was kept follows it best · seam {seam:.1} · score {score:.1}")
            }
            _ => format!(
                "{} of {count} · seam {seam:.1}, the best has {best:.1} · score {score:.1}",
                nth(place + 1)
            ),
        };
    }
    let score = |place: usize| format!("{:.1}", scores.get(place).copied().unwrap_or_default());
    if *place > 0 {
        let best = score(0);
        return format!(
            "{} of {count} · score {}, the best has {best}",
            nth(place + 1),
            score(*place)
        );
    }
    let others: Vec<String> = (1..count).map(score).collect();
    let (word, others) = match others.as_slice() {
        [one] => ("the other", one.clone()),
        [rest @ .., last] => ("the others", format!("{} and {last}", rest.join(", "))),
        [] => return String::new(),
    };
    let best = score(0);
    format!("Best of {count}: the likeliest for the prompt · score {best}, {word} {others}")
}

fn nth(place: usize) -> String {
    let end = match (place % 10, place % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{place}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_won_is_said_with_the_scores() {
        let contest = |place| Contest {
            scores: vec![12.34, 8.06, 2.0],
            place,
            seams: Vec::new(),
        };
        let edit = |place| Contest {
            seams: vec![-3.2, -9.0, -12.0],
            ..contest(place)
        };
        assert_eq!(
            [fared(&edit(0)), fared(&edit(2))],
            [
                "Best of 3: what was kept follows it best · seam -3.2 · score 12.3",
                "3rd of 3 · seam -12.0, the best has -3.2 · score 2.0"
            ]
        );
        assert_eq!(
            fared(&contest(0)),
            "Best of 3: the likeliest for the prompt · score 12.3, the others 8.1 and 2.0"
        );
        assert_eq!(fared(&contest(1)), "2nd of 3 · score 8.1, the best has 12.3");
        assert_eq!(fared(&contest(2)), "3rd of 3 · score 2.0, the best has 12.3");
        assert_eq!(
            [1, 4, 11, 12, 13, 21].map(nth),
            ["1st", "4th", "11th", "12th", "13th", "21st"]
        );
    }
}
