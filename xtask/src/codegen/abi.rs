//! TypeScript: the numbers of the interface between JavaScript and its backends.

use std::fmt::Write as _;

use clarife_webhooks::abi::{COUNT, DONE, FULL, IN_PROGRESS, SLOTS};

use super::NOTE;

pub(super) fn file() -> String {
    let mut ts = format!(
        "// {NOTE}\n\n\
         // The slots of `Backend.out`. Ends are exclusive. Positions in the body count UTF-16 code units, and those of a\n\
         // JSON string include its quotes.\n"
    );
    for (name, index, doc) in SLOTS {
        let _ = write!(ts, "\n/** {doc} */\nexport const {name} = {index};\n");
    }
    let _ = write!(
        ts,
        "\n/** The number of slots. */\nexport const COUNT = {COUNT};\n\
         \n/** The result of `Backend.claim` for an event that another worker is handling. */\nexport const IN_PROGRESS = {IN_PROGRESS};\n\
         \n/** The result of `Backend.claim` for an event that was handled before. */\nexport const DONE = {DONE};\n\
         \n/** The result of `Backend.claim` and `Backend.complete` with a full store. */\nexport const FULL = {FULL};\n",
    );
    ts
}
