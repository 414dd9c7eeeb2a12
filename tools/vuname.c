/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "service/client.h"
#include "tools/model.h"
#include "tools/session.h"
#include "tools/term.h"
#include "tools/tool.h"

/* What can be printed, in the order it is printed in. */
enum item {
	ITEM_SYSNAME, ITEM_NODENAME, ITEM_RELEASE, ITEM_VERSION, ITEM_MACHINE,
	ITEM_PROCESSOR, ITEM_PLATFORM, ITEM_OS, ITEM_SERVER, ITEM_VIEW,
	ITEM_PROMPT, ITEM_MAX
};

#define BIT(item) (1u << (item))

/* As uname -a: what is unknown anyway is left out. */
#define ALL_ITEMS (BIT(ITEM_SYSNAME) | BIT(ITEM_NODENAME) | \
		   BIT(ITEM_RELEASE) | BIT(ITEM_VERSION) | \
		   BIT(ITEM_MACHINE) | BIT(ITEM_OS) | \
		   BIT(ITEM_SERVER) | BIT(ITEM_VIEW))
/* Only a view has these. */
#define VIEW_ITEMS (BIT(ITEM_SERVER) | BIT(ITEM_VIEW))

struct command {
	const char *name;
	unsigned items;
	bool all, no_uname, quiet;
};

/* The view this process is in; the first view has no parent. */
struct where {
	bool inside;
	unsigned long server, view, parent;
	char name[256];
};

static void take_info(void *ctx, char **field, int nfield)
{
	struct where *w = ctx;
	struct record r = { .field = field + 1, .nfield = nfield - 1 };

	if (nfield < 1 || strcmp(field[0], "info") != 0)
		return;
	w->inside = true;
	w->server = record_number(&r, INFO_SERVER);
	w->view = record_number(&r, INFO_VIEW);
	w->parent = record_number(&r, INFO_PARENT);
	snprintf(w->name, sizeof(w->name), "%s", record_text(&r, INFO_NAME));
}

static struct where find_where(void)
{
	struct where w = { 0 };
	struct session_request req = {
		.word = { "info" }, .record = take_info, .ctx = &w,
	};
	int fd = service_inside();

	if (fd < 0)
		return w;
	if (session_try(fd, &req) < 0)
		w.inside = false;
	close(fd);
	return w;
}

/*
 * A prompt: the view's name, else host[monitor], with the view's number
 * where one monitor has several.
 */
static void prompt(const struct where *w, const char *host, char *buf,
		   size_t size)
{
	if (!w->inside)
		snprintf(buf, size, "%s", host);
	else if (w->name[0])
		snprintf(buf, size, "%s", w->name);
	else if (w->parent)
		snprintf(buf, size, "%s[%lu.%lu]", host, w->server, w->view);
	else
		snprintf(buf, size, "%s[%lu]", host, w->server);
}

static void item_text(enum item item, const struct utsname *u,
		      const struct where *w, char *buf, size_t size)
{
	const char *s = "unknown";

	switch (item) {
	case ITEM_SYSNAME: s = u->sysname; break;
	case ITEM_NODENAME: s = u->nodename; break;
	case ITEM_RELEASE: s = u->release; break;
	case ITEM_VERSION: s = u->version; break;
	case ITEM_MACHINE: s = u->machine; break;
	case ITEM_OS: s = w->inside ? "GNU/Linux/VUOS" : "GNU/Linux"; break;
	case ITEM_VIEW: s = w->name; break;
	case ITEM_SERVER:
		snprintf(buf, size, "%lu", w->server);
		return;
	case ITEM_PROMPT:
		prompt(w, u->nodename, buf, size);
		return;
	default: break;
	}
	snprintf(buf, size, "%s", s);
}

static int refuse_outside(const struct command *c)
{
	int status = TOOL_MISUSED;
	int fd;

	if (c->quiet)
		return status;
	fd = session_open(c->name, &status);
	if (fd < 0)
		return status;
	close(fd);
	tool_error(c->name, "the monitor does not tell about this view");
	return TOOL_FAILED;
}

static int print_items(struct command *c)
{
	struct term term = term_open(stdout);
	struct where w = find_where();
	struct utsname u;
	char text[512];
	bool begun = false;

	if (!w.inside && c->all)
		c->items &= ~VIEW_ITEMS;
	if (!w.inside && (c->no_uname || (c->items & VIEW_ITEMS)))
		return refuse_outside(c);
	if (uname(&u) < 0) {
		tool_error(c->name, "uname: %s", strerror(errno));
		return TOOL_FAILED;
	}
	for (unsigned item = 0; item < ITEM_MAX; item++) {
		if (!(c->items & BIT(item)))
			continue;
		item_text(item, &u, &w, text, sizeof(text));
		if (c->all && !text[0])
			continue;
		if (begun)
			putchar(' ');
		term_safe(&term, text);
		begun = true;
	}
	putchar('\n');
	return TOOL_OK;
}

