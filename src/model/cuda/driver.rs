//! The driver of NVIDIA cards as this program uses it: opened at run time, so that one program runs on
//! machines with a card and without. Memory, copies, kernels by name, recorded graphs; every call in
//! one stream, so all work is done in the order it was asked for.
//!
//! All `unsafe` code of the CUDA path is in this file. What makes it sound: handles are made and
//! given back here alone, copies are bounded by the lengths of both sides, and the functions called
//! were found in the driver before the first call ([`missing`]). What kernels do with their arguments
//! is proven on the emulator (`tests/cuda`), which runs behind this same interface.
#![allow(unsafe_code)]

use crate::model::weights::ModelError;
use crate::task::gigabytes;
use cudarc::driver::sys;
use std::ffi::{CStr, c_int, c_void};
use std::ptr::{null_mut, read_unaligned};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Every function of the driver that is called from here.
const FUNCTIONS: [&str; 37] = [
    "cuInit",
    "cuDriverGetVersion",
    "cuDeviceGetCount",
    "cuDeviceGet",
    "cuDeviceGetName",
    "cuDeviceGetAttribute",
    "cuDeviceTotalMem_v2",
    "cuDevicePrimaryCtxRetain",
    "cuDevicePrimaryCtxRelease_v2",
    "cuCtxSetCurrent",
    "cuMemGetInfo_v2",
    "cuMemAlloc_v2",
    "cuMemFree_v2",
    "cuMemHostAlloc",
    "cuMemFreeHost",
    "cuMemcpyHtoDAsync_v2",
    "cuMemcpyDtoHAsync_v2",
    "cuMemcpyDtoDAsync_v2",
    "cuMemsetD8Async",
    "cuStreamCreate",
    "cuStreamDestroy_v2",
    "cuStreamSynchronize",
    "cuStreamBeginCapture_v2",
    "cuStreamEndCapture",
    "cuModuleLoadData",
    "cuModuleGetFunction",
    "cuFuncSetAttribute",
    "cuLaunchKernel",
    "cuGraphInstantiateWithFlags",
    "cuGraphDestroy",
    "cuGraphExecDestroy",
    "cuGraphLaunch",
    "cuEventCreate",
    "cuEventDestroy_v2",
    "cuEventRecord",
    "cuEventSynchronize",
    "cuEventElapsedTime",
];

/// A call into the driver that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) call: &'static str,
    pub(super) code: sys::CUresult,
}

impl Fault {
    pub(super) fn is_out_of_memory(&self) -> bool {
        self.code == sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY
    }

    /// The driver's name of the error.
    pub(super) fn name(&self) -> String {
        format!("{:?}", self.code)
    }
}

impl From<Fault> for ModelError {
    fn from(fault: Fault) -> Self {
        if fault.is_out_of_memory() {
            return Self::Memory(
                "the NVIDIA card has no memory left: choose a smaller picture or fewer candidates, close other \
                 programs that use it, or choose the CPU (--device cpu)"
                    .to_owned(),
            );
        }
        Self::Card(format!(
            "the NVIDIA card failed ({}: {}): start the program again, or choose the CPU (--device cpu)",
            fault.call,
            fault.name()
        ))
    }
}

fn check(call: &'static str, code: sys::CUresult) -> Result<(), Fault> {
    match code {
        sys::CUresult::CUDA_SUCCESS => Ok(()),
        code => Err(Fault { call, code }),
    }
}

/// Calls a function of the driver and names it in the error.
macro_rules! call {
    ($function:ident($($argument:expr),* $(,)?)) => {
        // SAFETY: found in the driver (`missing`); arguments as said at the head of this file.
        check(stringify!($function), unsafe { sys::$function($($argument),*) })
    };
}

/// Whether a driver can be opened at all.
pub(super) fn is_present() -> bool {
    // SAFETY: opens a library by name; that of the driver runs nothing by being opened.
    unsafe { sys::is_culib_present() }
}

/// The functions an opened driver lacks.
pub(super) fn missing() -> Vec<&'static str> {
    let lacks = |name: &&&str| {
        // SAFETY: the function is looked up, not called.
        unsafe {
            sys::culib()
                .get::<unsafe extern "C" fn()>(name.as_bytes())
                .is_err()
        }
    };
    FUNCTIONS.iter().filter(lacks).copied().collect()
}

