/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_FS_H
#define VUFUSE_FS_H

#include <pthread.h>
#include <stdatomic.h>

#include "include/vu/module.h"
#include "mod/vufuse/conn.h"
#include "mod/vufuse/content.h"
#include "mod/vufuse/requests.h"
#include "mod/vufuse/tree.h"

/* What mount(2) was told: see options.c. */
struct fs_options {
	int fd;				/* of the caller: its /dev/fuse */
	mode_t rootmode;
	uid_t uid;			/* who mounts */
	gid_t gid;
	bool allow_other, default_permissions;
	uint32_t max_read, blksize;
};

/*
 * Parse "fd=N,rootmode=M,user_id=U,group_id=G,...". 0 or -EINVAL with a
 * message that says which option it is
 */
int fs_options_parse(const char *text, struct fs_options *o,
		     struct vu_message *msg);

struct files;

enum { FS_NAMES = 16 };

/* A mounted file system. */
struct fs {
	struct fs *next;		/* list of all: see keeper.c */
	struct fs_options opt;
	struct conn *conn;
	ino_t socket;			/* the server's end */
	struct tree *tree;
	struct content_pool *pool;	/* of all file systems */
	atomic_bool fresh;		/* nobody has looked at its root yet */
	pthread_mutex_t lock;		/* guards node->data, and users there */
	pthread_t keeper;		/* see keeper.c */
	bool kept;			/* there is such a thread */
	pthread_mutex_t keeper_lock;	/* guards stopping, woken */
	pthread_cond_t keeper_cond;
	bool stopping, woken;
	struct files *files;		/* see opened.h; guarded by lock */
	struct vu_mount *shown;		/* guarded by lock; NULL: unmounted */
	/* What the server had room for, and when; does something not fit? */
	atomic_ullong room, room_at;
	atomic_bool full;
	atomic_bool told;		/* what is lost: see opened_store_last() */
	/*
	 * Held from looking whether a name is there until it is made, each
	 * for some of the directories: see fs_names().
	 */
	pthread_mutex_t names[FS_NAMES];
};

static inline struct fs *fs_of(const struct vu_mount *m)
{
	return m->priv;
}

/* Never held by one who waits for another of them. */
static inline pthread_mutex_t *fs_names(struct fs *fs, const struct node *dir)
{
	return &fs->names[dir->id % FS_NAMES];
}

/*
 * May the caller see anything of it, and is it ready? To be called first by
 * every operation. 0, -EACCES, or as conn_ready()
 */
int fs_enter(struct fs *fs, struct vu_ctx *ctx);

/*
 * fs_enter(), and the node of a path, with a reference: tree_put() it. Where
 * the kernel would check permissions (default_permissions), the caller must
 * have search permission in all directories on the way.
 */
int fs_walk(struct fs *fs, struct vu_ctx *ctx, const char *path,
	    struct node **n);

/* The same for the directory that a name is in; it must be writable. */
int fs_walk_to_change(struct fs *fs, struct vu_ctx *ctx, const char *path,
		      struct node **dir, const char **name);

/*
 * What the mode of a node says, if the mount wants it asked
 * (default_permissions), and only then.
 */
int fs_permitted(struct fs *fs, struct vu_ctx *ctx, struct node *n, int want);
/* Which attributes the kernel itself does not let anybody have, or change. */
int fs_xattr_permitted(struct vu_ctx *ctx, const struct node *n,
		       const char *name, bool change);

/*
 * Attributes as stat(2) tells them: the server's, as tree_attr_since(), and
 * what guests did.
 */
int fs_stat(struct fs *fs, struct vu_ctx *ctx, struct node *n, uint64_t since,
	    struct stat *st);

/* Start a thread of ours; signals are the main thread's affair. 0 or -errno */
int fs_thread(pthread_t *thread, void *(*run)(void *arg), void *arg);

/*
 * Take a lock that others may hold while they wait for the server. 0, or
 * -EINTR when the caller is gone meanwhile (ctx NULL: it never is)
 */
int fs_lock(pthread_mutex_t *lock, struct vu_ctx *ctx);

/* --- served.c, change.c: operations of struct vu_fs_ops --- */

int served_find(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		struct vu_node *node);
int served_lookup(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		  struct vu_node *node);
ssize_t served_readlink(struct vu_ctx *ctx, struct vu_mount *m,
			const char *path, char *buf, size_t size);
int served_readdir(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		   struct vu_dir *dir);
int served_access(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		  int want);
ssize_t served_name_of(struct vu_ctx *ctx, struct vu_mount *m, uint64_t number,
		       char *buf, size_t size);
int served_attr_of(struct vu_ctx *ctx, struct vu_mount *m, uint64_t number,
		   struct stat *attr);
int served_statfs(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		  struct statfs *buf);
ssize_t served_getxattr(struct vu_ctx *ctx, struct vu_mount *m,
			const char *path, const char *name,
			void *value, size_t size);
ssize_t served_listxattr(struct vu_ctx *ctx, struct vu_mount *m,
			 const char *path, char *list, size_t size);

