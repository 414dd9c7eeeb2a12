/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file_names DIR: makes, moves and removes names of every kind in an empty
 * directory, and says what came of it. The same on every file system that is
 * one.
 */
#include <dirent.h>
#include <limits.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

#include "test/lib.h"

static void put_things(void)
{
	make_file("f", 0644, "f");
	make_file("g", 0644, "gg");
	make_dir("d", 0755);
	make_dir("e", 0755);
	make_dir("full", 0755);
	make_file("full/x", 0644, "x");
	(void)!symlink("f", "lf");
	(void)!symlink("d", "ld");
	(void)!symlink("none", "ln");
}

static const char *const put[] = { "f", "g", "d", "e", "full", "lf", "ld",
				   "ln" };
enum { PUT = sizeof(put) / sizeof(put[0]) };

static void take_away(void)
{
	for (int i = 0; i < PUT; i++)
		remove_tree(put[i]);
	remove_tree("new");
}

/* --- two names --- */

static const char *const from[] = { "f", "f/", "d", "d/", "full", "lf", "ld",
				    "ld/", "ln", "none", ".", "d/..", "f/x" };
static const char *const to[] = { "f", "g", "g/", "d", "e", "e/", "full",
				  "full/x", "full/y", "lf", "ld", "ln", "new",
				  "new/", "none/x", "d/in", ".", "g/x" };

enum { FROM = sizeof(from) / sizeof(from[0]), TO = sizeof(to) / sizeof(to[0]) };

static void say_tree(void)
{
	for (int i = 0; i < PUT; i++)
		say_lstat(put[i]);
	say_lstat("new");
	say_lstat("full/y");
	say_lstat("full/x");
}

static void two_names(const char *name, int (*f)(const char *, const char *))
{
	char what[64];

	for (int i = 0; i < FROM; i++)
		for (int k = 0; k < TO; k++) {
			put_things();
			snprintf(what, sizeof(what), "%s %s %s", name,
				 from[i], to[k]);
			errno = 0;
			if (!result(what, f(from[i], to[k])))
				say_tree();
			take_away();
		}
}

static int link_through(const char *a, const char *b)
{
	return linkat(AT_FDCWD, a, AT_FDCWD, b, AT_SYMLINK_FOLLOW);
}

/* --- one name --- */

static const char *const names[] = { "f", "f/", "f/x", "d", "d/", "full", "lf",
	"lf/", "ld", "ld/", "ln", "ln/", "none", "none/", "none/x", ".", "..",
	"d/.", "d/..", "" };

static int make_directory(const char *path)
{
	return mkdir(path, 0777);
}

static int make_plain(const char *path)
{
	return mknod(path, S_IFREG | 0666, 0);
}

static int make_fifo(const char *path)
{
	return mkfifo(path, 0600);
}

static int make_link(const char *path)
{
	return symlink("to/nowhere", path);
}

static const struct {
	const char *name;
	int (*f)(const char *);
} one[] = {
	{ "mkdir", make_directory }, { "mknod", make_plain },
	{ "mkfifo", make_fifo }, { "symlink", make_link },
	{ "unlink", unlink }, { "rmdir", rmdir }, { "remove", remove },
	{ "chdir", chdir },
};

static void one_name(void)
{
	int here = open(".", O_RDONLY | O_DIRECTORY);
	char what[64];

	for (size_t f = 0; f < sizeof(one) / sizeof(one[0]); f++)
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			put_things();
			snprintf(what, sizeof(what), "%s %s", one[f].name,
				 names[i]);
			errno = 0;
			result(what, one[f].f(names[i]));
			(void)!fchdir(here);
			if (strcmp(names[i], ".."))
				say_lstat(names[i]);
			remove_tree("none");
			take_away();
		}
	close(here);
}

/* --- long names, long ways --- */

static void long_names(void)
{
	char *fits = repeat('n', 255), *not = repeat('n', 256);
	char *path = repeat('/', 4096), *dots = repeat('.', 4094);

	try(mkdir(fits, 0755));
	try(chdir(fits));
	make_file(fits, 0644, "x");
	try(rename(fits, "x"));
	try(rename("x", fits));
	try(link(fits, "y"));
	try(symlink(fits, "z"));
	try(access("z", F_OK));
	try(mkdir(not, 0755));
	try(rename("y", not));
	try(open(not, O_RDONLY | O_CREAT, 0644));
	say_names(".");
	try(unlink(fits) + unlink("y") + unlink("z"));
	try(chdir(".."));
	try(rmdir(fits));
	for (int i = 1; i < 4094; i += 2)
		dots[i] = '/';
	try(access(dots, F_OK));
	path[0] = '.';
	try(access(path, F_OK));
	path[4095] = 0;
	try(access(path, F_OK));
	free(fits);
	free(not);
	free(path);
	free(dots);
}

