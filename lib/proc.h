/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_PROC_H
#define LIB_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Read a whole file of /proc. The text ends with a NUL.
 * @text:	out: allocated, the caller frees it
 * Return: its length or -errno (-ESRCH: the process is gone)
 */
ssize_t proc_read(const char *path, char **text);

/*
 * Read what fits of a short file of /proc, with one read. The text ends
 * with a NUL. Return: as proc_read()
 */
ssize_t proc_read_start(const char *path, char *buf, size_t size);

/* A few fields of /proc/PID/stat. */
struct proc_stat {
	char state;		/* R S D T t Z X ... */
	pid_t parent;
	char name[64];
};

/* Return: 0, or -errno (-ESRCH: no such process) */
int proc_stat(pid_t pid, struct proc_stat *st);

/*
 * Look at the descriptors of a process until is() says that it is one: name
 * in dir is a link of /proc, followed by who does not say otherwise.
 * Return: was there one?
 */
bool proc_find_fd(pid_t pid, bool (*is)(void *arg, int dir, const char *name),
		  void *arg);

/* How many bytes the process has written, to whatever; 0: unknown */
uint64_t proc_written(pid_t pid);

/* Is pid below root in the tree of processes? (root itself is not.) */
bool proc_is_descendant(pid_t root, pid_t pid);

/*
 * All children of all threads of a process.
 * @child:	out: allocated array, the caller frees it; NULL when empty
 * Return: how many, or -errno
 */
ssize_t proc_children(pid_t pid, pid_t **child);

/*
 * All descendants of a process, parents before their children. What is
 * born meanwhile may be missing.
 * @list:	out: allocated, the caller frees it; NULL when there are none
 * Return: how many
 */
size_t proc_descendants(pid_t root, pid_t **list);

/* Send a signal to all descendants. Return: how many it was sent to. */
size_t proc_kill_descendants(pid_t root, int sig);

/*
 * Kill the calling process's descendants and reap them until there are
 * none. The caller is a subreaper, so orphans come to it.
 */
void proc_end_descendants(void);

#endif
