/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sites of libraries.
 *
 * A guest's mapping names its file by a path, which may lead elsewhere by
 * now, and by device and inode as the kernel shows them in /proc/PID/maps.
 * That need not be what stat() says (overlayfs, btrfs). So the path is
 * opened, mapped here too, and what our own maps show must be the same.
 * A file that has been changed since it was searched is searched again.
 *
 * The path is a guest's: what it leads to may never answer (a file system of
 * the guest's own). Then this receiver waits, and nobody waits for it: who
 * finds the lock taken does without.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch/arch.h"
#include "engine/sites.h"

#define FILES_MAX	8
#define FILE_SIZE_MAX	(16u << 20)

struct file {
	unsigned major, minor;
	uint64_t inode;
	struct stat st;
	struct sites *sites;	/* NULL: free */
	uint64_t used;
};

struct site_files {
	bool (*gated)(void *ctx, int nr);
	void *ctx;
	pthread_mutex_t lock;
	uint64_t clock;
	struct file file[FILES_MAX];
};

struct site_files *site_files_new(bool (*gated)(void *ctx, int nr), void *ctx)
{
	struct site_files *files = calloc(1, sizeof(*files));

	if (!files)
		return NULL;
	files->gated = gated;
	files->ctx = ctx;
	pthread_mutex_init(&files->lock, NULL);
	return files;
}

void sites_put(struct sites *s)
{
	if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	if (s->fd >= 0)
		close(s->fd);
	free(s->site);
	free(s);
}

/* --- a file is searched ----------------------------------------------- */

static int add(struct sites *s, uint64_t offset, size_t gap, int nr)
{
	struct site *more;

	if (!(s->n & (s->n - 1))) {	/* full at powers of two */
		more = reallocarray(s->site, s->n ? 2 * s->n : 1,
				    sizeof(*more));
		if (!more)
			return -ENOMEM;
		s->site = more;
	}
	s->site[s->n++] = (struct site){ offset, gap, nr };
	return 0;
}

static int search(const struct site_files *files, struct sites *s,
		  const uint8_t *code, size_t len)
{
	size_t at, gap;
	int nr, r = 0;

	for (at = 0; !r && (nr = arch_find_site(code, len, &at, &gap)) >= 0;
	     at++)
		if (files->gated(files->ctx, nr))
			r = add(s, at, gap, nr);
	return r;
}

static bool same_file(const struct proc_map *map, const void *mine)
{
	struct proc_map own;

	return !proc_map(getpid(), (uintptr_t)mine, &own) &&
	       own.major == map->major && own.minor == map->minor &&
	       own.inode == map->inode;
}

static int search_file(const struct site_files *files, struct file *f,
		       const struct proc_map *map)
{
	size_t len = f->st.st_size;
	uint8_t *code = mmap(NULL, len, PROT_READ, MAP_PRIVATE, f->sites->fd, 0);
	int r = -ESTALE;

	if (code == MAP_FAILED)
		return -errno;
	if (same_file(map, code))
		r = search(files, f->sites, code, len);
	munmap(code, len);
	return r;
}

/* Nothing but a regular file is opened: a device might mind. */
static int open_regular(const char *path, struct stat *st)
{
	int seen = open(path, O_PATH | O_CLOEXEC), fd = -EINVAL;
	char link[32];

	if (seen < 0)
		return -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", seen);
	if (!fstat(seen, st) && S_ISREG(st->st_mode) && st->st_size) {
		fd = open(link, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
	}
	close(seen);
	return fd;
}

static int open_file(struct file *f, const struct proc_map *map)
{
	char path[PATH_MAX];

	if (!map->path_len || map->path_len >= sizeof(path) ||
	    map->path[0] != '/')
		return -ENOENT;
	memcpy(path, map->path, map->path_len);
	path[map->path_len] = '\0';
	f->sites->fd = open_regular(path, &f->st);
	if (f->sites->fd < 0)
		return f->sites->fd;
	return f->st.st_size > FILE_SIZE_MAX ? -EFBIG : 0;
}

static void take_in(struct site_files *files, struct file *f,
		    const struct proc_map *map)
{
	int r;

	*f = (struct file){ .major = map->major, .minor = map->minor,
			    .inode = map->inode };
	f->sites = calloc(1, sizeof(*f->sites));
	if (!f->sites)
		return;
	f->sites->refs = 1;
	f->sites->fd = -1;
	r = open_file(f, map);
	if (!r)
		r = search_file(files, f, map);
	if (!r)
		return;
	sites_put(f->sites);
	f->sites = NULL;
}

/* --- the files that are known ------------------------------------------- */

static bool unchanged(const struct file *f)
{
	struct stat st;

	return !fstat(f->sites->fd, &st) && st.st_size == f->st.st_size &&
	       !memcmp(&st.st_mtim, &f->st.st_mtim, sizeof(st.st_mtim)) &&
	       !memcmp(&st.st_ctim, &f->st.st_ctim, sizeof(st.st_ctim));
}

static bool is_file(const struct file *f, const struct proc_map *map)
{
	return f->sites && f->inode == map->inode && f->major == map->major &&
	       f->minor == map->minor;
}

/* The file's own entry, else the one to be replaced. */
static struct file *choose(struct site_files *files, const struct proc_map *map)
{
	struct file *f, *oldest = files->file;

	for (f = files->file; f < files->file + FILES_MAX; f++) {
		if (is_file(f, map))
			return f;
		if (f->used < oldest->used)
			oldest = f;
	}
	return oldest;
}

struct sites *sites_get(struct site_files *files, const struct proc_map *map)
{
	struct sites *s = NULL;
	struct file *f;

	if (pthread_mutex_trylock(&files->lock))
		return NULL;
	f = choose(files, map);
	if (!is_file(f, map) || !unchanged(f)) {
		sites_put(f->sites);
		take_in(files, f, map);
	}
	f->used = ++files->clock;
	if (f->sites && f->sites->n) {
		s = f->sites;
		s->refs++;
	}
	pthread_mutex_unlock(&files->lock);
	return s;
}
