/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounting: which connection mount(2) means, where the files are to come
 * from, and the end of it all.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "lib/clock.h"
#include "mod/vufuse/carrier.h"
#include "mod/vufuse/fs.h"
#include "mod/vufuse/leaving.h"
#include "mod/vufuse/mounting.h"
#include "mod/vufuse/opened.h"

enum {
	NODES_KEPT = 100000,
	LAST_MS = 10000,	/* for each request when all is at its end */
	MOMENT = 4,		/* seconds that whoever unmounts waits */
};

enum via { VIA_NONE, VIA_AUTO, VIA_CARRIER, VIA_CACHE };

static enum via via_default = VIA_AUTO;		/* set by mounting_via() */

static enum via via_named(const char *word)
{
	static const char *const name[] = {
		[VIA_AUTO] = "auto", [VIA_CARRIER] = "carrier",
		[VIA_CACHE] = "cache",
	};

	for (enum via v = VIA_AUTO; v <= VIA_CACHE; v++)
		if (!strcmp(word, name[v]))
			return v;
	return VIA_NONE;
}

int mounting_via(const char *word)
{
	via_default = via_named(word);
	return via_default == VIA_NONE ? -EINVAL : 0;
}

static void fs_free(struct fs *fs)
{
	if (fs->files) {
		opened_free_all(fs);
		free(fs->files);
	}
	if (fs->conn) {
		conn_end(fs->conn);
		if (fs->tree)
			tree_free(fs->tree);
		conn_put(fs->conn);
	}
	for (int i = 0; i < FS_NAMES; i++)
		pthread_mutex_destroy(&fs->names[i]);
	pthread_mutex_destroy(&fs->lock);
	free(fs);
}

static void stale_node(void *arg, uint64_t node, int64_t off, int64_t len)
{
	struct fs *fs = arg;

	(void)off, (void)len;
	tree_stale_id(fs->tree, node);
}

static void stale_entry(void *arg, uint64_t dir, const char *name)
{
	struct fs *fs = arg;

	tree_stale_entry(fs->tree, dir, name);
}

static const struct conn_listener listener = {
	.stale_node = stale_node, .stale_entry = stale_entry,
};

static struct fs *fs_new(const struct fs_options *o, struct conn *c)
{
	struct fs *fs = calloc(1, sizeof(*fs));

	if (!fs) {
		conn_put(c);
		return NULL;
	}
	pthread_mutex_init(&fs->lock, NULL);
	for (int i = 0; i < FS_NAMES; i++)
		pthread_mutex_init(&fs->names[i], NULL);
	fs->opt = *o;
	fs->conn = c;
	fs->pool = keeper_pool();
	fs->fresh = true;
	fs->files = calloc(1, sizeof(*fs->files));
	fs->tree = tree_new(c, o->rootmode, NODES_KEPT);
	if (!fs->files || !fs->tree) {
		free(fs->files);
		fs->files = NULL;
		fs_free(fs);
		return NULL;
	}
	TAILQ_INIT(&fs->files->list);
	conn_listen(c, &listener, fs);
	return fs;
}

/*
 * What the caller has opened as /dev/fuse: ours (*c is its connection), or
 * the kernel's, if the module was not loaded yet (*c is NULL).
 */
static int check_device(struct vu_ctx *ctx, int fd, struct conn **c,
			ino_t *ino, struct vu_message *msg)
{
	struct stat st;
	int err = vu_caller_fd(ctx, fd, &st);

	*c = err ? NULL : device_find(&st);
	*ino = st.st_ino;
	if (*c || (!err && carrier_device(&st)))
		return 0;
	vu_message_set(msg, "fuse: fd=%d: not an open /dev/fuse of this view "
		       "that is not mounted yet", fd);
	return -EINVAL;
}

