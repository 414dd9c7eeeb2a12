/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_GUEST_H
#define SYS_GUEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include "sys/ids.h"
#include "view/view.h"

/* The virtual ids of one thread; NULL: those that the kernel says. */
struct thread_ids {
	pid_t tid;
	struct ids *ids;
};

/*
 * What a process is, beyond what the kernel knows of it. A guest is
 * constant and shared by the processes that inherit it: a change makes a
 * new one (guest_change) and sets it by task_set_state().
 *
 * cwd and root are set only where the kernel has something else: a place
 * inside of a mount, or a root that an ordinary user chose. Then every
 * relative (absolute) name is resolved here and never left to the kernel.
 */
struct guest {
	atomic_uint refs;
	struct view *view;
	struct place cwd;		/* NOWHERE: as the kernel has it; held */
	struct place root;		/* likewise */
	struct mount *exe;		/* through which it was executed; held */
	bool undumpable;		/* prctl(PR_SET_DUMPABLE, 0) was asked for */
	struct ids *ids;		/* virtual ones, or NULL: see ids.c */
	struct thread_ids *thread;	/* nthread threads of process of */
	size_t nthread;			/* that have others */
	pid_t of;
};

struct guest *guest_new(struct view *view);
void *guest_get(void *guest);
void guest_put(void *guest);

/* A copy with one holder, to be changed before it is set. NULL: no memory */
struct guest *guest_copy(const struct guest *g);

/* The mount that a copy's program was found in, or NULL. */
void guest_set_exe(struct guest *g, struct mount *exe);

/* Replace a place of a copy (taking over *to, which is held). */
void guest_set_cwd(struct guest *g, struct place *to);
void guest_set_root(struct guest *g, struct place *to);

/* The ids of a copy. */
void guest_set_ids(struct guest *g, struct ids *ids);
/* Those of the threads of process of: takes over the list and what it holds. */
void guest_set_threads(struct guest *g, pid_t of, struct thread_ids *list,
		       size_t n);
void thread_ids_free(struct thread_ids *list, size_t n);

/* Might one of the threads have virtual ids? */
static inline bool guest_has_ids(const struct guest *g)
{
	return g->ids || g->nthread;
}

/* No difference to the kernel's idea, apart from the view's mounts. */
static inline bool guest_plain(const struct guest *g)
{
	return !g->cwd.mount && !g->root.mount && !g->undumpable && !g->exe;
}

/* Working directories and roots in this mount, over all guests. */
unsigned guest_holders(const struct mount *m);

#endif
