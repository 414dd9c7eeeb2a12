/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names among the arguments of a call: copied once, then either proved to
 * be the kernel's own affair (most are) or walked in the view.
 */
#include "sys/operand.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/memory.h"
#include "lib/plain.h"
#include "sys/creds.h"
#include "sys/handlers.h"
#include "sys/known.h"
#include "sys/moved.h"
#include "sys/procfs.h"
#include "sys/real.h"
#include "sys/state.h"
#include "view/layered.h"

/* --- how the end of a name is meant --- */

static int read_open_how(const struct request *rq, struct open_how *how)
{
	const uint64_t *arg = rq->call->arg;
	size_t size = arg[3] < sizeof(*how) ? arg[3] : sizeof(*how);

	*how = (struct open_how){ .flags = O_CREAT | O_WRONLY | O_TRUNC };
	if (!strcmp(rq->row->name, "openat2"))
		return guest_read(rq->call, arg[2], how, size);
	if (!strcmp(rq->row->name, "open"))
		*how = (struct open_how){ .flags = (int)arg[1], .mode = arg[2] };
	else if (!strcmp(rq->row->name, "openat"))
		*how = (struct open_how){ .flags = (int)arg[2], .mode = arg[3] };
	else
		how->mode = arg[1];
	if (how->flags & O_PATH)	/* the others then mean nothing */
		how->flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	return 0;
}

#define HOW_MAX 4096		/* the kernel takes one page */

static bool opens(const struct operand *op)
{
	return op->mode == OPERAND_OPEN || op->mode == OPERAND_OPEN_HOW;
}

/* Copied once: whoever looks later must see what was looked at before. */
static void copy_open_how(struct request *rq)
{
	if (opens(&rq->row->op[0]) && !rq->has_how)
		rq->how_error = read_open_how(rq, &rq->how);
	/* of an impossible size the kernel does not look at it */
	if (rq->how_error && rq->call->arg[3] >= sizeof(rq->how) &&
	    rq->call->arg[3] <= HOW_MAX)
		rq->unseen = rq->how_error;
	rq->has_how = true;
}

int operand_open_how(const struct request *rq, struct open_how *how)
{
	*how = rq->how;
	return rq->how_error;
}

static unsigned resolve_flags(uint64_t resolve)
{
	unsigned f = 0;

	if (resolve & RESOLVE_BENEATH)
		f |= WALK_BENEATH;
	if (resolve & RESOLVE_IN_ROOT)
		f |= WALK_IN_ROOT;
	if (resolve & RESOLVE_NO_SYMLINKS)
		f |= WALK_NO_LINKS | WALK_NO_MAGIC;
	if (resolve & RESOLVE_NO_MAGICLINKS)
		f |= WALK_NO_MAGIC;
	if (resolve & RESOLVE_NO_XDEV)
		f |= WALK_NO_XDEV;
	return f;
}

/*
 * A directory that may be one that the kernel shuts, and a module opens to who
 * is root by what he is told.
 */
static bool may_be_shut(const struct request *rq, const struct open_how *how)
{
	return rq->version->own_access && (how->flags & O_DIRECTORY) &&
	       !(how->flags & (O_PATH | O_ACCMODE)) &&
	       guest_has_ids(rq->guest);
}

static bool is_shut(const struct request *rq, const struct place *p)
{
	return p->fd >= 0 && place_has_own_access(p) &&
	       may_be_shut(rq, &rq->how) &&
	       faccessat(p->fd, ".", R_OK, AT_EACCESS);
}

/* No more than open what is found, and that whatever its size? */
static bool can_be_late(const struct request *rq, const struct open_how *how)
{
	const uint64_t more = O_CREAT | O_PATH | (O_TMPFILE & ~O_DIRECTORY);

	return !(how->flags & more) && !may_be_shut(rq, how) &&
	       (rq->call->abi == ABI_NATIVE || (how->flags & LARGEFILE));
}

