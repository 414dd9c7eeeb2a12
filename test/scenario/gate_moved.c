/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timeout: 120
 *
 * The gate where a directory was moved: what lies in it is found unseen by the
 * kernel's own name, and told by the view's; and only as long as it lies there.
 */
#include <limits.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "test/scenario/gate_names.h"

/* What was learned of symlinks is not used for a tenth of a second. */
static void settle(void)
{
	gate_nap(150000);
}

static int mount_with(const char *options, const char *source,
		      const char *target)
{
	char *const argv[] = { "vumount", "-t", "vufs", "-o", (char *)options,
			       (char *)source, (char *)target, NULL };

	return run_tool(argv);
}

static void is_called(int fd, const char *name)
{
	char link[64], buf[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, buf, sizeof(buf) - 1);
	expect(n > 0);
	buf[n] = '\0';
	if (strcmp(buf, name))
		fail("%s is called %s", name, buf);
}

static void unseen(void)
{
	char *file = abs_name("mounted/file"), *sub = abs_name("mounted/sub/file");
	char *none = abs_name("mounted/none"), *link = abs_name("mounted/link");
	char *slashes = abs_name("mounted//sub///file"), buf[64];
	struct stat st;
	struct statfs fs;
	struct statx x;

	warm(sub);
	if (!gate_is_there())
		fail("no gate");
	settle();
	quiet(stat(file, &st));
	quiet(stat(sub, &st));
	quiet(stat(slashes, &st));
	quiet(stat(none, &st));
	quiet(lstat(link, &st));
	quiet(fstatat(AT_FDCWD, sub, &st, AT_SYMLINK_NOFOLLOW));
	quiet(statx(AT_FDCWD, sub, 0, STATX_BASIC_STATS, &x));
	quiet(access(sub, R_OK | W_OK));
	quiet(access(none, R_OK));
	quiet(faccessat(AT_FDCWD, sub, R_OK, 0));
	quiet(readlink(link, buf, sizeof(buf)));
	quiet(readlink(sub, buf, sizeof(buf)));
	quiet(getxattr(sub, "user.none", buf, sizeof(buf)));
	quiet(statfs(sub, &fs));
	quiet_open(close(open(sub, O_RDONLY | O_CLOEXEC)));
	quiet_open(open(none, O_RDONLY));
}

static void right(void)
{
	char *link = strdup(abs_name("mounted/link")), buf[64];
	struct stat st, real;
	struct statx x;

	for (int i = 0; i < 3; i++, settle()) {
		is("moved", abs_name("mounted/file"), MOUNTED_SIZE);
		is("below", abs_name("mounted/sub/file"), MOUNTED_SIZE);
		is("through a symlink", link, MOUNTED_SIZE);
		is("by a symlink out", abs_name("mounted/out"), NATIVE_SIZE);
		is("by a symlink to a directory", abs_name("mounted/dir/file"),
		   MOUNTED_SIZE);
		is("by ..", abs_name("mounted/../plain/file"), NATIVE_SIZE);
		is("by .. below", abs_name("mounted/sub/../file"), MOUNTED_SIZE);
		is("no directory", abs_name("mounted/file/x"), -ENOTDIR);
		is("none", abs_name("mounted/none"), -ENOENT);
		is("none below none", abs_name("mounted/none/x"), -ENOENT);
		expect(readlink(link, buf, sizeof(buf)) == 4 &&
		       !memcmp(buf, "file", 4));
		expect(!lstat(link, &st) && S_ISLNK(st.st_mode));
		expect(!lstat(abs_name("source/link"), &real) &&
		       real.st_ino == st.st_ino);
		expect(!statx(AT_FDCWD, link, 0, STATX_TYPE, &x) &&
		       S_ISREG(x.stx_mode));
		expect(open(link, O_RDONLY | O_NOFOLLOW) < 0 && errno == ELOOP);
		expect(open(abs_name("mounted/file"), O_DIRECTORY) < 0 &&
		       errno == ENOTDIR);
		warm(abs_name("mounted/sub/file"));
	}
}

