/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVERS_FAT_NODE_H
#define SERVERS_FAT_NODE_H

#include <sys/types.h>

#include "servers/fat/volume.h"

/* Where things are in an entry of a directory. */
enum {
	D_ATTR = 11, D_CASE = 12, D_MADE_FINE = 13, D_MADE_TIME = 14,
	D_MADE_DATE = 16, D_READ_DATE = 18, D_START_HIGH = 20,
	D_TIME = 22, D_DATE = 24, D_START = 26, D_SIZE = 28,

	ATTR_READONLY = 0x01, ATTR_HIDDEN = 0x02, ATTR_SYSTEM = 0x04,
	ATTR_LABEL = 0x08, ATTR_DIRECTORY = 0x10, ATTR_ARCHIVE = 0x20,
	ATTR_LONG = 0x0f, ATTR_LONG_MASK = 0x3f,

	SLOT_FREE = 0x00, SLOT_DELETED = 0xe5,
};

struct dir_entry;

/*
 * A file or directory that somebody knows of. There is one for each entry,
 * however often it is looked up: who has it open sees what others do.
 */
struct fat_node {
	struct fat_node *parent;	/* held; NULL: the root */
	struct fat_node *chained;
	uint64_t at;		/* of its entry in the image; 0: it has none */
	uint32_t first, slot;	/* its slots in the parent, long name first */
	uint64_t ino;
	uint8_t raw[FAT_SLOT];	/* the entry, as it is stored */
	uint32_t index, cluster;	/* a place in the chain, if cluster */
	unsigned held, opened;
	bool deleted, strayed;
	struct fat_node *next_strayed;
};

int nodes_init(struct fat *f);
/* All of them; before the volume is closed. */
void nodes_clear(struct fat *f);
/* What was deleted while it was open, and still is. */
void nodes_free_orphans(struct fat *f);

/*
 * The node of an entry that was found in a directory, held. -EIO: it is the
 * entry of another directory as well, or a directory in itself.
 */
int node_get(struct fat *f, struct fat_node *dir,
	     const struct dir_entry *entry, struct fat_node **node);
void node_put(struct fat *f, struct fat_node *n, uint64_t times);
/* The number of an entry that need not have a node. */
uint64_t node_number(struct fat *f, uint64_t at);
/* An opened one is held as well; what it had is freed with the last. */
void node_open(struct fat_node *n);
int node_close(struct fat *f, struct fat_node *n);
/* Its entry is gone. What it has is freed, now or when it is closed. */
int node_unlinked(struct fat *f, struct fat_node *n);
/* Its entry is another one. */
void node_moved(struct fat *f, struct fat_node *n, struct fat_node *dir,
		const struct dir_entry *entry);
/* Is it the other or does it have it below it? */
bool node_is_above(const struct fat_node *n, const struct fat_node *other);

static inline bool node_is_dir(const struct fat_node *n)
{
	return n->raw[D_ATTR] & ATTR_DIRECTORY;
}

static inline uint32_t node_size(const struct fat_node *n)
{
	return get32(n->raw + D_SIZE);
}

/* The first cluster, which need not be one; 0: none. */
uint32_t raw_start(const struct fat *f, const uint8_t *raw);
void raw_set_start(const struct fat *f, uint8_t *raw, uint32_t start);
/* Both it was changed and, for what is new, made. */
void raw_stamp(const struct fat *f, uint8_t *raw, bool made);
/* Store the entry. Nothing to do for the root and what was deleted. */
int node_store(struct fat *f, struct fat_node *n);
/* A directory has been changed. */
int node_touch(struct fat *f, struct fat_node *n);

/*
 * The index'th cluster of its chain; 0 when it has fewer. *index is then the
 * number of those it has, and *last the last of them, or 0.
 */
int node_cluster(struct fat *f, struct fat_node *n, uint32_t *index,
		 uint32_t *cluster, uint32_t *last);

struct fat_stat {
	uint64_t ino, size, blocks;	/* of 512 bytes */
	bool directory, readonly;
	time_t read, changed, made;
	unsigned links;
};

void node_stat(struct fat *f, struct fat_node *n, struct fat_stat *st);
/* Either may be NULL. */
int node_set_times(struct fat *f, struct fat_node *n, const time_t *read,
		   const time_t *changed);
int node_set_readonly(struct fat *f, struct fat_node *n, bool readonly);

#endif
