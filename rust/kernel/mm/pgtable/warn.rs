// SPDX-License-Identifier: GPL-2.0

//! Warnings that come once.

/// Report a warning if `cond` is true, the first time that it is, and return the condition's
/// evaluation result.
///
/// What makes a warning in mm/ true is mostly a state that lasts: each further try would warn again.
///
/// C header: [`include/asm-generic/bug.h`](srctree/include/asm-generic/bug.h)
///
/// # Examples
///
/// ```
/// // Pages of a range that may not be larger than this.
/// fn nr_pages(len: usize) -> Option<usize> {
///     let nr = len >> kernel::page::PAGE_SHIFT;
///
///     (!kernel::warn_on_once!(nr > 512)).then_some(nr)
/// }
///
/// assert_eq!(nr_pages(0x3000), Some(3));
/// ```
#[macro_export]
macro_rules! warn_on_once {
    ($cond:expr) => {{
        let cond = $cond;

        #[cfg(CONFIG_DEBUG_BUGVERBOSE_DETAILED)]
        const COND_STR: &str = concat!("[", stringify!($cond), "] ", file!());
        #[cfg(not(CONFIG_DEBUG_BUGVERBOSE_DETAILED))]
        const COND_STR: &str = file!();

        if cond {
            const WARN_ON_ONCE_FLAGS: u32 = $crate::bindings::BUGFLAG_ONCE
                | $crate::bug::bugflag_taint($crate::bindings::TAINT_WARN);

            $crate::warn_flags!(COND_STR, WARN_ON_ONCE_FLAGS);
        }
        cond
    }};
}

/// The same on a kernel with `CONFIG_DEBUG_VM`; on others the condition is not evaluated.
#[macro_export]
macro_rules! vm_warn_on_once {
    ($cond:expr) => {
        if cfg!(CONFIG_DEBUG_VM) {
            $crate::warn_on_once!($cond);
        }
    };
}
