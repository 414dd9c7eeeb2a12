/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of the monitor at each step of each operation: what is seen when
 * the store is opened again is the old or the new.
 * timeout: 300
 */
#include <sys/wait.h>

#include "test/unit/vufs_ops.h"

#define BEFORE 40		/* operations until one is interrupted */
#define INTERRUPTED 12		/* of each round */

static unsigned steps_left;

static void interrupt(const char *what)
{
	(void)what;
	if (!steps_left--)
		_exit(42);
}

static void copy_store(const char *to)
{
	char command[200];

	remove_tree(to);
	snprintf(command, sizeof(command), "cp -a store %s", to);
	CHECK(!system(command));
}

/* In a process of its own; ends at that step. Return: was it interrupted? */
static bool do_deed(const char *store, const struct deed *d, unsigned steps)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		layer = mount_layer(store, "target", cow);
		steps_left = steps;
		store_step_hook = interrupt;
		d->op->view(d->one, d->two, d->arg);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == 42 ||
				    WEXITSTATUS(status) == 0));
	return WIFEXITED(status) && WEXITSTATUS(status) == 42;
}

static unsigned interruptions;

/* All at once for a guest is one of several steps here: two states of it. */
static bool is_partial(const struct deed *d)
{
	/* open(O_CREAT) and what is written then are two things */
	return !strcmp(d->op->word, "create") || !strcmp(d->op->word, "write");
}

static void interrupt_deed(const struct deed *d, unsigned number)
{
	char *old, *new, *now;
	bool more = true;

	copy_store("store.new");
	do_deed("store.new", d, ~0u);
	old = dump("store");
	new = dump("store.new");
	for (unsigned i = 0; more && !failures; i++) {
		copy_store("store.cut");
		more = do_deed("store.cut", d, i);
		interruptions += more;
		now = dump("store.cut");
		if (strcmp(now, old) && strcmp(now, new) && !is_partial(d)) {
			printf("not ok seed %u: %s %s %s %u at step %u\n",
			       number, d->op->word, d->one, d->two, d->arg, i);
			printf("--- old\n%s--- new\n%s--- now\n%s", old, new,
			       now);
			failures++;
		}
		free(now);
	}
	free(old);
	free(new);
}

/* A store gets its first changes; it stays mounted. */
static void change_some(const char *store)
{
	struct deed d;

	mkdir(store, 0755);
	layer = mount_layer(store, "target", cow);
	for (unsigned i = 0; i < BEFORE; i++) {
		d = some_deed();
		d.op->view(d.one, d.two, d.arg);
	}
}

static void interrupt_some(unsigned number)
{
	struct deed d;

	change_some("store");
	unmount_layer(&layer);
	for (unsigned i = 0; i < INTERRUPTED && !failures; i++) {
		d = some_deed();
		interrupt_deed(&d, number);
		do_deed("store", &d, ~0u);
	}
	remove_tree("store");
	remove_tree("store.new");
	remove_tree("store.cut");
}

static void round_of(unsigned number)
{
	uint64_t before;

	seed = number;
	make_tree("target");
	before = sum_tree("target");
	interrupt_some(number);
	CHECK(sum_tree("target") == before);
	remove_tree("target");
}

/* The same over a mount that is layered itself. */
static void round_over(unsigned number)
{
	const unsigned flags = cow.flags;
	struct vu_mount below;
	uint64_t before;

	seed = number;
	make_tree("target");
	change_some("below");
	below = layer;
	before = sum_tree("below");
	view_under = &below;
	cow.flags = 0;		/* what the lower one has, the upper has */
	interrupt_some(number);
	cow.flags = flags;
	view_under = NULL;
	CHECK(sum_tree("below") == before);
	unmount_layer(&below);
	remove_tree("below");
	remove_tree("target");
}

int main(void)
{
	fake_who.uid = geteuid();
	fake_who.gid = getegid();
	enter_scratch("vufs_crash");
	run_rounds(round_of, 15);
	run_rounds(round_over, 10);
	cow.flags = LAYER_VSTAT;
	fake_who.uid = 0;
	run_rounds(round_of, 15);
	run_rounds(round_over, 10);
	leave_scratch();
	printf("%u interruptions\n", interruptions);
	CHECK(interruptions > 20);
	return failures ? 1 : 0;
}
