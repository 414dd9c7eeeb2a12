/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MONITOR_REQUESTS_H
#define MONITOR_REQUESTS_H

#include <stdbool.h>
#include <sys/types.h>
#include "lib/strbuf.h"
#include "service/wire.h"
#include "sys/sys.h"

struct trace;
struct verb;

/* What the requests are about. */
struct room {
	struct sys *sys;
	struct trace *trace;
	pid_t monitor;		/* whose descendants are the guests */
	pid_t server;		/* the front's pid, by which people know us */
};

/* What a request asks of its connection, beside its reply. */
struct request_effect {
	bool leave;
	bool stream;		/* trace: of a process, or of a view, if not 0 */
	pid_t stream_pid;
	unsigned stream_view;
	unsigned opened;	/* newview: the view */
};

/* One request. Belongs to one thread at a time. */
struct request {
	const struct room *room;
	pid_t pid;		/* it speaks for; 0: it came from outside */
	char packet[SERVICE_PACKET_MAX];
	char *word[SERVICE_WORDS_MAX];
	int nword;
	const struct verb *verb;
	int status;		/* 0 or -errno */
	struct strbuf text;	/* records, or the message for a person */
	struct request_effect effect;
};

/*
 * Parse the packet and find the verb.
 * Return: 0; -EINVAL: malformed (the connection is closed); or what the
 * reply's status shall be, with its text
 */
int request_read(struct request *rq, size_t len);

/* May it take long? Then it is run by a thread of its own. */
bool request_is_slow(const struct request *rq);

/* Do it: sets status, text, effect. */
void request_run(struct request *rq);

#endif