/// Starts the driver.
pub(super) fn start() -> Result<(), Fault> {
    call!(cuInit(0))
}

/// Version of CUDA the driver is of: 1000 * major + 10 * minor.
pub(super) fn version() -> Result<i32, Fault> {
    let mut version = 0;
    call!(cuDriverGetVersion(&mut version))?;
    Ok(version)
}

pub(super) fn count() -> Result<i32, Fault> {
    let mut count = 0;
    call!(cuDeviceGetCount(&mut count))?;
    Ok(count)
}

/// What a card says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Features {
    pub(super) name: String,
    /// Compute capability, major and minor.
    pub(super) capability: (i32, i32),
    pub(super) multiprocessors: usize,
    /// Bytes of shared memory a block may ask for.
    pub(super) shared_bytes: usize,
    pub(super) total_bytes: u64,
}

pub(super) fn features(ordinal: i32) -> Result<Features, Fault> {
    use sys::CUdevice_attribute as Of;
    let mut device = 0;
    call!(cuDeviceGet(&mut device, ordinal))?;
    let mut name = [0; 128];
    call!(cuDeviceGetName(name.as_mut_ptr(), name.len() as c_int, device))?;
    // SAFETY: the driver ends names with a 0 and writes within the length it is given.
    let name = unsafe { CStr::from_ptr(name.as_ptr()) }
        .to_string_lossy()
        .into_owned();
    let attribute = |which| {
        let mut value = 0;
        call!(cuDeviceGetAttribute(&mut value, which, device)).map(|()| value)
    };
    let mut total = 0;
    call!(cuDeviceTotalMem_v2(&mut total, device))?;
    Ok(Features {
        name,
        capability: (
            attribute(Of::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
            attribute(Of::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
        ),
        multiprocessors: attribute(Of::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)? as usize,
        shared_bytes: attribute(Of::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)? as usize,
        total_bytes: total as u64,
    })
}

/// A card's context and the one stream everything runs in.
pub(super) struct Context {
    device: sys::CUdevice,
    context: sys::CUcontext,
    stream: sys::CUstream,
    /// Bytes of memory reserved now, and most so far.
    reserved: AtomicU64,
    most_reserved: AtomicU64,
}

// SAFETY: the driver's handles may be used from any thread; each call makes the context current first.
unsafe impl Send for Context {}
// SAFETY: as above; the driver locks what it shares.
unsafe impl Sync for Context {}

impl Context {
    pub(super) fn new(ordinal: i32) -> Result<Arc<Self>, Fault> {
        let mut made = Self {
            device: 0,
            context: null_mut(),
            stream: null_mut(),
            reserved: AtomicU64::new(0),
            most_reserved: AtomicU64::new(0),
        };
        call!(cuDeviceGet(&mut made.device, ordinal))?;
        call!(cuDevicePrimaryCtxRetain(&mut made.context, made.device))?;
        made.enter()?;
        let flag = sys::CUstream_flags::CU_STREAM_NON_BLOCKING as u32;
        call!(cuStreamCreate(&mut made.stream, flag))?;
        Ok(Arc::new(made))
    }

    /// Makes the context the calling thread's.
    fn enter(&self) -> Result<(), Fault> {
        call!(cuCtxSetCurrent(self.context))
    }

    /// Bytes free, and bytes in all.
    pub(super) fn memory(&self) -> Result<(u64, u64), Fault> {
        self.enter()?;
        let (mut free, mut total) = (0, 0);
        call!(cuMemGetInfo_v2(&mut free, &mut total))?;
        Ok((free as u64, total as u64))
    }

    /// Most bytes of memory reserved at once so far.
    pub(super) fn most_reserved(&self) -> u64 {
        self.most_reserved.load(Ordering::Relaxed)
    }

    /// Waits for everything asked for so far.
    pub(super) fn wait(&self) -> Result<(), Fault> {
        self.enter()?;
        call!(cuStreamSynchronize(self.stream))
    }

    /// Memory that holds whatever it holds; `what` is for, in words, if there is none left.
    pub(super) fn reserve(self: &Arc<Self>, what: &str, bytes: usize) -> Result<Memory, ModelError> {
        self.enter()?;
        let mut at = 0;
        match call!(cuMemAlloc_v2(&mut at, bytes.max(1))) {
            Err(fault) if fault.is_out_of_memory() => {
                let free = self.memory().map_or_else(
                    |_| String::new(),
                    |(free, _)| format!(", {} are free", gigabytes(free)),
                );
                Err(ModelError::Memory(format!(
                    "{what} needs {} of the NVIDIA card's memory{free}: choose a smaller picture, fewer candidates or \
                     a smaller model, close other programs that use it, or choose the CPU (--device cpu)",
                    gigabytes(bytes as u64)
                )))
            }
            reserved => {
                reserved?;
                let now = self.reserved.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
                self.most_reserved.fetch_max(now, Ordering::Relaxed);
                Ok(Memory {
                    context: self.clone(),
                    at,
                    bytes,
                })
            }
        }
    }

    /// Memory of zeros.
    pub(super) fn zeros(self: &Arc<Self>, what: &str, bytes: usize) -> Result<Memory, ModelError> {
        let memory = self.reserve(what, bytes)?;
        call!(cuMemsetD8Async(memory.at, 0, bytes, self.stream))?;
        Ok(memory)
    }

    /// Memory that holds `values`.
    pub(super) fn holding<T: bytemuck::NoUninit>(
        self: &Arc<Self>,
        what: &str,
        values: &[T],
    ) -> Result<Memory, ModelError> {
        let memory = self.reserve(what, size_of_val(values))?;
        memory.put(0, values)?;
        Ok(memory)
    }

    /// Host memory the card reads and writes without a copy in between.
    pub(super) fn host(self: &Arc<Self>, bytes: usize) -> Result<HostMemory, Fault> {
        self.enter()?;
        let mut at = null_mut();
        call!(cuMemHostAlloc(&mut at, bytes, 0))?;
        // SAFETY: as long as was asked for, and nobody else's.
        unsafe { std::ptr::write_bytes(at.cast::<u8>(), 0, bytes) };
        Ok(HostMemory {
            context: self.clone(),
            at,
            bytes,
        })
    }

    /// Kernels from the text of a module of PTX, which ends with a 0.
    pub(super) fn module(self: &Arc<Self>, ptx: &CStr) -> Result<Module, Fault> {
        self.enter()?;
        let mut module = null_mut();
        call!(cuModuleLoadData(&mut module, ptx.as_ptr().cast::<c_void>()))?;
        Ok(Module {
            context: self.clone(),
            module,
        })
    }

    /// Records what `work` launches, to be done as often as wanted.
    pub(super) fn record<E: From<Fault>>(
        self: &Arc<Self>,
        work: impl FnOnce() -> Result<(), E>,
    ) -> Result<Graph, E> {
        self.enter()?;
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        call!(cuStreamBeginCapture_v2(self.stream, mode))?;
        let done = work();
        let mut graph = null_mut();
        // Ended in any case, else the stream stays unusable.
        let ended = call!(cuStreamEndCapture(self.stream, &mut graph));
        done?;
        ended?;
        let mut exec = null_mut();
        let made = call!(cuGraphInstantiateWithFlags(&mut exec, graph, 0));
        call!(cuGraphDestroy(graph))?;
        made?;
        Ok(Graph {
            context: self.clone(),
            exec,
        })
    }

    /// A mark in the stream, for measuring time.
    pub(super) fn mark(self: &Arc<Self>) -> Result<Mark, Fault> {
        self.enter()?;
        let mut mark = Mark {
            context: self.clone(),
            event: null_mut(),
        };
        call!(cuEventCreate(&mut mark.event, 0))?;
        call!(cuEventRecord(mark.event, self.stream))?;
        Ok(mark)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // Nothing can be done about a driver that will not take back what it gave.
        let _ = self.enter();
        if !self.stream.is_null() {
            let _ = call!(cuStreamDestroy_v2(self.stream));
        }
        if !self.context.is_null() {
            let _ = call!(cuDevicePrimaryCtxRelease_v2(self.device));
        }
    }
}

/// Memory of a card.
pub(super) struct Memory {
    context: Arc<Context>,
    at: sys::CUdeviceptr,
    bytes: usize,
}

impl Memory {
    /// Address of byte `offset`, as kernels take it.
    pub(super) fn at(&self, offset: usize) -> u64 {
        debug_assert!(offset <= self.bytes, "{offset} is beyond {}", self.bytes);
        self.at + offset as u64
    }

    pub(super) fn len(&self) -> usize {
        self.bytes
    }

    fn within(&self, offset: usize, bytes: usize) -> Result<(), Fault> {
        match offset.checked_add(bytes) {
            Some(end) if end <= self.bytes => Ok(()),
            _ => Err(Fault {
                call: "a copy beyond its memory",
                code: sys::CUresult::CUDA_ERROR_INVALID_VALUE,
            }),
        }
    }

    /// Copies values to byte `offset` on; done when it returns.
    pub(super) fn put<T: bytemuck::NoUninit>(&self, offset: usize, values: &[T]) -> Result<(), Fault> {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        self.within(offset, bytes.len())?;
        if bytes.is_empty() {
            return Ok(());
        }
        self.context.enter()?;
        let from = bytes.as_ptr().cast::<c_void>();
        let to = self.at + offset as u64;
        call!(cuMemcpyHtoDAsync_v2(to, from, bytes.len(), self.context.stream))?;
        // What is not pinned may be read later than the call returns.
        self.context.wait()
    }

    /// Copies from the start of `from` in the order of the stream; `from` must not be written until
    /// that has happened.
    pub(super) fn put_from(&self, offset: usize, from: &HostMemory, bytes: usize) -> Result<(), Fault> {
        self.within(offset, bytes)?;
        self.context.enter()?;
        let to = self.at + offset as u64;
        call!(cuMemcpyHtoDAsync_v2(
            to,
            from.at,
            bytes.min(from.bytes),
            self.context.stream
        ))
    }

    /// Copies to the start of `to` in the order of the stream.
    pub(super) fn get_into(&self, offset: usize, to: &mut HostMemory, bytes: usize) -> Result<(), Fault> {
        self.within(offset, bytes)?;
        self.context.enter()?;
        let from = self.at + offset as u64;
        call!(cuMemcpyDtoHAsync_v2(
            to.at,
            from,
            bytes.min(to.bytes),
            self.context.stream
        ))
    }

    /// Reads `count` values from byte `offset` on, when all work before is done.
    pub(super) fn get<T: bytemuck::AnyBitPattern + bytemuck::NoUninit>(
        &self,
        offset: usize,
        count: usize,
    ) -> Result<Vec<T>, Fault> {
        let mut values = vec![T::zeroed(); count];
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut values);
        self.within(offset, bytes.len())?;
        if bytes.is_empty() {
            return Ok(values);
        }
        self.context.enter()?;
        let to = bytes.as_mut_ptr().cast::<c_void>();
        let from = self.at + offset as u64;
        call!(cuMemcpyDtoHAsync_v2(to, from, bytes.len(), self.context.stream))?;
        self.context.wait()?;
        Ok(values)
    }

    /// Copies within this memory, in the order of the stream; the two places must not overlap.
    pub(super) fn copy_within(&self, from: usize, to: usize, bytes: usize) -> Result<(), Fault> {
        self.within(from, bytes)?;
        self.within(to, bytes)?;
        self.context.enter()?;
        let (from, to) = (self.at + from as u64, self.at + to as u64);
        call!(cuMemcpyDtoDAsync_v2(to, from, bytes, self.context.stream))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // Kernels that use it may still run.
        let _ = self.context.wait();
        let _ = call!(cuMemFree_v2(self.at));
        self.context
            .reserved
            .fetch_sub(self.bytes as u64, Ordering::Relaxed);
    }
}

/// Host memory at a fixed place.
pub(super) struct HostMemory {
    context: Arc<Context>,
    at: *mut c_void,
    bytes: usize,
}

// SAFETY: it is owned memory like a Vec's.
unsafe impl Send for HostMemory {}

impl HostMemory {
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: allocated with this length, initialised, borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.at.cast::<u8>(), self.bytes) }
    }

    /// A copy of the value at the start. Whoever wrote it must have been waited for.
    pub(super) fn value<T: bytemuck::AnyBitPattern>(&self) -> Option<T> {
        // SAFETY: within the allocation; any bits make a T.
        (size_of::<T>() <= self.bytes).then(|| unsafe { read_unaligned(self.at.cast::<T>()) })
    }
}

