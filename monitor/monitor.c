/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor's main thread: start, event loop, end. Receiver threads
 * (engine/) answer the calls, worker threads (serve.c) the slow requests.
 *
 * The order at the start matters. The first guest is forked before the first
 * thread (launch.c). It is in the front's session; the monitor leaves that
 * only afterwards. The limits, umask and directory that the monitor sets for
 * itself come after the fork too, so that the guest has the user's.
 */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine/engine.h"
#include "engine/memory.h"
#include "engine/task.h"
#include "lib/events.h"
#include "lib/log.h"
#include "lib/plain.h"
#include "lib/proc.h"
#include "lib/scratch.h"
#include "monitor/ending.h"
#include "monitor/guests.h"
#include "monitor/launch.h"
#include "monitor/monitor.h"
#include "monitor/nested.h"
#include "monitor/serve.h"
#include "monitor/trace.h"
#include "monitor/umvu.h"
#include "sys/sys.h"

enum { GRACE = 5000 };		/* ms between TERM and KILL */

struct monitor {
	struct umvu *u;
	struct guests guests;
	enum guests_left left;
	int reported;			/* last stop told to the front */
	struct events events;
	struct source signals, front, guard, tick, tasks, names;
	struct trace *trace;
	struct sys *sys;		/* NULL: nested */
	struct engine *engine;
	struct service *service;
	struct nested nested;
	struct ending ending;
};

