//! The driver of NVIDIA cards as this program uses it: opened at run time, so that one program runs on
//! machines with a card and without. Memory, copies, kernels by name, recorded graphs; every call in
//! one stream, so all work is done in the order it was asked for.
//!
//! All `unsafe` code of the CUDA path is in this folder. What makes it sound: handles are made and
//! given back here alone, copies are bounded by the lengths of both sides, and the functions called
//! were found in the driver before the first call ([`missing`]). What kernels do with their arguments
//! is proven on the emulator (`tests/cuda`), which runs behind this same interface.
#![allow(unsafe_code)]

mod memory;
mod work;

use crate::model::weights::ModelError;
use crate::task::gigabytes;
use cudarc::driver::sys;
use std::ffi::{CStr, c_int, c_void};
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) use memory::{HostMemory, Memory};
pub(super) use work::{Extent, Graph, Kernel, Mark, Module};

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
        // SAFETY: found in the driver (`missing`); arguments as said at the head of `driver`.
        check(stringify!($function), unsafe { sys::$function($($argument),*) })
    };
}

use call;

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
