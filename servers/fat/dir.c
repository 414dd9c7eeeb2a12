/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A directory is a row of slots of 32 bytes. A file's entry has its short
 * name; the slots before it have the long one, 13 units each, the last part
 * first, each with its number and a sum of the short name. When anything of
 * that does not fit, or the name cannot be one, it is not the file's, and the
 * short name is all there is. A slot that begins with 0 is the end.
 *
 * At most FAT_MAX_SLOTS are looked at, so a ring of clusters has an end.
 */
#include "servers/fat/dir.h"

#include <errno.h>
#include <string.h>

enum {
	L_NUMBER = 0, L_SUM = 13, L_LAST = 0x40, L_NUMBER_MASK = 0x1f,
	L_UNITS = 13, L_MOST = 20,
};

/* A long name, as far as it has come. */
struct pending {
	unsigned wanted;	/* the next number; 0: it is complete */
	bool begun;
	uint8_t sum;
	uint32_t first;
	uint16_t unit[L_MOST * L_UNITS];
	unsigned n;
};

static int locate(struct dir_scan *s, uint32_t block, uint64_t *at)
{
	struct fat *f = s->fat;
	uint32_t per = f->cluster / FAT_BLOCK, index = block / per;
	uint32_t cluster, last;
	int err;

	if (s->dir == f->root && f->root_at) {
		*at = f->root_at + (uint64_t)block * FAT_BLOCK;
		return block < f->root_slots * FAT_SLOT / FAT_BLOCK;
	}
	if (!raw_start(f, s->dir->raw))
		return s->dir->deleted ? 0 : -EIO;
	err = node_cluster(f, s->dir, &index, &cluster, &last);
	if (err || !cluster)
		return err;
	*at = fat_cluster_at(f, cluster) + (uint64_t)(block % per) * FAT_BLOCK;
	return 1;
}

int dir_slot(struct dir_scan *s, uint8_t **raw, uint64_t *at)
{
	uint32_t block = s->slot / (FAT_BLOCK / FAT_SLOT);
	uint32_t offset = s->slot % (FAT_BLOCK / FAT_SLOT) * FAT_SLOT;
	int ret;

	if (s->slot >= FAT_MAX_SLOTS)
		return 0;
	if (s->block != block + 1) {
		s->block = 0;
		ret = locate(s, block, &s->at);
		if (ret <= 0)
			return ret;
		ret = image_read(&s->fat->image, s->data, FAT_BLOCK, s->at);
		if (ret)
			return ret;
		s->block = block + 1;
	}
	*raw = s->data + offset;
	*at = s->at + offset;
	s->slot++;
	return 1;
}

bool raw_is_file(const uint8_t *raw)
{
	static const char dots[] = "..         ", none[] = "           ";

	return raw[0] != SLOT_FREE && raw[0] != SLOT_DELETED &&
	       !(raw[D_ATTR] & ATTR_LABEL) &&
	       memcmp(raw, dots, FAT_SHORT) && memcmp(raw, none, FAT_SHORT) &&
	       (raw[0] != '.' || memcmp(raw + 1, none, FAT_SHORT - 1));
}

static void add_part(struct pending *p, const uint8_t *raw, uint32_t slot)
{
	static const uint8_t place[L_UNITS] = {
		1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };
	unsigned number = raw[L_NUMBER] & L_NUMBER_MASK;

	if (raw[L_NUMBER] & L_LAST) {
		*p = (struct pending){ .begun = true, .sum = raw[L_SUM],
				       .first = slot, .wanted = number,
				       .n = number * L_UNITS };
		p->begun = number && number <= L_MOST;
	}
	if (!p->begun || !number || number != p->wanted ||
	    raw[L_SUM] != p->sum) {
		p->begun = false;
		return;
	}
	p->wanted--;
	for (unsigned i = 0; i < L_UNITS; i++)
		p->unit[p->wanted * L_UNITS + i] = get16(raw + place[i]);
}

static bool take_long(const struct pending *p, struct dir_entry *e)
{
	char text[FAT_NAME_BYTES];
	unsigned n = 0;

	if (!p->begun || p->wanted || p->sum != name_checksum(e->raw))
		return false;
	while (n < p->n && p->unit[n])
		n++;
	while (n && p->unit[n - 1] == '.')
		n--;
	if (!n || n > FAT_NAME_MAX)
		return false;
	e->name.n = n;
	memcpy(e->name.unit, p->unit, n * sizeof(p->unit[0]));
	return name_to_utf8(&e->name, text) == 0;
}

static void fill(struct dir_entry *e, const struct pending *p,
		 const uint8_t *raw, uint32_t slot)
{
	memcpy(e->raw, raw, FAT_SLOT);
	e->slot = slot;
	e->first = p->first;
	name_from_short(&e->alias, raw, raw[D_CASE]);
	if (!take_long(p, e)) {
		e->first = slot;
		e->name = e->alias;
	}
}

int dir_next(struct dir_scan *s, struct dir_entry *e)
{
	struct pending p = { .begun = false };
	uint8_t *raw;
	int ret;

	while ((ret = dir_slot(s, &raw, &e->at)) > 0) {
		if (raw[0] == SLOT_FREE) {
			s->slot--;	/* here is the end, also next time */
			return 0;
		}
		if (raw[0] == SLOT_DELETED) {
			p.begun = false;
		} else if ((raw[D_ATTR] & ATTR_LONG_MASK) == ATTR_LONG) {
			add_part(&p, raw, s->slot - 1);
		} else if (raw_is_file(raw)) {
			fill(e, &p, raw, s->slot - 1);
			return 1;
		} else {
			p.begun = false;
		}
	}
	return ret;
}

int dir_find(struct fat *f, struct fat_node *dir,
	     const struct fat_name *name, struct dir_entry *e)
{
	struct dir_scan s = { .fat = f, .dir = dir };
	int ret;

	while ((ret = dir_next(&s, e)) > 0)
		if (name_equal(name, &e->name) || name_equal(name, &e->alias))
			return 0;
	return ret ? ret : -ENOENT;
}

int dir_is_empty(struct fat *f, struct fat_node *dir)
{
	struct dir_scan s = { .fat = f, .dir = dir };
	struct dir_entry e;
	int ret = dir_next(&s, &e);

	return ret > 0 ? -ENOTEMPTY : ret;
}

uint32_t dir_slots(struct fat *f, struct fat_node *dir)
{
	uint32_t index = FAT_MAX_SLOTS / (f->cluster / FAT_SLOT);
	uint32_t cluster, last;

	if (dir == f->root && f->root_at)
		return f->root_slots;
	if (node_cluster(f, dir, &index, &cluster, &last))
		return 0;
	return index * (f->cluster / FAT_SLOT);
}
