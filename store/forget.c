/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <stdint.h>

#include "store/store_internal.h"

int store_open_own(const struct store *s, const char *path)
{
	return open_below(s->dir, path, O_PATH | O_NOFOLLOW);
}

/* The log tells of all names or of one: so it is written anew. */
int store_forget(struct store *s, const char *const *path, size_t n)
{
	size_t lines = s->lines;
	int err;

	change_begin(s);
	for (size_t i = 0; i < n; i++) {
		struct node *node = known_find(s->tree, path[i]);

		if (!node)
			continue;
		node_set_from(s->tree, node, NULL);
		if (!(node->flags & NODE_STORE))
			node_clear_attr(s->tree, node, ~0u);
		node->flags &= ~NODE_HIDE;
	}
	s->lines = SIZE_MAX;
	err = log_compact(s);
	if (err)
		s->lines = lines;
	change_end(s);
	return err;
}
