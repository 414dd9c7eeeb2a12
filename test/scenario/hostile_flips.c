/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timeout: 120
 *
 * Guests whose other threads change, while a call is under way, what the
 * call was given: the text of a path, struct open_how, socket addresses
 * and headers, argument vectors, the mapping under an answer, the
 * descriptors, the working directory, the very files.
 */
#include <linux/openat2.h>
#include <sys/mman.h>

#include "test/scenario/hostile.h"

enum { MSEC = 300 };

/* One thread changes things for ever, this one calls for a while. */
static void duel(void (*change)(void), void (*call)(void))
{
	long end = hostile_now() + MSEC;

	hostile_thread(change);
	hostile_thread(change);
	while (hostile_now() < end)
		call();
}

/* --- the text of a path --- */

static volatile char path[64], other[64];

static void change_path(void)
{
	static const char *const list[] = {
		"point/file", "plain/file", "new/dir/file", "sealed/true",
		"point/gone", "point/into/x", "missing/it", "new/made",
		"plain/made", "sealed/made", "plain", "",
	};

	/* byte by byte, so that any mixture may be seen */
	for (int n = 0; n < 100; n++) {
		const char *p = list[dice(12)];
		volatile char *to = dice(2) ? path : other;

		for (size_t i = 0; i <= strlen(p); i++)
			to[i] = p[i];
	}
}

static void use_path(void)
{
	char *p = (char *)path, *q = (char *)other, buf[256];
	struct stat st;

	close(open(p, O_RDWR | O_CREAT | O_CLOEXEC, 0644));
	stat(p, &st);
	lstat(p, &st);
	rename(p, "plain/new");
	rename("plain/new", p);
	link(p, q);
	unlink(q);
	symlink("x", q);
	if (readlink(q, buf, sizeof(buf)) < 0)
		unlink(q);
	mkdir(q, 0755);
	rmdir(q);
	chmod(p, 0755);
	truncate(q, 4);
	syscall(SYS_rename, p, q);
}

static void paths(void)
{
	duel(change_path, use_path);
}

/* --- struct open_how --- */

static volatile struct open_how how;

/* With a mode of 0 both are right at any moment. Each stays for a while. */
static void change_creation(void)
{
	how.flags ^= O_CREAT;
	for (volatile int i = 0; i < 10000; i++)
		;
}

static void change_how(void)
{
	for (int i = 0; i < 100; i++) {
		how.flags = O_RDONLY;
		how.mode = 0;
		how.resolve = dice(64);
		how.flags = O_RDWR | O_CREAT;
		how.mode = 0644;
		how.flags = O_PATH | O_NOFOLLOW;
		how.flags = O_RDWR | O_CREAT | O_EXCL;
		how.flags = O_WRONLY | O_TMPFILE;
		how.resolve = 0;
		how.flags = O_DIRECTORY;
	}
}

static void use_how(void)
{
	static const char *const list[] = {
		"point/made", "new/made", "sealed/made", "point/file",
		"point/gone", "point", "point/dir", "point/made/x", "plain/made",
		"point/into/new/made",
	};
	const char *p = list[dice(10)];

	close(syscall(SYS_openat2, AT_FDCWD, p, &how, sizeof(how)));
	unlink(p);
}

static void use_creation(void)
{
	close(syscall(SYS_openat2, AT_FDCWD, "made", &how, sizeof(how)));
	unlink("made");
}

static void creations(void)
{
	if (chdir("point"))
		_exit(1);
	how.flags = O_RDWR;
	duel(change_creation, use_creation);
}

static void open_hows(void)
{
	duel(change_how, use_how);
}

/* --- sockets --- */

static volatile struct sockaddr_un address;
static volatile struct msghdr header;
static struct iovec iov = { "x", 1 };

