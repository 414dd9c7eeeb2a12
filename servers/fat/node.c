/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node is known by where its entry is in the image, so there is one of it.
 * It is held by who has looked it up (the kernel, until it forgets), by who
 * has it open, and by the nodes of what is below it. Its entry in memory is
 * what is stored: every change is written at once.
 *
 * In a broken image one entry may be in two directories, a directory below
 * itself, and an entry in the content of a file, which changes it behind our
 * back. None of these gets a node (-EIO), so that the nodes are a tree, and
 * say what is stored, whatever the image is.
 */
#include "servers/fat/node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "servers/fat/dir.h"
#include "servers/fat/table.h"

#define ROOT_INO 1
#define SPARE_INO (1ull << 48)	/* no image has an entry there */

static struct fat_node **bucket(struct fat *f, uint64_t at)
{
	return &f->bucket[at / FAT_SLOT % FAT_BUCKETS];
}

static void enter(struct fat *f, struct fat_node *n)
{
	struct fat_node **b = bucket(f, n->at);

	n->chained = *b;
	*b = n;
}

static void leave(struct fat *f, struct fat_node *n)
{
	struct fat_node **p = bucket(f, n->at);

	while (*p && *p != n)
		p = &(*p)->chained;
	if (*p)
		*p = n->chained;
}

int nodes_init(struct fat *f)
{
	struct fat_node *root = calloc(1, sizeof(*root));

	if (!root)
		return -ENOMEM;
	root->held = 1;
	root->ino = ROOT_INO;
	root->raw[D_ATTR] = ATTR_DIRECTORY;
	raw_set_start(f, root->raw, f->root_cluster);
	raw_stamp(f, root->raw, true);
	f->root = root;
	f->spare_ino = SPARE_INO;
	enter(f, root);
	return 0;
}

void nodes_clear(struct fat *f)
{
	for (unsigned i = 0; i < FAT_BUCKETS; i++) {
		struct fat_node *n = f->bucket[i], *next;

		for (; n; n = next) {
			next = n->chained;
			free(n);
		}
		f->bucket[i] = NULL;
	}
	f->root = NULL;
	f->strayed = NULL;
}

/* Those without an entry are all in the first bucket, that of 0. */
void nodes_free_orphans(struct fat *f)
{
	for (struct fat_node *n = *bucket(f, 0); n; n = n->chained)
		if (n->deleted && n->opened && raw_start(f, n->raw)) {
			table_free(f, raw_start(f, n->raw));
			raw_set_start(f, n->raw, 0);
		}
}

static struct fat_node *find(struct fat *f, uint64_t at)
{
	struct fat_node *n = *bucket(f, at);

	while (n && n->at != at)
		n = n->chained;
	return n;
}

/* Where it is, unless one that was there and has gone has the number. */
static uint64_t new_ino(struct fat *f, uint64_t at)
{
	uint64_t ino = at / FAT_SLOT + 2;

	for (const struct fat_node *n = f->strayed; n; n = n->next_strayed)
		if (n->ino == ino)
			return f->spare_ino++;
	return ino;
}

/* It keeps its number, though it is no longer where that comes from. */
static void stray(struct fat *f, struct fat_node *n)
{
	if (!n->strayed) {
		n->strayed = true;
		n->next_strayed = f->strayed;
		f->strayed = n;
	}
}

static void drop(struct fat *f, struct fat_node *n)
{
	struct fat_node **p = &f->strayed;

	while (n->strayed && *p && *p != n)
		p = &(*p)->next_strayed;
	if (n->strayed && *p)
		*p = n->next_strayed;
	leave(f, n);
	free(n);
}

uint64_t node_number(struct fat *f, uint64_t at)
{
	const struct fat_node *n = find(f, at);

	return n ? n->ino : at / FAT_SLOT + 2;
}

static bool is_in_itself(const struct fat *f, const struct fat_node *dir,
			 const struct dir_entry *e)
{
	uint32_t start = raw_start(f, e->raw);

	if (!(e->raw[D_ATTR] & ATTR_DIRECTORY))
		return false;
	for (; dir; dir = dir->parent)
		if (raw_start(f, dir->raw) == start)
			return true;
	return false;
}

int node_get(struct fat *f, struct fat_node *dir,
	     const struct dir_entry *entry, struct fat_node **node)
{
	struct fat_node *n = find(f, entry->at);

	if (n && (n->parent != dir || n->slot != entry->slot ||
		  memcmp(n->raw, entry->raw, FAT_SLOT)))
		return -EIO;
	if (!n) {
		if (is_in_itself(f, dir, entry))
			return -EIO;
		n = calloc(1, sizeof(*n));
		if (!n)
			return -ENOMEM;
		n->parent = dir;
		dir->held++;
		n->at = entry->at;
		n->first = entry->first;
		n->slot = entry->slot;
		n->ino = new_ino(f, entry->at);
		memcpy(n->raw, entry->raw, FAT_SLOT);
		enter(f, n);
	}
	n->held++;
	*node = n;
	return 0;
}

void node_put(struct fat *f, struct fat_node *n, uint64_t times)
{
	while (n && n != f->root) {
		struct fat_node *parent = n->parent;

		n->held = times < n->held ? n->held - times : 0;
		if (n->held)
			return;
		drop(f, n);
		n = parent;
		times = 1;
	}
}

void node_open(struct fat_node *n)
{
	n->held++;
	n->opened++;
}

static int free_content(struct fat *f, struct fat_node *n)
{
	uint32_t start = raw_start(f, n->raw);

	raw_set_start(f, n->raw, 0);
	put32(n->raw + D_SIZE, 0);
	n->cluster = 0;
	return table_free(f, start);
}

int node_close(struct fat *f, struct fat_node *n)
{
	int err = 0;

	n->opened--;
	if (!n->opened && n->deleted)
		err = free_content(f, n);
	node_put(f, n, 1);
	return err;
}

int node_unlinked(struct fat *f, struct fat_node *n)
{
	leave(f, n);
	stray(f, n);
	n->at = 0;
	n->deleted = true;
	enter(f, n);
	return n->opened && !node_is_dir(n) ? 0 : free_content(f, n);
}

void node_moved(struct fat *f, struct fat_node *n, struct fat_node *dir,
		const struct dir_entry *entry)
{
	struct fat_node *from = n->parent;

	leave(f, n);
	stray(f, n);
	n->at = entry->at;
	n->first = entry->first;
	n->slot = entry->slot;
	n->parent = dir;
	dir->held++;
	enter(f, n);
	node_put(f, from, 1);
}

bool node_is_above(const struct fat_node *n, const struct fat_node *other)
{
	while (other && other != n)
		other = other->parent;
	return other == n;
}
