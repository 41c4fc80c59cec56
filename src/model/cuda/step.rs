//! What a step is told from outside, as `shaders/cuda/step.cuh` lays it out.

use super::layout::MOST_ROWS;
use bytemuck::{Pod, Zeroable};

/// Which tokens stand where.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(super) struct Step {
    /// Row of the embedding table, one a row of the batch.
    pub(super) tokens: [i32; MOST_ROWS],
    /// Lane of each feed.
    pub(super) lanes: [i32; MOST_ROWS],
    /// Position of each feed's first row.
    pub(super) at: [i32; MOST_ROWS],
}

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(super) struct Ask {
    pub(super) place: u64,
    pub(super) c: i32,
    pub(super) u: i32,
    pub(super) keep: i32,
    pub(super) unused: i32,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(super) struct Guess {
    pub(super) place: u64,
    pub(super) left: i32,
    pub(super) above: i32,
}

/// Which codes are to be chosen, and how.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(super) struct Wish {
    pub(super) cfg: f32,
    pub(super) temperature: f32,
    pub(super) top_n_sigma: f32,
    pub(super) top_k: i32,
    pub(super) asks: i32,
    pub(super) guesses: i32,
    pub(super) ask: [Ask; MOST_ROWS],
    pub(super) guess: [Guess; MOST_ROWS],
}

/// Both, sent to the card in one piece.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(super) struct Told {
    pub(super) wish: Wish,
    pub(super) step: Step,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(super) struct Choice {
    pub(super) code: i32,
    pub(super) log_c: f32,
    pub(super) log_u: f32,
    pub(super) entropy: f32,
}

/// What was chosen and guessed.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(super) struct Chosen {
    pub(super) of_ask: [Choice; MOST_ROWS],
    pub(super) of_guess: [i32; MOST_ROWS],
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;

    /// The fields of a struct in the CUDA source, in their order, with arrays in place.
    fn fields(name: &str) -> Vec<String> {
        let source = include_str!("../../../shaders/cuda/step.cuh");
        let start = source.find(&format!("struct {name} {{")).expect("a struct");
        let body = &source[start..][..source[start..].find("};").expect("its end")];
        let lines = body
            .lines()
            .skip(1)
            .filter_map(|line| line.split("//").next()?.trim().strip_suffix(';'));
        let names = lines.flat_map(|line| {
            let (_, names) = line.split_once(' ').unwrap_or_default();
            names
                .split(',')
                .map(|name| name.trim().to_owned())
                .collect::<Vec<_>>()
        });
        names
            .map(|name| name.split('[').next().unwrap_or_default().to_owned())
            .collect()
    }

    #[test]
    fn both_sides_lay_out_the_same() {
        let wish = [
            ("cfg", offset_of!(Wish, cfg)),
            ("temperature", offset_of!(Wish, temperature)),
            ("top_n_sigma", offset_of!(Wish, top_n_sigma)),
            ("top_k", offset_of!(Wish, top_k)),
            ("asks", offset_of!(Wish, asks)),
            ("guesses", offset_of!(Wish, guesses)),
            ("ask", offset_of!(Wish, ask)),
            ("guess", offset_of!(Wish, guess)),
        ];
        assert_eq!(fields("Wish"), wish.map(|(name, _)| name));
        assert!(wish.windows(2).all(|two| two[0].1 < two[1].1));
        assert_eq!(fields("Ask"), ["place", "c", "u", "keep", "unused"]);
        assert_eq!(
            [
                offset_of!(Ask, place),
                offset_of!(Ask, c),
                offset_of!(Ask, u),
                offset_of!(Ask, keep)
            ],
            [0, 8, 12, 16]
        );
        assert_eq!(fields("Guess"), ["place", "left", "above"]);
        assert_eq!([offset_of!(Guess, left), offset_of!(Guess, above)], [8, 12]);
        assert_eq!(fields("Step"), ["tokens", "lanes", "at"]);
        assert_eq!([offset_of!(Step, lanes), offset_of!(Step, at)], [128, 256]);
        assert_eq!(fields("Choice"), ["code", "log_c", "log_u", "entropy"]);
        assert_eq!(fields("Chosen"), ["of_ask", "of_guess"]);
        // C pads nothing either: all is of 8 or 4 bytes at multiples of them.
        assert_eq!(offset_of!(Wish, ask) % 8, 0);
        assert_eq!((size_of::<Ask>(), size_of::<Guess>()), (24, 16));
    }
}
