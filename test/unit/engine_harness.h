/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEST_UNIT_ENGINE_HARNESS_H
#define TEST_UNIT_ENGINE_HARNESS_H

/*
 * What the tests of the engine share: guests of their own, and a dispatcher
 * for them. Each test is a function that runs in a child under a filter,
 * while this process answers its calls.
 *
 * The dispatcher knows these names and numbers:
 *	openat /virtual/object	a descriptor of a file that holds "object\n"
 *	openat /virtual/moved	the call rewritten to the file real_file
 *	openat /virtual/far	the same, with a block of FAR bytes
 *	openat /virtual/fifo	rewritten to a FIFO: it blocks
 *	openat /virtual/slow	answered after 300 ms with -EXDEV
 *	openat /virtual/waiting	the same, but engine_may_wait() is told
 *	execve /virtual/true	rewritten to /bin/true, as /b/other
 *	execve /virtual/sleep	the same with /bin/sleep
 *	execve /virtual/early	rewritten to /bin/sleep in passing, as /b/sleep
 *	execve /virtual/script	rewritten to /bin/sh /.../script "$@"
 *	uname			a structure written to the guest
 *	getppid			the value 4242
 *	getpgid			-ENOANO
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/filter.h"
#include "engine/memory.h"
#include "engine/rewrite.h"

#define I386_OPENAT	295
#define I386_GETPPID	64

#define FAR	(12 * 1024)
#define MANY_ARGS	40000	/* more than the stack has mapped */

static const struct filter_row native_row[] = {
	{ .nr = SYS_stat, .action = FILTER_NOTIFY },
	{ .nr = SYS_execve, .action = FILTER_NOTIFY },
	{ .nr = SYS_uname, .action = FILTER_NOTIFY },
	{ .nr = SYS_getppid, .action = FILTER_NOTIFY },
	{ .nr = SYS_getpgid, .action = FILTER_NOTIFY },
	{ .nr = SYS_openat, .action = FILTER_NOTIFY },
	{ .nr = SYS_newfstatat, .action = FILTER_NOTIFY },
	{ .nr = SYS_io_uring_setup, .action = FILTER_ENOSYS },
};

static const struct filter_row compat_row[] = {
	{ .nr = I386_GETPPID, .action = FILTER_NOTIFY },
	{ .nr = I386_OPENAT, .action = FILTER_NOTIFY },
};

static const struct filter_spec spec = {
	.row = { native_row, compat_row },
	.nrow = { sizeof(native_row) / sizeof(native_row[0]),
		  sizeof(compat_row) / sizeof(compat_row[0]) },
};

/* All engines of this run: they live as long as their last receiver. */
static struct engine *engine[256];
static size_t nengine;
static char real_file[] = "/tmp/engine_test.XXXXXX";
static char script[] = "/tmp/engine_test.XXXXXX";
static char fifo[sizeof(real_file) + 8];
static _Atomic unsigned sent_good, sent_bad;
static unsigned ntests, nfailed;

static inline void ok(bool good, const char *name)
{
	ntests++;
	if (!good)
		nfailed++;
	printf("%sok %u - %s\n", good ? "" : "not ", ntests, name);
	fflush(stdout);
}

