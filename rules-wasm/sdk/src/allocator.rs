//! A pack's allocator: what a rule allocates is small, short-lived, and much of it of the same size.
//!
//! dlmalloc, which the standard library has for WebAssembly, looks for neighbours to merge with in each call; that was a third of
//! what the built-in rules cost. Here a small block goes back to the list of its size, where the next one of that size is taken
//! from. Larger ones are left to dlmalloc. The memory of small blocks is not given back: a rule's memory ends with its run.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr;

/// Sizes go up in such steps, and every block is aligned so.
const STEP: usize = 16;
/// Blocks of up to so many bytes are small.
const LARGEST: usize = 1 << 10;
/// What small blocks are cut from.
const CHUNK: usize = 64 << 10;

struct Lists {
    /// The first free block of each size. A free block begins with the address of the next one.
    free: [*mut u8; LARGEST / STEP + 1],
    /// What is left of the newest chunk.
    rest: *mut u8,
    left: usize,
}

pub(crate) struct Allocator(UnsafeCell<Lists>);

#[expect(unsafe_code, reason = "a component without threads has one stack, and no call here leads to another one")]
// SAFETY: see above; the module is not there where threads could be.
unsafe impl Sync for Allocator {}

#[global_allocator]
static ALLOCATOR: Allocator =
    Allocator(UnsafeCell::new(Lists { free: [ptr::null_mut(); LARGEST / STEP + 1], rest: ptr::null_mut(), left: 0 }));

/// The list that a block belongs to, if it is small.
const fn list_of(layout: &Layout) -> Option<usize> {
    if layout.size() <= LARGEST && layout.align() <= STEP { Some(layout.size().div_ceil(STEP)) } else { None }
}

impl Lists {
    /// A new block from the chunk; null where there is no more memory.
    #[cold]
    #[expect(unsafe_code, reason = "the chunk is dlmalloc's, and is cut within its bounds")]
    fn cut(&mut self, size: usize) -> *mut u8 {
        if self.left < size {
            let Ok(chunk) = Layout::from_size_align(CHUNK, STEP) else { return ptr::null_mut() };
            // SAFETY: the layout's size is not zero.
            self.rest = unsafe { System.alloc(chunk) };
            self.left = if self.rest.is_null() { 0 } else { CHUNK };
            if self.left == 0 {
                return ptr::null_mut();
            }
        }
        let block = self.rest;
        self.left -= size;
        // SAFETY: `size` bytes are left there, so that this is within the chunk or at its end.
        self.rest = unsafe { block.add(size) };
        block
    }
}

#[expect(unsafe_code, reason = "an allocator hands out raw memory")]
// SAFETY: a block is the caller's from `alloc` to `dealloc`, and in a list else. Its size is rounded up alike in both, from the
// layout, which is the same in both.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's layout is handed on.
        let Some(list) = list_of(&layout) else { return unsafe { System.alloc(layout) } };
        // SAFETY: there is one stack, and nothing below takes this again.
        let lists = unsafe { &mut *self.0.get() };
        let block = lists.free[list];
        if block.is_null() {
            return lists.cut(list * STEP);
        }
        // SAFETY: what is in a list is a free block, which begins with an address.
        lists.free[list] = unsafe { block.cast::<*mut u8>().read() };
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: what is not small came from there.
        let Some(list) = list_of(&layout) else { return unsafe { System.dealloc(block, layout) } };
        // SAFETY: there is one stack, and nothing below takes this again.
        let lists = unsafe { &mut *self.0.get() };
        // SAFETY: the block was cut here, is aligned, and has at least a step's bytes, which nobody uses any more.
        unsafe { block.cast::<*mut u8>().write(lists.free[list]) };
        lists.free[list] = block;
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if list_of(&layout).is_none() {
            // SAFETY: the caller's layout is handed on.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: as the caller promises.
        let block = unsafe { self.alloc(layout) };
        if !block.is_null() {
            // SAFETY: the block has as many bytes.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size, rounded up to the alignment, is no overflow.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (list_of(&layout), list_of(&wanted)) {
            (Some(own), Some(list)) if own == list => return block,
            // SAFETY: what is not small came from there.
            (None, None) => return unsafe { System.realloc(block, layout, size) },
            _ => {}
        }
        // SAFETY: the caller promises that the size is not zero.
        let moved = unsafe { self.alloc(wanted) };
        if !moved.is_null() {
            // SAFETY: both have as many bytes, and are two blocks; the old one is the caller's to give back.
            unsafe {
                ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
                self.dealloc(block, layout);
            }
        }
        moved
    }
}
