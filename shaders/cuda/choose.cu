// The choice of codes on the card: guidance, top-k with ties, temperature, top-n-sigma, softmax and the
// Gumbel race, keyed as src/decode/noise.rs does, in the order of src/decode/sampling.rs; and guesses at
// codes not reached yet. One block of 1024 threads a position.
#include "step.cuh"

constexpr int THREADS = 1024;

DEV uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull, z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}
// Uniform in the open interval (0, 1), a function of place and code.
DEV double uniform(uint64_t place, int code) {
    return ((double)(mix(place ^ ((uint64_t)code + 1) * 0x9e3779b97f4a7c15ull) >> 12) + 0.5) / 4503599627370496.0;
}
// Larger floats are larger words.
DEV uint32_t ordered(float f) {
    const uint32_t bits = float_bits(f == 0.f ? 0.f : f);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

// ---- over all threads of a block, the same result in each; `room`: 32 of them
template <class T, class Op> DEV T over_block(T v, Op op, T *room) {
    for (int o = 16; o; o >>= 1) v = op(v, __shfl_xor_sync(~0u, v, o));
    __syncthreads();
    if ((threadIdx.x & 31) == 0) room[threadIdx.x >> 5] = v;
    __syncthreads();
    v = room[threadIdx.x & 31];
    for (int o = 16; o; o >>= 1) v = op(v, __shfl_xor_sync(~0u, v, o));
    return v;
}
struct Add {
    template <class T> DEV T operator()(T a, T b) const { return a + b; }
};
struct Max {
    DEV float operator()(float a, float b) const { return fmaxf(a, b); }
};
// The race: the least time wins, the first of equals.
struct Racer {
    double time;
    int code;
};
DEV Racer first_of(Racer a, Racer b) { return b.time < a.time || (b.time == a.time && b.code < a.code) ? b : a; }
DEV Racer race(Racer own, Racer *room) {
    for (int o = 16; o; o >>= 1) own = first_of(own, Racer{__shfl_xor_sync(~0u, own.time, o), __shfl_xor_sync(~0u, own.code, o)});
    __syncthreads();
    if ((threadIdx.x & 31) == 0) room[threadIdx.x >> 5] = own;
    __syncthreads();
    own = room[threadIdx.x & 31];
    for (int o = 16; o; o >>= 1) own = first_of(own, Racer{__shfl_xor_sync(~0u, own.time, o), __shfl_xor_sync(~0u, own.code, o)});
    return own;
}
DEV double time_of(uint64_t place, int code, float p) { return -log(uniform(place, code)) / (double)p; }

// The `rank`-th largest of all keys (from 1 on), by digits of 12, 10 and 10 bits.
constexpr int BINS = 4096;
template <int EACH> DEV uint32_t nth_largest(const float (&x)[EACH], int codes, int rank, int *bins, int *room, uint32_t *found) {
    uint32_t prefix = 0, known = 0;  // bits found, and which
    for (int digit = 0; digit < 3; digit++) {
        const int shift = digit == 0 ? 20 : digit == 1 ? 10 : 0, count = digit == 0 ? BINS : 1024;
        for (int i = threadIdx.x; i < count; i += THREADS) bins[i] = 0;
        __syncthreads();
#pragma unroll
        for (int e = 0; e < EACH; e++) {
            const uint32_t key = ordered(x[e]);
            if (e * THREADS + (int)threadIdx.x < codes && (key & known) == prefix) atomicAdd(&bins[key >> shift & (count - 1)], 1);
        }
        __syncthreads();
        // Thread i has the i-th bins from the top; how many keys lie above them?
        const int each = count / THREADS, top = count - 1 - (int)threadIdx.x * each;
        int own = 0;
        for (int j = 0; j < each; j++) own += bins[top - j];
        int upto = own;
        for (int o = 1; o < 32; o <<= 1) {
            const int other = __shfl_sync(~0u, upto, (threadIdx.x & 31) >= (unsigned)o ? (threadIdx.x & 31) - o : threadIdx.x & 31);
            if ((threadIdx.x & 31) >= (unsigned)o) upto += other;
        }
        if ((threadIdx.x & 31) == 31) room[threadIdx.x >> 5] = upto;
        __syncthreads();
        int above = upto - own;
        for (int w = 0; w < (int)(threadIdx.x >> 5); w++) above += room[w];
        if (above < rank && rank <= above + own) {
            int j = 0;
            for (; above + bins[top - j] < rank; j++) above += bins[top - j];
            found[0] = prefix | (uint32_t)(top - j) << shift, found[1] = rank - above;
        }
        __syncthreads();
        prefix = found[0], rank = found[1], known |= (uint32_t)(count - 1) << shift;
        __syncthreads();
    }
    return prefix;
}

// scores: [row][stride]; kept: distributions [row][codes], of which the wish names rows.
template <int EACH> DEV void choose(const float *__restrict__ scores, int stride, int codes, const Wish *__restrict__ wish, float *__restrict__ kept, Chosen *__restrict__ chosen) {
    __shared__ float room_f[32];
    __shared__ double room_d[32];
    __shared__ Racer room_r[32];
    __shared__ int room_i[32];
    __shared__ int bins[BINS];
    __shared__ uint32_t found[2];
    let_next_start();
    wait_for_previous();
    if ((int)blockIdx.x >= wish->asks) return;
    const Ask ask = wish->ask[blockIdx.x];
    const float *c = scores + (size_t)ask.c * stride, *u = ask.u < 0 ? nullptr : scores + (size_t)ask.u * stride;
    const float cfg = wish->cfg;
    float x[EACH], most_c = -INFINITY, most_u = -INFINITY, most = -INFINITY;
#pragma unroll
    for (int e = 0; e < EACH; e++) {
        const int code = e * THREADS + threadIdx.x;
        x[e] = -INFINITY;
        if (code >= codes) continue;
        const float a = c[code], b = u ? u[code] : a;
        x[e] = u && cfg != 1.f ? b + cfg * (a - b) : a;
        most_c = fmaxf(most_c, a), most_u = fmaxf(most_u, b), most = fmaxf(most, x[e]);
    }
    most_c = over_block(most_c, Max(), room_f), most_u = over_block(most_u, Max(), room_f), most = over_block(most, Max(), room_f);
    double sum_c = 0, sum_u = 0;
#pragma unroll
    for (int e = 0; e < EACH; e++) {
        const int code = e * THREADS + threadIdx.x;
        if (code >= codes) continue;
        sum_c += expf(c[code] - most_c);
        if (u) sum_u += expf(u[code] - most_u);
    }
    sum_c = over_block(sum_c, Add(), room_d), sum_u = over_block(sum_u, Add(), room_d);
    if (wish->top_k > 0 && wish->top_k < codes) {
        const uint32_t least = nth_largest(x, codes, wish->top_k, bins, room_i, found);
#pragma unroll
        for (int e = 0; e < EACH; e++)
            if (ordered(x[e]) < least) x[e] = -INFINITY;
    }
#pragma unroll
    for (int e = 0; e < EACH; e++) x[e] = (x[e] - most) / fmaxf(wish->temperature, 1e-6f);
    if (wish->top_n_sigma > 0.f) {  // population deviation of what is left
        double n = 0, sum = 0, squares = 0;
#pragma unroll
        for (int e = 0; e < EACH; e++)
            if (x[e] > -INFINITY) n += 1, sum += x[e];
        n = over_block(n, Add(), room_d), sum = over_block(sum, Add(), room_d);
        const double mean = sum / n;
#pragma unroll
        for (int e = 0; e < EACH; e++)
            if (x[e] > -INFINITY) squares += (x[e] - mean) * (x[e] - mean);
        squares = over_block(squares, Add(), room_d);
        const float least = -wish->top_n_sigma * (float)sqrt(squares / n);
#pragma unroll
        for (int e = 0; e < EACH; e++)
            if (x[e] < least) x[e] = -INFINITY;
    }
    double total = 0, weighted = 0;
#pragma unroll
    for (int e = 0; e < EACH; e++) {
        const float p = x[e] > -INFINITY ? expf(x[e]) : 0.f;
        total += p;
        if (p > 0.f) weighted += (double)p * x[e];
        x[e] = p;
    }
    total = over_block(total, Add(), room_d), weighted = over_block(weighted, Add(), room_d);
    const float scale = (float)(1.0 / total);
    Racer best = {INFINITY, codes};
#pragma unroll
    for (int e = 0; e < EACH; e++) {
        const int code = e * THREADS + threadIdx.x;
        if (code >= codes) continue;
        const float p = x[e] * scale;
        kept[(size_t)ask.keep * codes + code] = p;
        if (p > 0.f) best = first_of(best, Racer{time_of(ask.place, code, p), code});
    }
    best = race(best, room_r);
    if (threadIdx.x == 0) {
        const int code = best.code < codes ? best.code : 0;  // scores that are no numbers leave nobody in the race
        Choice &out = chosen->of_ask[blockIdx.x];
        out.code = best.code < codes ? code : -1;
        out.log_c = (float)(c[code] - most_c - log(sum_c));
        out.log_u = u ? (float)(u[code] - most_u - log(sum_u)) : out.log_c;
        out.entropy = (float)(log(total) - weighted / total);
    }
}
#define CHOOSE(name, EACH)                                                                                                        \
    extern "C" __global__ void __launch_bounds__(1024)                                                                            \
        name(const float *scores, int stride, int codes, const Wish *wish, float *kept, Chosen *chosen) {                         \
        choose<EACH>(scores, stride, codes, wish, kept, chosen);                                                                  \
    }                                                                                                                             \
    KERNEL(name)
CHOOSE(choose_1, 1)
CHOOSE(choose_4, 4)
CHOOSE(choose_16, 16)

// A guess: the race between the codes of two neighbours' distributions, as the code it stands for will
// be chosen from its own.
extern "C" __global__ void __launch_bounds__(1024) guess(const float *__restrict__ kept, int codes, const Wish *__restrict__ wish, Chosen *__restrict__ chosen) {
    __shared__ Racer room[32];
    let_next_start();
    wait_for_previous();
    if ((int)blockIdx.x >= wish->guesses) return;
    const Guess guess = wish->guess[blockIdx.x];
    const float *left = kept + (size_t)guess.left * codes, *above = guess.above < 0 ? nullptr : kept + (size_t)guess.above * codes;
    Racer best = {INFINITY, codes};
    for (int code = threadIdx.x; code < codes; code += THREADS) {
        const float p = left[code] + (above ? above[code] : 0.f);
        if (p > 0.f) best = first_of(best, Racer{time_of(guess.place, code, p), code});
    }
    best = race(best, room);
    if (threadIdx.x == 0) chosen->of_guess[blockIdx.x] = best.code < codes ? best.code : 0;
}
KERNEL(guess)
