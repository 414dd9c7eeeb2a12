/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of Unix sockets are names. The caller itself binds, connects
 * and sends, to the real name: its umask, its credentials (which the other
 * side may ask for) and its waiting are its own. A real name that is too
 * long for an address is put as that of a descriptor: see address.c. A guest
 * that may not look at the monitor's is lent one, which it keeps until it
 * executes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/net.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/memory.h"
#include "engine/rewrite.h"
#include "lib/log.h"
#include "sys/address.h"
#include "sys/handlers.h"
#include "sys/real.h"
#include "sys/sockname.h"
#include "view/layered.h"
#include "view/registry.h"
#include "sys/special.h"
#include "sys/state.h"
#include "sys/table.h"

#define PATH_OFFSET offsetof(struct sockaddr_un, sun_path)

/* The name in an address. Return: true when it is a name at all */
static bool read_name(struct request *rq, uint64_t addr, uint64_t len)
{
	struct sockaddr_un sun;

	if (len <= PATH_OFFSET || len > sizeof(sun) || !addr)
		return false;
	rq->unseen = guest_read(rq->call, addr, &sun, len);
	if (rq->unseen)
		return false;
	len -= PATH_OFFSET;
	if (sun.sun_family != AF_UNIX || !sun.sun_path[0])
		return false;
	memcpy(rq->path[0], sun.sun_path, len);
	rq->path[0][len] = '\0';
	return true;
}

/* The directory as "/proc/self/fd/N" of the caller. 0 or -errno */
static int lend_directory(struct request *rq, struct rewrite *rw, int dir,
			  char *name, size_t size)
{
	char link[32];
	int fd = open(fd_link(dir, link), O_RDONLY | O_DIRECTORY | O_CLOEXEC), n;

	if (fd < 0)
		return -errno;
	n = rewrite_lend(rw, rq->call, fd);
	close(fd);
	if (n >= 0)
		snprintf(name, size, "/proc/self/fd/%d", n);
	return n < 0 ? n : 0;
}

/* The name of the real socket that stands for a made one. 0 or -errno */
static int made_address_name(struct request *rq, char *name, size_t size)
{
	struct place real = NOWHERE;
	int fd = special_socket(rq, &rq->found[0].obj);
	ssize_t n = fd < 0 ? fd : place_of_fd(&real, mount_base(), fd);

	if (!n)
		n = kernel_name_for(rq, &real, name, size);
	place_drop(&real);
	if (n < 0)
		return n;
	return address_fits(name) ? 0 : -ENAMETOOLONG;
}

/* The real name, or one through a descriptor. 0 or -errno */
static int address_name(struct request *rq, struct rewrite *rw,
			char *name, size_t size)
{
	const struct found *f = &rq->found[0];
	ssize_t n;
	int err;

	if (made(&f->obj))
		return made_address_name(rq, name, size);
	n = real_name(rq, 0, name, size);
	if (n < 0 && n != -ENAMETOOLONG && n != -EXDEV)
		return n;
	if (n > 0 && address_fits(name))
		return 0;
	if (!f->error && !rq->assumed)
		return address_hold(f->obj.fd, name, size);
	if (!f->name[0] || f->dir.fd < 0)
		return -ENAMETOOLONG;
	err = rq->assumed ? lend_directory(rq, rw, f->dir.fd, name, size)
			  : address_hold(f->dir.fd, name, size);
	n = strlen(name);
	if (!err)
		snprintf(name + n, size - n, "/%s", f->name);
	return err ?: address_fits(name) ? 0 : -ENAMETOOLONG;
}

/* name is known to fit. Return: the length of the address */
static ssize_t fill_address(struct sockaddr_un *sun, const char *name)
{
	*sun = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strcpy(sun->sun_path, name);
	return PATH_OFFSET + strlen(name) + 1;
}

/* The real address of what was found. Return: its length, or -errno */
static ssize_t real_address(struct request *rq, struct rewrite *rw,
			    struct sockaddr_un *sun)
{
	char name[PATH_MAX];
	int err = address_name(rq, rw, name, sizeof(name));

