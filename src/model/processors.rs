//! Which processors of this machine a model can run on, and in words why not on the others.

use super::cuda::{self, CardSummary, KvCache};
use super::memory;
use super::network::Place;
use crate::task::{Processor, ProcessorState};

impl From<Processor> for Place {
    fn from(processor: Processor) -> Self {
        match processor {
            Processor::Auto => Self::Auto,
            Processor::Cpu => Self::Cpu,
            Processor::Cuda => Self::Cuda,
            Processor::Metal => Self::Metal,
        }
    }
}

fn state(processor: Processor, about: String, hindrance: Option<String>) -> ProcessorState {
    ProcessorState {
        processor,
        about,
        hindrance,
        free_bytes: None,
    }
}

fn card(found: Result<CardSummary, String>) -> ProcessorState {
    match found {
        Ok(card) => ProcessorState {
            free_bytes: Some(card.free_bytes),
            ..state(Processor::Cuda, card.name, None)
        },
        Err(why) => state(Processor::Cuda, String::new(), Some(why)),
    }
}

fn metal(is_built: bool, trouble: Option<String>) -> Option<ProcessorState> {
    let hindrance = match is_built {
        true => trouble,
        false => Some("this build has no Metal: build it with `--features metal`".to_owned()),
    };
    // Elsewhere nobody misses it.
    cfg!(target_os = "macos").then(|| state(Processor::Metal, String::new(), hindrance))
}

/// Memory that is free where a model would be put: on the card if it will compute there.
pub fn free_bytes(processor: Processor) -> Option<u64> {
    let card = match processor {
        Processor::Auto | Processor::Cuda => cuda::survey().ok().map(|card| card.free_bytes),
        Processor::Cpu | Processor::Metal => None,
    };
    card.or_else(memory::free_bytes)
}

/// Every processor worth a word, the best last.
pub fn processors() -> Vec<ProcessorState> {
    let threads = rayon::current_num_threads();
    let mut all = vec![state(Processor::Cpu, format!("{threads} threads"), None)];
    if !cfg!(target_os = "macos") {
        all.push(card(cuda::survey()));
    }
    let has_metal = cfg!(feature = "metal");
    let trouble = has_metal
        .then(|| Place::Metal.open(KvCache::default()).err())
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
        let all = processors();
        assert_eq!((all[0].processor, &all[0].hindrance), (Processor::Cpu, &None));
        for other in &all[1..] {
            assert!(other.hindrance.is_some() || !other.about.is_empty(), "{other:?}");
        }
    }
}
