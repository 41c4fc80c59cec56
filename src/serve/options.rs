//! Where the door is and who may come in.

use super::secrets::{Token, random_hex};
use crate::engine_room::ModelSource;
use crate::task::{Cause, Failure};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, crypto::CryptoProvider};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of a new token.
const TOKEN_BYTES: usize = 24;
/// Bytes of the longest file with a token.
const LONGEST_FILE: u64 = 4096;

/// What the server proves itself with: two PEM files.
#[derive(Debug, Clone)]
pub struct Certificate {
    pub chain: PathBuf,
    pub key: PathBuf,
}

/// How the door is opened.
#[derive(Debug, Clone)]
pub struct Options {
    pub address: IpAddr,
    /// 0 takes a free one.
    pub port: u16,
    pub certificate: Option<Certificate>,
    /// Whether plain HTTP may leave this computer.
    pub insecure: bool,
    /// The token as it was given in words.
    pub token: Option<String>,
    /// Where it is written, instead.
    pub token_file: Option<PathBuf>,
    pub model: ModelSource,
}

impl Options {
    pub(super) fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }

    /// Whether only this computer reaches it.
    pub(super) fn is_loopback(&self) -> bool {
        self.address.is_loopback()
    }

    /// # Errors
    /// The network would read along.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.is_loopback() || self.certificate.is_some() || self.insecure {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "on {} others could read the token and the pictures along: add --tls-cert FILE --tls-key FILE, \
             or --insecure where the network is your own",
            self.address
        )))
    }

    /// The token, and its words where they were made here.
    ///
    /// # Errors
    /// The file cannot be read, what was given is no token, or there is no randomness.
    pub(super) fn token(&self) -> Result<(Token, Option<String>), Failure> {
        let given = match (&self.token_file, &self.token) {
            (Some(file), _) => Some(read_token(file)?),
            (None, given) => given.clone(),
        };
        match given {
            Some(given) => Ok((Token::new(&given)?, None)),
            None => {
                let made = random_hex(TOKEN_BYTES)?;
                Ok((Token::new(&made)?, Some(made)))
            }
        }
    }

    /// What TLS is done with; `None` for plain HTTP.
    ///
    /// # Errors
    /// A file cannot be read, is no PEM of its kind, or the two do not belong together.
    pub(super) fn tls(&self) -> Result<Option<Arc<ServerConfig>>, Failure> {
        let Some(certificate) = &self.certificate else {
            return Ok(None);
        };
        let wrong = |path: &Path, kind: &str, error: &dyn std::fmt::Display| {
            Failure::usage(format!("{} holds no {kind} in PEM ({error})", path.display()))
        };
        let read = |path: &Path| {
            std::fs::read(path).map_err(|error| {
                let told = format!("{} cannot be read ({error})", path.display());
                Failure::usage(told).because(Cause::of_io(&error))
            })
        };
        let (chain, key) = (&certificate.chain, &certificate.key);
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(chain)?).collect();
        let certificates = certificates.map_err(|e| wrong(chain, "certificate", &e))?;
        if certificates.is_empty() {
            return Err(wrong(chain, "certificate", &"there is none"));
        }
        let secret = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|e| wrong(key, "private key", &e))?;
        let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
        let unfit = |error: rustls::Error| {
            let (chain, key) = (chain.display(), key.display());
            Failure::usage(format!("{chain} and {key} do not do for a TLS server ({error})"))
        };
        let config = ServerConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().map_err(unfit)?;
        let config = config.with_no_client_auth();
        let mut config = config.with_single_cert(certificates, secret).map_err(unfit)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Some(Arc::new(config)))
    }
}

fn read_token(file: &Path) -> Result<String, Failure> {
    let unreadable = |error: std::io::Error| {
        let told = format!("the token in {} cannot be read ({error})", file.display());
        Failure::usage(told).because(Cause::of_io(&error))
    };
    let bytes = std::fs::metadata(file).map_err(unreadable)?.len();
    if bytes > LONGEST_FILE {
        let file = file.display();
        return Err(Failure::usage(format!(
            "{file} has {bytes} bytes, which is no token: write the token alone into it"
        )));
    }
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    Ok(text.trim().to_owned())
}
