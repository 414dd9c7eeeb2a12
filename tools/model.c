/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "tools/session.h"
#include "tools/tool.h"

static const char *const kind_name[] = {
	[KIND_INFO]	= "info",
	[KIND_VIEW]	= "view",
	[KIND_MOUNT]	= "mount",
	[KIND_MODULE]	= "module",
	[KIND_GUEST]	= "guest",
};
static_assert(sizeof(kind_name) / sizeof(kind_name[0]) == KIND_MAX,
	      "every kind has its word");

static int find_kind(const char *name)
{
	int kind = 0;

	while (kind < KIND_MAX && strcmp(kind_name[kind], name) != 0)
		kind++;
	return kind;
}

void model_record(void *ctx, char **field, int nfield)
{
	struct model *m = ctx;
	struct record_list *list;
	struct record *r;
	int kind;

	if (nfield < 1)
		return;
	kind = find_kind(field[0]);
	if (kind == KIND_MAX)
		return;
	list = &m->list[kind];
	list->record = tool_resize(list->record, list->n + 1,
				   sizeof(*list->record));
	r = &list->record[list->n++];
	r->nfield = nfield - 1;
	r->field = tool_resize(NULL, (size_t)nfield, sizeof(*r->field));
	for (int i = 0; i < r->nfield; i++)
		r->field[i] = tool_copy(field[i + 1]);
}

static void clear_list(struct record_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		for (int j = 0; j < list->record[i].nfield; j++)
			free(list->record[i].field[j]);
		free(list->record[i].field);
	}
	free(list->record);
	*list = (struct record_list){ 0 };
}

void model_clear(struct model *m)
{
	for (int kind = 0; kind < KIND_MAX; kind++)
		clear_list(&m->list[kind]);
	m->monitor = 0;
}

int model_fetch(const char *name, int fd, struct model *m)
{
	struct session_request req = {
		.word = { "ls" }, .record = model_record, .ctx = m,
	};
	const struct record_list *list = &m->list[KIND_INFO];

	if (session_ask(name, fd, &req) != TOOL_OK)
		return TOOL_FAILED;
	if (list->n)
		m->monitor = (pid_t)record_number(list->record, INFO_SERVER);
	return TOOL_OK;
}

const char *record_text(const struct record *r, int column)
{
	if (column >= r->nfield || strcmp(r->field[column], "-") == 0)
		return "";
	return r->field[column];
}

unsigned long record_number(const struct record *r, int column)
{
	return strtoul(record_text(r, column), NULL, 10);
}
