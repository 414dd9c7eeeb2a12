/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many at once: nothing is torn, and what is seen afterwards is what the
 * store says when it is opened again. Alone and over others, also with vstat.
 * VUFS_SEED=N begins with that seed, VUFS_ROUNDS=N makes so many.
 */
#include "test/unit/vufs_ops.h"

#define THREADS 4
#define EACH 1500
#define BEFORE 40		/* operations of each of those below */

static pthread_mutex_t dice = PTHREAD_MUTEX_INITIALIZER;

static void look_around(const char *path)
{
	struct vu_node node;

	if (look_at(&layer, path, &node))
		return;
	layer_tell(&layer, &node.attr);
	close(node.fd);
}

static void *work(void *arg)
{
	struct deed d;
	bool looks = arg;

	for (unsigned i = 0; i < EACH; i++) {
		pthread_mutex_lock(&dice);
		d = some_deed();
		pthread_mutex_unlock(&dice);
		if (looks)
			look_around(d.one);
		else
			d.op->view(d.one, d.two, d.arg);
	}
	return NULL;
}

/* A name that always is there is always found. */
static _Atomic bool over;

static void *exchange(void *arg)
{
	struct vu_mount *m = arg;

	for (unsigned i = 0; i < EACH; i++)
		CHECK(!layer_rename(NULL, m, "swap/one", "swap/two",
				    RENAME_EXCHANGE));
	over = true;
	return NULL;
}

static void *find(void *arg)
{
	struct vu_mount *m = arg;
	struct vu_node node;
	unsigned found = 0;
	int err;

	while (!over) {
		err = layer_lookup(NULL, m, "swap/one/x", &node);
		if (!err)
			close(node.fd);
		CHECK(!err);
		found++;
	}
	CHECK(found);
	return NULL;
}

static void run_all(void)
{
	pthread_t t[THREADS + 3];
	char *now, *again;
	struct strbuf out = { 0 };

	layer = mount_layer("store", "target", cow);
	CHECK(!layer_mkdir(NULL, &layer, "swap/one/y", 0755));
	for (size_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, work,
				      i ? NULL : &layer));
	CHECK(!pthread_create(&t[THREADS], NULL, exchange, &layer));
	CHECK(!pthread_create(&t[THREADS + 1], NULL, find, &layer));
	for (size_t i = 0; i < THREADS + 2; i++)
		pthread_join(t[i], NULL);
	dump_dir(&out, "");
	strbuf_putc(&out, '\n');
	now = out.data;
	unmount_layer(&layer);
	again = dump("store");
	if (strcmp(now, again)) {
		printf("not ok opened anew it is another\n%s---\n%s", now,
		       again);
		failures++;
	}
	free(now);
	free(again);
}

static void make_target(void)
{
	make_tree("target");
	mkdir("target/swap", 0755);
	mkdir("target/swap/one", 0755);
	mkdir("target/swap/two", 0755);
	write_file("target/swap/one/x", "1");
	write_file("target/swap/two/x", "2");
}

static void round_of(unsigned number)
{
	uint64_t before;

	seed = number;
	over = false;
	make_target();
	mkdir("store", 0755);
	before = sum_tree("target");
	run_all();
	CHECK(sum_tree("target") == before);
	remove_tree("target");
	remove_tree("store");
	if (failures)
		printf("seed %u\n", number);
}

/* A mount that the others are to be over; it has changes of its own. */
static struct vu_mount lower_one(const char *store)
{
	struct deed d;

	mkdir(store, 0755);
	layer = mount_layer(store, "target", cow);
	for (unsigned i = 0; i < BEFORE; i++) {
		d = some_deed();
		d.op->view(d.one, d.two, d.arg);
	}
	return layer;
}

/* The same as the third of those over each other. */
static void round_over(unsigned number)
{
	const unsigned flags = cow.flags;
	struct vu_mount first, second;

	seed = number;
	over = false;
	make_target();
	first = lower_one("first");
	view_under = &first;
	cow.flags = 0;		/* what the lowest has, the others have */
	second = lower_one("second");
	view_under = &second;
	mkdir("store", 0755);
	run_all();
	view_under = NULL;
	cow.flags = flags;
	unmount_layer(&second);
	unmount_layer(&first);
	remove_tree("target");
	remove_tree("first");
	remove_tree("second");
	remove_tree("store");
	if (failures)
		printf("seed %u over others\n", number);
}

int main(void)
{
	fake_who.uid = geteuid();
	fake_who.gid = getegid();
	enter_scratch("vufs_threads");
	run_rounds(round_of, 1);
	run_rounds(round_over, 1);
	cow.flags = LAYER_VSTAT;
	fake_who.uid = 0;
	run_rounds(round_of, 1);
	run_rounds(round_over, 1);
	leave_scratch();
	return failures ? 1 : 0;
}