static void change_address(void)
{
	static const char *const list[] = {
		"point/sock", "plain/sock", "new/dir/sock", "sealed/sock",
	};

	for (int n = 0; n < 100; n++) {
		const char *p = list[dice(4)];

		address.sun_family = dice(8) ? AF_UNIX : dice(50);
		for (size_t i = 0; i <= strlen(p); i++)
			address.sun_path[i] = p[i];
		if (!dice(8))
			address.sun_path[107] = 'x';
		header.msg_name = dice(8) ? (void *)&address : (void *)-1;
		header.msg_namelen = dice(8) ? sizeof(address) : dice(300);
		header.msg_iov = dice(8) ? &iov : NULL;
		header.msg_iovlen = dice(3);
		header.msg_control = NULL;
		header.msg_controllen = 0;
	}
}

static void use_address(void)
{
	struct sockaddr *a = (struct sockaddr *)&address;
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int t = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(struct sockaddr_un);

	bind(s, a, sizeof(struct sockaddr_un));
	connect(t, a, sizeof(struct sockaddr_un));
	sendto(t, "x", 1, MSG_DONTWAIT, a, sizeof(struct sockaddr_un));
	sendmsg(t, (struct msghdr *)&header, MSG_DONTWAIT);
	sendmmsg(t, (struct mmsghdr *)&header, 1, MSG_DONTWAIT);
	getsockname(s, a, &len);
	close(s);
	close(t);
	unlink("source/sock");
	unlink("plain/sock");
	unlink("source/dir/sock");
}

static void addresses(void)
{
	duel(change_address, use_address);
}

/* --- argument vectors --- */

static char *volatile words[4];

static void change_words(void)
{
	for (int i = 0; i < 100; i++) {
		words[0] = dice(2) ? "true" : (char *)-1;
		words[1] = dice(2) ? (char *)path : NULL;
		words[2] = dice(2) ? (char *)8 : "x";
	}
	change_path();
}

/* The thread that executes ends the others; hence a process for each. */
static void use_words(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		hostile_thread(change_words);
		words[0] = "true";
		close(STDERR_FILENO);
		syscall(SYS_execve, dice(2) ? (char *)path : "point/script",
			words, words);
		syscall(SYS_execve, "point/true", words, NULL);
		_exit(1);
	}
	waitpid(pid, &status, 0);
}

