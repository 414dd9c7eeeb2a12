/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening a store: its folder .vufs, the log, and a look at what it has.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/scratch.h"
#include "store/old.h"
#include "store/store_internal.h"

#define FORMAT "vufs store 1\n"

static int say(struct store_message *why, int err, const char *text)
{
	if (!why->text[0])
		snprintf(why->text, sizeof(why->text), "%s", text);
	return err;
}

/* --- the folder --- */

static int open_dir(int at, const char *name, bool make)
{
	int fd;

	if (make && mkdirat(at, name, 0700) && errno != EEXIST)
		return -errno;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* A whole file comes into being at once. */
static int write_format(struct store *s, const char *name)
{
	int fd = openat(s->meta, "format.new", O_WRONLY | O_CREAT | O_TRUNC |
			O_NOFOLLOW | O_CLOEXEC, 0644);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (dprintf(fd, FORMAT "target %s\n", name) < 0 || fdatasync(fd))
		err = -errno;
	close(fd);
	store_step("format");
	if (!err && renameat(s->meta, "format.new", s->meta, "format"))
		err = -errno;
	return err;
}

static int read_format(struct store *s, struct store_message *why)
{
	char text[PATH_MAX + 64], *target, *end;
	int fd = openat(s->meta, "format", O_RDONLY | O_NONBLOCK |
			O_NOFOLLOW | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	if (strncmp(text, FORMAT, sizeof(FORMAT) - 1))
		return say(why, -EINVAL, "not a store, or one of a later "
			   "version of View-OS (" META "/format)");
	target = strstr(text, "\ntarget ");
	if (!target)
		return 0;
	target += sizeof("\ntarget ") - 1;
	end = strchr(target, '\n');
	if (end)
		*end = '\0';
	s->name = strdup(target);
	return s->name ? 0 : -ENOMEM;
}

static int take_lock(struct store *s, struct store_message *why)
{
	s->busy = openat(s->meta, "lock", O_RDWR | O_CREAT | O_NOFOLLOW |
			 O_CLOEXEC, 0600);
	if (s->busy < 0)
		return -errno;
	if (!flock(s->busy, LOCK_EX | LOCK_NB))
		return 0;
	return errno == EWOULDBLOCK ?
	       say(why, -EBUSY, "in use by another mount; it can be had "
		   "rdonly") : -errno;
}

/* What an interrupted operation has begun is of no use. */
static void clear_work(struct store *s)
{
	int fd = dup(s->work);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			scratch_remove_at(s->work, e->d_name);
	if (d)
		closedir(d);
}

/* A store is its owner's, also when root has worked on it. */
static void give(struct store *s)
{
	const int fd[] = { s->meta, s->work, s->links, s->log, s->busy };
	struct stat st;

	if (geteuid() || fstat(s->dir, &st) || !st.st_uid)
		return;
	for (size_t i = 0; i < sizeof(fd) / sizeof(*fd); i++)
		(void)!fchown(fd[i], st.st_uid, st.st_gid);
	(void)!fchownat(s->meta, "format", st.st_uid, st.st_gid,
			AT_SYMLINK_NOFOLLOW);
}

static int open_for_changes(struct store *s, const char *name,
			    struct store_message *why)
{
	struct stat st;
	int err;

	s->meta = open_dir(s->dir, META, true);
	if (s->meta < 0)
		return s->meta;
	err = take_lock(s, why);
	if (!err)
		err = read_format(s, why);
	if (err == -ENOENT) {
		err = write_format(s, name) ?: read_format(s, why);
		/* a new store makes no difference yet, to its target's times */
		if (!err && !store_stat_target(s, "", &st))
			set_times(s->dir, &st);
	}
	if (err)
		return err;
	s->work = open_dir(s->meta, "work", true);
	s->links = open_dir(s->meta, "links", true);
	if (s->work < 0 || s->links < 0)
		return s->work < 0 ? s->work : s->links;
	s->log = openat(s->meta, "log", O_RDWR | O_CREAT | O_NOFOLLOW |
			O_CLOEXEC, 0600);
	if (s->log < 0)
		return -errno;
	give(s);
	return 0;
}

static int open_for_looking(struct store *s, struct store_message *why)
{
	int err;

	s->meta = open_dir(s->dir, META, false);
	if (s->meta < 0)
		return s->meta == -ENOENT ? 0 : s->meta;
	err = read_format(s, why);
	if (err)
		return err == -ENOENT ? 0 : err;
	s->links = open_dir(s->meta, "links", false);
	return s->links == -ENOENT || s->links >= 0 ? 0 : s->links;
}

/* --- what the store has --- */

struct scan {
	struct store *s;
	char path[PATH_MAX];
};

static int scan_dir(struct scan *sc, struct node *n);

static int scan_entry(struct scan *sc, struct node *dir,
		      const struct dirent *e, int fd)
{
	struct node *n;
	struct stat st;
	bool directory = e->d_type == DT_DIR;

	if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
	    (dir == sc->s->tree->root && is_meta(e->d_name)))
		return 0;
	if (e->d_type == DT_UNKNOWN)
		directory = !fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
			    S_ISDIR(st.st_mode);
	n = known_make_child(sc->s->tree, dir, e->d_name, strlen(e->d_name));
	if (!n)
		return -ENOMEM;
	n->flags |= NODE_STORE;
	/* what is not opaque has names that are merged */
	return directory && !(n->flags & NODE_HIDE) ? scan_dir(sc, n) : 0;
}

static int scan_dir(struct scan *sc, struct node *n)
{
	struct dirent *e;
	DIR *d;
	int fd, err = 0;

	if (node_path(n, sc->path, sizeof(sc->path)) < 0)
		return 0;
	fd = open_below(sc->s->dir, sc->path, O_RDONLY | O_DIRECTORY |
			O_NOFOLLOW);
	if (fd < 0)
		return fd == -EACCES ? 0 : fd;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while (!err && (e = readdir(d)))
		err = scan_entry(sc, n, e, fd);
	closedir(d);
	return err;
}

/* What came from elsewhere into directories that are the store's alone. */
static int scan_moved(struct scan *sc)
{
	struct stat st;
	int err = 0;

	for (struct node *n = sc->s->tree->moved; n && !err; n = n->from_next) {
		if ((n->flags & NODE_STORE) ||
		    node_path(n, sc->path, sizeof(sc->path)) < 0 ||
		    stat_own(sc->s, sc->path, &st))
			continue;
		n->flags |= NODE_STORE;
		if (S_ISDIR(st.st_mode))
			err = scan_dir(sc, n);
	}
	return err;
}

static void count_all(struct scan *sc)
{
	struct node *n;

	for (n = sc->s->tree->root; n; n = known_next(n))
		if (((n->flags & NODE_HIDE) || n->from) &&
		    node_path(n, sc->path, sizeof(sc->path)) >= 0)
			recount(sc->s, sc->path);
}

int scan_store(struct store *s)
{
	struct scan *sc = malloc(sizeof(*sc));
	int err = 0;

	if (!sc)
		return -ENOMEM;
	sc->s = s;
	/* the log's records told of what there was in their time */
	for (struct node *n = s->tree->root; n; n = known_next(n))
		n->flags &= ~NODE_STORE;
	if (!(s->flags & STORE_BARE))
		err = scan_dir(sc, s->tree->root);
	if (!err)
		err = scan_moved(sc);
	if (!err)
		count_all(sc);
	free(sc);
	return err;
}

/* --- stores of our ancestors --- */

static int old_hide(void *ctx, const char *path)
{
	return *path ? apply_record(ctx, &(struct record){ .op = RECORD_HIDE,
						    .path = path }) : 0;
}

static int old_attr(void *ctx, const char *path, const struct old_attr *old)
{
	struct record r = { .op = RECORD_ATTR, .path = path };
	struct store_attr *a = &r.attr;

	a->mode = old->type | (old->mode & 07777);
	a->uid = old->uid;
	a->gid = old->gid;
	a->rdev = old->rdev;
	a->ctime = old->ctime;
	a->set = (old->set & OLD_TYPE ? STORE_TYPE : 0) |
		 (old->set & OLD_MODE ? STORE_MODE : 0) |
		 (old->set & OLD_UID ? STORE_UID : 0) |
		 (old->set & OLD_GID ? STORE_GID : 0) |
		 (old->set & OLD_RDEV ? STORE_RDEV : 0) |
		 (old->set & OLD_CTIME ? STORE_CTIME : 0);
	return a->set ? apply_record(ctx, &r) : 0;
}

/* As long as there is no log of ours, theirs is read; once and for all. */
static int read_old(struct store *s)
{
	const struct old_sink sink = { old_hide, old_attr, s };
	int err;

	if (s->logged || !old_present(s->dir))
		return 0;
	err = old_read(s->dir, &sink);
	if (!err && s->log >= 0) {
		s->lines = SIZE_MAX / 4;
		err = log_compact(s);
	}
	return err;
}

/* --- opening --- */

static void init_locks(struct store *s)
{
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr,
			PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&s->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	pthread_mutex_init(&s->change, NULL);
	pthread_mutex_init(&s->telling, NULL);
}

static struct store *store_new(int dir, int target,
			       const struct store_part *part, size_t nparts,
			       unsigned flags)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->meta = s->work = s->links = s->log = s->busy = -1;
	s->flags = flags;
	if (getrandom(&s->opening, sizeof(s->opening), 0) < 0)
		s->opening = getpid();
	init_locks(s);
	s->dir = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->target = fcntl(target, F_DUPFD_CLOEXEC, 3);
	s->tree = known_new();
	if (s->dir >= 0 && s->target >= 0 && s->tree &&
	    !parts_copy(s, part, nparts))
		return s;
	store_close(s);
	return NULL;
}