impl Drop for HostMemory {
    fn drop(&mut self) {
        let _ = self.context.wait();
        let _ = call!(cuMemFreeHost(self.at));
    }
}

/// Kernels of one file. It is never given back: kernels are handles without an owner.
pub(super) struct Module {
    context: Arc<Context>,
    module: sys::CUmodule,
}

// SAFETY: as for `Context`.
unsafe impl Send for Module {}
// SAFETY: as for `Context`.
unsafe impl Sync for Module {}

impl Module {
    /// A kernel that asks for up to `shared_bytes` of dynamic shared memory.
    pub(super) fn kernel(&self, name: &CStr, shared_bytes: usize) -> Result<Kernel, Fault> {
        self.context.enter()?;
        let mut function = null_mut();
        call!(cuModuleGetFunction(&mut function, self.module, name.as_ptr()))?;
        let attribute = sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        if shared_bytes > 48 << 10 {
            call!(cuFuncSetAttribute(function, attribute, shared_bytes as c_int))?;
        }
        Ok(Kernel {
            context: self.context.clone(),
            function,
        })
    }
}

/// A kernel.
#[derive(Clone)]
pub(super) struct Kernel {
    context: Arc<Context>,
    function: sys::CUfunction,
}

// SAFETY: as for `Context`.
unsafe impl Send for Kernel {}
// SAFETY: as for `Context`.
unsafe impl Sync for Kernel {}

