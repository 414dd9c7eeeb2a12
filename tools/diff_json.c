/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include "tools/diff_show.h"
#include "tools/json.h"

static void put_side(struct json *j, const char *key, const struct stat *st)
{
	char mode[8];

	if (!st->st_mode)
		return;
	snprintf(mode, sizeof(mode), "%04o", (unsigned)st->st_mode & 07777);
	json_open(j, key, '{');
	json_string(j, "type", type_word(st->st_mode));
	json_string(j, "mode", mode);
	json_number(j, "uid", st->st_uid);
	json_number(j, "gid", st->st_gid);
	json_number(j, "size", st->st_size);
	json_number(j, "mtime", st->st_mtime);
	json_close(j, '}');
}

static void put_parts(struct json *j, unsigned parts)
{
	static const char *const words[] = {
		"content", "type", "owner", "mode", "xattrs", "times",
	};

	json_open(j, "parts", '[');
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (parts & 1u << i)
			json_string(j, NULL, words[i]);
	}
	json_close(j, ']');
}

static void put_path(struct json *j, const struct opened *o, const char *key,
		     const char *path)
{
	char *whole = opened_outside(o, path);

	json_string(j, key, whole);
	free(whole);
}

static void put_change(struct json *j, const struct opened *o,
		       const struct change *c)
{
	struct text_count n;

	json_open(j, NULL, '{');
	put_path(j, o, "path", c->path);
	json_string(j, "kind", change_word(c->kind));
	if (c->from)
		put_path(j, o, "from", c->from);
	if (c->before.st_mode && c->after.st_mode)
		put_parts(j, c->parts);
	put_side(j, "before", &c->before);
	put_side(j, "after", &c->after);
	if (c->objects) {
		json_number(j, "objects_gone", c->objects);
		json_number(j, "bytes_gone", c->bytes);
	}
	if (count_lines(o, c, &n)) {
		json_number(j, "lines_added", n.added);
		json_number(j, "lines_removed", n.removed);
	}
	json_close(j, '}');
}

static void put_counts(struct json *j, const struct changes *c)
{
	unsigned long n[CHANGE_KINDS] = { 0 }, more = 0, less = 0;

	for (size_t i = 0; i < c->n; i++) {
		n[c->list[i].kind]++;
		more += change_gains(&c->list[i]);
		less += change_loses(&c->list[i]);
	}
	json_open(j, "summary", '{');
	for (int k = 0; k < CHANGE_KINDS; k++)
		json_number(j, change_word(k), n[k]);
	json_number(j, "bytes_written", more);
	json_number(j, "bytes_gone", less);
	json_close(j, '}');
}

void changes_json(const struct opened *o, const struct changes *c, FILE *out)
{
	struct json j = { .out = out };

	json_open(&j, NULL, '{');
	json_string(&j, "store", o->path);
	json_string(&j, "target", o->target);
	json_open(&j, "changes", '[');
	for (size_t i = 0; i < c->n; i++)
		put_change(&j, o, &c->list[i]);
	json_close(&j, ']');
	put_counts(&j, c);
	json_close(&j, '}');
}
