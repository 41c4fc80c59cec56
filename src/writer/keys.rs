//! Keys of servers: in the system's keyring, one for each server, and nowhere else.

use super::error::WriterError;
use crate::web;
use keyring::{Entry, Error};
use std::fmt;

/// Gives a key for one run; it goes before the keyring.
pub const KEY_VARIABLE: &str = "LUMINA_STUDIO_WRITER_KEY";
/// What the keyring calls this program's keys.
const SERVICE: &str = "lumina-studio writer";
/// Longest key, in bytes.
const LONGEST: usize = 4096;

/// A key: never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl fmt::Debug for Key {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Key(..)")
    }
}

impl Key {
    /// # Errors
    /// It is empty, or no key has these characters.
    pub fn new(text: &str) -> Result<Self, WriterError> {
        let text = text.trim();
        let is_key = !text.is_empty() && text.len() <= LONGEST && text.chars().all(|c| c.is_ascii_graphic());
        match is_key {
            true => Ok(Self(text.to_owned())),
            false => Err(WriterError::NoKey),
        }
    }

    pub(super) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

/// Where keys are kept.
#[derive(Clone, Copy)]
pub struct Keys {
    entry: fn(&str, &str) -> keyring::Result<Entry>,
    variable: fn() -> Option<String>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Keys")
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            entry: Entry::new,
            variable: || std::env::var(KEY_VARIABLE).ok(),
        }
    }
}

