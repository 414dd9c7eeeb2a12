/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is done to the file behind a descriptor, and told of it: locks of both
 * kinds, leases, notes of a directory's changes, seals, hints, copies.
 *
 * inside: yes
 * cow: yes
 */
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "test/lib.h"

#ifndef F_DUPFD_QUERY
#define F_DUPFD_QUERY (1024 + 3)
#endif

static volatile sig_atomic_t told, told_fd;

static void on_io(int sig, siginfo_t *info, void *context)
{
	(void)context;
	told = sig == SIGIO ? 1 : 2;
	told_fd = info->si_fd;
}

/* Wait a second at most for what was to be told. */
static void say_told(const char *what, int fd)
{
	for (int i = 0; i < 100 && !told; i++)
		usleep(10000);
	say("%s: signal %d, its descriptor %d", what, told, told_fd == fd);
	told = 0;
}

static int lock(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock l = { .l_type = type, .l_start = start, .l_len = len };

	return fcntl(fd, cmd, &l);
}

static int owner_of(int fd, int cmd, short type)
{
	struct flock l = { .l_type = type };

	if (fcntl(fd, cmd, &l))
		return -1;
	say("type %d start %d len %d mine %d", l.l_type, (int)l.l_start,
	    (int)l.l_len, l.l_pid == getppid());
	return 0;
}

