/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_FSTYPES_AUTO_H
#define TOOLS_FSTYPES_AUTO_H

#include <stddef.h>
#include "tools/fstypes.h"

/*
 * Which row serves this? A file is looked at by libblkid, then for the bytes
 * and names that rows tell of; a directory for the files that rows tell of;
 * HOST:DIRECTORY, where no such file is, is remote.
 * @why: out: what is wrong when there is none, without the source's name
 * Return: the row, or NULL
 */
const struct fstype *fstypes_recognize(const struct fstypes *t,
				       const char *source,
				       char *why, size_t size);

/* Is it HOST:DIRECTORY, by its form? */
int fstypes_looks_remote(const char *source);

#endif
