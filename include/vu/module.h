/* SPDX-License-Identifier: MIT */
#ifndef VU_MODULE_H
#define VU_MODULE_H

/*
 * The contract between View-OS and its modules.
 *
 * A module is a shared object that exports one `const struct vu_module`
 * named vu_module. It claims names (a file-system type, a socket family, an
 * ioctl type, a call, an executable format) and the monitor asks it about
 * those names only. A module never parses a guest's arguments and never
 * sees a pid: it is handed copied, checked values and an explicit context.
 *
 * Rules that hold for every operation:
 * - Results are 0 (or what the operation says) on success, -errno on failure.
 * - Operations run on any thread, several at once; a module guards its own
 *   data. It may block: other guests are answered meanwhile.
 * - Strings and structures passed in are borrowed for the duration of the
 *   operation. Descriptors returned belong to the caller.
 * - A path is relative to the mount: "" is its root, else "a/b" without a
 *   leading slash, without ".", ".." or empty components. Each component is
 *   at most 255 bytes, the whole at most 4095.
 * - An operation that is NULL gets the shared default named beside it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/types.h>
#include <time.h>

/* Grows whenever this file changes in a way that a module can notice. */
#define VU_MODULE_VERSION 6

struct vu_ctx;			/* one request: who asks, in which view */
struct vu_dir;			/* a listing being filled */

/* A message for a person, set where an errno says too little. */
struct vu_message {
	char text[512];
};

/*
 * Who asks. Valid during one operation. These are the ids that the process
 * itself is told: they may be virtual, and then decide nothing in the kernel.
 */
struct vu_who {
	uid_t uid;		/* effective, of the file system */
	gid_t gid;
	mode_t umask;
	uint64_t caps;		/* effective, one bit for each CAP_ */
};

/* --- names a module can own --- */

enum vu_claim_kind {
	VU_CLAIM_END,		/* ends a table of claims */
	VU_CLAIM_FSTYPE,	/* name: a type of mount(2); "x.*": all of "x." */
	VU_CLAIM_FAMILY,	/* first..last: socket families */
	VU_CLAIM_IOCTL,		/* first..last: ioctl types, (request >> 8) & 0xff */
	VU_CLAIM_CALL,		/* first..last: call numbers the table notifies */
	VU_CLAIM_CLOCK,		/* first..last: clock ids */
	VU_CLAIM_EXEC,		/* name: extension, or NULL to be asked by magic */
};

struct vu_claim {
	enum vu_claim_kind kind;
	const char *name;
	unsigned first, last;
};

/* --- mounts --- */

enum vu_mount_flag {
	VU_MOUNT_RDONLY		= 1 << 0,	/* changes answer EROFS */
	VU_MOUNT_HIDE		= 1 << 1,	/* the name is not there: ENOENT */
	VU_MOUNT_PERMANENT	= 1 << 2,	/* cannot be unmounted */
	/*
	 * The module decides who may do what: by its access operation, and
	 * for opening a regular file by open itself.
	 */
	VU_MOUNT_OWN_ACCESS	= 1 << 3,
	/*
	 * root lies where guests have no way to by the kernel's names, and
	 * whoever serves it may have to be waited for.
	 */
	VU_MOUNT_APART		= 1 << 4,
	/*
	 * The module never looks from this mount at what was mounted before
	 * (vu_open() and its like), which need not be kept for that.
	 */
	VU_MOUNT_ALONE		= 1 << 5,
	/*
	 * Set by the monitor before the operation umount: somebody waits, for
	 * a while, until whoever serves the mount has finished with it.
	 */
	VU_MOUNT_AWAITED	= 1 << 6,
	/*
	 * The mount lies over the directory that its target was: root is
	 * that directory. Every node is REAL, some of them the kernel's own
	 * (same), others elsewhere. The monitor reads by itself what lookup
	 * gives; every change is asked of the module, by the operations that
	 * serve MADE nodes and by those of "layered mounts" below.
	 */
	VU_MOUNT_LAYERED	= 1 << 7,
	/* Set-id bits of programs in it give nobody virtual ids. */
	VU_MOUNT_NOSUID		= 1 << 8,
	/*
	 * A layered mount that takes the place of what was mounted inside of
	 * its target: it shows itself what older layered mounts there, and
	 * their exceptions, have shown. Other mounts show through it, and
	 * cannot be changed, if they are not in an exception of this one.
	 */
	VU_MOUNT_COVERS		= 1 << 9,
	/*
	 * A layered mount whose module tells the extended attributes of all
	 * objects: not of directories alone, as any layered mount's does.
	 */
	VU_MOUNT_OWN_XATTR	= 1 << 10,
};