int change_mknod(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		 mode_t mode, dev_t dev);
int change_mkdir(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		 mode_t mode);
int change_symlink(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		   const char *text);
int change_unlink(struct vu_ctx *ctx, struct vu_mount *m, const char *path);
int change_rmdir(struct vu_ctx *ctx, struct vu_mount *m, const char *path);
int change_link(struct vu_ctx *ctx, struct vu_mount *m, const char *from,
		const char *to);
int change_rename(struct vu_ctx *ctx, struct vu_mount *m, const char *from,
		  const char *to, unsigned flags);
int change_truncate(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		    off_t size);
int change_chmod(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		 mode_t mode);
int change_chown(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		 uid_t uid, gid_t gid);
int change_utimens(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		   const struct timespec times[2]);
int change_setxattr(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		    const char *name, const void *value, size_t size, int flags);
int change_removexattr(struct vu_ctx *ctx, struct vu_mount *m,
		       const char *path, const char *name);

/* --- opened.c: files that guests have open --- */

int opened_open(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		int flags);
int opened_create(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		  int flags, mode_t mode);
int opened_sync(struct vu_ctx *ctx, struct vu_mount *m, const char *path);
bool opened_busy(struct vu_mount *m);

/* What guests did to its content and the server does not know yet. */
/* storing: it was, before a was asked for; then a is of a file half written. */
bool opened_storing(struct fs *fs, struct node *n);
void opened_stat(struct fs *fs, struct node *n, const struct fuse_attr *a,
		 bool storing, struct stat *st);
/*
 * A name of it is gone: if its content has no other, what is written to it from
 * now on is lost.
 */
void opened_orphan(struct fs *fs, struct node *n);
/* Change its size; 0 or -errno. */
int opened_truncate(struct fs *fs, struct vu_ctx *ctx, struct node *n,
		    off_t size);
/* Store it, before its times are set; and what they are then. */
int opened_settle(struct fs *fs, struct vu_ctx *ctx, struct node *n);
/*
 * It is about to lose a name: a server that has it open would keep it under
 * another one. If nobody writes it any more, it is stored and closed.
 */
void opened_close(struct fs *fs, struct vu_ctx *ctx, struct node *n,
		  uint64_t since);
/*
 * The node by which the server knows its file, if that is another one, as n
 * has lost its name; with a reference. NULL: none
 */
struct node *opened_living(struct fs *fs, struct node *n);
/* Is the content of its file shared with other names that live? */
bool opened_shared(struct fs *fs, struct node *n);
/* The two are names of one file now: link(2) has said so. */
void opened_linked(struct fs *fs, struct node *n, struct node *other);
/*
 * Its file has several names, and servers that know files by path give each
 * a node of its own: store what was written by the others.
 */
void opened_settle_links(struct fs *fs, struct vu_ctx *ctx, struct node *n);
void opened_times(struct fs *fs, struct vu_ctx *ctx, struct node *n,
		  const struct timespec times[2], uint64_t since);
void opened_mode(struct fs *fs, struct node *n, mode_t mode);

/* Store everything. 0 or the first error */
int opened_store_all(struct fs *fs, struct vu_ctx *ctx);
/* The same when it is the last time: what cannot be stored is told. */
void opened_store_last(struct fs *fs, const char *target);
/* Each second: store what is due. */
void opened_tick(struct fs *fs, unsigned second);
/* Each second: have lists of mounts show whether that has failed. */
void opened_show(struct fs *fs);
/* After an open: are there too many that are to be stored, or kept? */
void opened_hurry(struct fs *fs, struct vu_ctx *ctx);
void opened_trim(struct fs *fs);
/* Free a clean one that nobody uses: what a full pool asks for. */
bool opened_evict(struct fs *fs);
/* Free all, stored or not. */
void opened_free_all(struct fs *fs);

/* --- room.c: what the server has room for --- */

/* Before a file is made. 0; -ENOSPC, -EDQUOT: there is none for what waits */
int room_left(struct fs *fs, struct vu_ctx *ctx);
/* A file was stored so. */
void room_note(struct fs *fs, int err);
int room_allocate(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		  off_t off, off_t len);

/* --- device.c --- */

int device_open(void);
/*
 * The same for a descriptor of the caller that is the kernel's /dev/fuse: a
 * socket takes its place, with this inode. NULL: that cannot be
 */
struct conn *device_replace(struct vu_ctx *ctx, int fd, ino_t *ino);
/*
 * The connection that was opened as the socket st describes, with a reference;
 * NULL: none, or it is mounted already.
 */
struct conn *device_find(const struct stat *st);

void device_mounted(const struct conn *c);
void device_fini(void);

/* --- keeper.c --- */

int keeper_start(struct fs *fs);
void keeper_stop(struct fs *fs);
/* There is something to be stored before the second is over. */
void keeper_wake(struct fs *fs);
/* One pool for all; NULL before keeper_init(). */
int keeper_init(void);
void keeper_fini(void);
struct content_pool *keeper_pool(void);
/* Is that the server's end of a mount that has not ended? */
bool keeper_knows(ino_t socket);

#endif
