//! The English of the project, as far as a program can check `docs/style.md`; and that every cited section exists.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use regex::Regex;
use xshell::{Shell, cmd};

use crate::project::{root, step};

/// The share of doc comments of one area that may open with a question word, in percent.
const MAX_OPENERS: usize = 3;

/// Files that name the words, and data whose text is not prose.
const EXEMPT: [&str; 4] = ["docs/style.md", "xtask/src/prose.rs", "LICENSE", "lock"];

/// A place in a file, and the problem there.
type Problem = (PathBuf, usize, String);

/// The doc comments of an area, and those of them that open with a question word.
#[derive(Default)]
struct Openers {
    all: usize,
    found: Vec<Problem>,
}

/// Checks every tracked text file; prints all problems before it fails.
pub fn check(sh: &Shell) -> Result<()> {
    step("the English of comments and pages");
    let rules = Rules::new(&sh.read_file(root().join("docs/protocol.md"))?)?;
    let (mut areas, mut problems) = (BTreeMap::<String, Openers>::new(), Vec::new());
    for file in cmd!(sh, "git ls-files").quiet().read()?.lines().map(PathBuf::from) {
        let name = file.to_string_lossy();
        let Some(language) = Language::of(&file) else { continue };
        if name.contains("generated") || EXEMPT.iter().any(|exempt| name.contains(exempt)) {
            continue;
        }
        let Ok(text) = sh.read_file(root().join(&file)) else { continue };
        let area = file.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned());
        let openers = areas.entry(area.unwrap_or_default()).or_default();
        for (number, opener) in language.openers(&text) {
            openers.all += 1;
            if rules.question.is_match(opener) {
                openers.found.push((file.clone(), number, opener.trim().to_owned()));
            }
        }
        problems.extend(rules.problems(&file, language, &text));
    }
    for (area, Openers { all, found }) in areas {
        eprintln!("{area}: {} of {all} doc comments open with a question word", found.len());
        if found.len() * 100 > all * MAX_OPENERS {
            problems.extend(found);
        }
    }
    for (file, line, problem) in &problems {
        eprintln!("{}:{line}: {problem}", file.display());
    }
    ensure!(problems.is_empty(), "{} places are not as docs/style.md and docs/protocol.md ask", problems.len());
    Ok(())
}

/// The languages that have doc comments or prose.
#[derive(Clone, Copy, PartialEq)]
enum Language {
    Rust,
    JavaScript,
    Python,
    Markdown,
    Other,
}

impl Language {
    fn of(file: &Path) -> Option<Self> {
        Some(match file.extension()?.to_str()? {
            "rs" => Self::Rust,
            "ts" | "mts" | "cts" | "js" | "mjs" | "cjs" => Self::JavaScript,
            "py" | "pyi" => Self::Python,
            "md" => Self::Markdown,
            "toml" | "yml" | "sql" | "css" => Self::Other,
            _ => return None,
        })
    }

    /// Returns the first lines of doc comments, without their marks, and their line numbers.
    fn openers(self, text: &str) -> Vec<(usize, &str)> {
        let mut openers = Vec::new();
        let mut inside = false;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_start();
            match self {
                Self::Rust => {
                    let doc = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
                    if let Some(doc) = doc.filter(|_| !inside) {
                        openers.push((index + 1, doc));
                    }
                    inside = doc.is_some();
                }
                Self::JavaScript => {
                    if let Some(doc) = line.strip_prefix("/**") {
                        inside = doc.trim().is_empty();
                        if !inside {
                            openers.push((index + 1, doc));
                        }
                    } else if inside {
                        openers.push((index + 1, line.trim_start_matches('*')));
                        inside = false;
                    }
                }
                Self::Python => {
                    if let Some((before, doc)) = line.split_once("\"\"\"") {
                        let opens = !inside && before.is_empty();
                        if opens {
                            openers.push((index + 1, doc));
                        }
                        let closes = doc.contains("\"\"\"");
                        inside = if inside { false } else { !closes };
                    }
                }
                Self::Markdown | Self::Other => {}
            }
        }
        openers
    }
}

