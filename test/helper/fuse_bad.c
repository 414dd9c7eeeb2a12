/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuse_bad MODE DIR: a FUSE server without a library that misbehaves. It
 * mounts, goes into the background, says who it is there, and serves a directory with
 * "file" (hello) and "dir" in it, as it should but for what MODE says:
 *
 *	good		nothing
 *	mute		never answers anything, INIT neither
 *	dies		ends when INIT is answered
 *	stops		stops itself (SIGSTOP) when INIT is answered
 *	hang=N		never answers requests of opcode N
 *	ends=N		ends when it is asked N
 *	error=N		answers all but INIT with errno N (no such one, say)
 *	short, long	answers are a byte too short, or much too long
 *	garbage		answers are random
 *	huge		files have 2^62 bytes, and give them
 *	loops		"dir" is the root again
 *	endless		listings never end
 *	types		what is a file is a directory the next time
 *	times		are negative and out of range
 *	names		listings have names with a slash, empty and long ones
 *	storm		sends notifications all the time
 *	twice		each answer comes twice, and one that nobody asked for
 *	splices		(is well) what is read comes by splice, and is long
 */
#include <linux/fuse.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "test/lib.h"

enum { FILE_NODE = 2, DIR_NODE, BUFFER = 1 << 18, LONG = 5000000 };

struct bad {
	int fd, n;
	const char *mode;
	unsigned asked, minor;
	const struct fuse_in_header *in;
	const void *arg;
};

static bool is(const struct bad *b, const char *mode)
{
	return !strcmp(b->mode, mode);
}

/* --- answers --- */

static void send_out(struct bad *b, uint64_t unique, int error,
		     const void *data, size_t len)
{
	struct fuse_out_header h = { sizeof(h) + len, error, unique };
	struct iovec v[2] = { { &h, sizeof(h) }, { (void *)data, len } };

	(void)!writev(b->fd, v, len ? 2 : 1);
}

static void garble(char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = rand() >> 8;
}

static void answer(struct bad *b, int error, const void *data, size_t len)
{
	static char buf[BUFFER];

	if (len > sizeof(buf))
		len = sizeof(buf);
	if (len)
		memcpy(buf, data, len);
	if (b->in->opcode != FUSE_INIT) {
		if (is(b, "short") && len)
			len--;
		if (is(b, "long"))
			len += 5000;
		if (is(b, "garbage"))
			garble(buf, len = len ? len : 16);
	}
	send_out(b, b->in->unique, error, buf, len);
	if (is(b, "twice")) {
		send_out(b, b->in->unique, error, buf, len);
		send_out(b, 1 << 20, 0, buf, len);
	}
}

static void storm(struct bad *b)
{
	struct fuse_notify_inval_inode_out i = { FILE_NODE, -1, 1ll << 62 };
	struct {
		struct fuse_notify_inval_entry_out h;
		char name[8];
	} e = { { FUSE_ROOT_ID, 4, 0 }, "file" };

	for (int k = 0; k < 200; k++) {
		send_out(b, 0, FUSE_NOTIFY_INVAL_INODE, &i, sizeof(i));
		send_out(b, 0, FUSE_NOTIFY_INVAL_ENTRY, &e,
			 sizeof(e.h) + 5);
		send_out(b, 0, 77, &e, sizeof(e));
	}
}

/* --- what there is --- */

static struct fuse_attr attr_of(struct bad *b, uint64_t node)
{
	struct fuse_attr a = { .ino = node, .nlink = 1, .blksize = 4096,
			       .mode = S_IFREG | 0666, .size = 5,
			       .uid = geteuid(), .gid = getegid() };

	if (node != FILE_NODE)
		a.mode = S_IFDIR | 0777;
	if (is(b, "types") && node != FUSE_ROOT_ID && b->asked++ & 1)
		a.mode ^= S_IFREG ^ S_IFDIR;
	if (is(b, "huge"))
		a.size = 1ull << 62;
	if (is(b, "splices") && node == FILE_NODE)
		a.size = LONG;
	if (is(b, "times")) {
		a.atime = a.mtime = -5;
		a.atimensec = a.mtimensec = a.ctimensec = 4000000000u;
		a.ctime = 1ull << 63;
	}
	return a;
}

