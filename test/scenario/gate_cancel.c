/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads of a process that has a gate are cancelled in the middle of calls,
 * and all that they have to clean up is cleaned up. gate_built has it
 * compiled with -fexceptions, too: then by unwinding.
 */
#include "test/scenario/gate.h"

enum { ROUNDS = 40 };

struct traces { _Atomic int entered, cleaned, scoped; };

static struct traces *now;
static int pipe_end[2];

static void clean(void *arg)
{
	(void)arg;
	now->cleaned++;
}

#ifdef __EXCEPTIONS
static void leave_scope(int *arg)
{
	now->scoped += *arg;
}
#define SCOPED __attribute__((cleanup(leave_scope)))
#else
#define SCOPED __attribute__((unused))
#endif

static void in_open(void)
{
	open("fifo", O_RDONLY | O_CLOEXEC);
}

static void in_read(void)
{
	char byte;

	if (read(pipe_end[0], &byte, 1) == 1)
		fail("something was read");
}

/* No call that waits: cancelled wherever it is. */
#ifdef __EXCEPTIONS
__attribute__((unused))
#endif
static void in_stat(void)
{
	struct stat st;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	for (;;)
		stat("fifo", &st);
}

/* Cancelled where it says so, after calls that are none to be cancelled in. */
static void in_testcancel(void)
{
	for (;;) {
		gate_calls(1);
		pthread_testcancel();
	}
}

static void *thread_main(void *arg)
{
	SCOPED int one = 1;

	now->entered++;
	pthread_cleanup_push(clean, NULL);
	((void (*)(void))arg)();
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancel_one(void (*where)(void), long usec)
{
	pthread_t t;
	void *ret;

	*now = (struct traces){ 0 };
	expect(!pthread_create(&t, NULL, thread_main, (void *)where));
	while (!now->entered)
		gate_nap(20);
	gate_nap(usec);
	expect(!pthread_cancel(t) && !pthread_join(t, &ret));
	expect(ret == PTHREAD_CANCELED);
	expect(now->cleaned == 1);
#ifdef __EXCEPTIONS
	expect(now->scoped == 1);
#endif
}

static void (*where)(void);

static void cancel_many(void)
{
	now = gate_shared(sizeof(*now));
	gate_earn();
	for (int i = 0; i < ROUNDS; i++)
		cancel_one(where, i * 13);
	gate_calls(EARN);
}

static const struct { const char *name; void (*where)(void); } places[] = {
	{ "open", in_open }, { "read", in_read },
	{ "pthread_testcancel", in_testcancel },
#ifndef __EXCEPTIONS	/* it cannot be unwound from there, see engine/gate.c */
	{ "stat", in_stat },
#endif
};

static void inside(void)
{
	expect(!mkfifo("fifo", 0600) && !pipe(pipe_end));
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		where = places[i].where;
		gate_in_child(places[i].name, cancel_many);
	}
}

int main(int argc, char **argv)
{
	return gate_view(argc, argv, inside);
}
