/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/log.h"
#include "lib/strbuf.h"
#include "monitor/trace.h"
#include "service/tags.h"
#include "service/wire.h"
#include "sys/sys.h"

enum { QUEUE_MAX = 4 << 20 };

/* A writer thread and its queue. */
struct writer {
	struct lines lines;
	int fd;
	bool running;
	atomic_bool ending;
	pthread_t thread;
};

struct trace {
	struct sys *sys;
	struct writer file;		/* -t */
	struct writer log;		/* vudebug */
	struct lines subscribers;
	atomic_int subscribed;
	atomic_uint tags;		/* bits of enum tag */
};

static bool is_any(const struct trace *t, const struct sys_trace *line)
{
	(void)t;
	return line;
}

static bool has_path(const struct trace *t, const struct sys_trace *line)
{
	(void)t;
	return line->detail;
}

static bool has_module(const struct trace *t, const struct sys_trace *line)
{
	(void)t;
	return line->module;
}

static bool has_descriptor(const struct trace *t, const struct sys_trace *line)
{
	(void)t;
	return !strcmp(line->verdict, "object");
}

static bool is_chosen(const struct trace *t, const struct sys_trace *line)
{
	(void)t;
	return strcmp(line->verdict, "native");
}

static bool is_action(const struct trace *t, const struct sys_trace *line)
{
	return is_chosen(t, line) && strcmp(line->verdict, "rewritten");
}

/* Views count from 1, the first one. */
static bool is_nested(const struct trace *t, const struct sys_trace *line)
{
	return sys_view_of(t->sys, line->tid) > 1;
}

/* Which calls are written to the log while a tag is on. */
static bool (*const tag_wants[])(const struct trace *t,
				 const struct sys_trace *line) = {
	[TAG_ACTION] = is_action,
	[TAG_CHOICE] = is_chosen,
	[TAG_DESCRIPTOR] = has_descriptor,
	[TAG_MODULE] = has_module,
	[TAG_NESTED] = is_nested,
	[TAG_PATH] = has_path,
	[TAG_SYSCALL] = is_any,
};

static_assert(sizeof(tag_wants) / sizeof(tag_wants[0]) == TAG_MAX,
	      "a tag without its lines");

static void write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(fd, data, len);
		if (n < 0 && errno == EAGAIN)
			poll(&(struct pollfd){ fd, POLLOUT, 0 }, 1, -1);
		else if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			data += n;
			len -= n;
		}
	}
}

static void *write_lines(void *arg)
{
	struct writer *w = arg;
	struct pollfd p = { w->lines.event, POLLIN, 0 };
	struct strbuf text = { 0 };
	unsigned long lost;
	bool last;

	do {
		poll(&p, 1, -1);
		last = w->ending;
		lost = lines_take(&w->lines, &text);
		write_all(w->fd, text.data, text.len);
		if (lost)
			log_warn("trace: %lu lines were lost", lost);
	} while (!last);
	strbuf_free(&text);
	return NULL;
}

static int writer_start(struct writer *w, int fd)
{
	int ret;

	if (w->running)
		return 0;
	w->fd = fd;
	ret = lines_init(&w->lines, QUEUE_MAX);
	if (!ret)
		ret = -pthread_create(&w->thread, NULL, write_lines, w);
	w->running = !ret;
	return ret;
}

static void writer_end(struct writer *w)
{
	struct timespec limit;

	if (!w->running)
		return;
	w->ending = true;
	/* Wakes it if its queue is empty; else it is awake anyway. */
	lines_push(&w->lines, "", 0);
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec++;
	pthread_timedjoin_np(w->thread, NULL, &limit);
}

struct trace *trace_new(void)
{
	struct trace *t = calloc(1, sizeof(*t));

	if (t && lines_init(&t->subscribers, QUEUE_MAX)) {
		free(t);
		return NULL;
	}
	return t;
}

int trace_to_file(struct trace *t, int fd)
{
	return writer_start(&t->file, fd);
}

void trace_start(struct trace *t, struct sys *sys)
{
	t->sys = sys;
	if (t->file.running)
		sys_trace(sys, true);
}

/* One field of a line for people. */
struct human {
	const char *tid, *call, *detail, *verdict, *module, *result, *usec;
};

static void add_result(struct strbuf *sb, const struct human *h)
{
	long result = strtol(h->result, NULL, 10);
	const char *name = NULL;

	if (!strcmp(h->verdict, "native") || !strcmp(h->verdict, "rewritten")) {
		strbuf_puts(sb, " = ?");
		return;
	}
	if (result < 0 && result > -4096)
		name = strerrorname_np(-result);
	if (name)
		strbuf_printf(sb, " = -1 %s", name);
	else
		strbuf_printf(sb, " = %ld", result);
}

