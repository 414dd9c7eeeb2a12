/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "view/place.h"

#define SNAPSHOTS 16

struct snapshot {
	struct file_id id;	/* of the placeholder; ino 0: free */
	uint64_t born, used;
	struct vu_dir dir;
};

struct snapshots {
	pthread_mutex_t lock;
	uint64_t clock;
	struct snapshot slot[SNAPSHOTS];
};

int vu_dir_add(struct vu_dir *dir, const char *name, ino_t ino, mode_t type)
{
	void *grown;

	if (dir->n == dir->size) {
		size_t size = dir->size ? 2 * dir->size : 16;

		grown = realloc(dir->entry, size * sizeof(*dir->entry));
		if (!grown)
			return -ENOMEM;
		dir->entry = grown;
		dir->size = size;
	}
	dir->entry[dir->n].name = strdup(name);
	if (!dir->entry[dir->n].name)
		return -ENOMEM;
	dir->entry[dir->n].ino = ino;
	dir->entry[dir->n++].type = IFTODT(type);
	return 0;
}

void dir_free(struct vu_dir *dir)
{
	while (dir->n)
		free(dir->entry[--dir->n].name);
	free(dir->entry);
	*dir = (struct vu_dir){ .n = 0 };
}

struct snapshots *snapshots_new(void)
{
	struct snapshots *s = calloc(1, sizeof(*s));

	if (s)
		pthread_mutex_init(&s->lock, NULL);
	return s;
}

static struct snapshot *find(struct snapshots *s, const struct place *p)
{
	for (size_t i = 0; i < SNAPSHOTS; i++)
		if (s->slot[i].id.ino && s->slot[i].born == p->born &&
		    file_id_equal(s->slot[i].id, p->id))
			return &s->slot[i];
	return NULL;
}

bool snapshots_take(struct snapshots *s, int fd, struct vu_dir *dir)
{
	struct snapshot *slot;
	struct place p;

	if (place_identify(&p, fd, ""))
		return false;
	pthread_mutex_lock(&s->lock);
	slot = find(s, &p);
	if (slot) {
		*dir = slot->dir;
		*slot = (struct snapshot){ .used = 0 };
	}
	pthread_mutex_unlock(&s->lock);
	return slot;
}

static struct snapshot *oldest(struct snapshots *s)
{
	struct snapshot *o = &s->slot[0];

	for (size_t i = 1; i < SNAPSHOTS; i++)
		if (s->slot[i].used < o->used)
			o = &s->slot[i];
	return o;
}

void snapshots_keep(struct snapshots *s, int fd, struct vu_dir *dir)
{
	struct snapshot *slot;
	struct vu_dir old;
	struct place p;

	if (place_identify(&p, fd, ""))
		return;
	pthread_mutex_lock(&s->lock);
	slot = find(s, &p);
	if (!slot)
		slot = oldest(s);
	old = slot->dir;
	*slot = (struct snapshot){ p.id, p.born, ++s->clock, *dir };
	*dir = (struct vu_dir){ .n = 0 };
	pthread_mutex_unlock(&s->lock);
	dir_free(&old);
}
