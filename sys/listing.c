/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * getdents: directories whose listing a view changes.
 *
 * A directory of the kernel's that has mount points which do not exist on
 * disk, or hidden names, is read through the caller's own open file (so
 * offset, rewinddir and seekdir stay the kernel's): hidden names are left
 * out, and added names come first. Those have offsets of their own, ADDED
 * and above, where the directory is moved to while they are given.
 *
 * A made directory is a placeholder: its offset is the number of entries
 * that were given.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/memory.h"
#include "lib/procfd.h"
#include "sys/handlers.h"
#include "sys/real.h"
#include "sys/snapshot.h"
#include "sys/state.h"
#include "view/attach.h"
#include "view/layered.h"
#include "view/registry.h"

#define ANSWER_MAX 65536

struct entry64 {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

struct entry_old {
	unsigned long ino;
	unsigned long off;
	uint16_t reclen;
	char name[];		/* then a NUL, padding and the type */
};

/* --- one answer, in the layout of the call --- */

struct answer {
	char *buf;
	size_t len, size;
	bool old;		/* getdents: struct linux_dirent */
};

static size_t entry_size(const struct answer *a, size_t namelen)
{
	size_t head = a->old ? offsetof(struct entry_old, name) + 2
			     : offsetof(struct entry64, name) + 1;

	return (head + namelen + 7) & ~(size_t)7;
}

/* Return: 0, or -EINVAL when it does not fit */
static int put(struct answer *a, const char *name, uint64_t ino, int64_t off,
	       uint8_t type)
{
	size_t n = strlen(name), len = entry_size(a, n);
	char *at = a->buf + a->len;

	if (a->len + len > a->size)
		return -EINVAL;
	memset(at, 0, len);
	if (a->old) {
		struct entry_old *e = (void *)at;

		e->ino = ino;
		e->off = off;
		e->reclen = len;
		memcpy(e->name, name, n);
		at[len - 1] = type;
	} else {
		struct entry64 *e = (void *)at;

		e->ino = ino;
		e->off = off;
		e->reclen = len;
		e->type = type;
		memcpy(e->name, name, n);
	}
	a->len += len;
	return 0;
}

/* --- directories of the kernel's --- */

/*
 * Offsets that stand for an added name: ADDED + i when i of them have been
 * given. Every file system lets a directory be moved there, and has no entry
 * there itself before a thousand million.
 */
#define ADDED 0x3fff0000
#define ADDED_MAX 0xffff

/* How the listing of a directory of the kernel's is changed. */
struct edits {
	const struct version *v;
	const struct place *dir;
	struct vu_dir added, hidden;	/* by a layered mount */
};

/* The names that mounts add to a directory. */
static int added_names(const struct version *v, const struct place *dir,
		       struct vu_dir *list)
{
	int err = 0;