	return err ?: fill_address(sun, name);
}

static struct verdict rewritten_or(struct rewrite *rw, int err)
{
	struct verdict v;

	if (err) {
		rewrite_free(rw);
		return verdict_value(err);
	}
	v = verdict_rewritten(rw);
	v.value = -EPERM;
	return v;
}

/* Texts for getsockname and getpeername. */
static void note_address(struct request *rq, const char *real)
{
	if (rq->row->handle == call_bind)
		address_note(real, rq->path[0]);
	else if (rq->row->handle == call_connect)
		socket_note_peer(rq, real, rq->path[0]);
}

/* The call with that address. arg: its number; len follows it */
static struct verdict with_name(struct request *rq, struct rewrite *rw,
				int arg, const char *name)
{
	struct sockaddr_un sun;
	ssize_t len = fill_address(&sun, name);

	note_address(rq, sun.sun_path);
	rewrite_arg(rw, arg + 1, len);
	return rewritten_or(rw, rewrite_bytes(rw, arg, &sun, len));
}

/* The call again, with the real address. */
static struct verdict with_address(struct request *rq, int arg)
{
	struct rewrite *rw = rewrite_new(rq->call);
	char name[PATH_MAX];
	int err;

	if (!rw)
		return verdict_value(-ENOMEM);
	err = address_name(rq, rw, name, sizeof(name));
	return err ? rewritten_or(rw, err) : with_name(rq, rw, arg, name);
}

/*
 * Bind by the last name alone: we do it, from its directory, on the caller's
 * socket. Nothing else depends on where a receiver stands.
 * Return: 0 or -errno (-ENAMETOOLONG: cannot be done so)
 */
static int bind_there(struct request *rq, int dir)
{
	const struct found *f = &rq->found[0];
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int s = fetch_descriptor(rq, (int)rq->call->arg[0]);
	int err = request_ids(rq);
	mode_t mask;

	/* a directory and a umask that are this thread's alone */
	if (s < 0 || strlen(f->name) > sizeof(sun.sun_path) ||
	    dir < 0 || unshare(CLONE_FS))
		err = -ENAMETOOLONG;
	if (!err && fchdir(dir))
		err = -errno;
	if (!err) {
		memcpy(sun.sun_path, f->name, strlen(f->name));
		mask = umask(rq->ids.umask);
		err = bind(s, (struct sockaddr *)&sun, PATH_OFFSET +
			   strlen(f->name)) ? -errno : 0;
		umask(mask);
		if (chdir("/"))
			log_warn("cannot leave a directory: %s",
				 strerror(errno));
	}
	if (s >= 0)
		close(s);
	return err;
}

/* dir: where to bind the socket that stands for the made one; it is closed */
static struct verdict bind_shadow(struct request *rq, int dir, const char *file)
{
	struct rewrite *rw = rewrite_new(rq->call);
	struct place where = NOWHERE;
	char name[PATH_MAX];
	ssize_t n = place_of_fd(&where, mount_base(), dir);

	if (!n)
		n = kernel_name_for(rq, &where, name, sizeof(name));
	place_drop(&where);
	if (n >= 0 && (!rw || n + strlen(file) + 2 > sizeof(name)))
		n = -ENOMEM;
	if (n >= 0)
		sprintf(name + n, "/%s", file);
	if (n >= 0 && !address_fits(name))
		n = -ENAMETOOLONG;
	if (n >= 0)
		return with_name(rq, rw, 1, name);
	special_unbind(rq, &rq->found[0]);
	rewrite_free(rw);
	return verdict_value(n);
}

/*
 * In a directory that a module makes: the node is the module's, and the
 * socket is bound in its shadow. By its last name alone if that is what the
 * caller says, so that receivers are told the same.
 */
static struct verdict bind_made(struct request *rq)
{
	struct found *f = &rq->found[0];
	bool alone = !strcmp(rq->path[0], f->name) && can_fetch() &&
		     address_fits(f->name);
	const char *file = alone ? f->name : "socket";
	mode_t mode = 0777;
	int err = socket_may_bind(rq, &mode), dir;

