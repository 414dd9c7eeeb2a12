/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * A walk goes from directory to directory by descriptor (O_PATH), never by
 * a name put together from strings, so what it finds does not depend on
 * how it was called. At each component it first asks the version for a
 * mount on (mount, directory, name), then the file system.
 *
 * Most components cannot be mount points: their names say so. A run of
 * such components is walked by the kernel in one openat2() that refuses
 * symlinks; when it meets one (ELOOP) the run is walked by components, and
 * the text of the symlink replaces it in the path still to go.
 *
 * `native` starts true when walk and kernel start at the same place, and
 * is lost at the first step that the kernel would not take: into or out of
 * a mount, or through a magic link that means something else in the view.
 * As long as it holds, the kernel would come to the same place by itself.
 *
 * Limits are the kernel's: 40 symlinks, names of 255 bytes, paths of 4095.
 */
#include "view/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "view/layered.h"
#include "view/registry.h"

#define LINKS_MAX 40

/* The state of one walk. */
struct trip {
	const struct walker *w;
	struct found *f;
	struct place root;		/* "/" for absolute symlinks */
	struct place at;		/* where we stand; owned */
	unsigned flags;
	unsigned links;
	bool root_agrees;
	const char *rest;		/* what is still to go; lives in */
	char buf[2][PATH_MAX];		/* one of these, or in large */
	int cur;
	char *large;
};

/* One component taken from the path. */
struct step {
	const char *name;		/* NUL-terminated copy in text */
	char text[NAME_MAX + 1];
	bool last;			/* nothing but slashes follows */
	bool slash;			/* a slash follows */
};

/* Does the kernel have this object under this name as well? */
static bool as_the_kernel(const struct place *p)
{
	return !p->mount || !p->mount->id || p->same;
}

static void note_where(struct trip *t)
{
	if (!as_the_kernel(&t->at))
		t->f->native = false;
	if (t->at.mount && mount_layered(t->at.mount))
		t->f->layered = true;
}

/* Move to a place, which the trip takes over. */
static void go(struct trip *t, struct place *to)
{
	place_drop(&t->at);
	t->at = *to;
	*to = NOWHERE;
	note_where(t);
}

/*
 * Search permission, as the kernel would check it before looking up. In a
 * layered mount the mode may be one of long ago, or only told: its module is
 * asked as well.
 */
