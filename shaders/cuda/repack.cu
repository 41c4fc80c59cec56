// Brings weights from the order they are stored in to the order product.cu reads, on the card itself:
// the host only passes bytes on. Also tables of rows, and weights invented for measurements.
//
// Q4_K and Q8_0 become Q4 and Q8: their scales, products of two numbers there, are rounded to f16, and
// weights are computed from them in f16. That is closer to what the format means than the same
// weight rounded to bf16. Everything else becomes f16.
#include "common.cuh"

// As in ggml (ggml-common.h).
enum Kind { F32 = 0, F16 = 1, Q8_0 = 8, Q4_K = 12, BF16 = 30 };

struct Source {
    const uint8_t *bytes;  // the rows, one after the other
    const int *row_of;     // [outputs] the row each output takes; < 0: zeros
    long long row_bytes;
    int kind;
    int head, true_head;   // inputs come in heads, padded from true_head to head
    int outputs, inputs;   // with padding
    int width;             // of a plane: inputs / width planes, as put_pair has them
};

// The stored column of an input, < 0 in the padding.
DEV int column_of(const Source &s, int input) {
    const int within = input % s.width, of_head = within % s.head;
    return of_head < s.true_head ? within / s.head * s.true_head + of_head : -1;
}
DEV float half_at(const uint8_t *p) { return low_half(p[0] | (uint32_t)p[1] << 8); }

