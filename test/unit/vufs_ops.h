/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEST_UNIT_VUFS_OPS_H
#define TEST_UNIT_VUFS_OPS_H

#include "lib/strbuf.h"
#include "test/unit/vufs_view.h"

/*
 * Operations by chance, each on a plain directory (model) and in a view
 * (layer), for tests that compare.
 */

static unsigned seed;

static unsigned chance(unsigned n)
{
	return rand_r(&seed) % n;
}

/* A name of up to three components, of few. */
static const char *some_name(char buf[64])
{
	static const char *const part[] = { "a", "b", "c", "d", "e" };
	size_t depth = 1 + chance(3);

	buf[0] = '\0';
	for (size_t i = 0; i < depth; i++) {
		if (i)
			strcat(buf, "/");
		strcat(buf, part[chance(5)]);
	}
	return buf;
}

/* --- the two sides --- */

static int model;
static struct vu_mount layer;

static int result(int got)
{
	return got < 0 ? -errno : 0;
}

static int write_fd(int fd, const char *text)
{
	if (fd < 0)
		return fd;
	if (text && write(fd, text, strlen(text)) < 0)
		printf("not ok write: %m\n");
	close(fd);
	return 0;
}

struct op {
	const char *word;
	int (*plain)(const char *one, const char *two, unsigned arg);
	int (*view)(const char *one, const char *two, unsigned arg);
	unsigned args;
};

/* openat() that follows nothing, as the names in a view have been walked */
static int plain_create(const char *one, const char *two, unsigned arg)
{
	int fd = openat(model, one, O_CREAT | O_WRONLY | O_NOFOLLOW |
			(arg & 1 ? O_EXCL : 0) | (arg & 2 ? O_TRUNC : 0) |
			O_APPEND, 0640);

	return fd < 0 ? -errno : write_fd(fd, two);
}

static int view_create(const char *one, const char *two, unsigned arg)
{
	int flags = O_WRONLY | O_APPEND | (arg & 1 ? O_EXCL : 0) |
		    (arg & 2 ? O_TRUNC : 0);
	struct vu_node node;
	int err = look_at(&layer, one, &node), fd;

	if (!err)
		close(node.fd);
	if (!err && S_ISLNK(node.attr.st_mode))
		return arg & 1 ? -EEXIST : -ELOOP;
	fd = err && err != -ENOENT ? err : walk_to(&layer, one) ?:
	     layer_create(NULL, &layer, one, flags, 0640);
	return write_fd(fd, two);
}

static int plain_write(const char *one, const char *two, unsigned arg)
{
	int fd = openat(model, one, O_WRONLY | O_NOFOLLOW |
			(arg & 1 ? O_TRUNC : O_APPEND));

	return fd < 0 ? -errno : write_fd(fd, two);
}

static int view_write(const char *one, const char *two, unsigned arg)
{
	int err = walk_to(&layer, one);

	return err ?: write_fd(layer_open(NULL, &layer, one, O_WRONLY |
				(arg & 1 ? O_TRUNC : O_APPEND)), two);
}

static int plain_mkdir(const char *one, const char *two, unsigned arg)
{
	(void)two, (void)arg;
	return result(mkdirat(model, one, 0750));
}

static int view_mkdir(const char *one, const char *two, unsigned arg)
{
	(void)two, (void)arg;
	return walk_to(&layer, one) ?: layer_mkdir(NULL, &layer, one, 0750);
}

static int plain_unlink(const char *one, const char *two, unsigned arg)
{
	(void)two;
	return result(unlinkat(model, one, arg ? AT_REMOVEDIR : 0));
}

static int view_unlink(const char *one, const char *two, unsigned arg)
{
	(void)two;
	return walk_to(&layer, one) ?:
	       arg ? layer_rmdir(NULL, &layer, one)
		   : layer_unlink(NULL, &layer, one);
}

/* What is no directory on the way to another name, and so says ENOTDIR. */
static int plain_symlink(const char *one, const char *two, unsigned arg)
{
	(void)two, (void)arg;
	return result(symlinkat("/dev/null", model, one));
}

static int view_symlink(const char *one, const char *two, unsigned arg)
{
	(void)two, (void)arg;
	return walk_to(&layer, one) ?:
	       layer_symlink(NULL, &layer, one, "/dev/null");
}

