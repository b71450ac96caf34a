//! A search for a byte that tests 16 bytes at a time.

use wide::u8x16;

/// Returns the index of the first byte that matches `predicate`, or `bytes.len()`.
///
/// `mask` is `predicate` for a block of 16 bytes. It sets all bits of each matching byte. Without blocks, parsing an
/// event of 300 bytes takes 18 % longer, and an event of 1 KiB 43 % longer.
#[inline(always)]
pub(crate) fn find(bytes: &[u8], predicate: impl Fn(u8) -> bool, mask: impl Fn(u8x16) -> u8x16) -> usize {
    let mut index: usize = 0;
    let (blocks, tail) = bytes.as_chunks::<16>();
    for block in blocks {
        let matches = mask(u8x16::new(*block)).to_bitmask();
        if matches != 0 {
            return index.wrapping_add(matches.trailing_zeros() as usize);
        }
        index = index.wrapping_add(16);
    }
    index.wrapping_add(tail.iter().position(|&byte| predicate(byte)).unwrap_or(tail.len()))
}