static void add_human(struct strbuf *sb, const struct human *h)
{
	strbuf_printf(sb, "[%s] %s(", h->tid, h->call);
	if (h->detail) {
		strbuf_putc(sb, '"');
		service_escape(sb, h->detail);
		strbuf_putc(sb, '"');
	}
	strbuf_putc(sb, ')');
	add_result(sb, h);
	strbuf_printf(sb, " %s %s %sus\n", h->verdict,
		      h->module ? h->module : "-", h->usec);
}

static void push(struct lines *lines, const struct strbuf *sb)
{
	if (!sb->failed)
		lines_push(lines, sb->data, sb->len);
}

/* For umvu -t, and for those debug tags that want this line. */
static void to_people(struct trace *t, const struct sys_trace *line, bool log)
{
	char tid[16], result[24], usec[24];
	struct human h = { tid, line->call, line->detail, line->verdict,
			   line->module, result, usec };
	struct strbuf sb = { 0 };

	snprintf(tid, sizeof(tid), "%d", (int)line->tid);
	snprintf(result, sizeof(result), "%ld", line->result);
	snprintf(usec, sizeof(usec), "%lu", line->usec);
	add_human(&sb, &h);
	if (t->file.running)
		push(&t->file.lines, &sb);
	if (log)
		push(&t->log.lines, &sb);
	strbuf_free(&sb);
}

static void to_subscribers(struct trace *t, const struct sys_trace *line)
{
	struct strbuf sb = { 0 };

	strbuf_printf(&sb, "%u\tcall\t%d\t%s\t",
		      sys_view_of(t->sys, line->tid), (int)line->tid,
		      line->call);
	service_escape(&sb, line->detail);
	strbuf_printf(&sb, "\t%s\t", line->verdict);
	service_escape(&sb, line->module);
	strbuf_printf(&sb, "\t%ld\t%lu\n", line->result, line->usec);
	push(&t->subscribers, &sb);
	strbuf_free(&sb);
}

static bool debugged(const struct trace *t, const struct sys_trace *line)
{
	unsigned tags = t->tags;
	size_t i;

	for (i = 0; i < TAG_MAX; i++) {
		if ((tags & 1u << i) && tag_wants[i](t, line))
			return true;
	}
	return false;
}

void trace_line(void *ctx, const struct sys_trace *line)
{
	struct trace *t = ctx;
	bool log = debugged(t, line);

	if (t->file.running || log)
		to_people(t, line, log);
	if (t->subscribed)
		to_subscribers(t, line);
}

void trace_record(struct trace *t, char **field, int nfield)
{
	struct human h;
	struct strbuf sb = { 0 };

	if (nfield < 8 || strcmp(field[0], "call") || !t->file.running)
		return;
	h = (struct human){ field[1], field[2],
			    strcmp(field[3], "-") ? field[3] : NULL, field[4],
			    strcmp(field[5], "-") ? field[5] : NULL,
			    field[6], field[7] };
	add_human(&sb, &h);
	push(&t->file.lines, &sb);
	strbuf_free(&sb);
}

void trace_subscribe(struct trace *t, bool on)
{
	t->subscribed += on ? 1 : -1;
	sys_trace(t->sys, on);
}

struct lines *trace_subscribers(struct trace *t)
{
	return &t->subscribers;
}

static void list_tags(const struct trace *t, unsigned bits, struct strbuf *out)
{
	unsigned on = t->tags;
	size_t i;

	for (i = 0; i < TAG_MAX; i++) {
		if (bits & 1u << i)
			strbuf_printf(out, "tag\t%c\t%s\t%s\t%s\n",
				      tag_table[i].letter, tag_table[i].name,
				      on & 1u << i ? "on" : "off",
				      tag_table[i].meaning);
	}
}

static int change_tags(struct trace *t, unsigned tags)
{
	unsigned before = t->tags;
	int ret;

	if (tags) {
		ret = writer_start(&t->log, log_fd());
		if (ret)
			return ret;
	}
	t->tags = tags;
	if (!tags != !before)
		sys_trace(t->sys, tags != 0);
	return 0;
}

int trace_debug(struct trace *t, const char *tags, struct strbuf *out,
		char *bad)
{
	const unsigned all = (1u << TAG_MAX) - 1;
	char sign = *tags;
	unsigned bits;
	int ret = 0;

	if (sign && strchr("+-?", sign))
		tags++;
	bits = *tags ? tags_parse(tags, bad) : all;
	if (!bits)
		return -EINVAL;
	if (sign == '-')
		ret = change_tags(t, t->tags & ~bits);
	else if (sign != '?' && *tags)
		ret = change_tags(t, t->tags | bits);
	else if (sign != '?')
		bits = t->tags;
	if (!ret)
		list_tags(t, bits, out);
	return ret;
}

void trace_end(struct trace *t)
{
	writer_end(&t->file);
	writer_end(&t->log);
}
