//! One texture and what it holds of its sheet; its smaller copies for a picture drawn small.

use super::cpu_texture::{Sheet, Texel};
use super::pipeline::Painting;
use super::uniforms::MIP_WGSL;
use std::future::Future;
use std::ops::Range;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

const COLOUR: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

/// How a shader is given a picture.
pub(super) fn picture_binding() -> wgpu::BindingType {
    wgpu::BindingType::Texture {
        sample_type: wgpu::TextureSampleType::Float { filterable: true },
        view_dimension: wgpu::TextureViewDimension::D2,
        multisampled: false,
    }
}

pub(super) struct Plate {
    serial: u64,
    texture: wgpu::Texture,
    view: wgpu::TextureView,
    /// Stamp of each band as uploaded.
    stamps: Vec<Option<u64>>,
    /// Smaller copies: the level written and the binding that reads the level above.
    smaller: Vec<(wgpu::TextureView, wgpu::BindGroup)>,
    /// Texel rows that the smaller copies do not show yet.
    stale: Option<Range<u32>>,
}

impl Plate {
    /// A texture for a sheet, empty (transparent) so far; with smaller copies if `mips` is given.
    /// `None` when the device cannot hold one of this size, or not any more.
    pub(super) fn new(device: &wgpu::Device, sheet: &Sheet, mips: Option<&MipChain>) -> Option<Self> {
        let (width, height) = (sheet.size.width, sheet.size.height);
        let longest = width.max(height);
        if width.min(height) == 0 || longest > device.limits().max_texture_dimension_2d {
            return None;
        }
        let levels = mips.map_or(1, |_| longest.ilog2() + 1);
        let mut usage = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST;
        if levels > 1 {
            usage |= wgpu::TextureUsages::RENDER_ATTACHMENT;
        }
        let texture = attempt(device, wgpu::ErrorFilter::OutOfMemory, || {
            device.create_texture(&wgpu::TextureDescriptor {
                label: Some("canvas layer"),
                size: wgpu::Extent3d {
                    width,
                    height,
                    depth_or_array_layers: 1,
                },
                mip_level_count: levels,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: match sheet.texel {
                    Texel::Colour => COLOUR,
                    Texel::Value => wgpu::TextureFormat::R8Unorm,
                },
                usage,
                view_formats: &[],
            })
        })?;
        Some(Self {
            serial: sheet.serial,
            view: texture.create_view(&wgpu::TextureViewDescriptor::default()),
            stamps: vec![None; sheet.bands().len()],
            smaller: mips.map_or_else(Vec::new, |mips| mips.levels(device, &texture)),
            texture,
            stale: None,
        })
    }

    pub(super) fn is_of(&self, sheet: &Sheet) -> bool {
        self.serial == sheet.serial
    }

    pub(super) fn view(&self) -> &wgpu::TextureView {
        &self.view
    }

    /// Uploads the bands whose stamps differ; how many those were.
    pub(super) fn update(&mut self, queue: &wgpu::Queue, sheet: &Sheet) -> usize {
        let mut scratch = Vec::new();
        let mut uploaded = 0;
        for (index, (band, held)) in (0u32..).zip(sheet.bands().iter().zip(&mut self.stamps)) {
            let Some(band) = band else { continue };
            if *held == Some(band.stamp) {
                continue;
            }
            let (top, rows) = (sheet.top_of(index), sheet.rows_of(index));
            let (bytes, texel): (&[u8], u32) = match sheet.texel {
                Texel::Value => (&band.bytes, 1),
                Texel::Colour => {
                    scratch.clear();
                    scratch.extend(band.bytes.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]));
                    (&scratch, 4)
                }
            };
            queue.write_texture(
                wgpu::TexelCopyTextureInfo {
                    texture: &self.texture,
                    mip_level: 0,
                    origin: wgpu::Origin3d { x: 0, y: top, z: 0 },
                    aspect: wgpu::TextureAspect::All,
                },
                bytes,
                wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: Some(sheet.size.width * texel),
                    rows_per_image: Some(rows),
                },
                wgpu::Extent3d {
                    width: sheet.size.width,
                    height: rows,
                    depth_or_array_layers: 1,
                },
            );
            *held = Some(band.stamp);
            uploaded += 1;
            let stale = self.stale.get_or_insert(top..top + rows);
            *stale = stale.start.min(top)..stale.end.max(top + rows);
        }
        uploaded
    }
}

