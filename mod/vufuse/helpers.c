/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mount(8) executes mount.TYPE, if there is one, for a type that the kernel
 * does not mount by itself; it looks for that in /sbin, and then in two
 * directories that are usually not there. One of these is put into the view:
 * in it are links to vumount by the name of each type that vumount may start
 * a server for. Which types there are is vumount's affair (fuse.types may
 * have grown since); so every name of that form is there, and none is listed.
 *
 * So does umount(8), by umount.TYPE. It works without, by umount2(2), unless a
 * sandbox around the view denies that: of two filters the one that denies wins
 * over ours, which notifies (test/platform/precedence.c). Then it is led to
 * vuumount.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "mod/vufuse/helpers.h"

const char *helpers_place(void)
{
	static const char *const place[] = { "/sbin/fs.d", "/sbin/fs" };

	for (size_t i = 0; i < sizeof(place) / sizeof(place[0]); i++)
		if (access(place[i], F_OK) && errno == ENOENT &&
		    !access("/sbin", X_OK))
			return place[i];
	return NULL;
}

/* They are beside the module: lib/vu/vufuse.so, bin/NAME. */
int helpers_program(const char *name, char *path, size_t size)
{
	char bin[PATH_MAX], real[PATH_MAX];
	const char *slash;
	Dl_info info;
	int n;

	if (!dladdr((void *)helpers_program, &info) ||
	    !(slash = strrchr(info.dli_fname, '/')))
		return -ENOENT;
	n = snprintf(bin, sizeof(bin), "%.*s/../../bin",
		     (int)(slash - info.dli_fname), info.dli_fname);
	if ((size_t)n >= sizeof(bin))
		return -ENAMETOOLONG;
	if (!realpath(bin, real))
		return -errno;
	n = snprintf(path, size, "%s/%s", real, name);
	return (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static bool begins(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

/* The kernel looks at the flags first, and does not know these. */
static bool umount_denied(void)
{
	return umount2(NULL, ~0) && errno == EPERM;
}

/* Which program of ours is it? NULL: none */
static const char *helper_for(const char *name)
{
	static const char *const prefix[] = { "mount.vufuse", "mount.umfuse" };

	if (strchr(name, '/'))
		return NULL;
	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++)
		if (begins(name, prefix[i]) && name[strlen(prefix[i])])
			return "vumount";
	return begins(name, "umount.fuse") && umount_denied() ? "vuumount" :
	       NULL;
}

int helpers_lookup(const char *path, struct vu_node *node)
{
	if (*path && !helper_for(path))
		return -ENOENT;
	node->kind = VU_NODE_MADE;
	node->attr.st_mode = *path ? S_IFLNK | 0777 : S_IFDIR | 0755;
	return 0;
}

ssize_t helpers_readlink(const char *path, char *buf, size_t size)
{
	const char *name = helper_for(path);
	char program[PATH_MAX];
	int err = name ? helpers_program(name, program, sizeof(program)) :
		  -EINVAL;
	size_t len;

	if (err)
		return err;
	len = strnlen(program, size);
	memcpy(buf, program, len);
	return len;
}
