/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cow_random SEED COUNT: a sequence of file operations in the working
 * directory, which depends on SEED alone, with what each answered. Run on two
 * equal trees that are to behave in the same way it prints the same.
 *
 * Names are few, so that they meet; what differs between any two trees (inode
 * numbers, times that nobody set) is told as "the same as before" or not at all.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define FDS 6

static uint64_t state;
static struct open_file { int fd; bool dir, writes; } file[FDS];
static int top;

static unsigned pick(unsigned n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % n;
}

static const char *name(char *buf)
{
	static const char *const parts[] = { "a", "b", "c", "d", "e", "lnk" };
	unsigned depth = 1 + !pick(2) + !pick(4);

	*buf = '\0';
	for (unsigned i = 0; i < depth; i++) {
		if (i)
			strcat(buf, "/");
		strcat(buf, parts[pick(6)]);
	}
	if (!pick(20))
		strcat(buf, "/");
	if (!pick(25))
		strcat(buf, "/..");
	return buf;
}

static void say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
}

static int result(int ret)
{
	say(" = %s\n", ret < 0 ? strerrorname_np(errno) : "ok");
	return ret;
}

static void tell(const struct stat *st)
{
	say(" %o", st->st_mode);
	if (!S_ISDIR(st->st_mode))
		say(" links %lu size %ld", (unsigned long)st->st_nlink,
		    (long)st->st_size);
	else
		say(" links %lu", (unsigned long)st->st_nlink);
	if (st->st_mtim.tv_sec < 1000000)
		say(" mtime %ld.%ld", (long)st->st_mtim.tv_sec,
		    st->st_mtim.tv_nsec);
}

static void show_stat(const char *path, int flags)
{
	struct stat st;
	int ret = fstatat(AT_FDCWD, path, &st, flags);

	say("stat %s %d", path, flags);
	if (!ret)
		tell(&st);
	result(ret);
}

static unsigned sum(const char *data, size_t n)
{
	unsigned s = n;

	while (n--)
		s = s * 31 + (unsigned char)*data++;
	return s;
}

static void show_content(const char *path)
{
	char data[65536];
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, data, sizeof(data));

	say("read %s", path);
	if (n >= 0)
		say(" %zd bytes %u", n, sum(data, n));
	result(n < 0 ? -1 : 0);
	if (fd >= 0)
		close(fd);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void show_directory(const char *path)
{
	struct dirent **list;
	int n = scandir(path, &list, NULL, by_name);

	say("list %s", path);
	for (int i = 0; i < n; i++) {
		say(" %s/%d", list[i]->d_name, list[i]->d_type);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	result(n < 0 ? -1 : 0);
}

/* --- operations ------------------------------------------------------------- */

static unsigned free_slot(void)
{
	unsigned i = pick(FDS);

	if (file[i].fd >= 0)
		close(file[i].fd);
	file[i].fd = -1;
	return i;
}

static void op_open(void)
{
	static const int how[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR };
	static const int more[] = { 0, O_CREAT, O_CREAT | O_EXCL, O_TRUNC,
		O_CREAT | O_TRUNC, O_APPEND, O_NOFOLLOW, O_DIRECTORY };
	char path[64];
	int flags = how[pick(4)] | more[pick(8)] | O_NONBLOCK;
	unsigned i = free_slot();
	struct stat st;

	name(path);
	say("%u: open %s %o", i, path, flags);
	file[i].fd = result(open(path, flags, 0600 | pick(0200)));
	if (file[i].fd < 0)
		return;
	fstat(file[i].fd, &st);
	file[i].dir = S_ISDIR(st.st_mode);
	/* a FIFO is not the same once it was copied */
	file[i].writes = (flags & O_ACCMODE) != O_RDONLY && S_ISREG(st.st_mode);
}

static void op_write(void)
{
	char data[5000];
	unsigned i = pick(FDS), n = pick(sizeof(data));

	memset(data, 'a' + (int)pick(26), n);
	if (file[i].fd < 0 || !file[i].writes)
		return;
	say("%u: write %u", i, n);
	result(pwrite(file[i].fd, data, n, pick(20000)) < 0 ? -1 : 0);
}

static void op_descriptor(void)
{
	unsigned i = pick(FDS), what = pick(6);
	struct timespec t[2] = { { 1000, 5 }, { 2000 + pick(100), 7 } };
	struct stat st;
	int ret;

	/* what is open for reading only may be the file before it was copied */
	if (file[i].fd < 0 || (!file[i].writes && !file[i].dir))
		return;
	say("%u: descriptor %u", i, what);
	switch (what) {
	case 0: ret = fchmod(file[i].fd, 0600 | pick(0200)); break;
	case 1: ret = ftruncate(file[i].fd, pick(9000)); break;
	case 2: ret = futimens(file[i].fd, t); break;
	case 3: ret = fsetxattr(file[i].fd, "user.x", "1", 1, 0); break;
	case 4: ret = fsync(file[i].fd); break;
	default:
		ret = fstat(file[i].fd, &st);
		if (!ret)
			tell(&st);
	}
	result(ret);
}

/* A name relative to a descriptor. */
static void op_at(void)
{
	unsigned i = pick(FDS);
	char path[64];
	int fd;

	name(path);
	if (file[i].fd < 0 || !file[i].dir)
		return;
	say("%u: openat %s", i, path);
	fd = result(openat(file[i].fd, path, O_RDWR | O_CREAT | O_NONBLOCK, 0640));
	if (fd >= 0)
		close(fd);
	say("%u: mkdirat %s", i, path);
	result(mkdirat(file[i].fd, path, 0750));
}

static void op_map(void)
{
	char path[64], *map;
	struct stat st;
	int fd = open(name(path), O_RDWR | O_NONBLOCK);

	say("map %s", path);
	result(fd);
	if (fd < 0)
		return;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size) {
		map = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			   fd, 0);
		if (map != MAP_FAILED) {
			map[pick(st.st_size)] = 'm';
			munmap(map, st.st_size);
		}
	}
	close(fd);
}

