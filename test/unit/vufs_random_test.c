/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The same operations, by chance, on a plain directory and on a copy on
 * write of its like: same results, same trees, also after the store has been
 * opened anew; and the target is what it was, to the nanosecond.
 * timeout: 300
 *
 * As root once more with vstat: see below. And with copies on write over each
 * other, of which only the newest changes.
 *
 * VUFS_SEED=N begins with that seed, VUFS_ROUNDS=N makes so many.
 */
#include "test/unit/vufs_ops.h"

#define OPS 200
#define NAMES 128

static bool loud;

/* --- comparing --- */

static const char *at_name = "";

static void differ(const char *path, const char *what, long plain, long view)
{
	printf("not ok %s: %s: %s: plain %ld view %ld\n", at_name, path, what,
	       plain, view);
	failures++;
}

static void compare_content(const char *path, int a, int b)
{
	char one[4096], two[4096], link[32];
	ssize_t n, m;
	int fd;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", b);
	fd = open(link, O_RDONLY);
	n = read(a, one, sizeof(one));
	m = read(fd, two, sizeof(two));
	if (n != m || (n > 0 && memcmp(one, two, n)))
		differ(path, "content", n, m);
	close(fd);
}

static void compare_one(const char *path)
{
	char one[PATH_MAX], two[PATH_MAX];
	struct vu_node node;
	struct stat st, again;
	int err = look_at(&layer, path, &node), fd;

	if (fstatat(model, path, &st, AT_SYMLINK_NOFOLLOW)) {
		differ(path, "model", errno, 0);
		return;
	}
	if (err) {
		differ(path, "lookup", 0, err);
		return;
	}
	if (st.st_mode != node.attr.st_mode)
		differ(path, "mode", st.st_mode, node.attr.st_mode);
	if (st.st_uid != node.attr.st_uid)
		differ(path, "uid", st.st_uid, node.attr.st_uid);
	if (st.st_rdev != node.attr.st_rdev && !S_ISREG(st.st_mode))
		differ(path, "rdev", st.st_rdev, node.attr.st_rdev);
	if (st.st_gid != node.attr.st_gid)
		differ(path, "gid", st.st_gid, node.attr.st_gid);
	if (st.st_nlink != node.attr.st_nlink)
		differ(path, "nlink", st.st_nlink, node.attr.st_nlink);
	if (st.st_mtim.tv_sec < 10000 &&
	    st.st_mtim.tv_sec != node.attr.st_mtim.tv_sec)
		differ(path, "mtime", st.st_mtim.tv_sec,
		       node.attr.st_mtim.tv_sec);
	/* what an open file is told is the same */
	if (fstat(node.fd, &again))
		differ(path, "fstat", 0, errno);
	layer_tell(&layer, &again);
	if (again.st_ino != node.attr.st_ino ||
	    again.st_mode != node.attr.st_mode ||
	    again.st_nlink != node.attr.st_nlink)
		differ(path, "fstat", node.attr.st_ino, again.st_ino);
	if (S_ISREG(st.st_mode)) {
		fd = openat(model, path, O_RDONLY);
		compare_content(path, fd, node.fd);
		close(fd);
	}
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlinkat(model, path, one, sizeof(one));
		ssize_t m = readlinkat(node.fd, "", two, sizeof(two));

		if (n != m || memcmp(one, two, n))
			differ(path, "link", n, m);
	}
	close(node.fd);
}

static void compare_dir(const char *path);

static void compare_entry(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s%s", dir, *dir ? "/" : "", name);
	compare_one(path);
	if (!fstatat(model, path, &st, AT_SYMLINK_NOFOLLOW) &&
	    S_ISDIR(st.st_mode))
		compare_dir(path);
}

static void compare_dir(const char *path)
{
	char (*plain)[256] = calloc(NAMES, 256);
	char (*view)[256] = calloc(NAMES, 256);
	size_t n = 0, m = list_dir(&layer, path, view, NAMES);
	DIR *d = fdopendir(openat(model, *path ? path : ".",
				  O_RDONLY | O_DIRECTORY));
	struct dirent *e;

	while (d && n < NAMES && (e = readdir(d)))
		strcpy(plain[n++], e->d_name);
	if (d)
		closedir(d);
	qsort(plain, n, 256, compare_names);
	for (size_t i = 0; i < n || i < m; i++)
		if (i >= n || i >= m || strcmp(plain[i], view[i])) {
			printf("not ok %s: listing of /%s: plain %s view %s\n",
			       at_name, path, i < n ? plain[i] : "-",
			       i < m ? view[i] : "-");
			failures++;
			break;
		}
	for (size_t i = 0; i < n; i++)
		if (strcmp(plain[i], ".") && strcmp(plain[i], ".."))
			compare_entry(path, plain[i]);
	free(plain);
	free(view);
}

/* --- a round --- */

/*
 * With vstat the view is an ordinary user's, who takes himself for root: it
 * is to be the same as what root himself does.
 */
#define USER 64001
static bool vstat;

static void be_user(bool on)
{
	if (!vstat)
		return;
	/* root first, who may do the rest */
	if (seteuid(0) || setegid(on ? USER : 0) || seteuid(on ? USER : 0))
		differ("", "ids", errno, 0);
}