/* The kernel would go another way, where there is no such file. */
static void parents(void)
{
	char *file = strdup(abs_name("up/point/parent/beside")), buf[8];
	struct stat st;
	int dir, fd;

	expect(!mount_vufs("from", "up/point"));
	dir = open("up/point", O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < 3; i++) {
		warm(abs_name("up/point/file"));
		warm(file);
		is("beside", file, NATIVE_SIZE);
		fd = openat(dir, "parent/beside", O_RDONLY);
		expect(fd >= 0 && read(fd, buf, sizeof(buf)) == NATIVE_SIZE);
		expect(!fstatat(dir, "parent/beside", &st, 0));
		expect(!faccessat(dir, "parent/beside", R_OK, 0) && !close(fd));
	}
	expect(!close(dir) && !umount_vufs("up/point", 0));
}

/* A descriptor keeps its name, whatever becomes of it. */
static void names(void)
{
	char *sub = strdup(abs_name("mounted/sub/file"));
	char *real = strdup(abs_name("source/sub/file")), script[PATH_MAX * 2];
	int fd, copy, direct, dir;

	warm(sub);
	for (int i = 0; i < 3; i++) {
		fd = open(sub, O_RDONLY);
		direct = open(real, O_RDONLY);
		is_called(fd, sub);
		if (!in_cage())		/* there nobody can tell */
			is_called(direct, real);
		copy = dup(fd);
		close(fd);
		is_called(copy, sub);
		expect((fcntl(copy, F_GETFL) & ~O_LARGEFILE) ==
		       (fcntl(direct, F_GETFL) & ~O_LARGEFILE));
		snprintf(script, sizeof(script), "test \"$(readlink "
			 "/proc/self/fd/%d)\" = '%s'", copy, sub);
		sh(script);
		dir = open(abs_name("mounted/sub"), O_RDONLY);
		is_called(dir, abs_name("mounted/sub"));
		fd = openat(dir, "../file", O_RDONLY);
		is_called(fd, abs_name("mounted/file"));
		expect(!fchdir(dir) && !chdir(".."));
		is("the parent", "file", MOUNTED_SIZE);
		expect(!chdir(here) && !close(dir) && !close(fd));
		expect(!close(copy) && !close(direct));
		warm(sub);
	}
}

static void *mapped(const char *path)
{
	int fd = open(path, O_RDONLY);
	void *at = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);

	expect(fd >= 0 && at != MAP_FAILED && !close(fd));
	return at;
}

/* By maps, and by the links in map_files. */
static void is_mapped(void *at, const char *name)
{
	char *save, *line, *file = NULL, link[PATH_MAX], buf[PATH_MAX];
	unsigned long from = 0, to = 0;
	ssize_t n;

	for (line = strtok_r(gate_maps(getpid()), "\n", &save); line && !file;
	     line = strtok_r(NULL, "\n", &save))
		if (sscanf(line, "%lx-%lx", &from, &to) == 2 &&
		    from == (unsigned long)at)
			file = strchr(line, '/');
	if (!file || strcmp(file, name))
		fail("%s is mapped as %s", name, file);
	snprintf(link, sizeof(link), "/proc/self/map_files/%lx-%lx", from, to);
	n = readlink(link, buf, sizeof(buf) - 1);
	expect(n > 0);
	buf[n] = '\0';
	if (strcmp(buf, name))
		fail("%s is in map_files as %s", name, buf);
}

/* What is only mapped by now was opened by a name, too. */
static void mappings(void)
{
	char *sub = strdup(abs_name("mounted/sub/file"));
	char *real = strdup(abs_name("source/file")), script[PATH_MAX];
	void *moved, *direct;

	for (int i = 0; i < 3; i++) {
		warm(sub);
		moved = mapped(sub);
		direct = mapped(real);
		is_mapped(moved, sub);
		is_mapped(direct, real);
		if (!fork()) {
			is_mapped(moved, sub);
			is_mapped(direct, real);
			_exit(0);
		}
		expect(!wait_for(-1));
		snprintf(script, sizeof(script), "grep -q ' %s$' /proc/%d/maps "
			 "&& grep -q ' %s$' /proc/%d/maps", sub, getpid(), real,
			 getpid());
		sh(script);
		expect(!munmap(moved, 1) && !munmap(direct, 1));
	}
	quiet_open(close(open(sub, O_RDONLY)));
}