static void tell_front(const struct monitor *m, enum front_kind kind, int value)
{
	struct front_message msg = { kind, value, 0 };

	send(m->u->front, &msg, sizeof(msg), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The view cannot be made. Says nothing: that has been done. */
static void give_up(struct monitor *m, int status)
	__attribute__((noreturn));

static void give_up(struct monitor *m, int status)
{
	proc_end_descendants();
	umvu_remove_scratch(m->u);
	umvu_unlink_socket(m->u);
	tell_front(m, FRONT_STATUS, W_EXITCODE(status, 0));
	_exit(0);
}

static void must(struct monitor *m, int ret, const char *what)
{
	if (!ret)
		return;
	log_error("%s: %s", what, strerror(-ret));
	give_up(m, STATUS_NO_VIEW);
}

/* Why the kernel would not have the filter, and what would help. */
static void explain(int err)
{
	static const struct { int err; const char *text; } reason[] = {
		{ EBUSY, "a supervisor of system calls is there already, and "
			 "the kernel allows one only; start umvu outside of "
			 "that sandbox" },
		{ EINVAL, "this kernel cannot notify of system calls; it takes "
			  "Linux 5.14 with CONFIG_SECCOMP_FILTER (gVisor and "
			  "the like do not do it)" },
		{ ENOSYS, "this kernel has no seccomp(2); it takes Linux 5.14 "
			  "with CONFIG_SECCOMP_FILTER (gVisor and the like do "
			  "not do it)" },
		{ EACCES, "the kernel wants no_new_privs for a filter, and "
			  "setting it was refused" },
		{ EPERM, "a sandbox around this process forbids seccomp(2); "
			 "start umvu outside of it, or allow the call" },
	};
	size_t i;

	for (i = 0; i < sizeof(reason) / sizeof(reason[0]); i++) {
		if (reason[i].err == err) {
			log_error("cannot start a view: %s", reason[i].text);
			return;
		}
	}
	log_error("cannot start a view: %s", strerror(err));
}

/* --- events ------------------------------------------------------------ */

/* Tell the front how its first guest fares. */
static void report(struct monitor *m)
{
	struct proc_stat st;

	if (m->guests.stopped == m->reported)
		return;
	m->reported = m->guests.stopped;
	if (m->reported)
		tell_front(m, FRONT_STOPPED, m->reported);
	else if (!proc_stat(m->u->pid, &st) && st.state == 'T')
		/* It was continued, or killed, without its front. */
		kill(m->u->pid, SIGCONT);
}

static void reap(struct monitor *m)
{
	bool had_first = m->guests.first;

	m->left = guests_reap(&m->guests);
	if (had_first && !m->guests.first)
		tell_front(m, FRONT_STATUS, m->guests.status);
	if (!m->guests.first)
		m->guests.stopped = 0;
	report(m);
}

/* A signal that front or monitor got from somebody. */
static void on_their_signal(struct monitor *m, int sig, pid_t sender)
{
	/* A guest meant its process group or its parent, not us. */
	if (guests_include(&m->guests, sender))
		return;
	if (sig == SIGHUP && sender == FRONT_KERNEL) {
		guests_hang_up(&m->guests, getpgid(m->u->pid));
	} else if (sig == SIGTERM || sig == SIGHUP) {
		log_info("signal %d: asking all guests to end", sig);
		ending_ask(&m->ending, &m->guests, GRACE);
	} else {
		guests_signal_first(&m->guests, sig);
	}
}

static void on_signal(void *ctx, uint32_t events)
{
	struct monitor *m = ctx;
	struct signalfd_siginfo si;

	(void)events;
	if (read(m->signals.fd, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo == SIGCHLD)
		reap(m);
	else
		on_their_signal(m, si.ssi_signo, si.ssi_pid);
}

static void on_front(void *ctx, uint32_t events)
{
	struct monitor *m = ctx;
	struct front_message msg;
	ssize_t n;

	(void)events;
	n = recv(m->front.fd, &msg, sizeof(msg), MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n == sizeof(msg)) {
		on_their_signal(m, msg.value, msg.pid);
		return;
	}
	log_info("the front is gone: killing all guests");
	events_remove(&m->events, &m->front);
	guests_kill(&m->guests);
}

static void on_guard(void *ctx, uint32_t events)
{
	struct monitor *m = ctx;

	(void)events;
	log_info("the guard is gone: killing all guests");
	events_remove(&m->events, &m->guard);
	guests_kill(&m->guests);
}

static void on_tick(void *ctx, uint32_t events)
{
	struct monitor *m = ctx;

	(void)events;
	engine_tick(m->engine);
}

static void on_names(void *ctx, uint32_t events)
{
	(void)ctx;
	(void)events;
	plain_tick();
}

static void on_tasks(void *ctx, uint32_t events)
{
	struct monitor *m = ctx;

	(void)events;
	tasks_reap(sys_tasks(m->sys));
}

static int watch(struct monitor *m, struct source *src, int fd,
		 void (*ready)(void *, uint32_t))
{
	*src = (struct source){ fd, ready, m };
	return fd < 0 ? -errno : events_add(&m->events, src, EPOLLIN);
}

static int watch_processes(struct monitor *m, pid_t guard)
{
	sigset_t mask;
	int fd, ret;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGTERM);
	fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	ret = watch(m, &m->signals, fd, on_signal);
	if (!ret)
		ret = watch(m, &m->front, m->u->front, on_front);
	if (ret)
		return ret;
	fd = syscall(SYS_pidfd_open, guard, 0);
	ret = watch(m, &m->guard, fd, on_guard);
	/* Had it died before, we would be watching somebody else. */
	return !ret && getppid() != guard ? -ESRCH : ret;
}

/* --- start ------------------------------------------------------------- */

/* What the monitor wants for itself, now that the guest has the user's. */
static void settle(void)
{
	struct rlimit files;

	setsid();
	umask(0);
	/*
	 * Receivers come and go. With an arena for each of them, what stays
	 * behind depends on who has served whom.
	 */
	mallopt(M_ARENA_MAX, 1);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* Let the guard hold the listener too: see guard.c. */
static int deposit(const struct umvu *u, int listener)
{
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int ret;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &listener, sizeof(int));
	ret = sendmsg(u->deposit, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
	close(u->deposit);
	return ret;
}

static int hook_service(void *ctx, pid_t tid)
{
	struct monitor *m = ctx;

	return service_connect(m->service, tid);
}

static void hook_trace(void *ctx, const struct sys_trace *line)
{
	struct monitor *m = ctx;

	trace_line(m->trace, line);
}

static void hook_scratch(void *ctx, const char *name)
{
	struct monitor *m = ctx;

	if (m->u->scratch)
		snprintf(m->u->scratch, SCRATCH_NAME, "%s", name);
}

/* A module named by a relative path is meant from where umvu was started. */
static int load_module(struct monitor *m, const char *module)
{
	size_t name_len = strcspn(module, ",");
	struct strbuf full = { 0 };
	struct message msg = { "" };
	char *cwd;
	int ret;

	if (module[0] != '/' && memchr(module, '/', name_len)) {
		cwd = getcwd(NULL, 0);
		if (cwd)
			strbuf_printf(&full, "%s/", cwd);
		free(cwd);
	}
	strbuf_puts(&full, module);
	ret = full.failed ? -ENOMEM :
	      sys_insmod(m->sys, 0, full.data, false, &msg);
	if (ret)
		log_error("%s", msg.text[0] ? msg.text : strerror(-ret));
	strbuf_free(&full);
	return ret;
}

static bool ask_servers(void *ctx, const pid_t *pid, size_t n, bool *serves)
{
	struct monitor *m = ctx;

	return sys_servers(m->sys, pid, n, serves);
}

static void quit_mounts(void *ctx)
{
	(void)ctx;
	sys_quit_mounts(0);
}

static const struct ending_ops sys_ending = { ask_servers, quit_mounts };

static void make_sys(struct monitor *m)
{
	const struct options *o = &m->u->options;
	const struct sys_hooks hooks = {
		.ctx = m, .service = hook_service,
		.trace = hook_trace, .scratch = hook_scratch,
	};
	size_t i;

	m->sys = sys_new(&hooks, o->name);
	if (!m->sys)
		must(m, -ENOMEM, "cannot start a view");
	m->ending.ops = &sys_ending;
	m->ending.ctx = m;
	trace_start(m->trace, m->sys);
	for (i = 0; i < o->nmodule; i++) {
		if (load_module(m, o->module[i]))
			give_up(m, 1);
	}
}

/* Without it a view is slower, and nothing else. */
static void make_gate(struct monitor *m)
{
	int err = m->u->options.nogate ? 0 :
		  engine_make_gate(m->engine, sys_filter());

	if (err)
		log_info("no gate: %s", strerror(-err));
	sys_open_gates(m->sys);
}

static void make_engine(struct monitor *m, const struct launch *l)
{
	static const struct engine_ops ops = { sys_dispatch, sys_sent };

	tasks_root(sys_tasks(m->sys), getpid());
	must(m, guest_memory_probe(l->pid), "cannot read a guest's memory "
	     "(a sandbox, or kernel.yama.ptrace_scope above 1)");
	m->engine = engine_new(l->listener, &ops, m->sys);
	must(m, m->engine ? 0 : -ENOMEM, "cannot start the engine");
	make_gate(m);
	must(m, engine_start(m->engine), "cannot start the engine");
	must(m, watch(m, &m->tick, engine_tick_fd(m->engine), on_tick),
	     "engine");
	if (plain_tick_fd() >= 0)
		must(m, watch(m, &m->names, plain_tick_fd(), on_names), "names");
	must(m, watch(m, &m->tasks, tasks_fd(sys_tasks(m->sys)), on_tasks),
	     "tasks");
}

static void make_service(struct monitor *m)
{
	struct room room = {
		.sys = m->sys, .trace = m->trace,
		.monitor = getpid(), .server = m->u->pid,
	};

	must(m, service_open_room(m->service, &room), "service");
}

static void start_trace(struct monitor *m)
{
	m->trace = trace_new();
	must(m, m->trace ? 0 : -ENOMEM, "trace");
	if (m->u->trace >= 0)
		must(m, trace_to_file(m->trace, m->u->trace), "trace");
}

static void start_view(struct monitor *m)
{
	struct launch l;
	int ret;

	ret = launch_begin(m->u, &l);
	if (ret) {
		explain(-ret);
		give_up(m, STATUS_NO_VIEW);
	}
	m->guests.first = l.pid;
	settle();
	start_trace(m);
	must(m, service_new(&m->service, &m->events, m->u->listen), "service");
	must(m, deposit(m->u, l.listener), "cannot reach the guard");
	make_sys(m);
	make_engine(m, &l);
	make_service(m);
	tell_front(m, FRONT_FIRST, l.pid);
	must(m, launch_finish(m->u, &l), "the first guest is gone");
}

static void start_nested(struct monitor *m)
{
	pid_t first = nested_begin(m->u, &m->nested);

	if (first < 0)
		give_up(m, -first);
	m->guests.first = first;
	m->ending.ops = &nested_ending;
	m->ending.ctx = &m->nested;
	tell_front(m, FRONT_FIRST, first);
	settle();
	close(m->u->deposit);
	fds_let_go(&m->u->inherited);
	start_trace(m);
	if (m->u->options.trace)
		must(m, nested_trace(&m->nested, m->trace), "trace");
}

/* --- loop and end ------------------------------------------------------ */

static void serve(struct monitor *m)
{
	int timeout;

	/* Who has ended before we watched sends no signal again. */
	reap(m);
	while (m->left != GUESTS_NONE) {
		timeout = ending_step(&m->ending, &m->guests,
				      guests_timeout(&m->guests), GRACE);
		if (m->left == GUESTS_BUSY)
			timeout = 1;
		must(m, events_wait(&m->events, timeout), "epoll");
		if (m->left == GUESTS_BUSY)
			reap(m);
		ending_tick(&m->ending, &m->guests);
	}
}

/* With sanitizers only: whoever leaves by _exit() has to ask for it. */
void __lsan_do_leak_check(void) __attribute__((weak));

static void end(struct monitor *m) __attribute__((noreturn));

static void end(struct monitor *m)
{
	if (m->engine)
		log_debug("%llu calls received, %zu task records left",
			  (unsigned long long)engine_count(m->engine),
			  tasks_count(sys_tasks(m->sys)));
	else
		nested_end(&m->nested);
	trace_end(m->trace);
	umvu_remove_scratch(m->u);
	umvu_unlink_socket(m->u);
	if (__lsan_do_leak_check)
		__lsan_do_leak_check();
	_exit(0);
}

void monitor_run(struct umvu *u)
{
	struct monitor m = { .u = u };
	pid_t guard = getppid();

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	must(&m, events_init(&m.events), "epoll");
	must(&m, watch_processes(&m, guard), "cannot watch the guard");
	if (u->nested)
		start_nested(&m);
	else
		start_view(&m);
	/* The options lie where the title goes: they are used up now. */
	title_set(u->argv, "vu-monitor");
	if (chdir("/"))
		log_debug("/: %s", strerror(errno));
	serve(&m);
	end(&m);
}
