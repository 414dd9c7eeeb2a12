/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * A mount is found by where it is mounted: (mount, directory, name). The
 * directory is known by its file_id, not by its path, so neither symlinks
 * nor renames nor bind mounts of the kernel confuse it, and the point need
 * not exist on disk. A second key, (mount, what the point covers, ""),
 * serves those who stand on the covered object itself: a walk that starts
 * at a root over which something was mounted.
 *
 * Both kinds are in one hash table with open addressing, filled in order,
 * so that the newest mount on a point replaces the older ones. The set of
 * last names answers the question that comes first for every path: can this
 * component lead into a mount at all? Its cost does not depend on the
 * number of mounts.
 */
#include "view/version.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/plain.h"

struct point {
	const struct mount *in;		/* NULL: free */
	struct file_id dir;
	const char *name;
	struct mount *mount;		/* newest; NULL: an edited directory */
};

/*
 * Names that are special without a mount: they lead to what the kernel
 * says of mounts and names, which a view tells in its own way.
 */
static const char *const special[] = {
	"proc", "mounts", "mountinfo", "mountstats", "maps", "smaps",
	"cwd", "exe", "root", "fd", "map_files", "mtab",
};
#define NSPECIAL (sizeof(special) / sizeof(special[0]))

static size_t hash_name(const char *name, size_t len)
{
	size_t h = 14695981039346656037u;

	while (len--)
		h = (h ^ (unsigned char)*name++) * 1099511628211u;
	return h ^ (h >> 29);
}

static size_t hash_point(const struct mount *in, struct file_id dir,
			 const char *name)
{
	size_t h = hash_name(name, strlen(name));

	h ^= dir.ino * 0x9e3779b97f4a7c15u;
	h ^= (size_t)in >> 4;
	h *= 0xff51afd7ed558ccdu;
	return h ^ (h >> 32);
}

/* The slot that holds the key, or the free one where it belongs. */
static struct point *find_slot(const struct version *v, const struct mount *in,
			       struct file_id dir, const char *name)
{
	size_t i = hash_point(in, dir, name);

	for (;; i++) {
		struct point *p = &v->point[i & (v->npoint - 1)];

		if (!p->in)
			return p;
		if (p->in == in && file_id_equal(p->dir, dir) &&
		    !strcmp(p->name, name))
			return p;
	}
}

static void put_point(struct version *v, const struct mount *in,
		      struct file_id dir, const char *name, struct mount *m)
{
	struct point *p = find_slot(v, in, dir, name);

	*p = (struct point){ .in = in, .dir = dir, .name = name, .mount = m };
}

static void put_name(struct version *v, const char *name)
{
	size_t i = hash_name(name, strlen(name));

	while (v->name[i & (v->nname - 1)]) {
		if (!strcmp(v->name[i & (v->nname - 1)], name))
			return;
		i++;
	}
	v->name[i & (v->nname - 1)] = name;
}

/* Does the mount add a name to its directory's listing, or take one away? */
static bool changes_listing(const struct mount *m)
{
	return m->name[0] && (mount_hides(m) || !m->covers.mount);
}

/* Does a path through its point lead where the kernel goes? */
static bool leads_through(const struct mount *m)
{
	return mount_layered(m) && m->name[0] && m->covers.mount &&
	       m->pub.seen_by < 0;
}

static void put_mount(struct version *v, struct mount *m)
{
	const struct place *c = &m->covers;

	if (m->name[0])
		put_point(v, m->at.mount, m->at.id, m->name, m);
	if (c->mount)
		put_point(v, c->mount, c->id, "", m);
	if (!m->name[0] && !m->at.mount->id && !mount_layered(m))
		v->root_covered = true;
	if (mount_served(m))
		v->nserved++;
	if (mount_layered(m))
		v->nlayered++;
	if (mount_moves(m))
		v->nmoving++;
	if (mount_layered(m) && (m->pub.flags & VU_MOUNT_OWN_ACCESS))
		v->own_access = true;
	put_name(v, m->name);
	if (leads_through(m))
		plain_mark_last(m->name, strlen(m->name));
	else
		plain_mark(m->name, strlen(m->name));
	/*
	 * An edited directory must not be opened unseen: its last name is
	 * interesting as well. "/" as the name of a point cannot collide.
	 */
	if (changes_listing(m)) {
		put_point(v, m->at.mount, m->at.id, "/", NULL);
		plain_mark_number(m->at.id.ino);
		v->nedit++;
		put_name(v, m->at_name);
		plain_mark(m->at_name, strlen(m->at_name));
	}
}

static size_t power_of_two(size_t n)
{
	size_t p = 16;

	while (p < n)
		p *= 2;
	return p;
}

