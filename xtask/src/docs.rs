//! `cargo xtask docs`: builds the documentation from docs/ and the sources into `target/site`.

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::project::{root, step, target};
use crate::{python, setup};

/// Builds the site.
///
/// # Errors
///
/// Returns an error for a dead link or anchor, and for a quoted file that does not exist.
pub fn build(sh: &Shell) -> Result<()> {
    step("documentation: the API references of Rust and JavaScript");
    let docs = root().join("docs");
    setup::npm(sh, &root().join("xtask/tools"))?; // for Node's types
    setup::npm(sh, &docs)?;
    let typedoc = docs.join("node_modules/.bin/typedoc");
    let (options, output) = (docs.join("typedoc.config.mjs"), target().join("typedoc"));
    cmd!(sh, "{typedoc} --options {options} --out {output} --logLevel Warn").quiet().run()?;
    rustdoc(sh)?;
    step("documentation: the site");
    let python = python::environment(sh, "venv-docs", &docs.join("requirements.txt"))?;
    let (config, site) = (docs.join("mkdocs.yml"), target().join("site"));
    cmd!(sh, "{python} -m mkdocs --quiet build --strict --config-file {config} --site-dir {site}")
        // Hides a notice about the next major version of MkDocs.
        .env("NO_MKDOCS_2_WARNING", "true")
        .run()
        .context("cannot build the site")?;
    links(sh)
}

/// Builds the crate's reference into `target/doc`, with each set of features that a user may build it with.
fn rustdoc(sh: &Shell) -> Result<()> {
    // Crates that were documented there before must not get onto the site.
    sh.remove_path(target().join("doc"))?;
    // All features come last: theirs is the reference on the site.
    for features in [Some("--no-default-features"), None, Some("--all-features")] {
        cmd!(sh, "cargo doc --quiet --locked --package clarife-webhooks --no-deps {features...}")
            .env("RUSTDOCFLAGS", "-D warnings")
            .run()?;
    }
    Ok(())
}

/// Follows every link inside the built site, including the API references. Links to other sites are not followed.
fn links(sh: &Shell) -> Result<()> {
    let linkinator = root().join("docs/node_modules/.bin/linkinator");
    let site = target().join("site");
    let _folder = sh.push_dir(&site);
    // `/dispatcher` is a dead link in tracing's docs, which rustdoc copies into every type's blanket implementations.
    let skipped = ["--skip", "^(?!http://localhost)", "--skip", "/dispatcher$"];
    let flags = &[&["--recurse", "--verbosity", "error"], &skipped[..]].concat();
    cmd!(sh, "{linkinator} . {flags...}").quiet().run().context("dead links in target/site")?;
    // Not rustdoc's anchors: rustdoc checks them, and linkinator reports the escaped ones of generic types as dead.
    cmd!(sh, "{linkinator} . {flags...} --check-fragments --skip /api/rust/")
        .quiet()
        .run()
        .context("dead anchors in target/site")?;
    eprintln!("{}", site.join("index.html").display());
    Ok(())
}
