/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "store/store.h"
#include "tools/commit.h"
#include "tools/diff_compare.h"
#include "tools/diff_show.h"
#include "tools/json.h"
#include "tools/stores_place.h"
#include "tools/term.h"
#include "tools/tool.h"

struct row {
	char *name, *target;
	const char *state;
	uint64_t objects, bytes;
	struct timespec begun;
};

struct rows {
	struct row *row;
	size_t n;
};

static const char *state_of(int fd)
{
	if (stores_in_use(fd))
		return "in use";
	return journal_exists(fd) ? "half committed" : "";
}

static char *target_of(int fd)
{
	struct store_message why;
	struct store *s;
	char *target;

	if (store_open(fd, fd, NULL, STORE_RDONLY, &s, &why))
		return tool_copy("?");
	target = tool_copy(store_target_name(s));
	store_close(s);
	return target;
}

static int add(void *arg, const struct stores_entry *e)
{
	struct rows *rows = arg;
	struct row row = { 0 };
	struct stat st;

	if (!stores_is_one(e->fd))
		return 0;
	if (fstatat(e->fd, ".vufs/format", &st, AT_SYMLINK_NOFOLLOW) == 0)
		row.begun = st.st_mtim;
	row.name = tool_copy(e->name);
	row.target = target_of(e->fd);
	row.state = state_of(e->fd);
	compare_count(e->fd, "", &row.objects, &row.bytes);
	rows->row = tool_resize(rows->row, rows->n + 1, sizeof(row));
	rows->row[rows->n++] = row;
	return 0;
}

/* --- as text ------------------------------------------------------------- */

/* "3 min", "5 h", "12 d" */
static void put_age(char *buf, size_t size, time_t since)
{
	long long s = time(NULL) - since;

	if (s < 0)
		s = 0;
	if (s < 100)
		snprintf(buf, size, "%lld s", s);
	else if (s < 100 * 60)
		snprintf(buf, size, "%lld min", s / 60);
	else if (s < 48 * 3600)
		snprintf(buf, size, "%lld h", s / 3600);
	else
		snprintf(buf, size, "%lld d", s / 86400);
}

static int name_width(const struct rows *rows)
{
	size_t most = 4;

	for (size_t i = 0; i < rows->n; i++) {
		size_t len = strlen(rows->row[i].name);

		most = len > most ? len : most;
	}
	return most > 48 ? 48 : (int)most;
}

static void put_row(const struct term *t, const struct row *r, int width)
{
	int pad = width - (int)strlen(r->name);
	char size[16], age[24];

	put_age(age, sizeof(age), r->begun.tv_sec);
	term_shaded(t, SHADE_NAME, r->name);
	printf("%*s  %6s  %7s  ", pad > 0 ? pad : 0, "",
	       size_text(size, r->bytes), age);
	term_safe(t, r->target);
	if (*r->state) {
		fputs("  ", stdout);
		term_shaded(t, SHADE_WARN, r->state);
	}
	putchar('\n');
}

static void put_table(const struct rows *rows)
{
	struct term term = term_open(stdout);
	int width = name_width(rows);

	if (!rows->n)
		return;
	printf("%-*s  %6s  %7s  TARGET\n", width, "NAME", "SIZE", "AGE");
	for (size_t i = 0; i < rows->n; i++)
		put_row(&term, &rows->row[i], width);
}

static void put_json(const struct rows *rows, const char *place)
{
	struct json j = { .out = stdout };

	json_open(&j, NULL, '{');
	json_string(&j, "place", place);
	json_open(&j, "stores", '[');
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->row[i];

		json_open(&j, NULL, '{');
		json_string(&j, "name", r->name);
		json_string(&j, "target", r->target);
		json_number(&j, "begun", r->begun.tv_sec);
		json_number(&j, "bytes", r->bytes);
		json_string(&j, "state", *r->state ? r->state : "idle");
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
}

static void free_rows(struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		free(rows->row[i].name);
		free(rows->row[i].target);
	}
	free(rows->row);
}

static int list(const char *name, bool json)
{
	struct rows rows = { 0 };
	char *place = stores_place();
	int err;

	if (!place) {
		tool_error(name, "there is no home directory to look in");
		return TOOL_FAILED;
	}
	err = stores_each(place, add, &rows);
	if (err)
		tool_error(name, "%s: %s", place, strerror(-err));
	else if (json)
		put_json(&rows, place);
	else
		put_table(&rows);
	free_rows(&rows);
	free(place);
	return err ? TOOL_FAILED : TOOL_OK;
}

static int run(int argc, char **argv)
{
	enum { OPTION_JSON = 0x100 };
	static const struct option options[] = {
		{ "json", no_argument, NULL, OPTION_JSON },
		TOOL_COMMON_OPTIONS,
		{ NULL, 0, NULL, 0 }
	};
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case OPTION_JSON: json = true; break;
		default: return tool_option(&tool_stores, argv[0], option);
		}
	}
	if (optind < argc)
		return tool_misused(&tool_stores, argv[0],
				    "%s: no operand is expected",
				    argv[optind]);
	return list(argv[0], json);
}

const struct tool tool_stores = {
	.word = "stores",
	.help = "list the stores that vu try has left",
	.usage = "[--json]\n"
		 "\n"
		 "      --json     for programs\n"
		 "  -h, --help     this text\n"
		 "      --version  version\n",
	.run = run,
};
