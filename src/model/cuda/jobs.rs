//! What the kernels of the decoder are told, as the structs of the same names in `shaders/cuda/decoder.cu`.

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct Norm {
    pub(super) x: u64,
    pub(super) parts: u64,
    pub(super) bias: u64,
    pub(super) inner: u64,
    pub(super) outer: u64,
    pub(super) out: u64,
    pub(super) splits: i32,
    pub(super) rows: i32,
    pub(super) width: i32,
    pub(super) true_width: i32,
    pub(super) tiles: i32,
    pub(super) eps: f32,
    pub(super) planes: i32,
    pub(super) unused: i32,
}

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct Heads {
    pub(super) parts: u64,
    pub(super) bias: u64,
    pub(super) q_norm: u64,
    pub(super) k_norm: u64,
    pub(super) rope: u64,
    pub(super) step: u64,
    pub(super) q: u64,
    pub(super) keys: u64,
    pub(super) values: u64,
    pub(super) key_scales: u64,
    pub(super) value_scales: u64,
    pub(super) splits: i32,
    pub(super) rows: i32,
    pub(super) each: i32,
    pub(super) heads: i32,
    pub(super) kv_heads: i32,
    pub(super) half: i32,
    pub(super) capacity: i32,
    pub(super) positions: i32,
}

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct Attention {
    pub(super) q: u64,
    pub(super) keys: u64,
    pub(super) values: u64,
    pub(super) key_scales: u64,
    pub(super) value_scales: u64,
    pub(super) step: u64,
    pub(super) sums: u64,
    pub(super) weights: u64,
    pub(super) each: i32,
    pub(super) heads: i32,
    pub(super) kv_heads: i32,
    pub(super) capacity: i32,
}

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct Join {
    pub(super) sums: u64,
    pub(super) weights: u64,
    pub(super) out: u64,
    pub(super) splits: i32,
    pub(super) rows: i32,
    pub(super) each: i32,
    pub(super) heads: i32,
    pub(super) tiles: i32,
    pub(super) planes: i32,
    pub(super) has_rest: i32,
    pub(super) unused: i32,
}
