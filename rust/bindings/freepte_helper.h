/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What bindgen reads for the Rust code of this folder, beside the kernel's own
 * rust/bindings/bindings_helper.h.
 */
#include <linux/huge_mm.h>
#include <linux/hugetlb.h>
#include <linux/jiffies.h>
#include <linux/leafops.h>
#include <linux/memfd.h>
#include <linux/migrate.h>
#include <linux/mm_walk_state.h>
#include <linux/mman.h>
#include <linux/page_tables_debug.h>
#include <linux/pagemap.h>
#include <linux/pagewalk.h>
#include <linux/pgalloc.h>
#include <linux/pgtable.h>
#include <linux/pte_ref.h>
#include <linux/ptdump.h>
#include <linux/rust_gup_twins.h>
#include <linux/rust_mm_twins.h>
#include <linux/rust_page_readers.h>
#include <linux/rust_pagewalk_twins.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/task_mmu.h>
#include <linux/userfaultfd_k.h>
#include <linux/vmstat.h>
#include <linux/workqueue.h>
#include <asm/tlb.h>
#include <trace/events/free_user_pte.h>
#include <../mm/internal.h>

/* Constants that bindgen cannot evaluate */
const u32 RUST_CONST_HELPER_SWP_PTE_MARKER = SWP_PTE_MARKER;
#ifdef CONFIG_MIGRATION
const u32 RUST_CONST_HELPER_SWP_MIGRATION_READ = SWP_MIGRATION_READ;
const u32 RUST_CONST_HELPER_SWP_MIGRATION_READ_EXCLUSIVE =
	SWP_MIGRATION_READ_EXCLUSIVE;
const u32 RUST_CONST_HELPER_SWP_MIGRATION_WRITE = SWP_MIGRATION_WRITE;
#endif
#ifdef CONFIG_DEVICE_PRIVATE
const u32 RUST_CONST_HELPER_SWP_DEVICE_WRITE = SWP_DEVICE_WRITE;
const u32 RUST_CONST_HELPER_SWP_DEVICE_READ = SWP_DEVICE_READ;
const u32 RUST_CONST_HELPER_SWP_DEVICE_EXCLUSIVE = SWP_DEVICE_EXCLUSIVE;
#endif
#ifdef CONFIG_MEMORY_FAILURE
const u32 RUST_CONST_HELPER_SWP_HWPOISON = SWP_HWPOISON;
#endif
const u32 RUST_CONST_HELPER_PTE_MARKER_UFFD_WP = PTE_MARKER_UFFD_WP;
const u32 RUST_CONST_HELPER_PTE_MARKER_POISONED = PTE_MARKER_POISONED;
const u32 RUST_CONST_HELPER_PTE_MARKER_GUARD = PTE_MARKER_GUARD;
const u32 RUST_CONST_HELPER_PTE_MARKER_MASK = PTE_MARKER_MASK;
const folio_walk_flags_t RUST_CONST_HELPER_FW_ZEROPAGE = FW_ZEROPAGE;
const vm_flags_t RUST_CONST_HELPER_VM_GROWSDOWN = VM_GROWSDOWN;
const vm_flags_t RUST_CONST_HELPER_VM_LOCKED = VM_LOCKED;
