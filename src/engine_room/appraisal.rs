//! What a model is and needs where it would run, read off its headers.

use super::ModelSource;
use super::devices::card_for;
use crate::model::bundle::{Parts, Source, with_parts};
use crate::model::decoder::config::Config;
use crate::model::footprint::Scale;
use crate::pixels::Size;
use crate::task::{Appraisal, Device, Failure, KvCache};

/// Where a model would run, as `Bundle` decides: on the card that was found if it fits there.
fn runs_on(scale: &Scale<'_>, device: Device, size: Size) -> Device {
    let Some(card) = card_for(device) else {
        return Device::Cpu;
    };
    let needs = scale.needs_on_card(None, KvCache::default(), size);
    let fits = needs.is_ok_and(|needs| needs.held() <= card.free_bytes);
    match device == Device::Cuda || fits {
        true => Device::Cuda,
        false => Device::Cpu,
    }
}

/// What a model is and needs. Its weights are not read.
pub(super) fn appraise(asked: &ModelSource) -> Result<Appraisal, Failure> {
    let source = Source {
        // Nothing is computed: no device is wanted.
        device: Device::Cpu,
        ..asked.source()
    };
    let appraised = with_parts(&source, |parts: Parts<'_>| {
        let config = Config::from_json(&parts.config)?;
        let movq_config = parts.movq_sizes()?;
        let scale = parts.scale(&config, &movq_config);
        let card = &parts.card;
        let size = card.default_size("generate").unwrap_or(Size::new(256, 256));
        let runs_on = runs_on(&scale, asked.device, size);
        let needs = |quant, size| {
            let on_card = (runs_on == Device::Cuda)
                .then(|| scale.needs_on_card(quant, KvCache::default(), size).ok())
                .flatten();
            on_card.unwrap_or_else(|| scale.needs(quant, size))
        };
        Ok(Appraisal {
            name: card.name.clone(),
            note: card.note.clone(),
            provenance: card.provenance.clone(),
            licence: card.licence.clone(),
            format: parts.format.clone(),
            weights: config.weights() as u64,
            size,
            runs_on,
            needs: needs(None, size),
            plans: scale.plans(&card.sizes("generate"), size, &needs),
        })
    });
    Ok(appraised?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::bundle::Bundle;
    use crate::model::footprint::PROMPT_TOKENS;
    use crate::token::Grid;

    #[test]
    fn the_starter_needs_little_and_says_what_it_is() {
        let starter = appraise(&ModelSource::found(None, Device::Cpu)).unwrap();
        assert_eq!(
            (starter.name.as_str(), starter.size),
            ("starter", Size::new(192, 192))
        );
        assert!(starter.note.is_some_and(|note| note.contains("small world")));
        assert!(starter.licence.is_some() && starter.provenance.is_some());
        let held = starter.needs.held();
        assert!((20_000_000..200_000_000).contains(&held), "{held}");
        let loaded = Bundle::open(&Source::default()).unwrap();
        assert_eq!(loaded.bytes, starter.needs.weights);
        let capacity = Grid::of(starter.size).unwrap().stream_len() + PROMPT_TOKENS;
        assert_eq!(
            starter.needs.cache,
            2 * loaded.decoder.lane_bytes(capacity) as u64
        );
    }
}
