/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef STORE_ORIG_H
#define STORE_ORIG_H

#include "store/store.h"

/*
 * What the target's objects were when the store began to make a difference to
 * them: .vufs/orig, one line for each, only added to.
 *
 *	orig /PATH INO SIZE MTIME CTIME
 *
 * Nobody needs it to show a view. It is for whoever wants to carry the
 * differences over to the target, and has to know whether that is still what
 * they were made of.
 */
struct store_orig {
	const char *path;	/* the target's own name of it */
	uint64_t ino, size;
	struct timespec mtime, ctime;
};

/*
 * The last line of a path counts: then it was seen as it is, before that once
 * more. Return: 0, what each() returned, or -errno
 */
int store_each_orig(struct store *s,
		    int (*each)(void *arg, const struct store_orig *o),
		    void *arg);

/* Is the target's object still what it was? */
bool store_orig_is(const struct store_orig *o, const struct stat *st);

/*
 * For the store itself, with the change lock held: what the target has is
 * about to be seen no more at path, or otherwise. What cannot be noted is
 * not, and nothing fails.
 */
void orig_note(struct store *s, const char *path);
void orig_note_target(struct store *s, const char *origin,
		      const struct stat *st);

#endif
