//! The memory of this machine: what is free, and in words why something does not fit.

use super::weights::ModelError;
use crate::task::gigabytes;

fn system() -> Option<sysinfo::System> {
    let mut system = sysinfo::System::new().ok()?;
    system.refresh_memory();
    Some(system)
}

/// Memory that programs can get without others being pushed to disk; `None` where the system does
/// not say.
pub fn free_bytes() -> Option<u64> {
    let system = system()?;
    let free = Some(system.available_memory()).filter(|free| *free > 0);
    // A container may be allowed less than the machine has.
    let allowed = system.cgroup_limits();
    // Pages of files can be taken back.
    let allowed = allowed.map(|limits| limits.total_memory.saturating_sub(limits.rss));
    match (free, allowed) {
        (Some(free), Some(allowed)) => Some(free.min(allowed)),
        (free, allowed) => free.or(allowed),
    }
}

/// What the cache of a picture is for, in words.
pub(super) const DRAWING: &str = "drawing this picture";

/// There is no room for `what`.
pub(super) fn refusal(what: &str, bytes: u64) -> ModelError {
    let free = free_bytes().map_or_else(String::new, |free| format!(", {} are free", gigabytes(free)));
    ModelError::Memory(format!(
        "{what} needs {} of memory{free}: choose a smaller picture, fewer candidates or a smaller model, or close \
         other programs",
        gigabytes(bytes)
    ))
}

/// Refuses what this machine can never give. Asked piece by piece instead, a piece that is refused
/// would end the program.
pub(super) fn possible(what: &str, bytes: u64) -> Result<(), ModelError> {
    // Address space, and memory on systems that promise no more than they have.
    let reserved =
        usize::try_from(bytes).is_ok_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok());
    let most = system().map_or(0, |system| system.total_memory() + system.total_swap());
    if !reserved || (most > 0 && bytes > most) {
        return Err(refusal(what, bytes));
    }
    Ok(())
}

/// Refuses what this machine cannot give now: where more is promised than there is, using it ends
/// the program.
pub(super) fn affordable(what: &str, bytes: u64) -> Result<(), ModelError> {
    possible(what, bytes)?;
    let swap = system().map_or(0, |system| system.free_swap());
    match free_bytes() {
        Some(free) if bytes > free.saturating_add(swap) => Err(refusal(what, bytes)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_machine_has_is_refused_in_words() {
        for ask in [possible, affordable] {
            let refused = ask("the drawing", 1 << 60).unwrap_err().to_string();
            assert!(
                refused.contains("the drawing needs") && refused.contains("smaller picture"),
                "{refused}"
            );
            ask("the drawing", 1 << 20).unwrap();
        }
        assert!(free_bytes().is_some_and(|free| free > 1 << 20));
    }
}
