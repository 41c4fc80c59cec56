//! Where the Hub is, who asks, and where the cache lies: the variables of `huggingface_hub`.

use super::error::HubError;
use crate::disk;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ENDPOINT: &str = "https://huggingface.co";

/// How long is waited for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Without a byte, until the connection is given up.
    pub stall: Duration,
    /// Before the second try; each further pause is twice as long.
    pub first_pause: Duration,
    /// The longest pause, also where the server asks for a longer one.
    pub longest_pause: Duration,
    /// Tries in a row that brought nothing.
    pub tries: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            stall: Duration::from_secs(30),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(300),
            tries: 6,
        }
    }
}

/// A token: never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    pub(super) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Token(..)")
    }
}

/// How the Hub is spoken to, and where files go.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Without a slash at its end.
    pub endpoint: String,
    pub token: Option<Token>,
    /// The folder with `models--OWNER--NAME` in it.
    pub cache: PathBuf,
    /// Nothing is fetched.
    pub is_offline: bool,
    pub patience: Patience,
    /// Files that are fetched at once.
    pub at_once: usize,
    /// Bytes a user may still write to the disk of a folder; `None` where that is unknown.
    pub free_bytes: fn(&Path) -> Option<u64>,
}

impl Settings {
    /// As this process's variables say.
    ///
    /// # Errors
    /// `HF_ENDPOINT` is no address, the token has characters that no token has, or there is no home.
    pub fn of_user() -> Result<Self, HubError> {
        Self::from(&|name| std::env::var_os(name))
    }