static int set_name(const struct command *c, const char *new_name)
{
	struct session_request req = { .word = { "name", new_name } };
	int status = TOOL_OK;
	int fd;

	fd = c->quiet ? service_inside() : session_open(c->name, &status);
	if (fd < 0)
		return c->quiet ? TOOL_MISUSED : status;
	if (!c->quiet)
		status = session_ask(c->name, fd, &req);
	else if (session_try(fd, &req) < 0)
		status = TOOL_FAILED;
	close(fd);
	return status;
}

static const struct option options[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "kernel-name", no_argument, NULL, 's' },
	{ "nodename", no_argument, NULL, 'n' },
	{ "kernel-release", no_argument, NULL, 'r' },
	{ "kernel-version", no_argument, NULL, 'v' },
	{ "machine", no_argument, NULL, 'm' },
	{ "processor", no_argument, NULL, 'p' },
	{ "hardware-platform", no_argument, NULL, 'i' },
	{ "operating-system", no_argument, NULL, 'o' },
	{ "serverid", no_argument, NULL, 'U' },
	{ "viewname", no_argument, NULL, 'V' },
	{ "name", no_argument, NULL, 'N' },
	{ "prompt", no_argument, NULL, 'P' },
	{ "no-uname", no_argument, NULL, 'x' },
	{ "quiet", no_argument, NULL, 'q' },
	TOOL_COMMON_OPTIONS,
	{ NULL, 0, NULL, 0 }
};

/* The letter of each item, in their order. */
static const char item_letter[] = "snrvmpioUVP";

/* Return: true when the option was one of ours */
static bool take_option(struct command *c, int option)
{
	const char *letter = strchr(item_letter, option == 'N' ? 'V' : option);

	if (option == 'a') {
		c->all = true;
		c->items |= ALL_ITEMS;
	} else if (option == 'x') {
		c->no_uname = true;
	} else if (option == 'q') {
		c->quiet = true;
	} else if (letter && option) {
		c->items |= BIT(letter - item_letter);
	} else {
		return false;
	}
	return true;
}

static int run(int argc, char **argv)
{
	struct command c = { .name = argv[0] };
	/* viewname -p was what vuname -P is. */
	bool old = strcmp(argv[0], "viewname") == 0;
	/* Called vuname it begins as uname does, else it is about the name. */
	bool like_uname = strcmp(argv[0], "vuname") == 0;
	int option;

	while ((option = getopt_long(argc, argv, "asnrvmpioUVNPxqh", options,
				     NULL)) != -1) {
		if (old && option == 'p')
			option = 'P';
		if (!take_option(&c, option))
			return tool_option(&tool_name, argv[0], option);
	}
	if (argc - optind > 1 || (optind < argc && c.items))
		return tool_misused(&tool_name, argv[0],
				    "one new name, and nothing to print");
	if (optind < argc)
		return set_name(&c, argv[optind]);
	if (!c.items)
		c.items = BIT(like_uname ? ITEM_SYSNAME : ITEM_VIEW);
	return print_items(&c);
}

const struct tool tool_name = {
	.word = "name",
	.program = "vuname",
	.alias = "viewname",
	.help = "tell the view's name and the system's, or name the view",
	.usage = "[-asnrvmpioUVNPxq]\n"
		 "       or, to name the view: [-q] NEWNAME\n"
		 "\n"
		 "  -a, --all                what uname -a prints, -U and -V\n"
		 "  -s, --kernel-name        (what vuname alone prints)\n"
		 "  -n, --nodename           -r, --kernel-release\n"
		 "  -v, --kernel-version     -m, --machine\n"
		 "  -p, --processor          -i, --hardware-platform\n"
		 "  -o, --operating-system   GNU/Linux/VUOS in a view\n"
		 "  -U, --serverid           pid of the monitor\n"
		 "  -V, -N, --viewname       name of the view (what vu name\n"
		 "                           alone prints)\n"
		 "  -P, --prompt             name for a shell's prompt\n"
		 "  -x, --no-uname           print nothing outside a view\n"
		 "  -q, --quiet              no message outside a view\n"
		 "  -h, --help               this text\n"
		 "      --version            version\n",
	.run = run,
};