/// Why the keyring gave nothing, without anything that may be secret.
fn told(error: Error) -> WriterError {
    let one_line = |why: &dyn fmt::Display| {
        let why = why.to_string();
        why.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    match error {
        Error::NoDefaultStore => WriterError::NoKeyring {
            why: match Entry::store_status() {
                Err(why) => one_line(why),
                Ok(()) => "nothing answers".to_owned(),
            },
        },
        Error::PlatformFailure(why) => WriterError::NoKeyring { why: one_line(&why) },
        Error::NotSupportedByStore(why) => WriterError::NoKeyring { why: one_line(&why) },
        Error::NoStorageAccess(why) => WriterError::Keyring { why: one_line(&why) },
        // These would show what is stored.
        Error::BadEncoding(_) | Error::BadDataFormat(..) => WriterError::Keyring {
            why: "what is stored there is no key".to_owned(),
        },
        other => WriterError::Keyring {
            why: one_line(&other),
        },
    }
}

impl Keys {
    fn entry(&self, url: &str) -> Result<Entry, WriterError> {
        let server = web::server(url).ok_or_else(|| WriterError::Address {
            url: url.chars().take(200).collect(),
        })?;
        (self.entry)(SERVICE, &server).map_err(told)
    }

    /// Keeps a key for the server of an address.
    ///
    /// # Errors
    /// The address is none, or the system has no keyring, or one that refuses.
    pub fn keep(&self, url: &str, key: &Key) -> Result<(), WriterError> {
        self.entry(url)?.set_password(&key.0).map_err(told)
    }

    /// Takes a server's key out of the keyring; that there is none is no error.
    ///
    /// # Errors
    /// As of [`Keys::keep`].
    pub fn forget(&self, url: &str) -> Result<(), WriterError> {
        match self.entry(url)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(told(error)),
        }
    }

    /// Whether the keyring has a key for a server.
    pub fn has(&self, url: &str) -> bool {
        self.entry(url).is_ok_and(|entry| entry.get_password().is_ok())
    }

    /// The key to use: that of the variable, else that of the keyring, if there is one.
    ///
    /// # Errors
    /// What is in the variable is no key, or the keyring is locked and the server not on this machine.
    pub(super) fn of(&self, url: &str) -> Result<Option<Key>, WriterError> {
        if let Some(key) = (self.variable)().filter(|key| !key.trim().is_empty()) {
            return Key::new(&key).map(Some);
        }
        let stored = match self.entry(url) {
            Ok(entry) => match entry.get_password() {
                Err(Error::NoEntry) => return Ok(None),
                stored => stored.map_err(told),
            },
            Err(error) => Err(error),
        };
        match stored {
            Ok(key) => Key::new(&key).map(Some),
            // Without a keyring nothing was kept.
            Err(WriterError::NoKeyring { .. }) => Ok(None),
            // Servers of this machine hardly ever want one, and one that does says so.
            Err(WriterError::Keyring { .. }) if web::is_loopback(url) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyring_core::api::CredentialStoreApi;
    use keyring_core::mock;
    use std::sync::{Arc, LazyLock};

    /// A keyring in memory; one for all tests, for an entry is found again in its own store only.
    static STORE: LazyLock<Arc<mock::Store>> = LazyLock::new(|| mock::Store::new().unwrap());

    fn mocked(service: &str, user: &str) -> keyring::Result<Entry> {
        let inner = STORE.build(service, user, None)?;
        Ok(Entry { inner })
    }

    fn keys() -> Keys {
        Keys {
            entry: mocked,
            variable: || None,
        }
    }

    #[test]
    fn a_key_is_kept_for_its_server_alone_and_forgotten() {
        let (keys, url) = (keys(), "https://api.example.org/v1");
        let key = Key::new(" sk-secret\n").unwrap();
        assert!(!keys.has(url) && keys.of(url) == Ok(None));
        keys.keep(url, &key).unwrap();
        assert!(keys.has("https://API.example.org:443/other"));
        assert_eq!(keys.of(url), Ok(Some(key.clone())));
        for other in [
            "http://api.example.org/v1",
            "https://api.example.org:8443/v1",
            "https://example.org/v1",
        ] {
            assert!(!keys.has(other) && keys.of(other) == Ok(None), "{other}");
        }
        keys.forget(url).unwrap();
        keys.forget(url).unwrap();
        assert!(!keys.has(url));
        assert_eq!(key.header(), "Bearer sk-secret");
        assert_eq!(format!("{key:?}"), "Key(..)");
    }

    #[test]
    fn without_a_keyring_that_is_said_and_a_variable_does() {
        let none = Keys {
            entry: |_, _| Err(Error::NoDefaultStore),
            variable: || None,
        };
        let url = "http://127.0.0.1:1";
        let why = none.keep(url, &Key::new("a").unwrap()).unwrap_err().to_string();
        assert!(why.contains("no keyring") && why.contains(KEY_VARIABLE), "{why}");
        assert!(none.of(url) == Ok(None) && !none.has(url));
        let given = Keys {
            variable: || Some(" sk-run ".to_owned()),
            ..none
        };
        assert_eq!(given.of(url), Ok(Some(Key("sk-run".to_owned()))));
        let wrong = Keys {
            variable: || Some("two words".to_owned()),
            ..none
        };
        assert_eq!(wrong.of(url), Err(WriterError::NoKey));
    }

    #[test]
    fn a_locked_keyring_matters_to_servers_elsewhere_only() {
        let locked = Keys {
            entry: |_, _| Err(Error::NoStorageAccess("locked".into())),
            variable: || None,
        };
        assert_eq!(locked.of("http://localhost:11434/v1"), Ok(None));
        let elsewhere = locked.of("https://api.example.org/v1");
        assert!(matches!(elsewhere, Err(WriterError::Keyring { .. })));
    }

    #[test]
    fn an_error_of_the_keyring_shows_nothing_that_is_stored() {
        let why = told(Error::BadEncoding(b"sk-secret".to_vec())).to_string();
        assert!(!why.contains("secret") && why.contains("keyring"), "{why}");
        let locked = told(Error::NoStorageAccess("the collection\nis locked".into())).to_string();
        assert!(
            locked.contains("the collection is locked") && locked.contains("unlock"),
            "{locked}"
        );
        for text in ["", " ", "a b", "a\nb", "é"] {
            assert_eq!(Key::new(text), Err(WriterError::NoKey), "{text}");
        }
        assert!(matches!(
            keys().keep("nonsense", &Key::new("a").unwrap()),
            Err(WriterError::Address { .. })
        ));
    }
}
