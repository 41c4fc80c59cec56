// The kernels between the products of a decoder: embedding, norms, heads, attention.
//
// Every sum has an order that depends on the model and the position alone, so that a row comes out
// the same bits in whatever batch it is computed. Widths are padded: hidden to a multiple of 64, a head
// to HEAD = 64 or 128; padding is zero throughout.
//
//   x            the residual stream [row][width], f32
//   keys, values [lane][kv head][position][HEAD], bytes (128 + round(v / scale)) with a scale a position
//                and head, or f16. Heads of up to 32 numbers leave half of 64 bytes unused: there lies what
//                rounding left off, in units of 1/254 of the scale, so that 16 bits are kept of them.
#include "step.cuh"

// ---------------------------------------------------------------- embedding
template <class Cell> DEV void embed(const Cell *__restrict__ table, const Step *__restrict__ step, float *__restrict__ x, int width) {
    let_next_start();
    const int row = blockIdx.x;
    const Cell *from = table + (size_t)step->tokens[row] * width;
    for (int i = threadIdx.x * 2; i < width; i += blockDim.x * 2) {
        float2 v;
        if (sizeof(Cell) == 2) {
            const uint32_t pair = *(const uint32_t *)(from + i);
            v = make_float2(low_half(pair), high_half(pair));
        } else {
            v = *(const float2 *)(from + i);
        }
        *(float2 *)(x + (size_t)row * width + i) = v;
    }
}
extern "C" __global__ void embed_half(const uint16_t *table, const Step *step, float *x, int width) { embed(table, step, x, width); }
KERNEL(embed_half)
extern "C" __global__ void embed_float(const float *table, const Step *step, float *x, int width) { embed(table, step, x, width); }
KERNEL(embed_float)

// ---------------------------------------------------------------- residual and RMSNorm
// y = sum of the parts + bias; y = RMSNorm(y) * inner where there is one (swin_norm); x += y;
// out = RMSNorm(x) * outer, or x where there is none, in fragment order. One block a row.
struct Norm {
    float *x;
    const float *parts;  // [split][row][width]
    const float *bias, *inner, *outer;
    uint16_t *out;
    int splits, rows, width, true_width, tiles;
    float eps;
    int planes, unused;
};
DEV float sum_of_squares(const float4 &v) { return v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w; }

template <int EACH> DEV void add_norm(const Norm job) {
    __shared__ float part[32];
    let_next_start();
    wait_for_previous();
    const int row = blockIdx.x;
    float4 y[EACH];
    float square = 0.f;
#pragma unroll
    for (int e = 0; e < EACH; e++) {
        const int i = (e * blockDim.x + threadIdx.x) * 4;
        y[e] = make_float4(0.f, 0.f, 0.f, 0.f);
        if (i >= job.width) continue;
        for (int s = 0; s < job.splits; s++) {
            const float4 p = *(const float4 *)(job.parts + ((size_t)s * job.rows + row) * job.width + i);
            y[e].x += p.x, y[e].y += p.y, y[e].z += p.z, y[e].w += p.w;
        }
        if (job.bias) {
            const float4 b = *(const float4 *)(job.bias + i);
            y[e].x += b.x, y[e].y += b.y, y[e].z += b.z, y[e].w += b.w;
        }
        square += sum_of_squares(y[e]);
    }
    if (job.inner) {
        const float r = rsqrtf(block_sum(square, part) / job.true_width + job.eps);
#pragma unroll
        for (int e = 0; e < EACH; e++) {
            const int i = (e * blockDim.x + threadIdx.x) * 4;
            if (i >= job.width) continue;
            const float4 w = *(const float4 *)(job.inner + i);
            y[e].x *= r * w.x, y[e].y *= r * w.y, y[e].z *= r * w.z, y[e].w *= r * w.w;
        }
    }
    square = 0.f;
#pragma unroll
    for (int e = 0; e < EACH; e++) {
        const int i = (e * blockDim.x + threadIdx.x) * 4;
        if (i >= job.width) continue;
        float4 *at = (float4 *)(job.x + (size_t)row * job.width + i);
        const float4 x = *at;
        y[e].x += x.x, y[e].y += x.y, y[e].z += x.z, y[e].w += x.w;
        if (job.splits) *at = y[e];
        square += sum_of_squares(y[e]);
    }
    const float r = job.outer ? rsqrtf(block_sum(square, part) / job.true_width + job.eps) : 1.f;
#pragma unroll
    for (int e = 0; e < EACH; e++) {
        const int i = (e * blockDim.x + threadIdx.x) * 4;
        if (i >= job.width) continue;
        const float4 w = job.outer ? *(const float4 *)(job.outer + i) : make_float4(1.f, 1.f, 1.f, 1.f);
        put_pair(job.out, row, i, job.tiles, job.planes, job.width, y[e].x * r * w.x, y[e].y * r * w.y);
        put_pair(job.out, row, i + 2, job.tiles, job.planes, job.width, y[e].z * r * w.z, y[e].w * r * w.w);
    }
}
extern "C" __global__ void __launch_bounds__(1024) add_norm_1(const Norm job) { add_norm<1>(job); }
KERNEL(add_norm_1)
extern "C" __global__ void __launch_bounds__(1024) add_norm_4(const Norm job) { add_norm<4>(job); }
KERNEL(add_norm_4)

