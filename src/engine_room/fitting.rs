//! How a checkpoint could run on this machine: what each format needs, and how long a picture takes.

use super::devices::card_for;
use super::{ModelSource, failed};
use crate::measure::{Pacing, pace};
use crate::model::bundle::{Parts, Source, with_parts};
use crate::model::decoder::config::Config;
use crate::model::memory;
use crate::model::weights::ModelError;
use crate::pixels::Size;
use crate::task::{Cancel, Device, Failure, Fitting, Format, ImportWish, KvCache, Way};
use std::time::Duration;

/// What is measured of a format takes about so long, over all of them.
const MEASURED_FOR: Duration = Duration::from_secs(10);

/// The size a model draws unless told otherwise.
fn size_of(parts: &Parts<'_>) -> Size {
    let size = parts.card.default_size("generate");
    size.unwrap_or(Size::new(256, 256))
}

fn source(wish: &ImportWish) -> Source {
    let asked = ModelSource {
        model: Some(wish.folder.clone()),
        movq: wish.movq.clone(),
        movq_config: wish.movq_config.clone(),
        // Nothing is computed: no device is wanted.
        device: Device::Cpu,
        ..ModelSource::default()
    };
    asked.source()
}

/// Every way to run the checkpoint of an import, without reading its weights.
pub(super) fn fitting(wish: &ImportWish, device: Device) -> Result<Fitting, Failure> {
    let fitting = with_parts(&source(wish), |parts: Parts<'_>| {
        let config = Config::from_json(&parts.config)?;
        let movq_config = parts.movq_sizes()?;
        let scale = parts.scale(&config, &movq_config);
        let size = size_of(&parts);
        let card = card_for(device);
        let mut ways = Vec::new();
        for format in Format::OFFERED {
            let way = |device, needs, free_bytes| Way {
                format,
                device,
                needs,
                free_bytes,
                file_bytes: scale.file_bytes(format),
                seconds: None,
            };
            let on_card = scale.needs_on_card(Some(format), KvCache::default(), size).ok();
            if let Some((card, needs)) = card.as_ref().zip(on_card) {
                ways.push(way(Device::Cuda, needs, Some(card.free_bytes)));
            }
            if device != Device::Cuda {
                let needs = scale.needs(Some(format), size);
                ways.push(way(Device::Cpu, needs, memory::free_bytes()));
            }
        }
        Ok(Fitting {
            size: Some(size),
            ways,
        })
    });
    Ok(fitting?)
}

/// Measures those ways that fit, a format on the device it would run on, and notes how long a picture takes.
pub(super) fn measured(wish: &ImportWish, mut fitting: Fitting, cancel: &Cancel) -> Result<Fitting, Failure> {
    let (config, movq) = with_parts(&source(wish), |parts: Parts<'_>| {
        Ok((Config::from_json(&parts.config)?, parts.movq_sizes()?))
    })?;
    let Some(size) = fitting.size else {
        return Ok(fitting);
    };
    let wanted: Vec<(Device, Format)> = Format::OFFERED
        .into_iter()
        .filter_map(|format| fitting.way(format))
        .filter(|way| way.fits())
        .map(|way| (way.device, way.format))
        .collect();
    for device in [Device::Cuda, Device::Cpu] {
        let on_it = wanted.iter().filter(|(on, _)| *on == device);
        let formats: Vec<Format> = on_it.map(|(_, format)| *format).collect();
        if formats.is_empty() {
            continue;
        }
        let pacing = Pacing {
            config: &config,
            movq: &movq,
            device,
            kv: KvCache::default(),
            size,
            budget: MEASURED_FOR / wanted.len() as u32,
        };
        let paced = pace(&pacing, &formats, cancel).map_err(|error| {
            let error = error.downcast::<ModelError>();
            error.map_or_else(failed, Failure::from)
        })?;
        for (format, paced) in formats.iter().zip(paced) {
            let mut ways = fitting.ways.iter_mut();
            if let Some(way) = ways.find(|way| way.device == device && way.format == *format) {
                way.seconds = Some(paced.picture);
            }
        }
    }
    Ok(fitting)
}

#[cfg(test)]
mod tests {
    use super::super::{EngineRoom as _, LocalModels};
    use super::*;
    use std::path::Path;

    fn starter() -> ImportWish {
        LocalModels.plan_import(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/starter"))
    }

    #[test]
    fn a_folder_is_fitted_and_measured_before_it_is_imported() {
        let wish = starter();
        let found = fitting(&wish, Device::Cpu).expect("headers");
        let formats: Vec<Format> = found.ways.iter().map(|way| way.format).collect();
        assert_eq!(formats, Format::OFFERED);
        assert!(
            found
                .ways
                .iter()
                .all(|way| way.device == Device::Cpu && way.fits())
        );
        let held: Vec<u64> = found.ways.iter().map(|way| way.needs.weights).collect();
        assert!(held[0] < held[1] && held[1] < held[2], "{held:?}");
        let file: Vec<u64> = found.ways.iter().map(|way| way.file_bytes).collect();
        assert!(
            file[0] < file[1] && file[1] < file[2] && file[2] == file[3],
            "{file:?}"
        );
        let measured = measured(&wish, found.clone(), &Cancel::new()).expect("a pace");
        for (way, was) in measured.ways.iter().zip(&found.ways) {
            assert!(
                way.seconds
                    .is_some_and(|seconds| (0.01..600.0).contains(&seconds)),
                "{way:?}"
            );
            assert_eq!(way.needs, was.needs);
        }
    }

    #[test]
    fn a_cancelled_measurement_ends() {
        let (wish, cancel) = (starter(), Cancel::new());
        cancel.cancel();
        let found = fitting(&wish, Device::Cpu).expect("headers");
        let failure = measured(&wish, found, &cancel).expect_err("it was cancelled");
        assert!(failure.message.contains("cancelled"), "{failure}");
    }

    #[test]
    fn a_folder_that_is_none_has_no_ways() {
        let mut wish = starter();
        wish.folder = wish.folder.join("nothing");
        assert!(fitting(&wish, Device::Cpu).is_err());
    }
}
