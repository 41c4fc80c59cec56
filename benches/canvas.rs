//! CPU time of the live canvas in one frame, at 1000 rows/s on a grid of 96x96 codes and 60 frames/s.
//!
//! A frame here is what the window's thread does for the canvas: taking in the rows and guesses, the
//! widget, tessellation, `prepare` with its uploads, and encoding the pass. Submitting and the
//! device's own work are left out. A new drawing begins every 96 rows, so its textures are counted.
//! Fails when one frame in a hundred takes 4 ms or more.

use criterion::Criterion;
use eframe::egui_wgpu::{RenderState, RendererOptions, ScreenDescriptor};
use egui::epaint::MarginF32;
use egui::{Color32, Pos2, vec2};
use egui_kittest::wgpu::{create_render_state, default_wgpu_setup};
use lumina_studio::pixels::{Pixels, Size};
use lumina_studio::token::Grid;
use lumina_studio::ui::canvas::{self, Canvas, CanvasColours, CanvasTools, Tool};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const GRID: Grid = Grid {
    rows: 96,
    columns: 96,
};
const ROWS_PER_SECOND: u64 = 1000;
const FRAMES_PER_SECOND: u64 = 60;
const LIMIT: Duration = Duration::from_millis(4);
/// The canvas of a 1280x800 window; the picture of 768 pixels is drawn reduced, with its mips.
const WINDOW: Size = Size::new(820, 729);

struct Window {
    context: egui::Context,
    state: RenderState,
    target: wgpu::TextureView,
    canvas: Canvas,
    previews: Vec<Pixels>,
    guesses: Pixels,
    frames: u64,
    rows: u64,
}

impl Window {
    fn new(state: RenderState) -> Self {
        canvas::install(&state);
        let target = state.device.create_texture(&wgpu::TextureDescriptor {
            label: None,
            size: wgpu::Extent3d {
                width: WINDOW.width,
                height: WINDOW.height,
                depth_or_array_layers: 1,
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: state.target_format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT,
            view_formats: &[],
        });
        let preview = |row: u32| {
            let bytes = 3 * 8 * 8 * GRID.columns;
            let rgb = (0..bytes).map(|i| (i * 7 + row * 31) as u8).collect();
            Pixels::new(Size::new(8 * GRID.columns, 8), rgb).expect("a row")
        };
        Self {
            context: egui::Context::default(),
            target: target.create_view(&wgpu::TextureViewDescriptor::default()),
            state,
            canvas: Canvas::new(),
            previews: (0..GRID.rows).map(preview).collect(),
            guesses: preview(96),
            frames: 0,
            rows: 0,
        }
    }

    /// Rows that arrive until this frame.
    fn take_in(&mut self) {
        self.frames += 1;
        let codes = vec![7; GRID.columns as usize];
        while self.rows * FRAMES_PER_SECOND < self.frames * ROWS_PER_SECOND {
            let row = (self.rows % u64::from(GRID.rows)) as u32;
            if row == 0 {
                self.canvas.begin(GRID);
            }
            self.canvas.row(row, &self.previews[row as usize], &codes);
            self.rows += 1;
        }
        self.canvas.guesses(&codes, Some(&self.guesses));
    }

    /// One frame; what it took.
    fn frame(&mut self) -> Duration {
        let began = Instant::now();
        self.take_in();
        let screen = vec2(WINDOW.width as f32, WINDOW.height as f32);
        let input = egui::RawInput {
            screen_rect: Some(egui::Rect::from_min_size(Pos2::ZERO, screen)),
            max_texture_side: Some(8192),
            time: Some(self.frames as f64 / FRAMES_PER_SECOND as f64),
            ..Default::default()
        };
        let canvas = &mut self.canvas;
        let mut output = self.context.run_ui(input, |ui| {
            canvas.ui(ui, &tools());
        });
        let shapes = std::mem::take(&mut output.shapes);
        let jobs = self.context.tessellate(shapes, output.pixels_per_point);
        let (device, queue) = (&self.state.device, &self.state.queue);
        let mut renderer = self.state.renderer.write();
        for (id, deltas) in output.textures_delta.set.drain() {
            for delta in deltas {
                renderer.update_texture(device, queue, id, &delta);
            }
        }
        output.textures_delta.clear();
        let screen = ScreenDescriptor {
            size_in_pixels: [WINDOW.width, WINDOW.height],
            pixels_per_point: output.pixels_per_point,
        };
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let before = renderer.update_buffers(device, queue, &mut encoder, &jobs, &screen);
        let mut pass = encoder
            .begin_render_pass(&wgpu::RenderPassDescriptor {
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &self.target,
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations::default(),
                })],
                ..Default::default()
            })
            .forget_lifetime();
        renderer.render(&mut pass, &jobs, &screen);
        drop(pass);
        let commands = encoder.finish();
        let took = began.elapsed();
        queue.submit(before.into_iter().chain([commands]));
        device
            .poll(wgpu::PollType::wait_indefinitely())
            .expect("a device that finishes");
        took
    }
}

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
        reduced_motion: false,
        margin: MarginF32 {
            left: 64.0,
            right: 64.0,
            top: 32.0,
            bottom: 120.0,
        },
    }
}

fn main() -> ExitCode {
    let state = create_render_state(default_wgpu_setup(), RendererOptions::default());
    let adapter = state.adapter.get_info();
    println!(
        "adapter: {} ({:?}, {:?})",
        adapter.name, adapter.backend, adapter.device_type
    );
    let mut window = Window::new(state);
    // The first frames compile pipelines and make the font's atlas.
    for _ in 0..10 {
        window.frame();
    }
    let mut took = Vec::new();
    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("canvas frame, 96x96 codes, 1000 rows/s", |bencher| {
        bencher.iter_custom(|frames| {
            let these: Vec<Duration> = (0..frames).map(|_| window.frame()).collect();
            let sum = these.iter().sum();
            took.extend(these);
            sum
        });
    });
    criterion.final_summary();
    took.sort();
    let at = |percent: usize| {
        took.get((took.len() * percent / 100).min(took.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    };
    println!(
        "{} frames: median {:?}, 99 % under {:?}, slowest {:?} (limit {LIMIT:?})",
        took.len(),
        at(50),
        at(99),
        at(100)
    );
    if at(99) < LIMIT {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
