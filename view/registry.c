/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * Loaded modules stand in one list, newest first; a name belongs to the
 * first module that claims it. A module is used by its mounts and by
 * requests under way; it is unloaded only when nobody uses it. One lock
 * guards the list and the counts; init and fini run outside of it, with the
 * module not yet, or no longer, on the list.
 */
#include "view/registry.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "view/modpath.h"

struct module {
	struct module *next;
	const struct vu_module *vu;
	struct vu_fs_ops fs;	/* the module's, completed with defaults */
	void *handle;
	unsigned users;
	unsigned states;	/* of processes, which it has kept */
	bool permanent;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct module *modules;
static atomic_uint kept;	/* what they want kept, all of them */

/* The last component without ".so": what a module file is called. */
static void plain_name(const char *name, char *buf, size_t size)
{
	const char *slash = strrchr(name, '/');
	size_t n;

	snprintf(buf, size, "%s", slash ? slash + 1 : name);
	n = strlen(buf);
	if (n > 3 && !strcmp(buf + n - 3, ".so"))
		buf[n - 3] = '\0';
}

static struct module *find(const char *name)
{
	struct module *m;

	for (m = modules; m; m = m->next)
		if (!strcmp(m->vu->name, name))
			break;
	return m;
}

static bool loaded(const char *name)
{
	char plain[256];
	bool yes;

	plain_name(name, plain, sizeof(plain));
	pthread_mutex_lock(&lock);
	yes = find(plain);
	pthread_mutex_unlock(&lock);
	return yes;
}

/* Open the file and check that it is a module we understand. */
static int open_module(const char *name, struct module *m,
		       struct vu_message *msg)
{
	char file[4096];

	if (module_file(name, file, sizeof(file))) {
		vu_message_set(msg, "%s: no such module", name);
		return -ENOENT;
	}
	m->handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (!m->handle) {
		vu_message_set(msg, "%s: %s", name, dlerror());
		return -ENOEXEC;
	}
	m->vu = dlsym(m->handle, "vu_module");
	if (!m->vu) {
		vu_message_set(msg, "%s: %s is not a module of View-OS", name, file);
		return -ENOEXEC;
	}
	if (m->vu->version != VU_MODULE_VERSION) {
		vu_message_set(msg, "%s: made for version %u of the module interface, "
			       "this is version %u", name, m->vu->version,
			       VU_MODULE_VERSION);
		return -ENOEXEC;
	}
	return 0;
}

static int start_module(struct module *m, const char *options,
			struct vu_message *msg)
{
	int err;

	if (m->vu->fs) {
		m->fs = *m->vu->fs;
		vu_fs_borrow(&m->fs);
	}
	if (m->vu->init) {
		err = m->vu->init(options, msg);
		if (err && !msg->text[0])
			vu_message_set(msg, "%s: %s", m->vu->name, strerror(-err));
		return err;
	}
	if (!*options)
		return 0;
	vu_message_set(msg, "%s: takes no options (%s)", m->vu->name, options);
	return -EINVAL;
}

static void discard(struct module *m)
{
	if (m->handle)
		dlclose(m->handle);
	free(m);
}

int module_load(const char *name, const char *options, struct module **out,
		struct vu_message *msg)
{
	struct module *m;
	int err;

