//! What a card is given to do: kernels, recorded graphs of them, marks in the stream.

use super::{Context, Fault, call, check};
use cudarc::driver::sys;
use std::ffi::{CStr, c_int, c_void};
use std::ptr::null_mut;
use std::sync::Arc;

/// Kernels of one file. It is never given back: kernels are handles without an owner.
pub(in crate::model::cuda) struct Module {
    pub(super) context: Arc<Context>,
    pub(super) module: sys::CUmodule,
}

// SAFETY: as for `Context`.
unsafe impl Send for Module {}
// SAFETY: as for `Context`.
unsafe impl Sync for Module {}

impl Module {
    /// A kernel that asks for up to `shared_bytes` of dynamic shared memory.
    pub(in crate::model::cuda) fn kernel(&self, name: &CStr, shared_bytes: usize) -> Result<Kernel, Fault> {
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
pub(in crate::model::cuda) struct Kernel {
    pub(super) context: Arc<Context>,
    pub(super) function: sys::CUfunction,
}

// SAFETY: as for `Context`.
unsafe impl Send for Kernel {}
// SAFETY: as for `Context`.
unsafe impl Sync for Kernel {}

/// How many blocks of how many threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model::cuda) struct Extent {
    pub(in crate::model::cuda) blocks: [usize; 3],
    pub(in crate::model::cuda) threads: usize,
    pub(in crate::model::cuda) shared_bytes: usize,
}

impl Extent {
    /// Blocks in one row.
    pub(in crate::model::cuda) fn row(blocks: usize, threads: usize) -> Self {
        Self {
            blocks: [blocks, 1, 1],
            threads,
            shared_bytes: 0,
        }
    }

    /// As many blocks in one row as hold `count` threads.
    pub(in crate::model::cuda) fn of_threads(count: usize, threads: usize) -> Self {
        Self::row(count.div_ceil(threads), threads)
    }
}

impl Kernel {
    /// Launches the kernel. Each argument is the bytes of one parameter, in their order; kernels trust
    /// them. The emulated driver compares their number and sizes with the PTX.
    pub(in crate::model::cuda) fn launch(&self, extent: Extent, arguments: &[&[u8]]) -> Result<(), Fault> {
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
pub(in crate::model::cuda) struct Graph {
    pub(super) context: Arc<Context>,
    pub(super) exec: sys::CUgraphExec,
}

// SAFETY: as for `Context`.
unsafe impl Send for Graph {}

impl Graph {
    pub(in crate::model::cuda) fn replay(&self) -> Result<(), Fault> {
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
pub(in crate::model::cuda) struct Mark {
    pub(super) context: Arc<Context>,
    pub(super) event: sys::CUevent,
}

// SAFETY: as for `Context`.
unsafe impl Send for Mark {}

impl Mark {
    /// Waits until the stream has come here.
    pub(in crate::model::cuda) fn wait(&self) -> Result<(), Fault> {
        self.context.enter()?;
        call!(cuEventSynchronize(self.event))
    }

    /// Seconds from here to a later mark, which is waited for.
    pub(in crate::model::cuda) fn seconds_to(&self, later: &Self) -> Result<f64, Fault> {
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
