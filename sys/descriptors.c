/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * A descriptor is a real kernel object and tells by itself which object it
 * is. What it cannot tell is through which mount it was reached when the
 * same object has two names in a view, and which made directory a
 * placeholder stands for. That is noted here when the monitor hands out a
 * descriptor, by the object's identity and by (process, number).
 *
 * Nobody tells us of dup, close, fork or SCM_RIGHTS, so a note is a hint
 * that is checked against the object: the note of the very (process,
 * number) is best, then one of the same process that it may be a duplicate
 * of, then one of an ancestor that it may be inherited from. A note is
 * dropped when its descriptor has become something else and room is needed,
 * never before: children may have inherited it. So notes outlive their
 * objects, and a file system gives the number of a removed placeholder to
 * the next directory: the object must also be as old as the one noted, and
 * what stands for something has no name. A FIFO (shadow.c) has one, as long as
 * its node is not removed; after that it is what it is.
 *
 * So that a hint is not taken for a descriptor that came about without us,
 * a directory of which anything is noted is opened by us from then on, by
 * whatever name, and noted: see operand.c.
 *
 * In the cage a descriptor cannot be fetched from a guest (pidfd_getfd is
 * denied) and its offset cannot be moved from outside. There a descriptor
 * of the same open file is kept with the note, for the listings that we
 * have to give ourselves; KEEP_MAX of them at most.
 */
#include "sys/descriptors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "engine/task.h"
#include "engine/proc.h"
#include "lib/clock.h"
#include "lib/plain.h"
#include "lib/proc.h"
#include "lib/procfd.h"
#include "lib/scratch.h"
#include "sys/held.h"
#include "view/mount.h"
#include "view/version.h"

#define GENERATIONS 64		/* whose descriptors a process may have */
#define PIDFS_MAGIC 0x50494446	/* younger than our headers */
#define BUCKETS 4096
#define MARKS 64
#define MARK_GOOD_FOR 1		/* seconds */
#define NOTES_FIRST 4096	/* first sweep; doubled when it finds little */
#define KEEP_FIRST 16
#define KEEP_MAX 1024

struct note {
	struct note *next;
	pid_t tgid;
	uint64_t mark;		/* of that process: pids are used again */
	int fd;
	int keep;
	bool directory;
	struct file_id id, made;
	uint64_t born, number;
	struct mount *mount;	/* held */
	char *rel;
};

/* The mark of a process takes longer to read than a whole call may take. */
struct mark {
	pid_t pid;
	time_t since;
	uint64_t value;
};

struct descriptors {
	pthread_mutex_t lock;
	struct mark mark[MARKS];
	struct note *bucket[BUCKETS];
	size_t nnotes, nkeep, limit, keep_limit;
	atomic_bool used;
	atomic_size_t nmade;	/* notes of what stands for something */
};

struct descriptors *descriptors_new(void)
{
	struct descriptors *d = calloc(1, sizeof(*d));

	if (d) {
		pthread_mutex_init(&d->lock, NULL);
		d->limit = NOTES_FIRST;
		d->keep_limit = KEEP_FIRST;
	}
	return d;
}

bool descriptors_empty(const struct descriptors *d)
{
	return !atomic_load(&d->used);
}

bool descriptors_made(const struct descriptors *d)
{
	return atomic_load(&d->nmade) != 0;
}

static struct note **bucket(struct descriptors *d, struct file_id id)
{
	return &d->bucket[(id.ino ^ id.dev * 31) & (BUCKETS - 1)];
}

/* Does this number of its process lead to the object now? */
static bool leads_there(const struct note *n, int fd)
{
	char link[64];
	struct statx x;
	int o, err;

	snprintf(link, sizeof(link), "/proc/%d/fd/%d", n->tgid, fd);
	/* never ask a file system's server: this is done under the lock */
	err = statx(AT_FDCWD, link, AT_STATX_DONT_SYNC, STATX_INO, &x);
	if (err && errno == EACCES && (o = procfd_open(n->tgid, fd)) >= 0) {
		err = statx(o, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
			    STATX_INO, &x);
		close(o);
	}
	return !err &&
	       makedev(x.stx_dev_major, x.stx_dev_minor) == n->id.dev &&
	       x.stx_ino == n->id.ino;
}

