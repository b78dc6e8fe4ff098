//! Renders a diagnosis: every step with its mark, then the outcome, then the causes and their fixes.

use diagnosis::{Diagnosis, Step, Suspect, Verdict};
use unicode_width::UnicodeWidthStr;

use crate::terminal::{Colour, Terminal};
use crate::visible::visible;
use crate::wrap::wrap;

/// The diagnosis in lines that fit `terminal`, without a final line break.
pub fn render(diagnosis: &Diagnosis, terminal: Terminal) -> String {
    let width = diagnosis.steps.iter().map(|step| visible(&step.name).width()).max();
    let columns = Columns { name: width.unwrap_or_default(), terminal };
    let mut lines: Vec<String> =
        diagnosis.steps.iter().flat_map(|step| columns.step(step)).collect();
    lines.push(String::new());
    let outcome = wrap(&summary(diagnosis), terminal.width());
    lines.extend(outcome.iter().map(|line| terminal.paint(worst(diagnosis), line)));
    for (index, cause) in diagnosis.causes.iter().enumerate() {
        lines.push(String::new());
        lines.extend(render_cause(index + 1, cause, terminal));
    }
    lines.join("\n")
}

/// The outcome in one line: that all is well, or the first step that is not ok.
pub fn summary(diagnosis: &Diagnosis) -> String {
    if diagnosis.is_healthy() {
        return format!("no problems found: all {} steps are ok", diagnosis.steps.len());
    }
    let Some(step) = diagnosis.first_wrong() else {
        return "the function reports a problem, but every step is ok".into();
    };
    let how = match step.verdict {
        Verdict::Failed => "failed",
        Verdict::Warning => "needs attention",
        _ => "is unclear",
    };
    let likely = diagnosis.causes.first().map(|cause| format!(": {}", visible(&cause.title)));
    format!("{} {how}{}", visible(&step.name), likely.unwrap_or_default())
}

/// The colour of the worst verdict.
fn worst(diagnosis: &Diagnosis) -> Colour {
    if diagnosis.is_healthy() {
        return Colour::Good;
    }
    let failed = diagnosis.steps.iter().any(|step| step.verdict == Verdict::Failed);
    if failed { Colour::Bad } else { Colour::Doubtful }
}

/// The columns of a step: mark, name, time, what was seen.
struct Columns {
    name: usize,
    terminal: Terminal,
}

/// Two blanks and `12345.6 ms`.
const TIME: usize = 12;
/// With less room than this, what was seen goes below the other columns.
const ROOM: usize = 36;

impl Columns {
    fn step(&self, step: &Step) -> Vec<String> {
        let (mark, colour) = mark(step.verdict);
        let name = visible(&step.name);
        let pad = " ".repeat(self.name.saturating_sub(name.width()));
        let stands_out = step.verdict != Verdict::Ok;
        let name = if stands_out { self.terminal.paint(colour, &name) } else { name };
        let time = step.ms.filter(|_| step.verdict != Verdict::NotReached);
        let time = time.map(|ms| format!("{ms:.1} ms")).unwrap_or_default();
        let head = format!("  {} {name}{pad}{time:>TIME$}", self.terminal.paint(colour, mark));

        let beside = 2 + mark.width() + 1 + self.name + TIME + 2;
        let (indent, room) = match self.terminal.width().saturating_sub(beside) {
            room if room >= ROOM => (beside, room),
            _ => (4, self.terminal.width() - 4),
        };
        let seen: Vec<_> = match step.verdict {
            Verdict::NotReached if step.seen.is_empty() => vec!["not reached".to_owned()],
            _ => paragraphs(&step.seen, room),
        };
        let dim = step.verdict == Verdict::NotReached;
        let mut seen = seen
            .iter()
            .map(|l| if dim { self.terminal.paint(Colour::Aside, l) } else { l.clone() });
        let first = if indent == beside { seen.next() } else { None };
        let mut lines =
            vec![format!("{head}  {}", first.unwrap_or_default()).trim_end().to_owned()];
        lines.extend(seen.map(|line| format!("{:indent$}{line}", "")));
        lines
    }
}

fn mark(verdict: Verdict) -> (&'static str, Colour) {
    match verdict {
        Verdict::Ok => ("✓", Colour::Good),
        Verdict::Warning => ("!", Colour::Doubtful),
        Verdict::Failed => ("✗", Colour::Bad),
        Verdict::NotReached => ("·", Colour::Aside),
        Verdict::Unknown => ("?", Colour::Doubtful),
    }
}

fn render_cause(rank: usize, cause: &Suspect, terminal: Terminal) -> Vec<String> {
    let indent = 4 + "because  ".len();
    let room = terminal.width() - indent;
    let number = format!("{rank}. ");
    let title = format!("{} ({})", cause.title, cause.id);
    let mut lines: Vec<String> = paragraphs(&title, terminal.width() - 4)
        .iter()
        .enumerate()
        .map(|(index, line)| {
            let number = if index == 0 { number.as_str() } else { "" };
            format!("{number:4}{}", terminal.paint(Colour::Heading, line))
        })
        .collect();
    for (label, text) in
        [("because", &cause.because), ("confirm", &cause.confirm), ("fix", &cause.fix)]
    {
        for (index, line) in paragraphs(text, room).iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            let label = terminal.paint(Colour::Aside, &format!("{label:7}"));
            lines.push(format!("    {label}  {line}"));
        }
    }
    lines
}

/// The lines of a text from elsewhere.
fn paragraphs(text: &str, width: usize) -> Vec<String> {
    let safe: Vec<_> = text.lines().map(visible).collect();
    wrap(&safe.join("\n"), width)
}

#[cfg(test)]
mod tests;
