/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mount options: a byte that chooses source and flags, and the text.
 *
 * What must hold: the pieces that vu_next_option() gives are the text, piece
 * by piece; a module that refuses says why, and keeps nothing; a mount is
 * there as a whole, with its exceptions, or not at all, and is gone as a
 * whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
/* The shared object, which is loaded beside it, exports the same name. */
#define vu_module vufs_itself
#include "mod/vufs/vufs.c"
#undef vu_module
#include "view/attach.h"

const char fuzz_name[] = "options";

static char tree[PATH_MAX / 2];
static struct view *view;

static void make_tree(void)
{
	static const char *const names[] = {
		"source", "source/a", "source/b", "target", "target/a",
		"target/b",
	};
	const char *tmp = getenv("TMPDIR");
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/vu-options-XXXXXX", tmp ? tmp : "/tmp");
	fuzz_check(mkdtemp(path) && realpath(path, tree), "%s", path);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", tree, names[i]);
		fuzz_check(!mkdir(path, 0755), "%s", path);
	}
}

static void remove_tree(void)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "rm -rf '%s'", tree);
	if (system(command))
		fprintf(stderr, "%s is left\n", tree);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *build = getenv("BUILD");
	char path[PATH_MAX];

	(void)argc, (void)argv;
	/* else modules are found beside the program */
	if (build) {
		snprintf(path, sizeof(path), "%s/lib/vu", build);
		setenv("VU_MODULE_PATH", path, 1);
	}
	make_tree();
	atexit(remove_tree);
	view = view_new(1, NULL, "");
	fuzz_check(!mount_base_init() && view, "/");
	return 0;
}

/* --- the text --- */

/* One option stands at text, after commas. Return: what comes behind it */
static const char *check_option(const char *text, const char *key,
				const char *value)
{
	size_t n;

	text += strspn(text, ",");
	n = strcspn(text, ",");
	fuzz_check(!strpbrk(key, "=,") && !strchr(value, ','), "%s=%s", key,
		   value);
	fuzz_check(!strncmp(text, key, strlen(key)), "%s", key);
	fuzz_check(!*value || !strncmp(text + strlen(key) + 1, value,
				       strlen(value)), "%s", value);
	fuzz_check(n == strlen(key) + strlen(value) + (text[strlen(key)] == '='),
		   "%zu", n);
	return text + n;
}

static void check_text(const char *text, size_t keysize, size_t valuesize)
{
	char *key = malloc(keysize), *value = malloc(valuesize);
	const char *rest = text, *want = text;
	int r;

	fuzz_check(key && value, "no memory");
	while ((r = vu_next_option(&rest, key, keysize, value, valuesize)) > 0) {
		want = check_option(want, key, value);
		fuzz_check(rest == want, "%s", rest);
	}
	fuzz_check(r == -ENAMETOOLONG || !rest[strspn(rest, ",")], "%s", rest);
	free(key);
	free(value);
}

/* --- the module --- */

static void make_context(struct vu_ctx *ctx, const struct version *v)
{
	*ctx = (struct vu_ctx){ .version = v, .root = &mount_base()->root,
				.cwd = &mount_base()->root };
}

static int lowest_free(void)
{
	int fd = fcntl(2, F_DUPFD_CLOEXEC, 3);

	close(fd);
	return fd;
}

/* Remounting needs neither source nor context. */
static void check_module(const char *text, bool rdonly)
{
	struct vu_message msg = { "" };
	struct vu_mount m = {
		.type = "vufs", .source = "none", .target = tree,
		.options = text, .root = -1,
		.flags = rdonly ? VU_MOUNT_RDONLY : 0,
	};
	int before = lowest_free(), err = fs.mount(NULL, &m, true, &msg);

	fuzz_check(err <= 0 && m.root == -1, "%d", err);
	fuzz_check(!err || msg.text[0], "%d without a message", err);
	fuzz_check(err || !rdonly || (m.flags & VU_MOUNT_RDONLY), "rw");
	fuzz_check(lowest_free() == before, "a descriptor is left");
}

static void check_umount(struct vu_ctx *ctx, struct version *now,
			 const char *target)
{
	bool permanent = now->mount[0]->pub.flags & VU_MOUNT_PERMANENT;
	struct vu_message msg;
	int err = view_detach(view, ctx, target, DETACH_LAZY, NULL, NULL, &msg);

	fuzz_check(permanent ? err == -EPERM : !err, "%s", msg.text);
	if (!err)
		return;
	pthread_mutex_lock(&view->change);
	fuzz_check(!view_remove(view, now->mount, now->nmount), "no memory");
	pthread_mutex_unlock(&view->change);
}

static void check_mount(const char *text, unsigned how)
{
	static const char *const sources[] = { "source", "target", "missing", "" };
	char source[PATH_MAX], target[PATH_MAX];
	struct attach a = { .type = "vufs", .source = source, .target = target,
			    .options = text, .rdonly = how & 4 };
	int before = lowest_free(), err;
	struct version *now = view_version(view);
	struct vu_message msg;
	struct vu_ctx ctx;

	snprintf(source, sizeof(source), "%s/%s", tree, sources[how & 3]);
	snprintf(target, sizeof(target), "%s/target%s", tree,
		 how & 8 ? "/new" : "");
	make_context(&ctx, now);
	err = view_attach(view, &ctx, &a, &msg);
	version_put(now);
	now = view_version(view);
	fuzz_check(err <= 0 && !err == !!now->nmount, "%d: %zu mounts", err,
		   now->nmount);
	fuzz_check(!err || msg.text[0], "%d without a message", err);
	if (!err) {
		make_context(&ctx, now);
		check_umount(&ctx, now, target);
	}
	version_put(now);
	now = view_version(view);
	fuzz_check(!now->nmount, "%zu mounts are left", now->nmount);
	version_put(now);
	fuzz_check(lowest_free() == before, "a descriptor is left");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t sizes[] = { 1, 2, 8, 64, PATH_MAX };
	struct fuzz_input in = { data, size };
	unsigned how = fuzz_byte(&in);
	char text[4096];

	fuzz_string(&in, text, sizeof(text));
	check_text(text, sizes[how % 5], sizes[how / 5 % 5]);
	check_text(text, 64, PATH_MAX);
	check_module(text, how & 1);
	check_mount(text, how);
	return 0;
}
