//! What the kernels of the image tokenizer are told, as the structs of the same names in
//! `shaders/cuda/movq.cu` and `shaders/cuda/movq_conv.cuh`.

use bytemuck::{Pod, Zeroable};

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct SplitWeights {
    pub(super) stored: u64,
    pub(super) out: u64,
    pub(super) kind: i32,
    pub(super) outs: i32,
    pub(super) ins: i32,
    pub(super) taps: i32,
    pub(super) blocks: i32,
    pub(super) unused: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Rows {
    pub(super) x: u64,
    pub(super) out: u64,
    pub(super) affine: u64,
    pub(super) scale: u64,
    pub(super) shift: u64,
    pub(super) channels: i32,
    pub(super) blocks: i32,
    pub(super) width: i32,
    pub(super) first: i32,
    pub(super) height: i32,
    pub(super) code_rows: i32,
    pub(super) code_columns: i32,
    pub(super) swish: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Turned {
    pub(super) x: u64,
    pub(super) out: u64,
    pub(super) pixels: i32,
    pub(super) channels: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Statistics {
    pub(super) x: u64,
    pub(super) chunks: u64,
    pub(super) affine: u64,
    pub(super) weight: u64,
    pub(super) bias: u64,
    pub(super) channels: i32,
    pub(super) pixels: i32,
    pub(super) count: i32,
    pub(super) unused: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Conv {
    pub(super) input: u64,
    pub(super) weights: u64,
    pub(super) bias: u64,
    pub(super) out: u64,
    pub(super) walk: i32,
    pub(super) blocks: i32,
    pub(super) outs: i32,
    pub(super) out_stride: i32,
    pub(super) weight_row: i32,
    pub(super) weight_block: i32,
    pub(super) width: i32,
    pub(super) input_first: i32,
    pub(super) input_rows: i32,
    pub(super) columns: i32,
    pub(super) first: i32,
    pub(super) rows: i32,
    pub(super) adds: i32,
    pub(super) unused: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Softmax {
    pub(super) scores: u64,
    pub(super) keys: i32,
    pub(super) blocks: i32,
    pub(super) scale: f32,
    pub(super) unused: i32,
}