/// How many blocks of how many threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) blocks: [usize; 3],
    pub(super) threads: usize,
    pub(super) shared_bytes: usize,
}

impl Extent {
    /// Blocks in one row.
    pub(super) fn row(blocks: usize, threads: usize) -> Self {
        Self {
            blocks: [blocks, 1, 1],
            threads,
            shared_bytes: 0,
        }
    }

    /// As many blocks in one row as hold `count` threads.
    pub(super) fn of_threads(count: usize, threads: usize) -> Self {
        Self::row(count.div_ceil(threads), threads)
    }
}

impl Kernel {
    /// Launches the kernel. Each argument is the bytes of one parameter, in their order; kernels trust
    /// them. The emulated driver compares their number and sizes with the PTX.
    pub(super) fn launch(&self, extent: Extent, arguments: &[&[u8]]) -> Result<(), Fault> {
        self.context.enter()?;
        let mut pointers: Vec<*mut c_void> = arguments
            .iter()
            .map(|bytes| bytes.as_ptr().cast_mut().cast())
            .collect();
        let [x, y, z] = extent.blocks.map(|side| side as u32);
        call!(cuLaunchKernel(
            self.function,
            x,
            y,
            z,
            extent.threads as u32,
            1,
            1,
            extent.shared_bytes as u32,
            self.context.stream,
            pointers.as_mut_ptr(),
            null_mut(),
        ))
    }
}

