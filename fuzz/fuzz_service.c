/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service: what comes in a packet, and what is done about it.
 *
 * Input: a byte that says whether the peer is inside of the view, then
 * packets, each after two bytes with its length. There is a real view, but
 * no guest: the requests speak for the fuzzer's own process. What a
 * request mounts or opens is taken away after each input.
 *
 * What must hold: a malformed packet is refused with -EINVAL and nothing
 * else, a request is answered with 0 or an errno and, if that, a message of
 * one line; every record of an answer can be read again.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "lib/log.h"
#include "monitor/requests.h"
#include "monitor/trace.h"
#include "view/view.h"

const char fuzz_name[] = "service";

/* sys/state.h has it, and another struct request */
struct view *sys_find_view(struct sys *s, unsigned id, pid_t *owner);

static struct room room;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *build = getenv("BUILD");
	char path[PATH_MAX];
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)argc, (void)argv;
	if (build) {
		snprintf(path, sizeof(path), "%s/lib/vu", build);
		setenv("VU_MODULE_PATH", path, 1);
	}
	log_init("fuzz", null, LOG_NOTHING);
	room = (struct room){ .sys = sys_new(NULL, "fuzzed"),
			      .trace = trace_new(), .monitor = getpid(),
			      .server = getpid() };
	fuzz_check(room.sys && room.trace, "no memory");
	trace_start(room.trace, room.sys);
	return 0;
}

/* --- what must hold --- */

/* Splitting and escaping undo each other. */
static void check_record(const char *line, size_t len)
{
	char *field[SERVICE_FIELDS_MAX], *record = strndup(line, len);
	struct strbuf again = { 0 };
	size_t n;

	fuzz_check(record, "no memory");
	n = service_split(record, field);
	fuzz_check(n > 0 && n < SERVICE_FIELDS_MAX, "%zu fields", n);
	for (size_t i = 0; i < n; i++) {
		if (i)
			strbuf_putc(&again, '\t');
		service_escape(&again, field[i]);
	}
	fuzz_check(again.len == len && (!len || !memcmp(again.data, line, len)),
		   "%.*s became %s", (int)len, line, again.data);
	strbuf_free(&again);
	free(record);
}

static void check_records(const struct strbuf *text)
{
	const char *line = text->data, *end;
	const char *last = line ? line + text->len : NULL;

	for (; line < last; line = end + 1) {
		end = memchr(line, '\n', last - line);
		fuzz_check(end, "a record without an end: %s", line);
		check_record(line, end - line);
	}
}

static void check_answer(const struct request *rq)
{
	fuzz_check(rq->status <= 0 && rq->status > -4096, "%d", rq->status);
	if (rq->status)
		fuzz_check(rq->text.len, "%s: %d without a message",
			   rq->word[0], rq->status);
	else if (strcmp(rq->word[0], "version"))
		check_records(&rq->text);
}

/* The text of a packet goes through escape and unescape as it is. */
static void check_escape(const uint8_t *data, size_t size)
{
	struct strbuf sb = { 0 };
	char *field = strndup((const char *)data, size), *raw = strdup(field);

	fuzz_check(field && raw, "no memory");
	service_escape(&sb, field);
	fuzz_check(!sb.len || !strpbrk(sb.data, "\n\t"), "%s", sb.data);
	if (sb.data) {
		service_unescape(sb.data);
		fuzz_check(!strcmp(sb.data, field), "%s", field);
	}
	service_unescape(raw);
	fuzz_check(strlen(raw) <= strlen(field), "%s", raw);
	strbuf_free(&sb);
	free(field);
	free(raw);
}

/* --- one input --- */

/* A file of the fuzzer's choice is not to be loaded into the fuzzer. */
static bool dangerous(const struct request *rq)
{
	return !strcmp(rq->word[0], "insmod") && strchr(rq->word[1], '/');
}

static void undo(const struct request *rq)
{
	struct view *v = sys_find_view(room.sys, 1, NULL);
	struct version *now = view_version(v);
	struct strbuf none = { 0 };
	char bad;

	if (rq->effect.opened)
		sys_drop_view(room.sys, rq->effect.opened);
	pthread_mutex_lock(&v->change);
	if (now->nmount)
		fuzz_check(!view_remove(v, now->mount, now->nmount), "memory");
	pthread_mutex_unlock(&v->change);
	version_put(now);
	view_put(v);
	trace_debug(room.trace, "-", &none, &bad);
	strbuf_free(&none);
}

static void one_packet(const uint8_t *data, size_t size, bool inside)
{
	struct request *rq = calloc(1, sizeof(*rq));
	int ret;

	fuzz_check(rq, "no memory");
	rq->room = &room;
	rq->pid = inside ? getpid() : 0;
	memcpy(rq->packet, data, size);
	ret = request_read(rq, size);
	fuzz_check(ret || rq->verb, "no verb");
	fuzz_check(ret == rq->status || (ret == -EINVAL && !rq->text.len),
		   "%d, status %d", ret, rq->status);
	if (!ret && !dangerous(rq)) {
		request_run(rq);
		check_answer(rq);
		undo(rq);
	}
	strbuf_free(&rq->text);
	free(rq);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	bool inside = fuzz_byte(&in) & 1;
	size_t len;

	do {
		len = fuzz_byte(&in);
		len |= fuzz_byte(&in) << 8;
		if (len > in.left)
			len = in.left;
		if (len > SERVICE_PACKET_MAX)
			len = SERVICE_PACKET_MAX;
		check_escape(in.data, len);
		one_packet(in.data, len, inside);
		in.data += len;
		in.left -= len;
	} while (in.left);
	return 0;
}