static int may_search(struct trip *t, const struct place *dir)
{
	bool layered = dir->rel && mount_layered(dir->mount);
	int fd;

	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	if (layered && t->w->ctx && !dir->unnamed) {
		int err = module_fs(dir->mount->module)->access(t->w->ctx,
			&dir->mount->pub, dir->rel, X_OK);

		if (err) {	/* the kernel might not say so */
			t->f->native = false;
			return err;
		}
		if (dir->mount->pub.flags & VU_MOUNT_OWN_ACCESS)
			return 0;
	}
	if (dir->fd < 0 || (!layered && (dir->mode & 0111) == 0111))
		return 0;
	fd = openat2_path(dir->fd, ".", 0, 0);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* Would this be a step from one mount to another, of ours or the kernel's? */
static bool leaves_mount(const struct trip *t, const struct place *to)
{
	return t->at.mount != to->mount || t->at.id.mnt != to->id.mnt;
}

/* --- single steps --- */

/*
 * A copy that shares the descriptor of a mount or of the walker's root,
 * which outlive the walk and what it found.
 */
static int place_share(struct place *to, const struct place *from)
{
	*to = place_borrow(from);
	if (from->rel && !(to->rel = strdup(from->rel)))
		return -ENOMEM;
	return 0;
}

/*
 * Somebody is perhaps waited for; and what the kernel assumes of the root
 * until its server is asked may be wrong (the owner, for one).
 */
static void enter_apart(struct trip *t, struct mount *m)
{
	struct statx x;

	vu_may_wait(t->w->ctx);
	if (!atomic_exchange(&m->entered, true) &&
	    !statx(m->pub.root, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC,
		   STATX_BASIC_STATS, &x))
		m->root.id.ino = x.stx_ino;	/* was 1: nobody has used it */
}

/* The root of a mount as a place of its own. */
static int enter_mount(struct trip *t, struct mount *m, struct place *to)
{
	if (mount_hides(m))
		return -ENOENT;
	if (m->pub.seen_by >= 0 && t->w->ctx &&
	    vu_who(t->w->ctx)->uid != (uid_t)m->pub.seen_by)
		return -EACCES;
	if (m->pub.flags & VU_MOUNT_APART)
		enter_apart(t, m);
	return place_share(to, &m->root);
}

/* Something mounted over the very place we stand on? */
static int cross(struct trip *t)
{
	struct place to;
	struct mount *m;
	int err;

	for (unsigned n = 0; n < LINKS_MAX && t->at.mount; n++) {
		m = version_point(t->w->version, t->at.mount, t->at.id, "");
		if (!m)
			return 0;
		if (!layered_shows_through(m))
			t->f->native = false;
		err = enter_mount(t, m, &to);
		if (err)
			return err;
		go(t, &to);
	}
	return 0;
}

/* The child of a directory by one plain name. */
static int child(struct trip *t, const struct place *dir, const char *name,
		 struct place *to)
{
	int fd;

	if (dir->unnamed) {
		t->f->native = false;
		return -ENOENT;
	}
	if (!t->w->by_module && layered_untouched(dir, name, strlen(name))) {
		int err = layered_child(dir, name, to);

		/* of what the kernel does not show the module may know more */
		if (err != -EACCES)
			return err;
	}
	if (dir->rel) {
		int err = served_place(t->w, dir->mount,
				       layered_join(dir->rel, name), to);

		/* that it is not there the kernel would not say */
		t->f->native = t->f->native && !err;
		return err;
	}
	fd = openat(dir->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return place_of_fd(to, dir->mount, fd);
}

static bool is_root(const struct trip *t, const struct place *p)
{
	return p->mount == t->root.mount && file_id_equal(p->id, t->root.id);
}

/* One step up inside a mount that a module serves. */
static int up_served(struct trip *t, struct place *to)
{
	char *rel = strdup(t->at.rel), *slash;

	if (!rel)
		return -ENOMEM;
	slash = strrchr(rel, '/');
	if (slash)
		*slash = '\0';
	else
		*rel = '\0';
	return served_place(t->w, t->at.mount, rel, to);
}

static int dotdot(struct trip *t)
{
	struct place to = NOWHERE;
	struct mount *m;
	int fd, err = may_search(t, &t->at);

	if (err)
		return err;
	/* out of as many mounts as we stand on the top of */
	for (m = t->at.mount; m->id && !is_root(t, &t->at); m = t->at.mount) {
		if (!file_id_equal(t->at.id, m->root.id))
			break;
		/* nothing is above a mount that was taken away */
		if (!version_has(t->w->version, m))
			return t->flags & WALK_BENEATH ? -EXDEV : 0;
		if (t->flags & WALK_NO_XDEV)
			return -EXDEV;
		if (!mount_layered(m))
			t->f->native = false;
		err = place_share(&to, &m->at);
		if (!err && m->name[0])
			err = layered_home(t->w->version, &to);
		if (err)
			return err;
		go(t, &to);
		if (m->name[0])
			return cross(t);
	}
	if (is_root(t, &t->at)) {
		/* a kernel with another root would not stop here */
		t->f->native = t->f->native && t->root_agrees;
		return t->flags & WALK_BENEATH ? -EXDEV : cross(t);
	}
	if (t->at.rel) {
		err = up_served(t, &to);
	} else {
		fd = openat(t->at.fd, "..", O_PATH | O_CLOEXEC);
		err = fd < 0 ? -errno : place_of_fd(&to, t->at.mount, fd);
		err = err ?: layered_home(t->w->version, &to);
		if (!err && (t->flags & WALK_NO_XDEV) &&
		    leaves_mount(t, &to)) {
			place_drop(&to);
			err = -EXDEV;
		}
	}
	if (err)
		return err;
	go(t, &to);
	return cross(t);
}

/* --- symlinks --- */

static ssize_t link_text(struct trip *t, const struct place *link,
			 char *buf, size_t size)
{
	const struct vu_fs_ops *ops;
	ssize_t n;

	if (link->fd >= 0) {
		n = readlinkat(link->fd, "", buf, size);
		return n < 0 ? -errno : n;
	}
	ops = module_fs(link->mount->module);
	return ops->readlink(t->w->ctx, &link->mount->pub, link->rel, buf, size);
}

/*
 * Put text before what is still to go. Each symlink may be as long as a
 * path: together they can be longer.
 */
static int push_text(struct trip *t, const char *text, size_t len)
{
	size_t rest = strlen(t->rest);
	char *large = NULL, *to = t->buf[!t->cur];

	if (len + 1 + rest >= PATH_MAX) {
		to = large = malloc(len + 1 + rest + 1);
		if (!large)
			return -ENOMEM;
	}
	memcpy(to, text, len);
	to[len] = '/';
	memcpy(to + len + 1, t->rest, rest + 1);
	if (!rest)
		to[len] = '\0';
	free(t->large);
	t->large = large;
	t->cur = !t->cur;
	t->rest = to;
	return 0;
}

static int to_root(struct trip *t)
{
	struct place to;
	int err;

	if ((t->flags & WALK_NO_XDEV) && leaves_mount(t, &t->root))
		return -EXDEV;
	/* the start as a root is the caller's, who may drop it first */
	err = t->flags & (WALK_IN_ROOT | WALK_BENEATH) ?
	      place_copy(&to, &t->root) : place_share(&to, &t->root);
	if (err)
		return err;
	t->f->native = t->f->native && t->root_agrees;
	go(t, &to);
	return cross(t);
}

/*
 * "self" means the monitor to the monitor's walk: say whom it means. The
 * directory of a thread serves as well as that of its process.
 * Return: length of the text put into buf, 0 when it is another name
 */
static ssize_t proc_self(const struct trip *t, const char *name,
			 char *buf, size_t size)
{
	if (strcmp(name, "self") && strcmp(name, "thread-self"))
		return 0;
	return snprintf(buf, size, "%d", t->w->tid);
}

/*
 * A link of /proc that is more than its text. Return: 1 when it was
 * followed, 0 when it is an ordinary link, or -errno
 */
static int follow_magic(struct trip *t, const char *name)
{
	struct place to = NOWHERE;
	char what[PROC_WHAT];
	pid_t pid = proc_magic(&t->at, name, what, sizeof(what));
	int fd, err;

	if (!pid && strcmp(name, "self") && place_in_proc(&t->at)) {
		/* ns/net, map_files/...: the kernel knows where they lead */
		fd = openat2_path(t->at.fd, name, 0, RESOLVE_NO_MAGICLINKS);
		if (fd >= 0)
			close(fd);
		if (fd != -ELOOP)
			return 0;
	} else if (!pid) {
		return 0;
	}
	if (t->flags & (WALK_NO_MAGIC | WALK_BENEATH | WALK_IN_ROOT))
		return t->flags & WALK_NO_MAGIC ? -ELOOP : -EXDEV;
	if (t->w->magic) {
		err = t->w->magic(t->w->magic_arg, &t->at, name, pid, what, &to);
	} else {
		fd = openat(t->at.fd, name, O_PATH | O_CLOEXEC);
		err = fd < 0 ? -errno : place_of_fd(&to, mount_base(), fd);
	}
	err = err ?: layered_home(t->w->version, &to);
	if (err)
		return err;
	if (!as_the_kernel(&to) || to.elsewhere)
		t->f->native = false;
	t->f->magic = true;
	go(t, &to);
	return 1;
}

/* The kernel's protected_symlinks: ask it whether we may follow. */
static int may_follow(const struct place *dir, const char *name)
{
	int fd;

	if (!(dir->mode & S_ISVTX) || !(dir->mode & S_IWOTH) || dir->fd < 0)
		return 0;
	fd = openat(dir->fd, name, O_PATH | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == EACCES ? -EACCES : 0;
}

/* Go where a symlink found in the present directory says. */
static int follow(struct trip *t, const struct step *s, const struct place *link)
{
	char text[PATH_MAX];
	ssize_t n = 0;
	int err;

	if (++t->links > LINKS_MAX || (t->flags & WALK_NO_LINKS))
		return -ELOOP;
	err = link->fd >= 0 ? follow_magic(t, s->name) : 0;
	if (err)
		return err < 0 ? err : 0;
	if (link->fd >= 0 && t->at.id.ino == 1 && place_in_proc(&t->at))
		n = proc_self(t, s->name, text, sizeof(text));
	if (!n) {
		err = may_follow(&t->at, s->name);
		if (err)
			return err;
		n = link_text(t, link, text, sizeof(text));
	}
	if (n <= 0)
		return n < 0 ? n : -ENOENT;
	if (text[0] == '/' && (t->flags & WALK_BENEATH))
		return -EXDEV;
	err = push_text(t, text, n);
	if (!err && text[0] == '/')
		err = to_root(t);
	return err;
}

/* --- the loop --- */

/* Take the next component off the path. Return: 1, 0 at the end, -errno */
static int next_step(struct trip *t, struct step *s)
{
	size_t n;

	t->rest += strspn(t->rest, "/");
	n = strcspn(t->rest, "/");
	if (!n)
		return 0;
	if (n > NAME_MAX)
		return may_search(t, &t->at) ?: -ENAMETOOLONG;
	memcpy(s->text, t->rest, n);
	s->text[n] = '\0';
	s->name = s->text;
	t->rest += n;
	s->slash = *t->rest == '/';
	s->last = !t->rest[strspn(t->rest, "/")];
	return 1;
}

/*
 * The longest run of components from here that cannot be mount points, and
 * is a path. Return: its length in bytes; *whole: it is all that is left
 */
static size_t plain_run(const struct trip *t, bool *whole)
{
	const char *p = t->rest, *end = p;

	*whole = false;
	for (;;) {
		size_t n = strcspn(p, "/");
		const char *after = p + n + strspn(p + n, "/");

		if (n > NAME_MAX || after - t->rest >= PATH_MAX ||
		    version_has_name(t->w->version, p, n) ||
		    (t->at.rel && (t->w->by_module ||
				   !layered_untouched(&t->at, p, n))) ||
		    (p[0] == '.' && (n == 1 || (n == 2 && p[1] == '.'))))
			return end - t->rest;
		if (!*after) {
			if (t->flags & WALK_PARENT)
				return end - t->rest;
			*whole = true;
			return p + strlen(p) - t->rest;
		}
		end = p + n;
		p = after;
	}
}

/*
 * What a run leads to can simply be opened: leave that to the caller. This
 * looks through symlinks on the way, and the opening refuses them. Where the
 * kernel is to open it, it would not, though they may lead into a mount: so
 * there a run of one name, which has none on its way, is all that can be late.
 */
static bool leave_late(struct trip *t, const char *run, size_t n)
{
	struct found *f = t->f;
	struct place file = { .mount = t->at.mount, .fd = -1 };

	if (!(t->flags & WALK_LATE) || n >= sizeof(f->name) ||
	    (f->native && strchr(run, '/')) ||
	    place_identify(&file, t->at.fd, run) || place_in_proc(&file) ||
	    !(S_ISREG(file.mode) || S_ISDIR(file.mode)) ||
	    layered_name(&t->at, run, &file))
		return false;
	memcpy(f->name, run, n + 1);
	f->late = true;
	f->slash = run[n - 1] == '/';
	f->dir = t->at;
	t->at = NOWHERE;
	go(t, &file);
	return true;
}

/*
 * Have the module of a layered mount walk a run of which the kernel does not
 * know. Return: as jump()
 */
static int leap(struct trip *t)
{
	const struct place *at = &t->at;
	char run[PATH_MAX];
	struct place to;
	size_t n;

	if (!at->rel || !S_ISDIR(at->mode) || t->flags & WALK_NO_XDEV)
		return 0;
	n = layered_run(t->w->version, t->rest);
	if (!n || strlen(at->rel) + n + 2 > PATH_MAX)
		return 0;
	memcpy(run, t->rest, n);
	run[n] = '\0';
	if (layered_descend(t->w, at->mount, layered_join(at->rel, run), &to))
		return 0;
	t->rest += n;
	go(t, &to);
	return 1;
}

/*
 * Let the kernel walk a run. Return: 1 when it was walked, 0 when it has
 * to be walked by components, or -errno. At the end of the path the
 * object's absence goes to found->error.
 */
static int jump(struct trip *t)
{
	unsigned resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
	char run[PATH_MAX];
	struct place to;
	bool whole;
	size_t n;
	int fd, err;

	/* what the view has removed the kernel may have yet */
	if (t->at.fd < 0 || t->at.unnamed ||
	    (t->at.rel && !mount_layered(t->at.mount)))
		return 0;
	n = plain_run(t, &whole);
	if (!n)
		return leap(t);
	memcpy(run, t->rest, n);
	run[n] = '\0';
	if (t->flags & WALK_NO_XDEV)
		resolve |= RESOLVE_NO_XDEV;
	if (whole && leave_late(t, run, n)) {
		t->rest += n;
		return 1;
	}
	fd = openat2_path(t->at.fd, run, whole && (t->flags & WALK_NOFOLLOW) ?
			  O_NOFOLLOW : 0, resolve);
	if (fd == -ELOOP || (fd == -EACCES && t->at.rel))
		return 0;
	if (fd < 0 && whole && fd == -ENOENT) {
		t->f->error = fd;
		t->rest += n;
		return 1;
	}
	if (fd < 0)
		return fd;
	err = place_of_fd(&to, t->at.mount, fd) ?:
	      layered_name(&t->at, run, &to);
	if (err)
		return err;
	t->f->slash = whole && run[n - 1] == '/';
	t->rest += n;
	go(t, &to);
	return 1;
}

/*
 * Remember the directory of the last name, for those who change names: where
 * the walk stands, and still is to stand if it goes on by a symlink.
 */
static int note_parent(struct trip *t, const struct step *s)
{
	if (!(t->flags & WALK_PARENT) || !s->last)
		return 0;
	place_drop(&t->f->dir);
	if (!t->at.own)
		return place_share(&t->f->dir, &t->at);
	return place_copy(&t->f->dir, &t->at);
}

static void leave_parent(struct trip *t, const struct step *s)
{
	if (!(t->flags & WALK_PARENT) || !s->last)
		return;
	place_drop(&t->f->dir);
	t->f->dir = t->at;
	t->at = NOWHERE;
}

/* What stands at a name: a mount, or what the file system has there. */
static int look(struct trip *t, const struct step *s, struct place *to)
{
	struct mount *m = layered_point(t->w->version, &t->at, s->name);
	int err;

	if (s->last)
		t->f->point = m;
	if (!m) {
		err = child(t, &t->at, s->name, to);
		if (!err && (t->flags & WALK_NO_XDEV) && leaves_mount(t, to)) {
			place_drop(to);
			return -EXDEV;
		}
		return err;
	}
	if (!layered_shows_through(m))
		t->f->native = false;
	err = may_search(t, &t->at);
	if (!err && (t->flags & WALK_NO_XDEV) && !mount_hides(m))
		err = -EXDEV;
	return err ? err : enter_mount(t, m, to);
}

static int one_component(struct trip *t, const struct step *s)
{
	struct place to = NOWHERE;
	int err;

	if (!S_ISDIR(t->at.mode))
		return -ENOTDIR;
	memcpy(t->f->name, s->text, sizeof(t->f->name));
	t->f->slash = s->slash;
	err = look(t, s, &to);
	if (!err)
		t->f->native = t->f->native && as_the_kernel(&to);
	if (!err && S_ISLNK(to.mode) &&
	    (!s->last || (s->slash && !(t->flags & WALK_NAME)) ||
	     !(t->flags & WALK_NOFOLLOW))) {
		err = note_parent(t, s) ?: follow(t, s, &to);
		place_drop(&to);
		return err;
	}
	leave_parent(t, s);
	if (!err)
		go(t, &to);
	if (err != -ENOENT || !s->last)
		return err;
	t->f->error = err;
	return 0;
}

static int dots(struct trip *t, const struct step *s)
{
	int err = s->text[1] ? dotdot(t) : may_search(t, &t->at);

	if (s->last) {
		place_drop(&t->f->dir);
		t->f->name[0] = '\0';
		t->f->dots = s->text[1] ? 2 : 1;
		t->f->slash = true;
		t->f->point = NULL;
	}
	return err;
}

static bool is_dots(const char *s)
{
	return s[0] == '.' && (!s[1] || (s[1] == '.' && !s[2]));
}

static int travel(struct trip *t)
{
	struct step s;
	int err;

	for (;;) {
		t->rest += strspn(t->rest, "/");
		if (!*t->rest || t->f->error)
			return 0;
		err = jump(t);
		if (err < 0)
			return err;
		if (err > 0)
			continue;
		err = next_step(t, &s);
		if (err <= 0)
			return err;
		err = is_dots(s.name) ? dots(t, &s) : one_component(t, &s);
		if (err)
			return err;
	}
}

static int set_out(struct trip *t, const struct place *start, bool agrees,
		   const char *path)
{
	const struct place *from = start;
	bool absolute = path[0] == '/';
	int err;

	t->root = place_borrow(t->w->root);
	t->root.rel = t->w->root->rel;
	t->root_agrees = t->w->root_agrees;
	t->f->native = agrees;
	if (absolute && (t->flags & WALK_BENEATH))
		return -EXDEV;
	if (t->flags & (WALK_IN_ROOT | WALK_BENEATH)) {
		t->root = place_borrow(start);
		t->root.rel = start->rel;
		t->root_agrees = agrees;
	} else if (absolute) {
		from = t->w->root;
		agrees = t->w->root_agrees;
	}
	t->f->native = agrees;
	/* start is the caller's own; the root outlives what is found */
	if (from == start && (t->flags & WALK_TAKES)) {
		t->at = *start;
		err = 0;
	} else {
		err = from == start ? place_copy(&t->at, from)
				    : place_share(&t->at, from);
	}
	if (err)
		return err;
	note_where(t);
	/* a server may have a call of its own waiting for us: now, or later */
	if (t->at.mount && t->at.mount->pub.flags & VU_MOUNT_APART)
		vu_may_wait(t->w->ctx);
	return absolute ? cross(t) : 0;
}

int walk(const struct walker *w, const struct place *start, bool agrees,
	 const char *path, unsigned flags, struct found *found)
{
	struct trip t = { .w = w, .f = found, .at = NOWHERE, .flags = flags };
	int err;

	*found = (struct found){ .dir = NOWHERE, .obj = NOWHERE };
	if (!*path)
		return -ENOENT;
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	t.rest = strcpy(t.buf[0], path);
	err = set_out(&t, start, agrees, path);
	if (!err)
		err = travel(&t);
	if (!err && !found->error && found->slash && !(flags & WALK_NAME) &&
	    !S_ISDIR(t.at.mode))
		err = -ENOTDIR;
	if (!err && !found->error) {
		found->obj = t.at;
		t.at = NOWHERE;
	}
	place_drop(&t.at);
	free(t.large);
	return err;
}

void found_drop(struct found *found)
{
	place_drop(&found->dir);
	place_drop(&found->obj);
}
