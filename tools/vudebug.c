/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "service/tags.h"
#include "tools/colour.h"
#include "tools/model.h"
#include "tools/session.h"
#include "tools/term.h"
#include "tools/tool.h"
#include "tools/watch.h"

/* The parts of a trace line that tags choose for a command's; 0: none. */
static const unsigned tag_parts[TAG_MAX] = {
	[TAG_ACTION] = 1u << PART_RESULT,
	[TAG_CHOICE] = 1u << PART_VERDICT,
	[TAG_DESCRIPTOR] = 1u << PART_RESULT,
	[TAG_MODULE] = 1u << PART_VERDICT,
	[TAG_PATH] = 1u << PART_DETAIL,
	[TAG_SYSCALL] = CALL_PARTS_ALL,
};

/* One operand, taken apart. */
struct spec {
	char sign;		/* + - ? */
	char tags[64];		/* letters, may be none */
	char colour[32];	/* SGR parameters, or "" */
};

static int parse_spec(const char *s, struct spec *spec)
{
	size_t len;

	spec->sign = '+';
	if (*s && strchr("+-?", *s))
		spec->sign = *s++;
	len = strcspn(s, ":");
	if (len >= sizeof(spec->tags))
		return -E2BIG;
	memcpy(spec->tags, s, len);
	spec->tags[len] = '\0';
	return colour_parse(s[len] ? s + len + 1 : "", spec->colour,
			    sizeof(spec->colour));
}

/* What the lines of a tag request are printed for. */
struct listing {
	struct term term;
	bool enabled_only;
};

static void print_tag(void *ctx, char **field, int nfield)
{
	struct listing *l = ctx;
	bool on = nfield > 3 && strcmp(field[3], "on") == 0;

	if (nfield < 4 || strcmp(field[0], "tag") != 0 ||
	    (l->enabled_only && !on))
		return;
	term_shaded(&l->term, SHADE_NAME, field[1]);
	putchar(' ');
	term_safe(&l->term, field[2]);
	printf("%*s", (int)(strlen(field[2]) < 10 ?
			    10 - strlen(field[2]) : 0), "");
	term_shaded(&l->term, on ? SHADE_GOOD : SHADE_DIM, field[3]);
	if (nfield > 4) {
		fputs(on ? "   " : "  ", stdout);
		term_safe(&l->term, field[4]);
	}
	putchar('\n');
}

static int ask(const char *name, int fd, const char *tags, bool show)
{
	struct listing l = {
		.term = term_open(stdout),
		.enabled_only = tags[0] == '\0',
	};
	struct session_request req = {
		.word = { "debug", tags },
		.record = show ? print_tag : NULL,
		.ctx = &l,
	};

	return session_ask(name, fd, &req);
}

static int set_tags(const char *name, int fd, int n, char **operand)
{
	struct spec spec;
	char tags[sizeof(spec.tags) + 2];
	int status = TOOL_OK;

	if (!n)
		return ask(name, fd, "", true);
	for (int i = 0; i < n; i++) {
		parse_spec(operand[i], &spec);
		snprintf(tags, sizeof(tags), "%c%s", spec.sign, spec.tags);
		if (ask(name, fd, tags, spec.sign == '?') != TOOL_OK)
			status = TOOL_FAILED;
	}
	return status;
}

/* What s colours is the whole line, where no other tag has coloured it. */
static void add_colour(struct call_style *style, enum tag tag,
		       const char *colour)
{
	for (int part = 0; part < PART_MAX; part++) {
		if (colour[0] && (tag_parts[tag] & 1u << part) &&
		    (tag != TAG_SYSCALL || !style->colour[part]))
			style->colour[part] = colour;
	}
}

static void apply_spec(struct call_style *style, const struct spec *spec)
{
	for (const char *letter = spec->tags; *letter; letter++) {
		enum tag tag = tag_find(*letter);

		if (spec->sign == '-') {
			style->parts &= ~tag_parts[tag];
			continue;
		}
		style->parts |= tag_parts[tag];
		add_colour(style, tag, spec->colour);
	}
}

