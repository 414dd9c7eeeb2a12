/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be read or opened without a child. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "tools/probe.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

/* The oldest kernel that can answer a call with a descriptor at once. */
enum { FLOOR_MAJOR = 5, FLOOR_MINOR = 14 };

int probe_kernel(struct probe_note *note)
{
	struct utsname u;
	int major = 0, minor = 0;

	if (uname(&u) < 0)
		return -errno;
	probe_say(note, "%s, %s", u.release, u.machine);
	if (sscanf(u.release, "%d.%d", &major, &minor) != 2)
		return -EPROTO;
	if (major < FLOOR_MAJOR ||
	    (major == FLOOR_MAJOR && minor < FLOOR_MINOR))
		return -ENOSYS;
	return 0;
}

/* 1 allows what is a descendant, and guests are; 3 forbids everything. */
int probe_yama(struct probe_note *note)
{
	FILE *f = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	int scope = 0;

	if (!f) {
		probe_say(note, "no Yama here");
		return errno == ENOENT ? 0 : -errno;
	}
	if (fscanf(f, "%d", &scope) != 1)
		scope = 0;
	fclose(f);
	probe_say(note, "ptrace_scope is %d", scope);
	if (scope >= 3 || (scope == 2 && geteuid() != 0))
		return -EPERM;
	return 0;
}

int probe_children_file(struct probe_note *note)
{
	char path[64];

	(void)note;
	snprintf(path, sizeof(path), "/proc/self/task/%d/children",
		 (int)gettid());
	return access(path, R_OK) == 0 ? 0 : -errno;
}

/* Looked at, not made: that is the monitor's affair. */
int probe_runtime_directory(struct probe_note *note)
{
	const char *path = getenv("XDG_RUNTIME_DIR");
	struct stat st;

	if (!path || path[0] != '/') {
		probe_say(note, "XDG_RUNTIME_DIR is not set, /tmp serves");
		return access("/tmp", W_OK | X_OK) == 0 ? 0 : -errno;
	}
	probe_say(note, "%.80s", path);
	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (st.st_uid != geteuid())
		return -EPERM;
	return access(path, W_OK | X_OK) == 0 ? 0 : -errno;
}

int probe_fuse_device(struct probe_note *note)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	(void)note;
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* It is of use to an ordinary user only with its set-user-id bit. */
static int is_helper(const char *directory, size_t len)
{
	char path[256];
	struct stat st;

	if (snprintf(path, sizeof(path), "%.*s/fusermount3", (int)len,
		     directory) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (stat(path, &st) < 0)
		return -errno;
	if (geteuid() != 0 && (!(st.st_mode & S_ISUID) || st.st_uid != 0))
		return -EPERM;
	return 0;
}

int probe_fusermount(struct probe_note *note)
{
	const char *path = getenv("PATH");
	int err = -ENOENT;

	(void)note;
	while (path && *path) {
		size_t len = strcspn(path, ":");
		int one = is_helper(path, len);

		if (!one)
			return 0;
		if (one == -EPERM)
			err = one;
		path += len + (path[len] == ':');
	}
	return err;
}

/* A file in memory that may be executed (vm.memfd_noexec can forbid it). */
int probe_memfd(struct probe_note *note)
{
	int fd = memfd_create("vu", MFD_CLOEXEC | MFD_EXEC);
	int err = 0;

	(void)note;
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("vu", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0700) < 0)
		err = -errno;
	close(fd);
	return err;
}