static int load(struct store *s, const char *name, struct store_message *why)
{
	int err;

	if (s->flags & STORE_RDONLY)
		err = open_for_looking(s, why);
	else
		err = open_for_changes(s, name, why);
	if (!err && s->meta >= 0)
		err = log_load(s, why);
	if (!err)
		err = read_old(s);
	if (!err && s->work >= 0)
		clear_work(s);
	if (!err)
		err = scan_store(s);
	if (!err && s->log >= 0)
		err = log_compact(s);
	return err;
}

int store_open(int dir, int target, const char *name, unsigned flags,
	       struct store **out, struct store_message *why)
{
	return store_open_over(dir, target, NULL, 0, name, flags, out, why);
}

int store_open_over(int dir, int target, const struct store_part *part,
		    size_t nparts, const char *name, unsigned flags,
		    struct store **out, struct store_message *why)
{
	struct store *s;
	int err;

	errno = ENOMEM;
	why->text[0] = '\0';
	s = store_new(dir, target, part, nparts, flags);
	if (!s)
		return -errno;
	err = load(s, name, why);
	if (err) {
		store_close(s);
		return err;
	}
	*out = s;
	return 0;
}

static void close_one(int fd)
{
	if (fd >= 0)
		close(fd);
}

void store_close(struct store *s)
{
	int saved = errno;

	if (!s)
		return;
	if (s->told_all)
		s->listener->all(-1);
	close_one(s->dir);
	close_one(s->target);
	close_one(s->meta);
	close_one(s->work);
	close_one(s->links);
	close_one(s->log);
	close_one(s->busy);
	dirs_forget(s, "");
	parts_free(s);
	if (s->tree) {
		told_free(s);
		shared_free(s);
		known_free(s->tree);
	}
	pthread_rwlock_destroy(&s->lock);
	pthread_mutex_destroy(&s->change);
	pthread_mutex_destroy(&s->telling);
	free(s->name);
	free(s);
	errno = saved;
}

const char *store_target_name(const struct store *s)
{
	return s->name ? s->name : "";
}

int store_dir_fd(const struct store *s)
{
	return s->dir;
}