/* Does the number still lead to the object? */
static bool current(const struct note *n)
{
	if (n->fd < 0)		/* at a number nobody knows */
		return !kill(n->tgid, 0) || errno == EPERM;
	return leads_there(n, n->fd);
}

/*
 * What gates may not do by themselves, as long as that is noted: work with
 * descriptors of nodes; and go from directories whose names are not the
 * kernel's, which are noted (by note_number()) before they are handed out.
 */
static void ask_for(const struct note *n, int by)
{
	if (n->made.ino) {
		plain_ask(PLAIN_FD, by);
		plain_ask(PLAIN_MADE, by);
	}
	if (n->directory && !mount_layered(n->mount))
		plain_ask(n->mount->moves ? PLAIN_MOVED : PLAIN_DIRFD, by);
}

static void unlink_note(struct descriptors *d, struct note **p)
{
	struct note *n = *p;

	*p = n->next;
	if (n->keep >= 0) {
		close(n->keep);
		d->nkeep--;
	}
	if (n->made.ino)
		atomic_fetch_sub(&d->nmade, 1);
	ask_for(n, -1);
	mount_put(n->mount);
	free(n->rel);
	free(n);
	d->nnotes--;
}

/*
 * A placeholder that was moved to another number, or is left to a child, is
 * known by its note alone. *held is made when it is first needed.
 */
static bool held_elsewhere(const struct note *n, struct held **held)
{
	if (!n->made.ino)
		return false;
	if (!*held)
		*held = held_new();
	return held_has(*held, n->id);
}

/* of: of this mount alone; NULL: of all */
static void sweep(struct descriptors *d, const struct version *kept,
		  const struct mount *of)
{
	struct held *held = NULL;

	for (size_t i = 0; i < BUCKETS; i++) {
		struct note **p = &d->bucket[i];

		while (*p) {
			if ((of && (*p)->mount != of) ||
			    (kept && version_has(kept, (*p)->mount)) ||
			    current(*p) || held_elsewhere(*p, &held))
				p = &(*p)->next;
			else
				unlink_note(d, p);
		}
	}
	held_free(held);
}

void descriptors_sweep(struct descriptors *d, const struct version *kept)
{
	pthread_mutex_lock(&d->lock);
	sweep(d, kept, NULL);
	pthread_mutex_unlock(&d->lock);
}

void descriptors_sweep_of(struct descriptors *d, const struct mount *m)
{
	pthread_mutex_lock(&d->lock);
	sweep(d, NULL, m);
	pthread_mutex_unlock(&d->lock);
}

/* Forget what was noted of the same number: that is something else now. */
static void forget(struct descriptors *d, struct note **p, const struct note *by)
{
	while (*p) {
		const struct note *n = *p;

		/* without a number: what is noted of the same object */
		if (n->tgid == by->tgid && (n->fd >= 0 ? n->fd == by->fd :
		    n->id.dev == by->id.dev && n->id.ino == by->id.ino))
			unlink_note(d, p);
		else
			p = &(*p)->next;
	}
}

/*
 * What no two processes share: the inode of a pidfd (6.9 and later), else
 * the time it was started, which is the same for those of one tick.
 */
static uint64_t read_mark(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);
	uint64_t mark = 0;
	struct statfs fs;
	struct stat st;

	if (fd < 0)
		return proc_start(pid);
	if (!fstatfs(fd, &fs) && fs.f_type == PIDFS_MAGIC && !fstat(fd, &st))
		mark = st.st_ino;
	close(fd);
	return mark ? mark : proc_start(pid);
}

/*
 * A pid that comes back within a second or two has the mark of the one that
 * had it: at worst a descriptor is told by a name that the other one had.
 * Lock held.
 */
static uint64_t process_mark(struct descriptors *d, pid_t pid)
{
	struct mark *m = &d->mark[(unsigned)pid % MARKS];
	time_t now = coarse_seconds();

	if (m->pid != pid || now - m->since > MARK_GOOD_FOR)
		*m = (struct mark){ pid, now, read_mark(pid) };
	return m->value;
}

