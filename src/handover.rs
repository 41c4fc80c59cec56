//! One window for one folder of state: a second start hands its files to the first.
//!
//! The first start holds a lock in the state folder for as long as it lives (the system takes it
//! back when the process dies, however it dies) and listens at a [`Line`] only its user can reach.
//! A second start finds the lock held, sends its absolute paths and ends. Invariants: who has no
//! lock never writes the state; a line that was left behind by a killed process is replaced; what
//! comes in is bounded in length and time, who is slow holds up nobody else, and what is no message
//! is ignored.

mod line;

use crate::task::Failure;
use line::{Line, Listener, Stream};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The first line of a message and of its answer.
const GREETING: &[u8] = b"lumina-studio 1\n";
const TAKEN: &[u8] = b"taken\n";
/// Longest message, in bytes.
const LONGEST: u64 = 256 * 1024;
/// Files of one message.
const MOST_FILES: usize = 256;
/// How long one end waits for the other.
const PATIENCE: Duration = Duration::from_secs(2);
/// Conversations at once.
const MOST_AT_ONCE: usize = 32;
/// How long a start waits for a window that is still coming up.
const COMING_UP: Duration = Duration::from_secs(10);
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// What a start of the program is.
#[derive(Debug)]
pub enum Start {
    /// The only window: it keeps the lease as long as it is open.
    First(Lease),
    /// There is another window, which has taken the files.
    HandedOver,
    /// The folder cannot be locked: nothing can be remembered there, and nothing is handed over.
    Unguarded(Failure),
}

/// The right to be the window of a state folder.
#[derive(Debug)]
pub struct Lease {
    line: Line,
    /// Held, never read.
    _lock: File,
    listening: Option<Listening>,
}

#[derive(Debug)]
struct Listening {
    closing: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// Where the files of later starts go.
type Take = Arc<dyn Fn(Vec<PathBuf>) -> Taken + Send + Sync>;

fn failed(what: &str, error: &io::Error) -> Failure {
    Failure::failed(format!("{what} ({error})"))
}

fn lock_file(data: &Path) -> io::Result<File> {
    fs::create_dir_all(data)?;
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    options.open(data.join("window.lock"))
}

/// Makes this start the window of the state folder `data`, or gives `files` to the window that is.
/// An error says that there is a window which does not answer.
///
/// # Errors
/// There is a window of this folder that does not answer, or too many files were named at once.
pub fn start(data: &Path, files: &[PathBuf]) -> Result<Start, Failure> {
    let unguarded = |error: io::Error| {
        let what = format!("{} cannot be used for the window's state", data.display());
        Ok(Start::Unguarded(failed(&what, &error)))
    };
    let lock = match lock_file(data) {
        Ok(lock) => lock,
        Err(error) => return unguarded(error),
    };
    let line = Line::of(data);
    let began = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => {
                return Ok(Start::First(Lease {
                    line,
                    _lock: lock,
                    listening: None,
                }));
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return unguarded(error),
        }
        match send(&line, files) {
            Ok(()) => return Ok(Start::HandedOver),
            // It has just begun, or just ended.
            Err(_) if began.elapsed() < COMING_UP => std::thread::sleep(BETWEEN_TRIES),
            Err(error) => {
                return Err(failed(
                    "another window is open and does not answer: close it, or end its process",
                    &error,
                ));
            }
        }
    }
}

/// One message, and the answer to it.
fn send(line: &Line, files: &[PathBuf]) -> io::Result<()> {
    let mut message = GREETING.to_vec();
    for file in files {
        message.extend(line::bytes_of(&std::path::absolute(file)?));
        message.push(0);
    }
    if files.len() > MOST_FILES || message.len() as u64 > LONGEST {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "too many files at once",
        ));
    }
    let mut stream = line.connect()?;
    stream.patience(PATIENCE)?;
    stream.write_all(&message)?;
    stream.end_of_message()?;
    let mut answer = Vec::new();
    stream.take(TAKEN.len() as u64).read_to_end(&mut answer)?;
    match answer == TAKEN {
        true => Ok(()),
        false => Err(io::Error::other("the window did not take the files")),
    }
}

