// SPDX-License-Identifier: GPL-2.0

//! `cargo xtask vm`: a shell on a terminal, and a guest that waits for a debugger.

use super::stage::{end_of, until, Stage, STUBBORN};
use anyhow::{ensure, Context, Result};
use rustix::process::{kill_process, Pid, Signal};
use rustix::pty::{grantpt, openpt, ptsname, unlockpt, OpenptFlags};
use rustix::termios::{tcgetattr, tcsetwinsize, LocalModes, Winsize};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

/// Finds the FIFOs and the file of a guest that runs a shell among virtme-ng's arguments.
const ENDS: &str = r#"
end_of() { sed "s/.*id=freepte-$1,path=\([^ ]*\) .*/\1/" <<<"$*"; }
console=$(end_of console "$@") size=$(end_of size "$@") status=$(end_of status "$@")
exec 3<>"$console.in" 4<>"$console.out" 5<>"$size.in"
"#;

/// A terminal, as its user has it.
struct Terminal {
    user: File,
    program: File,
    shown: Receiver<u8>,
    seen: String,
}

impl Terminal {
    fn new() -> Result<Self> {
        let user = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&user)?;
        unlockpt(&user)?;
        let name = ptsname(&user, Vec::new())?;
        let path = std::path::Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
        let program = File::options().read(true).write(true).open(path)?;
        let user = File::from(user);
        let mut reader = user.try_clone()?;
        let (tell, shown) = mpsc::channel();
        thread::spawn(move || {
            let mut byte = [0];
            while reader.read(&mut byte).is_ok_and(|count| count == 1) {
                let [byte] = byte;
                let _ = tell.send(byte);
            }
        });
        let terminal = Self {
            user,
            program,
            shown,
            seen: String::new(),
        };
        terminal.resize(24, 80)?;
        Ok(terminal)
    }

    fn resize(&self, rows: u16, columns: u16) -> Result<()> {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        Ok(tcsetwinsize(&self.user, size)?)
    }

    /// Start a shell in a guest, on this terminal.
    fn start(&self, stage: &Stage) -> Result<Child> {
        let end = || self.program.try_clone();
        Ok(stage
            .command("setsid")?
            .args(["--ctty", "--wait", env!("CARGO_BIN_EXE_xtask")])
            .args(stage.one_guest(&[]))
            .stdin(Stdio::from(end()?))
            .stdout(Stdio::from(end()?))
            .stderr(Stdio::from(end()?))
            .spawn()?)
    }

    fn type_keys(&mut self, keys: &[u8]) -> Result<()> {
        Ok(self.user.write_all(keys)?)
    }

    /// Wait until a text is shown.
    fn expect(&mut self, text: &str) -> Result<()> {
        let shown = until(text, || {
            while let Ok(byte) = self.shown.try_recv() {
                self.seen.push(char::from(byte));
            }
            Ok(self.seen.contains(text))
        });
        shown.with_context(|| format!("shown is: {}", self.seen))
    }

    /// Whether lines can be edited, Ctrl-C is a signal, and so on.
    fn is_as_usual(&self) -> Result<bool> {
        let modes = tcgetattr(&self.program)?.local_modes;
        Ok(modes.contains(LocalModes::ICANON | LocalModes::ISIG | LocalModes::ECHO))
    }
}

#[test]
fn a_shell_has_the_terminal() -> Result<()> {
    let guest = r#"
read -r told <&5; echo "size: $told" >&4
read -r -N 3 keys <&3; printf 'keys: %q\n' "$keys" >&4
read -r told <&5; echo "size: $told" >&4
read -r -N 1 keys <&3
echo 3 >"$status"
"#;
    let stage = Stage::new(&format!("{ENDS}{guest}"))?;
    let mut terminal = Terminal::new()?;
    ensure!(terminal.is_as_usual()?);
    let mut child = terminal.start(&stage)?;
    terminal.expect("size: 24 80")?;
    assert!(!terminal.is_as_usual()?);
    // A Ctrl-C and a Ctrl-Z are for what runs in the guest.
    terminal.type_keys(b"\x03\x1aa")?;
    terminal.expect(r"keys: $'\003\032a'")?;
    terminal.resize(50, 132)?;
    terminal.expect("size: 50 132")?;
    terminal.type_keys(b"x")?;
    assert_eq!(end_of(&mut child)?.code(), Some(3));
    assert!(terminal.is_as_usual()?);
    stage.nothing_is_left()
}

#[test]
fn there_is_a_way_out_of_a_guest_that_hangs() -> Result<()> {
    let stage = Stage::new(STUBBORN)?;
    let mut terminal = Terminal::new()?;
    let mut child = terminal.start(&stage)?;
    stage.wait_for_guests(1)?;
    until("the terminal is raw", || Ok(!terminal.is_as_usual()?))?;
    terminal.type_keys(b"\x03\x01x")?;
    assert_eq!(end_of(&mut child)?.code(), Some(98));
    assert!(terminal.is_as_usual()?);
    stage.nothing_is_left()
}

#[test]
fn the_terminal_is_as_it_was_after_a_signal() -> Result<()> {
    let stage = Stage::new(STUBBORN)?;
    let terminal = Terminal::new()?;
    let mut child = terminal.start(&stage)?;
    stage.wait_for_guests(1)?;
    until("the terminal is raw", || Ok(!terminal.is_as_usual()?))?;
    kill_process(Pid::from_child(&child), Signal::TERM)?;
    assert_eq!(end_of(&mut child)?.code(), Some(143));
    assert!(terminal.is_as_usual()?);
    stage.nothing_is_left()
}

#[test]
fn a_shell_without_a_terminal_is_refused() -> Result<()> {
    let stage = Stage::new(STUBBORN)?;
    let out = stage.run(&stage.one_guest(&[]))?;
    assert_eq!(out.status.code(), Some(1));
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(
        said.contains("needs a terminal") && said.contains("vm -- "),
        "{said}"
    );
    Ok(())
}

/// It has all the time that debugging takes.
#[test]
fn a_guest_waits_for_the_debugger() -> Result<()> {
    let guest = r#"
printf '%s\n' "$@" >"$FREEPTE_TEST_STAGE/arguments"
status=$(sed 's/.*id=freepte-status,path=\([^ ]*\) .*/\1/' <<<"$*")
sleep 2
echo 0 >"$status"
"#;
    let stage = Stage::new(guest)?;
    let build = stage.path("build");
    let image = build.join("arch/x86/boot/bzImage");
    fs::create_dir_all(image.parent().context("no directory")?)?;
    fs::write(&image, "")?;
    fs::write(build.join("vmlinux"), "")?;
    let image = format!("--image={}", image.display());
    let out = stage.run(&["vm", "--gdb", "--timeout=1", &image, "--", "true"])?;
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{said}");

    let line = format!(
        "gdb {} -ex 'target remote :",
        build.join("vmlinux").display()
    );
    let (_, port) = said.split_once(&line).context("no line to attach")?;
    let port = port.split('\'').next().context("no port")?;
    let arguments = fs::read_to_string(stage.path("arguments"))?;
    let listens = format!("--qemu-opts=-gdb tcp:127.0.0.1:{port} -S");
    for argument in [listens.as_str(), "--append=nokaslr"] {
        assert!(
            arguments.lines().any(|line| line == argument),
            "{arguments}"
        );
    }
    Ok(())
}
