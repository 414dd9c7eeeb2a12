/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasks: inheritance, adoption, orphans, threads, dead processes, and the
 * facts read from /proc. The processes are children of this program, which
 * plays the monitor; they do what one letter on their pipe tells them.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/task.h"

struct state {
	_Atomic int holders;
};

static unsigned ntests, nfailed;
static struct state first, other, third;

static void ok(bool good, const char *name)
{
	ntests++;
	if (!good)
		nfailed++;
	printf("%sok %u - %s\n", good ? "" : "not ", ntests, name);
	fflush(stdout);
}

static void *get(void *state)
{
	atomic_fetch_add(&((struct state *)state)->holders, 1);
	return state;
}

static void put(void *state)
{
	atomic_fetch_sub(&((struct state *)state)->holders, 1);
}

static const struct task_ops ops = { get, put };

static struct tasks *new_tasks(void)
{
	struct tasks *t = tasks_new(&ops, &first);

	tasks_root(t, getpid());
	return t;
}

/* ---- processes that obey -------------------------------------------- */

struct proc {
	pid_t pid;
	int order, answer;
};

static void *idle_thread(void *arg)
{
	pid_t tid = gettid();
	int fd = *(int *)arg;

	if (write(fd, &tid, sizeof(tid)) == sizeof(tid))
		pause();
	return NULL;
}

static void obey(int order, int answer);

static void obey_one(char what, int order, int answer)
{
	pthread_t thread;
	pid_t pid;

	switch (what) {
	case 't':
		pthread_create(&thread, NULL, idle_thread, &answer);
		return;
	case 'f':	/* a child that only sleeps */
	case 's':	/* one that obeys in our place, in its own session */
		pid = fork();
		if (pid && what == 's') {
			pause();
		} else if (!pid) {
			if (what == 's')
				setsid();
			pid = getpid();
			if (write(answer, &pid, sizeof(pid)) != sizeof(pid))
				_exit(1);
			if (what == 's')
				obey(order, answer);
			pause();
		}
		return;
	default:
		_exit(0);
	}
}

static void obey(int order, int answer)
{
	char what;

	while (read(order, &what, 1) == 1)
		obey_one(what, order, answer);
	_exit(0);
}

static struct proc start(void)
{
	struct proc p;
	int order[2], answer[2];

	if (pipe2(order, O_CLOEXEC) || pipe2(answer, O_CLOEXEC))
		exit(1);
	p.pid = fork();
	if (!p.pid) {
		close(order[1]);
		close(answer[0]);
		setsid();
		obey(order[0], answer[1]);
	}
	close(order[0]);
	close(answer[1]);
	p.order = order[1];
	p.answer = answer[0];
	return p;
}

