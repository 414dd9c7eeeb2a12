/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages of the first table are kept, and written through to every copy at
 * once: what is read is what is stored. An entry of a FAT12 may lie across
 * two pages, so they are taken byte by byte.
 *
 * No walk here is longer than there are clusters. One that frees ends in a
 * ring by itself: it comes to a cluster that it has freed.
 */
#include "servers/fat/table.h"

#include <errno.h>
#include <string.h>

#define LAST_CLUSTER 0x0fffffffu	/* cut to the bits of an entry */

static struct fat_page *get_page(struct fat *f, uint64_t number)
{
	struct fat_page *p = &f->page[number % FAT_PAGES];
	uint64_t at = number * FAT_PAGE, n = f->table_size - at;

	if (p->number == number + 1)
		return p;
	p->number = 0;
	if (n > FAT_PAGE)
		n = FAT_PAGE;
	if (image_read(&f->image, p->data, n, f->table_at + at))
		return NULL;
	p->number = number + 1;
	return p;
}

static int get_bytes(struct fat *f, uint64_t at, uint8_t *to, unsigned n)
{
	for (; n; n--, at++, to++) {
		struct fat_page *p = get_page(f, at / FAT_PAGE);

		if (!p)
			return -EIO;
		*to = p->data[at % FAT_PAGE];
	}
	return 0;
}

/* On an error the copies may differ; what we keep is read again. */
static int put_bytes(struct fat *f, uint64_t at, const uint8_t *from,
		     unsigned n)
{
	int err = 0;

	for (unsigned i = 0; i < n; i++) {
		struct fat_page *p = get_page(f, (at + i) / FAT_PAGE);

		if (p)
			p->data[(at + i) % FAT_PAGE] = from[i];
		else
			err = -EIO;
	}
	for (unsigned i = 0; i < f->tables && !err; i++)
		err = image_write(&f->image, from, n,
				  f->table_at + i * f->table_size + at);
	if (err)
		memset(f->page, 0, sizeof(f->page));
	return err;
}

static uint64_t entry_at(const struct fat *f, uint32_t cluster)
{
	return (uint64_t)cluster * f->bits / 8;
}

static uint32_t entry_mask(const struct fat *f)
{
	return f->bits == 32 ? 0x0fffffff : (1u << f->bits) - 1;
}

static int get_entry(struct fat *f, uint32_t cluster, uint32_t *value)
{
	uint8_t raw[4] = { 0 };
	int err = get_bytes(f, entry_at(f, cluster), raw,
			    f->bits == 32 ? 4 : 2);

	*value = get32(raw);
	if (f->bits == 12 && cluster % 2)
		*value >>= 4;
	*value &= entry_mask(f);
	return err;
}

/* What shares the bytes stays: half of a FAT12's, the top of a FAT32's. */
static int put_entry(struct fat *f, uint32_t cluster, uint32_t value)
{
	unsigned n = f->bits == 32 ? 4 : 2;
	unsigned shift = f->bits == 12 && cluster % 2 ? 4 : 0;
	uint32_t mask = entry_mask(f) << shift;
	uint64_t at = entry_at(f, cluster);
	uint8_t raw[4] = { 0 };
	int err = get_bytes(f, at, raw, n);

	if (err)
		return err;
	put32(raw, (get32(raw) & ~mask) | ((value << shift) & mask));
	return put_bytes(f, at, raw, n);
}

int table_next(struct fat *f, uint32_t cluster, uint32_t *next)
{
	int err;

	*next = 0;
	if (!fat_is_cluster(f, cluster))
		return -EIO;
	err = get_entry(f, cluster, next);
	if (err || fat_is_cluster(f, *next))
		return err;
	/* eight numbers end a chain, the one below them is a bad cluster */
	err = *next > entry_mask(f) - 8 ? 0 : -EIO;
	*next = 0;
	return err;
}

int table_link(struct fat *f, uint32_t last, uint32_t first)
{
	if (!fat_is_cluster(f, last) || !fat_is_cluster(f, first))
		return -EIO;
	return put_entry(f, last, first);
}

int table_cut(struct fat *f, uint32_t last, uint32_t *rest)
{
	int err = table_next(f, last, rest);

	return err || !*rest ? err : put_entry(f, last, LAST_CLUSTER);
}

int table_count_free(struct fat *f, uint32_t *count)
{
	uint32_t value, n = 0;

	if (f->free == FAT_UNKNOWN) {
		for (uint32_t i = 0; i < f->clusters; i++) {
			if (get_entry(f, i + 2, &value))
				return -EIO;
			n += value == 0;
		}
		f->free = n;
	}
	*count = f->free;
	return 0;
}

static int find_free(struct fat *f, uint32_t *cluster)
{
	uint32_t value;

	for (uint32_t i = 0; i < f->clusters; i++) {
		*cluster = f->next;
		f->next = f->next - 1 < f->clusters ? f->next + 1 : 2;
		if (get_entry(f, *cluster, &value))
			return -EIO;
		if (!value)
			return 0;
	}
	return -ENOSPC;
}

static int take_one(struct fat *f, uint32_t last, uint32_t *cluster)
{
	int err = find_free(f, cluster);

	if (!err)
		err = put_entry(f, *cluster, LAST_CLUSTER);
	if (err)
		return err;
	f->free--;
	return last ? put_entry(f, last, *cluster) : 0;
}

int table_alloc(struct fat *f, uint32_t count, uint32_t near,
		uint32_t *first)
{
	uint32_t have, last = 0, cluster;
	int err = table_count_free(f, &have);

	*first = 0;
	if (!err && have < count)
		err = -ENOSPC;
	if (fat_is_cluster(f, near) && fat_is_cluster(f, near + 1))
		f->next = near + 1;
	while (!err && count--) {
		err = take_one(f, last, &cluster);
		if (!err && !*first)
			*first = cluster;
		last = cluster;
	}
	if (err) {
		table_free(f, *first);
		*first = 0;
	}
	return err;
}

int table_free(struct fat *f, uint32_t first)
{
	uint32_t next, count;
	int err = table_count_free(f, &count);

	while (first && !err) {
		err = table_next(f, first, &next);
		if (err)
			break;
		err = put_entry(f, first, 0);
		if (!err)
			f->free++;
		first = next;
	}
	return err;
}
