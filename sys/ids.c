/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * Virtual ids are a part of what a guest is (guest.h), so they are inherited
 * by fork, without fork being trapped, and kept over exec (ids_exec.c). Most
 * guests have none: what the kernel says holds for them. They begin when a
 * guest becomes root in its view (VU_CALL_BECOME), when it executes a set-id
 * program, or when it gives itself capabilities; and only while a module says
 * that they are kept, which then cannot be unloaded before the last ids are
 * gone. A privileged monitor keeps none: its guests change what the kernel has.
 *
 * Threads. The kernel has ids for each thread, and so have we: guest.ids are
 * those of the process, and guest.thread lists the threads that differ. A
 * change by one of several threads looks at all that are there. When they have
 * come to be of one mind (the C library has each of them make the call), the
 * list is given up. A thread that is not listed has those of the process,
 * also if one that is listed made it: that is not told.
 *
 * A list belongs to one process (guest.of). Who inherits it was forked by one
 * of the threads: by which, /proc/PID/task/TID/children tells. That is looked
 * up when the child is first asked about, and it gets ids of its own.
 *
 * Locks. sys.moving: one change at a time, each made to what is there by then.
 */
#include "sys/ids.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/task.h"
#include "lib/plain.h"
#include "lib/proc.h"
#include "sys/state.h"
#include "view/registry.h"
#include "view/version.h"

/* --- lifetime --- */

struct ids *ids_new(struct module *by)
{
	struct ids *ids = calloc(1, sizeof(*ids));

	if (ids)
		ids->groups = ids_groups_new(0);
	if (!ids || !ids->groups) {
		free(ids);
		module_state_put(by);
		return NULL;
	}
	ids->refs = 1;
	ids->by = by;
	plain_ask_device(proc_device());	/* see procfs_tell_owner() */
	return ids;
}

struct ids *ids_copy(const struct ids *from)
{
	struct ids *ids = malloc(sizeof(*ids));

	if (!ids)
		return NULL;
	*ids = *from;
	ids->refs = 1;
	ids->dropped = false;
	atomic_fetch_add(&ids->groups->refs, 1);
	module_state_get(ids->by);
	return ids;
}

struct ids *ids_get(struct ids *ids)
{
	if (ids)
		atomic_fetch_add(&ids->refs, 1);
	return ids;
}

static void groups_put(struct ids_groups *groups)
{
	if (atomic_fetch_sub(&groups->refs, 1) == 1)
		free(groups);
}

void ids_put(struct ids *ids)
{
	if (!ids || atomic_fetch_sub(&ids->refs, 1) != 1)
		return;
	if (ids->dropped)
		version_dropped(-1);
	groups_put(ids->groups);
	module_state_put(ids->by);
	free(ids);
}

struct ids_groups *ids_groups_new(size_t n)
{
	struct ids_groups *groups = calloc(1, sizeof(*groups) +
					   n * sizeof(groups->group[0]));

	if (!groups)
		return NULL;
	groups->refs = 1;
	groups->n = n;
	return groups;
}

static int by_number(const void *a, const void *b)
{
	gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

	return (x > y) - (x < y);
}

void ids_take_groups(struct ids *to, struct ids_groups *groups)
{
	qsort(groups->group, groups->n, sizeof(gid_t), by_number);
	groups_put(to->groups);
	to->groups = groups;
}

static bool caps_equal(const struct ids_caps *a, const struct ids_caps *b)
{
	return a->permitted == b->permitted && a->effective == b->effective &&
	       a->inheritable == b->inheritable &&
	       a->bounding == b->bounding && a->ambient == b->ambient &&
	       a->securebits == b->securebits;
}

bool ids_equal(const struct ids *a, const struct ids *b)
{
	if (a == b || !a || !b)
		return a == b;
	return a->by == b->by && a->users == b->users &&
	       !memcmp(a->uid, b->uid, sizeof(a->uid)) &&
	       !memcmp(a->gid, b->gid, sizeof(a->gid)) &&
	       caps_equal(&a->caps, &b->caps) &&
	       a->groups->n == b->groups->n &&
	       !memcmp(a->groups->group, b->groups->group,
		       a->groups->n * sizeof(gid_t));
}

/* --- threads --- */

static struct ids *of_thread(const struct guest *g, pid_t tgid, pid_t tid)
{
	for (size_t i = 0; g->of == tgid && i < g->nthread; i++)
		if (g->thread[i].tid == tid)
			return g->thread[i].ids;
	return g->ids;
}

/* Numbers in a directory of /proc. *number: out, the caller frees it. */
static size_t numbers_in(const char *path, pid_t **number)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	size_t n = 0;
	pid_t *more;

	*number = NULL;
	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		more = reallocarray(*number, n + 1, sizeof(**number));
		if (!more)
			break;
		*number = more;
		more[n++] = atoi(e->d_name);
	}
	if (dir)
		closedir(dir);
	return n;
}

