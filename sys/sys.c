/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the monitor's spine asks of sys: views, mounts and modules. */
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/plain.h"
#include "lib/proc.h"
#include "sys/creds.h"
#include "sys/operand.h"
#include "sys/real.h"
#include "sys/shadow.h"
#include "sys/snapshot.h"
#include "sys/special.h"
#include "sys/state.h"
#include "sys/watch.h"
#include "view/attach.h"
#include "view/registry.h"

static const struct task_ops guest_ops = { guest_get, guest_put };

static void learn_self(struct sys *s)
{
	struct task_ids ids;
	struct stat st;
	const unsigned long long need = 1ull << CAP_SETUID | 1ull << CAP_SETGID;

	if (!task_read_ids(getpid(), &ids)) {
		s->caps = ids.cap_effective;
		s->privileged = ids.uid[1] == 0 && (s->caps & need) == need;
	}
	if (!stat("/proc/self/ns/mnt", &st))
		s->mount_space = (struct file_id){ st.st_dev, st.st_ino, 0 };
	if (!stat("/proc/self/ns/user", &st))
		s->user_space = (struct file_id){ st.st_dev, st.st_ino, 0 };
}

struct sys *sys_new(const struct sys_hooks *hooks, const char *name)
{
	struct sys *s = calloc(1, sizeof(*s));
	struct guest *g;

	if (!s || mount_base_init())
		return NULL;
	if (hooks)
		s->hooks = *hooks;
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->moving, NULL);
	s->descriptors = descriptors_new();
	s->snapshots = snapshots_new();
	s->next_view = 1;
	s->slot[0].view = view_new(s->next_view++, NULL, name ? name : "");
	g = s->slot[0].view ? guest_new(s->slot[0].view) : NULL;
	s->tasks = g ? tasks_new(&guest_ops, g) : NULL;
	learn_self(s);
	s->shadows = shadows_new(s->privileged, s->hooks.scratch, s->hooks.ctx);
	s->watches = s->shadows ? watches_new(s) : NULL;
	if (!s->tasks || !s->descriptors || !s->snapshots || !s->watches)
		return NULL;
	guest_put(g);
	if (!can_fetch())	/* then we keep what guests open */
		plain_ask(PLAIN_OPENING, 1);
	fd_directory();
	return s;
}

struct tasks *sys_tasks(struct sys *s)
{
	return s->tasks;
}

/* Lock held, or two that come at once would tell in the wrong order. */
static void set_gates(struct sys *s, bool awake)
{
	enum plain_state state = awake ? PLAIN_BY_NAME : PLAIN_OPEN;

	if (!s->gates || atomic_load(&s->tracers))
		state = PLAIN_CLOSED;
	plain_set_state(state);
}

static void look_at_gates(struct sys *s)
{
	pthread_mutex_lock(&s->lock);
	set_gates(s, atomic_load(&s->awake));
	pthread_mutex_unlock(&s->lock);
}

void sys_open_gates(struct sys *s)
{
	s->gates = true;
	look_at_gates(s);
}

void sys_trace(struct sys *s, bool on)
{
	if (on)
		atomic_fetch_add(&s->tracers, 1);
	else
		atomic_fetch_sub(&s->tracers, 1);
	look_at_gates(s);
}

/* Whoever finds it awake can rely on that all calls are seen, but plain ones. */
void sys_wake(struct sys *s)
{
	if (atomic_load(&s->awake))
		return;
	pthread_mutex_lock(&s->lock);
	set_gates(s, true);
	atomic_store(&s->awake, true);
	pthread_mutex_unlock(&s->lock);
}

void sys_note_root(struct sys *s)
{
	if (atomic_load(&s->chroots))
		return;
	plain_ask(PLAIN_ALL, 1);
	atomic_store(&s->chroots, true);
}

/* From now on the caller is g, which is taken over. 0 or -errno */
static int set_caller(struct request *rq, struct guest *g,
		      int (*set)(struct tasks *t, pid_t tid, void *state))
{
	int err;

	sys_wake(rq->sys);
	err = set(rq->sys->tasks, rq->call->tid, g);
	guest_put(g);
	return err;
}

int sys_become(struct request *rq, struct guest *g)
{
	return set_caller(rq, g, task_set_state);
}

