//! Those who rewrite words before they are drawn, as both fronts ask for them.

use crate::hub;
use crate::task::{Cancel, Failure, FoundWriter, Rewritten, WriterChoice};
use crate::writer::{self, BuiltIn, Endpoint, Key, Keys, Local, Writer};
use directories::ProjectDirs;
use std::path::PathBuf;
use std::time::Duration;

/// How long a server of this machine may take to list its models.
const LOOK: Duration = Duration::from_millis(300);

/// What may be asked of writers. Cheap to clone; each call may be made on a thread of its own.
#[derive(Debug, Clone)]
pub struct WriterRoom {
    /// Folders with language models.
    folders: Vec<PathBuf>,
    /// The Hugging Face cache.
    cache: Option<PathBuf>,
    places: Vec<writer::Place>,
    keys: Keys,
}

impl WriterRoom {
    /// As this process's variables and the user's folders say.
    pub fn of_user() -> Self {
        let project = ProjectDirs::from("", "", "lumina-studio");
        let own = project.map(|project| project.data_dir().join("writers"));
        Self::with(own.into_iter().collect(), hub::cache_of_user())
    }

    /// With folders of another's.
    pub fn with(folders: Vec<PathBuf>, cache: Option<PathBuf>) -> Self {
        Self {
            folders,
            cache,
            places: writer::PLACES.to_vec(),
            keys: Keys::default(),
        }
    }

    /// The folders in which language models are looked for, the Hugging Face cache aside.
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// The writers there are at this moment: the built-in one, servers of this machine with their models, language
    /// models among its files. Takes up to 300 ms, and a look at the disk.
    pub fn found(&self) -> Vec<FoundWriter> {
        let mut found = vec![FoundWriter {
            choice: WriterChoice::BuiltIn,
            title: WriterChoice::BuiltIn.title(),
        }];
        for server in writer::served(&self.places, LOOK) {
            let of_model = |model: String| FoundWriter {
                title: format!("{model} ({})", server.title),
                choice: WriterChoice::Endpoint {
                    url: server.url.clone(),
                    model: Some(model),
                },
            };
            found.extend(server.models.iter().cloned().map(of_model));
        }
        let files = writer::models_in(&self.folders, self.cache.as_deref());
        found.extend(files.into_iter().map(|path| {
            let choice = WriterChoice::Local { path };
            FoundWriter {
                title: choice.title(),
                choice,
            }
        }));
        found
    }

    /// Makes a fuller prompt of the user's `own` words, in `timeout` at most. `told` hears what is done.
    ///
    /// # Errors
    /// The words are none, the writer is not there, does not answer in time, or gives no usable answer; or `cancel`
    /// was called. The own words can be drawn all the same.
    pub fn rewrite(
        &self,
        choice: &WriterChoice,
        own: &str,
        timeout: Duration,
        cancel: &Cancel,
        told: &mut dyn FnMut(&str),
    ) -> Result<Rewritten, Failure> {
        let mut writer: Box<dyn Writer> = match choice {
            WriterChoice::BuiltIn => Box::new(BuiltIn),
            WriterChoice::Local { path } => Box::new(Local::new(path, timeout)),
            WriterChoice::Endpoint { url, model } => {
                Box::new(Endpoint::new(url, model.clone(), self.keys, timeout)?)
            }
        };
        Ok(writer.write(own, cancel, told)?)
    }

    /// Keeps the key of a server in the system's keyring, or takes it out.
    ///
    /// # Errors
    /// The address or the key is none, or the system has no keyring, or one that refuses.
    pub fn set_key(&self, url: &str, key: Option<&str>) -> Result<(), Failure> {
        match key {
            Some(key) => self.keys.keep(url, &Key::new(key)?)?,
            None => self.keys.forget(url)?,
        }
        Ok(())
    }

    /// Whether the keyring has a key for a server. The keyring may ask the user first.
    pub fn has_key(&self, url: &str) -> bool {
        self.keys.has(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_writer_is_always_there_and_files_are_told_by_their_headers() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("hub");
        let snapshot = cache.join("models--Qwen--Qwen3-0.6B-GGUF/snapshots/0123");
        std::fs::create_dir_all(&snapshot).unwrap();
        let header = |family: &str| {
            let mut bytes = b"GGUF\x03\0\0\0".to_vec();
            bytes.extend(0_u64.to_le_bytes());
            bytes.extend(1_u64.to_le_bytes());
            let key = "general.architecture";
            bytes.extend((key.len() as u64).to_le_bytes());
            bytes.extend(key.as_bytes());
            bytes.extend(8_u32.to_le_bytes());
            bytes.extend((family.len() as u64).to_le_bytes());
            bytes.extend(family.as_bytes());
            bytes
        };
        std::fs::write(snapshot.join("Qwen3-0.6B-Q8_0.gguf"), header("qwen3")).unwrap();
        std::fs::write(snapshot.join("clip.gguf"), header("clip")).unwrap();
        std::fs::write(folder.path().join("mine.GGUF"), header("llama")).unwrap();
        std::fs::write(folder.path().join("mine-00001-of-00002.gguf"), header("llama")).unwrap();
        std::fs::write(folder.path().join("text.gguf"), "no model").unwrap();
        let room = WriterRoom {
            places: Vec::new(),
            ..WriterRoom::with(vec![folder.path().to_owned()], Some(cache))
        };
        let titles: Vec<String> = room.found().into_iter().map(|found| found.title).collect();
        assert_eq!(titles, ["the built-in writer", "mine", "Qwen3-0.6B-Q8_0"]);
        let cancel = Cancel::new();
        let rewritten = room.rewrite(
            &WriterChoice::BuiltIn,
            "a puppy in the park",
            Duration::from_secs(1),
            &cancel,
            &mut |_| {},
        );
        assert_eq!(rewritten.unwrap().prompt, "a dog in a meadow");
    }
}
