/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_KNOWN_H
#define SYS_KNOWN_H

#include "sys/request.h"

/*
 * Names by which the view and the kernel came to the same regular file a
 * moment ago: see known.c. Only for absolute names, followed to their end.
 */
bool known_native(const struct request *rq, const char *path);

/* The path was walked, and the kernel comes to what was found. */
void known_note(const struct request *rq, const char *path,
		const struct found *found);

#endif
