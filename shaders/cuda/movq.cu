// MoVQ, the image tokenizer: pictures to codes and back, with the precision of f32 on tensor cores.
//
// A number v is kept as two bf16, high = bf16(v) and low = bf16(v - high), at most 2^-17 off; a product of
// two such numbers is high high + high low + low high, without low low, at most 2^-16 of it. Sums of
// random products come out 2^-18 off. All sums have an order that depends on the shapes alone: results
// are the same bits every time, and a strip of rows has those that the whole picture would have.
//
//   map     f32 [pixel][channels]: rows from the top, channels of a pixel side by side
//   split   [pixel][block of 16 channels][4 words of 16 bytes]: 16 high, then 16 low halves of numbers;
//           blocks = ceil(channels / 16), zeros beyond the last channel. 4 bytes a number, as in a map
//   weights [ky][kx][block][output][4 words]: the same 64 bytes a block, in the order the convolution reads
//   strip   some rows of a map or split; pointers are to the strip's first pixel, not to the picture's
//
// HOW THE HOST USES THEM. Every kernel takes one struct by value, but for look_up, bytes_to_map and
// map_to_bytes. `up(a, b)` is a / b rounded up. No kernel may start before the one before it ended
// (launch without programmatic dependence). Pointers to maps of a multiple of 4 channels, to splits and
// to weights are aligned to 16 bytes, what has an even number of channels to 8.
//
//   kernel            grid                                         block  dynamic shared bytes
//   split_weights     up(outs * taps * blocks * 2, 256)              256  0      Weights; out: outs * taps * blocks * 64 bytes
//   split_rows        (up(width * blocks * 2, 256), rows)            256  0      Rows; out: rows * width * blocks * 64 bytes
//   split_transposed  (up(pixels, 64), up(channels, 64))             256  0      Turned; out: channels * up(pixels, 16) * 64 bytes
//   norm_chunks       chunks = up(pixels, 16 * (1024 / channels))    256  0      Statistics; chunks: 32 * chunks * 8 bytes
//   norm_totals       32                                             256  0      the same struct; affine: channels * 8 bytes
//   conv_small        up(rows * columns, 64) * up(outs, 64)          128  40960  Conv, 3x3; see movq_conv.cuh
//   conv_large        up(rows * columns, 128) * up(outs, 128)        128  49152
//   point_small       } as conv_*, for 1x1 convolutions and for products of two splits
//   point_large       }
//   softmax_rows      rows                                           256  0      Softmax; in place
//   nearest_code      up(pixels, 8)                                  128  0      Nearest
//   look_up, bytes_to_map, map_to_bytes: up(numbers, 256)            256  0
//
// Which tile: large if outs > 64, out_stride is even (large writes pairs, small does not have to) and its
// grid has at least as many blocks as the card has multiprocessors, else small. The choice does not
// change a bit of the result. (A tile of 256 x 128 was measured, too: no faster.)
//
// CONVOLUTION (Conv). `walk` SAME, HALF (pad right and below by 1, stride 2) or DOUBLE (of the input
// with every pixel doubled). Output rows first .. first + rows of `columns` pixels each; the input
// strip holds rows input_first .. input_first + input_rows of `width` pixels, all within the picture and
// all that the output rows touch there: first - 1 ..= first + rows for SAME, 2 first ..= 2 (first + rows)
// for HALF, (first - 1) / 2 ..= (first + rows) / 2 for DOUBLE. Rows not held count as zeros. Sides below
// 16384 pixels. weight_row = 4, weight_block = outs * 4, out_stride = outs. With `adds` the result is
// added to what is there.
// A 1x1 convolution: the same with one tap, first, input_first and walk 0; only rows * columns counts.
// Rows of A times rows of B (both splits, [m][blocks], [n][blocks]): point_* with input A, rows 1,
// columns m, weights B, outs n, weight_row = blocks * 4, weight_block = 4, bias null.
//
// NORM. norm_chunks and norm_totals over the whole map (up to 1024 channels, a multiple of 32) give
// affine[channel] {weight, bias}; then split_rows strip by strip gives swish(v * weight + bias), in the
// decoder swish((v * weight + bias) * scale + shift) with scale = conv_y(z) and shift = conv_b(z), two
// 1x1 convolutions of the un-projected code vectors z (look_up, split_rows, point_*) at the codes' size.
// split_rows without affine only splits: inputs of conv_in, up- and downsampling, nin_shortcut. The norm before
// q, k and v has affine and no swish.
//
// ATTENTION over p pixels, C channels, x the residual map: n = split_rows(norm); q, k, v = point_*(n), maps;
// q and k split by split_rows (rows 1, width p), v by split_transposed. Then for as many query rows at a
// time as the scratch allows (rows * up(p, 16) * 64 bytes; 1024 rows of 9216 keys are 38 MB; a multiple of
// 128): scores = q k^T (point_*, out_stride = up(p, 16) * 16), softmax_rows with scale 1 / sqrt(C) turns
// them into a split in place, mixed = scores (v^T)^T (point_*: input scores, blocks = up(p, 16), weights the
// transposed v, weight_row = blocks * 4, weight_block = 4, outs C), into rows of a map; at last x += proj_out
// of the split map (adds). Maps and splits of q, k, v, n, mixed: reuse them, 5 of p * C * 4 bytes do.
//
// MEMORY of a 768x768 decode of the 270M beside the weights: two buffers, A of 768^2 * 512 * 4 = 1208 MB
// and B of half of that, 604 MB; a strip buffer S for splits, 66 rows of 512 channels (104 MB); scale and
// shift, at 512 channels 2 * 18.9 MB; chunks 4.7 MB, code vectors 0.3 MB: 1.96 GB at the worst moment. Levels
// alternate between A and B: the map x of a level is in one, h of its blocks in the other, upsampling moves
// x over. (Level 3 with its attentions, 38 MB a map, has room for all of them in either; scale and shift there
// are 2 * 38 MB.) The last upsampling must land in A, so levels 3, 2, 1, 0 have x in B, A, B, A: x of level 1
// (302 MB in B) goes strip by strip, split into S, through the DOUBLE convolution into A (1208 MB).
// A block without shortcut: statistics of x; per strip S = norm1(x) with a row more above and below,
// h = conv1(S); statistics of h; per strip S = norm2(h), x += conv2(S). Every strip of x is final only
// after all of h is there, so nothing is overwritten that is still read.
// up.0.block.0, 512 to 256 channels, x in A, h in B: statistics of x; h = conv1(norm1(x)) over all strips;
// then the shortcut in place: for strips from the top, S = split of the strip of x (512 channels, no
// halo), its 1x1 convolution to row `first` of a map of 256 channels at the start of A. Rows first.. of that lie
// where rows first / 2.. of x were, which are in S or behind. Then statistics of h; x += conv2(norm2(h)).
// In the encoder, where channels grow, the shortcut goes to a buffer of its own (302 MB at 384x384).
#include "movq_conv.cuh"

