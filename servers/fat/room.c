/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where new entries go. A directory grows by clusters that are full of
 * zeros before they belong to it. Behind the end of a directory may be
 * anything: what moves the end writes a new one first.
 */
#include "servers/fat/room.h"

#include <errno.h>
#include <string.h>

#include "servers/fat/table.h"

enum { UNITS = 13, LAST_PART = 0x40, CANDIDATES = 9, BATCHES = 32 };

static int slot_at(struct fat *f, struct fat_node *dir, uint32_t slot,
		   uint64_t *at)
{
	struct dir_scan s = { .fat = f, .dir = dir, .slot = slot };
	uint8_t *raw;

	return dir_slot(&s, &raw, at);
}

/* Candidates that are in use lose their first byte. */
static int strike_out(struct fat *f, struct fat_node *dir,
		      uint8_t candidate[][FAT_SHORT], unsigned n)
{
	struct dir_scan s = { .fat = f, .dir = dir };
	uint8_t *raw;
	uint64_t at;
	int ret;

	while ((ret = dir_slot(&s, &raw, &at)) > 0 && raw[0] != SLOT_FREE)
		for (unsigned i = 0; raw_is_file(raw) && i < n; i++)
			if (memcmp(raw, candidate[i], FAT_SHORT) == 0)
				candidate[i][0] = 0;
	return ret < 0 ? ret : 0;
}

static int choose_short(struct fat *f, struct fat_node *dir,
			const struct fat_name *name, struct dir_room *room)
{
	uint8_t from[FAT_SHORT], candidate[CANDIDATES][FAT_SHORT];
	int err = 0;

	memcpy(from, room->shortname, FAT_SHORT);
	for (unsigned batch = 0; batch < BATCHES && !err; batch++) {
		for (unsigned i = 0; i < CANDIDATES; i++)
			name_number(name, from, batch * CANDIDATES + i,
				    candidate[i]);
		err = strike_out(f, dir, candidate, CANDIDATES);
		for (unsigned i = 0; i < CANDIDATES && !err; i++)
			if (candidate[i][0]) {
				memcpy(room->shortname, candidate[i],
				       FAT_SHORT);
				return 0;
			}
	}
	return err ? err : -ENOSPC;
}

/* 1: found; 0: what there is at the end is in room. */
static int find(struct fat *f, struct fat_node *dir, uint32_t count,
		struct dir_room *room)
{
	struct dir_scan s = { .fat = f, .dir = dir };
	uint32_t run = 0;
	uint8_t *raw;
	uint64_t at;
	int ret;

	room->at_end = false;
	while (run < count && (ret = dir_slot(&s, &raw, &at)) > 0) {
		room->at_end |= raw[0] == SLOT_FREE;
		if (room->at_end || raw[0] == SLOT_DELETED)
			run++;
		else
			run = 0;
	}
	room->first = s.slot - run;
	room->count = run;
	return run < count ? ret : 1;
}

static int zero_chain(struct fat *f, uint32_t first)
{
	int err = 0;

	while (first && !err) {
		err = image_zero(&f->image, f->cluster,
				 fat_cluster_at(f, first));
		if (!err)
			err = table_next(f, first, &first);
	}
	return err;
}

static int grow(struct fat *f, struct fat_node *dir, uint32_t slots)
{
	uint32_t per = f->cluster / FAT_SLOT, index = FAT_MAX_SLOTS / per;
	uint32_t cluster, last, first;
	int err;

	if (dir == f->root && f->root_at)
		return -ENOSPC;
	err = node_cluster(f, dir, &index, &cluster, &last);
	if (err)
		return err;
	if (cluster || !last || index * per + slots > FAT_MAX_SLOTS)
		return -ENOSPC;
	err = table_alloc(f, (slots + per - 1) / per, last, &first);
	if (err)
		return err;
	err = zero_chain(f, first);
	if (!err)
		err = table_link(f, last, first);
	if (err)
		table_free(f, first);
	return err;
}

