/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals that interrupt calls; SA_RESTART; handlers that make calls.
 *
 * inside: yes
 * cow: yes
 */
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include "test/lib.h"

static volatile sig_atomic_t handled, bad_in_handler;

static void handler(int sig)
{
	struct stat st;
	int saved = errno;

	(void)sig;
	handled = 1;
	if (stat("file", &st) < 0 || stat("none", &st) == 0 || errno != ENOENT)
		bad_in_handler = 1;
	errno = saved;
}

static void catch(int sig, int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };

	sigaction(sig, &sa, NULL);
	handled = 0;
}

static void alarm_after(long usec, long again)
{
	struct itimerval it = { { again / 1000000, again % 1000000 },
				{ usec / 1000000, usec % 1000000 } };

	setitimer(ITIMER_REAL, &it, NULL);
}

/*
 * A call that no receiver has taken yet is cancelled by a signal whose
 * handler was set without SA_RESTART: the kernel knows no other way
 * (WAIT_KILLABLE_RECV begins with the reception). Such a call has had no
 * effect, so that making it again must give what it always gives.
 */
#define again(call) ({ \
	long ret_; \
	do \
		ret_ = (call); \
	while (ret_ < 0 && errno == EINTR && may_interrupt); \
	ret_; })

static bool may_interrupt;

/* One of everything; the number of wrong results. */
static int use_names(void)
{
	struct stat st;
	int bad = 0, fd;

	bad += again(stat("file", &st)) != 0;
	bad += again(stat("none", &st)) != -1 || errno != ENOENT;
	fd = again(open("new", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
	bad += fd < 0;
	close(fd);
	bad += again(unlink("new")) != 0;
	bad += again(mkdir("newdir", 0700)) != 0;
	bad += again(rmdir("newdir")) != 0;
	return bad;
}

/* Names under a storm of signals: every result is as without it. */
static void storm(int flags)
{
	int bad = 0;

	may_interrupt = !(flags & SA_RESTART);
	catch(SIGALRM, flags);
	alarm_after(500, 500);
	for (int i = 0; i < 1000; i++)
		bad += use_names();
	alarm_after(0, 0);
	say("storm %x: %d bad results, handled %d, bad in handler %d", flags,
	    bad, handled, bad_in_handler);
}

/* A parent that waits 100 ms, then opens the other end. */
static pid_t open_later(const char *path, int flags)
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	usleep(300000);
	fd = open(path, flags);
	usleep(100000);
	_exit(fd < 0);
}

static void fifo(int flags)
{
	pid_t pid;
	int fd;

	catch(SIGALRM, flags);
	pid = open_later("fifo", O_WRONLY);
	alarm_after(100000, 0);
	errno = 0;
	fd = open("fifo", O_RDONLY | O_CLOEXEC);
	say("open of a fifo %x: %s, handled %d", flags,
	    fd < 0 ? error_name(errno) : "opened", handled);
	if (fd < 0)
		fd = open("fifo", O_RDONLY | O_CLOEXEC);
	say("other end %x", wait_for(pid));
	close(fd);
}

static void locks(int flags)
{
	int fd = open("file", O_RDWR | O_CLOEXEC), other;
	pid_t pid;

	if (flock(fd, LOCK_EX) < 0)
		fail_errno("flock");
	pid = fork();
	if (!pid) {
		other = open("file", O_RDWR | O_CLOEXEC);
		catch(SIGALRM, flags);
		alarm_after(100000, 0);
		errno = 0;
		result("flock", flock(other, LOCK_EX));
		_exit(0);
	}
	usleep(250000);
	flock(fd, LOCK_UN);
	say("lock %x: %x", flags, wait_for(pid));
	close(fd);
}

static void sleeping(void)
{
	struct timespec ts = { 5, 0 }, left;

	catch(SIGALRM, SA_RESTART);
	alarm_after(50000, 0);
	try(nanosleep(&ts, &left));
	say("left %ld", (long)left.tv_sec);
	alarm_after(50000, 0);
	try(pause());
	alarm_after(50000, 0);
	try(read(dup(0), NULL, 0));
	alarm_after(0, 0);
}

/* A full queue: connect blocks, a signal ends it. */
static void connecting(int flags)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX,
				   .sun_path = "listening" };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), c;
	pid_t pid;

	unlink("listening");
	if (bind(s, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    listen(s, 0) < 0)
		fail_errno("listen");
	c = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	try(connect(c, (struct sockaddr *)&sun, sizeof(sun)));
	pid = fork();
	if (!pid) {
		usleep(300000);
		accept(s, NULL, NULL);
		_exit(0);
	}
	c = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	catch(SIGALRM, flags);
	alarm_after(100000, 0);
	try(connect(c, (struct sockaddr *)&sun, sizeof(sun)));
	wait_for(pid);
	close(s);
	close(c);
}

static void stopped_and_killed(void)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		for (;;)
			access("file", R_OK);
	for (int i = 0; i < 20; i++) {
		kill(pid, SIGSTOP);
		waitpid(pid, &status, WUNTRACED);
		if (!WIFSTOPPED(status))
			say("not stopped: %x", status);
		kill(pid, SIGCONT);
		waitpid(pid, &status, WCONTINUED);
		if (!WIFCONTINUED(status))
			say("not continued: %x", status);
	}
	kill(pid, SIGKILL);
	say("stopped and killed: %x", wait_for(pid));
}

static void blocked(void)
{
	sigset_t all, pending;

	catch(SIGUSR1, 0);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	kill(getpid(), SIGUSR1);
	say_lstat("file");
	sigpending(&pending);
	say("pending %d handled %d", sigismember(&pending, SIGUSR1), handled);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	say("handled %d", handled);
}

/* The stack that a handler runs on is no place to write to from outside. */
static void other_stack(void)
{
	stack_t ss = { .ss_sp = malloc(65536), .ss_size = 65536 };

	try(sigaltstack(&ss, NULL));
	storm(SA_ONSTACK);
}

int main(void)
{
	make_file("file", 0644, "text");
	if (mkfifo("fifo", 0600) < 0)
		fail_errno("mkfifo");
	storm(0);
	storm(SA_RESTART);
	other_stack();
	fifo(0);
	fifo(SA_RESTART);
	locks(0);
	locks(SA_RESTART);
	sleeping();
	connecting(0);
	connecting(SA_RESTART);
	stopped_and_killed();
	blocked();
	return 0;
}
