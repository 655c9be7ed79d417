// SPDX-License-Identifier: GPL-2.0

//! Bits of page table entries on x86_64.
//!
//! C header: [`arch/x86/include/asm/pgtable_types.h`](srctree/arch/x86/include/asm/pgtable_types.h)

use crate::{bindings, page::PAGE_MASK};

const fn bit(number: u32) -> u64 {
    1 << number
}

pub(super) const PRESENT: u64 = bit(bindings::_PAGE_BIT_PRESENT);
pub(super) const RW: u64 = bit(bindings::_PAGE_BIT_RW);
pub(super) const USER: u64 = bit(bindings::_PAGE_BIT_USER);
pub(super) const ACCESSED: u64 = bit(bindings::_PAGE_BIT_ACCESSED);
pub(super) const DIRTY: u64 = bit(bindings::_PAGE_BIT_DIRTY);
pub(super) const PSE: u64 = bit(bindings::_PAGE_BIT_PSE);
/// A bit of the memory type, and where it is in an entry that maps more than a page.
pub(super) const PAT: u64 = bit(bindings::_PAGE_BIT_PAT);
pub(super) const PAT_LARGE: u64 = bit(bindings::_PAGE_BIT_PAT_LARGE);
pub(super) const SPECIAL: u64 = bit(bindings::_PAGE_BIT_SPECIAL);
pub(super) const NX: u64 = bit(bindings::_PAGE_BIT_NX);

/// The page is mapped, but for nobody: `PROT_NONE`, or a hint about NUMA.
pub(super) const PROT_NONE: u64 = bit(bindings::_PAGE_BIT_PROTNONE);
/// Dirty without being writable, which the hardware would take for a shadow stack.
pub(super) const SAVED_DIRTY: u64 = bit(bindings::_PAGE_BIT_SAVED_DIRTY);

pub(super) const SOFT_DIRTY: u64 = if cfg!(CONFIG_MEM_SOFT_DIRTY) {
    bit(bindings::_PAGE_BIT_SOFT_DIRTY)
} else {
    0
};
pub(super) const UFFD: u64 = if cfg!(CONFIG_HAVE_ARCH_USERFAULTFD_WP) {
    bit(bindings::_PAGE_BIT_UFFD)
} else {
    0
};

/// What the same flags are in an entry that is not present.
pub(super) const SWP_SOFT_DIRTY: u64 = if cfg!(CONFIG_MEM_SOFT_DIRTY) { RW } else { 0 };
pub(super) const SWP_UFFD: u64 = if cfg!(CONFIG_HAVE_ARCH_USERFAULTFD_WP) {
    USER
} else {
    0
};
pub(super) const SWP_EXCLUSIVE: u64 = bit(bindings::_PAGE_BIT_PWT);

/// Bits that some processors set in an entry that is not present, and so mean nothing there.
pub(super) const STRAY: u64 = ACCESSED | DIRTY;

/// Returns the bits of an entry that hold a physical address.
#[inline]
pub(super) fn address() -> u64 {
    #[cfg(CONFIG_DYNAMIC_PHYSICAL_MASK)]
    // SAFETY: Set once, when the processor's features become known.
    let physical = unsafe { bindings::physical_mask };
    #[cfg(not(CONFIG_DYNAMIC_PHYSICAL_MASK))]
    let physical = bit(bindings::__PHYSICAL_MASK_SHIFT) - 1;

    physical & PAGE_MASK as u64
}

/// Returns the bit that makes memory encrypted, which belongs to the pointer to a table.
#[inline]
pub(super) fn encryption() -> u64 {
    #[cfg(CONFIG_AMD_MEM_ENCRYPT)]
    // SAFETY: Set once, before there is any user page table.
    return unsafe { bindings::sme_me_mask };
    #[cfg(not(CONFIG_AMD_MEM_ENCRYPT))]
    return 0;
}

/// Gives a value of an entry, `struct NAME(u64)`, what values of all levels have.
macro_rules! raw_value {
    ($name:ident) => {
        impl $name {
            /// Takes a raw value.
            #[inline]
            pub const fn from_raw(raw: u64) -> Self {
                Self(raw)
            }

            /// Returns the raw value.
            #[inline]
            pub const fn into_raw(self) -> u64 {
                self.0
            }

            /// Returns whether there is nothing in it.
            #[inline]
            pub const fn is_none(self) -> bool {
                self.0 & !$crate::mm::pgtable::bits::STRAY == 0
            }
        }
    };
}

pub(super) use raw_value;

/// Gives a value of an entry, `struct NAME(u64)`, conversions from and to what is in memory.
///
/// They differ for a guest of Xen that is paravirtualised: there an entry holds the number of a frame
/// of the machine, and the value that of the guest's own.
macro_rules! ffi_value {
    ($name:ident, $entry:ident, $field:ident, $word:ident, $val:ident, $make:ident) => {
        impl $name {
            /// Returns the entry as C code knows it.
            #[inline]
            pub fn into_ffi(self) -> $crate::bindings::$entry {
                #[cfg(CONFIG_PARAVIRT_XXL)]
                // SAFETY: This only computes.
                return unsafe { $crate::bindings::$make(self.0 as $crate::bindings::$word) };
                #[cfg(not(CONFIG_PARAVIRT_XXL))]
                return $crate::bindings::$entry {
                    $field: self.0 as $crate::bindings::$word,
                };
            }

            /// Takes an entry from C code, or from memory.
            #[inline]
            pub fn from_ffi(raw: $crate::bindings::$entry) -> Self {
                #[cfg(CONFIG_PARAVIRT_XXL)]
                // SAFETY: This only computes.
                return Self(unsafe { $crate::bindings::$val(raw) } as u64);
                #[cfg(not(CONFIG_PARAVIRT_XXL))]
                return Self(raw.$field as u64);
            }
        }
    };
}

pub(super) use ffi_value;
