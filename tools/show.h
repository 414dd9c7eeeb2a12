/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_SHOW_H
#define TOOLS_SHOW_H

#include <stdbool.h>
#include "tools/json.h"
#include "tools/model.h"
#include "tools/term.h"

/* One monitor as a tree; only its views and guests, or all there is. */
void show_tree(const struct term *term, const struct model *m,
	       bool guests_only);

/* One monitor as an object of the array that j stands in. */
void show_json(struct json *j, const struct model *m, bool guests_only);

#endif
