/* SPDX-License-Identifier: GPL-2.0-or-later */
/* User and group ids of a view's own. The monitor does all of it. */
#include "include/vu/module.h"

const struct vu_module vu_module = {
	.version = VU_MODULE_VERSION,
	.name = "unrealuidgid",
	.description = "users and groups of one's own: be root, or anybody",
	.keeps = VU_KEEP_IDS,
};
