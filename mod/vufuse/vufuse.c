/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vufuse: FUSE programs mount in a view, for anyone, without the kernel.
 *
 * Theory of operation
 *
 * Loading the module puts three things into the view: a /dev/fuse, whose
 * opener gets a socket (device.c), and over fusermount and fusermount3,
 * which are set-user-id programs and gain nothing here, a program of ours
 * that mounts by mount(2). So a FUSE program, unmodified, opens, mounts and
 * serves; the kernel's side of the protocol is spoken by us at the other end
 * of the socket:
 *
 *	conn.c		one request, one answer; whatever the server does
 *	requests.c ...	each request of the protocol, and what may be answered
 *	tree.c		names and attributes, as long as the server allows
 *	content.c	the content of a file: a memfd that guests really have
 *	opened.c	which of them are open, and how they are stored
 *	served.c, change.c	the operations of a mount, out of these
 *	keeper.c	looks after each mount once a second
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "mod/vufuse/carrier.h"
#include "mod/vufuse/fs.h"
#include "mod/vufuse/opened.h"

enum {
	NODES_KEPT = 100000,
	LAST_MS = 10000,	/* for each request when all is at its end */
	FUSE_MINOR = 229,
	MISC_MAJOR = 10,
};

static const char device_type[] = "vufusedev";
static const char program_type[] = "vufuseprog";

enum via { VIA_NONE, VIA_AUTO, VIA_CARRIER, VIA_CACHE };

static enum via via_default = VIA_AUTO;		/* set by vufuse_init() */

static enum via via_named(const char *word)
{
	static const char *const name[] = {
		[VIA_AUTO] = "auto", [VIA_CARRIER] = "carrier",
		[VIA_CACHE] = "cache",
	};

	for (enum via v = VIA_AUTO; v <= VIA_CACHE; v++)
		if (!strcmp(word, name[v]))
			return v;
	return VIA_NONE;
}

/* What kind of mount is it? Only file systems have a priv. */
static bool is_device(const struct vu_mount *m)
{
	return !strcmp(m->type, device_type);
}

/* --- mounting --- */

static void fs_free(struct fs *fs)
{
	if (fs->files) {
		opened_free_all(fs);
		free(fs->files);
	}
	if (fs->conn) {
		conn_end(fs->conn);
		if (fs->tree)
			tree_free(fs->tree);
		conn_put(fs->conn);
	}
	for (int i = 0; i < FS_NAMES; i++)
		pthread_mutex_destroy(&fs->names[i]);
	pthread_mutex_destroy(&fs->lock);
	free(fs);
}

static void stale_node(void *arg, uint64_t node, int64_t off, int64_t len)
{
	struct fs *fs = arg;

	(void)off, (void)len;
	tree_stale_id(fs->tree, node);
}

static void stale_entry(void *arg, uint64_t dir, const char *name)
{
	struct fs *fs = arg;

	tree_stale_entry(fs->tree, dir, name);
}

static const struct conn_listener listener = {
	.stale_node = stale_node, .stale_entry = stale_entry,
};

static struct fs *fs_new(const struct fs_options *o, struct conn *c)
{
	struct fs *fs = calloc(1, sizeof(*fs));

	if (!fs) {
		conn_put(c);
		return NULL;
	}
	pthread_mutex_init(&fs->lock, NULL);
	for (int i = 0; i < FS_NAMES; i++)
		pthread_mutex_init(&fs->names[i], NULL);
	fs->opt = *o;
	fs->conn = c;
	fs->pool = keeper_pool();
	fs->fresh = true;
	fs->files = calloc(1, sizeof(*fs->files));
	fs->tree = tree_new(c, o->rootmode, NODES_KEPT);
	if (!fs->files || !fs->tree) {
		free(fs->files);
		fs->files = NULL;
		fs_free(fs);
		return NULL;
	}
	TAILQ_INIT(&fs->files->list);
	conn_listen(c, &listener, fs);
	return fs;
}

static bool is_kernels_device(const struct stat *st)
{
	return S_ISCHR(st->st_mode) &&
	       st->st_rdev == makedev(MISC_MAJOR, FUSE_MINOR);
}

/*
 * What the caller has opened as /dev/fuse: ours (*c is its connection), or
 * the kernel's, if the module was not loaded yet (*c is NULL).
 */
static int check_device(struct vu_ctx *ctx, int fd, struct conn **c,
			ino_t *ino, struct vu_message *msg)
{
	struct stat st;
	int err = vu_caller_fd(ctx, fd, &st);

	*c = err ? NULL : device_find(&st);
	*ino = st.st_ino;
	if (*c || (!err && is_kernels_device(&st)))
		return 0;
	vu_message_set(msg, "fuse: fd=%d: not an open /dev/fuse of this view "
		       "that is not mounted yet", fd);
	return -EINVAL;
}

