/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_SYS_H
#define SYS_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "engine/call.h"
#include "engine/filter.h"

/*
 * What calls mean: the table (calls.tab), one handler per family, and the
 * state of each process (its view, working directory, root). This header
 * is what the monitor's spine needs of it.
 */
struct sys;
struct view;
struct tasks;
struct sys_trace;

/* Everything sys asks of the monitor; each may be NULL. */
struct sys_hooks {
	void *ctx;
	/* VU_CALL_SERVICE: a connected descriptor for this process, or -errno. */
	int (*service)(void *ctx, pid_t tid);
	/* A line of trace; called only while sys_trace() is on. */
	void (*trace)(void *ctx, const struct sys_trace *line);
	/*
	 * There will be a directory of this name ("": there will not), which
	 * scratch_remove() is to remove when all guests have ended.
	 */
	void (*scratch)(void *ctx, const char *name);
};

struct sys_trace {
	pid_t tid;
	const char *call;
	const char *detail;	/* path or NULL */
	const char *verdict;	/* native, value, object, rewritten */
	const char *module;	/* NULL: none */
	long result;
	unsigned long usec;
};

/* The rows the filter is made of. Valid for ever. */
const struct filter_spec *sys_filter(void);

/* One per monitor. name: of the first view. NULL: no memory. */
struct sys *sys_new(const struct sys_hooks *hooks, const char *name);

/* engine_ops.dispatch and .sent, with ctx = the struct sys. */
struct verdict sys_dispatch(void *ctx, const struct call *call);
void sys_sent(void *ctx, const struct call *call, void *note, int result);

/* The table of tasks (for the event loop: tasks_fd, tasks_reap). */
struct tasks *sys_tasks(struct sys *s);

/* Switch tracing on or off (counted: on + on + off is on). */
void sys_trace(struct sys *s, bool on);

/* Gates may be open from now on, as far as what holds now allows. */
void sys_open_gates(struct sys *s);

/*
 * Requests made by people. pid: the process they speak for, 0 for none
 * (then the first view). msg gets a message for a person on failure.
 * All return 0 or -errno.
 */
struct message { char text[512]; };

struct mount_request {
	const char *type, *source, *target, *options;
	unsigned long flags;		/* mount(2) */
};
int sys_mount(struct sys *s, pid_t pid, const struct mount_request *req,
	      struct message *msg);
int sys_umount(struct sys *s, pid_t pid, const char *target, int flags,
	       struct message *msg);
int sys_insmod(struct sys *s, pid_t pid, const char *name_and_options,
	       bool permanent, struct message *msg);
int sys_rmmod(struct sys *s, pid_t pid, const char *name, struct message *msg);

/*
 * Which of these processes serve mounts, and stay until the others have gone?
 * serves: out, one for each. Return: is any mount served by a guest?
 */
bool sys_servers(struct sys *s, const pid_t *pid, size_t n, bool *serves);
/*
 * The others have gone: what was written is made safe, and the servers are
 * let go of, the newest mount first. May wait for them.
 * @above: only what descendants of this process serve; 0: all
 */
void sys_quit_mounts(pid_t above);

/* A child view of pid's view, for pid and its children to enter. */
int sys_newview(struct sys *s, pid_t pid, const char *name, unsigned *id);
/* Processes now in the view, at most max of them. Return: how many. */
size_t sys_view_pids(struct sys *s, unsigned id, pid_t *pid, size_t max);
/* View of a process; its number, or 0 when it is no guest. */
unsigned sys_view_of(struct sys *s, pid_t pid);
int sys_view_name(struct sys *s, unsigned id, char *name, size_t size);
int sys_set_view_name(struct sys *s, unsigned id, const char *name);
/* A process of a child view has ended, or its owner left: forget empty ones. */
void sys_drop_view(struct sys *s, unsigned id);

/* Records for `ls`, in the order of service/protocol.md. */
struct view_record { unsigned id, parent; const char *name; size_t mounts; };
struct mount_record {
	unsigned view, id, parent;
	const char *type, *source, *target, *options, *module;
	bool busy;
};
struct module_record {
	const char *name, *description;
	size_t mounts;
	bool permanent;
};
void sys_each_view(struct sys *s, void (*f)(void *, const struct view_record *), void *);
void sys_each_mount(struct sys *s, void (*f)(void *, const struct mount_record *), void *);
void sys_each_module(struct sys *s, void (*f)(void *, const struct module_record *), void *);

#endif