// ---------------------------------------------------------------- heads: bias, LayerNorm, RoPE, cache
// A warp a row and head: queries, then keys, then values. A lane has HEAD / 32 numbers beside each
// other. Queries and keys are laid out half by half: each half of a head (which RoPE turns against the
// other) is padded on its own.
struct Heads {
    const float *parts;            // [split][row][(heads + 2 kv heads) * HEAD]
    const float *bias;             // [(heads + 2 kv heads) * HEAD]; may be null
    const float *q_norm, *k_norm;  // [head][2][HEAD]: weight, bias
    const float2 *rope;            // [position][HEAD / 2] {cos, sin}
    const Step *step;
    uint16_t *q;                   // [feed][head][16][HEAD], f16
    void *keys, *values;           // of this layer
    float *key_scales, *value_scales;
    int splits, rows, each, heads, kv_heads, half;  // half: true length of half a head
    int capacity, positions;       // of the cache, of the table
};

// Whether a head's bytes have such a rest.
template <int HEAD, bool BYTES> DEV bool has_rest(int half) { return HEAD == 64 && BYTES && half <= 16; }
constexpr float REST = 1.f / 254.f;

template <int E> DEV void load_some(float (&v)[E], const float *p) {
#pragma unroll
    for (int e = 0; e < E; e += 2) {
        const float2 pair = *(const float2 *)(p + e);
        v[e] = pair.x, v[e + 1] = pair.y;
    }
}

