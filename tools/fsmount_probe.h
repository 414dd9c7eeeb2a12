/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_FSMOUNT_PROBE_H
#define TOOLS_FSMOUNT_PROBE_H

#include <stddef.h>
#include "tools/fstypes.h"

/*
 * Some programs mount what they cannot read, and show nothing. Where the row
 * says who knows (FSTYPE_PROBE), that is asked before.
 * @why: out: what is wrong
 * Return: 0, also when nobody can be asked, or -EINVAL
 */
int fsmount_probe(const struct fstype *row, const char *path,
		  char *why, size_t size);

#endif
