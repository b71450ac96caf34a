//! Numbers as text.

use core::fmt;

#[cfg(not(target_arch = "wasm32"))]
use itoa::Buffer;
#[cfg(target_arch = "wasm32")]
use small::Buffer;

/// Writes a number in decimal.
pub(crate) fn write_number(out: &mut impl fmt::Write, number: u64) -> fmt::Result {
    out.write_str(Buffer::new().format(number))
}

/// What `itoa` does with a table and a quarter of a kilobyte more.
#[cfg(any(test, target_arch = "wasm32"))]
mod small {
    /// As many digits as the largest number has.
    pub(super) struct Buffer([u8; 20]);

    impl Buffer {
        pub(super) const fn new() -> Self {
            Self([b'0'; 20])
        }

        pub(super) fn format(&mut self, mut number: u64) -> &str {
            let mut before = self.0.len();
            for digit in self.0.iter_mut().rev() {
                *digit = b'0' | (number % 10) as u8;
                number /= 10;
                before = before.wrapping_sub(1);
                if number == 0 {
                    break;
                }
            }
            core::str::from_utf8(self.0.get(before..).unwrap_or_default()).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::small::Buffer;

    #[test]
    fn as_itoa_writes_them() {
        for number in [0, 9, 10, 1_711_612_800, 999_999_999_999, u64::MAX - 9, u64::MAX] {
            assert_eq!(Buffer::new().format(number), itoa::Buffer::new().format(number));
        }
    }
}
