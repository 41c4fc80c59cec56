//! A whole repository: what is needed, whether it fits, all files at once, and the snapshot in the end.

use super::cache::{Folder, go_on, whole_snapshot};
use super::check::check;
use super::client::Client;
use super::error::HubError;
use super::file::{bring, patiently};
use super::known::preferred;
use super::listing::{Listing, REVISION, RepoFile};
use super::meter::{Meter, Rate};
use super::needs::{self, CONFIG, INDEX};
use super::part::Order;
use super::repository::Repository;
use super::settings::Settings;
use crate::task::{Cancel, Transfer, TransferPhase};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Between two steps that are told.
const TICK: Duration = Duration::from_millis(100);

/// What a download says.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    Step(Transfer),
    /// Something worth knowing, in a sentence.
    Remark(String),
}

/// What a download has brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    /// The folder with all files.
    pub snapshot: PathBuf,
    pub files: usize,
    /// Of all its files.
    pub bytes: u64,
}

/// What all threads of a download share.
struct Work<'a> {
    settings: &'a Settings,
    repository: &'a Repository,
    /// Of its files this one only.
    file: Option<&'a str>,
    client: &'a Client,
    folder: Folder,
    cancel: &'a Cancel,
    /// One file failed for good: the others need not go on.
    has_failed: AtomicBool,
    meter: Mutex<Option<Arc<Meter>>>,
}

/// Brings all that a checkpoint needs of a repository into the cache: every byte is held to its sum, also of what
/// was there before. `told` is called from this thread, ten times a second. `cancel` keeps what came.
///
/// # Errors
/// [`HubError`] has a sentence for each; no file has its name then that is not right.
pub fn get(
    settings: &Settings,
    repository: &Repository,
    cancel: &Cancel,
    told: &mut dyn FnMut(Told),
) -> Result<Got, HubError> {
    get_file(settings, (repository, None), cancel, told)
}

