// SPDX-License-Identifier: GPL-2.0

//! Loads and stores that may fault: what the kernel has to say comes back as a value.
//!
//! Each is one instruction of its own function. A handler that finds a signal to come from there
//! leaves the function by its end, with the signal and its code in a register.

#![allow(unsafe_code)]

use anyhow::{ensure, Result};
use std::arch::global_asm;
use std::{io, mem, ptr};

global_asm!(
    ".pushsection .text.freepte_fuzz_access, \"ax\", @progbits",
    "freepte_fuzz_load:",
    "xor edx, edx",
    "freepte_fuzz_load_at:",
    "mov rax, [rdi]",
    "ret",
    "freepte_fuzz_store:",
    "xor edx, edx",
    "freepte_fuzz_store_at:",
    "mov [rdi], rsi",
    "freepte_fuzz_faulted:",
    "xor eax, eax",
    "ret",
    ".popsection",
);

/// What comes back in two registers.
#[repr(C)]
struct Pair {
    value: u64,
    fault: u64,
}

extern "C" {
    fn freepte_fuzz_load(address: u64) -> Pair;
    fn freepte_fuzz_store(address: u64, value: u64) -> Pair;
    fn freepte_fuzz_load_at();
    fn freepte_fuzz_store_at();
    fn freepte_fuzz_faulted();
}

/// A signal and its code: which of them, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault(pub u64);

impl Pair {
    fn result(self) -> Result<u64, Fault> {
        match self.fault {
            0 => Ok(self.value),
            fault => Err(Fault(fault)),
        }
    }
}

/// Read a word.
pub fn load(address: u64) -> Result<u64, Fault> {
    // SAFETY: a read of any address either works or ends in the handler.
    unsafe { freepte_fuzz_load(address) }.result()
}

/// Write a word.
///
/// # Safety
///
/// The address is not one that Rust knows of.
pub unsafe fn store(address: u64, value: u64) -> Result<(), Fault> {
    // SAFETY: the caller's promise; where nothing is mapped it ends in the handler.
    unsafe { freepte_fuzz_store(address, value) }.result()?;
    Ok(())
}

extern "C" fn handler(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes both, and nothing else uses them while the handler runs.
    let (code, registers) = unsafe {
        let context = context.cast::<libc::ucontext_t>();
        ((*info).si_code, &mut (*context).uc_mcontext.gregs)
    };
    let at = registers[libc::REG_RIP as usize];
    let ours = [
        freepte_fuzz_load_at as *const () as i64,
        freepte_fuzz_store_at as *const () as i64,
    ];
    if ours.contains(&at) {
        registers[libc::REG_RIP as usize] = freepte_fuzz_faulted as *const () as i64;
        registers[libc::REG_RDX as usize] = i64::from(signal) << 8 | i64::from(code & 0xff);
        return;
    }
    // A fault of the program itself ends it: the instruction faults again.
    // SAFETY: signal() touches no memory of ours.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

/// From now on faults of `load` and `store` are caught, in all threads and in children.
pub fn catch_faults() -> Result<()> {
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: all zeroes is a valid sigaction, and the handler is one for SA_SIGINFO.
        let done = unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            action.sa_sigaction = handler as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO;
            libc::sigaction(signal, &raw const action, ptr::null_mut())
        };
        ensure!(done == 0, "sigaction: {}", io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pagetables::map::Mapping;
    use pagetables::TABLE_SPAN;

    #[test]
    fn faults_come_back() -> Result<()> {
        const SEGV_MAPERR: u64 = (libc::SIGSEGV as u64) << 8 | 1;
        const SEGV_ACCERR: u64 = (libc::SIGSEGV as u64) << 8 | 2;
        catch_faults()?;
        let mapping = Mapping::anon(TABLE_SPAN)?;
        let address = mapping.range().start;
        // SAFETY: the mapping is only used here.
        unsafe {
            assert_eq!(store(address + 8, 5), Ok(()));
            assert_eq!(load(address + 8), Ok(5));
            mapping.protect(false)?;
            assert_eq!(store(address, 5), Err(Fault(SEGV_ACCERR)));
        }
        assert_eq!(load(address), Ok(0));
        assert_eq!(load(8), Err(Fault(SEGV_MAPERR)));
        Ok(())
    }
}