/*
 * One mount, made by the monitor. The module may set flags, root and priv
 * in its mount operation; afterwards all is constant.
 */
struct vu_mount {
	const char *type;
	const char *source;	/* as the caller wrote it */
	const char *target;	/* canonical name in the view */
	const char *options;	/* never NULL */
	unsigned flags;		/* enum vu_mount_flag */
	/*
	 * Descriptor (O_PATH) of a real object that the mount shows as it
	 * is: the monitor then does everything itself and lookup may be
	 * NULL. -1: the module answers by lookup. Closed by the monitor.
	 */
	int root;		/* umount may close it itself, and make it -1 */
	void *priv;
	long seen_by;		/* uid of the only one to enter it; -1: all may */
	/*
	 * One more option to tell people of, or NULL. It stays readable when
	 * the module puts another in its place, which it does atomically.
	 */
	const char *how;
};

/* --- nodes --- */

enum vu_node_kind {
	VU_NODE_REAL,	/* fd is the object: the monitor works on it itself */
	VU_NODE_MADE,	/* computed: attr describes it, operations serve it */
};

/*
 * attr of a MADE node: st_mode with type; the monitor fills in st_dev,
 * st_ino, st_nlink and st_blksize where they are 0. It lets nobody open a
 * file that st_uid, st_gid and st_mode do not, unless the mount says
 * VU_MOUNT_OWN_ACCESS; who may search a directory is lookup's affair.
 */
struct vu_node {
	enum vu_node_kind kind;
	int fd;			/* REAL: O_PATH descriptor, given to the caller */
	struct stat attr;
	/*
	 * MADE: the module's own number of the node, by which the operations
	 * name_of and attr_of know what a guest has open when its name has
	 * changed or is gone. 0: none; then it is known by name alone.
	 */
	uint64_t number;
	/*
	 * REAL, in a layered mount: the kernel has this very object, with
	 * nothing else to tell of it, under the same name.
	 */
	bool same;
};

