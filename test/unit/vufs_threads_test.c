/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many at once: nothing is torn, and what is seen afterwards is what the
 * store says when it is opened again.
 */
#include "test/unit/vufs_ops.h"

#define THREADS 4
#define EACH 1500

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

int main(void)
{
	uint64_t before;

	fake_who.uid = geteuid();
	fake_who.gid = getegid();
	seed = 5;
	enter_scratch("vufs_threads");
	make_tree("target");
	mkdir("target/swap", 0755);
	mkdir("target/swap/one", 0755);
	mkdir("target/swap/two", 0755);
	write_file("target/swap/one/x", "1");
	write_file("target/swap/two/x", "2");
	mkdir("store", 0755);
	before = sum_tree("target");
	run_all();
	CHECK(sum_tree("target") == before);
	leave_scratch();
	return failures ? 1 : 0;
}