/* Serve the mount from our own cache. */
static int mount_cache(struct vu_ctx *ctx, struct vu_mount *m,
		       const struct fs_options *o, struct conn *device,
		       ino_t socket)
{
	struct conn *c = device ? conn_get(device) :
			 device_replace(ctx, o->fd, &socket);
	struct fs *fs = c ? fs_new(o, c) : NULL;
	int err;

	if (!fs)
		return c ? -ENOMEM : -EPERM;
	err = keeper_start(fs);
	if (!err)
		err = conn_start(c, o->uid, o->gid, o->max_read);
	if (err) {
		keeper_stop(fs);
		fs_free(fs);
		return err;
	}
	fs->socket = socket;
	m->priv = fs;
	m->flags |= VU_MOUNT_OWN_ACCESS;
	m->how = "via=cache";
	return 0;
}

/* Where the descriptors come from: what the module, or the caller, says. */
static enum via chosen_via(struct vu_ctx *ctx, struct vu_message *msg)
{
	char word[16];
	int err = vu_caller_env(ctx, "VU_VIA", word, sizeof(word));
	enum via via = err ? via_default : via_named(word);

	if (via == VIA_NONE)
		vu_message_set(msg, "fuse: VU_VIA=%s: neither carrier nor "
			       "cache nor auto", word);
	return via;
}

static int mount_via(enum via via, struct vu_ctx *ctx, struct vu_mount *m,
		     const struct fs_options *o, struct conn *c, ino_t socket,
		     struct vu_message *msg)
{
	int err;

	if (via == VIA_CACHE || (via == VIA_AUTO && !carrier_suits()))
		return mount_cache(ctx, m, o, c, socket);
	err = carrier_mount(ctx, m, o, msg);
	if (!err || via == VIA_CARRIER)
		return err;
	msg->text[0] = '\0';
	return mount_cache(ctx, m, o, c, socket);
}

static int mount_fs(struct vu_ctx *ctx, struct vu_mount *m,
		    struct vu_message *msg)
{
	enum via via = chosen_via(ctx, msg);
	struct fs_options o;
	struct conn *c;
	ino_t socket;
	int err = fs_options_parse(m->options, &o, msg);

	if (err || via == VIA_NONE)
		return err ?: -EINVAL;
	err = check_device(ctx, o.fd, &c, &socket, msg);
	if (err)
		return err;
	err = mount_via(via, ctx, m, &o, c, socket, msg);
	if (c && !err)
		device_mounted(c);
	if (c)
		conn_put(c);
	return err;
}

/* --- what loading mounts --- */

/* Our program is beside the module: lib/vu/vufuse.so, bin/vu_fusermount. */
static int mount_program(struct vu_mount *m, struct vu_message *msg)
{
	char path[PATH_MAX];
	const char *slash;
	Dl_info info;

	if (!dladdr(device_type, &info) ||
	    !(slash = strrchr(info.dli_fname, '/')))
		return -ENOENT;
	snprintf(path, sizeof(path), "%.*s/../../bin/vu_fusermount",
		 (int)(slash - info.dli_fname), info.dli_fname);
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
		return m->priv || carrier_is(m) ? 0 : -EINVAL;
	if (is_device(m))
		return 0;
	if (!strcmp(m->type, program_type))
		return mount_program(m, msg);
	return mount_fs(ctx, m, msg);
}

static void vufuse_umount(struct vu_mount *m)
{
	struct fs *fs = m->priv;

	if (!fs)
		return;
	conn_hurry(fs->conn, LAST_MS);
	keeper_stop(fs);
	if (conn_state(fs->conn) == CONN_READY)
		opened_store_last(fs, m->target);
	fs_free(fs);
}

/* --- the device beside the file systems --- */

static int lookup(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		  struct vu_node *node)
{
	if (!is_device(m))
		return served_lookup(ctx, m, path, node);
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
	return is_device(m) ? lookup(ctx, m, path, node) :
	       served_find(ctx, m, path, node);
}

static int open_either(struct vu_ctx *ctx, struct vu_mount *m,
		       const char *path, int flags)
{
	return is_device(m) ? device_open() :
	       opened_open(ctx, m, path, flags);
}

static int sync_either(struct vu_ctx *ctx, struct vu_mount *m, const char *path)
{
	return is_device(m) ? 0 : opened_sync(ctx, m, path);
}

static bool busy_either(struct vu_mount *m)
{
	return !is_device(m) && opened_busy(m);
}

/* Who has not said anything yet is known by the socket he has. */
static bool has_socket(pid_t pid, ino_t ino)
{
	char name[32];
	struct dirent *e;
	struct stat st;
	bool found = false;
	DIR *d;

	snprintf(name, sizeof(name), "/proc/%d/fd", pid);
	d = opendir(name);
	while (d && !found && (e = readdir(d)))
		found = e->d_name[0] != '.' &&
			!fstatat(dirfd(d), e->d_name, &st, 0) &&
			S_ISSOCK(st.st_mode) && st.st_ino == ino;
	if (d)
		closedir(d);
	return found;
}

