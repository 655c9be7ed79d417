// SPDX-License-Identifier: GPL-2.0

//! Points in the middle of taking pages at which a test does what others may do just then.
//!
//! There are none without `CONFIG_RUST_MM_TWINS`: the functions are empty, and leave no instruction. With it,
//! each is a branch that is not taken unless a test has set a hook.

/// How far taking pages has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    /// It has seen whether a page is a folio of its own.
    IsSmall,
    /// It has seen how many pages of the folio there are from a page on.
    Behind,
    /// It has what it takes, and has not looked at the entries again.
    Taken,
    /// It has all pins, and has not asked whether there was a fork.
    Pinned,
    /// With the mmap lock: it is about to look at a table, and has no lock of one.
    Unlocked,
    /// With the mmap lock: it has seen whether somebody waits for the processor, or for the lock of
    /// the table.
    Contended,
}

/// Comes to a point.
#[inline(always)]
pub(super) fn reach(point: Point) {
    let _ = see(point, 0);
}

/// Comes to a point where something was seen, which may be out of date by now: returns what was seen.
#[cfg(not(all(CONFIG_KUNIT, CONFIG_RUST_MM_TWINS)))]
#[inline(always)]
pub(super) fn see(_point: Point, seen: usize) -> usize {
    seen
}

#[cfg(all(CONFIG_KUNIT, CONFIG_RUST_MM_TWINS))]
pub(super) use set::{see, with};

#[cfg(all(CONFIG_KUNIT, CONFIG_RUST_MM_TWINS))]
mod set {
    use super::Point;
    use core::ptr::null_mut;
    use core::sync::atomic::{AtomicPtr, Ordering::Relaxed};
    use kernel::{bindings, current, static_branch_unlikely};

    /// What is done at a point: gets what was seen there, and returns what is to be seen.
    type What<'a> = &'a dyn Fn(Point, usize) -> usize;

    /// The task that has set a hook.
    static TASK: AtomicPtr<bindings::task_struct> = AtomicPtr::new(null_mut());
    /// Its hook.
    static HOOK: AtomicPtr<What<'static>> = AtomicPtr::new(null_mut());

    #[inline(always)]
    pub(in crate::gup) fn see(point: Point, seen: usize) -> usize {
        // SAFETY: The key is one of C.
        if unsafe { static_branch_unlikely!(bindings::gup_hook, bindings::gup_hook, key) } {
            called(point, seen)
        } else {
            seen
        }
    }

    #[cold]
    fn called(point: Point, seen: usize) -> usize {
        if TASK.load(Relaxed) != current!().as_ptr() {
            return seen;
        }
        // SAFETY: This task is in `with`, where the hook lives.
        match unsafe { HOOK.load(Relaxed).as_ref() } {
            Some(what) => what(point, seen),
            None => seen,
        }
    }

    /// Runs something, with a hook at all points that this task comes to. What the hook does must be possible
    /// with interrupts off. For one test at a time.
    pub(in crate::gup) fn with<R>(what: What<'_>, run: impl FnOnce() -> R) -> R {
        HOOK.store((&raw const what).cast_mut().cast(), Relaxed);
        TASK.store(current!().as_ptr(), Relaxed);
        // SAFETY: The key is a static of C, and we may sleep.
        unsafe { bindings::static_key_enable(&raw mut bindings::gup_hook.key.key) };
        let result = run();
        // SAFETY: As above.
        unsafe { bindings::static_key_disable(&raw mut bindings::gup_hook.key.key) };
        TASK.store(null_mut(), Relaxed);
        result
    }
}
