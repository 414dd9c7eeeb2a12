/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * A FIFO or a socket that a module makes is a name and attributes; what
 * meets there, readers and writers, clients and servers, only the kernel can
 * bring together. So a real one stands for it, in a directory of the
 * monitor's that is made when the first is needed: guests open, bind and
 * connect by themselves, with all their waiting and their credentials.
 *
 * A shadow has a random name. A FIFO has it itself; a socket is bound by the
 * guest, which must be able to write there, so it is in a directory of that
 * name which belongs to the guest. What is in it is not trusted: a socket is
 * taken for the one that was bound only while its owner is whom we know, so
 * that nobody is given what was another's.
 *
 * Guests of an ordinary user's monitor are the same user: nobody else can
 * enter the directory, and who may open a node was asked of its module. A
 * privileged monitor has guests that are others, and /proc/net/unix tells
 * everybody the names of sockets: there shadows have the mode and owner of
 * their node, and follow them.
 *
 * Modules know nodes by number or by name. A shadow has both, and its name
 * follows renames, as a module may forget a number that nobody has used for
 * long and give another one later. A shadow lives as long as its node has a
 * name, as far as guests take that away, and its mount is in a view.
 *
 * The directory goes with the monitor; should that be killed, with the guard
 * or the front, which are told its name before it is made.
 */
#include "sys/shadow.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/scratch.h"
#include "view/place.h"

#define SHADOWS_MAX 16384