	for (size_t i = 0; i < v->nmount && !err; i++) {
		const struct mount *m = v->mount[i];

		if (!m->name[0] || !file_id_equal(m->at.id, dir->id) ||
		    mount_hides(m) || m->covers.mount ||
		    layered_point(v, dir, m->name) != m)
			continue;
		if (dir->fd >= 0 &&
		    !faccessat(dir->fd, m->name, F_OK, AT_SYMLINK_NOFOLLOW))
			continue;	/* exists by now */
		err = vu_dir_add(list, m->name, m->root.id.ino, m->root.mode);
	}
	return err;
}

static int by_name(const void *a, const void *b)
{
	const typeof(*((struct vu_dir *)0)->entry) *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void sort(struct vu_dir *list)
{
	if (list->n)
		qsort(list->entry, list->n, sizeof(*list->entry), by_name);
}

static bool has(const struct vu_dir *list, const char *name)
{
	typeof(*list->entry) key = { .name = (char *)name };

	return list->n && bsearch(&key, list->entry, list->n,
				  sizeof(*list->entry), by_name);
}

static void edits_drop(struct edits *e)
{
	dir_free(&e->added);
	dir_free(&e->hidden);
}

/* Learn what is changed. 0 or -errno; edits_drop() either way */
static int read_edits(struct request *rq, const struct place *dir,
		      struct edits *e)
{
	struct mount *m = dir->mount;
	int err = 0;

	*e = (struct edits){ .v = rq->version, .dir = dir };
	if (mount_layered(m) && dir->rel)
		err = module_fs(m->module)->edits(&rq->ctx, &m->pub, dir->rel,
						  &e->added, &e->hidden);
	sort(&e->added);
	sort(&e->hidden);
	return err;
}

static bool hidden(const struct version *v, const struct place *dir,
		   const char *name)
{
	const struct mount *m = layered_point(v, dir, name);

	return m && mount_hides(m);
}

/* Copy the kernel's entries that are to be seen. */
static int put_real(const struct edits *how, const char *raw, ssize_t len,
		    struct answer *a)
{
	for (ssize_t at = 0; at < len; ) {
		const struct entry64 *e = (const void *)(raw + at);
		int err;

		at += e->reclen;
		if (hidden(how->v, how->dir, e->name) ||
		    has(&how->hidden, e->name) || has(&how->added, e->name))
			continue;
		err = put(a, e->name, e->ino, e->off, e->type);
		if (err)
			return err;
	}
	return 0;
}

/* Read on until something is to be seen, or the end. */
static int read_real(const struct edits *how, int fd, struct answer *a)
{
	size_t room = a->size - a->len, before = a->len;
	char *raw;
	ssize_t n;
	int err = 0;

	/* getdents entries are never longer than getdents64's by more than 1 */
	if (a->old)
		room -= room / 8;
	raw = malloc(room + 1);
	if (!raw)
		return -ENOMEM;
	do {
		n = syscall(SYS_getdents64, fd, raw, room);
		err = n < 0 ? -errno : put_real(how, raw, n, a);
	} while (!err && n > 0 && a->len == before);
	free(raw);
	/* no room behind the added names is no error: they come first */
	return err == -EINVAL && before ? 0 : err;
}

/* What comes first. */
static int all_added(const struct edits *how, struct vu_dir *list)
{
	int err = added_names(how->v, how->dir, list);

	for (size_t i = 0; !err && i < how->added.n; i++)
		err = vu_dir_add(list, how->added.entry[i].name,
				 how->added.entry[i].ino,
				 DTTOIF(how->added.entry[i].type));
	return err;
}

/* The added names, from the i-th on. Return: how many were given by now */
static size_t put_added(const struct vu_dir *list, size_t i, struct answer *a)
{
	for (; i < list->n && i < ADDED_MAX; i++)
		if (put(a, list->entry[i].name, list->entry[i].ino,
			ADDED + i + 1, list->entry[i].type))
			break;
	return i;
}

/* The added names are read once: others may come and go meanwhile. */
static int list_edited(struct request *rq, const struct edits *how, int fd,
		       struct answer *a)
{
	off_t offset = lseek(fd, 0, SEEK_CUR);
	size_t i = offset ? offset - ADDED : 0, n;
	struct vu_dir list = { .n = 0 };
	int err = 0;

	if (offset && (offset < ADDED || offset > ADDED + ADDED_MAX))
		return read_real(how, fd, a);
	if (!i || !snapshots_take(rq->sys->snapshots, fd, &list))
		err = all_added(how, &list);
	n = list.n < ADDED_MAX ? list.n : ADDED_MAX;
	if (!err)
		i = put_added(&list, i, a);
	if (!err && i < n && !a->len)
		err = -EINVAL;
	if (!err && i >= n && lseek(fd, 0, SEEK_SET) == 0)
		err = read_real(how, fd, a);
	/* the real ones have not begun */
	if (!err && (i < n || lseek(fd, 0, SEEK_CUR) == 0)) {
		lseek(fd, ADDED + i, SEEK_SET);
		snapshots_keep(rq->sys->snapshots, fd, &list);
	}
	dir_free(&list);
	return err;
}

/* --- made directories --- */

/* A number for an entry of a made directory to which nobody gave one. */
static ino_t entry_number(const struct place *dir, const char *name)
{
	char rel[PATH_MAX + NAME_MAX + 2];

	snprintf(rel, sizeof(rel), "%s%s%s", dir->rel, *dir->rel ? "/" : "",
		 name);
	return made_number(dir->mount, rel);
}

/* The names of a made directory, from the first on, less the hidden ones. */
static int made_names(struct vu_ctx *ctx, const struct version *v,
		      const struct place *dir, struct vu_dir *list)
{
	struct mount *m = dir->mount;
	size_t i = list->n, n = i;
	int err = module_fs(m->module)->readdir(ctx, &m->pub, dir->rel, list);

	for (; i < list->n; i++) {
		if (hidden(v, dir, list->entry[i].name)) {
			free(list->entry[i].name);
			continue;
		}
		list->entry[n++] = list->entry[i];
	}
	list->n = n;
	return err ?: added_names(v, dir, list);
}

/* All names of a made directory, from "." on. */
static int read_made(struct request *rq, const struct place *dir,
		     struct vu_dir *list)
{
	int err = dir->unnamed ? -ENOENT : 0;

	if (!err)
		err = vu_dir_add(list, ".", dir->id.ino, S_IFDIR);
	if (!err)
		err = vu_dir_add(list, "..", dir->id.ino, S_IFDIR);
	return err ?: made_names(&rq->ctx, rq->version, dir, list);
}

/* What is read on was read whole before, if others have not read since. */
static int list_made(struct request *rq, const struct place *dir, int fd,
		     struct answer *a)
{
	struct vu_dir list = { .n = 0 };
	off_t i = lseek(fd, 0, SEEK_CUR);
	int err = 0;

	if (i <= 0 || !snapshots_take(rq->sys->snapshots, fd, &list))
		err = read_made(rq, dir, &list);
	for (; !err && i >= 0 && (size_t)i < list.n; i++) {
		err = put(a, list.entry[i].name, list.entry[i].ino ?:
			  entry_number(dir, list.entry[i].name), i + 1,
			  list.entry[i].type);
		if (err && a->len) {
			err = 0;
			break;
		}
	}
	if (!err)
		lseek(fd, i, SEEK_SET);
	/* also when all was given: the next answer is that there is no more */
	if (!err && a->len)
		snapshots_keep(rq->sys->snapshots, fd, &list);
	dir_free(&list);
	return err;
}

/* --- for modules: a directory as it was before a mount --- */

static int real_names(const struct version *v, const struct place *dir,
		      struct vu_dir *list)
{
	char link[32];
	const struct dirent *e;
	int fd = open(fd_link(dir->fd, link), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int err = 0;

	if (!d) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!err && (errno = 0, e = readdir(d))) {
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
		    !hidden(v, dir, e->d_name))
			err = vu_dir_add(list, e->d_name, e->d_ino,
					 DTTOIF(e->d_type));
	}
	if (!err)
		err = -errno;
	closedir(d);
	return err ?: added_names(v, dir, list);
}

int vu_readdir(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
	       struct vu_dir *list)
{
	const struct version *v;
	struct found f;
	int err = view_walk_before(ctx, m, path, WALK_NOFOLLOW, &f);

