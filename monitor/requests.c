/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs of service/protocol.md, one row each.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/proc.h"
#include "monitor/records.h"
#include "monitor/requests.h"
#include "monitor/trace.h"
#include "monitor/umvu.h"

struct verb {
	const char *name;
	int min, max;		/* arguments */
	bool inside;		/* speaks for a process, or is refused */
	bool slow;
	int (*run)(struct request *rq);
};

/* Argument number i (from 1), "" when it was not given. */
static const char *argument(const struct request *rq, int i)
{
	return i < rq->nword ? rq->word[i] : "";
}

static int number(const char *text, unsigned long max, unsigned long *value)
{
	char *end;

	errno = 0;
	*value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || *value > max)
		return -EINVAL;
	return 0;
}

/* The result of a sys_ function; its message becomes the reply's text. */
static int finish(struct request *rq, int ret, const struct message *msg)
{
	if (ret && msg->text[0])
		strbuf_puts(&rq->text, msg->text);
	return ret;
}

static int run_version(struct request *rq)
{
	strbuf_printf(&rq->text, "view-os %s %d\n", UMVU_VERSION,
		      SERVICE_PROTOCOL);
	return 0;
}

static int run_info(struct request *rq)
{
	records_info(rq->room, rq->pid, &rq->text);
	return 0;
}

static int run_ls(struct request *rq)
{
	struct census c;

	census_take(&c, rq->room);
	records_info(rq->room, rq->pid, &rq->text);
	records_views(rq->room, &c, 0, &rq->text);
	records_mounts(rq->room, &rq->text);
	records_modules(rq->room, &rq->text);
	records_guests(&c, &rq->text);
	census_free(&c);
	return 0;
}

static int run_ps(struct request *rq)
{
	struct census c;

	census_take(&c, rq->room);
	records_views(rq->room, &c, 0, &rq->text);
	records_guests(&c, &rq->text);
	census_free(&c);
	return 0;
}

static int run_mount(struct request *rq)
{
	struct mount_request mount = {
		.type = rq->word[1], .source = rq->word[2],
		.target = rq->word[3], .options = rq->word[4],
	};
	struct message msg = { "" };

	if (number(rq->word[5], ~0ul, &mount.flags))
		return -EINVAL;
	return finish(rq, sys_mount(rq->room->sys, rq->pid, &mount, &msg),
		      &msg);
}

static int run_umount(struct request *rq)
{
	struct message msg = { "" };
	unsigned long flags;

	if (number(rq->word[2], 0x7fffffff, &flags))
		return -EINVAL;
	return finish(rq, sys_umount(rq->room->sys, rq->pid, rq->word[1],
				     flags, &msg), &msg);
}

static int run_insmod(struct request *rq)
{
	const char *flags = argument(rq, 2);
	struct message msg = { "" };

	if (*flags && strcmp(flags, "p"))
		return -EINVAL;
	return finish(rq, sys_insmod(rq->room->sys, rq->pid, rq->word[1],
				     *flags == 'p', &msg), &msg);
}

static int run_rmmod(struct request *rq)
{
	struct message msg = { "" };

	return finish(rq, sys_rmmod(rq->room->sys, rq->pid, rq->word[1],
				   &msg), &msg);
}

static int run_lsmod(struct request *rq)
{
	records_modules(rq->room, &rq->text);
	return 0;
}

static int run_name(struct request *rq)
{
	unsigned view = records_view_of(rq->room, rq->pid);
	char name[256] = "";
	int ret;

	if (rq->nword > 1) {
		if (!rq->pid)
			return -EPERM;
		return sys_set_view_name(rq->room->sys, view, rq->word[1]);
	}
	ret = sys_view_name(rq->room->sys, view, name, sizeof(name));
	if (ret)
		return ret;
	service_escape(&rq->text, name);
	strbuf_putc(&rq->text, '\n');
	return 0;
}

static int run_debug(struct request *rq)
{
	char bad = '\0';
	int ret = trace_debug(rq->room->trace, argument(rq, 1), &rq->text,
			      &bad);

	if (bad)
		strbuf_printf(&rq->text, "%c: no such tag", bad);
	return ret;
}

