/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a node's entry says, and its chain of clusters. */
#include <errno.h>

#include "servers/fat/dir.h"
#include "servers/fat/node.h"
#include "servers/fat/table.h"
#include "servers/fat/times.h"

uint32_t raw_start(const struct fat *f, const uint8_t *raw)
{
	uint32_t high = f->bits == 32 ? get16(raw + D_START_HIGH) : 0;

	return get16(raw + D_START) | high << 16;
}

void raw_set_start(const struct fat *f, uint8_t *raw, uint32_t start)
{
	put16(raw + D_START, start);
	if (f->bits == 32)
		put16(raw + D_START_HIGH, start >> 16);
}

void raw_stamp(const struct fat *f, uint8_t *raw, bool made)
{
	uint32_t day, clock;
	time_t now = time(NULL);

	times_put(now, f->utc, &day, &clock);
	put16(raw + D_TIME, clock);
	put16(raw + D_DATE, day);
	put16(raw + D_READ_DATE, day);
	if (made) {
		put16(raw + D_MADE_TIME, clock);
		put16(raw + D_MADE_DATE, day);
		raw[D_MADE_FINE] = now % 2 ? 100 : 0;
	}
}

int node_store(struct fat *f, struct fat_node *n)
{
	return n->at ? image_write(&f->image, n->raw, FAT_SLOT, n->at) : 0;
}

int node_touch(struct fat *f, struct fat_node *n)
{
	raw_stamp(f, n->raw, false);
	return node_store(f, n);
}

/* From the place that is known, if that is not behind it. */
static int walk(struct fat *f, struct fat_node *n, uint32_t index,
		uint32_t *last)
{
	uint32_t next;
	int err;

	if (!n->cluster || n->index > index) {
		n->index = 0;
		n->cluster = raw_start(f, n->raw);
	}
	*last = n->cluster;
	while (n->index < index) {
		err = table_next(f, n->cluster, &next);
		if (err || !next)
			return err;
		n->cluster = next;
		n->index++;
		*last = next;
		if (n->index >= f->clusters)
			return -EIO;
	}
	return fat_is_cluster(f, n->cluster) ? 0 : -EIO;
}

int node_cluster(struct fat *f, struct fat_node *n, uint32_t *index,
		 uint32_t *cluster, uint32_t *last)
{
	uint32_t wanted = *index;
	int err;

	*cluster = 0;
	*last = 0;
	if (!raw_start(f, n->raw)) {
		*index = 0;
		return 0;
	}
	err = walk(f, n, wanted, last);
	if (err)
		return err;
	if (n->index == wanted)
		*cluster = n->cluster;
	else
		*index = n->index + 1;
	return 0;
}

void node_stat(struct fat *f, struct fat_node *n, struct fat_stat *st)
{
	uint32_t per = f->cluster / 512;

	*st = (struct fat_stat){
		.ino = n->ino, .size = node_size(n),
		.directory = node_is_dir(n),
		.readonly = n->raw[D_ATTR] & ATTR_READONLY,
		.read = times_get(get16(n->raw + D_READ_DATE), 0, f->utc),
		.changed = times_get(get16(n->raw + D_DATE),
				     get16(n->raw + D_TIME), f->utc),
		.made = times_get(get16(n->raw + D_MADE_DATE),
				  get16(n->raw + D_MADE_TIME), f->utc),
		.links = !n->deleted,
	};
	if (st->directory) {
		st->readonly = false;	/* it says nothing of a directory */
		st->size = (uint64_t)dir_slots(f, n) * FAT_SLOT;
	}
	st->blocks = (st->size + f->cluster - 1) / f->cluster * per;
}

int node_set_times(struct fat *f, struct fat_node *n, const time_t *read,
		   const time_t *changed)
{
	uint32_t day, clock;

	if (f->readonly)
		return -EROFS;
	if (read) {
		times_put(*read, f->utc, &day, &clock);
		put16(n->raw + D_READ_DATE, day);
	}
	if (changed) {
		times_put(*changed, f->utc, &day, &clock);
		put16(n->raw + D_DATE, day);
		put16(n->raw + D_TIME, clock);
	}
	return node_store(f, n);
}

int node_set_readonly(struct fat *f, struct fat_node *n, bool readonly)
{
	if (f->readonly)
		return -EROFS;
	if (readonly)
		n->raw[D_ATTR] |= ATTR_READONLY;
	else
		n->raw[D_ATTR] &= ~ATTR_READONLY;
	return node_store(f, n);
}
