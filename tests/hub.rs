//! Models of the Hub, against a Hub on this machine that behaves well and badly: whatever happens, what has its
//! name in the cache is right, and what is not whole goes on.

#[path = "fake_hub/mod.rs"]
mod fake_hub;

#[path = "hub/faults.rs"]
mod faults;
#[path = "hub/killed.rs"]
mod killed;
#[path = "hub/program.rs"]
mod program;
#[path = "hub/small_disk.rs"]
mod small_disk;

use fake_hub::{FakeHub, sum_of, tiny};
use lumina_studio::hub::{self, Got, HubError, Patience, Repository, Settings, Told};
use lumina_studio::task::Cancel;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub const NAME: &str = "tiny/lumina";

pub fn repository() -> Repository {
    NAME.parse().expect("a name")
}

/// Settings that wait for nothing.
pub fn settings(hub: &FakeHub, cache: &Path) -> Settings {
    let variable = |name: &str| match name {
        "HF_ENDPOINT" => Some(OsString::from(hub.endpoint())),
        "HF_HOME" => Some(cache.join("nobody").into()),
        "HF_HUB_CACHE" => Some(cache.as_os_str().to_owned()),
        _ => None,
    };
    let mut settings = Settings::from(&variable).expect("settings");
    settings.patience = Patience {
        stall: Duration::from_millis(400),
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_secs(2),
        tries: 4,
    };
    settings
}

/// Gets the repository; what was remarked stands beside.
pub fn get(settings: &Settings) -> (Result<Got, HubError>, Vec<String>) {
    let mut remarks = Vec::new();
    let got = hub::get(settings, &repository(), &Cancel::new(), &mut |told| match told {
        Told::Remark(remark) => remarks.push(remark),
        Told::Step(step) => assert!(step.done <= step.of, "{step:?}"),
    });
    (got, remarks)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Every file that has its name is right, and a folder that looks like a checkpoint is one.
pub fn nothing_half_trusted(cache: &Path) {
    let root = cache.join("models--tiny--lumina");
    for blob in files(&root.join("blobs")) {
        let name = blob.file_name().expect("a name").to_string_lossy().into_owned();
        if !name.contains(".incomplete") {
            let sum = sum_of(&std::fs::read(&blob).expect("a file"));
            assert_eq!(sum, name, "a file has its name and is not right");
        }
    }
    for snapshot in files(&root.join("snapshots")) {
        if snapshot.join("config.json").is_file() {
            for name in tiny().keys().filter(|name| !name.starts_with(['.', 'R'])) {
                assert!(
                    snapshot.join(name).is_file(),
                    "{name} is missing in what looks whole"
                );
            }
        }
    }
}

/// It is here, right, and the same as on the Hub.
pub fn is_whole(settings: &Settings, got: &Got) {
    let checked = hub::check(settings, &repository(), &Cancel::new(), &mut |_| {}).expect("a check");
    assert!(checked.is_right() && checked.unknown.is_empty(), "{checked:?}");
    assert_eq!((checked.files, checked.bytes), (got.files, got.bytes));
    assert_eq!(
        hub::whole_snapshot(&settings.cache, &repository()),
        Some(got.snapshot.clone())
    );
    assert_eq!(hub::leftovers(&settings.cache, &repository()), 0);
}

#[test]
fn a_checkpoint_comes_whole_and_only_once() {
    let (hub, cache) = (FakeHub::start(), tempfile::tempdir().expect("a folder"));
    hub.put(NAME, &tiny());
    let settings = settings(&hub, cache.path());
    let got = get(&settings).0.expect("a model");
    assert_eq!(got.files, 7, "neither README.md nor .gitattributes");
    is_whole(&settings, &got);
    for (name, bytes) in tiny().iter().filter(|(name, _)| !name.starts_with(['.', 'R'])) {
        assert_eq!(
            &std::fs::read(got.snapshot.join(name)).expect("a file"),
            bytes,
            "{name}"
        );
    }
    hub.forget();
    assert_eq!(get(&settings).0.expect("it is here"), got);
    assert_eq!(hub.asked().len(), 1, "only the list was asked for");
    // Another program's view of it.
    let found = hub::found(cache.path(), &[]);
    assert!(
        found.len() == 1 && found[0].is_whole() && found[0].parts == 0,
        "{found:?}"
    );
    let freed = hub::remove(&settings, &repository()).expect("freed");
    assert!(freed.bytes >= got.bytes && hub::found(cache.path(), &[]).is_empty());
    assert_eq!(
        hub::remove(&settings, &repository()),
        Err(HubError::NotHere(repository()))
    );
}

#[test]
fn a_pause_keeps_what_came_and_a_cancel_frees_it() {
    let (hub, cache) = (FakeHub::start(), tempfile::tempdir().expect("a folder"));
    hub.put(NAME, &tiny());
    hub.slow(400_000);
    let settings = settings(&hub, cache.path());
    let cancel = Cancel::new();
    let mut most = 0.0_f64;
    let ended = hub::get(&settings, &repository(), &cancel, &mut |told| {
        if let Told::Step(step) = told {
            most = most.max(step.rate);
            if step.done > 150_000 {
                cancel.cancel();
            }
        }
    });
    assert_eq!(ended, Err(HubError::Cancelled));
    assert!(most > 0.0, "a rate was told");
    let kept = hub::leftovers(cache.path(), &repository());
    assert!(kept > 0);
    nothing_half_trusted(cache.path());
    hub.slow(0);
    hub.forget();
    let got = get(&settings).0.expect("the rest");
    assert!(
        hub.asked()
            .iter()
            .any(|asked| asked.range.is_some() && asked.if_range.is_some())
    );
    is_whole(&settings, &got);
    // The same, thrown away.
    hub::remove(&settings, &repository()).expect("freed");
    hub.slow(400_000);
    let cancel = Cancel::new();
    let _ = hub::get(&settings, &repository(), &cancel, &mut |told| match told {
        Told::Step(step) if step.done > 150_000 => cancel.cancel(),
        _ => {}
    });
    let freed = hub::discard_parts(&settings, &repository()).expect("freed");
    assert!(freed.bytes > 0 && hub::leftovers(cache.path(), &repository()) == 0);
}

#[test]
fn what_is_damaged_on_the_disk_loses_its_name_and_comes_again() {
    let (hub, cache) = (FakeHub::start(), tempfile::tempdir().expect("a folder"));
    hub.put(NAME, &tiny());
    let settings = settings(&hub, cache.path());
    let got = get(&settings).0.expect("a model");
    let shard = got.snapshot.join("model-00001-of-00002.safetensors");
    let blob = shard.canonicalize().expect("a file");
    let mut bytes = std::fs::read(&blob).expect("bytes");
    bytes[1000] ^= 1;
    std::fs::write(&blob, bytes).expect("damage");
    let checked = hub::check(&settings, &repository(), &Cancel::new(), &mut |_| {}).expect("a check");
    assert_eq!(checked.damaged, ["model-00001-of-00002.safetensors"]);
    assert!(!blob.exists() && hub::whole_snapshot(cache.path(), &repository()).is_none());
    hub.forget();
    let got = get(&settings).0.expect("the file anew");
    assert_eq!(hub.asked().len(), 3, "the list, and one file by way of the Hub");
    is_whole(&settings, &got);
}
