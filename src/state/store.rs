//! The state on disk: `state.json` (written whole or not at all), the pictures it names, and the
//! journal of the picture being drawn, which grows by a row as a row arrives.
//!
//! The journal is two files: `journal.jsonl` (its first line the order and what the engine began,
//! then a line of codes a row) and `journal.rgb` (the previews of those rows, one after the
//! other). A last line or row that is cut short, by a kill in the middle of a write, is ignored.

use super::draft::Draft;
use super::outcome::Outcome;
use super::photo::Photo;
use super::queue::{Order, Queue};
use super::run::{Begun, Row, Run};
use super::{Shown, Studio, View};
use crate::pixels::{Pixels, Size};
use crate::task::Device;
use crate::token::CODE_PIXELS;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

const VERSION: u32 = 1;

#[derive(Debug, Error)]
#[error("{}: {error}", .path.display())]
pub struct StoreError {
    path: PathBuf,
    error: io::Error,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    draft: Draft,
    view: View,
    model_path: Option<PathBuf>,
    recent_models: Vec<PathBuf>,
    queue: Queue,
    outcomes: Vec<Outcome>,
    next_id: u64,
    #[serde(default, rename = "processor")]
    device: Device,
}

#[derive(Serialize, Deserialize)]
struct Head {
    order: Order,
    begun: Begun,
}

/// A folder that holds the state of one user.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    journal: Option<(File, File)>,
}

impl Store {
    /// Opens a folder, made where there is none.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let folder = folder.into();
        let pictures = folder.join("pictures");
        fs::create_dir_all(&pictures).map_err(|error| StoreError {
            path: pictures,
            error,
        })?;
        Ok(Self {
            folder,
            journal: None,
        })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn wrong(&self, name: &str) -> impl FnOnce(io::Error) -> StoreError + use<> {
        let path = self.at(name);
        move |error| StoreError { path, error }
    }

    /// The state as it was left; a new one where there is none or it cannot be read.
    pub fn load(&self) -> Studio {
        let mut studio = Studio::default();
        let saved = fs::read(self.at("state.json")).ok();
        let saved = saved.and_then(|bytes| serde_json::from_slice::<Saved>(&bytes).ok());
        let mut fill = |photo: &mut Photo| match self.read_picture(&photo.id) {
            Some(pixels) => {
                photo.pixels = Arc::new(pixels);
                true
            }
            None => false,
        };
        if let Some(saved) = saved.filter(|saved| saved.version == VERSION) {
            studio.draft = saved.draft;
            studio.view = saved.view;
            studio.model_path = saved.model_path;
            studio.recent_models = saved.recent_models;
            studio.queue = saved.queue;
            studio.outcomes = saved.outcomes;
            studio.next_id = saved.next_id;
            studio.models.device = saved.device;
            studio.draft.revive(&mut fill);
            studio
                .queue
                .retain(|order| order.request.source.as_mut().is_none_or(&mut fill));
            // Whether their files are still there is looked at later and elsewhere.
            studio.outcomes.retain(|outcome| outcome.path.is_some());
        }
        // A whole picture that could not be saved waits in the queue.
        let waits = |run: &Run| studio.queue.orders().any(|order| order.request.holds(run));
        if let Some(mut run) = self.read_journal().filter(|run| !waits(run))
            && run.order.request.source.as_mut().is_none_or(&mut fill)
        {
            // It may have begun after the state was written.
            studio.queue.remove(run.order.id);
            studio.bring_back(run);
        } else if studio.draft.tab == super::Tab::Edit && studio.draft.chain.current().is_some() {
            studio.shown = Shown::Source;
        }
        studio
    }

    /// Writes the state and the pictures it names; pictures nobody names any more go.
    ///
    /// # Errors
    /// Something cannot be written; what was stored before is whole then.
    pub fn save(&self, studio: &Studio) -> Result<(), StoreError> {
        self.snapshot(studio).write()
    }

