// SPDX-License-Identifier: GPL-2.0

//! The steps of `cargo xtask test`. A new one is one line of the table and a function.

mod host;
mod kernel;

use crate::bench;
use crate::build::Variant;
use crate::configs;
use crate::demo;
use crate::docs;
use crate::figures;
use crate::fuzz;
use crate::misuse;
use crate::models;
use crate::needs::Part;
use crate::paths::Paths;
use crate::setup;
use crate::twins;
use anyhow::Result;

/// How a step ended well; an error is how it failed.
pub enum Done {
    Pass(String),
    /// Why it could not be done here; a failure but for a step that may be skipped
    Skip(String),
}

/// What of the machine a step keeps busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// A processor, for a short time
    Host,
    /// All processors: it builds a kernel
    Build(Variant),
    /// A processor, by a guest at a time
    Guest,
}

pub struct Step {
    pub name: &'static str,
    /// Only with --full
    pub full: bool,
    pub load: Load,
    /// What it needs of this machine
    pub needs: &'static [Part],
    /// The kernels that it boots or reads, of this tree
    pub kernels: &'static [Variant],
    /// Why it may be skipped, if it may
    pub may_skip: Option<&'static str>,
    pub run: fn(&Paths) -> Result<Done>,
}

type Run = fn(&Paths) -> Result<Done>;

const fn host(name: &'static str, needs: &'static [Part], run: Run) -> Step {
    Step {
        name,
        full: false,
        load: Load::Host,
        needs,
        kernels: &[],
        may_skip: None,
        run,
    }
}

const fn build(name: &'static str, variant: Variant, run: Run) -> Step {
    Step {
        load: Load::Build(variant),
        ..host(name, &[Part::Kernel], run)
    }
}

const fn guest(name: &'static str, kernels: &'static [Variant], run: Run) -> Step {
    Step {
        load: Load::Guest,
        kernels,
        ..host(name, setup::TO_TEST, run)
    }
}

const fn full(step: Step) -> Step {
    Step { full: true, ..step }
}

/// What cannot be had everywhere, and is of no consequence for the kernels.
const fn may_skip(why: &'static str, step: Step) -> Step {
    Step {
        may_skip: Some(why),
        ..step
    }
}

/// It looks at what was built, and boots nothing.
const fn reads(kernels: &'static [Variant], step: Step) -> Step {
    Step { kernels, ..step }
}

const fn with(needs: &'static [Part], step: Step) -> Step {
    Step { needs, ..step }
}

/// Upstream's categories that take seconds and walk what freepte changes.
const CHEAP: &[&str] = &[
    "madv_guard",
    "madv_populate",
    "mdwe",
    "mkdirty",
    "mmap",
    "mremap",
    "pfnmap",
    "process_madv",
    "process_mrelease",
    "rmap",
    "vma_merge",
];

const STOCK: &[Variant] = &[Variant::Stock];
const FREEPTE: &[Variant] = &[Variant::Freepte];
const TWINS: &[Variant] = &[Variant::Twins];
const DEBUG: &[Variant] = &[Variant::Debug];
const RT: &[Variant] = &[Variant::Rt];
const XEN: &[Variant] = &[Variant::Xen];
const BOTH: &[Variant] = &[Variant::Stock, Variant::Freepte];

const TO_TEST_ON_XEN: &[Part] = &[Part::Kernel, Part::Guest, Part::Selftests, Part::Xen];