static inline void bail(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- the dispatcher ------------------------------------------------- */

static inline struct verdict object(unsigned fd_flags)
{
	int fd = memfd_create("object", MFD_CLOEXEC);
	struct verdict v = verdict_object(fd, fd_flags);

	if (write(fd, "object\n", 7) != 7 || lseek(fd, 0, SEEK_SET))
		return verdict_value(-EIO);
	v.note = &sent_good;
	return v;
}

static inline struct verdict moved(const struct call *call,
				   const char *to, size_t more)
{
	static const char zero[FAR];
	struct rewrite *rw = rewrite_new(call);

	if (rewrite_string(rw, 1, to) || rewrite_bytes(rw, 5, zero, more))
		return verdict_value(-ENOMEM);
	return verdict_rewritten(rw);
}

static inline struct verdict slow(void)
{
	usleep(300000);
	return verdict_value(-EXDEV);
}

static inline struct verdict do_openat(const struct call *call)
{
	char path[4096];
	ssize_t n = guest_read_string(call, call->arg[1], path, sizeof(path));

	if (n == -EFAULT || n == -ENAMETOOLONG)
		return verdict_native();
	if (n < 0)
		return verdict_value(n);
	if (!strcmp(path, "/virtual/object"))
		return object(call->arg[2] & O_CLOEXEC);
	if (!strcmp(path, "/virtual/moved"))
		return moved(call, real_file, 0);
	if (!strcmp(path, "/virtual/far"))
		return moved(call, real_file, FAR);
	if (!strcmp(path, "/virtual/fifo"))
		return moved(call, fifo, 0);
	if (!strcmp(path, "/virtual/waiting"))
		engine_may_wait(call);
	if (!strcmp(path, "/virtual/waiting") || !strcmp(path, "/virtual/slow"))
		return slow();
	return verdict_native();
}

/* sh, the script, and all arguments but the first as they are. */
static inline struct verdict run_script(const struct call *call)
{
	struct rewrite_word *word = calloc(MANY_ARGS + 2, sizeof(*word));
	struct rewrite *rw = rewrite_new(call);
	uint64_t pointer;
	size_t n = 2;
	int r;

	word[0].string = "sh";
	word[1].string = script;
	while (n < MANY_ARGS + 2 &&
	       !guest_read(call, call->arg[1] + 8 * (n - 1), &pointer, 8) &&
	       pointer)
		word[n++].pointer = pointer;
	r = rewrite_string(rw, 0, "/bin/sh") ?: rewrite_program(rw, NULL);
	if (!r)
		r = rewrite_words(rw, 1, word, n);
	free(word);
	return r ? verdict_value(r) : verdict_rewritten(rw);
}

static inline struct verdict do_execve(const struct call *call)
{
	struct rewrite *rw;
	char path[4096];

	if (guest_read_string(call, call->arg[0], path, sizeof(path)) < 0)
		return verdict_native();
	if (!strcmp(path, "/virtual/script"))
		return run_script(call);
	if (strcmp(path, "/virtual/true") && strcmp(path, "/virtual/sleep") &&
	    strcmp(path, "/virtual/early"))
		return verdict_native();
	if (!engine_can_rewrite(call))
		return verdict_value(-ETXTBSY);
	rw = rewrite_new(call);
	if (!strcmp(path, "/virtual/early")) {
		usleep(1000);		/* a signal may come */
		if (rewrite_string(rw, 0, "/bin/sleep") ||
		    rewrite_program(rw, "/b/sleep") ||
		    rewrite_in_passing(rw, "/bin/sleep"))
			return verdict_value(-ENOMEM);
		return verdict_rewritten(rw);
	}
	if (rewrite_string(rw, 0, strcmp(path, "/virtual/true") ?
			   "/bin/sleep" : "/bin/true") ||
	    rewrite_program(rw, "/b/other"))
		return verdict_value(-ENOMEM);
	return verdict_rewritten(rw);
}

static inline struct verdict do_uname(const struct call *call)
{
	struct utsname u = { .sysname = "Virtual", .nodename = "guest" };
	int r = guest_write(call, call->arg[0], &u, sizeof(u));

	return verdict_value(r);
}

static inline struct verdict dispatch_compat(const struct call *call)
{
	if (call->nr == I386_GETPPID)
		return verdict_value(2424);
	return do_openat(call);
}

static inline struct verdict dispatch(void *ctx, const struct call *call)
{
	(void)ctx;
	if (call->abi == ABI_COMPAT)
		return dispatch_compat(call);
	switch (call->nr) {
	case SYS_openat:
		return do_openat(call);
	case SYS_execve:
		return do_execve(call);
	case SYS_uname:
		return do_uname(call);
	case SYS_getppid:
		return verdict_value(4242);
	case SYS_getpgid:
		return verdict_value(-ENOANO);
	default:
		return verdict_native();
	}
}

static inline void sent(void *ctx, const struct call *call, void *note, int result)
{
	(void)ctx;
	(void)call;
	(void)note;
	atomic_fetch_add(result >= 0 ? &sent_good : &sent_bad, 1);
}

static const struct engine_ops ops = { .dispatch = dispatch, .sent = sent };

/* ---- the harness ---------------------------------------------------- */

static inline void send_fd(int sock, int fd)
{
	union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } u;
	struct iovec iov = { "", 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = &u, .msg_controllen = sizeof(u) };

	memset(&u, 0, sizeof(u));
	u.h.cmsg_level = SOL_SOCKET;
	u.h.cmsg_type = SCM_RIGHTS;
	u.h.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&u.h), &fd, sizeof(fd));
	if (sendmsg(sock, &m, 0) != 1)
		_exit(99);
}

static inline int receive_fd(int sock)
{
	union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } u;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = &u, .msg_controllen = sizeof(u) };
	int fd = -1;

	if (recvmsg(sock, &m, MSG_CMSG_CLOEXEC) == 1 && m.msg_controllen)
		memcpy(&fd, CMSG_DATA(&u.h), sizeof(fd));
	return fd;
}

