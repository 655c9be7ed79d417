/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _FREEPTE_CPU_H
#define _FREEPTE_CPU_H

#include <stdbool.h>

/* Have the calling thread, and who it forks from now on, run on one CPU only. */
bool run_on(int cpu);

#endif /* _FREEPTE_CPU_H */