template <int HEAD, bool BYTES> DEV void split_heads(const Heads job) {
    constexpr int E = HEAD / 32;
    let_next_start();
    wait_for_previous();
    const int id = (blockIdx.x * blockDim.x + threadIdx.x) >> 5, lane = threadIdx.x & 31;
    const int slots = job.heads + 2 * job.kv_heads, row = id / slots, slot = id % slots;
    if (row >= job.rows) return;
    const bool is_query = slot < job.heads, is_value = slot >= job.heads + job.kv_heads;
    const int feed = row / job.each, r = row % job.each, position = job.step->at[feed] + r;
    float v[E], other[E];
#pragma unroll
    for (int e = 0; e < E; e++) v[e] = 0.f;
    for (int s = 0; s < job.splits; s++) {
        load_some(other, job.parts + (((size_t)s * job.rows + row) * slots + slot) * HEAD + lane * E);
#pragma unroll
        for (int e = 0; e < E; e++) v[e] += other[e];
    }
    if (job.bias) {
        load_some(other, job.bias + (size_t)slot * HEAD + lane * E);
#pragma unroll
        for (int e = 0; e < E; e++) v[e] += other[e];
    }
    if (!is_value) {
        const int count = 2 * job.half;
        const float *norm = is_query ? job.q_norm + (size_t)slot * 2 * HEAD : job.k_norm + (size_t)(slot - job.heads) * 2 * HEAD;
        float sum = 0.f, square = 0.f;
#pragma unroll
        for (int e = 0; e < E; e++) sum += v[e];
        const float mean = warp_sum(sum) / count;
#pragma unroll
        for (int e = 0; e < E; e++) {
            v[e] = (lane * E + e) % (HEAD / 2) < job.half ? v[e] - mean : 0.f;
            square += v[e] * v[e];
        }
        const float scale = rsqrtf(warp_sum(square) / count + 1e-5f);
        float weight[E], bias[E];
        load_some(weight, norm + lane * E), load_some(bias, norm + HEAD + lane * E);
#pragma unroll
        for (int e = 0; e < E; e++) v[e] = v[e] * scale * weight[e] + bias[e];
        const int at = position < job.positions ? position : job.positions - 1;
        const float2 *turn = job.rope + (size_t)at * (HEAD / 2) + (lane & 15) * E;
        const float sign = lane < 16 ? -1.f : 1.f;
#pragma unroll
        for (int e = 0; e < E; e++) other[e] = __shfl_xor_sync(~0u, v[e], 16);
#pragma unroll
        for (int e = 0; e < E; e++) v[e] = v[e] * turn[e].x + sign * other[e] * turn[e].y;
    }
    // The rest of queries and keys lies 16 numbers on in either half, that of values in the second half.
    const bool has = has_rest<HEAD, BYTES>(job.half), is_rest = has && (lane & (is_value ? 16 : 8));
    if (has) {
#pragma unroll
        for (int e = 0; e < E; e++) {
            other[e] = __shfl_xor_sync(~0u, v[e], is_value ? 16 : 8);
            if (is_rest) v[e] = other[e];
        }
    }
    if (is_query) {
        const float scale = 1.4426950408889634f * rsqrtf(2.f * job.half) * (is_rest ? REST : 1.f);  // weights of attention are powers of 2
        uint32_t *to = (uint32_t *)(job.q + (((size_t)feed * job.heads + slot) * 16 + r) * HEAD + lane * E);
#pragma unroll
        for (int e = 0; e < E; e += 2) to[e / 2] = pack_within_half(v[e] * scale, v[e + 1] * scale);
        return;
    }
    const int head = is_value ? slot - job.heads - job.kv_heads : slot - job.heads;
    const size_t place = ((size_t)job.step->lanes[feed] * job.kv_heads + head) * job.capacity + position;
    if (!BYTES) {
        uint32_t *to = (uint32_t *)((uint16_t *)(is_value ? job.values : job.keys) + place * HEAD + lane * E);
#pragma unroll
        for (int e = 0; e < E; e += 2) to[e / 2] = pack_within_half(v[e], v[e + 1]);
        return;
    }
    float most = 0.f;
#pragma unroll
    for (int e = 0; e < E; e++) most = fmaxf(most, fabsf(v[e]));
    most = warp_max(most);
    const float of_one = most > 0.f ? 127.f / most : 0.f;
    uint8_t *to = (uint8_t *)(is_value ? job.values : job.keys) + place * HEAD + lane * E;
    uint32_t word = 0;
#pragma unroll
    for (int e = 0; e < E; e++) {
        const float scaled = v[e] * of_one, whole = rintf(scaled);
        word |= (uint32_t)(128 + (int)(is_rest ? rintf((scaled - whole) / REST) : whole)) << 8 * e;
    }
    if (E == 4) *(uint32_t *)to = word;
    else *(uint16_t *)to = (uint16_t)word;
    if (lane == 0) (is_value ? job.value_scales : job.key_scales)[place] = most / 127.f;
}
#define SPLIT_HEADS(name, HEAD, BYTES)                                                    \
    extern "C" __global__ void name(const Heads job) { split_heads<HEAD, BYTES>(job); } \
    KERNEL(name)
SPLIT_HEADS(split_heads_64_bytes, 64, true)
SPLIT_HEADS(split_heads_64_half, 64, false)
SPLIT_HEADS(split_heads_128_bytes, 128, true)
SPLIT_HEADS(split_heads_128_half, 128, false)

// ---------------------------------------------------------------- attention
// Grid (splits, heads, feeds), 4 warps; up to 16 query rows. Blocks of 16 positions go round the
// 4 * splits warps by their number, so that a row meets its keys in one order whatever else is
// computed. Both operands come straight from global memory in full sectors: the order of a sum over
// numbers of a head is free, so each lane takes the 16 bytes it loads as its share of the fragments.
struct Attention {
    const uint16_t *q;
    const void *keys, *values;
    const float *key_scales, *value_scales;
    const Step *step;
    float *sums;      // [feed][head][split][16][HEAD]
    float2 *weights;  // [feed][head][split][16] {maximum, sum of powers of 2 above it}
    int each, heads, kv_heads, capacity;
};
// Weights are powers of 2 up to 2^SHIFT: smaller ones stay within f16.
constexpr float SHIFT = 8.f;
constexpr float NOTHING = -1e30f;

DEV uint32_t word_of(const uint4 &v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }

