/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ENGINE_CALL_H
#define ENGINE_CALL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct engine;
struct rewrite;

/* Which table of numbers a call came through. */
enum abi { ABI_NATIVE, ABI_COMPAT };

/*
 * One intercepted call: the notification, copied once. Read-only for
 * everybody but the engine; valid until its verdict has been delivered.
 */
struct call {
	struct engine *engine;
	uint64_t id;		/* notification cookie */
	pid_t tid;		/* thread that waits, in the monitor's pid space */
	enum abi abi;
	int nr;			/* number in its own ABI's table */
	uint64_t ip;		/* address after the syscall instruction */
	uint64_t arg[6];	/* ABI_COMPAT: zero-extended 32-bit values */
};

enum verdict_kind {
	VERDICT_NATIVE,		/* the kernel runs the call as it stands */
	VERDICT_VALUE,		/* value is the result, or -errno */
	VERDICT_OBJECT,		/* fd (of the monitor) is put into the guest */
	VERDICT_REWRITTEN,	/* the kernel runs the call with other arguments */
};

/*
 * The answer to a call, returned by value. The engine takes over fd and
 * rewrite: it closes or frees them whatever happens.
 */
struct verdict {
	enum verdict_kind kind;
	long value;
	int fd;
	unsigned fd_flags;		/* O_CLOEXEC or 0 */
	struct rewrite *rewrite;
	void *note;			/* handed to engine_ops.sent, OBJECT only */
};

static inline struct verdict verdict_native(void)
{
	return (struct verdict){ .kind = VERDICT_NATIVE, .fd = -1 };
}

static inline struct verdict verdict_value(long value)
{
	return (struct verdict){ .kind = VERDICT_VALUE, .value = value, .fd = -1 };
}

static inline struct verdict verdict_object(int fd, unsigned fd_flags)
{
	return (struct verdict){ .kind = VERDICT_OBJECT, .fd = fd,
				 .fd_flags = fd_flags };
}

static inline struct verdict verdict_rewritten(struct rewrite *rw)
{
	return (struct verdict){ .kind = VERDICT_REWRITTEN, .fd = -1,
				 .rewrite = rw };
}

#endif