static pid_t tell(struct proc *p, char what)
{
	pid_t pid = -1;

	if (write(p->order, &what, 1) != 1 ||
	    read(p->answer, &pid, sizeof(pid)) != sizeof(pid))
		return -1;
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void stop(struct proc *p)
{
	close(p->order);
	close(p->answer);
	end(p->pid);
}

/* A killed child whose parent is dead becomes ours some time soon. */
static bool becomes_ours(pid_t pid)
{
	int i;

	for (i = 0; i < 1000 && task_parent(pid) != getpid(); i++)
		usleep(1000);
	return i < 1000;
}

static bool has(struct tasks *t, pid_t tid, const struct state *want)
{
	void *state = task_state(t, tid, NULL);

	put(state);
	return state == want;
}

static bool reaped(struct tasks *t)
{
	struct pollfd p = { .fd = tasks_fd(t), .events = POLLIN };
	bool woken = poll(&p, 1, 2000) == 1;

	tasks_reap(t);
	return woken;
}

/* ---- tests ---------------------------------------------------------- */

static void test_uniform(void)
{
	struct tasks *t = new_tasks();
	struct proc p = start();
	pid_t tgid = 0, thread = tell(&p, 't');
	void *state = task_state(t, thread, &tgid);

	ok(tasks_uniform(t) && !tasks_count(t), "a new table is uniform");
	ok(state == &first && tgid == p.pid, "a thread in a uniform world");
	ok(task_set_state(t, 0x3ffffff, &other) == -ESRCH, "no such process");
	put(state);
	stop(&p);
	tasks_free(t);
}

static void test_inherit(void)
{
	struct tasks *t = new_tasks();
	struct proc p = start(), q = start();
	pid_t before = tell(&p, 'f'), thread = tell(&p, 't'), after;

	ok(!task_set_state(t, thread, &other), "state set by a thread");
	after = tell(&p, 'f');
	ok(has(t, p.pid, &other) && has(t, thread, &other),
	   "process and thread have it");
	ok(has(t, before, &first), "an older child keeps the old state");
	ok(has(t, after, &other), "a younger child has the new one");
	ok(has(t, q.pid, &first), "a stranger has neither");
	ok(!task_set_state(t, p.pid, &third) && has(t, after, &other) &&
	   has(t, p.pid, &third), "a known child keeps its state");
	ok(!tasks_uniform(t), "not uniform any more");
	stop(&p);
	end(before);
	end(after);
	stop(&q);
	tasks_free(t);
}

static void test_deep(void)
{
	struct tasks *t = new_tasks();
	struct proc p = start();
	pid_t child = tell(&p, 's'), grandchild;

	grandchild = tell(&p, 'f');
	task_set_state(t, p.pid, &other);
	ok(has(t, grandchild, &first), "a grandchild walks to its parent");
	ok(!task_set_state(t, p.pid, &first) && tasks_uniform(t),
	   "back to the initial state is uniform");
	end(p.pid);
	end(child);
	end(grandchild);
	stop(&p);
	tasks_free(t);
}

static void test_orphans(void)
{
	struct tasks *t = new_tasks();
	struct proc p = start(), q = start();
	pid_t pchild = tell(&p, 'f'), qchild, qlate, qlate2;

	task_set_state(t, q.pid, &third);
	qchild = tell(&q, 's');
	task_set_state(t, qchild, &other);
	qlate = tell(&q, 'f');
	qlate2 = tell(&q, 'f');
	task_adopt(t, qchild);
	ok(has(t, qlate, &other), "adopted before its parent leaves");
	end(p.pid);
	ok(becomes_ours(pchild) && has(t, pchild, &first),
	   "an orphan of the first state");
	kill(qchild, SIGKILL);
	ok(has(t, qlate2, &other), "the other one, too");
	end(q.pid);
	end(qchild);
	end(pchild);
	end(qlate);
	end(qlate2);
	stop(&p);
	stop(&q);
	tasks_free(t);
}

/* Its parent was killed unseen: the session knows. */
static void test_session(void)
{
	struct tasks *t = new_tasks();
	struct proc p = start();
	pid_t leader = tell(&p, 's'), known, unknown;

	task_set_state(t, leader, &other);
	known = tell(&p, 'f');
	ok(has(t, known, &other), "a member of the session");
	unknown = tell(&p, 'f');
	end(p.pid);
	end(leader);
	ok(becomes_ours(unknown) && has(t, unknown, &other),
	   "an orphan takes the state of its session");
	end(known);
	end(unknown);
	stop(&p);
	tasks_free(t);
}

/* What is executed must not be held by those who were there before. */
static void test_alike(void)
{
	struct tasks *t = new_tasks();
	struct proc p = start(), q = start();
	pid_t one = tell(&p, 'f'), known, late;

	ok(!task_set_alike(t, one, &other) && has(t, one, &other),
	   "a state that is nearly the initial one");
	ok(has(t, p.pid, &first), "nobody else of its session has it");
	ok(!task_set_state(t, q.pid, &third) && has(t, q.pid, &third) &&
	   has(t, p.pid, &first), "nor when there are others");
	known = tell(&q, 'f');
	late = tell(&q, 'f');
	ok(has(t, known, &third), "a child of one");
	end(q.pid);
	ok(becomes_ours(late) && has(t, late, &third),
	   "whose orphans are found by their session");
	end(one);
	end(known);
	end(late);
	stop(&p);
	stop(&q);
	tasks_free(t);
}

static void test_dead(void)
{
	struct tasks *t = new_tasks();
	struct proc p = start();

	task_set_state(t, p.pid, &other);
	stop(&p);
	ok(has(t, p.pid, &first), "a dead process has no state of its own");
	p = start();
	task_set_state(t, p.pid, &other);
	stop(&p);
	ok(reaped(t) && tasks_uniform(t), "the dead are reaped");
	tasks_reap(t);
	tasks_free(t);
}

/* No descriptors to be had: records go by the start time. */
static void test_blind(void)
{
	struct rlimit old, few = { 20, 20 };
	struct tasks *t = new_tasks();
	struct proc p = start();
	pid_t child, late;

	getrlimit(RLIMIT_NOFILE, &old);
	few.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_NOFILE, &few);
	child = tell(&p, 'f');
	ok(!task_set_state(t, p.pid, &other) && has(t, p.pid, &other) &&
	   has(t, child, &first), "records without descriptors");
	late = tell(&p, 'f');
	ok(has(t, late, &other), "inheritance without descriptors");
	stop(&p);
	end(child);
	end(late);
	tasks_reap(t);
	ok(!tasks_count(t) || !has(t, p.pid, &other), "and they are reaped");
	setrlimit(RLIMIT_NOFILE, &old);
	tasks_free(t);
}

