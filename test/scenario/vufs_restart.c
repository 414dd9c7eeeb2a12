/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A call that the guest waits in with a name of a mount (the open of a FIFO,
 * connect) is rewritten, and its name is on the stack, where handlers run.
 * Interrupted again and again it is made anew, and must never be told what
 * a handler has left there: alone, and with more waiting than the monitor
 * attends to.
 *
 * timeout: 120
 */
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "test/scenario/limits.h"

enum { FEW = 4, CROWD = 140, SIGNALS = 8 };

static volatile sig_atomic_t handled;

/* As much of the stack as a handler may well use. */
static void handler(int sig)
{
	volatile char frame[16384];

	memset((char *)frame, 'x', sizeof(frame));
	handled += frame[sig] == 'x';
}

static void catch_alarm(int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };

	sigaction(SIGALRM, &sa, NULL);
}

static struct sockaddr_un address(const char *name)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", name);
	return sun;
}

static int open_fifo(void)
{
	return open("point/fifo", O_RDONLY | O_CLOEXEC);
}

static int connect_full(void)
{
	struct sockaddr_un sun = address("point/socket");
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(s, (struct sockaddr *)&sun, sizeof(sun)) ?: s;
}

/* Bit 0: it failed, bit 1: no signal came; without SA_RESTART: EINTR. */
static void waiter(int (*wait)(void), int flags)
{
	int ret;

	catch_alarm(flags);
	do
		ret = wait();
	while (ret < 0 && errno == EINTR && !(flags & SA_RESTART));
	if (ret < 0)
		say("%s", error_name(errno));
	_exit((ret < 0) | !handled << 1);
}

static void interrupt(const pid_t *pid, int n)
{
	for (int i = 0; i < SIGNALS; i++) {
		usleep(50000);
		for (int k = 0; k < n; k++)
			kill(pid[k], SIGALRM);
	}
	usleep(100000);
}

static void count_failures(const char *what, const pid_t *pid, int n)
{
	int failed = 0, untouched = 0, status;

	for (int k = 0; k < n; k++) {
		status = wait_for(pid[k]);
		expect(WIFEXITED(status));
		failed += WEXITSTATUS(status) & 1;
		untouched += WEXITSTATUS(status) >> 1;
	}
	if (failed || untouched)
		fail("%s: of %d waiting %d failed, %d were not interrupted",
		     what, n, failed, untouched);
}

static void fork_waiters(pid_t *pid, int n, int (*wait)(void), int flags)
{
	for (int k = 0; k < n; k++) {
		pid[k] = fork();
		if (!pid[k])
			waiter(wait, flags);
		expect(pid[k] > 0);
	}
	usleep(n * 10000);
}

static void fifo(int n, int flags)
{
	pid_t pid[CROWD];
	int fd;

	fork_waiters(pid, n, open_fifo, flags);
	interrupt(pid, n);
	fd = open("real/fifo", O_WRONLY | O_CLOEXEC);
	expect(fd >= 0);
	count_failures(flags ? "fifo, SA_RESTART" : "fifo", pid, n);
	close(fd);
}

static void full_queue(int n, int flags)
{
	struct sockaddr_un sun = address("real/socket");
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = s, .events = POLLIN };
	pid_t pid[CROWD];

	unlink("real/socket");
	expect(!bind(s, (struct sockaddr *)&sun, sizeof(sun)));
	expect(!listen(s, 0));
	expect(connect_full() >= 0);
	fork_waiters(pid, n, connect_full, flags);
	interrupt(pid, n);
	for (int k = 0; k <= n; k++) {
		expect(poll(&p, 1, 5000) == 1);
		expect(accept(s, NULL, NULL) >= 0);
	}
	count_failures(flags ? "connect, SA_RESTART" : "connect", pid, n);
	close(s);
}

static char name[64];

/* What was asked is not what is asked when it is asked again. */
static void change_name(int sig)
{
	handler(sig);
	strcpy(name, "beside");
}

/* The same place for every open, and nothing left in any register. */
static int plain_open(const char *file)
{
	return syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC, 0L,
		       0L, 0L);
}

static void say_what(const char *file, const char *expected)
{
	char text[16] = "";
	int fd = plain_open(file);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0 ||
	    strcmp(text, expected))
		fail("%s: \"%s\", not \"%s\"", file, text, expected);
	close(fd);
}

