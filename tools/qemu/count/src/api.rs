// SPDX-License-Identifier: GPL-2.0

//! QEMU's side: what it calls, and what is called of it (qemu-plugin.h, version 1 of the API).
//!
//! QEMU runs a guest with `-icount` by one thread; the lock is for the compiler's sake, and never
//! waited for.

use crate::insn;
use crate::marker::Marker;
use crate::round::Counter;
use crate::symbols::{is_kernel, Symbols};
use anyhow::{ensure, Context, Result};
use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_uint, c_void, CStr};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// The version of the API that this is written for. QEMU reads it before anything else.
#[no_mangle]
#[allow(non_upper_case_globals)]
pub static qemu_plugin_version: c_int = 1;

type Id = u64;

#[repr(C)]
pub struct Tb(c_void);
#[repr(C)]
pub struct Insn(c_void);
#[repr(C)]
pub struct Info(c_void);

/// QEMU_PLUGIN_CB_NO_REGS
const NO_REGS: c_int = 0;

type OnTranslation = extern "C" fn(Id, *mut Tb);
type OnExecution = extern "C" fn(c_uint, *mut c_void);
type AtExit = extern "C" fn(Id, *mut c_void);

extern "C" {
    fn qemu_plugin_register_vcpu_tb_trans_cb(id: Id, call: OnTranslation);
    fn qemu_plugin_register_vcpu_tb_exec_cb(
        tb: *mut Tb,
        call: OnExecution,
        flags: c_int,
        data: *mut c_void,
    );
    fn qemu_plugin_register_vcpu_insn_exec_cb(
        insn: *mut Insn,
        call: OnExecution,
        flags: c_int,
        data: *mut c_void,
    );
    fn qemu_plugin_register_atexit_cb(id: Id, call: AtExit, data: *mut c_void);
    fn qemu_plugin_tb_n_insns(tb: *const Tb) -> usize;
    fn qemu_plugin_tb_get_insn(tb: *const Tb, index: usize) -> *mut Insn;
    fn qemu_plugin_insn_data(insn: *const Insn) -> *const u8;
    fn qemu_plugin_insn_size(insn: *const Insn) -> usize;
    fn qemu_plugin_insn_vaddr(insn: *const Insn) -> u64;
}

struct Plugin {
    counter: Counter,
    out: PathBuf,
}

static PLUGIN: OnceLock<Mutex<Plugin>> = OnceLock::new();
/// Whether a section is measured: most of the time none is, and that is to cost little
static MEASURED: AtomicBool = AtomicBool::new(false);

/// The plugin, once it is installed.
fn plugin() -> Option<MutexGuard<'static, Plugin>> {
    let plugin = PLUGIN.get()?;
    Some(plugin.lock().unwrap_or_else(PoisonError::into_inner))
}

/// `map=FILE`, `out=FILE`
fn open(args: &[String]) -> Result<Plugin> {
    let args: HashMap<&str, &str> = args.iter().filter_map(|arg| arg.split_once('=')).collect();
    let file = |key: &str| {
        args.get(key)
            .copied()
            .with_context(|| format!("no {key}=FILE"))
    };
    let map = fs::read_to_string(file("map")?).context("reading the map")?;
    Ok(Plugin {
        counter: Counter::new(Symbols::parse(&map)?),
        out: file("out")?.into(),
    })
}

/// What QEMU calls when it has loaded the plugin.
///
/// # Safety
///
/// `argv` points to `argc` strings.
#[no_mangle]
pub unsafe extern "C" fn qemu_plugin_install(
    id: Id,
    _info: *const Info,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    let count = usize::try_from(argc).unwrap_or(0);
    let args: Vec<String> = (0..count)
        .map(|number| {
            // SAFETY: there are `argc` pointers, by the contract of this function.
            let arg = unsafe { *argv.add(number) };
            // SAFETY: each points to a string, by the same contract, which outlives this call.
            let arg = unsafe { CStr::from_ptr(arg) };
            arg.to_string_lossy().into_owned()
        })
        .collect();
    match open(&args).and_then(|plugin| {
        ensure!(PLUGIN.set(Mutex::new(plugin)).is_ok(), "installed twice");
        Ok(())
    }) {
        Ok(()) => {
            // SAFETY: `id` is the plugin's, and the callee keeps a function that is never unloaded.
            unsafe { qemu_plugin_register_vcpu_tb_trans_cb(id, translated) };
            // SAFETY: the same.
            unsafe { qemu_plugin_register_atexit_cb(id, exits, std::ptr::null_mut()) };
            0
        }
        Err(error) => {
            eprintln!("freepte-count: {error:#}");
            1
        }
    }
}

