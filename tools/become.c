/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Being somebody else in a view. The monitor makes anyone root who asks
 * (VU_CALL_BECOME); from there the ordinary calls lead on.
 */
#include "tools/become.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "include/vu/msocket.h"
#include "lib/command.h"
#include "service/client.h"
#include "tools/tool.h"

/* "#123". Return: 1 it is a number, 0 a name, -1 neither */
static int numeric(const char *s, unsigned *id)
{
	long n;

	if (s[0] != '#')
		return 0;
	if (tool_number(s + 1, 0, 0xfffffffel, &n))
		return -1;
	*id = n;
	return 1;
}

static void fill(struct someone *out, const struct passwd *pw)
{
	snprintf(out->name, sizeof(out->name), "%s", pw->pw_name);
	snprintf(out->home, sizeof(out->home), "%s",
		 *pw->pw_dir ? pw->pw_dir : "/");
	snprintf(out->shell, sizeof(out->shell), "%s",
		 *pw->pw_shell ? pw->pw_shell : "/bin/sh");
	out->uid = pw->pw_uid;
	out->gid = pw->pw_gid;
}

int become_find(const char *tool, const char *who, struct someone *out)
{
	const struct passwd *pw = NULL;
	unsigned uid = 0;
	int is = numeric(who, &uid);

	if (is >= 0)
		pw = is ? getpwuid(uid) : getpwnam(who);
	if (pw) {
		fill(out, pw);
		return TOOL_OK;
	}
	if (is <= 0) {
		tool_error(tool, "%s: no such user", who);
		return TOOL_FAILED;
	}
	*out = (struct someone){
		.home = "/", .shell = "/bin/sh", .uid = uid, .gid = getgid(),
	};
	return TOOL_OK;
}

int become_find_group(const char *tool, const char *group, gid_t *gid)
{
	const struct group *gr = NULL;
	unsigned number = 0;
	int is = numeric(group, &number);

	if (!is)
		gr = getgrnam(group);
	if (is < 0 || (!is && !gr)) {
		tool_error(tool, "%s: no such group", group);
		return TOOL_FAILED;
	}
	*gid = gr ? gr->gr_gid : number;
	return TOOL_OK;
}

int become_in_view(void)
{
	int fd = service_inside();

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Return: 0 or -errno; message: the monitor's, or "" */
static int load(const char *module, char *message, size_t size)
{
	const char *word[] = { "insmod", module, "" };
	int fd = service_inside(), ret;

	message[0] = '\0';
	if (fd < 0)
		return fd;
	ret = service_request(fd, word, 3, NULL, NULL, message, size);
	close(fd);
	return ret == -EEXIST ? 0 : ret;
}

static int be_root(const char *tool)
{
	char message[512];
	int err;

	if (!syscall(VU_CALL_BECOME))
		return TOOL_OK;
	if (errno == ENODEV) {
		err = load("unrealuidgid", message, sizeof(message));
		if (!err)
			err = load("unrealcap", message, sizeof(message));
		if (err) {
			tool_error(tool, "%s", message[0] ? message :
				   strerror(-err));
			return TOOL_FAILED;
		}
		if (!syscall(VU_CALL_BECOME))
			return TOOL_OK;
	}
	if (errno == EPERM)
		tool_error(tool, "the view is root's: only root can be "
			   "somebody else in it");
	else
		tool_error(tool, "cannot be root here: %s", strerror(errno));
	return TOOL_FAILED;
}

int become(const char *tool, const struct someone *s, gid_t gid)
{
	int status = be_root(tool);

	if (status != TOOL_OK)
		return status;
	if ((*s->name ? initgroups(s->name, gid) : setgroups(1, &gid)) ||
	    setresgid(gid, gid, gid) || setresuid(s->uid, s->uid, s->uid)) {
		tool_error(tool, "cannot be %s: %s",
			   *s->name ? s->name : "that user", strerror(errno));
		return TOOL_FAILED;
	}
	return TOOL_OK;
}

int become_run(const char *tool, char **argv)
{
	int err = command_execute(argv);

	tool_error(tool, "%s: %s", argv[0], strerror(-err));
	return command_status(err);
}
