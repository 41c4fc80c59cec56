//! The journal of the picture being drawn, which grows by a row as a row arrives.
//!
//! It is two files: `journal.jsonl` (its first line the order and what the engine began, then a line
//! of codes a row) and `journal.rgb` (the previews of those rows, one after the other). A last line
//! or row that is cut short, by a kill in the middle of a write, is ignored. One without a row is
//! an order.

use super::super::queue::{Order, OrderId};
use super::super::run::{Begun, Row, Run};
use super::aside::{new_name, set_aside};
use super::error::StoreError;
use crate::disk::{self, Onto, Readers};
use crate::pixels::{Pixels, Size};
use crate::token::CODE_PIXELS;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Most bytes of a journal's text: codes of the largest picture and a mask.
const MOST_TEXT: u64 = 1 << 28;

#[derive(Serialize, Deserialize)]
struct Head {
    order: Order,
    begun: Begun,
}

/// What a journal holds.
pub(super) enum Found {
    Rows(Box<Run>),
    /// It was begun and has no row to show, but perhaps codes.
    Order(Box<Order>),
}

impl Found {
    pub(super) fn order(&self) -> &Order {
        match self {
            Self::Rows(run) => &run.order,
            Self::Order(order) => order,
        }
    }
}

#[derive(Debug)]
pub(super) struct Journal {
    folder: PathBuf,
    /// Open for more rows.
    files: Option<(File, File)>,
    /// Whose head and rows are on the disk.
    order: Option<Order>,
}

impl Journal {
    pub(super) fn of(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            files: None,
            order: None,
        }
    }

    pub(super) fn order(&self) -> Option<OrderId> {
        self.order.as_ref().map(|order| order.id)
    }

    pub(super) fn drawn(&self) -> Option<&Order> {
        self.order.as_ref()
    }

    /// Its order got another name when it came back.
    pub(super) fn belongs_to(&mut self, order: OrderId) {
        if let Some(own) = &mut self.order {
            own.id = order;
        }
    }

    fn text(&self) -> PathBuf {
        self.folder.join("journal.jsonl")
    }

    fn previews(&self) -> PathBuf {
        self.folder.join("journal.rgb")
    }

    fn wrong(&self) -> impl FnOnce(io::Error) -> StoreError + use<> {
        let path = self.text();
        move |error| StoreError { path, error }
    }

    pub(super) fn begin(&mut self, order: &Order, begun: Begun) -> Result<(), StoreError> {
        (self.files, self.order) = (None, None);
        let head = Head {
            order: order.clone(),
            begun,
        };
        let open = || -> io::Result<(File, File)> {
            let mut head = serde_json::to_vec(&head)?;
            head.push(b'\n');
            disk::put(&self.text(), &head, Readers::Owner, Onto::Any)?;
            let lines = OpenOptions::new().append(true).open(self.text())?;
            // The head has no rows by now: the previews of others go after it came.
            Ok((lines, File::create(self.previews())?))
        };
        self.files = Some(open().map_err(self.wrong())?);
        self.order = Some(order.clone());
        Ok(())
    }

    /// Preview first: a line of codes stands for a whole row.
    pub(super) fn row(&mut self, row: &Row) -> Result<(), StoreError> {
        let wrong = self.wrong();
        let Some((lines, previews)) = &mut self.files else {
            return Ok(());
        };
        let mut append = || -> io::Result<()> {
            previews.write_all(row.preview.rgb())?;
            let mut line = serde_json::to_vec(&row.codes)?;
            line.push(b'\n');
            lines.write_all(&line)
        };
        let appended = append().map_err(wrong);
        if appended.is_err() {
            // What was written of the row would make the next ones unreadable.
            self.files = None;
        }
        appended
    }

    /// In the order in which they are to be synced.
    pub(super) fn files(&self) -> Option<[File; 2]> {
        let (lines, previews) = self.files.as_ref()?;
        Some([previews.try_clone().ok()?, lines.try_clone().ok()?])
    }

    pub(super) fn end(&mut self) {
        (self.files, self.order) = (None, None);
        for path in [self.text(), self.previews()] {
            // An absent file is what is wanted.
            let _ = fs::remove_file(path);
        }
    }

    /// Another picture is begun, or none: this one's codes get a name of their own.
    pub(super) fn lay_aside(&mut self) -> Option<PathBuf> {
        (self.files, self.order) = (None, None);
        let aside = new_name(&self.folder, "unsaved", "jsonl");
        fs::rename(self.text(), &aside).ok()?;
        disk::sync_folder(&self.folder);
        Some(aside)
    }

    /// What was being drawn. A journal that cannot be read is set aside.
    pub(super) fn read(&mut self, said: &mut Vec<String>) -> Option<Found> {
        if self.text().symlink_metadata().is_err() {
            return None;
        }
        match read(&self.text(), Some(&self.previews())) {
            Ok(found) => {
                self.order = Some(found.order().clone());
                Some(found)
            }
            Err(reason) => {
                self.set_aside(&reason, said);
                None
            }
        }
    }

    /// What is in it cannot be gone on with: it gets another name, with its previews.
    pub(super) fn set_aside(&mut self, reason: &str, said: &mut Vec<String>) {
        (self.files, self.order) = (None, None);
        let text = set_aside(&self.text(), "journal", &reason);
        said.push(text.unwrap_or_else(|words| words));
        // They belong to it.
        let _ = fs::rename(self.previews(), new_name(&self.folder, "journal", "rgb"));
    }
}

/// The codes of a journal without its previews.
pub(super) fn read_order(path: &Path) -> Result<Order, String> {
    match read(path, None)? {
        Found::Order(order) => Ok(*order),
        Found::Rows(run) => Ok(run.order),
    }
}

fn read(path: &Path, previews: Option<&Path>) -> Result<Found, String> {
    let about = fs::metadata(path).map_err(|error| error.to_string())?;
    if !about.is_file() || about.len() > MOST_TEXT {
        return Err("it is no file of a sensible size".to_owned());
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let head = lines.next().ok_or("its first line is cut short")?;
    let head: Head = serde_json::from_str(head).map_err(|error| error.to_string())?;
    let Head { mut order, begun } = head;
    begun.check()?;
    order.request.settle();
    let grid = begun.grid;
    let columns = grid.columns as usize;
    let rows = lines.map_while(|line| serde_json::from_str::<Vec<u32>>(line).ok());
    let rows = rows.take_while(|codes| codes.len() == columns);
    let rows: Vec<Vec<u32>> = rows.take(grid.rows as usize).collect();
    let mut run = Run::new(order);
    run.begin(begun);
    let size = Size::new(grid.pixels().width, CODE_PIXELS);
    let mut rgb = previews.and_then(|path| File::open(path).ok());
    for (row, codes) in (0..).zip(&rows) {
        let Some(file) = &mut rgb else { break };
        let mut bytes = vec![0; 3 * size.width as usize * size.height as usize];
        if file.read_exact(&mut bytes).is_err() {
            break;
        }
        let Some(preview) = Pixels::new(size, bytes) else {
            break;
        };
        run.place(0, row, codes, &preview);
    }
    if run.rows() > 0 {
        return Ok(Found::Rows(Box::new(run)));
    }
    let mut order = run.order.clone();
    order.request = run.to_resume();
    let codes = rows.concat();
    let given = order.request.resume.as_ref().map_or(0, Vec::len);
    // Several candidates share no codes: they begin again.
    if order.request.candidates <= 1 && codes.len() > given {
        order.request.resume = Some(codes);
    }
    Ok(Found::Order(Box::new(order)))
}