// ---------------------------------------------------------------- splitting
// Kinds of stored numbers, as in repack.cu.
enum Stored { STORED_F32 = 0, STORED_F16 = 1 };
struct Weights {
    const void *stored;  // [outs][ins][taps]
    uint4 *out;          // [taps][blocks][outs][4]
    int kind, outs, ins, taps, blocks;
};
// A thread eight inputs of one output under one tap.
extern "C" __global__ void split_weights(const Weights job) {
    const long long index = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    const int tap = (int)(index % job.taps), half = (int)(index / job.taps % (job.blocks * 2)), output = (int)(index / job.taps / (job.blocks * 2));
    if (output >= job.outs) return;
    float v[8];
#pragma unroll
    for (int i = 0; i < 8; i++) {
        const int input = half * 8 + i;
        const size_t at = ((size_t)output * job.ins + input) * job.taps + tap;
        v[i] = input >= job.ins ? 0.f : job.kind == STORED_F16 ? low_half(((const uint16_t *)job.stored)[at]) : ((const float *)job.stored)[at];
    }
    split_eight(v, job.out + (((size_t)tap * job.blocks + half / 2) * job.outs + output) * 4 + half % 2);
}
KERNEL(split_weights)

struct Rows {
    const float *x;       // [rows][width][channels]
    uint4 *out;           // [rows][width][blocks][4]
    const float2 *affine; // [channels] {weight, bias}; null: x as it is
    const float *scale, *shift;  // [code_rows][code_columns][channels]; null: no SpatialNorm
    int channels, blocks, width;
    int first, height;    // row of the picture the strip begins at, rows of the picture
    int code_rows, code_columns;
    int swish;            // 1: v * sigmoid(v)
};
DEV void load_eight(float (&v)[8], const float *p) {
    const float4 a = *(const float4 *)p, b = *(const float4 *)(p + 4);
    v[0] = a.x, v[1] = a.y, v[2] = a.z, v[3] = a.w, v[4] = b.x, v[5] = b.y, v[6] = b.z, v[7] = b.w;
}
// A thread eight channels of a pixel. Normed maps have a multiple of 32 channels.
extern "C" __global__ void __launch_bounds__(256) split_rows(const Rows job) {
    const int index = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y;
    const int column = index / (job.blocks * 2), half = index % (job.blocks * 2), channel = half * 8;
    if (column >= job.width) return;
    const size_t pixel = (size_t)row * job.width + column;
    const float *x = job.x + pixel * job.channels + channel;
    float v[8];
    if (job.channels % 8 == 0 && channel < job.channels) {
        load_eight(v, x);
    } else {
#pragma unroll
        for (int i = 0; i < 8; i++) v[i] = channel + i < job.channels ? x[i] : 0.f;
    }
    if (job.affine) {
        float both[2][8];
        load_eight(both[0], (const float *)(job.affine + channel)), load_eight(both[1], (const float *)(job.affine + channel + 4));
#pragma unroll
        for (int i = 0; i < 8; i++) v[i] = v[i] * both[i / 4][i % 4 * 2] + both[i / 4][i % 4 * 2 + 1];
    }
    if (job.scale) {
        const int code_row = (int)((long long)(job.first + row) * job.code_rows / job.height), code_column = (int)((long long)column * job.code_columns / job.width);
        const size_t at = ((size_t)code_row * job.code_columns + code_column) * job.channels + channel;
        float scale[8], shift[8];
        load_eight(scale, job.scale + at), load_eight(shift, job.shift + at);
#pragma unroll
        for (int i = 0; i < 8; i++) v[i] = v[i] * scale[i] + shift[i];
    }
    if (job.swish)
#pragma unroll
        for (int i = 0; i < 8; i++) v[i] = __fdividef(v[i], 1.f + __expf(-v[i]));
    split_eight(v, job.out + (pixel * job.blocks + half / 2) * 4 + half % 2);
}
KERNEL(split_rows)