static struct note *note_new(const struct minted *m, int fd)
{
	const struct place *place = &m->place;
	struct note *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	if (place->rel && !(n->rel = strdup(place->rel))) {
		free(n);
		return NULL;
	}
	n->tgid = m->tgid;
	n->fd = fd;
	n->keep = -1;
	n->id = place->id;
	n->made = m->made;
	n->born = place->born;
	n->number = place->number;
	n->directory = S_ISDIR(place->mode);
	n->mount = mount_get(place->mount);
	return n;
}

static size_t at_least(size_t n, size_t least)
{
	return n > least ? n : least;
}

/* Sweep when there is much, and not again before that has doubled. */
static void make_room(struct descriptors *d, bool keeps)
{
	if (d->nnotes < d->limit && !(keeps && d->nkeep >= d->keep_limit))
		return;
	sweep(d, NULL, NULL);
	d->limit = at_least(2 * d->nnotes, NOTES_FIRST);
	d->keep_limit = at_least(2 * d->nkeep, KEEP_FIRST);
	if (d->keep_limit > KEEP_MAX)
		d->keep_limit = KEEP_MAX;
}

int descriptors_note(struct descriptors *d, int fd, struct minted *m)
{
	struct note *n = note_new(m, fd), **b;
	int keep = m->keep;

	m->keep = -1;
	if (!n) {
		if (keep >= 0)
			close(keep);
		return -ENOMEM;
	}
	pthread_mutex_lock(&d->lock);
	make_room(d, keep >= 0);
	n->mark = process_mark(d, n->tgid);
	b = bucket(d, n->id);
	forget(d, b, n);
	if (keep >= 0 && d->nkeep < KEEP_MAX) {
		n->keep = keep;
		d->nkeep++;
		keep = -1;
	}
	n->next = *b;
	*b = n;
	d->nnotes++;
	ask_for(n, 1);
	if (n->made.ino)
		atomic_fetch_add(&d->nmade, 1);
	atomic_store(&d->used, true);
	pthread_mutex_unlock(&d->lock);
	if (keep >= 0)
		close(keep);
	return 0;
}

/*
 * Can the descriptor be a duplicate of the noted one? The kernel knows, as
 * long as the noted one is open (and we may ask: not in the cage). Its
 * process may also have moved it to the number that was inherited.
 */
static bool may_be_duplicate(const struct note *n, pid_t tgid, int fd)
{
	int noted = n->fd;

	if (fd < 0)		/* a mapping, made by any, left to a child */
		return true;
	if (noted < 0 || !current(n)) {
		if (n->tgid == tgid || noted == fd)
			return true;
		noted = fd;
		if (!leads_there(n, fd))
			return false;
	}
	return syscall(SYS_kcmp, n->tgid, tgid, KCMP_FILE, noted, fd) <= 0;
}

static bool descends(pid_t tgid, pid_t ancestor)
{
	for (int i = 0; i < GENERATIONS && tgid > 1; i++) {
		if (tgid == ancestor)
			return true;
		tgid = task_parent(tgid);
	}
	return false;
}

/* The best note for an object: see the top of the file. */
static struct note *best(struct descriptors *d, pid_t tgid, int fd,
			 struct file_id id, uint64_t born)
{
	struct note *n, *own = NULL, *ancestors = NULL;

	/* the newest come first */
	for (n = *bucket(d, id); n; n = n->next) {
		if (n->id.dev != id.dev || n->id.ino != id.ino ||
		    (n->born && born && n->born != born))
			continue;
		/* a placeholder stands for one thing only, wherever it is */
		if (n->made.ino)
			return n;
		if (process_mark(d, n->tgid) != n->mark)
			continue;	/* it ended; the pid is somebody else's */
		if (n->tgid == tgid && n->fd == fd)
			return n;
		if (n->tgid == tgid && !own && may_be_duplicate(n, tgid, fd))
			own = n;
		if (n->tgid != tgid && !own && !ancestors &&
		    descends(tgid, n->tgid) && may_be_duplicate(n, tgid, fd))
			ancestors = n;
	}
	return own ?: ancestors;
}

