/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Renaming; for the order of what is stored see change.c. */
#include <errno.h>
#include <string.h>

#include "servers/fat/change.h"
#include "servers/fat/room.h"

/* One side of it. */
struct end {
	struct fat_node *dir, *node;	/* the node is held, or none */
	struct fat_name name;
	struct dir_entry entry;
};

static int resolve(struct fat *f, struct end *e, const char *text)
{
	int err = name_from_utf8(&e->name, text);

	if (!err)
		err = dir_find(f, e->dir, &e->name, &e->entry);
	return err ? err : node_get(f, e->dir, &e->entry, &e->node);
}

/* What follows the old entry's end, until it has a new one. */
static int write_new(struct fat *f, const struct end *from, const uint8_t *raw,
		     uint64_t at)
{
	int err = dir_erase_entry(f, &from->entry);

	if (err)
		return err;
	err = image_write(&f->image, raw, FAT_SLOT, at);
	if (err)	/* this byte has been written before */
		image_write(&f->image, from->node->raw, 1, from->entry.at);
	return err;
}

/* In the place and by the name of what is there. */
static int move_over(struct fat *f, struct end *from, struct end *to)
{
	uint8_t raw[FAT_SLOT];
	int err, last;

	memcpy(raw, from->node->raw, FAT_SLOT);
	memcpy(raw, to->node->raw, FAT_SHORT);
	raw[D_CASE] = to->node->raw[D_CASE];
	err = write_new(f, from, raw, to->entry.at);
	if (err)
		return err;
	memcpy(from->node->raw, raw, FAT_SLOT);
	err = dir_erase_long(f, from->dir, &from->entry);
	last = node_unlinked(f, to->node);
	node_moved(f, from->node, to->dir, &to->entry);
	return err ? err : last;
}

static int move_to_new(struct fat *f, struct end *from, struct end *to)
{
	uint8_t raw[FAT_SLOT];
	struct dir_room room;
	int err = room_make(f, to->dir, &to->name, &room);

	if (!err)
		err = room_write_long(f, to->dir, &to->name, &room);
	if (!err)
		err = room_place(f, to->dir, &room, &to->entry);
	if (err)
		return err;
	memcpy(raw, from->node->raw, FAT_SLOT);
	memcpy(raw, room.shortname, FAT_SHORT);
	raw[D_CASE] = room.flags;
	err = write_new(f, from, raw, to->entry.at);
	if (err)
		return err;
	memcpy(from->node->raw, raw, FAT_SLOT);
	err = dir_erase_long(f, from->dir, &from->entry);
	node_moved(f, from->node, to->dir, &to->entry);
	return err;
}

/* The ".." of a directory that has another parent. */
static int fix_parent(struct fat *f, struct fat_node *n,
		      const struct fat_node *dir)
{
	struct dir_scan s = { .fat = f, .dir = n, .slot = 1 };
	uint8_t *raw;
	uint64_t at;
	int ret = dir_slot(&s, &raw, &at);

	if (ret <= 0 || memcmp(raw, "..         ", FAT_SHORT))
		return ret < 0 ? ret : 0;
	raw_set_start(f, raw, dir == f->root ? 0 : raw_start(f, dir->raw));
	return image_write(&f->image, raw, FAT_SLOT, at);
}

/* May the one take the place of the other? */
static int may_replace(struct fat *f, const struct fat_node *n,
		       struct fat_node *other)
{
	if (node_is_dir(n) && !node_is_dir(other))
		return -ENOTDIR;
	if (!node_is_dir(n) && node_is_dir(other))
		return -EISDIR;
	return node_is_dir(other) ? dir_is_empty(f, other) : 0;
}

static bool same_name(const struct fat_name *a, const struct fat_name *b)
{
	return a->n == b->n &&
	       memcmp(a->unit, b->unit, a->n * sizeof(a->unit[0])) == 0;
}

static int move(struct fat *f, struct end *from, struct end *to, bool replace)
{
	struct fat_node *n = from->node;
	int err;

	if (node_is_above(n, to->dir))
		return -EINVAL;
	if (to->node && to->node != n) {
		err = replace ? may_replace(f, n, to->node) : -EEXIST;
		return err ? err : move_over(f, from, to);
	}
	/* only another spelling of its own name */
	if (to->node && same_name(&to->entry.name, &to->name))
		return 0;
	err = name_check(&to->name);
	return err ? err : move_to_new(f, from, to);
}

static int rename_ends(struct fat *f, struct end *from, struct end *to,
		       bool replace)
{
	int err = move(f, from, to, replace), last = 0;

	if (err)
		return err;
	if (node_is_dir(from->node) && from->dir != to->dir)
		last = fix_parent(f, from->node, to->dir);
	node_touch(f, from->dir);
	if (to->dir != from->dir)
		node_touch(f, to->dir);
	return last;
}

int fat_rename(struct fat *f, struct fat_node *dir, const char *text,
	       struct fat_node *to_dir, const char *to_text, bool replace)
{
	struct end from = { .dir = dir }, to = { .dir = to_dir };
	int err;

	if (f->readonly)
		return -EROFS;
	if (!node_is_dir(dir) || !node_is_dir(to_dir))
		return -ENOTDIR;
	if (dir->deleted || to_dir->deleted)
		return -ENOENT;
	err = resolve(f, &from, text);
	if (err)
		return err == -EINVAL ? -ENOENT : err;
	err = resolve(f, &to, to_text);
	if (err == -ENOENT)
		err = to.name.n ? 0 : -EINVAL;
	if (!err)
		err = rename_ends(f, &from, &to, replace);
	if (to.node)
		node_put(f, to.node, 1);
	node_put(f, from.node, 1);
	return err;
}
