/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What copy on write rests on: an O_PATH descriptor is asked for the caller's
 * rights and given times; a path is opened that meets no symlink, but may
 * be one; an exchange; a name for a file that had none; a flock that goes with
 * its last descriptor, however its process ends.
 */
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/fsuid.h>

#include "test/lib.h"

static int open_plain(int dir, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS,
	};

	return syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static int may(int fd, int want)
{
	return syscall(SYS_faccessat2, fd, "", want,
		       AT_EMPTY_PATH | AT_EACCESS) ? -errno : 0;
}

static void rights(int dir)
{
	int fd;

	expect(!mkdirat(dir, "shut", 0700));
	fd = open_plain(dir, "shut");
	expect(fd >= 0 && !may(fd, W_OK | X_OK));
	if (geteuid() == 0) {
		setfsuid(64001);	/* and the capabilities go with it */
		expect(may(fd, X_OK) == -EACCES);
		expect(setfsuid(-1) == 64001);
		setfsuid(0);
		expect(!may(fd, X_OK));
	}
	close(fd);
}

static void times(int dir)
{
	const struct timespec t[2] = { { 1, 2 }, { 3, 4 } };
	struct stat st;
	int fd;

	expect(!symlinkat("nowhere", dir, "link"));
	fd = open_plain(dir, "link");
	expect(fd >= 0 && !utimensat(fd, "", t, AT_EMPTY_PATH));
	expect(!fstat(fd, &st) && S_ISLNK(st.st_mode));
	expect(st.st_mtim.tv_sec == 3 && st.st_mtim.tv_nsec == 4);
	close(fd);
	expect(open_plain(dir, "link/x") < 0 && errno == ELOOP);
	expect(open_plain(dir, "../x") < 0 && errno == EXDEV);
}

static void exchange(int dir)
{
	struct stat st;

	expect(!mkdirat(dir, "one", 0700) && !mkdirat(dir, "one/in", 0700));
	close(openat(dir, "two", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	expect(!renameat2(dir, "one", dir, "two", RENAME_EXCHANGE));
	expect(!fstatat(dir, "two/in", &st, 0));
	expect(!fstatat(dir, "one", &st, 0) && S_ISREG(st.st_mode));
	expect(renameat2(dir, "one", dir, "two", RENAME_NOREPLACE) &&
	       errno == EEXIST);
}

static void nameless(int dir)
{
	int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char link[32];
	struct stat st;

	if (fd < 0 && errno == EOPNOTSUPP)
		return;
	expect(fd >= 0 && !fstat(fd, &st) && st.st_nlink == 0);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	expect(!linkat(AT_FDCWD, link, dir, "named", AT_SYMLINK_FOLLOW));
	expect(!fstat(fd, &st) && st.st_nlink == 1);
	close(fd);
}

static void locks(int dir)
{
	int fd = openat(dir, "lock", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	int ready[2], status;
	pid_t pid;
	char c;

	expect(fd >= 0 && !pipe(ready));
	pid = fork();
	if (!pid) {
		int own = openat(dir, "lock", O_RDWR | O_CLOEXEC);

		if (flock(own, LOCK_EX | LOCK_NB) || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	expect(read(ready[0], &c, 1) == 1);
	expect(flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK);
	expect(!kill(pid, SIGKILL) && waitpid(pid, &status, 0) == pid);
	expect(!flock(fd, LOCK_EX | LOCK_NB));
}

int main(void)
{
	char name[] = "layers.XXXXXX";
	int dir;

	umask(0);
	expect(mkdtemp(name));
	dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	expect(dir >= 0);
	rights(dir);
	times(dir);
	exchange(dir);
	nameless(dir);
	locks(dir);
	return 0;
}
