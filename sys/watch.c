/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inotify_add_watch, and what those who watch made nodes are told.
 *
 * The watch is on what stands for the node in a tree of real files
 * (shadow_tree.c), and is put into the guest's inotify descriptor by us or,
 * where we cannot fetch that, by the guest itself under the real name. After
 * each call that has changed something, that is repeated there (watch_tell()):
 * before the caller goes on, so that what one guest does in an order is told
 * in this order. What is done through open files is told by relay.c.
 *
 * While nothing is watched, a call pays one look at a counter.
 */
#include "sys/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "engine/rewrite.h"
#include "lib/proc.h"
#include "sys/creds.h"
#include "sys/handlers.h"
#include "sys/operand.h"
#include "sys/real.h"
#include "sys/relay.h"
#include "sys/shadow_tree.h"
#include "sys/snapshot.h"
#include "sys/state.h"
#include "view/registry.h"

struct watches {
	struct shadow_trees *trees;
	struct relay *relay;
};

struct watches *watches_new(struct sys *s)
{
	struct watches *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->trees = shadow_trees_new(s->shadows, s->privileged && !can_fetch());
	w->relay = relay_new();
	return w->trees && w->relay ? w : NULL;
}

static struct tree_name name_of(const struct place *p)
{
	return (struct tree_name){ p->mount->id, p->rel };
}

/* --- which are still watched --- */

struct numbers {
	uint64_t *ino;
	size_t n, size;
	bool failed;
};

static void take_number(struct numbers *all, uint64_t ino)
{
	size_t size = all->size ? 2 * all->size : 64;
	uint64_t *grown;

	if (all->n == all->size) {
		grown = realloc(all->ino, size * sizeof(*grown));
		all->failed |= !grown;
		if (!grown)
			return;
		all->ino = grown;
		all->size = size;
	}
	all->ino[all->n++] = ino;
}

