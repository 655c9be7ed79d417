// SPDX-License-Identifier: GPL-2.0

//! What there is to choose from, and how often it is chosen.

use super::Gen;
use crate::op::Call;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Touch,
    Map,
    Empty,
    Advise,
    File,
    Lock,
    Move,
    Swap,
    Process,
    Uffd,
    Track,
    Huge,
    Node,
}

pub const GROUPS: usize = Group::Node as usize + 1;

pub struct Item {
    pub group: Group,
    pub weight: usize,
    pub make: fn(&mut Gen) -> Call,
}

const fn item(group: Group, weight: usize, make: fn(&mut Gen) -> Call) -> Item {
    Item {
        group,
        weight,
        make,
    }
}

pub const MENU: [Item; 60] = [
    item(Group::Touch, 20, Gen::store),
    item(Group::Touch, 10, Gen::load),
    item(Group::Touch, 6, Gen::store_pages),
    item(Group::Touch, 6, Gen::load_pages),
    item(Group::Touch, 3, Gen::vm_copy),
    item(Group::Touch, 4, Gen::pause),
    item(Group::Map, 5, Gen::mmap),
    item(Group::Map, 3, Gen::munmap),
    item(Group::Map, 6, Gen::mprotect),
    item(Group::Empty, 20, Gen::dont_need),
    item(Group::Empty, 14, Gen::empty_table),
    item(Group::Empty, 3, Gen::free),
    item(Group::Empty, 4, Gen::guard),
    item(Group::Empty, 1, Gen::enabled),
    item(Group::Advise, 4, Gen::hint),
    item(Group::Advise, 4, Gen::populate),
    item(Group::Advise, 3, Gen::flag),
    item(Group::Advise, 2, Gen::process_madvise),
    item(Group::Advise, 2, Gen::mincore),
    item(Group::File, 8, Gen::punch),
    item(Group::File, 5, Gen::remove),
    item(Group::File, 3, Gen::reshape),
    item(Group::File, 5, Gen::ftruncate),
    item(Group::File, 5, Gen::pread),
    item(Group::File, 5, Gen::pwrite),
    item(Group::File, 3, Gen::msync),
    item(Group::File, 1, Gen::fsync),
    item(Group::File, 1, Gen::seal),
    item(Group::File, 1, Gen::open_memfd),
    item(Group::File, 1, Gen::drop_caches),
    item(Group::File, 1, Gen::remap_file_pages),
    item(Group::Lock, 8, Gen::mlock),
    item(Group::Lock, 8, Gen::munlock),
    item(Group::Lock, 1, Gen::mlockall),
    item(Group::Lock, 2, Gen::munlockall),
    item(Group::Move, 10, Gen::move_pages_away),
    item(Group::Move, 6, Gen::move_blocks),
    item(Group::Move, 6, Gen::resize),
    item(Group::Swap, 12, Gen::page_out),
    item(Group::Swap, 3, Gen::free_and_page_out),
    item(Group::Swap, 1, Gen::swap_cycle),
    item(Group::Process, 4, Gen::fork),
    item(Group::Process, 4, Gen::reap),
    item(Group::Process, 3, Gen::fork_flag),
    item(Group::Uffd, 2, Gen::open_uffd),
    item(Group::Uffd, 1, Gen::close_uffd),
    item(Group::Uffd, 6, Gen::register),
    item(Group::Uffd, 2, Gen::unregister),
    item(Group::Uffd, 8, Gen::copy),
    item(Group::Uffd, 4, Gen::zeropage),
    item(Group::Uffd, 6, Gen::write_protect),
    item(Group::Uffd, 4, Gen::go_on),
    item(Group::Uffd, 3, Gen::poison),
    item(Group::Uffd, 8, Gen::move_entries),
    item(Group::Track, 4, Gen::clear_refs),
    item(Group::Track, 6, Gen::scan),
    item(Group::Huge, 3, Gen::collapse),
    item(Group::Huge, 3, Gen::huge_flag),
    item(Group::Node, 4, Gen::move_to_node),
    item(Group::Node, 2, Gen::mbind),
];
