/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <ftw.h>
#include <stdarg.h>
#include <sys/mman.h>

#include "test/lib.h"

static void vline(const char *prefix, const char *fmt, va_list ap)
{
	char line[8192];
	int n = snprintf(line, sizeof(line), "%s", prefix);

	n += vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	for (int done = 0, w; done < n; done += w) {
		w = write(1, line + done, n - done);
		if (w <= 0)
			return;
	}
}

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vline("", fmt, ap);
	va_end(ap);
}

void skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vline("", fmt, ap);
	va_end(ap);
	_exit(77);
}

void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vline("failed: ", fmt, ap);
	va_end(ap);
	_exit(1);
}

void fail_errno(const char *what)
{
	fail("%s: %s", what, error_name(errno));
}

const char *error_name(int error)
{
	const char *name = strerrorname_np(error);

	return error == 0 ? "no error" : name ? name : "unknown error";
}

long result(const char *what, long ret)
{
	int error = errno;

	if (ret == -1)
		say("%s = -1 %s", what, error_name(error));
	else
		say("%s = %ld", what, ret);
	errno = error;
	return ret;
}

int result_fd(const char *what, int fd)
{
	if (fd < 0)
		return result(what, fd);
	say("%s = fd%s", what,
	    fcntl(fd, F_GETFD) & FD_CLOEXEC ? " cloexec" : "");
	return fd;
}

static const char *owner(unsigned id, unsigned mine)
{
	static char text[16];

	if (id == mine)
		return "mine";
	snprintf(text, sizeof(text), "%u", id);
	return text;
}

void say_stat(const char *what, const struct stat *st)
{
	char gid[16];

	snprintf(gid, sizeof(gid), "%s", owner(st->st_gid, getegid()));
	/* A directory's size and links belong to its file system. */
	if (S_ISDIR(st->st_mode))
		say("%s: mode %o uid %s gid %s", what, st->st_mode,
		    owner(st->st_uid, geteuid()), gid);
	else
		say("%s: mode %o links %lu uid %s gid %s size %lld", what,
		    st->st_mode, (unsigned long)st->st_nlink,
		    owner(st->st_uid, geteuid()), gid,
		    (long long)st->st_size);
}

void say_lstat(const char *path)
{
	struct stat st;

	errno = 0;
	if (lstat(path, &st) < 0)
		say("%.60s: %s", path, error_name(errno));
	else
		say_stat(path, &st);
}

void say_names(const char *path)
{
	struct dirent **list;
	int n = scandir(path, &list, NULL, alphasort);

	if (n < 0) {
		say("names in %s: %s", path, error_name(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		say("names in %s: %s type %d", path, list[i]->d_name,
		    list[i]->d_type);
		free(list[i]);
	}
	free(list);
}

void say_bytes(const char *what, const void *p, size_t len)
{
	const unsigned char *byte = p;
	char text[4096] = "";
	size_t n = 0;

	for (size_t i = 0; i < len && n < sizeof(text) - 4; i++)
		n += snprintf(text + n, sizeof(text) - n, "%02x", byte[i]);
	say("%s: %s", what, text);
}

void *tail_alloc(size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t room = (size + page - 1) / page * page;
	char *p = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || munmap(p + room, page) < 0 ||
	    mmap(p + room, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
		 MAP_FIXED, -1, 0) == MAP_FAILED)
		fail_errno("tail_alloc");
	return p + room - size;
}

char *tail_string(const char *s)
{
	size_t size = strlen(s) + 1;

	return memcpy(tail_alloc(size), s, size);
}

void *bad_pointer(void)
{
	static void *page;

	if (!page)
		page = mmap(NULL, 4096, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return page;
}

char *repeat(char c, size_t len)
{
	char *s = malloc(len + 1);

	if (!s)
		fail_errno("malloc");
	memset(s, c, len);
	s[len] = 0;
	return s;
}

int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			fail_errno("waitpid");
	return status;
}

static int say_status(const char *what, int status)
{
	if (WIFSIGNALED(status))
		say("%s: ended by signal %d", what, WTERMSIG(status));
	else
		say("%s: exit %d", what, WEXITSTATUS(status));
	return status;
}

int in_child_arg(const char *what, void (*f)(void *), void *arg)
{
	pid_t pid = fork();

	if (pid < 0)
		fail_errno("fork");
	if (!pid) {
		f(arg);
		_exit(0);
	}
	return say_status(what, wait_for(pid));
}

static void call_plain(void *arg)
{
	void (**f)(void) = arg;

	(*f)();
}

int in_child(const char *what, void (*f)(void))
{
	return in_child_arg(what, call_plain, &f);
}

void make_file(const char *path, mode_t mode, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	size_t len = strlen(text);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len ||
	    fchmod(fd, mode) < 0)
		fail("cannot make %s: %s", path, error_name(errno));
	close(fd);
}

void make_dir(const char *path, mode_t mode)
{
	if (mkdir(path, mode) < 0 || chmod(path, mode) < 0)
		fail("cannot make %s: %s", path, error_name(errno));
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

void remove_tree(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return;
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
		fail("cannot remove %s: %s", path, error_name(errno));
}
