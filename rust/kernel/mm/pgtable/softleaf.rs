// SPDX-License-Identifier: GPL-2.0

//! Entries that hold something, but map nothing.
//!
//! C header: [`include/linux/leafops.h`](srctree/include/linux/leafops.h)

use super::bits;
use crate::bindings;

/// Where the contents of a page are in swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swap {
    /// Which swap area.
    pub area: u8,
    /// Which page of the area.
    pub offset: usize,
}

/// A page that is being moved to somewhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The number of the page frame.
    pub pfn: usize,
    /// What was known of the page that was mapped.
    pub access: Access,
}

/// What an entry allowed before its page went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To read.
    Read,
    /// To read a page that no other process maps.
    ReadExclusive,
    /// To read and write.
    Write,
}

/// A page that a device has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// It is in memory of the device which the processor cannot reach.
    Private {
        /// The number of the page frame.
        pfn: usize,
        /// Whether it could be written to.
        writable: bool,
    },
    /// It is in memory, but the device wants it for itself.
    Exclusive {
        /// The number of the page frame.
        pfn: usize,
    },
}

/// A note where there is no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker(u8);

impl Marker {
    /// Returns whether userfaultfd is to be told of writes.
    #[inline]
    pub const fn is_uffd_wp(self) -> bool {
        self.0 & bindings::PTE_MARKER_UFFD_WP as u8 != 0
    }

    /// Returns whether an access is an error of the memory.
    #[inline]
    pub const fn is_poisoned(self) -> bool {
        self.0 & bindings::PTE_MARKER_POISONED as u8 != 0
    }

    /// Returns whether an access is an error of the program.
    #[inline]
    pub const fn is_guard(self) -> bool {
        self.0 & bindings::PTE_MARKER_GUARD as u8 != 0
    }
}

/// What an entry that is neither none nor present holds.
pub(super) enum Soft {
    Swap(Swap),
    Migration(Migration),
    Device(Device),
    HwPoison { pfn: usize },
    Marker(Marker),
    Unknown,
}

impl Soft {
    /// Returns the type, and what belongs to it.
    #[inline]
    fn split(raw: u64) -> (u32, usize) {
        let number = (raw >> (u64::BITS - bindings::SWP_TYPE_BITS)) as u32;
        // The offset is stored inverted, which makes it an address where no memory is.
        let offset = (!raw << bindings::SWP_TYPE_BITS >> bindings::SWP_OFFSET_SHIFT) as usize;

        (number, offset)
    }

    /// Returns both as user space is told them: of what belongs to the number of a page frame, that
    /// alone.
    pub(super) fn numbers(raw: u64) -> (u64, u64) {
        let (number, offset) = Self::split(raw);
        let told = match Self::decode(raw) {
            Self::Migration(Migration { pfn, .. })
            | Self::Device(Device::Private { pfn, .. } | Device::Exclusive { pfn })
            | Self::HwPoison { pfn } => pfn,
            _ => offset,
        };

        (u64::from(number), told as u64)
    }

    #[inline]
    pub(super) fn decode(raw: u64) -> Self {
        let (number, offset) = Self::split(raw);

        if number < bindings::MAX_SWAPFILES {
            return Self::Swap(Swap {
                area: number as u8,
                offset,
            });
        }
        Self::special(number, offset).unwrap_or(Self::Unknown)
    }

    fn special(number: u32, offset: usize) -> Option<Self> {
        // SAFETY: The width of physical addresses can be asked for at any time.
        let pfn = offset & ((1 << unsafe { bindings::swp_pfn_bits() }) - 1);

        if number == bindings::SWP_PTE_MARKER {
            let known = offset as u8 & bindings::PTE_MARKER_MASK as u8;
            return Some(Self::Marker(Marker(known)));
        }
        #[cfg(CONFIG_MIGRATION)]
        if let Some(access) = match number {
            bindings::SWP_MIGRATION_READ => Some(Access::Read),
            bindings::SWP_MIGRATION_READ_EXCLUSIVE => Some(Access::ReadExclusive),
            bindings::SWP_MIGRATION_WRITE => Some(Access::Write),
            _ => None,
        } {
            return Some(Self::Migration(Migration { pfn, access }));
        }
        #[cfg(CONFIG_DEVICE_PRIVATE)]
        if let Some(device) = match number {
            bindings::SWP_DEVICE_WRITE => Some(Device::Private {
                pfn,
                writable: true,
            }),
            bindings::SWP_DEVICE_READ => Some(Device::Private {
                pfn,
                writable: false,
            }),
            bindings::SWP_DEVICE_EXCLUSIVE => Some(Device::Exclusive { pfn }),
            _ => None,
        } {
            return Some(Self::Device(device));
        }
        #[cfg(CONFIG_MEMORY_FAILURE)]
        if number == bindings::SWP_HWPOISON {
            return Some(Self::HwPoison { pfn });
        }
        None
    }
}

/// Flags of an entry that maps nothing.
#[derive(Clone, Copy)]
pub(super) struct SoftFlags(pub(super) u64);

impl SoftFlags {
    pub(super) const fn is_soft_dirty(self) -> bool {
        self.0 & bits::SWP_SOFT_DIRTY != 0
    }

    pub(super) const fn is_uffd(self) -> bool {
        self.0 & bits::SWP_UFFD != 0
    }

    pub(super) const fn is_exclusive(self) -> bool {
        self.0 & bits::SWP_EXCLUSIVE != 0
    }
}
