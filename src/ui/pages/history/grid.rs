//! Where every line of the history stands: days, and rows of tiles that fill the width.

use crate::state::Piece;
use std::ops::Range;

/// The narrowest tile, the room between tiles, heights of what is under and over them.
const TILE: f32 = 132.0;
pub(crate) const GAP: f32 = 14.0;
pub(crate) const CAPTION: f32 = 22.0;
pub(crate) const DAY: f32 = 38.0;

/// One line of the grid.
pub(crate) enum Line {
    Day(usize),
    Tiles(Range<usize>),
}

/// Where every line stands.
pub(crate) struct Grid {
    /// With the height each begins at.
    pub(crate) lines: Vec<(f32, Line)>,
    pub(crate) side: f32,
    pub(crate) height: f32,
}

impl Grid {
    pub(crate) fn new(pieces: &[Piece], width: f32) -> Self {
        let columns = (((width + GAP) / (TILE + GAP)).floor() as usize).max(1);
        let side = (width - GAP * (columns - 1) as f32) / columns as f32;
        let (mut lines, mut y, mut at) = (Vec::new(), 0.0, 0);
        while at < pieces.len() {
            let day = &pieces[at].day;
            let end = at + pieces[at..].iter().take_while(|piece| piece.day == *day).count();
            lines.push((y, Line::Day(at)));
            y += DAY;
            while at < end {
                let next = (at + columns).min(end);
                lines.push((y, Line::Tiles(at..next)));
                y += side + CAPTION + GAP;
                at = next;
            }
        }
        Self {
            lines,
            side,
            height: y,
        }
    }

    pub(crate) fn line_height(&self) -> f32 {
        self.side + CAPTION + GAP
    }

    /// The line of a picture and its column there.
    pub(crate) fn line_of(&self, index: usize) -> Option<(usize, usize)> {
        let holds = |(_, line): &(f32, Line)| match line {
            Line::Tiles(range) => range.contains(&index),
            Line::Day(_) => false,
        };
        let at = self.lines.iter().position(holds)?;
        match &self.lines[at].1 {
            Line::Tiles(range) => Some((at, index - range.start)),
            Line::Day(_) => None,
        }
    }

    /// The picture one line further down or up, as near as that line has one.
    pub(crate) fn beside(&self, index: usize, step: isize) -> Option<usize> {
        let (line, column) = self.line_of(index)?;
        let mut at = line.checked_add_signed(step)?;
        loop {
            match &self.lines.get(at)?.1 {
                Line::Tiles(range) => return Some((range.start + column).min(range.end - 1)),
                Line::Day(_) => at = at.checked_add_signed(step.signum())?,
            }
        }
    }

    /// The lines that stand between two heights.
    pub(crate) fn between(&self, from: f32, to: f32) -> Range<usize> {
        let start = self.lines.partition_point(|(y, _)| y + self.line_height() < from);
        let end = self.lines.partition_point(|(y, _)| *y <= to);
        start..end.max(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Ended;

    fn pieces(days: &[(&str, usize)]) -> Vec<Piece> {
        let of_day = |(day, count): &(&str, usize)| {
            let piece = |index| Piece {
                path: format!("{day}/{index}.png").into(),
                day: (*day).to_owned(),
                version: 0,
                title: String::new(),
                seed: None,
                size: None,
                ended: Ended::Finished,
                rows: (0, 0),
                lineage: None,
                place: crate::state::Place::default(),
            };
            (0..*count).map(piece).collect::<Vec<_>>()
        };
        days.iter().flat_map(of_day).collect()
    }

    #[test]
    fn lines_fill_the_width_and_never_mix_days() {
        let pieces = pieces(&[("2026-11-24", 5), ("2026-11-23", 1)]);
        let grid = Grid::new(&pieces, 3.0 * TILE + 2.0 * GAP);
        assert_eq!(grid.side, TILE);
        let tiles: Vec<_> = grid
            .lines
            .iter()
            .filter_map(|(_, line)| match line {
                Line::Tiles(range) => Some(range.clone()),
                Line::Day(_) => None,
            })
            .collect();
        assert_eq!(tiles, [0..3, 3..5, 5..6]);
        assert_eq!(grid.height, 2.0 * DAY + 3.0 * grid.line_height());
        assert_eq!(Grid::new(&pieces, 20.0).lines.len(), 2 + 6);
    }

    #[test]
    fn arrows_go_to_the_next_line_over_days() {
        let pieces = pieces(&[("2026-11-24", 5), ("2026-11-23", 1)]);
        let grid = Grid::new(&pieces, 3.0 * TILE + 2.0 * GAP);
        assert_eq!((grid.beside(2, 1), grid.beside(4, 1)), (Some(4), Some(5)));
        assert_eq!((grid.beside(5, -1), grid.beside(5, 1)), (Some(3), None));
        assert_eq!(grid.beside(1, -1), None);
    }

    #[test]
    fn only_lines_in_sight_are_laid_out() {
        let pieces = pieces(&[("2026-11-24", 2000)]);
        let grid = Grid::new(&pieces, 3.0 * TILE + 2.0 * GAP);
        let seen = grid.between(40_000.0, 40_700.0);
        let first = grid.lines[seen.start].0;
        assert!(seen.len() <= 7, "{}", seen.len());
        assert!(first <= 40_000.0 && first + grid.line_height() >= 40_000.0);
        assert!(grid.lines[seen.end - 1].0 <= 40_700.0 && grid.lines[seen.end].0 > 40_700.0);
    }
}
