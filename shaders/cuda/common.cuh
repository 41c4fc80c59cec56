// What all kernels here share: pairs of halves, tensor core products, copies ahead of time.
//
// The kernels need compute capability 8.0 and no library. They are compiled twice: to PTX for a GPU
// (shaders/cuda/ptx.py), and as C++ for the emulator of the tests (tests/cuda/emulate.h, which
// defines EMULATE and gives its own meaning to everything in the first part of this file).
//
// Fragment order, the order in which lanes hold operands of mma.m16n8k16 (PTX ISA, "Matrix Fragments
// for mma.m16n8k16 with floating point type"): lane = 4 g + t holds of the 16 x 16 operand A the
// pairs (row g, k 2t), (row g+8, k 2t), (row g, k 2t+8), (row g+8, k 2t+8), of the 16 x 8 operand B
// the pairs (k 2t, column g), (k 2t+8, column g), of the result (row g, columns 2t and 2t+1) and
// (row g+8, the same columns).
#pragma once

#ifndef EMULATE
#ifdef __CUDACC_RTC__
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
typedef signed char int8_t;
#define INFINITY __int_as_float(0x7f800000)
#else
#include <stdint.h>
#endif
#define DEV __device__ __forceinline__
#define DYNAMIC_SHARED(type, name) extern __shared__ __align__(16) type name[]
// Makes a kernel known to the emulator by its name.
#define KERNEL(name)

DEV uint32_t float_bits(float f) { return __float_as_uint(f); }
DEV float bits_float(uint32_t bits) { return __uint_as_float(bits); }

// ---- pairs of f16 in a word, low half first
DEV uint32_t pack_half(float low, float high) {
    uint32_t d;
    asm("cvt.rn.f16x2.f32 %0,%1,%2;" : "=r"(d) : "f"(high), "f"(low));
    return d;
}
DEV float low_half(uint32_t pair) {
    float f;
    asm("{.reg .b16 l,h; mov.b32 {l,h},%1; cvt.f32.f16 %0,l;}" : "=f"(f) : "r"(pair));
    return f;
}
DEV float high_half(uint32_t pair) {
    float f;
    asm("{.reg .b16 l,h; mov.b32 {l,h},%1; cvt.f32.f16 %0,h;}" : "=f"(f) : "r"(pair));
    return f;
}
DEV uint32_t sub_half2(uint32_t a, uint32_t b) {
    uint32_t d;
    asm("sub.rn.f16x2 %0,%1,%2;" : "=r"(d) : "r"(a), "r"(b));
    return d;
}
DEV uint32_t mul_half2(uint32_t a, uint32_t b) {
    uint32_t d;
    asm("mul.rn.f16x2 %0,%1,%2;" : "=r"(d) : "r"(a), "r"(b));
    return d;
}
DEV uint32_t fma_half2(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t d;
    asm("fma.rn.f16x2 %0,%1,%2,%3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
    return d;
}
// ---- pairs of bf16
DEV uint32_t pack_bf16(float low, float high) {
    uint32_t d;
    asm("cvt.rn.bf16x2.f32 %0,%1,%2;" : "=r"(d) : "f"(high), "f"(low));
    return d;
}

// c[16][8] += a[16][16] b[16][8], operands f16 or bf16, sums f32
DEV void mma_half(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
DEV void mma_bf16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
// Four 8x8 matrices of 16-bit cells from shared memory, one row of 16 bytes a lane: lane l names row
// l % 8 of matrix l / 8 and receives of each matrix i in d[i] the pair (row l / 4, cells 2 (l % 4)).
DEV void load_matrices(uint32_t (&d)[4], const void *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3},[%4];"
                 : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
                 : "r"((uint32_t)__cvta_generic_to_shared(row)));
}

