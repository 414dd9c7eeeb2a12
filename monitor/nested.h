/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MONITOR_NESTED_H
#define MONITOR_NESTED_H

#include <sys/types.h>

struct ending_ops;
struct umvu;
struct trace;

/*
 * A view inside a view: what the monitor of a nested umvu does in the place
 * of engine, sys and service. Its connection to the monitor that is already
 * there is the child view's life: see `newview` in service/protocol.md.
 */
struct nested {
	int service;
	unsigned view;
};

/*
 * Open the child view and fork its first guest. What goes wrong has been
 * reported. Return: its pid, or minus the exit status
 */
pid_t nested_begin(struct umvu *u, struct nested *n);

/* The end of its guests, as far as mounts go; ctx is the struct nested. */
extern const struct ending_ops nested_ending;

/* All guests have left. */
void nested_end(struct nested *n);

/*
 * Feed the trace with the calls of this view, from a thread.
 * Return: 0 or -errno
 */
int nested_trace(const struct nested *n, struct trace *trace);

#endif
