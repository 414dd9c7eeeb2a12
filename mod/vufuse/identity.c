/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread that serves a guest of a privileged monitor has the guest's ids,
 * and not the right to change them: that is still among its permitted
 * capabilities, and is taken from there first. Without that right there would
 * be no way back, so nothing is done then. Raw calls: credentials are those
 * of one thread.
 */
#include "mod/vufuse/identity.h"

#include <stdint.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool set_caps(const struct __user_cap_data_struct caps[2])
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};

	return !syscall(SYS_capset, &head, caps);
}

static bool get_caps(struct __user_cap_data_struct caps[2])
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};

	return !syscall(SYS_capget, &head, caps);
}

void identity_ours(struct identity *was)
{
	struct __user_cap_data_struct all[2];
	uid_t ours = geteuid();

	was->lent = false;
	was->fsuid = setfsuid(-1);
	if (was->fsuid == ours || !get_caps(was->caps) ||
	    !(was->caps[0].permitted & 1u << CAP_SETUID))
		return;
	for (int i = 0; i < 2; i++) {
		all[i] = was->caps[i];
		all[i].effective = all[i].permitted;
	}
	if (!set_caps(all))
		return;
	setfsuid(ours);
	was->lent = true;
}

void identity_back(const struct identity *was)
{
	if (!was->lent)
		return;
	setfsuid(was->fsuid);
	set_caps(was->caps);
}
