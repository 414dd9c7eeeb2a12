/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ENGINE_TASK_H
#define ENGINE_TASK_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Tasks: what the monitor remembers of a process, and how a child comes by
 * it. A task holds a `state`, opaque here and reference counted by its
 * owner through task_ops. Most processes never get a task: those that were
 * never asked about share the table's default state.
 *
 * Fork is not trapped. A process that is not known takes the state of its
 * parent when it is first asked about; before a state changes, or its
 * holder exits, task_adopt() gives it to the children that are still
 * unknown. See task.c for the theory and for what can be missed.
 *
 * All functions are safe from any thread.
 */
struct tasks;

struct task_ops {
	void *(*get)(void *state);	/* one more holder; returns state */
	void (*put)(void *state);
};

/* @initial: state of the first guest; the table takes its own reference. */
struct tasks *tasks_new(const struct task_ops *ops, void *initial);
void tasks_free(struct tasks *t);

/* The monitor's own pid and its first guest's: roots of the search. */
void tasks_root(struct tasks *t, pid_t monitor);

/*
 * The state of the process that thread tid belongs to, with a reference
 * that the caller puts back by ops->put.
 * @tgid: out, may be NULL: the process
 */
void *task_state(struct tasks *t, pid_t tid, pid_t *tgid);

/*
 * Replace the state of tid's process: its unknown children first keep the
 * old one. The table takes its own reference to state.
 * Return: 0, -ENOMEM, or -ESRCH when the process is gone
 */
int task_set_state(struct tasks *t, pid_t tid, void *state);
/*
 * The same, for a state that differs from what it was in so little that it
 * does not matter if an orphan is taken to have the initial one instead.
 */
int task_set_alike(struct tasks *t, pid_t tid, void *state);

/* Give tid's state to its still unknown children: it is about to exit. */
void task_adopt(struct tasks *t, pid_t tid);

/*
 * True while no process holds anything but the initial state; then nobody
 * needs to ask (an atomic load, no lock).
 */
bool tasks_uniform(const struct tasks *t);

/* A descriptor (epoll) that is readable when tasks_reap() has work. */
int tasks_fd(const struct tasks *t);
/* Forget the tasks whose processes have ended. */
void tasks_reap(struct tasks *t);

/* Number of task records, for the leak test. */
size_t tasks_count(const struct tasks *t);

/*
 * Facts of a thread from /proc, read afresh. 0 or -errno (-ESRCH: gone).
 */
struct task_ids {
	pid_t tgid, ppid;
	mode_t umask;
	uid_t uid[4];		/* real, effective, saved, file system */
	gid_t gid[4];
	gid_t group[64];	/* supplementary, the first ngroup of them */
	int ngroup;		/* 65 when there are more than fit: see sys/creds.c */
	unsigned long long cap_effective, cap_permitted;
};
int task_read_ids(pid_t tid, struct task_ids *ids);
pid_t task_parent(pid_t pid);	/* parent, or -errno */

#endif
