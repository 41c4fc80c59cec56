//! One file, from the first try to its name; and tries in general.

use super::cache::pause;
use super::error::HubError;
use super::part::{Order, Tried};
use super::settings::Patience;
use super::sum::is_right;
use crate::task::Cancel;
use std::fs;
use std::time::Duration;

/// Tries until it works, until nobody wants it any more, or until patience is at its end. `moved` counts what
/// came: a try that brought something is no failure.
///
/// # Errors
/// Whatever does not pass by itself; the last failure when too many followed each other.
pub(super) fn patiently<T>(
    patience: &Patience,
    is_over: &dyn Fn() -> bool,
    remark: &dyn Fn(String),
    moved: &dyn Fn() -> u64,
    mut attempt: impl FnMut() -> Result<T, HubError>,
) -> Result<T, HubError> {
    let mut failures = 0;
    loop {
        let before = moved();
        let error = match attempt() {
            Ok(done) => return Ok(done),
            Err(_) if is_over() => return Err(HubError::Cancelled),
            Err(error) => error,
        };
        let Some(asked) = error.passes() else {
            return Err(error);
        };
        failures = if moved() > before { 1 } else { failures + 1 };
        if failures >= patience.tries || asked.is_some_and(|asked| asked > patience.longest_pause) {
            return Err(error);
        }
        let doubled = patience.first_pause.saturating_mul(1 << (failures - 1).min(16));
        let length = asked.unwrap_or(doubled).min(patience.longest_pause);
        if length >= Duration::from_secs(1) {
            remark(format!("{error}; trying again in {} s", length.as_secs()));
        }
        pause(length, is_over);
        if is_over() {
            return Err(HubError::Cancelled);
        }
    }
}

/// Brings a file to its name in the cache, whatever of it is here already.
///
/// # Errors
/// As of [`Order::go_on`], when trying again does not help.
pub(super) fn bring(order: &Order<'_>, patience: &Patience, cancel: &Cancel) -> Result<(), HubError> {
    let name = &order.file.name;
    let waits = &mut || (order.remark)(format!("another program fetches {name}: waiting for it"));
    let _lock = order.folder.lock(&order.file.sum, order.is_over, waits)?;
    if is_here(order, cancel)? {
        return Ok(());
    }
    patiently(
        patience,
        order.is_over,
        order.remark,
        &|| order.meter.came(),
        || {
            // A part that was bad is dropped; the next try is one from the beginning.
            loop {
                match order.go_on()? {
                    Tried::Whole => return Ok(()),
                    Tried::BadPart => {
                        (order.remark)(format!(
                            "the part of {name} that was here was damaged: it begins anew"
                        ));
                    }
                }
            }
        },
    )
}

/// Whether the file has its name already, and its sum, too. One with another sum is taken away.
fn is_here(order: &Order<'_>, cancel: &Cancel) -> Result<bool, HubError> {
    let blob = order.folder.blob(&order.file.sum);
    if !blob.is_file() {
        return Ok(false);
    }
    order.meter.set(order.slot, 0);
    if is_right(&blob, &order.file.sum, cancel, &mut |bytes| {
        order.meter.add(order.slot, bytes)
    })? {
        return Ok(true);
    }
    order.meter.set(order.slot, 0);
    (order.remark)(format!(
        "{} was damaged here: it is fetched anew",
        order.file.name
    ));
    fs::remove_file(&blob).map_err(|error| HubError::disk(&blob, &error))?;
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn quick() -> Patience {
        Patience {
            first_pause: Duration::ZERO,
            tries: 3,
            ..Patience::default()
        }
    }

    fn server(wait: Option<u64>) -> HubError {
        HubError::Server {
            host: "hub".to_owned(),
            status: 503,
            wait: wait.map(Duration::from_secs),
        }
    }

    #[test]
    fn what_passes_is_tried_again_and_progress_gives_new_patience() {
        let tries = Cell::new(0);
        let of = |moved: &dyn Fn() -> u64, error: &HubError| {
            tries.set(0);
            let ended = patiently(&quick(), &|| false, &|_| {}, moved, || {
                tries.set(tries.get() + 1);
                match tries.get() {
                    10 => Ok(()),
                    _ => Err(error.clone()),
                }
            });
            (ended, tries.get())
        };
        assert_eq!(of(&|| 0, &server(None)), (Err(server(None)), 3));
        assert_eq!(of(&|| tries.get(), &server(Some(0))), (Ok(()), 10));
        assert_eq!(of(&|| 0, &HubError::Token), (Err(HubError::Token), 1));
        // A server that asks for an hour is told of at once.
        assert_eq!(of(&|| 0, &server(Some(3600))), (Err(server(Some(3600))), 1));
    }

    #[test]
    fn nobody_waits_for_what_is_over() {
        let cancel = Cancel::new();
        let ended: Result<(), _> = patiently(
            &Patience::default(),
            &|| cancel.is_cancelled(),
            &|_| cancel.cancel(),
            &|| 0,
            || Err(server(Some(200))),
        );
        assert_eq!(ended, Err(HubError::Cancelled));
    }
}
