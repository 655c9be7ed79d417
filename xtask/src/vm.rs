// SPDX-License-Identifier: GPL-2.0

//! Running a command in a virtual machine: virtme-ng on a copy-on-write view of the host's files.
//!
//! The command's standard output, standard error and exit status travel over virtio ports of our
//! own, so that they stay clean of what virtme-ng, QEMU and the kernel have to say: that goes to
//! the console log, which is scanned afterwards.

use crate::build::{self, Kernel, Variant};
use crate::cmd;
use crate::kvm;
use crate::paths::Paths;
use crate::splat::{Scanner, Splat};
use anyhow::{bail, ensure, Context, Result};
use std::ffi::{CString, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Once, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// Exit status of `vm` when the kernel complained.
pub const EXIT_SPLAT: i32 = 99;
/// Exit status of `vm` when the guest ended without telling a status.
pub const EXIT_NO_STATUS: i32 = 98;
/// Exit status of `vm` when the time ran out, as with timeout(1).
pub const EXIT_TIMEOUT: i32 = 124;

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
    /// End the run after so many seconds
    #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
    pub timeout: u64,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            cpus: 2,
            memory: None,
            icount: false,
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

/// Where the command's output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    /// To our own standard output and standard error
    Inherit,
    /// Into the outcome
    Capture,
    /// Standard output into the outcome, standard error to our own
    CaptureOut,
}

impl Sink {
    /// That of standard output, and that of standard error.
    fn of_each(self) -> (Self, Self) {
        match self {
            Self::CaptureOut => (Self::Capture, Self::Inherit),
            both => (both, both),
        }
    }
}

#[derive(Debug)]
pub struct Outcome {
    /// The command's exit status, if the guest came to tell it.
    pub status: Option<i32>,
    pub timed_out: bool,
    pub splats: Vec<Splat>,
    pub stdout: String,
    pub stderr: String,
    pub console: PathBuf,
}

impl Outcome {
    /// The command ended with 0 and the kernel had nothing to complain about.
    pub fn ok(&self) -> bool {
        self.status == Some(0) && !self.timed_out && self.splats.is_empty()
    }

    /// What `cargo xtask vm` exits with.
    pub fn exit_code(&self) -> i32 {
        if !self.splats.is_empty() {
            EXIT_SPLAT
        } else if self.timed_out {
            EXIT_TIMEOUT
        } else {
            self.status.unwrap_or(EXIT_NO_STATUS)
        }
    }

    /// What went wrong with the machine itself, if anything did; the log's part included.
    pub fn trouble(&self) -> Option<String> {
        let log = self.console.display();
        if let Some(first) = self.splats.first() {
            return Some(format!(
                "the kernel complained ({} times), first:\n{}\n(whole log: {log})",
                self.splats.len(),
                first.context
            ));
        }
        if self.timed_out || self.status.is_none() {
            let what = if self.timed_out {
                "the guest was stopped when its time ran out"
            } else {
                "the guest ended without an exit status"
            };
            let text = fs::read(&self.console).unwrap_or_default();
            let end = cmd::tail(&String::from_utf8_lossy(&text), 30);
            return Some(format!(
                "{what}; the end of its log:\n{end}\n(whole log: {log})"
            ));
        }
        None
    }
}

