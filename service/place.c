/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "service/place.h"

/* The directory the candidate lies in, and its name there. */
static int parent_and_name(unsigned i, uid_t uid, char *parent, char *name)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	snprintf(name, NAME_MAX, "vu");
	switch (i) {
	case 0:
		if (!runtime || runtime[0] != '/')
			return -ENOENT;
		snprintf(parent, PATH_MAX, "%s", runtime);
		return 0;
	case 1:
		snprintf(parent, PATH_MAX, "/run/user/%u", uid);
		return 0;
	default:
		snprintf(parent, PATH_MAX, "/tmp");
		snprintf(name, NAME_MAX, "vu-%u", uid);
		return 0;
	}
}

void service_place_text(unsigned i, uid_t uid, char *buf, size_t size)
{
	char parent[PATH_MAX], name[NAME_MAX];

	if (parent_and_name(i, uid, parent, name))
		snprintf(buf, size, "$XDG_RUNTIME_DIR");
	else
		snprintf(buf, size, "%s/%s", parent, name);
}

/* A run-time directory is the user's own; /tmp is everybody's. */
static int open_parent(const char *path, uid_t uid, bool own)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (own && (fstat(fd, &st) || st.st_uid != uid)) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

static int check(int fd, uid_t uid)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (st.st_uid != uid || (st.st_mode & 077))
		return -EPERM;
	return 0;
}

int service_place_open(unsigned i, uid_t uid, bool create)
{
	char parent[PATH_MAX], name[NAME_MAX];
	int top, fd, ret;

	ret = parent_and_name(i, uid, parent, name);
	if (ret)
		return ret;
	top = open_parent(parent, uid, i < SERVICE_PLACES - 1);
	if (top < 0)
		return top;
	if (create)
		mkdirat(top, name, 0700);
	fd = openat(top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	ret = fd < 0 ? -errno : check(fd, uid);
	close(top);
	if (!ret)
		return fd;
	if (fd >= 0)
		close(fd);
	return ret;
}

void service_place_name(char *name, size_t size, pid_t pid)
{
	snprintf(name, size, "%d.sock", (int)pid);
}

int service_place_address(struct sockaddr_un *addr, int dir, pid_t pid)
{
	char name[32];
	int n;

	service_place_name(name, sizeof(name), pid);
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = snprintf(addr->sun_path, sizeof(addr->sun_path),
		     "/proc/self/fd/%d/%s", dir, name);
	return n < (int)sizeof(addr->sun_path) ? 0 : -ENAMETOOLONG;
}
