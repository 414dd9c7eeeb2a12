/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vufuse: FUSE programs mount in a view, for anyone, without the kernel.
 *
 * Theory of operation
 *
 * Loading the module puts into the view a /dev/fuse, whose opener gets a
 * socket (device.c), over fusermount and fusermount3, which are set-user-id
 * programs and gain nothing here, a program of ours that mounts by mount(2),
 * and helpers for mount(8) (helpers.c). So a FUSE program, unmodified, opens, mounts and
 * serves; the kernel's side of the protocol is spoken by us at the other end
 * of the socket:
 *
 *	conn.c		one request, one answer; whatever the server does
 *	requests.c ...	each request of the protocol, and what may be answered
 *	tree.c		names and attributes, as long as the server allows
 *	content.c	the content of a file: a memfd that guests really have
 *	opened.c	which of them are open, and how they are stored
 *	mounting.c, carrier.c	mount(2), and the end of a mount
 *	served.c, change.c	the operations of a mount, out of these
 *	room.c		whether there is room for it
 *	keeper.c	looks after each mount once a second
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "mod/vufuse/carrier.h"
#include "mod/vufuse/fs.h"
#include "mod/vufuse/helpers.h"
#include "mod/vufuse/mounting.h"

static const char device_type[] = "vufusedev";
static const char program_type[] = "vufuseprog";
static const char helpers_type[] = "vufusehelp";

/* Is it one that loading has made? Only file systems have a priv. */
static bool is_ours(const struct vu_mount *m)
{
	return !m->priv;
}

static bool is_device(const struct vu_mount *m)
{
	return !strcmp(m->type, device_type);
}

/* --- what loading mounts --- */

static int mount_program(struct vu_mount *m, struct vu_message *msg)
{
	char path[PATH_MAX];
	int err = helpers_program("vu_fusermount", path, sizeof(path));

	if (err)
		return err;
	m->root = open(path, O_PATH | O_CLOEXEC);
	if (m->root >= 0)
		return 0;
	vu_message_set(msg, "vufuse: %s: %s", path, strerror(errno));
	return -errno;
}

static int vufuse_mount(struct vu_ctx *ctx, struct vu_mount *m, bool remount,
			struct vu_message *msg)
{
	if (remount)
		return m->priv ? mounting_remount(ctx, m, msg) : -EINVAL;
	m->flags |= VU_MOUNT_ALONE;
	if (is_device(m))
		return 0;
	if (!strcmp(m->type, helpers_type)) {
		m->flags |= VU_MOUNT_RDONLY;
		return 0;
	}
	if (!strcmp(m->type, program_type))
		return mount_program(m, msg);
	return mounting_mount(ctx, m, msg);
}

/* --- the device and the helpers beside the file systems --- */

static int lookup(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		  struct vu_node *node)
{
	if (!is_ours(m))
		return served_lookup(ctx, m, path, node);
	if (!is_device(m))
		return helpers_lookup(path, node);
	if (*path)
		return -ENOTDIR;
	node->kind = VU_NODE_MADE;
	node->attr.st_mode = S_IFCHR | 0666;
	node->attr.st_rdev = makedev(MISC_MAJOR, FUSE_MINOR);
	return 0;
}

static int find_either(struct vu_ctx *ctx, struct vu_mount *m,
		       const char *path, struct vu_node *node)
{
	return is_ours(m) ? lookup(ctx, m, path, node) :
	       served_find(ctx, m, path, node);
}

static ssize_t readlink_either(struct vu_ctx *ctx, struct vu_mount *m,
			       const char *path, char *buf, size_t size)
{
	return is_ours(m) ? helpers_readlink(path, buf, size) :
	       served_readlink(ctx, m, path, buf, size);
}

static int readdir_either(struct vu_ctx *ctx, struct vu_mount *m,
			  const char *path, struct vu_dir *dir)
{
	return is_ours(m) ? 0 : served_readdir(ctx, m, path, dir);
}

static int open_either(struct vu_ctx *ctx, struct vu_mount *m,
		       const char *path, int flags)
{
	return is_ours(m) ? device_open() :
	       opened_open(ctx, m, path, flags);
}

static int sync_either(struct vu_ctx *ctx, struct vu_mount *m, const char *path)
{
	return is_ours(m) ? 0 : opened_sync(ctx, m, path);
}

static int allocate_either(struct vu_ctx *ctx, struct vu_mount *m,
			   const char *path, off_t off, off_t len)
{
	return is_ours(m) ? 0 : room_allocate(ctx, m, path, off, len);
}

static bool busy_either(struct vu_mount *m)
{
	return !is_ours(m) && opened_busy(m);
}

/* On ours every change is one of a file system that has none. */
#define UNLESS_OURS(m, call) (is_ours(m) ? -EPERM : (call))

static int chmod_either(struct vu_ctx *ctx, struct vu_mount *m,
			const char *path, mode_t mode)
{
	return UNLESS_OURS(m, change_chmod(ctx, m, path, mode));
}

static int chown_either(struct vu_ctx *ctx, struct vu_mount *m,
			const char *path, uid_t uid, gid_t gid)
{
	return UNLESS_OURS(m, change_chown(ctx, m, path, uid, gid));
}

static int utimens_either(struct vu_ctx *ctx, struct vu_mount *m,
			  const char *path, const struct timespec times[2])
{
	return UNLESS_OURS(m, change_utimens(ctx, m, path, times));
}

static int truncate_either(struct vu_ctx *ctx, struct vu_mount *m,
			   const char *path, off_t size)
{
	return UNLESS_OURS(m, change_truncate(ctx, m, path, size));
}