/// A recorded series of launches.
pub(super) struct Graph {
    context: Arc<Context>,
    exec: sys::CUgraphExec,
}

// SAFETY: as for `Context`.
unsafe impl Send for Graph {}

impl Graph {
    pub(super) fn replay(&self) -> Result<(), Fault> {
        self.context.enter()?;
        call!(cuGraphLaunch(self.exec, self.context.stream))
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        let _ = self.context.wait();
        let _ = call!(cuGraphExecDestroy(self.exec));
    }
}

/// A moment in the stream.
pub(super) struct Mark {
    context: Arc<Context>,
    event: sys::CUevent,
}

// SAFETY: as for `Context`.
unsafe impl Send for Mark {}

impl Mark {
    /// Waits until the stream has come here.
    pub(super) fn wait(&self) -> Result<(), Fault> {
        self.context.enter()?;
        call!(cuEventSynchronize(self.event))
    }

    /// Seconds from here to a later mark, which is waited for.
    pub(super) fn seconds_to(&self, later: &Self) -> Result<f64, Fault> {
        later.wait()?;
        let mut milliseconds = 0.0;
        call!(cuEventElapsedTime(&mut milliseconds, self.event, later.event))?;
        Ok(f64::from(milliseconds) / 1e3)
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        let _ = self.context.enter();
        let _ = call!(cuEventDestroy_v2(self.event));
    }
}