/// The files of a message; `None` where it is none.
fn files_of(message: &[u8]) -> Option<Vec<PathBuf>> {
    let paths = message.strip_prefix(GREETING)?;
    if paths.is_empty() {
        return Some(Vec::new());
    }
    let paths = paths.strip_suffix(&[0])?.split(|byte| *byte == 0);
    let paths: Option<Vec<PathBuf>> = paths
        .map(|bytes| {
            let path = PathBuf::from(line::text_of(bytes)?);
            path.is_absolute().then_some(path)
        })
        .collect();
    paths.filter(|paths| paths.len() <= MOST_FILES)
}

/// Reads one message, gives its files to `take` and says whether they were taken. All of it has to
/// come within [`PATIENCE`], however little comes at a time.
fn hear(mut stream: Stream, take: &dyn Fn(Vec<PathBuf>) -> Taken) -> io::Result<()> {
    let began = Instant::now();
    let (mut message, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let left = PATIENCE.saturating_sub(began.elapsed());
        if left.is_zero() {
            return Ok(());
        }
        stream.patience(left)?;
        match stream.read(&mut piece)? {
            0 => break,
            count => message.extend_from_slice(&piece[..count]),
        }
        if message.len() as u64 > LONGEST {
            return Ok(());
        }
    }
    if let Some(files) = files_of(&message)
        && take(files) == Taken::Yes
    {
        stream.write_all(TAKEN)?;
    }
    Ok(())
}

/// Whether a window had room for files that were handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Yes,
    No,
}

impl Lease {
    /// Gives what later starts hand over to `take`, on a thread of its own. Without files it is a
    /// wish to see the window.
    ///
    /// # Errors
    /// The place where other starts knock cannot be made, or there is no thread for it.
    pub fn listen(
        &mut self,
        take: impl Fn(Vec<PathBuf>) -> Taken + Send + Sync + 'static,
    ) -> Result<(), Failure> {
        let trouble = |error: io::Error| failed("files of a second start cannot be taken", &error);
        let listener = self.line.listen().map_err(trouble)?;
        let closing = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&closing);
        let (listener, take): (_, Take) = (Arc::new(listener), Arc::new(take));
        let work = move || serve(&listener, &seen, &take);
        let thread = std::thread::Builder::new()
            .name("handover".to_owned())
            .spawn(work)
            .map_err(trouble)?;
        self.listening = Some(Listening { closing, thread });
        Ok(())
    }
}

impl Lease {
    /// Later starts wait until the lease is given back: the window is going.
    pub fn stop_listening(&mut self) {
        if let Some(Listening { closing, thread }) = self.listening.take() {
            closing.store(true, Ordering::SeqCst);
            // Wakes the thread; where nobody can connect it ends with the process.
            if self.line.connect().is_ok() {
                let _ = thread.join();
            }
            self.line.remove();
        }
    }
}

/// One conversation of those at once, as long as it lasts.
struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn take(taken: &Arc<AtomicUsize>) -> Self {
        taken.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(taken))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Hears everybody on a thread of their own.
