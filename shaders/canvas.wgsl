// The picture area: paper and code grid, guesses, committed rows, finished pictures, mask, frontier.
//
// A drawing may be made over a picture, its ground: what is drawn takes the ground's place cell by
// cell, and where a hole is given, only in the hole.
//
// Layers are mixed from the bottom up in gamma space, as the window's other colours are. All
// lengths are physical pixels of the target. A layer that is absent is bound to an empty texture
// and skipped by its flag.

const GRID: u32 = 1u;
const PREVIEW: u32 = 2u;
const GUESS_PIXELS: u32 = 4u;
const UNDER: u32 = 8u;
const OVER: u32 = 16u;
const MASK: u32 = 32u;
const LINEAR_TARGET: u32 = 64u;
const GROUND: u32 = 128u;
const HOLE: u32 = 256u;

const CODE_PIXELS: f32 = 8.0;
// How much of the ground is left where it will be drawn over.
const GHOST: f32 = 0.3;

struct Look {
    // The picture's corner and its size on the target.
    origin: vec2<f32>,
    extent: vec2<f32>,
    // Columns and rows of the whole grid; first row shown and rows shown.
    grid: vec2<f32>,
    rows: vec2<f32>,
    // Rows committed, negative when no frontier is shown.
    frontier: f32,
    // From the layers below (0) to the finished picture (1).
    fade: f32,
    // Where `under` ends and `over` begins, as a part of the width; negative when not compared.
    split: f32,
    mask_opacity: f32,
    // Index of the first guess, row by row over the whole grid, and how many there are.
    guess_first: u32,
    guess_count: u32,
    flags: u32,
    // Physical pixels of one point of the window.
    point: f32,
    paper: vec4<f32>,
    line: vec4<f32>,
    accent: vec4<f32>,
    mask: vec4<f32>,
    checker_dark: vec4<f32>,
    checker_light: vec4<f32>,
    // Places in the ground and in the drawing, from places in what is shown: offset and factor.
    ground_part: vec4<f32>,
    drawing_part: vec4<f32>,
}

@group(0) @binding(0) var<uniform> look: Look;
@group(0) @binding(1) var smooth_sampler: sampler;
@group(0) @binding(2) var preview: texture_2d<f32>;
@group(0) @binding(3) var guesses: texture_2d<f32>;
@group(0) @binding(4) var under: texture_2d<f32>;
@group(0) @binding(5) var over: texture_2d<f32>;
@group(0) @binding(6) var mask: texture_2d<f32>;
@group(0) @binding(7) var ground: texture_2d<f32>;
@group(0) @binding(8) var hole: texture_2d<f32>;

@vertex
fn corner(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    let uv = vec2<f32>(f32((index << 1u) & 2u), f32(index & 2u));
    return vec4<f32>(uv.x * 2.0 - 1.0, 1.0 - uv.y * 2.0, 0.0, 1.0);
}

fn has(flag: u32) -> bool {
    return (look.flags & flag) != 0u;
}

// Crisp texels when magnified, their borders one target pixel soft; smooth when minified.
// `across` is how far `uv` moves from one target pixel to the next.
fn texels(layer: texture_2d<f32>, uv: vec2<f32>, across: vec2<f32>) -> vec4<f32> {
    let size = vec2<f32>(textureDimensions(layer));
    let step = size * across;
    let widest = max(step.x, step.y);
    if widest > 1.0 {
        return textureSampleLevel(layer, smooth_sampler, uv, log2(widest));
    }
    let place = uv * size;
    let border = floor(place + 0.5);
    let soft = clamp((place - border) / step, vec2<f32>(-0.5), vec2<f32>(0.5));
    return textureSampleLevel(layer, smooth_sampler, (border + soft) / size, 0.0);
}

fn checker(here: vec2<f32>) -> vec3<f32> {
    let square = vec2<i32>(floor(here / (8.0 * look.point)));
    let odd = ((square.x + square.y) & 1) != 0;
    return select(look.checker_dark.rgb, look.checker_light.rgb, odd);
}

// The code grid: thin lines that vanish as the cells become small.
fn grid_line(uv: vec2<f32>, span: vec2<f32>) -> f32 {
    let cell = span / vec2<f32>(look.grid.x, look.rows.y);
    let here = uv * span;
    let inside = here - floor(here / cell) * cell;
    let width = max(1.0, floor(look.point));
    let on = inside.x < width || inside.y < width;
    return select(0.0, clamp((cell.y - 3.0) / 6.0, 0.0, 1.0), on);
}

// Whether a place of what is shown is drawn: all of it without a hole.
fn in_hole(uv: vec2<f32>) -> bool {
    if !has(HOLE) {
        return true;
    }
    let size = vec2<f32>(textureDimensions(hole));
    return textureLoad(hole, vec2<i32>(min(uv * size, size - 1.0)), 0).r >= 0.5;
}

