/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIEW_VIEW_H
#define VIEW_VIEW_H

#include <pthread.h>
#include <stdatomic.h>
#include "view/version.h"

/*
 * A view is a cell that points to the current version. Readers take a
 * reference to the version and need nothing else; changes are made one
 * after the other under `change`.
 */
struct view {
	atomic_uint refs;
	unsigned id, parent;
	char name[64];			/* guarded by lock */
	pthread_mutex_t lock;		/* guards current and name */
	pthread_mutex_t change;		/* held while a new version is made */
	struct version *current;
};

struct view *view_new(unsigned id, const struct view *parent, const char *name);
/* How many views there are. */
unsigned view_count(void);
struct view *view_get(struct view *v);
void view_put(struct view *v);

/* The current version, with a reference. */
struct version *view_version(struct view *v);

/*
 * Append mounts (in order), or take them away: makes and publishes a new
 * version. The caller holds v->change. 0 or -ENOMEM
 */
int view_add(struct view *v, struct mount *const *m, size_t n);
int view_remove(struct view *v, struct mount *const *m, size_t n);

void view_name(struct view *v, char *buf, size_t size);
void view_set_name(struct view *v, const char *name);

#endif