struct Turned {
    const float *x;  // [pixels][channels]
    uint4 *out;      // [channels][up(pixels, 16)][4], zeros beyond the last pixel
    int pixels, channels;
};
// A block turns 64 pixels of 64 channels.
extern "C" __global__ void __launch_bounds__(256) split_transposed(const Turned job) {
    __shared__ float tile[64][65];
    const int pixel = blockIdx.x * 64, channel = blockIdx.y * 64, blocks = (job.pixels + BLOCK - 1) / BLOCK;
    for (int i = threadIdx.x; i < 64 * 64; i += blockDim.x) {
        const int p = i / 64, c = i % 64;
        tile[p][c] = pixel + p < job.pixels && channel + c < job.channels ? job.x[(size_t)(pixel + p) * job.channels + channel + c] : 0.f;
    }
    __syncthreads();
    for (int i = threadIdx.x; i < 64 * 8; i += blockDim.x) {
        const int c = i / 8, half = i % 8, block = pixel / BLOCK + half / 2;
        if (channel + c >= job.channels || block >= blocks) continue;
        float v[8];
#pragma unroll
        for (int j = 0; j < 8; j++) v[j] = tile[half * 8 + j][c];
        split_eight(v, job.out + ((size_t)(channel + c) * blocks + block) * 4 + half % 2);
    }
}
KERNEL(split_transposed)

