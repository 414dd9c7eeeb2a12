/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * A mount that shows a directory as it is elsewhere (vufs, move) changes names
 * and nothing else. What has an absolute name in it has one for the kernel,
 * too, and a gate that knows both can make a call by the latter, if it only
 * reads: lib/plain.h has the moves, arch/.../names.S uses them.
 *
 * A gate does not know views. So a move is learned when it is the same in all
 * of them; as for symlinks, it is learned for a moment (that the source still
 * has its name, and the mount point's directory, too), and forgotten as soon
 * as any view changes. The request must have had its version afterwards:
 * rq->epoch.
 *
 * A directory that copy on write has made in its store, where nothing of the
 * target is seen, is such a directory too (the module says so: alone()). It
 * lies in others that are neither here nor there, whose names are all marked,
 * so its move is learned by its whole name, as it was just walked: that it
 * means the same to all is sure only while there is one view. Names and
 * numbers of what is special in it are marked, as anywhere. And whoever may do
 * everything by what he is told (vstat) may not open by himself what he should
 * not: there, gates only look, and say that nothing is there.
 *
 * Names from a descriptor need no translation: that of a moved directory is one
 * of the kernel's own, which has what the view has in it. (Unless the mount is
 * read-only. And who stands in one only does so for us: there all is asked.)
 * While anybody may start from one, PLAIN_MOVED says so, for the sake of what
 * is opened:
 *
 * Of directories descriptors.c has to note by what name they were opened, so
 * gates do not open them. A regular file has to be known only when somebody
 * asks for the name of a descriptor: the gate leaves a mark in the open file,
 * which goes wherever that goes, by dup, fork, exec or a socket. The mark is
 * the signal that the file would send if it could (F_SETSIG): the one it would
 * send anyway. Where several mounts show the file, the newest is told. A
 * mapping has no mark, so its process remembers what it has opened so, in
 * memory of its own that a fork copies and exec ends, as it does mappings: a
 * bit for each file's number (gate_opened()). Who has mapped the same file by
 * both names, or many files, may be told the other one.
 */
#include "sys/moved.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/plain.h"
#include "sys/real.h"
#include "sys/state.h"
#include "view/registry.h"
#include "view/view.h"

/* Has everybody the same idea of what the name means? */
static bool is_unambiguous(const struct request *rq, const struct mount *m)
{
	return m->name[0] && !m->at.mount->id && rq->root_agrees &&
	       !rq->version->root_covered && atomic_load(&m->views) == view_count();
}

/* What of the path is below the target; NULL: nothing */
static const char *below(const char *path, const char *target)
{
	ssize_t n = name_below(path, target);

	if (n < 0)
		return NULL;
	path += n + strspn(path + n, "/");
	return *path ? path : NULL;
}

/* Is it what the kernel comes to by that name, by no symlink? */
static bool leads_to(int dir, const char *name, const struct file_id *id)
{
	struct place p;
	int fd = openat2_path(dir, *name ? name : ".", 0,
			      RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	bool same;

	if (fd < 0 || place_of_fd(&p, mount_base(), fd))
		return false;
	same = S_ISDIR(p.mode) && (!id || file_id_equal(p.id, *id));
	place_drop(&p);
	return same;
}

/* Up to its last component, which is cut off. */
static char *cut_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
	else
		path[0] = '\0';
	return path;
}

/* All that a gate relies on, as it is now. */
static bool is_so(const struct mount *m, const char *source, const char *rest)
{
	int top = mount_base()->root.fd;
	char dir[PATH_MAX];

	strcpy(dir, m->pub.target + 1);
	if (!leads_to(top, cut_last(dir), &m->at.id) ||
	    !leads_to(top, source + 1, &m->root.id))
		return false;
	strcpy(dir, rest);
	return leads_to(m->pub.root, cut_last(dir), NULL);
}

/* --- what is a store's alone --- */

