//! Serves a folder as a repository of a Hub on this machine, for the real window and for Python:
//! `fake-hub PORT OWNER/NAME FOLDER [BYTES A SECOND]`. It ends with its standard input.

#[path = "../fake_hub/mod.rs"]
mod fake_hub;

use fake_hub::FakeHub;
use std::collections::BTreeMap;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [port, name, folder, rate @ ..] = &args[..] else {
        eprintln!("fake-hub PORT OWNER/NAME FOLDER [BYTES A SECOND]");
        std::process::exit(2);
    };
    let hub = FakeHub::start_at(port.parse().expect("a port"));
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let name = entry.file_name().into_string().expect("a name");
        files.insert(name, std::fs::read(entry.path()).expect("a file"));
    }
    hub.put(name, &files);
    if let Some(rate) = rate.first() {
        hub.slow(rate.parse().expect("a number"));
    }
    println!("{}", hub.endpoint());
    // Until whoever started it is gone.
    let _ = std::io::stdin().lines().count();
}