/* In a directory of such links, where all names are numbers. */
static void numbers(void)
{
	char *sub = strdup(abs_name("mounted/sub/file")), buf[PATH_MAX], name[16];
	int fd, dir;

	warm(sub);
	fd = open(sub, O_RDONLY);
	dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
	snprintf(name, sizeof(name), "%d", fd);
	expect(fd >= 0 && dir >= 0 && !chdir("/proc/self/fd"));
	for (int i = 0; i < 40; i++) {
		expect(readlinkat(dir, name, buf, sizeof(buf)) ==
		       (ssize_t)strlen(sub) && !memcmp(buf, sub, strlen(sub)));
		expect(readlink(name, buf, sizeof(buf)) ==
		       (ssize_t)strlen(sub) && !memcmp(buf, sub, strlen(sub)));
	}
	expect(!chdir(here) && !close(dir) && !close(fd));
}

/* Who has a moved directory open, or stands in it. */
static void standing(void)
{
	char *sub = strdup(abs_name("mounted/sub/file")), buf[64];
	struct stat st;
	int dir, fd, real;

	expect(!chdir("mounted/sub"));
	warm("file");
	fd = open("file", O_RDONLY);
	is_called(fd, sub);
	expect(!close(fd));
	dir = open(".", O_RDONLY | O_DIRECTORY);
	is_called(dir, abs_name("mounted/sub"));
	is("the parent's", "../file", MOUNTED_SIZE);
	is("the view's", "../../plain/file", NATIVE_SIZE);
	/* in sub/ there is no such name */
	expect(!mount_vufs(abs_name("plain/file"), "covered"));
	is("covered", "covered", NATIVE_SIZE);
	expect(!fstatat(dir, "covered", &st, 0) && st.st_size == NATIVE_SIZE);
	expect(!umount_vufs("covered", 0));
	is("and not", "covered", -ENOENT);
	expect(fstatat(dir, "covered", &st, 0) < 0 && errno == ENOENT);
	expect(!chdir(here));
	warm("plain/file");
	quiet(fstatat(dir, "file", &st, 0));
	quiet(fstatat(dir, "file", &st, AT_SYMLINK_NOFOLLOW));
	quiet(faccessat(dir, "file", R_OK | W_OK, 0));
	quiet(fstatat(dir, "none", &st, 0));
	quiet(readlinkat(dir, "file", buf, sizeof(buf)));
	quiet_open(openat(dir, "none", O_RDONLY));
	quiet_open(close(openat(dir, "file", O_RDONLY)));
	fd = openat(dir, "file", O_RDONLY);
	is_called(fd, sub);
	quiet_open(close(open("file6", O_RDONLY)));
	real = open("file6", O_RDONLY);
	is_called(real, abs_name("file6"));
	expect(!close(real) && !close(fd) && !close(dir));
}

static void standing_read_only(void)
{
	char *file = strdup(abs_name("rdonly/file"));
	int dir;

	expect(!mount_with("rdonly", "source", "rdonly"));
	dir = open("rdonly", O_RDONLY | O_DIRECTORY);
	expect(dir >= 0 && !chdir("rdonly"));
	for (int i = 0; i < 3; i++) {
		warm("file");
		is("to read", "file", MOUNTED_SIZE);
		expect(access("file", W_OK) < 0 && errno == EROFS);
		expect(faccessat(dir, "file", W_OK, 0) < 0 && errno == EROFS);
	}
	expect(!chdir(here) && !close(dir));
	expect(!umount_vufs("rdonly", 0));
	expect(!mount_vufs("source", "rdonly"));
	dir = open("rdonly", O_RDONLY | O_DIRECTORY);
	warm(file);
	expect(!access(file, W_OK) && !faccessat(dir, "file", W_OK, 0));
	expect(!mount_with("remount,rdonly", "source", "rdonly"));
	expect(access(file, W_OK) < 0 && errno == EROFS);
	expect(faccessat(dir, "file", W_OK, 0) < 0 && errno == EROFS);
	expect(!close(dir) && !umount_vufs("rdonly", 0));
}