static int statfs_either(struct vu_ctx *ctx, struct vu_mount *m,
			 const char *path, struct statfs *buf)
{
	if (!is_ours(m))
		return served_statfs(ctx, m, path, buf);
	*buf = (struct statfs){
		.f_type = PROC_SUPER_MAGIC, .f_namelen = NAME_MAX,
		.f_bsize = sysconf(_SC_PAGESIZE),
	};
	return 0;
}

static ssize_t getxattr_either(struct vu_ctx *ctx, struct vu_mount *m,
			       const char *path, const char *name,
			       void *value, size_t size)
{
	if (is_ours(m))
		return -EOPNOTSUPP;
	return served_getxattr(ctx, m, path, name, value, size);
}

static ssize_t listxattr_either(struct vu_ctx *ctx, struct vu_mount *m,
				const char *path, char *list, size_t size)
{
	return is_ours(m) ? 0 : served_listxattr(ctx, m, path, list, size);
}

static int setxattr_either(struct vu_ctx *ctx, struct vu_mount *m,
			   const char *path, const char *name,
			   const void *value, size_t size, int flags)
{
	return UNLESS_OURS(m, change_setxattr(ctx, m, path, name, value,
						size, flags));
}

static int removexattr_either(struct vu_ctx *ctx, struct vu_mount *m,
			      const char *path, const char *name)
{
	return UNLESS_OURS(m, change_removexattr(ctx, m, path, name));
}

static ssize_t name_either(struct vu_ctx *ctx, struct vu_mount *m,
			   uint64_t number, char *buf, size_t size)
{
	if (is_ours(m))
		return -ENOSYS;
	return served_name_of(ctx, m, number, buf, size);
}

/*
 * What needs a directory is never asked of the device, nor a change of the
 * helpers, which are read-only.
 */
static const struct vu_fs_ops ops = {
	.mount = vufuse_mount,
	.umount = mounting_umount,
	.lookup = lookup,
	.find = find_either,
	.readlink = readlink_either,
	.open = open_either,
	.create = opened_create,
	.access = served_access,
	.name_of = name_either,
	.attr_of = served_attr_of,
	.sync = sync_either,
	.allocate = allocate_either,
	.busy = busy_either,
	.serves = mounting_serves,
	.quit = mounting_quit,
	.readdir = readdir_either,
	.mknod = change_mknod,
	.mkdir = change_mkdir,
	.symlink = change_symlink,
	.unlink = change_unlink,
	.rmdir = change_rmdir,
	.link = change_link,
	.rename = change_rename,
	.truncate = truncate_either,
	.chmod = chmod_either,
	.chown = chown_either,
	.utimens = utimens_either,
	.statfs = statfs_either,
	.getxattr = getxattr_either,
	.listxattr = listxattr_either,
	.setxattr = setxattr_either,
	.removexattr = removexattr_either,
};

/* --- the module --- */

static const struct vu_claim claims[] = {
	{ .kind = VU_CLAIM_FSTYPE, .name = "fuse" },
	{ .kind = VU_CLAIM_FSTYPE, .name = "fuse.*" },
	{ .kind = VU_CLAIM_FSTYPE, .name = "fuseblk" },
	{ .kind = VU_CLAIM_FSTYPE, .name = "fuseblk.*" },
	{ .kind = VU_CLAIM_FSTYPE, .name = device_type },
	{ .kind = VU_CLAIM_FSTYPE, .name = program_type },
	{ .kind = VU_CLAIM_FSTYPE, .name = helpers_type },
	{ .kind = VU_CLAIM_END },
};

enum { DEVICE, FUSERMOUNT3, FUSERMOUNT, HELPERS, MOUNTS };

static const struct vu_loaded_mount all_mounts[] = {
	[DEVICE] = { .type = device_type, .source = "vufuse",
		     .target = "/dev/fuse" },
	[FUSERMOUNT3] = { .type = program_type, .source = "vufuse",
			  .target = "/usr/bin/fusermount3" },
	[FUSERMOUNT] = { .type = program_type, .source = "vufuse",
			 .target = "/usr/bin/fusermount" },
	[HELPERS] = { .type = helpers_type, .source = "vufuse" },
};

static struct vu_loaded_mount mounts[MOUNTS + 1];	/* as here */

/* With FUSE 3 the older name is a link to the other: one mount is enough. */
static void choose_mounts(void)
{
	struct vu_loaded_mount *next = mounts;
	char text[16];

	*next++ = all_mounts[DEVICE];
	*next++ = all_mounts[FUSERMOUNT3];
	if (readlink(all_mounts[FUSERMOUNT].target, text, sizeof(text)) <= 0)
		*next++ = all_mounts[FUSERMOUNT];
	*next = all_mounts[HELPERS];
	next->target = helpers_place();
	if (!next->target)
		next->type = NULL;
}

static int vufuse_init(const char *options, struct vu_message *msg)
{
	int err = -EINVAL;

	if (!*options)
		err = mounting_via("auto");
	else if (!strncmp(options, "via=", 4))
		err = mounting_via(options + 4);
	if (err) {
		vu_message_set(msg, "vufuse: bad option %s (via=carrier, "
			       "via=cache or via=auto)", options);
		return err;
	}
	choose_mounts();
	return keeper_init();
}

static void vufuse_fini(void)
{
	mounting_fini();
	device_fini();
	keeper_fini();
}

const struct vu_module vu_module = {
	.version = VU_MODULE_VERSION,
	.name = "vufuse",
	.description = "file systems served by FUSE programs",
	.claims = claims,
	.init = vufuse_init,
	.fini = vufuse_fini,
	.fs = &ops,
	.mounts = mounts,
};