static void give_attr(struct bad *b, uint64_t node)
{
	struct fuse_attr_out out = { .attr = attr_of(b, node) };

	if (is(b, "times"))
		out.attr_valid = ~0ull, out.attr_valid_nsec = ~0u;
	answer(b, 0, &out, sizeof(out));
}

static void give_entry(struct bad *b, uint64_t node)
{
	struct fuse_entry_out out = { .nodeid = node,
				      .attr = attr_of(b, node) };

	answer(b, 0, &out, sizeof(out));
}

static void lookup(struct bad *b)
{
	const char *name = b->arg;

	if (!strcmp(name, "file"))
		give_entry(b, FILE_NODE);
	else if (!strcmp(name, "dir"))
		give_entry(b, is(b, "loops") ? FUSE_ROOT_ID : DIR_NODE);
	else
		answer(b, -ENOENT, NULL, 0);
}

static size_t add_name(char *buf, size_t at, const char *name, uint64_t off)
{
	size_t len = strlen(name);
	struct fuse_dirent d = { .ino = 9, .off = off, .namelen = len };

	memset(buf + at, 0, FUSE_DIRENT_ALIGN(sizeof(d) + len));
	memcpy(buf + at, &d, FUSE_NAME_OFFSET);
	memcpy(buf + at + FUSE_NAME_OFFSET, name, len);
	return at + FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + len);
}

static void list(struct bad *b)
{
	const struct fuse_read_in *r = b->arg;
	char buf[4096], name[32], *longer = repeat('l', 1000);
	size_t n = 0;

	if (is(b, "endless")) {
		for (int i = 0; i < 50; i++) {
			snprintf(name, sizeof(name), "name%u", b->asked++);
			n = add_name(buf, n, name, r->offset + i + 1);
		}
	} else if (!r->offset) {
		n = add_name(buf, n, "file", 1);
		n = add_name(buf, n, "dir", 2);
		if (is(b, "names")) {
			n = add_name(buf, n, "a/b", 3);
			n = add_name(buf, n, "", 4);
			n = add_name(buf, n, "..", 5);
			n = add_name(buf, n, longer, 6);
		}
	}
	free(longer);
	answer(b, 0, buf, n);
}

/* As libfuse does it: a pipe of pages, into which the header comes first. */
static void splice_out(struct bad *b, const char *data, size_t n)
{
	struct fuse_out_header h = { sizeof(h) + n, 0, b->in->unique };
	struct iovec v = { &h, sizeof(h) };
	int p[2];

	if (pipe(p) || fcntl(p[1], F_SETPIPE_SZ, BUFFER) < 0 ||
	    vmsplice(p[1], &v, 1, 0) < 0 || write(p[1], data, n) != (ssize_t)n ||
	    splice(p[0], NULL, b->fd, NULL, h.len, 0) != (ssize_t)h.len)
		exit(1);
	close(p[0]);
	close(p[1]);
}

static void give_long_data(struct bad *b)
{
	static char data[BUFFER] __attribute__((aligned(4096)));
	const struct fuse_read_in *r = b->arg;
	size_t n = r->offset < LONG ? LONG - r->offset : 0;

	n = n < r->size ? n : r->size;
	for (size_t i = 0; i < n; i++)
		data[i] = (r->offset + i) * 7 + ((r->offset + i) >> 12);
	if (b->minor >= 14)
		splice_out(b, data, n);
	else
		answer(b, 0, data, n);
}

static void give_data(struct bad *b)
{
	const struct fuse_read_in *r = b->arg;
	static char data[BUFFER] = "hello";
	size_t n = r->offset < 5 ? 5 - r->offset : 0;

	if (is(b, "splices")) {
		give_long_data(b);
		return;
	}
	if (is(b, "huge"))
		n = r->size;
	answer(b, 0, data + (r->offset < 5 ? r->offset : 5),
	       n < sizeof(data) - 5 ? n : sizeof(data) - 5);
}

