/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The volume's operations as libfuse calls them, in one thread.
 *
 * The number of an inode is the address of its node, which is held until the
 * kernel has forgotten it. Names are looked up each time, for a file has
 * more than one: whoever removes FOO has removed foo.
 *
 * The volume is closed before DESTROY is answered: who unmounts finds it
 * complete.
 */
#include "servers/fat/serve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "servers/fat/change.h"
#include "servers/fat/dir.h"
#include "servers/fat/file.h"
#include "servers/fat/table.h"

#define ATTR_SECONDS 1.0
#define MOST_READ (1u << 20)

static struct serve *serve_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static struct fat_node *node_of(struct serve *s, fuse_ino_t ino)
{
	if (ino == FUSE_ROOT_ID)
		return s->fat.root;
	return (struct fat_node *)(uintptr_t)ino;
}

/* 0 or -errno as libfuse wants to be told */
static void reply(fuse_req_t req, int err)
{
	fuse_reply_err(req, -err);
}

static void fill(struct serve *s, struct fat_node *n, struct stat *st)
{
	struct fat_stat from;

	node_stat(&s->fat, n, &from);
	*st = (struct stat){
		.st_ino = from.ino, .st_uid = s->uid, .st_gid = s->gid,
		.st_mode = (from.directory ? S_IFDIR : S_IFREG) |
			   (0777 & ~s->umask),
		.st_nlink = from.links, .st_size = from.size,
		.st_blksize = s->fat.cluster, .st_blocks = from.blocks,
		.st_atime = from.read, .st_mtime = from.changed,
		.st_ctime = from.changed,
	};
	if (from.readonly)
		st->st_mode &= ~0222;
}

static void reply_attr(fuse_req_t req, struct fat_node *n)
{
	struct stat st;

	fill(serve_of(req), n, &st);
	fuse_reply_attr(req, &st, ATTR_SECONDS);
}

static struct fuse_entry_param entry_of(struct serve *s, struct fat_node *n)
{
	struct fuse_entry_param e = { .ino = (uintptr_t)n, .generation = 1,
				      .attr_timeout = ATTR_SECONDS };

	fill(s, n, &e.attr);
	return e;
}

static void reply_entry(fuse_req_t req, struct fat_node *n, int err)
{
	struct serve *s = serve_of(req);
	struct fuse_entry_param e;

	if (err) {
		reply(req, err);
		return;
	}
	e = entry_of(s, n);
	if (fuse_reply_entry(req, &e) == -ENOENT)	/* nobody took it */
		node_put(&s->fat, n, 1);
}

static void serve_destroy(void *data)
{
	serve_close(data);
}

void serve_close(struct serve *s)
{
	if (s->open)
		s->result = fat_close(&s->fat);
	s->open = false;
}

static void serve_lookup(fuse_req_t req, fuse_ino_t dir, const char *name)
{
	struct serve *s = serve_of(req);
	struct fat_node *n = NULL;
	int err = fat_lookup(&s->fat, node_of(s, dir), name, &n);

	reply_entry(req, n, err);
}

static void serve_forget(fuse_req_t req, fuse_ino_t ino, uint64_t times)
{
	struct serve *s = serve_of(req);

	node_put(&s->fat, node_of(s, ino), times);
	fuse_reply_none(req);
}

static void serve_forget_multi(fuse_req_t req, size_t count,
			       struct fuse_forget_data *forget)
{
	struct serve *s = serve_of(req);

	for (size_t i = 0; i < count; i++)
		node_put(&s->fat, node_of(s, forget[i].ino),
			 forget[i].nlookup);
	fuse_reply_none(req);
}

static void serve_getattr(fuse_req_t req, fuse_ino_t ino,
			  struct fuse_file_info *fi)
{
	(void)fi;
	reply_attr(req, node_of(serve_of(req), ino));
}

/* As the kernel's: to whom it belongs anyway is allowed. */
static int check_owner(const struct serve *s, const struct stat *st, int set)
{
	if ((set & FUSE_SET_ATTR_UID && st->st_uid != s->uid) ||
	    (set & FUSE_SET_ATTR_GID && st->st_gid != s->gid))
		return -EPERM;
	return 0;
}

static bool is_protected(fuse_req_t req, struct fat_node *n)
{
	return n->raw[D_ATTR] & ATTR_READONLY && !node_is_dir(n) &&
	       fuse_req_ctx(req)->uid != 0;
}

/*
 * Without bits to write it is read-only, with all that the mask leaves it is
 * not, and other modes cannot be had, which is no error.
 */
static int set_mode(struct serve *s, struct fat_node *n, mode_t mode)
{
	mode_t all = 0222 & ~s->umask;

	if (node_is_dir(n) || !all)
		return 0;
	if (!(mode & all))
		return node_set_readonly(&s->fat, n, true);
	return (mode & all) == all || mode & 0200 ?
	       node_set_readonly(&s->fat, n, false) : 0;
}

