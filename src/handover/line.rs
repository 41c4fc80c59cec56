//! Where a window listens: a socket in a folder of its user's, elsewhere a port of this machine
//! with a password in a file of the user's.

#[cfg(not(unix))]
pub(super) use of_ports::{Line, Listener, bytes_of, text_of};
#[cfg(unix)]
pub(super) use of_unix::{Line, Listener, bytes_of, text_of};

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

#[cfg(not(unix))]
type Wire = std::net::TcpStream;
#[cfg(unix)]
type Wire = std::os::unix::net::UnixStream;

/// One conversation.
#[derive(Debug)]
pub(super) struct Stream(Wire);

impl Stream {
    pub(super) fn patience(&self, patience: Duration) -> io::Result<()> {
        self.0.set_read_timeout(Some(patience))?;
        self.0.set_write_timeout(Some(patience))
    }

    pub(super) fn end_of_message(&self) -> io::Result<()> {
        self.0.shutdown(Shutdown::Write)
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Sixteen digits for a path.
fn digits(path: &std::path::Path) -> String {
    use sha2::{Digest, Sha256};
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let digest = Sha256::digest(real.as_os_str().as_encoded_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(unix)]
mod of_unix {
    use super::Stream;
    use directories::BaseDirs;
    use std::ffi::{OsStr, OsString};
    use std::fs::{self, DirBuilder, Permissions};
    use std::io;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::{Path, PathBuf};

    /// A socket's path. In the user's folder for such things where there is one: it is emptied
    /// when the user has logged out.
    #[derive(Debug)]
    pub(in super::super) struct Line(PathBuf);

    #[derive(Debug)]
    pub(in super::super) struct Listener(UnixListener);

    /// Makes a folder that only its user can enter.
    fn private(folder: &Path) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            // Somebody else's folder cannot be made so.
            _ => fs::set_permissions(folder, Permissions::from_mode(0o700)),
        }
    }

    impl Line {
        pub(in super::super) fn of(data: &Path) -> Self {
            let name = format!("window-{}", super::digits(data));
            let runtime = BaseDirs::new().and_then(|dirs| dirs.runtime_dir().map(Path::to_owned));
            let shared = runtime.map(|folder| folder.join("lumina-studio"));
            match shared.filter(|folder| private(folder).is_ok()) {
                Some(folder) => Self(folder.join(name)),
                None => Self(data.join("line").join("window")),
            }
        }

        pub(in super::super) fn connect(&self) -> io::Result<Stream> {
            UnixStream::connect(&self.0).map(Stream)
        }

        /// Only the holder of the lock may call it: whatever stands there is left over.
        pub(in super::super) fn listen(&self) -> io::Result<Listener> {
            if let Some(folder) = self.0.parent() {
                private(folder)?;
            }
            self.remove();
            let listener = UnixListener::bind(&self.0)?;
            fs::set_permissions(&self.0, Permissions::from_mode(0o600))?;
            Ok(Listener(listener))
        }

        pub(in super::super) fn remove(&self) {
            // An absent one is what is wanted.
            let _ = fs::remove_file(&self.0);
        }

        #[cfg(test)]
        pub(in super::super) fn exists(&self) -> bool {
            self.0.exists()
        }

        #[cfg(test)]
        pub(in super::super) fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Listener {
        pub(in super::super) fn accept(&self) -> io::Result<Stream> {
            self.0.accept().map(|(stream, _)| Stream(stream))
        }

        /// Who can reach the socket is its user.
        pub(in super::super) fn admit(&self, _: &mut Stream) -> io::Result<()> {
            Ok(())
        }
    }

    pub(in super::super) fn bytes_of(path: &Path) -> Vec<u8> {
        path.as_os_str().as_bytes().to_vec()
    }

    pub(in super::super) fn text_of(bytes: &[u8]) -> Option<OsString> {
        Some(OsStr::from_bytes(bytes).to_owned()).filter(|text| !text.is_empty())
    }
}

#[cfg(not(unix))]
mod of_ports {
    use super::Stream;
    use crate::task::new_seed;
    use std::ffi::OsString;
    use std::fs;
    use std::io::{self, Read, Write};
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    /// A file in the user's folder: the port, and the password that opens a conversation.
    #[derive(Debug)]
    pub(in super::super) struct Line(PathBuf);

    #[derive(Debug)]
    pub(in super::super) struct Listener(TcpListener, String);

    const PASSWORD: usize = 32;

    impl Line {
        pub(in super::super) fn of(data: &Path) -> Self {
            Self(data.join(format!("window-{}", super::digits(data))))
        }

        pub(in super::super) fn connect(&self) -> io::Result<Stream> {
            let text = fs::read_to_string(&self.0)?;
            let words = text
                .split_once(' ')
                .and_then(|(port, word)| Some((port.parse::<u16>().ok()?, word)));
            let (port, password) = words.ok_or_else(|| io::Error::other("no line"))?;
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
            stream.write_all(password.as_bytes())?;
            Ok(Stream(stream))
        }

        pub(in super::super) fn listen(&self) -> io::Result<Listener> {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let password = format!("{:016x}{:016x}", new_seed(u64::MAX), new_seed(u64::MAX));
            fs::write(&self.0, format!("{} {password}", listener.local_addr()?.port()))?;
            Ok(Listener(listener, password))
        }

        pub(in super::super) fn remove(&self) {
            // An absent one is what is wanted.
            let _ = fs::remove_file(&self.0);
        }

        #[cfg(test)]
        pub(in super::super) fn exists(&self) -> bool {
            self.0.exists()
        }
    }

    impl Listener {
        pub(in super::super) fn accept(&self) -> io::Result<Stream> {
            self.0.accept().map(|(stream, _)| Stream(stream))
        }

        /// Who has read the user's file is its user.
        pub(in super::super) fn admit(&self, stream: &mut Stream) -> io::Result<()> {
            stream.patience(Duration::from_secs(2))?;
            let mut password = [0; PASSWORD];
            stream.read_exact(&mut password)?;
            match password == self.1.as_bytes() {
                true => Ok(()),
                false => Err(io::Error::other("a stranger")),
            }
        }
    }

    pub(in super::super) fn bytes_of(path: &Path) -> Vec<u8> {
        path.to_string_lossy().into_owned().into_bytes()
    }

    pub(in super::super) fn text_of(bytes: &[u8]) -> Option<OsString> {
        let text = std::str::from_utf8(bytes).ok()?;
        (!text.is_empty()).then(|| OsString::from(text))
    }
}