/* A device only where root can have one, and vstat pretends to. */
static int plain_mknod(const char *one, const char *two, unsigned arg)
{
	(void)two;
	if (arg && !geteuid())
		return result(mknodat(model, one, S_IFCHR | 0640, 0x103));
	return result(mknodat(model, one, S_IFSOCK | 0600, 0));
}

static int view_mknod(const char *one, const char *two, unsigned arg)
{
	(void)two;
	if (arg && !fake_who.uid)
		return walk_to(&layer, one) ?:
		       layer_mknod(NULL, &layer, one, S_IFCHR | 0640, 0x103);
	return walk_to(&layer, one) ?:
	       layer_mknod(NULL, &layer, one, S_IFSOCK | 0600, 0);
}

static const unsigned rename_flags[] = { 0, 0, RENAME_NOREPLACE,
					 RENAME_EXCHANGE };

static int plain_rename(const char *one, const char *two, unsigned arg)
{
	return result(renameat2(model, one, model, two, rename_flags[arg]));
}

static int view_rename(const char *one, const char *two, unsigned arg)
{
	return walk_to(&layer, one) ?: walk_to(&layer, two) ?:
	       layer_rename(NULL, &layer, one, two, rename_flags[arg]);
}

static int plain_link(const char *one, const char *two, unsigned arg)
{
	(void)arg;
	return result(linkat(model, one, model, two, 0));
}

static int view_link(const char *one, const char *two, unsigned arg)
{
	struct vu_node node;
	int err = look_at(&layer, one, &node);

	(void)arg;
	if (!err)
		close(node.fd);
	return err ?: walk_to(&layer, two) ?:
	       layer_link(NULL, &layer, one, two);
}

static bool is_symlink(const char *name)
{
	struct stat st;

	return !fstatat(model, name, &st, AT_SYMLINK_NOFOLLOW) &&
	       S_ISLNK(st.st_mode);
}

static int plain_chmod(const char *one, const char *two, unsigned arg)
{
	(void)two;
	if (is_symlink(one))
		return -EOPNOTSUPP;
	return result(fchmodat(model, one, 02700 + arg * 5, 0));
}

static int view_chmod(const char *one, const char *two, unsigned arg)
{
	(void)two;
	return walk_to(&layer, one) ?:
	       layer_chmod(NULL, &layer, one, 02700 + arg * 5);
}

static int plain_utimens(const char *one, const char *two, unsigned arg)
{
	const struct timespec t[2] = { { 1000 + arg, 5 }, { 2000 + arg, 7 } };

	(void)two;
	return result(utimensat(model, one, t, AT_SYMLINK_NOFOLLOW));
}

static int view_utimens(const char *one, const char *two, unsigned arg)
{
	const struct timespec t[2] = { { 1000 + arg, 5 }, { 2000 + arg, 7 } };

	(void)two;
	return walk_to(&layer, one) ?: layer_utimens(NULL, &layer, one, t);
}

static int plain_truncate(const char *one, const char *two, unsigned arg)
{
	char name[128];

	(void)two;
	if (is_symlink(one))
		return -ELOOP;
	snprintf(name, sizeof(name), "model/%s", one);
	return result(truncate(name, arg * 3));
}

static int view_truncate(const char *one, const char *two, unsigned arg)
{
	struct vu_node node;
	int err = look_at(&layer, one, &node);

	(void)two;
	if (err)
		return err;
	close(node.fd);
	return S_ISLNK(node.attr.st_mode) ? -ELOOP :
	       layer_truncate(NULL, &layer, one, arg * 3);
}

static int plain_chown(const char *one, const char *two, unsigned arg)
{
	(void)two;
	return result(fchownat(model, one, getuid() ? -1u : arg / 2,
			       getuid() ? getgid() : arg,
			       AT_SYMLINK_NOFOLLOW));
}

static int view_chown(const char *one, const char *two, unsigned arg)
{
	(void)two;
	return walk_to(&layer, one) ?:
	       layer_chown(NULL, &layer, one, getuid() ? -1u : arg / 2,
			   getuid() ? getgid() : arg);
}

static const struct op ops[] = {
	{ "create", plain_create, view_create, 4 },
	{ "create", plain_create, view_create, 4 },
	{ "write", plain_write, view_write, 2 },
	{ "mkdir", plain_mkdir, view_mkdir, 1 },
	{ "mkdir", plain_mkdir, view_mkdir, 1 },
	{ "unlink", plain_unlink, view_unlink, 2 },
	{ "unlink", plain_unlink, view_unlink, 1 },
	{ "symlink", plain_symlink, view_symlink, 1 },
	{ "mknod", plain_mknod, view_mknod, 2 },
	{ "rename", plain_rename, view_rename, 4 },
	{ "rename", plain_rename, view_rename, 4 },
	{ "rename", plain_rename, view_rename, 4 },
	{ "link", plain_link, view_link, 1 },
	{ "chmod", plain_chmod, view_chmod, 8 },
	{ "chown", plain_chown, view_chown, 8 },
	{ "utimens", plain_utimens, view_utimens, 8 },
	{ "truncate", plain_truncate, view_truncate, 3 },
};