static int serves_either(struct vu_mount *m, pid_t pid)
{
	pid_t server;

	if (carrier_is(m))
		return carrier_serves(pid);
	if (!m->priv)
		return -1;
	/* its first word may not have been read yet */
	if (!conn_server(fs_of(m)->conn))
		conn_tick(fs_of(m)->conn);
	if (conn_state(fs_of(m)->conn) == CONN_DEAD)
		return -1;
	server = conn_server(fs_of(m)->conn);
	return pid && (server ? server == pid :
		       has_socket(pid, fs_of(m)->socket));
}

static void quit_either(struct vu_mount *m)
{
	if (carrier_is(m))
		carrier_quit(m);
	if (!m->priv)
		return;
	conn_hurry(fs_of(m)->conn, LAST_MS);
	if (conn_state(fs_of(m)->conn) == CONN_READY)
		opened_store_last(fs_of(m), m->target);
	conn_end(fs_of(m)->conn);
}

/* On the device every change is one of a file system that has none. */
#define UNLESS_DEVICE(m, call) (is_device(m) ? -EPERM : (call))

static int chmod_either(struct vu_ctx *ctx, struct vu_mount *m,
			const char *path, mode_t mode)
{
	return UNLESS_DEVICE(m, change_chmod(ctx, m, path, mode));
}

static int chown_either(struct vu_ctx *ctx, struct vu_mount *m,
			const char *path, uid_t uid, gid_t gid)
{
	return UNLESS_DEVICE(m, change_chown(ctx, m, path, uid, gid));
}

static int utimens_either(struct vu_ctx *ctx, struct vu_mount *m,
			  const char *path, const struct timespec times[2])
{
	return UNLESS_DEVICE(m, change_utimens(ctx, m, path, times));
}

static int truncate_either(struct vu_ctx *ctx, struct vu_mount *m,
			   const char *path, off_t size)
{
	return UNLESS_DEVICE(m, change_truncate(ctx, m, path, size));
}

static int statfs_either(struct vu_ctx *ctx, struct vu_mount *m,
			 const char *path, struct statfs *buf)
{
	return UNLESS_DEVICE(m, served_statfs(ctx, m, path, buf));
}

static ssize_t getxattr_either(struct vu_ctx *ctx, struct vu_mount *m,
			       const char *path, const char *name,
			       void *value, size_t size)
{
	if (is_device(m))
		return -EOPNOTSUPP;
	return served_getxattr(ctx, m, path, name, value, size);
}

static ssize_t listxattr_either(struct vu_ctx *ctx, struct vu_mount *m,
				const char *path, char *list, size_t size)
{
	return is_device(m) ? 0 : served_listxattr(ctx, m, path, list, size);
}

static int setxattr_either(struct vu_ctx *ctx, struct vu_mount *m,
			   const char *path, const char *name,
			   const void *value, size_t size, int flags)
{
	return UNLESS_DEVICE(m, change_setxattr(ctx, m, path, name, value,
						size, flags));
}

static int removexattr_either(struct vu_ctx *ctx, struct vu_mount *m,
			      const char *path, const char *name)
{
	return UNLESS_DEVICE(m, change_removexattr(ctx, m, path, name));
}

static ssize_t name_either(struct vu_ctx *ctx, struct vu_mount *m,
			   uint64_t number, char *buf, size_t size)
{
	if (is_device(m))
		return -ENOSYS;
	return served_name_of(ctx, m, number, buf, size);
}

/* What needs a directory is never asked of the device. */
static const struct vu_fs_ops ops = {
	.mount = vufuse_mount,
	.umount = vufuse_umount,
	.lookup = lookup,
	.find = find_either,
	.readlink = served_readlink,
	.open = open_either,
	.create = opened_create,
	.access = served_access,
	.name_of = name_either,
	.attr_of = served_attr_of,
	.sync = sync_either,
	.busy = busy_either,
	.serves = serves_either,
	.quit = quit_either,
	.readdir = served_readdir,
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
	{ .kind = VU_CLAIM_END },
};

static struct vu_loaded_mount mounts[] = {
	{ .type = device_type, .source = "vufuse", .target = "/dev/fuse" },
	{ .type = program_type, .source = "vufuse",
	  .target = "/usr/bin/fusermount3" },
	{ .type = program_type, .source = "vufuse",
	  .target = "/usr/bin/fusermount" },
	{ .type = NULL },
};

/* With FUSE 3 the older name is a link to the other: one mount is enough. */
static void choose_programs(void)
{
	char text[16];

	if (readlink(mounts[2].target, text, sizeof(text)) > 0)
		mounts[2].type = NULL;
}

static int vufuse_init(const char *options, struct vu_message *msg)
{
	via_default = VIA_AUTO;
	if (*options)
		via_default = strncmp(options, "via=", 4) ? VIA_NONE :
			      via_named(options + 4);
	if (via_default == VIA_NONE) {
		vu_message_set(msg, "vufuse: bad option %s (via=carrier, "
			       "via=cache or via=auto)", options);
		return -EINVAL;
	}
	choose_programs();
	return keeper_init();
}

static void vufuse_fini(void)
{
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
