/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/session.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "service/client.h"
#include "tools/tool.h"

int session_open(const char *name, int *status)
{
	int fd = service_inside();

	if (fd >= 0)
		return fd;
	/* Some sandboxes answer EPERM for a number they do not know. */
	if (fd == -ENOSYS || fd == -EPERM) {
		tool_error(name, "works only inside a view "
			   "(start one with umvu)");
		*status = TOOL_MISUSED;
		return -1;
	}
	tool_error(name, "cannot reach the monitor: %s", strerror(-fd));
	*status = TOOL_FAILED;
	return -1;
}

int session_open_outside(const char *name, pid_t pid)
{
	int fd = service_outside(pid);

	if (fd >= 0)
		return fd;
	if (fd == -ENOENT || fd == -ECONNREFUSED)
		tool_error(name, "no monitor of yours has the pid %d",
			   (int)pid);
	else
		tool_error(name, "cannot reach the monitor %d: %s",
			   (int)pid, strerror(-fd));
	return -1;
}

static int request(int fd, const struct session_request *req,
		   char *message, size_t size)
{
	size_t max = sizeof(req->word) / sizeof(req->word[0]);
	size_t argc = 0;

	while (argc < max && req->word[argc])
		argc++;
	message[0] = '\0';
	return service_request(fd, req->word, (int)argc, req->record,
			       req->ctx, message, size);
}

int session_try(int fd, const struct session_request *req)
{
	char message[512];

	return request(fd, req, message, sizeof(message));
}

int session_ask(const char *name, int fd, const struct session_request *req)
{
	char message[512];
	int err = request(fd, req, message, sizeof(message));

	if (!err)
		return TOOL_OK;
	tool_error(name, "%s", message[0] ? message : strerror(-err));
	return TOOL_FAILED;
}

int session_each(const char *name, const char *verb, const char *flags,
		 char **operand)
{
	int status = TOOL_OK;
	int fd = session_open(name, &status);

	if (fd < 0)
		return status;
	for (; *operand; operand++) {
		struct session_request req = {
			.word = { verb, *operand, flags },
		};

		if (session_ask(name, fd, &req) != TOOL_OK)
			status = TOOL_FAILED;
	}
	close(fd);
	return status;
}