/* --- where they begin --- */

static void make_file(const char *root, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	write_file(path, text);
}

static void make_tree(const char *root)
{
	static const char *const dirs[] = { "", "a", "b", "a/b", "a/c", "b/a",
					    "d", "d/d" };
	char path[128], to[128];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, dirs[i]);
		mkdir(path, 0755);
	}
	make_file(root, "c", "c");
	make_file(root, "a/a", "aa");
	make_file(root, "a/b/a", "aba");
	make_file(root, "a/b/b", "abb");
	make_file(root, "b/b", "bb");
	make_file(root, "d/d/a", "dda");
	snprintf(path, sizeof(path), "%s/a/c/c", root);
	CHECK(!symlink("/dev/null", path));
	snprintf(path, sizeof(path), "%s/c", root);
	snprintf(to, sizeof(to), "%s/d/c", root);
	CHECK(!link(path, to));
}

static struct layer_options cow = { .layered = true, .mode = LAYER_COW };

/* One of them, with its arguments. */
struct deed {
	const struct op *op;
	char one[64], two[64];
	unsigned arg;
};

static inline struct deed some_deed(void)
{
	struct deed d;

	d.op = &ops[chance(sizeof(ops) / sizeof(ops[0]))];
	d.arg = chance(d.op->args);
	some_name(d.one);
	some_name(d.two);
	return d;
}

/* --- what is seen, as text --- */

static inline void dump_dir(struct strbuf *out, const char *path);

static inline void dump_content(struct strbuf *out, int fd)
{
	char buf[256], link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	fd = open(link, O_RDONLY);
	n = read(fd, buf, sizeof(buf));
	if (n > 0)
		strbuf_add(out, buf, n);
	close(fd);
}

/* All that a guest sees of it; but numbers and times of now. */
static inline void dump_one(struct strbuf *out, const char *path)
{
	struct vu_node node;
	int err = layer_lookup(NULL, &layer, path, &node);

	if (err) {
		strbuf_printf(out, "%s: %s\n", path, strerror(-err));
		return;
	}
	strbuf_printf(out, "%s: %o %u %u", path, node.attr.st_mode,
		      node.attr.st_uid, node.attr.st_gid);
	if (!S_ISDIR(node.attr.st_mode) && node.attr.st_mtim.tv_sec < 10000)
		strbuf_printf(out, " %ld", (long)node.attr.st_mtim.tv_sec);
	strbuf_puts(out, " ");
	if (S_ISREG(node.attr.st_mode))
		dump_content(out, node.fd);
	strbuf_puts(out, "\n");
	close(node.fd);
	if (S_ISDIR(node.attr.st_mode))
		dump_dir(out, path);
}

static inline void dump_dir(struct strbuf *out, const char *path)
{
	char (*names)[256] = calloc(128, 256), child[PATH_MAX];
	size_t n = list_dir(&layer, path, names, 128);

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(names[i], ".") || !strcmp(names[i], ".."))
			continue;
		snprintf(child, sizeof(child), "%s%s%s", path,
			 *path ? "/" : "", names[i]);
		dump_one(out, child);
	}
	free(names);
}

/* What a view of that store shows. */
static inline char *dump(const char *store)
{
	struct strbuf out = { 0 };

	layer = mount_layer(store, "target", cow);
	dump_dir(&out, "");
	unmount_layer(&layer);
	strbuf_putc(&out, '\n');
	return out.data;
}

/* As many rounds as VUFS_SEED and VUFS_ROUNDS say, or the usual ones. */
static inline void run_rounds(void (*round_of)(unsigned number), unsigned usual)
{
	const char *first = getenv("VUFS_SEED"), *n = getenv("VUFS_ROUNDS");
	unsigned from = first ? atoi(first) : 1;

	if (n)
		usual = atoi(n);
	else if (first)
		usual = 1;
	for (unsigned i = 0; i < usual && !failures; i++)
		round_of(from + i);
}

#endif
