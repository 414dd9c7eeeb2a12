/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * open, openat, openat2, creat.
 *
 * A regular file or a directory is opened here and its descriptor put into
 * the guest. Anything else (FIFO, device, terminal) is opened by the guest
 * itself under its real name: such an open may wait, and may mean the
 * caller (its session, its controlling terminal).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/rewrite.h"
#include "lib/procfd.h"
#include "sys/descriptors.h"
#include "sys/handlers.h"
#include "sys/operand.h"
#include "sys/procfs.h"
#include "sys/real.h"
#include "sys/special.h"
#include "sys/state.h"
#include "sys/table.h"
#include "view/layered.h"
#include "view/registry.h"

/* Not one bit: O_DIRECTORY is a part of it. */
static bool makes_tmpfile(const struct open_how *how)
{
	return (how->flags & O_TMPFILE) == O_TMPFILE;
}

static bool wants_write(const struct open_how *how)
{
	if (how->flags & O_PATH)
		return false;
	return (how->flags & O_ACCMODE) != O_RDONLY ||
	       (how->flags & O_TRUNC) || makes_tmpfile(how);
}

/* Give a descriptor to the guest, and note where it leads. */
static struct verdict hand_out(struct request *rq, int fd, unsigned flags,
			       const struct place *place)
{
	struct verdict v = verdict_object(fd, flags & O_CLOEXEC);
	bool noted;
	int keep = -1;

	if (S_ISDIR(place->mode) && !can_fetch() &&
	    (mount_layered(place->mount) ||
	     version_edits(rq->version, place->mount, place->id)))
		keep = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	/* of a layered mount's files the kernel's names tell enough */
	noted = place->mount->id && !mount_layered(place->mount);
	if (noted || keep >= 0 ||
	    descriptors_know(rq->sys->descriptors, place->id))
		v.note = minted_new(rq, place, keep);
	if (noted && S_ISDIR(place->mode))
		note_number(rq, place, (struct file_id){ 0 }, -1);
	return v;
}

/* The same for a file that was just made, or copied. */
static struct verdict hand_out_new(struct request *rq, int fd, unsigned flags,
				   struct mount *mount)
{
	struct place file = { .mount = mount, .fd = fd };

	if (place_identify(&file, fd, ""))
		file.mode = S_IFREG;
	return hand_out(rq, fd, flags, &file);
}

/* The same for a descriptor that stands for a node which a module makes. */
static struct verdict hand_out_made(struct request *rq, int fd, unsigned flags,
				    const struct place *obj)
{
	struct verdict v = verdict_object(fd, flags & O_CLOEXEC);
	struct place p = place_borrow(obj);
	struct minted *note;
	int keep = -1;

	if (place_identify(&p, fd, ""))
		return v;
	p.rel = obj->rel;
	p.number = obj->number;
	p.fd = fd;
	if (S_ISDIR(p.mode) && !can_fetch())
		keep = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	v.note = note = minted_new(rq, &p, keep);
	if (note)
		note->made = obj->id;
	note_number(rq, &p, obj->id, -1);
	return v;
}

static int access_mask(const struct open_how *how)
{
	static const int want[] = { R_OK, W_OK, R_OK | W_OK, R_OK | W_OK };

	return want[how->flags & O_ACCMODE] | (wants_write(how) ? W_OK : 0);
}

/* What the module lets nobody open it need not be asked for before. */
static int may_open(struct request *rq, const struct open_how *how,
		    const struct place *obj)
{
	if ((how->flags & O_PATH) || obj->unnamed || (S_ISREG(obj->mode) &&
	    (obj->mount->pub.flags & VU_MOUNT_OWN_ACCESS)))
		return 0;
	return made_access(rq, obj, access_mask(how));
}

static struct verdict open_made(struct request *rq, const struct open_how *how,
				const struct place *obj)
{
	struct vu_mount *m = &obj->mount->pub;
	int fd = may_open(rq, how, obj);

	/* a device is the module's affair: it may be one that it makes */
	if (!fd && special(obj->mode) && !(how->flags & O_PATH))
		return special_open(rq, how, obj);
	if (!fd && S_ISDIR(obj->mode) && wants_write(how))
		fd = -EISDIR;
	else if (!fd && (S_ISDIR(obj->mode) || (how->flags & O_PATH)))
		fd = placeholder_directory();
	else if (!fd)
		fd = module_fs(obj->mount->module)->open(&rq->ctx, m, obj->rel,
			how->flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW));
	return fd < 0 ? verdict_value(fd)
		      : hand_out_made(rq, fd, how->flags, obj);
}

