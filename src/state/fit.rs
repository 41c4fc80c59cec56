//! How a checkpoint could run on this computer, as the models page shows it before the import; and the next
//! smaller thing to draw after memory ran out.

use crate::pixels::Size;
use crate::task::{Appraisal, Fitting, Format, Plan};

/// Whether the time of a picture was measured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Pace {
    #[default]
    Unknown,
    Measuring,
    Known,
    /// Why it could not be.
    Failed(String),
}

/// What is known of a planned import.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fit {
    /// `None` until the headers are read.
    pub fitting: Option<Fitting>,
    /// Why they cannot be.
    pub trouble: Option<String>,
    pub pace: Pace,
    /// The format the user chose, whatever is advised.
    pub(super) chosen: Option<Format>,
}

/// Memory ran out: what failed, and what would need less.
#[derive(Debug, Clone, PartialEq)]
pub struct Tight {
    /// What the model or the card said.
    pub message: String,
    /// The next smaller plan; `None` where nothing smaller is known.
    pub next: Option<Plan>,
}

/// Of what needs less than a picture of `size`, the first that fits in `free_bytes`, else the least.
pub(super) fn next_smaller(appraisal: &Appraisal, size: Size, free_bytes: Option<u64>) -> Option<Plan> {
    let area = |size: Size| u64::from(size.width) * u64::from(size.height);
    let smaller = appraisal.plans.iter().filter(|plan| match plan {
        Plan::Smaller(other, _) | Plan::Forced(other, _) => area(*other) < area(size),
        Plan::Stored(..) => true,
    });
    let smaller: Vec<&Plan> = smaller.collect();
    let fits = |plan: &&&Plan| free_bytes.is_none_or(|free| plan.needs().held() <= free);
    let next = smaller.iter().find(fits).copied();
    next.or_else(|| smaller.into_iter().min_by_key(|plan| plan.needs().held()))
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Device, Needs};

    fn needs(weights: u64) -> Needs {
        Needs {
            weights,
            ..Needs::default()
        }
    }

    fn appraisal(plans: Vec<Plan>) -> Appraisal {
        Appraisal {
            name: "7B".to_owned(),
            note: None,
            provenance: None,
            licence: None,
            format: "q8_0".to_owned(),
            weights: 7,
            size: Size::new(768, 768),
            runs_on: Device::Cpu,
            needs: needs(16),
            plans,
        }
    }

    #[test]
    fn the_next_plan_is_smaller_than_what_failed_and_fits() {
        let small = Plan::Smaller(Size::new(512, 512), needs(12));
        let stored = Plan::Stored(Format::Q4K, needs(9));
        let forced = Plan::Forced(Size::new(256, 256), needs(8));
        let all = appraisal(vec![small.clone(), stored.clone(), forced.clone()]);
        let next = |size, free| next_smaller(&all, Size::new(size, size), free);
        assert_eq!(next(768, Some(12)), Some(small.clone()));
        assert_eq!(next(768, Some(11)), Some(stored.clone()));
        assert_eq!(next(768, None), Some(small));
        // A picture of that size failed: the same one is no way out.
        assert_eq!(next(512, Some(12)), Some(stored));
        assert_eq!(next(768, Some(1)), Some(forced), "nothing fits: the least");
        assert_eq!(
            next_smaller(&appraisal(Vec::new()), Size::new(768, 768), None),
            None
        );
    }
}
