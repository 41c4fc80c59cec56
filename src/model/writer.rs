//! Text out of the stream: the decoder that draws pictures also goes on writing.
//!
//! It needs the whole head, where drawing needs the picture codes only; so a writer holds a
//! decoder of its own. Ids after a prompt are sampled one by one, up to the end of the turn or
//! the start of a picture.

use super::bundle::{Parts, Source, with_parts};
use super::config::Config;
use super::network::Network;
use super::text::Text;
use super::transformer::Head;
use super::weights::ModelError;
use crate::decode::Feed;
use crate::token::Alphabet;
use candle_core::{Device, Tensor};
use candle_transformers::generation::{LogitsProcessor, Sampling};

/// How a text is sampled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wish {
    /// 0 takes the likeliest token every time.
    pub temperature: f64,
    /// Tokens kept before the draw; all when `None`.
    pub top_k: Option<usize>,
    pub seed: u64,
    /// Tokens at most.
    pub most: usize,
}

/// Why a text ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The model closed its turn.
    Turn,
    /// A picture begins.
    Picture,
    /// As many tokens as were asked for, or as the model holds.
    Length,
}

/// What a model wrote. The token that ended it is not among the ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub ids: Vec<u32>,
    pub text: String,
    pub end: End,
}

/// A model that writes.
pub struct Writer {
    text: Text,
    alphabet: Alphabet,
    decoder: Network,
}

impl Writer {
    pub fn open(source: &Source) -> Result<Self, ModelError> {
        with_parts(source, Self::build)
    }

    fn build(parts: Parts<'_>) -> Result<Self, ModelError> {
        let config = Config::from_json(&parts.config)?;
        let text = Text::new(&parts.files)?;
        Ok(Self {
            alphabet: text.alphabet(&config)?,
            decoder: Network::load(parts.decoder, &config, &Head::Full, parts.quant, &parts.hardware)?,
            text,
        })
    }

    pub fn text(&self) -> &Text {
        &self.text
    }

    pub fn alphabet(&self) -> &Alphabet {
        &self.alphabet
    }

    /// The model's turn after those of a conversation.
    pub fn reply(&self, turns: &[&str], wish: &Wish) -> Result<Written, ModelError> {
        self.go_on(&self.text.prompt(&self.alphabet, turns)?, wish)
    }

    /// What follows `ids`.
    pub fn go_on(&self, ids: &[u32], wish: &Wish) -> Result<Written, ModelError> {
        let config = self.decoder.config();
        let (vocabulary, held) = (config.vocab_size, config.max_position_embeddings);
        if ids.is_empty() || ids.len() > held || ids.iter().any(|id| *id as usize >= vocabulary) {
            return Err(ModelError::Config(format!(
                "a text must have 1 to {held} tokens of this model's vocabulary to be continued"
            )));
        }
        let most = wish.most.min(held - ids.len());
        let mut predictor = self.decoder.predictor(1, ids.len() + most)?;
        let mut sampler = LogitsProcessor::from_sampling(wish.seed, sampling(wish));
        let (mut all, mut at) = (ids.to_vec(), 0);
        let mut scores = Vec::new();
        let mut end = End::Length;
        while all.len() < ids.len() + most {
            let tokens = &all[at..];
            let feed = Feed {
                lane: 0,
                at,
                tokens,
                scores_from: tokens.len() - 1,
            };
            let run = predictor.predict(&[feed], &mut scores);
            run.map_err(|e| ModelError::Config(e.to_string()))?;
            at = all.len();
            let row = Tensor::from_slice(&scores[..vocabulary], vocabulary, &Device::Cpu)?;
            let next = sampler.sample(&row)?;
            if next == self.alphabet.image_start {
                end = End::Picture;
                break;
            }
            if next == self.alphabet.separator || next == self.alphabet.first {
                end = End::Turn;
                break;
            }
            all.push(next);
        }
        let ids = all.split_off(ids.len());
        Ok(Written {
            text: self.text.decode(&ids)?,
            ids,
            end,
        })
    }

    /// Scores of every token of the vocabulary for what follows `ids`, by one forward over them.
    pub fn scores_after(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        let mut predictor = self.decoder.predictor(1, ids.len())?;
        let feed = Feed {
            lane: 0,
            at: 0,
            tokens: ids,
            scores_from: ids.len().saturating_sub(1),
        };
        let mut scores = Vec::new();
        let run = predictor.predict(&[feed], &mut scores);
        run.map_err(|e| ModelError::Config(e.to_string()))?;
        scores.truncate(self.decoder.config().vocab_size);
        Ok(scores)
    }
}

fn sampling(wish: &Wish) -> Sampling {
    let temperature = wish.temperature;
    match wish.top_k {
        _ if temperature <= 0.0 => Sampling::ArgMax,
        Some(k) => Sampling::TopK { k, temperature },
        None => Sampling::All { temperature },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn writer() -> Writer {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/starter");
        let model = Some(folder);
        Writer::open(&Source {
            model,
            ..Source::default()
        })
        .unwrap()
    }

    fn best(scores: &[f32]) -> u32 {
        let best = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        best.unwrap().0 as u32
    }

    #[test]
    fn a_greedy_text_is_the_likeliest_token_every_time() {
        let writer = writer();
        // The middle of a prompt: there is text to go on with.
        let mut ids = vec![writer.alphabet.first];
        ids.extend(
            writer
                .text
                .encode("Generate an image of 128x128 according")
                .unwrap(),
        );
        let greedy = Wish {
            temperature: 0.0,
            top_k: None,
            seed: 0,
            most: 6,
        };
        let written = writer.go_on(&ids, &greedy).unwrap();
        assert!(!written.ids.is_empty(), "{written:?}");
        let mut before = ids.clone();
        for id in &written.ids {
            assert_eq!(best(&writer.scores_after(&before).unwrap()), *id);
            before.push(*id);
        }
        assert_eq!(written.text, writer.text.decode(&written.ids).unwrap());
        assert_eq!(written.end == End::Length, written.ids.len() == 6);
    }

    #[test]
    fn a_seed_is_one_text_and_top_k_of_one_is_greedy() {
        let writer = writer();
        let mut ids = vec![writer.alphabet.first];
        ids.extend(writer.text.encode("a").unwrap());
        let wish = Wish {
            temperature: 3.0,
            top_k: Some(200),
            seed: 5,
            most: 12,
        };
        let first = writer.go_on(&ids, &wish).unwrap();
        assert_eq!(writer.go_on(&ids, &wish).unwrap(), first);
        let others = (6..12).map(|seed| writer.go_on(&ids, &Wish { seed, ..wish }).unwrap());
        assert!(others.into_iter().any(|other| other != first));
        let one = Wish {
            top_k: Some(1),
            ..wish
        };
        let greedy = Wish {
            temperature: 0.0,
            ..wish
        };
        assert_eq!(
            writer.go_on(&ids, &one).unwrap(),
            writer.go_on(&ids, &greedy).unwrap()
        );
    }

    #[test]
    fn the_stream_is_one_and_a_prompt_is_followed_by_a_picture() {
        let writer = writer();
        let prompt =
            "Generate an image of 128x128 according to the following prompt:\na cat on a blue background";
        let greedy = Wish {
            temperature: 0.0,
            top_k: None,
            seed: 0,
            most: 8,
        };
        let written = writer.reply(&[prompt], &greedy).unwrap();
        assert_eq!((written.ids.len(), written.end), (0, End::Picture));
        assert!(writer.go_on(&[], &greedy).is_err() && writer.go_on(&[u32::MAX], &greedy).is_err());
    }
}
