// Times the kernels of MoVQ on a GPU, at the shapes of a 768x768 decode of the 270M, and checks some
// of their results against plain sums in f64:
//
//   nvcc -O3 -std=c++17 -arch=sm_90 tests/cuda/movq_bench.cu -o BENCH && ./BENCH
//
// A convolution's TFLOP/s count the three products of split numbers. The last line adds up what a decode
// takes if every convolution uses its fastest tile. Needs 6 GB on the card; exit code 1: a result is wrong.
#include "../../shaders/cuda/movq.cu"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

void check(cudaError_t result, int line) {
    if (result == cudaSuccess) return;
    fprintf(stderr, "line %d: %s\n", line, cudaGetErrorString(result));
    exit(2);
}
#define CHECK(call) check((call), __LINE__)

template <class T> struct Buffer {
    T *at = nullptr;
    explicit Buffer(size_t count) { CHECK(cudaMalloc(&at, count * sizeof(T))); }
    Buffer(const Buffer &) = delete;
    ~Buffer() { cudaFree(at); }
};
unsigned up(size_t a, size_t b) { return (unsigned)((a + b - 1) / b); }

// Sums of four even numbers, much like a bell of deviation `size`.
__global__ void fill(float *x, size_t count, float size, uint32_t seed) {
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += (size_t)gridDim.x * blockDim.x) {
        uint64_t z = (i + ((uint64_t)seed << 40)) * 0x9e3779b97f4a7c15ull;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull, z = (z ^ (z >> 27)) * 0x94d049bb133111ebull, z ^= z >> 31;
        x[i] = size * ((float)((z & 0xffff) + (z >> 16 & 0xffff) + (z >> 32 & 0xffff) + (z >> 48)) / 65536.f - 2.f) * 1.7320508f;
    }
}
void random_numbers(const Buffer<float> &to, size_t count, float size, uint32_t seed) {
    fill<<<1024, 256>>>(to.at, count, size, seed);
    CHECK(cudaGetLastError());
}

// Milliseconds of the fastest of some runs.
template <class Work> float timed(Work work) {
    cudaEvent_t from, to;
    CHECK(cudaEventCreate(&from)), CHECK(cudaEventCreate(&to));
    float best = 1e30f, all = 0.f;
    for (int i = 0; i < 20 && (i < 3 || all < 150.f); i++) {
        CHECK(cudaEventRecord(from));
        work();
        CHECK(cudaGetLastError());
        CHECK(cudaEventRecord(to)), CHECK(cudaEventSynchronize(to));
        float ms;
        CHECK(cudaEventElapsedTime(&ms, from, to));
        all += ms;
        if (i) best = std::min(best, ms);
    }
    CHECK(cudaEventDestroy(from)), CHECK(cudaEventDestroy(to));
    return best;
}

struct Tile { const char *name; void (*conv)(const Conv); void (*point)(const Conv); unsigned pixels, outs, threads, shared; };
const Tile TILES[] = {{"small", conv_small, point_small, 64, 64, 128, 40960},
                      {"large", conv_large, point_large, 128, 128, 128, 49152}};

void convolve_on(const Tile &tile, const Conv &job, bool is_point) {
    const unsigned blocks = up((size_t)job.rows * job.columns, tile.pixels) * up(job.outs, tile.outs);
    (is_point ? tile.point : tile.conv)<<<blocks, tile.threads, tile.shared>>>(job);
}

int wrong = 0;

// ---------------------------------------------------------------- convolutions
struct Shape { const char *name; int walk, taps, height, width, ins, outs, strip, count; };  // of the input; strip: rows at a time; count: in a decode

struct Sample { double value, size; };
__global__ void plain_sums(const float *x, const float *weights, const float *bias, Shape s, int rows, int columns, Sample *samples) {
    const uint64_t which = ((uint64_t)blockIdx.x * blockDim.x + threadIdx.x) * 0x9e3779b97f4a7c15ull >> 20;
    // Corners first, then anywhere.
    const int i = blockIdx.x * blockDim.x + threadIdx.x, y = i < 4 ? i / 2 * (rows - 1) : which % rows, c = i < 4 ? i % 2 * (columns - 1) : which / rows % columns, o = which / 7 % s.outs;
    double sum = bias[o], size = fabs((double)bias[o]);
    for (int tap = 0; tap < s.taps; tap++) {
        int sy = s.taps == 1 ? y : s.walk == HALF ? 2 * y + tap / 3 : y + tap / 3 - 1, sx = s.taps == 1 ? c : s.walk == HALF ? 2 * c + tap % 3 : c + tap % 3 - 1;
        if (sy < 0 || sx < 0) continue;
        if (s.walk == DOUBLE) sy /= 2, sx /= 2;
        if (sy >= s.height || sx >= s.width) continue;
        for (int input = 0; input < s.ins; input++) {
            const double term = (double)x[((size_t)sy * s.width + sx) * s.ins + input] * weights[((size_t)o * s.ins + input) * s.taps + tap];
            sum += term, size += fabs(term);
        }
    }
    samples[i] = Sample{sum, size};
}
constexpr int SAMPLES = 256;

