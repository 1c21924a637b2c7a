//! The binary on a machine that has USB, with the devices of a directory: see `usb.c`.

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    process::Command,
    thread,
};

use alloy::{primitives::Address, providers::Provider};

use crate::support::{Ran, World, root, run};

/// How long a report is.
pub(crate) const REPORT: usize = 64;
/// A transfer was called off, or a report was taken.
const DISCARDED: u8 = 0xfe;
const TAKEN: u8 = 0xff;

/// A device of one interface (HID) with an endpoint for each direction: its own descriptor, with the vendor and the product, and
/// those of its configuration, interface, reports and endpoints.
fn descriptors(vendor: u16, product: u16) -> Vec<u8> {
    let ids = [vendor.to_le_bytes(), product.to_le_bytes()].concat();
    let device = [&[18, 1, 0, 2, 0, 0, 0, 64][..], &ids, &[0, 1, 0, 0, 0, 1]].concat();
    let configuration = [9, 2, 41, 0, 1, 1, 0, 0x80, 50];
    let interface = [9, 4, 0, 0, 2, 3, 0, 0, 0];
    let reports = [9, 0x21, 0x11, 1, 0, 1, 0x22, 0x22, 0];
    let endpoint = |number| [7, 5, number, 3, 64, 0, 1];
    [&device[..], &configuration, &interface, &reports, &endpoint(0x82), &endpoint(0x02)].concat()
}

/// The reports of one program after the other, from the side of the device.
pub(crate) struct Plugged {
    listener: UnixListener,
    stream: Option<UnixStream>,
}

impl Plugged {
    /// A device that `device` is for as long as the test's process.
    pub(crate) fn into(
        world: &World,
        (vendor, product): (u16, u16),
        device: impl FnOnce(Self) + Send + 'static,
    ) {
        let (place, texts) = (place(world), [("busnum", "1"), ("devnum", "2"), ("speed", "12")]);
        let directory = place.join("1-1");
        fs::create_dir_all(&directory).expect("the directory can be written to");
        for (name, text) in texts.into_iter().chain([("bConfigurationValue", "1")]) {
            fs::write(directory.join(name), format!("{text}\n")).expect("the directory can be written to");
        }
        fs::write(directory.join("descriptors"), descriptors(vendor, product)).expect("so can this file");
        let listener = UnixListener::bind(place.join("device")).expect("nothing else is there");
        thread::spawn(|| device(Self { listener, stream: None }));
    }

    /// The next report that a program sends.
    pub(crate) fn read(&mut self) -> [u8; REPORT] {
        loop {
            let (mut kind, mut report) = ([0], [0; REPORT]);
            let stream = self.stream.get_or_insert_with(|| self.listener.accept().expect("a program").0);
            match stream.read_exact(&mut kind).map(|()| kind[0]) {
                Ok(DISCARDED) => self.send(&kind),
                Ok(length) => {
                    assert_eq!(usize::from(length), REPORT);
                    stream.read_exact(&mut report).expect("the rest of the report");
                    self.send(&[TAKEN]);
                    return report;
                }
                Err(_) => self.stream = None,
            }
        }
    }

    /// Sends a report.
    pub(crate) fn write(&mut self, report: &[u8]) {
        let length = u8::try_from(report.len()).expect("a short report");
        self.send(&[&[length], report].concat());
    }

    fn send(&mut self, bytes: &[u8]) {
        if let Some(stream) = &mut self.stream {
            // The program may have ended by now.
            let _gone = stream.write_all(bytes);
        }
    }
}

fn place(world: &World) -> PathBuf {
    world.directory().join("usb")
}

/// The binary, which finds what is plugged in, or nothing.
pub(crate) fn command(world: &World) -> Command {
    let mut command = world.command();
    if cfg!(target_os = "linux") {
        let (place, library) = (place(world), world.directory().join("usb.so"));
        fs::create_dir_all(place.join("none")).expect("the directory can be written to");
        if !library.exists() {
            let source = root().join("tests/e2e/usb.c");
            let mut compiler = Command::new("cc");
            compiler.args(["-shared", "-fPIC", "-Wall", "-Werror", "-o"]).args([&library, &source]);
            assert!(compiler.status().expect("cc runs").success());
        }
        command.env("LD_PRELOAD", library).env("USB_PLACE", place);
    }
    command
}

/// Runs it with the words of `line`.
pub(crate) fn asked(world: &World, line: &str) -> Ran {
    run(&mut command(world), line)
}

/// How many transactions an account has sent.
pub(crate) async fn nonce(world: &World, account: Address) -> u64 {
    world.chain.get_transaction_count(account).await.expect("anvil answers")
}

/// Asserts that it ended with a refusal, after whatever it had shown.
pub(crate) fn refused(ran: &Ran, message: &str, hint: &str) {
    let end = format!("error: {message}\n\nhint: {hint}\n");
    assert!(ran.stderr.ends_with(&end), "{}", ran.stderr);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
}