/// In the order in which they start, as far as there is room for them; what is built already goes
/// first.
///
/// The debug kernel is built before stock's: its guests take longest, and go on while stock is built.
pub const STEPS: &[Step] = &[
    host("format", &[], host::format),
    may_skip(
        "Debian 12 has no clippy for the rustc that it has for browsers",
        host("clippy", &[], host::clippy),
    ),
    host("host tests", &[], host::host_tests),
    host("commands of the documents", &[], docs::clone),
    host(
        "format of the kernel's Rust",
        &[Part::Kernel],
        host::kernel_rustfmt,
    ),
    host("checkpatch", &[Part::Kernel], host::checkpatch),
    host("models: spin", &[Part::Kernel, Part::Spin], |p| {
        models::step(p, "spin")
    }),
    may_skip(
        "herd7 is in Debian's newest suite only",
        host("models: litmus tests", &[Part::Kernel, Part::Herd], |p| {
            models::step(p, "litmus tests")
        }),
    ),
    host("the bench's report", &[], bench::committed::check),
    may_skip(
        "a browser is no tool of the kernel's, and not every distribution's package of it runs",
        host(
            "the bench's report, looked at",
            &[Part::Browser],
            bench::committed::look,
        ),
    ),
    host("the README's figures", &[], figures::step),
    build("build freepte", Variant::Freepte, |p| {
        kernel::build(p, Variant::Freepte)
    }),
    build("build debug", Variant::Debug, |p| {
        kernel::build(p, Variant::Debug)
    }),
    build("build stock", Variant::Stock, |p| {
        kernel::build(p, Variant::Stock)
    }),
    guest("boot freepte", FREEPTE, |p| {
        kernel::boot(p, Variant::Freepte)
    }),
    guest(
        "commands of the documents, in a guest",
        FREEPTE,
        docs::guest,
    ),
    guest("boot debug, with kunit", DEBUG, |p| {
        kernel::kunit(p, Variant::Debug)
    }),
    guest(
        "kselftests that are for debug, on debug",
        DEBUG,
        kernel::own_of_debug,
    ),
    guest("kselftests on freepte", FREEPTE, |p| {
        kernel::own(p, Variant::Freepte)
    }),
    guest(
        "forced accesses, the vsyscall page and pages of 1 GiB, on freepte",
        FREEPTE,
        kernel::forced,
    ),
    with(
        setup::TO_SHOW,
        guest("make run", FREEPTE, |p| {
            demo::compare(p, &[]).map(|()| passed())
        }),
    ),
    guest("a sweep of 64 GiB", FREEPTE, |p| {
        bench::sweep::run(p).map(Done::Pass)
    }),
    guest("a storm of 3 minutes on debug", DEBUG, |p| {
        kernel::storm(p, 3)
    }),
    guest("boot stock", STOCK, |p| kernel::boot(p, Variant::Stock)),
    guest("instructions against stock", BOTH, |p| {
        bench::gate::run(p).map(Done::Pass)
    }),
    guest("upstream's quick mm tests, stock and freepte", BOTH, |p| {
        kernel::upstream(p, CHEAP, Variant::Freepte)
    }),
    guest("random memory calls, stock and freepte", BOTH, |p| {
        fuzz::quick(p).map(Done::Pass)
    }),
    full(host(
        "commands of the documents, in a kernel tree",
        &[Part::Kernel],
        docs::tree,
    )),
    full(build("build twins", Variant::Twins, |p| {
        kernel::build(p, Variant::Twins)
    })),
    full(build("build off", Variant::Off, |p| {
        kernel::build(p, Variant::Off)
    })),
    full(reads(
        FREEPTE,
        host(
            "what is touched compiles and links in other configurations",
            &[Part::Kernel],
            |p| configs::run(p, &[]).map(Done::Pass),
        ),
    )),
    full(guest("boot twins, with kunit", TWINS, |p| {
        kernel::kunit(p, Variant::Twins)
    })),
    full(guest(
        "instructions of Rust against the C it replaced",
        TWINS,
        |p| twins::cost::run(p).map(Done::Pass),
    )),
    reads(
        FREEPTE,
        host("misuse that must not compile", &[Part::Kernel], |p| {
            misuse::run(p).map(Done::Pass)
        }),
    ),
    reads(
        FREEPTE,
        host(
            "nothing small is called that could be inlined",
            &[Part::Kernel],
            |p| twins::calls::run(p).map(Done::Pass),
        ),
    ),
    full(reads(
        &[Variant::Stock, Variant::Off],
        host("code of off is stock's", &[Part::Kernel], kernel::same_code),
    )),
    full(host(
        "committed figures are of this tree",
        &[Part::Kernel],
        figures::of_this_tree,
    )),
    full(guest(
        "readers of page tables in Rust and in C, on debug",
        DEBUG,
        |p| kernel::own_readers(p, Variant::Debug),
    )),
    full(guest(
        "all other kselftests on debug",
        DEBUG,
        kernel::own_others,
    )),
    full(guest("waits while tables are freed", BOTH, |p| {
        bench::waits::run(p).map(Done::Pass)
    })),
    full(guest("kselftests on twins", TWINS, |p| {
        kernel::own(p, Variant::Twins)
    })),
    full(build("build rt", Variant::Rt, |p| {
        kernel::build(p, Variant::Rt)
    })),
    full(guest("kselftests on rt", RT, |p| {
        kernel::own(p, Variant::Rt)
    })),
    full(build("build xen", Variant::Xen, |p| {
        kernel::build(p, Variant::Xen)
    })),
    full(with(
        TO_TEST_ON_XEN,
        guest(
            "kselftests on xen, below which Xen is",
            XEN,
            kernel::own_on_xen,
        ),
    )),
    full(guest("upstream's mm suite, stock and freepte", BOTH, |p| {
        kernel::upstream(p, &[], Variant::Freepte)
    })),
    full(guest(
        "random memory calls at length, stock and freepte",
        BOTH,
        |p| fuzz::long(p).map(Done::Pass),
    )),
    full(guest(
        "random memory calls find what is wrong",
        STOCK,
        |p| fuzz::selftest(p).map(Done::Pass),
    )),
    full(guest("a storm of 30 minutes on debug", DEBUG, |p| {
        kernel::storm(p, 30)
    })),
    full(guest(
        "10,000 failures to take pages on debug",
        DEBUG,
        kernel::many_failures,
    )),
    full(guest(
        "upstream's mm suite on debug",
        DEBUG,
        kernel::upstream_on_debug,
    )),
];

pub fn passed() -> Done {
    Done::Pass(String::new())
}
