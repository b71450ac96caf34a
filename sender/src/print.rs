//! Printing without panics. The standard library's macros panic when the reader of a pipe has gone.

use std::fmt::Arguments;
use std::io::{ErrorKind, IsTerminal, Write as _};

/// Status of a process that SIGPIPE has ended, as shells report it.
const BROKEN_PIPE: i32 = 141;

/// Prints a line on standard output; replaces the standard library's macro in this crate.
macro_rules! println {
    ($($text:tt)+) => { $crate::print::line(format_args!($($text)+)) };
}

/// Prints a line on standard error; replaces the standard library's macro in this crate.
macro_rules! eprintln {
    ($($text:tt)+) => { $crate::print::error_line(format_args!($($text)+)) };
}

/// Prints a line on standard output. Ends the process if that fails, and says nothing if the reader has gone.
pub(crate) fn line(text: Arguments<'_>) {
    let mut stdout = std::io::stdout().lock();
    let Err(error) = writeln!(stdout, "{text}").and_then(|()| stdout.flush()) else { return };
    drop(stdout);
    if error.kind() == ErrorKind::BrokenPipe {
        std::process::exit(BROKEN_PIPE);
    }
    error_line(format_args!("error: cannot print: {error}"));
    std::process::exit(1);
}

/// Prints a line on standard error, if possible.
pub(crate) fn error_line(text: Arguments<'_>) {
    let _ = writeln!(std::io::stderr().lock(), "{text}"); // an error has no other place to go
}

/// Returns `true` if text for a stream may have colours: a terminal, without the variable `NO_COLOR`.
pub(crate) fn may_be_coloured(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
