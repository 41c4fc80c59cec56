//! The canvas on a real device (software Vulkan will do): drawn, read back, compared.

mod over;
mod pointer;
mod stage;

use super::*;
use crate::task::{Cancel, Engine, Guesses, Mode, Picture, Progress, Report, Sampling, Stop, Tally, Task};
use crate::worker::Worker;
use egui::{Event, pos2};
use stage::{Shot, Stage};

const GRID: Grid = Grid {
    rows: 12,
    columns: 16,
};
/// Window pixels a picture pixel when [`GRID`] fills the stage.
const ZOOM: u32 = 4;
const STAGE: Size = Size::new(16 * 8 * ZOOM, 12 * 8 * ZOOM);

fn tools() -> CanvasTools {
    CanvasTools {
        tool: Tool::None,
        colours: CanvasColours {
            canvas: Color32::from_rgb(0x10, 0x11, 0x13),
            panel: Color32::from_rgb(0x17, 0x18, 0x1B),
            stroke: Color32::from_rgb(0x2B, 0x2E, 0x33),
            text: Color32::from_rgb(0xE7, 0xE8, 0xEB),
            accent: Color32::from_rgb(0xF2, 0xB0, 0x4A),
            on_accent: Color32::from_rgb(0x1B, 0x14, 0x06),
            mask: Color32::from_rgb(0xE5, 0x53, 0x3D),
        },
        reduced_motion: true,
        margin: MarginF32::ZERO,
    }
}

/// Pixels that look like nothing else, the same for a seed.
fn noise(size: Size, seed: u32) -> Pixels {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 11) as u8
    };
    let count = 3 * size.width as usize * size.height as usize;
    Pixels::new(size, (0..count).map(|_| next()).collect()).expect("as many bytes as counted")
}

fn row_preview(row: u32) -> Pixels {
    noise(Size::new(GRID.columns * 8, 8), row + 1)
}

fn row_codes(row: u32) -> Vec<u32> {
    (0..GRID.columns).map(|column| 1000 * row + column).collect()
}

/// Compares what was drawn with the rows that should be there: `Err` names the first difference.
/// Two pixels beside the frontier belong to its line.
fn check_rows(shot: &Shot, rows: u32, preview: impl Fn(u32) -> Pixels) -> Result<(), String> {
    let frontier = rows * 8 * ZOOM;
    let tools = tools();
    let paper = tools.colours.panel.to_array();
    for y in 0..STAGE.height {
        if rows < GRID.rows && y.abs_diff(frontier) <= 2 {
            continue;
        }
        let (row, line) = (y / (8 * ZOOM), (y / ZOOM) % 8);
        let expected = preview(row);
        for x in 0..STAGE.width {
            let seen = shot.at(x, y);
            if row < rows {
                let start = 3 * (line * expected.size().width + x / ZOOM) as usize;
                let wanted = &expected.rgb()[start..start + 3];
                if seen != wanted {
                    return Err(format!(
                        "row {row} is drawn, but ({x}, {y}) is {seen:?}, not {wanted:?}"
                    ));
                }
            } else {
                // Paper or a line of the grid: dark, and no colour to speak of.
                let off = (0..3).map(|c| seen[c].abs_diff(paper[c])).max();
                if off > Some(20) {
                    return Err(format!("row {row} is unknown, but ({x}, {y}) is {seen:?}"));
                }
            }
        }
    }
    Ok(())
}

/// Draws rows until it is stopped after row `last`.
struct Script {
    last: u32,
    preview: fn(u32) -> Pixels,
}