float convolution(const Shape &s) {
    const int rows = s.walk == DOUBLE ? 2 * s.height : s.walk == HALF ? s.height / 2 : s.height, columns = s.walk == DOUBLE ? 2 * s.width : s.walk == HALF ? s.width / 2 : s.width;
    const int blocks = up(s.ins, 16);
    const size_t pixels = (size_t)s.height * s.width, outputs = (size_t)rows * columns * s.outs, stored_count = (size_t)s.outs * s.ins * s.taps;
    Buffer<float> x(pixels * s.ins), stored(stored_count), bias(s.outs), out(outputs);
    Buffer<uint4> input(pixels * blocks * 4), weights((size_t)s.taps * blocks * s.outs * 4);
    Buffer<Sample> on_card(SAMPLES);
    random_numbers(x, pixels * s.ins, 1.f, 1), random_numbers(stored, stored_count, 0.02f, 2), random_numbers(bias, s.outs, 1.f, 3);
    split_weights<<<up((size_t)s.outs * s.taps * blocks * 2, 256), 256>>>(Weights{stored.at, weights.at, STORED_F32, s.outs, s.ins, s.taps, blocks});
    Rows split{};
    split.x = x.at, split.out = input.at, split.channels = s.ins, split.blocks = blocks, split.width = s.width;
    split_rows<<<dim3(up((size_t)s.width * blocks * 2, 256), s.height), 256>>>(split);
    plain_sums<<<SAMPLES / 64, 64>>>(x.at, stored.at, bias.at, s, rows, columns, on_card.at);
    std::vector<Sample> samples(SAMPLES);
    CHECK(cudaMemcpy(samples.data(), on_card.at, SAMPLES * sizeof(Sample), cudaMemcpyDeviceToHost));
    const double operations = 3 * 2. * rows * columns * s.outs * s.ins * s.taps;
    float fastest = 1e30f;
    for (const Tile &tile : TILES) {
        if (&tile != TILES && s.outs <= 64) continue;
        CHECK(cudaMemset(out.at, 0xff, outputs * 4));
        const float ms = timed([&] {
            for (int first = 0; first < rows; first += s.strip) {
                const int count = std::min(s.strip, rows - first);
                Conv job{};
                job.input = input.at, job.weights = weights.at, job.bias = bias.at, job.out = out.at + (size_t)first * columns * s.outs;
                if (s.taps == 1) job.input += (size_t)first * columns * blocks * 4;
                job.walk = s.walk, job.blocks = blocks, job.outs = job.out_stride = s.outs, job.weight_row = 4, job.weight_block = s.outs * 4;
                job.width = s.width, job.input_rows = s.height, job.columns = columns, job.first = first, job.rows = count;
                convolve_on(tile, job, s.taps == 1);
            }
        });
        double worst = 0;
        for (int i = 0; i < SAMPLES; i++) {
            const uint64_t which = (uint64_t)i * 0x9e3779b97f4a7c15ull >> 20;
            const int y = i < 4 ? i / 2 * (rows - 1) : which % rows, c = i < 4 ? i % 2 * (columns - 1) : which / rows % columns, o = which / 7 % s.outs;
            float got;
            CHECK(cudaMemcpy(&got, out.at + ((size_t)y * columns + c) * s.outs + o, 4, cudaMemcpyDeviceToHost));
            const double error = std::fabs(got - samples[i].value) / samples[i].size;
            if (!(error <= worst)) worst = error;
        }
        const bool is_good = worst < 2e-5;
        wrong += !is_good, fastest = std::min(fastest, ms);
        printf("%-46s %-6s %9.3f ms %7.1f TFLOP/s  error %.1e of its terms%s\n", s.name, tile.name, ms, operations / ms * 1e-9, worst, is_good ? "" : "  WRONG");
        fflush(stdout);
    }
    return fastest * s.count;
}

