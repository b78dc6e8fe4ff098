//! `cargo xtask describe`: what a function says of its statements, as a table or as a typed client.

mod flags;
mod output;
mod source;
mod table;

use command_line::print;
use local_stack::Failure;
use std::ffi::OsString;
use typed_clients::Description;

use crate::signals::Signals;
use flags::{Flags, Format};
use source::Described;

/// Runs the command, and returns the exit code.
pub(crate) async fn run(arguments: impl Iterator<Item = OsString>) -> Result<u8, Failure> {
    let Some(flags) = flags::parse(arguments)? else {
        print(flags::HELP);
        return Ok(0);
    };
    flags.file.as_ref().map_or(Ok(()), output::File::can_be_there)?;
    // Before signals are caught: Ctrl-C ends a program that waits for standard input.
    let given = flags.from.as_deref().map(source::given).transpose()?;
    let mut signals = Signals::catch()?;
    let asked = async {
        match given {
            Some(given) => Ok(vec![given]),
            None => source::ask(&flags).await,
        }
    };
    // A stack that is dropped stops its processes and removes its files.
    let described = tokio::select! {
        described = asked => described?,
        code = signals.received() => return Ok(code),
    };
    let descriptions: Vec<_> = described
        .iter()
        .map(|Described { function, answer }| {
            Description::of_answer(answer.as_bytes())
                .map_err(|error| format!("{function}: {error}").into())
        })
        .collect::<Result<_, Failure>>()?;
    let errors: Vec<_> = descriptions.iter().flat_map(Description::bad).collect();
    if let Format::Client(_) = flags.format {
        for bad in &errors {
            eprintln!("{}", doctor::visible(&table::error(bad)));
        }
    }
    let is_refused = !errors.is_empty() && !flags.allow_errors;
    if is_refused && (flags.file.is_some() || matches!(flags.format, Format::Client(_))) {
        return Err(refusal(&flags, errors.len()).into());
    }
    let text = |(asked, description): (&Described, &Description)| match flags.format {
        Format::Table => table::of(&asked.function, description),
        Format::Answer => asked.answer.trim_end().to_owned() + "\n",
        Format::Client(language) => {
            language.client(description, &format!("cargo xtask describe --{}", language.option()))
        }
    };
    let text = described.iter().zip(&descriptions).map(text).collect::<Vec<_>>().join("\n");
    output::put(&text, flags.file.as_ref())?;
    Ok(u8::from(is_refused))
}

/// Why nothing is written.
fn refusal(flags: &Flags, errors: usize) -> String {
    let statements = match errors {
        1 => "a statement is wrong".to_owned(),
        many => format!("{many} statements are wrong"),
    };
    let file = match &flags.file {
        Some(output::File::Write(path)) => format!("{} stays as it is", path.display()),
        Some(output::File::Check(path)) => format!("{} was not compared", path.display()),
        None => "nothing is written".to_owned(),
    };
    format!("{statements}: {file}; --allow-errors leaves such statements out")
}
