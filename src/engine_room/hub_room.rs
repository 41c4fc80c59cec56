//! The models of the Hugging Face Hub, as both fronts ask for them.

use crate::hub::{self, Checked, Freed, Got, HubError, Repository, Settings, Told};
use crate::task::{Cancel, Failure, HubShelf, Offered, Stored, Transfer};
use directories::ProjectDirs;
use std::path::PathBuf;

/// What may be asked of the Hub and of its cache.
#[derive(Debug, Clone)]
pub struct HubRoom {
    settings: Result<Settings, HubError>,
    /// The user's own list of models.
    list: Option<PathBuf>,
}

impl HubRoom {
    /// As this process's variables and the user's folders say.
    pub fn of_user() -> Self {
        let project = ProjectDirs::from("", "", "lumina-studio");
        Self::with(
            Settings::of_user(),
            project.map(|project| project.config_dir().join("models.json")),
        )
    }

    /// With settings of another's, and a list of models.
    pub fn with(settings: Result<Settings, HubError>, list: Option<PathBuf>) -> Self {
        Self { settings, list }
    }

    /// The file for models of the user's own.
    pub fn list(&self) -> Option<&PathBuf> {
        self.list.as_ref()
    }

    fn settings(&self) -> Result<&Settings, Failure> {
        self.settings.as_ref().map_err(|error| error.clone().into())
    }

    /// Known models, and what is here of them.
    ///
    /// # Errors
    /// A variable has no usable value.
    pub fn shelf(&self) -> Result<HubShelf, Failure> {
        let settings = self.settings()?;
        let (offered, remark) = hub::known(self.list.as_deref());
        let named = |offer: &Offered| offer.repository.parse().ok();
        let repositories: Vec<Repository> = offered.iter().filter_map(named).collect();
        let there = settings.cache.ancestors().find(|folder| folder.is_dir());
        Ok(HubShelf {
            stored: hub::found(&settings.cache, &repositories),
            free_bytes: there.and_then(|folder| (settings.free_bytes)(folder)),
            cache: settings.cache.clone(),
            offered,
            remark,
        })
    }

    fn repository(name: &str) -> Result<Repository, Failure> {
        let name = name.trim().parse::<Repository>();
        name.map_err(|error| HubError::from(error).into())
    }

    /// Brings all that a checkpoint needs of a repository.
    ///
    /// # Errors
    /// As of [`hub::get`].
    pub fn get(&self, repository: &str, cancel: &Cancel, told: &mut dyn FnMut(Told)) -> Result<Got, Failure> {
        self.get_file(repository, None, cancel, told)
    }

    /// As [`HubRoom::get`]; where a file is named, that model file alone.
    ///
    /// # Errors
    /// As of [`hub::get_file`].
    pub fn get_file(
        &self,
        repository: &str,
        file: Option<&str>,
        cancel: &Cancel,
        told: &mut dyn FnMut(Told),
    ) -> Result<Got, Failure> {
        Ok(hub::get_file(
            self.settings()?,
            (&Self::repository(repository)?, file),
            cancel,
            told,
        )?)
    }

    /// Reads a repository's files again.
    ///
    /// # Errors
    /// As of [`hub::check`].
    pub fn check(
        &self,
        repository: &str,
        cancel: &Cancel,
        told: &mut dyn FnMut(Transfer),
    ) -> Result<Checked, Failure> {
        Ok(hub::check(
            self.settings()?,
            &Self::repository(repository)?,
            cancel,
            told,
        )?)
    }

    /// Takes a repository off the disk.
    ///
    /// # Errors
    /// As of [`hub::remove`].
    pub fn remove(&self, repository: &str) -> Result<Freed, Failure> {
        Ok(hub::remove(self.settings()?, &Self::repository(repository)?)?)
    }

    /// Takes what is not whole of a repository off the disk.
    ///
    /// # Errors
    /// As of [`hub::discard_parts`].
    pub fn discard_parts(&self, repository: &str) -> Result<Freed, Failure> {
        Ok(hub::discard_parts(
            self.settings()?,
            &Self::repository(repository)?,
        )?)
    }

    /// What is here of one repository, whatever it is.
    ///
    /// # Errors
    /// It is not here.
    pub fn stored(&self, repository: &str) -> Result<Stored, Failure> {
        let (settings, repository) = (self.settings()?, Self::repository(repository)?);
        let all = hub::found(&settings.cache, std::slice::from_ref(&repository));
        let name = repository.to_string();
        let found = all.into_iter().find(|stored| stored.repository == name);
        found.ok_or_else(|| HubError::NotHere(repository).into())
    }
}
