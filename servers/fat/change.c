/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What changes directories.
 *
 * The order of what is stored: something new is complete before it gets an
 * entry; an entry is gone before what it has is freed. A rename takes the
 * old entry away before it writes the new one, for which there is room by
 * then: for that moment the clusters are nobody's, and never two files'. If
 * the new one cannot be written, the old one gets its first byte back.
 */
#include "servers/fat/change.h"

#include <errno.h>
#include <string.h>

#include "servers/fat/room.h"
#include "servers/fat/table.h"

static int find(struct fat *f, struct fat_node *dir, const char *text,
		struct fat_name *name, struct dir_entry *e)
{
	int err = node_is_dir(dir) ? name_from_utf8(name, text) : -ENOTDIR;

	return err ? err : dir_find(f, dir, name, e);
}

int fat_lookup(struct fat *f, struct fat_node *dir, const char *text,
	       struct fat_node **node)
{
	struct fat_name name;
	struct dir_entry e;
	int err = find(f, dir, text, &name, &e);

	if (err)
		return err == -EINVAL ? -ENOENT : err;
	return node_get(f, dir, &e, node);
}

static int may_change(const struct fat *f, const struct fat_node *dir)
{
	if (f->readonly)
		return -EROFS;
	return !node_is_dir(dir) ? -ENOTDIR : dir->deleted ? -ENOENT : 0;
}

/* A name for something new; -EEXIST and e when it is one already. */
static int new_name(struct fat *f, struct fat_node *dir, const char *text,
		    struct fat_name *name, struct dir_entry *e)
{
	int err = name_from_utf8(name, text);

	if (err)
		return err == -ENOENT ? -EINVAL : err;
	err = dir_find(f, dir, name, e);
	if (err != -ENOENT)
		return err ? err : -EEXIST;
	return name_check(name);
}

static uint32_t start_for_dots(const struct fat *f, const struct fat_node *n)
{
	return n == f->root ? 0 : raw_start(f, n->raw);
}

static void make_dots(const struct fat *f, const struct fat_node *parent,
		      const uint8_t *raw, uint8_t dots[2][FAT_SLOT])
{
	for (int i = 0; i < 2; i++) {
		memcpy(dots[i], raw, FAT_SLOT);
		memset(dots[i], ' ', FAT_SHORT);
		memset(dots[i], '.', i + 1);
	}
	raw_set_start(f, dots[1], start_for_dots(f, parent));
}

/* The first cluster of a new directory, which its entry then has. */
static int make_directory(struct fat *f, const struct fat_node *parent,
			  uint8_t *raw)
{
	uint8_t dots[2][FAT_SLOT];
	uint32_t start;
	int err = table_alloc(f, 1, raw_start(f, parent->raw), &start);

	if (err)
		return err;
	raw_set_start(f, raw, start);
	make_dots(f, parent, raw, dots);
	err = image_zero(&f->image, f->cluster, fat_cluster_at(f, start));
	if (!err)
		err = image_write(&f->image, dots, sizeof(dots),
				  fat_cluster_at(f, start));
	if (err)
		table_free(f, start);
	return err;
}

static int add_entry(struct fat *f, struct fat_node *dir,
		     const struct fat_name *name, uint8_t *raw,
		     struct dir_entry *e)
{
	struct dir_room room;
	int err = room_make(f, dir, name, &room);

	if (!err)
		err = room_write_long(f, dir, name, &room);
	if (!err)
		err = room_write_entry(f, dir, &room, raw, e);
	return err;
}

int fat_create(struct fat *f, struct fat_node *dir, const char *text,
	       bool directory, struct fat_node **node)
{
	uint8_t raw[FAT_SLOT] = { 0 };
	struct fat_name name;
	struct dir_entry e;
	int err = may_change(f, dir);

	if (!err)
		err = new_name(f, dir, text, &name, &e);
	if (err)
		return err;
	raw[D_ATTR] = directory ? ATTR_DIRECTORY : ATTR_ARCHIVE;
	raw_stamp(f, raw, true);
	if (directory)
		err = make_directory(f, dir, raw);
	if (err)
		return err;
	err = add_entry(f, dir, &name, raw, &e);
	if (err) {
		table_free(f, raw_start(f, raw));
		return err;
	}
	node_touch(f, dir);
	return node_get(f, dir, &e, node);
}

static int remove_entry(struct fat *f, struct fat_node *dir,
			struct fat_node *n, const struct dir_entry *e)
{
	int err = dir_erase_entry(f, e), last;

	if (err)
		return err;
	err = dir_erase_long(f, dir, e);
	last = node_unlinked(f, n);
	node_touch(f, dir);
	return err ? err : last;
}

static int remove_named(struct fat *f, struct fat_node *dir, const char *text,
			bool directory)
{
	struct fat_name name;
	struct fat_node *n;
	struct dir_entry e;
	int err = may_change(f, dir);

	if (!err)
		err = find(f, dir, text, &name, &e);
	if (!err)
		err = node_get(f, dir, &e, &n);
	if (err)
		return err == -EINVAL ? -ENOENT : err;
	if (node_is_dir(n) != directory)
		err = directory ? -ENOTDIR : -EISDIR;
	if (!err && directory)
		err = dir_is_empty(f, n);
	if (!err)
		err = remove_entry(f, dir, n, &e);
	node_put(f, n, 1);
	return err;
}

int fat_unlink(struct fat *f, struct fat_node *dir, const char *text)
{
	return remove_named(f, dir, text, false);
}

int fat_rmdir(struct fat *f, struct fat_node *dir, const char *text)
{
	return remove_named(f, dir, text, true);
}
