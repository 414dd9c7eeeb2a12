/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The boot sector is believed when everything it speaks of is in the image:
 * reserved sectors, tables, the fixed root directory (FAT12 and FAT16), and
 * as many clusters as the rest has room for and the table entries for.
 *
 * What FSINFO (FAT32) says of free clusters is not: they are counted when
 * somebody asks. It is stored when the volume is closed.
 *
 * The mark of a volume in use is Linux's and Windows': a bit in the boot
 * sector. If it is set already it stays, so that somebody checks the volume.
 */
#include "servers/fat/volume.h"

#include <errno.h>
#include <string.h>

#include "servers/fat/node.h"

enum {
	B_SECTOR = 11, B_PER_CLUSTER = 13, B_RESERVED = 14, B_TABLES = 16,
	B_ROOT_SLOTS = 17, B_TOTAL16 = 19, B_MEDIA = 21, B_TABLE16 = 22,
	B_TOTAL32 = 32, B_STATE = 37,
	B32_TABLE = 36, B32_FLAGS = 40, B32_ROOT = 44, B32_INFO = 48,
	B32_STATE = 65,
	I_LEAD = 0, I_STRUCT = 484, I_FREE = 488, I_NEXT = 492, I_TRAIL = 508,
};

#define I_LEAD_MAGIC 0x41615252u
#define I_STRUCT_MAGIC 0x61417272u
#define I_TRAIL_MAGIC 0xaa550000u
#define ONE_TABLE 0x80
#define IN_USE 1

#define MOST_FAT12 0xff4u
#define MOST_FAT16 0xfff4u
#define MOST_FAT32 0xffffff5u

static bool power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

static int read_sizes(struct fat *f, const uint8_t *boot)
{
	uint32_t per_cluster = boot[B_PER_CLUSTER];

	f->sector = get16(boot + B_SECTOR);
	if (!power_of_two(f->sector) || f->sector < 512 || f->sector > 4096 ||
	    !power_of_two(per_cluster) || !get16(boot + B_RESERVED) ||
	    !boot[B_TABLES] ||
	    (boot[B_MEDIA] < 0xf8 && boot[B_MEDIA] != 0xf0))
		return -EINVAL;
	f->cluster = per_cluster * f->sector;
	return 0;
}

/* Is only one of the tables kept up to date? */
static int choose_table(struct fat *f, const uint8_t *boot)
{
	uint32_t flags = get16(boot + B32_FLAGS), one = flags & 15;

	if (f->bits != 32 || !(flags & ONE_TABLE))
		return 0;
	if (one >= f->tables)
		return -EINVAL;
	f->table_at += one * f->table_size;
	f->tables = 1;
	return 0;
}

/* In sectors, before the type is known; they are few enough for 64 bits. */
static int read_layout(struct fat *f, const uint8_t *boot)
{
	uint64_t table = get16(boot + B_TABLE16), total, data;
	uint64_t reserved = get16(boot + B_RESERVED);
	uint32_t slots = get16(boot + B_ROOT_SLOTS);

	f->bits = table ? 16 : 32;
	if (!table)
		table = get32(boot + B32_TABLE);
	total = get16(boot + B_TOTAL16);
	if (!total)
		total = get32(boot + B_TOTAL32);
	f->tables = boot[B_TABLES];
	data = reserved + f->tables * table;
	if (!table || slots * FAT_SLOT % f->sector ||
	    (f->bits == 32) != (slots == 0))
		return -EINVAL;
	f->table_at = reserved * f->sector;
	f->table_size = table * f->sector;
	f->root_at = slots ? data * f->sector : 0;
	f->root_slots = slots;
	data += slots * FAT_SLOT / f->sector;
	if (total * f->sector > f->image.size || data >= total)
		return -EINVAL;
	f->data_at = data * f->sector;
	total = (total - data) * f->sector / f->cluster;
	f->clusters = total;
	return choose_table(f, boot);
}

