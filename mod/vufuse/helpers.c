/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mount(8) executes mount.TYPE, if there is one, for a type that the kernel
 * does not mount by itself; it looks for that in /sbin, and then in two
 * directories that are usually not there. One of these is put into the view:
 * in it are links to vumount by the name of each type that vumount may start
 * a server for. Which types there are is vumount's affair (fuse.types may
 * have grown since); so every name of that form is there, and none is listed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static bool is_helper(const char *name)
{
	static const char *const prefix[] = { "mount.vufuse", "mount.umfuse" };

	if (strchr(name, '/'))
		return false;
	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++) {
		size_t len = strlen(prefix[i]);

		if (!strncmp(name, prefix[i], len) && name[len])
			return true;
	}
	return false;
}

int helpers_lookup(const char *path, struct vu_node *node)
{
	if (*path && !is_helper(path))
		return -ENOENT;
	node->kind = VU_NODE_MADE;
	node->attr.st_mode = *path ? S_IFLNK | 0777 : S_IFDIR | 0755;
	return 0;
}

ssize_t helpers_readlink(char *buf, size_t size)
{
	char path[PATH_MAX];
	int err = helpers_program("vumount", path, sizeof(path));
	size_t len;

	if (err)
		return err;
	len = strnlen(path, size);
	memcpy(buf, path, len);
	return len;
}
