// Runs CUDA kernels on a CPU, so that their arithmetic is proven where there is no GPU.
//
// The sources under shaders/cuda keep to the names that common.cuh and this file both define, and
// compile as C++17 with this file in front (c++ -DEMULATE -include emulate.h). A thread of a block
// is a fiber; lanes of a warp run until they meet (shuffle, mma), warps until __syncthreads.
// Blocks run side by side on the CPU's threads.
//
// It proves indices, layouts, sums up to rounding, copies that nobody waited for, lanes and warps
// that wait for others in vain. It proves missing barriers only in part (fibers change at meeting
// points alone) and says nothing about speed. Shared memory starts as NaN.
#pragma once
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif
#if defined(__F16C__)
#include <immintrin.h>
#endif

#define DEV inline
#define __global__
#define __device__
#define __forceinline__ inline
#define __shared__ static thread_local
#define __launch_bounds__(...)
#define __restrict__
#define __grid_constant__
#define DYNAMIC_SHARED(type, name) type *name = (type *)emulate::me->dynamic_shared
#define KERNEL_(name) static const emulate::Known known_##name(#name, &name);
#define KERNEL(name) KERNEL_(name)

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct alignas(8) uint2 { uint32_t x, y; };
struct alignas(16) uint4 { uint32_t x, y, z, w; };
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
inline uint2 make_uint2(uint32_t x, uint32_t y) { return {x, y}; }
inline uint4 make_uint4(uint32_t x, uint32_t y, uint32_t z, uint32_t w) { return {x, y, z, w}; }
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

