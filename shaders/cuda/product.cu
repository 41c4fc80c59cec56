// Products of a weight matrix with up to 32 rows of activations, for each format weights have on the
// card. Compiled once a format: FORMAT is Q4, Q4Lean, Q8 or Half.
//
// A block computes a group of tiles of 16 outputs; its warps share the tiles (wn) and the inputs
// (wk parts, and gridDim.y splits of them). Weights and activations are copied ahead through a ring
// in shared memory. Sums are made in one order that depends on wk and the splits alone: neither on
// how many rows there are nor on how tiles are dealt out.
//
//   weights      [tile of 16 outputs][64 inputs][words of 16 bytes], see each format below; written by repack.cu
//   activations  fragment order, f16 (common.cuh)
//   out          partial sums [split][row][outputs], f32; or, gated, act(gate) * up in fragment order
//                (the tile's outputs are 8 rows of gate, then 8 of up)
#include "common.cuh"

#ifndef FORMAT
#define FORMAT Q4
#endif

// Each format says how many words of 16 bytes a tile has for 64 inputs, how many times 64 inputs a
// stage of the ring holds, what a lane reads for 32 inputs (`part` 0 or 1) and how operand A of 16 of
// them comes out of that.

// Half: per lane and 16 inputs the four pairs of operand A.
struct Half {
    static constexpr int WORDS = 128, STEPS = 1;
    uint4 first, second;
    DEV Half(const uint4 *tile, int lane, int part) : first(tile[part * 64 + lane]), second(tile[part * 64 + 32 + lane]) {}
    DEV void operand(int k16, uint32_t (&a)[4]) const {
        const uint4 &w = k16 ? second : first;
        a[0] = w.x, a[1] = w.y, a[2] = w.z, a[3] = w.w;
    }
};

// Q8: weight = scale * (byte - 128), a scale for 32 inputs; 64 words of bytes [part][lane], then 4 words
// of scales [8 rows g][part] {scale of row g, of row g + 8}.
struct Q8 {
    static constexpr int WORDS = 68, STEPS = 2;
    uint4 bytes;
    uint32_t low, high;
    DEV Q8(const uint4 *tile, int lane, int part) : bytes(tile[part * 32 + lane]) {
        const uint32_t scales = ((const uint32_t *)(tile + 64))[(lane >> 2) * 2 + part];
        low = __byte_perm(scales, 0, 0x1010), high = __byte_perm(scales, 0, 0x3232);
    }
    DEV void operand(int k16, uint32_t (&a)[4]) const {
        const uint32_t x = k16 ? bytes.z : bytes.x, y = k16 ? bytes.w : bytes.y;
        a[0] = mul_half2(bytes_half(x, FIRST_TWO, LESS_1152), low), a[1] = mul_half2(bytes_half(x, LAST_TWO, LESS_1152), high);
        a[2] = mul_half2(bytes_half(y, FIRST_TWO, LESS_1152), low), a[3] = mul_half2(bytes_half(y, LAST_TWO, LESS_1152), high);
    }
};

// Q4: weight = scale * nibble + least, both for 32 inputs; 32 words of nibbles [lane], 32 bits of each
// for 16 inputs (nibble i is the first of pair i of operand A, nibble i + 4 the second), then 8 words
// [8 rows g] {row g, first part; row g, second part; row g + 8, first; row g + 8, second}, each {scale, least}.
struct Q4 {
    static constexpr int WORDS = 40, STEPS = 4;
    uint2 nibbles;
    uint32_t low, low_least, high, high_least;
    DEV Q4(const uint4 *tile, int lane, int part) : nibbles(((const uint2 *)(tile + lane))[part]) {
        const uint32_t *scales = (const uint32_t *)(tile + 32 + (lane >> 2)) + part;
        low = __byte_perm(scales[0], 0, 0x1010), low_least = __byte_perm(scales[0], 0, 0x3232);
        high = __byte_perm(scales[2], 0, 0x1010), high_least = __byte_perm(scales[2], 0, 0x3232);
    }
    DEV void operand(int k16, uint32_t (&a)[4]) const {
        const uint32_t word = k16 ? nibbles.y : nibbles.x;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const uint32_t pair = sub_half2((word >> (4 * i) & 0x000f000fu) | 0x64006400u, LESS_1024);
            a[i] = i & 1 ? fma_half2(pair, high, high_least) : fma_half2(pair, low, low_least);
        }
    }
};