// ---------------------------------------------------------------- attention
float attention(int pixels, int channels, int part, int count) {
    const int blocks = up(channels, 16), key_blocks = up(pixels, 16);
    const size_t numbers = (size_t)pixels * channels;
    Buffer<float> q(numbers), mixed(numbers);
    Buffer<uint4> split_q((size_t)pixels * blocks * 4), turned((size_t)channels * key_blocks * 4), scores((size_t)part * key_blocks * 4);
    random_numbers(q, numbers, 1.f, 4);
    Rows split{};
    split.x = q.at, split.out = split_q.at, split.channels = channels, split.blocks = blocks, split.width = pixels;
    split_rows<<<dim3(up((size_t)pixels * blocks * 2, 256), 1), 256>>>(split);
    const float turn = timed([&] { split_transposed<<<dim3(up(pixels, 64), up(channels, 64)), 256>>>(Turned{q.at, turned.at, pixels, channels}); });
    Conv of_keys{};  // queries are the keys here
    of_keys.input = split_q.at, of_keys.weights = split_q.at, of_keys.out = (float *)scores.at, of_keys.blocks = blocks, of_keys.outs = pixels, of_keys.out_stride = key_blocks * 16;
    of_keys.weight_row = blocks * 4, of_keys.weight_block = 4, of_keys.rows = 1, of_keys.columns = of_keys.width = part;
    Conv of_values{};
    of_values.input = scores.at, of_values.weights = turned.at, of_values.out = mixed.at, of_values.blocks = key_blocks, of_values.outs = of_values.out_stride = channels;
    of_values.weight_row = key_blocks * 4, of_values.weight_block = 4, of_values.rows = 1, of_values.columns = of_values.width = part;
    const double operations = 3 * 2. * part * pixels * channels;
    float keys = 1e30f, values = 1e30f;
    // Softmax first: what it leaves are small numbers, none of them NaN.
    CHECK(cudaMemset(scores.at, 0, (size_t)part * key_blocks * 64));
    const float softmax = timed([&] { softmax_rows<<<part, 256>>>(Softmax{scores.at, pixels, key_blocks, 0.03f}); });
    for (const Tile &tile : TILES) {
        const float ms = timed([&] { convolve_on(tile, of_values, true); });
        values = std::min(values, ms);
        printf("%d weights of %d values of %d %22s %-6s %9.3f ms %7.1f TFLOP/s\n", part, pixels, channels, "", tile.name, ms, operations / ms * 1e-9);
    }
    for (const Tile &tile : TILES) {
        const float ms = timed([&] { convolve_on(tile, of_keys, true); });
        keys = std::min(keys, ms);
        printf("%d queries with %d keys of %d %23s %-6s %9.3f ms %7.1f TFLOP/s\n", part, pixels, channels, "", tile.name, ms, operations / ms * 1e-9);
    }
    printf("softmax of those %.3f ms, values transposed %.3f ms\n", softmax, turn);
    return count * (turn + (keys + values + softmax) * pixels / part);
}

// ---------------------------------------------------------------- the rest
float norm(int side, int channels, int count) {
    const int pixels = side * side, chunks = up(pixels, 16 * (1024 / channels)), codes = side > 96 ? 96 : side;
    const size_t numbers = (size_t)pixels * channels;
    Buffer<float> x(numbers), scale((size_t)codes * codes * channels), weight(channels), bias(channels);
    Buffer<uint4> out(numbers / 4);
    Buffer<float2> of_chunks((size_t)GROUPS * chunks), affine(channels);
    random_numbers(x, numbers, 1.f, 5), random_numbers(scale, (size_t)codes * codes * channels, 1.f, 6), random_numbers(weight, channels, 1.f, 7), random_numbers(bias, channels, 1.f, 8);
    const Statistics job{x.at, of_chunks.at, affine.at, weight.at, bias.at, channels, pixels, chunks};
    const float statistics = timed([&] {
        norm_chunks<<<chunks, 256>>>(job);
        norm_totals<<<GROUPS, 256>>>(job);
    });
    Rows rows{};
    rows.x = x.at, rows.out = out.at, rows.affine = affine.at, rows.scale = rows.shift = scale.at, rows.channels = channels, rows.blocks = channels / 16, rows.width = rows.height = side;
    rows.code_rows = rows.code_columns = codes, rows.swish = 1;
    const float apply = timed([&] { split_rows<<<dim3(up((size_t)side * rows.blocks * 2, 256), side), 256>>>(rows); });
    printf("norm of %dx%d, %d channels: statistics %.3f ms (%.0f GB/s), swish and split %.3f ms (%.0f GB/s)\n", side, side, channels, statistics, numbers * 4e-6 / statistics, apply, numbers * 8e-6 / apply);
    return count * (statistics + apply);
}
void small_ones() {
    const int pixels = 9216, codes = 16384, dim = 4;
    Buffer<float> points((size_t)pixels * dim), codebook((size_t)codes * dim);
    Buffer<int> found(pixels);
    Buffer<float2> distances(pixels);
    random_numbers(points, (size_t)pixels * dim, 1.f, 9), random_numbers(codebook, (size_t)codes * dim, 1.f, 10);
    const float nearest = timed([&] { nearest_code<<<up(pixels, 8), 128>>>(Nearest{points.at, codebook.at, found.at, distances.at, pixels, codes, dim}); });
    Buffer<float> stored((size_t)1024 * 1024 * 9);
    Buffer<uint4> weights((size_t)1024 * 1024 * 9 / 4);
    random_numbers(stored, (size_t)1024 * 1024 * 9, 1.f, 11);
    const float weights_ms = timed([&] { split_weights<<<up((size_t)1024 * 9 * 64 * 2, 256), 256>>>(Weights{stored.at, weights.at, STORED_F32, 1024, 1024, 9, 64}); });
    printf("nearest of %d codes for %d pixels %.3f ms; weights of 1024 x 1024 x 9 split %.3f ms\n", codes, pixels, nearest, weights_ms);
}

