/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEST_UNIT_VUFS_VIEW_H
#define TEST_UNIT_VUFS_VIEW_H

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mod/vufs/layer.h"
#include "test/unit/check.h"

/*
 * What stands for the monitor in the tests of layered mounts: who asks, and
 * what it does by itself.
 */

static struct vu_who fake_who = { .umask = 022 };

const struct vu_who *vu_who(const struct vu_ctx *ctx)
{
	const uint64_t caps = fake_who.uid ? 0 : ~0ull;

	(void)ctx;
	if (fake_who.caps != caps)	/* threads share it */
		fake_who.caps = caps;
	return &fake_who;
}

bool vu_in_group(const struct vu_ctx *ctx, gid_t gid)
{
	(void)ctx;
	return gid == fake_who.gid;
}

int vu_permits(const struct vu_ctx *ctx, const struct stat *st, int want)
{
	mode_t bits = st->st_mode;

	if (fake_who.uid == 0)
		return !(want & X_OK) || (bits & 0111) || S_ISDIR(bits) ?
		       0 : -EACCES;
	if (fake_who.uid == st->st_uid)
		bits >>= 6;
	else if (vu_in_group(ctx, st->st_gid))
		bits >>= 3;
	return want & ~bits & 7 ? -EACCES : 0;
}

void vu_as_self(const struct vu_ctx *ctx)
{
	(void)ctx;
}

void vu_as_caller(const struct vu_ctx *ctx)
{
	(void)ctx;
}

bool vu_gone(const struct vu_ctx *ctx)
{
	(void)ctx;
	return false;
}

void vu_may_wait(const struct vu_ctx *ctx)
{
	(void)ctx;
}

bool vu_executed(const struct vu_ctx *ctx, const struct stat *st)
{
	(void)ctx, (void)st;
	return false;
}

void vu_mark_name(const char *name, size_t len)
{
	(void)name, (void)len;
}

void vu_mark_all(int by)
{
	(void)by;
}

void vu_changed(void)
{
}

void vu_mark_number(ino_t ino)
{
	(void)ino;
}

int vu_open(struct vu_ctx *ctx, struct vu_mount *m, const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	(void)ctx, (void)m;
	return fd < 0 ? -errno : fd;
}

/* What mounts are made over, if it is layered itself. */
static struct vu_mount *view_under;

int vu_under(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
	     struct vu_under *u)
{
	(void)ctx;
	*u = (struct vu_under){ .real = true, .same = true };
	if (path == m->target)
		u->layered = view_under;
	return 0;
}

int vu_each_inside(struct vu_ctx *ctx, struct vu_mount *m,
		   int (*each)(void *arg, const char *sub), void *arg)
{
	(void)ctx, (void)m, (void)each, (void)arg;
	return 0;
}

struct vu_dir {
	struct {
		char name[256];
		ino_t ino;
		mode_t type;
	} e[256];
	size_t n;
};

int vu_dir_add(struct vu_dir *dir, const char *name, ino_t ino, mode_t type)
{
	if (dir->n == 256)
		return -ENOMEM;
	snprintf(dir->e[dir->n].name, 256, "%s", name);
	dir->e[dir->n].ino = ino;
	dir->e[dir->n++].type = type;
	return 0;
}

static inline bool dir_has(const struct vu_dir *dir, const char *name)
{
	for (size_t i = 0; i < dir->n; i++)
		if (!strcmp(dir->e[i].name, name))
			return true;
	return false;
}

/* A mount: the store and the target are directories in the working one. */
static inline struct vu_mount mount_layer(const char *store, const char *target,
					  struct layer_options o)
{
	struct vu_mount m = { .type = "vufs", .source = store,
			      .target = target, .options = "", .root = -1 };
	struct vu_message msg = { "" };
	int err = layer_mount(NULL, &m, &o, &msg);

	if (err) {
		printf("not ok mount %s %s: %s (%s)\n", store, target,
		       strerror(-err), msg.text);
		exit(1);
	}
	return m;
}

