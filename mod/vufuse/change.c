/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of names and attributes. Each goes to the server at once; what is
 * kept in the tree follows its answer. A directory whose names have changed
 * has other times and links: it is asked again.
 */
#include <errno.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mod/vufuse/fs.h"

/* What sticky directories let nobody else remove. */
static int may_remove(struct fs *fs, struct vu_ctx *ctx, struct node *dir,
		      struct node *n)
{
	struct fuse_attr d, a;
	uid_t uid;
	int err;

	if (!fs->opt.default_permissions || !ctx)
		return 0;
	err = tree_attr(fs->tree, ctx, dir, &d) ?:
	      tree_attr(fs->tree, ctx, n, &a);
	if (err || !(d.mode & S_ISVTX))
		return err;
	uid = vu_who(ctx)->uid;
	return !uid || uid == d.uid || uid == a.uid ? 0 : -EPERM;
}

/* --- new names --- */

/* The answer to the making of a name: keep it. */
static int entered(struct fs *fs, struct node *dir, const char *name,
		   const struct fuse_entry_out *e)
{
	tree_stale(fs->tree, dir);
	return tree_entered(fs->tree, dir, name, e, NULL);
}

/*
 * Of two who make the same name at the same moment the second must not reach
 * the server: the kernel lets none, so some have no answer to it. (fuse2fs has
 * two entries of the name then, or takes its image for broken.)
 * Return: 0 and fs_names() of dir is held, or -errno
 */
static int claim_name(struct fs *fs, struct vu_ctx *ctx,
		      const struct node *dir, const char *path)
{
	struct node *n;
	int err = fs_lock(fs_names(fs, dir), ctx);

	if (err)
		return err;
	err = tree_walk(fs->tree, ctx, path, &n);
	if (err == -ENOENT)
		return 0;
	if (!err) {
		tree_put(fs->tree, n);
		err = -EEXIST;
	}
	pthread_mutex_unlock(fs_names(fs, dir));
	return err;
}

/* What is to be made. */
struct making {
	mode_t mode;
	dev_t dev;
	const char *text;
};

typedef int ask_to_make(struct fs *fs, struct vu_ctx *ctx, uint64_t dir,
			const char *name, const struct making *what,
			struct fuse_entry_out *e);

static int make(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		ask_to_make *ask, const struct making *what)
{
	struct fs *fs = fs_of(m);
	struct fuse_entry_out e;
	struct node *dir;
	const char *name;
	int err = fs_walk_to_change(fs, ctx, path, &dir, &name);

	if (err)
		return err;
	err = claim_name(fs, ctx, dir, path);
	if (!err) {
		err = ask(fs, ctx, dir->id, name, what, &e);
		if (!err)
			err = entered(fs, dir, name, &e);
		pthread_mutex_unlock(fs_names(fs, dir));
	}
	tree_put(fs->tree, dir);
	return err;
}

static int make_node(struct fs *fs, struct vu_ctx *ctx, uint64_t dir,
		     const char *name, const struct making *what,
		     struct fuse_entry_out *e)
{
	return ask_mknod(fs->conn, ctx, dir, name, what->mode, what->dev, e);
}

int change_mknod(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		 mode_t mode, dev_t dev)
{
	const struct making what = { .mode = mode, .dev = dev };

	return make(ctx, m, path, make_node, &what);
}

static int make_directory(struct fs *fs, struct vu_ctx *ctx, uint64_t dir,
			  const char *name, const struct making *what,
			  struct fuse_entry_out *e)
{
	return ask_mkdir(fs->conn, ctx, dir, name, what->mode, e);
}

int change_mkdir(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		 mode_t mode)
{
	const struct making what = { .mode = mode };

	return make(ctx, m, path, make_directory, &what);
}

static int make_symlink(struct fs *fs, struct vu_ctx *ctx, uint64_t dir,
			const char *name, const struct making *what,
			struct fuse_entry_out *e)
{
	return ask_symlink(fs->conn, ctx, dir, name, what->text, e);
}

int change_symlink(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		   const char *text)
{
	const struct making what = { .text = text };

	return make(ctx, m, path, make_symlink, &what);
}

