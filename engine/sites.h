/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ENGINE_SITES_H
#define ENGINE_SITES_H

#include <stddef.h>
#include <stdint.h>
#include "engine/proc.h"

/*
 * The sites of a library: where it makes the calls that the gate is for.
 * Found once for each file and kept. Private to engine/.
 */
struct site {
	uint64_t offset;	/* in the file */
	unsigned gap;		/* bytes between its two instructions */
	int nr;
};

struct sites {
	_Atomic unsigned refs;
	int fd;			/* the file, open for reading */
	size_t n;
	struct site *site;	/* sorted by offset */
};

struct site_files;

/* @gated: is call nr one of those that the gate is for? */
struct site_files *site_files_new(bool (*gated)(void *ctx, int nr), void *ctx);

/*
 * The sites of the file that this is a mapping of, with a reference.
 * Return: NULL when it cannot be told now, or there are none
 */
struct sites *sites_get(struct site_files *files, const struct proc_map *map);
void sites_put(struct sites *s);

#endif
