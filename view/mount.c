/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "view/registry.h"
#include "view/version.h"

static struct mount base = {
	.pub = { .type = "none", .source = "none", .target = "/",
		 .options = "", .root = -1 },
	.refs = 1,
	.at = { .fd = -1 }, .covers = { .fd = -1 }, .root = { .fd = -1 },
};

struct mount *mount_base(void)
{
	return &base;
}

int mount_base_init(void)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : place_of_fd(&base.root, &base, fd);
}

/* What "ro" and "rw" say already, or what is no state of a mount. */
static bool said_otherwise(const char *option)
{
	static const char *const words[] = {
		"ro", "rw", "rdonly", "remount", "fd", "rootmode",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(option, words[i]))
			return true;
	return false;
}

/* Of one that was made since: else the options have it. */
static const char *exception_of(const struct mount *x, const struct mount *m)
{
	size_t n = strlen(m->pub.target);

	if (x->except_of != m || strstr(m->pub.options, "except="))
		return NULL;
	return x->pub.target + (n > 1 ? n : 0);
}

void mount_options(const struct version *v, const struct mount *m, char *buf,
		   size_t size)
{
	const char *rest = m->pub.options;
	/* its module may say something else at any time */
	const char *how = __atomic_load_n(&m->pub.how, __ATOMIC_ACQUIRE);
	char key[256], value[PATH_MAX];
	size_t n = snprintf(buf, size, "%s%s%s%s", mount_rdonly(m) ? "ro" : "rw",
			    m->pub.flags & VU_MOUNT_NOSUID ? ",nosuid" : "",
			    how ? "," : "", how ?: "");

	while (vu_next_option(&rest, key, sizeof(key), value,
			      sizeof(value)) > 0) {
		if (said_otherwise(key))
			continue;
		if (n + strlen(key) + strlen(value) + 3 > size)
			return;
		n += sprintf(buf + n, ",%s%s%s", key, *value ? "=" : "", value);
	}
	for (size_t i = 0; i < v->nmount; i++) {
		const char *sub = exception_of(v->mount[i], m);

		if (sub && n + strlen(sub) + strlen(",except=") < size)
			n += sprintf(buf + n, ",except=%s", sub);
	}
}

ino_t made_number(const struct mount *m, const char *rel)
{
	uint64_t h = 14695981039346656037u ^ m->id;

	while (*rel)
		h = (h ^ (unsigned char)*rel++) * 1099511628211u;
	h = (h ^ h >> 32) & 0xffffffff;	/* old programs have no more bits */
	return h ?: 1;
}

struct mount *mount_get(struct mount *m)
{
	atomic_fetch_add(&m->refs, 1);
	return m;
}

/* --- all that live --- */

static LIST_HEAD(, mount) living = LIST_HEAD_INITIALIZER(living);
static pthread_mutex_t living_lock = PTHREAD_MUTEX_INITIALIZER;

void mount_live(struct mount *m)
{
	pthread_mutex_lock(&living_lock);
	LIST_INSERT_HEAD(&living, m, living);
	pthread_mutex_unlock(&living_lock);
}

static void mount_die(struct mount *m)
{
	pthread_mutex_lock(&living_lock);
	if (m->living.le_prev)
		LIST_REMOVE(m, living);
	pthread_mutex_unlock(&living_lock);
}

/* Hold it, unless its last holder is just leaving. */
static bool hold_living(struct mount *m)
{
	unsigned n = atomic_load(&m->refs);

	while (n && !atomic_compare_exchange_weak(&m->refs, &n, n + 1))
		;
	return n;
}

void mount_each(void (*f)(void *arg, struct mount *m), void *arg)
{
	struct mount *m, *last = NULL;

	pthread_mutex_lock(&living_lock);
	LIST_FOREACH(m, &living, living) {
		if (!hold_living(m))
			continue;
		pthread_mutex_unlock(&living_lock);
		f(arg, m);
		if (last)
			mount_put(last);
		last = m;	/* stays on the list while we go on from it */
		pthread_mutex_lock(&living_lock);
	}
	pthread_mutex_unlock(&living_lock);
	if (last)
		mount_put(last);
}

static void mount_free(struct mount *m)
{
	const struct vu_fs_ops *ops = m->module ? module_fs(m->module) : NULL;

	mount_die(m);

	if (ops && ops->umount && !m->except_of)
		ops->umount(&m->pub);
	if (m->module)
		module_release(m->module);
	if (m->pub.root >= 0)
		close(m->pub.root);
	place_free(&m->at);
	place_free(&m->covers);
	if (m->root.mount && m->root.mount != m)
		mount_put(m->root.mount);	/* a layered mount's exception */
	place_drop(&m->root);
	version_put(m->world);
	if (m->except_of)
		mount_put(m->except_of);
	free((char *)m->pub.type);
	free((char *)m->pub.source);
	free((char *)m->pub.target);
	free((char *)m->pub.options);
	free(m);
}

void mount_put(struct mount *m)
{
	if (atomic_fetch_sub(&m->refs, 1) == 1)
		mount_free(m);
}
