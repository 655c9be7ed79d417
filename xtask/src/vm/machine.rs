// SPDX-License-Identifier: GPL-2.0

//! What the guest's machine is like.

/// The options of every command that boots a guest.
#[derive(Clone, Debug, clap::Args)]
pub struct Machine {
    /// Virtual CPUs
    #[arg(long, default_value_t = 2)]
    pub cpus: u32,
    /// Memory of the guest [default: 2G, for ksft 4G]
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<String>,
    /// Count instructions: one CPU, on which a guest's nanosecond is an instruction
    #[arg(long)]
    pub icount: bool,
    /// Boot Xen, and the kernel as its first domain: for `--kernel xen`
    #[arg(long, conflicts_with_all = ["icount", "kvm"])]
    pub xen: bool,
    /// More words for the kernel's command line
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub append: Vec<String>,
    /// More arguments for QEMU
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub qemu_opts: Vec<String>,
    /// Attach an empty scratch disk of this size (such as 2G) as /dev/vda (FREEPTE_DISK names it)
    #[arg(long, value_name = "SIZE")]
    pub disk: Option<String>,
    /// Use KVM even if the probe says that it does not work
    #[arg(long, conflicts_with = "no_kvm")]
    pub kvm: bool,
    /// Do not use KVM
    #[arg(long)]
    pub no_kvm: bool,
    /// Under TCG, a host thread for each CPU even with a QEMU whose threads are known to race
    #[arg(long)]
    pub mttcg: bool,
    /// End the run after so many seconds (but for a shell, or with --gdb); time in which it waited
    /// for a processor of the host does not count
    #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
    pub timeout: u64,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            cpus: 2,
            memory: None,
            icount: false,
            xen: false,
            append: Vec::new(),
            qemu_opts: Vec::new(),
            disk: None,
            kvm: false,
            no_kvm: false,
            mttcg: false,
            timeout: 3600,
        }
    }
}