/* Those that lie over each other: the last is the one to be worked on. */
#define DEPTH 4
static struct vu_mount lower[DEPTH];
static unsigned depth;

static const char *store_name(unsigned i)
{
	static const char *const name[DEPTH] = {
		"store", "store2", "store3", "store4",
	};

	return name[i];
}

static struct vu_mount mount_it(void)
{
	struct layer_options o = cow;
	struct vu_mount m;

	/* what the lowest has, the others have */
	if (vstat && !depth)
		o.flags = LAYER_VSTAT;
	view_under = depth ? &lower[depth - 1] : NULL;
	be_user(true);
	m = mount_layer(store_name(depth), "target", o);
	be_user(false);
	return m;
}

static void one_op(unsigned i)
{
	struct deed d = some_deed();
	char what[200];
	int plain, view;

	snprintf(what, sizeof(what), "op %u: %s %s %s %u", i, d.op->word,
		 d.one, d.two, d.arg);
	at_name = what;
	plain = d.op->plain(d.one, d.two, d.arg);
	be_user(true);
	view = d.op->view(d.one, d.two, d.arg);
	be_user(false);
	if (loud)
		printf("%s = %d\n", what, plain);
	if (plain != view)
		differ(d.one, strerror(-plain), plain, view);
	if (loud)
		compare_dir("");
}

static void round_of(unsigned number)
{
	uint64_t before;

	seed = number;
	make_tree("model");
	make_tree("target");
	mkdir("store", 0755);
	if (vstat && chown("store", USER, USER))
		differ("store", "chown", errno, 0);
	before = sum_tree("target");
	model = open("model", O_RDONLY | O_DIRECTORY);
	layer = mount_it();
	for (unsigned i = 0; i < OPS && !failures; i++) {
		one_op(i);
		if (i % 50 == 49) {
			at_name = "compare";
			compare_dir("");
			unmount_layer(&layer);
			layer = mount_it();
			at_name = "opened anew";
			compare_dir("");
		}
	}
	unmount_layer(&layer);
	close(model);
	if (sum_tree("target") != before) {
		printf("not ok the target has changed\n");
		failures++;
	}
	if (failures) {
		printf("seed %u%s\n", number, vstat ? " (vstat)" : "");
		return;
	}
	remove_tree("model");
	remove_tree("target");
	remove_tree("store");
}

/* --- over each other --- */

static void make_store(unsigned i)
{
	mkdir(store_name(i), 0755);
	if (vstat && chown(store_name(i), USER, USER))
		differ("store", "chown", errno, 0);
}

static void some_ops(unsigned n)
{
	for (unsigned i = 0; i < n && !failures; i++)
		one_op(i);
	at_name = "compare";
	if (!failures)
		compare_dir("");
	unmount_layer(&layer);
	layer = mount_it();
	at_name = "opened anew";
	if (!failures)
		compare_dir("");
}

/* All is unmounted, and mounted again, from below. */
static void restart(void)
{
	unsigned top = depth;

	unmount_layer(&layer);
	while (depth)
		unmount_layer(&lower[--depth]);
	for (layer = mount_it(); depth < top; layer = mount_it())
		lower[depth++] = layer;
	at_name = "all opened anew";
	if (!failures)
		compare_dir("");
}

static void round_over(unsigned number)
{
	uint64_t before[DEPTH] = { 0 };

	seed = number;
	make_tree("model");
	make_tree("target");
	before[0] = sum_tree("target");
	model = open("model", O_RDONLY | O_DIRECTORY);
	make_store(0);
	layer = mount_it();
	for (;;) {
		some_ops(OPS / DEPTH);
		if (depth == DEPTH - 1 || failures)
			break;
		lower[depth++] = layer;
		before[depth] = sum_tree(store_name(depth - 1));
		make_store(depth);
		layer = mount_it();
		at_name = "put over it";
		compare_dir("");
	}
	restart();
	if (sum_tree("target") != before[0])
		differ("target", "changed", 0, 1);
	for (unsigned i = 0; i < depth; i++)
		if (sum_tree(store_name(i)) != before[i + 1])
			differ(store_name(i), "changed", 0, 1);
	unmount_layer(&layer);
	while (depth)
		unmount_layer(&lower[--depth]);
	close(model);
	if (failures) {
		printf("seed %u over each other%s\n", number,
		       vstat ? " (vstat)" : "");
		return;
	}
	remove_tree("model");
	remove_tree("target");
	for (unsigned i = 0; i < DEPTH; i++)
		remove_tree(store_name(i));
}

int main(void)
{
	fake_who.uid = geteuid();
	fake_who.gid = getegid();
	loud = getenv("VUFS_LOUD");
	enter_scratch("vufs_random");
	CHECK(!chmod(".", 0755));
	run_rounds(round_of, 150);
	run_rounds(round_over, 100);
	vstat = !geteuid();
	if (vstat) {
		run_rounds(round_of, 150);
		run_rounds(round_over, 100);
	}
	if (!getenv("VUFS_KEEP"))
		leave_scratch();
	return failures ? 1 : 0;
}
