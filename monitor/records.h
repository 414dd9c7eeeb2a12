/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MONITOR_RECORDS_H
#define MONITOR_RECORDS_H

#include <stddef.h>
#include <sys/types.h>

struct room;
struct strbuf;

/*
 * The records of service/protocol.md, written from what sys tells.
 */

/* Who is in which view, at one moment. */
struct census {
	size_t n;
	struct census_guest { pid_t pid; unsigned view; } *guest;
};

void census_take(struct census *c, const struct room *room);
void census_free(struct census *c);

/* The view of a process; of none (0): the first view. */
unsigned records_view_of(const struct room *room, pid_t pid);

void records_info(const struct room *room, pid_t pid, struct strbuf *out);
/* only: the one view to write, 0 for all. */
void records_views(const struct room *room, const struct census *c,
		   unsigned only, struct strbuf *out);
void records_mounts(const struct room *room, struct strbuf *out);
void records_modules(const struct room *room, struct strbuf *out);
void records_guests(const struct census *c, struct strbuf *out);

#endif