static bool nameless(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_nlink == 0;
}

void descriptors_find(struct descriptors *d, pid_t tgid, int fd,
		      struct place *place)
{
	struct note *n;

	place->mount = mount_base();
	if (descriptors_empty(d))
		return;
	pthread_mutex_lock(&d->lock);
	n = best(d, tgid, fd, place->id, place->born);
	if (n && n->made.ino && nameless(place->fd) == S_ISFIFO(place->mode))
		n = NULL;
	if (n) {
		place->mount = mount_get(n->mount);
		place->rel = n->rel ? strdup(n->rel) : NULL;
	}
	if (n && n->made.ino) {
		close(place->fd);
		place->fd = -1;
		place->own = false;
		place->id = n->made;
		place->number = n->number;
	}
	pthread_mutex_unlock(&d->lock);
}

bool descriptors_know(struct descriptors *d, struct file_id id)
{
	bool known = false;

	if (descriptors_empty(d))
		return false;
	pthread_mutex_lock(&d->lock);
	for (struct note *n = *bucket(d, id); n && !known; n = n->next)
		known = n->id.dev == id.dev && n->id.ino == id.ino;
	pthread_mutex_unlock(&d->lock);
	return known;
}

int descriptors_kept(struct descriptors *d, pid_t tgid, int fd,
		     struct file_id id)
{
	struct note *n;
	int copy = -ENOENT;

	pthread_mutex_lock(&d->lock);
	n = best(d, tgid, fd, id, 0);
	if (n && n->keep >= 0) {
		copy = fcntl(n->keep, F_DUPFD_CLOEXEC, 3);
		if (copy < 0)
			copy = -errno;
	}
	pthread_mutex_unlock(&d->lock);
	return copy;
}

/* Is anything noted of m's directories; one of them by that number? */
static bool directories_noted(struct descriptors *d, const struct mount *m,
			      bool *busy)
{
	bool any = false;

	pthread_mutex_lock(&d->lock);
	for (size_t i = 0; i < BUCKETS && !*busy; i++)
		for (struct note *n = d->bucket[i]; n && !*busy; n = n->next) {
			if (n->mount != m || !n->directory)
				continue;
			any = true;
			*busy = n->fd >= 0 && current(n);
		}
	pthread_mutex_unlock(&d->lock);
	return any;
}

static bool is_directory_of(struct descriptors *d, const struct mount *m,
			    const struct statx *x)
{
	struct file_id id = {
		makedev(x->stx_dev_major, x->stx_dev_minor), x->stx_ino, 0
	};
	bool found = false;

	pthread_mutex_lock(&d->lock);
	for (struct note *n = *bucket(d, id); n && !found; n = n->next)
		found = n->mount == m && n->directory &&
			n->id.dev == id.dev && n->id.ino == id.ino;
	pthread_mutex_unlock(&d->lock);
	return found;
}

struct holder {
	struct descriptors *d;
	const struct mount *m;
};

static bool is_held(void *arg, int dir, const char *name)
{
	const struct holder *h = arg;
	struct statx x;

	return !statx(dir, name, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO,
		      &x) &&
	       S_ISDIR(x.stx_mode) && is_directory_of(h->d, h->m, &x);
}

bool descriptors_busy(struct descriptors *d, const struct mount *m)
{
	struct holder h = { d, m };
	bool busy = false;
	pid_t *all;
	size_t n;

	if (descriptors_empty(d) || !directories_noted(d, m, &busy) || busy)
		return busy;
	n = proc_descendants(getpid(), &all);
	for (size_t i = 0; i < n && !busy; i++)
		busy = proc_find_fd(all[i], is_held, &h);
	free(all);
	return busy;
}

int placeholder_directory(void)
{
	char name[SCRATCH_NAME];
	int fd, err = -EACCES, none;

	for (unsigned i = 0; !(none = scratch_choose(i, name)); i++) {
		if (mkdir(name, 0700))
			continue;
		fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		err = -errno;
		rmdir(name);
		if (fd >= 0)
			return fd;
	}
	return none == -ENOENT ? err : none;
}
