/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "service/client.h"
#include "tools/callline.h"
#include "tools/fleet.h"
#include "tools/follow.h"
#include "tools/model.h"
#include "tools/session.h"
#include "tools/summary.h"
#include "tools/tool.h"

struct command {
	const char *name;
	pid_t monitor;		/* -p */
	pid_t pid;		/* operand: a guest, or a monitor */
	bool count, lines;
	const char *file;
	struct term term;
	struct summary summary;
	unsigned long lost;
};

static void on_signal(int signal)
{
	(void)signal;
	follow_stop();
}

static void catch_signals(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &sa, NULL);
}

static void take_record(void *ctx, char **field, int nfield)
{
	static const struct call_style style = { .parts = CALL_PARTS_ALL };
	struct command *c = ctx;
	struct call_line line;

	c->lost += call_line_lost(field, nfield);
	if (!call_line_parse(&line, field, nfield))
		return;
	if (c->count)
		summary_add(&c->summary, &line);
	if (c->lines)
		call_line_print(&c->term, &style, &line);
	if (ferror(c->term.out))
		follow_stop();
}

/* Where the operand is found among the monitors. */
struct search {
	struct command *c;
	pid_t found;
	size_t matches;
	char list[128];
};

static bool has_guest(const struct model *m, pid_t pid)
{
	const struct record_list *guests = &m->list[KIND_GUEST];

	for (size_t i = 0; i < guests->n; i++) {
		if (record_number(&guests->record[i], GUEST_PID) ==
		    (unsigned long)pid)
			return true;
	}
	return false;
}

static int search_one(void *ctx, int fd)
{
	struct search *s = ctx;
	struct model m = { 0 };
	size_t used = strlen(s->list);
	int status = model_fetch(s->c->name, fd, &m);

	if (status == TOOL_OK &&
	    (!s->c->pid || s->c->pid == m.monitor ||
	     has_guest(&m, s->c->pid))) {
		s->found = m.monitor;
		s->matches++;
		snprintf(s->list + used, sizeof(s->list) - used, " %d",
			 (int)m.monitor);
	}
	model_clear(&m);
	return status;
}

/* The one monitor that is meant. Return: exit status */
static int find_monitor(struct command *c)
{
	struct fleet fleet = { .name = c->name, .pid = c->monitor };
	struct search s = { .c = c };
	int status = fleet_each(&fleet, NULL, search_one, &s);

	if (s.matches == 1) {
		c->monitor = s.found;
		return TOOL_OK;
	}
	if (status != TOOL_OK)
		return status;
	if (s.matches > 1)
		tool_error(c->name, "several monitors are running, choose "
			   "one:%s", s.list);
	else if (c->pid)
		tool_error(c->name, "no guest and no monitor of yours has "
			   "the pid %d", (int)c->pid);
	else
		tool_error(c->name, "no view is running "
			   "(start one with umvu)");
	return c->pid ? TOOL_FAILED : TOOL_MISUSED;
}

static int follow(struct command *c)
{
	bool inside = !c->monitor && fleet_inside();
	int status = find_monitor(c);
	int fd;

	if (status != TOOL_OK)
		return status;
	fd = inside ? session_open(c->name, &status) :
		      session_open_outside(c->name, c->monitor);
	if (fd < 0)
		return inside ? status : TOOL_FAILED;
	if (c->pid == c->monitor)
		c->pid = 0;
	catch_signals();
	if (c->lines)
		call_line_heading(&c->term);
	status = follow_trace(c->name, fd, c->pid, take_record, c);
	if (c->count && status == TOOL_OK)
		summary_print(&c->summary, c->term.out);
	if (c->lost)
		tool_error(c->name, "%lu lines came too fast and were lost",
			   c->lost);
	summary_clear(&c->summary);
	close(fd);
	return status;
}

/* The output file, and the end of it; stdout is main's to check. */
static int follow_into_file(struct command *c)
{
	FILE *out = stdout;
	int status, failed;

	if (c->file) {
		out = fopen(c->file, "we");
		if (!out) {
			tool_error(c->name, "%s: %s", c->file,
				   strerror(errno));
			return TOOL_FAILED;
		}
	}
	setvbuf(out, NULL, _IOLBF, 0);
	c->term = term_open(out);
	status = follow(c);
	if (!c->file)
		return status;
	failed = ferror(out);
	if (fclose(out) == 0 && !failed)
		return status;
	tool_error(c->name, "%s: write error", c->file);
	return TOOL_FAILED;
}

static int take_pid(const char *name, const char *s, pid_t *pid)
{
	long n;

	if (tool_number(s, 1, 1 << 30, &n) < 0)
		return tool_misused(&tool_trace, name, "%s: not a pid", s);
	*pid = (pid_t)n;
	return TOOL_OK;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "summary", no_argument, NULL, 'c' },
		{ "both", no_argument, NULL, 'C' },
		{ "output", required_argument, NULL, 'o' },
		{ "pid", required_argument, NULL, 'p' },
		TOOL_COMMON_OPTIONS,
		{ NULL, 0, NULL, 0 }
	};
	struct command c = { .name = argv[0], .lines = true };
	int option, status = TOOL_OK;

	while (status == TOOL_OK &&
	       (option = getopt_long(argc, argv, "cCo:p:h", options,
				     NULL)) != -1) {
		switch (option) {
		case 'c': c.count = true; c.lines = false; break;
		case 'C': c.count = true; c.lines = true; break;
		case 'o': c.file = optarg; break;
		case 'p': status = take_pid(c.name, optarg, &c.monitor); break;
		default: return tool_option(&tool_trace, argv[0], option);
		}
	}
	if (status == TOOL_OK && argc - optind > 1)
		status = tool_misused(&tool_trace, argv[0],
				      "one process at a time");
	if (status == TOOL_OK && optind < argc)
		status = take_pid(c.name, argv[optind], &c.pid);
	return status == TOOL_OK ? follow_into_file(&c) : status;
}

const struct tool tool_trace = {
	.word = "trace",
	.help = "watch the calls of guests as they are answered",
	.usage = "[-c|-C] [-o FILE] [-p MONITOR] [PID]\n"
		 "\n"
		 "  PID                  only this guest (or all of this "
		 "monitor's)\n"
		 "  -c, --summary        no lines, counts at the end (or ^C)\n"
		 "  -C, --both           lines, and counts at the end\n"
		 "  -o, --output FILE    write there\n"
		 "  -p, --pid MONITOR    the monitor with this pid\n"
		 "  -h, --help           this text\n"
		 "      --version        version\n",
	.run = run,
};
