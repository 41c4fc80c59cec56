//! Several at once: what is drawn beside each other comes back in its order.

use super::drawing::Artist;
use super::settings::Settings;
use std::sync::atomic::{AtomicUsize, Ordering};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Calls `work` with every number below `count`, `--at-once` of them beside each other, each with its share
/// of the cores and an artist of its own.
pub fn beside<T: Send>(
    settings: &Settings,
    artist: &mut Artist,
    count: usize,
    work: impl Fn(&mut Artist, usize) -> Outcome<T> + Sync,
) -> Outcome<Vec<T>> {
    let next = AtomicUsize::new(0);
    let work = |artist: &mut Artist| -> Result<Vec<(usize, T)>, String> {
        let mut made = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return Ok(made);
            }
            made.push((index, work(artist, index).map_err(|error| error.to_string())?));
            if settings.row.is_none() && (index + 1).is_multiple_of(50) {
                eprintln!("{} of {count} drawn", index + 1);
            }
        }
    };
    let threads = (rayon::current_num_threads() / settings.at_once.max(1)).max(1);
    let of_its_own = |artist: &mut Artist| -> Result<Vec<(usize, T)>, String> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.map_err(|error| error.to_string())?.install(|| work(artist))
    };
    let mut made = std::thread::scope(|scope| -> Outcome<Vec<(usize, T)>> {
        let others: Vec<_> = (1..settings.at_once)
            .map(|_| {
                scope.spawn(|| {
                    let mut artist = Artist::open(settings).map_err(|error| error.to_string())?;
                    of_its_own(&mut artist)
                })
            })
            .collect();
        let mut made = of_its_own(artist)?;
        for other in others {
            made.extend(other.join().map_err(|_| "a thread that draws panicked")??);
        }
        Ok(made)
    })?;
    made.sort_by_key(|(index, _)| *index);
    Ok(made.into_iter().map(|(_, made)| made).collect())
}