/// What `work` makes, or `None` when the device refused something of it. Left to itself such an
/// error would close the window.
pub(super) fn attempt<T>(
    device: &wgpu::Device,
    refusal: wgpu::ErrorFilter,
    work: impl FnOnce() -> T,
) -> Option<T> {
    let scope = device.push_error_scope(refusal);
    let made = work();
    // Native devices know at once.
    let error = pin!(scope.pop()).poll(&mut Context::from_waker(Waker::noop()));
    (!matches!(error, Poll::Ready(Some(_)))).then_some(made)
}

/// Makes smaller copies, each from the one above it.
pub(super) struct MipChain {
    pipeline: wgpu::RenderPipeline,
    layout: wgpu::BindGroupLayout,
    sampler: wgpu::Sampler,
}

impl MipChain {
    pub(super) fn new(device: &wgpu::Device, sampler: &wgpu::Sampler) -> Self {
        let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty,
            count: None,
        };
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("canvas mip"),
            entries: &[
                entry(0, picture_binding()),
                entry(1, wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering)),
            ],
        });
        let painting = Painting {
            label: "canvas mip",
            wgsl: MIP_WGSL,
            entry: "halve",
            layout: &layout,
            target: COLOUR,
        };
        let pipeline = painting.pipeline(device);
        Self {
            pipeline,
            layout,
            sampler: sampler.clone(),
        }
    }

    fn levels(
        &self,
        device: &wgpu::Device,
        texture: &wgpu::Texture,
    ) -> Vec<(wgpu::TextureView, wgpu::BindGroup)> {
        let level = |level: u32| {
            texture.create_view(&wgpu::TextureViewDescriptor {
                base_mip_level: level,
                mip_level_count: Some(1),
                ..Default::default()
            })
        };
        let reads = |above: &wgpu::TextureView| {
            device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("canvas mip"),
                layout: &self.layout,
                entries: &[
                    wgpu::BindGroupEntry {
                        binding: 0,
                        resource: wgpu::BindingResource::TextureView(above),
                    },
                    wgpu::BindGroupEntry {
                        binding: 1,
                        resource: wgpu::BindingResource::Sampler(&self.sampler),
                    },
                ],
            })
        };
        (1..texture.mip_level_count())
            .map(|n| (level(n), reads(&level(n - 1))))
            .collect()
    }

    /// Brings the smaller copies up to date, in the rows where they are not.
    pub(super) fn refresh(&self, plate: &mut Plate, encoder: &mut wgpu::CommandEncoder) {
        let Some(mut stale) = plate.stale.take() else {
            return;
        };
        let size = plate.texture.size();
        for (level, (view, above)) in (1u32..).zip(&plate.smaller) {
            let width = (size.width >> level).max(1);
            let height = (size.height >> level).max(1);
            // One row more on both sides: odd heights shift the rows a little.
            stale = (stale.start / 2).saturating_sub(1)..(stale.end.div_ceil(2) + 1).min(height);
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("canvas mip"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view,
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations {
                        load: wgpu::LoadOp::Load,
                        store: wgpu::StoreOp::Store,
                    },
                })],
                ..Default::default()
            });
            pass.set_pipeline(&self.pipeline);
            pass.set_bind_group(0, above, &[]);
            let top = stale.start.min(height - 1);
            pass.set_scissor_rect(0, top, width, stale.end.max(top + 1) - top);
            pass.draw(0..3, 0..1);
        }
    }
}
