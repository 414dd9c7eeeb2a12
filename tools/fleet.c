/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/fleet.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "service/client.h"
#include "tools/session.h"
#include "tools/tool.h"

#define MONITORS_MAX 1024

bool fleet_inside(void)
{
	int fd = service_inside();

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* A monitor may have ended since it was listed: then it is not there. */
static bool is_gone(int err)
{
	return err == -ENOENT || err == -ECONNREFUSED || err == -ESRCH;
}

static int visit_all(const struct fleet *f, size_t *found,
		     int (*visit)(void *ctx, int fd), void *ctx)
{
	static pid_t pid[MONITORS_MAX];
	size_t n = service_monitors(pid, MONITORS_MAX);
	int status = TOOL_OK;

	for (size_t i = 0; i < n; i++) {
		int fd = service_outside(pid[i]);

		if (is_gone(fd))
			continue;
		if (fd < 0) {
			tool_error(f->name, "cannot reach the monitor %d: %s",
				   (int)pid[i], strerror(-fd));
			status = TOOL_FAILED;
			continue;
		}
		++*found;
		service_soon(fd);
		if (visit(ctx, fd) != TOOL_OK) {
			tool_error(f->name, "nothing can be told of the "
				   "monitor %d", (int)pid[i]);
			status = TOOL_FAILED;
		}
		close(fd);
	}
	return status;
}

int fleet_each(const struct fleet *f, size_t *found,
	       int (*visit)(void *ctx, int fd), void *ctx)
{
	size_t ignored;
	int fd, status;

	if (!found)
		found = &ignored;
	*found = 0;
	if (f->pid) {
		fd = session_open_outside(f->name, f->pid);
		if (fd < 0)
			return TOOL_FAILED;
	} else {
		fd = f->all ? -1 : service_inside();
		if (fd < 0)
			return visit_all(f, found, visit, ctx);
	}
	*found = 1;
	status = visit(ctx, fd);
	close(fd);
	return status;
}
