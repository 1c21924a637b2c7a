//! Questions to the user at the terminal.

use std::{io, thread};

use eyre::{Result, WrapErr};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM},
    iterator::Signals,
    low_level::emulate_default_handler,
};

use crate::escape;

/// Asks for a password, which is not shown while it is typed.
pub(crate) fn password(question: &str) -> Result<String> {
    restore_on_signals().wrap_err("the terminal's settings cannot be saved")?;
    dialoguer::Password::new()
        .with_prompt(escape::line(question))
        .allow_empty_password(true)
        .interact()
        .wrap_err("the password cannot be read")
}

/// If a signal ends the command during a question, the terminal is restored, because not every shell does
/// that.
fn restore_on_signals() -> io::Result<()> {
    let before = tcgetattr(io::stdin())?;
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
    thread::spawn(move || {
        for signal in &mut signals {
            // A terminal that is gone needs no restoring, and the command ends in any case.
            let _gone = tcsetattr(io::stdin(), OptionalActions::Now, &before);
            let _ended = emulate_default_handler(signal);
        }
    });
    Ok(())
}