// Paper (or what is left of the ground), grid and faint guesses. `uv` is a place in the drawing,
// `span` the drawing's size on the target.
fn unknown(paper: vec3<f32>, uv: vec2<f32>, span: vec2<f32>) -> vec3<f32> {
    let row = look.rows.x + uv.y * look.rows.y;
    let index = u32(row) * u32(look.grid.x) + u32(uv.x * look.grid.x);
    var colour = paper;
    if index >= look.guess_first && index - look.guess_first < look.guess_count {
        // Guesses grow fainter the further they are from what is known.
        let far = f32(index - look.guess_first) / f32(look.guess_count);
        if has(GUESS_PIXELS) {
            let top = f32(look.guess_first / u32(look.grid.x));
            let size = vec2<f32>(textureDimensions(guesses));
            let at = vec2<f32>(uv.x * size.x, (row - top) * CODE_PIXELS);
            let guess = textureLoad(guesses, vec2<i32>(min(at, size - 1.0)), 0).rgb;
            colour = mix(colour, guess, mix(0.6, 0.3, far));
        } else {
            colour = mix(colour, look.accent.rgb, mix(0.22, 0.1, far));
        }
    }
    return mix(colour, look.line.rgb, grid_line(uv, span));
}

fn covered(layer: texture_2d<f32>, uv: vec2<f32>) -> f32 {
    return textureSampleLevel(layer, smooth_sampler, uv, 0.0).r;
}

// Whether the border of a mask runs here: inside, with an outside within a line's width.
fn mask_edge(layer: texture_2d<f32>, uv: vec2<f32>, across: vec2<f32>) -> bool {
    let reach = across * max(1.0, 1.6 * look.point);
    let least = min(
        min(covered(layer, uv + vec2<f32>(reach.x, 0.0)), covered(layer, uv - vec2<f32>(reach.x, 0.0))),
        min(covered(layer, uv + vec2<f32>(0.0, reach.y)), covered(layer, uv - vec2<f32>(0.0, reach.y))),
    );
    return covered(layer, uv) >= 0.5 && least < 0.5;
}

// Dashes run along the border: measured along the nearest of four directions to its own.
fn dash(layer: texture_2d<f32>, here: vec2<f32>, uv: vec2<f32>, across: vec2<f32>) -> bool {
    let reach = 2.0 * look.point * across;
    let slope = vec2<f32>(
        covered(layer, uv + vec2<f32>(reach.x, 0.0)) - covered(layer, uv - vec2<f32>(reach.x, 0.0)),
        covered(layer, uv + vec2<f32>(0.0, reach.y)) - covered(layer, uv - vec2<f32>(0.0, reach.y)),
    );
    var along = here.x;
    if abs(slope.x) > 2.414 * abs(slope.y) {
        along = here.y;
    } else if abs(slope.y) <= 2.414 * abs(slope.x) {
        along = select(here.x + here.y, here.x - here.y, slope.x * slope.y > 0.0) * 0.7071;
    }
    let turn = along / (7.0 * look.point);
    return turn - floor(turn) < 0.62;
}

fn linear_from_gamma(colour: vec3<f32>) -> vec3<f32> {
    let low = colour / 12.92;
    let high = pow((colour + 0.055) / 1.055, vec3<f32>(2.4));
    return select(high, low, colour <= vec3<f32>(0.04045));
}

@fragment
fn paint(@builtin(position) at: vec4<f32>) -> @location(0) vec4<f32> {
    let here = at.xy - look.origin;
    let uv = here / look.extent;
    let across = 1.0 / look.extent;
    if any(here < vec2<f32>(0.0)) || any(here >= look.extent) {
        discard;
    }
    var colour = checker(here);
    var paper = look.paper.rgb;
    if has(GROUND) {
        let place = look.ground_part.xy + uv * look.ground_part.zw;
        let below = texels(ground, place, across * look.ground_part.zw);
        colour = below.rgb + colour * (1.0 - below.a);
        paper = mix(paper, colour, GHOST);
    }
    let cell = look.drawing_part.xy + uv * look.drawing_part.zw;
    let span = look.extent / look.drawing_part.zw;
    let is_drawn = all(cell >= vec2<f32>(0.0)) && all(cell < vec2<f32>(1.0)) && in_hole(uv);
    if is_drawn && has(GRID) {
        colour = unknown(paper, cell, span);
    }
    if is_drawn && has(PREVIEW) {
        let part = vec2<f32>(1.0, look.rows.y / look.grid.y);
        let place = vec2<f32>(cell.x, look.rows.x / look.grid.y + cell.y * part.y);
        let row = texels(preview, place, part / span);
        colour = row.rgb + colour * (1.0 - row.a);
    }
    if has(HOLE) && mask_edge(hole, uv, across) && dash(hole, here, uv, across) {
        colour = look.accent.rgb;
    }
    if has(UNDER) {
        let before = texels(under, uv, across);
        colour = before.rgb + colour * (1.0 - before.a);
    }
    if has(OVER) && uv.x >= look.split {
        let after = texels(over, uv, across);
        colour = mix(colour, after.rgb + colour * (1.0 - after.a), look.fade);
    }
    if has(MASK) {
        colour = mix(colour, look.mask.rgb, covered(mask, uv) * look.mask_opacity);
        if mask_edge(mask, uv, across) && dash(mask, here, uv, across) {
            colour = look.mask.rgb;
        }
    }
    if is_drawn && look.frontier >= 0.0 {
        let line = (look.frontier - look.rows.x) / look.rows.y * span.y;
        let within = clamp(round(line), look.point, span.y - look.point);
        if abs(cell.y * span.y - within) < look.point {
            colour = look.accent.rgb;
        }
    }
    if has(LINEAR_TARGET) {
        colour = linear_from_gamma(colour);
    }
    return vec4<f32>(colour, 1.0);
}