namespace emulate {

[[noreturn]] inline void fail(const char *why) {
    fprintf(stderr, "emulated kernel: %s\n", why);
    abort();
}

// ---------------------------------------------------------------- fibers

constexpr size_t STACK = 128 << 10;
enum State { READY, AT_WARP, AT_BLOCK, DONE };

struct Copy { void *to; const void *from; unsigned bytes; };  // 16 bytes are written, the rest zeros

struct Fiber {
#if defined(__x86_64__)
    void *sp = nullptr;
#else
    ucontext_t context;
#endif
    char *stack = nullptr;
    State state = READY;
    unsigned index = 0, round = 0;
    dim3 at;
    std::vector<std::vector<Copy>> groups;  // closed groups of copies, oldest first
    std::vector<Copy> open;
};

struct Warp {
    unsigned first = 0, count = 0, alive = 0, arrived = 0, round = 0;
    void (*work)(Warp &) = nullptr;
    uint64_t in[32][3], out[32][2];
    int with[32];
};

struct Worker {
    std::vector<Fiber> fibers;
    std::vector<Warp> warps;
    unsigned alive = 0, arrived = 0, round = 0;
    Fiber *now = nullptr;
    Fiber scheduler;
    dim3 block_at;
    std::vector<float> storage;
    void *dynamic_shared = nullptr;
};

inline thread_local Worker *me = nullptr;
struct Grid { dim3 blocks, threads; };
inline Grid grid;
inline const std::function<void()> *body = nullptr;

#if defined(__x86_64__)
// Saves the registers a call must preserve, changes stacks, takes them back.
extern "C" void lumina_change_stack(void **save, void *load);
asm(R"(
.text
.type lumina_change_stack,@function
lumina_change_stack:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");
inline void change(Fiber &from, Fiber &to) { lumina_change_stack(&from.sp, to.sp); }
#else
inline void change(Fiber &from, Fiber &to) { swapcontext(&from.context, &to.context); }
#endif

inline void go_to(Fiber &to) {
    Fiber &from = *me->now;
    if (&to == &from) return;
    me->now = &to;
    change(from, to);
}

inline bool is_ready(const Worker &w, const Fiber &f) {
    switch (f.state) {
    case READY: return true;
    case AT_WARP: return w.warps[f.index / 32].round != f.round;
    case AT_BLOCK: return w.round != f.round;
    default: return false;
    }
}

// Gives way to another lane of the warp, or where none can go on to another warp.
inline void give_way() {
    Worker &w = *me;
    Fiber &self = *w.now;
    const Warp &warp = w.warps[self.index / 32];
    for (unsigned i = 1; i <= warp.count; i++) {
        Fiber &other = w.fibers[warp.first + (self.index - warp.first + i) % warp.count];
        if (is_ready(w, other)) return go_to(other);
    }
    go_to(w.scheduler);
}

inline void release(Warp &warp) {
    warp.work(warp);
    warp.arrived = 0, warp.round++;
}

// All living lanes of a warp meet; the last to come does the work for all.
inline void meet(Warp &warp, void (*work)(Warp &)) {
    Fiber &self = *me->now;
    if (warp.arrived > 0 && warp.work != work) fail("lanes of a warp meet at different places");
    warp.work = work;
    if (++warp.arrived == warp.alive) return release(warp);
    self.state = AT_WARP, self.round = warp.round;
    while (warp.round == self.round) give_way();
    self.state = READY;
}

inline void meet_block() {
    Worker &w = *me;
    Fiber &self = *w.now;
    if (++w.arrived == w.alive) {
        w.arrived = 0, w.round++;
        return;
    }
    self.state = AT_BLOCK, self.round = w.round;
    while (w.round == self.round) give_way();
    self.state = READY;
}

inline void run_fiber() {
    (*body)();
    Worker &w = *me;
    Fiber &self = *w.now;
    if (!self.open.empty() || !self.groups.empty()) fail("a thread ends with copies nobody waited for");
    self.state = DONE;
    Warp &warp = w.warps[self.index / 32];
    warp.alive--, w.alive--;
    if (warp.alive > 0 && warp.arrived == warp.alive) release(warp);
    if (w.alive > 0 && w.arrived == w.alive) w.arrived = 0, w.round++;
    give_way();
    fail("a thread that ended goes on");
}

inline void start_fiber(Fiber &f) {
    if (!f.stack) {
        f.stack = (char *)mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (f.stack == MAP_FAILED) fail("no memory for a stack");
    }
    f.state = READY;
#if defined(__x86_64__)
    void **top = (void **)(f.stack + STACK) - 2;
    *top = (void *)run_fiber;  // at entry the stack is 8 off a multiple of 16, as after a call
    f.sp = top - 6;
#else
    getcontext(&f.context);
    f.context.uc_stack.ss_sp = f.stack, f.context.uc_stack.ss_size = STACK, f.context.uc_link = nullptr;
    makecontext(&f.context, run_fiber, 0);
#endif
}

inline void run_block(Worker &w, dim3 at, size_t shared_bytes) {
    const dim3 size = grid.threads;
    const unsigned count = size.x * size.y * size.z;
    if (w.fibers.size() < count) w.fibers.resize(count);
    w.block_at = at, w.alive = count, w.arrived = 0, w.round = 0;
    w.warps.resize((count + 31) / 32);
    w.storage.assign(shared_bytes / 4 + 8, NAN);
    w.dynamic_shared = (void *)(((uintptr_t)w.storage.data() + 15) & ~(uintptr_t)15);
    for (unsigned i = 0; i < w.warps.size(); i++) {
        Warp &warp = w.warps[i];
        warp.first = i * 32, warp.count = count - i * 32 < 32 ? count - i * 32 : 32;
        warp.alive = warp.count, warp.arrived = warp.round = 0;
    }
    for (unsigned i = 0; i < count; i++) {
        Fiber &f = w.fibers[i];
        f.index = i, f.at = dim3(i % size.x, i / size.x % size.y, i / (size.x * size.y));
        start_fiber(f);
    }
    while (w.alive > 0) {
        bool moved = false;
        for (unsigned i = 0; i < w.warps.size(); i++) {
            const Warp &warp = w.warps[i];
            for (unsigned l = 0; l < warp.count; l++) {
                Fiber &f = w.fibers[warp.first + l];
                if (!is_ready(w, f)) continue;
                moved = true;
                w.now = &w.scheduler;
                go_to(f);
                break;
            }
        }
        if (!moved) fail("threads wait for others that never come");
    }
}

// Runs every block of a grid.
inline void launch(dim3 blocks, dim3 threads, size_t shared_bytes, const std::function<void()> &kernel) {
    body = &kernel, grid = Grid{blocks, threads};
    const uint64_t count = (uint64_t)blocks.x * blocks.y * blocks.z;
    std::atomic<uint64_t> next{0};
    auto work = [&] {
        static thread_local Worker own;
        me = &own;
        for (uint64_t i; (i = next++) < count;)
            run_block(own, dim3(i % blocks.x, i / blocks.x % blocks.y, i / ((uint64_t)blocks.x * blocks.y)), shared_bytes);
        me = nullptr;
    };
    static const unsigned cores = std::thread::hardware_concurrency();
    if (count == 1 || cores < 2) return work();
    // Threads are kept: their fibers' stacks are used again.
    struct Pool {
        std::atomic<uint64_t> wanted{0}, done{0};
        std::function<void()> job;
        std::vector<std::thread> threads;
        std::atomic<bool> ends{false};
        explicit Pool(unsigned count) {
            for (unsigned i = 0; i < count; i++)
                threads.emplace_back([this] {
                    for (uint64_t seen = 0;;) {
                        for (int spin = 0; wanted == seen; spin++) {
                            if (ends) return;
                            if (spin > 2000) std::this_thread::sleep_for(std::chrono::microseconds(50));
                        }
                        seen = wanted;
                        job();
                        done++;
                    }
                });
        }
        ~Pool() {
            ends = true;
            for (auto &thread : threads) thread.join();
        }
    };
    static Pool pool(cores - 1);
    pool.job = work, pool.done = 0, pool.wanted++;
    work();
    while (pool.done < pool.threads.size()) std::this_thread::yield();
}

// ---------------------------------------------------------------- kernels by name

struct Kernel {
    std::vector<size_t> sizes;  // of its arguments, in bytes
    std::function<void(dim3, dim3, size_t, void **)> run;
};
inline std::map<std::string, Kernel> &kernels() {
    static std::map<std::string, Kernel> all;
    return all;
}
struct Known {
    template <class... A> Known(const char *name, void (*kernel)(A...)) { add(name, kernel, std::index_sequence_for<A...>()); }
    template <class... A, size_t... I> void add(const char *name, void (*kernel)(A...), std::index_sequence<I...>) {
        kernels()[name] = Kernel{{sizeof(A)...}, [kernel](dim3 blocks, dim3 threads, size_t shared, void **arguments) {
            std::tuple<std::remove_cv_t<A>...> held{*(std::remove_cv_t<A> *)arguments[I]...};
            launch(blocks, threads, shared, [&] { kernel(std::get<I>(held)...); });
        }};
    }
};

// ---------------------------------------------------------------- numbers of 16 bits

inline float bf16_float(uint32_t bits) { bits <<= 16; float f; memcpy(&f, &bits, 4); return f; }
inline uint32_t float_bf16(float f) {  // to nearest, ties to even
    uint32_t bits; memcpy(&bits, &f, 4);
    return std::isnan(f) ? 0x7fff : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}
#if defined(__F16C__)
inline float half_float(uint32_t half) { return _cvtsh_ss((unsigned short)half); }
inline uint32_t float_half(float f) { return _cvtss_sh(f, _MM_FROUND_TO_NEAREST_INT); }
#else
struct Halves {
    std::vector<float> of;
    Halves() : of(65536) {
        for (uint32_t h = 0; h < 65536; h++) {
            const int e = h >> 10 & 31, m = h & 1023;
            const float v = e == 0 ? std::ldexp((float)m, -24) : e == 31 ? (m ? NAN : INFINITY) : std::ldexp((float)(m + 1024), e - 25);
            of[h] = h & 0x8000 ? -v : v;
        }
    }
};
inline const Halves halves;
inline float half_float(uint32_t half) { return halves.of[half & 0xffff]; }
inline uint32_t float_half(float f) {
    uint32_t bits; memcpy(&bits, &f, 4);
    const uint32_t sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
    if (size > 0x7f800000) return 0x7fff;
    if (size >= 0x477ff000) return sign | 0x7c00;  // from 65520 on
    if (size < 0x38800000) {                       // below 2^-14: whole multiples of 2^-24
        float v; memcpy(&v, &size, 4);
        return sign | (uint32_t)std::nearbyint(v * 16777216.f);
    }
    const uint32_t rounded = size + 0xfff + (size >> 13 & 1);
    return sign | ((rounded - 0x38000000) >> 13);
}
#endif

inline Warp &warp() { return me->warps[me->now->index / 32]; }
inline int lane() { return me->now->index % 32; }

// Every lane hands over a value and gets that of lane `from`.
template <class T> T exchange(T value, int from) {
    static_assert(sizeof(T) <= 8, "shuffles move up to 8 bytes");
    Warp &w = warp();
    const int l = lane();
    w.in[l][0] = 0, memcpy(&w.in[l][0], &value, sizeof(T)), w.with[l] = from;
    meet(w, [](Warp &w) {
        for (unsigned i = 0; i < w.count; i++) {
            if (me->fibers[w.first + i].state == DONE) continue;
            if (w.with[i] < 0 || w.with[i] > 31) continue;
            w.out[i][0] = w.in[w.with[i]][0];
        }
    });
    T other;
    memcpy(&other, &w.out[l][0], sizeof(T));
    return other;
}

// mma.m16n8k16 with f32 sums
template <float (*widen)(uint32_t)> void multiply(Warp &w) {
    if (w.alive != 32) fail("mma needs a whole warp");
    float a[16][16], b[16][8];
    for (int l = 0; l < 32; l++) {
        const int g = l / 4, t = l % 4;
        uint32_t r[6];
        memcpy(r, w.in[l], 24);
        for (int h = 0; h < 2; h++) {
            a[g][2 * t + h] = widen(r[0] >> 16 * h & 0xffff), a[g + 8][2 * t + h] = widen(r[1] >> 16 * h & 0xffff);
            a[g][2 * t + 8 + h] = widen(r[2] >> 16 * h & 0xffff), a[g + 8][2 * t + 8 + h] = widen(r[3] >> 16 * h & 0xffff);
            b[2 * t + h][g] = widen(r[4] >> 16 * h & 0xffff), b[2 * t + 8 + h][g] = widen(r[5] >> 16 * h & 0xffff);
        }
    }
    for (int row = 0; row < 16; row++) {
        float sums[8] = {0, 0, 0, 0, 0, 0, 0, 0};
        for (int k = 0; k < 16; k++)
            for (int column = 0; column < 8; column++) sums[column] += a[row][k] * b[k][column];
        for (int column = 0; column < 8; column += 2)
            memcpy(&w.out[row % 8 * 4 + column / 2][row / 8], &sums[column], 8);
    }
}
template <float (*widen)(uint32_t)> void mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    Warp &w = warp();
    const int l = lane();
    memcpy(w.in[l], a, 16), memcpy(&w.in[l][2], &b0, 4), memcpy((char *)&w.in[l][2] + 4, &b1, 4);
    meet(w, &multiply<widen>);
    float sums[4];
    memcpy(sums, w.out[l], 16);
    for (int i = 0; i < 4; i++) c[i] += sums[i];
}

inline float atomically(float *to, float value) {
    static_assert(sizeof(std::atomic<float>) == 4, "");
    auto *at = (std::atomic<uint32_t> *)to;
    for (uint32_t old = *at;;) {
        float f; memcpy(&f, &old, 4);
        const float sum = f + value;
        uint32_t bits; memcpy(&bits, &sum, 4);
        if (at->compare_exchange_weak(old, bits)) return f;
    }
}
}  // namespace emulate