// Scale and least value of group `group` (of 8) of a block of Q4_K: 6 bits each, times a half.
DEV float2 scales_q4_k(const uint8_t *block, int group) {
    const uint8_t *s = block + 4;
    const int scale = group < 4 ? s[group] & 63 : (s[group + 4] & 15) | (s[group - 4] >> 6) << 4;
    const int least = group < 4 ? s[group + 4] & 63 : s[group + 4] >> 4 | (s[group] >> 6) << 4;
    return make_float2(half_at(block) * scale, -half_at(block + 2) * least);
}
DEV int nibble_q4_k(const uint8_t *block, int i) {  // i of 256
    const int byte = block[16 + (i >> 6) * 32 + (i & 31)];
    return i & 32 ? byte >> 4 : byte & 15;
}
DEV float value(const Source &s, const uint8_t *row, int column) {
    if (s.kind == F32) {
        const uint8_t *p = row + (size_t)column * 4;
        return bits_float(p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
    }
    if (s.kind == F16) return half_at(row + (size_t)column * 2);
    if (s.kind == BF16) return bits_float((row[(size_t)column * 2] | (uint32_t)row[(size_t)column * 2 + 1] << 8) << 16);
    if (s.kind == Q8_0) {
        const uint8_t *block = row + (size_t)(column / 32) * 34;
        return half_at(block) * (int8_t)block[2 + column % 32];
    }
    const uint8_t *block = row + (size_t)(column / 256) * 144;
    const float2 scales = scales_q4_k(block, column % 256 / 32);
    return scales.x * nibble_q4_k(block, column % 256) + scales.y;
}
DEV float weight(const Source &s, int output, int input) {
    const int row = s.row_of[output], column = column_of(s, input);
    if (row < 0 || column < 0) return 0.f;
    const float v = value(s, s.bytes + row * s.row_bytes, column);
    // The second plane has what halves leave off.
    return input / s.width == 1 ? v - low_half(pack_within_half(v, 0.f)) : v;
}

// A thread a word of 16 bytes; which tile, which 64 inputs and which of its `words` it is.
struct Word { int tile, step, at; };
DEV bool word_here(const Source &s, int words, size_t &index, Word &word) {
    index = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    const int steps = s.inputs / 64;
    if (index >= (size_t)(s.outputs / 16) * steps * words) return false;
    word.at = index % words;
    word.step = index / words % steps;
    word.tile = index / words / steps;
    return true;
}
// Output and first input of pair `pair` of operand A for 16 inputs.
DEV int output_of(const Word &word, int lane, int pair) { return word.tile * 16 + (lane >> 2) + (pair & 1) * 8; }
DEV int input_of(const Word &word, int lane, int k16, int pair) { return word.step * 64 + k16 * 16 + (lane & 3) * 2 + (pair >> 1) * 8; }

extern "C" __global__ void repack_half(const Source s, uint4 *out) {
    size_t index;
    Word word;
    if (!word_here(s, 128, index, word)) return;
    const int lane = word.at % 32, k16 = word.at / 32;
    uint32_t pairs[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const int output = output_of(word, lane, i), input = input_of(word, lane, k16, i);
        pairs[i] = pack_within_half(weight(s, output, input), weight(s, output, input + 1));
    }
    out[index] = make_uint4(pairs[0], pairs[1], pairs[2], pairs[3]);
}
KERNEL(repack_half)

extern "C" __global__ void repack_q8(const Source s, uint4 *out) {
    size_t index;
    Word word;
    if (!word_here(s, 68, index, word)) return;
    uint32_t words[4];
    if (word.at < 64) {
        const int lane = word.at % 32, part = word.at / 32;
#pragma unroll
        for (int w = 0; w < 4; w++) {
            words[w] = 0;
#pragma unroll
            for (int b = 0; b < 4; b++) {
                const int pair = (w & 1) * 2 + (b >> 1), row = s.row_of[output_of(word, lane, pair)];
                const int column = column_of(s, input_of(word, lane, part * 2 + (w >> 1), pair) + (b & 1));
                int v = 0;
                if (row >= 0 && column >= 0) v = (int8_t)s.bytes[row * s.row_bytes + (size_t)(column / 32) * 34 + 2 + column % 32];
                words[w] |= (uint32_t)(v + 128) << 8 * b;
            }
        }
    } else {
#pragma unroll
        for (int w = 0; w < 4; w++) {
            const int g = (word.at - 64) * 2 + (w >> 1), part = w & 1;
            uint32_t scales = 0;
#pragma unroll
            for (int h = 0; h < 2; h++) {
                const int row = s.row_of[word.tile * 16 + g + h * 8], column = column_of(s, word.step * 64 + part * 32);
                if (row < 0 || column < 0) continue;
                const uint8_t *block = s.bytes + row * s.row_bytes + (size_t)(column / 32) * 34;
                scales |= (block[0] | (uint32_t)block[1] << 8) << 16 * h;
            }
            words[w] = scales;
        }
    }
    out[index] = make_uint4(words[0], words[1], words[2], words[3]);
}
KERNEL(repack_q8)

extern "C" __global__ void repack_q4(const Source s, uint4 *out) {
    size_t index;
    Word word;
    if (!word_here(s, 40, index, word)) return;
    uint32_t words[4] = {0, 0, 0, 0};
    if (word.at < 32) {
        const int lane = word.at;
#pragma unroll
        for (int k16 = 0; k16 < 4; k16++)
#pragma unroll
            for (int i = 0; i < 8; i++) {
                const int pair = i & 3, row = s.row_of[output_of(word, lane, pair)];
                const int column = column_of(s, input_of(word, lane, k16, pair) + (i >> 2));
                if (row < 0 || column < 0) continue;
                words[k16] |= (uint32_t)nibble_q4_k(s.bytes + row * s.row_bytes + (size_t)(column / 256) * 144, column % 256) << 4 * i;
            }
    } else {
        const int g = word.at - 32;
#pragma unroll
        for (int w = 0; w < 4; w++) {
            const int row = s.row_of[word.tile * 16 + g + (w >> 1) * 8], column = column_of(s, word.step * 64 + (w & 1) * 32);
            if (row < 0 || column < 0) continue;
            const float2 scales = scales_q4_k(s.bytes + row * s.row_bytes + (size_t)(column / 256) * 144, column % 256 / 32);
            words[w] = pack_within_half(scales.x, scales.y);
        }
    }
    out[index] = make_uint4(words[0], words[1], words[2], words[3]);
}
KERNEL(repack_q4)

// Rows as they are, [outputs][inputs]; a thread two numbers.
extern "C" __global__ void rows_half(const Source s, uint32_t *out) {
    const size_t index = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    const int pairs = s.inputs / 2;
    if (index >= (size_t)s.outputs * pairs) return;
    const int output = index / pairs, input = index % pairs * 2;
    out[index] = pack_within_half(weight(s, output, input), weight(s, output, input + 1));
}
KERNEL(rows_half)
extern "C" __global__ void rows_float(const Source s, float2 *out) {
    const size_t index = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    const int pairs = s.inputs / 2;
    if (index >= (size_t)s.outputs * pairs) return;
    const int output = index / pairs, input = index % pairs * 2;
    out[index] = make_float2(weight(s, output, input), weight(s, output, input + 1));
}
KERNEL(rows_float)

// Random words; in every `words` of them those from `scales` on are `scale` throughout.
extern "C" __global__ void invent(uint4 *out, unsigned long long count, int words, int scales, uint32_t scale, uint32_t seed) {
    for (unsigned long long i = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += (unsigned long long)gridDim.x * blockDim.x) {
        if ((int)(i % words) >= scales) {
            out[i] = make_uint4(scale, scale, scale, scale);
            continue;
        }
        uint32_t w[4];
#pragma unroll
        for (int j = 0; j < 4; j++) {
            uint64_t z = (i * 4 + j + ((uint64_t)seed << 40)) * 0x9e3779b97f4a7c15ull;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull, z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
            w[j] = (uint32_t)(z >> 32);
        }
        out[i] = make_uint4(w[0], w[1], w[2], w[3]);
    }
}
KERNEL(invent)

// Reads all of a memory and does nothing with it: how fast the card reads.
extern "C" __global__ void read_all(const uint4 *from, unsigned long long count, uint32_t *out) {
    uint32_t all = 0;
    for (unsigned long long i = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += (unsigned long long)gridDim.x * blockDim.x) {
        const uint4 v = stream(from + i);
        all ^= v.x ^ v.y ^ v.z ^ v.w;
    }
    // What is never written need not be read: this may be.
    if (all == 0x12345678u) *out = all;
}
KERNEL(read_all)
