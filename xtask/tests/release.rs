//! `cargo xtask release` in a copy of this repository, with a real git and a real key.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

/// The version of the tests, which is greater than any that this repository has.
const VERSION: &str = "999.0.0";

/// A repository with the files of this working tree, in one commit on `main`.
struct Repository {
    sh: Shell,
    root: PathBuf,
}

/// The files with their contents, and git's references and changes.
#[derive(PartialEq)]
struct State {
    files: BTreeMap<PathBuf, Vec<u8>>,
    git: String,
}

impl Repository {
    fn new(name: &str) -> Result<Self> {
        let original = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no root")?;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("release").join(name);
        let (root, key) = (folder.join("repository"), folder.join("key"));
        let sh = Shell::new()?;
        sh.remove_path(&folder)?;
        sh.create_dir(&root)?;
        sh.change_dir(original);
        for file in cmd!(sh, "git ls-files --cached --others --exclude-standard").quiet().read()?.lines() {
            let (from, to) = (original.join(file), root.join(file));
            sh.create_dir(to.with_file_name(""))?;
            match from.symlink_metadata() {
                Ok(metadata) if metadata.is_symlink() => symlink(fs::read_link(from)?, to)?,
                Ok(_) => fs::copy(from, to).map(drop)?,
                Err(_) => {} // deleted, but not yet from the index
            }
        }
        sh.change_dir(&root);
        let passphrase = "";
        // Nothing of this machine's configuration, and no key of this machine.
        let config = folder.join("config");
        sh.write_file(&config, "")?;
        sh.set_var("GIT_CONFIG_GLOBAL", config);
        sh.set_var("GIT_CONFIG_NOSYSTEM", "1");
        sh.set_var("GNUPGHOME", sh.create_dir(folder.join("gnupg"))?);
        sh.set_var("CARGO_MANIFEST_DIR", root.join("xtask"));
        cmd!(sh, "ssh-keygen -q -t ed25519 -N {passphrase} -f {key}")
            .quiet()
            .run()
            .context("cannot make a key for the test")?;
        let public = sh.read_file(key.with_extension("pub"))?;
        sh.write_file(folder.join("signers"), format!("releaser@example.com {public}"))?;
        cmd!(sh, "git init --quiet --initial-branch main").quiet().run()?;
        for (name, value) in [
            ("user.name", "Releaser".into()),
            ("user.email", "releaser@example.com".into()),
            ("gpg.format", "ssh".into()),
            ("gpg.ssh.allowedSignersFile", folder.join("signers")),
            ("user.signingKey", key),
        ] {
            cmd!(sh, "git config {name} {value}").quiet().run()?;
        }
        let repository = Self { sh, root };
        repository.commit()?;
        Ok(repository)
    }

    fn commit(&self) -> Result<()> {
        cmd!(self.sh, "git add --all").quiet().run()?;
        Ok(cmd!(self.sh, "git commit --quiet --message all").quiet().run()?)
    }

    fn git(&self, arguments: &str) -> Result<String> {
        let arguments = arguments.split(' ');
        Ok(cmd!(self.sh, "git {arguments...}").quiet().read()?)
    }

    /// Runs the command, and returns its standard error, or as an error if it failed.
    fn release(&self, version: &str) -> Result<String, String> {
        let program = env!("CARGO_BIN_EXE_xtask");
        let output = cmd!(self.sh, "{program} release {version}").quiet().ignore_status().output();
        let output = output.map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(text) } else { Err(text) }
    }

    fn state(&self) -> Result<State> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    folders.extend((entry.file_name() != ".git").then(|| entry.path()));
                } else if entry.file_type()?.is_symlink() {
                    let target = fs::read_link(entry.path())?;
                    files.insert(entry.path(), target.into_os_string().into_encoded_bytes());
                } else {
                    files.insert(entry.path(), fs::read(entry.path())?);
                }
            }
        }
        let commands = ["for-each-ref", "rev-parse --symbolic-full-name HEAD", "status --porcelain"];
        let git = commands.into_iter().map(|command| self.git(command)).collect::<Result<String>>()?;
        Ok(State { files, git })
    }

    /// Tries to release, which must fail for `reason` and leave everything as it was.
    fn refuses(&self, version: &str, reason: &str) -> Result<()> {
        let before = self.state()?;
        let error =
            self.release(version).err().with_context(|| format!("{version} was released in spite of: {reason}"))?;
        let refusal = format!("error: cannot release: {reason}");
        ensure!(error.contains(&refusal), "{refusal:?} is expected in {error:?}");
        ensure!(self.state()? == before, "a refusal changed something: {reason}");
        Ok(())
    }

    /// Appends a line to a file.
    fn append(&self, file: &str, line: &str) -> Result<()> {
        self.replace(file, |text| format!("{text}{line}\n"))
    }

    fn replace(&self, file: &str, change: impl FnOnce(String) -> String) -> Result<()> {
        let text = self.sh.read_file(file)?;
        Ok(self.sh.write_file(file, change(text))?)
    }

    fn undo(&self) -> Result<()> {
        self.git("reset --quiet --hard start")?;
        self.git("clean --quiet --force -d").map(drop)
    }
}

