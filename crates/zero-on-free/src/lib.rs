//! A global allocator that overwrites memory before freeing it, so that no secret is left in it.
//!
//! Drivers copy a password into several buffers and free them without overwriting them. With this
//! allocator, a copy is erased when it is freed.
//!
//! ```
//! use zero_on_free::ZeroOnFree;
//!
//! #[global_allocator]
//! static ALLOCATOR: ZeroOnFree = ZeroOnFree;
//! ```
#![allow(unsafe_code, reason = "an allocator is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::arch::asm;
use std::ptr;

/// Larger blocks are not overwritten, for speed: they contain results and responses. An auth token
/// has a few kilobytes.
const LARGEST: usize = 64 << 10;

/// The system's allocator, except that it overwrites blocks of up to 64 KiB before it frees them.
#[derive(Clone, Copy, Debug, Default)]
pub struct ZeroOnFree;

// SAFETY: every block is allocated and freed by `System` with the same layout. In between, only a
// block that its owner has given up is written to.
unsafe impl GlobalAlloc for ZeroOnFree {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the contract is the same as this function's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline(never)] // it is called in thousands of places
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if layout.size() <= LARGEST {
            // SAFETY: the caller gives up a block of this layout.
            unsafe { overwrite(block, layout.size()) };
        }
        // SAFETY: as above; the block came from `System`.
        unsafe { System.dealloc(block, layout) };
    }

    #[inline(never)]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.size() > LARGEST {
            // SAFETY: as above.
            return unsafe { System.realloc(block, layout, size) };
        }
        // The system would move the contents and free the old block, or its end, without
        // overwriting it.
        // SAFETY: the caller guarantees that `size`, rounded up to the alignment, does not overflow
        // isize.
        let new_layout = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: the caller guarantees that the size is not zero.
        let new_block = unsafe { self.alloc(new_layout) };
        if !new_block.is_null() {
            // SAFETY: both blocks are live, at least that large, and do not overlap.
            unsafe { ptr::copy_nonoverlapping(block, new_block, layout.size().min(size)) };
            // SAFETY: the caller gives the old block up.
            unsafe { self.dealloc(block, layout) };
        }
        new_block
    }
}

/// Overwrites a block with zeros, although nothing reads them.
///
/// # Safety
/// The block is live, has `size` bytes, and nothing else uses it.
unsafe fn overwrite(block: *mut u8, size: usize) {
    // SAFETY: the caller guarantees it.
    unsafe { ptr::write_bytes(block, 0, size) };
    // The compiler may omit writes to memory that is freed next. It must assume that this, which is
    // no instruction at all, reads them.
    // SAFETY: it does nothing.
    unsafe { asm!("/* {block} */", block = in(reg) block, options(nostack, preserves_flags)) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(size: usize) -> (*mut u8, Layout) {
        let layout = Layout::from_size_align(size, 8).unwrap();
        // SAFETY: the size is not zero.
        let block = unsafe { ZeroOnFree.alloc(layout) };
        assert!(!block.is_null());
        // SAFETY: it has just been allocated.
        unsafe { ptr::write_bytes(block, b'x', size) };
        (block, layout)
    }

    #[test]
    fn blocks_keep_what_they_hold_when_they_grow_and_shrink() {
        for (from, to) in [(10, 100), (100, 10), (LARGEST, 2 * LARGEST), (2 * LARGEST, 10)] {
            let (old, layout) = block(from);
            // SAFETY: the block is of this layout, and no size is zero.
            let new = unsafe { ZeroOnFree.realloc(old, layout, to) };
            // SAFETY: so many bytes were written before it moved.
            let kept = unsafe { std::slice::from_raw_parts(new, from.min(to)) };
            assert!(kept.iter().all(|byte| *byte == b'x'), "from {from} to {to}");
            // SAFETY: it is not used again.
            unsafe { ZeroOnFree.dealloc(new, Layout::from_size_align(to, 8).unwrap()) };
        }
    }

    #[test]
    fn a_block_is_overwritten_whole() {
        for size in [1, 7, 8, 4096, LARGEST] {
            let (block, layout) = block(size);
            // SAFETY: the block is live and this test's own.
            unsafe { overwrite(block, size) };
            // SAFETY: as above.
            let left = unsafe { std::slice::from_raw_parts(block, size) };
            assert!(left.iter().all(|byte| *byte == 0), "{size}");
            // SAFETY: it is not used again.
            unsafe { ZeroOnFree.dealloc(block, layout) };
        }
    }
}