static void read_only(void)
{
	char *file = abs_name("rdonly/file");
	struct statfs fs;

	expect(!mount_with("rdonly", "source", "rdonly"));
	for (int i = 0; i < 3; i++) {
		warm(file);
		is("to read", file, MOUNTED_SIZE);
		expect(access(file, W_OK) < 0 && errno == EROFS);
		expect(open(file, O_WRONLY) < 0 && errno == EROFS);
		expect(!statfs(file, &fs) && (fs.f_flags & ST_RDONLY));
	}
	quiet(size_of(file));
	expect(!umount_vufs("rdonly", 0));
	is("unmounted", file, -ENOENT);
}

static void exceptions(void)
{
	expect(!mount_with("except=/sub", "source", "over"));
	for (int i = 0; i < 3; i++) {
		warm(abs_name("over/file"));
		warm(abs_name("over/sub/file"));
		is("moved", abs_name("over/file"), MOUNTED_SIZE);
		is("excepted", abs_name("over/sub/file"), NATIVE_SIZE);
	}
	expect(!mount_vufs("plain", "over"));
	is("another on top", abs_name("over/file"), NATIVE_SIZE);
	expect(!umount_vufs("over", 0));
	is("the first again", abs_name("over/file"), MOUNTED_SIZE);
	expect(!mount_vufs("plain", "over/more"));
	warm(abs_name("over/more/file"));
	is("a mount in it", abs_name("over/more/file"), NATIVE_SIZE);
	expect(!umount_vufs("over/more", 0));
	is("no more", abs_name("over/more/file"), -ENOENT);
	expect(!umount_vufs("over", 0));
	is("real", abs_name("over/file"), NATIVE_SIZE);
}

/* The source, or the mount point's directory, comes to have another name. */
static void renames(void)
{
	char *file = strdup(abs_name("up/point/file"));

	expect(!mount_vufs("from", "up/point"));
	for (int i = 0; i < 3; i++) {
		warm(file);
		is("mounted", file, MOUNTED_SIZE);
		expect(!rename("from", "gone") && !rename("other", "from"));
		is("the source has another name", file, MOUNTED_SIZE);
		expect(!rename("from", "other") && !rename("gone", "from"));
		warm(file);
		expect(!rename("up", "away"));
		is("not there", file, -ENOENT);
		is("there", abs_name("away/point/file"), MOUNTED_SIZE);
		expect(!symlink("plain", "up"));
		is("not through a symlink", file, -ENOENT);
		expect(!unlink("up") && !rename("away", "up"));
		warm(file);
		expect(!rename("from/file", "from/kept"));
		is("no file", file, -ENOENT);
		expect(!symlink("/etc", "from/file"));
		expect(readlink(file, (char[8]){ 0 }, 8) == 4);
		expect(!unlink("from/file") && !rename("from/kept", "from/file"));
		settle();
	}
	expect(!umount_vufs("up/point", 0));
	is("unmounted", file, -ENOENT);
}

/* From outside, a moment later, for what is open stays what it is. */
static void from_outside(void)
{
	char *file = abs_name("up/point/file");
	int fd;

	expect(!mount_vufs("from", "up/point"));
	fd = open("outside", O_WRONLY);
	expect(fd >= 0);
	settle();
	warm(file);
	expect(write(fd, "go", 2) == 2 && !close(fd));
	while (access("gone", F_OK) || access("from", F_OK))
		is("meanwhile", "plain/file", NATIVE_SIZE);
	settle();
	warm(file);
	is("the source as it was", file, MOUNTED_SIZE);
	expect(!umount_vufs("up/point", 0));
}

static void views(void)
{
	char *file = abs_name("mounted/sub/file");

	warm(file);
	sh("umvu -N -- sh -c 'vuumount mounted && "
	   "for i in $(seq 60); do test ! -e mounted/sub/file || exit 1; done && "
	   "vumount -t vufs plain mounted && "
	   "for i in $(seq 60); do test $(stat -c %s mounted/sub/file) = 6 || "
	   "exit 1; done'");
	warm(file);
	is("here", file, MOUNTED_SIZE);
}