static int set_times(struct serve *s, struct fat_node *n,
		     const struct stat *st, int set)
{
	time_t now = time(NULL);
	const time_t *read = NULL, *changed = NULL;

	if (set & FUSE_SET_ATTR_ATIME_NOW)
		read = &now;
	else if (set & FUSE_SET_ATTR_ATIME)
		read = &st->st_atime;
	if (set & FUSE_SET_ATTR_MTIME_NOW)
		changed = &now;
	else if (set & FUSE_SET_ATTR_MTIME)
		changed = &st->st_mtime;
	return read || changed ?
	       node_set_times(&s->fat, n, read, changed) : 0;
}

static void serve_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st,
			  int set, struct fuse_file_info *fi)
{
	struct serve *s = serve_of(req);
	struct fat_node *n = node_of(s, ino);
	int err = check_owner(s, st, set);

	if (!err && set & FUSE_SET_ATTR_SIZE && !fi && is_protected(req, n))
		err = -EACCES;
	if (!err && set & FUSE_SET_ATTR_SIZE)
		err = st->st_size < 0 ? -EINVAL :
		      fat_truncate(&s->fat, n, st->st_size);
	if (!err && set & FUSE_SET_ATTR_MODE)
		err = set_mode(s, n, st->st_mode);
	if (!err)
		err = set_times(s, n, st, set);
	if (err)
		reply(req, err);
	else
		reply_attr(req, n);
}

static void serve_mkdir(fuse_req_t req, fuse_ino_t dir, const char *name,
			mode_t mode)
{
	struct serve *s = serve_of(req);
	struct fat_node *n = NULL;

	(void)mode;
	reply_entry(req, n, fat_create(&s->fat, node_of(s, dir), name, true,
				       &n));
}

static void serve_mknod(fuse_req_t req, fuse_ino_t dir, const char *name,
			mode_t mode, dev_t dev)
{
	struct serve *s = serve_of(req);
	struct fat_node *n = NULL;
	int err = -EPERM;

	(void)dev;
	if (S_ISREG(mode))
		err = fat_create(&s->fat, node_of(s, dir), name, false, &n);
	reply_entry(req, n, err);
}

static void serve_symlink(fuse_req_t req, const char *target, fuse_ino_t dir,
			  const char *name)
{
	(void)target, (void)dir, (void)name;
	reply(req, -EPERM);
}

static void serve_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t dir,
		       const char *name)
{
	(void)ino, (void)dir, (void)name;
	reply(req, -EPERM);
}

static void serve_unlink(fuse_req_t req, fuse_ino_t dir, const char *name)
{
	struct serve *s = serve_of(req);

	reply(req, fat_unlink(&s->fat, node_of(s, dir), name));
}

static void serve_rmdir(fuse_req_t req, fuse_ino_t dir, const char *name)
{
	struct serve *s = serve_of(req);

	reply(req, fat_rmdir(&s->fat, node_of(s, dir), name));
}

static void serve_rename(fuse_req_t req, fuse_ino_t dir, const char *name,
			 fuse_ino_t to, const char *to_name, unsigned flags)
{
	struct serve *s = serve_of(req);
	int err = -EINVAL;

	if (!(flags & ~RENAME_NOREPLACE))
		err = fat_rename(&s->fat, node_of(s, dir), name,
				 node_of(s, to), to_name,
				 !(flags & RENAME_NOREPLACE));
	reply(req, err);
}

static void serve_open(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *fi)
{
	struct serve *s = serve_of(req);
	struct fat_node *n = node_of(s, ino);
	bool writes = (fi->flags & O_ACCMODE) != O_RDONLY ||
		      fi->flags & O_TRUNC;
	int err = 0;

	if (node_is_dir(n))
		err = -EISDIR;
	else if (n->deleted && !n->opened)
		err = -ENOENT;		/* what it had is gone */
	else if (writes && s->fat.readonly)
		err = -EROFS;
	else if (writes && is_protected(req, n))
		err = -EACCES;
	else if (fi->flags & O_TRUNC)
		err = fat_truncate(&s->fat, n, 0);
	if (err) {
		reply(req, err);
		return;
	}
	node_open(n);
	if (fuse_reply_open(req, fi) == -ENOENT)
		node_close(&s->fat, n);
}

static void serve_create(fuse_req_t req, fuse_ino_t dir, const char *name,
			 mode_t mode, struct fuse_file_info *fi)
{
	struct serve *s = serve_of(req);
	struct fuse_entry_param e;
	struct fat_node *n = NULL;
	int err = fat_create(&s->fat, node_of(s, dir), name, false, &n);

	(void)mode;
	if (err) {
		reply(req, err);
		return;
	}
	e = entry_of(s, n);
	node_open(n);
	if (fuse_reply_create(req, &e, fi) == -ENOENT) {
		node_close(&s->fat, n);
		node_put(&s->fat, n, 1);
	}
}

