//! A whole stream told to the model, code by code: what it thinks of every one of them.

use super::loaded::Session;
use super::plan::Plan;
use crate::decode::{Feed, PredictError, log_softmax};
use crate::model::weights::ModelError;
use crate::task::Cancel;

/// Tokens told at a time.
const CHUNK: usize = 16;

/// Sees the scores of a position: conditional, unconditional.
type See<'a> = dyn FnMut(usize, &[f32], &[f32]) + 'a;

impl Session {
    /// Runs `prompt` and `ids` (`<start>` on) through the model and shows for every id but the first its
    /// position and the scores it was to be chosen by: conditional, unconditional; a row of codes each.
    ///
    /// # Errors
    /// Fails where there is no memory for it, where the model cannot run, and when it is cancelled.
    pub(super) fn told(
        &self,
        prompt: &[u32],
        ids: &[u32],
        cancel: &Cancel,
        see: &mut See<'_>,
    ) -> Result<(), ModelError> {
        let failed = |reason: String| ModelError::Config(reason);
        let mut predictor = self.model.decoder.predictor(2, prompt.len() + ids.len())?;
        let mut scores = Vec::new();
        let count = self.model.alphabet.codes();
        for from in (0..ids.len()).step_by(CHUNK) {
            if cancel.is_cancelled() {
                return Err(failed("cancelled".to_owned()));
            }
            let tokens = &ids[from..ids.len().min(from + CHUNK)];
            let begins;
            let conditional = match from {
                0 => {
                    begins = [prompt, tokens].concat();
                    &begins[..]
                }
                _ => tokens,
            };
            let at = if from == 0 { 0 } else { prompt.len() + from };
            let feed = |lane, at, tokens| Feed {
                lane,
                at,
                tokens,
                scores_from: 0,
            };
            let mut feeds = [feed(0, at, conditional), feed(1, from, tokens)];
            feeds[0].scores_from = conditional.len() - tokens.len();
            predictor
                .predict(&feeds, &mut scores)
                .map_err(|e| failed(e.to_string()))?;
            if !scores.iter().all(|score| score.is_finite()) {
                return Err(failed(PredictError::not_finite().0));
            }
            let (c, u) = scores.split_at(tokens.len() * count);
            for row in 0..tokens.len() {
                let of = row * count..(row + 1) * count;
                // The row of a token scores the one behind it.
                see(from + row + 1, &c[of.clone()], &u[of]);
            }
        }
        Ok(())
    }

    /// For each stream `log p` of the codes that were given behind the first one that was drawn, in nats:
    /// how well what was kept follows from what was redrawn. Told by the words of the last segment.
    pub(super) fn seams<'a>(
        &self,
        plan: &Plan,
        streams: impl Iterator<Item = &'a [u32]>,
        cancel: &Cancel,
    ) -> Result<Vec<f64>, ModelError> {
        let prompt = plan
            .segments
            .last()
            .map_or(&[][..], |segment| &segment.prompt[..]);
        let first = plan.known.iter().position(Option::is_none).unwrap_or(usize::MAX);
        let mut seams = Vec::new();
        for ids in streams {
            let mut seam = 0.0;
            self.told(prompt, ids, cancel, &mut |position, c, _| {
                let index = plan.grid.code_at(position).filter(|index| *index > first);
                let code = index.and_then(|index| plan.known.get(index).copied().flatten());
                if let Some(code) = code {
                    seam += log_softmax(c, code as usize);
                }
            })?;
            seams.push(seam);
        }
        Ok(seams)
    }
}