/// An instruction of a block, as QEMU shows it while it translates.
fn code_of(insn: *mut Insn) -> Vec<u8> {
    // SAFETY: `insn` is one of a block in translation.
    let size = unsafe { qemu_plugin_insn_size(insn) };
    // SAFETY: the same.
    let data = unsafe { qemu_plugin_insn_data(insn) };
    if data.is_null() {
        return Vec::new();
    }
    // SAFETY: `data` points to the `size` bytes of the instruction until the block is translated.
    unsafe { std::slice::from_raw_parts(data, size) }.to_vec()
}

/// The number of a function and that of instructions, in a pointer.
fn pack(function: usize, count: usize) -> *mut c_void {
    std::ptr::without_provenance_mut(function << 16 | count.min(0xffff))
}

extern "C" fn translated(_id: Id, tb: *mut Tb) {
    let Some(plugin) = plugin() else { return };
    let symbols = plugin.counter.symbols();
    // SAFETY: `tb` is the block that is being translated.
    let count = unsafe { qemu_plugin_tb_n_insns(tb) };
    for number in 0..count {
        // SAFETY: the block has more than `number` instructions.
        let insn = unsafe { qemu_plugin_tb_get_insn(tb, number) };
        // SAFETY: `insn` is an instruction of the block.
        let address = unsafe { qemu_plugin_insn_vaddr(insn) };
        let code = code_of(insn);
        let on_execution = |call: OnExecution, data: *mut c_void| {
            // SAFETY: `insn` is an instruction of the block in translation; `call` is never
            // unloaded, and follows no pointer.
            unsafe { qemu_plugin_register_vcpu_insn_exec_cb(insn, call, NO_REGS, data) };
        };
        if let Some(marker) = Marker::of(&code) {
            on_execution(marked, std::ptr::without_provenance_mut(marker as usize));
        }
        if !is_kernel(address) {
            continue;
        }
        if insn::is_atomic(&code) {
            on_execution(atomic, std::ptr::null_mut());
        }
        if symbols.takes_lock(address) {
            on_execution(locked, std::ptr::null_mut());
        }
        // A block is in one function: it ends where a jump or call is.
        if let Some(function) = symbols.at(address).filter(|_| number == 0) {
            // SAFETY: `tb` is the block that is being translated; `executed` is never unloaded, and
            // follows no pointer.
            unsafe {
                qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, NO_REGS, pack(function, count))
            };
        }
    }
}

/// The plugin, while a section is measured.
fn measuring() -> Option<MutexGuard<'static, Plugin>> {
    MEASURED.load(Ordering::Relaxed).then(plugin).flatten()
}

extern "C" fn executed(_vcpu: c_uint, data: *mut c_void) {
    if let Some(mut plugin) = measuring() {
        let packed = data.addr();
        plugin
            .counter
            .instructions(packed >> 16, (packed & 0xffff) as u64);
    }
}

extern "C" fn locked(_vcpu: c_uint, _data: *mut c_void) {
    if let Some(mut plugin) = measuring() {
        plugin.counter.lock();
    }
}

extern "C" fn atomic(_vcpu: c_uint, _data: *mut c_void) {
    if let Some(mut plugin) = measuring() {
        plugin.counter.atomic();
    }
}

extern "C" fn marked(_vcpu: c_uint, data: *mut c_void) {
    let marker = [Marker::Begin, Marker::End, Marker::Round]
        .into_iter()
        .find(|&marker| marker as usize == data.addr());
    if let Some((mut plugin, marker)) = plugin().zip(marker) {
        MEASURED.store(marker == Marker::Begin, Ordering::Relaxed);
        if marker == Marker::Round {
            plugin.counter.end_round();
        }
    }
}

/// Write what was counted.
extern "C" fn exits(_id: Id, _data: *mut c_void) {
    let Some(plugin) = plugin() else { return };
    let written = serde_json::to_string(plugin.counter.rounds())
        .map_err(anyhow::Error::from)
        .and_then(|text| fs::write(&plugin.out, text).context("writing what was counted"));
    if let Err(error) = written {
        eprintln!("freepte-count: {error:#}");
    }
}