// ---------------------------------------------------------------- GroupNorm over 32 groups
// The map is cut into chunks of pixels that a block holds in registers. Of each chunk and group comes
// the mean and the sum of squares about it; those are joined in f64, in the order of the chunks. That
// is the two passes of the exact norm in one reading.
struct Statistics {
    const float *x;       // [pixels][channels]
    float2 *chunks;       // [32][count] {mean, sum of squares about it}
    float2 *affine;       // [channels] {weight, bias} of the norm
    const float *weight, *bias;  // [channels]
    int channels, pixels, count;
};
constexpr int GROUPS = 32;
constexpr int HELD = 16;  // quads of channels a thread holds
// Pixels side by side in a block of 256 threads, four channels a thread.
DEV int lanes_of(const Statistics &job) { return 1024 / job.channels; }

// The sum of each group over a block, in one order. `part`: a quad a thread.
DEV void sum_groups(const float4 &v, float4 *part, float *sums, int channels, int lanes) {
    const int each = channels / GROUPS, lane = threadIdx.x & 31;
    const float *numbers = &part[0].x;  // [pixel lane][channel]
    __syncthreads();
    part[threadIdx.x] = v;
    __syncthreads();
    for (int group = threadIdx.x >> 5; group < GROUPS; group += 8) {
        float sum = 0.f;
        for (int i = lane; i < each * lanes; i += 32) sum += numbers[i / each * channels + group * each + i % each];
        sum = warp_sum(sum);
        if (lane == 0) sums[group] = sum;
    }
    __syncthreads();
}
DEV float square_about(float v, float mean) { return (v - mean) * (v - mean); }

extern "C" __global__ void __launch_bounds__(256) norm_chunks(const Statistics job) {
    __shared__ float4 part[256];
    __shared__ float sums[GROUPS], squares[GROUPS];
    const int quads = job.channels / 4, lanes = lanes_of(job), each = job.channels / GROUPS;
    const int lane = threadIdx.x / quads, quad = threadIdx.x % quads, first = blockIdx.x * HELD * lanes;
    const int pixels = job.pixels - first < HELD * lanes ? job.pixels - first : HELD * lanes;
    float4 v[HELD], sum = make_float4(0.f, 0.f, 0.f, 0.f), square = sum;
#pragma unroll
    for (int i = 0; i < HELD; i++) {
        const int pixel = i * lanes + lane;
        v[i] = make_float4(0.f, 0.f, 0.f, 0.f);
        if (lane < lanes && pixel < pixels) v[i] = *(const float4 *)(job.x + (size_t)(first + pixel) * job.channels + quad * 4);
        sum.x += v[i].x, sum.y += v[i].y, sum.z += v[i].z, sum.w += v[i].w;
    }
    sum_groups(sum, part, sums, job.channels, lanes);
    const float of_one = 1.f / ((float)each * pixels);
    const float4 mean = make_float4(sums[quad * 4 / each] * of_one, sums[(quad * 4 + 1) / each] * of_one, sums[(quad * 4 + 2) / each] * of_one,
                                    sums[(quad * 4 + 3) / each] * of_one);
#pragma unroll
    for (int i = 0; i < HELD; i++) {
        if (lane >= lanes || i * lanes + lane >= pixels) continue;
        square.x += square_about(v[i].x, mean.x), square.y += square_about(v[i].y, mean.y);
        square.z += square_about(v[i].z, mean.z), square.w += square_about(v[i].w, mean.w);
    }
    sum_groups(square, part, squares, job.channels, lanes);
    if (threadIdx.x < GROUPS) job.chunks[(size_t)threadIdx.x * job.count + blockIdx.x] = make_float2(sums[threadIdx.x] * of_one, squares[threadIdx.x]);
}
KERNEL(norm_chunks)

