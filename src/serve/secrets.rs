//! What nobody may guess: the token, and names of files; from the system's randomness.

use crate::task::Failure;
use rustls::crypto::ring;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Characters of the shortest token that is taken.
const SHORTEST: usize = 16;
/// Characters of the longest.
const LONGEST: usize = 512;

/// What a client has to know. Held as its SHA-256: all are compared at the same length.
#[derive(Clone)]
pub(super) struct Token([u8; 32]);

impl Token {
    /// # Errors
    /// It is too short to be secret, too long, or has characters that no header can carry.
    pub(super) fn new(text: &str) -> Result<Self, Failure> {
        if !(SHORTEST..=LONGEST).contains(&text.len()) {
            return Err(Failure::usage(format!(
                "the token has {} characters: give it {SHORTEST} to {LONGEST}",
                text.len()
            )));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Failure::usage(
                "the token has blanks or characters other than ASCII: use letters, digits and signs",
            ));
        }
        Ok(Self(Sha256::digest(text.as_bytes()).into()))
    }

    /// Whether `given` is it, in the same time for every wrong one.
    pub(super) fn is(&self, given: &[u8]) -> bool {
        let given: [u8; 32] = Sha256::digest(given).into();
        self.0.ct_eq(&given).into()
    }
}

/// `bytes` random bytes in hexadecimal.
///
/// # Errors
/// The system has no randomness to give.
pub(super) fn random_hex(bytes: usize) -> Result<String, Failure> {
    let mut drawn = vec![0; bytes];
    let source = ring::default_provider().secure_random;
    let filled = source.fill(&mut drawn);
    filled.map_err(|_| Failure::failed("the system gives no random numbers"))?;
    Ok(drawn.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_itself_only() {
        let token = Token::new("0123456789abcdef").expect("a token");
        assert!(token.is(b"0123456789abcdef"));
        for wrong in [&b""[..], b"0123456789abcde", b"0123456789abcdefg", b"\xff"] {
            assert!(!token.is(wrong));
        }
        for wrong in ["", "short", "with a blank in it", "0123456789abcd\u{e9}f"] {
            assert!(Token::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_two_names_are_alike() {
        let drawn: std::collections::BTreeSet<String> =
            (0..64).map(|_| random_hex(16).expect("random")).collect();
        assert_eq!(drawn.len(), 64);
        assert!(drawn.iter().all(|name| name.len() == 32));
    }
}
