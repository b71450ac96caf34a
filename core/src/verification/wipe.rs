//! Wiping the stack: a value that is moved is not wiped in its old place.

use core::hint::black_box;

use zeroize::Zeroize as _;

/// The depth of the stack that is wiped, in words of 8 bytes. Preparing keys and signing take less of it.
const WORDS: usize = if cfg!(debug_assertions) { 2048 } else { 512 };

/// The words between the caller and a function that [`wiping`] calls. They cover the part of [`wipe_stack`]'s own frame that it does
/// not wipe.
const GAP: usize = 64;

/// Calls a function that is not inlined, and wipes the stack that it has used.
pub(super) fn wiping<T>(call: impl FnOnce() -> T) -> T {
    let result = lower(call);
    wipe_stack();
    result
}

#[inline(never)]
fn lower<T>(call: impl FnOnce() -> T) -> T {
    let gap = [0_u64; GAP];
    black_box(&gap);
    let result = call();
    black_box(&gap);
    result
}

/// Overwrites the stack below the caller, where functions that have returned may have left copies of a key.
#[inline(never)]
pub(super) fn wipe_stack() {
    let mut stack = [0_u64; WORDS];
    stack.zeroize();
    black_box(&stack);
}
