/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded cache, oldest entry out first. An entry is good while the
 * program's identity, size and times are what they were, and for one
 * interpreter text. Running programs keep their copy alive by themselves;
 * a large one is not kept for the next time, only known as what it is.
 */
#include "sys/patched.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES 64
#define LARGE (32 << 20)

struct entry {
	bool used;
	struct place program;		/* held */
	struct stat st;
	char interp[32];
	int fd;				/* -1: not kept */
	struct file_id copy;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry entry[ENTRIES];
static unsigned next;

static bool fits(const struct entry *e, const struct stat *st,
		 const char *interp)
{
	return e->used && e->fd >= 0 && e->st.st_dev == st->st_dev &&
	       e->st.st_ino == st->st_ino && e->st.st_size == st->st_size &&
	       !memcmp(&e->st.st_mtim, &st->st_mtim, sizeof(st->st_mtim)) &&
	       !memcmp(&e->st.st_ctim, &st->st_ctim, sizeof(st->st_ctim)) &&
	       !strcmp(e->interp, interp);
}

static int duplicate(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? -errno : copy;
}

static int make(struct entry *e, const struct place *program,
		const struct elf_interp *elf, const char *interp)
{
	char name[PATH_MAX], link[32], *base = name;
	struct place copy = NOWHERE;
	int fd, err;

	fd = open(fd_link(program->fd, link), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (kernel_name(program->fd, name, sizeof(name)) < 0)
		strcpy(name, "program");
	if (strrchr(name, '/'))
		base = strrchr(name, '/') + 1;
	base[strnlen(base, 200)] = '\0';
	/* first: what changes while it is copied is then known to be stale */
	err = fstat(fd, &e->st) ? -errno : 0;
	e->fd = err ?: elf_with_interp(fd, elf, base, interp);
	close(fd);
	if (e->fd < 0)
		return e->fd;
	err = place_identify(&copy, e->fd, "");
	e->copy = copy.id;
	if (!err)
		err = place_hold(&e->program, program);
	if (err)
		close(e->fd);
	snprintf(e->interp, sizeof(e->interp), "%s", interp);
	return err;
}

static bool is_large(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_blocks > LARGE / 512;
}

static void let_go(struct entry *e)
{
	if (e->used && e->fd >= 0)
		close(e->fd);
	if (e->used)
		place_free(&e->program);
}

int patched_copy(const struct place *program, const struct elf_interp *elf,
		 const char *interp)
{
	struct entry *e, fresh = { .used = true };
	struct stat st;
	int fd = -ENOENT;

	if (fstat(program->fd, &st))
		return -errno;
	pthread_mutex_lock(&lock);
	for (e = entry; e < entry + ENTRIES && fd < 0; e++)
		if (fits(e, &st, interp))
			fd = duplicate(e->fd);
	pthread_mutex_unlock(&lock);
	if (fd != -ENOENT)
		return fd;
	fd = make(&fresh, program, elf, interp);
	if (fd < 0)
		return fd;
	fd = duplicate(fresh.fd);
	if (is_large(fresh.fd)) {
		close(fresh.fd);
		fresh.fd = -1;
	}
	pthread_mutex_lock(&lock);
	e = &entry[next++ % ENTRIES];
	let_go(e);
	*e = fresh;
	pthread_mutex_unlock(&lock);
	return fd;
}

int patched_original(struct file_id copy, struct place *original)
{
	int err = -ENOENT;

	pthread_mutex_lock(&lock);
	for (struct entry *e = entry; e < entry + ENTRIES && err; e++)
		if (e->used && e->copy.dev == copy.dev &&
		    e->copy.ino == copy.ino)
			err = place_hold(original, &e->program);
	pthread_mutex_unlock(&lock);
	return err;
}
