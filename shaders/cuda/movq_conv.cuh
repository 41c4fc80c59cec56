// Numbers split in two bf16, and MoVQ's convolutions and products of them. Part of movq.cu, whose head says
// what maps, splits and weights are and how the host uses the kernels.
#pragma once
#include "common.cuh"

constexpr int BLOCK = 16;   // channels in a block of a split

DEV void split_pair(float a, float b, uint32_t &high, uint32_t &low) {
    high = pack_bf16(a, b);
    low = pack_bf16(a - bits_float(high << 16), b - bits_float(high & 0xffff0000u));
}
// Eight numbers to half a block.
DEV void split_eight(const float (&v)[8], uint4 *half) {
    uint4 high, low;
    split_pair(v[0], v[1], high.x, low.x), split_pair(v[2], v[3], high.y, low.y);
    split_pair(v[4], v[5], high.z, low.z), split_pair(v[6], v[7], high.w, low.w);
    half[0] = high, half[2] = low;
}

// ---------------------------------------------------------------- convolution
enum Walk { SAME = 0, HALF = 1, DOUBLE = 2 };
struct Conv {
    const uint4 *input;    // split [input_rows][width][blocks][4]
    const uint4 *weights;  // word (output, step): output * weight_row + step * weight_block; steps go tap by tap, block by block
    const float *bias;     // [outs]; may be null
    float *out;            // [rows][columns][out_stride]
    int walk, blocks, outs, out_stride;
    int weight_row, weight_block;  // in words of 16 bytes
    int width, input_first, input_rows;
    int columns, first, rows;
    int adds;              // 1: onto what is there
};

// A number the compiler keeps in a register: it cannot compute again, every step, what came of a shuffle.
DEV int held(int v) { return __shfl_sync(~0u, v, threadIdx.x & 31); }

