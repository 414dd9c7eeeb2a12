/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A memfd is executed by a read-only descriptor; not while somebody has it
 * open for writing, and nobody opens it so while it is executed. A lease for
 * writing is refused then. Its set-user-id bit is worth nothing.
 */
#include <sys/mman.h>

#include "test/lib.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

extern char **environ;
static char name[64];
static int ours;

static void copy_self(int to)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char buf[65536];
	ssize_t n;

	expect(from >= 0);
	while ((n = read(from, buf, sizeof(buf))) > 0)
		expect(write(to, buf, n) == n);
	close(from);
}

static void make(void)
{
	int all = memfd_create("exec", MFD_CLOEXEC | MFD_EXEC);

	if (all < 0)
		all = memfd_create("exec", MFD_CLOEXEC);
	expect(all >= 0);
	copy_self(all);
	if (fchmod(all, 04755))
		skip("memfds are made not to be executed here");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", all);
	ours = open(name, O_RDONLY | O_CLOEXEC);
	expect(ours >= 0);
	close(all);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", ours);
}

/* Executed, it says so and waits for the end of its input. */
static int waiting(void)
{
	char c;

	return write(1, "", 1) != 1 || read(0, &c, 1) != 0 ||
	       geteuid() != getuid();
}

static pid_t start(int in[2], int out[2], bool as_other)
{
	char *args[] = { "self", "wait", NULL };
	pid_t pid;

	expect(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	pid = fork();
	expect(pid >= 0);
	if (pid)
		return pid;
	dup2(in[0], 0);
	dup2(out[1], 1);
	if (as_other && setuid(64001))
		_exit(3);
	fexecve(ours, args, environ);
	_exit(errno);
}

static void executed(bool as_other)
{
	int in[2], out[2];
	pid_t pid = start(in, out, as_other);
	int fd;
	char c;

	close(out[1]);
	expect(read(out[0], &c, 1) == 1);
	expect(fcntl(ours, F_SETLEASE, F_WRLCK) < 0 && errno == EAGAIN);
	expect(fcntl(ours, F_SETLEASE, F_RDLCK) == 0);
	expect(fcntl(ours, F_SETLEASE, F_UNLCK) == 0);
	expect(open(name, O_RDWR | O_CLOEXEC) < 0 && errno == ETXTBSY);
	expect(truncate(name, 1) < 0 && errno == ETXTBSY);
	close(in[0]);
	close(in[1]);
	expect(wait_for(pid) == 0);
	close(out[0]);
	fd = open(name, O_RDWR | O_CLOEXEC);
	expect(fd >= 0);
	close(fd);
}

static void not_while_written(void)
{
	int fd = open(name, O_RDWR | O_CLOEXEC), in[2], out[2];

	expect(fd >= 0);
	expect(WEXITSTATUS(wait_for(start(in, out, false))) == ETXTBSY);
	close(fd);
	expect(fchmod(ours, 0644) == 0);
	expect(WEXITSTATUS(wait_for(start(in, out, false))) == EACCES);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "wait"))
		return waiting();
	make();
	executed(false);
	if (geteuid() == 0)
		executed(true);
	not_while_written();
	return 0;
}