static void vectors(void)
{
	int fd = open("source/script", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	dprintf(fd, "#!point/true\n");
	close(fd);
	duel(change_words, use_words);
}

/* --- the memory under an answer --- */

static char *volatile memory;

static void change_memory(void)
{
	mprotect(memory, 4096, PROT_NONE);
	madvise(memory, 4096, MADV_DONTNEED);
	mprotect(memory, 4096, PROT_READ | PROT_WRITE);
	mmap(memory, 4096, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void use_memory(void)
{
	int dir = open("point", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	syscall(SYS_getdents64, dir, memory, 4096);
	syscall(SYS_stat, "new/file", memory);
	syscall(SYS_statx, dir, "true", 0, STATX_ALL, memory);
	syscall(SYS_getcwd, memory, 4096);
	syscall(SYS_readlink, "point/up", memory, 4096);
	syscall(SYS_statfs, "sealed", memory);
	syscall(SYS_fstat, dir, memory);
	syscall(SYS_getxattr, "point/file", memory, memory, 100);
	syscall(SYS_open, memory, O_RDONLY | O_CLOEXEC);
	syscall(SYS_mount, memory, memory, memory, 0, memory);
	close_range(dir, ~0u, 0);
}

static void answers(void)
{
	memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	duel(change_memory, use_memory);
}

/* --- descriptors and the working directory --- */

static void change_descriptors(void)
{
	static const char *const list[] = {
		"point", "plain", "new/dir", "sealed", "point/file",
	};

	for (int fd = 20; fd < 28; fd++) {
		int from = open(list[dice(5)], O_RDONLY | O_CLOEXEC);

		if (dice(4))
			dup2(from, fd);
		else
			close(fd);
		close(from);
	}
}

static void use_descriptors(void)
{
	char buf[512];
	struct stat st;
	int fd = 20 + dice(8);

	close(openat(fd, dice(2) ? "file" : "..", O_RDONLY | O_CLOEXEC));
	fstatat(fd, "true", &st, 0);
	fstatat(fd, "", &st, AT_EMPTY_PATH);
	fstat(fd, &st);
	syscall(SYS_getdents64, fd, buf, sizeof(buf));
	linkat(fd, "file", 20 + dice(8), "linked", 0);
	unlinkat(20 + dice(8), "linked", 0);
	renameat(fd, "linked", 20 + dice(8), "linked2");
	unlinkat(fd, "linked2", 0);
	fchmod(fd, 0755);
}

static void descriptors(void)
{
	duel(change_descriptors, use_descriptors);
}

static int top;

static void change_directory(void)
{
	static const char *const list[] = {
		"point", "plain", "new/dir", "sealed", "point/into",
	};

	if (chdir(list[dice(5)]) || fchdir(top))
		_exit(1);
}

static void use_directory(void)
{
	char buf[PATH_MAX];
	struct stat st;

	close(open("file", O_RDONLY | O_CLOEXEC));
	stat("../plain/file", &st);
	if (!getcwd(buf, sizeof(buf)) && errno != ENOENT)
		_exit(1);
	lstat("dir/../file", &st);
}

static void directories(void)
{
	top = open(".", O_RDONLY | O_CLOEXEC);
	hostile_thread(change_directory);
	duel(use_directory, use_directory);
}

/* --- the kind of what has a name --- */

static void change_kind(void)
{
	static const char *const list[] = { "flip/pipe", "flip/link", "flip/dir" };

	syscall(SYS_renameat2, AT_FDCWD, "flip/file", AT_FDCWD, list[dice(3)],
		RENAME_EXCHANGE);
}

/* To write, a FIFO opens at once: only a monitor that waits would hang. */
static void use_kind(void)
{
	static const int flags[] = {
		O_RDWR, O_RDWR | O_NOFOLLOW, O_RDWR | O_TRUNC,
		O_RDONLY | O_NONBLOCK,
	};
	char link[32], name[PATH_MAX];
	int fd = open(dice(2) ? "flip/file" : "flip/dir/../file",
		      flags[dice(4)] | O_CLOEXEC);

	if (fd < 0)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, name, sizeof(name)) < 0 && errno != ENOENT)
		_exit(1);
	close(fd);
}

static void kinds(void)
{
	int status;
	pid_t pid;

	if (chdir("point") || mkdir("flip", 0700) ||
	    mkfifo("flip/pipe", 0600) || symlink("pipe", "flip/link") ||
	    mkdir("flip/dir", 0700))
		_exit(1);
	close(open("flip/file", O_CREAT | O_WRONLY, 0600));
	pid = fork();		/* its threads change things until it ends */
	if (!pid) {
		duel(change_kind, use_kind);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status || system("rm -rf flip"))
		_exit(1);
}

static void inside(long count)
{
	static const struct attack list[] = {
		{ "creations", creations, 10, hostile_put_right, 0 },
		{ "open_how", open_hows, 10, hostile_put_right, 0 },
		{ "paths", paths, 10, hostile_put_right, 0 },
		{ "addresses", addresses, 10, hostile_put_right, 0 },
		{ "vectors", vectors, 10, hostile_put_right, 0 },
		{ "answers", answers, 10, hostile_put_right, 0 },
		{ "descriptors", descriptors, 10, hostile_put_right, 0 },
		{ "directories", directories, 10, NULL, 0 },
		{ "kinds", kinds, 10, hostile_put_right, 0 },
	};

	HOSTILE_RUN(list, count);
}

int main(int argc, char **argv)
{
	return in_view(argc, argv, 2, 50, inside);
}