/* What each of the threads has once tid has got ids; each held. */
static struct thread_ids *list_threads(const struct guest *was, pid_t tgid,
				       pid_t tid, struct ids *to, size_t *n)
{
	struct thread_ids *list;
	char path[32];
	pid_t *tids;
	size_t all;

	snprintf(path, sizeof(path), "/proc/%d/task", tgid);
	all = numbers_in(path, &tids);
	list = calloc(all + 1, sizeof(*list));
	*n = 0;
	for (size_t i = 0; list && i < all; i++) {
		struct ids *ids = tids[i] == tid ? to :
				  of_thread(was, tgid, tids[i]);

		list[(*n)++] = (struct thread_ids){ tids[i], ids_get(ids) };
	}
	free(tids);
	return list;
}

static bool of_one_mind(const struct thread_ids *list, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (!ids_equal(list[0].ids, list[i].ids))
			return false;
	return true;
}

/* In a copy, thread tid gets these ids. 0 or -ENOMEM */
static int give(struct guest *g, const struct guest *was, pid_t tgid, pid_t tid,
		struct ids *to)
{
	size_t n;
	struct thread_ids *list = list_threads(was, tgid, tid, to, &n);

	if (!list)
		return -ENOMEM;
	guest_set_threads(g, 0, NULL, 0);
	if (of_one_mind(list, n)) {
		guest_set_ids(g, to);
		thread_ids_free(list, n);
	} else {
		guest_set_threads(g, tgid, list, n);
	}
	return 0;
}

/* The caller's process is g from now on, also for this request. */
static int become(struct request *rq, struct guest *g)
{
	request_take_guest(rq, guest_get(g));
	return sys_become(rq, g);
}

static bool is_dropped(const struct ids *ids)
{
	return ids->users && ids->uid[ID_FILES] != geteuid() &&
	       !ids_able(ids, CAP_DAC_OVERRIDE);
}

bool ids_dropped(struct request *rq)
{
	const struct ids *ids = ids_of_user(rq);

	return ids && is_dropped(ids);
}

/* Gates must know before the guest goes on. */
static void count(struct ids *ids)
{
	if (ids->dropped || !is_dropped(ids))
		return;
	ids->dropped = true;
	version_dropped(1);
}

static int commit(struct request *rq, struct ids *to)
{
	struct guest *g = guest_copy(rq->guest);
	int err = g ? give(g, rq->guest, request_tgid(rq), rq->call->tid, to)
		    : -ENOMEM;

	if (!err)
		count(to);
	if (!err)
		return become(rq, g);
	guest_put(g);
	return err;
}

/* --- who inherits from one of several threads --- */

static bool is_child(pid_t tgid, pid_t tid, pid_t child)
{
	char path[64], *text, *at, *end;
	bool is = false;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", tgid, tid);
	n = proc_read(path, &text);
	if (n < 0)
		return false;
	for (at = text; !is; at = end) {
		pid_t pid = strtol(at, &end, 10);

		if (end == at)
			break;
		is = pid == child;
	}
	free(text);
	return is;
}

/* The child of ancestor that pid is or descends from; 0: there is none. */
static pid_t branch(pid_t pid, pid_t ancestor)
{
	for (int i = 0; pid > 1 && i < 64; i++) {
		pid_t parent = task_parent(pid);

		if (parent == ancestor)
			return pid;
		pid = parent;
	}
	return 0;
}

static struct ids *of_forker(const struct guest *g, pid_t tgid)
{
	pid_t child = branch(tgid, g->of);

	for (size_t i = 0; child && i < g->nthread; i++)
		if (is_child(g->of, g->thread[i].tid, child))
			return g->thread[i].ids;
	return g->ids;
}

/* The list is another process's: have ids of one's own. Lock held. */
static void settle(struct request *rq)
{
	const struct guest *was = rq->guest;
	struct guest *g;

	if (!was->nthread || was->of == request_tgid(rq))
		return;
	g = guest_copy(was);
	if (!g)
		return;
	guest_set_ids(g, of_forker(was, request_tgid(rq)));
	guest_set_threads(g, 0, NULL, 0);
	become(rq, g);
}

const struct ids *ids_of(struct request *rq)
{
	if (!rq->guest->nthread)
		return rq->guest->ids;
	if (rq->guest->of != request_tgid(rq)) {
		pthread_mutex_lock(&rq->sys->moving);
		settle(rq);
		pthread_mutex_unlock(&rq->sys->moving);
	}
	return of_thread(rq->guest, request_tgid(rq), rq->call->tid);
}

const struct ids *ids_of_user(struct request *rq)
{
	const struct ids *ids = guest_has_ids(rq->guest) ? ids_of(rq) : NULL;

	return ids && ids->users ? ids : NULL;
}

struct ids *ids_of_thread(struct request *rq, pid_t tid)
{
	struct ids *ids = NULL;
	struct guest *g;
	pid_t tgid;

