//! The GPU's side of the canvas: pipelines, textures, and the paint callback.
//!
//! A frame carries shared copies of the CPU's sheets; `prepare` compares their stamps with what
//! the textures hold and uploads the bands that differ. So skipped frames lose nothing, rows that
//! were shown are not touched again, and a new device (another [`install`]) gets everything.
//! Textures are made once per sheet and dropped with it.

use super::cpu_texture::Sheet;
use super::gpu_texture::{MipChain, Plate, attempt, picture_binding};
use super::pipeline::Painting;
use super::uniforms::{CANVAS_WGSL, Look, WHOLE};
use eframe::egui_wgpu::{CallbackResources, CallbackTrait, RenderState, ScreenDescriptor};
use egui::PaintCallbackInfo;
use std::sync::{Arc, Weak};

/// Layers of the picture, in the order of the shader's bindings.
pub(super) const LAYERS: usize = 7;
pub(super) const PREVIEW: usize = 0;
pub(super) const GUESSES: usize = 1;
pub(super) const UNDER: usize = 2;
pub(super) const OVER: usize = 3;
pub(super) const MASK: usize = 4;
pub(super) const GROUND: usize = 5;
pub(super) const HOLE: usize = 6;
/// The first layer's binding: uniform block and sampler come before.
const FIRST_LAYER: u32 = 2;

/// Puts the canvas' pipelines into the window's renderer: once at start, and again whenever the
/// device was replaced. Draws into a target without multisampling and depth buffer.
pub fn install(state: &RenderState) {
    let easel = Easel::new(&state.device, state.target_format);
    state.renderer.write().callback_resources.insert(easel);
}

/// One canvas on one frame.
pub(super) struct Frame {
    pub(super) owner: Arc<()>,
    pub(super) look: Look,
    pub(super) sheets: [Option<Arc<Sheet>>; LAYERS],
}

impl Frame {
    /// Whether a layer is drawn smaller than it is, and so from its smaller copies.
    fn is_minified(&self, layer: usize, sheet: &Sheet) -> bool {
        let [.., across, down] = match layer {
            PREVIEW => self.look.drawing_part,
            GROUND => self.look.ground_part,
            _ => WHOLE,
        };
        let [width, height] = self.look.extent;
        width / across < sheet.size.width as f32 || height / down < sheet.size.height as f32
    }
}

/// Everything on the GPU: what all canvases share, and what each shows.
pub(super) struct Easel {
    format: wgpu::TextureFormat,
    pipeline: wgpu::RenderPipeline,
    layout: wgpu::BindGroupLayout,
    sampler: wgpu::Sampler,
    /// Stands in for an absent layer.
    blank: wgpu::TextureView,
    mips: MipChain,
    shown: Vec<CanvasTextures>,
}

/// One canvas' textures.
struct CanvasTextures {
    owner: Weak<()>,
    look: wgpu::Buffer,
    plates: [Option<Plate>; LAYERS],
    /// Serials of sheets the device had no room for; they are not tried again every frame.
    refused: [Option<u64>; LAYERS],
    bind_group: Option<wgpu::BindGroup>,
}

impl CallbackTrait for Frame {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        _screen: &ScreenDescriptor,
        encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if let Some(easel) = resources.get_mut::<Easel>() {
            easel.prepare(self, device, queue, encoder);
        }
        Vec::new()
    }

    fn paint(
        &self,
        _info: PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &CallbackResources,
    ) {
        let Some(easel) = resources.get::<Easel>() else {
            return;
        };
        let shown = easel.shown.iter().find(|shown| shown.is_of(&self.owner));
        if let Some(bind_group) = shown.and_then(|shown| shown.bind_group.as_ref()) {
            pass.set_pipeline(&easel.pipeline);
            pass.set_bind_group(0, bind_group, &[]);
            pass.draw(0..3, 0..1);
        }
    }
}