static inline void unmount_layer(struct vu_mount *m)
{
	layer_umount(m);
	close(m->root);
}

/* The walk to a name, as the monitor does it. 0 or -errno */
static inline int walk_to(struct vu_mount *m, const char *path)
{
	char name[PATH_MAX];
	struct vu_node node;
	int err;

	for (const char *s = path; (s = strchr(s, '/')); s++) {
		snprintf(name, sizeof(name), "%.*s", (int)(s - path), path);
		err = layer_lookup(NULL, m, name, &node);
		if (err)
			return err;
		close(node.fd);
		if (!S_ISDIR(node.attr.st_mode))
			return -ENOTDIR;
	}
	return 0;
}

static inline int look_at(struct vu_mount *m, const char *path,
			  struct vu_node *node)
{
	int err = walk_to(m, path);

	return err ?: layer_lookup(NULL, m, path, node);
}

static inline int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* All names in a directory as the view has them, sorted. */
static inline size_t list_dir(struct vu_mount *m, const char *path,
			      char names[][256], size_t max)
{
	static struct vu_dir added, hidden;
	struct vu_node node;
	struct dirent *e;
	size_t n = 0;
	DIR *d;

	added.n = hidden.n = 0;
	if (layer_lookup(NULL, m, path, &node))
		return 0;
	CHECK(!layer_edits(NULL, m, path, &added, &hidden));
	d = fdopendir(openat(node.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	close(node.fd);
	while (d && n < max && (e = readdir(d)))
		if (!dir_has(&hidden, e->d_name) && !dir_has(&added, e->d_name))
			strcpy(names[n++], e->d_name);
	if (d)
		closedir(d);
	for (size_t i = 0; i < added.n && n < max; i++)
		strcpy(names[n++], added.e[i].name);
	qsort(names, n, 256, compare_names);
	return n;
}

/* --- files --- */

static inline void write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	CHECK(f && fputs(text, f) >= 0);
	if (f)
		fclose(f);
}

static inline int remove_one(const char *path, const struct stat *st,
			     int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline void remove_tree(const char *path)
{
	nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

/* Begin in a fresh directory of the test's own. */
static inline void enter_scratch(const char *name)
{
	const char *tmp = getenv("TEST_TMP");
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/%s.XXXXXX", tmp ?: "/tmp", name);
	if (!mkdtemp(dir) || chdir(dir)) {
		printf("not ok no scratch directory\n");
		exit(1);
	}
	umask(0);
}

static inline void leave_scratch(void)
{
	char dir[PATH_MAX];

	if (getcwd(dir, sizeof(dir)) && !chdir("/"))
		remove_tree(dir);
}

/* A sum of all there is of a tree, but for times of access. */
static uint64_t tree_sum;

static inline void sum_bytes(const void *data, size_t len)
{
	const unsigned char *s = data;

	while (len--)
		tree_sum = (tree_sum ^ *s++) * 0x100000001b3ull;
}

static inline int sum_one(const char *path, const struct stat *st, int type,
			  struct FTW *ftw)
{
	char buf[4096];
	ssize_t n;
	int fd;

	(void)ftw;
	sum_bytes(path, strlen(path));
	sum_bytes(&st->st_mode, sizeof(st->st_mode));
	sum_bytes(&st->st_uid, sizeof(st->st_uid));
	sum_bytes(&st->st_nlink, sizeof(st->st_nlink));
	sum_bytes(&st->st_mtim, sizeof(st->st_mtim));
	sum_bytes(&st->st_ctim, sizeof(st->st_ctim));
	if (type != FTW_F || !S_ISREG(st->st_mode))
		return 0;
	fd = open(path, O_RDONLY);
	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0)
		sum_bytes(buf, n);
	close(fd);
	return 0;
}

static inline uint64_t sum_tree(const char *path)
{
	tree_sum = 0xcbf29ce484222325ull;
	nftw(path, sum_one, 32, FTW_PHYS);
	return tree_sum;
}

#endif