/// Boot a variant's image, or another one, and run a command as root.
pub fn run(
    paths: &Paths,
    kernel: impl Into<Kernel>,
    image: Option<&Path>,
    machine: &Machine,
    sink: Sink,
    command: &[String],
) -> Result<Outcome> {
    let kernel = kernel.into();
    let variant = kernel.variant;
    let out = build::build_dir(paths, kernel.clone())?;
    let image = image.map_or_else(|| build::image(paths, kernel), |i| Ok(i.to_owned()))?;
    ensure!(
        image.is_file(),
        "{} does not exist; run `cargo xtask build --kernel {}` first",
        image.display(),
        variant.name()
    );
    let vng = paths.vng();
    ensure!(
        vng.is_file(),
        "{} is missing; run `cargo xtask setup`",
        vng.display()
    );

    let dir = run_dir(paths)?;
    let ports = Ports::new(&dir)?;
    let script = dir.join("script");
    fs::write(
        &script,
        guest_script(paths, &build::modules_dir(&out), command)?,
    )?;
    let console = dir.join("console.log");

    let mut cmd = Command::new(&vng);
    cmd.arg("--run").arg(&image);
    cmd.args([
        "-v",
        "--user",
        "root",
        "--force-9p",
        "--disable-microvm",
        "--skip-modules",
    ]);
    cmd.args(["--qemu", &kvm::qemu()?.display().to_string()]);
    cmd.args(["--memory", machine.memory.as_deref().unwrap_or("2G")]);
    cmd.args([
        "--cpus",
        &if machine.icount { 1 } else { machine.cpus }.to_string(),
    ]);
    cmd.args(["--cwd", "/"]);
    // The scanner tells the kernel's lines from others by their time stamps.
    cmd.arg("--append=printk.time=1");
    for dir in overlays(paths) {
        cmd.arg("--overlay-rwdir").arg(dir);
    }
    if !use_kvm(paths, machine)? {
        cmd.arg("--disable-kvm");
        if !machine.icount && !machine.mttcg && !kvm::mttcg_is_sound()? {
            cmd.arg("--qemu-opts=-accel tcg,thread=single");
        }
    }
    if machine.icount {
        cmd.arg("--qemu-opts=-icount shift=0,sleep=off");
        // What is counted is not to depend on where things happen to lie.
        cmd.arg("--append=nokaslr norandmaps");
    }
    if variant == Variant::Debug {
        // KASAN asks the boot CPU's features how many levels there are, and they are gone for a
        // moment while they are read: an interrupt just then is taken for a wild access.
        cmd.arg("--append=no5lvl");
    }
    for words in &machine.append {
        cmd.arg(format!("--append={words}"));
    }
    if let Some(size) = &machine.disk {
        cmd.arg(format!("--qemu-opts={}", scratch_disk(&dir, size)?));
    }
    for opts in &machine.qemu_opts {
        cmd.arg(format!("--qemu-opts={opts}"));
    }
    cmd.arg(format!("--qemu-opts={}", ports.qemu_opts()));
    cmd.arg("--exec").arg(format!("bash {}", quote(&script)?));

    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&console)?;
    let mut child = cmd
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .env_remove("PYTHONPATH")
        .env("PATH", path_with(&vng)?)
        .process_group(0)
        .spawn()
        .with_context(|| format!("running {}", vng.display()))?;
    let guard = Group::watch(&child);
    let readers = ports.read(sink)?;
    let timed_out = wait(&mut child, &guard, Duration::from_secs(machine.timeout))?;
    drop(guard);
    let (status, stdout, stderr) = readers.finish()?;

    let text = fs::read(&console)?;
    let splats = Scanner::new()?.scan(&String::from_utf8_lossy(&text));
    if machine.disk.is_some() {
        let _ = fs::remove_file(dir.join("disk"));
    }
    let latest = paths.log_dir()?.join(format!("vm-{}.log", variant.name()));
    let _ = fs::copy(&console, &latest);
    Ok(Outcome {
        status,
        timed_out,
        splats,
        stdout,
        stderr,
        console,
    })
}

/// PATH with a program's own directory first: vng calls its siblings by name.
fn path_with(program: &Path) -> Result<OsString> {
    let own = program.parent().map(Path::to_owned);
    let path = std::env::var_os("PATH").unwrap_or_default();
    Ok(std::env::join_paths(
        own.into_iter().chain(std::env::split_paths(&path)),
    )?)
}