/* The same call, at the same place, with another name in the same memory. */
static void changing_names(void)
{
	struct sigaction sa = { .sa_handler = change_name,
				.sa_flags = SA_RESTART };

	sigaction(SIGALRM, &sa, NULL);
	strcpy(name, "point/fifo");
	say_what(name, "beside");
	strcpy(name, "point/both");
	say_what(name, "real");
	strcpy(name, "beside");
	say_what(name, "beside");
	_exit(0);
}

static void write_text(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	expect(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/*
 * A process opens a file by the name at own, which the monitor replaces:
 * wait until it waits with that. Return: where the other name is
 */
static uintptr_t wait_until_rewritten(pid_t pid, const char *own)
{
	for (int i = 0; i < SETTLE_MS / STEP_MS; i++) {
		unsigned long dir, at = 0;
		char file[64];
		int nr = -1;
		FILE *f;

		usleep(STEP_MS * 1000);
		snprintf(file, sizeof(file), "/proc/%d/syscall", pid);
		f = fopen(file, "re");
		expect(f);
		if (fscanf(f, "%d %lx %lx", &nr, &dir, &at) != 3)
			nr = -1;	/* it runs */
		fclose(f);
		if (nr == SYS_openat && at != (uintptr_t)own)
			return at;
	}
	fail("%d does not wait", pid);
}

/* n: so many are waiting besides, and need not be interrupted */
static void names(int n)
{
	pid_t pid[CROWD], changing;
	int fd, status;

	fork_waiters(pid, n, open_fifo, 0);
	changing = fork();
	if (!changing)
		changing_names();
	wait_until_rewritten(changing, name);
	usleep(STEP_MS * 1000);		/* it may be on its way only */
	kill(changing, SIGALRM);
	status = wait_for(changing);
	interrupt(pid, n);
	fd = open("real/fifo", O_WRONLY | O_CLOEXEC);
	expect(fd >= 0);
	count_failures("names", pid, n);
	expect(!status);
	close(fd);
}

/* Deeper in the stack: open what is called text, by this address. */
static __attribute__((noinline)) void open_at(uintptr_t at, const char *text)
{
	volatile char room[65536];
	uintptr_t from = (uintptr_t)room;

	room[0] = 0;
	expect(at > from && at + sizeof(name) < from + sizeof(room));
	strcpy((char *)at, text);
	say_what((const char *)at, "real");
}

/* A call that looks like one that was rewritten, and is another. */
static void look_alike(int n)
{
	static const char other[] = "point/other";
	pid_t pid[CROWD], last;
	int told[2], fd, status;
	uintptr_t at;

	fork_waiters(pid, n, open_fifo, 0);
	expect(!pipe2(told, O_CLOEXEC));
	last = fork();
	if (!last) {
		fd = plain_open(other);
		expect(fd >= 0);
		expect(read(told[0], &at, sizeof(at)) == sizeof(at));
		open_at(at, "point/both");
		_exit(0);
	}
	at = wait_until_rewritten(last, other);
	expect(write(told[1], &at, sizeof(at)) == sizeof(at));
	fd = open("real/other", O_RDWR | O_CLOEXEC);
	expect(fd >= 0 && write(fd, "other", 5) == 5);
	status = wait_for(last);
	close(fd);
	interrupt(pid, n);
	fd = open("real/fifo", O_WRONLY | O_CLOEXEC);
	expect(fd >= 0);
	count_failures("looks alike", pid, n);
	expect(!status);
	close(fd);
}

static void inside(long n)
{
	make_dir("real", 0755);
	make_dir("point", 0755);
	expect(!mkfifo("real/fifo", 0600) && !mkfifo("real/other", 0600));
	write_text("beside", "beside");
	write_text("point/both", "covered");
	write_text("real/both", "real");
	expect(!mount_vufs("real", "point"));
	fifo(1, 0);
	fifo(1, SA_RESTART);
	full_queue(1, 0);
	full_queue(1, SA_RESTART);
	fifo(FEW, SA_RESTART);
	fifo(n, SA_RESTART);
	names(1);
	names(n);
	look_alike(n);
	full_queue(n, SA_RESTART);
}

int main(int argc, char **argv)
{
	return in_view(argc, argv, CROWD, CROWD, inside);
}