/* Serve the mount from our own cache. */
static int mount_cache(struct vu_ctx *ctx, struct vu_mount *m,
		       const struct fs_options *o, struct conn *device,
		       ino_t socket)
{
	struct conn *c = device ? conn_get(device) :
			 device_replace(ctx, o->fd, &socket);
	struct fs *fs = c ? fs_new(o, c) : NULL;
	int err;

	if (!fs)
		return c ? -ENOMEM : -EPERM;
	fs->socket = socket;
	err = keeper_start(fs);
	if (!err)
		err = conn_start(c, o->uid, o->gid, o->max_read);
	if (err) {
		keeper_stop(fs);
		fs_free(fs);
		return err;
	}
	m->priv = fs;
	m->flags |= VU_MOUNT_OWN_ACCESS;
	m->how = "via=cache";
	/* the keeper is at work already */
	pthread_mutex_lock(&fs->lock);
	fs->shown = m;
	pthread_mutex_unlock(&fs->lock);
	return 0;
}

/* Where the descriptors come from: what the module, or the caller, says. */
static enum via chosen_via(struct vu_ctx *ctx, struct vu_message *msg)
{
	char word[16];
	int err = vu_caller_env(ctx, "VU_VIA", word, sizeof(word));
	enum via via = err ? via_default : via_named(word);

	if (via == VIA_NONE)
		vu_message_set(msg, "fuse: VU_VIA=%s: neither carrier nor "
			       "cache nor auto", word);
	return via;
}

static int mount_via(enum via via, struct vu_ctx *ctx, struct vu_mount *m,
		     const struct fs_options *o, struct conn *c, ino_t socket,
		     struct vu_message *msg)
{
	int err;

	if (via == VIA_CACHE || (via == VIA_AUTO && !carrier_suits()))
		return mount_cache(ctx, m, o, c, socket);
	err = carrier_mount(ctx, m, o, msg);
	if (!err || via == VIA_CARRIER)
		return err;
	msg->text[0] = '\0';
	return mount_cache(ctx, m, o, c, socket);
}

int mounting_mount(struct vu_ctx *ctx, struct vu_mount *m,
		    struct vu_message *msg)
{
	enum via via = chosen_via(ctx, msg);
	struct fs_options o;
	struct conn *c;
	ino_t socket;
	int err = fs_options_parse(m->options, &o, msg);

	if (err || via == VIA_NONE)
		return err ?: -EINVAL;
	err = check_device(ctx, o.fd, &c, &socket, msg);
	if (err)
		return err;
	err = mount_via(via, ctx, m, &o, c, socket, msg);
	if (c && !err)
		device_mounted(c);
	if (c)
		conn_put(c);
	return err;
}

/* A server is there to be asked for the directories of exceptions by now. */
int mounting_remount(struct vu_ctx *ctx, struct vu_mount *m,
		     struct vu_message *msg)
{
	char key[256], value[PATH_MAX];
	const char *rest = m->options;
	int n, err = 0;

	while (!err && (n = vu_next_option(&rest, key, sizeof(key), value,
					   sizeof(value))) > 0) {
		if (strcmp(key, "except"))
			continue;
		if (value[0] == '/' && value[1]) {
			err = vu_mount_except(ctx, m, value, msg);
		} else {
			vu_message_set(msg, "fuse: except=%s: must begin with "
				       "/ and name something below the target",
				       value);
			err = -EINVAL;
		}
	}
	return err ?: n;
}

/* --- servers, and the end --- */

/* Who has not said anything yet is known by the socket he has. */
static bool is_socket(void *arg, const struct stat *st)
{
	const ino_t *ino = arg;

	return S_ISSOCK(st->st_mode) && st->st_ino == *ino;
}

int mounting_serves(struct vu_mount *m, pid_t pid)
{
	pid_t server;

	if (carrier_is(m))
		return carrier_serves(pid);
	if (!m->priv)
		return -1;
	/* its first word may not have been read yet */
	if (!conn_server(fs_of(m)->conn))
		conn_tick(fs_of(m)->conn);
	if (conn_state(fs_of(m)->conn) == CONN_DEAD)
		return -1;
	server = conn_server(fs_of(m)->conn);
	return pid && (server ? server == pid :
		       vu_has_open(pid, is_socket, &fs_of(m)->socket));
}

static void quit_cache(struct vu_mount *m)
{
	conn_hurry(fs_of(m)->conn, LAST_MS);
	opened_store_last(fs_of(m), m->target);
	conn_end(fs_of(m)->conn);
}