// ---------------------------------------------------------------- the names kernels use

#define threadIdx emulate::me->now->at
#define blockIdx emulate::me->block_at
#define blockDim emulate::grid.threads
#define gridDim emulate::grid.blocks

inline void __syncthreads() { emulate::meet_block(); }
inline void __syncwarp() { emulate::meet(emulate::warp(), [](emulate::Warp &) {}); }
template <class T> T __shfl_xor_sync(unsigned, T value, int mask) { return emulate::exchange(value, emulate::lane() ^ mask); }
template <class T> T __shfl_sync(unsigned, T value, int from) { return emulate::exchange(value, from & 31); }
template <class T> T __ldg(const T *p) { return *p; }
inline int atomicAdd(int *to, int value) { return __atomic_fetch_add(to, value, __ATOMIC_RELAXED); }
inline unsigned atomicAdd(unsigned *to, unsigned value) { return __atomic_fetch_add(to, value, __ATOMIC_RELAXED); }
inline float atomicAdd(float *to, float value) { return emulate::atomically(to, value); }

inline uint32_t __byte_perm(uint32_t a, uint32_t b, uint32_t s) {
    const uint64_t both = (uint64_t)b << 32 | a;
    uint32_t out = 0;
    for (int i = 0; i < 4; i++) out |= (uint32_t)(both >> 8 * (s >> 4 * i & 7) & 255) << 8 * i;
    return out;
}
inline float rsqrtf(float x) { return 1.f / std::sqrt(x); }
inline float __expf(float x) { return std::exp(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline float float_of(uint32_t bits) { float f; memcpy(&f, &bits, 4); return f; }
inline uint32_t float_bits(float f) { uint32_t bits; memcpy(&bits, &f, 4); return bits; }
inline float bits_float(uint32_t bits) { float f; memcpy(&f, &bits, 4); return f; }
inline float __uint_as_float(uint32_t bits) { return bits_float(bits); }

inline uint32_t pack_half(float low, float high) { return emulate::float_half(low) | emulate::float_half(high) << 16; }
inline float low_half(uint32_t pair) { return emulate::half_float(pair); }
inline float high_half(uint32_t pair) { return emulate::half_float(pair >> 16); }
inline uint32_t sub_half2(uint32_t a, uint32_t b) { return pack_half(low_half(a) - low_half(b), high_half(a) - high_half(b)); }
inline uint32_t mul_half2(uint32_t a, uint32_t b) { return pack_half(low_half(a) * low_half(b), high_half(a) * high_half(b)); }
inline uint32_t fma_half2(uint32_t a, uint32_t b, uint32_t c) {
    // Products of halves are exact in f32, sums of three of their kind in f64: one rounding.
    auto once = [](double v) {
        const float near = (float)v;
        float f = near;
        // f64 to f32 to f16 rounds twice: lean away from a tie the first rounding made.
        if ((double)near != v) {
            uint32_t bits; memcpy(&bits, &f, 4);
            if ((bits & 0xfff) == 0) {
                const bool more = std::fabs(v) > std::fabs((double)near);
                bits = more ? bits + 1 : bits - 1;
                memcpy(&f, &bits, 4);
            }
        }
        return f;
    };
    return pack_half(once((double)low_half(a) * low_half(b) + low_half(c)), once((double)high_half(a) * high_half(b) + high_half(c)));
}
inline uint32_t pack_bf16(float low, float high) { return emulate::float_bf16(low) | emulate::float_bf16(high) << 16; }

inline void mma_half(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) { emulate::mma<emulate::half_float>(c, a, b0, b1); }
inline void mma_bf16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) { emulate::mma<emulate::bf16_float>(c, a, b0, b1); }
inline void load_matrices(uint32_t (&d)[4], const void *row) {
    emulate::Warp &w = emulate::warp();
    const int l = emulate::lane();
    w.in[l][0] = (uint64_t)row;
    emulate::meet(w, [](emulate::Warp &w) {
        if (w.alive != 32) emulate::fail("ldmatrix needs a whole warp");
        for (int l = 0; l < 32; l++) {
            uint32_t cells[4];
            for (int i = 0; i < 4; i++) {
                const char *row = (const char *)w.in[i * 8 + l / 4][0];
                if ((uintptr_t)row % 16) emulate::fail("a row of ldmatrix is not aligned to 16 bytes");
                memcpy(&cells[i], row + 4 * (l % 4), 4);
            }
            memcpy(w.out[l], cells, 16);
        }
    });
    memcpy(d, w.out[l], 16);
}

inline uint4 stream(const uint4 *p) { return *p; }
inline uint2 stream(const uint2 *p) { return *p; }

// Copies are carried out when they are waited for, no earlier.
inline void copy16_or_zero(uint4 *shared, const uint4 *global, bool is_there) {
    if ((uintptr_t)shared % 16 || (uintptr_t)global % 16) emulate::fail("a copy is not aligned to 16 bytes");
    emulate::me->now->open.push_back({shared, global, is_there ? 16u : 0u});
}
inline void copy16(uint4 *shared, const uint4 *global) { copy16_or_zero(shared, global, true); }
inline void end_copies() {
    auto &fiber = *emulate::me->now;
    fiber.groups.push_back(std::move(fiber.open));
    fiber.open.clear();
}
template <int N> void wait_copies() {
    auto &groups = emulate::me->now->groups;
    while (groups.size() > N) {
        for (const auto &copy : groups.front()) {
            char cells[16] = {};
            memcpy(cells, copy.from, copy.bytes);
            memcpy(copy.to, cells, 16);
        }
        groups.erase(groups.begin());
    }
}
inline void wait_for_previous() {}
inline void let_next_start() {}
using std::exp;
using std::log;
using std::sqrt;
