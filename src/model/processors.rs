//! Which processors of this machine a model can run on, and in words why not on the others.

use super::memory;
use super::network::Place;
use crate::task::{Processor, ProcessorState};
use std::process::{Command, Stdio};

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

/// An NVIDIA card as its driver describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Card {
    name: String,
    free_bytes: u64,
}

/// What the driver's own tool says of the first card; `None` without a driver.
fn nvidia() -> Option<Card> {
    let mut ask = Command::new("nvidia-smi");
    ask.args(["--query-gpu=name,memory.free", "--format=csv,noheader,nounits"])
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let said = ask.output().ok().filter(|said| said.status.success())?;
    card(&String::from_utf8_lossy(&said.stdout))
}

/// A line such as `NVIDIA H100, 81000`: name and MiB free.
fn card(text: &str) -> Option<Card> {
    let (name, free) = text.lines().next()?.rsplit_once(',')?;
    let free: u64 = free.trim().parse().ok()?;
    Some(Card {
        name: name.trim().to_owned(),
        free_bytes: free << 20,
    })
}

/// Whether this build can use CUDA and Metal.
struct Build {
    cuda: bool,
    metal: bool,
}

fn state(processor: Processor, about: String, hindrance: Option<String>) -> ProcessorState {
    ProcessorState {
        processor,
        about,
        hindrance,
        free_bytes: None,
    }
}

fn cuda(build: &Build, card: Option<Card>, trouble: Option<String>) -> ProcessorState {
    let hindrance = match (build.cuda, &card) {
        (false, Some(_)) => Some("this build has no CUDA: build it with `--features cuda`".to_owned()),
        (false, None) => Some("this build has no CUDA, and no NVIDIA driver was found".to_owned()),
        (true, None) if trouble.is_some() => Some("no NVIDIA driver was found".to_owned()),
        (true, _) => trouble,
    };
    ProcessorState {
        free_bytes: card.as_ref().map(|card| card.free_bytes),
        ..state(
            Processor::Cuda,
            card.map(|card| card.name).unwrap_or_default(),
            hindrance,
        )
    }
}

fn metal(build: &Build, trouble: Option<String>) -> Option<ProcessorState> {
    let hindrance = match build.metal {
        true => trouble,
        false => Some("this build has no Metal: build it with `--features metal`".to_owned()),
    };
    // Elsewhere nobody misses it.
    cfg!(target_os = "macos").then(|| state(Processor::Metal, String::new(), hindrance))
}

/// Memory that is free where a model would be put: on the card if it will compute there.
pub fn free_bytes(processor: Processor) -> Option<u64> {
    let on_card = cfg!(feature = "cuda") && matches!(processor, Processor::Auto | Processor::Cuda);
    let card = on_card.then(nvidia).flatten().map(|card| card.free_bytes);
    card.or_else(memory::free_bytes)
}

/// Every processor worth a word, the best last.
pub fn processors() -> Vec<ProcessorState> {
    let build = Build {
        cuda: cfg!(feature = "cuda"),
        metal: cfg!(feature = "metal"),
    };
    let trouble = |place: Place, has: bool| match has.then(|| place.open()) {
        Some(Err(error)) => Some(error.to_string()),
        _ => None,
    };
    let threads = rayon::current_num_threads();
    let mut all = vec![state(Processor::Cpu, format!("{threads} threads"), None)];
    if !cfg!(target_os = "macos") {
        all.push(cuda(&build, nvidia(), trouble(Place::Cuda, build.cuda)));
    }
    all.extend(metal(&build, trouble(Place::Metal, build.metal)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_not_cuda_is_said_in_words() {
        let with = |cuda| Build { cuda, metal: false };
        let h100 = card("NVIDIA H100 80GB HBM3, 81079\nNVIDIA H100 80GB HBM3, 5\n");
        assert_eq!(
            h100,
            Some(Card {
                name: "NVIDIA H100 80GB HBM3".to_owned(),
                free_bytes: 81_079 << 20,
            })
        );
        assert_eq!((card(""), card("no numbers")), (None, None));
        let why = |build: &Build, card: &Option<Card>, trouble: Option<&str>| {
            cuda(build, card.clone(), trouble.map(str::to_owned)).hindrance
        };
        assert!(why(&with(false), &None, None).is_some_and(|why| why.contains("no NVIDIA driver")));
        assert!(why(&with(false), &h100, None).is_some_and(|why| why.contains("--features cuda")));
        assert_eq!(why(&with(true), &h100, None), None);
        assert_eq!(
            why(&with(true), &h100, Some("it is busy")),
            Some("it is busy".to_owned())
        );
        assert!(why(&with(true), &None, Some("x")).is_some_and(|why| why == "no NVIDIA driver was found"));
        assert_eq!(cuda(&with(true), h100, None).free_bytes, Some(81_079 << 20));
    }

    #[test]
    fn the_cpu_can_always_be_used() {
        let all = processors();
        assert_eq!((all[0].processor, &all[0].hindrance), (Processor::Cpu, &None));
        assert!(
            all.iter()
                .skip(1)
                .all(|other| other.hindrance.is_some() || cfg!(feature = "cuda") || cfg!(feature = "metal"))
        );
    }
}