	if (err)
		return err < 0 ? verdict_value(err) : verdict_native();
	if (!alone && !engine_can_rewrite(rq->call))
		return verdict_value(-EPERM);
	err = masked_mode(rq, &f->dir, &mode);
	if (err)
		return verdict_value(err);
	dir = special_bind(rq, f, mode, file);
	if (dir < 0)
		return verdict_value(dir);
	if (!alone)
		return bind_shadow(rq, dir, file);
	err = bind_there(rq, dir);
	close(dir);
	if (err)
		special_unbind(rq, f);
	return verdict_value(err);
}

/*
 * In a layered mount the module says in which real directory the socket is
 * to be. 0 or -errno
 */
static int to_real_directory(struct request *rq, struct found *f)
{
	struct mount *m = f->dir.mount;
	char *name = layered_join(f->dir.rel, f->name);
	int dir;

	if (!name)
		return -ENOMEM;
	dir = module_fs(m->module)->reserve(&rq->ctx, &m->pub, name);
	free(name);
	if (dir < 0)
		return dir;
	place_drop(&f->dir);
	return place_of_fd(&f->dir, m, dir);
}

struct verdict call_bind(struct request *rq)
{
	struct found *f = &rq->found[0];
	struct verdict v;
	int err;

	/* what only the kernel can read may be a name in a layered mount */
	if (!read_name(rq, rq->call->arg[1], (uint32_t)rq->call->arg[2]))
		return rq->unseen && rq->version->nlayered ?
		       verdict_value(rq->unseen) : verdict_native();
	err = request_walk(rq, AT_FDCWD, rq->path[0],
			   WALK_PARENT | WALK_NOFOLLOW | WALK_NAME, f);
	if (f->native && !(f->dir.mount && mount_layered(f->dir.mount))) {
		address_forget(rq->path[0]);
		return verdict_native();
	}
	if (!err && !f->error)
		err = -EADDRINUSE;
	if (!err && (f->slash || f->dir.unnamed))
		err = -ENOENT;
	if (!err && layered_rdonly(rq->version, f->dir.mount))
		err = -EROFS;
	if (!err && f->point)
		err = -EACCES;
	if (!err && mount_layered(f->dir.mount))
		err = to_real_directory(rq, f);
	if (err)
		return verdict_value(err);
	if (made(&f->dir))
		return bind_made(rq);
	if (!strcmp(rq->path[0], f->name) && can_fetch())
		err = bind_there(rq, f->dir.fd);
	else
		err = -ENAMETOOLONG;
	v = err == -ENAMETOOLONG ? with_address(rq, 1) : verdict_value(err);
	if (v.kind == VERDICT_VALUE && v.value == -ENAMETOOLONG)
		v = verdict_value(bind_there(rq, f->dir.fd));
	return v;
}

/* The address of somebody who is there: connect, sendto. */
static struct verdict to_address(struct request *rq, int arg)
{
	struct found *f = &rq->found[0];
	int err;

	if (!read_name(rq, rq->call->arg[arg], (uint32_t)rq->call->arg[arg + 1]))
		return verdict_native();
	err = request_walk(rq, AT_FDCWD, rq->path[0], WALK_PARENT, f);
	if (f->native)
		return verdict_native();
	if (!err)
		err = f->error;
	/* the kernel asks for that, too, but not by what is told */
	if (!err && place_has_own_access(&f->obj))
		err = place_access(rq, &f->obj, W_OK);
	return err ? verdict_value(err) : with_address(rq, arg);
}

struct verdict call_connect(struct request *rq)
{
	return to_address(rq, 1);
}

struct verdict call_sendto(struct request *rq)
{
	return to_address(rq, 4);
}

/* --- messages: the address is in a header --- */

/* Where a message header has what, and how long it and a mmsghdr are. */
struct layout {
	size_t word, name, namelen, iov, niov, head, slot;
};

static const struct layout layouts[] = {
	[ABI_NATIVE] = { 8, 0, 8, 16, 24, 56, 64 },
	[ABI_COMPAT] = { 4, 0, 4, 8, 12, 28, 32 },
};
#define HEAD_MAX 64
_Static_assert(sizeof(struct mmsghdr) == HEAD_MAX, "native layout");