	v = view_before(ctx, m);
	if (!err)
		err = f.error;
	if (!err && !S_ISDIR(f.obj.mode))
		err = -ENOTDIR;
	if (!err)
		err = f.obj.fd < 0 ? made_names(ctx, v, &f.obj, list)
				   : real_names(v, &f.obj, list);
	found_drop(&f);
	return err;
}

/* --- the call --- */

static int open_file_of(struct request *rq, int fd)
{
	struct stat st;

	if (can_fetch())
		return fetch_descriptor(rq, fd);
	if (procfd_stat(rq->call->tid, fd, &st))
		return -errno;
	return descriptors_kept(rq->sys->descriptors, request_tgid(rq), fd,
				(struct file_id){ st.st_dev, st.st_ino, 0 });
}

static struct verdict list(struct request *rq, const struct place *dir,
			   const struct edits *how)
{
	struct answer a = { .old = !strcmp(rq->row->name, "getdents") };
	int fd = open_file_of(rq, (int)rq->call->arg[0]), err;

	if (fd < 0)
		return verdict_native();
	a.size = (unsigned)rq->call->arg[2] < ANSWER_MAX ?
		 (unsigned)rq->call->arg[2] : ANSWER_MAX;
	a.buf = malloc(a.size + 1);
	err = !a.buf ? -ENOMEM : made(dir) ? list_made(rq, dir, fd, &a)
					   : list_edited(rq, how, fd, &a);
	close(fd);
	if (!err)
		err = guest_write(rq->call, rq->call->arg[1], a.buf, a.len);
	free(a.buf);
	return verdict_value(err ?: (long)a.len);
}

/* Is the listing the kernel's, but for what is changed in it? */
static bool is_edited(const struct edits *how)
{
	return how->added.n || how->hidden.n ||
	       version_edits(how->v, how->dir->mount, how->dir->id);
}

static struct verdict list_directory(struct request *rq,
				     const struct place *dir)
{
	struct edits how;
	struct verdict v;
	int err;

	if (made(dir))
		return list(rq, dir, NULL);
	err = read_edits(rq, dir, &how);
	if (err)
		v = verdict_value(err);
	else
		v = is_edited(&how) ? list(rq, dir, &how) : verdict_native();
	edits_drop(&how);
	return v;
}

struct verdict call_getdents(struct request *rq)
{
	struct place dir = NOWHERE;
	struct verdict v = verdict_native();

	if (rq->call->abi == ABI_COMPAT && !strcmp(rq->row->name, "getdents"))
		return v;
	if (!rq->version->nedit && !rq->version->nserved)
		return v;
	if (request_fd(rq, (int)rq->call->arg[0], &dir))
		return v;
	if (S_ISDIR(dir.mode) && !dir.unnamed)
		v = list_directory(rq, &dir);
	else if (S_ISDIR(dir.mode) && mount_layered(dir.mount))
		/* what it really has is hidden */
		v = verdict_value(-ENOENT);
	place_drop(&dir);
	return v;
}
