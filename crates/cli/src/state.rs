//! The files in which commands keep something between their runs.

use std::{
    env,
    fmt::Display,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use eyre::{Report, eyre};

use crate::{environment::variable, error::UserError};

/// SQLite's codes for what no other attempt changes.
const READONLY: &str = "8";
const CANTOPEN: &str = "14";
const NOTADB: &str = "26";

/// A file of the user's, and how to say where it is.
#[derive(Debug)]
pub(crate) struct StateFile {
    /// What it is, as in `the journal`.
    pub(crate) what: &'static str,
    /// Its name in the user's state directory.
    pub(crate) name: &'static str,
    /// The option that says where it is.
    pub(crate) option: &'static str,
    /// The environment variable that says so.
    pub(crate) variable: &'static str,
}

impl StateFile {
    /// The file at `path`, or where the variable says, or in the user's state directory. It is there then, for its owner alone. Only
    /// the state directory is created: another one that is not there is a mistake.
    pub(crate) fn at(&self, path: Option<&Path>) -> Result<PathBuf, UserError> {
        let path = match path.map(Path::to_owned).or_else(|| variable(self.variable).map(PathBuf::from)) {
            Some(path) => path,
            None => self.default_path()?,
        };
        let unusable = |error| self.unusable(&path, error);
        create_private(&path).map_err(unusable)?;
        path.canonicalize().map_err(unusable)
    }

    /// What to say of a path that does not serve.
    fn unusable(&self, path: &Path, error: impl Display) -> UserError {
        let Self { what, option, variable, .. } = self;
        UserError::new(format!("{what} `{}` cannot be used: {error}", path.display()))
            .hint(format!("choose another file with `{option} PATH` or the variable {variable}"))
    }

    /// What to say of a file that was not opened as a database: some of them never will be.
    pub(crate) fn failed(&self, path: &Path, error: sqlx::Error) -> Report {
        let code = error.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
        match code.as_deref() {
            Some(CANTOPEN | NOTADB | READONLY) => self.unusable(path, error).into(),
            _ => eyre!("{} `{}` cannot be opened: {error}", self.what, path.display()),
        }
    }

    fn default_path(&self) -> Result<PathBuf, UserError> {
        let Self { what, option, variable, .. } = self;
        let state = state_directory().ok_or_else(|| {
            UserError::new(format!("there is no place for {what}: no home directory is set"))
                .hint(format!("choose a file with `{option} PATH` or the variable {variable}"))
        })?;
        fs::create_dir_all(&state).map_err(|error| self.unusable(&state, error))?;
        Ok(state.join(self.name))
    }
}

/// Creates the file for its owner alone, if it does not exist: it may hold signatures.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = File::options();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// `levee` in the platform's directory for the state of programs; none without a home.
pub(crate) fn state_directory() -> Option<PathBuf> {
    let state = match variable("XDG_STATE_HOME") {
        Some(directory) => Some(PathBuf::from(directory)),
        None if cfg!(target_os = "macos") => {
            env::home_dir().map(|home| home.join("Library/Application Support"))
        }
        None => env::home_dir().map(|home| home.join(".local/state")),
    };
    state.map(|state| state.join("levee"))
}
