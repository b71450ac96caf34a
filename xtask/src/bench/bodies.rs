//! Bodies of exact sizes: documents as clarife sends them.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde_json::json;
use xshell::Shell;

use crate::project::target;

/// The sizes of the bodies, in bytes.
pub const SIZES: [usize; 5] = [314, 1024, 10_240, 102_400, 1_048_576];
const QUICK: [usize; 2] = [1024, 10_240];

const ASCII: [&str; 4] = [
    "<p>Press <b>Save</b>, then wait for the check mark to appear &amp; go on.</p>",
    "<p>Start the server:</p><pre>npm run start -- --port 8080</pre>",
    "<p>See <a href=\\\"https://example.com/docs/setup\\\">the guide</a> for every option.</p>",
    "<h2>Before you begin</h2>",
];
const UNICODE: [&str; 4] = [
    "<p>Größe prüfen, dann „Speichern“ drücken und auf das Häkchen warten.</p>",
    "<p>「保存」を押して、チェックマークが表示されるまでお待ちください。</p>",
    "<p>Ouvrez la page «&nbsp;Réglages&nbsp;» à côté du café ☕️.</p>",
    "<h2>Прежде чем начать 🚀</h2>",
];

/// Writes the bodies as `<size>-<text>.json` into a folder, and returns its path.
pub fn write(sh: &Shell, quick: bool) -> Result<PathBuf> {
    let folder = target().join("bench/bodies");
    sh.remove_path(&folder)?;
    sh.create_dir(&folder)?;
    for &size in if quick { QUICK.as_slice() } else { &SIZES } {
        for (text, paragraphs) in [("ascii", ASCII), ("unicode", UNICODE)] {
            let body = body(size, paragraphs);
            ensure!(body.len() == size, "a body of {size} bytes has {}", body.len());
            sh.write_file(folder.join(format!("{size}-{text}.json")), body)?;
        }
    }
    Ok(folder)
}

/// Returns a document of as many blocks as fit. The title fills the rest.
fn body(size: usize, paragraphs: [&str; 4]) -> String {
    let mut blocks = String::new();
    for (index, paragraph) in paragraphs.into_iter().cycle().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let block =
            format!(r#"{comma}{{"id":"blk_{index}","type":"text","content":"{paragraph}","words":{}}}"#, 7 + index % 9);
        if document("", &blocks).len() + block.len() > size {
            break;
        }
        blocks.push_str(&block);
    }
    let left = size.saturating_sub(document("", &blocks).len());
    document(&"x".repeat(left), &blocks)
}

fn document(title: &str, blocks: &str) -> String {
    let created_at = json!("2026-03-28T12:00:00Z");
    format!(
        r#"{{"id":"evt_a1b2c3d4-5678-90ab-cdef-1234567890ab","type":"document.updated","created_at":{created_at},"data":{{"id":"doc_1","title":"Start{title}","content":{{"blocks":[{blocks}]}}}}}}"#
    )
}
