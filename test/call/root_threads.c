/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that each change their own virtual ids, at once, while others fork,
 * move and start threads: each is told what it made itself, and so is what it
 * forks; a thread that changes nothing keeps what it had.
 *
 * transcript: no
 * timeout: 120
 */
#include <pthread.h>
#include <sys/mount.h>

#include "test/lib.h"

enum { THREADS = 12, ROUNDS = 40 };

static _Atomic int bad;

static void check(bool good, const char *what, unsigned got)
{
	if (good)
		return;
	bad++;
	say("%s: %u", what, got);
}

static long set_effective(uid_t id)
{
#ifdef SYS_setresuid32
	return syscall(SYS_setresuid32, -1, id, -1);
#else
	return syscall(SYS_setresuid, -1, id, -1);
#endif
}

static bool child_has(uid_t id)
{
	pid_t pid = fork();

	if (!pid)
		_exit(geteuid() != id);
	return !wait_for(pid);
}

/* Root may be anybody; its saved id takes it back. */
static void *changer(void *arg)
{
	uid_t mine = 1000 + (long)arg;

	for (int i = 0; i < ROUNDS; i++) {
		check(!set_effective(mine), "set", errno);
		check(geteuid() == mine, "own", geteuid());
		if (i % 8 == 0)
			check(child_has(mine), "child", mine);
		check(!set_effective(0), "back", errno);
		check(geteuid() == 0, "root again", geteuid());
	}
	return NULL;
}

static void *nothing(void *arg)
{
	return arg;
}

/* Its directory is in a mount of the view: that is in the same record. */
static void *mover(void *arg)
{
	pthread_t t;

	for (int i = 0; i < ROUNDS; i++) {
		check(!chdir("target"), "chdir", errno);
		check(geteuid() == 0, "mover", geteuid());
		check(!chdir(".."), "chdir back", errno);
		if (!pthread_create(&t, NULL, nothing, NULL))
			pthread_join(t, NULL);
	}
	return arg;
}

static int inside(void)
{
	pthread_t t[THREADS + 1];

	if (mkdir("source", 0755) || mkdir("target", 0755) ||
	    syscall(SYS_mount, "source", "target", "vufs", 0, "")) {
		/* a container's filter does not let us: without, then */
		mkdir("target", 0755);
	}
	for (long i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, changer, (void *)i);
	pthread_create(&t[THREADS], NULL, mover, NULL);
	for (int i = 0; i <= THREADS; i++)
		pthread_join(t[i], NULL);
	check(geteuid() == 0, "at the end", geteuid());
	check(!setuid(7) && getuid() == 7 && child_has(7), "all", getuid());
	return bad != 0;
}

int main(int argc, char **argv)
{
	char *umvu = getenv("UMVU");

	if (argc > 1)
		return inside();
	execl(umvu, umvu, "-N", "-R", "-m", "vufs", "--", argv[0], "inside",
	      NULL);
	fail_errno(umvu);
}