static uint64_t get_word(const unsigned char *at, size_t size)
{
	uint64_t word = 0;

	memcpy(&word, at, size);	/* little endian */
	return word;
}

static void put_length(const struct layout *l, unsigned char *head,
		       uint32_t len)
{
	memcpy(head + l->namelen, &len, sizeof(len));
}

/*
 * Where the address in a header leads; the last header's place is dropped.
 * Return: 1 when the view has a say in it, 0 when it has not, or -errno
 */
static int find_receiver(struct request *rq, const struct layout *l,
			 const unsigned char *head)
{
	struct found *f = &rq->found[0];
	int err;

	found_drop(f);
	*f = (struct found){ .dir = NOWHERE, .obj = NOWHERE };
	if (!read_name(rq, get_word(head + l->name, l->word),
		       get_word(head + l->namelen, sizeof(uint32_t))))
		return 0;
	err = request_walk(rq, AT_FDCWD, rq->path[0], WALK_PARENT, f);
	if (f->native)
		return 0;
	if (!err)
		err = f->error;
	return err ?: 1;
}

struct verdict call_sendmsg(struct request *rq)
{
	const struct layout *l = &layouts[rq->call->abi];
	unsigned char head[HEAD_MAX];
	struct sockaddr_un sun;
	struct rewrite *rw;
	ssize_t len;
	int err;

	if (guest_read(rq->call, rq->call->arg[1], head, l->head))
		return verdict_native();
	err = find_receiver(rq, l, head);
	if (err <= 0)
		return err ? verdict_value(err) : ids_send(rq);
	rw = rewrite_new(rq->call);
	if (!rw)
		return verdict_value(-ENOMEM);
	len = real_address(rq, rw, &sun);
	if (len < 0)
		return rewritten_or(rw, len);
	put_length(l, head, len);
	err = rewrite_bytes(rw, 1, head, l->head);
	if (!err)
		err = rewrite_inner(rw, 1, l->name, &sun, len);
	return rewritten_or(rw, err);
}

/* --- several messages --- */

/* The messages of one call, copied, and the addresses they are to have. */
struct batch {
	const struct layout *l;
	size_t n;			/* messages to be sent */
	bool any;			/* one of them has another address */
	unsigned char *slot;
	struct address { struct sockaddr_un sun; socklen_t len; } *to;
};

/* The bytes of a message, as long as its length can be: 0 for a bad one. */
static uint32_t message_bytes(struct request *rq, const struct layout *l,
			      const unsigned char *head)
{
	uint64_t n = get_word(head + l->niov, l->word), sum = 0;
	unsigned char iov[2 * sizeof(uint64_t)];
	uint64_t at = get_word(head + l->iov, l->word);

	if (n > UIO_MAXIOV)
		return 0;
	for (; n; n--, at += 2 * l->word) {
		if (guest_read(rq->call, at, iov, 2 * l->word))
			return 0;
		sum += get_word(iov + l->word, l->word);
	}
	return sum;
}

/*
 * The kernel notes in each message how much of it was sent, but will do so
 * in our copies. A datagram is sent whole or not at all, so it can be
 * noted before: of messages that are not sent nobody reads it.
 */
static int note_sent(struct request *rq, const struct batch *b)
{
	int err = 0;

	for (size_t i = 0; i < b->n && !err; i++) {
		unsigned char *head = b->slot + i * b->l->slot;
		uint32_t sent = message_bytes(rq, b->l, head);

		err = guest_write(rq->call, rq->call->arg[1] +
				  i * b->l->slot + b->l->head, &sent,
				  sizeof(sent));
	}
	return err;
}

/*
 * Find the real addresses. At a message that cannot be sent the kernel
 * would stop, and tell the error if it is the first. 0 or -errno
 */
