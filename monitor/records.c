/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "lib/proc.h"
#include "lib/strbuf.h"
#include "monitor/records.h"
#include "monitor/requests.h"
#include "service/wire.h"
#include "sys/sys.h"

enum { COMMAND_MAX = 256 };

void census_take(struct census *c, const struct room *room)
{
	struct proc_stat st;
	unsigned view;
	pid_t *pid;
	size_t n, i;

	*c = (struct census){ 0 };
	n = proc_descendants(room->monitor, &pid);
	c->guest = calloc(n ? n : 1, sizeof(*c->guest));
	for (i = 0; c->guest && i < n; i++) {
		if (proc_stat(pid[i], &st) || st.state == 'Z')
			continue;
		view = sys_view_of(room->sys, pid[i]);
		if (view)
			c->guest[c->n++] =
				(struct census_guest){ pid[i], view };
	}
	free(pid);
}

void census_free(struct census *c)
{
	free(c->guest);
}

static size_t population(const struct census *c, unsigned view)
{
	size_t n = 0, i;

	for (i = 0; i < c->n; i++)
		n += c->guest[i].view == view;
	return n;
}

/* Fields one after the other: each ends in a TAB, the last in a newline. */
static void add_text(struct strbuf *out, const char *field, char end)
{
	service_escape(out, field);
	strbuf_putc(out, end);
}

struct writing {
	struct strbuf *out;
	const struct census *census;
	unsigned only;
	struct view_record found;
};

static void note_first(void *ctx, const struct view_record *v)
{
	struct writing *w = ctx;

	if (!w->found.id || v->id < w->found.id)
		w->found = *v;
}

static void note_only(void *ctx, const struct view_record *v)
{
	struct writing *w = ctx;

	if (v->id == w->only)
		w->found = *v;
}

unsigned records_view_of(const struct room *room, pid_t pid)
{
	struct writing w = { 0 };

	if (pid)
		return sys_view_of(room->sys, pid);
	sys_each_view(room->sys, note_first, &w);
	return w.found.id;
}

void records_info(const struct room *room, pid_t pid, struct strbuf *out)
{
	struct writing w = { .only = records_view_of(room, pid) };
	char name[256] = "";

	sys_each_view(room->sys, note_only, &w);
	sys_view_name(room->sys, w.only, name, sizeof(name));
	strbuf_printf(out, "info\t%d\t%u\t", (int)room->server, w.only);
	add_text(out, name, '\t');
	strbuf_printf(out, "%u\n", w.found.parent);
}

static void write_view(void *ctx, const struct view_record *v)
{
	struct writing *w = ctx;

	if (w->only && v->id != w->only)
		return;
	strbuf_printf(w->out, "view\t%u\t%u\t", v->id, v->parent);
	add_text(w->out, v->name ? v->name : "", '\t');
	strbuf_printf(w->out, "%zu\t%zu\n", population(w->census, v->id),
		      v->mounts);
}

void records_views(const struct room *room, const struct census *c,
		   unsigned only, struct strbuf *out)
{
	struct writing w = { .out = out, .census = c, .only = only };

	sys_each_view(room->sys, write_view, &w);
}

static void write_mount(void *ctx, const struct mount_record *m)
{
	struct strbuf *out = ctx;

	strbuf_printf(out, "mount\t%u\t%u\t%u\t", m->view, m->id, m->parent);
	add_text(out, m->type, '\t');
	add_text(out, m->source, '\t');
	add_text(out, m->target, '\t');
	add_text(out, m->options, '\t');
	add_text(out, m->module, '\t');
	strbuf_printf(out, "%d\n", m->busy);
}

void records_mounts(const struct room *room, struct strbuf *out)
{
	sys_each_mount(room->sys, write_mount, out);
}

static void write_module(void *ctx, const struct module_record *m)
{
	struct strbuf *out = ctx;

	strbuf_puts(out, "module\t");
	add_text(out, m->name, '\t');
	add_text(out, m->description, '\t');
	strbuf_printf(out, "%zu\t%s\n", m->mounts,
		      m->permanent ? "permanent" : "-");
}

void records_modules(const struct room *room, struct strbuf *out)
{
	sys_each_module(room->sys, write_module, out);
}

/* The command line with spaces; else, as ps has it, [name]. */
static void add_command(struct strbuf *out, pid_t pid, const char *name)
{
	char path[64], text[COMMAND_MAX];
	ssize_t n = 0, i;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	while (n > 0 && !text[n - 1])
		n--;
	if (n <= 0) {
		snprintf(text, sizeof(text), "[%s]", name);
	} else {
		text[n] = '\0';
		for (i = 0; i < n; i++) {
			if (!text[i])
				text[i] = ' ';
		}
	}
	add_text(out, text, '\n');
}

void records_guests(const struct census *c, struct strbuf *out)
{
	struct proc_stat st;
	size_t i;

	for (i = 0; i < c->n; i++) {
		if (proc_stat(c->guest[i].pid, &st))
			continue;
		strbuf_printf(out, "guest\t%u\t%d\t%d\t", c->guest[i].view,
			      (int)c->guest[i].pid, (int)st.parent);
		add_command(out, c->guest[i].pid, st.name);
	}
}