/* Return: TOOL_OK, or TOOL_MISUSED having complained */
static int check_parts(const char *name, const struct spec *spec)
{
	for (const char *letter = spec->tags; *letter; letter++) {
		int tag = tag_find(*letter);

		if (tag < 0)
			return tool_misused(&tool_debug, name,
					    "%c: no such tag", *letter);
		if (!tag_parts[tag])
			return tool_misused(&tool_debug, name, "%c: chooses "
					    "nothing of a command's lines",
					    *letter);
	}
	return TOOL_OK;
}

static int watch(const char *name, int fd, int n, char **operand,
		 char **command)
{
	static struct spec spec[32];
	struct call_style style = { 0 };
	int status;

	if (n > (int)(sizeof(spec) / sizeof(spec[0])))
		return tool_misused(&tool_debug, name, "too many tags");
	for (int i = 0; i < n; i++) {
		parse_spec(operand[i], &spec[i]);
		status = check_parts(name, &spec[i]);
		if (status != TOOL_OK)
			return status;
		apply_spec(&style, &spec[i]);
	}
	if (!style.parts)
		style.parts = CALL_PARTS_ALL;
	return watch_command(name, fd, &style, command);
}

static int check(const char *name, int n, char **operand)
{
	struct spec spec;

	for (int i = 0; i < n; i++) {
		if (parse_spec(operand[i], &spec) < 0)
			return tool_misused(&tool_debug, name,
					    "%s: not tags and a colour",
					    operand[i]);
	}
	return TOOL_OK;
}

/* Tags begin with a dash as options do: the options are looked for by hand. */
static int common_option(const char *name, const char *s)
{
	if (strcmp(s, "-h") == 0 || strcmp(s, "--help") == 0)
		return tool_option(&tool_debug, name, 'h');
	if (strcmp(s, "--version") == 0)
		return tool_option(&tool_debug, name, TOOL_OPTION_VERSION);
	if (strncmp(s, "--", 2) == 0)
		return tool_misused(&tool_debug, name, "%s: unknown option",
				    s);
	return -1;
}

static int run(int argc, char **argv)
{
	int n = 1, status, fd;

	for (; n < argc && strcmp(argv[n], "--") != 0; n++) {
		status = common_option(argv[0], argv[n]);
		if (status >= 0)
			return status;
	}
	status = check(argv[0], n - 1, argv + 1);
	if (status == TOOL_OK && n < argc && n + 1 == argc)
		status = tool_misused(&tool_debug, argv[0],
				      "a command is needed behind --");
	if (status != TOOL_OK)
		return status;
	fd = session_open(argv[0], &status);
	if (fd < 0)
		return status;
	if (n < argc)
		status = watch(argv[0], fd, n - 1, argv + 1, argv + n + 1);
	else
		status = set_tags(argv[0], fd, n - 1, argv + 1);
	close(fd);
	return status;
}

const struct tool tool_debug = {
	.word = "debug",
	.program = "vudebug",
	.help = "choose what the monitor logs, or watch one command",
	.usage = "[+|-|?][TAGS][:COLOUR]... [-- COMMAND [ARGUMENT]...]\n"
		 "       without operands: the tags that are on\n"
		 "\n"
		 "  +TAGS          switch these on (the sign may be left out)\n"
		 "  -TAGS          switch these off; - alone: all\n"
		 "  ?TAGS          tell about these; ? alone: about all\n"
		 "  :COLOUR        letters nwrgbcmy text, NWRGBCMY ground,\n"
		 "                 + bold, - dim, _ underlined, * blinking,\n"
		 "                 # reversed; for a command's trace\n"
		 "  -- COMMAND     run it, its calls on stderr: s the whole\n"
		 "                 line, c or m the verdict, p the path,\n"
		 "                 a or d the result\n"
		 "  -h, --help     this text\n"
		 "      --version  version\n",
	.run = run,
};
