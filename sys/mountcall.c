/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mount(2), umount2(2) and the new mount API.
 *
 * For a virtual root who binds a directory to another, or mounts the system's
 * /proc, a module does nearly the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "engine/memory.h"
#include "engine/rewrite.h"
#include "sys/handlers.h"
#include "sys/ids.h"
#include "sys/real.h"
#include "sys/state.h"
#include "sys/table.h"
#include "view/attach.h"
#include "view/registry.h"

#define DATA_MAX 4096		/* the kernel takes one page */
#define UMOUNT_FLAGS (MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW)

/* A string argument that may be NULL. 0 or -errno */
static int read_string(const struct request *rq, int arg, char *buf, size_t size)
{
	ssize_t n;

	buf[0] = '\0';
	if (!rq->call->arg[arg])
		return 0;
	n = guest_read_string(rq->call, rq->call->arg[arg], buf, size);
	return n < 0 ? n : 0;
}

/*
 * Put the kernel's name of a path into argument arg, where they differ.
 * Return: 1 it was changed, 0, or -errno of what is not there for us
 */
static int put_real_name(struct request *rq, struct rewrite *rw, int arg,
			 const char *path, unsigned walk_flags)
{
	char name[PATH_MAX];
	struct found f;
	ssize_t n = request_walk(rq, AT_FDCWD, path, walk_flags, &f);

	if (!n && !f.native && !f.error && f.obj.fd >= 0) {
		n = kernel_name_for(rq, &f.obj, name, sizeof(name));
		if (n >= 0)
			n = rewrite_string(rw, arg, name) ?: 1;
	} else if (f.native) {
		n = 0;		/* the kernel finds the same, or the same nothing */
	} else {
		n = n ?: f.error;
	}
	found_drop(&f);
	return n;
}

/* A call on the kernel's mounts: only its names may have to be ours. */
static struct verdict natively(struct request *rq, const char *source,
			       const char *target, unsigned walk_flags)
{
	struct rewrite *rw;
	struct verdict v;
	int changed = 0, target_arg = source ? 1 : 0;

	if (!rq->version->nmount)
		return verdict_native();
	rw = rewrite_new(rq->call);
	if (!rw)
		return verdict_value(-ENOMEM);
	/* the kernel looks for the source last, and not for all types */
	if (source && source[0] == '/')
		changed = put_real_name(rq, rw, 0, source, 0);
	if (changed < 0)
		changed = 0;
	if (target[0]) {
		int n = put_real_name(rq, rw, target_arg, target, walk_flags);

		changed = n < 0 ? n : changed + n;
	}
	if (changed <= 0) {
		rewrite_free(rw);
		return changed ? verdict_value(changed) : verdict_native();
	}
	v = verdict_rewritten(rw);
	v.value = -EPERM;
	return v;
}

/*
 * Would the kernel have another name for what a layered mount leaves as it is,
 * in a place where the view does not know it?
 */
static bool shows_layered(struct request *rq, const struct mount_request *req)
{
	char top[PATH_MAX], name[PATH_MAX];
	bool shown = false;
	struct found f;
	ssize_t n, k;

	if (!rq->version->nlayered || !(req->flags & (MS_BIND | MS_MOVE)) ||
	    (req->flags & MS_REMOUNT))
		return false;
	n = request_walk(rq, AT_FDCWD, req->source, 0, &f) ?: f.error;
	if (!n && f.obj.fd >= 0)
		n = kernel_name(f.obj.fd, top, sizeof(top));
	shown = n < 0 || mount_layered(f.obj.mount);
	for (size_t i = 0; i < rq->version->nmount && !shown; i++) {
		const struct mount *m = rq->version->mount[i];

		if (!mount_layered(m))
			continue;
		k = kernel_name(m->pub.root, name, sizeof(name));
		shown = k < 0 || n <= 1 || (k >= n && !strncmp(name, top, n) &&
					    (!name[n] || name[n] == '/'));
	}
	found_drop(&f);
	return shown;
}

/* --- what root does, and the kernel would not have a user do --- */

#define STAND_IN "vufs"		/* whose mounts are as bind mounts are */

static bool is_virtual_root(struct request *rq)
{
	return ids_of_user(rq) && ids_allow(rq, CAP_SYS_ADMIN) &&
	       module_has_type(STAND_IN);
}

