// SPDX-License-Identifier: GPL-2.0

//! A guest that waits for a debugger before its first instruction.

use crate::cmd;
use crate::kconfig;
use anyhow::{Context, Result};
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What gdb's users expect.
const USUAL: u16 = 1234;

/// Where QEMU listens for the debugger.
#[derive(Clone, Debug)]
pub struct Gdb {
    port: u16,
}

impl Gdb {
    /// On the usual port, or on another one where that is taken.
    pub fn on_a_free_port() -> Result<Self> {
        Self::preferring(USUAL)
    }

    fn preferring(port: u16) -> Result<Self> {
        let listen = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let free = listen(port)
            .or_else(|_| listen(0))
            .context("looking for a free port for the debugger")?;
        Ok(Self {
            port: free.local_addr()?.port(),
        })
    }

    pub fn qemu_opts(&self) -> String {
        format!("-gdb tcp:{}:{} -S", Ipv4Addr::LOCALHOST, self.port)
    }

    /// What to type to attach to a guest that runs this image, and what to know.
    pub fn how_to_attach(&self, image: &Path) -> String {
        let build = Build::of(image);
        let mut text = format!(
            "The guest waits for a debugger. In another terminal:\n\n    {}\n\nThen `hbreak \
             start_kernel` and `continue`, or just `continue`.\n",
            self.line(&build)
        );
        if build.vmlinux.is_none() {
            text.push_str("There is no vmlinux for this image: gdb knows no symbols.\n");
        } else if !build.has_debug_info {
            text.push_str("It is built without CONFIG_DEBUG_INFO: functions, but no lines.\n");
        }
        text
    }

    fn line(&self, build: &Build) -> String {
        let mut gdb = Command::new("gdb");
        if let Some(scripts) = &build.scripts {
            // Else gdb does not load them by itself.
            let trust = format!("add-auto-load-safe-path {}", scripts.display());
            gdb.args(["-iex", &trust]);
        }
        if let Some(vmlinux) = &build.vmlinux {
            gdb.arg(vmlinux);
        }
        gdb.args(["-ex", &format!("target remote :{}", self.port)]);
        cmd::show(&gdb)
    }
}

/// What a build has for a debugger.
struct Build {
    vmlinux: Option<PathBuf>,
    /// Of CONFIG_GDB_SCRIPTS: gdb loads what is named after vmlinux
    scripts: Option<PathBuf>,
    has_debug_info: bool,
}

impl Build {
    /// The one that an image lies in, if it does.
    fn of(image: &Path) -> Self {
        let dir = image
            .ends_with("arch/x86/boot/bzImage")
            .then(|| image.ancestors().nth(4))
            .flatten();
        let file = |name: &str| Some(dir?.join(name)).filter(|file| file.exists());
        let config = file(".config").and_then(|file| fs::read_to_string(file).ok());
        let config = kconfig::parse(&config.unwrap_or_default());
        Self {
            vmlinux: file("vmlinux"),
            scripts: file("vmlinux-gdb.py"),
            has_debug_info: config.get("DEBUG_INFO").is_some_and(|value| value == "y"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_not_used() -> Result<()> {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = taken.local_addr()?.port();
        let gdb = Gdb::preferring(port)?;
        assert_ne!(gdb.port, port);
        drop(taken);
        assert_eq!(Gdb::preferring(port)?.port, port);
        Ok(())
    }

    #[test]
    fn the_line_names_what_is_there() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let build = dir.path().join("it's a build");
        let image = build.join("arch/x86/boot/bzImage");
        let gdb = Gdb { port: 4321 };
        let text = gdb.how_to_attach(&image);
        assert!(
            text.contains("    gdb -ex 'target remote :4321'\n"),
            "{text}"
        );
        assert!(text.contains("no vmlinux"), "{text}");

        fs::create_dir_all(&build)?;
        fs::write(build.join("vmlinux"), "")?;
        let text = gdb.how_to_attach(&image);
        assert!(text.contains("it's a build/vmlinux\" -ex"), "{text}");
        assert!(text.contains("no lines"), "{text}");

        fs::write(build.join("vmlinux-gdb.py"), "")?;
        fs::write(build.join(".config"), "CONFIG_DEBUG_INFO=y\n")?;
        let text = gdb.how_to_attach(&image);
        assert!(text.contains("gdb -iex "), "{text}");
        assert!(!text.contains("no lines"), "{text}");
        Ok(())
    }
}