	if (loaded(name)) {
		vu_message_set(msg, "%s: already loaded", name);
		return -EEXIST;
	}
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	err = open_module(name, m, msg);
	if (!err)
		err = start_module(m, options, msg);
	if (err) {
		discard(m);
		return err;
	}
	pthread_mutex_lock(&lock);
	if (find(m->vu->name)) {
		err = -EEXIST;
	} else {
		m->next = modules;
		modules = m;
		m->users = out ? 1 : 0;
		atomic_fetch_or(&kept, m->vu->keeps);
	}
	pthread_mutex_unlock(&lock);
	if (err)
		discard(m);
	else if (out)
		*out = m;
	return err;
}

void module_keep(struct module *m)
{
	pthread_mutex_lock(&lock);
	m->permanent = true;
	pthread_mutex_unlock(&lock);
}

/* May m, or nothing, be unloaded, apart from so many mounts? */
static int check_idle(const struct module *m, const char *name,
		      unsigned mounts, struct vu_message *msg)
{
	if (!m) {
		vu_message_set(msg, "%s: not loaded", name);
		return -ENOENT;
	}
	if (!m->permanent && m->users <= mounts && !m->states)
		return 0;
	vu_message_set(msg, "%s: %s", name, m->permanent ?
		       "loaded permanently" : m->states ? "in use"
							: "has mounts");
	return -EBUSY;
}

int module_idle(const char *name, unsigned mounts, struct vu_message *msg)
{
	int err;

	pthread_mutex_lock(&lock);
	err = check_idle(find(name), name, mounts, msg);
	pthread_mutex_unlock(&lock);
	return err;
}

/* Lock held. */
static void count_kept(void)
{
	unsigned all = 0;

	for (struct module *m = modules; m; m = m->next)
		all |= m->vu->keeps;
	atomic_store(&kept, all);
}

/* Take it off the list if nobody uses it. */
static int unlist(const char *name, struct module **out, struct vu_message *msg)
{
	struct module **p = &modules;
	int err;

	while (*p && strcmp((*p)->vu->name, name))
		p = &(*p)->next;
	err = check_idle(*p, name, 0, msg);
	if (err)
		return err;
	*out = *p;
	*p = (*p)->next;
	count_kept();
	return 0;
}

int module_unload(const char *name, struct vu_message *msg)
{
	struct module *m = NULL;
	int err;

	pthread_mutex_lock(&lock);
	err = unlist(name, &m, msg);
	pthread_mutex_unlock(&lock);
	if (err)
		return err;
	if (m->vu->fini)
		m->vu->fini();
	discard(m);
	return 0;
}

/* "x.*" stands for every name that begins with "x." */
static bool name_matches(const char *claimed, const char *name)
{
	size_t n = strlen(claimed);

	if (n > 2 && !strcmp(claimed + n - 2, ".*"))
		return !strncmp(claimed, name, n - 1) && name[n - 1];
	return !strcmp(claimed, name);
}

static bool claims(const struct module *m, enum vu_claim_kind kind,
		   const char *name, unsigned number)
{
	const struct vu_claim *c = m->vu->claims;

	for (; c && c->kind != VU_CLAIM_END; c++) {
		if (c->kind != kind)
			continue;
		if (name ? c->name && name_matches(c->name, name)
			 : number >= c->first && number <= c->last)
			return true;
	}
	return false;
}

struct module *module_claiming(enum vu_claim_kind kind, const char *name,
			       unsigned number)
{
	struct module *m;

	pthread_mutex_lock(&lock);
	for (m = modules; m; m = m->next)
		if (claims(m, kind, name, number))
			break;
	if (m)
		m->users++;
	pthread_mutex_unlock(&lock);
	return m;
}

/*
 * Types that no module is called after. users: only for a monitor that is not
 * root's. FUSE programs of users can mount by us only; root's can by the
 * kernel, which a view without the module leaves alone.
 */
static const struct { const char *type, *module; bool users; } others[] = {
	{ "viewfs", "vufs", false },
	{ "fuse", "vufuse", true },
	{ "fuse.*", "vufuse", true },
};

static const char *module_of(const char *type)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (name_matches(others[i].type, type) &&
		    !(others[i].users && geteuid() == 0))
			return others[i].module;
	return type;
}

int module_for_type(const char *type, struct module **module,
		    struct vu_message *msg)
{
	char file[4096];
	int err;

	*module = module_claiming(VU_CLAIM_FSTYPE, type, 0);
	if (*module)
		return 0;
	/* a type is never a path: "../x" must not load anything */
	if (strchr(type, '/') || module_file(module_of(type), file, sizeof(file))) {
		vu_message_set(msg, "%s: unknown type, and no module is called so",
			       type);
		return -ENODEV;
	}
	err = module_load(module_of(type), "", NULL, msg);
	if (err && err != -EEXIST)
		return err;
	*module = module_claiming(VU_CLAIM_FSTYPE, type, 0);
	if (*module)
		return 0;
	vu_message_set(msg, "%s: the module has no such type", type);
	return -ENODEV;
}

bool module_has_type(const char *type)
{
	struct module *m;
	char file[4096];

	if (!*type || strchr(type, '/'))
		return false;
	m = module_claiming(VU_CLAIM_FSTYPE, type, 0);
	if (m)
		module_release(m);
	return m || !module_file(module_of(type), file, sizeof(file));
}

unsigned modules_keep(void)
{
	return atomic_load(&kept);
}

struct module *module_keeping(enum vu_keep what)
{
	struct module *m;

	pthread_mutex_lock(&lock);
	for (m = modules; m; m = m->next)
		if (m->vu->keeps & what)
			break;
	if (m)
		m->states++;
	pthread_mutex_unlock(&lock);
	return m;
}

void module_state_get(struct module *m)
{
	pthread_mutex_lock(&lock);
	m->states++;
	pthread_mutex_unlock(&lock);
}

void module_state_put(struct module *m)
{
	pthread_mutex_lock(&lock);
	m->states--;
	pthread_mutex_unlock(&lock);
}

struct module *module_named(const char *name)
{
	struct module *m;

	pthread_mutex_lock(&lock);
	m = find(name);
	if (m)
		m->users++;
	pthread_mutex_unlock(&lock);
	return m;
}

void module_release(struct module *m)
{
	pthread_mutex_lock(&lock);
	m->users--;
	pthread_mutex_unlock(&lock);
}

const char *module_name(const struct module *m)
{
	return m->vu->name;
}

const struct vu_fs_ops *module_fs(const struct module *m)
{
	return &m->fs;
}

const struct vu_loaded_mount *module_mounts(const struct module *m)
{
	return m->vu->mounts;
}

void module_each(void (*f)(void *, const struct module_info *), void *arg)
{
	struct module *m;

	pthread_mutex_lock(&lock);
	for (m = modules; m; m = m->next) {
		struct module_info info = {
			.name = m->vu->name,
			.description = m->vu->description,
			.users = m->users,
			.permanent = m->permanent,
		};
		f(arg, &info);
	}
	pthread_mutex_unlock(&lock);
}