struct vu_fs_ops {
	/*
	 * A new mount: check m->source and m->options, set what is
	 * described at struct vu_mount. remount: m is a mount that exists
	 * and only its flags may change. On failure nothing may be left.
	 * Required.
	 */
	int (*mount)(struct vu_ctx *ctx, struct vu_mount *m, bool remount,
		     struct vu_message *msg);
	/* The last user of the mount is gone: free priv. Default: nothing. */
	void (*umount)(struct vu_mount *m);
	/*
	 * What is the node? -ENOENT when there is none. Default for a mount
	 * with a root: the real object below it. Required otherwise.
	 */
	int (*lookup)(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		      struct vu_node *node);
	/*
	 * The same for a name on the way to another: of a MADE node only the
	 * type, st_ino and number are needed. Default: lookup.
	 */
	int (*find)(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		    struct vu_node *node);
	/* Text of a MADE symbolic link. Return: length. Default: -EINVAL. */
	ssize_t (*readlink)(struct vu_ctx *ctx, struct vu_mount *m,
			    const char *path, char *buf, size_t size);
	/*
	 * Open a MADE file: a regular one, or a device. (A FIFO or a socket
	 * need not be served: the monitor does that.) Return: a real
	 * descriptor, the guest's own from now on. flags: as for open(2)
	 * without O_CREAT, O_EXCL, O_NOFOLLOW. Default: -EACCES.
	 */
	int (*open)(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		    int flags);
	/*
	 * Make a regular file (the umask is applied) and open it: flags as for
	 * open, and O_EXCL. If it is there after all, it is opened, or
	 * -EEXIST for O_EXCL. Default: mknod, then open.
	 */
	int (*create)(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		      int flags, mode_t mode);
	/*
	 * May the caller access it so (R_OK, W_OK, X_OK)? Asked with
	 * VU_MOUNT_OWN_ACCESS only. Of access(2) vu_who() tells the
	 * real ids. Default: it may.
	 */
	int (*access)(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		      int want);
	/*
	 * The name that a node has now, or its attributes even when it has
	 * none: number as lookup gave it. name_of returns the length.
	 * Defaults: -ENOSYS, it is known by the name it was opened by.
	 */
	ssize_t (*name_of)(struct vu_ctx *ctx, struct vu_mount *m,
			   uint64_t number, char *buf, size_t size);
	int (*attr_of)(struct vu_ctx *ctx, struct vu_mount *m, uint64_t number,
		       struct stat *attr);
	/*
	 * What guests have written is to be safe: of one node (path), or of
	 * the whole mount (NULL), as for fsync(2) and syncfs(2). ctx may be
	 * NULL: nobody in particular asks. Default: it is already.
	 */
	int (*sync)(struct vu_ctx *ctx, struct vu_mount *m, const char *path);
	/*
	 * There is to be room for these bytes of a regular file that a guest
	 * has open for writing, whose size does not change by that; the kernel
	 * then does what fallocate(2) means to what the guest has. -ENOSPC...
	 * Default: 0.
	 */
	int (*allocate)(struct vu_ctx *ctx, struct vu_mount *m,
			const char *path, off_t off, off_t len);
	/*
	 * Is something of the mount in use that the monitor does not know of?
	 * Asked before unmounting. Default: no.
	 */
	bool (*busy)(struct vu_mount *m);
	/*
	 * Is that process the guest that serves the mount, and that stays
	 * because of it? 1, 0, or -1: no guest serves it. Default: -1.
	 */
	int (*serves)(struct vu_mount *m, pid_t pid);
	/*
	 * The view is at its end: only servers are left. What guests have
	 * written is made safe, and whoever serves the mount is told to go.
	 * Default: nothing.
	 */
	void (*quit)(struct vu_mount *m);
	/*
	 * Names of a MADE directory, without "." and "..": vu_dir_add()
	 * each. Default: empty.
	 */
	int (*readdir)(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		       struct vu_dir *dir);
	/*
	 * Changes to MADE nodes, or in MADE directories. Defaults: -EROFS.
	 * mode of mknod and mkdir: the umask is already applied.
	 */
	int (*mknod)(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		     mode_t mode, dev_t dev);
	int (*mkdir)(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		     mode_t mode);
	int (*symlink)(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		       const char *text);
	int (*unlink)(struct vu_ctx *ctx, struct vu_mount *m, const char *path);
	int (*rmdir)(struct vu_ctx *ctx, struct vu_mount *m, const char *path);
	int (*link)(struct vu_ctx *ctx, struct vu_mount *m, const char *from,
		    const char *to);
	int (*rename)(struct vu_ctx *ctx, struct vu_mount *m, const char *from,
		      const char *to, unsigned flags);
	int (*truncate)(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
			off_t size);
	int (*chmod)(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		     mode_t mode);
	int (*chown)(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		     uid_t uid, gid_t gid);
	int (*utimens)(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		       const struct timespec times[2]);
	/* Default: the attributes of proc-like file systems, no space. */
	int (*statfs)(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		      struct statfs *buf);
	/* Defaults: -EOPNOTSUPP. */
	ssize_t (*getxattr)(struct vu_ctx *ctx, struct vu_mount *m,
			    const char *path, const char *name,
			    void *value, size_t size);
	ssize_t (*listxattr)(struct vu_ctx *ctx, struct vu_mount *m,
			     const char *path, char *list, size_t size);
	int (*setxattr)(struct vu_ctx *ctx, struct vu_mount *m,
			const char *path, const char *name,
			const void *value, size_t size, int flags);
	int (*removexattr)(struct vu_ctx *ctx, struct vu_mount *m,
			   const char *path, const char *name);
	/*
	 * --- layered mounts: all of these are required there ---
	 *
	 * There lookup fills node->attr.st_mode as it is to be told; open is
	 * asked when a file is opened for writing or to be cut (O_TRUNC), or
	 * when its type is another than the real one's; create with O_TMPFILE
	 * makes a file without a name in the directory path. Of a directory
	 * getxattr and listxattr are asked, too, and access (X_OK).
	 */
	/*
	 * May a component like this lead elsewhere than the kernel has it,
	 * in any directory of the mount? Asked for each: must be quick, and
	 * may say yes too often.
	 */
	bool (*touches)(struct vu_mount *m, const char *name, size_t len);
	/*
	 * The same as lookup, of a directory whose name has several
	 * components, if it can be said at once that each on the way is a
	 * directory, too, which the caller may search. Else any error: then
	 * they are looked up one by one.
	 */
	int (*descend)(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		       struct vu_node *node);
	/*
	 * The name in the mount of what the kernel calls so (absolute).
	 * Return: length; -ENOENT: it is hidden, or was removed; -EXDEV: not
	 * in the mount at all
	 */
	ssize_t (*name_here)(struct vu_mount *m, const char *kernel_name,
			     char *buf, size_t size);
	/*
	 * Is what the real directory of that name has, and what is below it,
	 * all that is seen there, but for names and numbers that were marked
	 * (vu_mark_name)? And may everybody search it, and all above? 0: no;
	 * 1; 2: but the kernel does not know who may read what. Until
	 * vu_changed() is said, or a directory renamed.
	 */
	int (*alone)(struct vu_ctx *ctx, struct vu_mount *m, const char *path);
	/*
	 * What is to be told of a real node, for which the kernel says *st.
	 * It is known by st_dev and st_ino alone, and may not be of this
	 * mount. Return: was anything changed?
	 */
	bool (*tell)(struct vu_mount *m, struct stat *st);
	/*
	 * How the listing of a directory differs from that of the real one:
	 * names (vu_dir_add) that it has not, and names not to be seen there.
	 * A name that is in both is told as added.
	 */
	int (*edits)(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		     struct vu_dir *added, struct vu_dir *hidden);
	/*
	 * The kernel itself will make the name (a socket is bound): which
	 * real directory is it to be made in? Checked as for mknod.
	 * Return: O_PATH descriptor or -errno
	 */
	int (*reserve)(struct vu_ctx *ctx, struct vu_mount *m, const char *path);
	/* Give a name to a file that has none: an O_TMPFILE of this mount. */
	int (*adopt)(struct vu_ctx *ctx, struct vu_mount *m, int fd,
		     const char *path);
};

