//! The commands: their help texts, and the programs behind them.

use std::ffi::OsString;

use crate::{Failure, cargo, local, test};

/// A command.
pub(crate) struct Command {
    name: &'static str,
    /// The answer to `--help`. Its first line is the command's line in the list of commands.
    help: &'static str,
    action: Action,
}

enum Action {
    /// Runs in this program.
    Own(fn(Vec<OsString>) -> Result<(), Failure>),
    /// Runs on this machine's servers.
    Local,
    /// Builds programs, and runs the first.
    Program(&'static [&'static str]),
    /// The same for a program behind several commands, whose first argument is the command's name.
    Shared(&'static str),
}

/// All commands, in the order of the list.
const COMMANDS: [Command; 12] = [
    Command {
        name: "local",
        help: include_str!("../../crates/local/stack/src/help/local.txt"),
        action: Action::Local,
    },
    Command {
        name: "check",
        help: include_str!("../../crates/local/stack/src/help/check.txt"),
        action: Action::Local,
    },
    Command {
        name: "describe",
        help: include_str!("../../crates/local/stack/src/help/describe.txt"),
        action: Action::Local,
    },
    Command { name: "test", help: include_str!("test/help.txt"), action: Action::Own(test::run) },
    Command {
        name: "bench",
        help: include_str!("../../crates/testing/bench/src/help.txt"),
        action: Action::Program(&["bench"]),
    },
    Command {
        name: "build",
        help: include_str!("../../crates/operator/packaging/src/help.txt"),
        action: Action::Program(&["packaging"]),
    },
    Command {
        name: "layer",
        help: include_str!("../../crates/operator/rds-ca/src/help/layer.txt"),
        action: Action::Shared("rds-ca"),
    },
    Command {
        name: "certs",
        help: include_str!("../../crates/operator/rds-ca/src/help/certs.txt"),
        action: Action::Shared("rds-ca"),
    },
    Command {
        name: "doctor",
        help: include_str!("../../crates/operator/doctor/src/help.txt"),
        // It runs the functions.
        action: Action::Program(&["doctor", "mysql-function", "postgres-function"]),
    },
    Command {
        name: "deploy",
        help: include_str!("../../crates/operator/deployment/src/help/deploy.txt"),
        action: Action::Shared("deployment"),
    },
    Command {
        name: "destroy",
        help: include_str!("../../crates/operator/deployment/src/help/destroy.txt"),
        action: Action::Shared("deployment"),
    },
    Command {
        name: "user",
        help: include_str!("../../crates/operator/deployment/src/help/user.txt"),
        action: Action::Shared("deployment"),
    },
];

/// What the command line asks for.
pub(crate) enum Answer {
    /// Print a text.
    Text(String),
    /// Run a command with these arguments.
    Run(&'static Command, Vec<OsString>),
}

/// Reads the command line, without the program's name.
pub(crate) fn answer(arguments: impl Iterator<Item = OsString>) -> Result<Answer, Failure> {
    let mut arguments = arguments;
    let Some(first) = arguments.next() else { return Ok(Answer::Text(list())) };
    let rest: Vec<_> = arguments.collect();
    if is_help(&first) {
        return Ok(Answer::Text(match rest.first().filter(|name| !is_help(name)) {
            Some(name) => find(name)?.help.into(),
            None => list(),
        }));
    }
    let command = find(&first)?;
    // What follows `--` is not for the command.
    let mut own = rest.iter().take_while(|argument| *argument != "--");
    if own.any(|argument| argument == "--help" || argument == "-h") {
        return Ok(Answer::Text(command.help.into()));
    }
    Ok(Answer::Run(command, rest))
}

fn is_help(argument: &OsString) -> bool {
    ["help", "--help", "-h"].iter().any(|word| argument == word)
}

fn find(name: &OsString) -> Result<&'static Command, Failure> {
    let command = COMMANDS.iter().find(|command| name == command.name);
    let names = COMMANDS.map(|command| command.name).join(", ");
    command.ok_or_else(|| {
        let near =
            command_line::nearest(&name.to_string_lossy(), COMMANDS.map(|command| command.name));
        let near = near.map(|near| format!(": did you mean {near}?")).unwrap_or_default();
        format!(
            "unknown command {name:?}{near}; the commands are {names}; see `cargo xtask --help`"
        )
        .into()
    })
}

/// The answer to `cargo xtask --help`.
fn list() -> String {
    let line = |command: &Command| format!("  {:8} {}\n", command.name, command.summary());
    format!(
        "The commands of rds-iam-lambda.\n\nUsage: cargo xtask COMMAND [OPTIONS]\n\nCommands:\n{}\n\
         `cargo xtask COMMAND --help` describes a command.",
        COMMANDS.iter().map(line).collect::<String>()
    )
}

impl Command {
    fn summary(&self) -> &'static str {
        self.help.lines().next().unwrap_or_default().trim_end_matches('.')
    }

    /// Runs the command.
    pub(crate) fn run(&self, arguments: Vec<OsString>) -> Result<(), Failure> {
        match self.action {
            Action::Own(run) => run(arguments),
            Action::Local => local::run(self.name, arguments),
            Action::Program(programs) => {
                cargo::build(programs)?;
                cargo::exec(cargo::built(programs[0])?.args(arguments))
            }
            Action::Shared(program) => {
                cargo::build(&[program])?;
                cargo::exec(cargo::built(program)?.arg(self.name).args(arguments))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &str) -> Option<String> {
        match answer(line.split_whitespace().map(Into::into)) {
            Ok(Answer::Text(text)) => Some(text),
            Ok(Answer::Run(..)) => None,
            Err(error) => panic!("{line}: {error}"),
        }
    }

    #[test]
    fn every_command_has_a_help_text_of_80_columns() {
        for Command { name, help, .. } in &COMMANDS {
            assert!(help.contains(&format!("\nUsage: cargo xtask {name}")), "{name}: no usage");
            assert!(help.contains("-h, --help"), "{name}: no --help");
        }
        for (name, text) in
            COMMANDS.iter().map(|it| (it.name, it.help.to_owned())).chain([("", list())])
        {
            for line in text.lines() {
                assert!(line.chars().count() <= 80, "{name}: over 80 columns: {line}");
                assert!(line == line.trim_end(), "{name}: {line:?}");
            }
        }
    }

    #[test]
    fn help_is_answered_without_running_the_command() {
        for Command { name, help, .. } in &COMMANDS {
            for line in [
                format!("{name} --help"),
                format!("{name} -h"),
                format!("help {name}"),
                format!("--help {name}"),
                format!("{name} --nonsense x --help"),
            ] {
                assert_eq!(text(&line).as_deref(), Some(*help), "{line}");
            }
            assert_eq!(text(name), None);
            assert_eq!(text(&format!("{name} -- --help")), None);
        }
        for line in ["", "help", "--help", "-h", "help --help", "help -h", "help help"] {
            assert_eq!(text(line), Some(list()), "{line}");
        }
    }

    #[test]
    fn an_unknown_command_is_refused_with_the_commands() {
        for line in ["biuld", "help biuld", "--build"] {
            let error = answer(line.split(' ').map(Into::into)).err().expect(line).to_string();
            assert!(error.contains("local, check, describe, test"), "{error}");
        }
        let error = answer(["chek".into()].into_iter()).err().expect("chek").to_string();
        assert!(error.starts_with("unknown command \"chek\": did you mean check?; "), "{error}");
    }
}
