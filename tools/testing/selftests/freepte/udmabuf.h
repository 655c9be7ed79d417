/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver that pins folios of memfd: a file that it accepts, and its order.
 */
#ifndef _FREEPTE_UDMABUF_H
#define _FREEPTE_UDMABUF_H

#include <stddef.h>

#define UDMABUF	"/dev/udmabuf"

/* A file of holes that can't shrink; the descriptor, or -1 */
int udmabuf_file(size_t size);
/* A buffer of all of it, which pins it; the descriptor, or -1 and errno */
int udmabuf_create(int device, int file, size_t size);

#endif /* _FREEPTE_UDMABUF_H */
