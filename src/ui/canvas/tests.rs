//! The canvas on a real device (software Vulkan will do): drawn, read back, compared.

use super::*;
use crate::task::{Cancel, Engine, Mode, Picture, Progress, Report, Sampling, Stop, Tally, Task};
use crate::worker::Worker;
use eframe::egui_wgpu::{RenderState, RendererOptions, ScreenDescriptor};
use egui::{Event, Modifiers, PointerButton, Pos2, pos2, vec2};
use egui_kittest::wgpu::{create_render_state, default_wgpu_setup};

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

/// A window without a screen: one canvas, a device, a clock that the test moves.
struct Stage {
    context: egui::Context,
    state: RenderState,
    size: Size,
    /// Room beside the picture, where the row number stands.
    left: u32,
    /// Physical pixels a point.
    point: f32,
    time: f64,
    tools: CanvasTools,
}

/// What was read back, R, G, B, A.
struct Shot {
    width: u32,
    left: u32,
    rgba: Vec<u8>,
}

impl Shot {
    fn at(&self, x: u32, y: u32) -> [u8; 3] {
        let start = 4 * (y * self.width + self.left + x) as usize;
        [self.rgba[start], self.rgba[start + 1], self.rgba[start + 2]]
    }
}

impl Stage {
    fn new(size: Size) -> Self {
        let state = create_render_state(default_wgpu_setup(), RendererOptions::PREDICTABLE);
        install(&state);
        Self {
            context: egui::Context::default(),
            state,
            size,
            left: 0,
            point: 1.0,
            time: 0.0,
            tools: tools(),
        }
    }

    /// A stage on which [`GRID`] is as large as in [`STAGE`], with room for the row number.
    fn with_room() -> Self {
        let left = 80;
        let mut stage = Self::new(Size::new(STAGE.width + left, STAGE.height));
        stage.left = left;
        stage.tools.margin.left = left as f32;
        stage
    }

    /// One frame of the window; nothing is rendered.
    fn frame(&mut self, canvas: &mut Canvas, events: Vec<Event>) -> (CanvasResponse, egui::FullOutput) {
        let screen = vec2(self.size.width as f32, self.size.height as f32) / self.point;
        self.context.set_pixels_per_point(self.point);
        let input = egui::RawInput {
            screen_rect: Some(egui::Rect::from_min_size(Pos2::ZERO, screen)),
            max_texture_side: Some(self.state.device.limits().max_texture_dimension_2d as usize),
            time: Some(self.time),
            events,
            ..Default::default()
        };
        self.time += 0.016;
        let mut told = None;
        let mut output = self
            .context
            .run_ui(input, |ui| told = Some(canvas.ui(ui, &self.tools)));
        let mut renderer = self.state.renderer.write();
        for (id, deltas) in output.textures_delta.set.drain() {
            for delta in deltas {
                renderer.update_texture(&self.state.device, &self.state.queue, id, &delta);
            }
        }
        output.textures_delta.clear();
        (told.expect("one pass at least"), output)
    }

    fn events(&mut self, canvas: &mut Canvas, events: Vec<Event>) -> CanvasResponse {
        self.frame(canvas, events).0
    }