template <int HEAD, bool BYTES> DEV void attend(const Attention job) {
    constexpr int Q = HEAD / 8;             // words of queries a lane has of one row
    constexpr int K = BYTES ? HEAD / 64 : HEAD / 32;  // words of 16 bytes of a key a lane has
    constexpr int V = BYTES ? 1 : HEAD / 64;          // and of a value; 8 bytes of it where a head has 64 bytes
    constexpr int ROW = BYTES ? HEAD / 16 : HEAD / 8;  // words of 16 bytes of a position
    constexpr int TILES = HEAD / 8;
    __shared__ float others[4][16][HEAD + 4];
    __shared__ float2 other_weights[4][16];
    let_next_start();
    wait_for_previous();
    const int split = blockIdx.x, head = blockIdx.y, feed = blockIdx.z, warp = threadIdx.x >> 5, lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
    const int at = job.step->at[feed], blocks = (at + job.each + 15) / 16, warps = gridDim.x * 4;
    const size_t of_query = (size_t)feed * job.heads + head;
    const size_t of_cache = ((size_t)job.step->lanes[feed] * job.kv_heads + head / (job.heads / job.kv_heads)) * job.capacity;
    const uint4 *keys = (const uint4 *)job.keys + of_cache * ROW, *values = (const uint4 *)job.values + of_cache * ROW;
    const float *key_scales = job.key_scales + of_cache, *value_scales = job.value_scales + of_cache;
    uint32_t qa[Q], qb[Q];
#pragma unroll
    for (int w = 0; w < Q; w += 4) {
        const int from = BYTES ? w / 8 * 64 + t * 16 + w % 8 * 2 : w / 4 * 32 + t * 8;
        const uint4 a = *(const uint4 *)(job.q + (of_query * 16 + g) * HEAD + from), b = *(const uint4 *)(job.q + (of_query * 16 + g + 8) * HEAD + from);
        qa[w] = a.x, qa[w + 1] = a.y, qa[w + 2] = a.z, qa[w + 3] = a.w;
        qb[w] = b.x, qb[w + 1] = b.y, qb[w + 2] = b.z, qb[w + 3] = b.w;
    }
    float o[TILES][4], m0 = NOTHING, m1 = NOTHING, l0 = 0.f, l1 = 0.f;
#pragma unroll
    for (int j = 0; j < TILES; j++) o[j][0] = o[j][1] = o[j][2] = o[j][3] = 0.f;
    uint4 kr[2][K], vr[4][V];
    float2 sk[2], sv[2];
    auto load = [&](int block) {
        const int p = block * 16;
#pragma unroll
        for (int n = 0; n < 2; n++) {
#pragma unroll
            for (int j = 0; j < K; j++) kr[n][j] = stream(keys + (size_t)(p + n * 8 + g) * ROW + j * 4 + t);
            if (BYTES) {
                sk[n] = *(const float2 *)(key_scales + p + n * 8 + t * 2);
                sv[n] = *(const float2 *)(value_scales + p + n * 8 + t * 2);
            }
        }
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const uint4 *row = values + (size_t)(p + t * 2 + (i & 1) + (i >> 1) * 8) * ROW;
            if (BYTES && HEAD == 64) {
                const uint2 half = stream((const uint2 *)row + g);
                vr[i][0] = make_uint4(half.x, half.y, 0, 0);
            } else {
#pragma unroll
                for (int j = 0; j < V; j++) vr[i][j] = stream(row + j * 8 + g);
            }
        }
    };
    int block = split * 4 + warp;
    if (block < blocks) load(block);
    for (; block < blocks; block += warps) {
        const int p = block * 16;
        float s[2][4] = {{0.f, 0.f, 0.f, 0.f}, {0.f, 0.f, 0.f, 0.f}};
#pragma unroll
        for (int n = 0; n < 2; n++)
#pragma unroll
            for (int step = 0; step < HEAD / 16; step++) {
                const uint32_t a[4] = {qa[2 * step], qb[2 * step], qa[2 * step + 1], qb[2 * step + 1]};
                if (BYTES) {
                    const uint32_t word = word_of(kr[n][step / 4], step % 4);
                    mma_half(s[n], a, bytes_half(word, FIRST_TWO, LESS_1152), bytes_half(word, LAST_TWO, LESS_1152));
                } else {
                    mma_half(s[n], a, word_of(kr[n][step / 2], step % 2 * 2), word_of(kr[n][step / 2], step % 2 * 2 + 1));
                }
            }
        const float2 value_scale[2] = {BYTES ? sv[0] : make_float2(1.f, 1.f), BYTES ? sv[1] : make_float2(1.f, 1.f)};
        if (BYTES)
#pragma unroll
            for (int n = 0; n < 2; n++) s[n][0] *= sk[n].x, s[n][1] *= sk[n].y, s[n][2] *= sk[n].x, s[n][3] *= sk[n].y;
        uint4 v[4][V];
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
            for (int j = 0; j < V; j++) v[i][j] = vr[i][j];
        if (block + warps < blocks) load(block + warps);
        if (p + 16 > at)
#pragma unroll
            for (int n = 0; n < 2; n++)
#pragma unroll
                for (int e = 0; e < 2; e++) {
                    const int row = p + n * 8 + t * 2 + e - at;  // the first that sees this key
                    if (row > g) s[n][e] = NOTHING;
                    if (row > g + 8) s[n][2 + e] = NOTHING;
                }
        float n0 = fmaxf(fmaxf(s[0][0], s[0][1]), fmaxf(s[1][0], s[1][1])), n1 = fmaxf(fmaxf(s[0][2], s[0][3]), fmaxf(s[1][2], s[1][3]));
        n0 = fmaxf(n0, __shfl_xor_sync(~0u, n0, 1)), n0 = fmaxf(n0, __shfl_xor_sync(~0u, n0, 2));
        n1 = fmaxf(n1, __shfl_xor_sync(~0u, n1, 1)), n1 = fmaxf(n1, __shfl_xor_sync(~0u, n1, 2));
        n0 = fmaxf(n0, m0), n1 = fmaxf(n1, m1);
        const float f0 = exp2f(m0 - n0), f1 = exp2f(m1 - n1);
        m0 = n0, m1 = n1;
#pragma unroll
        for (int n = 0; n < 2; n++) {
            s[n][0] = exp2f(s[n][0] - m0 + SHIFT), s[n][1] = exp2f(s[n][1] - m0 + SHIFT);
            s[n][2] = exp2f(s[n][2] - m1 + SHIFT), s[n][3] = exp2f(s[n][3] - m1 + SHIFT);
        }
        l0 = l0 * f0 + (s[0][0] + s[0][1] + s[1][0] + s[1][1]), l1 = l1 * f1 + (s[0][2] + s[0][3] + s[1][2] + s[1][3]);
        const uint32_t a[4] = {pack_within_half(s[0][0] * value_scale[0].x, s[0][1] * value_scale[0].y), pack_within_half(s[0][2] * value_scale[0].x, s[0][3] * value_scale[0].y),
                               pack_within_half(s[1][0] * value_scale[1].x, s[1][1] * value_scale[1].y), pack_within_half(s[1][2] * value_scale[1].x, s[1][3] * value_scale[1].y)};
#pragma unroll
        for (int j = 0; j < TILES; j++) o[j][0] *= f0, o[j][1] *= f0, o[j][2] *= f1, o[j][3] *= f1;
        // Column g of tile j: bytes, number g * HEAD / 8 + j; halves, number j / 8 * 64 + g * 8 + j % 8.
        if (BYTES) {
#pragma unroll
            for (int j = 0; j < TILES / 4; j++) {
                const uint32_t w0 = word_of(v[0][0], j), w1 = word_of(v[1][0], j), w2 = word_of(v[2][0], j), w3 = word_of(v[3][0], j);
                const uint32_t first01 = __byte_perm(w0, w1, 0x5140), last01 = __byte_perm(w0, w1, 0x7362);
                const uint32_t first23 = __byte_perm(w2, w3, 0x5140), last23 = __byte_perm(w2, w3, 0x7362);
                mma_half(o[4 * j], a, bytes_half(first01, FIRST_TWO, LESS_1152), bytes_half(first23, FIRST_TWO, LESS_1152));
                mma_half(o[4 * j + 1], a, bytes_half(first01, LAST_TWO, LESS_1152), bytes_half(first23, LAST_TWO, LESS_1152));
                mma_half(o[4 * j + 2], a, bytes_half(last01, FIRST_TWO, LESS_1152), bytes_half(last23, FIRST_TWO, LESS_1152));
                mma_half(o[4 * j + 3], a, bytes_half(last01, LAST_TWO, LESS_1152), bytes_half(last23, LAST_TWO, LESS_1152));
            }
        } else {
#pragma unroll
            for (int j = 0; j < TILES; j++) {
                const uint32_t which = j & 1 ? 0x7632 : 0x5410;
                const int part = j / 8, word = j % 8 / 2;
                mma_half(o[j], a, __byte_perm(word_of(v[0][part], word), word_of(v[1][part], word), which),
                         __byte_perm(word_of(v[2][part], word), word_of(v[3][part], word), which));
            }
        }
    }
    l0 += __shfl_xor_sync(~0u, l0, 1), l0 += __shfl_xor_sync(~0u, l0, 2), l1 += __shfl_xor_sync(~0u, l1, 1), l1 += __shfl_xor_sync(~0u, l1, 2);