int change_link(struct vu_ctx *ctx, struct vu_mount *m, const char *from,
		const char *to)
{
	struct fs *fs = fs_of(m);
	struct fuse_entry_out e;
	struct node *n, *dir, *other;
	const char *name;
	int err = fs_walk(fs, ctx, from, &n);

	if (err)
		return err;
	/* the kernel never asks for that, and some would do it */
	err = S_ISDIR(n->type) ? -EPERM :
	      fs_walk_to_change(fs, ctx, to, &dir, &name);
	if (!err) {
		/* servers that know files by path take it for another one */
		opened_settle(fs, ctx, n);
		err = claim_name(fs, ctx, dir, to);
		if (!err) {
			err = ask_link(fs->conn, ctx, n->id, dir->id, name,
				       &e) ?:
			      tree_entered(fs->tree, dir, name, &e, &other);
			pthread_mutex_unlock(fs_names(fs, dir));
		}
		if (!err) {
			opened_linked(fs, n, other);
			tree_put(fs->tree, other);
		}
		tree_stale(fs->tree, dir);
		tree_stale(fs->tree, n);
		tree_put(fs->tree, dir);
	}
	tree_put(fs->tree, n);
	return err;
}

/* --- names that go --- */

/* Has it one name only? */
static bool last_name(struct fs *fs, struct vu_ctx *ctx, struct node *n,
		      uint64_t since)
{
	struct fuse_attr a;

	return S_ISDIR(n->type) ||
	       (!tree_attr_since(fs->tree, ctx, n, since, &a) &&
		a.nlink <= 1);
}

/* A name of the node was taken away: is there another? */
static void lost_name(struct fs *fs, struct vu_ctx *ctx, struct node *n,
		      bool last)
{
	struct fuse_attr a;

	tree_stale(fs->tree, n);
	/* by the server's own word: else it is stored, to be sure */
	if (S_ISREG(n->type) && (last || opened_shared(fs, n) ||
	    tree_attr(fs->tree, ctx, n, &a) || a.nlink == 0))
		opened_orphan(fs, n);
	if (last)
		tree_gone(fs->tree, n);
}

static int remove_name(struct vu_ctx *ctx, struct vu_mount *m,
		       const char *path, bool is_dir)
{
	struct fs *fs = fs_of(m);
	uint64_t since = tree_now(fs->tree);
	struct node *dir, *n;
	const char *name;
	bool last;
	int err = fs_walk(fs, ctx, path, &n);

	if (err)
		return err;
	err = fs_walk_to_change(fs, ctx, path, &dir, &name);
	if (err) {
		tree_put(fs->tree, n);
		return err;
	}
	err = may_remove(fs, ctx, dir, n);
	if (!err && is_dir != S_ISDIR(n->type))
		err = is_dir ? -ENOTDIR : -EISDIR;
	if (!err && S_ISREG(n->type))
		opened_close(fs, ctx, n, since);
	last = !err && last_name(fs, ctx, n, since);
	if (!err)
		err = (is_dir ? ask_rmdir : ask_unlink)(fs->conn, ctx, dir->id,
							name);
	if (!err) {
		tree_removed(fs->tree, dir, name);
		tree_stale(fs->tree, dir);
		lost_name(fs, ctx, n, last);
	}
	tree_put(fs->tree, dir);
	tree_put(fs->tree, n);
	return err;
}

int change_unlink(struct vu_ctx *ctx, struct vu_mount *m, const char *path)
{
	return remove_name(ctx, m, path, false);
}

int change_rmdir(struct vu_ctx *ctx, struct vu_mount *m, const char *path)
{
	return remove_name(ctx, m, path, true);
}

/* --- names that move --- */

/* Everything that a rename is about; what is not there is NULL. */
struct renaming {
	struct node *n, *target, *from, *to;
	const char *name, *newname;
};

static void renaming_end(struct fs *fs, struct renaming *r)
{
	struct node *all[] = { r->n, r->target, r->from, r->to };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i])
			tree_put(fs->tree, all[i]);
}

static int renaming_begin(struct fs *fs, struct vu_ctx *ctx, const char *from,
			  const char *to, struct renaming *r)
{
	int err = fs_walk(fs, ctx, from, &r->n);

	if (!err)
		err = fs_walk(fs, ctx, to, &r->target);
	if (err == -ENOENT && r->n)
		err = 0;
	if (!err)
		err = fs_walk_to_change(fs, ctx, from, &r->from, &r->name);
	if (!err)
		err = fs_walk_to_change(fs, ctx, to, &r->to, &r->newname);
	if (!err)
		err = may_remove(fs, ctx, r->from, r->n);
	if (!err && r->target)
		err = may_remove(fs, ctx, r->to, r->target);
	return err;
}

static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && path[n] == '/';
}

/*
 * What the kernel never asks a server: some lock both names at once, and wait
 * for themselves when one is the other or above it.
 * Return: -errno, or 1 when there is nothing to do
 */
