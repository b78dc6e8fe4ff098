//! `cargo xtask local`: runs a folder's statements on real servers, shows what they answer, and serves
//! Lambda's Invoke API until Ctrl-C, with the statements as they are saved.

mod changes;
mod event;
mod flags;
mod invocations;
mod runs;
mod session;
mod show;
mod snapshot;
mod token;

use command_line::print;
use local_stack::Failure;
use std::ffi::OsString;
use std::time::SystemTime;

use crate::signals::Signals;
use session::Session;

/// Runs the command, and returns the exit code.
pub(crate) async fn run(
    arguments: impl Iterator<Item = OsString>,
    now: fn() -> SystemTime,
) -> Result<u8, Failure> {
    let Some(flags) = flags::parse(arguments)? else {
        print(flags::HELP);
        return Ok(0);
    };
    // Before signals are caught: Ctrl-C ends a program that waits for standard input.
    let event = flags.event.as_deref().map(event::load).transpose()?;
    let mut signals = Signals::catch()?;
    // A session that is dropped stops its processes and removes its files.
    let begin = async {
        let session = Session::start(&flags, event, now).await?;
        let is_healthy = session.show_everything().await?;
        Ok::<_, Failure>((session, is_healthy))
    };
    let (mut session, is_healthy) = tokio::select! {
        begun = begin => begun?,
        code = signals.received() => return Ok(code),
    };
    if flags.once {
        return Ok(u8::from(!is_healthy));
    }
    session.say_how_to_use()?;
    tokio::select! {
        served = session.follow_changes() => match served? {},
        _ = signals.received() => {}
    }
    session.say("\nStopping the servers and removing their files. Goodbye.");
    Ok(0)
}