int main() {
    cudaDeviceProp card;
    CHECK(cudaGetDeviceProperties(&card, 0));
    printf("%s, %d multiprocessors\n", card.name, card.multiProcessorCount);
    for (const Tile &tile : TILES)
        for (auto kernel : {tile.conv, tile.point}) CHECK(cudaFuncSetAttribute((const void *)kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)tile.shared));
    float convolutions = 0, norms = 0, attentions = 0;
    const Shape shapes[] = {
        {"768x768 256 to 256", SAME, 9, 768, 768, 256, 256, 768, 0},
        {"768x768 256 to 256, strips of 64 rows", SAME, 9, 768, 768, 256, 256, 64, 5},
        {"768x768 256 to 256, strips of 128 rows", SAME, 9, 768, 768, 256, 256, 128, 0},
        {"768x768 512 to 256, strips of 64 rows", SAME, 9, 768, 768, 512, 256, 64, 1},
        {"768x768 512 to 256 1x1, strips of 64 rows", SAME, 1, 768, 768, 512, 256, 64, 1},
        {"768x768 256 to 3, strips of 64 rows", SAME, 9, 768, 768, 256, 3, 64, 1},
        {"384x384 doubled 512 to 512, strips of 128 rows", DOUBLE, 9, 384, 384, 512, 512, 128, 1},
        {"384x384 512 to 512", SAME, 9, 384, 384, 512, 512, 384, 6},
        {"192x192 doubled 512 to 512", DOUBLE, 9, 192, 192, 512, 512, 384, 1},
        {"192x192 512 to 512", SAME, 9, 192, 192, 512, 512, 192, 5},
        {"192x192 1024 to 512", SAME, 9, 192, 192, 1024, 512, 192, 1},
        {"96x96 doubled 1024 to 1024", DOUBLE, 9, 96, 96, 1024, 1024, 192, 1},
        {"96x96 1024 to 1024", SAME, 9, 96, 96, 1024, 1024, 96, 10},
        {"96x96 1024 to 1024 1x1", SAME, 1, 96, 96, 1024, 1024, 96, 16},
        {"96x96 4 to 1024", SAME, 9, 96, 96, 4, 1024, 96, 1},
        {"768x768 halved 256 to 256", HALF, 9, 768, 768, 256, 256, 384, 0},
        {"97x89 36 to 70", SAME, 9, 97, 89, 36, 70, 13, 0},
    };
    for (const Shape &shape : shapes) convolutions += convolution(shape);
    attentions += attention(9216, 1024, 1024, 4);
    norms += norm(768, 512, 1) + norm(768, 256, 6) + norm(384, 512, 6) + norm(192, 1024, 1) + norm(192, 512, 5) + norm(96, 1024, 14);
    small_ones();
    printf("a decode of 768x768: convolutions %.1f ms, attentions %.1f ms, norms %.1f ms, together %.1f ms\n", convolutions, attentions, norms, convolutions + attentions + norms);
    printf(wrong ? "%d WRONG\n" : "results as they should be\n", wrong);
    return wrong != 0;
}