/// As [`get`]; where a file is named, that model file alone.
///
/// # Errors
/// As of [`get`]; the repository has no model file of this name.
pub fn get_file(
    settings: &Settings,
    (repository, file): (&Repository, Option<&str>),
    cancel: &Cancel,
    told: &mut dyn FnMut(Told),
) -> Result<Got, HubError> {
    if settings.is_offline {
        return of_cache(settings, repository, cancel, told);
    }
    let client = Client::new(settings);
    let work = Work {
        settings,
        repository,
        file,
        client: &client,
        folder: Folder::of(&settings.cache, repository),
        cancel,
        has_failed: AtomicBool::new(false),
        meter: Mutex::new(None),
    };
    let (sender, remarks) = channel();
    let (mut rate, mut is_stopped) = (Rate::since(Instant::now()), false);
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| work.all(sender));
        loop {
            match remarks.recv_timeout(TICK) {
                Ok(remark) => told(Told::Remark(remark)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if cancel.is_cancelled() && !is_stopped {
                client.stop();
                is_stopped = true;
            }
            told(Told::Step(work.step(&mut rate)));
        }
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Without the Hub: what is here is read again.
fn of_cache(
    settings: &Settings,
    repository: &Repository,
    cancel: &Cancel,
    told: &mut dyn FnMut(Told),
) -> Result<Got, HubError> {
    let offline = || HubError::Offline(repository.clone());
    whole_snapshot(&settings.cache, repository).ok_or_else(offline)?;
    let checked = check(settings, repository, cancel, &mut |step| told(Told::Step(step)))?;
    match checked.is_right() {
        true => Ok(Got {
            snapshot: checked.snapshot,
            files: checked.files,
            bytes: checked.bytes,
        }),
        false => Err(offline()),
    }
}

impl Work<'_> {
    fn is_over(&self) -> bool {
        self.cancel.is_cancelled() || self.has_failed.load(Ordering::Relaxed)
    }

    fn step(&self, rate: &mut Rate) -> Transfer {
        let meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(meter) = meter else {
            // Nothing was asked for yet: the time does not count.
            *rate = Rate::since(Instant::now());
            return Transfer::default();
        };
        let rate = rate.note(Instant::now(), meter.came());
        meter.read(TransferPhase::Fetching, rate)
    }

    fn all(&self, remarks: Sender<String>) -> Result<Got, HubError> {
        let listing = self.list(&remarks)?;
        match self.commit(&listing, &remarks) {
            // A newer version may have been put there meanwhile.
            Err(error) if error.is_of_a_version() => {
                go_on(self.cancel)?;
                let newer = self.list(&remarks)?;
                if newer == listing {
                    return Err(error);
                }
                let _ = remarks.send(format!(
                    "{} was changed meanwhile: fetching the new version",
                    self.repository
                ));
                for sum in listing.sums_not_in(&newer) {
                    // Nobody asks for these parts again.
                    let _ = std::fs::remove_file(self.folder.part(&sum));
                    let _ = std::fs::remove_file(self.folder.mark(&sum));
                }
                self.has_failed.store(false, Ordering::Relaxed);
                self.commit(&newer, &remarks)
            }
            ended => ended,
        }
    }

    fn list(&self, remarks: &Sender<String>) -> Result<Listing, HubError> {
        let remark = |remark| {
            let _ = remarks.send(remark);
        };
        let is_over = || self.cancel.is_cancelled();
        patiently(&self.settings.patience, &is_over, &remark, &|| 0, || {
            Listing::fetch(self.client, self.repository)
        })
    }

    /// Fetches one commit.
    fn commit(&self, listing: &Listing, remarks: &Sender<String>) -> Result<Got, HubError> {
        let no_model = |why| HubError::NoModel {
            repository: self.repository.clone(),
            why,
        };
        let names = match self.file {
            Some(file) => needs::choose_file(&listing.names(), file),
            None => needs::choose(&listing.names(), &preferred(self.repository)),
        };
        let names = names.map_err(no_model)?;
        let described = names.iter().map(|name| {
            patiently(
                &self.settings.patience,
                &|| self.is_over(),
                &|_| {},
                &|| 0,
                || listing.file(self.client, self.repository, name),
            )
        });
        let mut files = described.collect::<Result<Vec<_>, _>>()?;
        // Small ones first: what they say is known early. The large ones are what takes time.
        files.sort_by_key(|file| file.size);
        self.folder.make()?;
        self.has_room(&files)?;
        let meter = Arc::new(Meter::new(
            files.iter().map(|file| (file.name.as_str(), file.size)),
        ));
        *self.meter.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&meter));
        self.bring_all(listing, &files, &meter, remarks)?;
        go_on(self.cancel)?;
        self.hold_to_index(listing, &files).map_err(no_model)?;
        // The one that makes it a checkpoint comes last.
        let (config, others): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.name == CONFIG);
        for file in others.into_iter().chain(config) {
            self.folder.link(&listing.commit, &file.name, &file.sum)?;
        }
        self.folder.set_ref(REVISION, &listing.commit)?;
        Ok(Got {
            snapshot: self.folder.snapshot(&listing.commit),
            files: files.len(),
            bytes: files.iter().map(|file| file.size).sum(),
        })
    }

    /// Whether the disk holds what is still to come.
    fn has_room(&self, files: &[RepoFile]) -> Result<(), HubError> {
        let length = |path: PathBuf| std::fs::metadata(path).map(|about| about.len()).unwrap_or(0);
        // Files of one sum are kept once.
        let by_sum: BTreeMap<&str, &RepoFile> = files.iter().map(|file| (file.sum.text(), file)).collect();
        let to_come = by_sum.values().map(|file| {
            let here = length(self.folder.blob(&file.sum)).max(length(self.folder.part(&file.sum)));
            file.size.saturating_sub(here)
        });
        let needed: u64 = to_come.fold(0, u64::saturating_add);
        match (self.settings.free_bytes)(&self.folder.root) {
            Some(free) if free < needed => Err(HubError::Space {
                folder: self.settings.cache.display().to_string(),
                needed,
                free,
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// Some files at once; the first that fails for good ends all.
    fn bring_all(
        &self,
        listing: &Listing,
        files: &[RepoFile],
        meter: &Meter,
        remarks: &Sender<String>,
    ) -> Result<(), HubError> {
        let (next, failed) = (AtomicUsize::new(0), Mutex::new(None));
        let fetch = |remarks: Sender<String>| {
            let is_over = || self.is_over();
            let remark = |remark| {
                let _ = remarks.send(remark);
            };
            while !self.is_over() {
                let slot = next.fetch_add(1, Ordering::Relaxed);
                let Some(file) = files.get(slot) else { return };
                let order = Order {
                    client: self.client,
                    repository: self.repository,
                    folder: &self.folder,
                    commit: &listing.commit,
                    file,
                    meter,
                    slot,
                    is_over: &is_over,
                    remark: &remark,
                };
                if let Err(error) = bring(&order, &self.settings.patience, self.cancel) {
                    // After these a newer list is asked for, and a thread that was stopped says nothing.
                    let goes_on = error.is_of_a_version() || error == HubError::Cancelled;
                    let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                    // That the others were stopped is no reason.
                    if error != HubError::Cancelled || self.cancel.is_cancelled() {
                        failed.get_or_insert(error);
                    }
                    self.has_failed.store(true, Ordering::Relaxed);
                    if !goes_on {
                        // The others are not waited for.
                        self.client.stop();
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.settings.at_once.clamp(1, files.len().max(1)) {
                let (remarks, fetch) = (remarks.clone(), &fetch);
                scope.spawn(move || fetch(remarks));
            }
        });
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Whether all weights are here that the index names.
    fn hold_to_index(&self, listing: &Listing, files: &[RepoFile]) -> Result<(), String> {
        let Some(index) = files.iter().find(|file| file.name == INDEX) else {
            return Ok(());
        };
        let text =
            std::fs::read_to_string(self.folder.blob(&index.sum)).map_err(|error| error.to_string())?;
        let shards = needs::shards(&text)?;
        let names = listing.names();
        match shards
            .iter()
            .find(|shard| !files.iter().any(|file| file.name == **shard))
        {
            Some(shard) if names.contains(&shard.as_str()) => Err(format!(
                "{INDEX} names {shard}, which is not called as weights are"
            )),
            Some(shard) => Err(format!(
                "{INDEX} names {shard}, which the repository does not have"
            )),
            None => Ok(()),
        }
    }
}