/* File systems of which there is only one to have: where it is mounted. */
static const char *mounted_already(const char *type)
{
	static const char *const known[][2] = {
		{ "proc", "/proc" }, { "sysfs", "/sys" },
		{ "devtmpfs", "/dev" }, { "devpts", "/dev/pts" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(type, known[i][0]))
			return known[i][1];
	return NULL;
}

/* The system's own directory at the target, whatever the caller's root is. */
static int mount_systems(struct request *rq, struct mount_request *req)
{
	struct place own = rq->root;
	struct message msg = { "" };
	char target[PATH_MAX];
	struct found f;
	ssize_t n = request_walk(rq, AT_FDCWD, req->target, 0, &f);

	if (!n)
		n = f.error ?: place_name(&f.obj, NULL, target, sizeof(target));
	found_drop(&f);
	if (n < 0)
		return n;
	req->target = target;
	rq->root = place_borrow(&mount_base()->root);
	rq->walker.root_agrees = true;
	n = request_mount(rq, req, &msg);
	rq->root = own;
	rq->walker.root_agrees = rq->root_agrees;
	return n;
}

/* Return: 0, -errno, or -ENOSYS: it is the kernel's affair */
static int mount_instead(struct request *rq, const struct mount_request *req)
{
	const unsigned long private = MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
	struct mount_request own = *req;
	struct message msg = { "" };
	const char *where = mounted_already(req->type);

	if (req->flags & (MS_REMOUNT | MS_MOVE | MS_SHARED) ||
	    !(where || req->flags & (MS_BIND | private)) ||
	    !is_virtual_root(rq))
		return -ENOSYS;
	own.type = STAND_IN;
	own.options = "";
	if (req->flags & MS_BIND) {
		own.flags = 0;		/* as the kernel does */
		return request_mount(rq, &own, &msg);
	}
	if (!where)
		return 0;		/* a view's mounts are nobody else's */
	own.source = where;
	own.flags = req->flags & MS_RDONLY;
	return mount_systems(rq, &own);
}

static bool is_our_mount(struct request *rq, const char *target)
{
	struct mount *m;

	if (!rq->version->nmount)
		return false;
	if (request_start_cwd(rq) || view_mounted_at(&rq->ctx, target, &m))
		return false;
	mount_put(m);
	return true;
}

struct verdict call_mount(struct request *rq)
{
	char source[PATH_MAX], type[256], *data;
	struct mount_request req = { .source = source, .type = type,
				     .target = rq->path[0],
				     .flags = rq->call->arg[3] };
	struct message msg = { "" };
	struct verdict v;
	int err;

	if (read_string(rq, 0, source, sizeof(source)) ||
	    read_string(rq, 1, rq->path[0], sizeof(rq->path[0])) ||
	    read_string(rq, 2, type, sizeof(type)))
		return rq->version->nlayered ? verdict_value(-EFAULT)
					     : verdict_native();
	err = module_has_type(type) ? -ENOSYS : mount_instead(rq, &req);
	if (err != -ENOSYS)
		return verdict_value(err);
	if (!module_has_type(type) && !((req.flags & MS_REMOUNT) &&
			     is_our_mount(rq, rq->path[0])) &&
	    shows_layered(rq, &req))
		return verdict_value(-EPERM);
	if (!module_has_type(type) && !((req.flags & MS_REMOUNT) &&
			     is_our_mount(rq, rq->path[0])))
		return natively(rq, source, rq->path[0], 0);
	data = malloc(DATA_MAX);
	if (!data)
		return verdict_value(-ENOMEM);
	err = read_string(rq, 4, data, DATA_MAX);
	req.options = data;
	v = verdict_value(err ?: request_mount(rq, &req, &msg));
	free(data);
	return v;
}

struct verdict call_umount(struct request *rq)
{
	struct message msg = { "" };

	if (!rq->version->nmount || (uint32_t)rq->call->arg[1] & ~UMOUNT_FLAGS ||
	    read_string(rq, 0, rq->path[0], sizeof(rq->path[0])))
		return verdict_native();
	if (is_our_mount(rq, rq->path[0]))
		return verdict_value(request_umount(rq, rq->path[0],
						    (int)rq->call->arg[1],
						    &msg));
	if (server_departed(rq->sys, request_tgid(rq), rq->path[0], NULL))
		return verdict_value(0);
	return natively(rq, NULL, rq->path[0],
				rq->call->arg[1] & UMOUNT_NOFOLLOW ?
				WALK_NOFOLLOW : 0);
}

/* i386's umount(2), before there were flags. */
struct verdict call_oldumount(struct request *rq)
{
	const struct call *outer = rq->call;
	struct call inner = *outer;
	struct verdict v;

	inner.nr = row_number("umount2", outer->abi);
	inner.arg[1] = 0;
	rq->call = &inner;
	v = call_umount(rq);
	rq->call = outer;
	return v;
}

static void see_module(void *any, const struct module_info *info)
{
	(void)info;
	*(bool *)any = true;
}

static bool may_have_mounts(const struct request *rq)
{
	bool any = rq->version->nmount != 0;

	if (!any)
		module_each(see_module, &any);
	return any;
}

/*
 * fsopen and its family work on kernel mounts by descriptor and know
 * nothing of a view. Where a view has something to say, tools are sent back
 * to mount(2), as on a kernel that is too old.
 */
struct verdict call_new_mount_api(struct request *rq)
{
	return may_have_mounts(rq) ? verdict_value(-ENOSYS) : verdict_native();
}

/*
 * Who locks itself in does so in the kernel, and it is us who go to the files
 * of a mount: it would believe in a lock that is none. So it is told that the
 * kernel was started without.
 */
struct verdict call_landlock(struct request *rq)
{
	return may_have_mounts(rq) ? verdict_value(-EOPNOTSUPP)
				   : verdict_native();
}