static void many_links(void)
{
	char a[16], b[16];

	make_file("l0", 0644, "end");
	for (int i = 0; i < 41; i++) {
		snprintf(a, sizeof(a), "l%d", i);
		snprintf(b, sizeof(b), "l%d", i + 1);
		(void)!symlink(a, b);
	}
	try(access("l40", F_OK));
	try(access("l41", F_OK));
	try_fd(open("l41", O_RDONLY | O_CREAT, 0644));
	for (int i = 0; i <= 41; i++) {
		snprintf(a, sizeof(a), "l%d", i);
		unlink(a);
	}
}

static void link_texts(void)
{
	char *long_text = repeat('t', 4095), buf[5000];

	try(symlink(long_text, "long"));
	try(readlink("long", buf, sizeof(buf)));
	try(readlink("long", buf, 10));
	try(readlink("long", buf, 0));
	try(readlink(".", buf, sizeof(buf)));
	try(unlink("long"));
	long_text[1000] = 0;
	try(symlink(long_text, "long"));
	try(readlink("long", buf, sizeof(buf)));
	say_lstat("long");
	try(symlink("", "empty"));
	try(unlink("long"));
	free(long_text);
}

/* --- listings --- */

enum { MANY = 700 };

static void make_many(void)
{
	char name[32];

	make_dir("many", 0755);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "many/%s%d", i % 3 ? "file" :
			 "a-rather-long-name", i);
		make_file(name, 0644, "");
	}
}

/* Whoever is there all the time is seen once, and those gone at most once. */
static void list_while_changing(void)
{
	int seen = 0, removed = 0, twice = 0;
	char path[512], taken[MANY] = { 0 };
	struct dirent *e;
	DIR *d;

	make_many();
	d = opendir("many");
	while ((e = readdir(d))) {
		const char *digits = e->d_name + strcspn(e->d_name, "0123456789");
		int i = atoi(digits);

		if (e->d_name[0] == '.')
			continue;
		twice += taken[i]++;
		seen++;
		if (i % 2) {
			snprintf(path, sizeof(path), "many/%s", e->d_name);
			removed += !unlink(path);
		}
	}
	say("seen %d removed %d twice %d", seen, removed, twice);
	rewinddir(d);
	for (seen = 0; readdir(d); seen++)
		;
	say("afterwards %d", seen);
	closedir(d);
	remove_tree("many");
}

static void list_by_position(void)
{
	struct dirent *e;
	char name[256];
	long at, again = 0;
	DIR *d;

	make_many();
	d = opendir("many");
	for (int i = 0; i < 100; i++)
		readdir(d);
	at = telldir(d);
	e = readdir(d);
	snprintf(name, sizeof(name), "%s", e->d_name);
	while (readdir(d))
		again++;
	say("after it %ld", again);
	seekdir(d, at);
	e = readdir(d);
	say("the same again: %d", e && !strcmp(e->d_name, name));
	for (again = 0; readdir(d); again++)
		;
	say("after it %ld", again);
	closedir(d);
	try(rmdir("many"));
	remove_tree("many");
}

static void types_in_listing(void)
{
	put_things();
	try(mkfifo("fifo", 0600));
	say_names(".");
	unlink("fifo");
	take_away();
}

/* --- directories that move --- */

static void say_here(const char *top)
{
	char buf[PATH_MAX];
	size_t n = strlen(top);

	if (!getcwd(buf, sizeof(buf)))
		say("here: %s", error_name(errno));
	else
		say("here: %s", strncmp(buf, top, n) ? buf : buf + n);
}

