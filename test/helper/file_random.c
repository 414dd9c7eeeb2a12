/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file_random DIR SEED COUNT: COUNT operations chosen by the seed on a few
 * names in an empty directory, and in the end all that is there. The same on
 * every file system that is one.
 */
#include <dirent.h>

#include "test/lib.h"

enum { NAMES = 9, OPEN = 5, SIZE = 20000 };

static const char *const names[NAMES] = { "a", "b", "c", "d", "d/a", "d/b",
					  "d/e", "d/e/a", "f" };

struct state {
	uint64_t random;
	int fd[OPEN], top;
};

static unsigned choose(struct state *s, unsigned n)
{
	s->random = s->random * 6364136223846793005 + 1442695040888963407;
	return (s->random >> 33) % n;
}

static const char *choose_name(struct state *s)
{
	return names[choose(s, NAMES)];
}

static uint32_t sum(const char *p, ssize_t n)
{
	uint32_t h = 2166136261;

	for (ssize_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 16777619;
	return h;
}

static void say_fd(int fd)
{
	static char data[4 * SIZE];
	struct stat st;
	ssize_t n = pread(fd, data, sizeof(data), 0);

	if (fstat(fd, &st))
		say("	fstat %s", error_name(errno));
	else if (S_ISDIR(st.st_mode))
		say("	mode %o", st.st_mode);
	else
		say("	mode %o size %lld: %zd bytes %08x", st.st_mode,
		    (long long)st.st_size, n, sum(data, n));
}

static void op_open(struct state *s)
{
	static const int flags[] = { 0, O_CREAT, O_CREAT | O_EXCL, O_TRUNC,
				     O_CREAT | O_TRUNC, O_APPEND,
				     O_CREAT | O_APPEND };
	const char *name = choose_name(s);
	unsigned i = choose(s, OPEN), f = choose(s, 7), acc = choose(s, 3);

	if (s->fd[i] >= 0)
		close(s->fd[i]);
	errno = 0;
	s->fd[i] = open(name, flags[f] | acc, 0644);
	say("open %u %s %o %u: %s", i, name, flags[f], acc,
	    s->fd[i] < 0 ? error_name(errno) : "fd");
	if (s->fd[i] >= 0 && acc != O_WRONLY)
		say_fd(s->fd[i]);
}

static void op_write(struct state *s)
{
	static char data[SIZE];
	unsigned i = choose(s, OPEN), at = choose(s, SIZE);
	unsigned len = choose(s, 2) ? choose(s, 100) : choose(s, SIZE);

	memset(data, 'a' + choose(s, 26), len);
	if (choose(s, 3))
		try(pwrite(s->fd[i], data, len, at));
	else
		try(write(s->fd[i], data, len));
}

static void op_read(struct state *s)
{
	static char data[SIZE];
	unsigned i = choose(s, OPEN), at = choose(s, SIZE);
	unsigned len = choose(s, SIZE);
	ssize_t n = try(pread(s->fd[i], data, len, at));

	say("	%08x", sum(data, n));
	try(lseek(s->fd[i], choose(s, SIZE), SEEK_SET));
}

static void op_cut(struct state *s)
{
	const char *name = choose_name(s);
	unsigned size = choose(s, SIZE);

	say("cut %s %u", name, size);
	if (choose(s, 2))
		try(truncate(name, size));
	else
		try(ftruncate(s->fd[choose(s, OPEN)], size));
}

/*
 * A server may keep a file that was removed while it was open under another
 * name in its directory, which then is not empty.
 */
static void settle(struct state *s, const char *dir)
{
	struct stat st;

	if (lstat(dir, &st) || !S_ISDIR(st.st_mode))
		return;
	for (int i = 0; i < OPEN; i++) {
		if (s->fd[i] >= 0)
			close(s->fd[i]);
		s->fd[i] = -1;
	}
	syncfs(s->top);
}

static void op_names(struct state *s)
{
	const char *a = choose_name(s), *b = choose_name(s);

	settle(s, b);
	switch (choose(s, 7)) {
	case 0:
		say("mkdir %s", a);
		try(mkdir(a, 0755));
		break;
	case 1:
		say("rmdir %s", b);
		try(rmdir(b));
		break;
	case 2:
		say("unlink %s", a);
		try(unlink(a));
		break;
	case 3:
		say("symlink %s", a);
		try(symlink("b", a));
		break;
	default:
		say("rename %s %s", a, b);
		try(rename(a, b));
	}
}

static void op_attrs(struct state *s)
{
	const char *name = choose_name(s);
	unsigned mode = 0600 | choose(s, 0100);
	struct timespec t[2] = { { choose(s, 1u << 30), choose(s, 999999999) },
				 { choose(s, 1u << 30), choose(s, 999999999) } };

	say("attributes of %s %o", name, mode);
	if (choose(s, 2))
		try(chmod(name, mode | 0100));
	else
		try(utimensat(AT_FDCWD, name, t, 0));
}

static void op_look(struct state *s)
{
	const char *name = choose_name(s);

	say_lstat(name);
	try(access(name, R_OK | W_OK));
	if (choose(s, 4) == 0)
		say_names(choose(s, 2) ? "." : "d");
}

static void op_sync(struct state *s)
{
	unsigned i = choose(s, OPEN);

	if (choose(s, 4))
		try(fsync(s->fd[i]));
	else
		try(fdatasync(s->fd[i]));
}

static void op_close(struct state *s)
{
	unsigned i = choose(s, OPEN);

	try(close(s->fd[i]));
	s->fd[i] = -1;
}

static void one(struct state *s)
{
	static void (*const ops[])(struct state *) = {
		op_open, op_open, op_open, op_write, op_write, op_write,
		op_read, op_cut, op_names, op_names, op_attrs, op_look,
		op_look, op_sync, op_close,
	};

	ops[choose(s, sizeof(ops) / sizeof(ops[0]))](s);
}

/* Everything, in the end. */
static void say_all(const char *dir)
{
	char path[600];
	struct dirent **list;
	int n = scandir(dir, &list, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
		free(list[i]);
		if (path[strlen(dir) + 1] == '.')
			continue;
		say_lstat(path);
		fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
		if (fd >= 0)
			say_fd(fd);
		close(fd);
		say_all(path);
	}
	if (n >= 0)
		free(list);
}

int main(int argc, char **argv)
{
	struct state s = { 0 };
	int count = argc == 4 ? atoi(argv[3]) : 0;

	if (!count || chdir(argv[1]))
		fail("usage: file_random DIR SEED COUNT");
	umask(022);
	s.random = strtoul(argv[2], NULL, 10);
	s.top = open(".", O_RDONLY);
	for (int i = 0; i < OPEN; i++)
		s.fd[i] = -1;
	for (int i = 0; i < count; i++)
		one(&s);
	say_all(".");
	for (int i = 0; i < OPEN; i++)
		if (s.fd[i] >= 0)
			close(s.fd[i]);
	return 0;
}
