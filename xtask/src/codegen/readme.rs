//! The README's examples, which are files that the tests run, and its table of errors.

use anyhow::{Context as _, Result};
use clarife_webhooks::ErrorCode;

use crate::project::root;

/// Fills what stands between `<!-- begin: … -->` and `<!-- end -->`: a file's path, or `errors`.
pub(super) fn fill(readme: &str) -> Result<String> {
    let mut filled = String::new();
    let mut rest = readme;
    while let Some((before, after)) = rest.split_once("<!-- begin: ") {
        let (what, after) = after.split_once(" -->").context("a begin without its end in the README")?;
        let (_, after) = after.split_once("<!-- end -->").context("a begin without its end in the README")?;
        let content = if what == "errors" { errors() } else { file(what)? };
        filled.push_str(&format!("{before}<!-- begin: {what} -->\n{content}<!-- end -->"));
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn file(path: &str) -> Result<String> {
    let content = std::fs::read_to_string(root().join(path)).with_context(|| format!("the README names {path}"))?;
    let language = match path.rsplit('.').next() {
        Some("rs") => "rust,ignore",
        Some("py") => "python",
        _ => "js",
    };
    Ok(format!("\n```{language}\n{content}```\n\n"))
}

fn errors() -> String {
    let mut table = String::from("\n| `code` | what is wrong | what to do |\n|---|---|---|\n");
    for code in ErrorCode::ALL {
        let message = clarife_webhooks::WebhookError::from(code);
        table.push_str(&format!("| `{code}` | {message} | {} |\n", code.hint()));
    }
    table + "\n"
}
