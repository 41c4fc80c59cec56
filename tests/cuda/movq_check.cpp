// Proves the kernels of MoVQ (shaders/cuda/movq.cu) on the CPU against plain sums in f64:
//
//   c++ -O2 -std=c++17 -pthread -DEMULATE -include tests/cuda/emulate.h tests/cuda/movq_check.cpp -o CHECK && ./CHECK
//
// Shapes are small and odd: not multiples of tiles, 3 and 4 channels, strips, borders. Every error is
// printed beside its bound; the exit code is 1 if one is beyond it. Memory ends where nobody may touch.
#include "../../shaders/cuda/movq.cu"

#include <algorithm>
#include <random>

namespace {
int failures = 0;

void expect(const std::string &what, double error, double bound) {
    const bool is_good = error <= bound;  // NaN is not
    printf("%-62s %10.2e  of %8.1e%s\n", what.c_str(), error, bound, is_good ? "" : "   WRONG");
    failures += !is_good;
}

// Memory of the card between two pages nobody may touch. It is NaN until it is written.
template <class T> struct Buffer {
    T *at = nullptr;
    size_t count = 0, pages = 0;
    char *start = nullptr;
    explicit Buffer(size_t count) : count(count) {
        const size_t bytes = (count * sizeof(T) + 15) / 16 * 16;
        pages = (bytes + 4095) / 4096 * 4096;
        start = (char *)mmap(nullptr, pages + 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        mprotect(start, 4096, PROT_NONE), mprotect(start + 4096 + pages, 4096, PROT_NONE);
        memset(start + 4096, 0xff, pages);
        at = (T *)(start + 4096 + pages - bytes);
    }
    Buffer(const std::vector<T> &from) : Buffer(from.size()) { std::copy(from.begin(), from.end(), at); }
    Buffer(Buffer &&other) : at(other.at), count(other.count), pages(other.pages), start(other.start) { other.start = nullptr; }
    ~Buffer() {
        if (start) munmap(start, pages + 8192);
    }
    std::vector<T> all() const { return std::vector<T>(at, at + count); }
};

template <class Job> void run(void (*kernel)(const Job), dim3 grid, unsigned threads, size_t shared, const Job &job) {
    emulate::launch(grid, dim3(threads), shared, [&] { kernel(job); });
}
unsigned up(size_t a, size_t b) { return (unsigned)((a + b - 1) / b); }

std::mt19937 dice(7);
std::vector<float> random_numbers(size_t count, float deviation = 1.f, float mean = 0.f) {
    std::normal_distribution<float> bell(mean, deviation);
    std::vector<float> v(count);
    for (float &x : v) x = bell(dice);
    return v;
}

// ---------------------------------------------------------------- launches, as movq.cu tells the host
struct Tile { const char *name; void (*conv)(const Conv); void (*point)(const Conv); unsigned pixels, outs, threads, shared; };
const Tile TILES[] = {{"small", conv_small, point_small, 64, 64, 128, 40960},
                      {"large", conv_large, point_large, 128, 128, 128, 49152}};

void convolve_on(const Tile &tile, const Conv &job, bool is_point) {
    run(is_point ? tile.point : tile.conv, up((size_t)job.rows * job.columns, tile.pixels) * up(job.outs, tile.outs), tile.threads, tile.shared, job);
}
// Weights in f32 to the order of a convolution.
Buffer<uint4> ready(const std::vector<float> &stored, int outs, int ins, int taps) {
    const int blocks = up(ins, 16);
    Buffer<float> from(stored);
    Buffer<uint4> out((size_t)taps * blocks * outs * 4);
    run(split_weights, up((size_t)outs * taps * blocks * 2, 256), 256, 0, Weights{from.at, out.at, STORED_F32, outs, ins, taps, blocks});
    return out;
}
void split(const Rows &job, int rows) { run(split_rows, dim3(up((size_t)job.width * job.blocks * 2, 256), rows), 256, 0, job); }
Rows plain(const float *x, uint4 *out, int channels, int width) {
    Rows job{};
    job.x = x, job.out = out, job.channels = channels, job.blocks = up(channels, 16), job.width = width;
    return job;
}
void statistics(const float *x, float2 *affine, const float *weight, const float *bias, int channels, int pixels) {
    const int count = up(pixels, HELD * (1024 / channels));
    Buffer<float2> chunks((size_t)GROUPS * count);
    const Statistics job{x, chunks.at, affine, weight, bias, channels, pixels, count};
    run(norm_chunks, count, 256, 0, job);
    run(norm_totals, GROUPS, 256, 0, job);
}
Conv point_job(const uint4 *input, const uint4 *weights, const float *bias, float *out, int pixels, int ins, int outs) {
    Conv job{};
    job.input = input, job.weights = weights, job.bias = bias, job.out = out;
    job.blocks = up(ins, 16), job.outs = job.out_stride = outs, job.weight_row = 4, job.weight_block = outs * 4;
    job.rows = 1, job.columns = job.width = pixels;
    return job;
}
// The input rows that output rows touch.
void touched(int walk, int height, int first, int rows, int &from, int &upto) {
    from = walk == HALF ? 2 * first : walk == DOUBLE ? (first + 1) / 2 - 1 : first - 1;
    upto = walk == HALF ? 2 * (first + rows) + 1 : walk == DOUBLE ? (first + rows) / 2 + 1 : first + rows + 1;
    from = std::max(from, 0), upto = std::min(upto, height);
}
// A convolution in strips of so many rows. `prepare` makes the split of a strip of the input.
template <class Prepare>
void in_strips(const Tile &tile, int walk, int height, int width, int ins, int outs, int strip, const uint4 *weights, const float *bias, float *out, int adds, Prepare prepare) {
    const int rows = walk == DOUBLE ? 2 * height : walk == HALF ? height / 2 : height, columns = walk == DOUBLE ? 2 * width : walk == HALF ? width / 2 : width;
    for (int first = 0; first < rows; first += strip) {
        const int count = std::min(strip, rows - first), blocks = up(ins, 16);
        int from, upto;
        touched(walk, height, first, count, from, upto);
        Buffer<uint4> held((size_t)(upto - from) * width * blocks * 4);
        prepare(held.at, from, upto - from);
        convolve_on(tile, Conv{held.at, weights, bias, out + (size_t)first * columns * outs, walk, blocks, outs, outs, 4, outs * 4, width, from, upto - from, columns, first, count, adds}, false);
    }
}

// ---------------------------------------------------------------- the same in f64
using Map = std::vector<double>;
double larger(double a, double b) { return b <= a ? a : b; }  // NaN where b is
// Against the size of the terms, without their signs.
double reference_error(const std::vector<float> &got, const Map &want, const Map &size) {
    double worst = 0;
    for (size_t i = 0; i < want.size(); i++) {
        const double error = std::fabs(got[i] - want[i]) / size[i];
        worst = larger(worst, error);
    }
    return worst;
}
double relative_error(const std::vector<float> &got, const Map &want) {  // root of mean square
    double wrong = 0, all = 0;
    for (size_t i = 0; i < want.size(); i++) wrong += (got[i] - want[i]) * (got[i] - want[i]), all += want[i] * want[i];
    return std::sqrt(wrong / all);
}
Map widened(const std::vector<float> &v) { return Map(v.begin(), v.end()); }

// [height][width][ins] to [..][outs]; taps 9 or 1.
Map convolved(const Map &x, int height, int width, int ins, const std::vector<float> &weights, const std::vector<float> &bias, int outs, int walk, int taps, Map *size = nullptr) {
    const int rows = walk == DOUBLE ? 2 * height : walk == HALF ? height / 2 : height, columns = walk == DOUBLE ? 2 * width : walk == HALF ? width / 2 : width;
    Map out((size_t)rows * columns * outs);
    if (size) size->resize(out.size());
    for (int y = 0; y < rows; y++)
        for (int c = 0; c < columns; c++)
            for (int o = 0; o < outs; o++) {
                double sum = bias[o], all = std::fabs(bias[o]);
                for (int tap = 0; tap < taps; tap++) {
                    int sy = taps == 1 ? y : walk == HALF ? 2 * y + tap / 3 : y + tap / 3 - 1, sx = taps == 1 ? c : walk == HALF ? 2 * c + tap % 3 : c + tap % 3 - 1;
                    if (sy < 0 || sx < 0) continue;
                    if (walk == DOUBLE) sy /= 2, sx /= 2;
                    if (sy >= height || sx >= width) continue;
                    for (int i = 0; i < ins; i++) {
                        const double term = x[((size_t)sy * width + sx) * ins + i] * weights[((size_t)o * ins + i) * taps + tap];
                        sum += term, all += std::fabs(term);
                    }
                }
                out[((size_t)y * columns + c) * outs + o] = sum;
                if (size) (*size)[((size_t)y * columns + c) * outs + o] = all;
            }
    return out;
}
struct Modulation { const Map *scale, *shift; int rows, columns; };
Map normed(const Map &x, int height, int width, int channels, const std::vector<float> &weight, const std::vector<float> &bias, const Modulation *modulation, bool swish) {
    const int each = channels / 32, pixels = height * width;
    Map out(x.size());
    for (int group = 0; group < 32; group++) {
        double mean = 0, square = 0;
        for (int p = 0; p < pixels; p++)
            for (int c = group * each; c < (group + 1) * each; c++) mean += x[(size_t)p * channels + c];
        mean /= (double)pixels * each;
        for (int p = 0; p < pixels; p++)
            for (int c = group * each; c < (group + 1) * each; c++) square += (x[(size_t)p * channels + c] - mean) * (x[(size_t)p * channels + c] - mean);
        const double deviation = std::sqrt(square / ((double)pixels * each) + 1e-6);
        for (int p = 0; p < pixels; p++)
            for (int c = group * each; c < (group + 1) * each; c++) {
                double v = (x[(size_t)p * channels + c] - mean) / deviation * weight[c] + bias[c];
                if (modulation) {
                    const size_t at = ((size_t)(p / width * modulation->rows / height) * modulation->columns + p % width * modulation->columns / width) * channels + c;
                    v = v * (*modulation->scale)[at] + (*modulation->shift)[at];
                }
                out[(size_t)p * channels + c] = swish ? v / (1 + std::exp(-v)) : v;
            }
    }
    return out;
}
// The numbers of a split, [rows][channels]; counts what is not zero beyond the channels.
std::vector<float> joined(const Buffer<uint4> &split, size_t rows, int channels, int &beyond) {
    const int blocks = up(channels, 16);
    const uint16_t *halves = (const uint16_t *)split.at;
    std::vector<float> v(rows * channels);
    for (size_t r = 0; r < rows; r++)
        for (int c = 0; c < blocks * 16; c++) {
            const uint16_t *block = halves + (r * blocks + c / 16) * 32;
            const float whole = emulate::bf16_float(block[c % 16]) + emulate::bf16_float(block[16 + c % 16]);
            if (c < channels) v[r * channels + c] = whole;
            else beyond += !(whole == 0);
        }
    return v;
}
double worst_relative(const std::vector<float> &got, const Map &want, double floor) {
    double worst = 0;
    for (size_t i = 0; i < want.size(); i++) {
        const double error = std::fabs(got[i] - want[i]) / (std::fabs(want[i]) + floor);
        worst = larger(worst, error);
    }
    return worst;
}

// ---------------------------------------------------------------- checks
constexpr double SPLIT = 1.0 / (1 << 16);  // error of two bf16 for one number, with room: 2^-17 at most

void check_splits() {
    int beyond = 0;
    for (int channels : {3, 4, 20, 32, 40}) {
        const auto x = random_numbers((size_t)7 * 13 * channels, 3.f);
        Buffer<float> from(x);
        Buffer<uint4> out((size_t)7 * 13 * up(channels, 16) * 4);
        split(plain(from.at, out.at, channels, 13), 7);
        expect("split of " + std::to_string(channels) + " channels", worst_relative(joined(out, 7 * 13, channels, beyond), widened(x), 1e-30), SPLIT);
    }
    for (auto [pixels, channels] : {std::pair{150, 70}, {16, 64}, {65, 3}, {129, 128}}) {
        const auto x = random_numbers((size_t)pixels * channels);
        Map turned((size_t)pixels * channels);
        for (int p = 0; p < pixels; p++)
            for (int c = 0; c < channels; c++) turned[(size_t)c * pixels + p] = x[(size_t)p * channels + c];
        Buffer<float> from(x);
        Buffer<uint4> out((size_t)channels * up(pixels, 16) * 4);
        run(split_transposed, dim3(up(pixels, 64), up(channels, 64)), 256, 0, Turned{from.at, out.at, pixels, channels});
        expect("transposed split of " + std::to_string(pixels) + " x " + std::to_string(channels), worst_relative(joined(out, channels, pixels, beyond), turned, 1e-30), SPLIT);
    }
    for (int kind : {STORED_F32, STORED_F16})
        for (auto [outs, ins, taps] : {std::tuple{5, 20, 9}, {33, 3, 9}, {130, 35, 1}}) {
            auto stored = random_numbers((size_t)outs * ins * taps);
            const int blocks = up(ins, 16);
            std::vector<uint16_t> halves;
            if (kind == STORED_F16)
                for (float &v : stored) halves.push_back((uint16_t)emulate::float_half(v)), v = emulate::half_float(halves.back());
            Buffer<uint16_t> as_halves(halves);
            Buffer<float> as_floats(stored);
            Buffer<uint4> out((size_t)taps * blocks * outs * 4);
            run(split_weights, up((size_t)outs * taps * blocks * 2, 256), 256, 0, Weights{kind == STORED_F16 ? (void *)as_halves.at : as_floats.at, out.at, kind, outs, ins, taps, blocks});
            Map want;  // [tap][block][output][16]
            for (int tap = 0; tap < taps; tap++)
                for (int i = 0; i < blocks * 16; i += 16)
                    for (int o = 0; o < outs; o++)
                        for (int j = i; j < i + 16; j++) want.push_back(j < ins ? stored[((size_t)o * ins + j) * taps + tap] : 0);
            expect("weights " + std::to_string(outs) + " x " + std::to_string(ins) + " x " + std::to_string(taps) + (kind ? " of f16" : " of f32"),
                   worst_relative(joined(out, (size_t)taps * blocks * outs, 16, beyond), want, 1e-30), SPLIT);
        }
    expect("padding that is not zero", beyond, 0);
}

void check_norms() {
    struct Case { int channels, height, width, code_rows, code_columns, swish; float mean; };
    for (const Case &c : {Case{32, 9, 11, 0, 0, 1, 0.f}, {64, 24, 16, 6, 4, 1, 5.f}, {96, 30, 14, 0, 0, 0, -2.f}, {256, 12, 20, 3, 5, 0, 50.f}, {1024, 5, 7, 5, 7, 1, 1.f}}) {
        const int pixels = c.height * c.width;
        auto x = random_numbers((size_t)pixels * c.channels, 2.f, c.mean);
        for (size_t i = 0; i < x.size(); i++) x[i] *= 1.f + i % c.channels / 32 * 0.1f;
        const auto weight = random_numbers(c.channels), bias = random_numbers(c.channels);
        const size_t codes = (size_t)c.code_rows * c.code_columns * c.channels;
        const auto scale = random_numbers(codes), shift = random_numbers(codes);
        const Map scale_map = widened(scale), shift_map = widened(shift);
        const Modulation modulation{&scale_map, &shift_map, c.code_rows, c.code_columns};
        const Map want = normed(widened(x), c.height, c.width, c.channels, weight, bias, codes ? &modulation : nullptr, c.swish);
        Buffer<float> from(x), on_weight(weight), on_bias(bias), on_scale(scale), on_shift(shift);
        Buffer<float2> affine(c.channels);
        statistics(from.at, affine.at, on_weight.at, on_bias.at, c.channels, pixels);
        std::vector<float> got;
        int beyond = 0;
        for (int first = 0; first < c.height; first += 4) {
            const int rows = std::min(4, c.height - first);
            Buffer<uint4> out((size_t)rows * c.width * c.channels / 16 * 4);
            Rows job = plain(from.at + (size_t)first * c.width * c.channels, out.at, c.channels, c.width);
            job.affine = affine.at, job.first = first, job.height = c.height, job.swish = c.swish;
            if (codes) job.scale = on_scale.at, job.shift = on_shift.at, job.code_rows = c.code_rows, job.code_columns = c.code_columns;
            split(job, rows);
            const auto part = joined(out, (size_t)rows * c.width, c.channels, beyond);
            got.insert(got.end(), part.begin(), part.end());
        }
        expect("norm of " + std::to_string(c.channels) + " channels, mean " + std::to_string((int)c.mean) + (codes ? ", spatial" : "") + (c.swish ? ", swish" : ""),
               worst_relative(got, want, 1.), c.mean > 10 ? 6e-5 : 3e-5);
    }
    // Many chunks, and a mean that is a thousand times the deviation.
    const int channels = 32, pixels = 100003;
    auto x = random_numbers((size_t)pixels * channels, 1.f, 1000.f);
    Buffer<float> from(x), weight(std::vector<float>(channels, 1.f)), bias(std::vector<float>(channels, 0.f));
    Buffer<float2> affine(channels);
    statistics(from.at, affine.at, weight.at, bias.at, channels, pixels);
    double worst = 0;
    for (int c = 0; c < channels; c++) {
        double mean = 0, square = 0;
        for (int p = 0; p < pixels; p++) mean += x[(size_t)p * channels + c];
        mean /= pixels;
        for (int p = 0; p < pixels; p++) square += (x[(size_t)p * channels + c] - mean) * (x[(size_t)p * channels + c] - mean);
        const double inverse = 1 / std::sqrt(square / pixels + 1e-6);
        worst = std::max({worst, std::fabs(affine.at[c].x / inverse - 1), std::fabs(affine.at[c].y / (-mean * inverse) - 1)});
    }
    expect("statistics of 100003 pixels around 1000", worst, 1e-6);
}

void check_convolutions() {
    struct Case { int walk, height, width, ins, outs, adds; };
    for (const Case &c : {Case{SAME, 11, 13, 20, 130, 0}, {SAME, 9, 17, 3, 33, 1}, {SAME, 19, 7, 40, 3, 0}, {SAME, 1, 1, 4, 4, 0}, {SAME, 23, 18, 32, 136, 1}, {HALF, 14, 22, 20, 70, 0}, {HALF, 10, 6, 32, 3, 1}, {DOUBLE, 7, 9, 36, 66, 0}, {DOUBLE, 5, 6, 16, 5, 1}}) {
        const int rows = c.walk == DOUBLE ? 2 * c.height : c.walk == HALF ? c.height / 2 : c.height, columns = c.walk == DOUBLE ? 2 * c.width : c.walk == HALF ? c.width / 2 : c.width;
        const auto x = random_numbers((size_t)c.height * c.width * c.ins), weights = random_numbers((size_t)c.outs * c.ins * 9), bias = random_numbers(c.outs);
        const auto before = random_numbers((size_t)rows * columns * c.outs);
        Map size, want = convolved(widened(x), c.height, c.width, c.ins, weights, bias, c.outs, c.walk, 9, &size);
        if (c.adds)
            for (size_t i = 0; i < want.size(); i++) want[i] += before[i], size[i] += std::fabs(before[i]);
        Buffer<float> from(x), on_bias(bias);
        const auto on_weights = ready(weights, c.outs, c.ins, 9);
        std::vector<float> whole;
        double worst = 0, typical = 0;
        int different = 0;
        for (const Tile &tile : TILES)
            for (int strip : {rows, 4, 3}) {
                if (&tile != TILES && (strip == 4 || c.outs % 2)) continue;  // only the small one knows odd outputs
                Buffer<float> out(c.adds ? before : std::vector<float>((size_t)rows * columns * c.outs, NAN));
                in_strips(tile, c.walk, c.height, c.width, c.ins, c.outs, strip, on_weights.at, on_bias.at, out.at, c.adds,
                          [&](uint4 *to, int first, int count) { split(plain(from.at + (size_t)first * c.width * c.ins, to, c.ins, c.width), count); });
                const auto got = out.all();
                if (whole.empty()) whole = got;
                for (size_t i = 0; i < got.size(); i++) different += memcmp(&got[i], &whole[i], 4) != 0;
                worst = larger(worst, reference_error(got, want, size)), typical = larger(typical, relative_error(got, want));
            }
        const std::string name = std::string(c.walk == SAME ? "conv " : c.walk == HALF ? "halving conv " : "doubling conv ") + std::to_string(c.height) + "x" + std::to_string(c.width) + ", " + std::to_string(c.ins) + " to " + std::to_string(c.outs) + (c.adds ? ", added" : "");
        expect(name + ": worst, of its terms", worst, 2e-5);
        expect(name + ": typical, of the output", typical, 1e-5);
        expect(name + ": numbers that depend on tile or strip", different, 0);
    }
    for (auto [pixels, ins, outs] : {std::tuple{150, 36, 140}, {300, 4, 4}, {70, 64, 3}}) {
        const auto x = random_numbers((size_t)pixels * ins), weights = random_numbers((size_t)outs * ins), bias = random_numbers(outs);
        Map size, want = convolved(widened(x), 1, pixels, ins, weights, bias, outs, SAME, 1, &size);
        Buffer<float> from(x), on_bias(bias);
        Buffer<uint4> input((size_t)pixels * up(ins, 16) * 4);
        split(plain(from.at, input.at, ins, pixels), 1);
        const auto on_weights = ready(weights, outs, ins, 1);
        for (const Tile &tile : TILES) {
            if (&tile != TILES && outs % 2) continue;
            Buffer<float> out((size_t)pixels * outs);
            convolve_on(tile, point_job(input.at, on_weights.at, on_bias.at, out.at, pixels, ins, outs), true);
            expect("1x1 " + std::to_string(ins) + " to " + std::to_string(outs) + ", " + tile.name + ": worst, of its terms", reference_error(out.all(), want, size), 2e-5);
        }
    }
}

void check_attention() {
    struct Case { int pixels, channels, part; const Tile &tile; };
    for (const Case &c : {Case{150, 128, 64, TILES[0]}, {77, 32, 40, TILES[1]}, {1030, 32, 1030, TILES[0]}}) {
        const size_t numbers = (size_t)c.pixels * c.channels;
        const auto q = random_numbers(numbers, 2.f), k = random_numbers(numbers, 2.f), v = random_numbers(numbers);
        Map want(numbers);
        for (int row = 0; row < c.pixels; row++) {
            Map weights(c.pixels);
            double most = -INFINITY, sum = 0;
            for (int key = 0; key < c.pixels; key++) {
                for (int i = 0; i < c.channels; i++) weights[key] += (double)q[(size_t)row * c.channels + i] * k[(size_t)key * c.channels + i];
                weights[key] /= std::sqrt((double)c.channels), most = std::max(most, weights[key]);
            }
            for (double &w : weights) w = std::exp(w - most), sum += w;
            for (int key = 0; key < c.pixels; key++)
                for (int i = 0; i < c.channels; i++) want[(size_t)row * c.channels + i] += weights[key] / sum * v[(size_t)key * c.channels + i];
        }
        const int blocks = up(c.channels, 16), key_blocks = up(c.pixels, 16);
        Buffer<float> on_q(q), on_k(k), on_v(v), mixed(numbers);
        Buffer<uint4> split_q((size_t)c.pixels * blocks * 4), split_k((size_t)c.pixels * blocks * 4), turned((size_t)c.channels * key_blocks * 4), scores((size_t)c.part * key_blocks * 4);
        split(plain(on_q.at, split_q.at, c.channels, c.pixels), 1), split(plain(on_k.at, split_k.at, c.channels, c.pixels), 1);
        run(split_transposed, dim3(up(c.pixels, 64), up(c.channels, 64)), 256, 0, Turned{on_v.at, turned.at, c.pixels, c.channels});
        for (int first = 0; first < c.pixels; first += c.part) {
            const int rows = std::min(c.part, c.pixels - first);
            Conv job = point_job(split_q.at + (size_t)first * blocks * 4, split_k.at, nullptr, (float *)scores.at, rows, c.channels, c.pixels);
            job.weight_row = blocks * 4, job.weight_block = 4, job.out_stride = key_blocks * 16;
            convolve_on(c.tile, job, true);
            run(softmax_rows, rows, 256, 0, Softmax{scores.at, c.pixels, key_blocks, (float)(1 / std::sqrt((double)c.channels))});
            job = point_job(scores.at, turned.at, nullptr, mixed.at + (size_t)first * c.channels, rows, c.pixels, c.channels);
            job.weight_row = key_blocks * 4, job.weight_block = 4;
            convolve_on(c.tile, job, true);
        }
        expect("attention over " + std::to_string(c.pixels) + " pixels of " + std::to_string(c.channels) + " channels", relative_error(mixed.all(), want), 3e-5);
    }
}

// A block of the decoder with a shortcut, strip by strip and in place, as movq.cu tells the host to do.
void check_block_in_place() {
    const int height = 22, width = 12, ins = 64, outs = 32, rows = 11, columns = 6, dim = 4, strip = 5, pixels = height * width, codes = rows * columns;
    const Tile &tile = TILES[0];
    const auto x = random_numbers((size_t)pixels * ins, 1.5f, 0.5f), codebook = random_numbers(9 * dim);
    std::vector<int> chosen(codes);
    for (int &code : chosen) code = dice() % 9;
    const auto w1 = random_numbers((size_t)outs * ins * 9, 0.05f), b1 = random_numbers(outs), w2 = random_numbers((size_t)outs * outs * 9, 0.05f), b2 = random_numbers(outs), w3 = random_numbers(outs * ins, 0.1f), b3 = random_numbers(outs);
    struct Spatial { int channels; std::vector<float> weight, bias, y, y_bias, b, b_bias; };
    auto spatial = [&](int n) { return Spatial{n, random_numbers(n), random_numbers(n), random_numbers(n * dim), random_numbers(n), random_numbers(n * dim), random_numbers(n)}; };
    const Spatial norm1 = spatial(ins), norm2 = spatial(outs);

    Map z;
    for (int code : chosen)
        for (int d = 0; d < dim; d++) z.push_back(codebook[code * dim + d]);
    auto reference = [&](const Map &v, const Spatial &n) {
        const Map scale = convolved(z, rows, columns, dim, n.y, n.y_bias, n.channels, SAME, 1), shift = convolved(z, rows, columns, dim, n.b, n.b_bias, n.channels, SAME, 1);
        const Modulation modulation{&scale, &shift, rows, columns};
        return normed(v, height, width, n.channels, n.weight, n.bias, &modulation, true);
    };
    Map want = convolved(reference(convolved(reference(widened(x), norm1), height, width, ins, w1, b1, outs, SAME, 9), norm2), height, width, outs, w2, b2, outs, SAME, 9);
    const Map kept = convolved(widened(x), height, width, ins, w3, b3, outs, SAME, 1);
    for (size_t i = 0; i < want.size(); i++) want[i] += kept[i];

    Buffer<float> map(x), h((size_t)pixels * outs), vectors((size_t)codes * dim), on_codebook(codebook), on_b1(b1), on_b2(b2), on_b3(b3);
    Buffer<int> on_codes(chosen);
    Buffer<uint4> split_z((size_t)codes * 4);
    emulate::launch(up((size_t)codes * dim, 256), 256, 0, [&] { look_up(on_codes.at, on_codebook.at, vectors.at, codes, dim); });
    split(plain(vectors.at, split_z.at, dim, codes), 1);
    auto norm_and_convolve = [&](const float *from, const Spatial &n, const std::vector<float> &weights, const float *bias, float *to, int adds) {
        Buffer<float> scale((size_t)codes * n.channels), shift((size_t)codes * n.channels), y_bias(n.y_bias), b_bias(n.b_bias), weight(n.weight), norm_bias(n.bias);
        const auto y = ready(n.y, n.channels, dim, 1), b = ready(n.b, n.channels, dim, 1), on_weights = ready(weights, outs, n.channels, 9);
        convolve_on(tile, point_job(split_z.at, y.at, y_bias.at, scale.at, codes, dim, n.channels), true);
        convolve_on(tile, point_job(split_z.at, b.at, b_bias.at, shift.at, codes, dim, n.channels), true);
        Buffer<float2> affine(n.channels);
        statistics(from, affine.at, weight.at, norm_bias.at, n.channels, pixels);
        in_strips(tile, SAME, height, width, n.channels, outs, strip, on_weights.at, bias, to, adds, [&](uint4 *out, int first, int count) {
            Rows job = plain(from + (size_t)first * width * n.channels, out, n.channels, width);
            job.affine = affine.at, job.scale = scale.at, job.shift = shift.at, job.first = first, job.height = height, job.code_rows = rows, job.code_columns = columns, job.swish = 1;
            split(job, count);
        });
    };
    norm_and_convolve(map.at, norm1, w1, on_b1.at, h.at, 0);
    const auto on_w3 = ready(w3, outs, ins, 1);
    for (int first = 0; first < height; first += strip) {
        const int count = std::min(strip, height - first);
        Buffer<uint4> held((size_t)count * width * ins / 16 * 4);
        split(plain(map.at + (size_t)first * width * ins, held.at, ins, width), count);
        convolve_on(tile, point_job(held.at, on_w3.at, on_b3.at, map.at + (size_t)first * width * outs, count * width, ins, outs), true);
    }
    norm_and_convolve(h.at, norm2, w2, on_b2.at, map.at, 1);
    expect("block with a shortcut in place, in strips", relative_error(map.all(), want), 3e-5);
}

void check_codes() {
    struct Case { int pixels, count, dim; };
    for (const Case &c : {Case{77, 1000, 4}, {9, 1, 4}, {8, 130, 16}, {21, 300, 3}}) {
        auto codebook = random_numbers((size_t)c.count * c.dim), points = random_numbers((size_t)c.pixels * c.dim);
        for (int i = 3; i < c.count; i += 7)  // equal codes: the first counts
            std::copy_n(&codebook[(size_t)(i * 5 % c.count) * c.dim], c.dim, &codebook[(size_t)i * c.dim]);
        for (int p = 0; p < c.pixels; p += 3)  // points on codes, and between two
            for (int d = 0; d < c.dim; d++) points[(size_t)p * c.dim + d] = (codebook[(size_t)(p * 3 % c.count) * c.dim + d] + codebook[(size_t)(p * (p % 2 + 3) % c.count) * c.dim + d]) / 2;
        for (int p = 1; p < c.pixels && p + 128 < c.count; p += 3)  // the nearest two fall to one thread, which has 128 codes between
            for (int d = 0; d < c.dim; d++) points[(size_t)p * c.dim + d] = codebook[(size_t)p * c.dim + d], codebook[(size_t)(p + 128) * c.dim + d] = codebook[(size_t)p * c.dim + d] + 0.001f;
        Buffer<float> on_points(points), on_codebook(codebook);
        Buffer<int> codes(c.pixels);
        Buffer<float2> distances(c.pixels);
        run(nearest_code, up(c.pixels, 8), 128, 0, Nearest{on_points.at, on_codebook.at, codes.at, distances.at, c.pixels, c.count, c.dim});
        int wrong = 0;
        for (int p = 0; p < c.pixels; p++) {  // as Movq::encode_detail
            float best = INFINITY, second = INFINITY;
            int nearest = 0;
            for (int code = 0; code < c.count; code++) {
                float distance = 0;
                for (int d = 0; d < c.dim; d++) {
                    const float apart = points[(size_t)p * c.dim + d] - codebook[(size_t)code * c.dim + d];
                    distance += apart * apart;
                }
                if (distance < best) second = best, best = distance, nearest = code;
                else if (distance < second) second = distance;
            }
            wrong += codes.at[p] != nearest || distances.at[p].x != std::sqrt(best) || distances.at[p].y != std::sqrt(second);
        }
        expect("nearest of " + std::to_string(c.count) + " codes of " + std::to_string(c.dim) + ": wrong ones", wrong, 0);
        Buffer<float> vectors((size_t)c.pixels * c.dim);
        emulate::launch(up(vectors.count, 256), 256, 0, [&] { look_up(codes.at, on_codebook.at, vectors.at, c.pixels, c.dim); });
        wrong = 0;
        for (size_t i = 0; i < vectors.count; i++) wrong += vectors.at[i] != codebook[(size_t)codes.at[i / c.dim] * c.dim + i % c.dim];
        expect("vectors of codes: wrong ones", wrong, 0);
    }
}

void check_pixels() {
    std::vector<uint8_t> bytes(257 * 3);
    for (size_t i = 0; i < bytes.size(); i++) bytes[i] = (uint8_t)(i % 256);
    Buffer<uint8_t> on_bytes(bytes), back(bytes.size());
    Buffer<float> map(bytes.size());
    const int count = (int)bytes.size();
    emulate::launch(up(count, 256), 256, 0, [&] { bytes_to_map(on_bytes.at, map.at, count); });
    int wrong = 0;
    for (int i = 0; i < count; i++) wrong += map.at[i] != bytes[i] / 255.f * 2.f - 1.f;
    emulate::launch(up(count, 256), 256, 0, [&] { map_to_bytes(map.at, back.at, count); });
    for (int i = 0; i < count; i++) wrong += back.at[i] != bytes[i];
    auto values = random_numbers(999, 1.f);
    values[0] = NAN, values[1] = 7.f, values[2] = -7.f, values[3] = 0.f, values[4] = INFINITY;
    Buffer<float> on_values(values);
    Buffer<uint8_t> pixels(values.size());
    emulate::launch(up(values.size(), 256), 256, 0, [&] { map_to_bytes(on_values.at, pixels.at, (int)values.size()); });
    for (size_t i = 0; i < values.size(); i++) {
        const float v = std::isnan(values[i]) ? -1.f : std::min(std::max(values[i], -1.f), 1.f);
        wrong += pixels.at[i] != (uint8_t)std::nearbyint((v + 1.f) * 127.5f);
    }
    expect("pixels to numbers and back: wrong ones", wrong, 0);
}
}  // namespace

int main() {
    setvbuf(stdout, nullptr, _IOLBF, 0);
    check_splits();
    check_norms();
    check_convolutions();
    check_attention();
    check_block_in_place();
    check_codes();
    check_pixels();
    printf(failures ? "%d WRONG\n" : "all as it should be\n", failures);
    return failures != 0;
}