    /// As variables say.
    ///
    /// # Errors
    /// As of [`Settings::of_user`].
    pub fn from(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, HubError> {
        let text = |name: &str| {
            let text = variable(name)?.to_string_lossy().trim().to_owned();
            Some(text).filter(|text| !text.is_empty())
        };
        let cache = cache(variable).ok_or_else(|| {
            HubError::Setting("there is no home for the cache: set HF_HOME to a folder".to_owned())
        })?;
        let endpoint = text("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_owned());
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        let has_host = |scheme: &str| endpoint.strip_prefix(scheme).is_some_and(|host| !host.is_empty());
        if !has_host("https://") && !has_host("http://") {
            return Err(HubError::Setting(format!(
                "HF_ENDPOINT is `{endpoint}`: write an address that begins with https://"
            )));
        }
        let mut patience = Patience::default();
        if let Some(seconds) = text("HF_HUB_DOWNLOAD_TIMEOUT").and_then(|text| text.parse::<u32>().ok()) {
            patience.stall = Duration::from_secs(u64::from(seconds.max(1)));
        }
        Ok(Self {
            endpoint,
            token: token(variable)?,
            cache,
            is_offline: text("HF_HUB_OFFLINE").is_some_and(|text| is_true(&text)),
            patience,
            at_once: 4,
            free_bytes: disk::available,
        })
    }
}

/// As `huggingface_hub` reads them.
fn is_true(text: &str) -> bool {
    ["1", "on", "yes", "true"].contains(&text.to_ascii_lowercase().as_str())
}

fn home(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name: &str| variable(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    set("HOME").or_else(|| set("USERPROFILE"))
}

/// A folder in a variable; `~` at its beginning is the home.
fn folder(variable: &dyn Fn(&str) -> Option<OsString>, name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(variable(name).filter(|path| !path.is_empty())?);
    match (path.strip_prefix("~"), home(variable)) {
        (Ok(rest), Some(home)) => Some(home.join(rest)),
        (_, _) => Some(path),
    }
}

fn hugging_face(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    folder(variable, "HF_HOME")
        .or_else(|| Some(folder(variable, "XDG_CACHE_HOME")?.join("huggingface")))
        .or_else(|| Some(home(variable)?.join(".cache/huggingface")))
}

/// `HF_HUB_CACHE`, else `$HF_HOME/hub`, else `~/.cache/huggingface/hub` (`XDG_CACHE_HOME` in the place of
/// `~/.cache`).
fn cache(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    folder(variable, "HF_HUB_CACHE").or_else(|| Some(hugging_face(variable)?.join("hub")))
}

/// The cache of this process's user.
pub fn cache_of_user() -> Option<PathBuf> {
    cache(&|name| std::env::var_os(name))
}

/// `HF_TOKEN`, else what is in the file that `hf auth login` writes.
fn token(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Option<Token>, HubError> {
    let set = variable("HF_TOKEN").map(|text| text.to_string_lossy().into_owned());
    let in_file = || {
        let file = folder(variable, "HF_TOKEN_PATH").or_else(|| Some(hugging_face(variable)?.join("token")));
        std::fs::read_to_string(file?).ok()
    };
    let text = set.filter(|text| !text.trim().is_empty()).or_else(in_file);
    let text = text
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty());
    match text {
        Some(text) if text.chars().all(|c| c.is_ascii_graphic()) => Ok(Some(Token(text))),
        Some(_) => Err(HubError::Setting(
            "the token in HF_TOKEN, or in the file of `hf auth login`, has characters that no token has: copy it again"
                .to_owned(),
        )),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(set: &[(&str, &str)]) -> Result<Settings, HubError> {
        Settings::from(&|name| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_cache_is_where_the_variables_say() {
        let home = ("HOME", "/home/a");
        let cache = |set: &[(&str, &str)]| of(set).unwrap().cache;
        assert_eq!(cache(&[home]), Path::new("/home/a/.cache/huggingface/hub"));
        assert_eq!(cache(&[home, ("HF_HOME", "/hf")]), Path::new("/hf/hub"));
        assert_eq!(cache(&[home, ("HF_HOME", "~/hf")]), Path::new("/home/a/hf/hub"));
        assert_eq!(
            cache(&[home, ("XDG_CACHE_HOME", "/x")]),
            Path::new("/x/huggingface/hub")
        );
        let both = [home, ("HF_HOME", "/hf"), ("HF_HUB_CACHE", "/cache")];
        assert_eq!(cache(&both), Path::new("/cache"));
        assert_eq!(
            cache(&[home, ("HF_HUB_CACHE", "")]),
            Path::new("/home/a/.cache/huggingface/hub")
        );
        assert!(of(&[]).is_err());
    }

    #[test]
    fn a_token_is_found_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "hf_of_the_file\n").unwrap();
        let hf_home = ("HF_HOME", folder.path().to_str().unwrap());
        let header = |set: &[(&str, &str)]| of(set).unwrap().token.map(|token| token.header());
        assert_eq!(header(&[hf_home]).as_deref(), Some("Bearer hf_of_the_file"));
        let set = [hf_home, ("HF_TOKEN", " hf_set ")];
        assert_eq!(header(&set).as_deref(), Some("Bearer hf_set"));
        assert!(!format!("{:?}", of(&set).unwrap()).contains("hf_set"));
        assert_eq!(header(&[("HF_HOME", "/nowhere")]), None);
        assert!(of(&[hf_home, ("HF_TOKEN", "a\nb")]).is_err());
    }

    #[test]
    fn an_endpoint_is_an_address_and_offline_is_a_word() {
        let home = ("HOME", "/home/a");
        let endpoint = |text: &str| of(&[home, ("HF_ENDPOINT", text)]).map(|settings| settings.endpoint);
        assert_eq!(endpoint("").as_deref(), Ok("https://huggingface.co"));
        assert_eq!(
            endpoint("http://127.0.0.1:80/").as_deref(),
            Ok("http://127.0.0.1:80")
        );
        assert!(endpoint("huggingface.co").is_err() && endpoint("https://").is_err());
        let offline = |text: &str| of(&[home, ("HF_HUB_OFFLINE", text)]).unwrap().is_offline;
        assert!(offline("1") && offline("True") && !offline("0") && !offline(""));
    }
}