static int renaming_check(const struct renaming *r, const char *from,
			  const char *to, unsigned flags)
{
	bool replace = !(flags & RENAME_EXCHANGE);

	if (is_below(to, from))
		return -EINVAL;
	if (is_below(from, to))
		return replace ? -ENOTEMPTY : -EINVAL;
	if (r->target == r->n)
		return 1;
	if (replace && r->target && S_ISDIR(r->n->type) !=
	    S_ISDIR(r->target->type))
		return S_ISDIR(r->target->type) ? -EISDIR : -ENOTDIR;
	return 0;
}

/* Nobody makes the new name meanwhile: see claim_name(). */
static int ask_to_rename(struct fs *fs, struct vu_ctx *ctx,
			 const struct renaming *r, unsigned flags)
{
	int err = fs_lock(fs_names(fs, r->to), ctx);

	if (err)
		return err;
	err = ask_rename(fs->conn, ctx, r->from->id, r->name, r->to->id,
			 r->newname, flags);
	if (!err)
		tree_renamed(fs->tree, r->from, r->name, r->to, r->newname,
			     flags & RENAME_EXCHANGE);
	pthread_mutex_unlock(fs_names(fs, r->to));
	return err;
}

int change_rename(struct vu_ctx *ctx, struct vu_mount *m, const char *from,
		  const char *to, unsigned flags)
{
	struct fs *fs = fs_of(m);
	uint64_t since = tree_now(fs->tree);
	struct renaming r = { NULL };
	bool last;
	int err = renaming_begin(fs, ctx, from, to, &r);

	if (!err)
		err = renaming_check(&r, from, to, flags);
	if (err) {
		renaming_end(fs, &r);
		return err > 0 ? 0 : err;
	}
	if (r.target && S_ISREG(r.target->type))
		opened_close(fs, ctx, r.target, since);
	last = r.target && last_name(fs, ctx, r.target, since);
	err = ask_to_rename(fs, ctx, &r, flags);
	if (!err) {
		tree_stale(fs->tree, r.from);
		tree_stale(fs->tree, r.to);
		tree_stale(fs->tree, r.n);
		if (r.target && !(flags & RENAME_EXCHANGE))
			lost_name(fs, ctx, r.target, last);
	}
	renaming_end(fs, &r);
	return err;
}

/* --- attributes --- */

static int set_attr(struct fs *fs, struct vu_ctx *ctx, struct node *n,
		    const struct fuse_setattr_in *in)
{
	struct fuse_attr_out a;
	int err = ask_setattr(fs->conn, ctx, n->id, in, &a);

	if (!err)
		tree_learn(fs->tree, n, &a);
	return err;
}

/* What only the owner may change, where the kernel would ask. */
static int must_own(struct fs *fs, struct vu_ctx *ctx, struct node *n)
{
	struct fuse_attr a;
	uid_t uid;
	int err;

	if (!fs->opt.default_permissions)
		return 0;
	uid = vu_who(ctx)->uid;
	err = tree_attr(fs->tree, ctx, n, &a);
	if (err)
		return err;
	return !uid || uid == a.uid ? 0 : -EPERM;
}

int change_truncate(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		    off_t size)
{
	struct fs *fs = fs_of(m);
	struct node *n;
	int err = fs_walk(fs, ctx, path, &n);

	if (err)
		return err;
	if (!S_ISREG(n->type))
		err = S_ISDIR(n->type) ? -EISDIR : -EINVAL;
	if (!err)
		err = fs_permitted(fs, ctx, n, W_OK);
	if (!err)
		err = opened_truncate(fs, ctx, n, size);
	tree_put(fs->tree, n);
	return err;
}

int change_chmod(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		 mode_t mode)
{
	struct fuse_setattr_in in = { .valid = FATTR_MODE };
	struct fs *fs = fs_of(m);
	struct node *n;
	int err = fs_walk(fs, ctx, path, &n);

	if (err)
		return err;
	in.mode = (mode & 07777) | n->type;
	err = must_own(fs, ctx, n);
	if (!err)
		err = set_attr(fs, ctx, n, &in);
	if (!err && S_ISREG(n->type))
		opened_mode(fs, n, mode);
	tree_put(fs->tree, n);
	return err;
}