// What is read once a step should not push anything out of the caches.
DEV uint4 stream(const uint4 *p) {
    uint4 v;
    asm volatile("ld.global.nc.L1::no_allocate.L2::128B.v4.u32 {%0,%1,%2,%3},[%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(p));
    return v;
}
DEV uint2 stream(const uint2 *p) {
    uint2 v;
    asm volatile("ld.global.nc.L1::no_allocate.L2::128B.v2.u32 {%0,%1},[%2];" : "=r"(v.x), "=r"(v.y) : "l"(p));
    return v;
}

// ---- 16 bytes from global to shared memory, without waiting
DEV void copy16(uint4 *shared, const uint4 *global) {
    asm volatile("cp.async.cg.shared.global.L2::128B [%0],[%1],16;" ::"r"((uint32_t)__cvta_generic_to_shared(shared)), "l"(global));
}
// The same, or zeros where there is nothing to copy; `global` is readable either way.
DEV void copy16_or_zero(uint4 *shared, const uint4 *global, bool is_there) {
    asm volatile("cp.async.cg.shared.global.L2::128B [%0],[%1],16,%2;" ::"r"((uint32_t)__cvta_generic_to_shared(shared)), "l"(global),
                 "r"(is_there ? 16 : 0));
}
// Ends a group of copies; waiting for all but the last N groups, one also needs a barrier to see
// what other threads copied.
DEV void end_copies() { asm volatile("cp.async.commit_group;"); }
template <int N> DEV void wait_copies() { asm volatile("cp.async.wait_group %0;" ::"n"(N)); }

// ---- a kernel may begin before the one it depends on has ended (programmatic dependent launch)
#if __CUDA_ARCH__ >= 900
DEV void wait_for_previous() { asm volatile("griddepcontrol.wait;" ::: "memory"); }
DEV void let_next_start() { asm volatile("griddepcontrol.launch_dependents;"); }
#else
DEV void wait_for_previous() {}
DEV void let_next_start() {}
#endif
#endif  // EMULATE

// ---------------------------------------------------------------- built on those

// f16 has no room beyond 65504: there it saturates.
DEV float within_half(float v) { return fminf(fmaxf(v, -65504.f), 65504.f); }
DEV uint32_t pack_within_half(float low, float high) { return pack_half(within_half(low), within_half(high)); }
// Two unsigned bytes of a word as halves: 1024 + byte is the byte behind 0x64.
DEV uint32_t bytes_half(uint32_t word, uint32_t which, uint32_t less) {
    return sub_half2(__byte_perm(word, 0x64646464u, which), less);
}
constexpr uint32_t FIRST_TWO = 0x4140, LAST_TWO = 0x4342;
constexpr uint32_t LESS_1152 = 0x64806480;  // bytes store a value + 128
constexpr uint32_t LESS_1024 = 0x64006400;

// Index of (row, k) of activations in fragment order [k/32][row tile][lane][8 halves]: what a lane
// needs of operand B for two steps of 16 k stands together. `tiles`: row tiles of 8.
DEV size_t fragment(int row, int k, int tiles) {
    const int r = k & 15, lane = (row & 7) * 4 + ((r & 7) >> 1);
    return ((((size_t)(k >> 5) * tiles + (row >> 3)) * 32 + lane) << 3) + (((k >> 4) & 1) * 2 + (r >> 3)) * 2 + (k & 1);
}

// Writes the numbers at (row, k) and (row, k + 1), k even, as halves. Where activations are exact, they
// have three planes of `width` one behind the other: the halves, the halves again, and what the halves
// leave off; weights then lie as halves, rest, halves, so that one product is all three that count.
DEV void put_pair(uint16_t *out, int row, int k, int tiles, int planes, int width, float a, float b) {
    const uint32_t pair = pack_within_half(a, b);
    *(uint32_t *)(out + fragment(row, k, tiles)) = pair;
    if (planes == 1) return;
    *(uint32_t *)(out + fragment(row, k + width, tiles)) = pair;
    *(uint32_t *)(out + fragment(row, k + 2 * width, tiles)) = pack_half(a - low_half(pair), b - high_half(pair));
}
DEV void put_one(uint16_t *out, int row, int k, int tiles, int planes, int width, float a) {
    const uint32_t half = pack_within_half(a, 0.f);
    out[fragment(row, k, tiles)] = (uint16_t)half;
    if (planes == 1) return;
    out[fragment(row, k + width, tiles)] = (uint16_t)half;
    out[fragment(row, k + 2 * width, tiles)] = (uint16_t)pack_half(a - low_half(half), 0.f);
}

DEV float warp_sum(float v) {
    for (int o = 16; o; o >>= 1) v += __shfl_xor_sync(~0u, v, o);
    return v;
}
DEV float warp_max(float v) {
    for (int o = 16; o; o >>= 1) v = fmaxf(v, __shfl_xor_sync(~0u, v, o));
    return v;
}
// The sum over a block of whole warps, the same in every thread. `part`: 32 floats.
DEV float block_sum(float v, float *part) {
    const int warps = (blockDim.x + 31) / 32, lane = threadIdx.x & 31;
    v = warp_sum(v);
    __syncthreads();
    if (lane == 0) part[threadIdx.x >> 5] = v;
    __syncthreads();
    return warp_sum(lane < warps ? part[lane] : 0.f);
}
