//! What is measured of a card beside whole forwards: how fast it reads, what a forward has to read, what
//! was reserved.

use super::card::{Card, File};
use super::decoder::CardDecoder;
use super::driver::Extent;
use super::matrix::Form;
use crate::model::decoder::config::Config;
use crate::model::weights::ModelError;
use crate::task::{Format, KvCache};
use bytemuck::bytes_of;
use std::sync::Arc;

/// Bytes read to find out how fast a card reads: more than its caches hold.
const READ_BYTES: usize = 1 << 30;

impl Card {
    /// Bytes a second the card reads from its memory, the best of several tries.
    pub fn read_speed(&self) -> Result<f64, ModelError> {
        let bytes = READ_BYTES
            .min(self.free_bytes() as usize / 2)
            .next_multiple_of(1 << 20);
        let memory = self.context.zeros("measuring the card", bytes)?;
        let out = self.context.zeros("measuring the card", 16)?;
        let kernel = self.kernel(File::Repack, "read_all", 0)?;
        let count = (bytes / 16) as u64;
        let mut best = f64::INFINITY;
        for _ in 0..5 {
            let began = self.context.mark()?;
            kernel.launch(
                Extent::row(8 * self.features.multiprocessors, 512),
                &[bytes_of(&memory.at(0)), bytes_of(&count), bytes_of(&out.at(0))],
            )?;
            let ended = self.context.mark()?;
            best = best.min(began.seconds_to(&ended)?);
        }
        Ok(bytes as f64 / best)
    }

    /// Most bytes of its memory this program had at once.
    pub fn most_reserved(&self) -> u64 {
        self.context.most_reserved()
    }
}

impl CardDecoder {
    /// A decoder of the shape of `config` with weights nobody trained, made on the card; its first
    /// `codes` tokens are the picture codes.
    pub fn of_shape(
        card: &Arc<Card>,
        config: &Config,
        codes: usize,
        quant: Format,
        cell: KvCache,
    ) -> Result<Self, ModelError> {
        let form = match quant {
            Format::Q4K => Form::Q4,
            Format::Q8_0 => Form::Q8,
            Format::F32 | Format::F16 | Format::Bf16 => Form::Half,
        };
        Self::invented(card, config, codes, form, cell)
    }

    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Bytes a forward over `positions` positions (of all its lanes together) has to read: every matrix,
    /// every key and value.
    pub fn read_bytes(&self, positions: usize) -> u64 {
        let matrices = self
            .blocks
            .iter()
            .flat_map(|block| [&block.qkv, &block.o, &block.gate_up, &block.down])
            .chain([&self.head]);
        let weights: usize = matrices.map(|matrix| matrix.bytes()).sum();
        (weights + positions * self.layout.position_bytes(self.cell)) as u64
    }
}
