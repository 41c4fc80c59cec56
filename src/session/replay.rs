//! A finished picture told to the model again, code by code: which codes would this machine draw?
//!
//! Machines round differently. Where two codes are nearly as likely one machine draws this and another
//! that; told the same codes before, all others must be the same.

use super::loaded::Session;
use super::plan::drawn_len;
use crate::decode::{NoiseKey, distribution, entropy};
use crate::task::{Cancel, Failure, Noise, Task, Wording};
use crate::token::Grid;

/// How far a machine agrees with a picture.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Agreement {
    /// Codes the model drew.
    pub codes: usize,
    /// Of them those this machine would draw.
    pub equal: usize,
    /// Of the others, by how much in nats this machine prefers its own code, at most.
    pub widest: f64,
    /// For every code of the picture the entropy, in nats, of the distribution this machine draws it from;
    /// `None` for codes that were given.
    pub entropies: Vec<Option<f32>>,
}

impl Session {
    /// Tells the model the codes of a finished picture drawn with the settings of `task`; sources are
    /// not needed, their codes are among those of the picture.
    ///
    /// # Errors
    /// The task has a mask or coupled noise, settings or codes are not those of this model, prompt and picture
    /// are more than it holds, or a forward fails.
    pub fn replay(&mut self, task: &Task, codes: &[u32]) -> Result<Agreement, Failure> {
        if task.sampling.noise != Noise::Gumbel || task.mask.is_some() {
            return Err(Failure::usage(
                "only pictures drawn without a mask and with Gumbel noise can be told again",
            ));
        }
        let sampling = self.sampling(task)?;
        let panel = self.panel(task)?;
        let one = Grid::of(panel).map_err(|e| Failure::usage(e.to_string()))?;
        let (grid, told) = (task.mode.grid(one), task.mode.told_grid(one));
        let first = if task.mode.takes_source() { one.codes() } else { 0 };
        let alphabet = &self.model.alphabet;
        if codes.len() != grid.codes() || codes.iter().any(|code| *code as usize >= alphabet.codes()) {
            return Err(Failure::usage("the stored tokens are not those of this model"));
        }
        let mut given = vec![None; grid.codes()];
        task.story.give(&mut given)?;
        let known: Vec<Option<u32>> = codes.iter().copied().map(Some).collect();
        let stream = alphabet.stream(told, &known);
        let stream = stream.map_err(|e| Failure::usage(e.to_string()))?;
        let ids: Vec<u32> = stream.into_iter().take(drawn_len(grid, told)).flatten().collect();
        // What it was drawn from, whatever the prompt would be understood as today.
        let words = match &task.wording {
            Wording::As(caption) => caption,
            Wording::Understood | Wording::AsTyped => &task.prompt,
        };
        let prompt = self.prompt(task, words, panel)?;
        let code_at = |position: usize| ids.get(position).and_then(|id| alphabet.code_of_id(*id));
        let mut agreement = Agreement::default();
        let mut p = Vec::new();
        self.told(&prompt, &ids, &Cancel::new(), &mut |position, c, u| {
            let Some(code) = code_at(position) else { return };
            let is_given = grid.code_at(position).is_some_and(|index| given[index].is_some());
            if position < grid.position(first) || is_given {
                agreement.entropies.push(None);
                return;
            }
            distribution(c, Some(u), &sampling, &mut p);
            agreement.entropies.push(Some(entropy(&p)));
            let noise = NoiseKey::new(task.seed, position as u64);
            let found = noise.gumbel_argmax(&p);
            agreement.codes += 1;
            if found == code {
                agreement.equal += 1;
            } else {
                let gap = noise.height(found, &p) - noise.height(code, &p);
                agreement.widest = agreement.widest.max(gap);
            }
        })
        .map_err(Failure::from)?;
        Ok(agreement)
    }
}