static int open_descriptors(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_many(void)
{
	struct tasks *t = new_tasks();
	struct proc p = start();
	int i, bad = 0, descriptors = open_descriptors();
	size_t records;

	task_set_state(t, p.pid, &other);
	records = tasks_count(t);
	for (i = 0; i < 500; i++) {
		pid_t child = tell(&p, 'f');

		bad += !has(t, child, &other);
		kill(child, SIGKILL);
		tasks_reap(t);
	}
	usleep(20000);
	tasks_reap(t);
	ok(!bad, "many children, one after the other");
	ok(tasks_count(t) <= records + 1 &&
	   open_descriptors() <= descriptors + 4, "nothing is left of them");
	stop(&p);
	tasks_free(t);
}

static void test_ids(void)
{
	gid_t group[70];
	struct task_ids ids;
	mode_t mask = umask(027);
	int i, status;
	pid_t pid;

	for (i = 0; i < 70; i++)
		group[i] = 100000000 + i;
	umask(mask);
	ok(!task_read_ids(getpid(), &ids) && ids.tgid == getpid() &&
	   ids.ppid == getppid() && ids.umask == mask &&
	   ids.uid[1] == geteuid() && ids.gid[1] == getegid() &&
	   ids.ngroup == getgroups(0, NULL), "ids of a process");
	ok(task_read_ids(0x3ffffff, &ids) == -ESRCH, "ids of nobody");
	ok(task_parent(getpid()) == getppid() &&
	   task_parent(0x3ffffff) == -ESRCH, "parents");
	pid = fork();
	if (!pid) {
		/* A name like the end of the field that holds it. */
		prctl(PR_SET_NAME, ") R 1 1\nUid:\t1");
		if (task_parent(getpid()) != getppid() ||
		    task_read_ids(getpid(), &ids) || ids.uid[0] != getuid())
			_exit(1);
		if (geteuid())
			_exit(0);
		if (setgroups(64, group) || task_read_ids(getpid(), &ids) ||
		    ids.ngroup != 64 || ids.group[63] != group[63])
			_exit(2);
		if (setgroups(70, group) || task_read_ids(getpid(), &ids) ||
		    ids.ngroup != 65)
			_exit(3);
		_exit(ids.cap_effective != 0 ? 0 : 4);
	}
	waitpid(pid, &status, 0);
	ok(!status, "odd names and many groups");
}

int main(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	test_uniform();
	test_inherit();
	test_deep();
	test_orphans();
	test_session();
	test_alike();
	test_dead();
	test_blind();
	test_many();
	test_ids();
	ok(!first.holders && !other.holders && !third.holders,
	   "every reference is given back");
	printf("1..%u\n", ntests);
	return nfailed != 0;
}
