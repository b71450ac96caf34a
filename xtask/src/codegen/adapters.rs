//! TypeScript constants of the adapters, from which a bundler takes only those that are imported.

use std::fmt::Write as _;

use clarife_webhooks::dedup;

use super::NOTE;
use crate::frameworks::Language;

pub(super) fn file() -> String {
    let mut ts = format!("// {NOTE}\n");
    for (adapter, hint) in Language::JavaScript.hints() {
        let name = adapter.to_uppercase();
        let _ = write!(
            ts,
            "\n/** The hint of `body_not_raw` for this framework. */\nexport const {name}_HINT =\n  {hint:?};\n"
        );
    }
    let _ = write!(
        ts,
        "\n/** The prefix of an event's id in the keys of a shared store. */\nexport const KEY_PREFIX = {:?};\n\
         \n/** The value of a handled event in a shared store. */\nexport const DONE = {:?};\n\
         \n/** The Redis script that releases a claim. */\nexport const RELEASE_SCRIPT =\n  {:?};\n",
        dedup::KEY_PREFIX,
        dedup::DONE,
        dedup::RELEASE_SCRIPT,
    );
    ts
}
