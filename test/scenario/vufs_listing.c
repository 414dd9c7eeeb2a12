/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A directory in which mounts have made names and hidden others: all of it
 * is listed once, by any buffer, from any position, by getdents64 and
 * getdents, and by a process that has inherited it half read.
 */
#include "test/scenario/limits.h"

enum { NAMES = 300, REAL = 40 };

struct dirent_kernel {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

struct dirent_old {
	unsigned long ino, off;
	unsigned short reclen;
	char name[];
};

static int hide(const char *name)
{
	char *const argv[] = { "vumount", "-t", "vufs", "-o", "hide", "none",
			       (char *)name, NULL };

	return run_tool(argv);
}

/* Is it one of the names that must be there? Counts it. */
static void count(int seen[], const char *name)
{
	char kind;
	int i;

	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return;
	if (sscanf(name, "%c%d", &kind, &i) != 2 || i < 0 || i >= NAMES ||
	    (kind != 'm' && kind != 'r') || (kind == 'r' && i % 4 == 3))
		fail("a name that should not be seen: %s", name);
	seen[kind == 'm' ? i : NAMES + i]++;
}

static void expect_all(const char *how, const int seen[])
{
	for (int i = 0; i < NAMES; i++)
		if (seen[i] != 1)
			fail("%s: m%d was listed %d times", how, i, seen[i]);
	for (int i = 0; i < REAL; i++)
		if (seen[NAMES + i] != (i % 4 != 3))
			fail("%s: r%d was listed %d times", how, i,
			     seen[NAMES + i]);
}

static void by_buffer(size_t size)
{
	int seen[2 * NAMES] = { 0 }, fd = open("d", O_RDONLY | O_CLOEXEC);
	char *buf = tail_alloc(size), how[32];
	int64_t last = 0;
	long got;

	while ((got = syscall(SYS_getdents64, fd, buf, size)) > 0)
		for (long at = 0; at < got; ) {
			struct dirent_kernel *d = (void *)(buf + at);

			expect(d->ino && d->reclen && at + d->reclen <= got);
			if (!d->off || d->off == last) fail("%s: offset %lx after %lx", d->name, (long)d->off, (long)last);
			last = d->off;
			count(seen, d->name);
			at += d->reclen;
		}
	snprintf(how, sizeof(how), "by %zu bytes", size);
	expect(got == 0);
	expect_all(how, seen);
	close(fd);
}

static void by_old_call(size_t size)
{
	int seen[2 * NAMES] = { 0 }, fd = open("d", O_RDONLY | O_CLOEXEC);
	char *buf = tail_alloc(size);
	long got;

	while ((got = syscall(SYS_getdents, fd, buf, size)) > 0)
		for (long at = 0; at < got; ) {
			struct dirent_old *d = (void *)(buf + at);

			count(seen, d->name);
			expect(buf[at + d->reclen - 1] ==
			       (d->name[0] == '.' || d->name[0] == 'm' ?
				DT_DIR : DT_REG));
			at += d->reclen;
		}
	expect(got == 0);
	expect_all("getdents", seen);
	close(fd);
}

/* Every position leads to the rest of the names, whatever was read since. */
static void positions(void)
{
	long at[2 * NAMES];
	char *name[2 * NAMES];
	struct dirent *e;
	DIR *d = opendir("d");
	int n = 0;

	for (;;) {
		at[n] = telldir(d);
		e = readdir(d);
		if (!e)
			break;
		name[n++] = strdup(e->d_name);
	}
	expect(n == NAMES + REAL - REAL / 4 + 2);
	for (int i = n - 1; i >= 0; i--) {
		seekdir(d, at[i]);
		e = readdir(d);
		if (!e || strcmp(e->d_name, name[i]))
			fail("after seekdir: %s, not %s",
			     e ? e->d_name : "the end", name[i]);
	}
	rewinddir(d);
	for (int i = 0; i < n; i++) {
		e = readdir(d);
		expect(e && !strcmp(e->d_name, name[i]));
	}
	expect(!readdir(d));
	closedir(d);
}

/* A child goes on where its parent was, and the parent where it has left. */
static void shared(void)
{
	int seen[2 * NAMES] = { 0 }, fd = open("d", O_RDONLY | O_CLOEXEC);
	int other = dup(fd), pipe_fd[2];
	char buf[1024];
	long got;
	pid_t pid;

	expect(!pipe(pipe_fd));
	for (int turn = 0; ; turn++) {
		pid = turn % 2 ? fork() : 0;
		if (!pid) {
			got = syscall(SYS_getdents64, turn % 3 ? fd : other, buf,
				      sizeof(buf));
			expect(write(pipe_fd[1], &got, sizeof(got)) > 0);
			if (got > 0)
				expect(write(pipe_fd[1], buf, got) == got);
			if (turn % 2)
				_exit(0);
		} else {
			expect(!wait_for(pid));
		}
		expect(read(pipe_fd[0], &got, sizeof(got)) == sizeof(got));
		if (got <= 0)
			break;
		expect(read(pipe_fd[0], buf, got) == got);
		for (long at = 0; at < got; ) {
			struct dirent_kernel *e = (void *)(buf + at);

			count(seen, e->name);
			at += e->reclen;
		}
	}
	expect(got == 0);
	expect_all("by turns", seen);
}

/* Too small for one name: EINVAL, and nothing is lost. */
static void too_small(void)
{
	int fd = open("d", O_RDONLY | O_CLOEXEC);
	char buf[64];

	expect(syscall(SYS_getdents64, fd, buf, 16) < 0 && errno == EINVAL);
	expect(syscall(SYS_getdents64, fd, buf, 0) < 0 && errno == EINVAL);
	expect(syscall(SYS_getdents64, fd, bad_pointer(), 64) < 0 &&
	       errno == EFAULT);
	close(fd);
}

static void inside(long many)
{
	static const size_t size[] = { 32, 40, 100, 512, 4096, 32768, 1 << 20 };
	char name[32];

	(void)many;
	make_dir("source", 0755);
	make_dir("d", 0755);
	for (int i = 0; i < REAL; i++) {
		snprintf(name, sizeof(name), "d/r%d", i);
		make_file(name, 0644, "");
		if (i % 4 == 3 && hide(name))
			fail_errno(name);
	}
	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "d/m%d", i);
		if (mount_vufs("source", name))
			fail_errno(name);
	}
	for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++)
		by_buffer(size[i]);
	by_old_call(64);
	by_old_call(32768);
	positions();
	shared();
	too_small();
}

int main(int argc, char **argv)
{
	return in_view(argc, argv, 0, 0, inside);
}
