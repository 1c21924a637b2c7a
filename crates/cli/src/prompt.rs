//! Questions to whoever sits at the terminal.

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
    restore_on_signals().wrap_err("the terminal cannot be kept as it is")?;
    dialoguer::Password::new()
        .with_prompt(escape::line(question))
        .allow_empty_password(true)
        .interact()
        .wrap_err("the password cannot be read")
}

/// A signal that ends the command at such a question leaves the terminal as it was: not every shell restores it.
fn restore_on_signals() -> io::Result<()> {
    let before = tcgetattr(io::stdin())?;
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
    thread::spawn(move || {
        for signal in &mut signals {
            // A terminal that is gone needs nothing, and the command ends in any case.
            let _gone = tcsetattr(io::stdin(), OptionalActions::Now, &before);
            let _ended = emulate_default_handler(signal);
        }
    });
    Ok(())
}