/// Whether to use KVM; says once when it cannot be used.
fn use_kvm(paths: &Paths, machine: &Machine) -> Result<bool> {
    if machine.icount {
        ensure!(
            !machine.kvm,
            "--icount counts what QEMU itself executes: it excludes --kvm"
        );
        return Ok(false);
    }
    if machine.kvm || machine.no_kvm {
        return Ok(machine.kvm);
    }
    let works = kvm::works(paths)?;
    if !works {
        static SAY: Once = Once::new();
        SAY.call_once(|| {
            eprintln!("note: KVM does not work here; running under TCG, which is slow")
        });
    }
    Ok(works)
}

/// A new directory for one run; those of the oldest runs are removed.
fn run_dir(paths: &Paths) -> Result<PathBuf> {
    const KEEP: usize = 20;
    let parent = paths.cache_subdir("run")?;
    let mut old: Vec<_> = fs::read_dir(&parent)?
        .flatten()
        .filter_map(|e| Some((e.metadata().ok()?.modified().ok()?, e.path())))
        .collect();
    old.sort();
    for (when, dir) in old.iter().take(old.len().saturating_sub(KEEP)) {
        // Not one that may still be in use.
        if when
            .elapsed()
            .is_ok_and(|age| age > Duration::from_secs(2 * 3600))
        {
            let _ = fs::remove_dir_all(dir);
        }
    }
    let dir = tempfile::Builder::new().prefix("vm-").tempdir_in(&parent)?;
    Ok(dir.keep())
}

/// Directories outside of what virtme-ng makes copy-on-write by itself, that a command may want
/// to write to.
fn overlays(paths: &Paths) -> Vec<PathBuf> {
    const BY_VNG: [&str; 8] = [
        "/etc", "/lib", "/home", "/opt", "/srv", "/usr", "/var", "/tmp",
    ];
    let mut list = vec![
        PathBuf::from("/root"),
        paths.root.clone(),
        paths.cache.clone(),
    ];
    list.retain(|dir| dir.is_dir() && !BY_VNG.iter().any(|by| dir.starts_with(by)));
    let all = list.clone();
    list.retain(|dir| {
        !all.iter()
            .any(|other| other != dir && dir.starts_with(other))
    });
    list.dedup();
    list
}

fn scratch_disk(dir: &Path, size: &str) -> Result<String> {
    let file = dir.join("disk");
    let made = Command::new("truncate")
        .args(["-s", size])
        .arg(&file)
        .status();
    ensure!(
        made.is_ok_and(|s| s.success()),
        "`{size}` is no size for --disk; 2G is one"
    );
    Ok(format!(
        "-drive file={},if=virtio,format=raw,cache=unsafe,discard=unmap",
        file.display()
    ))
}

fn quote(path: &Path) -> Result<String> {
    let text = path
        .to_str()
        .context("a path that is not UTF-8 cannot be passed to the guest")?;
    Ok(shlex::try_quote(text)?.into_owned())
}

/// What the guest runs: find the ports, set the scene, run the command, tell its status.
fn guest_script(paths: &Paths, modules: &Path, command: &[String]) -> Result<String> {
    ensure!(!command.is_empty(), "no command to run in the guest");
    let words = shlex::try_join(command.iter().map(String::as_str))?;
    let cwd = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let mut path = paths.cache.join("pkg/bin").display().to_string();
    if let Ok(own) = std::env::var("PATH") {
        path = format!("{path}:{own}");
    }
    Ok(format!(
        r#"port() {{
	for p in /sys/class/virtio-ports/*; do
		[ "$(cat "$p/name" 2>/dev/null)" = "$1" ] && echo "/dev/${{p##*/}}"
	done
}}
out=$(port freepte.out) err=$(port freepte.err) status=$(port freepte.status)
ln -sf "$(port freepte.devout)" /dev/stdout
ln -sf "$(port freepte.deverr)" /dev/stderr
ip link set lo up 2>/dev/null
modules={modules}/lib/modules/$(uname -r)
if [ -d "$modules" ]; then
	mount -t tmpfs modules /lib/modules && ln -s "$modules" "/lib/modules/$(uname -r)"