static unsigned open_walk_flags(const struct request *rq)
{
	struct open_how how;
	unsigned f;

	if (operand_open_how(rq, &how))
		return 0;
	f = resolve_flags(how.resolve);
	if (!f && can_be_late(rq, &how))
		f |= WALK_LATE;
	if (how.flags & O_CREAT)
		f |= WALK_PARENT | WALK_NAME;
	if ((how.flags & O_NOFOLLOW) ||
	    (how.flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		f |= WALK_NOFOLLOW;
	return f;
}

static unsigned walk_flags(const struct request *rq, const struct operand *op)
{
	uint64_t flags = op->flags >= 0 ? rq->call->arg[(int)op->flags] : 0;
	unsigned f = rq->row->traits & ROW_NAMES ? WALK_PARENT : 0;

	switch (op->mode) {
	case OPERAND_NAME:
		return f | WALK_NOFOLLOW | WALK_NAME;
	case OPERAND_NOFOLLOW:
		return f | WALK_NOFOLLOW;
	case OPERAND_AT_FLAGS:
		return flags & AT_SYMLINK_NOFOLLOW ? f | WALK_NOFOLLOW : f;
	case OPERAND_AT_FOLLOW:
		return flags & AT_SYMLINK_FOLLOW ? f : f | WALK_NOFOLLOW;
	case OPERAND_OPEN:
	case OPERAND_OPEN_HOW:
		return f | open_walk_flags(rq);
	case OPERAND_FANOTIFY:
		return flags & FAN_MARK_DONT_FOLLOW ? f | WALK_NOFOLLOW : f;
	case OPERAND_MASK_LINK:
		return flags & IN_DONT_FOLLOW ? f | WALK_NOFOLLOW : f;
	case OPERAND_UMOUNT:
		return flags & UMOUNT_NOFOLLOW ? f | WALK_NOFOLLOW : f;
	default:
		return f;
	}
}

/* --- the quick way --- */

/* Could the directory's own listing or mount matter for this path? */
static bool names_a_start(const char *path)
{
	return !strcmp(path, "/") || !strcmp(path, ".");
}

static bool proved_absolute(struct request *rq, const char *path, bool nofollow)
{
	enum proof proof;

	path += strspn(path, "/");
	if (!rq->root_agrees || rq->version->root_covered || !*path)
		return false;
	proof = walk_proves_native(rq->version, rq->root.fd, path, nofollow);
	if (proof == PROOF_SEEN)
		plain_learn(path, rq->epoch);
	return proof;
}

static bool is_stat(const struct request *rq)
{
	return rq->row->handle == call_stat || rq->row->handle == call_statx;
}

/*
 * In a store, a file of several names is told of by its number alone; and in
 * /proc, who owns a process's directory by none of its names.
 */
static bool told_by_number(const struct request *rq, const struct place *start,
			   const char *path, bool nofollow)
{
	struct stat st;

	if (!is_stat(rq))
		return false;
	if (place_in_proc(start))
		return guest_has_ids(rq->guest);
	return mount_layered(start->mount) &&
	       !fstatat(start->fd, path, &st,
			nofollow ? AT_SYMLINK_NOFOLLOW : 0) &&
	       layered_tell(rq->version, &st);
}

/* Of links in /proc it is told where they lead, whatever name they have. */
static bool told_as_link(const struct request *rq, const struct place *start)
{
	return rq->row->handle == call_readlink && place_in_proc(start);
}

static bool proved_relative(struct request *rq, int dirfd, const char *path,
			    bool nofollow)
{
	struct place start = NOWHERE;
	bool agrees, proved = false;

	if (names_a_start(path) || request_start(rq, dirfd, &start, &agrees))
		return false;
	if (agrees && (!start.mount->id || start.same) && !start.unnamed)
		proved = walk_proves_native(rq->version, start.fd, path,
					    nofollow) &&
			 !told_by_number(rq, &start, path, nofollow) &&
			 !told_as_link(rq, &start);
	request_give_back(rq, dirfd, &start, agrees);
	return proved;
}

static bool proved_native(struct request *rq, int dirfd, const char *path,
			  unsigned flags)
{
	bool nofollow = flags & WALK_NOFOLLOW;

	if (flags & (WALK_BENEATH | WALK_IN_ROOT | WALK_NO_XDEV))
		return false;
	return path[0] == '/' ? proved_absolute(rq, path, nofollow)
			      : proved_relative(rq, dirfd, path, nofollow);
}

/* --- the whole way --- */

bool call_changes(const struct request *rq)
{
	const struct open_how *how = &rq->how;

	if (opens(&rq->row->op[0]))
		return !(how->flags & O_PATH) && (how->flags & (O_ACCMODE |
			O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY)));
	if (rq->row->handle == call_readlink)
		return false;
	return (rq->row->traits & (ROW_NAMES | ROW_CHANGES)) ||
	       rq->row->handle == call_truncate;
}

/*
 * Does a layered mount make it another thing than the kernel would do? It
 * changes something, or asks for permissions that its module knows better.
 */
static bool is_layered(const struct request *rq, const struct found *f)
{
	const struct mount *m = f->dir.mount ?: f->obj.mount;

	if (!rq->version->nlayered || !m || !mount_layered(m))
		return false;
	return call_changes(rq) ||
	       ((m->pub.flags & VU_MOUNT_OWN_ACCESS) &&
		(rq->row->handle == call_access || rq->walker.by_module));
}

/*
 * Might it be so, whatever it finds? And where an open directory cannot be
 * fetched later, for its listing, all must be opened by us.
 */
static bool may_be_layered(const struct request *rq)
{
	if (!rq->version->nlayered)
		return false;
	return call_changes(rq) || rq->row->handle == call_access ||
	       rq->walker.by_module ||
	       (opens(&rq->row->op[0]) && !can_fetch());
}

/*
 * Does a layered mount tell something else of an open object than the kernel?
 * Of what has no name any more one cannot say in which mount it was.
 */
static bool opened_is_told(const struct request *rq, const struct place *p)
{
	struct stat st;

	return rq->version->nlayered && p->fd >= 0 && !fstat(p->fd, &st) &&
	       layered_tell(rq->version, &st);
}

static bool told_otherwise(const struct request *rq, const struct place *p)
{
	return p->mount && mount_layered(p->mount) && opened_is_told(rq, p);
}

/* "" with AT_EMPTY_PATH: the descriptor itself. */
static enum operand_state resolve_empty(struct request *rq, int i, int dirfd)
{
	const struct operand *op = &rq->row->op[i];
	struct found *f = &rq->found[i];
	bool agrees, owned = is_stat(rq) && guest_has_ids(rq->guest);
	uint64_t flags = op->flags >= 0 ? rq->call->arg[(int)op->flags]
					: AT_EMPTY_PATH;
	bool itself = rq->row->traits & ROW_EMPTY_FD && flags & AT_EMPTY_PATH;

	if (rq->row->traits & ROW_NULL_FD && !rq->call->arg[(int)op->path])
		itself = dirfd != AT_FDCWD;
	if (!itself || i)
		return OPERAND_UNREADABLE;
	if (descriptors_empty(rq->sys->descriptors) && !rq->version->nlayered &&
	    guest_plain(rq->guest) && !(rq->row->traits & ROW_VIRTUAL) &&
	    !owned)
		return OPERAND_KERNELS;
	if ((rq->row->traits & ROW_MADE) && dirfd != AT_FDCWD &&
	    !rq->version->nlayered && !owned &&
	    !descriptors_made(rq->sys->descriptors))
		return OPERAND_KERNELS;
	rq->error[i] = request_start(rq, dirfd, &f->obj, &agrees);
	if (rq->error[i]) {
		rq->unseen = rq->error[i] == -EBADF ? 0 : rq->error[i];
		return OPERAND_UNREADABLE;
	}
	f->native = agrees && (!f->obj.mount->id || f->obj.same) &&
		    !opened_is_told(rq, &f->obj) &&
		    !(owned && place_in_proc(&f->obj));
	f->is_descriptor = true;
	return f->native && !is_layered(rq, f) ? OPERAND_KERNELS
					       : OPERAND_WALKED;
}

bool operand_is_rmdir(const struct request *rq)
{
	if (rq->row->op[0].mode != OPERAND_NAME)
		return false;
	if (!strcmp(rq->row->name, "rmdir"))
		return true;
	return !strcmp(rq->row->name, "unlinkat") &&
	       (rq->call->arg[2] & AT_REMOVEDIR);
}

/*
 * The kernel finds the same object, but a view has something to say about
 * it: a file or link of /proc that tells names, a directory to be removed in
 * which mounts have names, or (where descriptors cannot be fetched later) one
 * whose listing is changed.
 */
static bool tells_differently(struct request *rq, int i)
{
	const struct place *p = &rq->found[i].obj;
	enum operand_mode mode = rq->row->op[i].mode;
	struct stat st;

	if (is_stat(rq) && p->mount)
		return !rq->error[i] && procfs_tell_owner(rq, p, &st);
	if (p->mount && S_ISLNK(p->mode))
		return (rq->row->traits & ROW_TELLS) && place_in_proc(p);
	if (mode == OPERAND_NAME && p->mount && operand_is_rmdir(rq))
		return version_edits(rq->version, p->mount, p->id);
	if ((mode != OPERAND_OPEN && mode != OPERAND_OPEN_HOW) || !p->mount)
		return false;
	if (S_ISDIR(p->mode))
		return descriptors_know(rq->sys->descriptors, p->id) ||
		       is_shut(rq, p) ||
		       (!can_fetch() &&
			(mount_layered(p->mount) ||
			 version_edits(rq->version, p->mount, p->id)));
	return S_ISREG(p->mode) && procfs_tells(p);
}

/* Might the directory be one that is known by another name? */
static bool opens_directory(const struct request *rq)
{
	return rq->has_how && opens(&rq->row->op[0]) &&
	       (rq->how.flags & O_DIRECTORY) &&
	       !descriptors_empty(rq->sys->descriptors);
}

static int operand_dirfd(const struct request *rq, int i)
{
	const struct operand *op = &rq->row->op[i];

	return op->dirfd >= 0 ? (int)rq->call->arg[(int)op->dirfd] : AT_FDCWD;
}

bool operand_is_file(const struct request *rq)
{
	const struct place *from = NULL, *obj = &rq->found[0].obj;
	const char *path = rq->path[0];
	struct stat st;

	if (obj->mount)
		return S_ISREG(obj->mode);
	if (path[0] == '/' && rq->root_agrees)
		from = &rq->root;
	else if (path[0] != '/' && rq->start.mount &&
		 rq->start_dirfd == operand_dirfd(rq, 0))
		from = &rq->start;
	path += strspn(path, "/");
	return *path && from && from->fd >= 0 &&
	       !fstatat(from->fd, path, &st, AT_SYMLINK_NOFOLLOW) &&
	       S_ISREG(st.st_mode);
}

int operand_settle(struct request *rq, int i)
{
	unsigned flags = walk_flags(rq, &rq->row->op[i]) & ~WALK_LATE;

	found_drop(&rq->found[i]);
	rq->error[i] = request_walk(rq, operand_dirfd(rq, i), rq->path[i],
				    flags, &rq->found[i]);
	return rq->error[i];
}

enum operand_state operand_resolve(struct request *rq, int i, bool force)
{
	const struct operand *op = &rq->row->op[i];
	const uint64_t *arg = rq->call->arg;
	int dirfd = operand_dirfd(rq, i);
	unsigned flags;
	bool usual;
	ssize_t n;

	copy_open_how(rq);
	if (!i && call_malformed(rq))
		return OPERAND_UNREADABLE;
	/* what is resolved again is what was copied first */
	n = rq->path[i][0] ? (ssize_t)strlen(rq->path[i]) :
	    guest_read_string(rq->call, arg[(int)op->path], rq->path[i],
			      sizeof(rq->path[i]));
	found_drop(&rq->found[i]);
	if (n < 0) {
		rq->path[i][0] = '\0';
		if (n != -EFAULT || arg[(int)op->path] ||
		    !(rq->row->traits & (ROW_NULL_EMPTY | ROW_NULL_FD))) {
			rq->unseen = n;
			return OPERAND_UNREADABLE;
		}
	}
	if (n <= 0)
		return resolve_empty(rq, i, dirfd);
	flags = walk_flags(rq, op);
	usual = !(flags & ~WALK_LATE);
	if (!force && !opens_directory(rq) &&
	    !(opens(op) && may_be_shut(rq, &rq->how)) && !operand_is_rmdir(rq) &&
	    !may_be_layered(rq) &&
	    !(opens(op) && procfs_may_tell_ids(rq, rq->path[i])) &&
	    ((usual && known_native(rq, rq->path[i])) ||
	     proved_native(rq, dirfd, rq->path[i], flags)))
		return OPERAND_KERNELS;
	rq->error[i] = request_walk(rq, dirfd, rq->path[i], flags,
				    &rq->found[i]);
	/* an error on the kernel's own way is the kernel's to report */
	if (is_layered(rq, &rq->found[i]) ||
	    (rq->error[i] && rq->version->nlayered && call_changes(rq)) ||
	    told_otherwise(rq, &rq->found[i].obj))
		rq->found[i].native = false;
	if (!rq->error[i])
		moved_learn(rq, i);
	if (rq->found[i].native && !tells_differently(rq, i)) {
		if (!rq->error[i] && usual)
			known_note(rq, rq->path[i], &rq->found[i]);
		return OPERAND_KERNELS;
	}
	return OPERAND_WALKED;
}

int operand_unreadable(struct request *rq, int i)
{
	ssize_t n = guest_read_string(rq->call,
				      rq->call->arg[(int)rq->row->op[i].path],
				      rq->path[i], sizeof(rq->path[i]));

	rq->path[i][0] = '\0';
	return n < 0 ? n : -ENOENT;
}

/* --- links of /proc --- */

/* The place that a guest's own link of that kind stands for. 0 or -errno */
static int guests_place(struct request *rq, pid_t pid, const char *what,
			struct place *to)
{
	const struct place *p = NULL;
	struct guest *g;
	pid_t tgid = pid;
	int err = 0;

	g = task_state(rq->sys->tasks, pid, &tgid);
	if (!g)
		return 0;
	if (!strcmp(what, "cwd"))
		p = &g->cwd;
	else if (!strcmp(what, "root"))
		p = &g->root;
	else if (!strncmp(what, "fd/", 3)) {
		descriptors_find(rq->sys->descriptors, tgid, atoi(what + 3), to);
		request_keep(rq, to->mount);
		moved_find(rq, tgid, atoi(what + 3), to);
		err = request_rename(rq, to);
	}
	if (p && p->mount) {
		request_keep(rq, mount_get(p->mount));
		place_drop(to);
		err = place_copy(to, p);
		to->elsewhere = true;
		err = err ?: request_rename(rq, to);
	}
	guest_put(g);
	return err;
}

int operand_magic(void *arg, const struct place *dir, const char *name,
		  pid_t pid, const char *what, struct place *to)
{
	struct request *rq = arg;
	int fd, err;

	/* whether the caller may look is the caller's right, not ours */
	creds_lower(rq);
	fd = openat(dir->fd, name, O_PATH | O_CLOEXEC);
	err = fd < 0 ? -errno : 0;
	creds_raise(rq);
	if (!err)
		err = place_of_fd(to, mount_base(), fd);
	if (!err && pid)
		err = guests_place(rq, pid, what, to);
	return err;
}
