/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * The kernel knows nothing of what happens to made nodes, so inotify cannot
 * tell it. What it can tell is what happens to real files. For each mount in
 * which something is watched there is a tree in the monitor's scratch
 * directory (shadow.c): the watched directory is there by the same name, with
 * an empty file or directory for each name in it, and it is that directory
 * which the guest's inotify watches. When guests make, remove, rename or
 * change something by name, the same is done in the tree: the events, their
 * order, cookies, masks and queues are the kernel's own. Nothing of it has
 * content: a file's content is a memfd, of which relay.c tells.
 *
 * Where somebody watches a/b, the directory a is there too, but only on the
 * way: it has no names but those that lead on, and nothing is repeated in it.
 * So a watched node is always where a rename of any directory above it, or its
 * own removal, finds it, and needs no bookkeeping when that happens.
 *
 * "marked" are the nodes that were given to somebody to watch, by their inode
 * number in the tree; a marked directory has all its names. A change is
 * repeated when the directory of its name is marked, or the name is in the
 * tree. What moves in from a directory that is not, comes from "aside", where
 * nobody looks, and what moves out and is not marked itself goes there.
 *
 * We are not told when a watch ends. When there are many marks, and now and
 * then as changes are repeated, the guests' inotify descriptors are looked at
 * (shadow_trees_prune()): a tree that nobody watches is removed.
 *
 * Each repetition comes after the change itself, without a lock from one to
 * the other (the module may have to wait): two changes of one name at the same
 * time may be told in the other order, and leave a name in the tree that is
 * none, or none that is one. Each function puts such a name right before it
 * goes on, which is told as well.
 *
 * A guest of the same user can reach the tree by its random name and change
 * it. So nothing of it is trusted: no symlink is followed, no FIFO waited for.
 */
#include "sys/shadow_tree_inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/proc.h"
#include "lib/scratch.h"
#include "sys/snapshot.h"
#include "view/place.h"

enum {
	MARKS_MAX = 4096,	/* nodes that are watched */
	NAMES_MAX = 65536,	/* in all trees */
	DEPTH_MAX = 48,		/* of directories; scratch.c can more */
	MARKS_FEW = 64,		/* are not looked at again */
	TOLD_MANY = 1024,	/* changes: then they are */
};

struct shadow_trees *shadow_trees_new(struct shadows *shadows, bool others)
{
	struct shadow_trees *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	t->shadows = shadows;
	t->others = others;
	t->look_at = MARKS_FEW;
	t->dir = t->aside = t->own = -1;
	return t;
}

bool shadow_trees_empty(const struct shadow_trees *t)
{
	return !atomic_load(&t->marks);
}

/* --- the files; the lock is held --- */

