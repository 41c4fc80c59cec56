//! A shader of the canvas that paints the whole of its target.

/// What a pipeline is made of.
pub(super) struct Painting<'a> {
    pub(super) label: &'a str,
    pub(super) wgsl: &'a str,
    /// The fragment's entry point; that of the vertices is `corner`.
    pub(super) entry: &'a str,
    pub(super) layout: &'a wgpu::BindGroupLayout,
    pub(super) target: wgpu::TextureFormat,
}

impl Painting<'_> {
    pub(super) fn pipeline(&self, device: &wgpu::Device) -> wgpu::RenderPipeline {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(self.label),
            source: wgpu::ShaderSource::Wgsl(self.wgsl.into()),
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(self.label),
            bind_group_layouts: &[Some(self.layout)],
            immediate_size: 0,
        });
        device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some(self.label),
            layout: Some(&layout),
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("corner"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                buffers: &[],
            },
            primitive: wgpu::PrimitiveState::default(),
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some(self.entry),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                targets: &[Some(self.target.into())],
            }),
            multiview_mask: None,
            cache: None,
        })
    }
}