DEV double block_sum(double v, double *part) {
    for (int o = 16; o; o >>= 1) v += __shfl_xor_sync(~0u, v, o);
    __syncthreads();
    if ((threadIdx.x & 31) == 0) part[threadIdx.x >> 5] = v;
    __syncthreads();
    double sum = 0.;
    for (int i = 0; i < (int)blockDim.x / 32; i++) sum += part[i];
    return sum;
}
// One block a group.
extern "C" __global__ void __launch_bounds__(256) norm_totals(const Statistics job) {
    __shared__ double part[8];
    const int each = job.channels / GROUPS, chunk = HELD * lanes_of(job);
    const float2 *chunks = job.chunks + (size_t)blockIdx.x * job.count;
    auto numbers = [&](int i) { return (double)each * (job.pixels - i * chunk < chunk ? job.pixels - i * chunk : chunk); };
    const double all = (double)each * job.pixels;
    double sum = 0., square = 0.;
    for (int i = threadIdx.x; i < job.count; i += blockDim.x) sum += numbers(i) * chunks[i].x;
    const double mean = block_sum(sum, part) / all;
    for (int i = threadIdx.x; i < job.count; i += blockDim.x) square += chunks[i].y + numbers(i) * (chunks[i].x - mean) * (chunks[i].x - mean);
    const double deviation = sqrt(block_sum(square, part) / all + 1e-6);
    for (int i = threadIdx.x; i < each; i += blockDim.x) {
        const int channel = blockIdx.x * each + i;
        const double weight = job.weight[channel] / deviation;
        job.affine[channel] = make_float2((float)weight, (float)(job.bias[channel] - mean * weight));
    }
}
KERNEL(norm_totals)

// ---------------------------------------------------------------- softmax
struct Softmax {
    uint4 *scores;  // in: f32 [rows][blocks * 16], the first `keys` of a row count; out: split [rows][blocks][4]
    int keys, blocks;
    float scale;
};
// One block a row. Four lanes turn the 16 numbers of a block into its split, which is as long.
extern "C" __global__ void __launch_bounds__(256) softmax_rows(const Softmax job) {
    __shared__ float part[32];
    uint4 *row = job.scores + (size_t)blockIdx.x * job.blocks * 4;
    const int quads = job.blocks * 4;
    auto load = [&](int i, float (&v)[4]) {
        const uint4 bits = row[i];
        v[0] = bits_float(bits.x), v[1] = bits_float(bits.y), v[2] = bits_float(bits.z), v[3] = bits_float(bits.w);
#pragma unroll
        for (int j = 0; j < 4; j++) v[j] = i * 4 + j < job.keys ? v[j] : -INFINITY;
    };
    float v[4], most = -INFINITY, sum = 0.f;
    for (int i = threadIdx.x; i < quads; i += blockDim.x) {
        load(i, v);
        most = fmaxf(fmaxf(fmaxf(v[0], v[1]), fmaxf(v[2], v[3])), most);
    }
    most = warp_max(most);
    if ((threadIdx.x & 31) == 0) part[threadIdx.x >> 5] = most;
    __syncthreads();
    for (int i = 0; i < (int)blockDim.x / 32; i++) most = fmaxf(most, part[i]);
    for (int i = threadIdx.x; i < quads; i += blockDim.x) {
        load(i, v);
#pragma unroll
        for (int j = 0; j < 4; j++) sum += __expf((v[j] - most) * job.scale);
    }
    const float of_one = 1.f / block_sum(sum, part);
    for (int first = 0; first < quads; first += blockDim.x) {
        const int i = first + threadIdx.x;
        uint2 high, low;
        if (i < quads) {
            load(i, v);
#pragma unroll
            for (int j = 0; j < 4; j++) v[j] = __expf((v[j] - most) * job.scale) * of_one;
            split_pair(v[0], v[1], high.x, low.x), split_pair(v[2], v[3], high.y, low.y);
        }
        __syncwarp();  // the lanes of a block have read it
        if (i < quads) {
            uint2 *block = (uint2 *)(row + i / 4 * 4);
            block[i % 4] = high, block[4 + i % 4] = low;
        }
    }
}
KERNEL(softmax_rows)

