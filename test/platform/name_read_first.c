/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A call that tells of a name has read the name, to its end, when it succeeds
 * and when its error is about what is there: whatever else is wrong, a name
 * that cannot be read gives none of these errors.
 */
#include <sys/mman.h>
#include <sys/xattr.h>
#include "test/lib.h"

static void look(const char *what, long ret)
{
	if (ret >= 0 || errno == ENOENT || errno == ENOTDIR || errno == EACCES)
		fail("%s: %ld, %s", what, ret, ret < 0 ? error_name(errno) : "");
}

#define none(call) look(#call, (long)(call))

static void with(const char *bad)
{
	struct statx x;
	struct stat st;
	char buf[8];

	none(syscall(SYS_stat, bad, &st));
	none(syscall(SYS_lstat, bad, &st));
	none(syscall(SYS_stat, bad, bad));
	for (int fd = -100; fd < 3; fd += fd == -100 ? 99 : 1) {
		none(syscall(SYS_newfstatat, fd, bad, &st, 0));
		none(syscall(SYS_newfstatat, fd, bad, &st, AT_SYMLINK_NOFOLLOW));
		none(syscall(SYS_newfstatat, fd, bad, bad, AT_NO_AUTOMOUNT));
		none(syscall(SYS_statx, fd, bad, 0, STATX_BASIC_STATS, &x));
		none(syscall(SYS_statx, fd, bad, 0, -1, &x));
		none(syscall(SYS_readlinkat, fd, bad, buf, sizeof(buf)));
		none(syscall(SYS_readlinkat, fd, bad, bad, sizeof(buf)));
	}
	none(syscall(SYS_readlink, bad, buf, sizeof(buf)));
	/* EINVAL of readlink() is about what is there, if it has room */
	if (readlink(bad, buf, sizeof(buf)) >= 0 || errno == EINVAL)
		fail("readlink: EINVAL");
	if (readlink(bad, buf, 0) >= 0 || errno != EINVAL)
		fail("readlink: not EINVAL");
}

int main(void)
{
	char *tail = tail_alloc(5);

	memset(tail, 'x', 5);		/* without an end */
	with(tail);
	with(bad_pointer());
	with(mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	return 0;
}
