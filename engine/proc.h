/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ENGINE_PROC_H
#define ENGINE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What the engine itself reads of a guest in /proc. Private to engine/. */

/* The process of a thread, or -errno (-ESRCH: gone). */
pid_t proc_tgid(pid_t tid);

/* The thread's tracer, 0 when it has none, or -errno. */
pid_t proc_tracer(pid_t tid);

/* Is it the only thread of its process? false when that cannot be told */
bool proc_is_alone(pid_t tid);

/* The stack pointer that a thread waits in a call with, 0: not known. */
uint64_t proc_stack_pointer(pid_t tid);

/* How many seccomp filters the thread has, or -errno. */
int proc_filters(pid_t tid);

/* When it was started, in clock ticks: tells reused pids apart. 0: gone. */
uint64_t proc_start(pid_t pid);

/* One mapping of a guest. */
struct proc_map {
	uint64_t start, end, offset;
	bool writable, executable, shared, stack, heap;
	unsigned major, minor;	/* of a file's device, as the mapping tells */
	uint64_t inode;		/* 0: of no file */
	const char *path;	/* to the end of the line; see proc_each_map() */
	size_t path_len;
};

/*
 * Call f for every mapping, in order, until it returns false; path is valid
 * for the time of the call. 0 or -errno
 */
int proc_each_map(pid_t tid, bool (*f)(void *arg, const struct proc_map *map),
		  void *arg);

/* The mapping that addr lies in: 0, -EFAULT when in none, or -errno. */
int proc_map(pid_t tid, uint64_t addr, struct proc_map *map);

#endif
