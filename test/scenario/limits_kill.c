/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timeout: 120
 *
 * Guests that are killed in the middle of calls, each call by the hundred
 * and after a delay of its own: the monitor answers everybody else, and
 * keeps nothing of theirs. What they do is meant to be left half done:
 * opening through a mount, entering it, executing from it (the monitor then
 * visits the thread by ptrace), mounting, forking, starting threads.
 */
#include <pthread.h>

#include "test/scenario/limits.h"

static void do_open(void)
{
	int fd = open("point/file", O_RDONLY);

	close(fd);
	close(open("point", O_RDONLY | O_DIRECTORY));
}

static void do_enter(void)
{
	if (chdir("point") || chdir(".."))
		_exit(1);
}

static void do_execute(void)
{
	pid_t pid = vfork();

	if (!pid) {
		execl("point/true", "true", NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

static void do_mount(void)
{
	if (!mount("source", "other", "vufs", 0, ""))
		umount2("other", 0);
}

static void do_fork(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(chdir("point"));
	waitpid(pid, NULL, 0);
}

static void *in_thread(void *arg)
{
	do_open();
	return arg;
}

static void do_thread(void)
{
	pthread_t t;

	if (!pthread_create(&t, NULL, in_thread, NULL))
		pthread_join(t, NULL);
}

static const struct { const char *name; void (*once)(void); } work[] = {
	{ "open", do_open }, { "chdir", do_enter }, { "exec", do_execute },
	{ "mount", do_mount }, { "fork", do_fork }, { "thread", do_thread },
};

/* Start it, give it a moment that grows from victim to victim, kill it. */
static void one_victim(void (*once)(void), long moment)
{
	const struct timespec ts = { 0, moment * 17000 };
	int status;
	pid_t pid = fork();

	expect(pid >= 0);
	if (!pid)
		for (;;)
			once();
	nanosleep(&ts, NULL);
	kill(pid, SIGKILL);
	status = wait_for(pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail("a victim ended by itself: %#x", status);
}

/* The mount "other" may have been left by whoever was killed over it. */
static void clear_mounts(void)
{
	while (!umount2("other", MNT_DETACH))
		;
}

static void still_alive(const char *after)
{
	char byte = 0;
	int fd = open("point/file", O_RDONLY);

	if (fd < 0)
		fail("%s: point/file: %s", after, error_name(errno));
	expect(read(fd, &byte, 1) == 1 && byte == 't');
	close(fd);
}

static void inside(long count)
{
	pid_t monitor = getppid();
	size_t i;
	long n, files;

	make_dir("source", 0755);
	make_dir("point", 0755);
	make_dir("other", 0755);
	make_file("source/file", 0644, "text");
	expect(!system("cp /bin/true source/true"));
	expect(!mount_vufs("source", "point"));
	for (i = 0; i < sizeof(work) / sizeof(work[0]); i++)
		one_victim(work[i].once, 1000);
	clear_mounts();
	nap(200);
	files = open_files(monitor);
	for (i = 0; i < sizeof(work) / sizeof(work[0]); i++) {
		for (n = 0; n < count; n++)
			one_victim(work[i].once, n % 150);
		still_alive(work[i].name);
		clear_mounts();
		expect_files(work[i].name, monitor, files);
	}
	expect(!reap_all());
}

int main(int argc, char **argv)
{
	return in_view(argc, argv, 150, 5000, inside);
}
