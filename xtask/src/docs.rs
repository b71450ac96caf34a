//! `cargo xtask docs`: the documentation's site, from docs/ and the sources, into `target/site`.

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::project::{root, step, target};
use crate::{python, setup};

/// Builds the site. A link or an anchor that leads nowhere, and a quoted file that is not there, is an error.
pub fn build(sh: &Shell) -> Result<()> {
    step("documentation: the API references of Rust and JavaScript");
    let docs = root().join("docs");
    setup::npm(sh, &root().join("xtask/tools"))?; // the types of Node
    setup::npm(sh, &docs)?;
    let typedoc = docs.join("node_modules/.bin/typedoc");
    let (options, output) = (docs.join("typedoc.config.mjs"), target().join("typedoc"));
    cmd!(sh, "{typedoc} --options {options} --out {output} --logLevel Warn").quiet().run()?;
    rustdoc(sh)?;
    step("documentation: the site");
    let python = python::environment(sh, "venv-docs", &docs.join("requirements.txt"))?;
    let (config, site) = (docs.join("mkdocs.yml"), target().join("site"));
    cmd!(sh, "{python} -m mkdocs --quiet build --strict --config-file {config} --site-dir {site}")
        // A notice about the next major version of MkDocs, which is not the one that is pinned.
        .env("NO_MKDOCS_2_WARNING", "true")
        .run()
        .context("the site could not be built")?;
    links(sh)
}

/// The crate's reference, into `target/doc`.
fn rustdoc(sh: &Shell) -> Result<()> {
    // `clarife_webhooks` alone, whatever was documented there before.
    sh.remove_path(target().join("doc"))?;
    cmd!(sh, "cargo doc --quiet --locked --package clarife-webhooks --all-features --no-deps")
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()?;
    Ok(())
}

/// Follows every link inside the built site, those of the API references too. What is elsewhere is not asked for.
fn links(sh: &Shell) -> Result<()> {
    let linkinator = root().join("docs/node_modules/.bin/linkinator");
    let site = target().join("site");
    let _folder = sh.push_dir(&site);
    // The last is in every type's list of blanket implementations: what tracing says of one of its own links wrongly.
    let skipped = ["--skip", "^(?!http://localhost)", "--skip", "/dispatcher$"];
    let flags = &[&["--recurse", "--verbosity", "error"], &skipped[..]].concat();
    cmd!(sh, "{linkinator} . {flags...}").quiet().run().context("links in target/site lead nowhere")?;
    // Anchors too, but for rustdoc's, which it checks itself: linkinator takes the escaped ones of generic types for dead.
    cmd!(sh, "{linkinator} . {flags...} --check-fragments --skip /api/rust/")
        .quiet()
        .run()
        .context("anchors in target/site lead nowhere")?;
    eprintln!("{}", site.join("index.html").display());
    Ok(())
}
