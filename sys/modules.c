/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading and unloading of modules, with the mounts that loading makes.
 *
 * Modules are the monitor's, mounts a view's. Loading mounts in the view of
 * whoever loads; unloading takes away from the view of whoever unloads, and
 * is refused while another view has such a mount.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/task.h"
#include "sys/creds.h"
#include "sys/state.h"
#include "sys/sys.h"
#include "view/attach.h"
#include "view/registry.h"

enum { IDLE_STEPS = 25 };	/* of 2 ms */

/* Put the monitor's name of a file into the place of the caller's. */
static int monitors_name(struct request *rq, char *name, size_t size)
{
	char link[32];
	struct found f;
	int err = request_walk(rq, AT_FDCWD, name, 0, &f);
	ssize_t n;

	if (!err)
		err = f.error;
	if (!err && f.obj.fd < 0)
		err = -ENOEXEC;
	if (!err) {
		n = readlink(fd_link(f.obj.fd, link), name, size - 1);
		err = n < 0 ? -errno : 0;
		name[n < 0 ? 0 : n] = '\0';
	}
	found_drop(&f);
	return err;
}

/*
 * A module is code of the monitor's: who is less than it may not bring any.
 * @file:	in and out: the name of a file, NULL: none is meant
 */
static int may_load(struct sys *s, pid_t pid, char *file, size_t size)
{
	struct request rq;
	struct call call;
	int err;

	if (!pid)
		return 0;
	err = request_for_process(s, pid, &rq, &call);
	if (err)
		return err;
	err = creds_may(&rq, CAP_SYS_MODULE);
	if (!err && file)
		err = monitors_name(&rq, file, size);
	request_end(&rq);
	return err;
}

/* One mount of a module's table. Each sees those before it. */
static int mount_one(struct sys *s, pid_t pid, const struct vu_loaded_mount *m,
		     struct vu_message *why)
{
	struct attach a = {
		.type = m->type, .target = m->target,
		.rdonly = m->rdonly, .loading = true,
		.source = m->source ? m->source : "none",
		.options = m->options ? m->options : "",
	};
	struct request rq;
	struct call call;
	int err = request_for_process(s, pid, &rq, &call);

	if (err)
		return err;
	err = request_attach(&rq, &a, why);
	request_end(&rq);
	return err;
}

/* For nobody (pid 0): as the monitor sees the first view. */
static int mount_all(struct sys *s, pid_t pid, const struct module *m,
		     struct vu_message *why)
{
	const struct vu_loaded_mount *one = module_mounts(m);
	int err = 0;

	for (; one && one->type && !err; one++)
		err = mount_one(s, pid ? pid : getpid(), one, why);
	return err;
}

/*
 * Has the module no users but so many mounts? Processes that have ended and
 * calls that are under way may hold one a little longer: they are waited for.
 */
static int idle_soon(struct sys *s, const char *name, unsigned mounts,
		     struct vu_message *why)
{
	const struct timespec step = { .tv_nsec = 2 * 1000 * 1000 };
	int err = module_idle(name, mounts, why);

	for (int i = 0; err == -EBUSY && i < IDLE_STEPS; i++) {
		tasks_reap(s->tasks);
		descriptors_sweep(s->descriptors, NULL);
		err = module_idle(name, mounts, why);
		if (err == -EBUSY)
			nanosleep(&step, NULL);
	}
	return err;
}

/* Take away what loading made, if the module could be unloaded then. */
static int unmount_all(struct sys *s, pid_t pid, const char *name,
		       struct vu_message *why)
{
	struct request rq;
	struct call call;
	struct view *v;
	int err = request_for_process(s, pid ? pid : getpid(), &rq, &call);

	if (err)
		return err;
	v = rq.guest->view;
	err = idle_soon(s, name, view_loaded(v, name), why);
	if (!err)
		err = view_unload(v, name, sys_mount_busy, s, why);
	request_end(&rq);
	if (!err)
		descriptors_sweep(s->descriptors, NULL);
	return err;
}

static int load(struct sys *s, pid_t pid, const char *name,
		const char *options, bool permanent, struct vu_message *why)
{
	struct vu_message ignored;
	char own[NAME_MAX + 1];
	struct module *m;
	int err = module_load(name, options, &m, why);

	if (err)
		return err;
	err = mount_all(s, pid, m, why);
	if (!err && permanent)
		module_keep(m);
	/* what is released may be unloaded by others, with its name */
	snprintf(own, sizeof(own), "%s", module_name(m));
	module_release(m);
	if (!err)
		return 0;
	if (!unmount_all(s, pid, own, &ignored))
		module_unload(own, &ignored);
	return err;
}

int sys_insmod(struct sys *s, pid_t pid, const char *name_and_options,
	       bool permanent, struct message *msg)
{
	char name[PATH_MAX];
	const char *comma = strchrnul(name_and_options, ',');
	const int len = comma - name_and_options;
	struct vu_message why = { "" };
	int err;

	snprintf(name, sizeof(name), "%.*s", len, name_and_options);
	err = may_load(s, pid, strchr(name, '/') ? name : NULL, sizeof(name));
	if (err)
		vu_message_set(&why, "%.*s: %s", len, name_and_options,
			       strerror(-err));
	else
		err = load(s, pid, name, *comma ? comma + 1 : "", permanent,
			   &why);
	memcpy(msg->text, why.text, sizeof(msg->text));
	return err;
}

static int unload(struct sys *s, pid_t pid, const char *name,
		  struct vu_message *why)
{
	struct vu_message ignored;
	struct module *m;
	int err = unmount_all(s, pid, name, why);

	if (err)
		return err;
	err = idle_soon(s, name, 0, why);
	if (!err)
		err = module_unload(name, why);
	/* a call that was under way has it still: all is put back */
	m = err == -EBUSY ? module_named(name) : NULL;
	if (m) {
		mount_all(s, pid, m, &ignored);
		module_release(m);
	}
	return err;
}

int sys_rmmod(struct sys *s, pid_t pid, const char *name, struct message *msg)
{
	struct vu_message why = { "" };
	int err = may_load(s, pid, NULL, 0);

	if (err)
		vu_message_set(&why, "%s: %s", name, strerror(-err));
	else
		err = unload(s, pid, name, &why);
	memcpy(msg->text, why.text, sizeof(msg->text));
	return err;
}
