/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * A layered mount lies over the directory that its target was, and shows
 * that directory with changes: copy on write. All of its nodes are real, most
 * of them the kernel's own, under the kernel's own names. So a place in it
 * has both a descriptor and a name in the mount (rel).
 *
 * The module knows which names lead elsewhere, and says of any component
 * whether it may be one of them. A path without such a component is the
 * kernel's: it is walked by the kernel, and a call on it that changes nothing
 * runs natively. Then the guest has descriptors of the target's own files and
 * directories that we have not handed out. Whatever starts from one of them
 * (a relative name, fchmod, a link of /proc) must come to be in the mount, or
 * it would change the real file: the kernel's name of the object tells
 * (layered_home), which the module translates. So nothing rests on notes of
 * who has opened what.
 *
 * An exception of a layered mount leads out of it, to the very place that was
 * there before: coming back by "..", the kernel's name tells again.
 */
#include "view/layered.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/registry.h"

static const struct vu_fs_ops *ops_of(const struct mount *m)
{
	return module_fs(m->module);
}

static bool touches(const struct mount *m, const char *name, size_t len)
{
	return ops_of(m)->touches((struct vu_mount *)&m->pub, name, len);
}

bool layered_untouched(const struct place *dir, const char *name, size_t len)
{
	return dir->rel && dir->fd >= 0 && mount_layered(dir->mount) &&
	       !touches(dir->mount, name, len);
}

bool layered_touches(const struct version *v, const char *name, size_t len)
{
	for (size_t i = 0; v->nlayered && i < v->nmount; i++)
		if (mount_layered(v->mount[i]) && touches(v->mount[i], name, len))
			return true;
	return false;
}

/* Append a path without empty components. */
static char *append(char *at, const char *path)
{
	while (*path) {
		size_t n = strcspn(path, "/");

		at = mempcpy(at, path, n);
		path += n;
		path += strspn(path, "/");
		if (*path)
			*at++ = '/';
	}
	*at = '\0';
	return at;
}

char *layered_join(const char *rel, const char *name)
{
	char *s = malloc(strlen(rel) + strlen(name) + 2), *at = s;

	if (!s)
		return NULL;
	at = stpcpy(at, rel);
	if (*rel && *name)
		*at++ = '/';
	append(at, name);
	return s;
}

int layered_name(const struct place *at, const char *path, struct place *to)
{
	if (!at->rel)
		return 0;
	to->rel = layered_join(at->rel, path);
	to->same = at->same;
	if (to->rel)
		return 0;
	place_drop(to);
	return -ENOMEM;
}

size_t layered_run(const struct version *v, const char *path)
{
	const char *p = path, *end = p;

	for (size_t n = 0; ; n++) {
		size_t len = strcspn(p, "/");
		const char *after = p + len + strspn(p + len, "/");

		if (!*after || len > NAME_MAX ||
		    (p[0] == '.' && (len == 1 || (len == 2 && p[1] == '.'))) ||
		    version_has_point(v, p, len))
			return n > 1 ? end - path : 0;
		end = p + len;
		p = after;
	}
}

int layered_child(const struct place *dir, const char *name, struct place *to)
{
	int fd = openat(dir->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return place_of_fd(to, dir->mount, fd) ?: layered_name(dir, name, to);
}

struct mount *layered_of_name(const struct version *v, const char *kernel_name,
			      char *rel, size_t size, ssize_t *n)
{
	for (size_t i = v->nmount; v->nlayered && i--; ) {
		struct mount *m = v->mount[i];

		if (!mount_layered(m))
			continue;
		*n = ops_of(m)->name_here(&m->pub, kernel_name, rel, size);
		if (*n != -EXDEV)
			return m;
	}
	return NULL;
}

int layered_home(const struct version *v, struct place *p)
{
	char name[PATH_MAX], rel[PATH_MAX];
	struct mount *m;
	ssize_t n;

	if (!v->nlayered || p->fd < 0 || !p->mount ||
	    (p->mount->id && !mount_layered(p->mount)))
		return 0;
	n = kernel_name(p->fd, name, sizeof(name));
	if (n == -ENOENT && p->mount->id)
		p->unnamed = true;	/* the store had it, and nobody has now */
	if (n == -ENOENT || (n > 0 && name[0] != '/'))
		return 0;
	if (n < 0) {		/* whose it is we must know */
		place_drop(p);
		return n;
	}
	m = layered_of_name(v, name, rel, sizeof(rel), &n);
	free(p->rel);
	p->rel = NULL;
	p->mount = m ?: mount_base();
	if (!m)
		return 0;
	p->same = true;
	p->unnamed = n == -ENOENT;
	if (n >= 0)
		p->rel = strdup(rel);
	if (p->unnamed || p->rel)
		return 0;
	place_drop(p);
	return n < 0 ? n : -ENOMEM;
}

bool layered_shows_through(const struct mount *m)
{
	return mount_layered(m) || (m->except_of && mount_layered(m->except_of));
}

/*
 * What lay under a layered mount shows through it, with its own mounts; but
 * not what one on the way shows itself (VU_MOUNT_COVERS).
 */
struct mount *layered_point(const struct version *v, const struct place *dir,
			    const char *name)
{
	const struct mount *in = dir->mount;
	struct mount *m = version_point(v, in, dir->id, name);
	bool covered = false;

	while (!m && mount_layered(in) && in->covers.mount) {
		covered = covered || in->pub.flags & VU_MOUNT_COVERS;
		in = in->covers.mount;
		m = version_point(v, in, dir->id, name);
		if (m && (m->id >= dir->mount->id ||
			  (covered && layered_shows_through(m))))
			m = NULL;
	}
	return m;
}

static bool is_inside(const struct mount *m, const struct mount *of)
{
	return name_below(m->pub.target, of->pub.target) >= 0;
}

/* Is it where an exception of the covering mount leads? */
static bool is_excepted(const struct version *v, const struct mount *m,
			const struct mount *by)
{
	for (size_t i = 0; i < v->nmount; i++)
		if (v->mount[i]->except_of == by &&
		    (v->mount[i]->root.mount == m || is_inside(m, v->mount[i])))
			return true;
	return false;
}

bool layered_rdonly(const struct version *v, const struct mount *m)
{
	if (mount_rdonly(m) || !m->id || !v->nlayered)
		return mount_rdonly(m);
	for (size_t i = 0; i < v->nmount; i++) {
		const struct mount *by = v->mount[i];

		if (by->pub.flags & VU_MOUNT_COVERS && m->id < by->id &&
		    is_inside(m, by) && !is_excepted(v, m, by))
			return true;
	}
	return false;
}

bool layered_tell(const struct version *v, struct stat *st)
{
	for (size_t i = v->nmount; v->nlayered && i--; ) {
		struct mount *m = v->mount[i];

		if (mount_layered(m) && ops_of(m)->tell(&m->pub, st))
			return true;
	}
	return false;
}