/* Is what is called so the place in its mount? By one name, without a link. */
static bool is_called(const struct place *p, const char *name)
{
	ssize_t n = name_below(name, p->mount->pub.target);

	return n >= 0 && !strcmp(name + n + (name[n] == '/'), p->rel);
}

/* How much of the name up to the last component that was marked; 0: none is */
static size_t marked_part(const char *name)
{
	size_t end = 0, n;

	for (const char *p = name; *p; p += n) {
		p += strspn(p, "/");
		n = strcspn(p, "/");
		if (plain_is_marked(p, n))
			end = p + n - name;
	}
	return end;
}

/*
 * The place that a walk has come through, the directory of the name, or else
 * what it found; dir: what it is called. NULL: no place in a layered mount
 */
static const struct place *directory_of(const struct request *rq, int i,
					char dir[PATH_MAX])
{
	const struct found *f = &rq->found[i];
	const struct place *p = f->dir.rel ? &f->dir : &f->obj;

	strcpy(dir, rq->path[i]);
	if (p == &f->dir)
		cut_last(dir);
	return p->rel && p->fd >= 0 && !p->unnamed && p->mount &&
	       mount_layered(p->mount) && is_called(p, dir) ? p : NULL;
}

/*
 * The directory that was learned last, for calls that have to be seen: most are
 * about files of one directory, one after the other. It is known as long as
 * gates know it; what is above the mount is searched by each caller himself.
 */
static struct {
	pthread_mutex_t lock;
	uint64_t epoch;
	unsigned long version;
	size_t len;
	char path[PATH_MAX];		/* with the slash behind it */
	struct place dir;		/* its mount is the version's */
} latest = { .lock = PTHREAD_MUTEX_INITIALIZER, .dir = { .fd = -1 } };

/* Lock held. */
static bool is_latest(const struct request *rq, const char *path)
{
	return latest.len && latest.epoch == rq->epoch &&
	       latest.version == rq->version->number &&
	       !strncmp(path, latest.path, latest.len);
}

static void note_latest(const struct request *rq, int i, const char *dir,
			const struct place *p)
{
	if (p->mount->at.mount->id)
		return;
	pthread_mutex_lock(&latest.lock);
	if (!is_latest(rq, rq->path[i])) {
		place_drop(&latest.dir);
		latest.epoch = rq->epoch;
		latest.version = rq->version->number;
		latest.len = place_copy(&latest.dir, p) ? 0 :
			stpcpy(stpcpy(latest.path, dir), "/") - latest.path;
	}
	pthread_mutex_unlock(&latest.lock);
}

/* Lock held. May the caller come as far as the mount? */
static bool may_come(const struct request *rq)
{
	const char *target = latest.dir.mount->pub.target + 1;
	struct stat st;

	return !*target || !fstatat(rq->root.fd, target, &st, 0);
}

bool moved_start(struct request *rq, const char *path, struct place *start,
		 const char **last)
{
	bool known;

	if (!rq->root_agrees || !rq->version->nlayered)
		return false;
	pthread_mutex_lock(&latest.lock);
	known = is_latest(rq, path) && path[latest.len] &&
		!strchr(path + latest.len, '/') &&
		path[latest.len] != '.' && may_come(rq) &&
		!place_copy(start, &latest.dir);
	pthread_mutex_unlock(&latest.lock);
	*last = path + latest.len;
	return known;
}

/*
 * Is it such a directory? As vu_fs_ops.alone says; of one that is not, it is
 * not asked again and again.
 */
static int is_alone(struct request *rq, const struct place *p, const char *dir)
{
	static uint64_t epoch;
	static char refused[PATH_MAX];
	const char *rel = dir + name_below(dir, p->mount->pub.target);
	bool known;
	int how;

	pthread_mutex_lock(&latest.lock);
	known = epoch == rq->epoch && !strcmp(refused, dir);
	pthread_mutex_unlock(&latest.lock);
	if (known)
		return 0;
	how = module_fs(p->mount->module)->alone(&rq->ctx, &p->mount->pub, rel);
	if (how > 0)
		return how;
	pthread_mutex_lock(&latest.lock);
	epoch = rq->epoch;
	strcpy(refused, dir);
	pthread_mutex_unlock(&latest.lock);
	return 0;
}

