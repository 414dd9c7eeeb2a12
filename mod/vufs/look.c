/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is there: lookups, names, listings.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>

#include "mod/vufs/layer.h"

static void parent_of(const char *path, char dir[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? slash - path : 0;

	memcpy(dir, path, n);
	dir[n] = '\0';
}

/* Has the object an owner or mode that the kernel does not know? */
static bool is_told(const struct store_object *o)
{
	return (o->st.st_mode ^ o->real.st_mode) & 07777 ||
	       o->st.st_uid != o->real.st_uid ||
	       o->st.st_gid != o->real.st_gid;
}

static int kernel_permits(int fd, int want)
{
	if (!syscall(SYS_faccessat2, fd, "", want, AT_EMPTY_PATH | AT_EACCESS))
		return 0;
	return -errno;
}

/* As the caller already. */
static int permits_here(struct vu_ctx *ctx, struct layer *l,
			const struct store_object *o, int want)
{
	int err;

	if ((l->flags & LAYER_VSTAT) || is_told(o))
		return told_permits(ctx, l, o, want);
	err = kernel_permits(o->fd, want);
	/* what is read-only is the target; and old kernels cannot say */
	if (err == -EROFS || err == -ENOSYS || err == -EPERM)
		err = vu_permits(ctx, &o->st, want);
	return err;
}

int permits(struct vu_ctx *ctx, struct layer *l, const struct store_object *o,
	    int want)
{
	int err;

	vu_as_caller(ctx);
	err = permits_here(ctx, l, o, want);
	vu_as_self(ctx);
	return err;
}

bool has_cap(const struct vu_ctx *ctx, int cap)
{
	return vu_who(ctx)->caps >> cap & 1;
}

int owns(struct vu_ctx *ctx, const struct store_object *o)
{
	return vu_who(ctx)->uid == o->st.st_uid || has_cap(ctx, CAP_FOWNER) ?
	       0 : -EPERM;
}

bool may_waive(struct vu_ctx *ctx, struct layer *l)
{
	int err;

	if (!l->waives)
		return false;
	vu_as_caller(ctx);
	err = kernel_permits(store_dir_fd(l->s), W_OK | X_OK);
	vu_as_self(ctx);
	return !err;
}

int may_read_really(struct vu_ctx *ctx, const struct store_object *o)
{
	uid_t uid;
	int err;

	vu_as_caller(ctx);
	uid = setfsuid(-1);	/* changes nothing, and says what it is */
	err = uid == o->real.st_uid ? 0 : kernel_permits(o->fd, R_OK);
	vu_as_self(ctx);
	return err == -ENOSYS ? -EACCES : err;
}

/*
 * May the caller go through the directory of that name? really: and into the
 * target's, whatever is told of it; for what follows is done as the monitor.
 */
static int may_search(struct vu_ctx *ctx, struct layer *l, const char *path,
		      bool really)
{
	struct store_object dir;
	char name[PATH_MAX];
	int err;

	if (!*path)
		return 0;
	parent_of(path, name);
	vu_as_self(ctx);
	err = store_find(l->s, name, &dir);
	vu_as_caller(ctx);
	if (err)
		return err;
	err = permits_here(ctx, l, &dir, X_OK);
	if (!err && really && !dir.in_store && !dir.beneath)
		err = kernel_permits(dir.fd, X_OK);
	store_drop(&dir);
	return err;
}

/* Are the caller's ids others than those that the kernel has for him? */
static bool has_dropped(const struct vu_ctx *ctx, const struct layer *l)
{
	return (l->flags & LAYER_VSTAT) && !has_cap(ctx, CAP_DAC_OVERRIDE) &&
	       vu_who(ctx)->uid != geteuid();
}

/*
 * May the caller look there by what he is told, and does the kernel say no?
 * What it does not let us see of the target is then not there: a package can
 * be installed over directories that only the real root may enter.
 */
bool is_shut_out(const struct vu_ctx *ctx, const struct layer *l)
{
	return (l->flags & LAYER_VSTAT) &&
	       (has_cap(ctx, CAP_DAC_OVERRIDE) || has_dropped(ctx, l));
}

static int find_openly(struct vu_ctx *ctx, struct layer *l, const char *path,
		       struct store_object *o)
{
	int err = store_find(l->s, path, o);

	if (err != -EACCES)
		return err;
	/*
	 * A directory above is not open to the caller: he is through that
	 * already, or it is one above the store.
	 */
	err = may_search(ctx, l, path, true);
	if (err)
		return err;
	vu_as_self(ctx);
	err = store_find(l->s, path, o);
	vu_as_caller(ctx);
	return err;
}

int layer_find(struct vu_ctx *ctx, struct layer *l, const char *path,
	       struct store_object *o)
{
	int err = 0;

	if (store_restricts(l->s) || has_dropped(ctx, l))
		err = may_search(ctx, l, path, false);
	/* what is told may be searched by the one who overrides all */
	if (err && !(err == -EACCES && has_cap(ctx, CAP_DAC_OVERRIDE)))
		return err;
	err = err ?: find_openly(ctx, l, path, o);
	return err == -EACCES && is_shut_out(ctx, l) ? -ENOENT : err;
}

int layer_find_there(struct vu_ctx *ctx, struct layer *l, const char *path,
		     struct store_object *o)
{
	int err;

	vu_as_self(ctx);
	err = store_find(l->s, path, o);
	vu_as_caller(ctx);
	return err;
}

static void be_writable(const struct layer *l, struct stat *st)
{
	if ((l->flags & LAYER_WOK) && !S_ISLNK(st->st_mode))
		st->st_mode |= 0222;
}

static void give_node(const struct layer *l, struct store_object *o,
		      struct vu_node *node)
{
	be_writable(l, &o->st);
	*node = (struct vu_node){ .kind = VU_NODE_REAL, .fd = o->fd,
				  .attr = o->st,
				  .same = o->same && !(l->flags & LAYER_WOK) };
	o->fd = -1;
	store_drop(o);
}

int layer_lookup(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		 struct vu_node *node)
{
	struct layer *l = layer_of(m);
	struct store_object o;
	int err = layer_find(ctx, l, path, &o);

	if (!err)
		give_node(l, &o, node);
	return err;
}

/*
 * What the store has there it has under this very name, met by the kernel
 * without a symlink: so it has a directory at each name above, and its
 * object is the one that is seen. (Only of the target's one cannot know.)
 */
int layer_descend(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		  struct vu_node *node)
{
	struct layer *l = layer_of(m);
	struct store_object o;
	int err;

	/* each of them is to be asked whether it may be searched */
	if (store_restricts(l->s) || has_dropped(ctx, l))
		return -EACCES;
	err = store_find(l->s, path, &o);
	if (err)
		return err;
	if (!S_ISDIR(o.st.st_mode) || (!o.in_store && o.merged < 0)) {
		store_drop(&o);
		return -ENOTDIR;
	}
	give_node(l, &o, node);
	return 0;
}

bool layer_touches(struct vu_mount *m, const char *name, size_t len)
{
	return store_touches(layer_of(m)->s, name, len);
}

/* May everybody search that directory? As the monitor. */
static bool is_open_to_all(struct layer *l, const char *path)
{
	struct store_object o;
	bool all;

	if (store_find(l->s, path, &o))
		return false;
	all = S_ISDIR(o.st.st_mode) && (o.st.st_mode & 0111) == 0111;
	store_drop(&o);
	return all;
}

/* What changes it: renaming it (then the monitor knows), chmod (do_chmod). */
int layer_alone(struct vu_ctx *ctx, struct vu_mount *m, const char *path)
{
	struct layer *l = layer_of(m);
	char name[PATH_MAX], *slash;
	bool open;

	path += *path == '/';
	if (l->mode == LAYER_MERGE || (l->flags & (LAYER_RDONLY | LAYER_WOK)) ||
	    !store_is_alone(l->s, path))
		return 0;
	vu_as_self(ctx);
	strcpy(name, path);
	while ((open = is_open_to_all(l, name)) && *name) {
		slash = strrchr(name, '/');
		*(slash ?: name) = '\0';
	}
	vu_as_caller(ctx);
	return !open ? 0 : l->flags & LAYER_VSTAT ? 2 : 1;
}

static bool has_device(const struct layer *l, dev_t dev)
{
	for (size_t i = 0; i < l->nparts; i++)
		if (l->part[i].l && has_device(l->part[i].l, dev))
			return true;
	return dev == l->store_dev || dev == l->target_dev;
}

bool layer_tell(struct vu_mount *m, struct stat *st)
{
	struct layer *l = layer_of(m);
	dev_t dev = st->st_dev;
	bool told = store_tell(l->s, st);

	if ((l->flags & LAYER_WOK) && has_device(l, dev)) {
		be_writable(l, st);
		told = true;
	}
	return told;
}

int layer_access(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		 int want)
{
	struct layer *l = layer_of(m);
	struct store_object o;
	int err = layer_find_there(ctx, l, path, &o);

	if (err)
		return err;
	if ((l->flags & LAYER_RDONLY) && (want & W_OK) &&
	    !S_ISCHR(o.st.st_mode) && !S_ISBLK(o.st.st_mode))
		err = -EROFS;
	if (!err)
		err = permits_here(ctx, l, &o, want);
	if (err == -EACCES && (want & W_OK) && (may_waive(ctx, l) ||
						(l->flags & LAYER_WOK)))
		err = permits_here(ctx, l, &o, want & ~W_OK);
	store_drop(&o);
	vu_as_caller(ctx);
	return err;
}

/* --- listings --- */

struct name_list {
	char **name;
	size_t n, size;
};

static int list_add(void *arg, const char *name)
{
	struct name_list *list = arg;

	if (list->n == list->size) {
		size_t size = list->size ? list->size * 2 : 64;
		char **more = realloc(list->name, size * sizeof(*more));

		if (!more)
			return -ENOMEM;
		list->name = more;
		list->size = size;
	}
	list->name[list->n] = strdup(name);
	return list->name[list->n] ? (list->n++, 0) : -ENOMEM;
}

static void list_free(struct name_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->name[i]);
	free(list->name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What a name that the store knows does to the listing. */
static int edit(struct layer *l, const char *path, const char *name,
		struct vu_dir *added, struct vu_dir *hidden)
{
	struct store_object o;
	char child[PATH_MAX];
	int n = snprintf(child, sizeof(child), "%s%s%s", path,
			 *path ? "/" : "", name), err;

	if (n >= (int)sizeof(child))
		return 0;
	err = store_find(l->s, child, &o);
	if (err && err != -ENOENT && err != -ENOTDIR)
		return 0;
	if (!err)
		err = vu_dir_add(added, name, o.st.st_ino,
				 o.st.st_mode & S_IFMT);
	else
		err = 0;
	store_drop(&o);
	return err ?: vu_dir_add(hidden, name, 0, 0);
}

int layer_edits(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		struct vu_dir *added, struct vu_dir *hidden)
{
	struct layer *l = layer_of(m);
	struct name_list list = { 0 };
	struct store_object o;
	int err;

	vu_as_self(ctx);
	err = store_find(l->s, path, &o);
	if (err) {
		vu_as_caller(ctx);
		return err;
	}
	err = store_names(l->s, path, list_add, &list);
	if (list.n)
		qsort(list.name, list.n, sizeof(*list.name), by_name);
	for (size_t i = 0; i < list.n && !err; i++)	/* layers may both know it */
		if (!i || strcmp(list.name[i - 1], list.name[i]))
			err = edit(l, path, list.name[i], added, hidden);
	if (!err && !*path)
		err = vu_dir_add(hidden, ".vufs", 0, 0);
	vu_as_caller(ctx);
	store_drop(&o);
	list_free(&list);
	return err;
}