fi
export PATH={path}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root FREEPTE_GUEST=1
[ -b /dev/vda ] && export FREEPTE_DISK=/dev/vda
cd {cwd} 2>/dev/null || cd /
( exec {words} ) </dev/null >"$out" 2>"$err"
echo $? >"$status"
"#,
        modules = quote(modules)?,
        path = shlex::try_quote(&path)?,
        cwd = quote(&cwd)?,
    ))
}

/// The virtio ports between guest and host, each a FIFO or a file on this side.
struct Ports {
    out: PathBuf,
    err: PathBuf,
    status: PathBuf,
}

impl Ports {
    fn new(dir: &Path) -> Result<Self> {
        let ports = Self {
            out: dir.join("out"),
            err: dir.join("err"),
            status: dir.join("status"),
        };
        fifo(&ports.out)?;
        fifo(&ports.err)?;
        Ok(ports)
    }

    fn qemu_opts(&self) -> String {
        let mut opts = "-device virtio-serial-pci,id=freepte,max_ports=8".to_owned();
        for (name, file) in [
            ("out", &self.out),
            ("err", &self.err),
            // A port has one writer at a time: programs that open /dev/stdout get their own.
            ("devout", &self.out),
            ("deverr", &self.err),
            ("status", &self.status),
        ] {
            opts.push_str(&format!(
                " -chardev file,id=freepte-{name},path={} \
                 -device virtserialport,bus=freepte.0,name=freepte.{name},chardev=freepte-{name}",
                file.display()
            ));
        }
        opts
    }

    fn read(self, sink: Sink) -> Result<Readers> {
        let reader = |path: &Path, ours: Box<dyn Write + Send>, sink| -> Result<(File, Reader)> {
            let input = open_fifo(path)?;
            // Kept open until QEMU has gone: until then there is no end of file.
            let hold = OpenOptions::new().write(true).open(path)?;
            let thread = thread::spawn(move || pump(input, ours, sink));
            Ok((hold, thread))
        };
        let (of_out, of_err) = sink.of_each();
        let (hold_out, out) = reader(&self.out, Box::new(std::io::stdout()), of_out)?;
        let (hold_err, err) = reader(&self.err, Box::new(std::io::stderr()), of_err)?;
        Ok(Readers {
            hold: [hold_out, hold_err],
            out,
            err,
            status: self.status,
        })
    }
}

type Reader = thread::JoinHandle<Result<Vec<u8>>>;

struct Readers {
    hold: [File; 2],
    out: Reader,
    err: Reader,
    status: PathBuf,
}

impl Readers {
    fn finish(self) -> Result<(Option<i32>, String, String)> {
        drop(self.hold);
        let join = |reader: Reader| -> Result<String> {
            match reader.join() {
                Ok(bytes) => Ok(String::from_utf8_lossy(&bytes?).into_owned()),
                Err(_) => bail!("the reader of the guest's output died"),
            }
        };
        let (out, err) = (join(self.out)?, join(self.err)?);
        let status = fs::read_to_string(&self.status)
            .ok()
            .and_then(|s| s.trim().parse().ok());
        Ok((status, out, err))
    }
}

fn pump(mut input: File, mut ours: Box<dyn Write + Send>, sink: Sink) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    let mut buffer = [0; 65536];
    let mut closed = false;
    loop {
        let count = input.read(&mut buffer)?;
        if count == 0 {
            return Ok(all);
        }
        match sink {
            Sink::Capture | Sink::CaptureOut => all.extend_from_slice(&buffer[..count]),
            // Whoever reads us may have gone; the guest must not hang for that.
            Sink::Inherit if !closed => {
                closed = ours
                    .write_all(&buffer[..count])
                    .and_then(|()| ours.flush())
                    .is_err();
            }
            Sink::Inherit => {}
        }
    }
}

