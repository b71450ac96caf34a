//! TypeScript for the adapters, each of which takes only what it needs: the face has no use for these.

use std::fmt::Write as _;

use clarife_webhooks::{RAW_BODY_HINTS, dedup};

use super::NOTE;

/// The frameworks whose adapters are written in TypeScript.
const FRAMEWORKS: [&str; 6] = ["node", "express", "fastify", "koa", "nestjs", "lambda"];

pub(super) fn file() -> String {
    let mut ts = format!("// {NOTE}\n");
    for (framework, hint) in RAW_BODY_HINTS.iter().filter(|(framework, _)| FRAMEWORKS.contains(framework)) {
        let name = framework.to_uppercase();
        let _ = write!(ts, "\n/** How the body stays raw there. */\nexport const {name}_HINT =\n  {hint:?};\n");
    }
    let _ = write!(
        ts,
        "\n/** What stands before an event's id in the keys of a shared store. */\nexport const KEY_PREFIX = {:?};\n\
         \n/** What a shared store holds for an event that was handled. */\nexport const DONE = {:?};\n\
         \n/** Redis's script that releases a claim. */\nexport const RELEASE_SCRIPT =\n  {:?};\n",
        dedup::KEY_PREFIX,
        dedup::DONE,
        dedup::RELEASE_SCRIPT,
    );
    ts
}