void mounting_quit(struct vu_mount *m)
{
	if (carrier_is(m))
		carrier_quit(m);
	else if (m->priv)
		quit_cache(m);
}

/*
 * The last holder of a mount may be somebody who only wants it out of sight:
 * he waits a moment, and then the rest is done without him. What is under way
 * is counted, for the module cannot be unloaded before. Who has unmounted it
 * waits for its server as well (leaving.c), but no longer than that.
 */
struct teardown {
	struct fs *fs;			/* NULL: a carrier */
	struct carrier_rest carrier;
	char *target;
	struct leaving *leaving;	/* NULL: nobody is waited for */
	long end;
	bool done, alone;		/* guarded by lock */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static unsigned teardowns;

static void tear_down_cache(struct fs *fs, const char *target)
{
	conn_hurry(fs->conn, LAST_MS);
	keeper_stop(fs);
	opened_store_last(fs, target);
	fs_free(fs);
}

static void tear_down(struct teardown *t)
{
	if (t->fs)
		tear_down_cache(t->fs, t->target);
	else
		carrier_close(&t->carrier);
	leaving_wait(t->leaving, t->carrier.watch, t->end);
	carrier_forget(&t->carrier);
}

static void teardown_free(struct teardown *t)
{
	leaving_free(t->leaving);
	free(t->target);
	free(t);
}

static void *run_teardown(void *arg)
{
	struct teardown *t = arg;
	bool alone;

	tear_down(t);
	pthread_mutex_lock(&lock);
	t->done = true;
	alone = t->alone;
	teardowns--;
	pthread_cond_broadcast(&ended);
	pthread_mutex_unlock(&lock);
	if (alone)
		teardown_free(t);
	return NULL;
}

static bool start_teardown(struct teardown *t)
{
	pthread_t thread;

	pthread_mutex_lock(&lock);
	teardowns++;
	pthread_mutex_unlock(&lock);
	if (!fs_thread(&thread, run_teardown, t))
		return !pthread_detach(thread);
	pthread_mutex_lock(&lock);
	teardowns--;
	pthread_mutex_unlock(&lock);
	return false;
}

static void await_teardown(struct teardown *t)
{
	struct timespec end;
	bool done;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += MOMENT;
	pthread_mutex_lock(&lock);
	while (!t->done &&
	       !pthread_cond_clockwait(&ended, &lock, CLOCK_MONOTONIC, &end))
		;
	done = t->done;
	t->alone = !done;
	pthread_mutex_unlock(&lock);
	if (done)
		teardown_free(t);
}

void mounting_fini(void)
{
	pthread_mutex_lock(&lock);
	while (teardowns)
		pthread_cond_wait(&ended, &lock);
	pthread_mutex_unlock(&lock);
}

/* What is left of m when its monitor frees it. NULL: no memory */
static struct teardown *teardown_new(struct vu_mount *m, bool carrier)
{
	struct teardown *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->target = strdup(m->target);
	if (!t->target) {
		free(t);
		return NULL;
	}
	t->end = now_ms() + MOMENT * 1000;
	if (m->flags & VU_MOUNT_AWAITED)
		t->leaving = leaving_note(carrier ? 0 : fs_of(m)->socket);
	t->carrier = CARRIER_NO_REST;
	if (carrier)
		t->carrier = carrier_rest(m);
	else
		t->fs = m->priv;
	return t;
}

/* The mount is freed, while its keeper may go on for a moment. */
static void hide(struct fs *fs)
{
	pthread_mutex_lock(&fs->lock);
	fs->shown = NULL;
	pthread_mutex_unlock(&fs->lock);
}

void mounting_umount(struct vu_mount *m)
{
	bool carrier = carrier_is(m);
	struct teardown *t;

	if (!m->priv)
		return;
	if (!carrier)
		hide(m->priv);
	t = teardown_new(m, carrier);
	if (t && start_teardown(t)) {
		await_teardown(t);
	} else if (t) {
		tear_down(t);
		teardown_free(t);
	} else if (carrier) {
		carrier_drop(m);
	} else {
		tear_down_cache(m->priv, m->target);
	}
}