#pragma unroll
    for (int j = 0; j < TILES; j++) {
        const int first = BYTES ? 2 * t * TILES + j : j / 8 * 64 + 2 * t * 8 + j % 8, next = first + (BYTES ? TILES : 8);
        others[warp][g][first] = o[j][0], others[warp][g][next] = o[j][1];
        others[warp][g + 8][first] = o[j][2], others[warp][g + 8][next] = o[j][3];
    }
    if (t == 0) other_weights[warp][g] = make_float2(m0, l0), other_weights[warp][g + 8] = make_float2(m1, l1);
    __syncthreads();
    constexpr int E = HEAD / 32;
    const size_t out = (of_query * gridDim.x + split) * 16;
    for (int r = warp; r < job.each; r += 4) {
        const float m = fmaxf(fmaxf(other_weights[0][r].x, other_weights[1][r].x), fmaxf(other_weights[2][r].x, other_weights[3][r].x));
        float l = 0.f, sum[E];
#pragma unroll
        for (int e = 0; e < E; e++) sum[e] = 0.f;
#pragma unroll
        for (int w = 0; w < 4; w++) {
            const float f = exp2f(other_weights[w][r].x - m);
            l += other_weights[w][r].y * f;
#pragma unroll
            for (int e = 0; e < E; e++) sum[e] += others[w][r][lane * E + e] * f;
        }
#pragma unroll
        for (int e = 0; e < E; e += 2) *(float2 *)(job.sums + (out + r) * HEAD + lane * E + e) = make_float2(sum[e], sum[e + 1]);
        if (lane == 0) job.weights[out + r] = make_float2(m, l);
    }
}
#define ATTEND(name, HEAD, BYTES)                                                                       \
    extern "C" __global__ void __launch_bounds__(128) name(const Attention job) { attend<HEAD, BYTES>(job); } \
    KERNEL(name)
