//! A window without a screen, rendered and read back.

use super::{STAGE, tools};
use crate::pixels::Size;
use crate::ui::canvas::{Canvas, CanvasResponse, CanvasTools, install};
use eframe::egui_wgpu::{RenderState, RendererOptions, ScreenDescriptor};
use egui::{Event, Pos2, vec2};
use egui_kittest::wgpu::{create_render_state, default_wgpu_setup};

/// A window without a screen: one canvas, a device, a clock that the test moves.
pub(super) struct Stage {
    pub(super) context: egui::Context,
    pub(super) state: RenderState,
    pub(super) size: Size,
    /// Room beside the picture, where the row number stands.
    pub(super) left: u32,
    /// Physical pixels a point.
    pub(super) point: f32,
    pub(super) time: f64,
    pub(super) tools: CanvasTools,
}

/// What was read back, R, G, B, A.
pub(super) struct Shot {
    pub(super) width: u32,
    pub(super) left: u32,
    pub(super) rgba: Vec<u8>,
}

impl Shot {
    pub(super) fn at(&self, x: u32, y: u32) -> [u8; 3] {
        let start = 4 * (y * self.width + self.left + x) as usize;
        [self.rgba[start], self.rgba[start + 1], self.rgba[start + 2]]
    }
}

impl Stage {
    pub(super) fn new(size: Size) -> Self {
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
    pub(super) fn with_room() -> Self {
        let left = 80;
        let mut stage = Self::new(Size::new(STAGE.width + left, STAGE.height));
        stage.left = left;
        stage.tools.margin.left = left as f32;
        stage
    }

    /// One frame of the window; nothing is rendered.
    pub(super) fn frame(
        &mut self,
        canvas: &mut Canvas,
        events: Vec<Event>,
    ) -> (CanvasResponse, egui::FullOutput) {
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

    pub(super) fn events(&mut self, canvas: &mut Canvas, events: Vec<Event>) -> CanvasResponse {
        self.frame(canvas, events).0
    }

    /// A frame, rendered and read back.
    pub(super) fn shot(&mut self, canvas: &mut Canvas) -> Shot {
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