int room_make(struct fat *f, struct fat_node *dir,
	      const struct fat_name *name, struct dir_room *room)
{
	uint32_t count = 1;
	int ret = 0;

	if (!name_to_short(name, room->shortname, &room->flags)) {
		ret = choose_short(f, dir, name, room);
		count += (name->n + UNITS - 1) / UNITS;
	}
	if (!ret)
		ret = find(f, dir, count, room);
	if (!ret)
		ret = grow(f, dir, count - room->count);
	room->count = count;
	return ret < 0 ? ret : 0;
}

static void make_part(uint8_t *raw, const struct fat_name *name,
		      unsigned part, uint8_t sum)
{
	static const uint8_t place[UNITS] = {
		1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };

	memset(raw, 0, FAT_SLOT);
	raw[0] = part + 1;
	if ((part + 1) * UNITS >= name->n)
		raw[0] |= LAST_PART;
	raw[D_ATTR] = ATTR_LONG;
	raw[13] = sum;
	for (unsigned i = 0; i < UNITS; i++) {
		unsigned k = part * UNITS + i;

		put16(raw + place[i], k < name->n ? name->unit[k] :
				      k == name->n ? 0 : 0xffff);
	}
}

static int write_slot(struct fat *f, struct fat_node *dir, uint32_t slot,
		      const uint8_t *raw)
{
	uint64_t at;
	int ret = slot_at(f, dir, slot, &at);

	if (ret <= 0)
		return ret ? ret : -EIO;
	return image_write(&f->image, raw, FAT_SLOT, at);
}

static int write_end(struct fat *f, struct fat_node *dir, uint32_t slot)
{
	static const uint8_t zero[FAT_SLOT];
	uint64_t at;
	int ret = slot_at(f, dir, slot, &at);

	return ret <= 0 ? ret : image_write(&f->image, zero, FAT_SLOT, at);
}

int room_write_long(struct fat *f, struct fat_node *dir,
		    const struct fat_name *name, const struct dir_room *room)
{
	uint8_t sum = name_checksum(room->shortname), raw[FAT_SLOT];
	unsigned parts = room->count - 1;
	int err = 0;

	for (unsigned i = 0; room->at_end && i < 2 && !err; i++)
		err = write_end(f, dir, room->first + room->count - i);
	/* from the last slot, so that the directory has no hole in it */
	for (unsigned i = 0; i < parts && !err; i++) {
		make_part(raw, name, i, sum);
		err = write_slot(f, dir, room->first + parts - 1 - i, raw);
	}
	return err;
}

int room_place(struct fat *f, struct fat_node *dir,
	       const struct dir_room *room, struct dir_entry *e)
{
	int ret;

	e->first = room->first;
	e->slot = room->first + room->count - 1;
	ret = slot_at(f, dir, e->slot, &e->at);
	return ret > 0 ? 0 : ret ? ret : -EIO;
}

int room_write_entry(struct fat *f, struct fat_node *dir,
		     const struct dir_room *room, uint8_t *raw,
		     struct dir_entry *e)
{
	int err = room_place(f, dir, room, e);

	memcpy(raw, room->shortname, FAT_SHORT);
	raw[D_CASE] = room->flags;
	memcpy(e->raw, raw, FAT_SLOT);
	return err ? err : image_write(&f->image, raw, FAT_SLOT, e->at);
}

static const uint8_t deleted = SLOT_DELETED;

int dir_erase_entry(struct fat *f, const struct dir_entry *e)
{
	return image_write(&f->image, &deleted, 1, e->at);
}

int dir_erase_long(struct fat *f, struct fat_node *dir,
		   const struct dir_entry *e)
{
	uint64_t at;

	for (uint32_t slot = e->first; slot < e->slot; slot++) {
		int ret = slot_at(f, dir, slot, &at);

		if (ret > 0)
			ret = image_write(&f->image, &deleted, 1, at);
		else if (!ret)
			ret = -EIO;
		if (ret < 0)
			return ret;
	}
	return 0;
}
