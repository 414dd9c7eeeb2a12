/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * To look into a program takes an open, some reads and a close, and in a FUSE
 * file system each of them may wait for the server. A file whose times are
 * what they were is as it was; but only when they were old enough then for
 * any later change to show in them.
 */
#include "sys/heads.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#define ENTRIES 256
#define NAME_SIZE 64
#define OLD_SEC 3		/* FAT counts by two */
#define FOR_ALL 0555

struct entry {
	struct statx st;	/* stx_mask 0: free */
	uint64_t header;
	char interp[NAME_SIZE];
	bool wide;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry entry[ENTRIES];

static bool same_time(const struct statx_timestamp *a,
		      const struct statx_timestamp *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_file(const struct statx *a, const struct statx *b)
{
	return a->stx_mask && a->stx_ino == b->stx_ino &&
	       a->stx_dev_major == b->stx_dev_major &&
	       a->stx_dev_minor == b->stx_dev_minor &&
	       a->stx_size == b->stx_size && a->stx_mode == b->stx_mode &&
	       same_time(&a->stx_mtime, &b->stx_mtime) &&
	       same_time(&a->stx_ctime, &b->stx_ctime);
}

bool head_known(const struct statx *st, struct elf_interp *elf)
{
	const struct entry *e = &entry[st->stx_ino % ENTRIES];
	bool known;

	pthread_mutex_lock(&lock);
	known = same_file(&e->st, st);
	if (known) {
		elf->wide = e->wide;
		elf->header = e->header;
		strcpy(elf->path, e->interp);
	}
	pthread_mutex_unlock(&lock);
	return known;
}

void head_note(const struct statx *st, const struct elf_interp *elf)
{
	struct entry *e = &entry[st->stx_ino % ENTRIES];
	time_t old = time(NULL) - OLD_SEC;

	if ((st->stx_mask & HEAD_MASK) != HEAD_MASK ||
	    (st->stx_mode & FOR_ALL) != FOR_ALL ||
	    st->stx_mtime.tv_sec >= old || st->stx_ctime.tv_sec >= old ||
	    strlen(elf->path) >= NAME_SIZE)
		return;
	pthread_mutex_lock(&lock);
	e->st = *st;
	e->wide = elf->wide;
	e->header = elf->header;
	strcpy(e->interp, elf->path);
	pthread_mutex_unlock(&lock);
}
