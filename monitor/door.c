/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "lib/log.h"
#include "monitor/door.h"
#include "monitor/umvu.h"
#include "service/place.h"

static int listen_in(int dir, pid_t pid)
{
	struct sockaddr_un addr;
	mode_t mask;
	char name[32];
	int fd, ret;

	ret = service_place_address(&addr, dir, pid);
	if (ret)
		return ret;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* The pid is ours: whatever has that name was left by the dead. */
	service_place_name(name, sizeof(name), pid);
	unlinkat(dir, name, 0);
	mask = umask(0177);
	ret = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	      listen(fd, 16) ? -errno : 0;
	umask(mask);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

void door_open(struct umvu *u)
{
	char text[PATH_MAX];
	int dir, fd = -ENOENT;
	unsigned i;

	for (i = 0; i < SERVICE_PLACES; i++) {
		dir = service_place_open(i, geteuid(), true);
		if (dir < 0) {
			service_place_text(i, geteuid(), text, sizeof(text));
			log_debug("no socket in %s: %s", text, strerror(-dir));
			continue;
		}
		fd = listen_in(dir, u->pid);
		if (fd >= 0) {
			u->listen = fd;
			u->place = dir;
			return;
		}
		close(dir);
	}
	log_info("no socket for the tools outside the view: %s", strerror(-fd));
}
