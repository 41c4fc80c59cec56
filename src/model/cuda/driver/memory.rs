//! Memory of a card, memory of the host at a fixed place, and copies between them.

use super::{Context, Fault, call, check};
use cudarc::driver::sys;
use std::ffi::c_void;
use std::ptr::read_unaligned;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Memory of a card.
pub(in crate::model::cuda) struct Memory {
    pub(super) context: Arc<Context>,
    pub(super) at: sys::CUdeviceptr,
    pub(super) bytes: usize,
}

impl Memory {
    /// Address of byte `offset`, as kernels take it.
    pub(in crate::model::cuda) fn at(&self, offset: usize) -> u64 {
        debug_assert!(offset <= self.bytes, "{offset} is beyond {}", self.bytes);
        self.at + offset as u64
    }

    pub(in crate::model::cuda) fn len(&self) -> usize {
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
    pub(in crate::model::cuda) fn put<T: bytemuck::NoUninit>(
        &self,
        offset: usize,
        values: &[T],
    ) -> Result<(), Fault> {
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
    pub(in crate::model::cuda) fn put_from(
        &self,
        offset: usize,
        from: &HostMemory,
        bytes: usize,
    ) -> Result<(), Fault> {
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
    pub(in crate::model::cuda) fn get_into(
        &self,
        offset: usize,
        to: &mut HostMemory,
        bytes: usize,
    ) -> Result<(), Fault> {
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
    pub(in crate::model::cuda) fn get<T: bytemuck::AnyBitPattern + bytemuck::NoUninit>(
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
    pub(in crate::model::cuda) fn copy_within(
        &self,
        from: usize,
        to: usize,
        bytes: usize,
    ) -> Result<(), Fault> {
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
pub(in crate::model::cuda) struct HostMemory {
    pub(super) context: Arc<Context>,
    pub(super) at: *mut c_void,
    pub(super) bytes: usize,
}

// SAFETY: it is owned memory like a Vec's.
unsafe impl Send for HostMemory {}

impl HostMemory {
    pub(in crate::model::cuda) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: allocated with this length, initialised, borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.at.cast::<u8>(), self.bytes) }
    }

    /// A copy of the value at the start. Whoever wrote it must have been waited for.
    pub(in crate::model::cuda) fn value<T: bytemuck::AnyBitPattern>(&self) -> Option<T> {
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