static int run_trace(struct request *rq)
{
	unsigned long n = 0;

	if (rq->nword == 3) {
		if (strcmp(rq->word[1], "view") ||
		    number(rq->word[2], ~0u, &n))
			return -EINVAL;
		rq->effect.stream_view = n;
	} else if (rq->nword == 2) {
		if (number(rq->word[1], 0x7fffffff, &n) || !n)
			return -EINVAL;
		if (!proc_is_descendant(rq->room->monitor, n))
			return -ESRCH;
		rq->effect.stream_pid = n;
	}
	rq->effect.stream = true;
	return 0;
}

static int run_newview(struct request *rq)
{
	struct census none = { 0 };
	unsigned id;
	int ret;

	ret = sys_newview(rq->room->sys, rq->pid, argument(rq, 1), &id);
	if (ret)
		return ret;
	rq->effect.opened = id;
	records_views(rq->room, &none, id, &rq->text);
	return 0;
}

static int run_leave(struct request *rq)
{
	rq->effect.leave = true;
	return 0;
}

/* Which of the caller's descendants serve mounts? */
static int run_servers(struct request *rq)
{
	pid_t *pid;
	size_t n = proc_descendants(rq->pid, &pid);
	bool *serves = calloc(n + 1, sizeof(*serves));

	if (!serves) {
		free(pid);
		return -ENOMEM;
	}
	strbuf_printf(&rq->text, "serving\t%d\n",
		      sys_servers(rq->room->sys, pid, n, serves));
	for (size_t i = 0; i < n; i++)
		if (serves[i])
			strbuf_printf(&rq->text, "server\t%d\n", pid[i]);
	free(serves);
	free(pid);
	return 0;
}

static int run_quit(struct request *rq)
{
	sys_quit_mounts(rq->pid);
	return 0;
}

static const struct verb verbs[] = {
	/* name		min max	inside	slow */
	{ "version",	0, 0,	false,	false,	run_version },
	{ "info",	0, 0,	false,	false,	run_info },
	{ "ls",		0, 0,	false,	true,	run_ls },
	{ "ps",		0, 0,	false,	true,	run_ps },
	{ "mount",	5, 5,	true,	true,	run_mount },
	{ "umount",	2, 2,	true,	true,	run_umount },
	{ "insmod",	1, 2,	true,	true,	run_insmod },
	{ "rmmod",	1, 1,	true,	true,	run_rmmod },
	{ "lsmod",	0, 0,	false,	false,	run_lsmod },
	{ "name",	0, 1,	false,	false,	run_name },
	{ "debug",	0, 1,	true,	false,	run_debug },
	{ "trace",	0, 2,	false,	false,	run_trace },
	{ "newview",	0, 1,	true,	true,	run_newview },
	{ "leave",	0, 0,	true,	false,	run_leave },
	{ "servers",	0, 0,	true,	true,	run_servers },
	{ "quit",	0, 0,	true,	true,	run_quit },
};

static const struct verb *find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	}
	return NULL;
}

static int refuse(struct request *rq, int status, const char *text)
{
	rq->status = status;
	strbuf_printf(&rq->text, "%s: %s", rq->word[0], text);
	return status;
}

int request_read(struct request *rq, size_t len)
{
	int n = service_parse(rq->packet, len, rq->word);

	if (n < 0)
		return -EINVAL;
	rq->nword = n;
	rq->verb = find(rq->word[0]);
	if (!rq->verb)
		return refuse(rq, -ENOSYS, "no such request");
	if (n - 1 < rq->verb->min || n - 1 > rq->verb->max)
		return -EINVAL;
	if (rq->verb->inside && !rq->pid)
		return refuse(rq, -EPERM, "only from inside the view");
	return 0;
}

bool request_is_slow(const struct request *rq)
{
	return rq->verb->slow;
}

void request_run(struct request *rq)
{
	rq->status = rq->verb->run(rq);
	if (rq->status && !rq->text.len)
		strbuf_printf(&rq->text, "%s: %s", rq->word[0],
			      strerror(-rq->status));
	if (rq->text.failed) {
		strbuf_clear(&rq->text);
		rq->status = -ENOMEM;
	}
}
