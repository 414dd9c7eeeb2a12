/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vufs: other names for real files.
 *
 *	move		the target shows the source (the default)
 *	hide		the target is not there; the source is "none"
 *	rdonly		what is seen through the mount cannot be changed
 *	except=/SUB	the tree at target/SUB stays what it was
 *	permanent	the mount cannot be unmounted
 *
 * All of it is said to the monitor once, when mounting: the source is a
 * real object, so the monitor and the kernel do the rest.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "include/vu/module.h"

struct word {
	const char *name;
	unsigned set;
};

static const struct word words[] = {
	{ "move", 0 },
	{ "bind", 0 },
	{ "remount", 0 },
	{ "rw", 0 },
	{ "ro", VU_MOUNT_RDONLY },
	{ "rdonly", VU_MOUNT_RDONLY },
	{ "hide", VU_MOUNT_HIDE },
	{ "permanent", VU_MOUNT_PERMANENT },
	{ "perm", VU_MOUNT_PERMANENT },
};

static const struct word *find_word(const char *key)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i].name, key))
			return &words[i];
	return NULL;
}

static int bad_option(struct vu_message *msg, const char *key,
		      const char *value)
{
	vu_message_set(msg, "vufs: unknown option: %s%s%s", key,
		       *value ? "=" : "", value);
	return -EINVAL;
}

/* Read the options; exceptions are only counted (they need the root). */
static int parse(struct vu_mount *m, unsigned *flags, bool *excepts,
		 struct vu_message *msg)
{
	char key[64], value[PATH_MAX];
	const char *rest = m->options;
	const struct word *w;
	int n;

	while ((n = vu_next_option(&rest, key, sizeof(key), value,
				   sizeof(value))) > 0) {
		w = find_word(key);
		if (w && !*value) {
			*flags |= w->set;
		} else if (!strcmp(key, "except") && value[0] == '/' && value[1]) {
			*excepts = true;
		} else if (!strcmp(key, "except")) {
			vu_message_set(msg, "vufs: except=%s: must begin with / "
				       "and name something below the target", value);
			return -EINVAL;
		} else {
			return bad_option(msg, key, value);
		}
	}
	if (n < 0)
		vu_message_set(msg, "vufs: option too long");
	return n;
}

static int add_exceptions(struct vu_ctx *ctx, struct vu_mount *m,
			  struct vu_message *msg)
{
	char key[64], value[PATH_MAX];
	const char *rest = m->options;
	int err;

	while (vu_next_option(&rest, key, sizeof(key), value,
			      sizeof(value)) > 0) {
		if (strcmp(key, "except"))
			continue;
		err = vu_mount_except(ctx, m, value, msg);
		if (err)
			return err;
	}
	return 0;
}

static int vufs_mount(struct vu_ctx *ctx, struct vu_mount *m, bool remount,
		      struct vu_message *msg)
{
	unsigned flags = m->flags;
	bool excepts = false;
	int err = parse(m, &flags, &excepts, msg);

	if (err)
		return err;
	if ((flags & VU_MOUNT_HIDE) && excepts) {
		vu_message_set(msg, "vufs: except= has no meaning with hide");
		return -EINVAL;
	}
	if (remount && ((flags ^ m->flags) & ~VU_MOUNT_RDONLY)) {
		vu_message_set(msg, "vufs: remount changes ro and rw only");
		return -EINVAL;
	}
	m->flags = flags;
	if (remount || (flags & VU_MOUNT_HIDE))
		return 0;
	m->root = vu_open(ctx, m, m->source, O_PATH);
	if (m->root < 0) {
		err = m->root;
		m->root = -1;
		vu_message_set(msg, "vufs: %s: %s", m->source,
			       err == -ENXIO ? "no real file, but what another "
			       "module makes" : strerror(-err));
		return err;
	}
	return add_exceptions(ctx, m, msg);
}

static const struct vu_fs_ops fs = {
	.mount = vufs_mount,
};

static const struct vu_claim claims[] = {
	{ .kind = VU_CLAIM_FSTYPE, .name = "vufs" },
	{ .kind = VU_CLAIM_FSTYPE, .name = "viewfs" },
	{ .kind = VU_CLAIM_END },
};

const struct vu_module vu_module = {
	.version = VU_MODULE_VERSION,
	.name = "vufs",
	.description = "other names for real files: move, rdonly, hide, except",
	.claims = claims,
	.fs = &fs,
};