/*
 * By gates a guest could do what his own ids do not let him do: they are
 * closed to all while there is such a guest, and a mount that would know.
 */
static pthread_mutex_t closing = PTHREAD_MUTEX_INITIALIZER;
static int ndropped, nown_access;

static void close_gates(int *n, int by)
{
	bool was, is;

	pthread_mutex_lock(&closing);
	was = ndropped && nown_access;
	*n += by;
	is = ndropped && nown_access;
	if (was != is)
		plain_ask(PLAIN_ALL, is ? 1 : -1);
	pthread_mutex_unlock(&closing);
}

void version_dropped(int by)
{
	close_gates(&ndropped, by);
}

/* What gates may not do by themselves while there is such a version. */
static void ask_for(const struct version *v, int by)
{
	if (v->root_covered)
		plain_ask(PLAIN_ALL, by);
	if (v->nlayered)
		plain_ask(PLAIN_FD, by);
	if (v->own_access) {
		plain_ask(PLAIN_ACCESS, by);
		close_gates(&nown_access, by);
	}
}

struct version *version_new(struct mount *const *mount, size_t n)
{
	static atomic_ulong numbers;
	struct version *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->refs = 1;
	v->number = atomic_fetch_add(&numbers, 1) + 1;
	v->npoint = power_of_two(6 * n);
	v->nname = power_of_two(4 * n + 4 * NSPECIAL);
	v->mount = calloc(n + 1, sizeof(*v->mount));
	v->point = calloc(v->npoint, sizeof(*v->point));
	v->name = calloc(v->nname, sizeof(*v->name));
	if (!v->mount || !v->point || !v->name) {
		version_put(v);
		return NULL;
	}
	for (size_t i = 0; i < NSPECIAL; i++) {
		put_name(v, special[i]);
		plain_mark(special[i], strlen(special[i]));
	}
	for (size_t i = 0; i < n; i++) {
		v->mount[v->nmount++] = mount_get(mount[i]);
		put_mount(v, mount[i]);
	}
	ask_for(v, 1);
	return v;
}

struct version *version_get(struct version *v)
{
	atomic_fetch_add(&v->refs, 1);
	return v;
}

void version_put(struct version *v)
{
	if (!v || atomic_fetch_sub(&v->refs, 1) != 1)
		return;
	ask_for(v, -1);
	for (size_t i = 0; i < v->nmount; i++)
		mount_put(v->mount[i]);
	free(v->mount);
	free(v->point);
	free(v->name);
	free(v);
}

struct mount *version_point(const struct version *v, const struct mount *m,
			    struct file_id dir, const char *name)
{
	return find_slot(v, m, dir, name)->mount;
}

bool version_has_name(const struct version *v, const char *name, size_t len)
{
	size_t i = hash_name(name, len);
	const char *s;

	while ((s = v->name[i & (v->nname - 1)])) {
		if (!strncmp(s, name, len) && !s[len])
			return true;
		i++;
	}
	return false;
}

static bool is_name(const char *s, const char *name, size_t len)
{
	return !strncmp(s, name, len) && !s[len];
}

bool version_has_point(const struct version *v, const char *name, size_t len)
{
	bool has = false;

	if (!version_has_name(v, name, len))
		return false;
	for (size_t i = 0; i < v->nmount && !has; i++)
		has = is_name(v->mount[i]->name, name, len);
	return has;
}

/* Are all that bear the name points of mounts which lead through? */
static bool all_lead_through(const struct version *v, const char *name,
			     size_t len)
{
	for (size_t i = 0; i < NSPECIAL; i++)
		if (is_name(special[i], name, len))
			return false;
	for (size_t i = 0; i < v->nmount; i++) {
		const struct mount *m = v->mount[i];

		if ((is_name(m->name, name, len) && !leads_through(m)) ||
		    (changes_listing(m) && is_name(m->at_name, name, len)))
			return false;
	}
	return true;
}

bool version_plain_name(const struct version *v, const char *name, size_t len,
			bool last)
{
	return !version_has_name(v, name, len) ||
	       (!last && v->nlayered && all_lead_through(v, name, len));
}

bool version_edits(const struct version *v, const struct mount *m,
		   struct file_id dir)
{
	/* what is under a layered mount shows through it */
	while (!find_slot(v, m, dir, "/")->in) {
		if (!m || !mount_layered(m) || !m->covers.mount)
			return false;
		m = m->covers.mount;
	}
	return true;
}

bool version_has(const struct version *v, const struct mount *m)
{
	for (size_t i = 0; i < v->nmount; i++)
		if (v->mount[i] == m)
			return true;
	return false;
}