// A tile of pixels times outputs is summed over steps of 16 inputs: (tap, block). A step's operands, 64
// bytes a pixel and 64 an output, go ahead of the products through a ring of stages in shared memory.
// The four words of a row stand in an order that turns with the row: eight rows of one word, what one
// phase of ldmatrix reads, fall into different banks.
// Each of WARPS_M x WARPS_N warps has MT x NT tiles of 16 pixels x 8 outputs. For each step it loads all
// four operands once and makes three products of them; what it reads of shared memory (8 KB at 4 x 8
// tiles) then takes less than half the time of the products.
template <int WARPS_M, int WARPS_N, int MT, int NT, int STAGES, bool POINT, bool ODD> DEV void convolve(const Conv job) {
    constexpr int TILE_M = WARPS_M * MT * 16, TILE_N = WARPS_N * NT * 8, PASS = WARPS_M * WARPS_N * 8;  // PASS: rows copied at a time
    constexpr int A_PASSES = TILE_M / PASS, PARTS = A_PASSES + TILE_N / PASS, STAGE = (TILE_M + TILE_N) * 4;
    DYNAMIC_SHARED(uint4, ring);
    const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
    const int tiles_n = (job.outs + TILE_N - 1) / TILE_N, pixel = blockIdx.x / tiles_n * TILE_M, output = blockIdx.x % tiles_n * TILE_N;
    const int count = job.rows * job.columns, steps = (POINT ? 1 : 9) * job.blocks;

    // Copying: four threads a row, a word each.
    const int row = threadIdx.x >> 2, word = threadIdx.x & 3, place = held(row * 4 + (word ^ (row >> 1 & 3)));
    int at[A_PASSES], source[A_PASSES];  // {row, column} of a pixel that comes out; word of the input under the tap, < 0: outside
#pragma unroll
    for (int i = 0; i < A_PASSES; i++) {
        const int m = pixel + row + i * PASS;
        at[i] = m < count ? (job.first + m / job.columns) << 16 | m % job.columns : 0x7fff0000;
        source[i] = m < count ? m * job.blocks * 4 + word : -1;
    }
    const int stride = job.walk == HALF ? 2 : 1, pad = job.walk == HALF ? 0 : 1, shift = job.walk == DOUBLE ? 1 : 0;
    auto aim = [&](int tap) {
        const int down = tap / 3 - pad, right = tap % 3 - pad;
#pragma unroll
        for (int i = 0; i < A_PASSES; i++) {
            const int y = (((at[i] >> 16) * stride + down) >> shift) - job.input_first, x = ((at[i] & 0xffff) * stride + right) >> shift;
            const bool is_there = (unsigned)y < (unsigned)job.input_rows && (unsigned)x < (unsigned)job.width;
            source[i] = is_there ? (y * job.width + x) * job.blocks * 4 + word : -1;
        }
    };
    if (!POINT) aim(0);
    int tap = 0, along = 0, weight = (output + row) * job.weight_row + word;
    // One of the PARTS copies a thread makes for a step; zeros from beyond the picture, the outputs, the steps.
    auto copy = [&](uint4 *stage, int part, bool is_step) {
        const int i = part < A_PASSES ? part : part - A_PASSES;
        if (part < A_PASSES) {
            const bool is_there = is_step && source[i] >= 0;
            copy16_or_zero(stage + place + i * PASS * 4, job.input + (is_there ? source[i] + along : 0), is_there);
        } else {
            const bool is_there = is_step && output + row + i * PASS < job.outs;
            copy16_or_zero(stage + (TILE_M + i * PASS) * 4 + place, job.weights + (is_there ? weight + i * PASS * job.weight_row : 0), is_there);
        }
    };
    auto go_on = [&] {
        weight += job.weight_block, along += 4;
        if (!POINT && along == job.blocks * 4) along = 0, aim(++tap);
    };

    // Products: what a lane names of the rows of a tile, see load_matrices.
    const int of_m = warp / WARPS_N, of_n = warp % WARPS_N, turn = lane >> 1 & 3;
    const int a_high = held((of_m * MT * 16 + (lane & 15)) * 4 + ((lane >> 4) ^ turn)), a_low = a_high ^ 2;
    const int b_high = held((TILE_M + of_n * NT * 8 + (lane & 7) + (lane >> 4) * 8) * 4 + ((lane >> 3 & 1) ^ turn)), b_low = b_high ^ 2;
    float sums[MT][NT][4];
#pragma unroll
    for (int m = 0; m < MT; m++)
#pragma unroll
        for (int n = 0; n < NT; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) sums[m][n][i] = 0.f;
#pragma unroll
    for (int s = 0; s < STAGES - 1; s++) {
#pragma unroll
        for (int part = 0; part < PARTS; part++) copy(ring + s * STAGE, part, s < steps);
        end_copies();
        go_on();
    }
    int from = 0, to = STAGES - 1;
    for (int step = 0; step < steps; step++) {
        wait_copies<STAGES - 2>();
        __syncthreads();  // all see this step's stage, and nobody reads the one before any more
        const uint4 *stage = ring + from * STAGE;
        uint32_t high[MT][4], low[MT][4];
#pragma unroll
        for (int m = 0; m < MT; m++) load_matrices(high[m], stage + a_high + m * 64), load_matrices(low[m], stage + a_low + m * 64);
#pragma unroll
        for (int n = 0; n < NT; n += 2) {
            uint32_t b[4], b_rest[4];
            load_matrices(b, stage + b_high + n * 32), load_matrices(b_rest, stage + b_low + n * 32);
#pragma unroll
            for (int m = 0; m < MT; m++) mma_bf16(sums[m][n], high[m], b[0], b[1]), mma_bf16(sums[m][n + 1], high[m], b[2], b[3]);
#pragma unroll
            for (int part = n * PARTS / NT; part < (n + 2) * PARTS / NT; part++) copy(ring + to * STAGE, part, step + STAGES - 1 < steps);
#pragma unroll
            for (int m = 0; m < MT; m++) mma_bf16(sums[m][n], low[m], b[0], b[1]), mma_bf16(sums[m][n + 1], low[m], b[2], b[3]);
#pragma unroll
            for (int m = 0; m < MT; m++) mma_bf16(sums[m][n], high[m], b_rest[0], b_rest[1]), mma_bf16(sums[m][n + 1], high[m], b_rest[2], b_rest[3]);
        }
        end_copies();
        go_on();
        from = from + 1 == STAGES ? 0 : from + 1, to = to + 1 == STAGES ? 0 : to + 1;
    }
    wait_copies<0>();

    const int o = output + of_n * NT * 8 + t * 2;
    float2 bias[NT];
#pragma unroll
    for (int n = 0; n < NT; n++) {
        const bool is_there = job.bias && o + n * 8 < job.outs;
        bias[n] = make_float2(is_there ? job.bias[o + n * 8] : 0.f, is_there && o + n * 8 + 1 < job.outs ? job.bias[o + n * 8 + 1] : 0.f);
    }
#pragma unroll
    for (int i = 0; i < MT * 2; i++) {
        const int p = pixel + of_m * MT * 16 + i * 8 + g;
        if (p >= count) continue;
        float *out = job.out + (size_t)p * job.out_stride + o;
        float2 v[NT];
#pragma unroll
        for (int n = 0; n < NT; n++) v[n] = make_float2(sums[i / 2][n][i % 2 * 2] + bias[n].x, sums[i / 2][n][i % 2 * 2 + 1] + bias[n].y);
        if (ODD && job.out_stride % 2) {
#pragma unroll
            for (int n = 0; n < NT; n++) {
                if (o + n * 8 < job.outs) out[n * 8] = job.adds ? out[n * 8] + v[n].x : v[n].x;
                if (o + n * 8 + 1 < job.outs) out[n * 8 + 1] = job.adds ? out[n * 8 + 1] + v[n].y : v[n].y;
            }
        } else {
            float2 *pairs = (float2 *)out;
            if (job.adds)
#pragma unroll
                for (int n = 0; n < NT; n++)
                    if (o + n * 8 < job.outs) v[n].x += pairs[n * 4].x, v[n].y += pairs[n * 4].y;
#pragma unroll
            for (int n = 0; n < NT; n++)
                if (o + n * 8 < job.outs) pairs[n * 4] = v[n];
        }
    }
}
#define CONVOLVE(name, THREADS, BLOCKS, ...)                                                                              \
    extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) name(const Conv job) { convolve<__VA_ARGS__>(job); } \
    KERNEL(name)
CONVOLVE(conv_small, 128, 4, 2, 2, 2, 4, 5, false, true)
CONVOLVE(conv_large, 128, 2, 2, 2, 4, 8, 3, false, false)
CONVOLVE(point_small, 128, 4, 2, 2, 2, 4, 5, true, true)
CONVOLVE(point_large, 128, 2, 2, 2, 4, 8, 3, true, false)
