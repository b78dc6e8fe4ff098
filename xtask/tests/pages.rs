//! The pages of the three doors work as they are printed: their commands are run, and the files they
//! show are those of the repository.
//!
//! A page is Markdown. Before each block of commands (```` ```console ````) stands `<!-- run -->` or
//! `<!-- not run: REASON -->`, and before a block that shows a file `<!-- file: PATH -->`.

use crate::workspace::{read, root};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// How long the commands of a page may take, in seconds, on a machine that has built nothing yet.
const LIMIT: &str = "1200";

static ALONE: Mutex<()> = Mutex::new(());

/// A fenced block of a page.
#[derive(Debug, PartialEq)]
struct Block {
    /// The line of its fence, from 1.
    line: usize,
    /// What follows the fence, such as `console`.
    language: String,
    /// The comment on the line before the fence, without its delimiters.
    marker: String,
    text: String,
}

/// The commands that a page shows, and whether they are run.
#[derive(Debug, PartialEq)]
enum Commands {
    Run(String),
    NotRun,
}

#[test]
fn run_your_sql() {
    works("docs/STATEMENTS.md");
}

#[test]
fn write_a_function() {
    works("docs/OWN_CODE.md");
}

#[test]
fn drivers() {
    works("docs/DRIVERS.md");
}

#[test]
fn test_in_any_language() {
    works("docs/TESTING.md");
}

/// Checks the files that a page shows, and runs its commands in their order, from the workspace's root.
fn works(page: &str) {
    let blocks = blocks(&read(page));
    assert!(!blocks.is_empty(), "{page} has no block");
    let mut script = String::new();
    for block in &blocks {
        if let Some(path) = block.marker.strip_prefix("file: ") {
            let (shown, file) = (block.text.trim_end(), read(path));
            assert!(file.contains(shown), "{page}:{}: not in {path}:\n{shown}", block.line);
        }
        match commands(block).unwrap_or_else(|why| panic!("{page}:{}: {why}", block.line)) {
            Some(Commands::Run(commands)) => script += &commands,
            Some(Commands::NotRun) | None => {}
        }
    }
    if script.is_empty() {
        return;
    }
    // One page at a time: each command builds its programs with the features that it needs.
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = unknown_files();
    let mut shell = Command::new("timeout");
    // Its own process group, which ends as a whole. Cargo's variables are about this package.
    shell.args(["--kill-after=10", LIMIT, "bash", "-eux", "-o", "pipefail", "-c", &script]);
    for (name, _) in std::env::vars_os() {
        let ours = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"];
        if name.to_str().is_some_and(|name| ours.iter().any(|prefix| name.starts_with(prefix))) {
            shell.env_remove(name);
        }
    }
    let output = shell.current_dir(root()).stdin(Stdio::null()).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{page}: {}:\n{script}\n{printed}", output.status);
    assert_eq!(unknown_files(), before, "{page}: its commands leave files behind");
}

/// The files that git does not know; none where there is no git.
fn unknown_files() -> Vec<String> {
    let status = Command::new("git").args(["status", "--porcelain"]).current_dir(root()).output();
    let status = status.map(|output| output.stdout).unwrap_or_default();
    let lines = String::from_utf8_lossy(&status);
    lines.lines().filter(|line| line.starts_with("??")).map(str::to_owned).collect()
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = vec![];
    let (mut inside, mut marker) = (false, String::new());
    for (index, line) in page.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if inside => inside = false,
            Some(language) => {
                inside = true;
                let (line, language) = (index + 1, language.to_owned());
                let marker = std::mem::take(&mut marker);
                blocks.push(Block { line, language, marker, text: String::new() });
            }
            None if inside => {
                if let Some(block) = blocks.last_mut() {
                    block.text += line;
                    block.text += "\n";
                }
            }
            None if line.trim().is_empty() => {}
            None => {
                let comment = line.strip_prefix("<!-- ").and_then(|it| it.strip_suffix(" -->"));
                marker = comment.unwrap_or_default().to_owned();
            }
        }
    }
    blocks
}

/// The commands of a block of them, `None` for another block.
fn commands(block: &Block) -> Result<Option<Commands>, String> {
    let is_shell = matches!(&*block.language, "console" | "sh" | "shell" | "bash");
    match &*block.marker {
        _ if !is_shell => Ok(None),
        "run" if block.language == "console" => {
            let mut commands = String::new();
            let mut continues = false;
            for line in block.text.lines() {
                if let Some(command) = line.strip_prefix("$ ").or(continues.then_some(line)) {
                    commands += &format!("{command}\n");
                    continues = command.ends_with('\\');
                }
            }
            match commands.is_empty() {
                true => Err("no line starts with `$ `".to_owned()),
                false => Ok(Some(Commands::Run(commands))),
            }
        }
        marker if marker.strip_prefix("not run: ").is_some_and(|why| why.len() > 3) => {
            Ok(Some(Commands::NotRun))
        }
        marker if marker.starts_with("file: ") => Ok(None),
        marker => Err(format!(
            "say `<!-- run -->` (console alone) or `<!-- not run: REASON -->` before it, not {marker:?}"
        )),
    }
}

#[test]
fn a_block_says_whether_it_is_run() {
    let page = "Text\n\n<!-- run -->\n```console\n$ one \\\n    --two\nprinted\n$ three\n```\n\
                <!-- not run: it needs AWS -->\n\n```console\n$ four\n```\n```sql\nSELECT 1\n```\n\
                words\n```console\n$ five\n```\n<!-- run -->\n```console\nsix\n```\n";
    let all = blocks(page);
    let all: Vec<_> = all.iter().map(commands).collect();
    assert_eq!(all[0], Ok(Some(Commands::Run("one \\\n    --two\nthree\n".to_owned()))));
    assert_eq!(all[1], Ok(Some(Commands::NotRun)));
    assert_eq!(all[2], Ok(None));
    assert!(all[3].as_ref().is_err_and(|why| why.contains("<!-- run -->")), "{:?}", all[3]);
    assert!(all[4].as_ref().is_err_and(|why| why.contains("starts with")), "{:?}", all[4]);
}