static void init(struct bad *b)
{
	struct fuse_init_out out = { .major = 7, .minor = 31,
				     .max_write = 65536,
				     .max_readahead = 65536,
				     .max_background = 10 };

	b->minor = ((const struct fuse_init_in *)b->arg)->minor;
	answer(b, 0, &out, sizeof(out));
	if (is(b, "dies"))
		exit(0);
	if (is(b, "stops"))
		raise(SIGSTOP);
}

/* --- requests --- */

static void serve_file(struct bad *b)
{
	struct fuse_open_out open = { .fh = 1 };
	struct fuse_write_out wrote = { 0 };

	switch (b->in->opcode) {
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		answer(b, 0, &open, sizeof(open));
		break;
	case FUSE_READ:
		give_data(b);
		break;
	case FUSE_WRITE:
		wrote.size = ((const struct fuse_write_in *)b->arg)->size;
		if (is(b, "huge"))
			wrote.size = ~0u;
		answer(b, 0, &wrote, sizeof(wrote));
		break;
	case FUSE_READDIR:
		list(b);
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_FSYNC:
	case FUSE_DESTROY:
		answer(b, 0, NULL, 0);
		break;
	default:
		answer(b, -ENOSYS, NULL, 0);
	}
}

static void serve_one(struct bad *b)
{
	if (is(b, "storm"))
		storm(b);
	if (!strncmp(b->mode, "error=", 6) && b->in->opcode != FUSE_INIT) {
		answer(b, -b->n, NULL, 0);
		return;
	}
	switch (b->in->opcode) {
	case FUSE_INIT:
		init(b);
		break;
	case FUSE_LOOKUP:
		lookup(b);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		give_attr(b, b->in->nodeid);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		serve_file(b);
	}
}

static void serve(struct bad *b)
{
	static char buf[BUFFER];
	bool hangs = !strncmp(b->mode, "hang=", 5);
	bool ends = !strncmp(b->mode, "ends=", 5);

	for (;;) {
		ssize_t n = read(b->fd, buf, sizeof(buf));

		if (n < (ssize_t)sizeof(*b->in))
			exit(0);
		b->in = (void *)buf;
		b->arg = buf + sizeof(*b->in);
		if (ends && (int)b->in->opcode == b->n)
			exit(0);
		if (!is(b, "mute") && !(hangs && (int)b->in->opcode == b->n))
			serve_one(b);
	}
}

/* --- mounting --- */

static int received(int s)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} c;
	char byte;
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1,
			    .msg_control = &c, .msg_controllen = sizeof(c) };
	int fd;

	if (recvmsg(s, &m, 0) != 1 || !CMSG_FIRSTHDR(&m))
		fail("fusermount sent nothing");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* Where mount(2) is denied. */
static int by_fusermount(const char *dir)
{
	char number[16];
	int s[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		fail_errno("socketpair");
	pid = fork();
	if (!pid) {
		snprintf(number, sizeof(number), "%d", s[0]);
		setenv("_FUSE_COMMFD", number, 1);
		execlp("fusermount3", "fusermount3", "-o", "fsname=bad", "--",
		       dir, NULL);
		_exit(127);
	}
	close(s[0]);
	return received(s[1]);
}

static int mounted(const char *dir)
{
	char options[128];
	int fd = open("/dev/fuse", O_RDWR);

	if (fd < 0)
		fail_errno("/dev/fuse");
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=%d,group_id=%d", fd,
		 geteuid(), getegid());
	if (!mount("bad", dir, "fuse.bad", MS_NOSUID | MS_NODEV, options))
		return fd;
	close(fd);
	return by_fusermount(dir);
}

int main(int argc, char **argv)
{
	struct bad b = { .fd = -1 };
	const char *number;
	pid_t child;

	if (argc != 3)
		fail("usage: fuse_bad MODE DIR");
	b.mode = argv[1];
	number = strchr(argv[1], '=');
	b.n = number ? atoi(number + 1) : 0;
	b.fd = mounted(argv[2]);
	child = fork();
	if (child) {
		say("%d", child);
		_exit(0);
	}
	setsid();
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	serve(&b);
}