/* --- the module --- */

/*
 * What a process is by its own account, beside what the kernel has for it.
 * The monitor does all of it, by the kernel's rules: see unrealuidgid(5).
 */
enum vu_keep {
	VU_KEEP_IDS	= 1 << 0,	/* user and group ids, groups */
	VU_KEEP_CAPS	= 1 << 1,	/* capabilities */
};

/*
 * A mount that loading makes. target is absolute; the rest is as in struct
 * vu_mount, and NULL there means "none" and "". It is made in the view of
 * whoever loads, or in the first one for umvu -m, when init has succeeded:
 * all of the table, in its order, or the module is not loaded.
 */
struct vu_loaded_mount {
	const char *type, *source, *target, *options;
	bool rdonly;
};

struct vu_module {
	unsigned version;		/* VU_MODULE_VERSION */
	const char *name;
	const char *description;	/* one line */
	const struct vu_claim *claims;	/* ends with VU_CLAIM_END */
	/*
	 * Loaded, with the text after "NAME," or "". Default: options are
	 * refused with -EINVAL.
	 */
	int (*init)(const char *options, struct vu_message *msg);
	/* About to be unloaded; no mount is left. Default: nothing. */
	void (*fini)(void);
	const struct vu_fs_ops *fs;	/* NULL: claims no FSTYPE */
	/*
	 * Made when somebody loads the module, not when a mount of its type
	 * does; ends with a NULL type. Unloading takes away what of it is
	 * still there, unless it is in use. Default: nothing.
	 */
	const struct vu_loaded_mount *mounts;
	/*
	 * What the monitor is to keep for each process, as long as the module
	 * is loaded; it needs no operation then. enum vu_keep, or-ed
	 */
	unsigned keeps;
};

/* --- what the monitor offers to modules --- */

/* Fill the operations that are NULL with their defaults. */
void vu_fs_borrow(struct vu_fs_ops *ops);

/* Who asks in this request. Never NULL; nobody (65534) when it is gone. */
const struct vu_who *vu_who(const struct vu_ctx *ctx);
/* Is it one of the caller's groups? */
bool vu_in_group(const struct vu_ctx *ctx, gid_t gid);

/* May the caller, by owner, groups and mode? R_OK... 0 or -EACCES */
int vu_permits(const struct vu_ctx *ctx, const struct stat *st, int want);

/*
 * Files are worked on as the caller would, by his ids. Between vu_as_self()
 * and vu_as_caller() it is the monitor itself that does. NULL: nothing to do.
 */
void vu_as_self(const struct vu_ctx *ctx);
void vu_as_caller(const struct vu_ctx *ctx);

/*
 * Has the caller given up (a signal, its end)? An operation that waits for
 * somebody looks at this now and then, and answers -EINTR. NULL: no.
 */
bool vu_gone(const struct vu_ctx *ctx);

/*
 * Does a guest execute that file, as the view tells its device and number? The
 * kernel lets nobody write in one (-ETXTBSY), but knows only the real ones.
 */
bool vu_executed(const struct vu_ctx *ctx, const struct stat *st);

