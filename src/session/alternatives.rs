//! What else could stand in the cells of a finished picture.

use super::loaded::Session;
use crate::decode::distribution;
use crate::model::movq::preview::Line;
use crate::pixels::Pixels;
use crate::task::{Alternative, Cancel, Failure, Sampling, Task, Wording};
use crate::token::{CODE_PIXELS, Grid};

/// Codes told of a cell.
const MOST: usize = 6;

impl Session {
    /// For each cell of row `row` of the token grid the likeliest codes, given all codes before it: by one
    /// pass through the model from the prompt to that row. Sources are not needed, their codes are among
    /// those of the picture.
    ///
    /// # Errors
    /// There is no such row, settings or codes are not those of this model, a forward fails, or `cancel` was
    /// called.
    pub fn alternatives(
        &self,
        task: &Task,
        codes: &[u32],
        row: u32,
        cancel: &Cancel,
    ) -> Result<Vec<Vec<Alternative>>, Failure> {
        let panel = self.panel(task)?;
        let one = Grid::of(panel).map_err(|e| Failure::usage(e.to_string()))?;
        let grid = task.mode.grid(one);
        let alphabet = &self.model.alphabet;
        if codes.len() != grid.codes() || codes.iter().any(|code| *code as usize >= alphabet.codes()) {
            return Err(Failure::usage("the stored tokens are not those of this model"));
        }
        if row >= grid.rows {
            return Err(Failure::usage(format!(
                "there is no row {row} in a picture of {} rows",
                grid.rows
            )));
        }
        let band = task.band_at(row);
        let told = Task {
            prompt: band.prompt.clone(),
            sampling: band.sampling,
            ..task.clone()
        };
        let sampling = self.sampling(&told)?;
        let words = match &band.wording {
            Wording::As(caption) => caption,
            Wording::Understood | Wording::AsTyped => &band.prompt,
        };
        let prompt = self.prompt(&told, words, panel)?;
        let columns = grid.columns as usize;
        let end = (row as usize + 1) * columns;
        let known: Vec<Option<u32>> = codes.iter().copied().map(Some).collect();
        let stream = alphabet.stream(task.mode.told_grid(one), &known);
        let stream = stream.map_err(|e| Failure::usage(e.to_string()))?;
        let last = grid.position(end - 1);
        let ids: Vec<u32> = stream.into_iter().take(last).flatten().collect();
        let cells: Vec<usize> = (end - columns..end).collect();
        let mut found = vec![Vec::new(); columns];
        let (mut p, mut free) = (Vec::new(), Vec::new());
        let unbound = Sampling {
            top_k: 0,
            temperature: 1.0,
            top_n_sigma: None,
            ..sampling
        };
        let seen = self.told(&prompt, &ids, cancel, &mut |position, c, u| {
            let Some(index) = grid.code_at(position).filter(|index| cells.contains(index)) else {
                return;
            };
            distribution(c, Some(u), &sampling, &mut p);
            distribution(c, Some(u), &unbound, &mut free);
            found[index % columns] = likeliest(&p, &free);
        });
        if cancel.is_cancelled() {
            return Err(Failure::failed("the question was taken back"));
        }
        seen.map_err(Failure::from)?;
        let pictured = found.into_iter().enumerate().map(|(column, codes_found)| {
            let pictured = codes_found.into_iter().map(|(code, probability)| Alternative {
                code,
                probability,
                preview: self.cell(grid, codes, (row, column), code),
            });
            pictured.collect()
        });
        Ok(pictured.collect())
    }

    /// How a cell looks with a code in it.
    fn cell(&self, grid: Grid, codes: &[u32], (row, column): (u32, usize), code: u32) -> Pixels {
        let columns = grid.columns as usize;
        let of_row = |row: u32| codes.chunks(columns).nth(row as usize);
        let mut line = of_row(row).unwrap_or_default().to_vec();
        line[column] = code;
        let painted = self.model.preview.paint(Line {
            codes: &line,
            above: row.checked_sub(1).and_then(of_row),
            second_above: row.checked_sub(2).and_then(of_row),
        });
        let side = CODE_PIXELS as usize;
        let lines = painted.rgb().chunks(3 * columns * side);
        let rgb = lines.flat_map(|line| &line[3 * column * side..3 * (column + 1) * side]);
        let size = crate::pixels::Size::new(CODE_PIXELS, CODE_PIXELS);
        Pixels::new(size, rgb.copied().collect()).unwrap_or_else(|| Pixels::filled(size, [128; 3]))
    }
}

