/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef STORE_LOG_H
#define STORE_LOG_H

#include "lib/strbuf.h"
#include "store/store.h"

/*
 * The log's records, as doc/store.md describes them. A line has one record
 * or several, which happen together.
 */

enum record_op {
	RECORD_HIDE,		/* path: the target's is not seen */
	RECORD_PLAIN,		/* path: no attributes are set */
	RECORD_ATTR,		/* path, attr: these are */
	RECORD_FROM,		/* path, origin: that of the target is seen */
	RECORD_LINK,		/* link, origin, nlink: file of several names */
	/* with steps on the disk, followed by a line "done" or "back" */
	RECORD_UNLINK,		/* path, flags */
	RECORD_MOVE,		/* path, to, flags, origin */
	RECORD_SWAP,		/* path, to, flags, origin, origin_to, ino */
	RECORD_DONE,
	RECORD_BACK,
	RECORD_OPS
};

enum record_flag {
	RECORD_OWN	= 1 << 0,	/* u: the store has it at path */
	RECORD_OWN_TO	= 1 << 1,	/* v: and at to */
	RECORD_HIDES	= 1 << 2,	/* h: the target's at path is hidden */
};

/* Strings are borrowed; "" where there is none. */
struct record {
	enum record_op op;
	unsigned flags;
	const char *path, *to;
	const char *origin, *origin_to;	/* NULL: none */
	const char *link;
	struct store_attr attr;
	uint64_t ino;
	unsigned long nlink;
};

static inline bool record_has_steps(const struct record *r)
{
	return r->op >= RECORD_UNLINK && r->op < RECORD_DONE;
}

/* As text, without the end of the line. */
void record_print(struct strbuf *out, const struct record *r);

/*
 * Read a record of a line, which is changed and then borrowed by *r.
 * @rest: moved past it
 * Return: 1, 0 at the end of the line, -EINVAL
 */
int record_parse(char **rest, struct record *r);

/*
 * Have n records happen, together: a line is added, the steps on the disk
 * are done, and the tree follows. Between change_begin() and change_end().
 * Return: 0 or -errno, and then nothing has happened
 */
int log_run(struct store *s, const struct record *r, size_t n);
static inline int log_one(struct store *s, struct record r)
{
	return log_run(s, &r, 1);
}

/* Read the log and put right what is unfinished. */
int log_load(struct store *s, struct store_message *why);
/* Write it anew when it has grown for nothing. */
int log_compact(struct store *s);

#endif