int sys_executes(struct request *rq, struct guest *g)
{
	return set_caller(rq, g, task_set_alike);
}

/* --- requests for a process --- */

int request_start_cwd(struct request *rq)
{
	bool agrees;

	if (rq->cwd.mount)
		return 0;
	return request_start(rq, AT_FDCWD, &rq->cwd, &agrees);
}

int request_attach(struct request *rq, const struct attach *a,
		   struct vu_message *why)
{
	int err = creds_may(rq, CAP_SYS_ADMIN);

	if (!err)
		err = request_start_cwd(rq);
	if (!err)
		err = request_ids(rq);
	if (!err)
		err = view_attach(rq->guest->view, &rq->ctx, a, why);
	if (err && !why->text[0])
		vu_message_set(why, "%s: %s: %s", a->type, a->target,
			       strerror(-err));
	if (!err)
		sys_wake(rq->sys);
	return err;
}

void sys_no_core_files(const struct version *v, pid_t pid)
{
	static const struct rlimit none;
	char how[2];
	int fd = v->nlayered ? open("/proc/sys/kernel/core_pattern",
				    O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	if (read(fd, how, 1) != 1 || (how[0] != '|' && how[0] != '@'))
		prlimit(pid, RLIMIT_CORE, &none, NULL);
	close(fd);
}

/* Now that there is a mount: of all who are in the view. */
static void no_core_files(struct request *rq)
{
	struct version *now = view_version(rq->guest->view);
	pid_t *all = NULL;
	size_t n = now->nlayered ? proc_descendants(getpid(), &all) : 0;

	while (n--) {
		struct guest *g = task_state(rq->sys->tasks, all[n], NULL);

		if (g && g->view == rq->guest->view)
			sys_no_core_files(now, all[n]);
		guest_put(g);
	}
	free(all);
	version_put(now);
}

int request_mount(struct request *rq, const struct mount_request *req,
		  struct message *msg)
{
	struct vu_message why = { "" };
	struct attach a = {
		.type = req->type, .source = req->source,
		.target = req->target, .options = req->options,
		.rdonly = req->flags & MS_RDONLY,
		.nosuid = req->flags & MS_NOSUID,
		.remount = req->flags & MS_REMOUNT,
	};
	int err = request_attach(rq, &a, &why);

	memcpy(msg->text, why.text, sizeof(msg->text));
	if (!err)
		no_core_files(rq);
	return err;
}

/* The module may know of more than directories. */
static bool module_busy(const struct mount *m)
{
	if (m->pub.flags & VU_MOUNT_APART)
		return device_busy(m->root.id.dev);
	return mount_served(m) && m->module &&
	       module_fs(m->module)->busy((struct vu_mount *)&m->pub);
}

bool sys_mount_busy(void *sys, const struct mount *m)
{
	struct sys *s = sys;

	if (module_busy(m))
		return true;
	if (!guest_holders(m) && !descriptors_busy(s->descriptors, m))
		return false;
	/* some holders may have ended since */
	tasks_reap(s->tasks);
	return guest_holders(m) || descriptors_busy(s->descriptors, m);
}

/*
 * What guests have written is made safe before the mount is taken away, while
 * somebody can be told that it could not be.
 */
static int sync_mount(struct request *rq, struct mount *m, const char *target,
		      struct vu_message *why)
{
	int err = 0;

	if (mount_served(m) && m->module)
		err = module_fs(m->module)->sync(&rq->ctx, &m->pub, NULL);
	/* its server is dead: to refuse would save nothing, so it is told */
	if (err == -ENOTCONN) {
		module_fs(m->module)->quit(&m->pub);
		err = 0;
	}
	if (err)
		vu_message_set(why, "%s: what was written cannot be stored: %s "
			       "(-l takes it away all the same)", target,
			       strerror(-err));
	return err;
}

/*
 * The mount that is to be taken away, with a reference, or NULL: then who
 * unmounts says why not. Return: is it gone already?
 */
static bool mount_to_go(struct request *rq, const char *target,
			struct mount **m)
{
	int err = view_mounted_at(&rq->ctx, target, m);

	return server_departed(rq->sys, request_tgid(rq),
			       err ? target : (*m)->pub.target, *m);
}

int request_umount(struct request *rq, const char *target, int flags,
		   struct message *msg)
{
	struct vu_message why = { "" };
	unsigned f = flags & (MNT_DETACH | MNT_FORCE) ? DETACH_LAZY : 0;
	struct mount *m = NULL;
	struct version *now;
	int err = creds_may(rq, CAP_SYS_ADMIN);

	if (!err)
		err = request_start_cwd(rq);
	if (!err && mount_to_go(rq, target, &m)) {
		if (m)
			mount_put(m);
		return 0;
	}
	if (!err && !f && m)
		err = sync_mount(rq, m, target, &why);
	if (!err)
		err = view_detach(rq->guest->view, &rq->ctx, target, f,
				  sys_mount_busy, rq->sys, &why);
	if (!err) {
		server_departs(rq->sys, m);
		now = view_version(rq->guest->view);
		descriptors_sweep(rq->sys->descriptors, now);
		version_put(now);
		creds_resume(rq);
		special_sweep(rq->sys);
		if (m)
			(f ? server_lingers : server_await)(rq, m);
	}
	if (m)
		mount_put(m);
	if (err && !why.text[0])
		vu_message_set(&why, "%s: %s", target, strerror(-err));
	memcpy(msg->text, why.text, sizeof(msg->text));
	return err;
}

int request_for_process(struct sys *s, pid_t pid, struct request *rq,
			struct call *call)
{
	int err;

	*call = (struct call){ .tid = pid };
	request_init(rq, s, call, NULL);
	rq->guest = task_state(s->tasks, pid, NULL);
	if (!rq->guest)
		return -ESRCH;
	rq->version = view_version(rq->guest->view);
	err = creds_assume(rq);
	if (!err)
		err = request_root(rq);
	if (err)
		request_end(rq);
	return err;
}

int sys_mount(struct sys *s, pid_t pid, const struct mount_request *req,
	      struct message *msg)
{
	struct request rq;
	struct call call;
	int err = request_for_process(s, pid, &rq, &call);

	if (err)
		return err;
	err = request_mount(&rq, req, msg);
	request_end(&rq);
	return err;
}

int sys_umount(struct sys *s, pid_t pid, const char *target, int flags,
	       struct message *msg)
{
	struct request rq;
	struct call call;
	int err = request_for_process(s, pid, &rq, &call);

	if (err)
		return err;
	err = request_umount(&rq, target, flags, msg);
	request_end(&rq);
	return err;
}

/* --- views --- */

struct view *sys_find_view(struct sys *s, unsigned id, pid_t *owner)
{
	struct view *v = NULL;

	pthread_mutex_lock(&s->lock);
	for (int i = 0; i < VIEWS_MAX && !v; i++) {
		if (!s->slot[i].view || s->slot[i].view->id != id)
			continue;
		v = view_get(s->slot[i].view);
		if (owner)
			*owner = s->slot[i].owner;
	}
	pthread_mutex_unlock(&s->lock);
	return v;
}

int sys_newview(struct sys *s, pid_t pid, const char *name, unsigned *id)
{
	struct guest *g = task_state(s->tasks, pid, &pid);
	struct view *v = NULL;
	int err = -EAGAIN;

	if (!g)
		return -ESRCH;
	pthread_mutex_lock(&s->lock);
	for (int i = 1; i < VIEWS_MAX && err == -EAGAIN; i++) {
		if (s->slot[i].view)
			continue;
		v = view_new(s->next_view, g->view, name);
		err = v ? 0 : -ENOMEM;
		if (v) {
			*id = s->next_view++;
			s->slot[i] = (struct view_slot){ v, pid };
		}
	}
	pthread_mutex_unlock(&s->lock);
	guest_put(g);
	return err;
}

void sys_drop_view(struct sys *s, unsigned id)
{
	struct view *v = NULL;

	pthread_mutex_lock(&s->lock);
	for (int i = 1; i < VIEWS_MAX; i++)
		if (s->slot[i].view && s->slot[i].view->id == id) {
			v = s->slot[i].view;
			s->slot[i] = (struct view_slot){ NULL, 0 };
		}
	pthread_mutex_unlock(&s->lock);
	view_put(v);
	/* what is noted of its mounts would keep them, and what they hold */
	descriptors_sweep(s->descriptors, NULL);
	special_sweep(s);
}

unsigned sys_view_of(struct sys *s, pid_t pid)
{
	struct guest *g = task_state(s->tasks, pid, NULL);
	unsigned id = g ? g->view->id : 0;

	guest_put(g);
	return id;
}

size_t sys_view_pids(struct sys *s, unsigned id, pid_t *pid, size_t max)
{
	pid_t *all;
	size_t n = proc_descendants(getpid(), &all), k = 0;
	struct proc_stat st;

	for (size_t i = 0; i < n; i++) {
		if (proc_stat(all[i], &st) || st.state == 'Z' ||
		    sys_view_of(s, all[i]) != id)
			continue;
		if (k < max)
			pid[k] = all[i];
		k++;
	}
	free(all);
	return k;
}

int sys_view_name(struct sys *s, unsigned id, char *name, size_t size)
{
	struct view *v = sys_find_view(s, id, NULL);

	if (!v)
		return -ENOENT;
	view_name(v, name, size);
	view_put(v);
	return 0;
}

int sys_set_view_name(struct sys *s, unsigned id, const char *name)
{
	struct view *v = sys_find_view(s, id, NULL);

	if (!v)
		return -ENOENT;
	view_set_name(v, name);
	view_put(v);
	return 0;
}

/* --- records --- */

void sys_each(struct sys *s, void (*f)(void *, struct view *), void *arg)
{
	for (int i = 0; i < VIEWS_MAX; i++) {
		struct view *v;

		pthread_mutex_lock(&s->lock);
		v = s->slot[i].view ? view_get(s->slot[i].view) : NULL;
		pthread_mutex_unlock(&s->lock);
		if (v)
			f(arg, v);
		view_put(v);
	}
}

/* Those that people made: exceptions are part of theirs. */
static size_t count_mounts(const struct version *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->nmount; i++)
		n += !v->mount[i]->except_of;
	return n;
}