/* As on kernels before 5.19: any signal ends the wait for an answer. */
static bool interruptible;

static inline int install_interruptible(void)
{
	struct sock_fprog prog = { 0 };
	int n = filter_compile(&spec, &prog.filter);

	if (n < 0)
		return n;
	prog.len = n;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		       SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
}

static inline void guest_main(int sock, int (*fn)(void))
{
	int listener = interruptible ? install_interruptible() :
				       filter_install(&spec);
	char byte;

	if (listener < 0)
		_exit(98);
	send_fd(sock, listener);
	close(listener);
	if (read(sock, &byte, 1) != 1)
		_exit(97);
	close(sock);
	_exit(fn());
}

struct guest {
	pid_t pid;
	int listener, sock;
};

static inline struct guest start_guest(int (*fn)(void))
{
	struct guest g;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		bail("socketpair");
	g.pid = fork();
	if (!g.pid) {
		close(pair[0]);
		guest_main(pair[1], fn);
	}
	close(pair[1]);
	g.sock = pair[0];
	g.listener = receive_fd(pair[0]);
	if (g.listener < 0)
		bail("no listener");
	return g;
}

/* The event loop of a monitor: ticks, and children of this thread. */
static inline int serve(struct guest *g)
{
	struct engine *e = engine_new(g->listener, &ops, NULL);
	struct pollfd p;
	int status = -1;
	siginfo_t si;

	if (!e || engine_start(e))
		bail("engine");
	engine[nengine++] = e;
	p = (struct pollfd){ .fd = engine_tick_fd(e), .events = POLLIN };
	if (write(g->sock, "", 1) != 1)
		bail("write");
	close(g->sock);
	for (;;) {
		if (poll(&p, 1, 5) == 1)
			engine_tick(e);
		/* takes no stop from a visit */
		memset(&si, 0, sizeof(si));
		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT |
			   __WNOTHREAD) || !si.si_pid ||
		    si.si_code == CLD_TRAPPED)
			continue;
		if (waitpid(si.si_pid, &status, 0) == g->pid)
			return status;
	}
}

static inline int run(int (*fn)(void))
{
	struct guest g = start_guest(fn);

	return serve(&g);
}

static inline void test_guest(const char *name, int (*fn)(void))
{
	int status = run(fn);
	bool good = WIFEXITED(status) && !WEXITSTATUS(status);

	ok(good, name);
	if (!good)
		printf("# wait status 0x%x\n", status);
}
/* ---- for the guests -------------------------------------------------- */

static inline int check_text(int fd, const char *want)
{
	char text[64] = "";
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	return n < 0 || strcmp(text, want);
}

static inline int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 255;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 254;
}

static _Atomic unsigned caught;

static inline void on_signal(int sig)
{
	char junk[2 * FAR];

	/* Whatever lies below the red zone is overwritten now. */
	memset(junk, sig, sizeof(junk));
	__asm__ volatile("" : : "r"(junk) : "memory");
	atomic_fetch_add(&caught, 1);
}

static inline void *many_calls(void *arg)
{
	int i;

	for (i = 0; i < 200; i++) {
		if (getppid() != 4242)
			return arg;
		if (check_text(open("/virtual/object", O_RDONLY), "object\n"))
			return arg;
		if (i % 10 == 0 &&
		    check_text(open("/virtual/moved", O_RDONLY), "moved\n"))
			return arg;
	}
	return NULL;
}

static inline void *storm(void *arg)
{
	pthread_t *target = arg;
	int i;

	for (i = 0; i < 3000; i++) {
		pthread_kill(*target, SIGUSR1);
		usleep(20);
	}
	return NULL;
}

static inline double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static inline void make_file(char *name, const char *text)
{
	int fd = mkstemp(name);

	if (fd < 0 || fchmod(fd, 0755) ||
	    write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		bail(name);
	close(fd);
}

static inline void prepare(void)
{
	make_file(real_file, "moved\n");
	make_file(script, "[ \"$1\" = one ] && [ $# = \"$2\" ] && "
		  "[ \"$3\" = 'two words' ] && [ -z \"$4\" ]\n");
	snprintf(fifo, sizeof(fifo), "%s.fifo", real_file);
	if (mkfifo(fifo, 0600))
		bail(fifo);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* Return: what main() is to return. */
static inline int finish(void)
{
	unlink(real_file);
	unlink(script);
	unlink(fifo);
	if (ntests)
		printf("1..%u\n", ntests);
	return nfailed != 0;
}

#endif