struct Rules {
    question: Regex,
    banned: Regex,
    citation: Regex,
    /// The anchors of the protocol's sections, such as `section-5-2`.
    anchors: Vec<String>,
}

impl Rules {
    fn new(protocol: &str) -> Result<Self> {
        let anchor = Regex::new(r#"<a id="(section-[0-9-]+)"></a>"#)?;
        Ok(Self {
            question: Regex::new(r"^\s*(What|How|Whether|Where|Who|Whoever|Why|When|Which)\b")?,
            banned: Regex::new(r"(?i)\b(nobody|somebody|anybody|everybody|whoever|reckon(s|ed|ing)?)\b")?,
            citation: Regex::new(r"[Pp]rotocol, sections? [0-9]|protocol\.md#(section[0-9-]*)|#(section-[0-9-]+)")?,
            anchors: anchor.captures_iter(protocol).map(|found| found[1].to_owned()).collect(),
        })
    }

    fn problems(&self, file: &Path, language: Language, text: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let mut report = |problem: String| problems.push((file.to_path_buf(), index + 1, problem));
            for word in self.banned.find_iter(line) {
                report(format!("docs/style.md does not allow {:?}", word.as_str()));
            }
            for found in self.citation.captures_iter(line) {
                match found.get(1).or_else(|| found.get(2)) {
                    Some(anchor) if !self.anchors.iter().any(|known| known == anchor.as_str()) => {
                        report(format!("docs/protocol.md has no anchor {}", anchor.as_str()));
                    }
                    // A rule's text in the protocol and its examples of a citation name sections without a link.
                    None if !line.contains("#section-") && file != Path::new("docs/protocol.md") => {
                        report("cite a section of the protocol by a link to its anchor".to_owned());
                    }
                    _ => {}
                }
            }
            if language == Language::Markdown && line.chars().count() > 120 && !is_table_or_link(line) {
                report("the line is longer than 120 characters".to_owned());
            }
        }
        problems
    }
}

/// Returns whether a long line of Markdown cannot be broken.
fn is_table_or_link(line: &str) -> bool {
    line.trim_start().starts_with(['|', '<', '>']) || line.starts_with("    ") || line.contains("](")
}

#[cfg(test)]
mod tests {
    use super::{Language, Rules};
    use std::path::Path;

    #[test]
    fn openers_are_found_in_each_language() {
        let rust = "//! One.\n//! two\n\n/// What\n/// b\nfn a() {}\n/// C.\n";
        assert_eq!(Language::Rust.openers(rust), [(1, " One."), (4, " What"), (7, " C.")]);
        let javascript = "/** One. */\n/**\n * How\n * b\n */\n";
        assert_eq!(Language::JavaScript.openers(javascript), [(1, " One. */"), (3, " How")]);
        let python = "\"\"\"One.\"\"\"\ndef a():\n    \"\"\"Who\n\n    b\n    \"\"\"\n    \"\"\"C.\"\"\"\n";
        assert_eq!(Language::Python.openers(python), [(1, "One.\"\"\""), (3, "Who"), (7, "C.\"\"\"")]);
    }

    #[test]
    fn sections_and_words_are_checked() {
        let rules = Rules::new("<a id=\"section-1\"></a>\n<a id=\"section-5-2\"></a>\n").unwrap();
        let count = |line: &str| rules.problems(Path::new("a.rs"), Language::Rust, line).len();
        assert_eq!(count("/// [protocol, section 5.2](docs/protocol.md#section-5-2)"), 0);
        assert_eq!(count("/// [protocol, section 5.3](docs/protocol.md#section-5-3)"), 1);
        assert_eq!(count("/// (protocol, section 5.2)"), 1);
        assert_eq!(count("/// Nobody reads this."), 1);
    }
}