static int find_receivers(struct request *rq, struct rewrite *rw,
			  struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		unsigned char *head = b->slot + i * b->l->slot;
		struct address *to = &b->to[i];
		ssize_t len = find_receiver(rq, b->l, head);

		if (len > 0)
			len = real_address(rq, rw, &to->sun);
		if (len < 0 && !i)
			return len;
		if (len < 0) {
			b->n = i;
			b->any = true;
		} else if (len > 0) {
			to->len = len;
			put_length(b->l, head, len);
			b->any = true;
		}
	}
	return 0;
}

static int put_batch(struct rewrite *rw, const struct batch *b)
{
	int err = rewrite_bytes(rw, 1, b->slot, b->n * b->l->slot);

	rewrite_arg(rw, 2, b->n);
	for (size_t i = 0; i < b->n && !err; i++)
		if (b->to[i].len)
			err = rewrite_inner(rw, 1, i * b->l->slot + b->l->name,
					    &b->to[i].sun, b->to[i].len);
	return err;
}

static struct verdict send_batch(struct request *rq, struct batch *b)
{
	struct rewrite *rw = rewrite_new(rq->call);
	int err = rw ? find_receivers(rq, rw, b) : -ENOMEM;

	if (!err && !b->any) {
		rewrite_free(rw);
		return verdict_native();
	}
	if (!err)
		err = note_sent(rq, b);
	if (!err)
		err = put_batch(rw, b);
	return rewritten_or(rw, err);
}

struct verdict call_sendmmsg(struct request *rq)
{
	struct batch b = { .l = &layouts[rq->call->abi],
			   .n = (uint32_t)rq->call->arg[2] };
	struct verdict v = verdict_native();

	if (b.n > UIO_MAXIOV)		/* as the kernel does */
		b.n = UIO_MAXIOV;
	b.slot = calloc(b.n + 1, b.l->slot);
	b.to = calloc(b.n + 1, sizeof(*b.to));
	if (!b.slot || !b.to)
		v = verdict_value(-ENOMEM);
	else if (b.n && !guest_read(rq->call, rq->call->arg[1], b.slot,
				    b.n * b.l->slot))
		v = send_batch(rq, &b);
	free(b.slot);
	free(b.to);
	return v;
}

/* --- i386: one call for all of them --- */

/* Calls that socketcall can stand for, and how many arguments they have. */
static const struct { const char *name; unsigned n; } stands_for[] = {
	[SYS_BIND] = { "bind", 3 }, [SYS_CONNECT] = { "connect", 3 },
	[SYS_GETSOCKNAME] = { "getsockname", 3 },
	[SYS_GETPEERNAME] = { "getpeername", 3 },
	[SYS_SENDTO] = { "sendto", 6 }, [SYS_SENDMSG] = { "sendmsg", 3 },
	[SYS_SENDMMSG] = { "sendmmsg", 4 },
};

/*
 * Its arguments are in an array. The handler sees the call it stands for.
 * What is to be made of that goes back into an array: a sixth argument of
 * its own would be in ebp, which the caller has other uses for.
 */
struct verdict call_socketcall(struct request *rq)
{
	const struct call *outer = rq->call;
	const struct row *row = rq->row;
	struct call inner = *outer;
	uint32_t which = outer->arg[0], arg[6] = { 0 };
	struct verdict v;
	int err;

	if (which >= sizeof(stands_for) / sizeof(stands_for[0]) ||
	    !stands_for[which].n)
		return verdict_native();
	err = guest_read(outer, outer->arg[1], arg,
			 stands_for[which].n * sizeof(arg[0]));
	if (err)
		return which == SYS_BIND && rq->version->nlayered ?
		       verdict_value(err) : verdict_native();
	inner.nr = row_number(stands_for[which].name, outer->abi);
	for (int i = 0; i < 6; i++)
		inner.arg[i] = arg[i];
	rq->call = &inner;
	rq->row = row_find(outer->abi, inner.nr);
	v = rq->row->handle(rq);
	rq->call = outer;
	rq->row = row;
	if (v.kind == VERDICT_REWRITTEN &&
	    rewrite_gather(v.rewrite, outer, 1, stands_for[which].n))
		return rewritten_or(v.rewrite, -ENOMEM);
	return v;
}