struct view_reader { void (*f)(void *, const struct view_record *); void *arg; };

static void read_view(void *arg, struct view *v)
{
	struct view_reader *r = arg;
	struct version *now = view_version(v);
	char name[sizeof(v->name)];
	struct view_record rec = { .id = v->id, .parent = v->parent,
				   .name = name,
				   .mounts = count_mounts(now) };

	view_name(v, name, sizeof(name));
	r->f(r->arg, &rec);
	version_put(now);
}

void sys_each_view(struct sys *s, void (*f)(void *, const struct view_record *),
		   void *arg)
{
	struct view_reader r = { f, arg };

	sys_each(s, read_view, &r);
}

struct mount_reader {
	struct sys *sys;
	void (*f)(void *, const struct mount_record *);
	void *arg;
};

static void read_mounts(void *arg, struct view *v)
{
	struct mount_reader *r = arg;
	struct version *now = view_version(v);

	for (size_t i = 0; i < now->nmount; i++) {
		const struct mount *m = now->mount[i];
		char options[2 * PATH_MAX];
		struct mount_record rec = {
			.view = v->id, .id = m->id,
			.parent = m->at.mount ? m->at.mount->id : 0,
			.type = m->pub.type, .source = m->pub.source,
			.target = m->pub.target, .options = options,
			.module = m->module ? module_name(m->module) : "-",
			.busy = guest_holders(m) ||
				descriptors_busy(r->sys->descriptors, m),
		};

		mount_options(now, m, options, sizeof(options));
		if (!m->except_of)
			r->f(r->arg, &rec);
	}
	version_put(now);
}

void sys_each_mount(struct sys *s, void (*f)(void *, const struct mount_record *),
		    void *arg)
{
	struct mount_reader r = { s, f, arg };

	sys_each(s, read_mounts, &r);
}

struct module_reader {
	void (*f)(void *, const struct module_record *);
	void *arg;
};

static void read_module(void *arg, const struct module_info *info)
{
	struct module_reader *r = arg;
	struct module_record rec = {
		.name = info->name, .description = info->description,
		.mounts = info->users, .permanent = info->permanent,
	};

	r->f(r->arg, &rec);
}

void sys_each_module(struct sys *s,
		     void (*f)(void *, const struct module_record *), void *arg)
{
	struct module_reader r = { f, arg };

	(void)s;
	module_each(read_module, &r);
}
