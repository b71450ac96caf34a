//! Looking for a byte, 16 at a time.

use wide::u8x16;

/// How many bytes stand before the first that is wanted. `wanted_of` is the same test for a block: all bits of what is wanted are set.
#[inline(always)]
pub(crate) fn find(bytes: &[u8], wanted: impl Fn(u8) -> bool, wanted_of: impl Fn(u8x16) -> u8x16) -> usize {
    let mut before: usize = 0;
    let (blocks, tail) = bytes.as_chunks::<16>();
    for block in blocks {
        let found = wanted_of(u8x16::new(*block)).to_bitmask();
        if found != 0 {
            return before.wrapping_add(found.trailing_zeros() as usize);
        }
        before = before.wrapping_add(16);
    }
    before.wrapping_add(tail.iter().position(|&byte| wanted(byte)).unwrap_or(tail.len()))
}
