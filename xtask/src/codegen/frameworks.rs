//! The lists of frameworks in the documentation, from xtask's table.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use super::NOTE;
use super::markdown::table;
use crate::frameworks::{Framework, Language, modules};

/// The longest line of a list.
const WIDTH: usize = 116;

/// Returns a language's frameworks as a table, with links to pages beside it.
pub(super) fn tables(language: &str) -> Result<String> {
    let language = Language::ALL
        .into_iter()
        .find(|known| known.name() == language)
        .with_context(|| format!("unknown language {language}"))?;
    let import = if matches!(language, Language::Rust) { "feature" } else { "import" };
    let rows = language.frameworks().iter().map(|framework| {
        let name = link(framework, "");
        format!("{name} | `{}` | {}", framework.import, framework.raw_body)
    });
    Ok(table(&format!("framework | {import} | the body stays raw if"), rows))
}

/// Returns the names of all frameworks as a list of languages.
pub(super) fn names() -> String {
    list(|framework| framework.name.to_owned())
}

/// Returns links to all pages of frameworks as a list of languages, for a page in the folder above.
pub(super) fn links() -> String {
    list(|framework| link(framework, "frameworks/"))
}

/// Returns JavaScript's entries as a table for the package's README. Frameworks with an equal entry share a row.
pub(super) fn entries() -> String {
    let mut rows: Vec<(&Framework, String)> = Vec::new();
    for framework in Language::JavaScript.frameworks() {
        match rows.iter_mut().find(|(first, _)| first.import == framework.import) {
            Some((_, names)) => names.extend([", ", framework.name]),
            None => rows.push((framework, framework.name.to_owned())),
        }
    }
    let rows = rows.into_iter().map(|(row, names)| format!("`{}` | {names} | {}", row.import, row.raw_body));
    table("entry | for | the body stays raw if", rows)
}

/// Fills the exports of adapters in the npm package's manifest, which are the last before that of the manifest itself.
pub(super) fn fill_exports(manifest: &str) -> Result<String> {
    let (first, last) = ("    \"./wasm\": {\n", "    \"./package.json\": ");
    let (before, rest) = manifest.split_once(first).context("no export ./wasm")?;
    let (wasm, rest) = rest.split_once("\n    },\n").context("no end of the export ./wasm")?;
    let (_, after) = rest.split_once(last).context("no export ./package.json")?;
    let mut exports = String::new();
    for module in modules(Language::JavaScript) {
        let name = module.trim_start_matches("clarife-webhooks/");
        let _ = write!(
            exports,
            r#"    "./{name}": {{
      "types": {{
        "import": "./dist/adapters/{name}.d.mts",
        "default": "./dist/types/adapters/{name}.d.ts"
      }},
      "import": "./dist/adapters/{name}.mjs",
      "default": "./dist/adapters/{name}.cjs"
    }},
"#
        );
    }
    Ok(format!("{before}{first}{wasm}\n    }},\n{exports}{last}{after}"))
}

/// Returns a program that imports all receivers, for TypeScript's checks of the package's types.
pub(super) fn type_program(is_commonjs: bool) -> String {
    let adapters: Vec<_> =
        Language::JavaScript.frameworks().iter().filter(|framework| framework.hint.is_some()).collect();
    let mut program = format!("// {NOTE}\n");
    let main = if is_commonjs { "main = require(\"clarife-webhooks\")" } else { "* as main from \"clarife-webhooks\"" };
    let _ = writeln!(program, "import {main};");
    for framework in &adapters {
        let (adapter, import) = (framework.adapter(), framework.import);
        let _ = if is_commonjs {
            writeln!(program, "import {adapter} = require(\"{import}\");")
        } else {
            writeln!(program, "import * as {adapter} from \"{import}\";")
        };
    }
    let names: Vec<_> = adapters.iter().map(|framework| framework.adapter()).collect();
    let _ = write!(
        program,
        "\nconst webhook = new main.Webhook(\"whsec_a\");\n\
         for (const {{ receiver }} of [{}]) receiver(webhook, (event) => event.data);\n",
        names.join(", ")
    );
    program
}

/// Returns the references of Python's adapters.
pub(super) fn python_references() -> String {
    Language::Python.frameworks().iter().map(|framework| format!("::: {}\n", framework.import)).collect()
}

/// Returns the site's navigation to the pages of frameworks.
fn navigation() -> String {
    let mut yaml = String::new();
    for language in Language::ALL {
        let _ = writeln!(yaml, "      - {}:", language.name());
        for page in language.frameworks().iter().filter_map(|framework| framework.page) {
            let _ = writeln!(yaml, "          - frameworks/{page}.md");
        }
    }
    yaml
}

/// Fills the lines between `# begin: frameworks` and `# end` of the site's configuration.
pub(super) fn fill_navigation(config: &str) -> Result<String> {
    let begin = "      # begin: frameworks\n";
    let (before, rest) = config.split_once(begin).context("no block of frameworks")?;
    let (_, after) = rest.split_once("      # end\n").context("no end of the block of frameworks")?;
    Ok(format!("{before}{begin}{}      # end\n{after}", navigation()))
}

fn link(framework: &Framework, folder: &str) -> String {
    match framework.page {
        Some(page) => format!("[{}]({folder}{page}.md)", framework.name),
        None => framework.name.to_owned(),
    }
}

fn list(item: impl Fn(&Framework) -> String) -> String {
    let mut list = String::new();
    for language in Language::ALL {
        let mut line = format!("- **{}**:", language.name());
        let frameworks = language.frameworks();
        for (index, framework) in frameworks.iter().enumerate() {
            let end = if index + 1 == frameworks.len() { "" } else { "," };
            let item = item(framework) + end;
            if line.chars().count() + 1 + item.chars().count() > WIDTH {
                let _ = writeln!(list, "{line}");
                line = format!("  {item}");
            } else {
                line = format!("{line} {item}");
            }
        }
        let _ = writeln!(list, "{line}");
    }
    list
}