static void moving(const char *top)
{
	int dir, fd;
	struct stat a, b;

	make_dir("p", 0755);
	make_dir("p/q", 0755);
	make_file("p/q/x", 0644, "x");
	dir = try_fd(open("p/q", O_RDONLY | O_DIRECTORY));
	try(chdir("p/q"));
	say_here(top);
	try(renameat(dir, "../../p", dir, "../../moved"));
	say_here(top);
	try(access("x", F_OK));
	fd = try_fd(openat(dir, "y", O_WRONLY | O_CREAT | O_EXCL, 0644));
	try(write(fd, "y", 1));
	try(close(fd));
	try(faccessat(dir, "../../moved/q/y", R_OK, 0));
	try(mkdirat(dir, "z", 0755));
	try(fchdir(dir));
	say_names(".");
	try(unlinkat(dir, "z", AT_REMOVEDIR));
	try(unlinkat(dir, "x", 0) + unlinkat(dir, "y", 0));
	try(rmdir("../q"));
	say_here(top);
	try(fstat(dir, &a));
	try(stat(".", &b));
	say("the same: %d", a.st_ino == b.st_ino);
	try_fd(openat(dir, "w", O_WRONLY | O_CREAT, 0644));
	try(mkdirat(dir, "w", 0755));
	say_names(".");
	try(chdir(top));
	try(rmdir("moved"));
	close(dir);
}

static void by_path_descriptor(void)
{
	struct stat a, b;
	int fd;

	put_things();
	fd = try_fd(open("lf", O_PATH | O_NOFOLLOW));
	try(fstatat(fd, "", &a, AT_EMPTY_PATH));
	say_stat("the link", &a);
	try(fstatat(AT_FDCWD, "lf", &b, AT_SYMLINK_NOFOLLOW));
	say("the same: %d", a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	close(fd);
	fd = try_fd(open("f", O_PATH));
	try(fstat(fd, &a));
	say_stat("the file", &a);
	try(rename("f", "new"));
	try(fstatat(fd, "", &a, AT_EMPTY_PATH));
	try(linkat(fd, "", AT_FDCWD, "f", AT_EMPTY_PATH) * 0);
	try(fchownat(fd, "", -1, getegid(), AT_EMPTY_PATH));
	try(fchmod(fd, 0600));
	close(fd);
	fd = try_fd(open("full", O_PATH | O_DIRECTORY));
	try(faccessat(fd, "x", F_OK, 0));
	try(rename("full", "e"));
	try(faccessat(fd, "x", F_OK, 0));
	close(fd);
	take_away();
}

/* --- extended attributes, the file system --- */

static void attributes(void)
{
	char buf[256];
	int fd;

	put_things();
	try(setxattr("f", "user.one", "1", 1, 0));
	try(setxattr("f", "user.two", "22", 2, XATTR_CREATE));
	try(setxattr("f", "user.two", "22", 2, XATTR_CREATE));
	try(setxattr("f", "user.three", "22", 2, XATTR_REPLACE));
	try(getxattr("f", "user.two", buf, sizeof(buf)));
	try(getxattr("f", "user.two", buf, 1));
	try(getxattr("f", "user.two", NULL, 0));
	try(getxattr("f", "user.none", buf, sizeof(buf)));
	fd = open("f", O_RDWR);
	try(fsetxattr(fd, "user.fd", "", 0, 0));
	try(fgetxattr(fd, "user.fd", buf, sizeof(buf)));
	try(fremovexattr(fd, "user.one"));
	try(removexattr("f", "user.one"));
	try(flistxattr(fd, buf, sizeof(buf)));
	try(listxattr("f", NULL, 0));
	try(listxattr("f", buf, 3));
	close(fd);
	try(setxattr("d", "user.dir", "d", 1, 0));
	try(lsetxattr("lf", "user.link", "l", 1, 0));
	try(setxattr("none", "user.none", "n", 1, 0));
	try(setxattr("f", "nonsense", "n", 1, 0));
	take_away();
}

static void file_system(void)
{
	struct statfs a, b;
	int fd = open(".", O_RDONLY);

	try(statfs(".", &a));
	try(fstatfs(fd, &b));
	say("blocks %d name %ld", a.f_blocks == b.f_blocks, (long)a.f_namelen);
	try(statfs("none", &a));
	close(fd);
}

int main(int argc, char **argv)
{
	char top[PATH_MAX];

	if (argc != 2 || chdir(argv[1]) || !getcwd(top, sizeof(top)))
		fail("usage: file_names DIR");
	umask(022);
	two_names("rename", rename);
	two_names("link", link);
	two_names("linkat", link_through);
	one_name();
	long_names();
	many_links();
	link_texts();
	list_while_changing();
	list_by_position();
	types_in_listing();
	moving(top);
	by_path_descriptor();
	attributes();
	file_system();
	return 0;
}