static void others(void)
{
	int fd = open("file", O_RDWR | O_CLOEXEC);

	try(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	try(lock(fd, F_SETLK, F_WRLCK, 20, 10));
	try(lock(fd, F_SETLK, F_RDLCK, 0, 0));
	try(owner_of(fd, F_GETLK, F_WRLCK));
	try(lock(fd, F_OFD_SETLK, F_WRLCK, 100, 10));
	try(owner_of(fd, F_OFD_GETLK, F_WRLCK));
	try(flock(fd, LOCK_EX | LOCK_NB));
	try(truncate("file", 5));
}

static void locks(void)
{
	int fd = open("file", O_RDWR | O_CLOEXEC), rd, path;

	try(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	try(lock(fd, F_OFD_SETLK, F_WRLCK, 100, 0));
	try(flock(fd, LOCK_SH));
	in_child("of another", others);
	/* closing any descriptor of the file ends the locks of a process */
	close(open("file", O_RDONLY));
	in_child("after a close", others);
	rd = open("file", O_RDONLY | O_CLOEXEC);
	path = open("file", O_PATH | O_CLOEXEC);
	try(lock(rd, F_SETLK, F_WRLCK, 0, 1));
	try(lock(path, F_SETLK, F_RDLCK, 0, 1));
	try(lock(fd, F_SETLK, 9, 0, 1));
	try(lock(fd, F_SETLK, F_RDLCK, -1, 1));
	try(lock(999, F_SETLK, F_RDLCK, 0, 1));
	try(fcntl(fd, F_SETLK, bad_pointer()));
	try(fcntl(fd, F_DUPFD_QUERY, fd));
	try(fcntl(fd, F_DUPFD_QUERY, rd));
	close(path);
	close(rd);
	close(fd);
}

/* --- leases ---------------------------------------------------------------- */

static void break_read(void)
{
	result_fd("open to write", open("file", O_WRONLY | O_NONBLOCK));
}

/* Whose words would come in between: it is its status that tells. */
static void break_truncate(void)
{
	if (!fork())
		_exit(truncate("file", 3) ? errno : 0);
}

static void leases(void)
{
	int fd = open("file", O_RDONLY | O_CLOEXEC);

	try(fcntl(fd, F_GETLEASE));
	try(fcntl(fd, F_SETLEASE, F_RDLCK));
	try(fcntl(fd, F_GETLEASE));
	in_child("another opens", break_read);
	say_told("lease", fd);
	try(fcntl(fd, F_SETLEASE, F_UNLCK));
	try(fcntl(fd, F_SETLEASE, F_WRLCK));
	try(fcntl(fd, F_SETSIG, SIGUSR1));
	try(fcntl(fd, F_GETSIG));
	try(fcntl(fd, F_SETLEASE, F_WRLCK));
	break_truncate();
	say_told("lease", fd);
	try(fcntl(fd, F_SETLEASE, F_UNLCK));
	say("cut off: %d", wait_for(-1));
	close(fd);
	fd = open("dir", O_RDONLY | O_CLOEXEC);
	try(fcntl(fd, F_SETLEASE, F_RDLCK));
	close(fd);
	fd = open("file", O_RDWR | O_CLOEXEC);
	try(fcntl(fd, F_SETLEASE, F_RDLCK));
	close(fd);
}

static void notes(void)
{
	int fd = open("dir", O_RDONLY | O_CLOEXEC), file;

	try(fcntl(fd, F_SETSIG, SIGUSR1));
	try(fcntl(fd, F_NOTIFY, DN_CREATE | DN_DELETE | DN_RENAME | DN_ATTRIB |
		  DN_MULTISHOT));
	make_file("dir/new", 0600, "");
	say_told("created", fd);
	try(chmod("dir/new", 0644));
	say_told("mode", fd);
	try(rename("dir/new", "dir/newer"));
	say_told("renamed", fd);
	try(unlink("dir/newer"));
	say_told("removed", fd);
	file = open("file", O_RDONLY | O_CLOEXEC);
	try(fcntl(file, F_NOTIFY, DN_ACCESS));
	close(file);
	close(fd);
}

/* --- seals, hints ------------------------------------------------------------- */

static void seals(void)
{
	int fd = memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	int plain = open("file", O_RDWR | O_CLOEXEC), again;
	uint64_t hint = 2;
	char path[64];

	try(ftruncate(fd, 4096));
	try(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK));
	try(fcntl(fd, F_GET_SEALS));
	try(ftruncate(fd, 0));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	try(truncate(path, 0));
	try(truncate(path, 8192));
	again = open(path, O_RDWR | O_CLOEXEC);
	try(write(again, "x", 1));
	try(fchmod(fd, 0500));
	try(chmod(path, 0700));
	try(fcntl(plain, F_GET_SEALS));
	try(fcntl(plain, F_ADD_SEALS, F_SEAL_WRITE));
	try(fcntl(plain, 1036, &hint));		/* F_SET_RW_HINT */
	try(fcntl(plain, F_SETPIPE_SZ, 4096));
	try(fcntl(plain, F_SETFL, O_NOATIME | O_APPEND | O_DIRECT) >= -1);
	try(fcntl(plain, F_SETFL, O_APPEND));
	try(posix_fallocate(plain, 0, 100));
	try(fallocate(plain, 3, 10, 20));
	try(posix_fadvise(plain, 0, 0, POSIX_FADV_DONTNEED));
	try(readahead(plain, 0, 100));
	close(again);
	close(plain);
	close(fd);
}

/* --- copies --------------------------------------------------------------------- */

static void copies(void)
{
	int from = open("file", O_RDONLY | O_CLOEXEC);
	int to = open("copy", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int app = open("copy", O_WRONLY | O_APPEND | O_CLOEXEC);
	int path = open("file", O_PATH | O_CLOEXEC);
	int dir = open("dir", O_RDONLY | O_CLOEXEC), p[2];
	struct iovec v = { "abc", 3 };
	off_t off = 0;

	try(copy_file_range(from, NULL, to, NULL, 3, 0));
	try(copy_file_range(from, &off, to, NULL, 100, 0));
	say("offset %d", (int)off);
	try(copy_file_range(from, &off, app, NULL, 3, 0));
	try(copy_file_range(to, NULL, to, NULL, 3, 0));
	try(copy_file_range(from, NULL, to, NULL, 3, 1));
	try(copy_file_range(path, NULL, to, NULL, 3, 0));
	try(copy_file_range(dir, NULL, to, NULL, 3, 0));
	try(copy_file_range(to, NULL, from, NULL, 3, 0));
	off = 0;
	try(sendfile(to, from, &off, 4));
	try(sendfile(app, from, &off, 4));
	try(sendfile(to, path, NULL, 4));
	if (pipe2(p, O_CLOEXEC | O_NONBLOCK))
		fail_errno("pipe2");
	off = 0;
	try(splice(from, &off, p[1], NULL, 4, 0));
	try(splice(p[0], NULL, to, NULL, 4, 0));
	try(splice(p[0], NULL, app, NULL, 4, 0));
	try(splice(from, &off, to, NULL, 4, 0));
	try(tee(p[0], p[1], 1, 0));
	try(vmsplice(p[1], &v, 1, 0));
	try(pwritev2(to, &v, 1, 0, RWF_APPEND));
	try(pwritev2(to, &v, 1, -1, RWF_DSYNC));
	try(preadv2(to, &v, 1, 0, 0x1000));
	try(pwritev2(from, &v, 1, 0, 0));
	say_lstat("copy");
	close(p[0]), close(p[1]);
	close(dir), close(path), close(app), close(to), close(from);
}

int main(void)
{
	struct sigaction act = { .sa_sigaction = on_io,
				 .sa_flags = SA_SIGINFO | SA_RESTART };

	umask(022);
	make_file("file", 0644, "some text that is long enough");
	make_dir("dir", 0755);
	sigaction(SIGIO, &act, NULL);
	sigaction(SIGUSR1, &act, NULL);
	locks();
	leases();
	notes();
	seals();
	copies();
	return 0;
}
