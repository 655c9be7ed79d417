/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mincore()
 */
#ifndef _FREEPTE_WALK_MINCORE_H
#define _FREEPTE_WALK_MINCORE_H

#include <stdint.h>

#include "walk/transcript.h"

/* Ask about these addresses of the caller, as a whole and in many parts. */
void note_mincore(struct transcript *to, uint64_t start, uint64_t end);
/* What is not to be asked about, or answered to */
void note_mincore_errors(struct transcript *to, uint64_t start, uint64_t end);

#endif /* _FREEPTE_WALK_MINCORE_H */