// ---------------------------------------------------------------- codes
// Vectors of codes, [pixels][dim].
extern "C" __global__ void look_up(const int *codes, const float *codebook, float *out, int pixels, int dim) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < pixels * dim) out[i] = codebook[(size_t)codes[i / dim] * dim + i % dim];
}
KERNEL(look_up)

struct Nearest {
    const float *points;    // [pixels][dim]
    const float *codebook;  // [count][dim]
    int *codes;             // [pixels]
    float2 *distances;      // [pixels] Euclidean distance to the nearest code and to the next
    int pixels, count, dim; // dim up to 16
};
struct Near {
    float best, second;
    int code;
    // Of equally near codes the first counts, the others are next.
    DEV void meet(float other_best, float other_second, int other_code) {
        second = fminf(fminf(second, other_second), fmaxf(best, other_best));
        if (other_best < best || (other_best == best && other_code < code)) best = other_best, code = other_code;
    }
};
constexpr int POINTS = 8;  // a block compares eight pixels with all codes
extern "C" __global__ void __launch_bounds__(128) nearest_code(const Nearest job) {
    __shared__ float points[16][POINTS];
    __shared__ Near of_warps[4][POINTS];
    const int first = blockIdx.x * POINTS;
    for (int i = threadIdx.x; i < 16 * POINTS; i += blockDim.x) {
        const int p = i % POINTS, d = i / POINTS;
        points[d][p] = first + p < job.pixels && d < job.dim ? job.points[(size_t)(first + p) * job.dim + d] : 0.f;
    }
    __syncthreads();
    Near near[POINTS];
#pragma unroll
    for (int p = 0; p < POINTS; p++) near[p] = Near{INFINITY, INFINITY, 0};
    for (int code = threadIdx.x; code < job.count; code += blockDim.x) {
        float distance[POINTS];
#pragma unroll
        for (int p = 0; p < POINTS; p++) distance[p] = 0.f;
        for (int d = 0; d < job.dim; d++) {
            const float v = job.codebook[(size_t)code * job.dim + d];
#pragma unroll
            for (int p = 0; p < POINTS; p++) distance[p] += (points[d][p] - v) * (points[d][p] - v);
        }
#pragma unroll
        for (int p = 0; p < POINTS; p++) {
            if (distance[p] < near[p].best) near[p] = Near{distance[p], near[p].best, code};
            else if (distance[p] < near[p].second) near[p].second = distance[p];
        }
    }
#pragma unroll
    for (int p = 0; p < POINTS; p++) {
        for (int o = 16; o; o >>= 1) {
            const float best = __shfl_xor_sync(~0u, near[p].best, o), second = __shfl_xor_sync(~0u, near[p].second, o);
            const int code = __shfl_xor_sync(~0u, near[p].code, o);
            near[p].meet(best, second, code);
        }
        if ((threadIdx.x & 31) == 0) of_warps[threadIdx.x >> 5][p] = near[p];
    }
    __syncthreads();
    const int p = threadIdx.x;
    if (p >= POINTS || first + p >= job.pixels) return;
    Near all = of_warps[0][p];
    for (int w = 1; w < 4; w++) all.meet(of_warps[w][p].best, of_warps[w][p].second, of_warps[w][p].code);
    job.codes[first + p] = all.code;
    job.distances[first + p] = make_float2(sqrtf(all.best), sqrtf(all.second));
}
KERNEL(nearest_code)

// ---------------------------------------------------------------- pixels
extern "C" __global__ void bytes_to_map(const uint8_t *bytes, float *map, int numbers) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < numbers) map[i] = bytes[i] / 255.f * 2.f - 1.f;
}
KERNEL(bytes_to_map)
extern "C" __global__ void map_to_bytes(const float *map, uint8_t *bytes, int numbers) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < numbers) bytes[i] = (uint8_t)(int)rintf((fminf(fmaxf(map[i], -1.f), 1.f) + 1.f) * 127.5f);
}
KERNEL(map_to_bytes)
