//! Drags files onto a window of the X server, as a file manager does (XDND 5, `text/uri-list`).
//!
//!     cargo run --example drop -- FILE... --window ID --at X,Y
//!
//! X and Y are pixels of the window. The pointer is grabbed for the drag and let go after the drop,
//! so the window hears of it as little as in a real drag. Ends with 0 only when the window took
//! the drop; with 1 and a line on stderr when it refused, is no drop target, or did not answer.

use anyhow::{Context, Result, anyhow, bail};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, GrabMode, GrabStatus,
    PropMode, SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;
use x11rb::{COPY_DEPTH_FROM_PARENT, COPY_FROM_PARENT, CURRENT_TIME, NONE};

/// The version of the protocol that is spoken.
const VERSION: u32 = 5;
/// How long a window has for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it is waited for a window that asks what is dragged; some ask only after the drop.
const HOVER: Duration = Duration::from_millis(500);
const POLL: Duration = Duration::from_millis(5);

x11rb::atom_manager! {
    Atoms: AtomsCookie {
        XdndAware,
        XdndEnter,
        XdndPosition,
        XdndStatus,
        XdndDrop,
        XdndLeave,
        XdndFinished,
        XdndSelection,
        XdndActionCopy,
        uri_list: b"text/uri-list",
    }
}

/// What was typed.
struct Wish {
    files: Vec<PathBuf>,
    window: Window,
    at: (i16, i16),
}

fn wish() -> Result<Wish> {
    let (mut files, mut window, mut at) = (Vec::new(), None, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--window" => window = Some(words.next().context("--window ID")?.parse()?),
            "--at" => {
                let text = words.next().context("--at X,Y")?;
                let (x, y) = text.split_once(',').context("--at X,Y")?;
                at = Some((x.parse()?, y.parse()?));
            }
            file => files.push(PathBuf::from(file).canonicalize().context(word)?),
        }
    }
    if files.is_empty() {
        bail!("drop FILE... --window ID --at X,Y");
    }
    let window = window.context("--window ID is missing")?;
    let at = at.context("--at X,Y is missing")?;
    Ok(Wish { files, window, at })
}

/// `file://` addresses, everything but the plainest letters escaped.
fn uri_list(files: &[PathBuf]) -> Vec<u8> {
    let mut list = String::new();
    for file in files {
        list += "file://";
        for byte in file.as_os_str().as_encoded_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                    list.push(char::from(*byte));
                }
                other => list += &format!("%{other:02X}"),
            }
        }
        list += "\r\n";
    }
    list.into_bytes()
}

/// One drag: our own window as its source, the other one as its target.
struct Drag {
    x: RustConnection,
    atoms: Atoms,
    source: Window,
    target: Window,
    list: Vec<u8>,
    /// Whether the target has fetched the list.
    fetched: bool,
}

impl Drag {
    fn begin(wish: &Wish) -> Result<(Self, Window)> {
        let (x, screen) = x11rb::connect(None)?;
        let root = x.setup().roots[screen].root;
        let atoms = Atoms::new(&x)?.reply()?;
        let source = x.generate_id()?;
        x.create_window(
            COPY_DEPTH_FROM_PARENT,
            source,
            root,
            -10,
            -10,
            1,
            1,
            0,
            WindowClass::INPUT_OUTPUT,
            COPY_FROM_PARENT,
            &CreateWindowAux::new(),
        )?
        .check()?;
        x.set_selection_owner(source, atoms.XdndSelection, CURRENT_TIME)?
            .check()?;
        let list = uri_list(&wish.files);
        let drag = Self {
            x,
            atoms,
            source,
            target: wish.window,
            list,
            fetched: false,
        };
        drag.check_target()?;
        Ok((drag, root))
    }

    fn check_target(&self) -> Result<()> {
        let aware = self.atoms.XdndAware;
        let cookie = self
            .x
            .get_property(false, self.target, aware, AtomEnum::ATOM, 0, 1)?;
        let version = cookie.reply()?.value32().and_then(|mut values| values.next());
        match version {
            Some(version) if version >= VERSION => Ok(()),
            Some(version) => bail!("the window speaks version {version} of XDND"),
            None => bail!("the window takes no drops (no XdndAware)"),
        }
    }