static void serve_release(fuse_req_t req, fuse_ino_t ino,
			  struct fuse_file_info *fi)
{
	struct serve *s = serve_of(req);

	(void)fi;
	reply(req, node_close(&s->fat, node_of(s, ino)));
}

static void serve_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t at,
		       struct fuse_file_info *fi)
{
	struct serve *s = serve_of(req);
	size_t got;
	char *buf;
	int err;

	(void)fi;
	if (size > MOST_READ)
		size = MOST_READ;
	buf = malloc(size ? size : 1);
	err = !buf ? -ENOMEM : at < 0 ? -EINVAL :
	      fat_read(&s->fat, node_of(s, ino), buf, size, at, &got);
	if (err)
		reply(req, err);
	else
		fuse_reply_buf(req, buf, got);
	free(buf);
}

static void serve_write(fuse_req_t req, fuse_ino_t ino, const char *buf,
			size_t size, off_t at, struct fuse_file_info *fi)
{
	struct serve *s = serve_of(req);
	int err = at < 0 ? -EINVAL :
		  fat_write(&s->fat, node_of(s, ino), buf, size, at);

	(void)fi;
	if (err)
		reply(req, err);
	else
		fuse_reply_write(req, size);
}

static void serve_fsync(fuse_req_t req, fuse_ino_t ino, int data,
			struct fuse_file_info *fi)
{
	struct serve *s = serve_of(req);

	(void)ino, (void)data, (void)fi;
	reply(req, s->fat.readonly ? 0 : image_sync(&s->fat.image));
}

/* A listing that is being filled. Its places: 1, 2 and the slots from 3 on. */
struct listing {
	fuse_req_t req;
	char *buf;
	size_t size, used;
};

static bool add(struct listing *l, const char *name, uint64_t ino, bool dir,
		off_t next)
{
	struct stat st = { .st_ino = ino, .st_mode = dir ? S_IFDIR : S_IFREG };
	size_t n = fuse_add_direntry(l->req, l->buf + l->used,
				     l->size - l->used, name, &st, next);

	if (n > l->size - l->used)
		return false;
	l->used += n;
	return true;
}

static int list(struct fat *f, struct fat_node *dir, struct listing *l,
		off_t at)
{
	struct dir_scan s = { .fat = f, .dir = dir };
	const struct fat_node *up = dir->parent ? dir->parent : dir;
	char text[FAT_NAME_BYTES];
	struct dir_entry e;
	int ret = 0;

	if ((at < 1 && !add(l, ".", dir->ino, true, 1)) ||
	    (at < 2 && !add(l, "..", up->ino, true, 2)))
		return 0;
	s.slot = at <= 2 ? 0 : at - 2;
	while (at - 2 < FAT_MAX_SLOTS && (ret = dir_next(&s, &e)) > 0)
		if (name_to_utf8(&e.name, text) == 0 &&
		    !add(l, text, node_number(f, e.at),
			 e.raw[D_ATTR] & ATTR_DIRECTORY, (off_t)s.slot + 2))
			return 0;
	return l->used ? 0 : ret;
}

static void serve_readdir(fuse_req_t req, fuse_ino_t ino, size_t size,
			  off_t at, struct fuse_file_info *fi)
{
	struct serve *s = serve_of(req);
	struct listing l = { .req = req, .size = size };
	int err = -ENOMEM;

	(void)fi;
	if (l.size > MOST_READ)
		l.size = MOST_READ;
	l.buf = malloc(l.size ? l.size : 1);
	if (l.buf)
		err = at < 0 ? -EINVAL :
		      list(&s->fat, node_of(s, ino), &l, at);
	if (err)
		reply(req, err);
	else
		fuse_reply_buf(req, l.buf, l.used);
	free(l.buf);
}

static void serve_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct serve *s = serve_of(req);
	struct statvfs st = { .f_namemax = FAT_NAME_MAX };
	uint32_t count;
	int err = table_count_free(&s->fat, &count);

	(void)ino;
	if (err) {
		reply(req, err);
		return;
	}
	st.f_bsize = st.f_frsize = s->fat.cluster;
	st.f_blocks = s->fat.clusters;
	st.f_bfree = st.f_bavail = count;
	fuse_reply_statfs(req, &st);
}

const struct fuse_lowlevel_ops serve_ops = {
	.destroy = serve_destroy, .lookup = serve_lookup,
	.forget = serve_forget, .forget_multi = serve_forget_multi,
	.getattr = serve_getattr, .setattr = serve_setattr,
	.mkdir = serve_mkdir, .mknod = serve_mknod,
	.symlink = serve_symlink, .link = serve_link,
	.unlink = serve_unlink, .rmdir = serve_rmdir,
	.rename = serve_rename, .create = serve_create,
	.open = serve_open, .release = serve_release,
	.read = serve_read, .write = serve_write,
	.fsync = serve_fsync, .fsyncdir = serve_fsync,
	.readdir = serve_readdir, .statfs = serve_statfs,
};