fn fifo(path: &Path) -> Result<()> {
    let name = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: `name` is a valid C string that lives across the call.
    let made = unsafe { libc::mkfifo(name.as_ptr(), 0o600) };
    ensure!(
        made == 0,
        "making {}: {}",
        path.display(),
        std::io::Error::last_os_error()
    );
    Ok(())
}

/// Open a FIFO for reading without waiting for a writer; reads wait as usual.
fn open_fifo(path: &Path) -> Result<File> {
    use std::os::fd::AsRawFd;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    // SAFETY: the descriptor is open; clearing its flags touches no memory of ours.
    let cleared = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFL, 0) };
    ensure!(cleared == 0, "fcntl: {}", std::io::Error::last_os_error());
    Ok(file)
}

/// Wait for the end; true when the time ran out first.
fn wait(child: &mut Child, group: &Group, most: Duration) -> Result<bool> {
    let start = Instant::now();
    loop {
        if child.try_wait()?.is_some() {
            return Ok(false);
        }
        if start.elapsed() >= most {
            group.kill();
            child.wait()?;
            return Ok(true);
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// The process group of the running virtual machine, ended with us.
struct Group(i32);

static RUNNING: AtomicI32 = AtomicI32::new(0);
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

impl Group {
    fn watch(child: &Child) -> Self {
        static HANDLER: OnceLock<bool> = OnceLock::new();
        HANDLER.get_or_init(|| {
            ctrlc::set_handler(|| {
                INTERRUPTED.store(true, Ordering::SeqCst);
                kill_group(RUNNING.load(Ordering::SeqCst));
                std::process::exit(130);
            })
            .is_ok()
        });
        let group = i32::try_from(child.id()).unwrap_or(0);
        RUNNING.store(group, Ordering::SeqCst);
        Self(group)
    }

    fn kill(&self) {
        kill_group(self.0);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        RUNNING.store(0, Ordering::SeqCst);
    }
}

fn kill_group(group: i32) {
    if group > 1 {
        // SAFETY: kill() touches no memory; the group was made for our own child.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: Option<i32>, timed_out: bool, splat: bool) -> Outcome {
        let splat = splat.then(|| Splat {
            line: "BUG".into(),
            context: "BUG".into(),
        });
        Outcome {
            status,
            timed_out,
            splats: splat.into_iter().collect(),
            stdout: String::new(),
            stderr: String::new(),
            console: PathBuf::from("/nonexistent"),
        }
    }

    #[test]
    fn exit_codes() {
        assert_eq!(outcome(Some(0), false, false).exit_code(), 0);
        assert_eq!(outcome(Some(7), false, false).exit_code(), 7);
        assert_eq!(outcome(Some(0), false, true).exit_code(), EXIT_SPLAT);
        assert_eq!(outcome(None, true, false).exit_code(), EXIT_TIMEOUT);
        assert_eq!(outcome(None, false, false).exit_code(), EXIT_NO_STATUS);
        assert!(!outcome(Some(0), false, true).ok());
        assert!(!outcome(None, false, false).ok());
        assert!(outcome(Some(0), false, false).ok());
    }

    #[test]
    fn figures_are_captured_while_progress_shows() {
        let each = (Sink::Capture, Sink::Inherit);
        assert_eq!(Sink::CaptureOut.of_each(), each);
        assert_eq!(Sink::Capture.of_each(), (Sink::Capture, Sink::Capture));
        assert_eq!(Sink::Inherit.of_each(), (Sink::Inherit, Sink::Inherit));
    }

    #[test]
    fn guest_words_are_quoted() -> Result<()> {
        let paths = Paths {
            root: "/r".into(),
            cache: "/c d".into(),
        };
        let command = ["echo", "a b", "$X"].map(str::to_owned);
        let text = guest_script(&paths, Path::new("/m n"), &command)?;
        assert!(text.contains("exec echo 'a b' '$X' )"), "{text}");
        assert!(text.contains("modules='/m n'/lib/modules/"), "{text}");
        assert!(guest_script(&paths, Path::new("/m"), &[]).is_err());
        Ok(())
    }
}