static void op_tmpfile(void)
{
	char path[64], link[64];
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);

	name(path);
	say("tmpfile");
	if (result(fd) < 0)
		return;
	(void)!write(fd, path, strlen(path));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	say("name it %s", path);
	result(linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW));
	close(fd);
}

static void op_rename(void)
{
	static const unsigned flags[] = { 0, 0, 0, RENAME_NOREPLACE,
					  RENAME_EXCHANGE };
	char a[64], b[64];
	unsigned f = flags[pick(5)];

	name(a);
	name(b);
	say("rename %s %s %u", a, b, f);
	result(renameat2(AT_FDCWD, a, AT_FDCWD, b, f));
}

static void op_times(void)
{
	struct timespec t[2] = { { 3000, 0 }, { 4000 + pick(100), 9 } };
	char path[64];
	int flags = pick(2) ? AT_SYMLINK_NOFOLLOW : 0;

	name(path);
	say("utimensat %s", path);
	result(utimensat(AT_FDCWD, path, t, flags));
}

static void op_xattr(void)
{
	char path[64], list[256], value[16];
	ssize_t n;

	name(path);
	say("setxattr %s", path);
	result(setxattr(path, pick(2) ? "user.one" : "user.two", path,
			strlen(path), pick(3)));
	n = listxattr(path, list, sizeof(list));
	say("listxattr %s %zd", path, n);
	result(n < 0 ? -1 : 0);
	n = getxattr(path, "user.one", value, sizeof(value));
	say("getxattr %s %zd", path, n);
	result(n < 0 ? -1 : 0);
	if (!pick(3)) {
		say("removexattr %s", path);
		result(removexattr(path, "user.two"));
	}
}

/* Those with one name. */
static void op_name(void)
{
	char path[64], other[64];

	name(path);
	switch (pick(9)) {
	case 0: say("mkdir %s", path); result(mkdir(path, 0700 | pick(0100))); break;
	case 1: say("rmdir %s", path); result(rmdir(path)); break;
	case 2: case 3: say("unlink %s", path); result(unlink(path)); break;
	case 4: say("chmod %s", path); result(chmod(path, 0600 | pick(0200))); break;
	case 5: say("truncate %s", path); result(truncate(path, pick(9000))); break;
	case 6: say("mkfifo %s", path); result(mkfifo(path, 0600)); break;
	case 7: say("access %s", path); result(access(path, (int)pick(8))); break;
	default:
		name(other);
		say("symlink %s %s", other, path);
		result(symlink(other, path));
	}
}

static void op_link(void)
{
	char a[64], b[64];

	name(a);
	name(b);
	say("link %s %s", a, b);
	result(linkat(AT_FDCWD, a, AT_FDCWD, b, pick(2) ? AT_SYMLINK_FOLLOW : 0));
}

static void op_move(void)
{
	char path[64], where[4096];

	if (!pick(3)) {
		say("back to the top");
		result(fchdir(top));
		return;
	}
	name(path);
	say("chdir %s", path);
	result(chdir(path));
	say("getcwd");
	result(getcwd(where, sizeof(where)) ? 0 : -1);
	/* names that climb must not leave the tree */
	if (!getcwd(where, sizeof(where)) || !strstr(where, "/tree"))
		result(fchdir(top));
}

static void op_look(void)
{
	char path[64], text[256];
	ssize_t n;

	name(path);
	switch (pick(4)) {
	case 0: show_stat(path, 0); break;
	case 1: show_stat(path, AT_SYMLINK_NOFOLLOW); break;
	case 2: show_content(path); break;
	default: show_directory(path);
	}
	n = readlink(path, text, sizeof(text) - 1);
	if (n >= 0)
		say("readlink %s %.*s\n", path, (int)n, text);
}

/* --- the whole tree ------------------------------------------------------------ */

static void show_tree(const char *path)
{
	struct dirent **list;
	struct stat st;
	int n;

	show_stat(path, AT_SYMLINK_NOFOLLOW);
	if (lstat(path, &st))
		return;
	if (S_ISREG(st.st_mode))
		show_content(path);
	if (!S_ISDIR(st.st_mode))
		return;
	show_directory(path);
	n = scandir(path, &list, NULL, by_name);
	for (int i = 0; i < n; i++) {
		char *below;

		if (strcmp(list[i]->d_name, ".") && strcmp(list[i]->d_name, "..") &&
		    asprintf(&below, "%s/%s", path, list[i]->d_name) >= 0) {
			show_tree(below);
			free(below);
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

int main(int argc, char **argv)
{
	static void (*const op[])(void) = {
		op_open, op_open, op_write, op_descriptor, op_at, op_map,
		op_tmpfile, op_rename, op_rename, op_times, op_xattr, op_name,
		op_name, op_name, op_link, op_move, op_look, op_look,
	};
	unsigned count = argc > 2 ? strtoul(argv[2], NULL, 0) : 100;

	state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	umask(022);
	setvbuf(stdout, NULL, _IONBF, 0);
	top = open(".", O_RDONLY | O_DIRECTORY);
	for (unsigned i = 0; i < FDS; i++)
		file[i].fd = -1;
	pick(2);
	while (count--)
		op[pick(sizeof(op) / sizeof(*op))]();
	if (fchdir(top))
		return 1;
	show_tree(".");
	return 0;
}
