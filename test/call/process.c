/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fork, vfork, clone, wait, limits; guests that die in a call.
 *
 * inside: yes
 * cow: yes
 */
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "test/lib.h"

static char stack[65536] __attribute__((aligned(16)));

static int fork_status(int status)
{
	pid_t pid = fork();

	if (!pid)
		_exit(access("file", R_OK) == 0 ? status : 255);
	return wait_for(pid);
}

static int vfork_status(const int *status)
{
	pid_t pid = vfork();

	if (!pid)
		_exit(access("file", R_OK) == 0 ? *status : 255);
	return wait_for(pid);
}

static void family(void)
{
	int bad = 0;

	for (int i = 0; i < 100; i++) {
		bad += fork_status(i) != i << 8;
		bad += vfork_status(&i) != i << 8;
	}
	say("200 children: %d bad", bad);
}

/* Grandchildren outlive their parent: they go to init or a subreaper. */
static void orphan(void)
{
	int pipe_fd[2];
	char c = 0;

	if (pipe(pipe_fd) < 0)
		fail_errno("pipe");
	if (fork() == 0) {
		if (fork() == 0) {
			while (getppid() == 0)
				;
			usleep(50000);
			c = access("file", R_OK) == 0 ? 'y' : 'n';
			if (write(pipe_fd[1], &c, 1) != 1)
				_exit(1);
			_exit(0);
		}
		_exit(0);
	}
	wait(NULL);
	try(read(pipe_fd[0], &c, 1));
	say("orphan: %c", c);
	errno = 0;
	say("no more children: %d %s", wait(NULL), error_name(errno));
}

static void adopted(void)
{
	try(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	if (fork() == 0) {
		if (fork() == 0) {
			usleep(50000);
			_exit(access("file", R_OK) == 0 ? 7 : 8);
		}
		_exit(6);
	}
	for (int i = 0; i < 2; i++) {
		int status;

		if (wait(&status) < 0)
			say("wait: %s", error_name(errno));
		else
			say("adopted: %x", status);
	}
}

static void dying(void)
{
	int bad = 0;

	for (int i = 0; i < 100; i++) {
		pid_t pid = fork();

		if (!pid)
			for (;;) {
				int fd = open("file", O_RDONLY);

				mkdir("churn", 0700);
				rmdir("churn");
				close(fd);
			}
		usleep(i * 20);
		kill(pid, SIGKILL);
		bad += wait_for(pid) != SIGKILL;
	}
	rmdir("churn");
	say("killed in the middle: %d bad", bad);
	say_lstat("file");
}

static void crash(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	access("file", R_OK);
	*(volatile char *)bad_pointer() = 1;
}

/* Hardly any address space, stack or file size is left. */
static void limits(void)
{
	struct rlimit small = { 64 << 20, 64 << 20 }, file = { 10, 10 };

	try(setrlimit(RLIMIT_AS, &small));
	say_lstat("file");
	try_fd(open("file", O_RDONLY | O_CLOEXEC));
	signal(SIGXFSZ, SIG_IGN);
	try(setrlimit(RLIMIT_FSIZE, &file));
	try(truncate("file", 100));
	try(truncate("file", 4));
	try_fd(open("small", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	say_lstat("small");
}

static int child(void *arg)
{
	(void)arg;
	return access("file", R_OK) == 0 ? 3 : 4;
}

static void clones(void)
{
	static const int flags[] = { 0, CLONE_VM, CLONE_VM | CLONE_VFORK,
		CLONE_FS, CLONE_FILES, CLONE_FS | CLONE_FILES | CLONE_VM,
		CLONE_PARENT };
	char what[64];
	int status;

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		pid_t pid = clone(child, stack + sizeof(stack),
				  flags[i] | SIGCHLD, NULL);

		snprintf(what, sizeof(what), "clone %x", flags[i]);
		say("%s: %d", what, pid > 0);
		errno = 0;
		if (waitpid(pid, &status, __WALL) == pid)
			say("%s: %x", what, status);
		else
			say("%s: %s", what, error_name(errno));
		usleep(10000);
	}
	try(clone(child, stack + sizeof(stack), CLONE_SIGHAND, NULL));
	/* No SIGCHLD: the child tells nobody, and is waited for by __WCLONE. */
	status = 0;
	say("silent: %d", waitpid(clone(child, stack + sizeof(stack), 0, NULL),
				  &status, __WCLONE) > 0);
	say("silent: %x", status);
}

static void odd_calls(void)
{
	try(syscall(SYS_clone3, NULL, 0) == 0);
	try(syscall(7999));
	try(syscall(-1));
	try(syscall(100000));
	try(prctl(PR_SET_NAME, "renamed"));
	try(prctl(PR_SET_NAME, bad_pointer()));
	try(prctl(9999, 0, 0, 0, 0));
	try(kill(getpid(), 0));
	try(kill(4194304, 0));
	try(getpgid(0) > 0);
	try(syscall(SYS_pidfd_open, 4194304, 0));
}

int main(void)
{
	make_file("file", 0644, "text");
	family();
	in_child("orphan", orphan);
	in_child("adopted", adopted);
	dying();
	in_child("crash", crash);
	in_child("limits", limits);
	clones();
	odd_calls();
	return 0;
}