impl Easel {
    pub(super) fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        let layout = layout(device);
        let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
            label: Some("canvas"),
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            mipmap_filter: wgpu::MipmapFilterMode::Linear,
            ..Default::default()
        });
        let blank = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("canvas blank"),
            size: wgpu::Extent3d::default(),
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Rgba8Unorm,
            usage: wgpu::TextureUsages::TEXTURE_BINDING,
            view_formats: &[],
        });
        let painting = Painting {
            label: "canvas",
            wgsl: CANVAS_WGSL,
            entry: "paint",
            layout: &layout,
            target: format,
        };
        Self {
            format,
            pipeline: painting.pipeline(device),
            layout,
            blank: blank.create_view(&wgpu::TextureViewDescriptor::default()),
            mips: MipChain::new(device, &sampler),
            sampler,
            shown: Vec::new(),
        }
    }

    /// Brings the textures up to the frame. When the device refuses (it is lost), everything is
    /// forgotten and nothing is painted until there is a new one.
    pub(super) fn prepare(
        &mut self,
        frame: &Frame,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        encoder: &mut wgpu::CommandEncoder,
    ) {
        let work = || self.follow(frame, device, queue, encoder);
        if attempt(device, wgpu::ErrorFilter::Validation, work).is_none() {
            self.shown.clear();
        }
    }

    fn follow(
        &mut self,
        frame: &Frame,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        encoder: &mut wgpu::CommandEncoder,
    ) {
        self.shown.retain(|shown| shown.owner.strong_count() > 0);
        let known = self.shown.iter().position(|shown| shown.is_of(&frame.owner));
        let index = known.unwrap_or_else(|| {
            self.shown.push(CanvasTextures::new(device, &frame.owner));
            self.shown.len() - 1
        });
        let shown = &mut self.shown[index];
        let mut changed = shown.bind_group.is_none();
        for (layer, sheet) in frame.sheets.iter().enumerate() {
            let (plate, refused) = (&mut shown.plates[layer], &mut shown.refused[layer]);
            let Some(sheet) = sheet else {
                changed |= plate.take().is_some();
                continue;
            };
            let is_other = plate.as_ref().is_none_or(|plate| !plate.is_of(sheet));
            if is_other && *refused != Some(sheet.serial) {
                let mips = matches!(layer, PREVIEW | UNDER | OVER | GROUND).then_some(&self.mips);
                *plate = None;
                *plate = Plate::new(device, sheet, mips);
                *refused = plate.is_none().then_some(sheet.serial);
                changed = true;
            }
            if let Some(plate) = plate {
                plate.update(queue, sheet);
                if frame.is_minified(layer, sheet) {
                    self.mips.refresh(plate, encoder);
                }
            }
        }
        let mut look = frame.look;
        if self.format.is_srgb() {
            look.flags |= super::uniforms::flag::LINEAR_TARGET;
        }
        queue.write_buffer(&shown.look, 0, bytemuck::bytes_of(&look));
        if changed {
            shown.bind_group = Some(bind_group(
                device,
                (&self.layout, &self.sampler, &self.blank),
                shown,
            ));
        }
    }
}

impl CanvasTextures {
    fn new(device: &wgpu::Device, owner: &Arc<()>) -> Self {
        Self {
            owner: Arc::downgrade(owner),
            look: device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("canvas look"),
                size: size_of::<Look>() as u64,
                usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            }),
            plates: Default::default(),
            refused: Default::default(),
            bind_group: None,
        }
    }

    fn is_of(&self, owner: &Arc<()>) -> bool {
        std::ptr::eq(self.owner.as_ptr(), Arc::as_ptr(owner))
    }
}

fn bind_group(
    device: &wgpu::Device,
    (layout, sampler, blank): (&wgpu::BindGroupLayout, &wgpu::Sampler, &wgpu::TextureView),
    shown: &CanvasTextures,
) -> wgpu::BindGroup {
    let mut entries = vec![
        wgpu::BindGroupEntry {
            binding: 0,
            resource: shown.look.as_entire_binding(),
        },
        wgpu::BindGroupEntry {
            binding: 1,
            resource: wgpu::BindingResource::Sampler(sampler),
        },
    ];
    for (binding, plate) in (FIRST_LAYER..).zip(&shown.plates) {
        let view = plate.as_ref().map_or(blank, Plate::view);
        entries.push(wgpu::BindGroupEntry {
            binding,
            resource: wgpu::BindingResource::TextureView(view),
        });
    }
    device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("canvas"),
        layout,
        entries: &entries,
    })
}

fn layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::FRAGMENT,
        ty,
        count: None,
    };
    let mut entries = vec![
        entry(
            0,
            wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Uniform,
                has_dynamic_offset: false,
                min_binding_size: std::num::NonZeroU64::new(size_of::<Look>() as u64),
            },
        ),
        entry(1, wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering)),
    ];
    entries
        .extend((FIRST_LAYER..FIRST_LAYER + LAYERS as u32).map(|binding| entry(binding, picture_binding())));
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("canvas"),
        entries: &entries,
    })
}
