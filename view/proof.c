/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths that need no walk: the kernel's own, as a look at them proves. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <unistd.h>

#include "view/layered.h"
#include "view/walk.h"

enum proof walk_proves_native(const struct version *v, int dirfd, const char *path,
			bool nofollow)
{
	const char *p = path;
	int fd;

	while (*p) {
		size_t n = strcspn(p, "/");
		const char *next = p + n + strspn(p + n, "/");

		if ((n == 2 && p[0] == '.' && p[1] == '.') ||
		    (n && (!version_plain_name(v, p, n, !*next) ||
			   layered_touches(v, p, n))))
			return PROOF_NONE;
		p = next;
	}
	fd = openat2_path(dirfd, path, nofollow ? O_NOFOLLOW : 0,
			  RESOLVE_NO_SYMLINKS);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 || fd == -ENOENT)
		return PROOF_SEEN;
	/* a module may know better what may be searched */
	return fd == -ENOTDIR || fd == -ENAMETOOLONG ||
	       (fd == -EACCES && !v->own_access) ? PROOF_NATIVE : PROOF_NONE;
}