int change_chown(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		 uid_t uid, gid_t gid)
{
	struct fuse_setattr_in in = { .uid = uid, .gid = gid };
	struct fs *fs = fs_of(m);
	struct node *n;
	int err = fs_walk(fs, ctx, path, &n);

	if (err)
		return err;
	if (uid != (uid_t)-1)
		in.valid |= FATTR_UID;
	if (gid != (gid_t)-1)
		in.valid |= FATTR_GID;
	if (fs->opt.default_permissions && (in.valid & FATTR_UID) &&
	    vu_who(ctx)->uid)
		err = -EPERM;
	if (!err)
		err = must_own(fs, ctx, n);
	if (!err && in.valid)
		err = set_attr(fs, ctx, n, &in);
	tree_put(fs->tree, n);
	return err;
}

/* --- times --- */

static void now(struct timespec *t)
{
	clock_gettime(CLOCK_REALTIME, t);
}

/*
 * libfuse 2 gives its programs both times or none: a time that is to stay is
 * sent as it is, and "now" as the time that it is.
 */
static int times_to_set(struct fs *fs, struct vu_ctx *ctx, struct node *n,
			const struct timespec times[2],
			struct fuse_setattr_in *in)
{
	struct timespec t[2] = { times[0], times[1] };
	struct stat st;
	int err = 0;

	if (t[0].tv_nsec == UTIME_OMIT || t[1].tv_nsec == UTIME_OMIT)
		err = fs_stat(fs, ctx, n, tree_now(fs->tree), &st);
	if (err)
		return err;
	for (int i = 0; i < 2; i++) {
		if (t[i].tv_nsec == UTIME_NOW)
			now(&t[i]);
		else if (t[i].tv_nsec == UTIME_OMIT)
			t[i] = i ? st.st_mtim : st.st_atim;
		else if (t[i].tv_nsec < 0 || t[i].tv_nsec > 999999999)
			return -EINVAL;
	}
	*in = (struct fuse_setattr_in){
		.valid = FATTR_ATIME | FATTR_MTIME,
		.atime = t[0].tv_sec, .atimensec = t[0].tv_nsec,
		.mtime = t[1].tv_sec, .mtimensec = t[1].tv_nsec,
	};
	return 0;
}

/* Others than the owner may set the present time only, if they may write. */
static int may_set_times(struct fs *fs, struct vu_ctx *ctx, struct node *n,
			 const struct timespec times[2])
{
	if (times[0].tv_nsec == UTIME_NOW && times[1].tv_nsec == UTIME_NOW &&
	    !fs_permitted(fs, ctx, n, W_OK))
		return 0;
	return must_own(fs, ctx, n);
}

int change_utimens(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		   const struct timespec times[2])
{
	struct fs *fs = fs_of(m);
	uint64_t since = tree_now(fs->tree);
	struct fuse_setattr_in in;
	struct node *n;
	int err = fs_walk(fs, ctx, path, &n);

	if (err)
		return err;
	if (times[0].tv_nsec != UTIME_OMIT || times[1].tv_nsec != UTIME_OMIT) {
		err = may_set_times(fs, ctx, n, times);
		if (!err && S_ISREG(n->type))
			err = opened_settle(fs, ctx, n);
		if (!err)
			err = times_to_set(fs, ctx, n, times, &in);
		if (!err)
			err = set_attr(fs, ctx, n, &in);
		if (!err && S_ISREG(n->type))
			opened_times(fs, ctx, n, times, since);
	}
	tree_put(fs->tree, n);
	return err;
}

/* --- extended attributes --- */

int change_setxattr(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		    const char *name, const void *value, size_t size, int flags)
{
	struct fs *fs = fs_of(m);
	struct node *n;
	int err = fs_walk(fs, ctx, path, &n);

	if (err)
		return err;
	err = fs_xattr_permitted(ctx, n, name, true) ?:
	      fs_permitted(fs, ctx, n, W_OK);
	if (!err)
		err = ask_setxattr(fs->conn, ctx, n->id, name, value, size,
				   flags);
	tree_stale(fs->tree, n);	/* an ACL is also a mode */
	tree_put(fs->tree, n);
	return err;
}

int change_removexattr(struct vu_ctx *ctx, struct vu_mount *m,
		       const char *path, const char *name)
{
	struct fs *fs = fs_of(m);
	struct node *n;
	int err = fs_walk(fs, ctx, path, &n);

	if (err)
		return err;
	err = fs_xattr_permitted(ctx, n, name, true) ?:
	      fs_permitted(fs, ctx, n, W_OK);
	if (!err)
		err = ask_removexattr(fs->conn, ctx, n->id, name);
	tree_stale(fs->tree, n);
	tree_put(fs->tree, n);
	return err;
}
