// One level of a smaller copy: each texel the mean of four of the level above.

@group(0) @binding(0) var above: texture_2d<f32>;
@group(0) @binding(1) var smooth_sampler: sampler;

struct Corner {
    @builtin(position) at: vec4<f32>,
    @location(0) uv: vec2<f32>,
}

@vertex
fn corner(@builtin(vertex_index) index: u32) -> Corner {
    let uv = vec2<f32>(f32((index << 1u) & 2u), f32(index & 2u));
    var out: Corner;
    out.uv = uv;
    out.at = vec4<f32>(uv.x * 2.0 - 1.0, 1.0 - uv.y * 2.0, 0.0, 1.0);
    return out;
}

@fragment
fn halve(in: Corner) -> @location(0) vec4<f32> {
    return textureSampleLevel(above, smooth_sampler, in.uv, 0.0);
}