    /// The state as it is now, to be written later and on another thread.
    pub fn snapshot(&self, studio: &Studio) -> Snapshot {
        let mut queue = studio.queue_with_unkept();
        // An order that is not in the journal yet is still to be drawn.
        if let Some(run) = studio.run.as_ref().filter(|run| run.begun.is_none()) {
            queue.put_back(run.order.clone());
        }
        let saved = Saved {
            version: VERSION,
            draft: studio.draft.clone(),
            view: studio.view.clone(),
            model_path: studio.model_path.clone(),
            recent_models: studio.recent_models.clone(),
            queue,
            outcomes: studio.outcomes.clone(),
            next_id: studio.next_id,
            device: studio.models.device,
        };
        Snapshot {
            store: Self {
                folder: self.folder.clone(),
                journal: None,
            },
            json: serde_json::to_vec(&saved).map_err(io::Error::from),
            photos: photos(studio).cloned().collect(),
        }
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_data()?;
        file.persist(self.at(name)).map(drop).map_err(|error| error.error)
    }

    fn picture_name(id: &str) -> String {
        format!("pictures/{id}.png")
    }

    fn write_picture(&self, photo: &Photo) -> Result<(), StoreError> {
        let name = Self::picture_name(&photo.id);
        if self.at(&name).is_file() {
            return Ok(());
        }
        encode(&photo.pixels)
            .and_then(|bytes| self.replace(&name, &bytes))
            .map_err(self.wrong(&name))
    }

    fn read_picture(&self, id: &str) -> Option<Pixels> {
        // Ids come from a file: they are no paths.
        if !id.chars().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let file = File::open(self.at(&Self::picture_name(id))).ok()?;
        let mut reader = png::Decoder::new(BufReader::new(file)).read_info().ok()?;
        let info = reader.info();
        if info.color_type != png::ColorType::Rgb {
            return None;
        }
        let size = Size::new(info.width, info.height);
        let mut rgb = vec![0; 3 * size.width as usize * size.height as usize];
        reader.next_frame(&mut rgb).ok()?;
        Pixels::new(size, rgb)
    }