struct shadow {
	LIST_ENTRY(shadow) link;
	unsigned mount;
	mode_t type;
	uint64_t number;
	char *rel;
	uid_t uid;		/* whose the socket is now */
	char name[20];		/* in the directory */
	char file[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
};

struct shadows {
	pthread_mutex_t lock;
	LIST_HEAD(, shadow) list;
	atomic_size_t n;
	bool others;
	int dir;		/* -1: not made yet */
	void (*tell)(void *ctx, const char *dir);
	void *ctx;
};

struct shadows *shadows_new(bool others,
			    void (*tell)(void *ctx, const char *dir), void *ctx)
{
	struct shadows *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	pthread_mutex_init(&s->lock, NULL);
	LIST_INIT(&s->list);
	s->others = others;
	s->tell = tell;
	s->ctx = ctx;
	s->dir = -1;
	return s;
}

bool shadows_empty(const struct shadows *s)
{
	return !atomic_load(&s->n);
}

/* --- the directory --- */

static void tell(const struct shadows *s, const char *name)
{
	if (s->tell)
		s->tell(s->ctx, name);
}

/* Its mode does not depend on a umask. Return: descriptor or -errno */
static int make_directory(const struct shadows *s, const char *name)
{
	int fd, err = 0;

	tell(s, name);
	if (mkdir(name, 0700))
		err = -errno;
	fd = err ? -1 : open(name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (!err && (fd < 0 || (s->others && chmod(name, 0711)))) {
		err = -errno;
		rmdir(name);
	}
	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	tell(s, "");
	return err;
}

/* 0 or -errno */
static int have_directory(struct shadows *s)
{
	char name[SCRATCH_NAME];
	int fd = -EACCES, err;

	for (unsigned i = 0; s->dir < 0 && fd < 0; i++) {
		err = scratch_choose(i, name);
		if (err)
			return err == -ENOENT ? fd : err;
		fd = make_directory(s, name);
	}
	if (s->dir < 0)
		s->dir = fd;
	return 0;
}

int shadows_directory(struct shadows *s)
{
	int err;

	pthread_mutex_lock(&s->lock);
	err = have_directory(s);
	pthread_mutex_unlock(&s->lock);
	return err ?: s->dir;
}

/* --- the list; the lock is held --- */

static bool same_name(const struct shadow *w, const struct shadow_key *k)
{
	return w->mount == k->mount && w->type == k->type &&
	       !strcmp(w->rel, k->rel);
}

static bool same_node(const struct shadow *w, const struct shadow_key *k)
{
	if (k->number != w->number)
		return false;
	return k->number ? w->mount == k->mount && w->type == k->type
			 : same_name(w, k);
}

static void set_name(struct shadow *w, char *rel)
{
	if (!rel)		/* no memory: it keeps the old one */
		return;
	free(w->rel);
	w->rel = rel;
}

static struct shadow *find(struct shadows *s, const struct shadow_key *k)
{
	struct shadow *w;

	LIST_FOREACH(w, &s->list, link) {
		if (!same_node(w, k))
			continue;
		if (strcmp(w->rel, k->rel))
			set_name(w, strdup(k->rel));
		return w;
	}
	return NULL;
}

static void forget(struct shadows *s, struct shadow *w)
{
	scratch_remove_at(s->dir, w->name);
	LIST_REMOVE(w, link);
	atomic_fetch_sub(&s->n, 1);
	free(w->rel);
	free(w);
}

/* Nothing real is made yet. NULL: *err says why */
static struct shadow *add(struct shadows *s, const struct shadow_key *k,
			  int *err)
{
	struct shadow *w;
	uint64_t n;

	*err = have_directory(s);
	if (!*err && atomic_load(&s->n) >= SHADOWS_MAX)
		*err = -ENOSPC;
	if (!*err && getrandom(&n, sizeof(n), 0) != sizeof(n))
		*err = -EAGAIN;
	if (*err)
		return NULL;
	w = calloc(1, sizeof(*w));
	if (!w || !(w->rel = strdup(k->rel))) {
		free(w);
		*err = -ENOMEM;
		return NULL;
	}
	w->mount = k->mount;
	w->type = k->type;
	w->number = k->number;
	snprintf(w->name, sizeof(w->name), "%016llx", (unsigned long long)n);
	LIST_INSERT_HEAD(&s->list, w, link);
	atomic_fetch_add(&s->n, 1);
	return w;
}

/* --- what is real; the lock is held --- */

/* The object itself, if it is what it should be. Descriptor or -errno */
static int open_shadow(const struct shadows *s, const struct shadow *w)
{
	char path[sizeof(w->name) + sizeof(w->file) + 1];
	struct stat st;
	int fd;

	if (w->type == S_IFSOCK)
		snprintf(path, sizeof(path), "%s/%s", w->name, w->file);
	else
		snprintf(path, sizeof(path), "%s", w->name);
	fd = openat(s->dir, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && (st.st_mode & S_IFMT) == w->type &&
	    (!s->others || st.st_uid == w->uid))
		return fd;
	close(fd);
	return -ENOENT;
}

/* Mode and owner of the node, where somebody else looks at them. 0 or -errno */
static int dress(const struct shadows *s, struct shadow *w, int fd,
		 const struct stat *st)
{
	mode_t mode = (st->st_mode & 0777) | (s->others ? 0 : 0600);
	char link[32];

	if (s->others && fchownat(fd, "", st->st_uid, st->st_gid, AT_EMPTY_PATH))
		return -errno;
	if (s->others)
		w->uid = st->st_uid;
	return chmod(fd_link(fd, link), mode) ? -errno : 0;
}

static int open_dressed(const struct shadows *s, struct shadow *w,
			const struct stat *st)
{
	int fd = open_shadow(s, w);
	int err = fd < 0 ? fd : dress(s, w, fd, st);

	if (err && fd >= 0)
		close(fd);
	return err ?: fd;
}

int shadow_fifo(struct shadows *s, const struct shadow_key *k,
		const struct stat *st)
{
	struct shadow *w;
	int fd = 0;

	pthread_mutex_lock(&s->lock);
	w = find(s, k);
	if (!w) {
		w = add(s, k, &fd);
		if (w && mkfifoat(s->dir, w->name, 0600)) {
			fd = -errno;
			forget(s, w);
			w = NULL;
		} else if (w) {
			w->uid = geteuid();
		}
	}
	if (w)
		fd = open_dressed(s, w, st);
	pthread_mutex_unlock(&s->lock);
	return fd;
}

/* The directory that a socket is to be in. Descriptor or -errno */
static int make_nest(const struct shadows *s, const struct shadow *w,
		     const struct stat *st)
{
	int fd, err = 0;

	if (mkdirat(s->dir, w->name, 0700))
		return -errno;
	fd = openat(s->dir, w->name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (s->others && (fchown(fd, st->st_uid, st->st_gid) ||
			  fchmod(fd, 0711)))
		err = -errno;
	if (err)
		close(fd);
	return err ?: fd;
}

int shadow_bind(struct shadows *s, const struct shadow_key *k,
		const struct stat *st, const char *file)
{
	struct shadow *w;
	int fd = 0;

	pthread_mutex_lock(&s->lock);
	w = find(s, k);
	if (w)
		forget(s, w);
	w = add(s, k, &fd);
	if (w) {
		snprintf(w->file, sizeof(w->file), "%s", file);
		w->uid = st->st_uid;
		fd = make_nest(s, w, st);
		if (fd < 0)
			forget(s, w);
	}
	pthread_mutex_unlock(&s->lock);
	return fd;
}

int shadow_socket(struct shadows *s, const struct shadow_key *k,
		  const struct stat *st)
{
	struct shadow *w;
	int fd = -ECONNREFUSED;

	pthread_mutex_lock(&s->lock);
	w = find(s, k);
	if (w)
		fd = open_dressed(s, w, st);
	pthread_mutex_unlock(&s->lock);
	return fd == -ENOENT ? -ECONNREFUSED : fd;
}

/* --- what becomes of the nodes --- */

void shadow_follow(struct shadows *s, const struct shadow_key *k,
		   const struct stat *st)
{
	struct shadow *w;
	int fd;

	pthread_mutex_lock(&s->lock);
	w = find(s, k);
	fd = w ? open_dressed(s, w, st) : -ENOENT;
	pthread_mutex_unlock(&s->lock);
	if (fd >= 0)
		close(fd);
}

void shadow_drop(struct shadows *s, const struct shadow_key *k)
{
	struct shadow *w;

	pthread_mutex_lock(&s->lock);
	w = find(s, k);
	if (w)
		forget(s, w);
	pthread_mutex_unlock(&s->lock);
}

/* What the name is below top ("" or "/..."), or NULL: it is not below it. */
static const char *below(const char *rel, const char *top)
{
	size_t n = strlen(top);

	if (strncmp(rel, top, n) || (rel[n] && rel[n] != '/'))
		return NULL;
	return rel + n;
}

static void rename_below(struct shadow *w, const char *to, const char *rest)
{
	char *rel;

	if (asprintf(&rel, "%s%s", to, rest) >= 0)
		set_name(w, rel);
}

void shadow_renamed(struct shadows *s, unsigned mount, const char *from,
		    const char *to, bool exchange)
{
	const char *rest;
	struct shadow *w;

	pthread_mutex_lock(&s->lock);
	LIST_FOREACH(w, &s->list, link) {
		if (w->mount != mount)
			continue;
		if ((rest = below(w->rel, from)))
			rename_below(w, to, rest);
		else if (exchange && (rest = below(w->rel, to)))
			rename_below(w, from, rest);
	}
	pthread_mutex_unlock(&s->lock);
}

uint64_t shadow_called(struct shadows *s, const struct shadow_key *k)
{
	struct shadow *w;
	uint64_t was = 0;

	pthread_mutex_lock(&s->lock);
	LIST_FOREACH(w, &s->list, link) {
		if (same_node(w, k)) {
			was = 0;
			break;
		}
		if (same_name(w, k))
			was = w->number;
	}
	pthread_mutex_unlock(&s->lock);
	return was;
}

void shadow_renumber(struct shadows *s, const struct shadow_key *k,
		     uint64_t was)
{
	struct shadow *w;

	pthread_mutex_lock(&s->lock);
	LIST_FOREACH(w, &s->list, link)
		if (same_name(w, k) && w->number == was)
			w->number = k->number;
	pthread_mutex_unlock(&s->lock);
}

void shadow_sweep(struct shadows *s, bool (*there)(void *arg, unsigned mount),
		  void *arg)
{
	struct shadow *w, *next;

	if (shadows_empty(s))
		return;
	pthread_mutex_lock(&s->lock);
	for (w = LIST_FIRST(&s->list); w; w = next) {
		next = LIST_NEXT(w, link);
		if (!there(arg, w->mount))
			forget(s, w);
	}
	pthread_mutex_unlock(&s->lock);
}