// The same with a stage of half the length, for cards whose blocks get less shared memory.
struct Q4Lean : Q4 {
    static constexpr int STEPS = 2;
    using Q4::Q4;
};

// What becomes of a product where gate and up meet.
enum Activation { SILU = 0, GELU = 1, GELU_TANH = 2, RELU = 3 };
DEV float activate(float v, int kind) {
    if (kind == SILU) return v / (1.f + __expf(-v));
    if (kind == GELU) return 0.5f * v * (1.f + erff(v * 0.70710678f));
    if (kind == GELU_TANH) return 0.5f * v * (1.f + tanhf(0.79788456f * (v + 0.044715f * v * v * v)));
    return fmaxf(v, 0.f);
}

struct Job {
    const uint4 *weights;
    const uint4 *input;     // fragment order, [inputs / 32][row tiles][32]
    float *out;             // not gated: [split][rows][outputs]
    uint16_t *gated;        // gated: fragment order, outputs / 2 wide
    const float *bias;      // gated: [outputs], in the order of the tiles; may be null
    int outputs, inputs;    // multiples of 16 and 64
    int rows, wn, wk, activation;
    int planes;             // of what is gated (put_one)
    int unused;
};

constexpr int STAGES = 2;

// NT: tiles of 8 rows; MT: tiles of 16 outputs a warp.
template <class Format, int NT, int MT, bool GATED> DEV void product(const Job job) {
    constexpr int STEPS = Format::STEPS, WORDS = Format::WORDS;  // STEPS: of 64 inputs, in a stage
    DYNAMIC_SHARED(uint4, ring);
    const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3, in = warp % job.wn, ik = warp / job.wn;
    const int tiles = job.outputs / 16, first = (int)((long long)tiles * blockIdx.x / gridDim.x), last = (int)((long long)tiles * (blockIdx.x + 1) / gridDim.x);
    const int steps = job.inputs / 64, parts = job.wk * gridDim.y;
    auto begin = [&](int part) { return (int)((long long)steps * part / parts); };
    const int part = blockIdx.y * job.wk + ik, from = begin(part), upto = begin(part + 1);
    // Of the longest part; all warps of a block meet as often.
    const int rounds = ((steps + parts - 1) / parts + STEPS - 1) / STEPS;
    constexpr int wstage = STEPS * MT * WORDS, xstage = STEPS * 2 * NT * 32;
    uint4 *wring = ring + (size_t)warp * STAGES * wstage, *xring = ring + (size_t)job.wn * job.wk * STAGES * wstage + (size_t)ik * STAGES * xstage;
    auto copy_weights = [&](int round) {
        uint4 *to = wring + round % STAGES * wstage;
#pragma unroll
        for (int k = 0; k < STEPS; k++) {
            const int step = from + round * STEPS + k;
#pragma unroll
            for (int m = 0; m < MT; m++) {
                const int tile = first + in * MT + m;
                if (step >= upto || tile >= last) continue;
                const uint4 *source = job.weights + ((size_t)tile * steps + step) * WORDS;
#pragma unroll
                for (int w = 0; w < WORDS; w += 32)
                    if (w + 32 <= WORDS || lane < WORDS % 32) copy16(to + (k * MT + m) * WORDS + w + lane, source + w + lane);
            }
        }
    };
    auto copy_input = [&](int round) {
        uint4 *to = xring + round % STAGES * xstage;
        const int step = from + round * STEPS, count = (upto - step < STEPS ? upto - step : STEPS) * 2 * NT * 32;
        for (int i = in * 32 + lane; i < count; i += job.wn * 32) copy16(to + i, job.input + (size_t)step * 2 * NT * 32 + i);
    };
    float sums[MT][NT][4];
#pragma unroll
    for (int m = 0; m < MT; m++)
#pragma unroll
        for (int n = 0; n < NT; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) sums[m][n][i] = 0.f;
    let_next_start();
#pragma unroll
    for (int r = 0; r < STAGES - 1; r++) copy_weights(r);  // weights do not depend on the kernel before
    wait_for_previous();
#pragma unroll
    for (int r = 0; r < STAGES - 1; r++) {
        copy_input(r);
        end_copies();
    }
    for (int r = 0; r < rounds; r++) {
        wait_copies<STAGES - 2>();
        __syncthreads();
        if (r + STAGES - 1 < rounds) copy_weights(r + STAGES - 1), copy_input(r + STAGES - 1);
        end_copies();
        const uint4 *w = wring + r % STAGES * wstage, *x = xring + r % STAGES * xstage;
#pragma unroll
        for (int k = 0; k < STEPS; k++) {
            if (from + r * STEPS + k >= upto) break;
#pragma unroll
            for (int h = 0; h < 2; h++) {
                uint4 b[NT];
#pragma unroll
                for (int n = 0; n < NT; n++) b[n] = x[((k * 2 + h) * NT + n) * 32 + lane];
#pragma unroll
                for (int m = 0; m < MT; m++) {
                    const Format held(w + (k * MT + m) * WORDS, lane, h);
#pragma unroll
                    for (int k16 = 0; k16 < 2; k16++) {
                        uint32_t a[4];
                        held.operand(k16, a);
#pragma unroll
                        for (int n = 0; n < NT; n++) mma_half(sums[m][n], a, k16 ? b[n].z : b[n].x, k16 ? b[n].w : b[n].y);
                    }
                }
            }
        }
    }
    wait_copies<0>();
    __syncthreads();
    // The parts of a block are added up in order.
    constexpr int PER = MT * NT * 4;
    float *others = (float *)ring;
    if (ik > 0)
#pragma unroll
        for (int i = 0; i < PER; i++) others[((size_t)((ik - 1) * job.wn + in) * PER + i) * 32 + lane] = sums[i / (NT * 4)][i / 4 % NT][i % 4];
    __syncthreads();
    if (ik > 0) return;
    for (int j = 0; j < job.wk - 1; j++)
#pragma unroll
        for (int i = 0; i < PER; i++) sums[i / (NT * 4)][i / 4 % NT][i % 4] += others[((size_t)(j * job.wn + in) * PER + i) * 32 + lane];
#pragma unroll
    for (int m = 0; m < MT; m++) {
        const int tile = first + in * MT + m;
        if (tile >= last) continue;
        const int output = tile * 16 + g;
        float bias = 0.f, bias_up = 0.f;
        if (GATED && job.bias) bias = job.bias[output], bias_up = job.bias[output + 8];
#pragma unroll
        for (int n = 0; n < NT; n++) {
            const float *c = sums[m][n];
            const int row = n * 8 + t * 2;
            if (GATED) {
                const int column = tile * 8 + g;
                put_one(job.gated, row, column, NT, job.planes, job.outputs / 2, activate(c[0] + bias, job.activation) * (c[2] + bias_up));
                put_one(job.gated, row + 1, column, NT, job.planes, job.outputs / 2, activate(c[1] + bias, job.activation) * (c[3] + bias_up));
            } else {
                float *o = job.out + ((size_t)blockIdx.y * job.rows + row) * job.outputs + output;
                if (row < job.rows) o[0] = c[0], o[8] = c[2];
                if (row + 1 < job.rows) o[job.outputs] = c[1], o[job.outputs + 8] = c[3];
            }
        }
    }
}

// Names such as Q4_gated_2_1: format, what comes out, row tiles, output tiles a warp.
#define JOINED_(a, b) a##b
#define JOINED(a, b) JOINED_(a, b)
#define PRODUCT(rest, NT, MT, GATED)                                                                            \
    extern "C" __global__ void __launch_bounds__(512) JOINED(FORMAT, rest)(const Job job) {                     \
        product<FORMAT, NT, MT, GATED>(job);                                                                    \
    }                                                                                                           \
    KERNEL(JOINED(FORMAT, rest))
PRODUCT(_sum_1_1, 1, 1, false)
PRODUCT(_sum_1_2, 1, 2, false)
PRODUCT(_sum_2_1, 2, 1, false)
PRODUCT(_sum_2_2, 2, 2, false)
PRODUCT(_sum_4_1, 4, 1, false)
PRODUCT(_sum_4_2, 4, 2, false)
PRODUCT(_gated_1_1, 1, 1, true)
PRODUCT(_gated_1_2, 1, 2, true)
PRODUCT(_gated_2_1, 2, 1, true)
PRODUCT(_gated_2_2, 2, 2, true)
PRODUCT(_gated_4_1, 4, 1, true)
PRODUCT(_gated_4_2, 4, 2, true)