/* Open an object that exists, by its descriptor. */
static int reopen(const struct place *obj, const struct open_how *how)
{
	uint64_t flags = how->flags & ~(uint64_t)(O_CREAT | O_EXCL | O_NOFOLLOW);
	char name[16];
	int fd;

	/* F_GETFL tells of O_NOFOLLOW; a link of /proc cannot be had so */
	if ((how->flags & O_NOFOLLOW) && S_ISDIR(obj->mode)) {
		fd = openat(obj->fd, ".", (how->flags & ~O_CREAT) | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	snprintf(name, sizeof(name), "%d", obj->fd);
	if (makes_tmpfile(how))		/* where O_EXCL means: for ever */
		fd = openat(fd_directory(), name, flags | O_CLOEXEC |
			    (how->flags & O_EXCL), how->mode);
	else
		fd = openat(fd_directory(), name, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/*
 * Open what the walk has left unopened. It may not be what was seen then:
 * so we do not wait, and take no terminal. (openat2 minds flags that do not
 * exist; those of its own callers have been looked at.)
 */
static int open_late(const struct found *f, const struct open_how *how)
{
	struct open_how real = {
		.flags = (how->flags & OPEN_FLAGS) |
			 O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS,
	};
	int fd = syscall(SYS_openat2, f->dir.fd, f->name, &real, sizeof(real));

	if (fd < 0)
		return -errno;
	if (!(how->flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, (int)how->flags & ~O_NONBLOCK);
	return fd;
}

/* The call of the O_PATH kind with the kernel's name of the object. */
static struct rewrite *path_call(struct request *rq, const struct open_how *how,
				 const char *name)
{
	struct rewrite *rw = rewrite_new(rq->call);

	if (!rw)
		return NULL;
	if (!strcmp(rq->row->name, "openat2")) {	/* RESOLVE_... is done */
		rewrite_nr(rw, row_number("openat", rq->call->abi));
		rewrite_arg(rw, 2, how->flags);
	}
	if (rewrite_string(rw, rq->row->op[0].path, name)) {
		rewrite_free(rw);
		return NULL;
	}
	return rw;
}

/* The number that the caller's next descriptor gets. */
static int lowest_free(pid_t tid)
{
	DIR *d = procfd_opendir(tid);	/* it lists them in order */
	struct dirent *e;
	int lowest = 0;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && atoi(e->d_name) == lowest)
			lowest++;
	if (d)
		closedir(d);
	return lowest;
}

/*
 * A descriptor of the O_PATH kind cannot be put into a guest: it opens one
 * itself, by the real name. Where it leads is noted for the number that it
 * will get if no other thread is quicker. A guest that cannot be visited,
 * or that wants a removed directory, gets a descriptor that can be read.
 */
static struct verdict open_path(struct request *rq, const struct open_how *how,
				const struct place *obj)
{
	struct open_how plain = { .flags = O_RDONLY |
		(how->flags & (O_DIRECTORY | O_CLOEXEC)) };
	struct rewrite *rw = NULL;
	char name[PATH_MAX];
	struct verdict v;
	int fd;

	if (engine_can_rewrite(rq->call) &&
	    (kernel_name_for(rq, obj, name, sizeof(name)) > 0 ||
	     (!S_ISDIR(obj->mode) && !S_ISREG(obj->mode) &&
	      real_name(rq, 0, name, sizeof(name)) > 0)))
		rw = path_call(rq, how, name);
	if (!rw) {
		if (S_ISFIFO(obj->mode))	/* nobody is waited for */
			plain.flags |= O_NONBLOCK;
		fd = reopen(obj, &plain);
		return fd < 0 ? verdict_value(fd)
			      : hand_out(rq, fd, how->flags, obj);
	}
	if (obj->mount->id || descriptors_know(rq->sys->descriptors, obj->id))
		note_number(rq, obj, (struct file_id){ 0 },
			    lowest_free(rq->call->tid));
	v = verdict_rewritten(rw);
	v.value = -EPERM;
	return v;
}

/* May we open it, or must the guest? */
static bool ours_to_open(mode_t mode)
{
	return S_ISREG(mode) || S_ISDIR(mode);
}

/*
 * Write in a read-only mount. What the caller may not write in any case is
 * refused for that; but to cut a file off, the mount is looked at first.
 */
static int refuse_writing(struct request *rq, const struct open_how *how,
			  const struct place *obj)
{
	if (S_ISDIR(obj->mode) && !makes_tmpfile(how))
		return -EISDIR;
	if (S_ISDIR(obj->mode) || (how->flags & O_TRUNC))
		return -EROFS;
	return place_access(rq, obj, access_mask(how)) ?: -EROFS;
}

static int check_existing(struct request *rq, const struct open_how *how,
			  const struct found *f)
{
	mode_t mode = f->obj.mode;

	if ((how->flags & O_CREAT) && f->slash && f->name[0])
		return -EISDIR;
	if ((how->flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if (S_ISLNK(mode) && !(how->flags & O_PATH))
		return how->flags & O_DIRECTORY ? -ENOTDIR : -ELOOP;
	if ((how->flags & O_DIRECTORY) && !S_ISDIR(mode))
		return -ENOTDIR;
	if (S_ISDIR(mode) && ((how->flags & O_CREAT) ||
			      (wants_write(how) && !makes_tmpfile(how))))
		return -EISDIR;
	if (layered_rdonly(rq->version, f->obj.mount) && wants_write(how) &&
	    (S_ISREG(mode) || S_ISDIR(mode)))
		return refuse_writing(rq, how, &f->obj);
	return 0;
}

/* i386 programs that do not know of large files are kept from them. */
static bool too_large(const struct request *rq, const struct open_how *how,
		      const struct place *obj)
{
	struct stat st;

	return rq->call->abi == ABI_COMPAT && S_ISREG(obj->mode) &&
	       rq->row->op[0].mode == OPERAND_OPEN &&
	       !(how->flags & LARGEFILE) && !fstat(obj->fd, &st) &&
	       st.st_size > INT32_MAX;
}

/* Does a layered mount let others open it than the kernel? */
static bool is_told_otherwise(const struct request *rq, const struct place *p,
			      const struct stat *real)
{
	struct stat st = *real;

	return !(p->mount->pub.flags & VU_MOUNT_OWN_ACCESS) &&
	       layered_tell(rq->version, &st) &&
	       (st.st_mode != real->st_mode || st.st_uid != real->st_uid ||
		st.st_gid != real->st_gid);
}

/* Is it the module that opens this object of a layered mount? */
static bool opened_by_module(const struct request *rq,
			     const struct open_how *how, const struct place *p)
{
	struct stat st;

	if (!p->rel || !mount_layered(p->mount) || (how->flags & O_PATH))
		return false;
	if (S_ISREG(p->mode) && wants_write(how))
		return true;
	if (p->fd < 0 || fstat(p->fd, &st) || makes_tmpfile(how))
		return false;
	return (st.st_mode & S_IFMT) != (p->mode & S_IFMT) ||
	       (ours_to_open(p->mode) && is_told_otherwise(rq, p, &st));
}

static struct verdict open_layered(struct request *rq,
				   const struct open_how *how,
				   const struct place *p)
{
	const struct vu_fs_ops *ops = module_fs(p->mount->module);
	unsigned flags = how->flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW);
	int fd = ops->open(&rq->ctx, &p->mount->pub, p->rel, flags);

	/* there is no way to what is in it: as if it were made anew */
	if (fd == -ENOENT && (how->flags & O_CREAT))
		fd = ops->open(&rq->ctx, &p->mount->pub, p->rel,
			       flags | O_TRUNC);
	return fd < 0 ? verdict_value(fd) :
	       hand_out_new(rq, fd, how->flags, p->mount);
}

static struct verdict tmpfile_layered(struct request *rq,
				      const struct open_how *how,
				      const struct place *dir)
{
	mode_t mode = how->mode & 07777;
	int fd, err = masked_mode(rq, dir, &mode);

	if (err)
		return verdict_value(err);
	fd = module_fs(dir->mount->module)->create(&rq->ctx, &dir->mount->pub,
		dir->rel, how->flags & ~O_NOFOLLOW, mode);
	return fd < 0 ? verdict_value(fd)
		      : verdict_object(fd, how->flags & O_CLOEXEC);
}

static bool is_owner(struct request *rq, const struct place *p)
{
	const struct vu_who *who = vu_who(&rq->ctx);
	struct stat st;

	if (fstat(p->fd, &st))
		return false;
	layered_tell(rq->version, &st);
	return who->uid == st.st_uid || who->caps >> CAP_FOWNER & 1;
}

static int own_access(struct request *rq, const struct open_how *how,
		      const struct place *p)
{
	int err;

	if (!place_has_own_access(p))
		return 0;
	err = place_access(rq, p, access_mask(how));
	if (!err && (how->flags & O_NOATIME) && !is_owner(rq, p))
		err = -EPERM;
	return err;
}

/*
 * A FIFO or the like, which the guest opens itself. It may wait there for long:
 * what its number will be is guessed, as in open_path().
 */
static struct verdict open_special(struct request *rq,
				   const struct open_how *how,
				   const struct place *p)
{
	int err = own_access(rq, how, p);

	if (err)
		return verdict_value(err);
	if (p->mount->id && !mount_layered(p->mount))
		note_number(rq, p, (struct file_id){ 0 },
			    lowest_free(rq->call->tid));
	return call_by_real_name(rq);
}

static struct verdict open_existing(struct request *rq, struct open_how *how)
{
	struct found *f = &rq->found[0];
	int fd, err = check_existing(rq, how, f);
	mode_t mode = how->mode;

	if (err)
		return verdict_value(err);
	if (made(&f->obj))
		return open_made(rq, how, &f->obj);
	fd = procfs_open(rq, &f->obj, how->flags);
	if (fd != -ENOSYS)
		return fd < 0 ? verdict_value(fd)
			      : verdict_object(fd, how->flags & O_CLOEXEC);
	if (how->flags & O_PATH)
		return open_path(rq, how, &f->obj);
	if (opened_by_module(rq, how, &f->obj))
		return open_layered(rq, how, &f->obj);
	if (!ours_to_open(f->obj.mode))
		return open_special(rq, how, &f->obj);
	if (makes_tmpfile(how) && mount_layered(f->obj.mount))
		return tmpfile_layered(rq, how, &f->obj);
	if (makes_tmpfile(how)) {
		err = masked_mode(rq, &f->obj, &mode);
		if (err)
			return verdict_value(err);
		how->mode = mode;
	}
	if (too_large(rq, how, &f->obj))
		return verdict_value(-EOVERFLOW);
	err = own_access(rq, how, &f->obj);
	if (err)
		return verdict_value(err);
	fd = reopen(&f->obj, how);
	/* what is told, and not what the kernel knows, decides */
	if (fd == -EACCES && place_has_own_access(&f->obj) && !makes_tmpfile(how))
		return open_layered(rq, how, &f->obj);
	if (fd < 0)
		return verdict_value(fd);
	return makes_tmpfile(how) ?
	       hand_out_new(rq, fd, how->flags, f->obj.mount) :
	       hand_out(rq, fd, how->flags, &f->obj);
}

/*
 * Open a regular file or directory that is only seen yet. Where there is
 * more to it (a symlink on the way, a lease to wait for, a mount that
 * forbids it), it is walked to once more, and opened by its descriptor.
 */
static struct verdict open_seen(struct request *rq, struct open_how *how)
{
	struct found *f = &rq->found[0];
	int fd = -ELOOP;	/* as if there were a symlink */

	if (!wants_write(how) || (!layered_rdonly(rq->version, f->obj.mount) &&
				  !mount_layered(f->obj.mount)))
		fd = open_late(f, how);
	if (fd >= 0)
		return hand_out(rq, fd, how->flags, &f->obj);
	if (fd != -ELOOP && fd != -EAGAIN)
		return verdict_value(fd);
	if (operand_settle(rq, 0) || f->error)
		return verdict_value(rq->error[0] ?: f->error);
	return open_existing(rq, how);
}

/* Make a file and open it, whatever its mode says. Return: descriptor */
static int make_and_open(struct request *rq, const struct open_how *how,
			 struct mount *m, const char *rel, mode_t mode)
{
	const struct vu_fs_ops *ops = module_fs(m->module);
	unsigned flags = how->flags & ~(O_CREAT | O_NOFOLLOW);
	int err;

	if (ops->create)
		return ops->create(&rq->ctx, &m->pub, rel, flags, mode);
	flags &= ~O_EXCL;
	err = ops->mknod(&rq->ctx, &m->pub, rel, S_IFREG | mode, 0);
	return err ?: ops->open(&rq->ctx, &m->pub, rel, flags);
}

static struct verdict create_made(struct request *rq,
				  const struct open_how *how,
				  const struct found *f, mode_t mode)
{
	struct mount *m = f->dir.mount;
	struct place obj = NOWHERE;
	struct verdict v;
	char rel[PATH_MAX];
	int fd, err;

	if ((size_t)snprintf(rel, sizeof(rel), "%s%s%s", f->dir.rel,
			     *f->dir.rel ? "/" : "", f->name) >= sizeof(rel))
		return verdict_value(-ENAMETOOLONG);
	fd = make_and_open(rq, how, m, rel, mode);
	if (fd < 0)
		return verdict_value(fd);
	if (mount_layered(m))
		return hand_out_new(rq, fd, how->flags, m);
	err = served_place(&rq->walker, m, strdup(rel), &obj);
	if (err || !made(&obj)) {
		v = err ? verdict_value(err) :
		    hand_out(rq, fd, how->flags, &obj);
		if (err)
			close(fd);
	} else {
		v = hand_out_made(rq, fd, how->flags, &obj);
	}
	place_drop(&obj);
	return v;
}

/* Numbers below limit that the caller has in use. */
static rlim_t numbers_used(pid_t tid, rlim_t limit)
{
	DIR *d = procfd_opendir(tid);
	struct dirent *e;
	rlim_t used = 0;

	while (d && (e = readdir(d)))
		used += e->d_name[0] != '.' && strtoul(e->d_name, NULL, 10) < limit;
	if (d)
		closedir(d);
	return used;
}

/*
 * Will the caller have a number for the descriptor? If not, nothing may be
 * made or cut off. While the last number is free there is no need to count.
 */
static bool has_room(const struct request *rq)
{
	pid_t tid = rq->call->tid;
	struct rlimit limit;
	char text[8];

	if (prlimit(tid, RLIMIT_NOFILE, NULL, &limit))
		return true;
	if (limit.rlim_cur && procfd_readlink(tid, (int)limit.rlim_cur - 1, text,
					      sizeof(text)) < 0)
		return true;
	return numbers_used(tid, limit.rlim_cur) < limit.rlim_cur;
}

static struct verdict create(struct request *rq, const struct open_how *how)
{
	const struct found *f = &rq->found[0];
	mode_t mode = how->mode & 07777;
	struct open_how real = { .resolve = RESOLVE_NO_SYMLINKS };
	int fd, err;

	if (f->slash)
		return verdict_value(-EISDIR);
	if (f->point)			/* a hidden name cannot be made */
		return verdict_value(-EACCES);
	if (layered_rdonly(rq->version, f->dir.mount))
		return verdict_value(-EROFS);
	err = masked_mode(rq, &f->dir, &mode);
	if (err)
		return verdict_value(err);
	if (module_changes(&f->dir))
		return create_made(rq, how, f, mode);
	real.flags = (how->flags & OPEN_FLAGS) | O_CLOEXEC | O_NONBLOCK;
	real.mode = mode;
	fd = syscall(SYS_openat2, f->dir.fd, f->name, &real, sizeof(real));
	if (fd < 0)
		return verdict_value(-errno);
	if (!(how->flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, (int)how->flags & ~O_NONBLOCK);
	return hand_out_new(rq, fd, how->flags, f->dir.mount);
}

struct verdict call_open(struct request *rq)
{
	struct found *f = &rq->found[0];
	struct open_how how;
	int err = operand_open_how(rq, &how);

	if (err)
		return verdict_native();
	if (how.resolve & RESOLVE_CACHED)
		return verdict_value(-EAGAIN);
	if ((f->error || rq->error[0] || (how.flags & (O_CREAT | O_TRUNC))) &&
	    !has_room(rq))
		return verdict_value(-EMFILE);
	/* that no directory can be made so is said before it is followed */
	if (rq->error[0] && (how.flags & O_CREAT) && f->dir.mount &&
	    rq->path[0][strlen(rq->path[0]) - 1] == '/')
		return verdict_value(-EISDIR);
	if (rq->error[0])
		return verdict_value(rq->error[0]);
	if (f->dir.unnamed)
		return verdict_value(-ENOENT);
	if (f->late)
		return open_seen(rq, &how);
	if (!f->error)
		return open_existing(rq, &how);
	if (!(how.flags & O_CREAT))
		return verdict_value(f->error);
	return create(rq, &how);
}
