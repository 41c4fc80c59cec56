//! A disk that is too small, where this machine lets a test have one.

use super::fake_hub::{FakeHub, noise, tiny};
use super::{NAME, get, is_whole, nothing_half_trusted, settings};
use lumina_studio::hub::{self, HubError, Settings};
use std::path::Path;
use std::process::{Command, Stdio};

/// A small file system in memory, until it is dropped.
struct SmallDisk<'a>(&'a Path);

fn is_done(command: &mut Command) -> bool {
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

impl<'a> SmallDisk<'a> {
    fn mount(folder: &'a Path, size: &str) -> Option<Self> {
        let mut mount = Command::new("mount");
        let mount = mount
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder);
        is_done(mount).then_some(Self(folder))
    }

    fn grow(&self, size: &str) -> bool {
        is_done(
            Command::new("mount")
                .args(["-o", &format!("remount,size={size}")])
                .arg(self.0),
        )
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        is_done(Command::new("umount").arg(self.0));
    }
}

#[test]
fn a_full_disk_is_refused_before_or_keeps_what_came() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(disk) = SmallDisk::mount(folder.path(), "3m") else {
        println!("skipped: no file system can be mounted here");
        return;
    };
    let hub = FakeHub::start();
    let mut files = tiny();
    files.insert("model-00001-of-00002.safetensors".to_owned(), noise(6_000_000, 1));
    hub.put(NAME, &files);
    let settings = settings(&hub, folder.path());
    match get(&settings).0 {
        Err(HubError::Space { needed, free, .. }) => assert!(needed > 6_000_000 && free < 3_500_000),
        ended => panic!("{ended:?}"),
    }
    assert!(
        hub.asked().iter().all(|asked| !asked.is_store),
        "a byte was fetched"
    );
    // Where nobody knows how much is free, or another program is faster.
    let unknowing = Settings {
        free_bytes: |_| None,
        ..settings.clone()
    };
    let error = get(&unknowing).0.expect_err("no room");
    assert!(matches!(error, HubError::Full { .. }), "{error}");
    let kept = hub::leftovers(folder.path(), &super::repository());
    assert!(kept > 1_000_000, "{kept}");
    nothing_half_trusted(folder.path());
    assert!(disk.grow("20m"));
    hub.forget();
    is_whole(&settings, &get(&settings).0.expect("the rest"));
    assert!(
        hub.asked()
            .iter()
            .any(|asked| asked.is_store && asked.range.is_some()),
        "it began anew"
    );
}
