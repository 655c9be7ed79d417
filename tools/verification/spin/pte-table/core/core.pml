/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all scenarios share. Each process has a number, me, which is its bit
 * among the RCU readers and its name as the holder of a lock.
 */
#include "property.pml"
#include "state.pml"
#include "lock.pml"
#include "rcu.pml"
#include "tlb.pml"
#include "page.pml"
#include "hint.pml"
#include "refs.pml"
#include "table.pml"
#include "end.pml"
