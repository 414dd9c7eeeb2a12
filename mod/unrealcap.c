/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities of a view's own. The monitor does all of it. */
#include "include/vu/module.h"

const struct vu_module vu_module = {
	.version = VU_MODULE_VERSION,
	.name = "unrealcap",
	.description = "capabilities of one's own",
	.keeps = VU_KEEP_CAPS,
};