	if (!proc_is_descendant(getpid(), tid))
		return NULL;
	g = task_state(rq->sys->tasks, tid, &tgid);
	if (g && g->nthread && g->of != tgid)
		ids = ids_get(of_forker(g, tgid));
	else if (g)
		ids = ids_get(of_thread(g, tgid, tid));
	guest_put(g);
	return ids;
}

bool ids_tell_caps(const struct ids *ids)
{
	return ids && modules_keep() & VU_KEEP_CAPS;
}

bool ids_may_begin(const struct sys *s, enum vu_keep what)
{
	return !s->privileged && modules_keep() & what;
}

bool ids_allow(struct request *rq, int cap)
{
	const struct ids *ids = ids_of_user(rq);

	return !ids || ids_able(ids, cap);
}

/* --- change --- */

/* What the process is by now: others may have changed it. Lock held. */
static void look_again(struct request *rq)
{
	struct guest *g = task_state(rq->sys->tasks, rq->call->tid, NULL);

	if (!g)
		return;
	request_take_guest(rq, g);
	settle(rq);
}

static int copy_or_make(struct request *rq, ids_maker *made, struct ids **to)
{
	const struct ids *old = of_thread(rq->guest, request_tgid(rq),
					  rq->call->tid);

	if (!old)
		return made ? made(rq, to) : -ENOENT;
	*to = ids_copy(old);
	return *to ? 0 : -ENOMEM;
}

static long change(struct request *rq, ids_maker *made, ids_rule *rule,
		   void *arg)
{
	const struct ids *old;
	struct ids *to = NULL;
	long result;
	int err;

	look_again(rq);
	err = copy_or_make(rq, made, &to);
	if (err)
		return err;
	result = rule(to, arg);
	old = of_thread(rq->guest, request_tgid(rq), rq->call->tid);
	if (result >= 0 && !ids_equal(old, to))
		err = commit(rq, to);
	ids_put(to);
	return err ? err : result;
}

long ids_change(struct request *rq, ids_maker *made, ids_rule *rule, void *arg)
{
	long result;

	pthread_mutex_lock(&rq->sys->moving);
	result = change(rq, made, rule, arg);
	pthread_mutex_unlock(&rq->sys->moving);
	return result;
}

int ids_alone(struct request *rq)
{
	struct guest *g;
	int err = -ENOMEM;

	if (!rq->guest->nthread)
		return 0;
	pthread_mutex_lock(&rq->sys->moving);
	look_again(rq);
	g = guest_copy(rq->guest);
	if (g) {
		guest_set_ids(g, of_thread(g, request_tgid(rq),
					   rq->call->tid));
		guest_set_threads(g, 0, NULL, 0);
		err = become(rq, g);
	}
	pthread_mutex_unlock(&rq->sys->moving);
	return err;
}

/* --- what the kernel says --- */

static const char *value_of(const char *text, const char *name)
{
	const char *at = text;

	/* the name of the program, which is first, may hold anything */
	while ((at = strstr(at, name)) && at != text && at[-1] != '\n')
		at++;
	return at ? at + strlen(name) : "";
}

static void four(const char *at, uid_t id[ID_KINDS])
{
	char *end;

	for (int i = 0; i < ID_KINDS; i++, at = end)
		id[i] = strtoul(at, &end, 10);
}

static size_t read_groups(const char *at, gid_t *group)
{
	size_t n = 0;
	char *end;

	while (*at == ' ' || *at == '\t' || (*at >= '0' && *at <= '9')) {
		gid_t gid = strtoul(at, &end, 10);

		if (end == at || memchr(at, '\n', end - at))
			break;
		if (group)
			group[n] = gid;
		n++;
		at = end;
	}
	return n;
}

static int read_real(pid_t tid, struct ids *to)
{
	struct ids_groups *groups;
	struct ids_caps *c = &to->caps;
	char path[32], *text;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	n = proc_read(path, &text);
	if (n < 0)
		return n;
	four(value_of(text, "Uid:"), to->uid);
	four(value_of(text, "Gid:"), to->gid);
	c->inheritable = strtoull(value_of(text, "CapInh:"), NULL, 16);
	c->permitted = strtoull(value_of(text, "CapPrm:"), NULL, 16);
	c->effective = strtoull(value_of(text, "CapEff:"), NULL, 16);
	c->bounding = strtoull(value_of(text, "CapBnd:"), NULL, 16);
	c->ambient = strtoull(value_of(text, "CapAmb:"), NULL, 16);
	groups = ids_groups_new(read_groups(value_of(text, "Groups:"), NULL));
	if (groups) {
		read_groups(value_of(text, "Groups:"), groups->group);
		ids_take_groups(to, groups);
	}
	free(text);
	return groups ? 0 : -ENOMEM;
}

int ids_begin(struct request *rq, enum vu_keep what, struct ids **made)
{
	struct module *m = module_keeping(what);
	int err;

	if (!m)
		return -ENOENT;
	*made = ids_new(m);
	err = *made ? read_real(rq->call->tid, *made) : -ENOMEM;
	if (err) {
		ids_put(*made);
		*made = NULL;
	}
	return err;
}
