/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lease asked for on a read-only descriptor of a memfd tells who else has
 * it: one for reading is granted when nobody can write, one for writing when
 * nobody else has it open, mapped or executed. Who opens it meanwhile waits
 * until the lease is given back, and the holder gets the signal it chose. That
 * choice is gone with the lease.
 */
#include <poll.h>
#include <sys/mman.h>

#include "test/lib.h"

static char name[64];
static int ours;

/* Without a handler SIGURG is ignored; SIGIO would end the holder. */
static void take(int type)
{
	expect(fcntl(ours, F_GETSIG) == 0);
	expect(fcntl(ours, F_SETSIG, SIGURG) == 0);
	expect(fcntl(ours, F_SETLEASE, type) == 0);
}

static bool granted(int type)
{
	if (fcntl(ours, F_SETLEASE, type)) {
		expect(errno == EAGAIN);
		return false;
	}
	expect(fcntl(ours, F_SETLEASE, F_UNLCK) == 0);
	return true;
}

static int again(int flags)
{
	int fd = open(name, flags | O_CLOEXEC);

	expect(fd >= 0);
	return fd;
}

static void make(void)
{
	int all = memfd_create("lease", MFD_CLOEXEC);

	expect(all >= 0 && ftruncate(all, 4096) == 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", all);
	ours = again(O_RDONLY);
	close(all);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", ours);
	expect(granted(F_RDLCK) && granted(F_WRLCK));
}

static void openers(void)
{
	int fd = again(O_RDWR), other;

	expect(!granted(F_RDLCK) && !granted(F_WRLCK));
	other = dup(fd);
	close(fd);
	expect(!granted(F_RDLCK));	/* a duplicate counts */
	close(other);
	expect(granted(F_RDLCK) && granted(F_WRLCK));
	fd = again(O_RDONLY);
	expect(granted(F_RDLCK) && !granted(F_WRLCK));
	close(fd);
	fd = again(O_PATH);
	expect(granted(F_WRLCK));	/* that is not open */
	close(fd);
}

/* The mapping outlives its descriptor. */
static void mapped(int open_flags, int prot, int flags, bool writes)
{
	int fd = again(open_flags);
	char *p = mmap(NULL, 4096, prot, flags, fd, 0);

	expect(p != MAP_FAILED);
	close(fd);
	expect(granted(F_RDLCK) == !writes && !granted(F_WRLCK));
	munmap(p, 4096);
	expect(granted(F_RDLCK) && granted(F_WRLCK));
}

static void in_other_process(void)
{
	int fd = again(O_RDWR), hold[2];
	pid_t pid;

	expect(pipe(hold) == 0);
	pid = fork();
	if (!pid) {
		char c;

		close(hold[1]);
		_exit(read(hold[0], &c, 1) != 0);
	}
	close(fd);
	expect(!granted(F_RDLCK));
	close(hold[1]);
	expect(wait_for(pid) == 0 && granted(F_RDLCK));
	close(hold[0]);
}

static volatile sig_atomic_t told;

static void on_urg(int sig)
{
	told = sig;
}

static void opened_meanwhile(void)
{
	struct pollfd p = { .events = POLLIN };
	int done[2];
	pid_t pid;

	expect(pipe(done) == 0);
	take(F_RDLCK);
	expect(open(name, O_RDWR | O_NONBLOCK | O_CLOEXEC) < 0 &&
	       errno == EWOULDBLOCK);
	expect(fcntl(ours, F_SETLEASE, F_UNLCK) == 0);

	signal(SIGURG, on_urg);
	told = 0;
	take(F_RDLCK);
	pid = fork();
	if (!pid) {
		if (open(name, O_RDWR | O_CLOEXEC) < 0)
			_exit(1);
		_exit(write(done[1], "", 1) != 1);
	}
	for (int i = 0; i < 5000 && !told; i++)
		usleep(1000);
	expect(told == SIGURG);
	p.fd = done[0];
	expect(poll(&p, 1, 0) == 0);	/* it waits */
	expect(fcntl(ours, F_SETLEASE, F_UNLCK) == 0);
	expect(poll(&p, 1, 5000) == 1 && wait_for(pid) == 0);
	signal(SIGURG, SIG_DFL);
	expect(granted(F_WRLCK));
}

int main(void)
{
	make();
	openers();
	mapped(O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED, true);
	mapped(O_RDWR, PROT_READ, MAP_SHARED, true);
	mapped(O_RDONLY, PROT_READ, MAP_SHARED, false);
	mapped(O_RDONLY, PROT_READ, MAP_PRIVATE, false);
	in_other_process();
	opened_meanwhile();
	return 0;
}
