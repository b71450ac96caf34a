//! The archive of the test vectors, for implementations in other languages.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use tar::{Archive, Builder, EntryType, Header};
use xshell::Shell;

use crate::project::{VERSION, dist, root, target};

/// The first section of the README about this repository's own files.
const OWN_SECTION: &str = "\n## Adding a case\n";

/// Returns the name of the archive's folder.
fn name() -> String {
    format!("clarife-webhooks-vectors-{VERSION}")
}

fn archive() -> PathBuf {
    dist().join(format!("{}.tar.gz", name()))
}

/// Unpacks the archive in `dist/` under `target`, and returns the folder of the vectors.
pub fn unpack(sh: &Shell) -> Result<PathBuf> {
    let (packed, to) = (sh.read_binary_file(archive())?, target().join("vectors"));
    sh.remove_path(&to)?;
    Archive::new(GzDecoder::new(packed.as_slice())).unpack(&to)?;
    Ok(to.join(name()))
}

/// Packs the vectors into `dist/`, with the same bytes on every machine.
pub fn pack(sh: &Shell) -> Result<()> {
    let vectors = root().join("tests/vectors");
    let is_json = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let mut files: Vec<PathBuf> = sh.read_dir(&vectors)?.into_iter().filter(is_json).collect();
    files.push(root().join("LICENSE"));
    let mut entries = vec![("README.md".to_owned(), readme(sh, &vectors)?.into_bytes())];
    for file in files {
        let name = file.file_name().context("a file without a name")?.to_string_lossy().into_owned();
        entries.push((name, sh.read_binary_file(&file)?));
    }
    entries.sort();
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    for (name, content) in entries {
        // A new header has no owner, no time and nothing else of this machine.
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, Path::new(&self::name()).join(name), content.as_slice())?;
    }
    Ok(sh.write_file(archive(), builder.into_inner()?.finish()?)?)
}

/// Returns the README of the vectors without its sections about this repository, and with absolute links.
fn readme(sh: &Shell, vectors: &Path) -> Result<String> {
    let readme = sh.read_file(vectors.join("README.md"))?;
    let (readme, _) =
        readme.split_once(OWN_SECTION).context("the vectors' README has no section about adding a case")?;
    let repository = env!("CARGO_PKG_REPOSITORY");
    let readme = readme.replace("](../../", &format!("]({repository}/blob/v{VERSION}/"));
    ensure!(!readme.contains("](."), "the vectors' README has a link that the archive does not contain");
    Ok(format!("{}\n", readme.trim_end()))
}
