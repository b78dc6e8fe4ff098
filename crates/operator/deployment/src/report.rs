//! What a person sees: progress on standard error, results on standard output, and one question.

use std::io::{self, BufRead, IsTerminal, Write};

use command_line::print;

use crate::Failure;

/// How a command reports.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Print the result as one JSON document at the end, instead of text.
    pub json: bool,
    /// The terminal of the results.
    pub terminal: doctor::Terminal,
}

impl Report {
    /// Reports progress, on standard error.
    #[allow(clippy::print_stderr)] // it talks to a person
    pub(crate) fn note(&self, line: &str) {
        eprintln!("{line}");
    }

    /// Reports a result as text.
    pub(crate) fn say(&self, text: &str) {
        if !self.json {
            print(text);
        }
    }

    /// Reports the result as JSON.
    pub(crate) fn document(&self, document: &serde_json::Value) {
        if self.json {
            print(&document.to_string());
        }
    }

    /// Asks for confirmation, unless `yes` is set.
    ///
    /// # Errors
    /// There is no terminal to ask on.
    #[allow(clippy::print_stderr)] // it talks to a person
    pub(crate) fn confirm(&self, question: &str, yes: bool) -> Result<bool, Failure> {
        if yes {
            return Ok(true);
        }
        if !io::stdin().is_terminal() {
            return Err(format!("{question} There is no terminal to answer on; use --yes").into());
        }
        eprint!("{question} [y/N] ");
        io::stderr().flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }
}

/// A table with columns as wide as their cells.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|cell| cell.len())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        format!("  {}", cells.collect::<Vec<_>>().join("  ")).trim_end().to_owned()
    };
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
    let lines = [&head, &rule].into_iter().chain(rows).map(|cells| line(cells));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_line_up() {
        let rows =
            [vec!["add".to_owned(), "Role".to_owned()], vec!["modify".into(), String::new()]];
        assert_eq!(
            table(&["action", "resource"], &rows),
            "  action  resource\n  ------  --------\n  add     Role\n  modify"
        );
    }
}
