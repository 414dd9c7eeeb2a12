/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_STATE_H
#define SYS_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include "sys/descriptors.h"
#include "sys/request.h"

/* The views, and the processes that may enter a view they asked for. */
#define VIEWS_MAX 256

/* A server whose mount was taken away: see sys/servers.c. */
#define DEPARTED_MAX 32

struct departed {
	pid_t pid;
	uint64_t start;
	char *target;
};

struct view_slot {
	struct view *view;
	pid_t owner;		/* process that opened it; 0: the first view */
};

/* One per monitor. */
struct sys {
	struct sys_hooks hooks;
	struct tasks *tasks;
	struct descriptors *descriptors;	/* where guests' descriptors lead */
	struct snapshots *snapshots;		/* of made directories */
	struct shadows *shadows;		/* of made special files */
	struct watches *watches;		/* of made nodes: see watch.h */
	pthread_mutex_t lock;			/* guards slot, nview, next_view */
	struct view_slot slot[VIEWS_MAX];
	unsigned next_view;
	struct departed departed[DEPARTED_MAX];	/* guarded by lock */
	unsigned ndeparted;			/* in all, ever */
	struct lingering *lingering;		/* guarded by lock: linger.c */
	bool lingers;				/* there is a thread for that */
	atomic_uint tracers;
	bool gates;			/* guests can have some; guarded by lock */
	/*
	 * Something is virtual somewhere: a mount, a root, another view.
	 * While it is false every call but those of ROW_ALWAYS is native
	 * at once.
	 */
	atomic_bool awake;
	pthread_mutex_t moving;		/* see sys/cwd.c */
	/* A guest may have left our mount name space, or our kernel root. */
	atomic_bool foreigners;
	atomic_bool chroots;
	/* Processes may share a working directory (CLONE_FS). */
	atomic_bool sharers;
	atomic_ulong ids_generation;	/* see creds.c */
	atomic_long ids_change;
	bool privileged;		/* the monitor can act as others */
	unsigned long long caps;	/* the monitor's own effective set */
	struct file_id mount_space;	/* /proc/self/ns/mnt */
	struct file_id user_space;	/* /proc/self/ns/user */
};

/* Something became virtual: from now on every call is looked at. */
void sys_wake(struct sys *s);

/*
 * The kernel writes core files by itself, in the real working directory: where
 * the view has a layered mount the process is to have none.
 */
void sys_no_core_files(const struct version *v, pid_t pid);

/* Set the caller's state; takes over g. 0 or -errno */
int sys_become(struct request *rq, struct guest *g);
/* The same, where nothing differs but the program (g->exe). */
int sys_executes(struct request *rq, struct guest *g);

/*
 * A request that is not a call: somebody speaks for a process. 0, and
 * request_end() is due, or -errno
 */
int request_for_process(struct sys *s, pid_t pid, struct request *rq,
			struct call *call);

/* Does a guest execute that file, as the view tells its number? */
bool guests_execute(const struct version *v, const struct stat *st);
/* Has any guest a file of this device open or mapped? */
bool device_busy(dev_t dev);

/* Is the mount in use by a process? For view_detach(); sys: struct sys */
bool sys_mount_busy(void *sys, const struct mount *m);

/* Call f for every view, with a reference, outside of the lock. */
void sys_each(struct sys *s, void (*f)(void *, struct view *), void *arg);

/*
 * A mount was taken away. When its server, or who works for it, wants to
 * unmount it, that is done already, and what may be mounted there by then (m,
 * or NULL) is not meant: is it so? target: as it was named when mounted
 */
void server_departs(struct sys *s, struct mount *m);
bool server_departed(struct sys *s, pid_t pid, const char *target,
		     struct mount *m);

/*
 * m was unmounted, and the request that did it waits for its server when m is
 * put, which is to come next: the request uses no place or version any more.
 */
void server_await(struct request *rq, struct mount *m);

/*
 * m, and all that was mounted inside of it, was unmounted lazily: its servers
 * end when nobody uses it any more. The request has no place or version of
 * before any more.
 */
void server_lingers(struct request *rq, struct mount *m);

/* A view by number, with a reference; NULL: none. owner: out, may be NULL */
struct view *sys_find_view(struct sys *s, unsigned id, pid_t *owner);

/*
 * The caller is about to execute a program found in a mount: what execve
 * resets is reset. 0 or -errno
 */
int guest_executes(struct request *rq, struct mount *through);

/* A guest is about to leave our mount name space, or our kernel root. */
void sys_note_root(struct sys *s);

#endif
