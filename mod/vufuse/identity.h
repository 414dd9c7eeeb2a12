/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_IDENTITY_H
#define VUFUSE_IDENTITY_H

#include <linux/capability.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * Who the thread was before it became the monitor itself again. An ordinary
 * user's monitor is never anybody else; a privileged one acts with the
 * file-system ids and capabilities of the guest it serves.
 */
struct identity {
	bool lent;
	uid_t fsuid;
	struct __user_cap_data_struct caps[2];
};

/* Become ourselves for a few calls that concern what is ours. */
void identity_ours(struct identity *was);
void identity_back(const struct identity *was);

#endif
