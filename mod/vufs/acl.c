/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an access ACL lets a caller do whose ids the kernel does not know: the
 * algorithm of acl(5). The owner's entry, the mask (without one the group's
 * entry) and that of the others are the mode, which may be another than the
 * kernel has; so they are not looked at here.
 */
#include "mod/vufs/acl.h"

#include <endian.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/xattr.h>
#include <stdlib.h>
#include <sys/xattr.h>

#include "mod/vufs/change.h"

typedef struct posix_acl_xattr_entry entry;

static size_t entries(const struct acl *acl, size_t size)
{
	if (size < sizeof(*acl) || le32toh(acl->head.a_version) !=
				   POSIX_ACL_XATTR_VERSION)
		return 0;
	return (size - sizeof(*acl)) / sizeof(acl->entry[0]);
}

static unsigned tag(const entry *e)
{
	return le16toh(e->e_tag);
}

static unsigned perm(const entry *e)
{
	return le16toh(e->e_perm) & 7;
}

static entry *find(const struct acl *acl, size_t size, unsigned wanted)
{
	for (size_t i = 0; i < entries(acl, size); i++)
		if (tag(&acl->entry[i]) == wanted)
			return (entry *)&acl->entry[i];
	return NULL;
}

static void set(entry *e, mode_t bits)
{
	if (e)
		e->e_perm = htole16(bits & 7);
}

mode_t acl_mode(const struct acl *acl, size_t size)
{
	const entry *owner = find(acl, size, ACL_USER_OBJ);
	const entry *group = find(acl, size, ACL_MASK) ?:
			     find(acl, size, ACL_GROUP_OBJ);
	const entry *other = find(acl, size, ACL_OTHER);

	return (owner ? perm(owner) << 6 : 0) | (group ? perm(group) << 3 : 0) |
	       (other ? perm(other) : 0);
}

void acl_tell(struct acl *acl, size_t size, mode_t mode)
{
	set(find(acl, size, ACL_USER_OBJ), mode >> 6);
	set(find(acl, size, ACL_MASK) ?: find(acl, size, ACL_GROUP_OBJ),
	    mode >> 3);
	set(find(acl, size, ACL_OTHER), mode);
}

void acl_give_owner(struct acl *acl, size_t size, unsigned least)
{
	entry *owner = find(acl, size, ACL_USER_OBJ);

	if (owner)
		set(owner, perm(owner) | least);
}

static bool is_named_user(const struct vu_ctx *ctx, const entry *e)
{
	return tag(e) == ACL_USER && le32toh(e->e_id) == vu_who(ctx)->uid;
}

static bool is_group(const struct vu_ctx *ctx, const entry *e,
		     const struct stat *st)
{
	return tag(e) == ACL_GROUP_OBJ ? vu_in_group(ctx, st->st_gid) :
	       tag(e) == ACL_GROUP && vu_in_group(ctx, le32toh(e->e_id));
}

int acl_permits(const struct vu_ctx *ctx, const struct acl *acl, size_t size,
		const struct stat *st, int want)
{
	bool masked = find(acl, size, ACL_MASK), grouped = false;
	unsigned mask = st->st_mode >> 3 & 7;

	for (size_t i = 0; i < entries(acl, size); i++)
		if (is_named_user(ctx, &acl->entry[i]))
			return want & ~(perm(&acl->entry[i]) & mask) ?
			       -EACCES : 0;
	/* of several groups any one that has all of it will do */
	for (size_t i = 0; i < entries(acl, size); i++) {
		if (!is_group(ctx, &acl->entry[i], st))
			continue;
		grouped = true;
		if (!(want & ~(masked ? perm(&acl->entry[i]) & mask : mask)))
			return 0;
	}
	if (grouped)
		return -EACCES;
	return want & ~st->st_mode & 7 ? -EACCES : 0;
}

bool acl_matters(const struct vu_ctx *ctx, const struct stat *st)
{
	const struct vu_who *who = vu_who(ctx);

	/* as the kernel: without a mask there is nothing to be had by it */
	return st->st_mode & 070 && !S_ISLNK(st->st_mode) &&
	       who->uid != st->st_uid && !(who->caps >> CAP_DAC_OVERRIDE & 1);
}

struct acl *acl_of(int fd, const char *name, size_t *size)
{
	struct acl *acl;
	char link[32];
	ssize_t n;

	n = getxattr(object_link(fd, link), name, NULL, 0);
	if (n <= 0)
		return NULL;
	acl = malloc(n);
	n = acl ? getxattr(link, name, acl, n) : -1;
	*size = n;
	if (n > 0)
		return acl;
	free(acl);
	return NULL;
}
