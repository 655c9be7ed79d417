// SPDX-License-Identifier: GPL-2.0

//! The malloc of this process: which one it is, and how it is asked to give memory back.

// The calls of C functions that are found by name.
#![allow(unsafe_code)]

use anyhow::{ensure, Context, Result};
use std::ffi::{c_char, c_int, c_void, CStr};
use std::path::{Path, PathBuf};
use std::{env, mem, ptr};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Allocator {
    Glibc,
    Jemalloc,
    Tcmalloc,
    Mimalloc,
}

/// How a library that takes malloc's place is found.
struct Library {
    /// Names the file, if it is in no usual place
    variable: &'static str,
    files: &'static [&'static str],
    /// As Debian calls it
    package: &'static str,
}

impl Allocator {
    pub fn word(self) -> &'static str {
        match self {
            Allocator::Glibc => "glibc",
            Allocator::Jemalloc => "jemalloc",
            Allocator::Tcmalloc => "tcmalloc",
            Allocator::Mimalloc => "mimalloc",
        }
    }

    fn library(self) -> Option<Library> {
        let (variable, files, package): (_, &[_], _) = match self {
            Allocator::Glibc => return None,
            Allocator::Jemalloc => ("FREEPTE_JEMALLOC", &["libjemalloc.so.2"], "libjemalloc2"),
            Allocator::Tcmalloc => (
                "FREEPTE_TCMALLOC",
                &["libtcmalloc_minimal.so.4"],
                "libtcmalloc-minimal4, in Debian 13 libtcmalloc-minimal4t64",
            ),
            Allocator::Mimalloc => (
                "FREEPTE_MIMALLOC",
                &["libmimalloc.so.3", "libmimalloc.so.2"],
                "libmimalloc2.0, in Debian 13 libmimalloc3",
            ),
        };
        Some(Library {
            variable,
            files,
            package,
        })
    }

    /// The file to preload; none for the system's own.
    pub fn preload(self) -> Result<Option<PathBuf>> {
        let Some(library) = self.library() else {
            return Ok(None);
        };
        let found = library.find().with_context(|| {
            format!(
                "{} (package {}, or {})",
                library.files.join(" or "),
                library.package,
                library.variable
            )
        })?;
        Ok(Some(found))
    }

    /// What it is told in its environment.
    pub fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            // It gives memory back when it is next called some milliseconds later, and a program
            // that rests after freeing does not call it. Its versions have two names for that.
            Allocator::Mimalloc => &[("MIMALLOC_RESET_DELAY", "0"), ("MIMALLOC_PURGE_DELAY", "0")],
            _ => &[],
        }
    }

    /// Make sure that it is this one that serves malloc here.
    pub fn check(self) -> Result<()> {
        let malloc = symbol(c"malloc").context("there is no malloc")?;
        let file = file_of(malloc).context("malloc is in no library")?;
        let name = file.rsplit('/').next().unwrap_or_default();
        let stem = match self {
            Allocator::Glibc => "libc.so",
            other => &format!("lib{}", other.word()),
        };
        ensure!(
            name.starts_with(stem),
            "malloc is that of {file}, not {}'s",
            self.word()
        );
        Ok(())
    }

    /// Give free memory back to the kernel, as far as it can.
    pub fn release(self) -> Result<()> {
        match self {
            Allocator::Glibc => trim_glibc(),
            Allocator::Jemalloc => purge_jemalloc(),
            Allocator::Tcmalloc => release_tcmalloc(),
            Allocator::Mimalloc => collect_mimalloc(),
        }
    }
}

impl Library {
    fn find(&self) -> Option<PathBuf> {
        if let Some(named) = env::var_os(self.variable) {
            return Some(PathBuf::from(named)).filter(|file| file.is_file());
        }
        const DIRS: [&str; 3] = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"];
        self.files
            .iter()
            .flat_map(|file| DIRS.map(|dir| Path::new(dir).join(file)))
            .find(|file| file.is_file())
    }
}

fn symbol(name: &CStr) -> Result<*mut c_void> {
    // SAFETY: looks a C string up among what is loaded.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    ensure!(!found.is_null(), "{} is not loaded", name.to_string_lossy());
    Ok(found)
}

/// The loaded file that an address belongs to.
fn file_of(address: *mut c_void) -> Option<String> {
    // SAFETY: plain pointers, for which zeroes are good; dladdr fills them.
    let mut info: libc::Dl_info = unsafe { mem::zeroed() };
    // SAFETY: `info` is ours; the address is only compared.
    if unsafe { libc::dladdr(address, &raw mut info) } == 0 || info.dli_fname.is_null() {
        return None;
    }
    // SAFETY: a C string that lives as long as the file is loaded; nothing here unloads any.
    let name = unsafe { CStr::from_ptr(info.dli_fname) };
    Some(name.to_string_lossy().into_owned())
}

fn trim_glibc() -> Result<()> {
    // SAFETY: that is how glibc declares it.
    let trim: unsafe extern "C" fn(usize) -> c_int =
        unsafe { mem::transmute(symbol(c"malloc_trim")?) };
    // SAFETY: touches free memory only. What it returns tells whether it found any.
    unsafe { trim(0) };
    Ok(())
}

fn purge_jemalloc() -> Result<()> {
    type Mallctl =
        unsafe extern "C" fn(*const c_char, *mut c_void, *mut usize, *mut c_void, usize) -> c_int;
    // SAFETY: that is how jemalloc declares it.
    let mallctl: Mallctl = unsafe { mem::transmute(symbol(c"mallctl")?) };
    // 4096 stands for all arenas.
    for command in [c"thread.tcache.flush", c"arena.4096.purge"] {
        let none = ptr::null_mut();
        // SAFETY: commands that take no value and give none.
        let error = unsafe { mallctl(command.as_ptr(), none, ptr::null_mut(), none, 0) };
        ensure!(error == 0, "mallctl({command:?}) failed with {error}");
    }
    Ok(())
}

fn release_tcmalloc() -> Result<()> {
    // SAFETY: that is how gperftools declares it.
    let release: unsafe extern "C" fn() =
        unsafe { mem::transmute(symbol(c"MallocExtension_ReleaseFreeMemory")?) };
    // SAFETY: touches free memory only.
    unsafe { release() };
    Ok(())
}

fn collect_mimalloc() -> Result<()> {
    // SAFETY: that is how mimalloc declares it.
    let collect: unsafe extern "C" fn(bool) = unsafe { mem::transmute(symbol(c"mi_collect")?) };
    // SAFETY: touches free memory only.
    unsafe { collect(true) };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Allocator;

    #[test]
    fn tests_run_on_the_systems_malloc() {
        assert!(Allocator::Glibc.check().is_ok());
        assert!(Allocator::Glibc.release().is_ok());
        for other in [
            Allocator::Jemalloc,
            Allocator::Tcmalloc,
            Allocator::Mimalloc,
        ] {
            assert!(other.check().is_err());
            assert!(other.release().is_err());
        }
    }
}
