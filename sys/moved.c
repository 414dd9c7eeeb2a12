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
 * send anyway. Where several mounts show the file, the newest is told. (A
 * file that was opened so and is only mapped by now is told by the kernel's
 * name: a mapping has no mark.)
 */
#include "sys/moved.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/plain.h"
#include "sys/real.h"
#include "sys/state.h"
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

void moved_learn(struct request *rq, int i)
{
	struct mount *m = rq->found[i].obj.mount;
	const char *path = rq->path[i], *rest;
	char source[PATH_MAX], real[2 * PATH_MAX];

	if (path[0] != '/' || !m || !mount_moves(m) || !is_unambiguous(rq, m))
		return;
	rest = below(path, m->pub.target);
	if (!rest || kernel_name(m->pub.root, source, sizeof(source)) < 0)
		return;
	snprintf(real, sizeof(real), "%s/%s", source, rest);
	if (plain_knows_move(m->pub.target, real) || !is_so(m, source, rest))
		return;
	plain_learn_move(m->pub.target, source, mount_rdonly(m), rq->epoch);
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

void moved_find(struct request *rq, pid_t pid, int fd, struct place *place)
{
	const struct version *v = rq->version;
	char name[PATH_MAX];

	if (!moved_any(rq) || place->mount->id || place->fd < 0 ||
	    !S_ISREG(place->mode) || !is_marked(pid, fd) ||
	    kernel_name(place->fd, name, sizeof(name)) < 0)
		return;
	for (size_t i = v->nmount; i--; ) {
		if (!lies_in(v->mount[i], name))
			continue;
		place->mount = v->mount[i];
		request_keep(rq, mount_get(place->mount));
		return;
	}
}