int tree_look(int dir, const char *rel, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	int fd = syscall(SYS_openat2, dir, *rel ? rel : ".", &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* r NULL: aside, which is of no tree */
int tree_make_entry(struct shadow_trees *t, struct tree *r, int dir,
		    const char *name, bool is_dir)
{
	mode_t mode = t->others ? (is_dir ? 0755 : 0644)
				: (is_dir ? 0700 : 0600);

	if (t->names >= NAMES_MAX)
		return -ENOSPC;
	if (!*name || strchr(name, '/'))
		return -EINVAL;
	if (is_dir ? mkdirat(dir, name, mode)
		   : mknodat(dir, name, S_IFREG | mode, 0))
		return -errno;
	if (r) {
		r->names++;
		t->names++;
	}
	return 0;
}

/* --- marks --- */

struct mark *mark_of(const struct shadow_trees *t, ino_t ino)
{
	struct mark *m;

	LIST_FOREACH(m, &t->marked[ino % BUCKETS], link)
		if (m->ino == ino)
			return m;
	return NULL;
}

bool tree_marked(const struct shadow_trees *t, int fd)
{
	struct stat st;

	return !fstat(fd, &st) && mark_of(t, st.st_ino);
}

bool tree_entry_marked(const struct shadow_trees *t, int dir,
			 const char *name)
{
	struct stat st;

	return !fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) &&
	       mark_of(t, st.st_ino);
}

/* What inotify calls the node, as it tells ourselves. 0: it cannot be known */
static uint64_t number_of(struct shadow_trees *t, int fd)
{
	unsigned long number = 0;
	char path[32], link[32], text[512];
	const char *at;
	int wd;

	if (t->own < 0)
		t->own = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	wd = t->own < 0 ? -1 : inotify_add_watch(t->own, fd_link(fd, link),
						 IN_DELETE_SELF);
	if (wd < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", t->own);
	if (proc_read_start(path, text, sizeof(text)) > 0 &&
	    (at = strstr(text, " ino:")))
		number = strtoul(at + 5, NULL, 16);
	inotify_rm_watch(t->own, wd);
	while (read(t->own, text, sizeof(text)) > 0)
		;			/* that it has ended */
	return number;
}

struct tree *tree_of(const struct shadow_trees *t, unsigned mount)
{
	struct tree *r;

	LIST_FOREACH(r, &t->trees, link)
		if (r->mount == mount)
			break;
	return r;
}

static int mark(struct shadow_trees *t, struct tree *r, int fd)
{
	struct mark *m;
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	m = mark_of(t, st.st_ino);
	if (m) {
		m->fresh = true;
		return 0;
	}
	if (atomic_load(&t->marks) >= MARKS_MAX)
		return -ENOSPC;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	*m = (struct mark){ .mount = r->mount, .ino = st.st_ino,
			    .number = number_of(t, fd), .fresh = true };
	LIST_INSERT_HEAD(&t->marked[m->ino % BUCKETS], m, link);
	atomic_fetch_add(&t->marks, 1);
	r->marks++;
	return 0;
}

void tree_unmark(struct shadow_trees *t, struct mark *m)
{
	struct tree *r = tree_of(t, m->mount);

	if (r)
		r->marks--;
	LIST_REMOVE(m, link);
	atomic_fetch_sub(&t->marks, 1);
	free(m);
}

/* --- trees --- */

static int have_directory(struct shadow_trees *t, const char *name, int *fd)
{
	if (*fd >= 0)
		return 0;
	if (mkdirat(t->dir, name, t->others ? 0711 : 0700) && errno != EEXIST)
		return -errno;
	*fd = tree_look(t->dir, name, O_PATH | O_DIRECTORY);
	return *fd < 0 ? *fd : 0;
}

/* NULL: *err says why */
static struct tree *tree_make(struct shadow_trees *t, unsigned mount, int *err)
{
	struct tree *r = tree_of(t, mount);

	if (r)
		return r;
	if (t->dir < 0)
		t->dir = shadows_directory(t->shadows);
	if (t->dir < 0) {
		*err = t->dir;
		return NULL;
	}
	*err = have_directory(t, "aside", &t->aside);
	r = *err ? NULL : calloc(1, sizeof(*r));
	if (!r) {
		*err = *err ?: -ENOMEM;
		return NULL;
	}
	r->mount = mount;
	r->fd = -1;
	snprintf(r->name, sizeof(r->name), "w%u", mount);
	*err = have_directory(t, r->name, &r->fd);
	if (*err) {
		free(r);
		return NULL;
	}
	LIST_INSERT_HEAD(&t->trees, r, link);
	return r;
}

static void tree_forget(struct shadow_trees *t, struct tree *r)
{
	struct mark *m, *next;

	for (int i = 0; i < BUCKETS; i++)
		for (m = LIST_FIRST(&t->marked[i]); m; m = next) {
			next = LIST_NEXT(m, link);
			if (m->mount == r->mount)
				tree_unmark(t, m);
		}
	scratch_remove_at(t->dir, r->name);
	LIST_REMOVE(r, link);
	t->names -= r->names;
	close(r->fd);
	free(r);
}

/* A directory of that name, whatever was taken for it. Descriptor or -errno */
static int step(struct shadow_trees *t, struct tree *r, int dir,
		const char *name)
{
	int err = tree_make_entry(t, r, dir, name, true), fd;

	if (err && err != -EEXIST)
		return err;
	fd = tree_look(dir, name, O_PATH | O_DIRECTORY);
	if (fd != -ENOTDIR || unlinkat(dir, name, 0))
		return fd;
	return mkdirat(dir, name, t->others ? 0755 : 0700) ? -errno :
	       tree_look(dir, name, O_PATH | O_DIRECTORY);
}

/* Make the directories on the way, and the last. Descriptor or -errno */
int tree_make_way(struct shadow_trees *t, struct tree *r, const char *rel)
{
	char name[256];
	int fd = fcntl(r->fd, F_DUPFD_CLOEXEC, 3), next, depth = 0;
	size_t n;

	for (; *rel && fd >= 0; rel += n + (rel[n] == '/')) {
		n = strcspn(rel, "/");
		if (n >= sizeof(name) || ++depth > DEPTH_MAX) {
			close(fd);
			return -ENOSPC;
		}
		memcpy(name, rel, n);
		name[n] = '\0';
		next = step(t, r, fd, name);
		close(fd);
		fd = next;
	}
	return fd;
}

const char *tree_split(const char *rel, char dir[PATH_MAX])
{
	const char *slash = strrchr(rel, '/');

	snprintf(dir, PATH_MAX, "%.*s", slash ? (int)(slash - rel) : 0, rel);
	return slash ? slash + 1 : rel;
}

/* --- to be watched --- */

static int watch(struct shadow_trees *t, struct tree_name n, bool dir,
		 bool *news)
{
	char above[PATH_MAX];
	struct tree *r;
	const char *name;
	int err = 0, fd, up;

	r = tree_make(t, n.mount, &err);
	if (!r)
		return err;
	name = tree_split(n.rel, above);
	up = tree_make_way(t, r, dir ? n.rel : above);
	if (up < 0)
		return up;
	fd = up;
	if (!dir) {
		err = tree_make_entry(t, r, up, name, false);
		fd = err && err != -EEXIST ? err :
		     tree_look(up, name, O_PATH | O_NOFOLLOW);
		if (fd < 0) {
			close(up);
			return fd;
		}
	}
	*news = !tree_marked(t, fd) && (dir || !tree_marked(t, up));
	if (!dir)
		close(up);
	err = mark(t, r, fd);
	if (err) {
		close(fd);
		if (!r->marks)
			tree_forget(t, r);
	}
	return err ?: fd;
}

int shadow_tree_watch(struct shadow_trees *t, struct tree_name n, bool dir,
		      bool *news)
{
	int fd;

	*news = false;
	pthread_mutex_lock(&t->lock);
	fd = watch(t, n, dir, news);
	pthread_mutex_unlock(&t->lock);
	return fd;
}

/* A directory has all its names, or it is not watched. 0 or -errno */
static int give_names(struct shadow_trees *t, struct tree *r, int dir,
		      const struct vu_dir *names)
{
	int err = names ? 0 : -EAGAIN;
	struct stat st;
	struct mark *m;

	for (size_t i = 0; names && i < names->n && !err; i++) {
		err = tree_make_entry(t, r, dir, names->entry[i].name,
				      names->entry[i].type == DT_DIR);
		if (err != -ENOSPC)
			err = 0;
	}
	if (err && !fstat(dir, &st) && (m = mark_of(t, st.st_ino)))
		tree_unmark(t, m);
	return err;
}

int shadow_tree_fill(struct shadow_trees *t, struct tree_name n,
		     const struct vu_dir *names)
{
	struct tree *r;
	int dir, err = -ENOENT;

	pthread_mutex_lock(&t->lock);
	r = tree_of(t, n.mount);
	dir = r ? tree_look(r->fd, n.rel, O_PATH | O_DIRECTORY) : -1;
	if (dir >= 0) {
		err = give_names(t, r, dir, names);
		close(dir);
	}
	if (r && !r->marks)
		tree_forget(t, r);
	pthread_mutex_unlock(&t->lock);
	return err;
}

/* --- the end --- */

bool shadow_trees_many(struct shadow_trees *t)
{
	bool r;

	pthread_mutex_lock(&t->lock);
	r = atomic_load(&t->marks) >= t->look_at || t->told >= TOLD_MANY;
	t->told = r ? 0 : t->told;
	pthread_mutex_unlock(&t->lock);
	return r;
}

static void clean(struct shadow_trees *t, struct tree *r, int dir, int depth);

/* A name: is it there for nobody any more? */
static void clean_entry(struct shadow_trees *t, struct tree *r, int dir,
			const char *name, int depth)
{
	int fd = tree_look(dir, name, O_RDONLY | O_DIRECTORY | O_NONBLOCK);

	if (fd >= 0 && depth)
		clean(t, r, fd, depth - 1);
	else if (fd >= 0)
		close(fd);
	/* of a directory, only if nothing is left in it */
	if (!tree_marked(t, dir) && !tree_entry_marked(t, dir, name) &&
	    !unlinkat(dir, name, fd >= 0 ? AT_REMOVEDIR : 0) && r->names) {
		r->names--;
		t->names--;
	}
}

/* What is left of directories that were watched; dir is closed. */
static void clean(struct shadow_trees *t, struct tree *r, int dir, int depth)
{
	DIR *d = fdopendir(dir);
	struct dirent *e;

	if (!d) {
		close(dir);
		return;
	}
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			clean_entry(t, r, dir, e->d_name, depth);
	closedir(d);
}

/*
 * Those without marks go, and if there are still many names, so do those that
 * are of no use. (To look for them is told to who watches: it is done seldom.)
 */
static void prune_trees(struct shadow_trees *t)
{
	struct tree *r, *next;

	for (r = LIST_FIRST(&t->trees); r; r = next) {
		next = LIST_NEXT(r, link);
		if (!r->marks)
			tree_forget(t, r);
		else if (t->names > NAMES_MAX / 2)
			clean(t, r, tree_look(r->fd, "", O_RDONLY |
					       O_DIRECTORY), DEPTH_MAX);
	}
}

void shadow_trees_prune(struct shadow_trees *t,
			bool (*watched)(void *arg, uint64_t ino), void *arg)
{
	struct mark *m, *next;

	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < BUCKETS; i++)
		for (m = LIST_FIRST(&t->marked[i]); m; m = next) {
			next = LIST_NEXT(m, link);
			if (!m->fresh && m->number && !watched(arg, m->number))
				tree_unmark(t, m);
			else
				m->fresh = false;
		}
	prune_trees(t);
	t->look_at = 2 * atomic_load(&t->marks);
	if (t->look_at < MARKS_FEW)
		t->look_at = MARKS_FEW;
	if (t->look_at > MARKS_MAX)
		t->look_at = MARKS_MAX;
	pthread_mutex_unlock(&t->lock);
}

void shadow_trees_sweep(struct shadow_trees *t,
			bool (*there)(void *arg, unsigned mount), void *arg)
{
	struct tree *r, *next;

	if (shadow_trees_empty(t))
		return;
	pthread_mutex_lock(&t->lock);
	for (r = LIST_FIRST(&t->trees); r; r = next) {
		next = LIST_NEXT(r, link);
		if (!there(arg, r->mount))
			tree_forget(t, r);
	}
	pthread_mutex_unlock(&t->lock);
}
