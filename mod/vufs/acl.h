/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MOD_VUFS_ACL_H
#define MOD_VUFS_ACL_H

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/types.h>

#include "include/vu/module.h"

/*
 * POSIX ACLs as extended attributes have them. What is not an ACL has no
 * entries, and changes nothing.
 */
struct acl {
	struct posix_acl_xattr_header head;
	struct posix_acl_xattr_entry entry[];
};

/* The mode bits that it stands for. */
mode_t acl_mode(const struct acl *acl, size_t size);

/* The entries that the mode stands for are as it says. */
void acl_tell(struct acl *acl, size_t size, mode_t mode);

/* The owner's entry lets him do that at least. */
void acl_give_owner(struct acl *acl, size_t size, unsigned perm);

/*
 * vu_permits() of an object that has this access ACL. The entries that the
 * mode stands for are taken from *st.
 */
int acl_permits(const struct vu_ctx *ctx, const struct acl *acl, size_t size,
		const struct stat *st, int want);

/* Does it matter for that caller? Else vu_permits() says all. */
bool acl_matters(const struct vu_ctx *ctx, const struct stat *st);

/*
 * The ACL of a descriptor's object (O_PATH will do), to be freed, or NULL:
 * it has none, or there is no memory for it. name: XATTR_NAME_POSIX_ACL_...
 */
struct acl *acl_of(int fd, const char *name, size_t *size);

#endif
