// A CUDA driver without a card: the part of libcuda's interface that the program uses, over the
// emulator, so that the program itself runs its CUDA path on a CPU, unchanged, down to the calls into
// the driver. It is strict where a card would be wrong silently: arguments are compared with the PTX,
// memory ends at a page that cannot be read, fresh memory is NaN, copies stay within allocations.
//
// Built as libcuda.so.1 (tests/cuda/build.sh) and found through LD_LIBRARY_PATH. What it pretends:
//   EMULATED_CUDA_VERSION=11040         version of the driver
//   EMULATED_CUDA_CAPABILITY=75         compute capability of the card
//   EMULATED_CUDA_MEMORY=1000000        bytes of memory
//   EMULATED_CUDA_FAIL_ALLOCATION=N     the N-th allocation and all after it fail for want of memory
//   EMULATED_CUDA_FAIL_LAUNCH=N         the N-th kernel (graphs count by their kernels) fails
//   EMULATED_CUDA_CARDS=0               number of cards
//   EMULATED_CUDA_LOG=FILE              at the end appends a line for each kernel and how often it was launched,
//                                       and how many allocations and launches there were
// Built with -DcuGraphLaunch=gone (say), that function is missing.
#include <chrono>
#include <cinttypes>
#include <mutex>

typedef int CUresult;
typedef int CUdevice;
typedef uint64_t CUdeviceptr;
enum : CUresult {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
    INVALID_CONTEXT = 201,
    INVALID_PTX = 218,
    UNSUPPORTED_PTX_VERSION = 222,
    NOT_FOUND = 500,
    LAUNCH_FAILED = 719,
    CAPTURE_WRONG = 900,
};

namespace {

uint64_t setting(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text && *text ? strtoull(text, nullptr, 10) : otherwise;
}

std::recursive_mutex lock;
#define LOCKED std::lock_guard<std::recursive_mutex> locked(lock)

[[maybe_unused]] CUresult say(CUresult code, const std::string &why) {
    fprintf(stderr, "emulated driver: %s\n", why.c_str());
    return code;
}

// ---- memory
struct Block { char *pages; size_t page_bytes, bytes; };
std::map<CUdeviceptr, Block> memory;
uint64_t used = 0, allocations = 0;
uint64_t total_memory() { return setting("EMULATED_CUDA_MEMORY", 8ull << 30); }

bool is_within(CUdeviceptr at, size_t bytes) {
    auto after = memory.upper_bound(at);
    if (after == memory.begin()) return false;
    const auto &[start, block] = *std::prev(after);
    return at + bytes <= start + block.bytes;
}

// ---- modules
struct Function {
    std::string name;
    const emulate::Kernel *kernel;
    unsigned most_threads, most_shared = 48 << 10;
};
struct Module { std::map<std::string, std::unique_ptr<Function>> functions; };

// Sizes of the parameters of an entry of PTX, and its most threads.
bool entry_of(const std::string &ptx, const std::string &name, std::vector<size_t> &sizes, unsigned &most_threads) {
    const size_t at = ptx.find(".entry " + name + "(");
    if (at == std::string::npos) return false;
    const size_t close = ptx.find("\n)", at), body = ptx.find("\n{", at);
    const std::string head = ptx.substr(at, close - at), rest = ptx.substr(close, body - close);
    for (size_t p = 0; (p = head.find(".param", p)) != std::string::npos; p += 6) {
        const size_t end = head.find('\n', p + 1);
        const std::string line = head.substr(p, end - p);
        const size_t array = line.find('[');
        if (array != std::string::npos) sizes.push_back(strtoull(line.c_str() + array + 1, nullptr, 10));
        else sizes.push_back(strstr(line.c_str(), "64 ") ? 8 : 4);
    }
    most_threads = 1024;
    const size_t bound = rest.find(".maxntid ");
    if (bound != std::string::npos) most_threads = strtoul(rest.c_str() + bound + 9, nullptr, 10);
    return true;
}

// ---- work, done at once or recorded
struct Node {
    const Function *function = nullptr;
    dim3 grid, block;
    unsigned shared = 0;
    std::vector<std::vector<char>> arguments;
    CUdeviceptr to = 0, from = 0;
    size_t bytes = 0;
    int fill = -1;
};
struct Graph { std::vector<Node> nodes; };
struct Stream { bool records = false; bool is_broken = false; Graph recorded; };
struct Event { std::chrono::steady_clock::time_point at; };
uint64_t launches = 0;
std::map<std::string, uint64_t> launched;
bool is_dead = false;  // after a failed kernel every call fails, as on a card

struct Log {
    ~Log() {
        const char *path = getenv("EMULATED_CUDA_LOG");
        FILE *file = path && *path ? fopen(path, "a") : nullptr;
        if (!file) return;
        for (const auto &[name, count] : launched) fprintf(file, "%s %" PRIu64 "\n", name.c_str(), count);
        fprintf(file, "allocations %" PRIu64 "\nlaunches %" PRIu64 "\n", allocations, launches);
        fclose(file);
    }
} log_at_end;

CUresult carry_out(const Node &node) {
    if (is_dead) return LAUNCH_FAILED;
    if (!node.function) {
        if (node.fill >= 0) memset((void *)node.to, node.fill, node.bytes);
        else memmove((void *)node.to, (const void *)node.from, node.bytes);
        return SUCCESS;
    }
    if (++launches >= setting("EMULATED_CUDA_FAIL_LAUNCH", UINT64_MAX)) {
        is_dead = true;
        return LAUNCH_FAILED;
    }
    launched[node.function->name]++;
    std::vector<void *> arguments;
    for (const auto &bytes : node.arguments) arguments.push_back((void *)bytes.data());
    node.function->kernel->run(node.grid, node.block, node.shared, arguments.data());
    return SUCCESS;
}
CUresult submit(Stream *stream, Node node) {
    if (!stream) return say(INVALID_VALUE, "the program uses a stream of its own");
    if (stream->records) {
        stream->recorded.nodes.push_back(std::move(node));
        return SUCCESS;
    }
    return carry_out(node);
}
}  // namespace