/* Is it an inotify descriptor? Then what it watches. */
static bool look_at_watcher(void *arg, int dir, const char *name)
{
	struct numbers *all = arg;
	char text[32], path[64];
	unsigned long ino;
	char *info, *line;
	ssize_t n = readlinkat(dir, name, text, sizeof(text) - 1);

	if (n < 0)
		return false;
	text[n] = '\0';
	if (!strstr(text, "inotify"))
		return false;
	n = snprintf(path, sizeof(path), "/proc/self/fd/%d/../fdinfo/%s", dir,
		     name);
	if (proc_read(path, &info) < 0) {
		all->failed = true;
		return false;
	}
	for (line = info; (line = strstr(line, "inotify wd:")); line++)
		if (sscanf(line, "inotify wd:%*x ino:%lx", &ino) == 1)
			take_number(all, ino);
	free(info);
	return false;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool is_watched(void *arg, uint64_t ino)
{
	struct numbers *all = arg;

	return all->n &&
	       bsearch(&ino, all->ino, all->n, sizeof(ino), compare_numbers);
}

static void prune(struct watches *w)
{
	struct numbers all = { NULL };
	pid_t *pid;
	size_t n = proc_descendants(getpid(), &pid);

	for (size_t i = 0; i < n; i++)
		proc_find_fd(pid[i], look_at_watcher, &all);
	if (all.n)
		qsort(all.ino, all.n, sizeof(*all.ino), compare_numbers);
	if (!all.failed)
		shadow_trees_prune(w->trees, is_watched, &all);
	free(all.ino);
	free(pid);
}

/* --- what is open already --- */

struct open_before {
	struct request *rq;
	const struct place *node;	/* that is to be watched */
	pid_t pid;
};

/* Is it the node, or a name in it? */
static bool concerns(const struct place *node, const struct place *p)
{
	size_t n = strlen(node->rel);

	if (!made(p) || p->unnamed || p->mount != node->mount ||
	    strncmp(p->rel, node->rel, n))
		return false;
	if (!p->rel[n])
		return true;
	if (!S_ISDIR(node->mode) || (n && p->rel[n] != '/'))
		return false;
	return !strchr(p->rel + n + (n > 0), '/');
}

/* A guest has this open: follow it if it is of the node. */
static bool follow_before(void *arg, int dir, const char *name)
{
	struct open_before *o = arg;
	struct request *rq = o->rq;
	struct watches *w = rq->sys->watches;
	struct place p = NOWHERE;
	char text[16], link[64];
	int fd, flags, stand;

	if (readlinkat(dir, name, text, sizeof(text)) < 7 ||
	    strncmp(text, "/memfd:", 7))
		return false;
	fd = openat(dir, name, O_PATH | O_CLOEXEC);
	if (fd < 0 || place_of_fd(&p, mount_base(), fd))
		return false;
	descriptors_find(rq->sys->descriptors, o->pid, atoi(name), &p);
	request_keep(rq, p.mount);
	if (!request_rename(rq, &p) && concerns(o->node, &p)) {
		flags = descriptor_flags(o->pid, atoi(name));
		stand = shadow_tree_open(w->trees, name_of(&p), false,
					 flags & O_ACCMODE);
		snprintf(link, sizeof(link), "/proc/%d/fd/%s", o->pid, name);
		if (stand >= 0)
			relay_follow(w->relay, link, stand, true);
	}
	place_drop(&p);
	return false;
}

static void follow_all(struct request *rq, const struct place *node)
{
	struct open_before o = { .rq = rq, .node = node };
	pid_t *pid;
	size_t n = proc_descendants(getpid(), &pid);

	for (size_t i = 0; i < n; i++) {
		o.pid = pid[i];
		proc_find_fd(o.pid, follow_before, &o);
	}
	free(pid);
}

/* --- watching --- */

/* Some servers' listings do not say what is a directory: they are asked. */
static void learn_types(struct request *rq, const struct place *dir,
			struct vu_dir *names)
{
	struct mount *m = dir->mount;
	char rel[PATH_MAX];

	for (size_t i = 0; i < names->n && !vu_gone(&rq->ctx); i++) {
		struct vu_node node = { .kind = VU_NODE_MADE, .fd = -1 };

		if (names->entry[i].type != DT_UNKNOWN ||
		    snprintf(rel, sizeof(rel), "%s%s%s", dir->rel,
			     *dir->rel ? "/" : "", names->entry[i].name) >=
		    (int)sizeof(rel) ||
		    module_fs(m->module)->find(&rq->ctx, &m->pub, rel, &node))
			continue;
		names->entry[i].type = IFTODT(node.attr.st_mode);
		if (node.kind == VU_NODE_REAL && node.fd >= 0)
			close(node.fd);
	}
}

/* All that is in it. 0 or -errno */
static int fill(struct request *rq, const struct place *p)
{
	struct vu_dir names = { .n = 0 };
	struct mount *m = p->mount;
	int err = creds_assume(rq), full;

	if (!err)
		err = module_fs(m->module)->readdir(&rq->ctx, &m->pub, p->rel,
						    &names);
	if (!err)
		learn_types(rq, p, &names);
	creds_resume(rq);
	full = shadow_tree_fill(rq->sys->watches->trees, name_of(p),
				err ? NULL : &names);
	dir_free(&names);
	return err ?: full;
}

static int try_stand_for(struct request *rq, const struct place *p)
{
	bool news;
	int err = 0, fd = shadow_tree_watch(rq->sys->watches->trees, name_of(p),
					    S_ISDIR(p->mode), &news);

	if (fd < 0 || !news)
		return fd;
	if (S_ISDIR(p->mode))
		err = fill(rq, p);
	if (err) {
		close(fd);
		return err;
	}
	follow_all(rq, p);
	return fd;
}

/* What stands for the node, ready to be watched. Descriptor or -errno */
static int stand_for(struct request *rq, const struct place *p)
{
	struct watches *w = rq->sys->watches;
	int fd;

	if (shadow_trees_many(w->trees))
		prune(w);
	fd = try_stand_for(rq, p);
	if (fd == -ENOSPC) {
		prune(w);
		fd = try_stand_for(rq, p);
	}
	return fd;
}

/* By the guest, under the kernel's name. */
static struct verdict watch_by_name(struct request *rq, int fd)
{
	struct rewrite *rw = rewrite_new(rq->call);
	struct verdict v = verdict_value(-ENOMEM);
	char name[PATH_MAX];
	ssize_t n = kernel_name(fd, name, sizeof(name));

	if (n < 0 || !rw || rewrite_string(rw, 1, name)) {
		if (rw)
			rewrite_free(rw);
		return n < 0 ? verdict_value(n) : v;
	}
	v = verdict_rewritten(rw);
	v.value = -ENOSPC;
	return v;
}

static struct verdict watch_made_node(struct request *rq, const struct place *p)
{
	uint32_t mask = rq->call->arg[2];
	struct verdict v;
	char link[32];
	int fd, own;

	creds_resume(rq);
	fd = stand_for(rq, p);
	if (fd < 0)
		return verdict_value(fd);
	own = can_fetch() ? fetch_descriptor(rq, (int)rq->call->arg[0]) : -1;
	if (own >= 0) {
		/* it is found by a link, and is none itself */
		v = verdict_value(inotify_add_watch(own, fd_link(fd, link),
						    mask & ~IN_DONT_FOLLOW));
		if (v.value < 0)
			v.value = -errno;
		close(own);
	} else {
		v = watch_by_name(rq, fd);
	}
	close(fd);
	return v;
}

struct verdict call_watch(struct request *rq)
{
	const struct found *f = &rq->found[0];
	int err;

	if (f->error || !made(&f->obj))
		return call_by_real_name(rq);
	if ((rq->call->arg[2] & IN_ONLYDIR) && !S_ISDIR(f->obj.mode))
		return verdict_value(-ENOTDIR);
	err = made_access(rq, &f->obj, R_OK);
	return err ? verdict_value(err) : watch_made_node(rq, &f->obj);
}

/* --- telling --- */

/* The name that the call is about, found or not. False: it is no made one */
static bool called(const struct found *f, char rel[PATH_MAX],
		   struct tree_name *n)
{
	if (!made(&f->dir) || f->dir.unnamed || !f->name[0] ||
	    snprintf(rel, PATH_MAX, "%s%s%s", f->dir.rel,
		     *f->dir.rel ? "/" : "", f->name) >= PATH_MAX)
		return false;
	*n = (struct tree_name){ f->dir.mount->id, rel };
	return true;
}

static void tell_made(struct request *rq, bool dir)
{
	int last = rq->row->op[1].mode != OPERAND_NONE;
	char rel[PATH_MAX];
	struct tree_name n;

	if (called(&rq->found[last], rel, &n))
		shadow_tree_made(rq->sys->watches->trees, n, dir);
}

static void tell_gone(struct request *rq)
{
	const struct found *f = &rq->found[0];
	char rel[PATH_MAX];
	struct tree_name n;

	if (called(f, rel, &n))
		shadow_tree_gone(rq->sys->watches->trees, n,
				 S_ISDIR(f->obj.mode));
}

static void tell_linked(struct request *rq)
{
	char old[PATH_MAX], rel[PATH_MAX];
	struct tree_name a, b;

	if (!called(&rq->found[1], rel, &b))
		return;
	if (called(&rq->found[0], old, &a))
		shadow_tree_linked(rq->sys->watches->trees, a, b);
	else
		shadow_tree_made(rq->sys->watches->trees, b, false);
}

static void tell_moved(struct request *rq)
{
	const struct found *from = &rq->found[0], *to = &rq->found[1];
	char old[PATH_MAX], rel[PATH_MAX];
	struct tree_move m = {
		.dir = S_ISDIR(from->obj.mode), .to_dir = S_ISDIR(to->obj.mode),
	};

	/* two names of one node: nothing is renamed */
	if (!to->error && from->obj.number &&
	    from->obj.number == to->obj.number)
		return;
	m.exchange = !strcmp(rq->row->name, "renameat2") &&
		     (rq->call->arg[4] & RENAME_EXCHANGE);
	if (called(from, old, &m.from) && called(to, rel, &m.to))
		shadow_tree_moved(rq->sys->watches->trees, &m);
}

static void tell_opened(struct request *rq, int fd)
{
	const struct found *f = &rq->found[0];
	struct watches *w = rq->sys->watches;
	char rel[PATH_MAX], link[32];
	struct open_how how;
	struct tree_name n;
	bool dir = false;
	int stand;

	if (operand_open_how(rq, &how) || (how.flags & O_PATH))
		return;
	if (!f->error && made(&f->obj) && !f->obj.unnamed) {
		n = name_of(&f->obj);
		dir = S_ISDIR(f->obj.mode);
	} else if (f->error && called(f, rel, &n)) {
		shadow_tree_made(w->trees, n, false);
		how.flags &= ~O_TRUNC;
	} else {
		return;
	}
	stand = shadow_tree_open(w->trees, n, dir, how.flags);
	/* where we cannot fetch it, we keep a directory open ourselves */
	if (stand >= 0 && dir && !can_fetch())
		close(stand);
	else if (stand >= 0)
		relay_follow(w->relay, fd_link(fd, link), stand, false);
}

static void tell_attr(struct request *rq, const struct place *p)
{
	if (made(p) && !p->unnamed)
		shadow_tree_changed(rq->sys->watches->trees, name_of(p),
				    S_ISDIR(p->mode));
}

static void tell_attr_of_fd(struct request *rq)
{
	struct place p = NOWHERE;

	if (!request_fd(rq, (int)rq->call->arg[0], &p))
		tell_attr(rq, &p);
	place_drop(&p);
}

static void tell_what_it_did(struct request *rq)
{
	handler *h = rq->row->handle;
	const struct place *p = &rq->found[0].obj;

	if (h == call_mkdir || h == call_mknod || h == call_symlink)
		tell_made(rq, h == call_mkdir);
	else if (h == call_unlink)
		tell_gone(rq);
	else if (h == call_link)
		tell_linked(rq);
	else if (h == call_rename)
		tell_moved(rq);
	else if (h == call_chmod || h == call_chown || h == call_utime ||
		 h == call_setxattr || h == call_removexattr)
		tell_attr(rq, p);
	else if (h == call_fd_change)
		tell_attr_of_fd(rq);
	else if (h == call_truncate && made(p))
		shadow_tree_cut(rq->sys->watches->trees, name_of(p));
}

void watch_tell(struct request *rq, const struct verdict *v)
{
	struct watches *w = rq->sys->watches;

	if (shadow_trees_empty(w->trees))
		return;
	creds_resume(rq);
	relay_drain(w->relay);
	if (v->kind == VERDICT_OBJECT && rq->row->handle == call_open)
		tell_opened(rq, v->fd);
	else if (v->kind == VERDICT_VALUE && !v->value)
		tell_what_it_did(rq);
	if (shadow_trees_many(w->trees))
		prune(w);
}

void watch_made(struct request *rq, const struct place *p)
{
	struct watches *w = rq->sys->watches;

	if (shadow_trees_empty(w->trees))
		return;
	relay_drain(w->relay);
	shadow_tree_made(w->trees, name_of(p), false);
}

void watch_gone(struct request *rq, const struct place *p)
{
	struct watches *w = rq->sys->watches;

	if (!shadow_trees_empty(w->trees))
		shadow_tree_gone(w->trees, name_of(p), false);
}

void watch_sweep(struct sys *s, bool (*there)(void *arg, unsigned mount),
		 void *arg)
{
	shadow_trees_sweep(s->watches->trees, there, arg);
}
