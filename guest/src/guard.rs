// SPDX-License-Identifier: GPL-2.0

//! Only as root, and only in a guest: the workloads mount, swap and drop caches.

use anyhow::{ensure, Result};
use std::fs;

pub fn check() -> Result<()> {
    ensure!(rustix::process::geteuid().is_root(), "this needs root");
    // Asked of the kernel that runs, not of the environment: a variable is soon set in the wrong
    // place.
    let guest = fs::read_to_string("/proc/cmdline").is_ok_and(|line| is_guest(&line));
    ensure!(
        guest,
        "this sets up swap, mounts file systems and drops caches: run it in a virtual machine \
         (`make run` does); in one of your own, boot with the word `freepte.guest`"
    );
    Ok(())
}

fn is_guest(cmdline: &str) -> bool {
    cmdline
        .split_whitespace()
        .any(|word| word == "freepte.guest" || word.starts_with("virtme"))
}

#[cfg(test)]
mod tests {
    use super::is_guest;

    #[test]
    fn told_by_the_command_line() {
        assert!(is_guest("quiet virtme_hostname=virtme-ng panic=-1"));
        assert!(is_guest("root=/dev/vda freepte.guest"));
        assert!(!is_guest("root=/dev/vda console=ttyS0 x=virtme"));
    }
}
