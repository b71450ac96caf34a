//! The page of a package, which the registries show apart from the repository.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use regex::Regex;

use crate::project::root;

/// The address of this repository's files.
const FILES: &str = r"^https://github\.com/clarife/clarife-webhooks/(?:blob|tree)/main/([^#]+)";

/// Checks that links work without the repository, and that the registries can color the code.
pub(super) fn check(text: &str) -> Result<()> {
    let definition = Regex::new(r"^\[([^\]]+)\]: (\S+)")?;
    let (link, reference) = (Regex::new(r"\]\(([^)\s]+)")?, Regex::new(r"\]\[([^\]]+)\]")?);
    let files = Regex::new(FILES)?;
    let labels: BTreeSet<_> = text.lines().filter_map(|line| Some(definition.captures(line)?[1].to_owned())).collect();
    let (mut in_code, mut after_blank) = (false, true);
    for line in text.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            ensure!(in_code || !language.is_empty(), "the README has code without a language");
            in_code = !in_code;
        } else if !in_code {
            ensure!(!(after_blank && line.starts_with("    ")), "the README has indented code: {line}");
            let defined = definition.captures_iter(line).map(|found| found[2].to_owned());
            for url in link.captures_iter(line).map(|found| found[1].to_owned()).chain(defined) {
                ensure!(url.starts_with("https://") || url.starts_with('#'), "the README has a relative link: {url}");
                let file = files.captures(&url).map(|found| root().join(&found[1]));
                ensure!(file.is_none_or(|file| file.exists()), "the README links to no file: {url}");
            }
            for found in reference.captures_iter(line) {
                ensure!(labels.contains(&found[1]), "the README has no link [{}]", &found[1]);
            }
        }
        after_blank = line.is_empty();
    }
    Ok(())
}
