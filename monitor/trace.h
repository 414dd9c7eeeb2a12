/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MONITOR_TRACE_H
#define MONITOR_TRACE_H

#include <stdbool.h>
#include <sys/types.h>
#include "lib/lines.h"

struct options;
struct strbuf;
struct sys;
struct sys_trace;
struct trace;

/*
 * Trace lines come from receiver threads, which must not wait for whoever
 * reads them. There are three readers, each fed through a queue of its own
 * that loses lines, and says how many, when it is full:
 *
 * - a writer thread for umvu -t (stderr or a file);
 * - a writer thread for vudebug, to the monitor's log;
 * - the service's subscribers (vu trace), served by the event loop.
 *
 * sys is asked to produce lines only while somebody wants them.
 */
struct trace *trace_new(void);		/* NULL: no memory */

/* Begin the trace of -t, to fd. Return: 0 or -errno */
int trace_to_file(struct trace *t, int fd);

/* Lines can come from now on. */
void trace_start(struct trace *t, struct sys *sys);

/* sys_hooks.trace: ctx is the struct trace. Safe from any thread. */
void trace_line(void *ctx, const struct sys_trace *line);

/* A line that is already a `call` record (fields unescaped). */
void trace_record(struct trace *t, char **field, int nfield);

/* One subscriber more or fewer; the lines come through the queue. */
void trace_subscribe(struct trace *t, bool on);

/*
 * The subscribers' queue. Each line is a `call` record behind the number of
 * the caller's view and a TAB.
 */
struct lines *trace_subscribers(struct trace *t);

/*
 * Switch debug tags as `debug TAGS` says, and list them as `tag` records.
 * @bad:	out: the letter nobody knows
 * Return: 0 or -EINVAL
 */
int trace_debug(struct trace *t, const char *tags, struct strbuf *out,
		char *bad);

/* Write out what is queued, for a second at most. */
void trace_end(struct trace *t);

#endif