ATTEND(attend_64_bytes, 64, true)
ATTEND(attend_64_half, 64, false)
ATTEND(attend_128_bytes, 128, true)
ATTEND(attend_128_half, 128, false)

// Joins the splits; a warp a row and head leaves its part of the output projection's input.
struct Join {
    const float *sums;
    const float2 *weights;
    uint16_t *out;
    int splits, rows, each, heads, tiles, planes;
    int has_rest, unused;  // of values, see split_heads
};
template <int HEAD> DEV void join(const Join job) {
    constexpr int E = HEAD / 32;
    let_next_start();
    wait_for_previous();
    const int id = (blockIdx.x * blockDim.x + threadIdx.x) >> 5, lane = threadIdx.x & 31;
    if (id >= job.rows * job.heads) return;
    const int head = id % job.heads, row = id / job.heads, feed = row / job.each, r = row % job.each;
    const size_t first = ((size_t)feed * job.heads + head) * job.splits;
    float m = NOTHING, l = 0.f, sum[E], part[E];
    for (int s = 0; s < job.splits; s++) m = fmaxf(m, job.weights[(first + s) * 16 + r].x);
#pragma unroll
    for (int e = 0; e < E; e++) sum[e] = 0.f;
    for (int s = 0; s < job.splits; s++) {
        const float2 w = job.weights[(first + s) * 16 + r];
        const float f = exp2f(w.x - m);
        l += w.y * f;
        load_some(part, job.sums + ((first + s) * 16 + r) * HEAD + lane * E);
#pragma unroll
        for (int e = 0; e < E; e++) sum[e] += part[e] * f;
    }
    const float scale = 1.f / l;
#pragma unroll
    for (int e = 0; e < E; e++) {
        sum[e] *= scale;
        if (HEAD == 64 && job.has_rest) {
            const float rest = __shfl_xor_sync(~0u, sum[e], 16);
            sum[e] = lane < 16 ? sum[e] + REST * rest : 0.f;
        }
    }
#pragma unroll
    for (int e = 0; e < E; e += 2) put_pair(job.out, row, head * HEAD + lane * E + e, job.tiles, job.planes, job.heads * HEAD, sum[e], sum[e + 1]);
}
extern "C" __global__ void join_64(const Join job) { join<64>(job); }
KERNEL(join_64)
extern "C" __global__ void join_128(const Join job) { join<128>(job); }
KERNEL(join_128)