#[test]
fn sets_the_version_moves_the_changelog_and_signs_a_tag() -> Result<()> {
    let repository = Repository::new("done")?;
    let printed = repository.release(VERSION).map_err(anyhow::Error::msg)?;
    ensure!(printed.contains("git push origin main v999.0.0"), "{printed}");

    cmd!(repository.sh, "git verify-tag v999.0.0").quiet().ignore_stderr().run()?;
    ensure!(repository.git("cat-file -t v999.0.0")? == "tag", "the tag has no annotation");
    ensure!(
        repository.git("rev-parse v999.0.0^{commit}")? == repository.git("rev-parse main")?,
        "the tag is not on main"
    );
    ensure!(repository.git("log -1 --format=%s")? == "release: set the version to 999.0.0", "the subject differs");
    ensure!(repository.git("status --porcelain")?.is_empty(), "the tree has changes");

    let changed = repository.git("diff --name-only HEAD~1")?;
    let expected = "CHANGELOG.md\nCargo.lock\nCargo.toml\nbindings-node/package.json\n\
        tests/e2e/rust-frameworks/Cargo.lock\ntests/speed/bench/rust/Cargo.lock";
    ensure!(changed == expected, "other files changed: {changed}");
    for line in repository.git("diff --unified=0 HEAD~1 -- :!CHANGELOG.md")?.lines() {
        let is_content = line.starts_with('+') && !line.starts_with("+++");
        ensure!(!is_content || line.contains("version") && line.contains(VERSION), "another change: {line}");
    }
    let date = cmd!(repository.sh, "date -u +%F").quiet().read()?;
    let added: Vec<_> =
        repository.git("diff --unified=0 HEAD~1 -- CHANGELOG.md")?.lines().skip(5).map(str::to_owned).collect();
    ensure!(added == [&format!("+## 999.0.0 - {date}"), "+"], "the changelog differs: {added:?}");

    repository.refuses(VERSION, "the tag v999.0.0 exists")?;
    repository.refuses("998.0.0", "998.0.0 is not greater than the last release, 999.0.0")?;
    repository.refuses("999.0.1", "CHANGELOG.md has no entries under Unreleased")
}

#[test]
fn refuses_and_writes_nothing() -> Result<()> {
    let repository = Repository::new("refused")?;
    repository.git("branch start")?;
    repository.refuses("1.0", "\"1.0\" is not a semantic version")?;
    repository.refuses("v999.0.0", "\"v999.0.0\" is not a semantic version")?;
    repository.refuses("999.0.0-nightly.1", "\"999.0.0-nightly.1\" is not MAJOR.MINOR.PATCH")?;
    repository.refuses("999.0.0+1", "\"999.0.0+1\" is not MAJOR.MINOR.PATCH")?;
    repository.refuses("0.0.1", "0.0.1 is less than ")?;

    repository.append("README.md", "a change")?;
    repository.refuses(VERSION, "the tree has changes: M README.md")?;
    repository.undo()?;
    repository.sh.write_file("new.txt", "")?;
    repository.refuses(VERSION, "the tree has changes: ?? new.txt")?;
    repository.undo()?;

    repository.git("switch --quiet --create other")?;
    repository.refuses(VERSION, "the branch is \"other\"")?;
    repository.git("switch --quiet --detach")?;
    repository.refuses(VERSION, "the branch is \"\"")?;
    repository.git("switch --quiet main")?;

    for (file, from, to) in [
        ("bindings-node/package.json", "\"version\": \"", "\"version\": \"7"),
        ("Cargo.toml", "path = \"core\", version = \"", "path = \"core\", version = \"7"),
        (
            "tests/speed/bench/rust/Cargo.lock",
            "\"clarife-webhooks\"\nversion = \"",
            "\"clarife-webhooks\"\nversion = \"7",
        ),
    ] {
        repository.replace(file, |text| text.replace(from, to))?;
        repository.commit()?;
        repository.refuses(VERSION, "the versions differ: ")?;
        repository.undo()?;
    }
    repository.append("bindings-node/api/generated.ts", "// by hand")?;
    repository.commit()?;
    repository.refuses(VERSION, "outdated files: bindings-node/api/generated.ts")?;
    repository.undo()?;
    repository.replace("CHANGELOG.md", |text| text.replace("## Unreleased", "## 0.0.1"))?;
    repository.commit()?;
    repository.refuses(VERSION, "CHANGELOG.md has no section Unreleased")?;
    repository.undo()?;

    repository.git("config --unset user.signingKey")?;
    repository.refuses(VERSION, "git cannot sign: ")?;
    repository.git("config gpg.format openpgp")?;
    repository.refuses(VERSION, "git signs with openpgp, and the workflow accepts keys of SSH")?;

    // Not even in a folder of another repository, which is this one.
    repository.sh.remove_path(repository.root.join(".git"))?;
    repository.refuses(VERSION, &format!("{} is not a git repository", repository.root.display()))
}

#[test]
fn restores_everything_after_a_failure() -> Result<()> {
    let repository = Repository::new("restored")?;
    // A program that signs once: for the trial, and not for the tag.
    let (program, mark) = (repository.root.with_file_name("sign"), repository.root.with_file_name("signed"));
    let script = format!("#!/bin/sh\n[ ! -e '{0}' ] && touch '{0}' && exec ssh-keygen \"$@\"\n", mark.display());
    repository.sh.write_file(&program, script)?;
    cmd!(repository.sh, "chmod +x {program}").quiet().run()?;
    cmd!(repository.sh, "git config gpg.ssh.program {program}").quiet().run()?;
    repository.refuses(VERSION, "cannot sign the tag")?;
    repository.git("config --unset gpg.ssh.program")?;

    let hook = repository.root.join(".git/hooks/pre-commit");
    repository.sh.write_file(&hook, "#!/bin/sh\nexit 1\n")?;
    cmd!(repository.sh, "chmod +x {hook}").quiet().run()?;
    repository.refuses(VERSION, "cannot commit")
}