fn serve(listener: &Arc<Listener>, closing: &AtomicBool, take: &Take) {
    let taken = Arc::new(AtomicUsize::new(0));
    loop {
        let came = listener.accept();
        while taken.load(Ordering::SeqCst) >= MOST_AT_ONCE && !closing.load(Ordering::SeqCst) {
            std::thread::sleep(BETWEEN_TRIES);
        }
        if closing.load(Ordering::SeqCst) {
            return;
        }
        // Out of handles: others may be given back.
        let Ok(mut stream) = came else {
            std::thread::sleep(BETWEEN_TRIES);
            continue;
        };
        let (listener, take, seat) = (Arc::clone(listener), Arc::clone(take), Seat::take(&taken));
        let talk = move || {
            // Who breaks off has nothing to say.
            let _ = listener.admit(&mut stream).and_then(|()| hear(stream, &*take));
            drop(seat);
        };
        // Without a thread this one is not heard; it comes again.
        let _ = std::thread::Builder::new()
            .name("handover".to_owned())
            .spawn(talk);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.stop_listening();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, sync_channel};

    fn first(data: &Path) -> (Lease, Receiver<Vec<PathBuf>>) {
        let Start::First(mut lease) = start(data, &[]).expect("a folder") else {
            panic!("there is no other window");
        };
        let (sender, heard) = sync_channel(2);
        let take = move |files| match sender.try_send(files) {
            Ok(()) => Taken::Yes,
            Err(_) => Taken::No,
        };
        lease.listen(take).expect("a line");
        (lease, heard)
    }

    #[test]
    fn a_second_start_hands_its_files_over_and_the_first_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let (lease, heard) = first(&data);
        let named = folder.path().join("a b ä.png");
        let second = start(&data, &[named.clone(), PathBuf::from("here.png")]).expect("handed over");
        assert!(matches!(second, Start::HandedOver));
        let here = std::env::current_dir().expect("a folder").join("here.png");
        assert_eq!(heard.recv().expect("files"), [named, here]);
        assert!(matches!(start(&data, &[]), Ok(Start::HandedOver)));
        assert_eq!(
            heard.recv().expect("a wish to see the window"),
            Vec::<PathBuf>::new()
        );
        // Another folder is another window.
        let (other, unheard) = first(&folder.path().join("other"));
        assert!(unheard.try_recv().is_err());
        drop(other);
        drop(lease);
        let (_again, _) = first(&data);
    }

    #[test]
    fn a_line_left_behind_by_a_killed_window_is_no_obstacle() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut lease, _heard) = first(folder.path());
        // What a kill leaves: the line without anybody at it, the lock taken back by the system.
        if let Some(listening) = lease.listening.take() {
            listening.closing.store(true, Ordering::SeqCst);
            lease.line.connect().expect("a line");
            listening.thread.join().expect("an end");
        }
        assert!(lease.line.exists());
        drop(lease);
        assert!(Line::of(folder.path()).exists());
        let (_again, heard) = first(folder.path());
        assert!(matches!(start(folder.path(), &[]), Ok(Start::HandedOver)));
        assert_eq!(heard.recv().expect("a wish"), Vec::<PathBuf>::new());
    }

    #[test]
    fn what_is_no_message_is_ignored() {
        let folder = tempfile::tempdir().expect("a folder");
        let (lease, heard) = first(folder.path());
        let long = [GREETING, &vec![b'x'; LONGEST as usize]].concat();
        let bad: [&[u8]; 6] = [
            b"",
            b"GET / HTTP/1.1\r\n\r\n",
            b"lumina-studio 1\nrelative.png\0",
            b"lumina-studio 1\n/cut/short",
            b"lumina-studio 2\n/a.png\0",
            &long,
        ];
        for message in bad {
            let mut stream = lease.line.connect().expect("a line");
            // It may be closed before everything was read.
            let _ = stream.write_all(message).and_then(|()| stream.end_of_message());
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            assert!(
                answer.is_empty(),
                "{}",
                String::from_utf8_lossy(&message[..message.len().min(40)])
            );
        }
        assert!(heard.try_recv().is_err());
        let many = vec![PathBuf::from("/a.png"); MOST_FILES + 1];
        assert!(send(&lease.line, &many).is_err());
        // A window that has no room says so.
        for _ in 0..2 {
            send(&lease.line, &[]).expect("taken");
        }
        assert!(send(&lease.line, &[]).is_err());
        assert!(
            files_of(b"lumina-studio 1\n/a.png\0/b.png\0").is_some_and(|files| files.len() == 2)
                || cfg!(windows)
        );
    }

    /// One says nothing, one a byte at a time, more than there are seats: others are heard meanwhile.
    #[test]
    fn who_is_slow_or_stuck_holds_up_nobody() {
        let folder = tempfile::tempdir().expect("a folder");
        let (lease, heard) = first(folder.path());
        let stuck: Vec<Stream> = (0..MOST_AT_ONCE - 1)
            .map(|_| lease.line.connect().expect("a line"))
            .collect();
        let began = Instant::now();
        for _ in 0..2 {
            assert!(matches!(start(folder.path(), &[]), Ok(Start::HandedOver)));
            heard.recv().expect("a wish to see the window");
        }
        let mut slow = lease.line.connect().expect("a line");
        // As long as it is heard.
        while slow.write_all(b"l").is_ok() && began.elapsed() < 4 * PATIENCE {
            std::thread::sleep(BETWEEN_TRIES);
        }
        assert!(began.elapsed() < 4 * PATIENCE, "it was heard for ever");
        drop(stuck);
    }

    #[cfg(unix)]
    #[test]
    fn only_its_user_can_reach_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let (lease, _heard) = first(folder.path());
        let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
        let path = lease.line.path();
        assert_eq!(mode(path), 0o600);
        assert_eq!(mode(path.parent().expect("a folder")), 0o700);
    }
}