    /// A frame, rendered and read back.
    fn shot(&mut self, canvas: &mut Canvas) -> Shot {
        let (_, output) = self.frame(canvas, Vec::new());
        let jobs = self.context.tessellate(output.shapes, output.pixels_per_point);
        let (device, queue) = (&self.state.device, &self.state.queue);
        let mut renderer = self.state.renderer.write();
        let screen = ScreenDescriptor {
            size_in_pixels: [self.size.width, self.size.height],
            pixels_per_point: output.pixels_per_point,
        };
        let extent = wgpu::Extent3d {
            width: self.size.width,
            height: self.size.height,
            depth_or_array_layers: 1,
        };
        let target = device.create_texture(&wgpu::TextureDescriptor {
            label: None,
            size: extent,
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: self.state.target_format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let before = renderer.update_buffers(device, queue, &mut encoder, &jobs, &screen);
        {
            let view = target.create_view(&wgpu::TextureViewDescriptor::default());
            let mut pass = encoder
                .begin_render_pass(&wgpu::RenderPassDescriptor {
                    color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                        view: &view,
                        depth_slice: None,
                        resolve_target: None,
                        ops: wgpu::Operations::default(),
                    })],
                    ..Default::default()
                })
                .forget_lifetime();
            renderer.render(&mut pass, &jobs, &screen);
        }
        let stride = (4 * self.size.width).next_multiple_of(256);
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: u64::from(stride * self.size.height),
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        let layout = wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(stride),
            rows_per_image: None,
        };
        encoder.copy_texture_to_buffer(
            target.as_image_copy(),
            wgpu::TexelCopyBufferInfo {
                buffer: &buffer,
                layout,
            },
            extent,
        );
        queue.submit(before.into_iter().chain([encoder.finish()]));
        buffer
            .slice(..)
            .map_async(wgpu::MapMode::Read, |done| done.expect("a mapped buffer"));
        device
            .poll(wgpu::PollType::wait_indefinitely())
            .expect("a device that finishes");
        let mapped = buffer.slice(..).get_mapped_range().expect("a mapped buffer");
        let lines = mapped.chunks(stride as usize);
        let rgba: Vec<u8> = lines
            .flat_map(|line| &line[..4 * self.size.width as usize])
            .copied()
            .collect();
        let bgra = self.state.target_format == wgpu::TextureFormat::Bgra8Unorm;
        assert!(bgra || self.state.target_format == wgpu::TextureFormat::Rgba8Unorm);
        let rgba = if bgra {
            rgba.chunks(4).flat_map(|p| [p[2], p[1], p[0], p[3]]).collect()
        } else {
            rgba
        };
        let width = self.size.width;
        let left = self.left;
        Shot { width, left, rgba }
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
            window: 8,
            rows_forced: 0,
        });
        for row in 0..GRID.rows {
            if row == self.last {
                cancel.cancel();
            }
            progress(Progress::Row {
                candidate: 0,
                row,
                codes: row_codes(row),
                guesses: Vec::new(),
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
    let mut plate = plate::Plate::new(&stage.state.device, &drawing.preview, None).expect("a texture");
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

#[test]
fn turning_the_wheel_with_ctrl_zooms_at_the_cursor() {
    let mut stage = Stage::new(STAGE);
    let mut canvas = Canvas::new();
    canvas.picture(&Pixels::filled(GRID.pixels(), [9; 3]));
    let cursor = pos2(400.0, 100.0);
    stage.events(&mut canvas, vec![Event::PointerMoved(cursor)]);
    let before = stage.events(&mut canvas, Vec::new());
    let wheel = |y, modifiers| Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: vec2(0.0, y),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
        modifiers,
    };
    for _ in 0..5 {
        stage.events(&mut canvas, vec![wheel(40.0, Modifiers::CTRL)]);
    }
    assert!(canvas.zoom_percent() > 450.0, "{}", canvas.zoom_percent());
    let after = stage.events(&mut canvas, Vec::new());
    let (Some(before), Some(after)) = (before.pointer, after.pointer) else {
        panic!("the cursor is on the picture");
    };
    assert!(
        (0..2).all(|i| (before[i] - after[i]).abs() < 0.2),
        "{before:?} {after:?}"
    );
    // Now it is larger than the widget, and a plain turn moves it.
    for _ in 0..5 {
        stage.events(&mut canvas, vec![wheel(40.0, Modifiers::NONE)]);
    }
    let moved = stage
        .events(&mut canvas, Vec::new())
        .pointer
        .expect("on the picture");
    assert!(moved[1] < after[1] - 2.0, "{moved:?} {after:?}");
}

#[test]
fn the_canvas_has_a_name_and_says_how_far_it_is() {
    use egui_kittest::kittest::{NodeT, Queryable};
    let mut canvas = Canvas::new();
    canvas.begin(GRID);
    canvas.row(0, &row_preview(0), &row_codes(0));
    let mut harness = egui_kittest::Harness::new_ui(|ui| {
        canvas.ui(ui, &tools());
    });
    harness.run();
    let node = harness.get_by_label("Canvas");
    assert_eq!(
        node.accesskit_node().description().as_deref(),
        Some("drawing, row 1 of 12")
    );
}

fn button(at: Pos2, pressed: bool) -> Event {
    Event::PointerButton {
        pos: at,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    }
}

#[test]
fn compared_pictures_meet_at_the_slider() {
    let mut stage = Stage::new(STAGE);
    let mut canvas = Canvas::new();
    let (red, blue) = (
        Pixels::filled(GRID.pixels(), [250, 0, 0]),
        Pixels::filled(GRID.pixels(), [0, 0, 250]),
    );
    canvas.compare(Some((&red, &blue)));
    let shot = stage.shot(&mut canvas);
    assert_eq!((shot.at(100, 300), shot.at(400, 300)), ([250, 0, 0], [0, 0, 250]));
    let (from, to) = (pos2(300.0, 150.0), pos2(64.0, 150.0));
    stage.events(&mut canvas, vec![Event::PointerMoved(from)]);
    stage.events(&mut canvas, vec![button(from, true)]);
    stage.events(&mut canvas, vec![Event::PointerMoved(to)]);
    stage.events(&mut canvas, vec![button(to, false)]);
    let shot = stage.shot(&mut canvas);
    assert_eq!((shot.at(40, 300), shot.at(100, 300)), ([250, 0, 0], [0, 0, 250]));
    canvas.compare(None);
    assert_eq!(canvas.size(), None);
}

/// All steps a stroke of these frames is told as.
fn gestures(stage: &mut Stage, canvas: &mut Canvas, frames: Vec<Vec<Event>>) -> Vec<Gesture> {
    let mut steps = Vec::new();
    for events in frames {
        steps.extend(stage.events(canvas, events).gesture);
    }
    for _ in 0..4 {
        steps.extend(stage.events(canvas, Vec::new()).gesture);
    }
    steps
}

#[test]
fn a_stroke_is_pressed_dragged_and_released_once() {
    let mut stage = Stage::new(STAGE);
    stage.tools.tool = Tool::Brush { diameter: 8.0 };
    let mut canvas = Canvas::new();
    canvas.picture(&Pixels::filled(GRID.pixels(), [9; 3]));
    let (a, b, c) = (pos2(40.0, 80.0), pos2(60.0, 80.0), pos2(80.0, 120.0));
    let moved = |at| Event::PointerMoved(at);
    stage.events(&mut canvas, vec![moved(a)]);
    let view = canvas.view;
    let steps = gestures(
        &mut stage,
        &mut canvas,
        vec![
            vec![button(a, true)],
            vec![moved(b)],
            vec![moved(c)],
            vec![button(c, false)],
        ],
    );
    assert_eq!(
        steps,
        [
            Gesture::Press([10.0, 20.0]),
            Gesture::Drag([15.0, 20.0]),
            Gesture::Drag([20.0, 30.0]),
            Gesture::Release([20.0, 30.0]),
        ]
    );
    assert_eq!(canvas.view, view, "painting does not move the picture");
    // A click shorter than a frame is a dab all the same.
    let steps = gestures(
        &mut stage,
        &mut canvas,
        vec![vec![moved(a), button(a, true), button(a, false)]],
    );
    assert_eq!(
        steps,
        [Gesture::Press([10.0, 20.0]), Gesture::Release([10.0, 20.0])]
    );
    // The picture vanishes under the brush: the stroke is ended.
    stage.events(&mut canvas, vec![moved(a), button(a, true)]);
    canvas.clear();
    let told = stage.events(&mut canvas, Vec::new());
    assert_eq!(told.gesture, Some(Gesture::Release([10.0, 20.0])));
}

#[test]
fn space_and_the_middle_button_move_the_picture_instead() {
    let mut stage = Stage::new(STAGE);
    stage.tools.tool = Tool::Brush { diameter: 8.0 };
    let mut canvas = Canvas::new();
    canvas.picture(&Pixels::filled(GRID.pixels(), [9; 3]));
    let (from, to) = (pos2(40.0, 80.0), pos2(70.0, 60.0));
    let space = |pressed| Event::Key {
        key: egui::Key::Space,
        physical_key: None,
        pressed,
        repeat: false,
        modifiers: Modifiers::NONE,
    };
    let frames = vec![
        vec![Event::PointerMoved(from), space(true)],
        vec![button(from, true)],
        vec![Event::PointerMoved(to)],
        vec![button(to, false), space(false)],
    ];
    assert_eq!(gestures(&mut stage, &mut canvas, frames), []);
    let room = canvas.room.expect("drawn once");
    let at = |canvas: &Canvas| canvas.view.place(GRID.pixels(), room).origin;
    assert_eq!(at(&canvas), pos2(30.0, -20.0));
    let middle = |at, pressed| Event::PointerButton {
        pos: at,
        button: PointerButton::Middle,
        pressed,
        modifiers: Modifiers::NONE,
    };
    let frames = vec![
        vec![Event::PointerMoved(from)],
        vec![middle(from, true)],
        vec![Event::PointerMoved(to)],
        vec![middle(to, false)],
    ];
    assert_eq!(gestures(&mut stage, &mut canvas, frames), []);
    assert_eq!(at(&canvas), pos2(60.0, -40.0));
    canvas.fit();
    assert_eq!(at(&canvas), Pos2::ZERO);
}

#[test]
fn pixel_and_code_under_the_cursor_are_told() {
    let mut stage = Stage::new(STAGE);
    let mut canvas = Canvas::new();
    canvas.begin(GRID);
    canvas.row(0, &row_preview(0), &row_codes(0));
    canvas.row(1, &row_preview(1), &row_codes(1));
    let under = |stage: &mut Stage, canvas: &mut Canvas, at| {
        stage.events(canvas, vec![Event::PointerMoved(at)]);
        let told = stage.events(canvas, Vec::new());
        (told.pointer, told.code)
    };
    let at = pos2(100.0, 40.0);
    assert_eq!(
        under(&mut stage, &mut canvas, at),
        (Some([25.0, 10.0]), Some(1003))
    );
    let below = pos2(100.0, 80.0);
    assert_eq!(under(&mut stage, &mut canvas, below), (Some([25.0, 20.0]), None));
    canvas.actual_size();
    assert_eq!(under(&mut stage, &mut canvas, pos2(5.0, 5.0)), (None, None));
    assert_eq!(canvas.zoom_percent(), 100.0);
}
