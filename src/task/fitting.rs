//! How a checkpoint could run on this computer: every way with what it needs and how long a picture takes.

use super::models::{Device, Format, Needs, gigabytes};
use crate::pixels::Size;
use serde::{Deserialize, Serialize};

/// One way to run a checkpoint here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Way {
    pub format: Format,
    /// Where it would compute: the CPU or an NVIDIA card.
    pub device: Device,
    /// Of the memory there.
    pub needs: Needs,
    /// Of the memory there; `None` where the system does not say.
    pub free_bytes: Option<u64>,
    /// The file an import makes, about.
    pub file_bytes: u64,
    /// A picture of the checkpoint's own size, one code a forward, as measured here; `None` before that.
    pub seconds: Option<f64>,
}

impl Way {
    /// Whether it fits; unknown memory is taken to be enough.
    pub fn fits(&self) -> bool {
        self.free_bytes.is_none_or(|free| self.needs.held() <= free)
    }

    /// "5.9 GB of 14.2 GB free".
    pub fn memory(&self) -> String {
        let held = gigabytes(self.needs.held());
        match self.free_bytes {
            Some(free) => format!("{held} of {} free", gigabytes(free)),
            None => held,
        }
    }

    /// "weights 4.3 GB, cache 1.2 GB, picture 0.4 GB".
    pub fn parts(&self) -> String {
        format!(
            "weights {}, cache {}, turning codes into pixels {}",
            gigabytes(self.needs.weights),
            gigabytes(self.needs.cache),
            gigabytes(self.needs.decode)
        )
    }

    /// "13 min a picture at most"; guesses that hold make it less.
    pub fn pace(&self) -> Option<String> {
        Some(format!("{} a picture at most", duration(self.seconds?)))
    }
}

/// `0.4 s`, `42 s`, `13 min`, `2 h 5 min`.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => {
            let minutes = (s / 60.0).round() as u64;
            format!("{} h {} min", minutes / 60, minutes % 60)
        }
    }
}

/// All ways to run a checkpoint here, and the one that is advised.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Fitting {
    /// The picture it draws unless another size is chosen.
    pub size: Option<Size>,
    /// The smallest format first.
    pub ways: Vec<Way>,
}

impl Fitting {
    /// The way to take unless the user knows better: where there is a card with room for it, the finer of the
    /// two formats of blocks that fits it; on a CPU the smallest, for there the size decides how long a
    /// picture takes. `None`: nothing fits.
    pub fn advised(&self) -> Option<&Way> {
        let of = |device: Device, format: Format| {
            let mut ways = self.ways.iter();
            ways.find(|way| way.device == device && way.format == format && way.fits())
        };
        of(Device::Cuda, Format::Q8_0)
            .or_else(|| of(Device::Cuda, Format::Q4K))
            .or_else(|| of(Device::Cpu, Format::Q4K))
            .or_else(|| self.ways.iter().find(|way| way.fits()))
    }

    /// The way of a format: on the card where it fits there.
    pub fn way(&self, format: Format) -> Option<&Way> {
        let of_format = || self.ways.iter().filter(|way| way.format == format);
        of_format()
            .find(|way| way.device == Device::Cuda && way.fits())
            .or_else(|| of_format().find(|way| way.device == Device::Cpu))
            .or_else(|| of_format().next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1_000_000_000;

    fn way(device: Device, format: Format, weights: u64, free: Option<u64>) -> Way {
        Way {
            format,
            device,
            needs: Needs {
                weights: weights * GB,
                cache: GB,
                decode: GB,
                file: 0,
            },
            free_bytes: free.map(|free| free * GB),
            file_bytes: weights * GB,
            seconds: None,
        }
    }

    fn fitting(card: Option<u64>, memory: u64) -> Fitting {
        let sizes = [
            (Format::Q4K, 5),
            (Format::Q8_0, 8),
            (Format::F16, 15),
            (Format::Bf16, 15),
        ];
        let on = |device, free: u64| sizes.map(|(format, weights)| way(device, format, weights, Some(free)));
        let mut ways: Vec<Way> = card
            .map(|free| on(Device::Cuda, free))
            .into_iter()
            .flatten()
            .collect();
        ways.extend(on(Device::Cpu, memory));
        Fitting {
            size: Some(Size::new(768, 768)),
            ways,
        }
    }

    fn advised(card: Option<u64>, memory: u64) -> Option<(Device, Format)> {
        fitting(card, memory)
            .advised()
            .map(|way| (way.device, way.format))
    }

    #[test]
    fn what_is_advised_fits() {
        assert_eq!(advised(Some(24), 64), Some((Device::Cuda, Format::Q8_0)));
        assert_eq!(advised(Some(8), 64), Some((Device::Cuda, Format::Q4K)));
        assert_eq!(advised(Some(4), 64), Some((Device::Cpu, Format::Q4K)));
        assert_eq!(advised(None, 7), Some((Device::Cpu, Format::Q4K)));
        assert_eq!(advised(None, 6), None);
        let unknown = Fitting {
            size: None,
            ways: vec![way(Device::Cpu, Format::Q4K, 5, None)],
        };
        assert!(unknown.advised().is_some_and(Way::fits));
    }

    #[test]
    fn a_format_runs_on_the_card_where_it_fits_there() {
        let fitting = fitting(Some(8), 64);
        let device = |format| fitting.way(format).map(|way| way.device);
        assert_eq!(device(Format::Q4K), Some(Device::Cuda));
        assert_eq!(device(Format::F16), Some(Device::Cpu));
        assert_eq!(device(Format::F32), None);
    }

    #[test]
    fn memory_and_pace_are_said_in_words() {
        let mut way = way(Device::Cpu, Format::Q4K, 5, Some(14));
        assert_eq!(way.memory(), "7.0 GB of 14.0 GB free");
        assert_eq!(way.pace(), None);
        for (seconds, words) in [
            (0.44, "0.4 s"),
            (42.2, "42 s"),
            (780.0, "13 min"),
            (7500.0, "2 h 5 min"),
        ] {
            way.seconds = Some(seconds);
            assert_eq!(way.pace(), Some(format!("{words} a picture at most")));
        }
    }
}