impl Engine for Script {
    fn run(
        &mut self,
        _task: &Task,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Picture>, Stop> {
        progress(Progress::Started {
            grid: GRID,
            panel: GRID.pixels(),
            sampling: Sampling {
                cfg: 1.0,
                top_k: 1,
                temperature: 1.0,
                top_n_sigma: None,
            },
            lookahead: 8,
            rows_forced: 0,
            to_draw: Vec::new(),
            reading: None,
        });
        for row in 0..GRID.rows {
            if row == self.last {
                cancel.cancel();
            }
            progress(Progress::Row {
                candidate: 0,
                row,
                codes: row_codes(row),
                guesses: Guesses::default(),
                preview: (self.preview)(row),
                tally: Tally::default(),
            });
            if cancel.is_cancelled() {
                return Err(Stop::Cancelled(Vec::new()));
            }
        }
        Ok(Vec::new())
    }
}

/// Follows a scripted engine until it was stopped after row `last`; every third report is drawn.
fn draw(stage: &mut Stage, canvas: &mut Canvas, last: u32, preview: fn(u32) -> Pixels) {
    let mut worker = Worker::spawn(move || Ok(("script".to_owned(), Script { last, preview })), || {});
    worker
        .submit(Task::new(Mode::Generate, "rows"))
        .expect("room in the inbox");
    let reports = worker.reports().clone();
    for (number, report) in reports.iter().enumerate() {
        match report {
            Report::Progress {
                progress: Progress::Started { grid, .. },
                ..
            } => canvas.begin(grid),
            Report::Progress {
                progress: Progress::Row {
                    row, codes, preview, ..
                },
                ..
            } => canvas.row(row, &preview, &codes),
            Report::Cancelled { .. } | Report::Finished { .. } => return,
            _ => {}
        }
        match number % 3 {
            0 => drop(stage.shot(canvas)),
            // A frame that is thrown away must not lose its rows.
            1 => drop(stage.frame(canvas, Vec::new())),
            _ => {}
        }
    }
}

#[test]
fn rows_up_to_the_last_show_their_preview_and_no_others() {
    let mut stage = Stage::with_room();
    for last in [0, 6, GRID.rows - 1] {
        let mut canvas = Canvas::new();
        draw(&mut stage, &mut canvas, last, row_preview);
        let shot = stage.shot(&mut canvas);
        check_rows(&shot, last + 1, row_preview).unwrap_or_else(|wrong| panic!("after row {last}: {wrong}"));
        if last < GRID.rows - 1 {
            let accent = tools().colours.accent.to_array();
            assert_eq!(shot.at(200, (last + 1) * 8 * ZOOM), accent[..3]);
            assert!(check_rows(&shot, last + 2, row_preview).is_err());
            assert!(check_rows(&shot, last, row_preview).is_err());
        }
    }
}

#[test]
fn wrong_previews_do_not_pass() {
    let mut stage = Stage::with_room();
    let mut canvas = Canvas::new();
    let shifted: fn(u32) -> Pixels = |row| row_preview(row + u32::from(row == 3));
    draw(&mut stage, &mut canvas, 6, shifted);
    let shot = stage.shot(&mut canvas);
    let wrong = check_rows(&shot, 7, row_preview).expect_err("row 3 has row 4's preview");
    assert!(wrong.starts_with("row 3"), "{wrong}");
    check_rows(&shot, 7, shifted).expect("what was uploaded");
}

#[test]
fn guesses_are_faint_and_decided_rows_stay_as_they_are() {
    let mut stage = Stage::with_room();
    let mut canvas = Canvas::new();
    canvas.begin(GRID);
    for row in 0..4 {
        canvas.row(row, &row_preview(row), &row_codes(row));
    }
    let before = stage.shot(&mut canvas);
    let white = Pixels::filled(Size::new(20 * 8, 8), [255; 3]);
    canvas.guesses(&[0; 20], Some(&white));
    let after = stage.shot(&mut canvas);
    let decided = 4 * 8 * ZOOM - 2;
    for y in 0..decided {
        for x in 0..STAGE.width {
            assert_eq!(before.at(x, y), after.at(x, y));
        }
    }
    // Cell centres: twenty guesses are a row of sixteen and four more.
    let middle = |row: u32, column: u32| after.at((column * 8 + 4) * ZOOM, (row * 8 + 4) * ZOOM);
    let paper = tools().colours.panel.to_array()[0];
    let (first, last) = (middle(4, 0)[0], middle(5, 3)[0]);
    assert!(first > last && last > paper + 40 && first < 200, "{first} {last}");
    assert_eq!(middle(5, 4)[0], paper);
    canvas.guesses(&[0; 20], None);
    let tinted = stage.shot(&mut canvas).at(4 * ZOOM, (4 * 8 + 4) * ZOOM);
    assert!(tinted[0] > tinted[2] + 20, "a tint of the accent: {tinted:?}");
    canvas.row(4, &row_preview(4), &row_codes(4));
    check_rows(&stage.shot(&mut canvas), 5, row_preview).expect("guesses gone");
}

#[test]
fn the_lower_panel_alone_can_be_shown() {
    let size = Size::new(STAGE.width, STAGE.height / 2);
    let mut stage = Stage::new(size);
    let mut canvas = Canvas::new();
    canvas.begin_rows(GRID, 6..12);
    for row in 0..12 {
        canvas.row(row, &row_preview(row), &row_codes(row));
    }
    let shot = stage.shot(&mut canvas);
    for row in 6..12 {
        let preview = row_preview(row);
        let seen = shot.at(13 * ZOOM, ((row - 6) * 8 + 5) * ZOOM);
        assert_eq!(seen, preview.rgb()[3 * (5 * 128 + 13)..][..3]);
    }
}

#[test]
fn the_finished_picture_fades_in_where_the_preview_was() {
    let mut stage = Stage::new(STAGE);
    stage.tools.reduced_motion = false;
    let mut canvas = Canvas::new();
    canvas.begin(GRID);
    let grey = Pixels::filled(Size::new(GRID.columns * 8, 8), [100; 3]);
    for row in 0..GRID.rows {
        canvas.row(row, &grey, &row_codes(row));
    }
    assert_eq!(stage.shot(&mut canvas).at(77, 99), [100; 3]);
    let zoom = canvas.zoom_percent();
    // Twice the resolution, on the same place.
    let picture = Pixels::filled(Size::new(256, 192), [200; 3]);
    canvas.picture(&picture);
    assert_eq!(stage.shot(&mut canvas).at(77, 99), [100; 3]);
    assert_eq!(canvas.zoom_percent(), zoom / 2.0);
    stage.time += 0.044;
    let [halfway, ..] = stage.shot(&mut canvas).at(77, 99);
    assert!((130..170).contains(&halfway), "{halfway}");
    stage.time += 0.1;
    assert_eq!(stage.shot(&mut canvas).at(77, 99), [200; 3]);
    // Given again it does not fade again.
    canvas.picture(&picture);
    assert_eq!(stage.shot(&mut canvas).at(77, 99), [200; 3]);
    let code = stage.events(&mut canvas, vec![Event::PointerMoved(pos2(100.0, 40.0))]);
    let code = code.code.or_else(|| stage.events(&mut canvas, Vec::new()).code);
    assert_eq!(code, Some(1003), "codes stay known under the picture");
}

#[test]
fn without_motion_the_picture_is_there_at_once() {
    let mut stage = Stage::new(STAGE);
    let mut canvas = Canvas::new();
    canvas.begin(GRID);
    stage.shot(&mut canvas);
    let picture = noise(GRID.pixels(), 99);
    canvas.picture(&picture);
    let shot = stage.shot(&mut canvas);
    assert_eq!(shot.at(4 * 31, 4 * 21), picture.rgb()[3 * (21 * 128 + 31)..][..3]);
}

#[test]
fn a_new_device_gets_everything_again() {
    let mut stage = Stage::with_room();
    let mut canvas = Canvas::new();
    draw(&mut stage, &mut canvas, 6, row_preview);
    check_rows(&stage.shot(&mut canvas), 7, row_preview).expect("before");
    let other = Stage::new(STAGE);
    stage.state = other.state;
    stage.context = egui::Context::default();
    check_rows(&stage.shot(&mut canvas), 7, row_preview).expect("after");
}

#[test]
fn only_rows_that_arrived_are_uploaded() {
    let stage = Stage::new(Size::new(64, 64));
    let mut stamps = Stamps::default();
    let mut drawing = Drawing::new(&mut stamps, GRID, 0..12, 8192).expect("a grid");
    for row in 0..5 {
        drawing.row(&mut stamps, row, &row_preview(row), &row_codes(row));
    }
    let mut plate = gpu_texture::Plate::new(&stage.state.device, &drawing.preview, None).expect("a texture");
    let queue = &stage.state.queue;
    assert_eq!(plate.update(queue, &drawing.preview), 5);
    assert_eq!(plate.update(queue, &drawing.preview), 0);
    drawing.row(&mut stamps, 5, &row_preview(5), &row_codes(5));
    drawing.guesses(&mut stamps, &[1, 2, 3], None);
    assert_eq!(plate.update(queue, &drawing.preview), 1);
}

#[test]
fn pictures_beyond_the_device_are_shown_smaller_with_a_note() {
    let mut stage = Stage::new(Size::new(100, 80));
    let mut canvas = Canvas::new();
    let limit = stage.state.device.limits().max_texture_dimension_2d.min(8192);
    canvas.picture(&Pixels::filled(Size::new(limit + 8, 4), [10, 200, 30]));
    let told = stage.events(&mut canvas, Vec::new());
    assert!(told.note.is_some_and(|note| note.contains("1/2")));
    assert_eq!(canvas.size(), Some(Size::new(limit + 8, 4)));
    canvas.picture(&Pixels::filled(Size::new(limit, 4), [10, 200, 30]));
    assert!(stage.events(&mut canvas, Vec::new()).note.is_none());
    canvas.clear();
    canvas.picture(&Pixels::filled(
        Size::new(4 * limit, 3 * limit / 1024),
        [10, 200, 30],
    ));
    canvas.actual_size();
    assert_eq!(stage.shot(&mut canvas).at(50, 40), [10, 200, 30]);
}

#[test]
fn a_picture_drawn_small_is_the_mean_of_its_pixels() {
    let mut stage = Stage::new(Size::new(128, 128));
    let mut canvas = Canvas::new();
    let checks = (0..1024 * 1024).flat_map(|i| [if (i % 1024 + i / 1024) % 2 == 0 { 0 } else { 200 }; 3]);
    let checks = Pixels::new(Size::new(1024, 1024), checks.collect()).expect("a square");
    canvas.picture(&checks);
    let shot = stage.shot(&mut canvas);
    for (x, y) in [(3, 3), (64, 64), (77, 20), (120, 125)] {
        assert!(shot.at(x, y)[0].abs_diff(100) <= 2, "{:?}", shot.at(x, y));
    }
}

#[test]
fn an_empty_sheet_is_chequered() {
    let mut stage = Stage::new(Size::new(64, 64));
    let mut canvas = Canvas::new();
    canvas.blank(Size::new(64, 64));
    let shot = stage.shot(&mut canvas);
    assert_eq!(shot.at(4, 4), shot.at(12, 12));
    assert_ne!(shot.at(4, 4), shot.at(12, 4));
}

#[test]
fn the_mask_tints_and_its_edge_is_dashed() {
    let mut stage = Stage::new(STAGE);
    let mut canvas = Canvas::new();
    canvas.picture(&Pixels::filled(GRID.pixels(), [200; 3]));
    let covered = |x: usize, y: usize| (32..96).contains(&x) && (24..72).contains(&y);
    let values = (0..128 * 96).map(|i| if covered(i % 128, i / 128) { 255 } else { 0 });
    let mask = Mask::new(GRID.pixels(), values.collect()).expect("one value a pixel");
    canvas.mask(Some(&mask), 0.5);
    let shot = stage.shot(&mut canvas);
    let full = tools().colours.mask.to_array();
    let half = |c: usize| ((200 + u32::from(full[c])) / 2) as u8;
    let inside = shot.at(64 * ZOOM, 48 * ZOOM);
    assert!((0..3).all(|c| inside[c].abs_diff(half(c)) <= 1), "{inside:?}");
    assert_eq!(shot.at(10, 10), [200; 3]);
    let edge = |at: &dyn Fn(u32) -> [u8; 3]| (140..360).filter(|i| at(*i) == full[..3]).count();
    // Along the top and the left border, about 62 of 100 pixels are dash.
    let along = edge(&|i| shot.at(i, 24 * ZOOM));
    let down = edge(&|i| shot.at(32 * ZOOM, i.min(280)));
    assert!((100..170).contains(&along), "{along}");
    assert!(down > 60, "{down}");
    canvas.mask(None, 0.5);
    assert_eq!(stage.shot(&mut canvas).at(64 * ZOOM, 48 * ZOOM), [200; 3]);
}

#[test]
fn a_dense_screen_shows_whole_pixels_too() {
    let mut stage = Stage::new(STAGE);
    stage.point = 1.6;
    let mut canvas = Canvas::new();
    stage.frame(&mut canvas, Vec::new());
    draw(&mut stage, &mut canvas, GRID.rows - 1, row_preview);
    let shot = stage.shot(&mut canvas);
    assert!((canvas.zoom_percent() - 400.0).abs() < 0.1);
    check_rows(&shot, GRID.rows, row_preview).expect("every row");
}

#[test]
fn a_device_that_is_gone_is_survived() {
    let stage = Stage::new(STAGE);
    let (device, queue) = (&stage.state.device, &stage.state.queue);
    let mut stamps = Stamps::default();
    let mut sheets: [Option<Arc<Sheet>>; paint::LAYERS] = Default::default();
    sheets[paint::OVER] = Some(Arc::new(Sheet::of_pixels(&mut stamps, &row_preview(1))));
    let frame = paint::Frame {
        owner: Arc::new(()),
        look: bytemuck::Zeroable::zeroed(),
        sheets,
    };
    let mut easel = paint::Easel::new(device, stage.state.target_format);
    let encode = || device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    easel.prepare(&frame, device, queue, &mut encode());
    device.destroy();
    easel.prepare(&frame, device, queue, &mut encode());
    easel.prepare(&frame, device, queue, &mut encode());
}
