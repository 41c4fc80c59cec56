//! Which devices of this machine a model can run on, and in words why not on the others.

use crate::model::cuda::{self, CardSummary};
use crate::model::memory;
use crate::model::network::Hardware;
use crate::task::{Device, DeviceState, KvCache};

fn state(device: Device, about: String, hindrance: Option<String>) -> DeviceState {
    DeviceState {
        device,
        about,
        hindrance,
        free_bytes: None,
    }
}

fn card(found: Result<CardSummary, String>) -> DeviceState {
    match found {
        Ok(card) => DeviceState {
            free_bytes: Some(card.free_bytes),
            ..state(Device::Cuda, card.name, None)
        },
        Err(why) => state(Device::Cuda, String::new(), Some(why)),
    }
}

fn metal(is_built: bool, trouble: Option<String>) -> Option<DeviceState> {
    let hindrance = match is_built {
        true => trouble,
        false => Some("this build has no Metal: build it with `--features metal`".to_owned()),
    };
    // Elsewhere nobody misses it.
    cfg!(target_os = "macos").then(|| state(Device::Metal, String::new(), hindrance))
}

/// The NVIDIA card a model is put on if it has room there; `None` where there is none, or another device
/// was chosen.
pub(super) fn card_for(device: Device) -> Option<CardSummary> {
    match device {
        Device::Auto | Device::Cuda => cuda::survey().ok(),
        Device::Cpu | Device::Metal => None,
    }
}

/// Memory that is free where a model would be put: on the card if it will compute there.
pub(super) fn free_bytes(device: Device) -> Option<u64> {
    let card = card_for(device).map(|card| card.free_bytes);
    card.or_else(memory::free_bytes)
}

/// Every device worth a word, the best last.
pub(super) fn devices() -> Vec<DeviceState> {
    let threads = rayon::current_num_threads();
    let mut all = vec![state(Device::Cpu, format!("{threads} threads"), None)];
    if !cfg!(target_os = "macos") {
        all.push(card(cuda::survey()));
    }
    let has_metal = cfg!(feature = "metal");
    let trouble = has_metal
        .then(|| Hardware::open(Device::Metal, KvCache::default()).err())
        .flatten();
    all.extend(metal(has_metal, trouble.map(|error| error.to_string())));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_named_or_why_there_is_none() {
        let h100 = CardSummary {
            name: "NVIDIA H100 80GB HBM3".to_owned(),
            free_bytes: 81_079 << 20,
        };
        let found = card(Ok(h100.clone()));
        assert_eq!((found.about, found.hindrance), (h100.name, None));
        assert_eq!(found.free_bytes, Some(81_079 << 20));
        let none = card(Err("no NVIDIA driver was found".to_owned()));
        assert_eq!((none.free_bytes, none.about.as_str()), (None, ""));
        assert!(none.hindrance.is_some_and(|why| why.contains("no NVIDIA driver")));
    }

    #[test]
    fn the_cpu_can_always_be_used() {
        let all = devices();
        assert_eq!((all[0].device, &all[0].hindrance), (Device::Cpu, &None));
        for other in &all[1..] {
            assert!(other.hindrance.is_some() || !other.about.is_empty(), "{other:?}");
        }
    }
}