/* The operation is about to wait for somebody: others take over meanwhile. */
void vu_may_wait(const struct vu_ctx *ctx);

/*
 * For touches(): what it may say yes to from now on, as guests' calls on other
 * names are made without that anybody is asked. vu_mark_all(): to all names,
 * as often by 1 as by -1: no more. Before what it is about can be found.
 */
void vu_mark_name(const char *name, size_t len);
void vu_mark_all(int by);
/* What was said of a directory (alone) may not be so any more. */
void vu_changed(void);
/* The same for tell() and edits(): of nodes with this number. */
void vu_mark_number(ino_t ino);

/* fstat() of a descriptor of the caller. 0 or -errno (-EBADF) */
int vu_caller_fd(const struct vu_ctx *ctx, int fd, struct stat *st);
/*
 * Put another file in the place of that descriptor, which must be open.
 * -EOPNOTSUPP: the request is none of a call, and the caller goes on already
 */
int vu_replace_fd(const struct vu_ctx *ctx, int fd, int by);
/* A variable of the caller's environment. 0, -ENOENT, -ENAMETOOLONG */
int vu_caller_env(const struct vu_ctx *ctx, const char *name,
		  char *buf, size_t size);

/*
 * Open a name as the one who mounted saw it: absolute, or relative to the
 * caller's working directory while mounting (ctx of the mount operation).
 * Goes through everything that was mounted before; symbolic links are
 * followed unless flags has O_NOFOLLOW; with O_PATH any object opens.
 * Return: a close-on-exec descriptor or -errno
 */
int vu_open(struct vu_ctx *ctx, struct vu_mount *m, const char *path, int flags);

/*
 * The same for names that may lead to what another module makes: the node,
 * the text of a symbolic link, the names of a directory, as the operations
 * of the same name give them. path is absolute. A symbolic link at its end
 * is the node itself; vu_open() follows it.
 */
int vu_lookup(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
	      struct vu_node *node);
ssize_t vu_readlink(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		    char *buf, size_t size);
int vu_readdir(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
	       struct vu_dir *dir);

/*
 * While mounting: where does a name lead? In a layered mount of the same
 * module, to this name of it; or to none (layered NULL). same: as in struct
 * vu_node. Return: 0, or -errno as vu_open(); -EBUSY: to another's
 */
struct vu_under {
	struct vu_mount *layered;
	char name[4096];
	bool real, same;	/* real: to the real system, or to layered */
};
int vu_under(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
	     struct vu_under *u);

/*
 * While mounting: each name inside of the target at which something was
 * mounted before, with what was an exception of that ("a/b", not the target
 * itself). Return: 0 or what each() returned
 */
int vu_each_inside(struct vu_ctx *ctx, struct vu_mount *m,
		   int (*each)(void *arg, const char *sub), void *arg);

/*
 * While mounting, or when asked to remount: the tree at target/sub stays what
 * it was before (sub begins with "/"). Its parent must be a directory of the
 * mount: where the module makes the nodes, all that lookup needs is to be set
 * by now.
 */
int vu_mount_except(struct vu_ctx *ctx, struct vu_mount *m, const char *sub,
		    struct vu_message *msg);

/*
 * Put one name into a listing. ino: 0 for a MADE node without a number;
 * type: S_IFMT bits. Return: 0 or -ENOMEM
 */
int vu_dir_add(struct vu_dir *dir, const char *name, ino_t ino, mode_t type);

/*
 * A descriptor with these bytes at offset 0, read-only to its user: for
 * files whose content is computed when they are opened.
 */
int vu_bytes_file(const char *name, const void *bytes, size_t len);

/*
 * Option lists: "a,b=1,c". Copies the next option to key and value (value
 * "" when there is no "="), and moves *rest past it.
 * Return: 1, 0 at the end, -ENAMETOOLONG when it does not fit
 */
int vu_next_option(const char **rest, char *key, size_t keysize,
		   char *value, size_t valuesize);

/*
 * Has a process (as the operation serves is given it) such a file open?
 */
bool vu_has_open(pid_t pid, bool (*such)(void *arg, const struct stat *st),
		 void *arg);

/* All guests. *pid: out, the caller frees it. Return: how many */
size_t vu_guests(pid_t **pid);

/* A line for the user of the monitor: something went wrong unasked. */
void vu_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * How far something has come that a guest waits for, worth saying if it takes
 * over a second: shown on the user's terminal, if at all, in the place of what
 * was said so before. NULL: it is over.
 */
void vu_progress(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

void vu_message_set(struct vu_message *msg, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
