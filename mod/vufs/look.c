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
		return vu_permits(ctx, &o->st, want);
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

	if (l->mode != LAYER_MINCOW)
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
	if (!err && really && !dir.in_store)
		err = kernel_permits(dir.fd, X_OK);
	store_drop(&dir);
	return err;
}

/* Are the caller's ids others than those that the kernel has for him? */
static bool has_dropped(const struct vu_ctx *ctx, const struct layer *l)
{
	return (l->flags & LAYER_VSTAT) && vu_who(ctx)->uid != geteuid() &&
	       !has_cap(ctx, CAP_DAC_OVERRIDE);
}

/*
 * May the caller look everywhere by what he is told, and does the kernel say
 * no? What it does not let us see of the target is then not there: a package
 * can be installed over directories that only the real root may enter.
 */
bool is_shut_out(const struct vu_ctx *ctx, const struct layer *l)
{
	return (l->flags & LAYER_VSTAT) && has_cap(ctx, CAP_DAC_OVERRIDE);
}

static int find_openly(struct vu_ctx *ctx, struct layer *l, const char *path,
		       struct store_object *o)
{
	int err = 0;

	if (store_restricts(l->s) || has_dropped(ctx, l))
		err = may_search(ctx, l, path, false);
	if (err)
		return err;
	err = store_find(l->s, path, o);
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
	int err = find_openly(ctx, l, path, o);

	return err == -EACCES && is_shut_out(ctx, l) ? -ENOENT : err;
}

static void be_writable(const struct layer *l, struct stat *st)
{
	if ((l->flags & LAYER_WOK) && !S_ISLNK(st->st_mode))
		st->st_mode |= 0222;
}

int layer_lookup(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		 struct vu_node *node)
{
	struct layer *l = layer_of(m);
	struct store_object o;
	int err = layer_find(ctx, l, path, &o);

	if (err)
		return err;
	be_writable(l, &o.st);
	*node = (struct vu_node){ .kind = VU_NODE_REAL, .fd = o.fd,
				  .attr = o.st,
				  .same = o.same && !(l->flags & LAYER_WOK) };
	o.fd = -1;
	store_drop(&o);
	return 0;
}

bool layer_touches(struct vu_mount *m, const char *name, size_t len)
{
	return store_touches(layer_of(m)->s, name, len);
}

/* What is below dir in name; NULL: it is not. */
static const char *below(const char *dir, const char *name)
{
	size_t n = strlen(dir);

	if (!strcmp(dir, "/"))
		return name + 1;
	if (strncmp(name, dir, n))
		return NULL;
	return name[n] == '/' ? name + n + 1 : name[n] ? NULL : name + n;
}

ssize_t layer_name_here(struct vu_mount *m, const char *kernel_name,
			char *buf, size_t size)
{
	struct layer *l = layer_of(m);
	const char *rest = below(l->store_name, kernel_name);

	if (rest)
		return store_name_of_own(l->s, rest, buf, size);
	rest = below(l->target_name, kernel_name);
	return rest ? store_name_of(l->s, rest, buf, size) : -EXDEV;
}

bool layer_tell(struct vu_mount *m, struct stat *st)
{
	struct layer *l = layer_of(m);
	dev_t dev = st->st_dev;
	bool told = store_tell(l->s, st);

	if ((l->flags & LAYER_WOK) &&
	    (dev == l->store_dev || dev == l->target_dev)) {
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
	int err = layer_find(ctx, l, path, &o);

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

static int list_add(struct name_list *list, const char *name)
{
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

static int add_child(void *arg, const struct store_child *c)
{
	return list_add(arg, c->name);
}

/* Names that only the disk knows: in a merge, what the store has. */
static int add_on_disk(struct name_list *list, int dir, bool top)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return fd < 0 && errno == EACCES ? 0 : -errno;
	}
	while (!err && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
		    !(top && (!strcmp(e->d_name, ".vufs") ||
			      !strcmp(e->d_name, ".-"))))
			err = list_add(list, e->d_name);
	closedir(d);
	return err;
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
	err = store_children(l->s, path, add_child, &list);
	if (!err && l->mode == LAYER_MERGE && o.merged >= 0)
		err = add_on_disk(&list, o.merged, !*path);
	for (size_t i = 0; i < list.n && !err; i++)
		err = edit(l, path, list.name[i], added, hidden);
	if (!err && !*path)
		err = vu_dir_add(hidden, ".vufs", 0, 0);
	vu_as_caller(ctx);
	store_drop(&o);
	list_free(&list);
	return err;
}