#define API extern "C" __attribute__((visibility("default"))) CUresult

API cuInit(unsigned) { return setting("EMULATED_CUDA_CARDS", 1) ? SUCCESS : NO_DEVICE; }
API cuDriverGetVersion(int *version) { return *version = (int)setting("EMULATED_CUDA_VERSION", 12080), SUCCESS; }
API cuDeviceGetCount(int *count) { return *count = (int)setting("EMULATED_CUDA_CARDS", 1), SUCCESS; }
API cuDeviceGet(CUdevice *device, int ordinal) {
    if (ordinal < 0 || ordinal >= (int)setting("EMULATED_CUDA_CARDS", 1)) return INVALID_DEVICE;
    return *device = ordinal, SUCCESS;
}
API cuDeviceGetName(char *name, int room, CUdevice) { return snprintf(name, room, "Emulated card"), SUCCESS; }
API cuDeviceTotalMem_v2(size_t *bytes, CUdevice) { return *bytes = total_memory(), SUCCESS; }
API cuDeviceGetAttribute(int *value, int attribute, CUdevice) {
    const int capability = (int)setting("EMULATED_CUDA_CAPABILITY", 90);
    switch (attribute) {
    case 16: *value = 132; break;                 // multiprocessors
    case 75: *value = capability / 10; break;
    case 76: *value = capability % 10; break;
    case 97: *value = 227 << 10; break;           // shared memory a block may ask for
    case 36: *value = 2619000; break;             // memory clock, kHz
    case 37: *value = 5120; break;                // bus width, bits
    default: return say(INVALID_VALUE, "attribute " + std::to_string(attribute) + " is not known");
    }
    return SUCCESS;
}
API cuDevicePrimaryCtxRetain(void **context, CUdevice) { return *context = (void *)8, SUCCESS; }
API cuDevicePrimaryCtxRelease_v2(CUdevice) { return SUCCESS; }
thread_local void *current = nullptr;
API cuCtxSetCurrent(void *context) { return current = context, SUCCESS; }
API cuMemGetInfo_v2(size_t *free_bytes, size_t *total) {
    if (!current) return INVALID_CONTEXT;
    LOCKED;
    return *total = total_memory(), *free_bytes = total_memory() - used, SUCCESS;
}
API cuMemAlloc_v2(CUdeviceptr *at, size_t bytes) {
    if (!current) return INVALID_CONTEXT;
    if (!bytes) return INVALID_VALUE;
    LOCKED;
    if (is_dead) return LAUNCH_FAILED;
    const size_t rounded = (bytes + 255) / 256 * 256, page = 4096, pages = (rounded + page - 1) / page * page;
    if (++allocations >= setting("EMULATED_CUDA_FAIL_ALLOCATION", UINT64_MAX) || used + rounded > total_memory()) return OUT_OF_MEMORY;
    char *start = (char *)mmap(nullptr, pages + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) return OUT_OF_MEMORY;
    mprotect(start + pages, page, PROT_NONE);
    memset(start, 0xff, pages);
    *at = (CUdeviceptr)(start + pages - rounded);
    memory[*at] = Block{start, pages + page, rounded}, used += rounded;
    return SUCCESS;
}
API cuMemFree_v2(CUdeviceptr at) {
    LOCKED;
    auto found = memory.find(at);
    if (found == memory.end()) return say(INVALID_VALUE, "what is freed was not allocated");
    munmap(found->second.pages, found->second.page_bytes);
    used -= found->second.bytes, memory.erase(found);
    return SUCCESS;
}
API cuMemHostAlloc(void **at, size_t bytes, unsigned) { return *at = aligned_alloc(256, (bytes + 255) / 256 * 256), *at ? SUCCESS : OUT_OF_MEMORY; }
API cuMemFreeHost(void *at) { return free(at), SUCCESS; }
API cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, Stream *stream) {
    LOCKED;
    if (is_dead) return LAUNCH_FAILED;
    if (!stream || stream->records) return say(CAPTURE_WRONG, "a copy from the host is recorded");
    if (!is_within(to, bytes)) return say(INVALID_VALUE, "a copy leaves its memory");
    return memcpy((void *)to, from, bytes), SUCCESS;
}
API cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, Stream *stream) {
    LOCKED;
    if (is_dead) return LAUNCH_FAILED;
    if (!stream || stream->records) return say(CAPTURE_WRONG, "a copy to the host is recorded");
    if (!is_within(from, bytes)) return say(INVALID_VALUE, "a copy leaves its memory");
    return memcpy(to, (const void *)from, bytes), SUCCESS;
}
API cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, Stream *stream) {
    LOCKED;
    if (!is_within(to, bytes) || !is_within(from, bytes)) return say(INVALID_VALUE, "a copy leaves its memory");
    Node node;
    node.to = to, node.from = from, node.bytes = bytes;
    return submit(stream, node);
}
API cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t bytes, Stream *stream) {
    LOCKED;
    if (!is_within(to, bytes)) return say(INVALID_VALUE, "what is filled leaves its memory");
    Node node;
    node.to = to, node.bytes = bytes, node.fill = value;
    return submit(stream, node);
}
API cuStreamCreate(Stream **stream, unsigned) { return *stream = new Stream, SUCCESS; }
API cuStreamDestroy_v2(Stream *stream) { return delete stream, SUCCESS; }
API cuStreamSynchronize(Stream *stream) { return is_dead ? LAUNCH_FAILED : stream && stream->records ? CAPTURE_WRONG : SUCCESS; }
API cuModuleLoadData(Module **module, const char *image) {
    LOCKED;
    const std::string ptx = image;
    const int capability = (int)setting("EMULATED_CUDA_CAPABILITY", 90), version = (int)setting("EMULATED_CUDA_VERSION", 12080);
    const size_t target = ptx.find(".target sm_"), edition = ptx.find(".version ");
    if (target == std::string::npos || edition == std::string::npos) return say(INVALID_PTX, "no PTX");
    // PTX 8.4 is of CUDA 12.4, and so on.
    if (strtod(ptx.c_str() + edition + 9, nullptr) - 8.0 > (version / 10 % 100) / 10.0 + (version / 1000 - 12) + 1e-6) return UNSUPPORTED_PTX_VERSION;
    if (atoi(ptx.c_str() + target + 11) > capability) return INVALID_PTX;
    *module = new Module;
    for (const auto &[name, kernel] : emulate::kernels()) {
        std::vector<size_t> sizes;
        unsigned most = 0;
        if (!entry_of(ptx, name, sizes, most)) continue;
        if (sizes != kernel.sizes) return say(INVALID_PTX, "the arguments of " + name + " are not those of the emulated source");
        auto function = std::make_unique<Function>();
        function->name = name, function->kernel = &kernel, function->most_threads = most;
        (*module)->functions[name] = std::move(function);
    }
    return SUCCESS;
}
API cuModuleUnload(Module *module) { return delete module, SUCCESS; }
API cuModuleGetFunction(Function **function, Module *module, const char *name) {
    LOCKED;
    auto found = module->functions.find(name);
    if (found == module->functions.end()) return say(NOT_FOUND, std::string("there is no kernel ") + name);
    return *function = found->second.get(), SUCCESS;
}
API cuFuncSetAttribute(Function *function, int attribute, int value) {
    if (attribute != 8 || value > 227 << 10) return INVALID_VALUE;  // dynamic shared memory
    return function->most_shared = value, SUCCESS;
}
API cuLaunchKernel(Function *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, Stream *stream, void **parameters, void **) {
    LOCKED;
    if (is_dead) return LAUNCH_FAILED;
    const std::string at = function->name + ": ";
    if (!gx || !gy || !gz || gy > 65535 || gz > 65535) return say(INVALID_VALUE, at + "its grid is empty or too large");
    if (!bx || bx * by * bz > function->most_threads) return say(INVALID_VALUE, at + "its blocks are empty or too large");
    if (shared > function->most_shared) return say(INVALID_VALUE, at + "it asks for more shared memory than was allowed");
    Node node;
    node.function = function, node.grid = dim3(gx, gy, gz), node.block = dim3(bx, by, bz), node.shared = shared;
    for (size_t i = 0; i < function->kernel->sizes.size(); i++)
        node.arguments.emplace_back((char *)parameters[i], (char *)parameters[i] + function->kernel->sizes[i]);
    return submit(stream, node);
}
struct Attribute { int id; char pad[4]; char value[64]; };
struct Config { unsigned gx, gy, gz, bx, by, bz, shared; Stream *stream; Attribute *attributes; unsigned count; };
API cuLaunchKernelEx(const Config *c, Function *function, void **parameters, void **extra) {
    return cuLaunchKernel(function, c->gx, c->gy, c->gz, c->bx, c->by, c->bz, c->shared, c->stream, parameters, extra);
}
API cuStreamBeginCapture_v2(Stream *stream, int) {
    LOCKED;
    if (stream->records) return CAPTURE_WRONG;
    return stream->records = true, stream->recorded = Graph(), SUCCESS;
}
API cuStreamEndCapture(Stream *stream, Graph **graph) {
    LOCKED;
    if (!stream->records) return CAPTURE_WRONG;
    return stream->records = false, *graph = new Graph(std::move(stream->recorded)), SUCCESS;
}
API cuGraphInstantiateWithFlags(Graph **exec, Graph *graph, unsigned long long) { return *exec = new Graph(*graph), SUCCESS; }
API cuGraphDestroy(Graph *graph) { return delete graph, SUCCESS; }
API cuGraphExecDestroy(Graph *graph) { return delete graph, SUCCESS; }
API cuGraphLaunch(Graph *graph, Stream *stream) {
    LOCKED;
    if (!stream || stream->records) return CAPTURE_WRONG;
    for (const Node &node : graph->nodes)
        if (CUresult wrong = carry_out(node)) return wrong;
    return SUCCESS;
}
API cuEventCreate(Event **event, unsigned) { return *event = new Event, SUCCESS; }
API cuEventDestroy_v2(Event *event) { return delete event, SUCCESS; }
API cuEventRecord(Event *event, Stream *) { return event->at = std::chrono::steady_clock::now(), SUCCESS; }
API cuEventSynchronize(Event *) { return is_dead ? LAUNCH_FAILED : SUCCESS; }
API cuEventElapsedTime_v2(float *milliseconds, Event *from, Event *to) {
    return *milliseconds = std::chrono::duration<float, std::milli>(to->at - from->at).count(), SUCCESS;
}
API cuEventElapsedTime(float *milliseconds, Event *from, Event *to) { return cuEventElapsedTime_v2(milliseconds, from, to); }
API cuGetErrorName(CUresult code, const char **name) {
    *name = code == OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : code == LAUNCH_FAILED ? "CUDA_ERROR_LAUNCH_FAILED" : code == UNSUPPORTED_PTX_VERSION ? "CUDA_ERROR_UNSUPPORTED_PTX_VERSION" : "CUDA_ERROR";
    return SUCCESS;
}
