/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_HELD_H
#define SYS_HELD_H

#include "view/place.h"

/* What all guests have open, by number of device and inode, at one moment. */
struct held;

/* NULL: no memory; then everything counts as held. */
struct held *held_new(void);
bool held_has(const struct held *h, struct file_id id);
void held_free(struct held *h);

#endif