/// The likeliest codes with the probabilities `p` they are drawn with, the likeliest first. Where a cool
/// sampling leaves too few of them the next ones are by `free`, which nothing was taken out of.
fn likeliest(p: &[f32], free: &[f32]) -> Vec<(u32, f32)> {
    let mut all: Vec<(u32, f32, f32)> = p
        .iter()
        .zip(free)
        .enumerate()
        .map(|(code, (p, free))| (code as u32, *p, *free))
        .collect();
    let by_worth = |a: &(u32, f32, f32), b: &(u32, f32, f32)| b.1.total_cmp(&a.1).then(b.2.total_cmp(&a.2));
    if all.len() > MOST {
        all.select_nth_unstable_by(MOST, by_worth);
        all.truncate(MOST);
    }
    all.sort_by(by_worth);
    all.into_iter().map(|(code, p, _)| (code, p)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::bundle::{Bundle, Source};
    use crate::pixels::Size;
    use crate::task::{Branch, Engine, Mode, Taken};

    #[test]
    fn what_was_drawn_is_among_them_and_what_is_taken_is_drawn_on_from() {
        let bundle = Bundle::open(&Source::default()).expect("the starter");
        let mut session = Session::new(bundle);
        let mut task = Task::new(Mode::Generate, "a dog in a meadow");
        task.size = Some(Size::new(128, 128));
        task.seed = 3;
        let draw = |session: &mut Session, task: &Task| {
            let drawn = session.run(task, &Cancel::new(), &mut |_| {});
            drawn.unwrap_or_else(|stop| panic!("{stop:?}")).remove(0)
        };
        let picture = draw(&mut session, &task);
        if let Some(caption) = picture.caption.clone() {
            task.wording = Wording::As(caption);
        }
        let mut ranks = 0;
        for row in [0, 7, 15] {
            let cells = session
                .alternatives(&task, &picture.codes, row, &Cancel::new())
                .expect("an answer");
            assert_eq!(cells.len(), 16);
            for (column, cell) in cells.iter().enumerate() {
                let sum: f32 = cell.iter().map(|other| other.probability).sum();
                assert!(sum <= 1.0001 && cell.is_sorted_by(|a, b| a.probability >= b.probability));
                assert_eq!(cell.len(), MOST);
                let drawn = picture.codes[row as usize * 16 + column];
                ranks += usize::from(cell.iter().any(|other| other.code == drawn));
                assert!(cell.iter().all(|other| other.preview.size() == Size::new(8, 8)));
            }
        }
        assert!(
            ranks >= 44,
            "{ranks} of 48 drawn codes are among the likeliest six"
        );
        // Another code in the middle of row 7.
        let cells = session
            .alternatives(&task, &picture.codes, 7, &Cancel::new())
            .expect("an answer");
        let (column, code) = cells
            .iter()
            .enumerate()
            .find_map(|(column, cell)| {
                let drawn = picture.codes[7 * 16 + column];
                let other = cell.iter().find(|other| other.code != drawn)?;
                (column >= 3).then_some((column, other.code))
            })
            .expect("a row with a choice in it");
        let branch = Branch {
            from_row: 7,
            taken: Some(Taken {
                column: column as u32,
                code,
            }),
            ..Branch::default()
        };
        let child = task
            .clone()
            .branched((picture.grid, &picture.codes), &branch, Some("ab".to_owned()))
            .expect("a task");
        let taken = draw(&mut session, &child);
        let at = 7 * 16 + column;
        assert_eq!(taken.codes[..at], picture.codes[..at]);
        assert_eq!(taken.codes[at], code);
        assert_eq!(draw(&mut session, &child).codes, taken.codes);
        assert!(
            session
                .alternatives(&task, &picture.codes, 16, &Cancel::new())
                .is_err()
        );
        let stopped = Cancel::new();
        stopped.cancel();
        assert!(session.alternatives(&task, &picture.codes, 3, &stopped).is_err());
    }
}
