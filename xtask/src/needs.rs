// SPDX-License-Identifier: GPL-2.0

//! What this machine must have, how to see whether it is there, and what each distribution calls
//! it. Compilers are not in this table: see toolchain.rs.

use crate::cmd;
use std::path::Path;

/// How to see that something is installed.
pub enum Probe {
    /// A program of this name
    Program(&'static str),
    /// Any of these files
    File(&'static [&'static str]),
    /// python3 can make virtual environments
    Venv,
}

pub struct Need {
    pub what: &'static str,
    pub probe: Probe,
    pub apt: &'static str,
    pub dnf: &'static str,
    pub pacman: &'static str,
    /// Nothing works without it
    pub required: bool,
}

impl Need {
    pub fn met(&self) -> bool {
        match self.probe {
            Probe::Program(name) => cmd::which(name).is_some(),
            Probe::File(files) => files.iter().any(|f| Path::new(f).exists()),
            Probe::Venv => {
                let python = cmd::which("python3").is_some();
                python && cmd::try_output(venv_check().arg("import ensurepip, venv")).is_some()
            }
        }
    }
}

fn venv_check() -> std::process::Command {
    let mut python = std::process::Command::new(python());
    python.arg("-c");
    python
}

/// The system's python3 where there is one: another one may go away.
pub fn python() -> &'static str {
    if Path::new("/usr/bin/python3").exists() {
        "/usr/bin/python3"
    } else {
        "python3"
    }
}

const fn program(
    name: &'static str,
    apt: &'static str,
    dnf: &'static str,
    pacman: &'static str,
) -> Need {
    Need {
        what: name,
        probe: Probe::Program(name),
        apt,
        dnf,
        pacman,
        required: true,
    }
}

const fn file(
    what: &'static str,
    files: &'static [&'static str],
    apt: &'static str,
    dnf: &'static str,
    pacman: &'static str,
) -> Need {
    Need {
        what,
        probe: Probe::File(files),
        apt,
        dnf,
        pacman,
        required: true,
    }
}

const fn optional(need: Need) -> Need {
    Need {
        required: false,
        ..need
    }
}

pub const NEEDS: &[Need] = &[
    program("make", "make", "make", "make"),
    program("gcc", "gcc", "gcc", "gcc"),
    file(
        "C library headers",
        &["/usr/include/stdio.h"],
        "libc6-dev",
        "glibc-devel",
        "glibc",
    ),
    program("flex", "flex", "flex", "flex"),
    program("bison", "bison", "bison", "bison"),
    program("bc", "bc", "bc", "bc"),
    program("perl", "perl", "perl", "perl"),
    program("patch", "patch", "patch", "patch"),
    program("rsync", "rsync", "rsync", "rsync"),
    program("cpio", "cpio", "cpio", "cpio"),
    program("depmod", "kmod", "kmod", "kmod"),
    program("xz", "xz-utils", "xz", "xz"),
    program("zstd", "zstd", "zstd", "zstd"),
    program("curl", "curl", "curl", "curl"),
    file(
        "CA certificates",
        &[
            "/etc/ssl/certs/ca-certificates.crt",
            "/etc/pki/tls/certs/ca-bundle.crt",
        ],
        "ca-certificates",
        "ca-certificates",
        "ca-certificates",
    ),
    file(
        "libelf",
        &["/usr/include/libelf.h"],
        "libelf-dev",
        "elfutils-libelf-devel",
        "libelf",
    ),
    file(
        "openssl",
        &["/usr/include/openssl/ssl.h"],
        "libssl-dev",
        "openssl-devel",
        "openssl",
    ),
    program(
        "qemu-system-x86_64",
        "qemu-system-x86",
        "qemu-system-x86-core",
        "qemu-system-x86",
    ),
    program("busybox", "busybox-static", "busybox", "busybox"),
    program("ip", "iproute2", "iproute", "iproute2"),
    program("mkfs.ext4", "e2fsprogs", "e2fsprogs", "e2fsprogs"),
    Need {
        what: "python3 with venv",
        probe: Probe::Venv,
        apt: "python3-venv",
        dnf: "python3",
        pacman: "python",
        required: true,
    },
    file(
        "libcap",
        &["/usr/include/sys/capability.h"],
        "libcap-dev",
        "libcap-devel",
        "libcap",
    ),
    file(
        "libnuma",
        &["/usr/include/numa.h"],
        "libnuma-dev",
        "numactl-devel",
        "numactl",
    ),
    file(
        "liburing",
        &["/usr/include/liburing.h"],
        "liburing-dev",
        "liburing-devel",
        "liburing",
    ),
    optional(program("ccache", "ccache", "ccache", "ccache")),
    optional(program("spin", "spin", "spin", "spin")),
    optional(program(
        "java",
        "openjdk-17-jre-headless",
        "java-17-openjdk-headless",
        "jre17-openjdk-headless",
    )),
];

/// What only measuring wants: allocators whose page tables are watched, and a browser that looks
/// at the report.
pub const MEASURING: &[Need] = &[
    optional(file(
        "jemalloc",
        &[
            "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
            "/usr/lib64/libjemalloc.so.2",
            "/usr/lib/libjemalloc.so.2",
        ],
        "libjemalloc2",
        "jemalloc",
        "jemalloc",
    )),
    optional(file(
        "tcmalloc",
        &[
            "/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4",
            "/usr/lib64/libtcmalloc_minimal.so.4",
            "/usr/lib/libtcmalloc_minimal.so.4",
        ],
        "libtcmalloc-minimal4",
        "gperftools-libs",
        "gperftools",
    )),
    optional(file(
        "mimalloc",
        &[
            "/usr/lib/x86_64-linux-gnu/libmimalloc.so.2.0",
            "/usr/lib/x86_64-linux-gnu/libmimalloc.so.2",
            "/usr/lib64/libmimalloc.so.2",
            "/usr/lib/libmimalloc.so.2",
        ],
        "libmimalloc2.0",
        "mimalloc",
        "mimalloc",
    )),
    optional(program("chromium", "chromium", "chromium", "chromium")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes() {
        assert!(program("sh", "", "", "").met());
        assert!(!program("no-such-program-here", "", "", "").met());
        assert!(file("", &["/nonexistent", "/bin/sh"], "", "", "").met());
        assert!(!file("", &["/nonexistent"], "", "", "").met());
    }
}
