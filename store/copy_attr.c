/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes, in the only order that works: extended ones while the object
 * surely is ours to write (ACLs last, they are permissions); the owner, which
 * clears set-id bits; the mode, which with an ACL is its mask and so is the
 * same again; times, which all of that has changed.
 *
 * An O_PATH descriptor is good for owner and times; the rest goes by its name
 * in /proc, which leads to the object itself, also if that is a symlink.
 */
#include "store/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/xattr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ACL_PREFIX "system.posix_acl_"

/* The kernel's own limits of a list and of a value. */
enum { LIST_MAX = 65536, VALUE_MAX = 65536 };

struct attributes {
	char from[32], to[32];	/* names in /proc */
	char *list, *value;
	ssize_t len;		/* of the list */
	bool stand_in;
	struct copy_done *done;
};

/* Is the object not for this attribute, or we are not? */
static bool not_permitted(int err)
{
	return err == EPERM || err == EACCES || err == EOPNOTSUPP ||
	       err == EINVAL || err == ERANGE || err == E2BIG ||
	       err == EROFS || err == ENODATA;
}

static bool begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/*
 * Labels and capabilities are given by the system, not copied; but these are
 * only told.
 */
static bool is_copied(const struct attributes *a, const char *name, bool acls)
{
	if (a->stand_in && !acls && !strcmp(name, XATTR_NAME_CAPS))
		return true;
	return !begins(name, "security.") && begins(name, ACL_PREFIX) == acls;
}

/* What it is called in the copy. */
static const char *name_there(const struct attributes *a, const char *name)
{
	if (!strcmp(name, XATTR_NAME_CAPS))
		return COPY_KEPT XATTR_NAME_CAPS;
	if (!a->stand_in && begins(name, COPY_KEPT))
		return name + strlen(COPY_KEPT);
	return name;
}

static int copy_one(struct attributes *a, const char *name)
{
	ssize_t n = getxattr(a->from, name, a->value, VALUE_MAX);

	if (n >= 0 && setxattr(a->to, name_there(a, name), a->value, n, 0) == 0)
		return 0;
	if (!not_permitted(errno))
		return -errno;
	/* What is gone meanwhile is not lost. */
	if (n >= 0 || errno != ENODATA)
		a->done->lost |= COPY_LOST_XATTR;
	return 0;
}

static bool has(const struct attributes *a, const char *name)
{
	for (ssize_t i = 0; i < a->len; i += strlen(a->list + i) + 1) {
		if (strcmp(a->list + i, name) == 0)
			return true;
	}
	return false;
}

/* What the copy has from elsewhere: a default ACL of its directory. */
static void remove_others(struct attributes *a)
{
	ssize_t len = listxattr(a->to, a->value, VALUE_MAX);

	for (ssize_t i = 0; i < len; i += strlen(a->value + i) + 1) {
		const char *name = a->value + i;

		if (!begins(name, "security.") && !has(a, name))
			removexattr(a->to, name);
	}
}

static int copy_list(struct attributes *a, bool acls)
{
	int err = 0;

	for (ssize_t i = 0; i < a->len && !err;
	     i += strlen(a->list + i) + 1) {
		if (is_copied(a, a->list + i, acls))
			err = copy_one(a, a->list + i);
	}
	return err;
}

static int copy_xattrs(struct attributes *a)
{
	int err;

	if (listxattr(a->from, NULL, 0) == 0 && listxattr(a->to, NULL, 0) == 0)
		return 0;
	a->list = malloc(LIST_MAX);
	a->value = malloc(VALUE_MAX);
	if (!a->list || !a->value)
		return -ENOMEM;
	a->len = listxattr(a->from, a->list, LIST_MAX);
	if (a->len < 0) {
		if (!not_permitted(errno))
			return -errno;
		a->len = 0;
		if (errno != EOPNOTSUPP)
			a->done->lost |= COPY_LOST_XATTR;
	}
	remove_others(a);
	err = copy_list(a, false);
	return err ? err : copy_list(a, true);
}

static int copy_owner(int target, const struct copy_plan *plan,
		      struct copy_done *done)
{
	const struct stat *st = &done->origin;
	struct stat now;

	if (fstat(target, &now) < 0)
		return -errno;
	if (now.st_uid == st->st_uid && now.st_gid == st->st_gid)
		return 0;
	done->lost |= COPY_LOST_OWNER;
	if (plan->flags & COPY_NO_OWNER)
		return 0;
	if (fchownat(target, "", st->st_uid, st->st_gid, AT_EMPTY_PATH) == 0) {
		done->lost &= ~COPY_LOST_OWNER;
		return 0;
	}
	if (errno != EPERM && errno != EINVAL)
		return -errno;
	/* A group of ours may be had without the owner. */
	if (now.st_gid != st->st_gid)
		(void)!fchownat(target, "", -1, st->st_gid, AT_EMPTY_PATH);
	return 0;
}

/* Set-id bits would now be those of another. */
static mode_t mode_for(const struct copy_plan *plan, struct copy_done *done)
{
	mode_t mode = done->origin.st_mode & 07777;

	if ((done->lost & COPY_LOST_OWNER) && (mode & (S_ISUID | S_ISGID)) &&
	    !S_ISDIR(done->origin.st_mode)) {
		mode &= ~(S_ISUID | S_ISGID);
		done->lost |= COPY_LOST_MODE;
	}
	return mode | plan->extra;
}

static int copy_mode(struct attributes *a, const struct copy_plan *plan)
{
	mode_t mode = mode_for(plan, a->done);

	if (S_ISLNK(a->done->origin.st_mode))
		return 0;
	if (chmod(a->to, mode) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	a->done->lost |= COPY_LOST_MODE;
	return 0;
}

static int copy_times(int target, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (utimensat(target, "", times, AT_EMPTY_PATH) == 0)
		return 0;
	return errno == EPERM || errno == EACCES ? 0 : -errno;
}

static int copy_all(struct attributes *a, int target,
		    const struct copy_plan *plan)
{
	int err = 0;

	if (!(plan->flags & COPY_NO_XATTRS))
		err = copy_xattrs(a);
	if (!err)
		err = copy_owner(target, plan, a->done);
	if (!err)
		err = copy_mode(a, plan);
	return err ? err : copy_times(target, &a->done->origin);
}

int copy_attributes(int source, int target, const struct copy_plan *plan,
		    struct copy_done *done)
{
	static const struct copy_plan full;
	struct copy_done own = { 0 };
	struct attributes a = { .done = done ? done : &own };
	int err;

	done = a.done;
	if (!done->origin.st_mode && fstat(source, &done->origin) < 0)
		return -errno;
	a.stand_in = plan && (plan->flags & COPY_STAND_IN);
	snprintf(a.from, sizeof(a.from), "/proc/self/fd/%d", source);
	snprintf(a.to, sizeof(a.to), "/proc/self/fd/%d", target);
	err = copy_all(&a, target, plan ? plan : &full);
	free(a.list);
	free(a.value);
	return err;
}