    fn sweep(&self, named: &HashSet<String>) {
        let entries = fs::read_dir(self.at("pictures")).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            let id = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            if id.is_some_and(|id| !named.contains(&id)) {
                // What cannot be removed now is tried again at the next save.
                let _ = fs::remove_file(path);
            }
        }
    }

    /// Renames what an earlier window stored, so that it is not overwritten.
    pub fn set_aside(&self) {
        for name in ["state.json", "journal.jsonl", "journal.rgb"] {
            // An absent file needs no other name.
            let _ = fs::rename(self.at(name), self.at(&format!("earlier-{name}")));
        }
    }

    /// A picture is begun: the journal of the one before ends.
    ///
    /// # Errors
    /// The order's source or the journal cannot be written.
    pub fn begin(&mut self, order: &Order, begun: Begun) -> Result<(), StoreError> {
        if let Some(source) = &order.request.source {
            self.write_picture(source)?;
        }
        self.journal = None;
        let head = Head {
            order: order.clone(),
            begun,
        };
        let open = || -> io::Result<(File, File)> {
            let rgb = File::create(self.at("journal.rgb"))?;
            let mut head = serde_json::to_vec(&head)?;
            head.push(b'\n');
            self.replace("journal.jsonl", &head)?;
            let lines = OpenOptions::new().append(true).open(self.at("journal.jsonl"))?;
            Ok((lines, rgb))
        };
        self.journal = Some(open().map_err(self.wrong("journal.jsonl"))?);
        Ok(())
    }

    /// A picture whose journal broke off is written anew, with all its rows.
    ///
    /// # Errors
    /// As [`Store::begin`] and [`Store::row`].
    pub fn begin_again(&mut self, run: &Run) -> Result<(), StoreError> {
        let (Some(begun), Some(lane)) = (&run.begun, run.lanes.first()) else {
            return Ok(());
        };
        self.begin(&run.order, begun.clone())?;
        let columns = begun.grid.columns as usize;
        for row in 0..run.rows() {
            self.row(&Row {
                row,
                codes: lane.codes[row as usize * columns..][..columns].to_vec(),
                preview: lane.preview.rows(row * CODE_PIXELS, (row + 1) * CODE_PIXELS),
            })?;
        }
        Ok(())
    }

    /// A row has come. Preview first: a line of codes stands for a whole row.
    ///
    /// # Errors
    /// The row cannot be written. Then no more are written until a picture is begun.
    pub fn row(&mut self, row: &Row) -> Result<(), StoreError> {
        let wrong = self.wrong("journal.jsonl");
        let Some((lines, rgb)) = &mut self.journal else {
            return Ok(());
        };
        let mut append = || -> io::Result<()> {
            rgb.write_all(row.preview.rgb())?;
            let mut line = serde_json::to_vec(&row.codes)?;
            line.push(b'\n');
            lines.write_all(&line)
        };
        let appended = append().map_err(wrong);
        if appended.is_err() {
            // What was written of the row would make the next ones unreadable.
            self.journal = None;
        }
        appended
    }

    /// The picture is kept or discarded.
    pub fn end(&mut self) {
        self.journal = None;
        for name in ["journal.jsonl", "journal.rgb"] {
            // An absent file is what is wanted.
            let _ = fs::remove_file(self.at(name));
        }
    }

    fn read_journal(&self) -> Option<Run> {
        let text = fs::read_to_string(self.at("journal.jsonl")).ok()?;
        let mut lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let head: Head = serde_json::from_str(lines.next()?).ok()?;
        let mut run = Run::new(head.order);
        let size = Size::new(head.begun.grid.pixels().width, CODE_PIXELS);
        run.begin(head.begun);
        let mut rgb = File::open(self.at("journal.rgb")).ok()?;
        for (row, line) in (0..).zip(lines) {
            let mut bytes = vec![0; 3 * size.width as usize * size.height as usize];
            let whole = rgb.read_exact(&mut bytes).is_ok();
            let codes = serde_json::from_str::<Vec<u32>>(line).ok();
            let (Some(codes), Some(preview), true) = (codes, Pixels::new(size, bytes), whole) else {
                break;
            };
            run.place(0, row, &codes, &preview);
        }
        (run.rows() > 0).then_some(run)
    }
}

/// The state of one moment.
#[derive(Debug)]
pub struct Snapshot {
    store: Store,
    json: io::Result<Vec<u8>>,
    photos: Vec<Photo>,
}

impl Snapshot {
    /// Writes it, with the pictures it names.
    ///
    /// # Errors
    /// Something cannot be written; what was stored before is whole then.
    pub fn write(self) -> Result<(), StoreError> {
        let mut named = HashSet::new();
        for photo in &self.photos {
            if named.insert(photo.id.clone()) {
                self.store.write_picture(photo)?;
            }
        }
        let written = self
            .json
            .and_then(|bytes| self.store.replace("state.json", &bytes));
        written.map_err(self.store.wrong("state.json"))?;
        self.store.sweep(&named);
        Ok(())
    }
}

/// Every picture the state names.
fn photos(studio: &Studio) -> impl Iterator<Item = &Photo> {
    let draft = &studio.draft;
    let running = studio.run.iter().map(|run| &run.order);
    let orders = studio.queue.orders().chain(running);
    let turns = draft.chain.turns().iter().map(|turn| &turn.photo);
    turns
        .chain(&draft.references)
        .chain(&draft.control.map)
        .chain(&draft.control.photo)
        .chain(&draft.predict_source)
        .chain(orders.filter_map(|order| order.request.source.as_ref()))
        .chain(
            studio
                .unkept
                .iter()
                .filter_map(|keeping| keeping.request.source.as_ref()),
        )
}

/// Fast rather than small: these files come and go with the sources.
fn encode(pixels: &Pixels) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.size().width, pixels.size().height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(io::Error::other)?;
    writer.write_image_data(pixels.rgb()).map_err(io::Error::other)?;
    writer.finish().map_err(io::Error::other)?;
    Ok(bytes)
}
