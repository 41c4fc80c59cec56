//! Where two pictures differ, code by code.

use super::Failure;
use crate::token::Grid;
use serde::{Deserialize, Serialize};

/// Which cells of two pictures hold different codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Of both pictures as they are shown.
    pub grid: Grid,
    /// Row by row.
    pub cells: Vec<bool>,
}

impl Difference {
    /// Of two pictures' codes: their grids and codes, and rows above what is shown, which are not compared.
    ///
    /// # Errors
    /// They are not of one size as they are shown, or not all codes are there.
    pub fn of(one: (Grid, u32, &[u32]), other: (Grid, u32, &[u32])) -> Result<Self, Failure> {
        let part = |(grid, above, codes): (Grid, u32, &[u32])| {
            let grid = Grid {
                rows: grid.rows.saturating_sub(above),
                columns: grid.columns,
            };
            let from = (above * grid.columns) as usize;
            (grid, codes.get(from..).unwrap_or_default().to_vec())
        };
        let ((grid, one), (other_grid, other)) = (part(one), part(other));
        if grid != other_grid {
            return Err(Failure::usage(format!(
                "pictures of {} and {} cannot be compared by their codes: choose two of one size",
                grid.pixels(),
                other_grid.pixels()
            )));
        }
        if one.len() != grid.codes() || other.len() != grid.codes() {
            return Err(Failure::usage(
                "only finished pictures can be compared by their codes: finish them with `resume` first",
            ));
        }
        let cells = one.iter().zip(&other).map(|(one, other)| one != other);
        Ok(Self {
            grid,
            cells: cells.collect(),
        })
    }

    /// Cells that differ.
    pub fn count(&self) -> usize {
        self.cells.iter().filter(|differs| **differs).count()
    }

    /// The first row with one of them, 0-based.
    pub fn first_row(&self) -> Option<u32> {
        let at = self.cells.iter().position(|differs| *differs)?;
        Some((at / self.grid.columns.max(1) as usize) as u32)
    }

    /// `57 of 256 cells differ, the first of them in row 6`.
    pub fn told(&self) -> String {
        let all = self.cells.len();
        match (self.count(), self.first_row()) {
            (1, Some(row)) => format!("1 of {all} cells differs, in row {row}"),
            (count, Some(row)) => format!("{count} of {all} cells differ, the first of them in row {row}"),
            _ => format!("None of {all} cells differs"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Grid = Grid { rows: 3, columns: 2 };

    #[test]
    fn cells_that_differ_are_counted_where_pictures_are_shown() {
        let one = [1, 2, 3, 4, 5, 6];
        let of = |other: &[u32]| Difference::of((GRID, 0, &one), (GRID, 0, other));
        let found = of(&[1, 2, 3, 9, 9, 6]).expect("a difference");
        assert_eq!(found.cells, [false, false, false, true, true, false]);
        assert_eq!((found.count(), found.first_row()), (2, Some(1)));
        assert_eq!(found.told(), "2 of 6 cells differ, the first of them in row 1");
        assert_eq!(of(&one).expect("none").told(), "None of 6 cells differs");
        assert!(of(&[1, 2]).is_err());
        // Below a source of its own.
        let edit = Grid { rows: 6, columns: 2 };
        let codes = [7, 7, 7, 7, 7, 7, 1, 2, 3, 4, 5, 0];
        let found = Difference::of((GRID, 0, &one), (edit, 3, &codes)).expect("a difference");
        assert_eq!(found.told(), "1 of 6 cells differs, in row 2");
        assert!(Difference::of((GRID, 0, &one), (edit, 0, &codes)).is_err());
    }
}
