//! The real program, killed in the middle: it goes on, and nothing that is not whole is taken for whole.

use super::fake_hub::{FakeHub, noise, tiny};
use super::program::program;
use super::{NAME, nothing_half_trusted, repository};
use lumina_studio::hub;
use std::time::Duration;

const KILLS: u64 = 50;

#[test]
fn killed_at_fifty_moments_it_goes_on_and_trusts_nothing_half() {
    let (hub, cache) = (FakeHub::start(), tempfile::tempdir().expect("a folder"));
    hub.put(NAME, &tiny());
    // A whole download takes about a second then.
    hub.slow(300_000);
    let (mut in_the_middle, mut whole) = (0, 0);
    for kill in 0..KILLS {
        let mut running = program(&hub, cache.path(), &["models", "get", NAME])
            .spawn()
            .expect("the program");
        // Moments without a pattern, evenly spread.
        let moment = u64::from(noise(8, kill + 1)[7]) * 5;
        std::thread::sleep(Duration::from_millis(moment));
        running.kill().expect("a kill");
        running.wait().expect("its end");
        nothing_half_trusted(cache.path());
        if hub::leftovers(cache.path(), &repository()) > 0 {
            in_the_middle += 1;
        }
        if hub::whole_snapshot(cache.path(), &repository()).is_some() {
            whole += 1;
            std::fs::remove_dir_all(cache.path().join("models--tiny--lumina")).expect("a new beginning");
        }
    }
    let ranges = hub
        .asked()
        .iter()
        .filter(|asked| asked.is_store && asked.range.is_some())
        .count();
    println!(
        "{in_the_middle} of {KILLS} kills left parts, {whole} came after the end, {ranges} parts went on"
    );
    assert!(in_the_middle >= 5 && ranges >= 3, "{in_the_middle} {ranges}");
    hub.slow(0);
    let ended = program(&hub, cache.path(), &["models", "get", NAME])
        .output()
        .expect("the program");
    assert_eq!(
        ended.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    let verified = program(&hub, cache.path(), &["models", "verify", NAME])
        .output()
        .expect("the program");
    assert_eq!(
        verified.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&verified.stderr)
    );
}
