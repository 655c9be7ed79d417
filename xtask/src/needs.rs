// SPDX-License-Identifier: GPL-2.0

//! What this machine must have and for what, how to see whether it is there, and what each
//! distribution calls it. Compilers are not in this table: see toolchain.rs.

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

/// What a step may need of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// To fetch, patch and compile a kernel
    Kernel,
    /// To boot one
    Guest,
    /// To compile upstream's selftests
    Selftests,
    /// The programs whose page tables are shown
    Demo,
    /// To check the models in Promela
    Spin,
    /// To check the litmus tests
    Herd,
    /// To boot a kernel on Xen
    Xen,
    /// Allocators whose page tables are measured
    Allocators,
    /// To look at the bench's report
    Browser,
}

impl Part {
    pub const ALL: [Self; 9] = [
        Self::Kernel,
        Self::Guest,
        Self::Selftests,
        Self::Demo,
        Self::Spin,
        Self::Herd,
        Self::Xen,
        Self::Allocators,
        Self::Browser,
    ];
}

pub struct Need {
    /// What cannot be done without it
    pub part: Part,
    pub what: &'static str,
    pub probe: Probe,
    pub apt: &'static str,
    pub dnf: &'static str,
    pub pacman: &'static str,
    /// Its part does not work without it
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
    part: Part,
    name: &'static str,
    apt: &'static str,
    dnf: &'static str,
    pacman: &'static str,
) -> Need {
    Need {
        part,
        what: name,
        probe: Probe::Program(name),
        apt,
        dnf,
        pacman,
        required: true,
    }
}

const fn file(
    part: Part,
    what: &'static str,
    files: &'static [&'static str],
    apt: &'static str,
    dnf: &'static str,
    pacman: &'static str,
) -> Need {
    Need {
        part,
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
    program(Part::Kernel, "make", "make", "make", "make"),
    program(Part::Kernel, "gcc", "gcc", "gcc", "gcc"),
    file(
        Part::Kernel,
        "C library headers",
        &["/usr/include/stdio.h"],
        "libc6-dev",
        "glibc-devel",
        "glibc",
    ),
    program(Part::Kernel, "flex", "flex", "flex", "flex"),
    program(Part::Kernel, "bison", "bison", "bison", "bison"),
    program(Part::Kernel, "bc", "bc", "bc", "bc"),
    program(Part::Kernel, "perl", "perl", "perl", "perl"),
    program(Part::Kernel, "patch", "patch", "patch", "patch"),
    program(Part::Kernel, "rsync", "rsync", "rsync", "rsync"),
    program(Part::Kernel, "cpio", "cpio", "cpio", "cpio"),
    program(Part::Kernel, "depmod", "kmod", "kmod", "kmod"),
    program(Part::Kernel, "xz", "xz-utils", "xz", "xz"),
    program(Part::Kernel, "zstd", "zstd", "zstd", "zstd"),
    program(Part::Kernel, "curl", "curl", "curl", "curl"),
    file(
        Part::Kernel,
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
        Part::Kernel,
        "libelf",
        &["/usr/include/libelf.h"],
        "libelf-dev",
        "elfutils-libelf-devel",
        "libelf",
    ),
    file(
        Part::Kernel,
        "openssl",
        &["/usr/include/openssl/ssl.h"],
        "libssl-dev",
        "openssl-devel",
        "openssl",
    ),
    program(
        Part::Guest,
        "qemu-system-x86_64",
        "qemu-system-x86",
        "qemu-system-x86-core",
        "qemu-system-x86",
    ),
    program(
        Part::Guest,
        "busybox",
        "busybox-static",
        "busybox",
        "busybox",
    ),
    program(Part::Guest, "ip", "iproute2", "iproute", "iproute2"),
    program(
        Part::Guest,
        "mkfs.ext4",
        "e2fsprogs",
        "e2fsprogs",
        "e2fsprogs",
    ),
    Need {
        part: Part::Guest,
        what: "python3 with venv",
        probe: Probe::Venv,
        apt: "python3-venv",
        dnf: "python3",
        pacman: "python",
        required: true,
    },
    file(
        Part::Selftests,
        "libcap",
        &["/usr/include/sys/capability.h"],
        "libcap-dev",
        "libcap-devel",
        "libcap",
    ),
    file(
        Part::Selftests,
        "libnuma",
        &["/usr/include/numa.h"],
        "libnuma-dev",
        "numactl-devel",
        "numactl",
    ),
    file(
        Part::Selftests,
        "liburing",
        &["/usr/include/liburing.h"],
        "liburing-dev",
        "liburing-devel",
        "liburing",
    ),
    optional(program(
        Part::Kernel,
        "ccache",
        "ccache",
        "ccache",
        "ccache",
    )),
    program(Part::Spin, "spin", "spin", "spin", "spin"),
    optional(program(
        Part::Demo,
        "java",
        "default-jre-headless",
        "java-headless",
        "jre-openjdk-headless",
    )),
    optional(file(
        Part::Allocators,
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
        Part::Allocators,
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
        Part::Allocators,
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
    program(
        Part::Browser,
        "chromium",
        "chromium",
        "chromium",
        "chromium",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes() {
        assert!(program(Part::Kernel, "sh", "", "", "").met());
        assert!(!program(Part::Kernel, "no-such-program-here", "", "", "").met());
        assert!(file(Part::Kernel, "", &["/nonexistent", "/bin/sh"], "", "", "").met());
        assert!(!file(Part::Kernel, "", &["/nonexistent"], "", "", "").met());
    }
}