    fn tell(&self, kind: Atom, rest: [u32; 4]) -> Result<()> {
        let data = [self.source, rest[0], rest[1], rest[2], rest[3]];
        let message = ClientMessageEvent::new(32, self.target, kind, data);
        self.x
            .send_event(false, self.target, EventMask::NO_EVENT, message)?
            .check()?;
        Ok(())
    }

    /// The data of the next message of that kind; requests for the list are answered meanwhile.
    /// `None` when it does not come in time.
    fn wait(&mut self, kind: Atom, patience: Duration) -> Result<Option<[u32; 5]>> {
        let until = Instant::now() + patience;
        while Instant::now() < until {
            match self.x.poll_for_event()? {
                Some(Event::ClientMessage(message)) if message.type_ == kind => {
                    return Ok(Some(message.data.as_data32()));
                }
                Some(Event::SelectionRequest(request)) => self.give(&request)?,
                Some(Event::Error(error)) => bail!("the X server says {error:?}"),
                Some(_) => {}
                None => std::thread::sleep(POLL),
            }
            if kind == NONE && self.fetched {
                break;
            }
        }
        Ok(None)
    }

    fn give(&mut self, request: &SelectionRequestEvent) -> Result<()> {
        let fits = request.selection == self.atoms.XdndSelection && request.target == self.atoms.uri_list;
        if fits {
            let (window, property) = (request.requestor, request.property);
            self.x
                .change_property8(
                    PropMode::REPLACE,
                    window,
                    property,
                    self.atoms.uri_list,
                    &self.list,
                )?
                .check()?;
        }
        let answer = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: request.requestor,
            selection: request.selection,
            target: request.target,
            property: if fits { request.property } else { NONE },
        };
        self.x
            .send_event(false, request.requestor, EventMask::NO_EVENT, answer)?
            .check()?;
        self.fetched |= fits;
        Ok(())
    }

    /// Takes the pointer, as the pressed button does in a real drag, and brings it to the place.
    fn take_pointer(&self, root: Window, at: (i16, i16)) -> Result<(i16, i16)> {
        let grabbed = self.x.grab_pointer(
            false,
            root,
            EventMask::POINTER_MOTION | EventMask::BUTTON_RELEASE,
            GrabMode::ASYNC,
            GrabMode::ASYNC,
            NONE,
            NONE,
            CURRENT_TIME,
        )?;
        if grabbed.reply()?.status != GrabStatus::SUCCESS {
            bail!("the pointer cannot be grabbed");
        }
        let place = self
            .x
            .translate_coordinates(self.target, root, at.0, at.1)?
            .reply()?;
        let place = (place.dst_x, place.dst_y);
        self.x
            .warp_pointer(NONE, root, 0, 0, 0, 0, place.0, place.1)?
            .check()?;
        Ok(place)
    }

    fn drop_at(&mut self, root: Window, at: (i16, i16)) -> Result<()> {
        let atoms = self.atoms;
        let place = self.take_pointer(root, at)?;
        self.tell(atoms.XdndEnter, [VERSION << 24, atoms.uri_list, NONE, NONE])?;
        let packed = u32::from(place.0 as u16) << 16 | u32::from(place.1 as u16);
        let copy = atoms.XdndActionCopy;
        self.tell(atoms.XdndPosition, [0, packed, CURRENT_TIME, copy])?;
        let status = self.wait(atoms.XdndStatus, PATIENCE)?;
        let status = status.ok_or_else(|| anyhow!("the window says nothing about the drag"))?;
        if status[1] & 1 == 0 {
            self.tell(atoms.XdndLeave, [0; 4])?;
            bail!("the window refuses the drop");
        }
        if !self.fetched {
            self.wait(NONE, HOVER)?;
        }
        self.tell(atoms.XdndDrop, [0, CURRENT_TIME, 0, 0])?;
        self.x.ungrab_pointer(CURRENT_TIME)?.check()?;
        let finished = self.wait(atoms.XdndFinished, PATIENCE)?;
        let finished = finished.ok_or_else(|| anyhow!("the window does not end the drop"))?;
        if finished[1] & 1 == 0 {
            bail!("the window did not take the drop");
        }
        if !self.fetched {
            bail!("the window took the drop without asking what it is");
        }
        Ok(())
    }
}

fn main() -> Result<()> {
    let wish = wish()?;
    let (mut drag, root) = Drag::begin(&wish)?;
    drag.drop_at(root, wish.at)
}
