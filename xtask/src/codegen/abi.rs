//! TypeScript: the numbers of the interface between JavaScript and its backends, and the options that are numbers there.

use std::fmt::Write as _;

use clarife_webhooks::abi::{COUNT, DONE, FULL, IN_PROGRESS, SLOTS, WEBHOOK_OPTIONS, WebhookOption};

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

/// Returns the options of a webhook: their table, and the interface that users see.
pub(super) fn webhook_options() -> String {
    let (mut members, mut table) = (String::new(), String::new());
    for (name, option, doc) in WEBHOOK_OPTIONS {
        let (kind, type_name) = match option {
            WebhookOption::Seconds(_) => ("seconds", "number"),
            WebhookOption::Switch(_) => ("switch", "boolean"),
        };
        let name = camel_case(name);
        let _ = writeln!(members, "  /** {doc} */\n  readonly {name}?: {type_name} | undefined;");
        let _ = writeln!(table, "  {{ name: {name:?}, kind: {kind:?} }},");
    }
    format!(
        "// {NOTE}\n\nimport type {{ Clock }} from \"./options.js\";\n\n\
         /** Options of a {{@link Webhook}}. Times are in seconds. */\nexport interface WebhookOptions {{\n{members}\
         \x20 /** A function that returns the time in Unix seconds. The system's clock by default. */\n\
         \x20 readonly clock?: Clock | undefined;\n}}\n\n\
         /** The options that the core knows, in the order of their numbers in `Backend.open`. */\n\
         export const WEBHOOK_OPTIONS = [\n{table}] as const;\n"
    )
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}