static void bad_arguments(void)
{
	char *file = abs_name("mounted/file"), *deep = repeat('d', PATH_MAX - 1);
	char *open_end = tail_alloc(strlen(file) + 1);
	size_t n = strlen(file);
	struct stat st;

	warm(file);
	memcpy(open_end, file, n + 1);
	is("at the end of the memory", open_end, MOUNTED_SIZE);
	open_end[n] = '/';
	expect(size_of(open_end) == -EFAULT && open_size(open_end) == -EFAULT);
	expect(stat(file, bad_pointer()) < 0 && errno == EFAULT);
	expect(readlink(abs_name("mounted/link"), bad_pointer(), 9) < 0 &&
	       errno == EFAULT);
	for (size_t len = 100; len < NAME_MAX + 20; len++) {
		memcpy(deep, file, n - 4);
		memset(deep + n - 4, 'x', len);
		deep[n - 4 + len] = '\0';
		for (int i = 0; i < 3; i++)
			expect(stat(deep, &st) < 0 && errno ==
			       (len <= NAME_MAX ? ENOENT : ENAMETOOLONG));
	}
	memset(deep + n - 4, '/', 3000);
	strcpy(deep + n - 4 + 3000, "file");
	is("many slashes", deep, MOUNTED_SIZE);
}

/* Opening must not do harm, and what has no content must not be opened twice. */
static void fifos(void)
{
	char *fifo = abs_name("mounted/fifo");
	int fd;

	warm(abs_name("mounted/file"));
	for (int i = 0; i < 3; i++) {
		fd = open(fifo, O_RDONLY | O_NONBLOCK);
		expect(fd >= 0);
		close(fd);
	}
	if (!fork()) {
		fd = open(fifo, O_WRONLY);
		_exit(fd < 0 || write(fd, "x", 1) != 1);
	}
	fd = open(fifo, O_RDONLY);
	expect(fd >= 0 && read(fd, (char[4]){ 0 }, 4) == 1);
	expect(!wait_for(-1));
}

static void inside(void)
{
	expect(getcwd(here, sizeof(here)));
	tree("source", "mounted");
	tree("plain", "native");
	tree("over", "native");
	tree("from", "mounted");
	make_file("file6", 0644, "native");
	make_dir("other", 0755);
	make_file("other/file", 0644, "abc");
	make_dir("mounted", 0755);
	make_dir("rdonly", 0755);
	make_dir("up", 0755);
	make_dir("up/point", 0755);
	make_dir("source/more", 0755);
	expect(!symlink("file", "source/link") && !symlink("sub", "source/dir"));
	expect(!symlink(abs_name("plain/file"), "source/out"));
	/* for the kernel that leads elsewhere */
	expect(!symlink("..", "from/parent"));
	make_file("up/beside", 0644, "native");
	expect(!mkfifo("source/fifo", 0600));
	expect(!mount_vufs("source", "mounted"));
	gate_in_child("unseen", unseen);
	gate_in_child("right", right);
	gate_in_child("parents", parents);
	gate_in_child("names", names);
	gate_in_child("mappings", mappings);
	gate_in_child("numbers", numbers);
	gate_in_child("read only", read_only);
	gate_in_child("standing", standing);
	gate_in_child("exceptions", exceptions);
	gate_in_child("renames", renames);
	gate_in_child("from outside", from_outside);
	gate_in_child("bad arguments", bad_arguments);
	gate_in_child("FIFOs", fifos);
	gate_in_child("views in the view", views);
	/* what is asked from then on is asked for ever */
	gate_in_child("standing, read only", standing_read_only);
}

/* Waits until the guest has the source in use, and puts another in its place. */
static void outside(void)
{
	char go[2];
	int fd = open("outside", O_RDONLY);

	_exit(fd < 0 || read(fd, go, 2) != 2 || rename("from", "gone") ||
	      rename("other", "from"));
}

int main(int argc, char **argv)
{
	if (argc == 1) {
		expect(!mkfifo("outside", 0600));
		if (!fork())
			outside();
	}
	return gate_view(argc, argv, inside);
}