/* May gates go there by themselves? Then they are told what it is called. */
static void learn_alone(struct request *rq, int i)
{
	char dir[PATH_MAX], here[PATH_MAX], real[PATH_MAX];
	const struct place *p = directory_of(rq, i, dir);
	size_t n, rest;
	int how;

	if (!p)
		return;
	if (p == &rq->found[i].obj)
		cut_last(dir);
	n = marked_part(dir);
	memcpy(here, dir, n);
	here[n] = '\0';
	if (!n || name_below(dir, p->mount->pub.target) < 0)
		return;
	if (plain_knows_below(here, dir + n)) {
		if (p == &rq->found[i].dir)
			note_latest(rq, i, dir, p);
		return;
	}
	how = is_alone(rq, p, dir);
	if (how <= 0 || kernel_name(p->fd, real, sizeof(real)) <= 0)
		return;
	if (p == &rq->found[i].obj)
		cut_last(real);
	rest = strlen(dir + n);
	if (strlen(real) <= rest || strcmp(real + strlen(real) - rest, dir + n))
		return;
	strcpy(dir, real);
	strcat(real, "/");		/* what a directory is of */
	dir[strlen(dir) - rest] = '\0';
	plain_learn_move(here, dir, MOVE_ALONE | (how > 1 ? MOVE_TOLD : 0),
			 rq->epoch);
	plain_learn(real, rq->epoch);
}

void moved_learn(struct request *rq, int i)
{
	struct mount *m = rq->found[i].obj.mount;
	const char *path = rq->path[i], *rest;
	char source[PATH_MAX], real[2 * PATH_MAX];

	if (path[0] != '/')
		return;
	if (rq->version->nlayered && rq->root_agrees && view_count() == 1 &&
	    !rq->version->root_covered && plain_settled())
		learn_alone(rq, i);
	if (!m || !mount_moves(m) || !is_unambiguous(rq, m))
		return;
	rest = below(path, m->pub.target);
	if (!rest || kernel_name(m->pub.root, source, sizeof(source)) < 0)
		return;
	snprintf(real, sizeof(real), "%s/%s", source, rest);
	if (plain_knows_move(m->pub.target, real) || !is_so(m, source, rest))
		return;
	plain_learn_move(m->pub.target, source,
			 mount_rdonly(m) ? MOVE_RDONLY : 0, rq->epoch);
	plain_learn(real, rq->epoch);
}

bool moved_any(const struct request *rq)
{
	return rq->version->nmoving;
}

static bool is_marked(pid_t pid, int fd)
{
	int copy = fetch_descriptor_of(pid, fd);
	bool marked = copy >= 0 && fcntl(copy, F_GETSIG) == SIGIO;

	if (copy >= 0)
		close(copy);
	return marked;
}

static bool lies_in(const struct mount *m, const char *name)
{
	char top[PATH_MAX];

	return mount_moves(m) && kernel_name(m->pub.root, top, sizeof(top)) > 0 &&
	       below(name, top);
}

struct mount *moved_mount(const struct request *rq, const char *real)
{
	const struct version *v = rq->version;

	for (size_t i = v->nmount; i--; )
		if (lies_in(v->mount[i], real))
			return v->mount[i];
	return NULL;
}

void moved_find(struct request *rq, pid_t pid, int fd, struct place *place)
{
	struct mount *m;
	char name[PATH_MAX];

	if (!moved_any(rq) || place->mount->id || place->fd < 0 ||
	    !S_ISREG(place->mode) || !is_marked(pid, fd) ||
	    kernel_name(place->fd, name, sizeof(name)) < 0)
		return;
	m = moved_mount(rq, name);
	if (!m)
		return;
	place->mount = m;
	request_keep(rq, mount_get(m));
}
