//! `--doubt N`: whether the model was less sure of what it drew wrong. Cells of wrong things against cells of
//! right ones, by the entropy that was noted while they were drawn.

use super::chance::{auc, interval, mean};
use super::drawing::Drawn;
use super::finder::{Find, Finder};
use super::prompts::Prompt;
use lumina_studio::pixels::Pixels;
use lumina_studio::token::CODE_PIXELS;

/// The entropies of a picture's wrong things, or of its right ones: by thing, by cell.
type Entropies = fn(&Noted) -> &Vec<Vec<f64>>;
/// What is compared of some pictures.
type Values<'a> = dyn Fn(&[&&Noted], Entropies) -> Vec<f64> + 'a;

/// The entropies, in nats, of the cells of each thing of a picture.
#[derive(Default)]
struct Noted {
    wrong: Vec<Vec<f64>>,
    right: Vec<Vec<f64>>,
}

/// Indices of the cells whose middle a thing covers.
fn cells(finder: &Finder, find: &Find, picture: &Pixels) -> Vec<usize> {
    let size = picture.size();
    let code = CODE_PIXELS as f32;
    let (width, height) = (size.width as f32, size.height as f32);
    let side = (find.size * width.min(height)).round().max(1.0);
    let sprite = finder.world.sprite(find.noun, None, side as usize);
    let (left, top) = (find.x * width - side / 2.0, find.y * height - side / 2.0);
    let columns = size.width as usize / CODE_PIXELS as usize;
    let all = 0..columns * (size.height as usize / CODE_PIXELS as usize);
    all.filter(|cell| {
        let x = ((cell % columns) as f32 + 0.5) * code - left;
        let y = ((cell / columns) as f32 + 0.5) * code - top;
        let is_inside = x >= 0.0 && y >= 0.0 && x < sprite.side as f32 && y < sprite.side as f32;
        is_inside && sprite.alpha[y as usize * sprite.side + x as usize] > 0.5
    })
    .collect()
}

fn noted(finder: &Finder, prompt: &Prompt, drawn: &Drawn) -> Noted {
    let mut noted = Noted::default();
    let Some(picture) = &drawn.picture else {
        return noted;
    };
    let seen = finder.look(picture);
    for find in &seen.finds {
        let Some(is_right) = finder.is_as_asked(find, &prompt.clauses, &seen) else {
            continue;
        };
        let cells = cells(finder, find, picture).into_iter();
        let nats: Vec<f64> = cells
            .filter_map(|cell| drawn.doubt.nats(cell).map(f64::from))
            .collect();
        match (is_right, nats.is_empty()) {
            (_, true) => {}
            (true, false) => noted.right.push(nats),
            (false, false) => noted.wrong.push(nats),
        }
    }
    noted
}

/// Takes `count` pictures, half of them with something wrong where there are as many, and prints how well
/// the entropy tells wrong things from right ones.
pub fn table(finder: &Finder, prompts: &[Prompt], drawn: &[Drawn], count: usize) {
    let all: Vec<Noted> = prompts
        .iter()
        .zip(drawn)
        .map(|(prompt, drawn)| noted(finder, prompt, drawn))
        .collect();
    let (wrong, right): (Vec<&Noted>, Vec<&Noted>) = all
        .iter()
        .filter(|noted| !(noted.wrong.is_empty() && noted.right.is_empty()))
        .partition(|noted| !noted.wrong.is_empty());
    let evenly = |of: &[&'_ Noted], take: usize| -> Vec<usize> {
        let take = take.min(of.len());
        (0..take).map(|i| i * of.len() / take).collect()
    };
    let of_wrong = evenly(&wrong, count / 2);
    let of_right = evenly(&right, count - of_wrong.len());
    let taken: Vec<&Noted> = of_wrong
        .iter()
        .map(|i| wrong[*i])
        .chain(of_right.iter().map(|i| right[*i]))
        .collect();
    let cells = |taken: &[&&Noted], of: Entropies| -> Vec<f64> {
        taken
            .iter()
            .flat_map(|noted| of(noted).iter().flatten().copied())
            .collect()
    };
    let things = |taken: &[&&Noted], of: Entropies| -> Vec<f64> {
        taken
            .iter()
            .flat_map(|noted| of(noted).iter().map(|nats| mean(nats)))
            .collect()
    };
    let (of_wrong_things, of_right_things): (Entropies, Entropies) =
        (|noted| &noted.wrong, |noted| &noted.right);
    println!(
        "{} pictures, {} of them with a wrong thing\n",
        taken.len(),
        of_wrong.len()
    );
    println!("| | wrong | right | AUC (95 % interval, pictures drawn anew) |\n|---|---|---|---|");
    let told = |name: &str, values: &Values<'_>| {
        let area = |taken: &[&&Noted]| auc(&values(taken, of_wrong_things), &values(taken, of_right_things));
        let all: Vec<&&Noted> = taken.iter().collect();
        let (wrong, right) = (values(&all, of_wrong_things), values(&all, of_right_things));
        let (low, high) = interval(&taken, area).unwrap_or_default();
        println!(
            "| {name} | {:.3} nats (n = {}) | {:.3} nats (n = {}) | {:.3} ({low:.3} to {high:.3}) |",
            mean(&wrong),
            wrong.len(),
            mean(&right),
            right.len(),
            area(&all).unwrap_or(f64::NAN)
        );
    };
    told("cells", &cells);
    told("things, the mean of their cells", &things);
}