static int read_type(struct fat *f)
{
	uint32_t most = MOST_FAT32;
	uint64_t entries;

	if (f->bits == 16) {
		f->bits = f->clusters > MOST_FAT12 ? 16 : 12;
		most = MOST_FAT16;
	}
	entries = f->table_size * 8 / f->bits;
	if (!f->clusters || f->clusters > most || entries < 3)
		return -EINVAL;
	if (f->clusters > entries - 2)
		f->clusters = entries - 2;
	return 0;
}

static void read_info(struct fat *f, uint32_t sector, uint64_t reserved_end)
{
	uint64_t at = (uint64_t)sector * f->sector;
	uint8_t info[FAT_BLOCK];

	if (!sector || sector == 0xffff || at + f->sector > reserved_end ||
	    image_read(&f->image, info, sizeof(info), at) ||
	    get32(info + I_LEAD) != I_LEAD_MAGIC ||
	    get32(info + I_STRUCT) != I_STRUCT_MAGIC ||
	    get32(info + I_TRAIL) != I_TRAIL_MAGIC)
		return;
	f->info_at = at;
	f->info_free = get32(info + I_FREE);
	f->info_next = get32(info + I_NEXT);
	if (fat_is_cluster(f, f->info_next))
		f->next = f->info_next;
}

static int read_boot(struct fat *f)
{
	uint8_t boot[FAT_BLOCK];
	int err = image_read(&f->image, boot, sizeof(boot), 0);

	if (err)
		return -EINVAL;
	err = read_sizes(f, boot);
	if (!err)
		err = read_layout(f, boot);
	if (!err)
		err = read_type(f);
	if (err)
		return err;
	f->state_at = f->bits == 32 ? B32_STATE : B_STATE;
	if (f->bits != 32)
		return 0;
	f->root_cluster = get32(boot + B32_ROOT);
	read_info(f, get16(boot + B32_INFO),
		  (uint64_t)get16(boot + B_RESERVED) * f->sector);
	return fat_is_cluster(f, f->root_cluster) ? 0 : -EINVAL;
}

static int mark(struct fat *f, bool in_use)
{
	uint8_t state;
	int err = image_read(&f->image, &state, 1, f->state_at);

	if (err || (in_use && state & IN_USE))
		return err;
	state = in_use ? state | IN_USE : state & ~IN_USE;
	err = image_write(&f->image, &state, 1, f->state_at);
	f->marked = in_use && !err;
	return err;
}

bool fat_was_dirty(const struct fat *f)
{
	uint8_t state;

	return !f->marked &&
	       !image_read(&f->image, &state, 1, f->state_at) &&
	       state & IN_USE;
}

int fat_open(struct fat *f, const struct fat_image *image, bool readonly)
{
	int err;

	memset(f, 0, sizeof(*f));
	f->image = *image;
	f->readonly = readonly;
	f->free = FAT_UNKNOWN;
	f->next = 2;
	err = read_boot(f);
	if (!err)
		err = nodes_init(f);
	if (!err && !readonly)
		err = mark(f, true);
	if (err) {
		nodes_clear(f);
		image_close(&f->image);
	}
	return err;
}

static int store_info(struct fat *f)
{
	uint8_t both[8];

	if (!f->info_at || f->free == FAT_UNKNOWN ||
	    (f->free == f->info_free && f->next == f->info_next))
		return 0;
	put32(both, f->free);
	put32(both + 4, f->next);
	return image_write(&f->image, both, sizeof(both), f->info_at + I_FREE);
}

int fat_close(struct fat *f)
{
	int err = 0, last;

	if (!f->readonly)
		nodes_free_orphans(f);
	nodes_clear(f);
	if (!f->readonly)
		err = store_info(f);
	if (!err && f->marked)
		err = mark(f, false);
	last = f->readonly ? 0 : image_sync(&f->image);
	image_close(&f->image);
	return err ? err : last;
}
