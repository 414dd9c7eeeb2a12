/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * Who has a file open is the kernel's secret, but it tells whether it would
 * grant a lease: one for reading when nobody has the file open for writing
 * (a shared writable mapping holds its file open), one for writing when
 * nobody else has it open at all, nor mapped, nor executed. The lease is
 * given back at once. For that our descriptor is open for reading only:
 * it would be a writer itself.
 *
 * An open that comes while we have the lease waits until we give it back; a
 * guest can make one behind our back, through its /proc/self/fd. (With
 * O_NONBLOCK it is refused with EWOULDBLOCK, in the microsecond that it takes.)
 * The holder of the lease is told by a signal, which would be SIGIO and end
 * us: it is changed, each time as it is reset with the lease, to one that is
 * ignored unless somebody asks for it.
 * Leases are the owner's, so the file is made, and its leases are asked for,
 * as ourselves.
 *
 * The mode of the file is what guests see, and what exec goes by. It may
 * forbid its owner (us, and not privileged) what the server has allowed,
 * for instance writing to the file that was just created with mode 0444. The
 * owner's permissions to read and write are then added for the duration of
 * the open; never that to execute.
 */
#include "mod/vufuse/memfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "mod/vufuse/identity.h"

#ifndef MFD_NOEXEC_SEAL		/* 6.3 */
#define MFD_NOEXEC_SEAL 0x0008U
#define MFD_EXEC 0x0010U
#endif

enum {
	NAME_MAX_MEMFD = 249,
	LINK_SIZE = 32,
	NOT_FOR_OPEN = O_CREAT | O_EXCL | O_TRUNC | O_NOFOLLOW,
};

static const char *link_of(int fd, char link[LINK_SIZE])
{
	snprintf(link, LINK_SIZE, "/proc/self/fd/%d", fd);
	return link;
}

/* --- as ourselves already --- */

/*
 * Executable, where the kernel asks; it may be told to refuse (vm.memfd_noexec
 * = 2): then files can be all but executed.
 */
static int create(const char *name)
{
	static const unsigned flags[] = { MFD_EXEC, 0, MFD_NOEXEC_SEAL };
	char part[NAME_MAX_MEMFD + 1];
	int fd = -1;

	snprintf(part, sizeof(part), "%s", name);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		fd = memfd_create(part, MFD_CLOEXEC | flags[i]);
		if (fd >= 0 || (errno != EINVAL && errno != EACCES))
			break;
	}
	return fd < 0 ? -errno : fd;
}

static int change_mode(int fd, mode_t mode)
{
	if (!fchmod(fd, mode & 07777))
		return 0;
	/* it was made so that it cannot be executed */
	if (errno == EPERM && mode & 0111 && !fchmod(fd, mode & 07666))
		return 0;
	return -errno;
}

static int reopen(int fd, int flags)
{
	char link[LINK_SIZE];
	int r = open(link_of(fd, link), flags);

	/* some kernels' memfd cannot do it: it is only a wish */
	if (r < 0 && errno == EINVAL && flags & O_DIRECT)
		r = open(link, flags & ~O_DIRECT);
	return r < 0 ? -errno : r;
}

static int cut(int fd, off_t size)
{
	char link[LINK_SIZE];

	return truncate(link_of(fd, link), size) ? -errno : 0;
}

/* Do it; if the mode forbids it, with another one. */
static int despite_mode(int fd, int (*f)(int fd, off_t arg), off_t arg)
{
	int r = f(fd, arg);
	struct stat st;

	if (r != -EACCES || fstat(fd, &st) ||
	    change_mode(fd, st.st_mode | 0600))
		return r;
	r = f(fd, arg);
	change_mode(fd, st.st_mode);
	return r;
}

static int open_flags(int fd, off_t flags)
{
	return reopen(fd, flags);
}

static int make(const char *name)
{
	int all = create(name), fd;

	if (all < 0)
		return all;
	/* that we read to store is no access: its time is the guests' */
	fd = change_mode(all, 0600) ?:
	     reopen(all, O_RDONLY | O_NOATIME | O_CLOEXEC);
	close(all);
	return fd;
}

static bool grants(int fd, int type)
{
	if (fcntl(fd, F_SETSIG, SIGURG) || fcntl(fd, F_SETLEASE, type))
		return false;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return true;
}

/* --- from outside --- */

int memfile_new(const char *name)
{
	struct identity was;
	int r;

	identity_ours(&was);
	r = make(name);
	identity_back(&was);
	return r;
}

int memfile_open(int fd, int flags)
{
	struct identity was;
	int r;

	identity_ours(&was);
	r = despite_mode(fd, open_flags, (flags & ~NOT_FOR_OPEN) | O_CLOEXEC);
	identity_back(&was);
	return r;
}

/* What goes past RLIMIT_FSIZE costs the process a signal, too. */
static bool too_large(off_t end)
{
	struct rlimit limit;

	return !getrlimit(RLIMIT_FSIZE, &limit) &&
	       limit.rlim_cur != RLIM_INFINITY &&
	       (rlim_t)end > limit.rlim_cur;
}

int memfile_resize(int fd, off_t size)
{
	struct identity was;
	int r;

	if (size < 0)
		return -EINVAL;
	if (too_large(size))
		return -EFBIG;
	identity_ours(&was);
	r = despite_mode(fd, cut, size);
	identity_back(&was);
	return r;
}

int memfile_write(int w, const void *buf, size_t len, off_t off)
{
	const char *at = buf;
	ssize_t n;

	if (too_large(off + (off_t)len))
		return -EFBIG;
	while (len) {
		n = pwrite(w, at, len, off);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENOSPC;
		at += n;
		off += n;
		len -= n;
	}
	return 0;
}

int memfile_mode(int fd, mode_t mode)
{
	struct identity was;
	int r;

	identity_ours(&was);
	r = change_mode(fd, mode);
	identity_back(&was);
	return r;
}

int memfile_times(int fd, const struct timespec times[2])
{
	struct identity was;
	int r;

	identity_ours(&was);
	r = futimens(fd, times) ? -errno : 0;
	identity_back(&was);
	return r;
}

static bool refuses(int fd, int type)
{
	struct identity was;
	bool r;

	identity_ours(&was);
	r = !grants(fd, type);
	identity_back(&was);
	return r;
}

bool memfile_opened(int fd)
{
	return refuses(fd, F_WRLCK);
}

bool memfile_writable(int fd)
{
	return refuses(fd, F_RDLCK);
}
